//! What goes into a backup beside the copy of the database: the configuration, what it names, and the key by choice.

use std::path::{Path, PathBuf};

use super::archive::{self, Source};
use super::manifest::{Member, Role};
use crate::config::Config;
use nexora_core::base::{Error, Kind, Result, file};

/// Files of one backup at most, and what they may take in all: more is no configuration.
const FILES: usize = 10_000;
const BYTES: u64 = 1 << 30;

/// The files of a backup, in order, with where each of them is.
#[derive(Default)]
pub struct Contents {
    pub members: Vec<Member>,
    pub sources: Vec<Source>,
    /// What the configuration names and is not there.
    pub missing: Vec<PathBuf>,
}

impl Contents {
    /// Collects the configuration's file, what it names, and the master key where it is wanted.
    ///
    /// # Errors
    /// `Unavailable` when a file cannot be read; `Config` for the master key, or when a folder holds far too much.
    pub fn collect(config: &Config, path: &Path, with_key: bool) -> Result<Contents> {
        let mut contents = Contents::default();
        contents.add(Role::Config, path)?;
        for (key, named) in config.named_files() {
            if !named.exists() {
                contents.missing.push(named.to_owned());
                continue;
            }
            contents
                .add_all(named, &|| format!("`{key}` names a folder that is no folder of definitions"))?;
        }
        if with_key {
            // Read as the daemon reads it, so that no file that is none is taken for the key.
            config.secrets.master_key()?;
            contents.add(Role::Key, &config.secrets.key_file)?;
        }
        Ok(contents)
    }

    /// Adds the copy of the database, which lies at `copy`.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub fn add_database(&mut self, name: &str, copy: &Path) -> Result<()> {
        let (size_bytes, sha256) = archive::sum(copy)?;
        self.members.push(Member {
            name: name.to_owned(),
            role: Role::Database,
            path: None,
            size_bytes,
            sha256,
        });
        self.sources.push(Source::File(copy.to_owned()));
        Ok(())
    }

    fn add_all(&mut self, path: &Path, too_much: &dyn Fn() -> String) -> Result<()> {
        if !path.is_dir() {
            return self.add(Role::Named, path);
        }
        let unreadable = |error| file::unreadable(path, Kind::Unavailable, error);
        let listed = std::fs::read_dir(path).map_err(unreadable)?;
        let mut entries = listed
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(unreadable)?;
        entries.sort();
        for entry in entries {
            let is_plain = std::fs::metadata(&entry).is_ok_and(|found| found.is_file() || found.is_dir());
            let is_link = std::fs::symlink_metadata(&entry).is_ok_and(|found| found.is_symlink());
            // A link to a folder may lead back here.
            if is_plain && !(is_link && entry.is_dir()) {
                self.add_all(&entry, too_much)?;
            }
            let bytes: u64 = self.members.iter().map(|member| member.size_bytes).sum();
            if self.members.len() > FILES || bytes > BYTES {
                return Err(
                    Error::config(too_much()).hint("name the folder with `automations` and `messages` in it")
                );
            }
        }
        Ok(())
    }

    fn add(&mut self, role: Role, path: &Path) -> Result<()> {
        // Read at once, so that it cannot change before it is written.
        let bytes = file::read(path, Kind::Unavailable)?;
        let (size_bytes, sha256) = archive::sum_bytes(&bytes);
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name = format!("files/{:04}", self.members.len() + 1);
        self.members.push(Member { name, role, path: Some(whole), size_bytes, sha256 });
        self.sources.push(Source::Bytes(bytes));
        Ok(())
    }
}
