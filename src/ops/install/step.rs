//! One step of an installation.

use std::fmt;
use std::path::{Path, PathBuf};

use super::system::{System, is_root, is_unit, systemctl};
use crate::ops::init;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Root's, and the service's group may read it.
    GroupOfService,
    Service,
}

/// How far a step is.
pub(super) enum State {
    Done,
    Open,
    /// It cannot be done in this system.
    NotHere,
}

pub(super) enum Step {
    /// This program is where the units look for it.
    Program {
        to: PathBuf,
    },
    File {
        path: PathBuf,
        text: &'static str,
        mode: u32,
    },
    User {
        described_in: &'static str,
    },
    Folder {
        path: PathBuf,
        mode: u32,
        owner: Owner,
    },
    /// Configuration, key and database are there.
    Initialise {
        dir: &'static str,
        data: &'static str,
        operator: Option<EmailAddress>,
    },
    /// A file that is there has this mode and owner.
    Owned {
        path: PathBuf,
        mode: u32,
        owner: Owner,
    },
    /// The units run, and start with the system.
    Units {
        units: &'static [&'static str],
    },
    NoUnits {
        units: &'static [&'static str],
    },
    Absent {
        path: PathBuf,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Program { to } => write!(f, "put this program at {}", to.display()),
            Step::File { path, .. } => write!(f, "write {}", path.display()),
            Step::User { .. } => write!(f, "make the user nexora"),
            Step::Folder { path, mode, owner } | Step::Owned { path, mode, owner } => {
                let owner = match owner {
                    Owner::GroupOfService => "root:nexora",
                    Owner::Service => "nexora:nexora",
                };
                write!(f, "have {} as {owner}, {mode:04o}", path.display())
            }
            Step::Initialise { dir, .. } => write!(f, "make configuration, master key and database ({dir})"),
            Step::Units { units } => write!(f, "start {} now and with the system", units.join(", ")),
            Step::NoUnits { units } => write!(f, "stop {}", units.join(", ")),
            Step::Absent { path } => write!(f, "remove {}", path.display()),
        }
    }
}

impl Step {
    /// Tells how far it is. `changed` when an earlier step has put something in place that a running unit does not have.
    pub(super) fn state(&self, system: &System, changed: bool) -> Result<State> {
        let done = |is_done| if is_done { State::Done } else { State::Open };
        Ok(match self {
            Step::Program { to } => done(same_content(&own_program()?, &system.path(to))?),
            Step::File { path, text, .. } => {
                done(std::fs::read_to_string(system.path(path)).is_ok_and(|found| found == *text))
            }
            Step::User { .. } if !is_root() => State::NotHere,
            Step::User { .. } => done(system.has_user()),
            Step::Folder { path, mode, owner } => {
                done(system.path(path).is_dir() && system.is_owned(path, *mode, *owner)?)
            }
            Step::Owned { path, .. } if !system.path(path).exists() => State::NotHere,
            Step::Owned { path, mode, owner } => done(system.is_owned(path, *mode, *owner)?),
            Step::Initialise { .. } if system.is_image() => State::NotHere,
            Step::Initialise { dir, .. } => {
                let there = |name: &str| Path::new(dir).join(name).exists();
                done(there("nexora.toml") && there("master.key"))
            }
            Step::Units { .. } | Step::NoUnits { .. } if !system.is_booted() => State::NotHere,
            Step::Units { units } => {
                let runs = |unit: &&str| is_unit(unit, "is-enabled") && is_unit(unit, "is-active");
                done(!changed && units.iter().all(runs))
            }
            Step::NoUnits { units } => {
                let runs = |unit: &&str| is_unit(unit, "is-enabled") || is_unit(unit, "is-active");
                done(!units.iter().any(runs))
            }
            Step::Absent { path } => done(!system.path(path).exists()),
        })
    }

    /// Tells whether a unit that runs has to be started anew after this step.
    pub(super) fn wants_restart(&self) -> bool {
        match self {
            Step::Program { .. } | Step::File { .. } => true,
            Step::User { .. }
            | Step::Folder { .. }
            | Step::Initialise { .. }
            | Step::Owned { .. }
            | Step::Units { .. }
            | Step::NoUnits { .. }
            | Step::Absent { .. } => false,
        }
    }

    pub(super) async fn carry_out(&self, system: &System, actor: &Actor) -> Result<()> {
        match self {
            Step::Program { to } => {
                let program = own_program()?;
                let content = std::fs::read(&program)
                    .map_err(|error| file::unreadable(&program, Kind::Config, error))?;
                put(&system.path(to), &content, 0o755)
            }
            Step::File { path, text, mode } => put(&system.path(path), text.as_bytes(), *mode),
            Step::User { described_in } => system.add_user(described_in),
            Step::Folder { path, mode, owner } => {
                let shown = system.path(path);
                make_open_folders(&shown).map_err(|error| file::unwritable(&shown, Kind::Config, error))?;
                system.own(path, *mode, *owner)
            }
            Step::Owned { path, mode, owner } => system.own(path, *mode, *owner),
            Step::Initialise { dir, data, operator } => {
                let operator = operator.clone().ok_or_else(|| {
                    Error::usage("who is the first operator?").hint("name them: `--operator you@example.com`")
                })?;
                let database = format!("sqlite:{data}/nexora.db");
                init::run(&Path::new(dir).join("nexora.toml"), Some(&database), operator, actor)
                    .await
                    .map(|_| ())
            }
            Step::Units { units } => {
                systemctl(&["daemon-reload"])?;
                systemctl(&[&["enable"], *units].concat())?;
                systemctl(&[&["restart"], *units].concat())
            }
            Step::NoUnits { units } => systemctl(&[&["disable", "--now"], *units].concat()),
            Step::Absent { path } => {
                let path = system.path(path);
                std::fs::remove_file(&path).map_err(|error| file::unwritable(&path, Kind::Config, error))
            }
        }
    }
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|error| Error::internal("where this program is cannot be told").source(error))
}

fn same_content(one: &Path, two: &Path) -> Result<bool> {
    if one == two {
        return Ok(true);
    }
    let length = |path: &Path| std::fs::metadata(path).map(|found| found.len()).ok();
    if length(one) != length(two) {
        return Ok(false);
    }
    let read = |path: &Path| std::fs::read(path).map_err(|error| file::unreadable(path, Kind::Config, error));
    Ok(read(one)? == read(two)?)
}

/// Writes a file whole or not at all: a program that runs is not written over.
fn put(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let failed = |error| file::unwritable(path, Kind::Config, error);
    make_open_folders(folder).map_err(failed)?;
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    new.write_all(content).map_err(failed)?;
    new.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(path).map(|_| ()).map_err(|error| failed(error.error))
}

/// Makes a folder and those above it, where they are not there yet, as everybody may read them.
fn make_open_folders(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_open_folders(above)?;
    }
    std::fs::create_dir(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
}
