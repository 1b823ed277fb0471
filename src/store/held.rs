//! A transaction that many reads and writes share: what is done through its handle is done in it, and remains only when it is
//! kept as a whole.
//!
//! The connection is its own, so that other handles go on. On SQLite they cannot write meanwhile: it is for work that takes a
//! moment, and nothing in it may wait for a network.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::AnsiTransactionManager;
use tokio::sync::Notify;

use crate::{Conn, Db, Inner, Url, Work, blocking};
use nexora_core::base::{Error, Result};

/// The connection of a transaction; nothing once it has ended.
pub struct Held {
    conn: Mutex<Option<Conn>>,
    changed: Arc<Notify>,
}

impl Held {
    fn begin(url: &Url) -> Result<Held> {
        let mut conn = url.establish()?;
        match &mut conn {
            Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
            Conn::Postgres(_) => conn.begin()?,
        }
        Ok(Held { conn: Mutex::new(Some(conn)), changed: Arc::default() })
    }

    /// Runs work in a savepoint.
    pub fn run(&self, work: Work) -> Result<()> {
        self.with(|conn| conn.transaction(work))
    }

    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        work(conn.as_mut().ok_or_else(ended)?)
    }

    fn end(&self) -> Result<()> {
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        conn.take().ok_or_else(ended)?.commit()
    }
}

fn ended() -> Error {
    Error::internal("the transaction has ended")
}

impl Db {
    /// Begins a transaction. What is read and written through the handle that is returned is done in it; what was written
    /// goes when the handle is dropped, unless [`Db::keep_all`] was called before.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be begun.
    pub async fn begin(&self) -> Result<Db> {
        let url = match &*self.0 {
            Inner::Sqlite { url, .. } | Inner::Postgres { url, .. } => url.clone(),
            Inner::Held(_) => return Err(Error::internal("a transaction is open already")),
        };
        let held = blocking(move || Held::begin(&url)).await?;
        Ok(Db(Arc::new(Inner::Held(held))))
    }

    /// Commits the transaction, and returns once it is durable.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be made durable.
    pub async fn keep_all(&self) -> Result<()> {
        self.held(Held::end).await
    }

    /// Sets a mark: what is done from here on is kept by [`Db::keep`], or undone by [`Db::undo`].
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn mark(&self) -> Result<()> {
        self.held(|held| held.with(Conn::begin)).await
    }

    /// Keeps what was done since the mark, as a part of the whole.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn keep(&self) -> Result<()> {
        self.held(|held| held.with(Conn::commit)).await
    }

    /// Undoes what was done since the mark.
    ///
    /// # Errors
    /// `Unavailable` when the database fails.
    pub async fn undo(&self) -> Result<()> {
        self.held(|held| held.with(Conn::roll_back)).await
    }

    async fn held(&self, work: impl FnOnce(&Held) -> Result<()> + Send + 'static) -> Result<()> {
        let db = Arc::clone(&self.0);
        blocking(move || match &*db {
            Inner::Held(held) => work(held),
            Inner::Sqlite { .. } | Inner::Postgres { .. } => Err(Error::internal("no transaction was begun")),
        })
        .await
    }
}
