//! Copies of a tenant: an installation of many without making each through the program.

use diesel::prelude::*;
use diesel::sql_types::Text;
use nexora_core::model::TenantId;
use nexora_core::model::address::Slug;
use nexora_store::Conn;

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

fn names(conn: &mut Conn, sql: &str) -> Vec<String> {
    let rows: Vec<Name> = match conn {
        Conn::Sqlite(conn) => diesel::sql_query(sql).load(conn).unwrap(),
        Conn::Postgres(conn) => diesel::sql_query(sql).load(&mut **conn).unwrap(),
    };
    rows.into_iter().map(|row| row.name).collect()
}

fn execute(conn: &mut Conn, sql: &str) {
    use diesel::connection::SimpleConnection;
    match conn {
        Conn::Sqlite(conn) => SimpleConnection::batch_execute(conn, sql).unwrap(),
        Conn::Postgres(conn) => SimpleConnection::batch_execute(&mut **conn, sql).unwrap(),
    }
}

/// Copies every row of a tenant to tenants of other ids; the ids of the rows stay as they are.
pub fn of_tenant(conn: &mut Conn, first: &TenantId, tenants: usize) {
    let is_sqlite = matches!(conn, Conn::Sqlite(_));
    execute(conn, "CREATE TABLE bench_tenants (id TEXT PRIMARY KEY, slug TEXT NOT NULL)");
    let now = nexora_core::base::clock::Timestamp::from_millis(1_790_000_000_000);
    for number in 1..tenants {
        let (id, slug): (_, Slug) = (TenantId::new(now), format!("t{number}").parse().unwrap());
        execute(conn, &format!("INSERT INTO bench_tenants VALUES ('{id}', '{slug}')"));
    }
    let (tables, columns) = if is_sqlite {
        (
            "SELECT t.name AS name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND c.name = 'tenant_id' AND c.\"notnull\"",
            "SELECT name FROM pragma_table_info('TABLE') WHERE name NOT IN ('tenant_id', 'slug')",
        )
    } else {
        (
            "SELECT table_name::text AS name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'tenant_id' AND is_nullable = 'NO'",
            "SELECT column_name::text AS name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'TABLE' AND column_name NOT IN ('tenant_id', 'slug')",
        )
    };
    // References are looked at when all is copied.
    execute(
        conn,
        if is_sqlite { "PRAGMA defer_foreign_keys = ON" } else { "SET session_replication_role = replica" },
    );
    let mut own = names(conn, &columns.replace("TABLE", "tenants"));
    own.retain(|column| column != "id");
    let own = own.join(", ");
    execute(
        conn,
        &format!(
            "INSERT INTO tenants (id, slug, {own}) SELECT b.id, b.slug, {own} FROM bench_tenants b,
                (SELECT {own} FROM tenants WHERE id = '{first}') t"
        ),
    );
    for table in names(conn, tables) {
        let columns = names(conn, &columns.replace("TABLE", &table)).join(", ");
        execute(
            conn,
            &format!(
                "INSERT INTO {table} (tenant_id, {columns}) SELECT b.id, t.* FROM bench_tenants b,
                    (SELECT {columns} FROM {table} WHERE tenant_id = '{first}') t"
            ),
        );
    }
    execute(conn, "DROP TABLE bench_tenants");
    if !is_sqlite {
        execute(conn, "SET session_replication_role = origin; ANALYZE");
    }
}
