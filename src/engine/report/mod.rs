//! Sums and words of pages and digests.

pub mod color;
pub mod owner_words;
pub mod statistics;
