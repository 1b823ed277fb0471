//! Restoring a backup of PostgreSQL. The database is put in place in one transaction, with the note that it is held; the files
//! before it, where they are missing. A run that was ended is begun anew.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::archive::{self, Progress};
use super::manifest::{Manifest, Member, Role};
use super::place::{config_of, goes_to, key_for, make_folder, owner_of, place};
use super::restore::{Restored, Wish};
use super::trial::extract;
use super::{POSTGRES_COPY, TAKE_ANOTHER, postgres, private_folder};
use crate::config::Config;
use nexora_core::base::clock::Clock;
use nexora_core::base::{Error, Result};
use nexora_core::model::RestoreId;
use nexora_core::model::restore::Restore;
use nexora_store::Url;

/// Where what is placed belongs, the folder of the service's user.
const HOME: &str = "/var/lib/nexora";

/// Restores a backup of PostgreSQL.
///
/// # Errors
/// As `restore::restore`.
pub fn restore(wish: &Wish<'_>, known: Option<Config>, progress: Progress<'_>) -> Result<Restored> {
    let folder = private_folder(&std::env::temp_dir())?;
    let copy = folder.path().join(POSTGRES_COPY);
    let (mut config, mut files) = (known, Vec::new());
    let manifest = archive::read(wish.file, wish.opener, progress, &mut |member, bytes| {
        let to = match member.role {
            Role::Database => copy.clone(),
            Role::Config | Role::Named | Role::Key => folder.path().join(format!("file-{}", files.len())),
        };
        extract(&to, bytes)?;
        if member.role == Role::Config {
            let mut text = String::new();
            let read = std::fs::File::open(&to).and_then(|mut file| file.read_to_string(&mut text));
            read.map_err(|error| {
                Error::conflict("the configuration in the backup is no text").source(error)
            })?;
            let named = match config.take() {
                Some(known) => known,
                None => config_of(&text)?,
            };
            postgres::refuse_present(&url_of(&named)?, wish.replace)?;
            config = Some(named);
        }
        files.push((member.clone(), to));
        Ok(())
    })?;
    let config =
        config.ok_or_else(|| Error::conflict("the backup has no configuration").hint(TAKE_ANOTHER))?;
    finish(wish, (manifest, config), (&copy, files))
}

fn url_of(config: &Config) -> Result<String> {
    match config.database.url.parse()? {
        Url::Postgres(url) => Ok(url),
        Url::Sqlite(_) | Url::Scratch(_) => {
            Err(Error::usage("the configuration names a SQLite database, and the backup is of PostgreSQL")
                .hint("set `database.url` to the address of an empty PostgreSQL database"))
        }
    }
}

fn finish(
    wish: &Wish<'_>,
    (manifest, config): (Manifest, Config),
    (copy, files): (&Path, Vec<(Member, PathBuf)>),
) -> Result<Restored> {
    let url = url_of(&config)?;
    postgres::examine(&manifest, copy)?;
    postgres::refuse_newer(&url, &manifest.summary)?;
    postgres::verify_key(copy, &key_for(&config, &files)?, &config.secrets.key_file)?;
    let (mut placed, mut kept) = (Vec::new(), Vec::new());
    let owner = owner_of(Path::new(HOME));
    for (member, from) in &files {
        match goes_to(member, &config, wish.config) {
            Some(to) if to.exists() => kept.push(to),
            Some(to) => {
                place(from, &to, owner)?;
                placed.push(to);
            }
            None => {}
        }
    }
    make_folder(&config.definitions.folder, owner)?;
    let now = Clock::System.now();
    let held = Restore {
        id: RestoreId::new(now),
        backup_id: manifest.summary.id.clone(),
        backup_at: manifest.summary.created_at,
        restored_at: now,
        released_at: None,
        released_by: None,
    };
    let migrated = postgres::put_in_place(&url, copy, &held)?;
    let (rows, database) = (manifest.total_rows(), config.database.shown_url().into());
    Ok(Restored { backup: manifest.summary, database, replaced: None, placed, kept, rows, migrated })
}
