//! Sums and words of pages and digests.

pub mod alerting;
pub mod arrival;
pub mod color;
pub mod owner_words;
pub mod statistics;
