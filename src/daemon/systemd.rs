//! Notifications to systemd (sd_notify(3)): ready, reloading, alive, stopping. Without systemd they do nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::task::JoinHandle;

use crate::app::App;

pub fn ready() {
    tell(&[NotifyState::Ready]);
}

pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Says regularly that the daemon is alive, as long as its database answers and no stage is stuck.
pub fn watchdog(app: &Arc<App>) -> Option<JoinHandle<()>> {
    let interval = sd_notify::watchdog_enabled()? / 2;
    let app = Arc::clone(app);
    Some(tokio::spawn(async move {
        loop {
            let answers = app.db.write(|_| Ok(()));
            match tokio::time::timeout(interval.max(Duration::from_secs(1)), answers).await {
                // A full disk is no reason to be restarted: only silence is.
                Ok(_) => tell_unless_late(&app.turns.late(Instant::now())),
                Err(_) => tracing::error!("the database gives no answer"),
            }
            tokio::time::sleep(interval).await;
        }
    }))
}

fn tell_unless_late(late: &[&str]) {
    if late.is_empty() {
        tell(&[NotifyState::Watchdog]);
    } else {
        tracing::error!("stuck for too long: stage {}", late.join(", "));
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(reason = %error, "the supervisor could not be told");
    }
}
