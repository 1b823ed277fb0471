//! One connection, whichever database it speaks to, and the pool that lends it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use diesel::Connection;
use diesel::connection::TransactionManager;
use diesel::sqlite::SqliteConnection;

use crate::sqlite::Sync;
use crate::{dialect, moved, postgres, sqlite};
use nexora_core::base::fence::fenced;
use nexora_core::base::{Error, Kind, Result};

/// How long a caller waits for a pooled connection before it is told `Unavailable`.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Url {
    /// `sqlite:PATH`, or a plain path.
    Sqlite(PathBuf),
    /// A SQLite file that is thrown away soon: commits are not synced.
    Scratch(PathBuf),
    /// `postgres://…`, as libpq spells it.
    Postgres(String),
}

impl Url {
    /// Checks that there is a file with something in it, as opening would make one.
    ///
    /// # Errors
    /// `Config` when there is none; `Conflict` when it was moved to another place.
    pub fn require(&self) -> Result<()> {
        if let Url::Sqlite(path) = self {
            moved::refuse(path)?;
        }
        match self {
            Url::Sqlite(path)
                if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) || !path.exists() =>
            {
                Err(absent(&format!("`{}`", path.display())))
            }
            Url::Sqlite(_) | Url::Scratch(_) | Url::Postgres(_) => Ok(()),
        }
    }

    /// Opens one connection, outside any pool.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub fn establish(&self) -> Result<Conn> {
        match self {
            Url::Sqlite(path) => sqlite::establish(path, Sync::Full).map(Conn::Sqlite),
            Url::Scratch(path) => sqlite::establish(path, Sync::Off).map(Conn::Sqlite),
            Url::Postgres(url) => postgres::establish(url).map(|conn| Conn::Postgres(Box::new(conn))),
        }
    }
}

/// Says that there is no database of ours.
pub(crate) fn absent(place: &str) -> Error {
    Error::config(format!("there is no nexora database at {place}"))
        .hint("check `database.url`; `nexora init` makes a new database")
}

impl FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Url> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Url::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty() || path.contains("://") {
            // What it says is not repeated: it may hold a password.
            return Err(Error::config("`database.url` is not a database URL")
                .hint("use `sqlite:/var/lib/nexora/nexora.db` or `postgres://user@host/nexora`"));
        }
        Ok(Url::Sqlite(PathBuf::from(path)))
    }
}

/// A connection to either database. Store functions compile their query for both with `on!`.
pub enum Conn {
    Sqlite(SqliteConnection),
    Postgres(Box<postgres::Connection>),
}

/// Runs one query on whichever database `$conn` speaks to: `on!(conn, |c| query.load(c))`.
macro_rules! on {
    ($conn:expr, |$c:ident| $query:expr) => {
        match $conn {
            $crate::Conn::Sqlite($c) => $query.map_err(nexora_core::base::Error::from),
            $crate::Conn::Postgres(boxed) => {
                let $c = &mut **boxed;
                $query.map_err(nexora_core::base::Error::from)
            }
        }
    };
}
pub(crate) use on;

impl Conn {
    /// Runs `work` in a transaction, or in a savepoint when one is open, and undoes it on an error or a panic.
    ///
    /// # Errors
    /// Those of `work`, `Internal` when it panics; `Unavailable` when the transaction cannot be begun or committed.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut value = None;
        let mut work = Some(work);
        self.transact(&mut |conn| {
            if let Some(work) = work.take() {
                value = Some(work(conn)?);
            }
            Ok(())
        })?;
        value.ok_or_else(|| Error::internal("a transaction has no result"))
    }

    /// Does `work` for each item, all in one savepoint; no other is begun once `budget` is spent. When it fails for
    /// one, everything is undone and done anew, each in a savepoint of its own, and `failed` decides about those
    /// that fail. Returns what came of the items that were worked on, which are the first.
    ///
    /// # Errors
    /// Those of `failed`; `Unavailable` when the database fails.
    pub fn each<I, T>(
        &mut self,
        items: &[I],
        budget: Duration,
        mut work: impl FnMut(&mut Conn, &I) -> Result<T>,
        mut failed: impl FnMut(&mut Conn, &I, Error) -> Result<T>,
    ) -> Result<Vec<T>> {
        let begun = Instant::now();
        let mut tried = 0;
        let together = self.transaction(|conn| {
            let mut values = Vec::with_capacity(items.len());
            for item in items.iter().take_while(|_| begun.elapsed() <= budget) {
                tried += 1;
                values.push(work(conn, item)?);
            }
            Ok(values)
        });
        match together {
            Err(error) if error.kind() != Kind::Unavailable => {}
            done => return done,
        }
        let mut alone = |item| match self.transaction(|conn| work(conn, item)) {
            Err(error) if error.kind() != Kind::Unavailable => failed(self, item, error),
            done => done,
        };
        let in_time = |place: usize| place < tried || begun.elapsed() <= budget;
        let again = items.iter().enumerate().take_while(|(place, _)| in_time(*place));
        again.map(|(_, item)| alone(item)).collect()
    }

    /// Does `work` for all items at once, in a savepoint. When it fails, it is undone and done for each item alone, and
    /// `failed` decides about those for which it fails. Returns what came of each item.
    ///
    /// # Errors
    /// Those of `failed`; `Unavailable` when the database fails.
    pub fn batch<I, T>(
        &mut self,
        items: &[I],
        mut work: impl FnMut(&mut Conn, &[I]) -> Result<Vec<T>>,
        mut failed: impl FnMut(&mut Conn, &I, Error) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self.transaction(|conn| work(conn, items)) {
            Err(error) if error.kind() != Kind::Unavailable => {}
            done => return done,
        }
        let mut done = Vec::with_capacity(items.len());
        for item in items {
            match self.transaction(|conn| work(conn, std::slice::from_ref(item))) {
                Err(error) if error.kind() != Kind::Unavailable => done.push(failed(self, item, error)?),
                one => done.extend(one?),
            }
        }
        Ok(done)
    }

    fn transact(&mut self, work: &mut dyn FnMut(&mut Conn) -> Result<()>) -> Result<()> {
        self.begin()?;
        match fenced(|| work(self)) {
            Ok(()) => self.commit(),
            Err(error) => match self.roll_back() {
                Ok(()) => Err(error),
                // A full disk makes SQLite undo the whole transaction by itself.
                Err(_) => Err(Error::unavailable("the database undid the transaction").source(error)),
            },
        }
    }

    /// Begins a transaction, or a savepoint when one is open.
    pub(crate) fn begin(&mut self) -> Result<()> {
        on!(self, |c| begin(c))
    }

    /// Ends the innermost transaction or savepoint and keeps what was done in it.
    pub(crate) fn commit(&mut self) -> Result<()> {
        on!(self, |c| commit(c))
    }

    /// Ends the innermost transaction or savepoint and undoes what was done in it.
    pub(crate) fn roll_back(&mut self) -> Result<()> {
        on!(self, |c| roll_back(c))
    }

    /// Tells whether a failure has left the connection in a state that no transaction gets out of.
    pub fn is_broken(&mut self) -> bool {
        match self {
            Conn::Sqlite(c) => is_broken(c),
            Conn::Postgres(c) => is_broken(&mut **c),
        }
    }
}

fn begin<C: Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::begin_transaction(conn)
}

fn commit<C: Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::commit_transaction(conn)
}

fn roll_back<C: Connection>(conn: &mut C) -> diesel::QueryResult<()> {
    C::TransactionManager::rollback_transaction(conn)
}

fn is_broken<C: Connection>(conn: &mut C) -> bool {
    C::TransactionManager::is_broken_transaction_manager(conn)
}

/// Makes and checks the pool's connections, on threads of the pool's own.
pub struct Lender {
    url: Url,
}

/// A connection of the pool, and when it was last seen to work.
pub struct Lent {
    conn: Conn,
    worked_at: Option<Instant>,
}

/// How long a connection that has worked is lent again without a look whether it still does.
const TRUSTED: Duration = Duration::from_secs(1);

impl r2d2::ManageConnection for Lender {
    type Connection = Lent;
    type Error = Error;

    fn connect(&self) -> Result<Lent> {
        Ok(Lent { conn: self.url.establish()?, worked_at: None })
    }

    fn is_valid(&self, lent: &mut Lent) -> Result<()> {
        match lent.worked_at {
            Some(at) if at.elapsed() < TRUSTED => Ok(()),
            Some(_) | None => dialect::ping(&mut lent.conn),
        }
    }

    fn has_broken(&self, lent: &mut Lent) -> bool {
        lent.conn.is_broken()
    }
}

pub type Pool = r2d2::Pool<Lender>;

/// Makes a pool of at most `size` connections, opened when they are first wanted.
pub fn pool(url: &Url, size: u32) -> Result<Pool> {
    let builder = r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .connection_timeout(CHECKOUT_TIMEOUT)
        .test_on_check_out(matches!(url, Url::Postgres(_)))
        .error_handler(Box::new(r2d2::NopErrorHandler));
    builder.build(Lender { url: url.clone() }).map_err(|error| {
        Error::unavailable("cannot open the database").source(error).hint("run `nexora config check`")
    })
}

/// Does work with a connection of the pool.
///
/// # Errors
/// Those of the work; `Unavailable` when no connection is free, or can be opened, in time.
pub fn lend<T>(pool: &Pool, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    let none = |error| Error::unavailable("no database connection can be had").source(error);
    let mut lent = pool.get().map_err(none)?;
    let outcome = work(&mut lent.conn);
    lent.worked_at = outcome.is_ok().then(Instant::now);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        assert_eq!("sqlite:/tmp/x.db".parse::<Url>().unwrap(), Url::Sqlite("/tmp/x.db".into()));
        assert_eq!("data/x.db".parse::<Url>().unwrap(), Url::Sqlite("data/x.db".into()));
        assert!(matches!("postgresql://h/db".parse::<Url>().unwrap(), Url::Postgres(_)));
        assert!("mysql://h/db".parse::<Url>().is_err());
        assert!("".parse::<Url>().is_err());
    }

    #[test]
    fn a_panic_undoes_its_transaction_and_the_connection_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = Url::Sqlite(folder.path().join("x.db")).establish().unwrap();
        let run = |conn: &mut Conn, sql: &str| {
            let sql = sql.to_owned();
            on!(conn, |c| diesel::RunQueryDsl::execute(diesel::sql_query(sql), c)).unwrap();
        };
        run(&mut conn, "CREATE TABLE t (n INTEGER PRIMARY KEY)");
        let failed = conn.transaction::<()>(|conn| {
            run(conn, "INSERT INTO t VALUES (1)");
            panic!("half-way")
        });
        assert!(failed.unwrap_err().message().ends_with("half-way"));
        // It would fail if the first row were still there.
        conn.transaction(|conn| {
            run(conn, "INSERT INTO t VALUES (1)");
            Ok(())
        })
        .unwrap();
    }
}
