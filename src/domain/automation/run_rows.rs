//! The rows that runs have of their own: the event that started each, its journal, its effects.

use std::collections::HashMap;

use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::RunId;
use nexora_core::model::effect::Effect;
use nexora_core::model::event::Event;
use nexora_core::model::run::{Run, Step};
use nexora_store::Conn;
use nexora_store::batch::{self, Key};

/// What a run has of its own.
pub struct RunRows {
    pub event: Event,
    pub journal: Vec<Step>,
    pub effects: Vec<Effect>,
}

/// The rows of several runs, read together. Where one of them cannot be read, those of each run are read when they are
/// asked for, so that one run alone fails.
pub struct RowsOfRuns(Option<HashMap<Key<RunId>, RunRows>>);

impl RowsOfRuns {
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub fn load(conn: &mut Conn, runs: &[&Run]) -> Result<RowsOfRuns> {
        match read(conn, runs) {
            Ok(rows) => Ok(RowsOfRuns(Some(rows))),
            Err(error) if error.kind() == Kind::Unavailable => Err(error),
            Err(_) => Ok(RowsOfRuns(None)),
        }
    }

    /// Hands out the rows of one of the runs.
    ///
    /// # Errors
    /// `Internal` when its event is gone, or a row cannot be read.
    pub fn take(&mut self, conn: &mut Conn, run: &Run) -> Result<RunRows> {
        let rows = match &mut self.0 {
            Some(rows) => rows.remove(&key(run)),
            None => read(conn, &[run])?.remove(&key(run)),
        };
        rows.ok_or_else(|| Error::internal(format!("the event of run `{}` is gone", run.id)))
    }
}

fn key(run: &Run) -> Key<RunId> {
    (run.tenant_id.clone(), run.id.clone())
}

fn read(conn: &mut Conn, runs: &[&Run]) -> Result<HashMap<Key<RunId>, RunRows>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    let started_by = |run: &Run| (run.tenant_id.clone(), run.event_id.clone());
    let events = batch::events(conn, &runs.iter().map(|run| started_by(run)).collect::<Vec<_>>())?;
    let keys: Vec<_> = runs.iter().map(|run| key(run)).collect();
    let (mut journals, mut effects) = (batch::journals(conn, &keys)?, batch::effects_of_runs(conn, &keys)?);
    let mut rows = HashMap::with_capacity(runs.len());
    for run in runs {
        let Some(event) = events.get(&started_by(run)).cloned() else { continue };
        let journal = journals.remove(&key(run)).unwrap_or_default();
        let effects = effects.remove(&key(run)).unwrap_or_default();
        rows.insert(key(run), RunRows { event, journal, effects });
    }
    Ok(rows)
}
