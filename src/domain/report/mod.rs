//! Digests, and what an operator should look at.

pub mod digest;
pub mod health;
