//! Whether this is the only daemon on its database.
//!
//! On SQLite a lock on a file beside the database tells. The daemon that holds it knows that every other is gone, and
//! gives back at once what an earlier process held. On PostgreSQL other daemons may be at work.

use crate::app::App;
use crate::app::locks::{self, DAEMON, Lock};
use nexora_core::base::Result;
use nexora_store::Url;

/// Takes the lock, unless another daemon has it. What is returned is held for as long as this is the only daemon.
///
/// # Errors
/// `Config` when the database's address cannot be read; `Conflict` when a backup is being restored to it.
pub fn claim(app: &App) -> Result<Option<Lock>> {
    let url: Url = app.config.database.url.parse()?;
    let Url::Sqlite(path) = &url else { return Ok(None) };
    // Where the file of the lock cannot be made, leases decide.
    let Ok(Some(lock)) = locks::take(path, DAEMON) else {
        locks::refuse_while_restored(&url)?;
        tracing::warn!("another daemon works on this database; leases decide who does what");
        return Ok(None);
    };
    app.heart.set_alone();
    Ok(Some(lock))
}
