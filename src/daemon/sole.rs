//! Whether this is the only daemon on its database.
//!
//! On SQLite a lock on a file beside the database tells. The daemon that holds it knows that polls
//! which were under way when it started were those of a process that is gone, so it makes them
//! again at once. Deliveries wait for their leases all the same: what the dead process had sent may
//! still be on its way, and must have landed before anybody asks for it. On PostgreSQL other
//! daemons may be at work, and leases decide.

use std::fs::File;
use std::sync::Arc;

use crate::app::App;
use nexora_core::base::Result;
use nexora_store::{Url, cursor};

/// Held for as long as this is the only daemon.
pub struct Sole(#[expect(dead_code, reason = "the lock holds while the file is open")] File);

/// Takes the lock, and frees the polls that an earlier process left under way.
///
/// # Errors
/// `Config` when the database's address cannot be read, `Unavailable` when it cannot be reached.
pub async fn claim(app: &Arc<App>) -> Result<Option<Sole>> {
    let Url::Sqlite(path) = app.config.database.url.parse()? else { return Ok(None) };
    let mut name = path.into_os_string();
    name.push(".daemon");
    let Ok(file) = File::create(&name) else { return Ok(None) };
    if file.try_lock().is_err() {
        tracing::warn!("another daemon works on this database; leases decide who does what");
        return Ok(None);
    }
    let now = app.clock.now();
    let freed = app.db.write(move |conn| cursor::release_all(conn, now)).await?;
    if freed > 0 {
        tracing::info!("{freed} polls of an earlier process are made again");
    }
    Ok(Some(Sole(file)))
}
