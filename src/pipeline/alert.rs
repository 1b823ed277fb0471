//! Operators are told of troubles that last, once, and of their end: from the one list that `nexora status` has, by the
//! ways of the configuration. What was told is kept, so that a restart neither repeats nor forgets it.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, heart};
use crate::domain::alert::message;
use crate::domain::alert::way;
use crate::domain::report::health::{HealthIssue, Level, inspect, machine};
use crate::pipeline::Swept;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::alert::Alert;
use nexora_engine::report::alerting::{self, Plan, Rules, Seen};
use nexora_store::{Claim, Conn, Inserted, alert};

/// How often it is looked at everything.
pub const INTERVAL: Duration = Duration::from_secs(30);

/// Alerts that are open at most: beyond it, further troubles are told of once others have ended.
const OPEN: i64 = 1_000;

/// Alerts of one message.
const TOLD: usize = 50;

/// For how long one daemon has alerts to tell them.
const LEASE: Duration = Duration::from_secs(180);

/// How long alerts are remembered that have ended.
const REMEMBERED: Duration = Duration::from_secs(90 * 86_400);

/// What is known of the alerts that the database cannot keep, because it is what does not work.
#[derive(Debug, Default)]
pub struct Unkept {
    since: Option<Timestamp>,
    told: bool,
}

/// Looks at everything, and tells what is to be told.
///
/// # Errors
/// `Unavailable` when what was told cannot be kept, or no way gets through.
pub async fn sweep(app: &Arc<App>, unkept: &mut Unkept) -> Result<Swept> {
    if !app.config.alerts.is_on() {
        return Ok(Swept::nothing(None));
    }
    match by_book(app).await {
        Ok(told) => {
            recover(app, unkept).await?;
            Ok(Swept { handled: 0, more: told, next_due: None })
        }
        Err(Failure::Database(error)) => {
            without_book(app, unkept, &error).await?;
            Err(error)
        }
        Err(Failure::Ways(error)) => Err(error),
    }
}

/// Why a sweep failed.
enum Failure {
    Database(Error),
    Ways(Error),
}

/// Tells what has begun and ended since the last time, as the database has it; returns whether more is to be told.
async fn by_book(app: &App) -> Result<bool, Failure> {
    let now = app.clock.now();
    let seen = inspect::everything(app).await.map_err(Failure::Database)?;
    let seen: Vec<Seen> =
        seen.into_iter().filter_map(|(tenant, issue)| seen_as(app, tenant, issue)).collect();
    let rules = rules(app);
    let looked = seen.clone();
    let planned =
        app.db.read(move |conn| plan(conn, &looked, rules, now)).await.map_err(Failure::Database)?;
    if planned.is_empty() {
        return Ok(false);
    }
    // It is planned anew in the write, since another daemon may have been faster.
    let write = move |conn: &mut Conn| keep(conn, &seen, rules, now);
    let claimed = app.db.write(write).await.map_err(Failure::Database)?;
    if claimed.is_empty() {
        return Ok(false);
    }
    let message = message::of_alerts(&heart::host(), &claimed, now).map_err(Failure::Ways)?;
    let told = way::tell_all(app, &message, now).await;
    let is_told = told.is_ok();
    let settle = move |conn: &mut Conn| {
        for claimed in &claimed {
            let after = match is_told {
                true => alerting::told(claimed, now),
                false => Alert { lease_until: None, ..claimed.clone() },
            };
            alert::save(conn, &after)?;
        }
        alert::prune(conn, now - REMEMBERED)?;
        Ok(())
    };
    app.db.write(settle).await.map_err(Failure::Database)?;
    told.map(|()| false).map_err(Failure::Ways)
}

fn rules(app: &App) -> Rules {
    let settings = &app.config.alerts;
    Rules { settle: settings.settle(), spacing: settings.spacing(), again_after: settings.again_after() }
}

/// Returns a trouble as it is told; nothing where it is of a level that is not.
fn seen_as(app: &App, tenant: Option<Slug>, issue: HealthIssue) -> Option<Seen> {
    let (level, rank) = match issue.level {
        Level::Good => return None,
        Level::Look => ("look", 1),
        Level::Broken => ("broken", 2),
    };
    let is_told = match app.config.alerts.level.as_str() {
        "broken" => level == "broken",
        "all" => true,
        _ => level == "broken" || !issue.is_daily(),
    };
    if !is_told {
        return None;
    }
    let tenant = tenant.map(|slug| slug.to_string());
    let key = format!("{}|{}", tenant.as_deref().unwrap_or_default(), issue.key);
    Some(Seen { key, tenant, level, rank, what: issue.what, command: issue.command })
}

fn plan(conn: &mut Conn, seen: &[Seen], rules: Rules, now: Timestamp) -> Result<Plan> {
    let open = alert::open(conn, OPEN)?;
    let last_told = alert::last_told(conn)?;
    Ok(alerting::plan(&open, seen, rules, last_told, now))
}

/// Writes how everything stands, and takes what is to be told.
fn keep(conn: &mut Conn, seen: &[Seen], rules: Rules, now: Timestamp) -> Result<Vec<Alert>> {
    let Plan { new, changed, tell } = plan(conn, seen, rules, now)?;
    for alert in &new {
        if alert::insert(conn, alert)? == Inserted::AlreadyThere {
            tracing::debug!(key = alert.key, "another daemon has seen it, too");
        }
    }
    for alert in &changed {
        alert::save(conn, alert)?;
    }
    let mut claimed = Vec::new();
    for alert in tell.into_iter().take(TOLD) {
        if alert::claim(conn, &alert.id, now, now + LEASE)? == Claim::Won {
            claimed.push(alert);
        }
    }
    Ok(claimed)
}

/// Tells that the database itself does not work, once it has lasted.
async fn without_book(app: &App, unkept: &mut Unkept, error: &Error) -> Result<()> {
    let now = app.clock.now();
    let since = *unkept.since.get_or_insert(now);
    if unkept.told || now.since(since) < app.config.alerts.settle() {
        return Ok(());
    }
    let issue = machine::of_error(error);
    let text = format!("BROKEN  {}\n  {}", issue.what, issue.command);
    way::tell_all(app, &message::plain(&heart::host(), "the database does not work", &text, now)?, now)
        .await?;
    unkept.told = true;
    Ok(())
}

/// Tells that it works again.
async fn recover(app: &App, unkept: &mut Unkept) -> Result<()> {
    if unkept.told {
        let now = app.clock.now();
        let text = "Work goes on where it was.";
        way::tell_all(
            app,
            &message::plain(&heart::host(), "over: the database works again", text, now)?,
            now,
        )
        .await?;
    }
    *unkept = Unkept::default();
    Ok(())
}
