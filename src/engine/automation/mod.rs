//! What an automation means and what its runs do next.

pub mod ability;
pub mod action;
mod argument;
pub mod check;
pub mod context;
pub mod definition;
pub mod plan;
pub mod reference;
pub mod render;
pub mod setting;
pub mod source_text;
pub mod trigger;
