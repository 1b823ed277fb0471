//! Decisions about records: which ones a filter means, and what the columns of a file hold.

pub mod filter;
