//! Copying a tenant's rows into an empty SQLite database, so that what happens there changes nothing here.
//!
//! Rows are copied as they are, in the order of their references, and none of them is due in the copy.
//! Passwords, credentials, keys, sessions and photos stay behind.

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;

use crate::Conn;
use crate::conn::on;
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;
use nexora_core::model::appointment::{Appointment, appointments};
use nexora_core::model::automation::{Automation, Version, automation_versions, automations};
use nexora_core::model::connection::{Connection, connections};
use nexora_core::model::consent::{Consent, Suppression, consents, suppressions};
use nexora_core::model::contact::{Contact, ContactAddress, contact_addresses, contacts};
use nexora_core::model::cursor::{Cursor, cursors};
use nexora_core::model::effect::{Effect, effects};
use nexora_core::model::event::{Event, events};
use nexora_core::model::form::{ConsentText, Form, forms, wordings};
use nexora_core::model::job::{Job, jobs};
use nexora_core::model::lead::{Lead, leads};
use nexora_core::model::message::{Message, messages};
use nexora_core::model::run::{Run, runs};
use nexora_core::model::task::{Task, tasks};
use nexora_core::model::tenant::{Tenant, tenants};
use nexora_core::model::user::{Membership, User, memberships, users};

/// How much of a tenant is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Its customers, what it set up, and the users who may act for it.
    Records,
    /// Also the events that arrived, what came of them, and how far connections were read.
    History,
}

/// Copies a tenant from one database to another, as one transaction.
///
/// # Errors
/// `Internal` when the target is not SQLite, `Conflict` when it has the tenant already.
pub fn tenant(from: &mut Conn, to: &mut Conn, tenant: &TenantId, contents: Contents) -> Result<()> {
    to.transaction(|to| {
        let Conn::Sqlite(to) = to else {
            return Err(Error::internal("a tenant is copied to SQLite only"));
        };
        setup(from, to, tenant)?;
        customers(from, to, tenant)?;
        match contents {
            Contents::Records => Ok(()),
            Contents::History => history(from, to, tenant),
        }
    })
}

/// Copies the rows of one table for which `$own` holds, each after `$change`, as they are read.
macro_rules! copy {
    ($from:ident, $to:ident, $table:ident, $row:ident, $own:expr) => {
        copy!($from, $to, $table, $row, $own, std::convert::identity)
    };
    ($from:ident, $to:ident, $table:ident, $row:ident, $own:expr, $change:expr) => {
        on!($from, |c| {
            let own = $table::table.filter($own).select($row::as_select());
            own.load_iter::<$row, DefaultLoadingMode>(c).and_then(|mut rows| {
                rows.try_for_each(|row| {
                    let row = row.map($change)?;
                    diesel::insert_into($table::table).values(&row).execute($to).map(|_| ())
                })
            })
        })
    };
}

fn setup(from: &mut Conn, to: &mut SqliteConnection, tenant: &TenantId) -> Result<()> {
    copy!(from, to, tenants, Tenant, tenants::id.eq(tenant))?;
    let members = memberships::table.filter(memberships::tenant_id.eq(tenant)).select(memberships::user_id);
    let acting = users::operator.eq(true).or(users::id.eq_any(members));
    copy!(from, to, users, User, acting, |user| User { password_hash: None, ..user })?;
    copy!(from, to, memberships, Membership, memberships::tenant_id.eq(tenant))?;
    let own = connections::tenant_id.eq(tenant);
    copy!(from, to, connections, Connection, own, |connection| Connection { sealed: None, ..connection })?;
    let own = forms::tenant_id.eq(tenant);
    copy!(from, to, forms, Form, own, |form| Form { turnstile_sealed: None, ..form })?;
    copy!(from, to, wordings, ConsentText, wordings::tenant_id.eq(tenant))?;
    copy!(from, to, automations, Automation, automations::tenant_id.eq(tenant))?;
    copy!(from, to, automation_versions, Version, automation_versions::tenant_id.eq(tenant))
}

fn customers(from: &mut Conn, to: &mut SqliteConnection, tenant: &TenantId) -> Result<()> {
    copy!(from, to, contacts, Contact, contacts::tenant_id.eq(tenant))?;
    copy!(from, to, contact_addresses, ContactAddress, contact_addresses::tenant_id.eq(tenant))?;
    copy!(from, to, consents, Consent, consents::tenant_id.eq(tenant))?;
    copy!(from, to, suppressions, Suppression, suppressions::tenant_id.eq(tenant))?;
    copy!(from, to, leads, Lead, leads::tenant_id.eq(tenant))?;
    copy!(from, to, jobs, Job, jobs::tenant_id.eq(tenant))?;
    copy!(from, to, tasks, Task, tasks::tenant_id.eq(tenant))?;
    copy!(from, to, appointments, Appointment, appointments::tenant_id.eq(tenant))?;
    copy!(from, to, messages, Message, messages::tenant_id.eq(tenant))
}

fn history(from: &mut Conn, to: &mut SqliteConnection, tenant: &TenantId) -> Result<()> {
    copy!(from, to, events, Event, events::tenant_id.eq(tenant), |event| Event { due_at: None, ..event })?;
    copy!(from, to, runs, Run, runs::tenant_id.eq(tenant), |run| Run { due_at: None, ..run })?;
    let own = effects::tenant_id.eq(tenant);
    copy!(from, to, effects, Effect, own, |effect| Effect { due_at: None, lease_until: None, ..effect })?;
    let own = cursors::tenant_id.eq(tenant);
    copy!(from, to, cursors, Cursor, own, |cursor| Cursor { due_at: None, lease_until: None, ..cursor })
}
