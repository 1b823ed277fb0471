//! An installation that runs by itself: program, user, folders, units, configuration and database, each put in its
//! place where it is not there yet.
//!
//! An installation is a list of steps. Each says whether it is done already, so that a second run changes nothing, and a
//! dry run tells what a run would do.

mod step;
mod system;

use std::path::{Path, PathBuf};

use serde::Serialize;

use self::step::{Owner, Step};
use self::system::System;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;

const PROGRAM: &str = "/usr/local/bin/nexora";
const CONFIGURATION: &str = "/etc/nexora";
const DATA: &str = "/var/lib/nexora";

/// The files that the system reads, with their text.
const SYSTEM_FILES: [(&str, &str); 6] = [
    ("/etc/sysusers.d/nexora.conf", include_str!("../../../systemd/nexora.sysusers")),
    ("/etc/tmpfiles.d/nexora.conf", include_str!("../../../systemd/nexora.tmpfiles")),
    ("/etc/systemd/system/nexora.service", include_str!("../../../systemd/nexora.service")),
    ("/etc/systemd/system/nexora-backup.service", include_str!("../../../systemd/nexora-backup.service")),
    ("/etc/systemd/system/nexora-backup.timer", include_str!("../../../systemd/nexora-backup.timer")),
    ("/etc/systemd/system/nexora-follow.service", include_str!("../../../systemd/nexora-follow.service")),
];

/// The units that are switched on. Backups are when the configuration says where to and by which key.
const UNITS: [&str; 1] = ["nexora.service"];

/// What is wished.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The root of the system that is installed into: `/`, or the folder of an image.
    pub root: PathBuf,
    /// Address of the first operator; not needed where there is a database already.
    pub operator: Option<EmailAddress>,
    /// Tell what would be done, and do nothing.
    pub dry_run: bool,
}

/// A step, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    pub step: String,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// A dry run: it would be done.
    Planned,
    /// It was done before.
    Unchanged,
    /// It cannot be done here, and is not needed in an image.
    Skipped,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Planned => "would be done",
            Outcome::Unchanged => "is so already",
            Outcome::Skipped => "skipped",
        }
    }
}

/// Installs.
///
/// # Errors
/// `Denied` when it is not run as root; `Usage` when an operator has to be named; otherwise those of the step that
/// failed: what was done before it stays, and a second run goes on from there.
pub async fn install(wish: &Wish, actor: &Actor) -> Result<Vec<Done>> {
    let system = System::at(&wish.root)?;
    let mut steps = vec![Step::Program { to: PathBuf::from(PROGRAM) }];
    steps.extend(SYSTEM_FILES.map(|(path, text)| Step::File {
        path: PathBuf::from(path),
        text,
        mode: 0o644,
    }));
    steps.push(Step::User { described_in: SYSTEM_FILES[0].0 });
    steps.push(Step::Folder {
        path: PathBuf::from(CONFIGURATION),
        mode: 0o750,
        owner: Owner::GroupOfService,
    });
    steps.push(Step::Folder { path: PathBuf::from(DATA), mode: 0o700, owner: Owner::Service });
    steps.push(Step::Initialise { dir: CONFIGURATION, data: DATA, operator: wish.operator.clone() });
    let own = |path: &str, mode, owner| Step::Owned { path: PathBuf::from(path), mode, owner };
    steps.push(own("/etc/nexora/nexora.toml", 0o640, Owner::GroupOfService));
    steps.push(own("/etc/nexora/definitions", 0o750, Owner::GroupOfService));
    steps.push(own("/etc/nexora/master.key", 0o600, Owner::Service));
    for file in ["nexora.db", "nexora.db-wal", "nexora.db-shm"] {
        steps.push(own(&format!("{DATA}/{file}"), 0o600, Owner::Service));
    }
    steps.push(Step::Units { units: &UNITS });
    carry_out(&system, &steps, wish.dry_run, actor).await
}

/// Takes away what `install` has put in place, but for configuration, key, data and user.
///
/// # Errors
/// As `install`.
pub async fn uninstall(wish: &Wish, actor: &Actor) -> Result<Vec<Done>> {
    let system = System::at(&wish.root)?;
    let mut steps = vec![Step::NoUnits { units: &UNITS }];
    steps.extend(SYSTEM_FILES.iter().rev().map(|(path, _)| Step::Absent { path: PathBuf::from(*path) }));
    steps.push(Step::Absent { path: PathBuf::from(PROGRAM) });
    carry_out(&system, &steps, wish.dry_run, actor).await
}

async fn carry_out(system: &System, steps: &[Step], dry_run: bool, actor: &Actor) -> Result<Vec<Done>> {
    if !dry_run && !system.may_install() {
        return Err(Error::denied("only root can install")
            .hint("run it with sudo, or see first what it would do: `--dry-run`"));
    }
    let mut done = Vec::with_capacity(steps.len());
    let mut changed = false;
    for step in steps {
        let outcome = match step.state(system, changed)? {
            step::State::Done => Outcome::Unchanged,
            step::State::NotHere => Outcome::Skipped,
            step::State::Open if dry_run => Outcome::Planned,
            step::State::Open => {
                step.carry_out(system, actor).await?;
                changed |= step.wants_restart();
                Outcome::Done
            }
        };
        done.push(Done { step: step.to_string(), outcome });
    }
    Ok(done)
}

/// Returns a path of the installed system as this one sees it.
fn within(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}
