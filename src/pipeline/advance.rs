//! Runs move through their steps. What a run promises is written with the state that promised it.

use std::sync::Arc;
use std::time::Instant;

use crate::app::App;
use crate::domain::automation::change;
use crate::domain::automation::run_facts::RunFacts;
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
use nexora_core::model::connector::Connections;
use nexora_core::model::run::{Run, RunState};
use nexora_engine::automation::plan::{self, Plan, Situation};
use nexora_engine::delivery::retry::Spacing;
use nexora_store::due::{self, Due, Queue};
use nexora_store::{Claim, Conn, effect, run};

/// Advances a share of the runs that are due.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, round: &mut Round) -> Result<Swept> {
    let now = app.clock.now();
    let limit = app.config.pipeline.sweep_limit();
    let spacing = spacing(&app.config.pipeline);
    let (after, linker, connectors) = (round.clone(), SignedLinks::of(app), app.connectors().clone());
    let (share, moves, next_due) = app
        .db
        .read(move |conn| {
            let mut share = due::take(conn, Queue::Runs, now, limit, after.as_ref())?;
            let mut moves = Vec::with_capacity(share.rows.len());
            let mut shared = SharedRows::default();
            let begun = Instant::now();
            let mut rows = std::mem::take(&mut share.rows).into_iter();
            for due in rows.by_ref() {
                moves.extend(decide(conn, (&linker, &connectors), &mut shared, &due, spacing, now)?);
                share.rows.push(due);
                if begun.elapsed() > TURN {
                    break;
                }
            }
            share.cut_short(rows.len());
            let next_due = if share.rows.is_empty() { due::next(conn, Queue::Runs)? } else { None };
            Ok((share, moves, next_due))
        })
        .await?;
    *round = share.after;
    if moves.is_empty() {
        return Ok(Swept::nothing(next_due));
    }
    let handled = moves.len();
    let attempt_limit = app.config.pipeline.attempt_limit();
    let changes = moves.iter().any(|made| !made.plan.changes.is_empty());
    let promised = app.db.write(move |conn| save_all(conn, moves, attempt_limit, spacing, now)).await?;
    if changes {
        app.nudges.dispatch.notify_one();
    }
    if promised > 0 {
        app.nudges.deliver.notify_one();
    }
    Ok(Swept { handled, more: share.more, next_due: None })
}

/// A run's next move and the epoch that it rests on.
struct Move {
    epoch: i64,
    before: Run,
    plan: Plan,
}

fn decide(
    conn: &mut Conn,
    (linker, connectors): (&SignedLinks, &Connectors),
    shared: &mut SharedRows,
    due: &Due,
    spacing: Spacing,
    now: Timestamp,
) -> Result<Option<Move>> {
    let Some(run) = run::find(&mut conn.of(&due.tenant_id), &RunId::parse(&due.id)?)? else {
        return Ok(None);
    };
    let epoch = run.epoch;
    let plan = match fenced(|| plan_for(conn, (linker, connectors), shared, &run, now)) {
        Ok(plan) => plan,
        Err(error) if error.kind() == Kind::Unavailable => return Err(error),
        Err(error) => {
            let run = put_off(run.clone(), &error, spacing, now);
            Plan { run, steps: Vec::new(), effects: Vec::new(), changes: Vec::new() }
        }
    };
    Ok(Some(Move { epoch, before: run, plan }))
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
    (linker, connectors): (&SignedLinks, &Connectors),
    rows: &mut SharedRows,
    run: &Run,
    now: Timestamp,
) -> Result<Plan> {
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
    let run_facts = match position < version.definition.steps.len() {
        true => RunFacts::load(tx, Arc::clone(&shared), run, &version, linker)?,
        false => RunFacts::without_steps(tx, Arc::clone(&shared), run)?,
    };
    let digest = run_facts.digest(tx, connectors, run, &version, now)?;
    let journal = run::steps(tx, &run.id)?;
    let effects = effect::of_run(tx, &run.id)?;
    plan::advance(&Situation {
        run,
        facts: run_facts.facts(version.language),
        definition: &version.definition,
        settings: &version.settings,
        templates: &version.templates,
        connections: Connections::new(&shared.connections, connectors.facts()),
        journal: &journal,
        effects: &effects,
        digest: digest.as_ref(),
        now,
    })
}

fn save_all(
    conn: &mut Conn,
    moves: Vec<Move>,
    attempt_limit: i32,
    spacing: Spacing,
    now: Timestamp,
) -> Result<usize> {
    let mut promised = 0;
    for Move { epoch, before, plan } in moves {
        match conn.transaction(|conn| save(conn, epoch, plan, attempt_limit, now)) {
            Ok(made) => promised += made,
            Err(error) if error.kind() == Kind::Unavailable => return Err(error),
            Err(error) => {
                let _ = run::save(conn, &put_off(before, &error, spacing, now), epoch)?;
            }
        }
    }
    Ok(promised)
}

fn save(conn: &mut Conn, epoch: i64, plan: Plan, attempt_limit: i32, now: Timestamp) -> Result<usize> {
    if run::save(conn, &plan.run, epoch)? == Claim::Lost {
        return Ok(0);
    }
    let promised = plan.effects.len();
    for promise in plan.effects {
        effect::insert(conn, &promise.into_effect(&plan.run, Some(attempt_limit), now)?)?;
    }
    for step in &plan.steps {
        run::save_step(conn, step)?;
    }
    for change in plan.changes {
        change::apply(&mut conn.of(&plan.run.tenant_id), change, Some(plan.run.id.as_str()), now)?;
    }
    if plan.run.state.is_finished() {
        let run = &plan.run;
        metrics::counter!("nexora_runs_total", "state" => run.state.name()).increment(1);
        tracing::info!(run.id = %run.id, tenant.id = %run.tenant_id, state = %run.state, reason = run.reason, "run {} {}", run.id, run.state);
    }
    Ok(promised)
}
