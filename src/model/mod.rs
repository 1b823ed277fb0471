//! The nouns: plain data and their states. No rows are read here, no decisions are taken.
//!
//! The structs that rows are loaded into list their fields in the order of the table's columns.

pub mod address;
pub mod audit;
pub mod automation;
pub mod connection;
pub mod effect;
pub mod event;
pub mod lead;
pub mod outcome;
pub mod quota;
pub mod run;
pub mod tenant;
pub mod user;

use crate::base::id::define_ids;

define_ids! {
    /// Names one tenant.
    TenantId = "tenant";
    /// Names one user.
    UserId = "user";
    /// Names one connection of a tenant.
    ConnectionId = "conn";
    /// Names one lead.
    LeadId = "lead";
    /// Names one event.
    EventId = "event";
    /// Names one automation of a tenant.
    AutomationId = "auto";
    /// Names one run.
    RunId = "run";
    /// Names one effect.
    EffectId = "effect";
}
