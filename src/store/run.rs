//! Rows of `runs` and `steps`.

use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::conn::on;
use crate::dialect::insert_all;
use crate::kept;
use crate::{Claim, Conn, Inserted, Span, Tx, Whose, narrowed, of_source, whose};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::effect::{attempts, effects};
use nexora_core::model::lead::leads;
use nexora_core::model::run::{Run, RunState, Step, runs, steps};
use nexora_core::model::verdict::verdicts;
use nexora_core::model::{AutomationId, ContactId, EffectId, EventId, RunId, TenantId};

/// Inserts the run, unless this automation has run on this event.
pub fn insert(conn: &mut Conn, run: &Run) -> Result<Inserted> {
    let insert = diesel::insert_into(runs::table).values(run).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(tx: &mut Tx, id: &RunId) -> Result<Option<Run>> {
    on!(tx.conn, |c| runs::table.find((tx.tenant, id)).select(Run::as_select()).first(c).optional())
}

/// What a list of runs is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<RunState>,
    pub automation: Option<AutomationId>,
    pub subject: Option<String>,
    pub event: Option<EventId>,
    pub contact: Option<ContactId>,
    pub span: Span,
    /// Only what is about people who came by this source of leads.
    pub source: Option<String>,
    /// Part of what it is about, or of the reason.
    pub search: Option<String>,
    pub before: Option<RunId>,
    pub after: Option<RunId>,
}

/// Lists a tenant's runs, newest first.
pub fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> Result<Vec<Run>> {
    on!(tx.conn, |c| {
        let mut query = runs::table.filter(runs::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(state) = filter.state {
            query = query.filter(runs::state.eq(state));
        }
        if let Some(automation) = &filter.automation {
            query = query.filter(runs::automation_id.eq(automation));
        }
        if let Some(subject) = &filter.subject {
            query = query.filter(runs::subject_id.eq(subject));
        }
        if let Some(event) = &filter.event {
            query = query.filter(runs::event_id.eq(event));
        }
        if let Some(contact) = &filter.contact {
            query = query.filter(runs::contact_id.eq(contact));
        }
        of_source!(query, runs, runs::subject_id.nullable(), tx, filter);
        narrowed!(query, runs, started_at, filter, "subject_id || ' ' || coalesce(reason, '')");
        if let Some(before) = &filter.before {
            query = query.filter(runs::id.lt(before));
        }
        query.order(runs::id.desc()).limit(limit).select(Run::as_select()).load(c)
    })
}

/// Lists the runs that failed, latest first. Uses `runs_failed`.
pub fn failed(tx: &mut Tx, limit: i64) -> Result<Vec<Run>> {
    // SQLite takes a partial index only where the query says its condition in so many words.
    let is_failed = diesel::dsl::sql::<diesel::sql_types::Bool>("state = 'failed'");
    on!(tx.conn, |c| runs::table
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(is_failed)
        .order(runs::id.desc())
        .limit(limit)
        .select(Run::as_select())
        .load(c))
}

/// Lists the runs that wait for a moment, those first that go on first. Uses `runs_due_by_tenant`.
pub fn waiting(tx: &mut Tx, limit: i64) -> Result<Vec<Run>> {
    on!(tx.conn, |c| runs::table
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(runs::due_at.is_not_null())
        .order((runs::due_at, runs::id))
        .limit(limit)
        .select(Run::as_select())
        .load(c))
}

/// Counts the runs that began since a moment, by automation and state. Uses that ids sort by their moment.
pub fn count_started(tx: &mut Tx, since: Timestamp) -> Result<Vec<(AutomationId, RunState, i64)>> {
    on!(tx.conn, |c| runs::table
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(runs::id.ge(RunId::earliest(since)))
        .group_by((runs::automation_id, runs::state))
        .select((runs::automation_id, runs::state, diesel::dsl::count_star()))
        .load(c))
}

/// Writes the run's new state, unless another writer changed it since `epoch` was read.
pub fn save(conn: &mut Conn, run: &Run, epoch: i64) -> Result<Claim> {
    let unchanged = runs::table.find((&run.tenant_id, &run.id)).filter(runs::epoch.eq(epoch));
    let update = kept::update(unchanged).set((run, runs::epoch.eq(epoch + 1)));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Makes every run due that a pause of its tenant, or of its automation, had parked.
pub fn wake_parked(tx: &mut Tx, automation: Option<&AutomationId>, now: Timestamp) -> Result<usize> {
    on!(tx.conn, |c| {
        let parked = runs::table
            .filter(runs::tenant_id.eq(tx.tenant))
            .filter(runs::due_at.is_null())
            .filter(runs::finished_at.is_null())
            .filter(runs::state.eq(RunState::Waiting));
        match automation {
            Some(id) => {
                kept::update(parked.filter(runs::automation_id.eq(id))).set(runs::due_at.eq(now)).execute(c)
            }
            None => kept::update(parked).set(runs::due_at.eq(now)).execute(c),
        }
    })
}

/// Returns the unfinished runs that are about a contact. Uses `runs_open_by_contact`.
pub fn open_of_contact(tx: &mut Tx, contact: &ContactId) -> Result<Vec<Run>> {
    on!(tx.conn, |c| runs::table
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(runs::contact_id.eq(contact))
        .filter(runs::finished_at.is_null())
        .order(runs::id)
        .select(Run::as_select())
        .load(c))
}

/// Returns the unfinished runs that are about a subject. There are few of all times. Uses `runs_by_subject`.
pub fn open_of_subject(tx: &mut Tx, subject: &str) -> Result<Vec<Run>> {
    on!(tx.conn, |c| runs::table
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(runs::subject_id.eq(subject))
        .filter(runs::finished_at.is_null())
        .order(runs::id)
        .select(Run::as_select())
        .load(c))
}

/// Returns the unfinished runs of an automation, oldest first.
pub fn open_of_automation(tx: &mut Tx, id: &AutomationId) -> Result<Vec<Run>> {
    on!(tx.conn, |c| runs::table
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(runs::automation_id.eq(id))
        .filter(runs::finished_at.is_null())
        .order(runs::id)
        .select(Run::as_select())
        .load(c))
}

/// Pins an unfinished run to another version, at the position that its next step has there.
pub fn set_version(conn: &mut Conn, run: &Run, version: i32, position: i32) -> Result<Claim> {
    let unchanged = runs::table
        .find((&run.tenant_id, &run.id))
        .filter(runs::epoch.eq(run.epoch))
        .filter(runs::finished_at.is_null());
    let update = kept::update(unchanged).set((
        runs::version.eq(version),
        runs::position.eq(position),
        runs::epoch.eq(run.epoch + 1),
    ));
    on!(conn, |c| update.execute(c)).map(Claim::from_count)
}

/// Writes steps of journals, replacing what they said about the same positions.
pub fn save_steps(conn: &mut Conn, written: &[&Step]) -> Result<()> {
    insert_all!(conn, steps::table, written, |insert| {
        insert.on_conflict((steps::tenant_id, steps::run_id, steps::position)).do_update().set((
            steps::name.eq(excluded(steps::name)),
            steps::action.eq(excluded(steps::action)),
            steps::state.eq(excluded(steps::state)),
            steps::reason.eq(excluded(steps::reason)),
            steps::effect_id.eq(excluded(steps::effect_id)),
            steps::output.eq(excluded(steps::output)),
            steps::started_at.eq(excluded(steps::started_at)),
            steps::finished_at.eq(excluded(steps::finished_at)),
        ))
    })
}

/// Returns a run's journal in order. A definition has at most 100 steps, so there is no limit here.
pub fn steps(tx: &mut Tx, id: &RunId) -> Result<Vec<Step>> {
    on!(tx.conn, |c| steps::table
        .filter(steps::tenant_id.eq(tx.tenant))
        .filter(steps::run_id.eq(id))
        .order(steps::position)
        .select(Step::as_select())
        .load(c))
}

/// Deletes at most `limit` runs, with their steps, that finished before `before`; returns how many.
///
/// A run with an effect that is not settled is kept, whatever its age.
pub fn prune(conn: &mut Conn, whose: &Whose, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<(TenantId, RunId)> = on!(conn, |c| {
        let mut query = runs::table
            .filter(runs::finished_at.lt(before))
            .filter(diesel::dsl::not(diesel::dsl::exists(
                effects::table
                    .filter(effects::tenant_id.eq(runs::tenant_id))
                    .filter(effects::run_id.eq(runs::id))
                    .filter(effects::settled_at.is_null()),
            )))
            .into_boxed();
        whose!(query, runs, whose);
        query.order(runs::finished_at).limit(limit).select((runs::tenant_id, runs::id)).load(c)
    })?;
    for (tenant, id) in &old {
        delete(&mut conn.of(tenant), id)?;
    }
    Ok(old.len())
}

/// Deletes a run and everything that hangs on it.
fn delete(tx: &mut Tx, id: &RunId) -> Result<()> {
    let own = effects::table.filter(effects::tenant_id.eq(tx.tenant)).filter(effects::run_id.eq(id));
    let effect_ids: Vec<EffectId> = on!(tx.conn, |c| own.select(effects::id).load(c))?;
    for effect in &effect_ids {
        let tries =
            attempts::table.filter(attempts::tenant_id.eq(tx.tenant)).filter(attempts::effect_id.eq(effect));
        on!(tx.conn, |c| diesel::delete(tries).execute(c))?;
        let decided =
            verdicts::table.filter(verdicts::tenant_id.eq(tx.tenant)).filter(verdicts::effect_id.eq(effect));
        on!(tx.conn, |c| diesel::delete(decided).execute(c))?;
    }
    on!(tx.conn, |c| diesel::delete(own).execute(c))?;
    let journal = steps::table.filter(steps::tenant_id.eq(tx.tenant)).filter(steps::run_id.eq(id));
    on!(tx.conn, |c| diesel::delete(journal).execute(c))?;
    on!(tx.conn, |c| diesel::delete(runs::table.find((tx.tenant, id))).execute(c)).map(|_| ())
}
