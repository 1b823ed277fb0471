//! What a backup says of itself: a part that anybody may read, and a part that is sealed with the rest.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::define_plain_words;
use nexora_core::base::{Error, Result};

/// The format that this program writes, and the latest that it reads.
pub const FORMAT: u32 = 1;

define_plain_words! {
    /// Which database a backup is of.
    Engine = "database" { Sqlite = "sqlite", Postgres = "postgres" }

    /// What opens a backup.
    SealedFor = "way to open a backup" {
        Passphrase = "passphrase",
        /// A secret key of age.
        Identity = "identity",
    }
}

/// What anybody may read of a backup. It names no customer and counts nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub format: u32,
    pub id: String,
    /// The moment at which the copy of the database stands.
    pub created_at: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    /// The latest migration of the database.
    pub schema: String,
    pub database: Engine,
    pub host: String,
    /// Whether the master key is in it.
    pub with_key: bool,
    pub sealed_for: SealedFor,
}

impl Summary {
    /// Refuses what a newer program made in a form that this one does not know.
    ///
    /// # Errors
    /// `Conflict` when the form is newer.
    pub fn check_format(&self) -> Result<()> {
        match self.format <= FORMAT {
            true => Ok(()),
            false => Err(Error::conflict(format!(
                "the backup is in format {}, which this program does not know",
                self.format
            ))
            .hint(format!("it was made by nexora {}: use that version or a newer one", self.program))),
        }
    }
}

/// All that a backup says of itself; it is the first member of what is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub summary: Summary,
    /// The rows of each table.
    pub rows: BTreeMap<String, i64>,
    /// Where the configuration was.
    pub config: PathBuf,
    pub members: Vec<Member>,
}

/// One file in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    pub role: Role,
    /// Where it was; nothing for the copy of the database.
    pub path: Option<PathBuf>,
    pub size_bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

define_plain_words! {
    /// What a file in a backup is.
    Role = "role" {
        Database = "database",
        Config = "config",
        /// A file that the configuration names, or of a folder that it names.
        Named = "named",
        Key = "key",
    }
}

impl Manifest {
    pub fn total_bytes(&self) -> u64 {
        self.members.iter().map(|member| member.size_bytes).sum()
    }

    /// Returns the one member of a role that there is once.
    pub fn only(&self, role: Role) -> Option<&Member> {
        self.members.iter().find(|member| member.role == role)
    }

    pub fn total_rows(&self) -> i64 {
        self.rows.values().sum()
    }
}
