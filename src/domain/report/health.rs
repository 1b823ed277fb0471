//! What the operator should look at, each with the command that acts on it: for `nexora status`, the status
//! page and the digest.

use std::time::Duration;

use serde::Serialize;

use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::define_plain_words;
use nexora_core::base::wording::{length, plural};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::cursor::{Cursor, CursorKind};
use nexora_core::model::effect::EffectState;
use nexora_core::model::language::{Language, Place, Trouble};
use nexora_core::model::lead::LeadState;
use nexora_core::model::run::RunState;
use nexora_core::model::source::NoticeState;
use nexora_core::model::tenant::{Tenant, TenantMode, TenantState};
use nexora_store::balance::{self, Count};

define_plain_words! {
    /// How well everything works, the best first.
    Level = "level" {
        Good = "good",
        /// Something needs a look.
        Look = "look",
        /// Something does not work at all.
        Broken = "broken",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthIssue {
    pub what: String,
    pub command: String,
    pub level: Level,
    /// The same for the owner of the business.
    pub plain: String,
    #[serde(skip)]
    trouble: Trouble,
}

impl HealthIssue {
    pub fn new(
        level: Level,
        what: impl Into<String>,
        command: impl Into<String>,
        trouble: Trouble,
    ) -> HealthIssue {
        let plain = (Language::English.words().trouble)(&trouble);
        HealthIssue { what: what.into(), command: command.into(), level, plain, trouble }
    }

    /// Tells it to the owner in a language.
    pub fn told(&self, language: Language) -> String {
        (language.words().trouble)(&self.trouble)
    }
}

/// How a tenant's work stands.
#[derive(Clone, Copy)]
pub struct Health<'a> {
    pub tenant: &'a Tenant,
    pub connectors: &'a Connectors,
    pub counts: &'a [Count],
    /// Since when the oldest due work has been waiting.
    pub oldest_due_at: Option<Timestamp>,
    pub connections: &'a [Connection],
    pub cursors: &'a [Cursor],
}

const OVERDUE: Duration = Duration::from_secs(60);

/// Work that has been due for so long is not merely late.
const STUCK: Duration = Duration::from_secs(600);

/// A place that is watched and was not read for so long, and for three of its intervals, is trouble.
const UNREAD: Duration = Duration::from_secs(1_800);

const ENDS_SOON: Duration = Duration::from_secs(2 * 86_400);

/// For how long a mail to the business that came back is told of. A wrong address has each alert come back.
const BOUNCED: Duration = Duration::from_secs(7 * 86_400);

/// Returns what the operator should look at.
pub fn of(status: &Health<'_>, now: Timestamp) -> Vec<HealthIssue> {
    let mut troubles = of_tenant(status.tenant);
    troubles.extend(of_alerts(status.tenant, now));
    troubles
        .extend(status.connections.iter().filter_map(|connection| of_connection(status, connection, now)));
    troubles.extend(status.cursors.iter().filter_map(|cursor| of_cursor(status, cursor, now)));
    troubles.extend(of_counts(status));
    let waiting = status.oldest_due_at.map(|due_at| now.since(due_at)).unwrap_or_default();
    if waiting > OVERDUE {
        troubles.push(HealthIssue::new(
            if waiting > STUCK { Level::Broken } else { Level::Look },
            format!("work has been due for {}; is the daemon running?", length(waiting)),
            "systemctl status nexora",
            Trouble::Late(waiting),
        ));
    }
    troubles
}

/// Returns how well everything works: as the worst of the troubles has it.
pub fn level(troubles: &[HealthIssue]) -> Level {
    troubles.iter().map(|trouble| trouble.level).max().unwrap_or(Level::Good)
}

/// Says that a user's sign-in is locked, which may be a stranger's doing.
pub fn of_lock(email: &EmailAddress, since: Option<Timestamp>) -> HealthIssue {
    let since = since.map(|at| format!(" since {at}")).unwrap_or_default();
    HealthIssue::new(
        Level::Look,
        format!("sign-in of {email} is locked{since}: too many wrong passwords or codes"),
        format!("nexora user unlock {email}"),
        Trouble::Locked(email.to_string()),
    )
}

fn of_tenant(tenant: &Tenant) -> Vec<HealthIssue> {
    let slug = &tenant.slug;
    let mut troubles = Vec::new();
    if tenant.state == TenantState::Suspended {
        troubles.push(HealthIssue::new(
            Level::Look,
            "it is suspended: leads are kept, and everything else waits",
            format!("nexora tenant resume {slug}"),
            Trouble::Suspended,
        ));
    }
    if tenant.mode == TenantMode::Rehearsal {
        troubles.push(HealthIssue::new(
            Level::Look,
            "it rehearses: what it sends goes to the sandbox, and to nobody",
            format!("nexora tenant set {slug} mode=live"),
            Trouble::Rehearsing,
        ));
    }
    troubles
}

/// Says that alerts to the business do not arrive. What is stored and cannot be read says nothing.
fn of_alerts(tenant: &Tenant, now: Timestamp) -> Option<HealthIssue> {
    let bounce = tenant.alert_bounce().ok()?.filter(|bounce| now.since(bounce.at) < BOUNCED)?;
    let (slug, at) = (&tenant.slug, bounce.at);
    let to = if bounce.address.is_empty() { String::new() } else { format!(" to {}", bounce.address) };
    let why = if bounce.diagnostic.is_empty() { String::new() } else { format!(": {}", bounce.diagnostic) };
    Some(HealthIssue::new(
        Level::Look,
        format!("a mail{to}, of the business itself, came back {at}{why}"),
        format!("nexora tenant set {slug} owner_email=ADDRESS"),
        Trouble::AlertCameBack(Some(bounce.address.clone()).filter(|address| !address.is_empty())),
    ))
}

fn of_connection(status: &Health<'_>, connection: &Connection, now: Timestamp) -> Option<HealthIssue> {
    let (slug, name, account) = (&status.tenant.slug, &connection.name, status.connectors.title(connection));
    let authorization = connection.authorization();
    if connection.state != ConnectionState::Active {
        let reason = connection.last_error.as_deref().unwrap_or("it was paused by an operator");
        let failing = connection.state == ConnectionState::Failing;
        let verb = if authorization.is_some() && failing { "authorize" } else { "test" };
        return Some(HealthIssue::new(
            if failing { Level::Broken } else { Level::Look },
            format!("connection `{name}` is {}: {reason}", connection.state),
            format!("nexora connection {verb} {name} --tenant {slug}"),
            if failing { Trouble::Refused(account) } else { Trouble::Paused(account) },
        ));
    }
    let at = authorization?.ends_at.filter(|at| *at < now + ENDS_SOON)?;
    Some(HealthIssue::new(
        Level::Look,
        format!("the consent to connection `{name}` ends {at}: the OAuth app is in testing"),
        format!("nexora connection authorize {name} --tenant {slug}"),
        Trouble::EndsSoon(account),
    ))
}

fn of_cursor(status: &Health<'_>, cursor: &Cursor, now: Timestamp) -> Option<HealthIssue> {
    let slug = &status.tenant.slug;
    let connection = status.connections.iter().find(|connection| connection.id == cursor.connection_id)?;
    let silent = now.since(cursor.polled_at.unwrap_or(cursor.created_at));
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
    Some(HealthIssue::new(
        Level::Look,
        format!("the {kind} of connection `{name}` was not read for {}{reason}", length(silent)),
        format!("nexora cursor list --tenant {slug}"),
        Trouble::Unread { place, account: status.connectors.title(connection), length: silent },
    ))
}

fn of_counts(status: &Health<'_>) -> Vec<HealthIssue> {
    let count = |noun: &str, state: &str| balance::count(status.counts, noun, state);
    let slug = &status.tenant.slug;
    let mut troubles = Vec::new();
    let mut add = |what: String, command: String, trouble: Trouble| {
        let command = format!("nexora {command} --tenant {slug}");
        troubles.push(HealthIssue::new(Level::Look, what, command, trouble));
    };
    let unreviewed = count("lead", LeadState::NeedsReview.name());
    if unreviewed > 0 {
        add(
            format!("{unreviewed} {} to be looked at", plural(unreviewed, "lead is", "leads are")),
            "lead list --state needs_review".to_owned(),
            Trouble::LeadsToReview(unreviewed),
        );
    }
    for (state, trouble) in [
        (NoticeState::Failed, Trouble::LeadsNotFetched as fn(i64) -> Trouble),
        (NoticeState::Retrying, Trouble::LeadsNotFetchedYet),
    ] {
        let rows = count("notice", state.name());
        if rows > 0 {
            add(
                format!("{rows} {} not fetched ({state})", plural(rows, "lead was", "leads were")),
                format!("source notices --state {state}"),
                trouble(rows),
            );
        }
    }
    for (state, trouble) in [
        (EffectState::Dead, Trouble::GivenUp as fn(i64) -> Trouble),
        (EffectState::InDoubt, Trouble::InDoubt),
        (EffectState::Retrying, Trouble::NotThroughYet),
    ] {
        let rows = count("effect", state.name());
        if rows > 0 {
            add(
                format!("{rows} {} {state}", plural(rows, "effect is", "effects are")),
                format!("effect list --state {state}"),
                trouble(rows),
            );
        }
    }
    let failed = count("run", RunState::Failed.name());
    if failed > 0 {
        add(
            format!("{failed} {} failed", plural(failed, "run has", "runs have")),
            "run list --state failed".to_owned(),
            Trouble::RunsFailed(failed),
        );
    }
    troubles
}
