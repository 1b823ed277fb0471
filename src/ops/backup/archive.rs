//! The file that a backup is: a tar archive of three members that the usual programs open, too.
//!
//! 1. `summary.json`: what anybody may read.
//! 2. `sealed.tar.zst.age`: the manifest and all files, packed by tar and zstd and sealed by age.
//! 3. `sealed.sha256`: the sum of the second, so that damage is found without what opens it.
//!
//! It is written to a name of its own beside its place, synced, and renamed: a file of the right name is whole.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::TAKE_ANOTHER;
use super::manifest::{Manifest, Member, Summary};
use super::seal::{Lock, Opener};
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Kind, Result, file};

const SUMMARY: &str = "summary.json";
const SEALED: &str = "sealed.tar.zst.age";
const SUM: &str = "sealed.sha256";
const MANIFEST: &str = "manifest.json";

/// What a summary, and a manifest, may take at most.
const SUMMARY_LIMIT: u64 = 64 << 10;
const MANIFEST_LIMIT: u64 = 64 << 20;

/// Blocks of a tar archive; two that are empty are its end.
const BLOCK: u64 = 512;
const EMPTY_BLOCK: [u8; 512] = [0; 512];
const END: [u8; 1_024] = [0; 1_024];

/// Told how many bytes of how many are done.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// Where the bytes of a member are.
pub enum Source {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// Writes a backup to `path`.
///
/// # Errors
/// `Conflict` when a file of that name is there; `Unavailable` when it cannot be written, or a member cannot be read or
/// has changed.
pub fn write(
    path: &Path,
    manifest: &Manifest,
    sources: &[Source],
    lock: &Lock,
    progress: Progress,
) -> Result<()> {
    if path.exists() {
        return Err(Error::conflict(format!("`{}` is there already", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    file::make_folders(folder).map_err(|error| file::unwritable(folder, Kind::Unavailable, error))?;
    let part = part_of(path);
    let written = fill(&part, manifest, sources, lock, progress).and_then(|()| {
        std::fs::rename(&part, path).map_err(|error| unwritable(path, error))?;
        sync_folder(folder)
    });
    if written.is_err() {
        // What is left over is taken away by the next prune.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Returns the name under which a file is written before it is whole.
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PART);
    PathBuf::from(name)
}

/// How the name of a backup ends that is being written, or was.
pub const PART: &str = ".part";

/// Syncs the names in a folder.
///
/// # Errors
/// `Unavailable` when that fails.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unwritable(folder, error))
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    file::unwritable(path, Kind::Unavailable, error)
        .hint("free disk space there, or give the folder to this user")
}

fn fill(part: &Path, manifest: &Manifest, sources: &[Source], lock: &Lock, progress: Progress) -> Result<()> {
    let opened = File::options().read(true).write(true).create(true).truncate(true).mode(0o600).open(part);
    let mut target = opened.map_err(|error| unwritable(part, error))?;
    let failed = |error| unwritable(part, error);
    append(&mut target, SUMMARY, &json(&manifest.summary)?).map_err(failed)?;
    let header_at = target.stream_position().map_err(failed)?;
    // The size stands in the header, and is known at the end.
    target.write_all(&EMPTY_BLOCK).map_err(failed)?;
    let (size, sum) = {
        let mut summed = Summed::new(BufWriter::new(&target));
        pack(&mut summed, manifest, sources, lock, progress)?;
        summed.flush().map_err(failed)?;
        (summed.size, hex(summed.hasher.finalize()))
    };
    target.write_all(&padding(size)).map_err(failed)?;
    append(&mut target, SUM, format!("{sum}  {SEALED}\n").as_bytes()).map_err(failed)?;
    target.write_all(&END).map_err(failed)?;
    target.seek(SeekFrom::Start(header_at)).map_err(failed)?;
    target.write_all(header(SEALED, size).as_bytes()).map_err(failed)?;
    target.sync_all().map_err(failed)
}

/// Packs and seals the manifest and every member.
fn pack(
    target: &mut impl Write,
    manifest: &Manifest,
    sources: &[Source],
    lock: &Lock,
    progress: Progress,
) -> Result<()> {
    let failed = |error: io::Error| Error::unavailable("the backup cannot be written").source(error);
    let sealed = lock.seal(target)?;
    let mut packed = zstd::Encoder::new(sealed, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)?;
    append(&mut packed, MANIFEST, &json(manifest)?).map_err(failed)?;
    let (mut done, total) = (0, manifest.total_bytes());
    for (member, source) in manifest.members.iter().zip(sources) {
        packed.write_all(header(&member.name, member.size_bytes).as_bytes()).map_err(failed)?;
        let mut bytes: Box<dyn Read> = match source {
            Source::File(path) => Box::new(open(path)?),
            Source::Bytes(bytes) => Box::new(bytes.as_slice()),
        };
        let mut summed = Summed::new(&mut packed);
        copy(&mut bytes, &mut summed, |bytes| progress(done + bytes, total)).map_err(failed)?;
        done += summed.size;
        if summed.size != member.size_bytes || hex(summed.hasher.finalize()) != member.sha256 {
            return Err(Error::unavailable(format!("`{}` changed while it was copied", member.name))
                .hint("run it again once nobody edits it"));
        }
        packed.write_all(&padding(member.size_bytes)).map_err(failed)?;
    }
    packed.write_all(&END).map_err(failed)?;
    let sealed = packed.finish().map_err(failed)?;
    sealed.finish().map_err(failed).map(|_| ())
}

/// Sums a file up.
///
/// # Errors
/// `Unavailable` when it cannot be read.
pub fn sum(path: &Path) -> Result<(u64, String)> {
    let mut summed = Summed::new(io::sink());
    copy(&mut open(path)?, &mut summed, |_| {})
        .map_err(|error| file::unreadable(path, Kind::Unavailable, error))?;
    Ok((summed.size, hex(summed.hasher.finalize())))
}

/// Sums bytes up.
pub fn sum_bytes(bytes: &[u8]) -> (u64, String) {
    (bytes.len() as u64, hex(Sha256::digest(bytes)))
}

/// Reads what anybody may read of a backup.
///
/// # Errors
/// `NotFound` when there is no such file; `Conflict` when it is no backup, or was cut off.
pub fn summary(path: &Path) -> Result<Summary> {
    let mut archive = tar::Archive::new(BufReader::new(open(path)?));
    let mut entries = archive.entries().map_err(|error| no_backup(path, error))?;
    first(path, &mut entries)
}

type Entries<'a> = tar::Entries<'a, BufReader<File>>;

fn first(path: &Path, entries: &mut Entries) -> Result<Summary> {
    let mut text = Vec::new();
    let entry = entries.next().transpose().map_err(|error| no_backup(path, error))?;
    match entry {
        Some(entry) if entry.path_bytes().as_ref() == SUMMARY.as_bytes() => {
            entry.take(SUMMARY_LIMIT).read_to_end(&mut text).map_err(|error| no_backup(path, error))?;
        }
        _ => return Err(no_backup(path, io::ErrorKind::InvalidData.into())),
    }
    serde_json::from_slice(&text).map_err(|error| no_backup(path, error.into()))
}

fn no_backup(path: &Path, error: io::Error) -> Error {
    Error::conflict(format!("`{}` is no backup of nexora, or is damaged", path.display()))
        .source(error)
        .hint(TAKE_ANOTHER)
}

fn damaged(path: &Path, why: impl Into<String>) -> Error {
    Error::conflict(format!("the backup `{}` is damaged", path.display()))
        .source(why.into())
        .hint(TAKE_ANOTHER)
}

/// Holds the sealed part against its sum, which needs nothing that opens it.
///
/// # Errors
/// As `summary`, and `Conflict` when they differ.
pub fn check_sum(path: &Path, progress: Progress) -> Result<Summary> {
    let total = std::fs::metadata(path).map_or(0, |found| found.len());
    let mut archive = tar::Archive::new(BufReader::new(open(path)?));
    let mut entries = archive.entries().map_err(|error| no_backup(path, error))?;
    let summary = first(path, &mut entries)?;
    let (mut found, mut noted) = (None, String::new());
    for entry in entries {
        let mut entry = entry.map_err(|error| damaged(path, error.to_string()))?;
        let read = if entry.path_bytes().as_ref() == SEALED.as_bytes() {
            let mut summed = Summed::new(io::sink());
            let read = copy(&mut entry, &mut summed, |bytes| progress(bytes, total));
            found = Some(hex(summed.hasher.finalize()));
            read
        } else {
            entry.take(SUMMARY_LIMIT).read_to_string(&mut noted).map(|_| ())
        };
        read.map_err(|error| damaged(path, error.to_string()))?;
    }
    let noted = noted.split_whitespace().next().unwrap_or_default();
    match found {
        Some(found) if found == noted => Ok(summary),
        Some(_) => Err(damaged(path, "its bytes are not those that were written")),
        None => Err(damaged(path, "it ends too early")),
    }
}

/// Opens a backup and hands each member to `visit`, with its bytes; returns the manifest once every member was there,
/// whole and unchanged. What `visit` leaves unread is summed up all the same.
///
/// # Errors
/// Those of `visit`; `Denied` when `opener` does not open it; `Conflict` when it is damaged or in a newer format.
pub fn read(
    path: &Path,
    opener: &Opener,
    progress: Progress,
    visit: &mut dyn FnMut(&Member, &mut dyn Read) -> Result<()>,
) -> Result<Manifest> {
    let mut outer = tar::Archive::new(BufReader::new(open(path)?));
    let mut entries = outer.entries().map_err(|error| no_backup(path, error))?;
    let summary = first(path, &mut entries)?;
    summary.check_format()?;
    let entry = entries.next().transpose().map_err(|error| damaged(path, error.to_string()))?;
    let Some(entry) = entry.filter(|entry| entry.path_bytes().as_ref() == SEALED.as_bytes()) else {
        return Err(damaged(path, "it ends too early"));
    };
    let opened = opener.open(BufReader::new(entry))?;
    let unpacked = zstd::Decoder::new(opened).map_err(|error| damaged(path, error.to_string()))?;
    let mut inner = tar::Archive::new(unpacked);
    let mut members = inner.entries().map_err(|error| damaged(path, error.to_string()))?;
    let manifest = manifest(path, members.next())?;
    if manifest.summary != summary {
        return Err(damaged(path, "what it says in the open is not what was sealed"));
    }
    let (mut done, total) = (0, manifest.total_bytes());
    for member in &manifest.members {
        let entry = members.next().transpose().map_err(|error| damaged(path, error.to_string()))?;
        let Some(entry) = entry.filter(|entry| entry.path_bytes().as_ref() == member.name.as_bytes()) else {
            return Err(damaged(path, format!("`{}` is missing", member.name)));
        };
        let mut summed = SummedReader { inner: entry, hasher: Sha256::new(), size: 0, broken: None };
        let visited = visit(member, &mut summed);
        // What cannot be read on is no fault of what was done with it.
        if let Some(why) = summed.broken.take() {
            return Err(damaged(path, why));
        }
        visited?;
        copy(&mut summed, &mut io::sink(), |_| {}).map_err(|error| damaged(path, error.to_string()))?;
        if summed.size != member.size_bytes || hex(summed.hasher.finalize()) != member.sha256 {
            return Err(damaged(path, format!("`{}` is not what was written", member.name)));
        }
        done += member.size_bytes;
        progress(done, total);
    }
    match members.next() {
        None => Ok(manifest),
        Some(_) => Err(damaged(path, "it holds more than it says")),
    }
}

fn manifest<R: Read>(path: &Path, entry: Option<io::Result<tar::Entry<'_, R>>>) -> Result<Manifest> {
    let entry = entry.transpose().map_err(|error| damaged(path, error.to_string()))?;
    let Some(entry) = entry.filter(|entry| entry.path_bytes().as_ref() == MANIFEST.as_bytes()) else {
        return Err(damaged(path, "its manifest is missing"));
    };
    let mut text = Vec::new();
    entry.take(MANIFEST_LIMIT).read_to_end(&mut text).map_err(|error| damaged(path, error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| damaged(path, error.to_string()))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| {
        let kind = if error.kind() == io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Unavailable };
        file::unreadable(path, kind, error)
    })
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|error| Error::internal("a manifest has no JSON form").source(error))
}

fn header(name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    // Names are ours, and short.
    let _ = header.set_path(name);
    header.set_size(size);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_cksum();
    header
}

fn append(target: &mut impl Write, name: &str, content: &[u8]) -> io::Result<()> {
    let size = content.len() as u64;
    target.write_all(header(name, size).as_bytes())?;
    target.write_all(content)?;
    target.write_all(&padding(size))
}

/// Returns what fills the last block of so many bytes.
fn padding(size: u64) -> Vec<u8> {
    vec![0; usize::try_from((BLOCK - size % BLOCK) % BLOCK).unwrap_or_default()]
}

/// Copies everything, and tells after each part how many bytes it has been.
fn copy(from: &mut impl Read, to: &mut impl Write, told: impl Fn(u64)) -> io::Result<()> {
    let mut part = vec![0; 128 << 10];
    let mut done = 0;
    loop {
        let read = match from.read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(part.get(..read).unwrap_or_default())?;
        done += read as u64;
        told(done);
    }
}

/// Sums up what is written through it.
struct Summed<W> {
    inner: W,
    hasher: Sha256,
    size: u64,
}

impl<W> Summed<W> {
    fn new(inner: W) -> Summed<W> {
        Summed { inner, hasher: Sha256::new(), size: 0 }
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Sums up what is read through it.
struct SummedReader<R> {
    inner: R,
    hasher: Sha256,
    size: u64,
    /// Why it could not be read on.
    broken: Option<String>,
}

impl<R: Read> Read for SummedReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes);
        if let Err(error) = &read
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.broken = Some(error.to_string());
        }
        let read = read?;
        self.hasher.update(bytes.get(..read).unwrap_or_default());
        self.size += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
