//! A writer: a thread that commits the writes that arrive together as one. SQLite has one, for all writes; PostgreSQL
//! one for small writes that come often.
//!
//! Each write has its own result: a failing one undoes only itself. Work that can be done again shares a savepoint with
//! its like, since a savepoint costs as much as a small write; when one of them fails, all are undone, and each is done
//! anew in a savepoint of its own. No caller is answered before the commit they share has been synced; if it fails, all
//! of them are told `Unavailable` and none of their work remains. On PostgreSQL there is no transaction round the
//! savepoints: each is a transaction of its own, with its own fate.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::sqlite::SqliteConnection;
use tokio::sync::{Notify, oneshot};

use crate::{Conn, RepeatableWork, Url, Work, sqlite};
use nexora_core::base::fence::fenced;
use nexora_core::base::{Error, Kind, Result};

/// Writes that share one commit at most, so that the first of them is not kept waiting.
const GROUP_LIMIT: usize = 256;

/// How often an idle writer looks whether another process has changed the database.
const WATCH_INTERVAL: Duration = Duration::from_millis(200);

/// Told the fate of the commit and the outcome of its own work.
type Answer = oneshot::Sender<Result<()>>;

/// Who is to be told, and what came of their work; nothing where the database had failed before its turn.
type Done = (Answer, Option<Result<()>>);

/// Work that waits for its turn.
enum Task {
    Once(Work, Answer),
    Repeatable(RepeatableWork, Answer),
}

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
        self.answered(|answer| Task::Once(work, answer)).await
    }

    /// Runs what may be undone and done anew before it is answered.
    pub async fn run_repeatable(&self, work: RepeatableWork) -> Result<()> {
        self.answered(|answer| Task::Repeatable(work, answer)).await
    }

    async fn answered(&self, task: impl FnOnce(Answer) -> Task) -> Result<()> {
        let (answer, result) = oneshot::channel();
        let stopped = || Error::unavailable("the database writer has stopped");
        self.tasks.send(task(answer)).map_err(|_| stopped())?;
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
        let mut group = Group::new(&mut self.conn, begun.is_ok());
        group.add(first);
        while group.is_sound && group.len() < GROUP_LIMIT {
            let Ok(task) = self.queue.try_recv() else { break };
            group.add(task);
        }
        let (is_sound, answers) = group.end();
        let fate = match begun {
            Ok(()) if is_sound => self.commit(),
            Ok(()) => self.undone(),
            Err(error) => Err(error),
        };
        if fate.is_err() || !is_sound {
            self.reopen();
        }
        for (answer, outcome) in answers {
            let outcome = match (&fate, outcome) {
                (_, Some(Err(own))) => Err(own),
                (Ok(()), Some(Ok(()))) => Ok(()),
                (Ok(()), None) => Err(undone()),
                (Err(error), Some(Ok(())) | None) => Err(lost(error)),
            };
            // A caller that has gone away no longer wants its answer.
            let _ = answer.send(outcome);
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

    /// What has become of a group when the database failed in the midst of it.
    fn undone(&self) -> Result<()> {
        match &self.conn {
            Conn::Sqlite(_) => Err(undone()),
            // What was committed before stays, and has been told so.
            Conn::Postgres(_) => Ok(()),
        }
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

/// Writes that share a commit.
struct Group<'a> {
    conn: &'a mut Conn,
    /// False when the database itself failed underneath, so that the transaction can't be trusted.
    is_sound: bool,
    done: Vec<Done>,
    /// What was done in the savepoint that is open.
    together: Vec<(RepeatableWork, Answer)>,
}

impl<'a> Group<'a> {
    fn new(conn: &'a mut Conn, is_sound: bool) -> Group<'a> {
        Group { conn, is_sound, done: Vec::new(), together: Vec::new() }
    }

    fn len(&self) -> usize {
        self.done.len() + self.together.len()
    }

    fn add(&mut self, task: Task) {
        match task {
            Task::Once(work, answer) => {
                self.release();
                self.alone(work, answer);
            }
            Task::Repeatable(work, answer) => self.together(work, answer),
        }
    }

    fn together(&mut self, work: RepeatableWork, answer: Answer) {
        if self.together.is_empty() && self.is_sound {
            self.is_sound = self.conn.begin().is_ok();
        }
        if !self.is_sound {
            self.done.push((answer, None));
            return;
        }
        let outcome = fenced(|| work(self.conn));
        self.together.push((work, answer));
        if outcome.is_err() {
            self.is_sound = self.conn.roll_back().is_ok();
            for (work, answer) in std::mem::take(&mut self.together) {
                self.alone(work, answer);
            }
        }
    }

    fn alone(&mut self, work: impl FnOnce(&mut Conn) -> Result<()>, answer: Answer) {
        let outcome = self.is_sound.then(|| self.conn.transaction(work));
        self.is_sound &= !matches!(&outcome, Some(Err(error)) if error.kind() == Kind::Unavailable);
        self.done.push((answer, outcome));
    }

    /// Ends the savepoint that is open.
    fn release(&mut self) {
        if self.together.is_empty() {
            return;
        }
        let kept = self.conn.commit();
        self.is_sound &= kept.is_ok();
        let told = |answer| (answer, Some(kept.as_ref().map_err(lost).copied()));
        self.done.extend(self.together.drain(..).map(|(_, answer)| told(answer)));
    }

    /// Returns whether it can be committed, and who is to be told.
    fn end(mut self) -> (bool, Vec<Done>) {
        self.release();
        (self.is_sound, self.done)
    }
}

fn undone() -> Error {
    Error::unavailable("the transaction was undone")
}

/// Says that a change was lost, and why; what helps is what the reason names.
fn lost(error: &Error) -> Error {
    Error::unavailable(format!("the database could not keep the change: {}", error.report()))
        .hint(error.hint_text().unwrap_or("free disk space or mend the disk; nothing was half done"))
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;

    use super::*;
    use crate::Db;

    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }

    async fn database(folder: &std::path::Path) -> Db {
        let url = Url::Sqlite(folder.join("x.db"));
        let mut conn = url.establish().unwrap();
        execute(&mut conn, "CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        Db::connect(&url).await.unwrap()
    }

    fn execute(conn: &mut Conn, sql: &str) -> Result<()> {
        let Conn::Sqlite(conn) = conn else { unreachable!() };
        conn.batch_execute(sql).map_err(Error::from)
    }

    fn rows(conn: &mut Conn) -> Result<Vec<i64>> {
        let Conn::Sqlite(conn) = conn else { unreachable!() };
        let rows: Vec<Row> = diesel::sql_query("SELECT n FROM t ORDER BY n").load(conn)?;
        Ok(rows.iter().map(|row| row.n).collect())
    }

    /// Inserts a number; twelve fails after it has written, thirteen panics.
    fn insert(conn: &mut Conn, number: i64) -> Result<i64> {
        execute(conn, &format!("INSERT INTO t VALUES ({number})"))?;
        match number {
            12 => Err(Error::conflict("twelve is refused")),
            13 => panic!("thirteen"),
            other => Ok(other),
        }
    }

    #[tokio::test]
    async fn work_that_shares_a_savepoint_fails_for_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        // The first keeps the writer busy until all others wait, so that they are one group.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let mut busy = Box::pin(db.write(move |_| {
            let _ = wait.recv();
            Ok(())
        }));
        let numbers = [1, 2, 12, 3, 13, 20, 4];
        let mut writes = Vec::new();
        for number in numbers {
            let db = db.clone();
            let write = async move {
                match number {
                    20 => db.write(move |conn| insert(conn, number)).await,
                    _ => db.write_repeatable(move |conn| insert(conn, number)).await,
                }
            };
            writes.push(Box::pin(write));
        }
        let mut all = Box::pin(futures_util::future::join_all(writes));
        // A write is handed to the writer when it is first polled.
        std::future::poll_fn(|context| {
            assert!(busy.as_mut().poll(context).is_pending());
            assert!(all.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        go.send(()).unwrap();
        let outcomes = all.await;
        busy.await.unwrap();
        let told: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().map_err(Error::kind)).collect();
        let expected = [Ok(&1), Ok(&2), Err(Kind::Conflict), Ok(&3), Err(Kind::Internal), Ok(&20), Ok(&4)];
        assert_eq!(told, expected);
        assert_eq!(db.read(rows).await.unwrap(), [1, 2, 3, 4, 20]);
    }

    #[tokio::test]
    async fn of_items_that_are_done_together_one_that_fails_is_undone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let done = db
            .write(|conn| {
                let insert = |conn: &mut Conn, number: &i64| insert(conn, *number);
                conn.each(&[1, 12, 2, 13], Duration::MAX, insert, |_, number, _| Ok(-number))
            })
            .await;
        assert_eq!(done.unwrap(), [1, -12, 2, -13]);
        assert_eq!(db.read(rows).await.unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn no_item_is_begun_once_the_time_is_spent() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let slow = |conn: &mut Conn, number: &i64| {
            let begun = std::time::Instant::now();
            while begun.elapsed() < Duration::from_millis(20) {}
            insert(conn, *number)
        };
        let done = db.write(move |conn| {
            conn.each(&[1, 2, 3], Duration::from_millis(10), slow, |_, _, error| Err(error))
        });
        assert_eq!(done.await.unwrap(), [1]);
    }
}
