//! What stages and operations share about leads.

pub mod identity;
pub mod told;
