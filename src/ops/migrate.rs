//! A whole installation moved from SQLite to PostgreSQL.
//!
//! 1. No daemon runs on the old database, and none begins; other commands cannot write to it.
//! 2. The new one is made, and is filled in one transaction, as of one moment; every table is counted on both sides.
//! 3. The old one is marked, and not touched otherwise.
//!
//! A run that is ended leaves a new database without a row, or one that has everything and an old one without its mark: the
//! same command goes on in both cases.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::{key_check, locks};
use crate::config::Config;
use crate::config::database;
use crate::ops::Subject;
use nexora_core::base::clock::Clock;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_store::moved::{self, Carried, Target};
use nexora_store::{Conn, Url, audit, migration};

const MOVE: &str = "database.move";

/// What a move came to.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    pub from: PathBuf,
    /// Without its password.
    pub to: String,
    pub rows: u64,
    pub tables: Vec<Carried>,
    /// An earlier run had carried everything over.
    pub went_on: bool,
}

/// Moves the installation's database. Must be called on a thread where blocking is allowed.
///
/// # Errors
/// `Usage` when it is not from SQLite to PostgreSQL; `Conflict` when a daemon runs, or the new database holds something; those of
/// both databases.
pub fn move_to(config: &Config, actor: &Actor, to: &str, told: &dyn Fn(usize, usize)) -> Result<Moved> {
    let (from, target) = places(config, to)?;
    let url = Url::Sqlite(from.clone());
    url.require()?;
    let _alone = locks::claim_for_restore(&from)?;
    let mut old = url.establish()?;
    migration::check(&mut old)?;
    let key = config.secrets.master_key()?;
    key_check::verify_in(&mut old, &key, &config.secrets.key_file)?;
    moved::hold(&mut old)?;
    let shown = database::Settings { url: to.to_owned() }.shown_url();
    let (mut new, found) = moved::open_target(&target, &mut old)?;
    let tables = match found {
        Target::Filled => Vec::new(),
        Target::Empty => {
            let tables = new.transaction(|new| {
                let tables = moved::carry(&mut old, new, told)?;
                record(new, &key, actor, (&from, &shown))?;
                Ok(tables)
            })?;
            moved::look_at(&mut new)?;
            tables
        }
    };
    moved::mark(&from, &shown)?;
    let rows = tables.iter().map(|table| table.rows).sum();
    Ok(Moved { from, to: shown, rows, tables, went_on: found == Target::Filled })
}

fn places(config: &Config, to: &str) -> Result<(PathBuf, Url)> {
    let from = match config.database.url.parse()? {
        Url::Sqlite(path) | Url::Scratch(path) => path,
        Url::Postgres(_) => {
            return Err(Error::usage("`database.url` is a PostgreSQL database: only a SQLite database is moved so")
                .hint("PostgreSQL moves by pg_dump and pg_restore: docs/OPERATING.md, \"From SQLite to PostgreSQL\""));
        }
    };
    match to.parse()? {
        target @ Url::Postgres(_) => Ok((from, target)),
        Url::Sqlite(_) | Url::Scratch(_) => Err(Error::usage("a database is moved to PostgreSQL alone")
            .hint("write it like `postgres://nexora@db.example.com/nexora`")),
    }
}

/// Records it in the new database: the old one stays as it is.
fn record(
    new: &mut Conn,
    key: &nexora_core::base::secret::MasterKey,
    actor: &Actor,
    (from, to): (&Path, &str),
) -> Result<()> {
    let ledger = audit::Ledger::of(&key_check::rooted_in(new, key)?);
    let subject = Subject::new("database").before(&from.display().to_string())?.after(&to)?;
    audit::append(new, &ledger, None, subject.change(actor.clone(), MOVE), Clock::System.now())
}
