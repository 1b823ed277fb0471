//! One loop for each stage: sweep, then sleep until something is due, a nudge, or the stop.
//!
//! A stage notes by when it comes back (`app.turns`). A panic in a sweep is a failure of that sweep alone.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::pipeline::{
    Swept, advance, alert, audit, books, certificate, deliver, dispatch, fetch, poll, prune, purge, rescue,
    tick,
};
use nexora_core::base::Result;
use nexora_core::base::fence::defect;

/// How long a stage pauses after a failure that its items were not to blame for.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a stage that has just worked waits for more before its next sweep: what comes meanwhile is read and written
/// together. A stage at rest begins at once.
const GATHER: Duration = Duration::from_millis(4);

/// How often the planner's statistics are looked after.
const STATISTICS_INTERVAL: Duration = Duration::from_secs(5);

/// How often retention is looked after.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3_600);

/// Starts every stage.
pub fn start(app: &Arc<App>, stop: &CancellationToken, tasks: &mut JoinSet<()>) {
    let (app, stop) = (|| Arc::clone(app), || stop.clone());
    tasks.spawn(run_poll(app(), stop()));
    tasks.spawn(run_fetch(app(), stop()));
    tasks.spawn(run_tick(app(), stop()));
    tasks.spawn(run_dispatch(app(), stop()));
    tasks.spawn(run_advance(app(), stop()));
    tasks.spawn(run_deliver(app(), stop()));
    tasks.spawn(run_rescue(app(), stop()));
    tasks.spawn(run_prune(app(), stop()));
    tasks.spawn(run_alert(app(), stop()));
    tasks.spawn(run_books(app(), stop()));
    tasks.spawn(run_statistics(app(), stop()));
    tasks.spawn(watch(app(), stop()));
}

async fn run_poll(app: Arc<App>, stop: CancellationToken) {
    let mut round = None;
    while !stop.is_cancelled() {
        let swept = turn(&app, "poll", poll::sweep(&app, &mut round)).await;
        rest(&app, "poll", swept, &app.nudges.poll, &stop).await;
    }
}

async fn run_fetch(app: Arc<App>, stop: CancellationToken) {
    let mut round = None;
    while !stop.is_cancelled() {
        let swept = turn(&app, "fetch", fetch::sweep(&app, &mut round)).await;
        rest(&app, "fetch", swept, &app.nudges.fetch, &stop).await;
    }
}

async fn run_tick(app: Arc<App>, stop: CancellationToken) {
    let mut round = tick::Rounds::default();
    while !stop.is_cancelled() {
        let swept = turn(&app, "tick", tick::sweep(&app, &mut round)).await;
        rest(&app, "tick", swept, &app.nudges.tick, &stop).await;
    }
}

async fn run_dispatch(app: Arc<App>, stop: CancellationToken) {
    let mut round = None;
    while !stop.is_cancelled() {
        let swept = turn(&app, "dispatch", dispatch::sweep(&app, &mut round)).await;
        rest(&app, "dispatch", swept, &app.nudges.dispatch, &stop).await;
    }
}

async fn run_advance(app: Arc<App>, stop: CancellationToken) {
    let mut round = None;
    while !stop.is_cancelled() {
        let swept = turn(&app, "advance", advance::sweep(&app, &mut round)).await;
        rest(&app, "advance", swept, &app.nudges.advance, &stop).await;
    }
}

async fn run_deliver(app: Arc<App>, stop: CancellationToken) {
    let mut rounds = deliver::Rounds::default();
    while !stop.is_cancelled() {
        let swept = turn(&app, "deliver", deliver::sweep(&app, &mut rounds)).await;
        rest(&app, "deliver", swept, &app.nudges.deliver, &stop).await;
    }
}

async fn run_rescue(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let swept = turn(&app, "rescue", rescue::sweep(&app)).await;
        rest(&app, "rescue", swept, &app.nudges.rescue, &stop).await;
    }
}

async fn run_prune(app: Arc<App>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = purge::sweep(&app).await {
            tracing::error!(stage = "purge", reason = %error.report(), "stage purge failed");
        }
        match turn(&app, "prune", prune::sweep(&app)).await {
            Ok(swept) if swept.more => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(stage = "prune", reason = %error.report(), "stage prune failed"),
        }
        app.turns.expect("prune", Instant::now(), PRUNE_INTERVAL);
        stop.run_until_cancelled(tokio::time::sleep(PRUNE_INTERVAL)).await;
    }
}

/// A relay of alerts that is slow makes no other stage late, and this one is expected back by nobody.
async fn run_alert(app: Arc<App>, stop: CancellationToken) {
    let mut unkept = alert::Unkept::default();
    while app.config.alerts.is_on() && !stop.is_cancelled() {
        let begun = Instant::now();
        let swept = AssertUnwindSafe(alert::sweep(&app, &mut unkept)).catch_unwind().await;
        if let Err(error) = swept.unwrap_or_else(|panic| Err(defect(&*panic))) {
            tracing::error!(stage = "alert", reason = %error.report(), "stage alert failed");
        }
        // To look at very many tenants takes its share of the time, and no more.
        let pause = alert::INTERVAL.max(begun.elapsed() * 20);
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

/// The books, the audit trail and the certificate are looked at soon after a start, and each night. It may take long, and nobody waits for it.
async fn run_books(app: Arc<App>, stop: CancellationToken) {
    let mut wait = books::AFTER_START;
    while stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
        let swept = AssertUnwindSafe(books::sweep(&app)).catch_unwind().await;
        if let Err(error) = swept.unwrap_or_else(|panic| Err(defect(&*panic))) {
            tracing::error!(stage = "books", reason = %error.report(), "stage books failed");
        }
        if let Err(error) = audit::sweep(&app).await {
            tracing::error!(stage = "audit", reason = %error.report(), "stage audit failed");
        }
        if let Err(error) = certificate::sweep(&app).await {
            tracing::error!(stage = "certificate", reason = %error.report(), "stage certificate failed");
        }
        wait = books::until_next(app.clock.now());
    }
}

async fn run_statistics(app: Arc<App>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(STATISTICS_INTERVAL)).await.is_some() {
        if let Err(error) = app.db.refresh_statistics().await {
            tracing::debug!(reason = %error.report(), "the planner's statistics were not looked after");
        }
    }
}

/// Wakes every stage when another process, such as the command line, has changed the database.
async fn watch(app: Arc<App>, stop: CancellationToken) {
    let changed = app.db.changed_elsewhere();
    while stop.run_until_cancelled(changed.notified()).await.is_some() {
        app.nudges.all();
    }
}

/// Makes one sweep, and expects the stage back from it.
async fn turn(app: &App, stage: &'static str, sweep: impl Future<Output = Result<Swept>>) -> Result<Swept> {
    app.turns.expect(stage, Instant::now(), Duration::ZERO);
    AssertUnwindSafe(sweep).catch_unwind().await.unwrap_or_else(|panic| Err(defect(&*panic)))
}

async fn rest(
    app: &App,
    stage: &'static str,
    swept: Result<Swept>,
    nudge: &Notify,
    stop: &CancellationToken,
) {
    let pause = match swept {
        Ok(swept) if swept.more => {
            // More is due than one process takes at once.
            app.db.tell_others();
            return;
        }
        Ok(swept) if swept.handled > 0 => {
            stop.run_until_cancelled(tokio::time::sleep(GATHER)).await;
            return;
        }
        Ok(swept) => {
            let idle = app.config.pipeline.idle_poll();
            swept.next_due.map_or(idle, |due_at| due_at.since(app.clock.now()).min(idle))
        }
        Err(error) => {
            tracing::error!(stage, reason = %error.report(), "stage {stage} failed");
            PAUSE
        }
    };
    // At least a moment, so that a row that stays due cannot make the loop spin.
    let pause = pause.max(Duration::from_millis(1));
    app.turns.expect(stage, Instant::now(), pause);
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = nudge.notified() => {}
        () = stop.cancelled() => {}
    }
}
