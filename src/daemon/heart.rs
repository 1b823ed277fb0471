//! The daemon's signs of life, every few seconds: one small write, so that `nexora status` knows that it runs, and
//! other daemons that it still works on what it holds.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::daemon::clock_back;
use crate::daemon::takeover::Takeover;
use nexora_core::base::Result;
use nexora_core::model::daemon::BEAT;
use nexora_store::daemon;

/// How long a daemon that is gone is remembered.
const REMEMBERED: Duration = Duration::from_secs(7 * 86_400);

/// Gives signs of life until the stop. What goes wrong is logged once, and once more when it has passed.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    forget(&app).await;
    let (mut failing, mut takeover) = (false, Takeover::default());
    loop {
        // Before this clock's own sign of life hides what the one before said.
        if let Err(error) = clock_back::look(&app).await {
            tracing::debug!(reason = %error.report(), "it was not looked whether the clock went back");
        }
        let beat = app.heart.beat(&app.db, &app.clock).await;
        match &beat {
            Err(error) if !failing => {
                tracing::error!(reason = %error.report(), "the database cannot be written");
            }
            Ok(()) if failing => tracing::info!("the database can be written again"),
            Ok(()) | Err(_) => {}
        }
        failing = beat.is_err();
        if !failing && let Err(error) = takeover.look(&app).await {
            tracing::debug!(reason = %error.report(), "other daemons were not looked after");
        }
        if stop.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_none() {
            return;
        }
    }
}

async fn forget(app: &App) {
    let before = app.clock.now() - REMEMBERED;
    let forgotten: Result<usize> = app.db.write(move |conn| daemon::forget(conn, before)).await;
    if let Err(error) = forgotten {
        tracing::debug!(reason = %error.report(), "earlier daemons are remembered for longer");
    }
}

/// Says that the daemon stops. Where that cannot be written, its silence tells.
pub async fn stop(app: &App) {
    if let Err(error) = app.heart.stop(&app.db, &app.clock).await {
        tracing::debug!(reason = %error.report(), "the stop was not noted");
    }
}
