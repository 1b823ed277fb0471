//! Whether this is the only daemon on its database.
//!
//! On SQLite a lock on a file beside the database tells. The daemon that holds it knows that every other is gone, and
//! gives back at once what an earlier process held. On PostgreSQL other daemons may be at work.

use std::fs::File;

use crate::app::App;
use nexora_core::base::Result;
use nexora_store::Url;

/// Held for as long as this is the only daemon.
pub struct Sole(#[expect(dead_code, reason = "the lock holds while the file is open")] File);

/// Takes the lock, unless another daemon has it.
///
/// # Errors
/// `Config` when the database's address cannot be read.
pub fn claim(app: &App) -> Result<Option<Sole>> {
    let Url::Sqlite(path) = app.config.database.url.parse()? else { return Ok(None) };
    let mut name = path.into_os_string();
    name.push(".daemon");
    let Ok(file) = File::create(&name) else { return Ok(None) };
    if file.try_lock().is_err() {
        tracing::warn!("another daemon works on this database; leases decide who does what");
        return Ok(None);
    }
    app.heart.set_alone();
    Ok(Some(Sole(file)))
}
