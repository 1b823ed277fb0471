//! Decisions: what a definition means, what a run does next, when to try again.
//!
//! Nothing here waits, reads a clock or touches a row: values go in and values come out.

pub mod ability;
pub mod action;
pub mod address_zone;
mod argument;
pub mod authority;
pub mod check;
pub mod color;
mod column;
pub mod contact_extraction;
pub mod context;
pub mod cron;
pub mod definition;
pub mod demand;
pub mod diary;
pub mod enquiry;
pub mod figures;
pub mod gate;
pub mod hours;
pub mod lead_format;
pub mod lockout;
pub mod mail;
pub mod pace;
pub mod photo;
pub mod plain;
pub mod plan;
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
