//! Decisions: what a definition means, what a run does next, when to try again.
//!
//! Nothing here waits, reads a clock or touches a row: values go in and values come out.

pub mod ability;
pub mod action;
pub mod authority;
pub mod cadence;
pub mod change;
pub mod check;
pub mod color;
mod column;
pub mod context;
pub mod definition;
pub mod demand;
pub mod diary;
pub mod enquiry;
pub mod figures;
pub mod gate;
pub mod hours;
pub mod lead_format;
pub mod lead_mail;
pub mod lockout;
pub mod mail;
pub mod mentioned;
pub mod pace;
pub mod photo;
pub mod place;
pub mod plain;
pub mod plan;
mod promise;
pub mod query;
pub mod quiet;
pub mod reference;
pub mod render;
pub mod retry;
pub mod route;
pub mod setting;
pub mod source;
pub mod spam;
pub mod table;
pub mod totp;
pub mod trigger;
