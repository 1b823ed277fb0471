//! How a tenant's accounts and automations do: what works, what ran, what failed, what goes on later.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::automation::version::{self, Parsed};
use crate::domain::report::health::inspect::HELD;
use crate::domain::report::health::{HealthIssue, Standing};
use crate::ops::report::dashboard::Names;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Kind, Result};
use nexora_core::model::automation::{Automation, AutomationState};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::cursor::Cursor;
use nexora_core::model::run::{Run, RunState};
use nexora_core::model::schedule::Schedule;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AutomationId, LeadId};
use nexora_engine::report::owner_words;
use nexora_store::{Conn, Tx, lead, run, schedule};

/// Whether accounts work, and when the next digest comes.
pub struct Health {
    pub accounts: Vec<Account>,
    pub next_digest: Option<Timestamp>,
}

/// A connected account, as its owner knows it.
pub struct Account {
    pub name: String,
    pub state: ConnectionState,
    /// When something last went through it.
    pub last_ok_at: Option<Timestamp>,
    /// When it was last read, where it is read.
    pub last_poll_at: Option<Timestamp>,
}

/// Runs: what went well is counted, what did not is shown.
pub struct Runs {
    /// Of those that began in the last seven days.
    pub succeeded: i64,
    pub ended_early: i64,
    pub failed: i64,
    pub failures: Vec<RunLine>,
    pub waiting: Vec<RunLine>,
}

pub struct RunLine {
    pub automation: String,
    /// The person it is about.
    pub who: Option<String>,
    /// Why it failed.
    pub why: String,
    /// When it failed, or when it goes on.
    pub at: Timestamp,
}

/// An automation, and what it did in the last seven days.
pub struct AutomationLine {
    pub title: String,
    pub description: String,
    pub state: AutomationState,
    pub ran: i64,
    pub failed: i64,
    pub next_at: Option<Timestamp>,
}

/// An automation with its live version; nothing where this release cannot read that.
pub struct LoadedAutomation {
    row: Automation,
    live: Option<Arc<Parsed>>,
}

/// What every page needs, whatever its panels.
pub struct Upkeep {
    pub troubles: Vec<HealthIssue>,
    pub automations: Vec<LoadedAutomation>,
    pub schedules: Vec<Schedule>,
    connections: Vec<Connection>,
    cursors: Vec<Cursor>,
}

const LINES: i64 = 5;
const WEEK: Duration = Duration::from_secs(7 * 86_400);

pub fn load(conn: &mut Conn, connectors: &Connectors, tenant: &Tenant, now: Timestamp) -> Result<Upkeep> {
    let id = &tenant.id;
    let tx = &mut conn.of(id);
    let standing = Standing::load(tx, now - HELD, now)?;
    let troubles = standing.issues(tenant, connectors, now);
    let Standing { connections, cursors, automations: rows, .. } = standing;
    let mut automations = Vec::new();
    for row in rows {
        let live = match version::parsed(tx, &row.id, row.live_version) {
            Ok(parsed) => Some(parsed),
            Err(error) if error.kind() == Kind::Unavailable => return Err(error),
            Err(_) => None,
        };
        automations.push(LoadedAutomation { row, live });
    }
    Ok(Upkeep { troubles, automations, schedules: schedule::list(tx)?, connections, cursors })
}

impl Upkeep {
    pub fn health(&self, connectors: &Connectors) -> Health {
        let account = |connection: &Connection| Account {
            name: connectors.title(connection),
            state: connection.state,
            last_ok_at: connection.last_ok_at,
            last_poll_at: self
                .cursors
                .iter()
                .filter(|cursor| cursor.connection_id == connection.id)
                .filter_map(|cursor| cursor.polled_at)
                .max(),
        };
        let is_digest = |known: &&LoadedAutomation| {
            known.row.state == AutomationState::Enabled && known.composes_digest()
        };
        let digests = self.automations.iter().filter(is_digest);
        Health {
            accounts: self.connections.iter().map(account).collect(),
            next_digest: digests.filter_map(|known| next(&self.schedules, &known.row.id)).min(),
        }
    }
}

/// Returns when a schedule next starts an automation.
fn next(schedules: &[Schedule], id: &AutomationId) -> Option<Timestamp> {
    schedules
        .iter()
        .filter(|schedule| schedule.automation_id == *id)
        .filter_map(|schedule| schedule.due_at)
        .min()
}

impl LoadedAutomation {
    fn title(&self) -> String {
        let title = self.live.as_ref().map(|live| live.definition.head.title.clone());
        title.filter(|title| !title.is_empty()).unwrap_or_else(|| self.row.name.clone())
    }

    fn description(&self) -> String {
        self.live.as_ref().map(|live| live.definition.head.description.clone()).unwrap_or_default()
    }

    /// A digest is known by its action, whatever its automation is called.
    fn composes_digest(&self) -> bool {
        let mut steps = self.live.iter().flat_map(|live| &live.definition.steps);
        steps.any(|step| step.action.digest_since().is_some())
    }
}

pub fn runs(
    tx: &mut Tx,
    automations: &[LoadedAutomation],
    names: &mut Names,
    now: Timestamp,
) -> Result<Runs> {
    let started = run::count_started(tx, now - WEEK)?;
    let sum = |wanted: RunState| {
        started.iter().filter(|(_, state, _)| *state == wanted).map(|(.., count)| count).sum()
    };
    let titles: HashMap<&AutomationId, String> =
        automations.iter().map(|known| (&known.row.id, known.title())).collect();
    let mut line = |tx: &mut Tx, run: Run, at: Timestamp| -> Result<RunLine> {
        let mut who = names.of(tx, run.contact_id.as_ref())?;
        if who.is_none()
            && let Ok(id) = LeadId::parse(&run.subject_id)
        {
            who = lead::find(tx, &id)?.map(|lead| lead.name);
        }
        let automation = titles.get(&run.automation_id).cloned().unwrap_or_default();
        let why = owner_words::failure(run.reason.as_deref().unwrap_or_default()).to_owned();
        Ok(RunLine { automation, who, why, at })
    };
    let (mut failures, mut waiting) = (Vec::new(), Vec::new());
    for run in run::failed(tx, LINES)? {
        let at = run.finished_at.unwrap_or(run.started_at);
        failures.push(line(tx, run, at)?);
    }
    for run in run::waiting(tx, LINES)? {
        let at = run.due_at.unwrap_or(run.started_at);
        waiting.push(line(tx, run, at)?);
    }
    Ok(Runs {
        succeeded: sum(RunState::Succeeded),
        ended_early: sum(RunState::Cancelled),
        failed: sum(RunState::Failed),
        failures,
        waiting,
    })
}

pub fn automations(
    tx: &mut Tx,
    automations: &[LoadedAutomation],
    schedules: &[Schedule],
    now: Timestamp,
) -> Result<Vec<AutomationLine>> {
    let started = run::count_started(tx, now - WEEK)?;
    let shown = automations.iter().filter(|known| known.row.state != AutomationState::Disabled);
    let line = |known: &LoadedAutomation| {
        let own = || started.iter().filter(|(id, ..)| *id == known.row.id);
        AutomationLine {
            title: known.title(),
            description: known.description(),
            state: known.row.state,
            ran: own().map(|(.., count)| count).sum(),
            failed: own().filter(|(_, state, _)| *state == RunState::Failed).map(|(.., count)| count).sum(),
            next_at: next(schedules, &known.row.id),
        }
    };
    Ok(shown.map(line).collect())
}
