//! SQLite's write-ahead log as bytes (SQLite documentation, "WAL-mode File Format"): which frames of it are committed, and
//! what they make of a database file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Bytes of the header of the log, and of a frame.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The first bytes of a log; the last bit says how its sums are made.
const MAGIC: u32 = 0x377f_0682;

/// What is read of a log at once: the commits until then, and one at least. The rest is read next time.
const READ_LIMIT: usize = 64 << 20;

type Sum = (u32, u32);

/// How far a log was read: after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    page_size: usize,
    /// Two numbers that are others each time the log begins anew.
    pub salts: [u8; 8],
    offset: u64,
    sum: Sum,
    big_endian: bool,
}

/// Returns the beginning of a log; nothing where it holds none.
///
/// # Errors
/// When it cannot be read.
pub fn beginning(log: &File) -> io::Result<Option<Position>> {
    let mut bytes = [0; HEADER];
    match log.read_exact_at(&mut bytes, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let magic = word(&bytes, 0);
    let big_endian = magic & 1 == 1;
    let sum = summed((0, 0), bytes.get(..24).unwrap_or_default(), big_endian);
    if magic & !1 != MAGIC || sum != (word(&bytes, 24), word(&bytes, 28)) {
        return Ok(None);
    }
    let mut salts = [0; 8];
    salts.copy_from_slice(bytes.get(16..24).unwrap_or(&[0; 8]));
    let page_size = usize::try_from(word(&bytes, 8)).unwrap_or_default();
    Ok(Some(Position { page_size, salts, offset: HEADER as u64, sum, big_endian }))
}

/// Frames that were committed.
pub struct Committed {
    pub frames: Vec<u8>,
    pub end: Position,
    /// No more were committed by then.
    pub is_all: bool,
}

/// Returns the frames that were committed after a position: none when the log has begun anew.
///
/// # Errors
/// When it cannot be read.
pub fn committed(log: &File, from: Position) -> io::Result<Committed> {
    let (mut frames, mut end, mut at) = (Vec::new(), from, from);
    let (mut committed, mut is_all) = (0, false);
    let mut frame = vec![0; FRAME_HEADER + from.page_size];
    while frames.len() < READ_LIMIT || committed == 0 {
        match log.read_exact_at(&mut frame, at.offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                is_all = true;
                break;
            }
            read => read?,
        }
        let sum = summed(at.sum, frame.get(..8).unwrap_or_default(), at.big_endian);
        let sum = summed(sum, frame.get(FRAME_HEADER..).unwrap_or_default(), at.big_endian);
        // What is left of an earlier turn of the log has other salts; what is being written has another sum.
        if frame.get(8..16) != Some(&at.salts) || sum != (word(&frame, 16), word(&frame, 20)) {
            is_all = true;
            break;
        }
        frames.extend_from_slice(&frame);
        at = Position { offset: at.offset + frame.len() as u64, sum, ..at };
        if word(&frame, 4) != 0 {
            (end, committed) = (at, frames.len());
        }
    }
    frames.truncate(committed);
    Ok(Committed { frames, end, is_all })
}

/// Writes committed frames to a database file that holds what was committed before them.
///
/// # Errors
/// When it cannot be written, or the frames are none.
pub fn apply(database: &File, page_size: usize, frames: &[u8]) -> io::Result<()> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "what should be frames of a log is none");
    if page_size < 512 || !frames.len().is_multiple_of(FRAME_HEADER + page_size) {
        return Err(wrong());
    }
    for frame in frames.chunks_exact(FRAME_HEADER + page_size) {
        let (page, pages) = (u64::from(word(frame, 0)), u64::from(word(frame, 4)));
        let before = page.checked_sub(1).ok_or_else(wrong)?;
        let content = frame.get(FRAME_HEADER..).unwrap_or_default();
        database.write_all_at(content, before * page_size as u64)?;
        if pages > 0 {
            database.set_len(pages * page_size as u64)?;
        }
    }
    Ok(())
}

impl Position {
    pub fn page_size(&self) -> usize {
        self.page_size
    }

    /// Returns how many bytes of the log come before it.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).copied();
    u32::from_be_bytes(word.unwrap_or_default())
}

fn summed(from: Sum, bytes: &[u8], big_endian: bool) -> Sum {
    let number = |word: &[u8]| {
        let word = word.first_chunk::<4>().copied().unwrap_or_default();
        if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    };
    bytes.chunks_exact(8).fold(from, |(first, second), pair| {
        let (left, right) = pair.split_at(4);
        let first = first.wrapping_add(number(left)).wrapping_add(second);
        (first, second.wrapping_add(number(right)).wrapping_add(first))
    })
}
