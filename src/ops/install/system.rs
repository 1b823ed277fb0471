//! The system that is installed into: this one, or that of an image in a folder.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::step::Owner;
use nexora_core::base::{Error, Kind, Result, file};

const USER: &str = "nexora";

pub(super) struct System {
    root: PathBuf,
}

impl System {
    /// # Errors
    /// `Usage` when there is no such folder.
    pub(super) fn at(root: &Path) -> Result<System> {
        match root.is_dir() {
            true => Ok(System { root: root.to_owned() }),
            false => Err(Error::usage(format!("`{}` is no folder", root.display()))),
        }
    }

    /// Returns where a path of the installed system is.
    pub(super) fn path(&self, path: &Path) -> PathBuf {
        super::within(&self.root, path)
    }

    pub(super) fn is_image(&self) -> bool {
        self.root != Path::new("/")
    }

    pub(super) fn may_install(&self) -> bool {
        is_root() || self.is_image()
    }

    /// Tells whether systemd runs this system (sd_booted(3)).
    pub(super) fn is_booted(&self) -> bool {
        !self.is_image() && Path::new("/run/systemd/system").is_dir()
    }

    pub(super) fn has_user(&self) -> bool {
        self.id_in("/etc/passwd").is_some() && self.id_in("/etc/group").is_some()
    }

    /// Returns user and group of an owner.
    fn ids(&self, owner: Owner) -> Option<(u32, u32)> {
        let group = self.id_in("/etc/group");
        match owner {
            Owner::GroupOfService => Some((0, group?)),
            Owner::Service => Some((self.id_in("/etc/passwd")?, group?)),
        }
    }

    /// Returns the number that the service has in a file of users or groups: its third field (passwd(5), group(5)).
    fn id_in(&self, list: &str) -> Option<u32> {
        let text = std::fs::read_to_string(self.path(Path::new(list))).ok()?;
        let fields = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let mut own = fields.filter(|fields| fields.first() == Some(&USER));
        own.find_map(|fields| fields.get(2)?.parse().ok())
    }

    /// Tells whether a file has this mode and owner. Without root only the mode can be wished.
    pub(super) fn is_owned(&self, path: &Path, mode: u32, owner: Owner) -> Result<bool> {
        let path = self.path(path);
        let found = std::fs::metadata(&path).map_err(|error| file::unreadable(&path, Kind::Config, error))?;
        let same_owner = !is_root() || self.ids(owner) == Some((found.uid(), found.gid()));
        Ok(found.permissions().mode() & 0o7777 == mode && same_owner)
    }

    pub(super) fn own(&self, path: &Path, mode: u32, owner: Owner) -> Result<()> {
        let path = self.path(path);
        let failed = |error| file::unwritable(&path, Kind::Config, error);
        if is_root() {
            let (user, group) =
                self.ids(owner).ok_or_else(|| Error::config(format!("there is no user `{USER}`")))?;
            std::os::unix::fs::chown(&path, Some(user), Some(group)).map_err(failed)?;
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).map_err(failed)
    }

    /// Makes the service's user as a file for systemd-sysusers describes it; by useradd where there is none.
    pub(super) fn add_user(&self, described_in: &str) -> Result<()> {
        let root = format!("--root={}", self.root.display());
        match run("systemd-sysusers", &[&root, described_in]) {
            Err(error) if error.kind() == Kind::NotFound => {
                let root = self.root.display().to_string();
                let own: &[&str] = if self.is_image() { &["--root", &root] } else { &[] };
                let home =
                    ["--system", "--user-group", "--home-dir", super::DATA, "--shell", "/usr/sbin/nologin"];
                run("useradd", &[own, &home, &["--no-create-home", USER]].concat())
            }
            ran => ran,
        }
    }
}

/// Tells whether files can be given to others: only root can, and an image may also be made without.
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(super) fn systemctl(arguments: &[&str]) -> Result<()> {
    run("systemctl", arguments)
}

/// Asks systemctl about a unit: `is-enabled`, `is-active`.
pub(super) fn is_unit(unit: &str, what: &str) -> bool {
    run("systemctl", &["--quiet", what, unit]).is_ok()
}

/// # Errors
/// `NotFound` when there is no such program; `Unavailable` with what it said when it failed.
fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| Error::not_found(format!("`{program}` cannot be run")).source(error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::unavailable(format!("`{program} {}` failed: {}", arguments.join(" "), said.trim())))
}
