//! Is everything working? For one tenant or all, with the signed links that let an owner see theirs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::secret::MasterKey;
use crate::base::{Error, Result};
use crate::model::connection::{
    Connection, ConnectionSettings, ConnectionState, GoogleMeans, GoogleSettings,
};
use crate::model::cursor::Cursor;
use crate::model::effect::{Effect, EffectState};
use crate::model::lead::{Lead, LeadState};
use crate::model::run::{Run, RunState};
use crate::model::tenant::Tenant;
use crate::store::balance::{self, Count};
use crate::store::{Conn, automation, connection, cursor, effect, lead, run, tenant};

/// What an operator, or the owner, sees of a tenant.
#[derive(Clone, Debug, Serialize)]
pub struct TenantStatus {
    pub tenant: Tenant,
    pub counts: Vec<Count>,
    /// Since when the oldest due work has been waiting.
    pub oldest_due_at: Option<Timestamp>,
    pub connections: Vec<Connection>,
    /// What is read of them, and how far.
    pub cursors: Vec<Cursor>,
    pub automations: Vec<AutomationLine>,
    pub leads: Vec<Lead>,
    pub runs: Vec<Run>,
    pub effects: Vec<Effect>,
    /// What somebody should look at, each with the command that acts on it.
    pub troubles: Vec<Trouble>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AutomationLine {
    pub name: String,
    pub state: crate::model::automation::AutomationState,
    pub version: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    pub what: String,
    pub command: String,
}

const SHOWN: i64 = 25;
const TENANTS: i64 = 1_000;
const OVERDUE: Duration = Duration::from_secs(60);

/// A place that is watched and was not read for so long, and for three of its intervals, is trouble.
const UNREAD: Duration = Duration::from_secs(1_800);

const ENDS_SOON: Duration = Duration::from_secs(2 * 86_400);

impl TenantStatus {
    /// Returns how many rows of a noun are in a state.
    pub fn count(&self, noun: &str, state: &str) -> i64 {
        self.counts
            .iter()
            .filter(|count| count.noun == noun && count.state == state)
            .map(|count| count.rows)
            .sum()
    }

    /// Returns how many rows of a noun there are.
    pub fn total(&self, noun: &str) -> i64 {
        self.counts.iter().filter(|count| count.noun == noun).map(|count| count.rows).sum()
    }
}

/// Returns the status of one tenant.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn of_tenant(app: &App, tenant: Tenant) -> Result<TenantStatus> {
    let now = app.clock.now();
    app.db.read(move |conn| load(conn, tenant, now)).await
}

/// Returns the status of every tenant, by slug.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn of_all(app: &App) -> Result<Vec<TenantStatus>> {
    let now = app.clock.now();
    app.db
        .read(move |conn| {
            let tenants = tenant::list(conn, TENANTS)?;
            tenants.into_iter().map(|tenant| load(conn, tenant, now)).collect()
        })
        .await
}

fn load(conn: &mut Conn, tenant: Tenant, now: Timestamp) -> Result<TenantStatus> {
    let id = tenant.id.clone();
    let automations = automation::list(conn, &id, TENANTS)?.into_iter();
    let mut status = TenantStatus {
        counts: balance::counts(conn, &id)?,
        oldest_due_at: balance::oldest_due(conn, &id)?,
        connections: connection::list(conn, &id, TENANTS)?,
        cursors: cursor::list(conn, &id, None, TENANTS)?,
        automations: automations
            .map(|a| AutomationLine { name: a.name, state: a.state, version: a.live_version })
            .collect(),
        leads: lead::list(conn, &id, None, None, SHOWN)?,
        runs: run::list(conn, &id, &run::Filter::default(), SHOWN)?,
        effects: effect::list(conn, &id, &effect::Filter::default(), SHOWN)?,
        troubles: Vec::new(),
        tenant,
    };
    status.troubles = troubles(&status, now);
    Ok(status)
}

fn troubles(status: &TenantStatus, now: Timestamp) -> Vec<Trouble> {
    let slug = &status.tenant.slug;
    let mut troubles = Vec::new();
    let mut add = |what: String, command: String| troubles.push(Trouble { what, command });
    for connection in &status.connections {
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
    for cursor in &status.cursors {
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

/// Makes the token of a link to a tenant's status page that ends at `until`.
///
/// # Errors
/// `Internal` when the key cannot sign, which does not happen.
pub fn sign_link(key: &MasterKey, tenant: &Tenant, until: Timestamp) -> Result<String> {
    let body = format!("{}.{}", tenant.slug, until.millis());
    let signature = URL_SAFE_NO_PAD.encode(link_mac(key, &body)?.finalize().into_bytes());
    Ok(format!("{body}.{signature}"))
}

/// Returns the slug that a link's token names.
///
/// # Errors
/// `Denied` when the token was changed or has ended.
pub fn verify_link(key: &MasterKey, token: &str, now: Timestamp) -> Result<String> {
    let denied = || Error::denied("this link has ended or is not complete").hint("ask for a new one");
    let (body, signature) = token.rsplit_once('.').ok_or_else(denied)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| denied())?;
    link_mac(key, body)?.verify_slice(&signature).map_err(|_| denied())?;
    let (slug, until) = body.rsplit_once('.').ok_or_else(denied)?;
    let until: i64 = until.parse().map_err(|_| denied())?;
    if Timestamp::from_millis(until) < now {
        return Err(denied());
    }
    Ok(slug.to_owned())
}

fn link_mac(key: &MasterKey, body: &str) -> Result<Hmac<sha2::Sha256>> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key.derive("status link"))
        .map_err(|error| Error::internal("a link cannot be signed").source(error.to_string()))?;
    mac.update(body.as_bytes());
    Ok(mac)
}
