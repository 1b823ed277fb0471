//! What PostgreSQL's planner knows of our tables, kept up while they grow.
//!
//! Its own daemon looks at a table once a minute at most. Until then a table that has just been made is taken for a few
//! pages, and a condition on the tenant for as telling as one on a run: in the first minute of a busy installation each
//! lead cost several times what it should. Plans that are kept are made anew once a table was analysed.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::Conn;
use crate::conn::on;
use nexora_core::base::Result;

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Analyses the tables of which as many rows were written as there were when this was last done, and at least 500. One
/// that another process is at is left to it.
pub fn refresh(conn: &mut Conn) -> Result<()> {
    let changed =
        "SELECT quote_ident(s.relname) AS name FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
                    WHERE s.schemaname = ANY (current_schemas(false))
                      AND s.n_mod_since_analyze > greatest(500, c.reltuples)";
    let tables: Vec<Table> = on!(conn, |c| diesel::sql_query(changed).load(c))?;
    for Table { name } in tables {
        on!(conn, |c| c.batch_execute(&format!("ANALYZE (SKIP_LOCKED) {name}")))?;
    }
    Ok(())
}
