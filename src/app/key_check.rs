//! Whether the master key is the one that this database was made with, so that a wrong one is refused before
//! anything is sealed with it, and not found out by the first mail that cannot be sent.

use std::path::Path;

use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::{Error, Kind, Result};
use nexora_store::{Conn, Db, daemon, sealed};

/// What the stored value is bound to, and what is sealed in it.
const OWNER: &str = "key check";
const TEXT: &str = "nexora";

/// Holds the key against what was sealed with the right one: the key check, or else, in a database without one, everything that is
/// sealed, of which it has to open something.
///
/// # Errors
/// `Config` when it is another key; `Unavailable` when the database cannot be read.
pub async fn verify(db: &Db, key: &MasterKey, file: &Path) -> Result<()> {
    let (key, file) = (key.clone(), file.to_owned());
    db.read(move |conn| verify_in(conn, &key, &file)).await
}

/// The same on one connection.
///
/// # Errors
/// As `verify`.
pub fn verify_in(conn: &mut Conn, key: &MasterKey, file: &Path) -> Result<()> {
    if let Some(sealed) = daemon::key_check(conn)? {
        return verify_check(&sealed, key, file);
    }
    let all = sealed::all(conn)?;
    let is_right =
        all.is_empty() || all.iter().any(|(place, value)| key.open(&place.seal_owner(), value).is_ok());
    if is_right { Ok(()) } else { Err(wrong(file)) }
}

/// Holds the key against the key check of a database that is not open.
///
/// # Errors
/// As `verify`.
pub fn verify_check(sealed: &[u8], key: &MasterKey, file: &Path) -> Result<()> {
    key.open(OWNER, sealed).map(|_| ()).map_err(|_| wrong(file))
}

fn wrong(file: &Path) -> Error {
    let said = format!("the master key `{}` is not the one that this database was made with", file.display());
    Error::new(Kind::Config, said).hint(hint(file))
}

/// Says what helps against a wrong key: a rotation that was ended has left the right one beside it.
fn hint(file: &Path) -> &'static str {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    match Path::new(&new).exists() {
        true => "a rotation of the key was ended in mid-work: run `nexora key-file rotate` to go on with it",
        false => "put the right one back from your backup, or name it in `secrets.key_file`",
    }
}

/// What a sealed root is bound to.
const ROOT: &str = "derivation root";

/// Tells whether a key is the one that the key check was sealed with; not where there is none.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn opens(conn: &mut Conn, key: &MasterKey) -> Result<bool> {
    Ok(daemon::key_check(conn)?.is_some_and(|sealed| key.open(OWNER, &sealed).is_ok()))
}

/// Returns the key with the root of the database, where the key was rotated.
///
/// # Errors
/// `Unavailable` when the database cannot be read; `Denied` when the key does not open the root.
pub async fn rooted(db: &Db, key: MasterKey) -> Result<MasterKey> {
    db.read(move |conn| rooted_in(conn, &key)).await
}

/// The same on one connection.
///
/// # Errors
/// As `rooted`.
pub fn rooted_in(conn: &mut Conn, key: &MasterKey) -> Result<MasterKey> {
    match sealed::root(conn)? {
        Some(sealed) => key.with_root(&open_root(key, &sealed)?),
        None => Ok(key.clone()),
    }
}

/// Opens a sealed root.
///
/// # Errors
/// `Denied` when the key does not open it.
pub fn open_root(key: &MasterKey, sealed: &[u8]) -> Result<Secret> {
    key.open(ROOT, sealed)
}

/// Seals a key check and a root.
///
/// # Errors
/// `Internal` when no random bytes can be had.
pub fn sealed_for(key: &MasterKey, root: &Secret) -> Result<(Vec<u8>, Vec<u8>)> {
    Ok((key.seal(OWNER, &Secret::new(TEXT))?, key.seal(ROOT, root)?))
}

/// Stores what this key alone opens, unless it is there already.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub async fn keep(db: &Db, key: &MasterKey) -> Result<()> {
    if db.read(daemon::key_check).await?.is_some() {
        return Ok(());
    }
    let sealed = key.seal(OWNER, &Secret::new(TEXT))?;
    db.write(move |conn| daemon::insert_key_check(conn, &sealed)).await
}
