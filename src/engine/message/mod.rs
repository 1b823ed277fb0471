//! Whether and by which way a message goes out, and what an incoming one says.

pub mod gate;
pub mod mail;
pub mod mail_domain;
pub mod query;
pub mod quiet;
pub mod route;
