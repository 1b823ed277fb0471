//! What somebody should look at, each with the command that acts on it: for `nexora status`, the status
//! page and the digest.

use std::time::Duration;

use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::model::connection::{
    Connection, ConnectionSettings, ConnectionState, GoogleMeans, GoogleSettings,
};
use crate::model::cursor::Cursor;
use crate::model::effect::EffectState;
use crate::model::lead::LeadState;
use crate::model::run::RunState;
use crate::model::source::NoticeState;
use crate::model::tenant::{Tenant, TenantMode};
use crate::store::balance::Count;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    pub what: String,
    pub command: String,
}

/// How a tenant's work stands.
#[derive(Clone, Copy, Debug)]
pub struct Health<'a> {
    pub tenant: &'a Tenant,
    pub counts: &'a [Count],
    /// Since when the oldest due work has been waiting.
    pub oldest_due_at: Option<Timestamp>,
    pub connections: &'a [Connection],
    pub cursors: &'a [Cursor],
}

const OVERDUE: Duration = Duration::from_secs(60);

/// A place that is watched and was not read for so long, and for three of its intervals, is trouble.
const UNREAD: Duration = Duration::from_secs(1_800);

const ENDS_SOON: Duration = Duration::from_secs(2 * 86_400);

impl Health<'_> {
    fn count(&self, noun: &str, state: &str) -> i64 {
        let counted = self.counts.iter().filter(|count| count.noun == noun && count.state == state);
        counted.map(|count| count.rows).sum()
    }
}

/// Returns what somebody should look at.
pub fn of(status: &Health<'_>, now: Timestamp) -> Vec<Trouble> {
    let slug = &status.tenant.slug;
    let mut troubles = Vec::new();
    let mut add = |what: String, command: String| troubles.push(Trouble { what, command });
    if status.tenant.mode == TenantMode::Rehearsal {
        add(
            "it rehearses: what it sends goes to the sandbox, and to nobody".to_owned(),
            format!("nexora tenant set {slug} mode=live"),
        );
    }
    for connection in status.connections {
        let name = &connection.name;
        let (by_consent, ends_at) = consent(connection);
        if connection.state != ConnectionState::Active {
            let reason = connection.last_error.as_deref().unwrap_or("it was paused by an operator");
            let failing = connection.state == ConnectionState::Failing;
            let verb = if by_consent && failing { "authorize" } else { "test" };
            add(
                format!("connection `{name}` is {}: {reason}", connection.state),
                format!("nexora connection {verb} {name} --tenant {slug}"),
            );
        } else if let Some(at) = ends_at.filter(|at| *at < now + ENDS_SOON) {
            add(
                format!("the consent to connection `{name}` ends {at}: the OAuth app is in testing"),
                format!("nexora connection authorize {name} --tenant {slug}"),
            );
        }
    }
    for cursor in status.cursors {
        let active = |connection: &&Connection| connection.id == cursor.connection_id;
        let Some(connection) = status.connections.iter().find(active) else { continue };
        let silent = now.since(cursor.polled_at.unwrap_or(cursor.created_at));
        if connection.state == ConnectionState::Active && silent > UNREAD.max(3 * cursor.interval()) {
            let reason = cursor.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            add(
                format!(
                    "the {} of connection `{}` was not read for {}{reason}",
                    cursor.kind,
                    connection.name,
                    spoken(silent)
                ),
                format!("nexora cursor list --tenant {slug}"),
            );
        }
    }
    let unreviewed = status.count("lead", LeadState::NeedsReview.name());
    if unreviewed > 0 {
        add(
            format!("{unreviewed} {} to be looked at", plural(unreviewed, "lead is", "leads are")),
            format!("nexora lead list --state needs_review --tenant {slug}"),
        );
    }
    for state in [NoticeState::Failed, NoticeState::Retrying] {
        let count = status.count("notice", state.name());
        if count > 0 {
            add(
                format!("{count} {} not fetched ({state})", plural(count, "lead was", "leads were")),
                format!("nexora source notices --state {state} --tenant {slug}"),
            );
        }
    }
    for state in [EffectState::Dead, EffectState::InDoubt, EffectState::Retrying] {
        let count = status.count("effect", state.name());
        if count > 0 {
            add(
                format!("{count} {} {state}", plural(count, "effect is", "effects are")),
                format!("nexora effect list --state {state} --tenant {slug}"),
            );
        }
    }
    let failed = status.count("run", RunState::Failed.name());
    if failed > 0 {
        add(
            format!("{failed} {} failed", plural(failed, "run has", "runs have")),
            format!("nexora run list --state failed --tenant {slug}"),
        );
    }
    let waiting = status.oldest_due_at.map(|due_at| now.since(due_at)).unwrap_or_default();
    if waiting > OVERDUE {
        add(
            format!("work has been due for {}; is the daemon running?", spoken(waiting)),
            "systemctl status nexora".to_owned(),
        );
    }
    troubles
}

/// Tells whether a connection rests on a person's consent, and when that ends if it does.
fn consent(connection: &Connection) -> (bool, Option<Timestamp>) {
    match connection.typed() {
        Ok(ConnectionSettings::Google(GoogleSettings {
            means: GoogleMeans::User { consent_ends_at, .. },
            ..
        })) => (true, consent_ends_at),
        _ => (false, None),
    }
}

fn spoken(duration: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(duration.as_secs()))
}

fn plural<'a>(count: i64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}
