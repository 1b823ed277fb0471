//! The nouns: plain data and their states. No rows are read here, no decisions are taken.
//!
//! A table is declared beside the struct of its rows, which is read and written by the names of the columns.
//! A field with `skip_update` stays as it was inserted, or has a statement of its own in `store`.

pub mod address;
pub mod alert;
pub mod appointment;
pub mod audit;
pub mod automation;
pub mod calendar_entry;
pub mod change;
pub mod connection;
pub mod connector;
pub mod consent;
pub mod contact;
pub mod country;
pub mod cursor;
pub mod daemon;
pub mod effect;
pub mod erasure;
pub mod event;
pub mod finding;
pub mod form;
pub mod google;
pub mod hours;
pub mod job;
pub mod language;
pub mod lead;
pub mod mail;
pub mod message;
pub mod outbound;
pub mod outcome;
pub mod panel;
pub mod password_link;
pub mod phone;
pub mod principal;
pub mod quota;
pub mod record;
pub mod request;
pub mod restore;
pub mod retention;
pub mod run;
pub mod schedule;
pub mod session;
pub mod setting;
pub mod sheet;
pub mod sign_in;
pub mod slot;
pub mod source;
pub mod task;
pub mod tenant;
pub mod tenant_deletion;
pub mod tenant_setting;
pub mod user;
pub mod verdict;

use crate::base::id::define_ids;
use crate::model::automation::automations;
use crate::model::contact::{contact_addresses, contacts};
use crate::model::effect::effects;
use crate::model::event::events;
use crate::model::form::photos;
use crate::model::job::jobs;
use crate::model::lead::leads;
use crate::model::message::messages;
use crate::model::run::runs;
use crate::model::session::sessions;
use crate::model::sign_in::sign_ins;
use crate::model::task::tasks;
use crate::model::tenant::tenants;
use crate::model::user::{memberships, users};

// The tables that queries join.
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(memberships -> tenants (tenant_id));
diesel::allow_tables_to_appear_in_same_query!(contact_addresses, contacts);
diesel::allow_tables_to_appear_in_same_query!(jobs, leads, photos, tasks);
diesel::allow_tables_to_appear_in_same_query!(memberships, sessions, sign_ins, tenants, users);
diesel::allow_tables_to_appear_in_same_query!(automations, effects, events, leads, messages, runs);

define_ids! {
    /// Names one tenant.
    TenantId = "tenant";
    /// Names one user.
    UserId = "user";
    /// Names one session of the status page.
    SessionId = "session";
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
    /// Names one contact of a tenant.
    ContactId = "contact";
    /// Names one message, in or out.
    MessageId = "msg";
    /// Names one cursor of a poll.
    CursorId = "cursor";
    /// Names one timer of a calendar entry.
    TimerId = "timer";
    /// Names one job of a tenant.
    JobId = "job";
    /// Names one task of a tenant.
    TaskId = "task";
    /// Names one appointment.
    AppointmentId = "appt";
    /// Names one record of consent.
    ConsentId = "consent";
    /// Names one photo that came with a lead.
    PhotoId = "photo";
    /// Names one schedule of an automation.
    ScheduleId = "sched";
    /// Names one source of leads.
    SourceId = "source";
    /// Names one notice of a lead that is to be fetched.
    NoticeId = "notice";
    /// Names one key of a program.
    KeyId = "key";
    /// Names one daemon: one process.
    DaemonId = "daemon";
    /// Names one receipt that a person was forgotten.
    ErasureId = "erasure";
    /// Names one alert to operators.
    AlertId = "alert";
    /// Names one company.
    CompanyId = "company";
    /// Names one restore of a backup.
    RestoreId = "restore";
}
