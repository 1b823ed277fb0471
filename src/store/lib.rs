//! Rows, queries, transactions. `Db::read` and `Db::write` are the only ways in.
//!
//! One set of functions serves SQLite and PostgreSQL: each takes a [`Conn`] and compiles its query
//! for both. No function here reads a clock or decides anything. A tenant's rows are read through a
//! [`Tx`], which is bound to the tenant; the queues in `due` reach over all and return the tenant with each id.

pub mod alert;
pub mod appointment;
pub mod audit;
pub mod automatic_answer;
pub mod automation;
pub mod backup;
pub mod balance;
pub mod batch;
pub mod books;
mod conn;
pub mod connection;
pub mod consent;
pub mod contact;
pub mod copy;
pub mod cursor;
pub mod custom_field;
pub mod daemon;
mod dialect;
pub mod due;
pub mod effect;
pub mod erasure;
pub mod event;
pub mod finding;
pub mod follow;
pub mod form;
pub mod group;
mod held;
pub mod inspection;
pub mod item;
pub mod job;
mod kept;
pub mod key;
pub mod lead;
pub mod message;
pub mod migration;
pub mod moved;
pub mod notice;
pub mod password_link;
mod postgres;
pub mod record;
pub mod restore;
pub mod retention;
pub mod rows;
pub mod run;
pub mod schedule;
pub mod scratch;
pub mod sealed;
pub mod session;
pub mod sign_in;
pub mod source;
mod sqlite;
mod statistics;
pub mod task;
pub mod tenant;
pub mod tenant_data;
pub mod tenant_deletion;
pub mod timer;
mod tx;
pub mod user;
pub mod verdict;
pub mod wal;
mod writer;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

pub use conn::{Conn, Url};
use tokio::sync::{Notify, OnceCell, oneshot};
pub use tx::Tx;

use crate::conn::Pool;
use crate::held::Held;
use crate::postgres::news::News;
pub use crate::postgres::news::tell_with;
use crate::writer::Writer;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;

/// A span of time, open where it has no end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub since: Option<Timestamp>,
    /// Not itself of the span.
    pub until: Option<Timestamp>,
}

/// Whose rows are meant.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Those of every tenant but these.
    AllBut(Vec<TenantId>),
    Only(TenantId),
}

/// Narrows a boxed query of a table to the rows that are meant.
macro_rules! whose {
    ($query:ident, $table:ident, $whose:expr) => {
        match $whose {
            $crate::Whose::AllBut(others) if others.is_empty() => {}
            $crate::Whose::AllBut(others) => $query = $query.filter($table::tenant_id.ne_all(others)),
            $crate::Whose::Only(tenant) => $query = $query.filter($table::tenant_id.eq(tenant)),
        }
    };
}
pub(crate) use whose;

/// Narrows a boxed query of a table by what every list can be narrowed by: a span of time (by the column `$at`), a part
/// of a text, and an id that comes before.
macro_rules! narrowed {
    ($query:ident, $table:ident, $at:ident, $filter:ident, $columns:literal) => {{
        if let Some(since) = $filter.span.since {
            $query = $query.filter($table::$at.ge(since));
        }
        if let Some(until) = $filter.span.until {
            $query = $query.filter($table::$at.lt(until));
        }
        if let Some(part) = &$filter.search {
            $query = $query.filter($crate::dialect::holds!($columns, part));
        }
        if let Some(after) = &$filter.after {
            $query = $query.filter($table::id.gt(after));
        }
    }};
}
pub(crate) use narrowed;

/// Narrows a query of rows that may name a contact to those who came by a source of leads; `$lead` says which lead a
/// row is about by itself.
macro_rules! of_source {
    ($query:ident, $table:ident, $lead:expr, $tx:ident, $filter:ident) => {{
        if let Some(source) = &$filter.source {
            let came = leads::table.filter(leads::tenant_id.eq($tx.tenant)).filter(leads::source.eq(source));
            let people = came.filter(leads::contact_id.is_not_null()).select(leads::contact_id);
            let own = came.select(leads::id.nullable());
            $query = $query.filter($table::contact_id.eq_any(people).or($lead.eq_any(own)));
        }
    }};
}
pub(crate) use of_source;

/// Whether an insert made a row, or found the one that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    New,
    AlreadyThere,
}

impl Inserted {
    fn from_count(changed: usize) -> Inserted {
        if changed == 0 { Inserted::AlreadyThere } else { Inserted::New }
    }
}

/// Whether a guarded update found the row as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    Won,
    Lost,
}

impl Claim {
    fn from_count(changed: usize) -> Claim {
        if changed == 0 { Claim::Lost } else { Claim::Won }
    }
}

/// The database. Cloning gives another handle to the same pools.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

enum Inner {
    /// One writer thread that commits in groups, and a pool of readers.
    Sqlite { url: Url, readers: Pool, writer: Writer },
    Postgres {
        url: Url,
        pool: Pool,
        /// For repeatable writes; started when it is first wanted.
        writer: OnceCell<Writer>,
        news: News,
    },
    /// One transaction, in which everything is done.
    Held(Held),
}

impl Db {
    /// Makes the database that `url` names where there is none yet, and brings its schema up to date.
    ///
    /// # Errors
    /// As `open`, and `Internal` when a migration fails.
    pub async fn create(url: &Url) -> Result<Db> {
        let target = url.clone();
        blocking(move || migration::run(&mut target.establish()?)).await?;
        Db::open(url).await
    }

    /// Opens the database that `url` names and checks that its schema is ours. It makes none: a mistyped address
    /// would otherwise become an empty product.
    ///
    /// # Errors
    /// `Config` when there is no database of ours, `Unavailable` when it cannot be reached, `Conflict` when
    /// migrations are missing or the database is newer than this program.
    pub async fn open(url: &Url) -> Result<Db> {
        url.require()?;
        let db = Db::connect(url).await?;
        db.read(migration::check).await?;
        Ok(db)
    }

    /// Opens the database after bringing its schema up to date; returns what was applied.
    ///
    /// # Errors
    /// As `open`, and `Internal` when a migration fails.
    pub async fn open_migrated(url: &Url) -> Result<(Db, migration::Upgraded)> {
        let target = url.clone();
        let upgraded = blocking(move || migration::upgrade(&target)).await?;
        Ok((Db::open(url).await?, upgraded))
    }

    async fn connect(url: &Url) -> Result<Db> {
        let url = url.clone();
        let inner = blocking(move || {
            Ok(match &url {
                Url::Sqlite(_) | Url::Scratch(_) => {
                    let writer = Writer::start(url.clone())?;
                    Inner::Sqlite { readers: conn::pool(&url, sqlite::READERS)?, url: url.clone(), writer }
                }
                Url::Postgres(address) => {
                    // A pool would only say that none came in time: this says why.
                    drop(url.establish()?);
                    let pool = conn::pool(&url, postgres::CONNECTIONS)?;
                    let news = News::start(address, pool.clone())?;
                    Inner::Postgres { url: url.clone(), pool, writer: OnceCell::new(), news }
                }
            })
        });
        inner.await.map(|inner| Db(Arc::new(inner)))
    }

    /// Runs `work` on a connection that only reads.
    ///
    /// # Errors
    /// Those of `work`, and `Unavailable` when no connection can be had.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    {
        let (work, value) = erased(work);
        self.read_erased(work).await?;
        received(value).await
    }

    async fn read_erased(&self, work: Work) -> Result<()> {
        let db = Arc::clone(&self.0);
        blocking(move || match &*db {
            Inner::Sqlite { readers, .. } => conn::lend(readers, work),
            Inner::Postgres { pool, .. } => conn::lend(pool, work),
            Inner::Held(held) => held.run(work),
        })
        .await
    }

    /// Runs `work` as one transaction and returns once it is durable. An error undoes all of it.
    ///
    /// On SQLite, writes that arrive together share one commit, each in its own savepoint.
    ///
    /// # Errors
    /// Those of `work`, and `Unavailable` when the transaction could not be made durable.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    {
        let (work, value) = erased(work);
        self.write_erased(work).await?;
        received(value).await
    }

    /// Runs `work` as `write` does, together with others that arrive meanwhile, which costs less; should one of them
    /// fail, all are undone and each is done anew. For small work that comes often. On PostgreSQL there is one such
    /// transaction at a time in a process, so that none waits for rows that another has locked.
    ///
    /// # Errors
    /// As `write`.
    pub async fn write_repeatable<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<T> + Send + 'static,
    {
        let writer = match &*self.0 {
            Inner::Held(_) => return self.write(work).await,
            Inner::Sqlite { writer, .. } => writer,
            Inner::Postgres { url, writer, .. } => {
                let start = || {
                    blocking({
                        let url = url.clone();
                        move || Writer::start(url)
                    })
                };
                writer.get_or_try_init(start).await?
            }
        };
        let value = Arc::new(Mutex::new(None));
        let latest = Arc::clone(&value);
        let work = move |conn: &mut Conn| {
            let done = work(conn)?;
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
            Ok(())
        };
        writer.run_repeatable(Box::new(work)).await?;
        let value = value.lock().unwrap_or_else(PoisonError::into_inner).take();
        value.ok_or_else(|| Error::internal("a write has no result"))
    }

    /// Decides by `read`, then writes what came of it by `write`, unless `read` breaks off.
    ///
    /// On SQLite they are a read and a write of their own, so that deciding keeps no writer waiting. On PostgreSQL
    /// they are one transaction: rows that `read` has locked are passed over by other daemons until they are written.
    ///
    /// # Errors
    /// As `read` and `write`.
    pub async fn decide<D, T>(
        &self,
        read: impl FnOnce(&mut Conn) -> Result<ControlFlow<T, D>> + Send + 'static,
        write: impl FnOnce(&mut Conn, D) -> Result<T> + Send + 'static,
    ) -> Result<T>
    where
        D: Send + 'static,
        T: Send + 'static,
    {
        match &*self.0 {
            Inner::Sqlite { .. } | Inner::Held(_) => match self.read(read).await? {
                ControlFlow::Continue(decided) => self.write(move |conn| write(conn, decided)).await,
                ControlFlow::Break(value) => Ok(value),
            },
            Inner::Postgres { .. } => {
                self.write(move |conn| match read(conn)? {
                    ControlFlow::Continue(decided) => write(conn, decided),
                    ControlFlow::Break(value) => Ok(value),
                })
                .await
            }
        }
    }

    async fn write_erased(&self, work: Work) -> Result<()> {
        match &*self.0 {
            Inner::Sqlite { writer, .. } => writer.run(work).await,
            Inner::Postgres { .. } | Inner::Held(_) => {
                let db = Arc::clone(&self.0);
                blocking(move || match &*db {
                    Inner::Postgres { pool, .. } => conn::lend(pool, |conn| conn.transaction(work)),
                    Inner::Held(held) => held.run(work),
                    Inner::Sqlite { .. } => unreachable!("the backend of an open database does not change"),
                })
                .await
            }
        }
    }

    /// Has PostgreSQL look anew at tables that have changed much; see `postgres::statistics`. SQLite's are fixed.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub async fn refresh_statistics(&self) -> Result<()> {
        match &*self.0 {
            Inner::Sqlite { .. } | Inner::Held(_) => Ok(()),
            Inner::Postgres { .. } => self.read(postgres::statistics::refresh).await,
        }
    }

    /// Returns what is notified when another process has changed the database.
    pub fn changed_elsewhere(&self) -> Arc<Notify> {
        match &*self.0 {
            Inner::Sqlite { writer, .. } => writer.changed_elsewhere(),
            Inner::Postgres { news, .. } => Arc::clone(&news.changed),
            Inner::Held(held) => held.changed(),
        }
    }

    /// Tells other processes soon that there is something for them to do. On SQLite they see it by themselves.
    pub fn tell_others(&self) {
        match &*self.0 {
            Inner::Sqlite { .. } | Inner::Held(_) => {}
            Inner::Postgres { news, .. } => news.tell(),
        }
    }
}

/// A piece of work of any type, so that what runs it is compiled once.
type Work = Box<dyn FnOnce(&mut Conn) -> Result<()> + Send>;

/// The same for work that can be undone and done again.
type RepeatableWork = Box<dyn Fn(&mut Conn) -> Result<()> + Send>;

/// Takes the type from a piece of work; its value comes by the channel.
fn erased<T, F>(work: F) -> (Work, oneshot::Receiver<T>)
where
    T: Send + 'static,
    F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
{
    let (sender, value) = oneshot::channel();
    let work = move |conn: &mut Conn| {
        // A caller that has gone away no longer wants the value.
        let _ = sender.send(work(conn)?);
        Ok(())
    };
    (Box::new(work), value)
}

async fn received<T>(value: oneshot::Receiver<T>) -> Result<T> {
    value.await.map_err(|error| Error::internal("a database task ended early").source(error))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("a database task ended early").source(error))?
}
