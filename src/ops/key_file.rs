//! The master key's file: another key is put in place of it, and all that is sealed is sealed anew.
//!
//! 1. The new key is written beside the old one (`master.key.new`).
//! 2. In one transaction all that the old one opens is sealed with the new one.
//! 3. The old key gets another name, and the new one its place.
//!
//! A run that was ended goes on where it was: which key the database needs says its key check. Keys that are derived for hashes and
//! signatures stay as they were: addresses that are not written to, links in mails that went out, sessions and recovery codes are known
//! by them, and nobody knows any more what was hashed. Their root is kept, sealed with the new key.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::locks::{self, DAEMON};
use crate::app::{heart, key_check};
use crate::config::Config;
use crate::ops::Subject;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::MasterKey;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::audit::Actor;
use nexora_store::sealed;
use nexora_store::{Conn, Db, Url, audit, daemon};

const DAEMONS: i64 = 100;
const ROTATE: &str = "key_file.rotate";

/// What a rotation came to.
#[derive(Clone, Debug, Serialize)]
pub struct Rotated {
    pub key_file: PathBuf,
    /// Where the old key is: backups that were made before need it.
    pub old_key_file: PathBuf,
    /// Values that were sealed anew.
    pub sealed: usize,
    /// Values that the old key did not open, and that are as they were.
    pub unopened: usize,
    /// An earlier run had sealed all of them.
    pub went_on: bool,
}

/// Puts another master key in place.
///
/// # Errors
/// `Conflict` when a daemon runs; `Config` when neither key is the database's, or a file cannot be written; `Unavailable` from the
/// database. Nothing is half done: the same command goes on.
pub async fn rotate(config: &Config, actor: &Actor) -> Result<Rotated> {
    let url: Url = config.database.url.parse()?;
    let db = Db::open(&url).await?;
    let _alone = alone(&url, &db).await?;
    let path = &config.secrets.key_file;
    let (old, new) = (config.secrets.master_key()?, new_key(path)?);
    let (now, actor) = (Clock::System.now(), actor.clone());
    let (file, saved) =
        (path.clone(), named(path, &format!("before-{}", now.utc().format("%Y%m%dT%H%M%SZ"))));
    let (sealed, unopened, went_on) = db
        .write(move |conn| {
            if key_check::opens(conn, &new)? {
                return Ok((0, 0, true));
            }
            key_check::verify_in(conn, &old, &file)?;
            let ledger = audit::Ledger::of(&key_check::rooted_in(conn, &old)?);
            let (sealed, unopened) = seal_anew(conn, &old, &new)?;
            let subject = Subject::new("master key");
            audit::append(conn, &ledger, None, subject.change(actor, ROTATE), now)?;
            Ok((sealed, unopened, false))
        })
        .await?;
    put_in_place(path, &saved)?;
    Ok(Rotated { key_file: path.clone(), old_key_file: saved, sealed, unopened, went_on })
}

/// Sees to it that no daemon works with the old key.
async fn alone(url: &Url, db: &Db) -> Result<Option<locks::Lock>> {
    let runs = || {
        Error::conflict("a daemon runs, and works with the old key").hint("stop it: systemctl stop nexora")
    };
    let now: Timestamp = Clock::System.now();
    let daemons = db.read(|conn| daemon::list(conn, DAEMONS)).await?;
    if daemons.iter().any(|found| found.is_heard(now) && !heart::is_gone(found)) {
        return Err(runs());
    }
    match url {
        Url::Sqlite(path) | Url::Scratch(path) => locks::take(path, DAEMON)?.map(Some).ok_or_else(runs),
        Url::Postgres(_) => Ok(None),
    }
}

fn named(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Returns the key that an earlier run has made, or else makes one.
fn new_key(path: &Path) -> Result<MasterKey> {
    let new = named(path, "new");
    if new.exists() {
        file::keep_private(&new);
        return MasterKey::parse(&file::read_text(&new, Kind::Config)?).map_err(|error| {
            Error::config(format!("`{}` is not a master key", new.display()))
                .source(error)
                .hint("take it away, and run the same command again")
        });
    }
    let key = MasterKey::generate()?;
    let failed = |error| {
        file::unwritable(&new, Kind::Config, error)
            .hint("run it as the user that the key belongs to, or as root")
    };
    let part = named(path, "part");
    let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    opened
        .and_then(|mut file| writeln!(file, "{}", key.to_hex().expose()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&part, &new))
        .map_err(failed)?;
    Ok(key)
}

fn seal_anew(conn: &mut Conn, old: &MasterKey, new: &MasterKey) -> Result<(usize, usize)> {
    let root = match sealed::root(conn)? {
        Some(sealed) => key_check::open_root(old, &sealed)?,
        None => old.root_hex(),
    };
    let (mut done, mut unopened) = (0, 0);
    for (place, value) in sealed::all(conn)? {
        let owner = place.seal_owner();
        match old.open(&owner, &value) {
            Ok(plain) => {
                sealed::put(conn, &place, &new.seal(&owner, &plain)?)?;
                done += 1;
            }
            // What the old key did not open, nobody opens: `nexora doctor` tells of it.
            Err(_) => unopened += 1,
        }
    }
    let (check, root) = key_check::sealed_for(new, &root)?;
    sealed::put_check(conn, &check, &root)?;
    Ok((done, unopened))
}

fn put_in_place(path: &Path, saved: &Path) -> Result<()> {
    let failed = |error| {
        file::unwritable(path, Kind::Config, error).hint("run the same command again: it goes on from here")
    };
    let owner = std::fs::metadata(path).map_err(failed)?;
    match std::fs::hard_link(path, saved) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let new = named(path, "new");
    if rustix::process::geteuid().is_root() {
        use std::os::unix::fs::MetadataExt as _;
        std::os::unix::fs::chown(&new, Some(owner.uid()), Some(owner.gid())).map_err(failed)?;
    }
    std::fs::rename(&new, path).map_err(failed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
