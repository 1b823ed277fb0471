//! Opening SQLite: write-ahead log, every commit synced unless the file is scratch, foreign keys on.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, RunQueryDsl};

use nexora_core::base::{Error, Result, file};

/// Connections that read at the same time.
pub const READERS: u32 = 4;

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// The disk: a commit that has returned survives a power cut.
    Full,
    /// Nothing.
    Off,
}

/// The log is cut back at 64 MiB.
const PRAGMAS: &str = "\
    PRAGMA busy_timeout = 5000;\
    PRAGMA journal_mode = WAL;\
    PRAGMA foreign_keys = ON;\
    PRAGMA temp_store = MEMORY;\
    PRAGMA wal_autocheckpoint = 4000;\
    PRAGMA journal_size_limit = 67108864;";

pub fn establish(path: &Path, sync: Sync) -> Result<SqliteConnection> {
    let shown = path.display();
    let failed = || {
        Error::unavailable(format!("cannot open database `{shown}`"))
            .hint("check `database.url`, and that its folder exists and may be written")
    };
    make_private(path);
    let mut conn =
        SqliteConnection::establish(&path.to_string_lossy()).map_err(|error| failed().source(error))?;
    let synchronous = match sync {
        Sync::Full => "PRAGMA synchronous = FULL",
        Sync::Off => "PRAGMA synchronous = OFF",
    };
    for pragmas in [PRAGMAS, synchronous] {
        conn.batch_execute(pragmas).map_err(|error| failed().source(error))?;
    }
    Ok(conn)
}

/// Makes the file for its owner alone before SQLite does, which gives its log and index the same permissions, and
/// takes from others what an earlier version had left to them.
fn make_private(path: &Path) {
    // SQLite's own names, such as `:memory:`, are no files.
    if path.to_string_lossy().starts_with(':') {
        return;
    }
    // What cannot be made is told when it is opened.
    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        file::keep_private(Path::new(&name));
    }
}

#[derive(diesel::QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    data_version: i64,
}

/// Returns a number that changes when another connection has committed (SQLite's `data_version`).
pub fn data_version(conn: &mut SqliteConnection) -> Result<i64> {
    let rows: Vec<DataVersion> = diesel::sql_query("PRAGMA data_version").load(conn)?;
    Ok(rows.first().map_or(0, |row| row.data_version))
}
