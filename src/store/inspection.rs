//! What the database finds when it looks at itself. Each of the two has words of its own for it.

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::Conn;
use nexora_core::base::Result;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The name and version of the database.
    pub version: String,
    /// What is damaged, in the database's own words.
    pub faults: Vec<String>,
    pub size_bytes: u64,
    /// Of these, what holds nothing.
    pub free_bytes: u64,
    /// It takes no writes.
    pub is_read_only: bool,
}

/// Faults that are told.
const FAULTS: i64 = 10;

#[derive(diesel::QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    said: String,
}

#[derive(diesel::QueryableByName)]
struct Sizes {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = BigInt)]
    size: i64,
    #[diesel(sql_type = BigInt)]
    free: i64,
    #[diesel(sql_type = Bool)]
    is_read_only: bool,
}

/// Looks at the whole database, which takes the longer the larger it is.
///
/// # Errors
/// `Unavailable` when it cannot be read.
pub fn inspect(conn: &mut Conn) -> Result<Inspection> {
    let (sizes, faults) = match conn {
        Conn::Sqlite(c) => {
            let sizes = "SELECT 'SQLite ' || sqlite_version() AS version, page_count * page_size AS size,
                                freelist_count * page_size AS free, 0 AS is_read_only
                           FROM pragma_page_count, pragma_page_size, pragma_freelist_count";
            let faults = format!(
                "SELECT quick_check AS said FROM pragma_quick_check WHERE quick_check <> 'ok'
                 UNION ALL SELECT 'a row of `' || \"table\" || '` refers to a row of `' || parent || '` that is gone'
                             FROM pragma_foreign_key_check LIMIT {FAULTS}"
            );
            let sizes: Vec<Sizes> = diesel::sql_query(sizes).load(c)?;
            let faults: Vec<Said> = diesel::sql_query(faults).load(c)?;
            (sizes, faults)
        }
        Conn::Postgres(c) => {
            let sizes = "SELECT 'PostgreSQL ' || current_setting('server_version') AS version,
                                pg_database_size(current_database()) AS size, 0::bigint AS free,
                                pg_is_in_recovery() AS is_read_only";
            let faults = "SELECT 'index `' || indexrelid::regclass || '` is not valid' AS said
                            FROM pg_index WHERE NOT indisvalid LIMIT 10";
            let sizes: Vec<Sizes> = diesel::sql_query(sizes).load(&mut **c)?;
            let faults: Vec<Said> = diesel::sql_query(faults).load(&mut **c)?;
            (sizes, faults)
        }
    };
    let whole = |number: i64| u64::try_from(number).unwrap_or_default();
    let sizes = sizes.into_iter().next();
    Ok(Inspection {
        version: sizes.as_ref().map(|found| found.version.clone()).unwrap_or_default(),
        size_bytes: sizes.as_ref().map_or(0, |found| whole(found.size)),
        free_bytes: sizes.as_ref().map_or(0, |found| whole(found.free)),
        is_read_only: sizes.is_some_and(|found| found.is_read_only),
        faults: faults.into_iter().map(|fault| fault.said).collect(),
    })
}
