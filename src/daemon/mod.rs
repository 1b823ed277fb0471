//! The daemon: every stage in a loop of its own, two listeners, signals, and a word to systemd.
//!
//! A stop is graceful: no stage claims anything more, requests and deliveries under way finish, and
//! what does not finish in time is taken up by rescue after the next start.

pub mod clock_back;
mod heart;
mod logging;
mod loops;
mod rehearsal;
mod signals;
mod sole;
mod systemd;
mod takeover;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use logging::Logging;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
pub use rehearsal::provide as provide_rehearsal;
pub use takeover::Takeover;
use tokio_util::sync::CancellationToken;

use crate::app::locks::{self, Lock};
use crate::app::{App, key_check, metric};
use crate::config::Config;
use crate::domain::alert::letter;
use crate::domain::connection::quota_check;
use crate::http::{self, Limits, Server, Tls};
use crate::pipeline::deliver;
use crate::pipeline::fetch;
use crate::pipeline::poll;
use nexora_core::base::clock::Clock;
use nexora_core::base::{Error, Result};
use nexora_store::{Db, audit};

/// How long sweeps and requests, and then deliveries under way, may take to finish once a stop was asked for.
const DRAIN: Duration = Duration::from_secs(20);

/// How often the metrics let go of old samples.
const UPKEEP: Duration = Duration::from_secs(60);

/// A daemon that runs.
pub struct Daemon {
    pub app: Arc<App>,
    pub public_address: SocketAddr,
    pub private_address: SocketAddr,
    stop: CancellationToken,
    tasks: tokio::task::JoinSet<()>,
    _sole: Option<Lock>,
}

impl Daemon {
    /// Brings the database up to date, takes both addresses, and starts everything.
    ///
    /// # Errors
    /// `Config`, `Conflict` or `Unavailable`, naming what to change.
    pub async fn start(config: Config) -> Result<Daemon> {
        let url = config.database.url.parse()?;
        locks::refuse_while_restored(&url)?;
        let (_, upgraded) = Db::open_migrated(&url).await?;
        if let Some(copy) = &upgraded.copy {
            tracing::info!("the database as it was before the upgrade is kept as `{}`", copy.display());
        }
        for name in upgraded.applied {
            tracing::info!("migration {name} applied");
        }
        let app = App::open(config, Clock::System).await?;
        let plan = quota_check::PollPlan::of(&app.config);
        app.db.read(move |conn| quota_check::check(conn, &plan)).await?;
        key_check::keep(&app.db, &app.key).await?;
        let (ledger, now) = (app.ledger.clone(), app.clock.now());
        app.db.write(move |conn| audit::adopt(conn, &ledger, now)).await?;
        provide_rehearsal(&app)?;
        let sole = sole::claim(&app)?;
        let settings = &app.config.http;
        let limits = Limits::of(settings)?;
        let mut public = Server::bind("http.listen", settings.listen_address()?, limits.clone()).await?;
        let tls = settings.certificate_files()?.map(Tls::load).transpose()?;
        if let Some(tls) = &tls {
            public = public.encrypted(tls.acceptor()?);
        }
        let private = Server::bind("http.private_listen", settings.private_listen_address()?, limits).await?;
        let metrics = recorder()?;
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        let (public_address, private_address) = (public.address(), private.address());
        tasks.spawn(public.serve(http::public(Arc::clone(&app)), stop.clone()));
        tasks.spawn(private.serve(http::private(Arc::clone(&app), metrics.clone()), stop.clone()));
        tasks.spawn(heart::run(Arc::clone(&app), stop.clone()));
        tasks.spawn(upkeep(metrics, stop.clone()));
        if let Some(tls) = tls {
            tasks.spawn(tls.watch(stop.clone()));
        }
        loops::start(&app, &stop, &mut tasks);
        tracing::info!("nexora serves {public_address} in public and {private_address} in private");
        Ok(Daemon { app, public_address, private_address, stop, tasks, _sole: sole })
    }

    /// Stops taking work, lets what is under way finish, and ends.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.app.turns.end();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            tracing::warn!(
                "some sweeps or requests did not finish in time; what they had not written is done anew"
            );
        }
        let app = &self.app;
        let rest =
            async { tokio::join!(deliver::rest(app), poll::rest(app), fetch::rest(app), letter::rest(app)) };
        if tokio::time::timeout(DRAIN, rest).await.is_err() {
            tracing::warn!(
                "some deliveries did not finish in time; they will be asked after at the next start"
            );
        }
        heart::stop(&self.app).await;
        tracing::info!("nexora has stopped");
    }
}

/// Runs the daemon until it is told to stop, as systemd's `Type=notify` expects.
///
/// # Errors
/// As `Daemon::start`.
pub async fn serve(config: Config, path: &std::path::Path, logging: &Logging) -> Result<()> {
    let mut signals = signals::Signals::new()?;
    let daemon = Daemon::start(config).await?;
    systemd::ready();
    let watchdog = systemd::watchdog(&daemon.app);
    while let signals::Signal::Reload = signals.next().await {
        systemd::reloading();
        reload(path, logging);
        systemd::ready();
    }
    systemd::stopping();
    tokio::select! {
        () = daemon.stop() => {}
        signal = signals.next_stop() => {
            let () = signal;
            tracing::warn!("stopped at once by a second signal");
        }
    }
    if let Some(watchdog) = watchdog {
        watchdog.abort();
    }
    Ok(())
}

/// The level of the log is taken over at once; the rest of the file holds from the next start.
fn reload(path: &std::path::Path, logging: &Logging) {
    match Config::load(path, std::env::vars()) {
        Ok(config) => {
            logging.set_level(&config.log.level);
            tracing::info!(
                level = config.log.level,
                "configuration read again; other keys hold from the next start"
            );
        }
        Err(error) => {
            tracing::error!(reason = %error.report(), "the configuration is wrong; the old one holds");
        }
    }
}

/// There is one recorder in a process; a second daemon in it shares the first one's numbers.
fn recorder() -> Result<PrometheusHandle> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|error| Error::internal("metrics cannot be recorded").source(error.to_string()))?;
    metric::describe();
    Ok(HANDLE.get_or_init(|| handle).clone())
}

async fn upkeep(metrics: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        metrics.run_upkeep();
    }
}
