//! What stages and operations both do with a tenant's records: each function reads and writes rows and decides by
//! `nexora_engine`. No stage is here, and nothing here waits.

pub mod alert;
pub mod automation;
pub mod calendar;
pub mod connection;
pub mod contact;
pub mod lead;
pub mod message;
pub mod record;
pub mod report;
pub mod retention;

/// Connections that one tenant can have at most.
pub const CONNECTION_LIMIT: i64 = 200;

/// Automations that one tenant can have enabled at most.
pub const AUTOMATION_LIMIT: i64 = 500;
