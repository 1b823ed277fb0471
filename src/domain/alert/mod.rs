//! How operators are told of troubles, by the configuration's own relay and webhook and by no tenant's connection; and how
//! a user is written to.

pub mod letter;
pub mod message;
pub mod way;
