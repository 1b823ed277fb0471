//! Rows of `events`.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use crate::conn::on;
use crate::kept;
use crate::{Claim, Conn, Inserted, Span, Tx, Whose, dialect, narrowed, of_source, whose};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::event::{Event, EventKind, EventState, events};
use nexora_core::model::lead::leads;
use nexora_core::model::run::runs;
use nexora_core::model::{ContactId, EventId, TenantId};

/// Inserts the event, unless one with its dedupe key arrived before.
pub fn insert(conn: &mut Conn, event: &Event) -> Result<Inserted> {
    let insert = diesel::insert_into(events::table).values(event).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Holds a dedupe key until the transaction ends: another copy of the same waits, and finds this one.
pub fn hold_key(tx: &mut Tx, key: &str) -> Result<()> {
    let tenant = tx.tenant;
    dialect::lock(tx.conn, &format!("event|{tenant}|{key}"))
}

pub fn find(tx: &mut Tx, id: &EventId) -> Result<Option<Event>> {
    on!(tx.conn, |c| events::table.find((tx.tenant, id)).select(Event::as_select()).first(c).optional())
}

pub fn find_by_dedupe_key(tx: &mut Tx, key: &str) -> Result<Option<Event>> {
    on!(tx.conn, |c| events::table
        .filter(events::tenant_id.eq(tx.tenant))
        .filter(events::dedupe_key.eq(key))
        .select(Event::as_select())
        .first(c)
        .optional())
}

/// What a list of events is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<EventKind>,
    pub state: Option<EventState>,
    pub span: Span,
    /// Only what is about people who came by this source of leads.
    pub source: Option<String>,
    /// Part of what it says, or of the reason.
    pub search: Option<String>,
    pub before: Option<EventId>,
    pub after: Option<EventId>,
}

/// Lists a tenant's events, latest first.
pub fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> Result<Vec<Event>> {
    let lead_of = dialect::lead_of_event(tx.conn);
    on!(tx.conn, |c| {
        let mut query = events::table.filter(events::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(events::kind.eq(kind));
        }
        if let Some(state) = filter.state {
            query = query.filter(events::state.eq(state));
        }
        let lead_of = diesel::dsl::sql::<Nullable<Text>>(lead_of);
        of_source!(query, events, lead_of, tx, filter);
        narrowed!(query, events, received_at, filter, "payload || ' ' || coalesce(reason, '')");
        if let Some(before) = &filter.before {
            query = query.filter(events::id.lt(before));
        }
        query.order(events::id.desc()).limit(limit).select(Event::as_select()).load(c)
    })
}

/// Counts, up to a few, the events whose dedupe key begins so. Uses the unique index of the keys.
pub fn count_keys(tx: &mut Tx, prefix: &str) -> Result<i64> {
    const FEW: i64 = 20;
    // No key goes on with what comes after every letter and digit.
    let end = format!("{prefix}~");
    let found: Vec<EventId> = on!(tx.conn, |c| events::table
        .filter(events::tenant_id.eq(tx.tenant))
        .filter(events::dedupe_key.ge(prefix))
        .filter(events::dedupe_key.lt(&end))
        .order(events::dedupe_key)
        .limit(FEW)
        .select(events::id)
        .load(c))?;
    Ok(i64::try_from(found.len()).unwrap_or(FEW))
}

/// Settles what became of a pending event, unless another daemon has.
pub fn settle(tx: &mut Tx, id: &EventId, state: EventState, reason: Option<&str>) -> Result<Claim> {
    let pending = events::table.find((tx.tenant, id)).filter(events::state.eq(EventState::Pending));
    let update = kept::update(pending).set((
        events::state.eq(state),
        events::reason.eq(reason),
        events::due_at.eq(None::<Timestamp>),
    ));
    on!(tx.conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Lists the events that tell of leads and that dispatch has yet to look at, oldest first. Uses `events_due_by_tenant`.
pub fn pending_leads(tx: &mut Tx, limit: i64) -> Result<Vec<Event>> {
    on!(tx.conn, |c| events::table
        .filter(events::tenant_id.eq(tx.tenant))
        .filter(events::due_at.is_not_null())
        .filter(events::kind.eq(EventKind::LeadReceived))
        .order((events::due_at, events::id))
        .limit(limit)
        .select(Event::as_select())
        .load(c))
}

/// Lists the first events of a kind whose id comes after one. Uses `events_by_kind`.
pub fn of_kind_after(tx: &mut Tx, kind: EventKind, after: &EventId, limit: i64) -> Result<Vec<Event>> {
    on!(tx.conn, |c| events::table
        .filter(events::tenant_id.eq(tx.tenant))
        .filter(events::kind.eq(kind))
        .filter(events::id.gt(after))
        .order(events::id)
        .limit(limit)
        .select(Event::as_select())
        .load(c))
}

/// Lists the events whose dedupe key begins so, latest first. Uses the unique index of the keys.
pub fn with_key_prefix(tx: &mut Tx, prefix: &str, limit: i64) -> Result<Vec<Event>> {
    let end = format!("{prefix}~");
    on!(tx.conn, |c| events::table
        .filter(events::tenant_id.eq(tx.tenant))
        .filter(events::dedupe_key.ge(prefix))
        .filter(events::dedupe_key.lt(&end))
        .order(events::dedupe_key.desc())
        .limit(limit)
        .select(Event::as_select())
        .load(c))
}

/// Makes an event pending again that dispatch has looked at.
pub fn replay(tx: &mut Tx, id: &EventId, now: Timestamp) -> Result<Claim> {
    let settled = events::table.find((tx.tenant, id)).filter(events::state.ne(EventState::Pending));
    let update = kept::update(settled).set((
        events::state.eq(EventState::Pending),
        events::reason.eq(None::<String>),
        events::due_at.eq(Some(now)),
        events::attempt.eq(0),
    ));
    on!(tx.conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Deletes at most `limit` events that arrived before `before` and that no run refers to; returns
/// how many. Those of leads are kept with them. Uses `events_settled`.
pub fn prune(conn: &mut Conn, whose: &Whose, before: Timestamp, limit: i64) -> Result<usize> {
    let started =
        runs::table.filter(runs::tenant_id.eq(events::tenant_id)).filter(runs::event_id.eq(events::id));
    let old: Vec<(TenantId, EventId)> = on!(conn, |c| {
        let mut query = events::table
            .filter(events::due_at.is_null())
            .filter(events::received_at.lt(before))
            .filter(events::kind.ne(EventKind::LeadReceived))
            .filter(diesel::dsl::not(diesel::dsl::exists(started)))
            .into_boxed();
        whose!(query, events, whose);
        let query = query.order((events::received_at, events::id)).limit(limit);
        query.select((events::tenant_id, events::id)).load(c)
    })?;
    for (tenant, id) in &old {
        on!(conn, |c| diesel::delete(events::table.find((tenant, id))).execute(c))?;
    }
    Ok(old.len())
}

/// Puts a pending event off to `due_at`, with the reason, after a failed attempt.
pub fn postpone(tx: &mut Tx, id: &EventId, attempt: i32, reason: &str, due_at: Timestamp) -> Result<()> {
    let pending = events::table.find((tx.tenant, id)).filter(events::state.eq(EventState::Pending));
    let update = kept::update(pending).set((
        events::attempt.eq(attempt),
        events::reason.eq(reason),
        events::due_at.eq(Some(due_at)),
    ));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Tells whether something has arrived about a contact that dispatch has yet to look at; what it failed
/// at again and again is not waited for. Uses `events_pending_by_contact`.
pub fn any_pending_of(tx: &mut Tx, contact: &ContactId) -> Result<bool> {
    let pending = events::table
        .filter(events::tenant_id.eq(tx.tenant))
        .filter(events::contact_id.eq(contact))
        .filter(events::attempt.lt(3))
        .filter(events::due_at.is_not_null());
    on!(tx.conn, |c| diesel::select(diesel::dsl::exists(pending)).get_result(c))
}

/// Lists what arrived in a span of time, oldest first.
pub fn between(tx: &mut Tx, (from, until): (Timestamp, Timestamp), limit: i64) -> Result<Vec<Event>> {
    on!(tx.conn, |c| events::table
        .filter(events::tenant_id.eq(tx.tenant))
        .filter(events::received_at.ge(from))
        .filter(events::received_at.lt(until))
        .order(events::id)
        .limit(limit)
        .select(Event::as_select())
        .load(c))
}
