//! The metrics that say how things stand when they are asked for.

use metrics::gauge;

use crate::app::{App, metric};
use crate::domain::report::health::{Level, inspect};
use nexora_core::base::Result;
use nexora_store::Conn;
use nexora_store::due::{self, Queue};

/// Looks at the database, and sets the gauges.
pub async fn set(app: &App) {
    gauge!(metric::BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let looked = look(app).await;
    gauge!(metric::DATABASE_UP).set(if looked.is_ok() { 1.0 } else { 0.0 });
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
async fn look(app: &App) -> Result<()> {
    let now = app.clock.now();
    let depth = move |conn: &mut Conn| {
        Queue::ALL
            .iter()
            .map(|queue| Ok((*queue, due::depth(conn, *queue, now)?)))
            .collect::<Result<Vec<_>>>()
    };
    for (queue, depth) in app.db.read(depth).await? {
        let age = depth.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
        gauge!(metric::DUE, "queue" => queue.table()).set(depth.due as f64);
        gauge!(metric::OLDEST_DUE_SECONDS, "queue" => queue.table()).set(age);
    }
    let troubles = inspect::everything(app).await?;
    for (level, name) in [(Level::Look, "look"), (Level::Broken, "broken")] {
        let number = troubles.iter().filter(|(_, issue)| issue.level == level).count();
        gauge!(metric::TROUBLES, "level" => name).set(number as f64);
    }
    Ok(())
}
