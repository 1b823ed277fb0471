//! Versions, runs and the events that start and end them.

pub mod change;
pub mod fact;
pub mod restored;
pub mod run_facts;
pub mod run_rows;
pub mod shared;
pub mod stop;
pub mod version;
