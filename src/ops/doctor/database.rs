//! The database: whether it is whole, whose it is, and how much room there is.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::domain::report::health::inspect;
use crate::domain::report::health::machine;
use crate::ops::doctor::{Finding, Surroundings};
use nexora_core::base::wording::count;
use nexora_store::inspection::{self, Inspection};
use nexora_store::{Url, migration};

/// Free room within the file that is worth having back, and from which share of it on.
const WASTE_BYTES: u64 = 256 << 20;
const WASTE_SHARE: u64 = 2;

pub async fn check(around: &Surroundings) -> Vec<Finding> {
    let app = match &around.app {
        Ok(app) => app,
        Err(error) => return vec![Finding::of(error, "check `database.url`")],
    };
    let mut findings = Vec::new();
    match app.db.read(inspection::inspect).await {
        Ok(seen) => findings.extend(of_inspection(&seen)),
        Err(error) => findings.push(Finding::of(&error, "nexora status")),
    }
    match app.db.read(migration::status).await {
        Ok(all) => findings.push(Finding::good(format!(
            "its schema is up to date: {}",
            count(all.len(), "migration", "migrations")
        ))),
        Err(error) => findings.push(Finding::of(&error, "nexora migrate --status")),
    }
    if let Ok(Url::Sqlite(path)) = app.config.database.url.parse() {
        findings.extend(of_file(&path));
    }
    findings
}

/// Says what the database found of itself.
fn of_inspection(seen: &Inspection) -> Vec<Finding> {
    let mut findings = Vec::new();
    if seen.faults.is_empty() {
        findings.push(Finding::good(format!("it is whole: {} MiB, {}", seen.size_bytes >> 20, seen.version)));
    }
    let fix = "stop the daemon, keep a copy of the files, and restore your last backup";
    findings.extend(seen.faults.iter().map(|fault| Finding::broken(fault.clone(), fix)));
    if seen.is_read_only {
        let what = "the server is a standby that takes no writes";
        findings.push(Finding::broken(what, "name the primary in `database.url`"));
    }
    let free = seen.free_bytes;
    if free >= WASTE_BYTES && free >= seen.size_bytes / WASTE_SHARE {
        let what = format!(
            "{} of its {} MiB are free pages that no other program can use",
            free >> 20,
            seen.size_bytes >> 20
        );
        let fix = "stop the daemon, then: sqlite3 FILE 'VACUUM'; it needs as much room again while it works";
        findings.push(Finding::look(what, fix));
    }
    findings
}

fn of_file(path: &Path) -> Vec<Finding> {
    let shown = path.display();
    let Ok(found) = std::fs::metadata(path) else {
        return vec![Finding::broken(format!("`{shown}` cannot be looked at"), format!("ls -l {shown}"))];
    };
    let mut findings = Vec::new();
    let us = rustix::process::geteuid();
    let owner = found.uid();
    // What runs as root reads everything, and leaves files behind that the service cannot write.
    let folder_owner =
        path.parent().and_then(|folder| std::fs::metadata(folder).ok()).map(|folder| folder.uid());
    if folder_owner.is_some_and(|folder| folder != owner) {
        let what = format!("`{shown}` belongs to user {owner}, and its folder to another");
        findings.push(Finding::broken(
            what,
            format!("chown --reference={} {shown}*", path.parent().unwrap_or(path).display()),
        ));
    } else if owner != us.as_raw() && !us.is_root() {
        let what = format!("`{shown}` belongs to user {owner}, and this program runs as {}", us.as_raw());
        findings.push(Finding::look(what, "run it as the service's user: sudo -u nexora nexora doctor"));
    } else {
        findings.push(Finding::good(format!("`{shown}` belongs to the owner of its folder")));
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let what = format!("others may read or write `{shown}` (mode {mode:o})");
        findings.push(Finding::look(what, format!("chmod 600 {shown}*")));
    }
    findings
}

pub fn disk(around: &Surroundings) -> Vec<Finding> {
    let app = match around.app() {
        Ok(app) => app,
        Err(skipped) => return skipped,
    };
    match inspect::disk_free(app) {
        None => vec![Finding::skipped("the disk of the database cannot be looked at from here")],
        Some(free) => match machine::of_disk(free) {
            None => vec![Finding::good(format!("{} MiB are free", free >> 20))],
            Some(issue) => vec![Finding::of_issue(&issue)],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Verdict;

    fn seen(size: u64, free: u64) -> Inspection {
        Inspection {
            version: "SQLite 3".to_owned(),
            faults: Vec::new(),
            size_bytes: size,
            free_bytes: free,
            is_read_only: false,
        }
    }

    #[test]
    fn free_pages_are_told_where_they_are_much_of_a_large_file() {
        let looks =
            |size, free| of_inspection(&seen(size, free)).iter().any(|found| found.verdict == Verdict::Look);
        assert!(looks(1 << 30, 600 << 20));
        assert!(!looks(1 << 30, 300 << 20) && !looks(100 << 20, 90 << 20));
    }

    #[test]
    fn damage_and_a_standby_are_broken() {
        let damaged = Inspection { faults: vec!["row 3 missing from index x".to_owned()], ..seen(1, 0) };
        let found = of_inspection(&damaged);
        assert_eq!((found.len(), found[0].verdict), (1, Verdict::Broken));
        let standby = Inspection { is_read_only: true, ..seen(1, 0) };
        assert!(of_inspection(&standby).iter().any(|found| found.what.contains("standby")));
    }

    #[test]
    fn a_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nexora.db");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(of_file(&path).iter().all(|found| found.verdict == Verdict::Good));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(of_file(&path).iter().any(|found| found.what.contains("mode 644")));
        assert_eq!(of_file(&folder.path().join("gone"))[0].verdict, Verdict::Broken);
    }
}
