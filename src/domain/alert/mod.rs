//! How operators are told of troubles: by the configuration's own relay and webhook, and by no tenant's connection.

pub mod message;
pub mod way;
