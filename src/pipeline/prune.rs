//! Retention: what is finished and old enough goes. What is not finished is kept, however old.

use std::sync::Arc;

use crate::app::App;
use crate::base::Result;
use crate::pipeline::Swept;
use crate::store::run;

/// Runs deleted in one write, so that no other write waits long.
const LIMIT: i64 = 64;

/// Deletes a share of the runs, with their steps and effects, that finished before the retention.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>) -> Result<Swept> {
    let before = app.clock.now() - app.config.pipeline.keep_runs();
    let handled = app.db.write(move |conn| run::prune(conn, before, LIMIT)).await?;
    Ok(Swept { handled, more: i64::try_from(handled).unwrap_or(0) >= LIMIT, next_due: None })
}
