//! What operators and owners are shown of a tenant's work.

pub mod activity;
pub mod audit;
pub mod books;
pub mod dashboard;
pub mod explain;
pub mod gauges;
pub mod message;
pub mod overview;
pub mod retention;
pub mod status;
pub mod survey;
