//! What every part of Nexora stands on: errors, clock, ids and secrets (`base`), and the nouns (`model`).

pub mod base;
pub mod model;
