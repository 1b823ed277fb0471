//! What is wrong with the installation as a whole: its daemon, its disk, its clock, its database.

use std::time::Duration;

use nexora_core::base::Error;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::length;
use nexora_core::model::daemon::Daemon;
use nexora_core::model::finding::Finding;
use nexora_core::model::language::Trouble;
use nexora_core::model::restore::Restore;

use super::{HealthIssue, Level};

/// How a daemon is started: by systemd, or by hand.
const START: &str = "systemctl start nexora, or nexora serve";

/// Bytes free on the database's disk below which somebody should look, and below which it is as good as full.
const LOW: u64 = 512 << 20;
const FULL: u64 = 32 << 20;

/// By how much clocks may differ before somebody should look, and before times are wrong for everybody.
const ASTRAY: Duration = Duration::from_secs(5);
const FAR_ASTRAY: Duration = Duration::from_secs(60);

/// What is known of the installation.
pub struct Machine<'a> {
    /// The one that was heard last first.
    pub daemons: &'a [Daemon],
    /// Whether a daemon's process is known to have ended.
    pub is_gone: fn(&Daemon) -> bool,
    /// Free bytes where the database is a file.
    pub disk_free: Option<u64>,
    /// Why the database cannot be written, if it was tried.
    pub unwritable: Option<&'a Error>,
    /// What the clock of the database's server shows, where that is another.
    pub server_time: Option<Timestamp>,
    /// What the daemon found when it last looked.
    pub findings: &'a [Finding],
    /// What is wrong with the backups.
    pub backup: Vec<HealthIssue>,
    /// The restore since which nothing goes out, if it is held.
    pub held: Option<&'a Restore>,
}

/// Returns what the operator should look at.
pub fn of(machine: &Machine<'_>, now: Timestamp) -> Vec<HealthIssue> {
    let mut issues = Vec::new();
    issues.extend(machine.unwritable.map(of_error));
    issues.extend(machine.disk_free.and_then(of_disk));
    issues.extend(of_clock(machine, now));
    issues.extend(of_daemons(machine, now));
    issues.extend(machine.findings.iter().map(of_finding));
    issues.extend(machine.backup.clone());
    issues.extend(machine.held.map(of_held));
    issues
}

/// Says why nothing can be done at all, or written.
pub fn of_error(error: &Error) -> HealthIssue {
    let hint = error.hint_text().unwrap_or("nexora config check");
    HealthIssue::new(Level::Broken, error.report(), hint, Trouble::Stopped).keyed("database")
}

fn of_finding(finding: &Finding) -> HealthIssue {
    let level = Level::parse(&finding.level).unwrap_or(Level::Look);
    let Finding { what, command, key, since, .. } = finding;
    HealthIssue::new(level, what, command, Trouble::Stopped).keyed(key).since(*since)
}

/// Says that nothing goes out since a backup was restored.
pub fn of_held(restore: &Restore) -> HealthIssue {
    let what = format!(
        "nothing goes out: the backup of {} was restored, and deliveries are held until you release them",
        restore.backup_at
    );
    let command = "nexora restore status, then nexora restore release";
    HealthIssue::new(Level::Broken, what, command, Trouble::Stopped)
        .keyed("restore")
        .since(restore.restored_at)
}

/// Says that a disk is low, by its free bytes.
pub fn of_disk(free: u64) -> Option<HealthIssue> {
    let level = if free < FULL { Level::Broken } else { Level::Look };
    let what = format!("the database's disk has {} MiB left", free >> 20);
    let command = "df -h, then free disk space; work resumes by itself";
    (free < LOW).then(|| HealthIssue::new(level, what, command, Trouble::Stopped).keyed("disk"))
}

/// Says that the clock shows another time than the database's, or than it showed before.
pub fn of_clock(machine: &Machine<'_>, now: Timestamp) -> Option<HealthIssue> {
    let command = "timedatectl set-ntp true, then timedatectl timesync-status";
    let issue = |by: Duration, what: String| {
        let level = if by >= FAR_ASTRAY { Level::Broken } else { Level::Look };
        (by >= ASTRAY).then(|| HealthIssue::new(level, what, command, Trouble::Stopped).keyed("clock"))
    };
    let by_server = machine.server_time.and_then(|server| {
        let (by, side) = match server > now {
            true => (server.since(now), "behind"),
            false => (now.since(server), "ahead of"),
        };
        issue(by, format!("the clock of this machine is {} {side} that of the database", length(by)))
    });
    by_server.or_else(|| {
        let last = |daemon: &Daemon| daemon.beat_at.max(daemon.started_at);
        let latest = machine.daemons.iter().max_by_key(|daemon| last(daemon))?;
        let by = last(latest).since(now);
        let what = format!(
            "the clock of this machine has gone back, or differs from that of `{}`: a daemon gave a sign of life {} from now",
            latest.host,
            length(by)
        );
        issue(by, what)
    })
}

fn of_daemons(machine: &Machine<'_>, now: Timestamp) -> Option<HealthIssue> {
    let runs = |daemon: &&Daemon| daemon.is_heard(now) && !(machine.is_gone)(daemon);
    if machine.daemons.iter().any(|daemon| runs(&daemon)) {
        return None;
    }
    let broken = |what: String, command| {
        HealthIssue::new(Level::Broken, what, command, Trouble::Stopped).keyed("daemon")
    };
    let Some(last) = machine.daemons.first() else {
        return Some(broken("the daemon is not running: none has run here yet".to_owned(), START));
    };
    let Daemon { pid, host, version, .. } = last;
    Some(match last.stopped_at {
        Some(at) => broken("the daemon is not running: it was stopped".to_owned(), START).since(at),
        None if (machine.is_gone)(last) => {
            let what = format!("the daemon is not running: process {pid} on `{host}` was killed or crashed");
            broken(what, START).since(last.beat_at)
        }
        None => {
            let what = format!(
                "the daemon (process {pid} on `{host}`, version {version}) gives no sign of life: it is gone, or cannot write"
            );
            broken(what, "journalctl -u nexora, then systemctl restart nexora").since(last.beat_at)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nexora_core::model::DaemonId;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn daemon(silent_s: u64, stopped: bool) -> Daemon {
        let beat_at = NOW - Duration::from_secs(silent_s);
        Daemon {
            id: DaemonId::new(NOW),
            pid: 12,
            host: "office".to_owned(),
            version: "1.0.0".to_owned(),
            started_at: beat_at,
            beat_at,
            stopped_at: stopped.then_some(beat_at),
        }
    }

    #[test]
    fn a_daemon_is_there_stopped_gone_or_silent() {
        let said = |daemons: &[Daemon], is_gone| {
            let machine = Machine {
                daemons,
                is_gone,
                disk_free: None,
                unwritable: None,
                server_time: None,
                findings: &[],
                backup: Vec::new(),
                held: None,
            };
            of(&machine, NOW).first().map(|issue| issue.what.clone()).unwrap_or_default()
        };
        assert_eq!(said(&[daemon(12, false)], |_| false), "");
        assert_eq!(said(&[daemon(600, false), daemon(5, false)], |_| false), "", "one of two");
        assert!(said(&[], |_| false).contains("none has run"));
        assert!(said(&[daemon(1, true)], |_| false).contains("it was stopped"));
        assert!(said(&[daemon(1, false)], |_| true).contains("process 12 on `office` was killed"));
        assert!(said(&[daemon(60, false)], |_| false).contains("no sign of life"));
    }

    #[test]
    fn a_clock_that_is_off_or_went_back_is_told() {
        let told = |daemons: &[Daemon], server: Option<Timestamp>| {
            let machine = Machine {
                daemons,
                is_gone: |_| false,
                disk_free: None,
                unwritable: None,
                server_time: server,
                findings: &[],
                backup: Vec::new(),
                held: None,
            };
            of_clock(&machine, NOW).map(|issue| (issue.level, issue.what))
        };
        let seconds = Duration::from_secs;
        assert_eq!(told(&[daemon(1, false)], Some(NOW + seconds(2))), None);
        let (level, what) = told(&[], Some(NOW + seconds(20))).unwrap();
        assert_eq!((level, what.contains("20 s behind that of the database")), (Level::Look, true), "{what}");
        let (level, what) = told(&[], Some(NOW - seconds(200))).unwrap();
        assert_eq!((level, what.contains("3 min 20 s ahead of")), (Level::Broken, true), "{what}");
        let later = Daemon { started_at: NOW + seconds(3_600), ..daemon(1, false) };
        let (level, what) = told(&[daemon(1, false), later], None).unwrap();
        assert_eq!((level, what.contains("has gone back")), (Level::Broken, true), "{what}");
    }

    #[test]
    fn a_disk_is_low_before_it_is_full() {
        let level = |free: u64| of_disk(free).map(|issue| issue.level);
        assert_eq!(level(10 << 30), None);
        assert_eq!(level(100 << 20), Some(Level::Look));
        assert_eq!(level(1 << 20), Some(Level::Broken));
    }
}
