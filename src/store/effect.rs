//! Rows of `effects` and `attempts`.
//!
//! Every write after a claim is guarded by the epoch that the claim returned: an attempt that was
//! overtaken (its process froze, its lease ended) changes nothing.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::conn::on;
use crate::kept::{self, kept};
use crate::{Claim, Conn, Span, Tx, dialect, narrowed};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::daemon::Lease;
use nexora_core::model::effect::{Attempt, Effect, EffectKind, EffectState, attempts, effects};
use nexora_core::model::run::runs;
use nexora_core::model::{ConnectionId, ContactId, EffectId, RunId};

/// Messages that came to a state within a quarter of an hour.
#[derive(Clone, Debug, PartialEq, Eq, diesel::QueryableByName)]
pub struct Quarter {
    #[diesel(sql_type = BigInt)]
    pub begins_at: Timestamp,
    #[diesel(sql_type = Text)]
    pub state: EffectState,
    #[diesel(sql_type = BigInt)]
    pub messages: i64,
}

pub fn insert(conn: &mut Conn, effect: &Effect) -> Result<()> {
    on!(conn, |c| diesel::insert_into(effects::table).values(effect).execute(c)).map(|_| ())
}

pub fn find(tx: &mut Tx, id: &EffectId) -> Result<Option<Effect>> {
    on!(tx.conn, |c| effects::table.find((tx.tenant, id)).select(Effect::as_select()).first(c).optional())
}

/// What a list of effects is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<EffectState>,
    pub run: Option<RunId>,
    pub connection: Option<ConnectionId>,
    pub span: Span,
    /// Part of the step, of the reason, or of what is asked for.
    pub search: Option<String>,
    pub before: Option<EffectId>,
    pub after: Option<EffectId>,
}

/// Lists a tenant's effects, newest first.
pub fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> Result<Vec<Effect>> {
    on!(tx.conn, |c| {
        let mut query = effects::table.filter(effects::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(state) = filter.state {
            query = query.filter(effects::state.eq(state));
        }
        if let Some(run) = &filter.run {
            query = query.filter(effects::run_id.eq(run));
        }
        if let Some(connection) = &filter.connection {
            query = query.filter(effects::connection_id.eq(connection));
        }
        narrowed!(
            query,
            effects,
            created_at,
            filter,
            "step || ' ' || coalesce(reason, '') || ' ' || request"
        );
        if let Some(before) = &filter.before {
            query = query.filter(effects::id.lt(before));
        }
        query.order(effects::id.desc()).limit(limit).select(Effect::as_select()).load(c)
    })
}

/// Returns every effect of a run, oldest first.
pub fn of_run(tx: &mut Tx, run: &RunId) -> Result<Vec<Effect>> {
    on!(tx.conn, |c| effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::run_id.eq(run))
        .order(effects::id)
        .select(Effect::as_select())
        .load(c))
}

/// Counts the effects that came to a state after one moment and until another, by kind. Uses `effects_done`.
pub fn count_settled(
    tx: &mut Tx,
    state: EffectState,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<(EffectKind, i64)>> {
    on!(tx.conn, |c| effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::settled_at.gt(from))
        .filter(effects::settled_at.le(until))
        .filter(effects::state.eq(state))
        .group_by(effects::kind)
        .select((effects::kind, diesel::dsl::count_star()))
        .load(c))
}

/// Counts the messages that were settled since a moment, by quarter of an hour and state: a day begins at a
/// quarter in every zone, so that days can be put together of them. Uses `effects_done`.
pub fn messages_by_quarter(tx: &mut Tx, since: Timestamp) -> Result<Vec<Quarter>> {
    let sql = format!(
        "SELECT settled_at / 900000 * 900000 AS begins_at, state, count(*) AS messages FROM effects
                WHERE tenant_id = $1 AND settled_at >= $2 AND kind IN ({}) GROUP BY 1, 2 ORDER BY 1, 2",
        message_kinds()
    );
    on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant).bind::<BigInt, _>(since)).load(c))
}

/// Returns the kinds of effects that send messages, as a list in SQL.
fn message_kinds() -> String {
    EffectKind::messages().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ")
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Counts the messages that are not settled. Uses `effects_unsettled`: the kind is not in the condition,
/// since SQLite would then scan every message ever sent.
pub fn count_unsettled_messages(tx: &mut Tx) -> Result<i64> {
    let sql = format!(
        "SELECT coalesce(sum(CASE WHEN kind IN ({}) THEN 1 ELSE 0 END), 0) AS number FROM effects
                WHERE tenant_id = $1 AND settled_at IS NULL",
        message_kinds()
    );
    let rows: Vec<Number> =
        on!(tx.conn, |c| kept(diesel::sql_query(sql).bind::<Text, _>(tx.tenant)).load(c))?;
    Ok(rows.first().map_or(0, |row| row.number))
}

/// Lists the effects that came to nothing in a span of time, oldest first. Uses `effects_done`.
pub fn undone_between(tx: &mut Tx, (from, until): (Timestamp, Timestamp), limit: i64) -> Result<Vec<Effect>> {
    on!(tx.conn, |c| effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::settled_at.ge(from))
        .filter(effects::settled_at.lt(until))
        .filter(effects::state.ne(EffectState::Delivered))
        .order(effects::settled_at)
        .limit(limit)
        .select(Effect::as_select())
        .load(c))
}

/// Lists the effects that are not settled, oldest first, those of one connection where it is given. Uses
/// `effects_unsettled`.
pub fn unsettled(tx: &mut Tx, connection: Option<&ConnectionId>, limit: i64) -> Result<Vec<Effect>> {
    // SQLite takes a partial index only where the query says its condition in so many words.
    on!(tx.conn, |c| {
        let mut query = effects::table
            .filter(effects::tenant_id.eq(tx.tenant))
            .filter(effects::settled_at.is_null())
            .into_boxed();
        if let Some(connection) = connection {
            query = query.filter(effects::connection_id.eq(connection));
        }
        query.order(effects::id).limit(limit).select(Effect::as_select()).load(c)
    })
}

/// Tells whether anything was ever promised through a connection. Uses `effects_by_connection`.
pub fn any_through(tx: &mut Tx, connection: &ConnectionId) -> Result<bool> {
    let through =
        effects::table.filter(effects::tenant_id.eq(tx.tenant)).filter(effects::connection_id.eq(connection));
    on!(tx.conn, |c| diesel::select(diesel::dsl::exists(through)).get_result(c))
}

/// Has another connection carry an effect that is not begun; it is due at once, from the beginning.
pub fn move_to(tx: &mut Tx, effect: &Effect, connection: &ConnectionId, now: Timestamp) -> Result<Claim> {
    let unchanged = effects::table
        .find((tx.tenant, &effect.id))
        .filter(effects::epoch.eq(effect.epoch))
        .filter(effects::lease_until.is_null());
    let update = diesel::update(unchanged).set((
        effects::connection_id.eq(connection),
        effects::state.eq(EffectState::Pending),
        effects::reason.eq(None::<String>),
        effects::evidence.eq(None::<Json>),
        effects::attempt.eq(0),
        effects::due_at.eq(Some(now)),
        effects::epoch.eq(effect.epoch + 1),
    ));
    on!(tx.conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Lists the messages that wait, those first that are due first. Uses `effects_due_by_tenant`.
pub fn waiting_messages(tx: &mut Tx, limit: i64) -> Result<Vec<Effect>> {
    on!(tx.conn, |c| effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::due_at.is_not_null())
        .filter(effects::kind.eq_any(EffectKind::messages()))
        .order((effects::due_at, effects::id))
        .limit(limit)
        .select(Effect::as_select())
        .load(c))
}

/// Lists the effects that send a message, latest first. Uses `effects_by_kind`.
pub fn latest_messages(tx: &mut Tx, limit: i64) -> Result<Vec<Effect>> {
    on!(tx.conn, |c| effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::kind.eq_any(EffectKind::messages()))
        .order(effects::id.desc())
        .limit(limit)
        .select(Effect::as_select())
        .load(c))
}

/// Begins an attempt, unless the row was written since `effect` was read. On success the row has the
/// next epoch and attempt, and no other process may take it before the lease ends.
pub fn claim(conn: &mut Conn, effect: &Effect, lease: &Lease) -> Result<Claim> {
    let unchanged = effects::table
        .find((&effect.tenant_id, &effect.id))
        .filter(effects::epoch.eq(effect.epoch))
        .filter(effects::due_at.is_not_null());
    let update = kept::update(unchanged).set((
        effects::state.eq(EffectState::Leased),
        effects::attempt.eq(effect.attempt + 1),
        effects::epoch.eq(effect.epoch + 1),
        effects::due_at.eq(None::<Timestamp>),
        effects::lease_until.eq(lease.until),
        effects::leased_by.eq(&lease.holder),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Notes evidence in mid-attempt and prolongs the lease.
pub fn note_evidence(
    conn: &mut Conn,
    effect: &Effect,
    evidence: &Json,
    lease_until: Timestamp,
) -> Result<Claim> {
    let mine = effects::table
        .find((&effect.tenant_id, &effect.id))
        .filter(effects::epoch.eq(effect.epoch))
        .filter(effects::state.eq(EffectState::Leased));
    let update =
        kept::update(mine).set((effects::evidence.eq(evidence), effects::lease_until.eq(lease_until)));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Prolongs the lease of an attempt that is under way.
pub fn prolong(conn: &mut Conn, effect: &Effect, lease_until: Timestamp) -> Result<Claim> {
    let mine = effects::table
        .find((&effect.tenant_id, &effect.id))
        .filter(effects::epoch.eq(effect.epoch))
        .filter(effects::state.eq(EffectState::Leased));
    let update = kept::update(mine).set(effects::lease_until.eq(lease_until));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Writes the effect's new state and ends the lease, unless it was written since `epoch`.
pub fn save(conn: &mut Conn, effect: &Effect, epoch: i64) -> Result<Claim> {
    let unchanged = effects::table.find((&effect.tenant_id, &effect.id)).filter(effects::epoch.eq(epoch));
    let update = kept::update(unchanged).set((
        effect,
        effects::epoch.eq(epoch + 1),
        effects::lease_until.eq(None::<Timestamp>),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Writes what came of an attempt and ends the lease, unless the row was written since `epoch`. What was noted in
/// mid-work stays as it is.
pub fn settle(conn: &mut Conn, effect: &Effect, epoch: i64) -> Result<Claim> {
    let unchanged = effects::table.find((&effect.tenant_id, &effect.id)).filter(effects::epoch.eq(epoch));
    let update = kept::update(unchanged).set((
        effects::state.eq(effect.state),
        effects::reason.eq(&effect.reason),
        effects::provider_id.eq(&effect.provider_id),
        effects::output.eq(&effect.output),
        effects::attempt.eq(effect.attempt),
        effects::due_at.eq(effect.due_at),
        effects::settled_at.eq(effect.settled_at),
        effects::unseen_since.eq(effect.unseen_since),
        effects::epoch.eq(epoch + 1),
        effects::lease_until.eq(None::<Timestamp>),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Puts off until a moment an effect that is due.
pub fn put_off(tx: &mut Tx, id: &EffectId, until: Timestamp) -> Result<()> {
    let due = effects::table.find((tx.tenant, id)).filter(effects::due_at.is_not_null());
    let update = kept::update(due).set(effects::due_at.eq(until));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Tells whether a run has an effect that is not settled.
pub fn any_unsettled(tx: &mut Tx, run: &RunId) -> Result<bool> {
    let unsettled = effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::run_id.eq(run))
        .filter(effects::settled_at.is_null());
    on!(tx.conn, |c| diesel::select(diesel::dsl::exists(unsettled)).get_result(c))
}

/// Returns the messages to a contact that are being sent or are in doubt.
/// Uses `runs_by_contact`.
pub fn under_way_to(tx: &mut Tx, contact: &ContactId) -> Result<Vec<Effect>> {
    on!(tx.conn, |c| effects::table
        .inner_join(runs::table.on(runs::tenant_id.eq(effects::tenant_id).and(runs::id.eq(effects::run_id))))
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(runs::contact_id.eq(contact))
        .filter(effects::kind.eq_any(EffectKind::messages()))
        .filter(effects::state.eq_any([EffectState::Leased, EffectState::InDoubt]))
        .select(Effect::as_select())
        .load(c))
}

/// Returns at most `limit` effects whose lease ended before `now`, by the index `effects_leased`.
pub fn expired_leases(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Effect>> {
    on!(conn, |c| effects::table
        .filter(effects::lease_until.le(now))
        .order((effects::lease_until, effects::id))
        .limit(limit)
        .select(Effect::as_select())
        .load(c))
}

/// Returns when the next lease ends, by the index `effects_leased`.
pub fn next_lease_end(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let ends = effects::table.filter(effects::lease_until.is_not_null());
    on!(conn, |c| ends.select(diesel::dsl::min(effects::lease_until)).first(c))
}

/// Makes every effect of a tenant due that is parked, whatever parked it; returns how many.
pub fn wake_all(tx: &mut Tx, now: Timestamp) -> Result<usize> {
    let parked = effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::due_at.is_null())
        .filter(effects::lease_until.is_null())
        .filter(effects::state.ne(EffectState::InDoubt))
        .filter(effects::settled_at.is_null());
    on!(tx.conn, |c| kept::update(parked).set(effects::due_at.eq(now)).execute(c))
}

/// Makes every effect due that a pause of its connection had parked; returns how many.
pub fn wake_parked(tx: &mut Tx, connection: &ConnectionId, now: Timestamp) -> Result<usize> {
    let parked = effects::table
        .filter(effects::tenant_id.eq(tx.tenant))
        .filter(effects::connection_id.eq(connection))
        .filter(effects::due_at.is_null())
        .filter(effects::lease_until.is_null())
        .filter(effects::settled_at.is_null());
    on!(tx.conn, |c| kept::update(parked).set(effects::due_at.eq(now)).execute(c))
}

pub fn insert_attempt(conn: &mut Conn, attempt: &Attempt) -> Result<()> {
    let insert = diesel::insert_into(attempts::table).values(attempt).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(|_| ())
}

/// Returns when an effect was first tried.
pub fn first_attempt(tx: &mut Tx, id: &EffectId) -> Result<Option<Timestamp>> {
    on!(tx.conn, |c| attempts::table
        .filter(attempts::tenant_id.eq(tx.tenant))
        .filter(attempts::effect_id.eq(id))
        .order(attempts::number.asc())
        .select(attempts::started_at)
        .first(c)
        .optional())
}

/// Returns the latest `limit` attempts of an effect, newest first.
pub fn attempts(tx: &mut Tx, id: &EffectId, limit: i64) -> Result<Vec<Attempt>> {
    on!(tx.conn, |c| attempts::table
        .filter(attempts::tenant_id.eq(tx.tenant))
        .filter(attempts::effect_id.eq(id))
        .order(attempts::number.desc())
        .limit(limit)
        .select(Attempt::as_select())
        .load(c))
}

/// Holds back other settlements of the same run, so that exactly one of them sees itself as last.
pub fn lock_run(conn: &mut Conn, run: &RunId) -> Result<()> {
    dialect::lock(conn, run.as_str())
}
