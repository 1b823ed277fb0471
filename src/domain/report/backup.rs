//! How the backups of this installation stand, by the names in their folder: how old the latest is, and whether making one
//! failed.

use std::path::Path;
use std::time::Duration;

use chrono::NaiveDateTime;

use crate::config::backup::Settings;
use crate::domain::report::health::{HealthIssue, Level};
use nexora_core::base::Error;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::length;
use nexora_core::model::finding::Finding;
use nexora_core::model::language::Trouble;

/// The key of the finding that making a backup failed.
pub const FAILED: &str = "backup";

/// How the names of backups begin and end; between them is when they were made.
const BEGIN: &str = "nexora-";
const END: &str = ".backup";
const MOMENT: &str = "%Y%m%dT%H%M%SZ";

/// For how long an installation may be without any backups set up before that is told.
const GRACE: Duration = Duration::from_secs(3 * 86_400);

const MAKE: &str = "nexora backup create, then systemctl status nexora-backup.timer";

/// Returns the name of a backup that is made at a moment.
pub fn name_at(at: Timestamp) -> String {
    format!("{BEGIN}{}{END}", at.utc().format(MOMENT))
}

/// Returns when a backup of that name was made; nothing for what is no name of a backup.
pub fn made_at(name: &str) -> Option<Timestamp> {
    let moment = name.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let at = NaiveDateTime::parse_from_str(moment, MOMENT).ok()?;
    Some(Timestamp::from(at.and_utc()))
}

/// Says that making a backup failed, and why.
pub fn failed(error: &Error, now: Timestamp) -> Finding {
    let fix = error.hint_text().unwrap_or("journalctl -u nexora-backup");
    Finding {
        key: FAILED.to_owned(),
        tenant_id: None,
        level: Level::Broken.name().to_owned(),
        what: format!("the backup failed: {}", error.report()),
        command: format!("{fix}; then nexora backup create"),
        affected: 0,
        since: now,
        looked_at: now,
    }
}

/// Says what is wrong with the backups: there are none, the latest is old, or they cannot be looked at. `first` is since when
/// there has been something to back up.
pub fn trouble(settings: &Settings, first: Option<Timestamp>, now: Timestamp) -> Option<HealthIssue> {
    let issue = |level, what: String, command: &str| {
        Some(HealthIssue::new(level, what, command, Trouble::Stopped).keyed("backup age"))
    };
    if !settings.is_on() {
        let first = first.filter(|first| now.since(*first) >= GRACE)?;
        let what = "no backups are set up: what is lost with this disk is lost for good".to_owned();
        let command =
            "set backup.folder and backup.recipient in the configuration, then nexora backup create";
        return issue(Level::Look, what, command).map(|issue| issue.since(first));
    }
    let folder = settings.folder.display();
    match latest(&settings.folder) {
        // The folder is made with the first backup.
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let command = "give the folder to the user that runs nexora, or mend backup.folder";
            issue(Level::Look, format!("the backups in `{folder}` cannot be looked at: {error}"), command)
        }
        Err(_) | Ok(None) => {
            let first = first.filter(|first| now.since(*first) >= settings.old_after())?;
            issue(Level::Broken, format!("there is no backup in `{folder}`"), MAKE)
                .map(|issue| issue.since(first))
        }
        Ok(Some(at)) if now.since(at) >= settings.old_after() => {
            let level = if now.since(at) >= settings.old_after() * 3 { Level::Broken } else { Level::Look };
            let what = format!("the latest backup is {} old", length(now.since(at)));
            issue(level, what, MAKE).map(|issue| issue.since(at))
        }
        Ok(Some(_)) => None,
    }
}

/// The folder, below that of the backups, into which the database is followed.
pub const FOLLOWED: &str = "follow";

/// A database that is followed is written every few seconds: a daemon gives signs of life.
const FOLLOWED_LATELY: Duration = Duration::from_secs(900);

/// Says that a database that was followed is followed no more.
pub fn followed_trouble(settings: &Settings, now: Timestamp) -> Option<HealthIssue> {
    let root = settings.folder.join(FOLLOWED);
    let entries = settings.is_on().then(|| std::fs::read_dir(root).ok()).flatten()?;
    // The folder of a generation changes with each of its files.
    let changed = entries.flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()?;
    let at = Timestamp::from(chrono::DateTime::<chrono::Utc>::from(changed));
    let what = format!("the database is followed no more: it can be put back to {at} at the latest");
    let issue = HealthIssue::new(Level::Look, what, "systemctl restart nexora-follow", Trouble::Stopped);
    (now.since(at) >= FOLLOWED_LATELY).then(|| issue.keyed("backup follow").since(at))
}

/// Returns when the latest backup of a folder was made, by its name.
///
/// # Errors
/// When the folder cannot be read.
pub fn latest(folder: &Path) -> std::io::Result<Option<Timestamp>> {
    let mut latest = None;
    for entry in std::fs::read_dir(folder)? {
        latest = latest.max(made_at(&entry?.file_name().to_string_lossy()));
    }
    Ok(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3_600)
    }

    fn told(settings: &Settings, first: u64) -> Option<(Level, String)> {
        trouble(settings, Some(NOW - hours(first)), NOW).map(|issue| (issue.level, issue.what))
    }

    #[test]
    fn a_name_tells_when_a_backup_was_made() {
        let at = Timestamp::parse("2026-11-30T02:03:04Z").unwrap();
        assert_eq!(name_at(at), "nexora-20261130T020304Z.backup");
        assert_eq!(made_at(&name_at(at)), Some(at));
        for name in [
            "nexora-20261130T020304Z.backup.part",
            "nexora-x.backup",
            "x.backup",
            "nexora-20261330T020304Z.backup",
        ] {
            assert_eq!(made_at(name), None, "{name}");
        }
    }

    #[test]
    fn no_backups_at_all_are_told_once_there_is_something_to_lose() {
        let off = Settings::default();
        assert_eq!(told(&off, 1), None);
        let (level, what) = told(&off, 80).unwrap();
        assert!(level == Level::Look && what.contains("no backups are set up"), "{what}");
        assert_eq!(trouble(&off, None, NOW), None, "nothing is there yet");
    }

    #[test]
    fn a_database_that_is_followed_no_more_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
        let now = nexora_core::base::clock::Clock::System.now();
        assert_eq!(followed_trouble(&settings, now + hours(5)), None, "it was never followed");
        std::fs::create_dir_all(folder.path().join("follow/20261201T000000.000Z")).unwrap();
        assert_eq!(followed_trouble(&settings, now), None);
        let told = followed_trouble(&settings, now + hours(5)).unwrap();
        assert!(told.what.contains("followed no more"), "{told:?}");
        assert_eq!(followed_trouble(&Settings::default(), now), None);
    }

    #[test]
    fn a_latest_backup_that_is_old_or_missing_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { folder: folder.path().join("b"), ..Settings::default() };
        assert_eq!(told(&settings, 1), None, "the first comes with the night");
        assert!(told(&settings, 30).unwrap().1.contains("there is no backup in"));
        std::fs::create_dir(&settings.folder).unwrap();
        assert!(told(&settings, 30).unwrap().1.contains("there is no backup in"));
        let make = |ago: u64| std::fs::write(settings.folder.join(name_at(NOW - hours(ago))), "").unwrap();
        make(100);
        let (level, what) = told(&settings, 500).unwrap();
        assert!(level == Level::Broken && what.contains("4 days 4 h old"), "{what}");
        make(30);
        assert_eq!(told(&settings, 500).unwrap().0, Level::Look);
        make(2);
        assert_eq!(told(&settings, 500), None);
        let file = Settings { folder: settings.folder.join(name_at(NOW - hours(2))), ..settings };
        assert!(told(&file, 1).unwrap().1.contains("cannot be looked at"));
    }
}
