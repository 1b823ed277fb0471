//! Runs move through their steps. What a run promises is written with the state that promised it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use crate::app::{App, metric};
use crate::domain::automation::change;
use crate::domain::automation::restored;
use crate::domain::automation::run_facts::RunFacts;
use crate::domain::automation::run_rows::{RowsOfRuns, RunRows};
use crate::domain::automation::shared::SharedRows;
use crate::domain::automation::version;
use crate::domain::contact::link::SignedLinks;
use crate::pipeline::Round;
use crate::pipeline::Swept;
use crate::pipeline::TURN;
use crate::pipeline::spacing;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::fence::fenced;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::RunId;
use nexora_core::model::change::Change;
use nexora_core::model::connector::Connections;
use nexora_core::model::effect::Effect;
use nexora_core::model::restore::Restore;
use nexora_core::model::run::{Run, RunState, Step};
use nexora_engine::automation::plan::{self, Plan, Situation};
use nexora_engine::delivery::retry::Spacing;
use nexora_store::due::{self, Queue, Share};
use nexora_store::{Claim, Conn, batch, effect, restore, run};

/// Advances a share of the runs that are due.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, round: &mut Round) -> Result<Swept> {
    let now = app.clock.now();
    let limit = app.config.pipeline.sweep_limit();
    let (spacing, after) = (spacing(&app.config.pipeline), round.clone());
    let (linker, connectors) = (SignedLinks::of(app), app.connectors().clone());
    let attempt_limit = app.config.pipeline.attempt_limit();
    let read = move |conn: &mut Conn| {
        let restore = restore::latest(conn)?;
        let deciding = Deciding { linker, connectors, attempt_limit, spacing, restore, now };
        let mut share = due::take(conn, Queue::Runs, now, limit, after.as_ref())?;
        let keys = share.rows.iter().map(|due| Ok((due.tenant_id.clone(), RunId::parse(&due.id)?)));
        let keys: Vec<_> = keys.collect::<Result<_>>()?;
        let runs = if keys.is_empty() { HashMap::new() } else { batch::runs(conn, &keys)? };
        let mut own = RowsOfRuns::load(conn, &runs.values().collect::<Vec<_>>())?;
        let mut moves = Vec::with_capacity(share.rows.len());
        let mut shared = SharedRows::default();
        let begun = Instant::now();
        let mut rows = std::mem::take(&mut share.rows).into_iter().zip(keys);
        for (due, key) in rows.by_ref() {
            if let Some(run) = runs.get(&key) {
                moves.push(decide(conn, &deciding, &mut shared, &mut own, run)?);
            }
            share.rows.push(due);
            if begun.elapsed() > TURN {
                break;
            }
        }
        share.cut_short(rows.len());
        if moves.is_empty() {
            let next_due = if share.rows.is_empty() { due::next(conn, Queue::Runs)? } else { None };
            return Ok(ControlFlow::Break((share.after, Swept::nothing(next_due), Saved::default())));
        }
        Ok(ControlFlow::Continue((share, moves)))
    };
    let write = move |conn: &mut Conn, (share, moves): (Share, Vec<Move>)| {
        let swept = Swept { handled: moves.len(), more: share.more, next_due: None };
        let saved = save_all(conn, &moves, spacing, now)?;
        Ok((share.after, swept, saved))
    };
    let (after, swept, saved) = app.db.decide(read, write).await?;
    *round = after;
    if saved.changed {
        app.nudges.dispatch.notify_one();
    }
    if saved.promised {
        app.nudges.deliver.notify_one();
    }
    Ok(swept)
}

/// What a sweep wrote that other stages go on with.
#[derive(Default)]
struct Saved {
    promised: bool,
    /// Rows of our own were changed, which may be an event.
    changed: bool,
}

/// What the decisions of a sweep rest on, beside the rows.
struct Deciding {
    linker: SignedLinks,
    connectors: Connectors,
    attempt_limit: i32,
    spacing: Spacing,
    /// The restore of this database, if it was restored.
    restore: Option<Restore>,
    now: Timestamp,
}

/// A run as it was read, and its next move.
struct Move {
    before: Run,
    after: Run,
    steps: Vec<Step>,
    effects: Vec<Effect>,
    changes: Vec<Change>,
}

impl Move {
    fn of(before: &Run, plan: Plan, attempt_limit: i32, now: Timestamp) -> Result<Move> {
        let Plan { run: after, steps, effects, changes } = plan;
        let effects =
            effects.into_iter().map(|promise| promise.into_effect(&after, Some(attempt_limit), now));
        Ok(Move { before: before.clone(), effects: effects.collect::<Result<_>>()?, after, steps, changes })
    }
}

fn decide(
    conn: &mut Conn,
    deciding: &Deciding,
    shared: &mut SharedRows,
    own: &mut RowsOfRuns,
    run: &Run,
) -> Result<Move> {
    let planned = fenced(|| {
        let plan = plan_for(conn, deciding, shared, own, run)?;
        Move::of(run, plan, deciding.attempt_limit, deciding.now)
    });
    match planned {
        Err(error) if error.kind() != Kind::Unavailable => {
            let after = put_off(run.clone(), &error, deciding.spacing, deciding.now);
            let (steps, effects, changes) = (Vec::new(), Vec::new(), Vec::new());
            Ok(Move { before: run.clone(), after, steps, effects, changes })
        }
        planned => planned,
    }
}

/// Has a run that cannot be advanced tried again later, so that it does not delay others.
fn put_off(run: Run, error: &Error, spacing: Spacing, now: Timestamp) -> Run {
    tracing::error!(run.id = %run.id, tenant.id = %run.tenant_id, reason = %error.report(), "run {} cannot be advanced", run.id);
    let attempt = run.attempt.saturating_add(1);
    let wait = spacing.after(run.id.as_str(), attempt);
    Run { attempt, due_at: Some(now + wait), reason: Some(error.report()), ..run }
}

fn plan_for(
    conn: &mut Conn,
    deciding: &Deciding,
    rows: &mut SharedRows,
    own: &mut RowsOfRuns,
    run: &Run,
) -> Result<Plan> {
    let Deciding { linker, connectors, now, .. } = deciding;
    let shared = rows.of_tenant(conn, &run.tenant_id)?;
    let tx = &mut conn.of(&run.tenant_id);
    let automation_state = rows.automation_state(tx, &run.automation_id)?;
    if let Some(reason) = plan::held(shared.tenant.state, automation_state) {
        let run =
            Run { state: RunState::Waiting, due_at: None, reason: Some(reason.to_owned()), ..run.clone() };
        return Ok(Plan { run, steps: Vec::new(), effects: Vec::new(), changes: Vec::new() });
    }
    let version = version::parsed(tx, &run.automation_id, run.version)?;
    let position = usize::try_from(run.position).unwrap_or(usize::MAX);
    let RunRows { event, journal, effects } = own.take(tx, run)?;
    let run_facts = match position < version.definition.steps.len() {
        true => RunFacts::load(tx, Arc::clone(&shared), (run, event), &version, linker)?,
        false => RunFacts::without_steps(Arc::clone(&shared), event),
    };
    let digest = run_facts.digest(tx, connectors, run, &version, *now)?;
    let facts = run_facts.facts(version.language);
    plan::advance(&Situation {
        run,
        facts,
        definition: &version.definition,
        settings: &version.settings,
        templates: &version.templates,
        connections: Connections::new(&shared.connections, connectors.facts()),
        journal: &journal,
        effects: &effects,
        digest: digest.as_ref(),
        unseen_since: restored::unseen_since(deciding.restore.as_ref(), facts.event, *now),
        now: *now,
    })
}

fn save_all(conn: &mut Conn, moves: &[Move], spacing: Spacing, now: Timestamp) -> Result<Saved> {
    let claims = conn.batch(
        moves,
        |conn, some| save(conn, some, now),
        |conn, one, error| {
            let _ = run::save(conn, &put_off(one.before.clone(), &error, spacing, now), one.before.epoch)?;
            // Nothing of the move was written.
            Ok(Claim::Lost)
        },
    )?;
    let mut saved = Saved::default();
    for (one, _) in moves.iter().zip(claims).filter(|(_, claim)| *claim == Claim::Won) {
        saved.promised |= !one.effects.is_empty();
        saved.changed |= !one.changes.is_empty();
        let run = &one.after;
        if run.state.is_finished() {
            metrics::counter!(metric::RUNS, "state" => run.state.name()).increment(1);
            tracing::info!(run.id = %run.id, tenant.id = %run.tenant_id, state = %run.state, reason = run.reason, "run {} {}", run.id, run.state);
        }
    }
    Ok(saved)
}

/// Returns of each move whether it was written.
fn save(conn: &mut Conn, moves: &[Move], now: Timestamp) -> Result<Vec<Claim>> {
    let moved: Vec<_> = moves.iter().map(|one| (&one.after, one.before.epoch)).collect();
    let written = batch::save_runs(conn, &moved)?;
    let is_written = |one: &Move| written.contains(&(one.after.tenant_id.clone(), one.after.id.clone()));
    let won: Vec<&Move> = moves.iter().filter(|one| is_written(one)).collect();
    effect::insert(conn, &won.iter().flat_map(|one| &one.effects).collect::<Vec<_>>())?;
    run::save_steps(conn, &won.iter().flat_map(|one| &one.steps).collect::<Vec<_>>())?;
    for one in won {
        let run = &one.after;
        for change in &one.changes {
            change::apply(&mut conn.of(&run.tenant_id), change.clone(), Some(run.id.as_str()), now)?;
        }
    }
    let claims = moves.iter().map(|one| if is_written(one) { Claim::Won } else { Claim::Lost });
    Ok(claims.collect())
}
