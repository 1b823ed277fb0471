//! What a daemon held that is gone is given back by those that are left: within seconds, not when its leases end.
//!
//! Another daemon is gone when it has stopped, when its process is no longer there, or when its sign of life has not
//! changed for a while by this process's own clock: clocks of different machines are not compared.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::app::{App, heart};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::DaemonId;
use nexora_core::model::daemon::{Daemon, GONE, LANDING};
use nexora_store::daemon;

/// The other daemons' signs of life, and when each was first seen here.
#[derive(Default)]
pub struct Takeover {
    heard: HashMap<DaemonId, (Timestamp, Instant)>,
}

impl Takeover {
    /// Looks after the others once.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub async fn look(&mut self, app: &Arc<App>) -> Result<()> {
        let mut others = app.db.read(daemon::holders).await?;
        others.retain(|other| other.id != app.heart.daemon().id);
        self.heard.retain(|id, _| others.iter().any(|other| other.id == *id));
        let now = Instant::now();
        let is_alone = app.heart.is_alone();
        let gone = others.into_iter().filter(|other| self.is_gone(other, now) || is_alone);
        let gone: Vec<DaemonId> = gone.map(|other| other.id).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let now = app.clock.now();
        let given_back = app.db.write(move |conn| {
            let give_back = |id| daemon::give_back(conn, id, now, now + LANDING);
            gone.iter().map(give_back).sum::<Result<usize>>()
        });
        let given_back = given_back.await?;
        if given_back > 0 {
            tracing::warn!("{given_back} pieces of work of a daemon that is gone are taken over");
            app.nudges.all();
        }
        Ok(())
    }

    fn is_gone(&mut self, other: &Daemon, now: Instant) -> bool {
        let (beat_at, since) = self.heard.entry(other.id.clone()).or_insert((other.beat_at, now));
        if *beat_at != other.beat_at {
            (*beat_at, *since) = (other.beat_at, now);
        }
        let is_silent = now.duration_since(*since) >= GONE;
        is_silent || other.stopped_at.is_some() || heart::is_gone(other)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_daemon_is_gone_when_it_was_silent_for_long_whatever_its_clock_says() {
        let born = Timestamp::from_millis(1_790_000_000_000);
        let mut other = Daemon {
            id: DaemonId::new(born),
            pid: 1,
            host: "another-machine".to_owned(),
            version: "0.1.0".to_owned(),
            started_at: born,
            // Its clock is an hour behind.
            beat_at: born - Duration::from_secs(3_600),
            stopped_at: None,
        };
        let (mut takeover, begun) = (Takeover::default(), Instant::now());
        assert!(!takeover.is_gone(&other, begun));
        let almost = begun + GONE.saturating_sub(Duration::from_millis(1));
        assert!(!takeover.is_gone(&other, almost));
        other.beat_at = other.beat_at + Duration::from_secs(3);
        assert!(!takeover.is_gone(&other, almost));
        assert!(!takeover.is_gone(&other, begun + GONE));
        assert!(takeover.is_gone(&other, almost + GONE));
        other.stopped_at = Some(other.beat_at);
        assert!(Takeover::default().is_gone(&other, begun));
    }

    #[test]
    fn a_process_of_this_machine_that_is_no_longer_there_is_gone_at_once() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let own = heart::Heart::new(now);
        let mut other = own.daemon().clone();
        assert!(!Takeover::default().is_gone(&other, Instant::now()));
        other.pid = i64::from(child.id());
        assert!(Takeover::default().is_gone(&other, Instant::now()));
    }
}
