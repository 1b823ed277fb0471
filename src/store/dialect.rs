//! Everything in which the two databases differ, and nothing else.

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;

use crate::Conn;
use crate::conn::on;
use nexora_core::base::Result;

/// Asks the server for a sign of life.
pub fn ping(conn: &mut Conn) -> Result<()> {
    on!(conn, |c| c.batch_execute("SELECT 1"))
}

/// Returns the end of a claiming query: rows that another daemon is claiming are passed over.
/// SQLite has one writer, so no row is ever locked by another.
pub fn skip_locked(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => "",
        Conn::Postgres(_) => " FOR UPDATE SKIP LOCKED",
    }
}

/// Holds back every other transaction that locks `name`, until this one ends.
/// On SQLite a write transaction already holds back all others.
pub fn lock(conn: &mut Conn, name: &str) -> Result<()> {
    match conn {
        Conn::Sqlite(_) => Ok(()),
        Conn::Postgres(c) => diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<Text, _>(name)
            .execute(&mut **c)
            .map(|_| ())
            .map_err(Into::into),
    }
}
