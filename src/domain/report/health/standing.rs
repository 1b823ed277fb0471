//! How a tenant's work stands: the rows from which its troubles are told.

use crate::domain::{AUTOMATION_LIMIT, CONNECTION_LIMIT};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::LeadId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::automation::{Automation, AutomationState};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::cursor::Cursor;
use nexora_core::model::effect::Effect;
use nexora_core::model::finding::Finding;
use nexora_core::model::source::Source;
use nexora_engine::report::arrival::{self, Arrivals};
use nexora_store::balance::{self, Count, Failure, Oldest, Waiting};
use nexora_store::{Tx, automation, connection, cursor, effect, finding, lead, sign_in, source};

/// Rows of a kind that are looked at.
const ROWS: i64 = 500;

/// Leads held as spam, and locked sign-ins, that are counted at most.
const SHOWN: i64 = 100;

#[derive(Clone, Debug)]
pub struct Standing {
    pub counts: Vec<Count>,
    /// Since when the oldest due thing of each kind has been waiting.
    pub oldest_due: Vec<Oldest>,
    pub connections: Vec<Connection>,
    pub cursors: Vec<Cursor>,
    pub automations: Vec<Automation>,
    pub(super) sources: Vec<Source>,
    /// Leads that are held as spam, the oldest first.
    pub(super) held: Vec<(LeadId, Timestamp)>,
    /// What did not go through, by its reason, each with one example.
    pub(super) failures: Vec<(Failure, Option<Effect>)>,
    /// Effects that wait, by connection.
    pub(super) waiting: Vec<Waiting>,
    /// Runs that a pause holds, by automation.
    pub(super) parked: Vec<Waiting>,
    /// When leads came in.
    pub(super) arrivals: Arrivals,
    /// What the daemon found when it last looked at what is too much to look at here.
    pub(super) findings: Vec<Finding>,
    /// Members who cannot sign in for now.
    pub locked: Vec<(EmailAddress, Option<Timestamp>)>,
}

impl Standing {
    /// Looks at a tenant, and at the leads that were held as spam since `held_since`.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub fn load(tx: &mut Tx, held_since: Timestamp, now: Timestamp) -> Result<Standing> {
        let connections = connection::list(tx, CONNECTION_LIMIT)?;
        let automations = automation::list(tx, AUTOMATION_LIMIT)?;
        // What waits is counted only where something is stopped.
        let stopped = connections.iter().any(|connection| connection.state != ConnectionState::Active);
        let paused = automations.iter().any(|automation| automation.state == AutomationState::Paused);
        let mut failures = Vec::new();
        for failure in balance::failures(tx)? {
            let example = effect::find(tx, &failure.example)?;
            failures.push((failure, example));
        }
        let mut arrivals = Arrivals { last: lead::last_received(tx)?, before: Vec::new() };
        for window in arrival::windows(arrivals.last, now) {
            arrivals.before.push(lead::count_between(tx, window)?);
        }
        Ok(Standing {
            arrivals,
            findings: finding::of_tenant(tx)?,
            counts: balance::unsettled(tx)?,
            oldest_due: balance::oldest_due(tx)?,
            cursors: cursor::list(tx, None, ROWS)?,
            sources: source::list(tx, ROWS)?,
            held: lead::held_as_spam(tx, held_since, SHOWN)?,
            waiting: if stopped { balance::waiting_by_connection(tx)? } else { Vec::new() },
            parked: if paused { balance::parked_by_automation(tx)? } else { Vec::new() },
            locked: sign_in::locked_of(tx, now, SHOWN)?,
            failures,
            connections,
            automations,
        })
    }

    /// Returns since when the oldest due work of any kind has been waiting.
    pub fn oldest_due_at(&self) -> Option<Timestamp> {
        self.oldest_due.iter().map(|oldest| oldest.moment).min()
    }
}
