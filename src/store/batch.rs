//! The rows of a sweep, read and written by one statement for all.
//!
//! What a statement does for each row goes with it as one value, JSON, of which the database makes rows. On PostgreSQL
//! this saves a round trip for each row.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;

use crate::conn::on;
use crate::kept::kept;
use crate::{Conn, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::daemon::Lease;
use nexora_core::model::effect::{Effect, effects};
use nexora_core::model::event::{Event, events};
use nexora_core::model::run::{Run, Step, runs, steps};
use nexora_core::model::{EffectId, EventId, RunId, TenantId};

/// A row of a tenant.
pub type Key<I> = (TenantId, I);

#[derive(Serialize)]
struct Named<'a, I> {
    tenant_id: &'a TenantId,
    id: &'a I,
}

const NAMED: [(&str, &str); 2] = [("tenant_id", "text"), ("id", "text")];

fn named<I: Serialize>(keys: &[Key<I>]) -> Result<Json> {
    Json::of(&keys.iter().map(|(tenant_id, id)| Named { tenant_id, id }).collect::<Vec<_>>())
}

/// Reads the rows of a table whose tenant and `$column` are among the keys.
macro_rules! among {
    ($conn:expr, $table:ident, $row:ty, $column:literal, $order:expr, $keys:expr) => {{
        let (before, after) = dialect::given($conn, &NAMED);
        let condition = format!(
            concat!("(tenant_id, ", $column, ") IN (SELECT given.tenant_id, given.id FROM {}"),
            before
        );
        let condition = diesel::dsl::sql::<diesel::sql_types::Bool>(&condition)
            .bind::<Text, _>(named($keys)?)
            .sql(&format!("{after})"));
        on!($conn, |c| kept($table::table.filter(condition).order($order).select(<$row>::as_select()))
            .load(c))
    }};
}

fn by_key<I: Hash + Eq, R>(rows: Vec<R>, key: impl Fn(&R) -> Key<I>) -> HashMap<Key<I>, R> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

fn grouped<I: Hash + Eq, R>(rows: Vec<R>, key: impl Fn(&R) -> Key<I>) -> HashMap<Key<I>, Vec<R>> {
    let mut groups: HashMap<Key<I>, Vec<R>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

pub fn events(conn: &mut Conn, keys: &[Key<EventId>]) -> Result<HashMap<Key<EventId>, Event>> {
    let found: Vec<Event> = among!(conn, events, Event, "id", events::id, keys)?;
    Ok(by_key(found, |event| (event.tenant_id.clone(), event.id.clone())))
}

pub fn runs(conn: &mut Conn, keys: &[Key<RunId>]) -> Result<HashMap<Key<RunId>, Run>> {
    let found: Vec<Run> = among!(conn, runs, Run, "id", runs::id, keys)?;
    Ok(by_key(found, |run| (run.tenant_id.clone(), run.id.clone())))
}

pub fn effects(conn: &mut Conn, keys: &[Key<EffectId>]) -> Result<HashMap<Key<EffectId>, Effect>> {
    let found: Vec<Effect> = among!(conn, effects, Effect, "id", effects::id, keys)?;
    Ok(by_key(found, |effect| (effect.tenant_id.clone(), effect.id.clone())))
}

/// Returns the journals of runs, each in order.
pub fn journals(conn: &mut Conn, keys: &[Key<RunId>]) -> Result<HashMap<Key<RunId>, Vec<Step>>> {
    let found: Vec<Step> = among!(conn, steps, Step, "run_id", steps::position, keys)?;
    Ok(grouped(found, |step| (step.tenant_id.clone(), step.run_id.clone())))
}

/// Returns every effect of runs, those of each oldest first.
pub fn effects_of_runs(conn: &mut Conn, keys: &[Key<RunId>]) -> Result<HashMap<Key<RunId>, Vec<Effect>>> {
    let found: Vec<Effect> = among!(conn, effects, Effect, "run_id", effects::id, keys)?;
    Ok(grouped(found, |effect| (effect.tenant_id.clone(), effect.run_id.clone())))
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    tenant_id: TenantId,
    #[diesel(sql_type = Text)]
    id: String,
}

fn keys_of<I: Hash + Eq>(written: Vec<Written>, parse: fn(&str) -> Result<I>) -> Result<HashSet<Key<I>>> {
    written.into_iter().map(|row| Ok((row.tenant_id, parse(&row.id)?))).collect()
}

/// An effect as it becomes by a claim or a settlement, guarded by the epoch that was read.
#[derive(Serialize)]
struct EffectRow<'a> {
    tenant_id: &'a str,
    id: &'a str,
    read_epoch: i64,
    state: &'a str,
    reason: Option<&'a str>,
    provider_id: Option<&'a str>,
    output: Option<&'a str>,
    attempt: i32,
    due_at: Option<i64>,
    settled_at: Option<i64>,
    unseen_since: Option<i64>,
}

const EFFECT_COLUMNS: [(&str, &str); 11] = [
    ("tenant_id", "text"),
    ("id", "text"),
    ("read_epoch", "bigint"),
    ("state", "text"),
    ("reason", "text"),
    ("provider_id", "text"),
    ("output", "text"),
    ("attempt", "integer"),
    ("due_at", "bigint"),
    ("settled_at", "bigint"),
    ("unseen_since", "bigint"),
];

/// Begins an attempt of each, unless its row was written since it was read; returns those that were begun. Their rows
/// have the next epoch and attempt, and no other process may take them before the lease ends.
pub fn claim(conn: &mut Conn, wanted: &[&Effect], lease: &Lease) -> Result<HashSet<Key<EffectId>>> {
    let rows: Vec<_> = wanted.iter().map(|effect| effect_row(effect, effect.epoch)).collect();
    let (before, after) = dialect::given(conn, &EFFECT_COLUMNS[..3]);
    let sql = format!(
        "UPDATE effects SET state = 'leased', attempt = effects.attempt + 1, epoch = effects.epoch + 1, due_at = NULL,
                lease_until = $1, leased_by = $2
           FROM {before}$3{after}
          WHERE effects.tenant_id = given.tenant_id AND effects.id = given.id
            AND effects.epoch = given.read_epoch AND effects.due_at IS NOT NULL
         RETURNING effects.tenant_id, effects.id"
    );
    let update = kept(
        diesel::sql_query(sql)
            .bind::<BigInt, _>(lease.until)
            .bind::<Text, _>(&lease.holder)
            .bind::<Text, _>(Json::of(&rows)?),
    );
    keys_of(on!(conn, |c| update.load(c))?, EffectId::parse)
}

/// Puts off until a moment those of the effects that are due.
pub fn put_off(conn: &mut Conn, keys: &[Key<EffectId>], until: Timestamp) -> Result<()> {
    let (before, after) = dialect::given(conn, &NAMED);
    let sql = format!(
        "UPDATE effects SET due_at = $1 FROM {before}$2{after}
          WHERE effects.tenant_id = given.tenant_id AND effects.id = given.id AND effects.due_at IS NOT NULL"
    );
    let update = kept(diesel::sql_query(sql).bind::<BigInt, _>(until).bind::<Text, _>(named(keys)?));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Writes what came of attempts and ends their leases, each unless its row was written since the epoch beside it;
/// returns those that were written. What was noted in mid-work stays as it is.
pub fn settle(conn: &mut Conn, settled_ones: &[(&Effect, i64)]) -> Result<HashSet<Key<EffectId>>> {
    let rows: Vec<_> = settled_ones.iter().map(|(effect, epoch)| effect_row(effect, *epoch)).collect();
    let (before, after) = dialect::given(conn, &EFFECT_COLUMNS);
    let sql = format!(
        "UPDATE effects SET state = given.state, reason = given.reason, provider_id = given.provider_id,
                output = given.output, attempt = given.attempt, due_at = given.due_at,
                settled_at = given.settled_at, unseen_since = given.unseen_since, epoch = given.read_epoch + 1,
                lease_until = NULL
           FROM {before}$1{after}
          WHERE effects.tenant_id = given.tenant_id AND effects.id = given.id
            AND effects.epoch = given.read_epoch
         RETURNING effects.tenant_id, effects.id"
    );
    let update = kept(diesel::sql_query(sql).bind::<Text, _>(Json::of(&rows)?));
    keys_of(on!(conn, |c| update.load(c))?, EffectId::parse)
}

fn effect_row(effect: &Effect, read_epoch: i64) -> EffectRow<'_> {
    EffectRow {
        tenant_id: effect.tenant_id.as_str(),
        id: effect.id.as_str(),
        read_epoch,
        state: effect.state.name(),
        reason: effect.reason.as_deref(),
        provider_id: effect.provider_id.as_deref(),
        output: effect.output.as_ref().map(Json::as_str),
        attempt: effect.attempt,
        due_at: effect.due_at.map(Timestamp::millis),
        settled_at: effect.settled_at.map(Timestamp::millis),
        unseen_since: effect.unseen_since.map(Timestamp::millis),
    }
}

/// A run as it becomes, guarded by the epoch that was read.
#[derive(Serialize)]
struct RunRow<'a> {
    tenant_id: &'a str,
    id: &'a str,
    read_epoch: i64,
    state: &'a str,
    position: i32,
    reason: Option<&'a str>,
    due_at: Option<i64>,
    attempt: i32,
    finished_at: Option<i64>,
}

const RUN_COLUMNS: [(&str, &str); 9] = [
    ("tenant_id", "text"),
    ("id", "text"),
    ("read_epoch", "bigint"),
    ("state", "text"),
    ("position", "integer"),
    ("reason", "text"),
    ("due_at", "bigint"),
    ("attempt", "integer"),
    ("finished_at", "bigint"),
];

/// Writes the new states of runs, each unless another writer changed it since the epoch beside it was read; returns
/// those that were written.
pub fn save_runs(conn: &mut Conn, moved: &[(&Run, i64)]) -> Result<HashSet<Key<RunId>>> {
    let rows = moved.iter().map(|(run, read_epoch)| RunRow {
        tenant_id: run.tenant_id.as_str(),
        id: run.id.as_str(),
        read_epoch: *read_epoch,
        state: run.state.name(),
        position: run.position,
        reason: run.reason.as_deref(),
        due_at: run.due_at.map(Timestamp::millis),
        attempt: run.attempt,
        finished_at: run.finished_at.map(Timestamp::millis),
    });
    let rows = Json::of(&rows.collect::<Vec<_>>())?;
    let (before, after) = dialect::given(conn, &RUN_COLUMNS);
    let sql = format!(
        "UPDATE runs SET state = given.state, position = given.position, reason = given.reason, due_at = given.due_at,
                attempt = given.attempt, finished_at = given.finished_at, epoch = given.read_epoch + 1
           FROM {before}$1{after}
          WHERE runs.tenant_id = given.tenant_id AND runs.id = given.id AND runs.epoch = given.read_epoch
         RETURNING runs.tenant_id, runs.id"
    );
    let update = kept(diesel::sql_query(sql).bind::<Text, _>(rows));
    keys_of(on!(conn, |c| update.load(c))?, RunId::parse)
}

/// Makes each unfinished run due at `now` whose effects have all settled; returns how many. Settlements of one run
/// come one after the other, so that exactly one of them sees itself as last.
pub fn wake_settled(conn: &mut Conn, keys: &[Key<RunId>], now: Timestamp) -> Result<usize> {
    let names: Vec<&str> = keys.iter().map(|(_, run)| run.as_str()).collect();
    dialect::lock_all(conn, &names)?;
    let (before, after) = dialect::given(conn, &NAMED);
    // `NOT EXISTS` would have PostgreSQL join with everything that is not settled.
    let sql = format!(
        "UPDATE runs SET due_at = $1 FROM {before}$2{after}
          WHERE runs.tenant_id = given.tenant_id AND runs.id = given.id AND runs.finished_at IS NULL
            AND (SELECT count(*) FROM effects WHERE effects.tenant_id = runs.tenant_id
                    AND effects.run_id = runs.id AND effects.settled_at IS NULL) = 0"
    );
    let update = kept(diesel::sql_query(sql).bind::<BigInt, _>(now).bind::<Text, _>(named(keys)?));
    on!(conn, |c| update.execute(c))
}
