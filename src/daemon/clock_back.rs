//! A clock that was set back: what was due by the clock before would wait until the new one has caught up.
//!
//! The signs of life in the database tell: one of this machine lies ahead of its clock. What waits by then is brought
//! back by as much, once. What is tied to the hour that people see (timers, schedules, waits that are not over) stays.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::app::heart::is_here;
use nexora_core::base::Result;
use nexora_core::base::wording::length;
use nexora_store::{daemon, due};

/// Clocks that are set right by less than this happen all the time, and do no harm.
const HARMLESS: Duration = Duration::from_secs(20);

/// Daemons that are looked at, those heard last first.
const DAEMONS: i64 = 50;

/// Looks once, and brings back what waits where the clock went back.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn look(app: &Arc<App>) -> Result<()> {
    let now = app.clock.now();
    let mut heard = app.db.read(|conn| daemon::list(conn, DAEMONS)).await?;
    heard.retain(|daemon| is_here(daemon) && daemon.beat_at > now);
    let Some(before) = heard.iter().map(|daemon| daemon.beat_at).max() else { return Ok(()) };
    let by = before.since(now);
    if by < HARMLESS {
        return Ok(());
    }
    let lease = app.config.pipeline.lease();
    app.db
        .write(move |conn| {
            due::bring_back(conn, (now, before), lease)?;
            heard.iter().try_for_each(|daemon| daemon::heard_at(conn, &daemon.id, now))
        })
        .await?;
    tracing::warn!("the clock went back by {}; what was due is due again", length(by));
    app.nudges.all();
    Ok(())
}
