//! Moments that have come: each timer of a calendar entry, and each moment of a schedule, becomes an
//! event, once.

use std::sync::Arc;

use crate::app::App;
use crate::domain::calendar::schedule;
use crate::pipeline::Round;
use crate::pipeline::Swept;
use crate::pipeline::poll::calendar;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::{ScheduleId, TimerId};
use nexora_store::due::{self, Due, Queue};
use nexora_store::{Conn, cursor, tenant, timer};

/// Where the rounds of both queues stand.
#[derive(Default)]
pub struct Rounds {
    timers: Round,
    schedules: Round,
}

/// Makes events of a share of the timers and schedules that are due.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, rounds: &mut Rounds) -> Result<Swept> {
    let timers = sweep_queue(app, Queue::Timers, &mut rounds.timers).await?;
    let schedules = sweep_queue(app, Queue::Schedules, &mut rounds.schedules).await?;
    let next_due = [timers.next_due, schedules.next_due].into_iter().flatten().min();
    Ok(Swept { handled: timers.handled + schedules.handled, more: timers.more || schedules.more, next_due })
}

async fn sweep_queue(app: &Arc<App>, queue: Queue, round: &mut Round) -> Result<Swept> {
    let now = app.clock.now();
    let next_due = app.db.read(move |conn| due::next(conn, queue)).await?;
    if next_due.is_none_or(|due_at| due_at > now) {
        return Ok(Swept::nothing(next_due));
    }
    let (limit, after) = (app.config.pipeline.sweep_limit(), round.clone());
    let share = app
        .db
        .write(move |conn| {
            let share = due::take(conn, queue, now, limit, after.as_ref())?;
            for due in &share.rows {
                match queue {
                    Queue::Schedules => {
                        schedule::tick(conn, &due.tenant_id, &ScheduleId::parse(&due.id)?, now)?;
                    }
                    _ => ring(conn, due, now)?,
                }
            }
            Ok(share)
        })
        .await?;
    *round = share.after;
    app.nudges.dispatch.notify_one();
    Ok(Swept { handled: share.rows.len(), more: share.more, next_due: None })
}

fn ring(conn: &mut Conn, due: &Due, now: Timestamp) -> Result<()> {
    let tx = &mut conn.of(&due.tenant_id);
    let Some(timer) = timer::find(tx, &TimerId::parse(&due.id)?)? else { return Ok(()) };
    let Some(cursor) = cursor::find(tx, &timer.cursor_id)? else { return Ok(()) };
    let Some(tenant) = tenant::find(tx, &due.tenant_id)? else { return Ok(()) };
    calendar::ring(tx, (&tenant, &cursor), &timer, now).map(|_| ())
}
