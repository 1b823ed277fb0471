//! The signs of life of this process, as it has the database keep them: `nexora status` sees by them whether a
//! daemon runs, and `/readyz` whether it can write.

use nexora_core::base::Result;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::model::DaemonId;
use nexora_core::model::daemon::Daemon;
use nexora_store::{Db, daemon};

/// Who this process is.
#[derive(Clone, Debug)]
pub struct Heart(Daemon);

impl Heart {
    pub fn new(now: Timestamp) -> Heart {
        Heart(Daemon {
            id: DaemonId::new(now),
            pid: i64::from(std::process::id()),
            host: host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now,
            beat_at: now,
            stopped_at: None,
        })
    }

    /// Gives a sign of life: a row that is written and synced.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be written.
    pub async fn beat(&self, db: &Db, clock: &Clock) -> Result<()> {
        let row = Daemon { beat_at: clock.now(), ..self.0.clone() };
        db.write(move |conn| daemon::save(conn, &row)).await
    }

    /// Says that this process stops, as it was told to.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be written.
    pub async fn stop(&self, db: &Db, clock: &Clock) -> Result<()> {
        let now = clock.now();
        let row = Daemon { beat_at: now, stopped_at: Some(now), ..self.0.clone() };
        db.write(move |conn| daemon::save(conn, &row)).await
    }
}

/// Returns the name of this machine.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Tells whether a daemon is one of this machine.
pub fn is_here(daemon: &Daemon) -> bool {
    daemon.host == host()
}

/// Tells whether the process of a daemon is there. Of another machine's nothing is known.
pub fn is_gone(daemon: &Daemon) -> bool {
    let pid = i32::try_from(daemon.pid).ok().and_then(rustix::process::Pid::from_raw);
    let found = pid.map(rustix::process::test_kill_process);
    is_here(daemon) && matches!(found, Some(Err(rustix::io::Errno::SRCH)))
}
