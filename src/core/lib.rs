//! What every other member stands on: errors, clock, ids and secrets (`base`), and the nouns (`model`).

pub mod base;
pub mod model;
