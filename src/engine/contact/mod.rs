//! Finding people and places in what was written.

pub mod address_zone;
pub mod contact_extraction;
pub mod first_name;
