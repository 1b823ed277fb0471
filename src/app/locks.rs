//! Locks on files beside a SQLite database: who works on it, and whether it is being replaced.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nexora_core::base::{Error, Kind, Result, file};
use nexora_store::Url;

/// Held for as long as the file in it is open.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock holds while the file is open")] File);

/// Both locks of a restore: no daemon runs, and none begins.
#[derive(Debug)]
pub struct Replacing {
    _daemon: Lock,
    _restore: Lock,
}

/// Takes a lock; nothing where another process has it.
///
/// # Errors
/// `Unavailable` when its file cannot be made.
pub fn take(database: &Path, what: &str) -> Result<Option<Lock>> {
    let name = beside(database, what);
    let opened = File::options().write(true).create(true).truncate(false).mode(0o600).open(&name);
    let file = opened.map_err(|error| {
        file::unwritable(&name, Kind::Unavailable, error).hint("run it as the user that runs the daemon")
    })?;
    Ok(file.try_lock().is_ok().then_some(Lock(file)))
}

/// Returns the name of a file beside a database.
pub fn beside(database: &Path, what: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    PathBuf::from(name)
}

/// What the lock is called that the only daemon of a database holds.
pub const DAEMON: &str = "daemon";
const RESTORE: &str = "restoring";

/// Sees to it that no daemon runs on a database, and none begins.
///
/// # Errors
/// `Conflict` when one runs, or another restore is under way.
pub fn claim_for_restore(database: &Path) -> Result<Replacing> {
    let under_way = || Error::conflict("another restore is under way").hint("wait for it, or end it");
    let restore = take(database, RESTORE)?.ok_or_else(under_way)?;
    let runs = || {
        Error::conflict(format!("a daemon works on `{}`", database.display()))
            .hint("stop it: systemctl stop nexora")
    };
    let daemon = take(database, DAEMON)?.ok_or_else(runs)?;
    Ok(Replacing { _daemon: daemon, _restore: restore })
}

/// Refuses a database that is being replaced.
///
/// # Errors
/// `Conflict` when it is.
pub fn refuse_while_restored(url: &Url) -> Result<()> {
    let Url::Sqlite(path) = url else { return Ok(()) };
    // Where the file of the lock is not there, nobody holds it.
    match File::open(beside(path, RESTORE)).map(|file| file.try_lock_shared().is_ok()) {
        Ok(true) | Err(_) => Ok(()),
        Ok(false) => Err(Error::conflict("a backup is being restored to this database")
            .hint("wait until `nexora backup restore` has ended")),
    }
}
