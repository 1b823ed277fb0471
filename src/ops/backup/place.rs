//! Putting the files of a backup in place: each whole or not at all, and given to the user that runs the daemon.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::archive::{part_of, sync_folder};
use super::manifest::{Member, Role};
use super::trial::extract;
use crate::config::{Config, Examined};
use nexora_core::base::secret::MasterKey;
use nexora_core::base::{Error, Kind, Result, file};

/// A user and a group.
pub type Owner = (u32, u32);

/// Takes it for done that a file is not there.
///
/// # Errors
/// Any other failure.
pub fn missing_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Puts a file in its place, whole or not at all.
///
/// # Errors
/// `Unavailable` when it cannot be written there.
pub fn place(from: &Path, to: &Path, owner: Option<Owner>) -> Result<()> {
    let failed = |error| {
        file::unwritable(to, Kind::Unavailable, error)
            .hint("run it as root, or as the user who may write there")
    };
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    file::make_folders(folder).map_err(failed)?;
    let part = part_of(to);
    std::fs::remove_file(&part).or_else(missing_is_fine).map_err(failed)?;
    let mut bytes = File::open(from).map_err(|error| file::unreadable(from, Kind::Unavailable, error))?;
    extract(&part, &mut bytes)?;
    give(&part, owner)?;
    std::fs::rename(&part, to).map_err(failed)?;
    sync_folder(folder)
}

/// Gives a file to the user that runs the daemon, where root restores.
///
/// # Errors
/// `Unavailable` when that fails.
pub fn give(path: &Path, owner: Option<Owner>) -> Result<()> {
    match owner.filter(|_| rustix::process::geteuid().is_root()) {
        Some((user, group)) => std::os::unix::fs::chown(path, Some(user), Some(group))
            .map_err(|error| file::unwritable(path, Kind::Unavailable, error)),
        None => Ok(()),
    }
}

/// Returns the key that is there, or else the one in the backup.
///
/// # Errors
/// `Config` when there is none, or it cannot be read.
pub fn key_for(config: &Config, files: &[(Member, PathBuf)]) -> Result<MasterKey> {
    if config.secrets.key_file.exists() {
        return config.secrets.master_key();
    }
    match files.iter().find(|(member, _)| member.role == Role::Key) {
        Some((_, from)) => MasterKey::parse(&file::read_text(from, Kind::Config)?),
        None => Err(Error::config(format!(
            "the master key is not in the backup, and not at `{}`",
            config.secrets.key_file.display()
        ))
        .hint("put the key there first: it was kept apart from the backups")),
    }
}

/// Reads the configuration in a backup. What it names need not be there yet.
///
/// # Errors
/// `Config` when it cannot be read.
pub fn config_of(text: &str) -> Result<Config> {
    let Examined { config, faults } = Config::examine(text, std::env::vars());
    let first =
        || faults.into_iter().next().unwrap_or_else(|| Error::config("the configuration cannot be read"));
    config.ok_or_else(first)
}

/// Returns whose a folder is.
pub fn owner_of(folder: &Path) -> Option<Owner> {
    std::fs::metadata(folder).ok().map(|found| (found.uid(), found.gid()))
}

/// Returns where a file of a backup goes; nothing for the copy of the database. The configuration goes to where it is looked for.
pub fn goes_to(member: &Member, config: &Config, config_path: &Path) -> Option<PathBuf> {
    match member.role {
        Role::Database => None,
        Role::Config => Some(config_path.to_owned()),
        Role::Key => Some(config.secrets.key_file.clone()),
        Role::Named => member.path.clone(),
    }
}

/// Makes a folder that the configuration names, where it is missing.
///
/// # Errors
/// `Unavailable` when it cannot be made.
pub fn make_folder(folder: &Path, owner: Option<Owner>) -> Result<()> {
    if folder.as_os_str().is_empty() || folder.exists() {
        return Ok(());
    }
    file::make_folders(folder).map_err(|error| file::unwritable(folder, Kind::Unavailable, error))?;
    give(folder, owner)
}
