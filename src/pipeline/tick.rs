//! Moments that have come: each timer becomes an event, once.

use std::sync::Arc;

use crate::app::App;
use crate::base::Result;
use crate::model::TimerId;
use crate::pipeline::poll::calendar;
use crate::pipeline::{Round, Swept};
use crate::store::due::{self, Queue};
use crate::store::{cursor, timer};

/// Makes events of a share of the timers that are due.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, round: &mut Round) -> Result<Swept> {
    let now = app.clock.now();
    let next_due = app.db.read(|conn| due::next(conn, Queue::Timers)).await?;
    if next_due.is_none_or(|due_at| due_at > now) {
        return Ok(Swept::nothing(next_due));
    }
    let (limit, after) = (app.config.pipeline.sweep_limit(), round.clone());
    let share = app
        .db
        .write(move |conn| {
            let share = due::take(conn, Queue::Timers, now, limit, after.as_ref())?;
            for due in &share.rows {
                let timer = timer::find(conn, &due.tenant_id, &TimerId::parse(&due.id)?)?;
                let Some(timer) = timer else { continue };
                let Some(cursor) = cursor::find(conn, &due.tenant_id, &timer.cursor_id)? else { continue };
                calendar::ring(conn, &cursor, &timer, now)?;
            }
            Ok(share)
        })
        .await?;
    *round = share.after;
    app.nudges.dispatch.notify_one();
    Ok(Swept { handled: share.rows.len(), more: share.more, next_due: None })
}
