//! The troubles of one tenant.

use std::time::Duration;

use crate::domain::connection::credential;
use nexora_connector::kind::{ConnectorKind, Connectors};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::{count, length, plural};
use nexora_core::model::automation::{Automation, AutomationState};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::cursor::{Cursor, CursorKind};
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::finding::Finding;
use nexora_core::model::language::{Place, Trouble};
use nexora_core::model::lead::LeadState;
use nexora_core::model::request::EffectRequest;
use nexora_core::model::run::RunState;
use nexora_core::model::source::{NoticeState, Source, SourceState};
use nexora_core::model::tenant::{Tenant, TenantMode, TenantState};
use nexora_engine::report::arrival;
use nexora_store::balance::{self, Failure, Waiting};
use nexora_store::source::REFUSED;

use super::{HealthIssue, Level, Standing};

const OVERDUE: Duration = Duration::from_secs(60);

/// Work that has been due for so long is not merely late.
const STUCK: Duration = Duration::from_secs(600);

/// A place that is watched and was not read for so long, and for three of its intervals, is trouble.
const UNREAD: Duration = Duration::from_secs(1_800);

const ENDS_SOON: Duration = Duration::from_secs(2 * 86_400);

/// For how long a mail to the business that came back is told of. A wrong address has each alert come back.
const BOUNCED: Duration = Duration::from_secs(7 * 86_400);

impl Standing {
    /// Returns what the operator should look at.
    pub fn issues(&self, tenant: &Tenant, connectors: &Connectors, now: Timestamp) -> Vec<HealthIssue> {
        let view = View { standing: self, tenant, connectors, now };
        let mut issues = view.of_tenant();
        issues.extend(view.of_alerts());
        issues.extend(self.connections.iter().filter_map(|connection| view.of_connection(connection)));
        issues.extend(self.cursors.iter().filter_map(|cursor| view.of_cursor(cursor)));
        issues.extend(self.sources.iter().filter_map(|source| view.of_source(source)));
        issues.extend(self.automations.iter().filter_map(|automation| view.of_automation(automation)));
        issues.extend(view.of_leads());
        issues.extend(
            self.failures.iter().map(|(failure, example)| view.of_failure(failure, example.as_ref())),
        );
        issues.extend(view.of_runs());
        issues.extend(view.of_lateness());
        issues.extend(view.of_silence());
        issues.extend(self.findings.iter().map(of_finding));
        issues.extend(self.locked.iter().map(|(email, since)| {
            let what = format!("sign-in of {email} is locked: too many wrong passwords or codes");
            let command = format!("nexora user unlock {email}");
            let issue = HealthIssue::new(Level::Look, what, command, Trouble::Locked(email.to_string()));
            HealthIssue { since: *since, ..issue }
        }));
        issues
    }
}

struct View<'a> {
    standing: &'a Standing,
    tenant: &'a Tenant,
    connectors: &'a Connectors,
    now: Timestamp,
}

impl View<'_> {
    /// Makes an issue whose command is one on the tenant.
    fn issue(
        &self,
        level: Level,
        what: impl Into<String>,
        command: impl std::fmt::Display,
        trouble: Trouble,
    ) -> HealthIssue {
        let command = format!("nexora {command} --tenant {}", self.tenant.slug);
        HealthIssue::new(level, what, command, trouble)
    }

    fn of_tenant(&self) -> Vec<HealthIssue> {
        let Tenant { slug, updated_at, .. } = self.tenant;
        let mut issues = Vec::new();
        let mut add = |what: &str, command: String, trouble| {
            issues.push(HealthIssue::new(Level::Look, what, command, trouble).since(*updated_at));
        };
        if self.tenant.state == TenantState::Suspended {
            let what = "it is suspended: leads are kept, and everything else waits";
            add(what, format!("nexora tenant resume {slug}"), Trouble::Suspended);
        }
        if self.tenant.mode == TenantMode::Rehearsal {
            let what = "it rehearses: what it sends goes to the sandbox, and to nobody";
            add(what, format!("nexora tenant set {slug} mode=live"), Trouble::Rehearsing);
        }
        if self.standing.connections.is_empty() {
            let what = "it has no connection: nothing can be sent";
            add(what, format!("nexora connection create --tenant {slug} --help"), Trouble::NothingConnected);
        } else if !self
            .standing
            .automations
            .iter()
            .any(|automation| automation.state != AutomationState::Disabled)
        {
            let what = "no automation is enabled: leads are kept, and nobody is told";
            add(
                what,
                format!("nexora automation enable lead-capture --tenant {slug}"),
                Trouble::NothingAutomated,
            );
        }
        issues
    }

    /// Says that alerts to the business do not arrive. What is stored and cannot be read says nothing.
    fn of_alerts(&self) -> Option<HealthIssue> {
        let bounce = self.tenant.alert_bounce().ok()?.filter(|bounce| self.now.since(bounce.at) < BOUNCED)?;
        let to = if bounce.address.is_empty() { String::new() } else { format!(" to {}", bounce.address) };
        let why =
            if bounce.diagnostic.is_empty() { String::new() } else { format!(": {}", bounce.diagnostic) };
        let what = format!("a mail{to}, of the business itself, came back{why}");
        let command = format!("nexora tenant set {} owner_email=ADDRESS", self.tenant.slug);
        let trouble =
            Trouble::AlertCameBack(Some(bounce.address.clone()).filter(|address| !address.is_empty()));
        Some(HealthIssue::new(Level::Look, what, command, trouble).since(bounce.at))
    }

    fn of_connection(&self, connection: &Connection) -> Option<HealthIssue> {
        let (name, account) = (&connection.name, self.connectors.title(connection));
        let issue = match connection.state {
            ConnectionState::Active => {
                let at = connection.authorization()?.ends_at.filter(|at| *at < self.now + ENDS_SOON)?;
                let what =
                    format!("the consent to connection `{name}` ends {at}: the OAuth app is in testing");
                let command = format!("connection authorize {name}");
                return Some(self.issue(Level::Look, what, command, Trouble::EndsSoon(account)));
            }
            // What an earlier error said is not why it was paused.
            ConnectionState::Paused => {
                let missing = credential::missing(self.connectors, connection);
                let command = missing.unwrap_or_else(|| format!("connection resume {name}"));
                let what = format!("connection `{name}` is paused: an operator did it");
                self.issue(Level::Look, what, command, Trouble::Paused(account)).since(connection.updated_at)
            }
            ConnectionState::Failing => {
                let reason = connection.last_error.as_deref().unwrap_or("its credential was refused");
                let what = format!("connection `{name}` is failing: {reason}");
                self.issue(Level::Broken, what, self.mending(connection), Trouble::Refused(account))
                    .since(connection.last_error_at.unwrap_or(connection.updated_at))
            }
        };
        Some(issue.affecting(waiting(&self.standing.waiting, connection.id.as_str())))
    }

    fn is_granted(&self, connection: &Connection) -> bool {
        self.connectors.of(connection).is_ok_and(|kind| kind.facts().has_abilities)
    }

    /// Returns the command that gives a connection another credential, as far as it has one.
    fn mending(&self, connection: &Connection) -> String {
        let name = &connection.name;
        if let Some(command) = credential::missing(self.connectors, connection) {
            return command;
        }
        if self.is_granted(connection) {
            return format!("connection authorize {name}");
        }
        match self.connectors.of(connection).ok().and_then(ConnectorKind::secret_flag) {
            Some(_) if connection.sealed.is_some() => {
                format!("connection set {name} --password-file FILE")
            }
            Some(_) | None => format!("connection test {name}"),
        }
    }

    fn of_cursor(&self, cursor: &Cursor) -> Option<HealthIssue> {
        let connection =
            self.standing.connections.iter().find(|connection| connection.id == cursor.connection_id)?;
        let read_at = cursor.polled_at.unwrap_or(cursor.created_at);
        let silent = self.now.since(read_at);
        if connection.state != ConnectionState::Active || silent <= UNREAD.max(3 * cursor.interval()) {
            return None;
        }
        let reason = cursor.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        let place = match cursor.kind {
            CursorKind::Mail => Place::Mailbox,
            CursorKind::Calendar => Place::Calendar,
            CursorKind::Sheet => Place::Sheet,
        };
        let (kind, name) = (cursor.kind, &connection.name);
        let what = format!("the {kind} of connection `{name}` was not read for {}{reason}", length(silent));
        let account = self.connectors.title(connection);
        let trouble = Trouble::Unread { place, account, length: silent };
        Some(self.issue(Level::Look, what, "cursor list", trouble).since(read_at))
    }

    fn of_source(&self, source: &Source) -> Option<HealthIssue> {
        let is_enabled = source.state == SourceState::Enabled;
        let reason = source.last_error.as_deref().filter(|_| is_enabled)?;
        let name = &source.name;
        let command = match reason.starts_with(REFUSED) {
            true => format!("source rotate-secret {name}"),
            false => format!("source set {name} --access-token-from-file FILE"),
        };
        let taken = match source.last_received_at {
            Some(at) => format!("the last that was taken came {at}"),
            None => "none was ever taken".to_owned(),
        };
        let what = format!("source `{name}`: {reason}; {taken}");
        Some(self.issue(Level::Look, what, command, Trouble::SourceRefused(name.clone())))
    }

    fn of_automation(&self, automation: &Automation) -> Option<HealthIssue> {
        let name = &automation.name;
        (automation.state == AutomationState::Paused).then(|| {
            let what = format!("automation `{name}` is paused: what it is to do waits");
            let trouble = Trouble::AutomationPaused(name.clone());
            self.issue(Level::Look, what, format!("automation resume {name}"), trouble)
                .since(automation.updated_at)
                .affecting(waiting(&self.standing.parked, automation.id.as_str()))
        })
    }

    fn of_leads(&self) -> Vec<HealthIssue> {
        let mut issues = Vec::new();
        let held = &self.standing.held;
        if let Some((id, since)) = held.first() {
            let what = format!("{} held back as spam", count(held.len(), "request was", "requests were"));
            let command = match held.len() {
                1 => format!("lead not-spam {id}"),
                _ => "lead list --state spam".to_owned(),
            };
            let affected = i64::try_from(held.len()).unwrap_or(i64::MAX);
            issues.push(
                self.issue(Level::Look, what, command, Trouble::HeldAsSpam(held.len()))
                    .since(*since)
                    .affecting(affected),
            );
        }
        let mut add = |rows: i64, what: String, command: String, trouble: Trouble| {
            if rows > 0 {
                issues.push(self.issue(Level::Look, what, command, trouble).affecting(rows));
            }
        };
        let rows = self.count("lead", LeadState::NeedsReview.name());
        let what = format!("{rows} {} to be looked at", plural(rows, "lead is", "leads are"));
        add(rows, what, "lead list --state needs_review".to_owned(), Trouble::LeadsToReview(rows));
        for (state, trouble) in [
            (NoticeState::Failed, Trouble::LeadsNotFetched as fn(i64) -> Trouble),
            (NoticeState::Retrying, Trouble::LeadsNotFetchedYet),
        ] {
            let rows = self.count("notice", state.name());
            let what = format!("{rows} {} not fetched ({state})", plural(rows, "lead was", "leads were"));
            add(rows, what, format!("source notices --state {state}"), trouble(rows));
        }
        issues
    }

    fn of_failure(&self, failure: &Failure, example: Option<&Effect>) -> HealthIssue {
        let Failure { state, rows, reason, since, example: id, .. } = failure;
        let (rows, object) = (*rows, example.and_then(object).unwrap_or_default());
        let reason = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let name = self.standing.connections.iter().find(|known| known.id == failure.connection_id);
        let via = name.map(|known| format!(" through connection `{}`", known.name)).unwrap_or_default();
        let what =
            format!("{rows} {} {state}{via}{object}{reason}", plural(rows, "effect is", "effects are"));
        let (command, trouble) = match state {
            EffectState::Dead if rows == 1 => (format!("effect retry {id}"), Trouble::GivenUp(rows)),
            EffectState::InDoubt => (format!("effect list --state {state}"), Trouble::InDoubt(rows)),
            EffectState::Dead => (format!("effect list --state {state}"), Trouble::GivenUp(rows)),
            EffectState::Pending
            | EffectState::Leased
            | EffectState::Retrying
            | EffectState::Delivered
            | EffectState::Discarded => {
                (format!("effect list --state {state}"), Trouble::NotThroughYet(rows))
            }
        };
        let part = format!("{} {}", failure.connection_id, failure.reason.as_deref().unwrap_or_default());
        self.issue(Level::Look, what, command, trouble).keyed(part).since(*since).affecting(rows)
    }

    fn of_runs(&self) -> Option<HealthIssue> {
        let failed = self.count("run", RunState::Failed.name());
        (failed > 0).then(|| {
            let what = format!("{failed} {} failed", plural(failed, "run has", "runs have"));
            self.issue(Level::Look, what, "run list --state failed", Trouble::RunsFailed(failed))
                .affecting(failed)
        })
    }

    fn of_lateness(&self) -> Option<HealthIssue> {
        let since = self.standing.oldest_due_at()?;
        let waiting = self.now.since(since);
        let late = self.standing.oldest_due.iter().filter(|oldest| self.now.since(oldest.moment) > OVERDUE);
        let late: Vec<String> = late
            .map(|oldest| format!("the oldest {} for {}", oldest.noun, length(self.now.since(oldest.moment))))
            .collect();
        (waiting > OVERDUE).then(|| {
            let level = if waiting > STUCK { Level::Broken } else { Level::Look };
            let what = format!("work has been due for {}: {}", length(waiting), late.join(", "));
            let command = "journalctl -u nexora, then systemctl restart nexora";
            HealthIssue::new(level, what, command, Trouble::Late(waiting)).since(since)
        })
    }

    fn of_silence(&self) -> Option<HealthIssue> {
        let silence = arrival::silence(&self.standing.arrivals)?;
        if self.tenant.state == TenantState::Suspended {
            return None;
        }
        let silent = self.now.since(silence.since);
        let usual = silence.usual;
        let what = format!("no lead has come in for {}: usually about {usual} by now", length(silent));
        let command = format!(
            "nexora source list --tenant {slug}, nexora cursor list --tenant {slug}, and open /lead/{slug}",
            slug = self.tenant.slug
        );
        let trouble = Trouble::Silence { length: silent, usual };
        Some(HealthIssue::new(Level::Look, what, command, trouble).since(silence.since))
    }

    fn count(&self, noun: &str, state: &str) -> i64 {
        balance::count(&self.standing.counts, noun, state)
    }
}

fn waiting(lines: &[Waiting], id: &str) -> i64 {
    lines.iter().find(|line| line.id == id).map_or(0, |line| line.rows)
}

/// Tells what the daemon found when it last looked.
fn of_finding(finding: &Finding) -> HealthIssue {
    let level = Level::parse(&finding.level).unwrap_or(Level::Look);
    let Finding { what, command, affected, since, .. } = finding;
    HealthIssue::new(level, what, command, Trouble::Unaccounted(*affected)).since(*since).affecting(*affected)
}

/// Names the place in which an effect was to change something, where that can be missing.
fn object(effect: &Effect) -> Option<String> {
    let (spreadsheet, sheet) = match effect.request.read().ok()? {
        EffectRequest::AppendRow(row) => (row.spreadsheet, row.sheet),
        EffectRequest::UpdateRow(row) => (row.spreadsheet, row.sheet),
        EffectRequest::Send(_)
        | EffectRequest::DraftMail(_)
        | EffectRequest::LabelMail(_)
        | EffectRequest::CreateEvent(_)
        | EffectRequest::UpdateEvent(_)
        | EffectRequest::CancelEvent(_)
        | EffectRequest::FindSlot(_)
        | EffectRequest::PostWebhook(_) => return None,
    };
    Some(format!(", spreadsheet `{spreadsheet}`, sheet `{sheet}`"))
}
