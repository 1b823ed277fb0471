//! Decisions: what a definition means, what a run does next, when to try again.
//!
//! Nothing here waits, reads a clock or touches a row: values go in and values come out.

pub mod access;
pub mod automation;
pub mod calendar;
pub mod contact;
pub mod delivery;
pub mod lead;
pub mod message;
pub mod record;
pub mod report;
#[cfg(test)]
mod sample_connectors;
pub mod sheet;
