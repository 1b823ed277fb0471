//! SQLite's one writer: a thread that commits the writes that arrive together as one.
//!
//! Each write runs in its own savepoint and has its own result, so a failing one undoes only
//! itself. No caller is answered before the commit they share has been synced; if it fails, all of
//! them are told `Unavailable` and none of their work remains.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::sqlite::SqliteConnection;
use tokio::sync::{Notify, oneshot};

use crate::{Conn, Url, Work, sqlite};
use nexora_core::base::{Error, Kind, Result};

/// Writes that share one commit at most, so that the first of them is not kept waiting.
const GROUP_LIMIT: usize = 256;

/// How often an idle writer looks whether another process has changed the database.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// What a write leaves behind: told the fate of the commit, it answers the caller.
struct Done {
    /// False when the database itself failed underneath, so that the transaction can't be trusted.
    sound: bool,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

/// A write that waits for its turn. It is given the connection, or the reason why there is none.
type Task = Box<dyn FnOnce(Result<&mut Conn>) -> Done + Send>;

pub struct Writer {
    tasks: Sender<Task>,
    changed: Arc<Notify>,
}

impl Writer {
    /// Opens the database and starts the thread, which ends when the writer is dropped.
    pub fn start(url: Url) -> Result<Writer> {
        let conn = url.establish()?;
        let (tasks, queue) = channel();
        let changed = Arc::new(Notify::new());
        let watcher = Arc::clone(&changed);
        std::thread::Builder::new()
            .name("nexora-writer".to_owned())
            .spawn(move || Loop { url, conn, queue, changed: watcher }.run())
            .map_err(|error| Error::internal("cannot start the database writer").source(error))?;
        Ok(Writer { tasks, changed })
    }

    pub fn changed_elsewhere(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    pub async fn run(&self, work: Work) -> Result<()> {
        let (answer, result) = oneshot::channel();
        let task: Task = Box::new(move |conn| {
            let outcome = conn.and_then(|conn| conn.transaction(work));
            let sound = !matches!(&outcome, Err(error) if error.kind() == Kind::Unavailable);
            let answer = move |committed: Result<()>| {
                // A caller that has gone away no longer wants its answer.
                let _ = answer.send(outcome.and(committed));
            };
            Done { sound, answer: Box::new(answer) }
        });
        let stopped = || Error::unavailable("the database writer has stopped");
        self.tasks.send(task).map_err(|_| stopped())?;
        result.await.map_err(|_| stopped())?
    }
}

struct Loop {
    url: Url,
    conn: Conn,
    queue: Receiver<Task>,
    changed: Arc<Notify>,
}

impl Loop {
    fn run(mut self) {
        let mut seen = self.version();
        loop {
            match self.queue.recv_timeout(WATCH_INTERVAL) {
                Ok(first) => self.commit_group(first),
                Err(RecvTimeoutError::Timeout) => {
                    let version = self.version();
                    if version != seen {
                        seen = version;
                        self.changed.notify_one();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Our own commits leave this number as it is: only those of others change it.
    fn version(&mut self) -> Option<i64> {
        match &mut self.conn {
            Conn::Sqlite(conn) => sqlite::data_version(conn).ok(),
            Conn::Postgres(_) => None,
        }
    }

    fn commit_group(&mut self, first: Task) {
        let begun = self.begin();
        let mut next = Some(first);
        let mut group = Vec::new();
        let mut sound = begun.is_ok();
        while let Some(task) = next {
            let done = task(match &begun {
                Ok(()) => Ok(&mut self.conn),
                Err(error) => Err(lost(error)),
            });
            sound = sound && done.sound;
            group.push(done.answer);
            let goes_on = sound && group.len() < GROUP_LIMIT;
            next = if goes_on { self.queue.try_recv().ok() } else { None };
        }
        let fate = if sound { self.commit() } else { Err(Error::unavailable("the transaction was undone")) };
        if fate.is_err() {
            self.reopen();
        }
        for answer in group {
            answer(match &fate {
                Ok(()) => Ok(()),
                Err(error) => Err(lost(error)),
            });
        }
    }

    fn begin(&mut self) -> Result<()> {
        match &mut self.conn {
            Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
            Conn::Postgres(_) => {}
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        match &mut self.conn {
            Conn::Sqlite(conn) => {
                <AnsiTransactionManager as TransactionManager<SqliteConnection>>::commit_transaction(conn)?;
            }
            Conn::Postgres(_) => {}
        }
        Ok(())
    }

    /// After a failure nothing is certain about the connection: a new one takes over, and closing
    /// the old one undoes what it had open.
    fn reopen(&mut self) {
        match self.url.establish() {
            Ok(conn) => self.conn = conn,
            Err(error) => tracing::error!(reason = %error.report(), "cannot reopen the database"),
        }
    }
}

/// Says that a change was lost, and why; what helps is what the reason names.
fn lost(error: &Error) -> Error {
    Error::unavailable(format!("the database could not keep the change: {}", error.report()))
        .hint(error.hint_text().unwrap_or("free disk space or mend the disk; nothing was half done"))
}
