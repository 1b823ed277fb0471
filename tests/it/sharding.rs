//! The tables can be spread over several PostgreSQL servers by tenant (docs/SCALE.md).

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use nexora_store::Conn;

use crate::harness::{Backend, Nexora};

/// What the script finds in a database with Citus, but that tables are only noted.
const RECORDER: &str = "
  CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, by text, place serial);
  CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE sql AS
    'INSERT INTO pg_dist_partition (logicalrelid) VALUES (name)';
  CREATE FUNCTION create_distributed_table(name regclass, key text) RETURNS void LANGUAGE sql AS
    'INSERT INTO pg_dist_partition (logicalrelid, by) VALUES (name, key)';
";

/// Tables of tenants that were not spread, and references to tables that were spread later or not at all.
const LEFT_OUT: &str = "
  SELECT c.table_name::text AS what FROM information_schema.columns c
   WHERE c.table_schema = current_schema() AND c.column_name = 'tenant_id' AND c.is_nullable = 'NO'
     AND NOT EXISTS (SELECT FROM pg_dist_partition d
                      WHERE d.logicalrelid = c.table_name::regclass AND d.by = 'tenant_id')
  UNION ALL
  SELECT k.conname FROM pg_constraint k JOIN pg_dist_partition d ON d.logicalrelid = k.conrelid
   WHERE k.contype = 'f' AND k.conrelid <> k.confrelid
     AND NOT EXISTS (SELECT FROM pg_dist_partition p WHERE p.logicalrelid = k.confrelid AND p.place < d.place)";

/// Unique keys of tenants' tables, and references between them, that do not begin with the tenant.
const WITHOUT_TENANT: &str = "
  SELECT i.indexrelid::regclass::text AS what FROM pg_index i JOIN pg_dist_partition d ON d.logicalrelid = i.indrelid
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
   WHERE i.indisunique AND d.by IS NOT NULL AND a.attname <> 'tenant_id'
  UNION ALL
  SELECT k.conname FROM pg_constraint k JOIN pg_dist_partition d ON d.logicalrelid = k.conrelid
    JOIN pg_dist_partition p ON p.logicalrelid = k.confrelid
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
   WHERE k.contype = 'f' AND d.by IS NOT NULL AND p.by IS NOT NULL AND a.attname <> 'tenant_id'";

#[derive(QueryableByName)]
struct Fault {
    #[diesel(sql_type = Text)]
    what: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn every_table_of_tenants_can_be_spread_by_tenant() {
    if std::env::var_os("NEXORA_TEST_POSTGRES_URL").is_none() {
        eprintln!("skipped: NEXORA_TEST_POSTGRES_URL is not set");
        return;
    }
    let nexora = Nexora::with_sandbox(Backend::Postgres).await;
    let faults = nexora.app.db.write(|conn| {
        let Conn::Postgres(conn) = conn else { unreachable!() };
        conn.batch_execute(RECORDER)?;
        // It can be run again.
        for _ in 0..2 {
            conn.batch_execute(include_str!("../../scripts/citus.sql"))?;
        }
        let mut faults = Vec::new();
        for question in [LEFT_OUT, WITHOUT_TENANT] {
            let found: Vec<Fault> = diesel::sql_query(question).load(&mut **conn)?;
            faults.extend(found.into_iter().map(|fault| fault.what));
        }
        Ok(faults)
    });
    assert_eq!(faults.await.unwrap(), Vec::<String>::new());
}
