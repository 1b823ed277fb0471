//! The gate before a message, and the record of one that was sent.

pub mod author;
pub mod bounce;
pub mod gate;
pub mod sent;
