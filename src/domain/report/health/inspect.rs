//! Looks at the machine and at every tenant: all troubles there are.

use std::time::Duration;

use crate::app::{App, heart};
use crate::domain::report::backup;
use crate::domain::report::health::machine::{self, Machine};
use crate::domain::report::health::{self, HealthIssue, Level, Standing};
use nexora_core::base::Result;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::model::address::Slug;
use nexora_core::model::daemon::Daemon;
use nexora_store::{Url, daemon, finding, restore, tenant};

/// Daemons, and tenants, that are looked at.
const DAEMONS: i64 = 20;
const TENANTS: i64 = 10_000;

/// For how long a lead that was held back as spam is told of.
pub const HELD: Duration = Duration::from_secs(86_400);

/// Returns every trouble, with the tenant that it is about.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub async fn everything(app: &App) -> Result<Vec<(Option<Slug>, HealthIssue)>> {
    let now = app.clock.now();
    let (_, issues) = machine(app, now).await?;
    let is_broken = health::level(&issues) == Level::Broken;
    let mut all: Vec<_> = issues.into_iter().map(|issue| (None, issue)).collect();
    let connectors = app.connectors().clone();
    let tenants = app.db.read(|conn| tenant::list(conn, TENANTS)).await?;
    // Each in a read of its own, so that no other read waits long.
    for tenant in tenants {
        let (id, of_tenant, connectors) = (tenant.id.clone(), tenant.clone(), connectors.clone());
        let issues = app
            .db
            .read(move |conn| {
                let standing = Standing::load(&mut conn.of(&id), now - HELD, now)?;
                Ok(standing.issues(&of_tenant, &connectors, now))
            })
            .await?;
        // Where no daemon works, that everything is late says nothing more.
        let told = issues.into_iter().filter(|issue| !(is_broken && issue.is_lateness()));
        all.extend(told.map(|issue| (Some(tenant.slug.clone()), issue)));
    }
    Ok(all)
}

/// Tells whether a daemon runs, on whichever machine.
pub async fn runs(app: &App) -> bool {
    !heard(app).await.is_empty()
}

/// Tells whether a daemon runs on this machine.
pub async fn runs_here(app: &App) -> bool {
    heard(app).await.iter().any(heart::is_here)
}

async fn heard(app: &App) -> Vec<Daemon> {
    let now = app.clock.now();
    let mut daemons = app.db.read(|conn| daemon::list(conn, DAEMONS)).await.unwrap_or_default();
    daemons.retain(|found| found.is_heard(now) && !heart::is_gone(found));
    daemons
}

/// Returns the free bytes of the database's disk, where it is a file.
pub fn disk_free(app: &App) -> Option<u64> {
    match app.config.database.url.parse().ok()? {
        Url::Sqlite(path) | Url::Scratch(path) => {
            let disk = rustix::fs::statvfs(&path).ok()?;
            Some(disk.f_bavail.saturating_mul(disk.f_frsize))
        }
        Url::Postgres(_) => None,
    }
}

/// Returns the daemons, and what is wrong with the machine.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub async fn machine(app: &App, now: Timestamp) -> Result<(Vec<Daemon>, Vec<HealthIssue>)> {
    let daemons = app.db.read(|conn| daemon::list(conn, DAEMONS)).await?;
    // A daemon that gives signs of life writes; where none does, it is tried.
    let heard = daemons.iter().any(|daemon| daemon.is_heard(now) && !heart::is_gone(daemon));
    let tried = if heard { Ok(()) } else { app.db.write(daemon::try_write).await };
    let disk_free = disk_free(app);
    let findings = app.db.read(finding::of_machine).await?;
    let unwritable = tried.as_ref().err();
    // A clock that is set by hand agrees with nobody's.
    let server_time = match app.clock {
        Clock::System => app.db.read(daemon::server_time).await?,
        Clock::HandSet(_) => None,
    };
    let held = app.db.read(restore::latest).await?;
    let first = app.db.read(tenant::first_created).await?;
    let settings = &app.config.backup;
    let backup =
        backup::trouble(settings, first, now).into_iter().chain(backup::followed_trouble(settings, now));
    let backup = backup.collect();
    let seen = Machine {
        daemons: &daemons,
        is_gone: heart::is_gone,
        disk_free,
        unwritable,
        server_time,
        findings: &findings,
        backup,
        held: held.as_ref().filter(|restore| restore.is_held()),
    };
    let issues = machine::of(&seen, now);
    Ok((daemons, issues))
}
