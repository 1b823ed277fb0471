//! Decisions: what a definition means, what a run does next, when to try again.
//!
//! Nothing here waits, reads a clock or touches a row: values go in and values come out.

pub mod ability;
pub mod action;
pub mod context;
pub mod definition;
pub mod demand;
pub mod enquiry;
pub mod hours;
pub mod plan;
pub mod render;
pub mod retry;
pub mod route;
pub mod setting;
