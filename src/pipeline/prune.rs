//! Retention: what is finished and old enough goes. What is not finished is kept, however old.

use std::sync::Arc;

use crate::app::App;
use crate::base::Result;
use crate::pipeline::Swept;
use crate::store::{event, run};

/// Rows of a kind deleted in one write, so that no other write waits long.
const LIMIT: i64 = 64;

/// Deletes a share of the runs, with their steps and effects, that finished before the retention,
/// and of the events that started none.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>) -> Result<Swept> {
    let now = app.clock.now();
    let [runs, events] =
        [app.config.pipeline.keep_runs(), app.config.pipeline.keep_events()].map(|age| now - age);
    let (pruned_runs, pruned_events) = app
        .db
        .write(move |conn| Ok((run::prune(conn, runs, LIMIT)?, event::prune(conn, events, LIMIT)?)))
        .await?;
    let more = [pruned_runs, pruned_events].iter().any(|pruned| i64::try_from(*pruned).unwrap_or(0) >= LIMIT);
    Ok(Swept { handled: pruned_runs + pruned_events, more, next_due: None })
}
