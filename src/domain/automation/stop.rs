//! A run that ends before its last step: what it has promised to write to a customer and has not sent
//! is not sent any more. What it does elsewhere, such as a row in a sheet, goes on.

use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::RunId;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::run::{Run, RunState};
use nexora_store::{Claim, Conn, Tx, effect, run};

/// What is not done any more of what a run promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drops {
    /// Messages to customers.
    Messages,
    /// Everything.
    All,
}

/// Why a run ends whose lead was called spam, and why what it promised is not done.
pub const SPAM: &str = "the lead is spam";
const DROPPED: &str = "its run was cancelled";

/// How often a run is read again when another writer changes it at the same moment.
const TRIES: usize = 20;

/// Ends a run, unless it has ended; returns what it then is.
///
/// # Errors
/// `Unavailable` when other writers kept changing the run.
pub fn stop(tx: &mut Tx, id: &RunId, reason: &str, drops: Drops, now: Timestamp) -> Result<Option<Run>> {
    for _ in 0..TRIES {
        let Some(before) = run::find(tx, id)? else { return Ok(None) };
        if before.state.is_finished() {
            return Ok(None);
        }
        let after = Run {
            state: RunState::Cancelled,
            reason: Some(reason.to_owned()),
            due_at: None,
            finished_at: Some(now),
            ..before.clone()
        };
        if run::save(tx, &after, before.epoch)? == Claim::Won {
            for effect in effect::of_run(tx, id)? {
                discard(tx, effect, drops, now)?;
            }
            return Ok(Some(after));
        }
    }
    Err(Error::unavailable(format!("run `{id}` keeps changing")))
}

fn discard(conn: &mut Conn, before: Effect, drops: Drops, now: Timestamp) -> Result<()> {
    let begun = matches!(before.state, EffectState::Leased | EffectState::InDoubt);
    let is_message =
        || before.request.read::<EffectRequest>().is_ok_and(|request| request.envelope().is_some());
    if before.state.is_settled() || (begun && drops == Drops::Messages) || before.state == EffectState::Leased
    {
        return Ok(());
    }
    if drops == Drops::Messages && !is_message() {
        return Ok(());
    }
    let after = Effect {
        state: EffectState::Discarded,
        reason: Some(DROPPED.to_owned()),
        due_at: None,
        settled_at: Some(now),
        ..before.clone()
    };
    // One that is claimed just now is under way, and goes on.
    effect::save(conn, &after, before.epoch).map(|_| ())
}

/// Has a run that was stopped go on where it was, with what it had promised and that was dropped. What was delivered is
/// not done again, and what may have happened is asked after first.
///
/// # Errors
/// `Conflict` when other writers changed the run.
pub fn resume(tx: &mut Tx, before: &Run, now: Timestamp) -> Result<()> {
    reopen(tx, before, now)?;
    for dropped in effect::of_run(tx, &before.id)? {
        if dropped.state == EffectState::Discarded && dropped.reason.as_deref() == Some(DROPPED) {
            let state = if dropped.evidence.is_some() { EffectState::InDoubt } else { EffectState::Pending };
            let again = Effect {
                state,
                reason: None,
                due_at: Some(now),
                settled_at: None,
                attempt: 0,
                ..dropped.clone()
            };
            let _ = effect::save(tx, &again, dropped.epoch)?;
        }
    }
    Ok(())
}

/// Makes a finished run go on, because something it promised goes on.
///
/// # Errors
/// `Conflict` when other writers changed the run.
pub fn reopen(conn: &mut Conn, before: &Run, now: Timestamp) -> Result<Run> {
    let after = Run {
        state: RunState::Running,
        reason: None,
        due_at: Some(now),
        attempt: 0,
        finished_at: None,
        ..before.clone()
    };
    match run::save(conn, &after, before.epoch)? {
        Claim::Won => Ok(after),
        Claim::Lost => Err(Error::conflict(format!("run `{}` has just changed", before.id))),
    }
}
