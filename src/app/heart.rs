//! The signs of life of this process, as it has the database keep them: `nexora status` sees by them whether a
//! daemon runs, and `/readyz` whether it can write.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use nexora_core::base::Result;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::model::DaemonId;
use nexora_core::model::daemon::{Daemon, FENCE, Lease};
use nexora_store::{Db, daemon};

/// Who this process is, and when it was last heard.
#[derive(Debug)]
pub struct Heart {
    daemon: Daemon,
    /// When the latest sign of life was begun that was written; nothing in a process that gives none.
    beaten: Mutex<Option<Instant>>,
    /// It is known that no other daemon works on the database.
    is_alone: AtomicBool,
}

impl Heart {
    pub fn new(now: Timestamp) -> Heart {
        let daemon = Daemon {
            id: DaemonId::new(now),
            pid: i64::from(std::process::id()),
            host: host(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now,
            beat_at: now,
            stopped_at: None,
        };
        Heart { daemon, beaten: Mutex::default(), is_alone: AtomicBool::new(false) }
    }

    pub fn daemon(&self) -> &Daemon {
        &self.daemon
    }

    /// Returns a lease of this process.
    pub fn lease(&self, until: Timestamp) -> Lease {
        Lease { holder: self.daemon.id.clone(), until }
    }

    /// Notes that no other daemon works on the database for as long as this process lives.
    pub fn set_alone(&self) {
        self.is_alone.store(true, Ordering::Relaxed);
    }

    /// Tells whether it is known that no other daemon works on the database.
    pub fn is_alone(&self) -> bool {
        self.is_alone.load(Ordering::Relaxed)
    }

    /// Tells whether what this process holds is still its own: false once it has been silent for so long that
    /// another may take over, because it was frozen or could not write.
    pub fn may_act(&self) -> bool {
        let beaten = *self.beaten.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_alone() || beaten.is_none_or(|at| at.elapsed() < FENCE)
    }

    /// Gives a sign of life: a row that is written and synced.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be written.
    pub async fn beat(&self, db: &Db, clock: &Clock) -> Result<()> {
        let (begun, row) = (Instant::now(), Daemon { beat_at: clock.now(), ..self.daemon.clone() });
        db.write(move |conn| daemon::save(conn, &row)).await?;
        *self.beaten.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
        Ok(())
    }

    /// Says that this process stops, as it was told to.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be written.
    pub async fn stop(&self, db: &Db, clock: &Clock) -> Result<()> {
        let now = clock.now();
        let row = Daemon { beat_at: now, stopped_at: Some(now), ..self.daemon.clone() };
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

/// Tells whether the process of a daemon is gone. Of another machine's nothing is known.
pub fn is_gone(daemon: &Daemon) -> bool {
    let pid = i32::try_from(daemon.pid).ok().and_then(rustix::process::Pid::from_raw);
    let found = pid.map(rustix::process::test_kill_process);
    is_here(daemon) && matches!(found, Some(Err(rustix::io::Errno::SRCH)))
}
