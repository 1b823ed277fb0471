//! Putting a database back to a moment until which it was followed.

use std::path::Path;

use super::SQLITE_COPY;
use super::archive::sum;
use super::follow::{self, PutTogether};
use super::manifest::{Engine, FORMAT, Manifest, Member, Role, SealedFor, Summary};
use super::restore::{Restored, Unpacked, database_of, emptied, finish, prepare, refuse_present};
use super::seal::Opener;
use crate::app::heart::host;
use crate::app::locks;
use crate::config::Config;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_store::{Url, backup, migration};

/// Restores the database of a configuration to a moment. Key and configuration have to be there.
///
/// # Errors
/// As `restore::restore`, and `NotFound` when nothing was followed so early.
pub fn restore_at(
    (config, config_path): (&Config, &Path),
    (root, at): (&Path, Timestamp),
    opener: &Opener,
    replace: bool,
) -> Result<Restored> {
    let database = database_of(config)?;
    let _claim = locks::claim_for_restore(&database)?;
    refuse_present(&database, replace)?;
    let folder = emptied(&database)?;
    let copy = folder.join(SQLITE_COPY);
    let made = follow::put_together(root, at, opener, &copy)?;
    let manifest = describe(&made, &copy, config_path)?;
    let files = manifest.members.iter().map(|member| (member.clone(), copy.clone())).collect();
    let unpacked = Unpacked { folder, config: config.clone(), files };
    finish(prepare(&manifest, unpacked, config_path)?)
}

/// Describes what was put together as a backup of that moment.
fn describe(made: &PutTogether, copy: &Path, config_path: &Path) -> Result<Manifest> {
    let mut conn = Url::Scratch(copy.to_owned()).establish()?;
    let schema = migration::latest(&mut conn)?
        .ok_or_else(|| Error::conflict("what was followed is no nexora database"))?;
    let rows = backup::count_rows(&mut conn)?;
    drop(conn);
    backup::fold_log(copy)?;
    let (size_bytes, sha256) = sum(copy)?;
    let summary = Summary {
        format: FORMAT,
        id: format!("follow_{}_{}", made.generation, made.parts),
        created_at: made.at,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema,
        database: Engine::Sqlite,
        host: host(),
        with_key: false,
        sealed_for: SealedFor::Identity,
    };
    let member =
        Member { name: SQLITE_COPY.to_owned(), role: Role::Database, path: None, size_bytes, sha256 };
    Ok(Manifest { summary, rows, config: config_path.to_owned(), members: vec![member] })
}
