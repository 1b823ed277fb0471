//! Google's services as they are used here: one function for each method that is called, and the only
//! place that calls the generated clients.
//!
//! A client is made for each attempt, with the attempt's token: it is cheap, and which token was refused
//! is then known.

pub mod calendar;
pub mod drive;
pub mod gmail;
pub mod sheets;
