//! What operators and owners are shown of a tenant's work.

pub mod activity;
pub mod books;
pub mod dashboard;
pub mod explain;
pub mod message;
pub mod overview;
pub mod status;
pub mod survey;
