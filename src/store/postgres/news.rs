//! Word between processes that something has changed, by PostgreSQL's `LISTEN` and `NOTIFY`.
//!
//! Nothing rests on it: who is told nothing, because a connection is lost or goes through a pooler that keeps no
//! session, looks again after `pipeline.idle_poll_ms`.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel_async::SimpleAsyncConnection as _;
use futures_util::StreamExt as _;
use tokio::sync::{Notify, mpsc};

use super::address::Address;
use super::connect;
use crate::Conn;
use crate::conn::{Pool, lend, on};
use nexora_core::base::{Error, Result};

/// How long a lost connection is left before the next try.
const RETRY: Duration = Duration::from_secs(5);

/// How often others are told at most. Every `NOTIFY` takes a lock that all of them share.
const SPACING: Duration = Duration::from_millis(100);

pub struct News {
    /// Notified when another process has told of a change.
    pub changed: Arc<Notify>,
    wishes: mpsc::Sender<()>,
}

impl News {
    /// Begins to listen, and to tell others on demand. Must be called on the runtime.
    ///
    /// # Errors
    /// `Config` when the URL cannot be read.
    pub fn start(url: &str, pool: Pool) -> Result<News> {
        let address = Address::parse(url)?;
        let changed = Arc::new(Notify::new());
        let (wishes, wished) = mpsc::channel(1);
        let own = format!("{:x}", RandomState::new().hash_one(std::process::id()));
        tokio::spawn(listen_on(address, own.clone(), Arc::downgrade(&changed)));
        tokio::spawn(tell_on(pool, own, wished));
        Ok(News { changed, wishes })
    }

    /// Tells other processes soon, once for all the calls of a moment.
    pub fn tell(&self) {
        // One that waits already tells for this call, too.
        let _ = self.wishes.try_send(());
    }
}

/// Tells every process that listens, this one too, once the transaction is committed.
pub fn tell_with(conn: &mut Conn) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(_) => notify(conn, ""),
    }
}

fn notify(conn: &mut Conn, sender: &str) -> Result<()> {
    on!(conn, |c| SimpleConnection::batch_execute(c, &format!("NOTIFY nexora, '{sender}'")))
}

async fn tell_on(pool: Pool, own: String, mut wished: mpsc::Receiver<()>) {
    while wished.recv().await.is_some() {
        let (pool, own) = (pool.clone(), own.clone());
        let told = crate::blocking(move || lend(&pool, |conn| notify(conn, &own))).await;
        if let Err(error) = told {
            tracing::debug!(reason = %error.report(), "other processes are not told of a change");
        }
        tokio::time::sleep(SPACING).await;
    }
}

async fn listen_on(address: Address, own: String, changed: Weak<Notify>) {
    while changed.strong_count() > 0 {
        if let Err(error) = listen(&address, &own, &changed).await {
            tracing::debug!(reason = %error.report(), "other processes' changes are not heard of");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Listens until the connection is lost, or until nothing waits for what it hears any more.
async fn listen(address: &Address, own: &str, changed: &Weak<Notify>) -> Result<()> {
    let mut conn = connect(address).await?;
    conn.batch_execute("LISTEN nexora").await.map_err(Error::from)?;
    let pass_on = || changed.upgrade().map(|changed| changed.notify_one());
    // What was changed before it listened.
    let mut goes_on = pass_on();
    let mut heard = std::pin::pin!(conn.notifications_stream());
    while goes_on.is_some() {
        let Some(notification) = heard.next().await else { return Ok(()) };
        if notification.map_err(Error::from)?.payload != own {
            goes_on = pass_on();
        }
    }
    Ok(())
}
