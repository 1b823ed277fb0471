//! Following a SQLite database: everything that is committed to it, as frames of its log, and none of it missed.
//!
//! SQLite begins its log anew once all of it is in the database's file and nobody reads from it. So a reader is kept open,
//! and the log only grows; what was added is read from its file. Before the log gets long it is turned over: with writers
//! held off for a moment the rest is read, all of it is put into the file, and the reader begins anew before a writer can. A reader
//! that needs nothing of the log lets it begin anew once, and keeps what comes then from being put into the file.
//!
//! The file of the database is opened once in a process and stays open: closing it would take the locks of its connections
//! (POSIX).

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Integer;
use diesel::sqlite::SqliteConnection;

use crate::wal::{self, Committed, Position};
use crate::{Conn, Url};
use nexora_core::base::{Error, Kind, Result, file};

/// The log is turned over when it is as long as this.
const LONG: u64 = 8 << 20;

#[derive(diesel::QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = Integer)]
    busy: i32,
    #[diesel(sql_type = Integer)]
    log: i32,
    #[diesel(sql_type = Integer)]
    checkpointed: i32,
}

/// Follows one database. Fields are dropped in this order.
pub struct Follower {
    reader: SqliteConnection,
    writer: SqliteConnection,
    log_path: PathBuf,
    /// After what was taken last; nothing while the log holds nothing of use.
    position: Option<Position>,
    /// All of the log is in the file: it may begin anew.
    may_begin_anew: bool,
    /// The last look came to the end of what was committed by then.
    is_drained: bool,
    file: Arc<File>,
}

/// What was committed since the last look.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    Nothing,
    Frames {
        page_size: usize,
        frames: Vec<u8>,
    },
    /// Something was missed: a copy has to be made anew.
    Gap,
}

impl Follower {
    /// Begins to follow: what is committed from now on is not missed. `file` is the database's, open for as long as the
    /// process lives.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be opened.
    pub fn begin(path: &Path, file: Arc<File>) -> Result<Follower> {
        let open = || match Url::Sqlite(path.to_owned()).establish()? {
            Conn::Sqlite(conn) => Ok(conn),
            Conn::Postgres(_) => Err(Error::internal("the database is no file")),
        };
        let mut log_path = path.as_os_str().to_owned();
        log_path.push("-wal");
        let (reader, writer) = (open()?, open()?);
        let log_path = PathBuf::from(log_path);
        let mut follower = Follower {
            reader,
            writer,
            log_path,
            position: None,
            may_begin_anew: false,
            is_drained: false,
            file,
        };
        follower.pin()?;
        Ok(follower)
    }

    /// Holds off writers, puts the log into the file as far as other readers let it, and begins to read.
    fn pin(&mut self) -> Result<()> {
        self.writer.batch_execute("BEGIN IMMEDIATE")?;
        let pinned = self.pin_alone();
        self.writer.batch_execute("ROLLBACK")?;
        pinned
    }

    fn pin_alone(&mut self) -> Result<()> {
        let done: Vec<Checkpoint> =
            diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").load(&mut self.reader)?;
        let done = done.into_iter().next();
        self.may_begin_anew = done.is_some_and(|done| done.busy == 0 && done.log == done.checkpointed);
        self.reader.batch_execute("BEGIN; SELECT count(*) FROM sqlite_master")?;
        let log = self.log()?;
        // What is in the file already need not be taken.
        self.position = self.begun(log.as_ref())?;
        while let Some(position) = self.position.filter(|_| self.may_begin_anew) {
            let read = self.read(log.as_ref(), position)?;
            self.position = Some(read.end);
            if read.is_all {
                break;
            }
        }
        Ok(())
    }

    /// Writes the file as it is: with what is taken next it is a database.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read, or not be written.
    pub fn copy(&mut self, to: &mut (impl Write + ?Sized)) -> Result<()> {
        let failed = |error| Error::unavailable("the database cannot be copied").source(error);
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        std::io::copy(&mut file, to).map(|_| ()).map_err(failed)
    }

    /// Takes what was committed since the last look.
    ///
    /// # Errors
    /// `Unavailable` when the log cannot be read.
    pub fn take(&mut self) -> Result<Taken> {
        let log = self.log()?;
        self.is_drained = true;
        let Some(begun) = self.begun(log.as_ref())? else {
            return Ok(if self.position.is_none() || self.may_begin_anew {
                Taken::Nothing
            } else {
                Taken::Gap
            });
        };
        let from = match self.position {
            Some(position) if position.salts == begun.salts => position,
            None => begun,
            Some(_) if self.may_begin_anew => begun,
            Some(_) => return Ok(Taken::Gap),
        };
        let Committed { frames, end, is_all } = self.read(log.as_ref(), from)?;
        self.is_drained = is_all;
        if frames.is_empty() {
            return Ok(Taken::Nothing);
        }
        if self.position.is_none_or(|position| position.salts != end.salts) {
            self.may_begin_anew = false;
        }
        self.position = Some(end);
        Ok(Taken::Frames { page_size: end.page_size(), frames })
    }

    /// Tells whether the last look came to the end of what was committed by then.
    pub fn is_drained(&self) -> bool {
        self.is_drained
    }

    /// Turns the log over when it is long; returns what was committed until then.
    ///
    /// # Errors
    /// `Unavailable` when writers cannot be held off, or the log cannot be read.
    pub fn turn_over(&mut self) -> Result<Taken> {
        if self.position.is_none_or(|position| position.offset() < LONG) {
            return Ok(Taken::Nothing);
        }
        self.writer.batch_execute("BEGIN IMMEDIATE")?;
        let taken = self.take();
        // What is left is taken first, the next time.
        let is_all = self.is_drained && matches!(taken, Ok(Taken::Nothing | Taken::Frames { .. }));
        let turned = if is_all { self.repin() } else { Ok(()) };
        self.writer.batch_execute("ROLLBACK")?;
        turned.and(taken)
    }

    /// Begins to read anew, where all that is in the log was taken and nobody writes.
    fn repin(&mut self) -> Result<()> {
        let taken = self.position;
        self.reader.batch_execute("ROLLBACK")?;
        self.pin_alone()?;
        // Where another reader kept a part of the log, it goes on from what was taken.
        if !self.may_begin_anew {
            self.position = taken;
        }
        Ok(())
    }

    fn log(&self) -> Result<Option<File>> {
        match File::open(&self.log_path) {
            Ok(log) => Ok(Some(log)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file::unreadable(&self.log_path, Kind::Unavailable, error)),
        }
    }

    fn begun(&self, log: Option<&File>) -> Result<Option<Position>> {
        let begun = log.map(wal::beginning).transpose();
        begun.map(Option::flatten).map_err(|error| file::unreadable(&self.log_path, Kind::Unavailable, error))
    }

    fn read(&self, log: Option<&File>, from: Position) -> Result<Committed> {
        let Some(log) = log else { return Ok(Committed { frames: Vec::new(), end: from, is_all: true }) };
        wal::committed(log, from).map_err(|error| file::unreadable(&self.log_path, Kind::Unavailable, error))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::backup;

    struct Bench {
        folder: tempfile::TempDir,
        writer: SqliteConnection,
        next: i64,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let writer = open(&folder.path().join("x.db"));
            let mut bench = Bench { folder, writer, next: 1 };
            bench.sql("CREATE TABLE t (n INTEGER PRIMARY KEY, content BLOB)");
            bench.write(20);
            bench
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("x.db")
        }

        fn file(&self) -> Arc<File> {
            Arc::new(File::open(self.path()).unwrap())
        }

        fn sql(&mut self, sql: &str) {
            self.writer.batch_execute(sql).unwrap();
        }

        fn write(&mut self, rows: i64) {
            for _ in 0..rows {
                self.sql(&format!("INSERT INTO t VALUES ({}, randomblob(3000))", self.next));
                self.next += 1;
            }
        }

        /// Checks that copy and frames are the database as it stands.
        fn assert_same(&mut self, copy: &File, frames: &[(usize, Vec<u8>)]) {
            let made = self.folder.path().join("made.db");
            let _ = std::fs::remove_file(&made);
            let target = File::options().read(true).write(true).create_new(true).open(&made).unwrap();
            let mut bytes = Vec::new();
            let mut reader = copy;
            reader.seek(SeekFrom::Start(0)).unwrap();
            reader.read_to_end(&mut bytes).unwrap();
            target.write_all_at(&bytes, 0).unwrap();
            for (page_size, frames) in frames {
                wal::apply(&target, *page_size, frames).unwrap();
            }
            drop(target);
            let mut conn = Url::Scratch(made.clone()).establish().unwrap();
            assert_eq!(backup::damage(&mut conn).unwrap(), Vec::<String>::new());
            assert_eq!(backup::count_rows(&mut conn).unwrap()["t"], self.next - 1);
            drop(conn);
            for log in ["made.db-wal", "made.db-shm"] {
                let _ = std::fs::remove_file(self.folder.path().join(log));
            }
        }
    }

    fn open(path: &Path) -> SqliteConnection {
        let Conn::Sqlite(conn) = Url::Sqlite(path.to_owned()).establish().unwrap() else {
            panic!("not SQLite")
        };
        conn
    }

    fn note(frames: &mut Vec<(usize, Vec<u8>)>, taken: Taken) {
        match taken {
            Taken::Nothing => {}
            Taken::Frames { page_size, frames: more } => frames.push((page_size, more)),
            Taken::Gap => panic!("something was missed"),
        }
    }

    #[test]
    fn nothing_is_missed_whatever_writers_readers_and_checkpoints_do() {
        let mut bench = Bench::new();
        // From then on a reader of an early moment keeps a part of the log.
        let mut early = open(&bench.path());
        let mut follower = Follower::begin(&bench.path(), bench.file()).unwrap();
        let (copy, mut frames) = (tempfile::tempfile().unwrap(), Vec::new());
        follower.copy(&mut &copy).unwrap();
        for turn in 0..12 {
            bench.write(300);
            bench.sql("PRAGMA wal_checkpoint(PASSIVE)");
            match turn {
                4 => early.batch_execute("BEGIN; SELECT count(*) FROM t").unwrap(),
                8 => early.batch_execute("ROLLBACK").unwrap(),
                _ => {}
            }
            note(&mut frames, follower.take().unwrap());
            bench.write(2);
            note(&mut frames, follower.turn_over().unwrap());
            bench.sql("DELETE FROM t WHERE n % 1000 = 7; PRAGMA incremental_vacuum");
            // Another connection tries to begin the log anew, and may be refused.
            let mut other = open(&bench.path());
            let _ = other.batch_execute("PRAGMA busy_timeout = 1; PRAGMA wal_checkpoint(TRUNCATE)");
        }
        note(&mut frames, follower.take().unwrap());
        assert_eq!(follower.take().unwrap(), Taken::Nothing);
        let log = std::fs::metadata(bench.folder.path().join("x.db-wal")).unwrap().len();
        assert!(log < 40 << 20, "the log does not grow without end: {log}");
        let gone: i64 = (1..bench.next).filter(|n| n % 1_000 == 7).count().try_into().unwrap();
        bench.next -= gone;
        bench.assert_same(&copy, &frames);
    }

    #[test]
    fn what_is_not_committed_is_not_taken_and_what_is_being_written_ends_it() {
        let mut bench = Bench::new();
        let mut follower = Follower::begin(&bench.path(), bench.file()).unwrap();
        let copy = tempfile::tempfile().unwrap();
        follower.copy(&mut &copy).unwrap();
        assert_eq!(follower.take().unwrap(), Taken::Nothing);
        bench.sql("PRAGMA cache_size = 5; BEGIN");
        bench.write(200);
        assert_eq!(follower.take().unwrap(), Taken::Nothing, "it spilled into the log, and is not committed");
        bench.sql("COMMIT");
        let mut frames = Vec::new();
        note(&mut frames, follower.take().unwrap());
        bench.assert_same(&copy, &frames);
        assert!(wal::apply(&copy, 4_096, b"no frames").is_err());
    }
}
