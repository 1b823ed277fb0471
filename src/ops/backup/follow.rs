//! Following a SQLite database into a folder, so that it can be put back to any moment of the last days.
//!
//! Each day, and whenever something may have been missed, a generation begins: a folder with the name of its moment, in
//! which a copy of the database's file (`base`) comes first, and after it what was committed, in parts of a few seconds
//! (`00000001-MILLISECONDS`). Each file is packed, sealed, synced and renamed. A database of a moment is the copy of the
//! latest generation before it, with the parts until then, in order.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::TAKE_ANOTHER;
use super::archive::{part_of, sync_folder};
use super::seal::{Lock, Opener};
use crate::app::locks;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::{Error, Kind, Result, file};
use nexora_store::follow::{Follower, Taken};
use nexora_store::wal;

const BASE: &str = "base";
const END: &str = ".zst.age";

/// After so long a generation ends, so that few parts have to be put together.
const GENERATION: Duration = Duration::from_secs(86_400);

/// How a generation's folder is named.
const MOMENT: &str = "%Y%m%dT%H%M%S%.3fZ";

/// Follows one database.
pub struct Following {
    database: PathBuf,
    /// The database's, which is not closed before the process ends.
    file: Arc<File>,
    root: PathBuf,
    lock: Lock,
    keep: Duration,
    current: Generation,
    _alone: locks::Lock,
}

struct Generation {
    follower: Follower,
    folder: PathBuf,
    begun: Timestamp,
    number: u64,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stepped {
    pub parts: u64,
    pub bytes: u64,
    /// A new generation has begun.
    pub is_new: bool,
}

impl Following {
    /// Begins to follow a database into a folder, with a copy of it.
    ///
    /// # Errors
    /// `Usage` when the lock is a passphrase; `Conflict` when another process follows it; `Unavailable` when files cannot be
    /// written.
    pub fn begin(database: &Path, root: &Path, lock: Lock, keep: Duration) -> Result<Following> {
        if let Lock::Passphrase(_) = lock {
            return Err(Error::usage(
                "what follows a database is sealed for a public key: a passphrase takes a second each time",
            )
            .hint("set `backup.recipient` to the line that `age-keygen` prints"));
        }
        let others = || {
            Error::conflict("another process follows this database").hint("systemctl status nexora-follow")
        };
        let alone = locks::take(database, "following")?.ok_or_else(others)?;
        let file =
            File::open(database).map_err(|error| file::unreadable(database, Kind::Unavailable, error))?;
        let file = Arc::new(file);
        let current = Generation::begin((database, &file), root, &lock)?;
        let (database, root) = (database.to_owned(), root.to_owned());
        Ok(Following { database, file, root, lock, keep, current, _alone: alone })
    }

    /// Writes what was committed since the last step.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read, or files not be written: the next step begins a new generation.
    pub fn step(&mut self) -> Result<Stepped> {
        let stepped = self.current.step(&self.lock);
        let is_old = Clock::System.now().since(self.current.begun) >= GENERATION;
        match stepped {
            Ok(Some(stepped)) if !is_old => Ok(stepped),
            Ok(_) => self.begin_anew(),
            Err(error) => {
                // What was taken and not written would be missing.
                self.begin_anew()?;
                Err(error)
            }
        }
    }

    fn begin_anew(&mut self) -> Result<Stepped> {
        self.current = Generation::begin((&self.database, &self.file), &self.root, &self.lock)?;
        prune(&self.root, Clock::System.now(), self.keep)?;
        Ok(Stepped { is_new: true, ..Stepped::default() })
    }
}

impl Generation {
    fn begin((database, file): (&Path, &Arc<File>), root: &Path, lock: &Lock) -> Result<Generation> {
        let mut follower = Follower::begin(database, Arc::clone(file))?;
        let making = root.join("making.part");
        remove(&making)?;
        file::make_folders(&making).map_err(|error| unwritable(&making, error))?;
        write(&making.join(format!("{BASE}{END}")), lock, |to| follower.copy(to))?;
        let begun = Clock::System.now();
        let folder = root.join(begun.utc().format(MOMENT).to_string());
        let mut generation = Generation { follower, folder: making.clone(), begun, number: 0 };
        // The copy was made while the database was written: with what was committed by now it is one.
        loop {
            match generation.follower.take()? {
                Taken::Gap => {
                    return Err(Error::unavailable(
                        "the database was changed by another program while it was copied",
                    ));
                }
                taken => generation.keep(taken, begun, lock)?,
            };
            if generation.follower.is_drained() {
                break;
            }
        }
        std::fs::rename(&making, &folder).map_err(|error| unwritable(&folder, error))?;
        sync_folder(root)?;
        Ok(Generation { folder, ..generation })
    }

    /// Nothing is returned where something was missed.
    fn step(&mut self, lock: &Lock) -> Result<Option<Stepped>> {
        let before = self.number;
        let mut bytes = 0;
        for turn in [Follower::take, Follower::turn_over] {
            let now = Clock::System.now();
            match turn(&mut self.follower)? {
                Taken::Gap => return Ok(None),
                taken => bytes += self.keep(taken, now, lock)?,
            }
        }
        Ok(Some(Stepped { parts: self.number - before, bytes, is_new: false }))
    }

    fn keep(&mut self, taken: Taken, now: Timestamp, lock: &Lock) -> Result<u64> {
        let Taken::Frames { page_size, frames } = taken else { return Ok(0) };
        let name = format!("{:08}-{}{END}", self.number + 1, now.millis());
        let failed = |error| Error::unavailable("a part cannot be written").source(error);
        let size = u32::try_from(page_size).unwrap_or_default().to_be_bytes();
        write(&self.folder.join(name), lock, |to| {
            to.write_all(&size).and_then(|()| to.write_all(&frames)).map_err(failed)
        })?;
        self.number += 1;
        Ok(frames.len() as u64)
    }
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    file::unwritable(path, Kind::Unavailable, error)
        .hint("free disk space there, or give the folder to this user")
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritable(folder, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file, packed and sealed; it has its name when it is whole and on disk.
fn write(
    path: &Path,
    lock: &Lock,
    content: impl FnOnce(&mut dyn std::io::Write) -> Result<()>,
) -> Result<()> {
    let part = part_of(path);
    let failed = |error| unwritable(&part, error);
    let target =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(failed)?;
    let mut packed =
        zstd::Encoder::new(lock.seal(&target)?, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)?;
    content(&mut packed)?;
    packed.finish().and_then(|sealed| sealed.finish().map(|_| ())).map_err(failed)?;
    target.sync_all().map_err(failed)?;
    std::fs::rename(&part, path).map_err(failed)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Takes generations away of which nothing is needed for the moments that are kept.
fn prune(root: &Path, now: Timestamp, keep: Duration) -> Result<()> {
    let generations = generations(root)?;
    for (one, next) in generations.iter().zip(generations.iter().skip(1)) {
        if now.since(next.0) > keep {
            remove(&one.1)?;
        }
    }
    Ok(())
}

/// Lists the generations of a folder, the first first.
fn generations(root: &Path) -> Result<Vec<(Timestamp, PathBuf)>> {
    let unreadable = |error| {
        file::unreadable(root, Kind::Unavailable, error)
            .hint("`nexora backup follow` writes there; check `backup.folder`")
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let at = chrono::NaiveDateTime::parse_from_str(&name, MOMENT).ok();
        found.extend(at.map(|at| (Timestamp::from(at.and_utc()), entry.path())));
    }
    found.sort();
    Ok(found)
}

/// What a database was put together of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PutTogether {
    pub generation: String,
    pub parts: u64,
    /// Everything that was committed until then is in it.
    pub at: Timestamp,
}

/// Puts a database together as it stood at a moment, as far as it was followed by then.
///
/// # Errors
/// `NotFound` when nothing was followed so early; `Denied` when `opener` does not open it; `Conflict` when a part is missing
/// or damaged.
pub fn put_together(root: &Path, at: Timestamp, opener: &Opener, to: &Path) -> Result<PutTogether> {
    let generations = generations(root)?;
    let Some((begun, folder)) = generations.iter().rfind(|(begun, _)| *begun <= at) else {
        let first = generations
            .first()
            .map_or_else(String::new, |(first, _)| format!("; the first moment is {first}"));
        return Err(Error::not_found(format!("nothing was followed by {at}{first}")));
    };
    let target = File::options().read(true).write(true).create_new(true).mode(0o600).open(to);
    let target = target.map_err(|error| unwritable(to, error))?;
    open(&folder.join(format!("{BASE}{END}")), opener, |from| {
        std::io::copy(from, &mut &target).map(|_| ()).map_err(|error| unwritable(to, error))
    })?;
    let mut made = PutTogether { generation: file_name(folder), parts: 0, at: *begun };
    for (number, millis, path) in parts(folder)? {
        if millis > at.millis() {
            break;
        }
        if number != made.parts + 1 {
            let what = format!("part {} of `{}` is missing", made.parts + 1, folder.display());
            return Err(
                Error::conflict(what).hint(format!("the database can be put back to {} or before", made.at))
            );
        }
        open(&path, opener, |from| {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).map_err(|error| damaged(&path, error))?;
            let Some((size, frames)) = bytes.split_first_chunk::<4>() else {
                return Err(damaged(&path, std::io::ErrorKind::UnexpectedEof.into()));
            };
            let page_size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or_default();
            wal::apply(&target, page_size, frames).map_err(|error| damaged(&path, error))
        })?;
        (made.parts, made.at) = (number, Timestamp::from_millis(millis));
    }
    target.sync_all().map_err(|error| unwritable(to, error))?;
    Ok(made)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Lists the parts of a generation in order: number, moment, file.
fn parts(folder: &Path) -> Result<Vec<(u64, i64, PathBuf)>> {
    let unreadable = |error| file::unreadable(folder, Kind::Unavailable, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = file_name(&path);
        let numbers = name.strip_suffix(END).and_then(|name| name.split_once('-'));
        let read = |(number, millis): (&str, &str)| Some((number.parse().ok()?, millis.parse().ok()?));
        found.extend(numbers.and_then(read).map(|(number, millis)| (number, millis, path)));
    }
    found.sort();
    Ok(found)
}

fn damaged(path: &Path, error: std::io::Error) -> Error {
    Error::conflict(format!("`{}` is damaged", path.display())).source(error).hint(TAKE_ANOTHER)
}

fn open(path: &Path, opener: &Opener, work: impl FnOnce(&mut dyn std::io::Read) -> Result<()>) -> Result<()> {
    let sealed = File::open(path).map_err(|error| file::unreadable(path, Kind::Unavailable, error))?;
    let opened = opener.open(std::io::BufReader::new(sealed))?;
    let mut unpacked = zstd::Decoder::new(opened).map_err(|error| damaged(path, error))?;
    work(&mut unpacked)
}
