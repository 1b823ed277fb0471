//! What everything else stands on: error kinds, the clock, identifiers, secret values.
//!
//! Nothing here knows what Nexora is for, and nothing here uses another module of ours.

pub mod clock;
pub mod error;
mod failure;
pub mod fence;
pub mod file;
pub mod id;
pub mod mac;
pub mod money;
pub mod secret;
pub mod text;
pub mod token;
pub mod wording;

pub use error::{Error, Kind, Result};
