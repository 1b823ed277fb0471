//! Rows of `events`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::event::{Event, EventKind, EventState};
use crate::model::{EventId, TenantId};
use crate::store::conn::on;
use crate::store::schema::events;
use crate::store::{Claim, Conn, Inserted};

/// Inserts the event, unless one with its dedupe key arrived before.
pub fn insert(conn: &mut Conn, event: &Event) -> Result<Inserted> {
    let row = (
        events::tenant_id.eq(&event.tenant_id),
        events::id.eq(&event.id),
        events::kind.eq(event.kind),
        events::dedupe_key.eq(&event.dedupe_key),
        events::payload.eq(&event.payload),
        events::state.eq(event.state),
        events::reason.eq(&event.reason),
        events::received_at.eq(event.received_at),
        events::due_at.eq(event.due_at),
        events::attempt.eq(event.attempt),
    );
    let insert = diesel::insert_into(events::table).values(row).on_conflict_do_nothing();
    on!(conn, c => insert.execute(c)).map(Inserted::from_count)
}

pub fn find(conn: &mut Conn, tenant: &TenantId, id: &EventId) -> Result<Option<Event>> {
    on!(conn, c => events::table.find((tenant, id)).first(c).optional())
}

pub fn find_by_dedupe_key(conn: &mut Conn, tenant: &TenantId, key: &str) -> Result<Option<Event>> {
    on!(conn, c => events::table
        .filter(events::tenant_id.eq(tenant))
        .filter(events::dedupe_key.eq(key))
        .first(c)
        .optional())
}

/// Lists a tenant's events of one kind, newest first.
pub fn list(conn: &mut Conn, tenant: &TenantId, kind: EventKind, limit: i64) -> Result<Vec<Event>> {
    on!(conn, c => events::table
        .filter(events::tenant_id.eq(tenant))
        .filter(events::kind.eq(kind))
        .order(events::id.desc())
        .limit(limit)
        .load(c))
}

/// Settles what became of a pending event, unless another daemon has.
pub fn settle(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &EventId,
    state: EventState,
    reason: Option<&str>,
) -> Result<Claim> {
    let pending = events::table.find((tenant, id)).filter(events::state.eq(EventState::Pending));
    let update = diesel::update(pending).set((
        events::state.eq(state),
        events::reason.eq(reason),
        events::due_at.eq(None::<Timestamp>),
    ));
    on!(conn, c => update.execute(c)).map(Claim::from_count)
}

/// Puts a pending event off to `due_at`, with the reason, after a failed attempt.
pub fn postpone(
    conn: &mut Conn,
    tenant: &TenantId,
    id: &EventId,
    attempt: i32,
    reason: &str,
    due_at: Timestamp,
) -> Result<()> {
    let pending = events::table.find((tenant, id)).filter(events::state.eq(EventState::Pending));
    let update = diesel::update(pending).set((
        events::attempt.eq(attempt),
        events::reason.eq(reason),
        events::due_at.eq(Some(due_at)),
    ));
    on!(conn, c => update.execute(c)).map(|_| ())
}
