//! Digests, books, and what an operator should look at.

pub mod audit;
pub mod backup;
pub mod books;
pub mod certificate;
pub mod digest;
pub mod health;
