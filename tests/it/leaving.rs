//! A tenant that leaves takes everything along, can come back for thirty days, and then leaves nothing behind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};
use nexora::domain::report::audit::look;
use nexora::ops::access::user::{self, Grant};
use nexora::ops::report::books;
use nexora::ops::tenant::{self, deletion};
use nexora::pipeline::purge;
use nexora_core::base::Kind;
use nexora_core::model::tenant::{Tenant, TenantState};
use nexora_core::model::user::Role;
use nexora_store::tenant_deletion::TABLES;
use nexora_store::{Conn, finding, tenant_deletion};

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};
use crate::machine::Machine;

on_both!(
    a_tenant_that_was_deleted_rests_and_comes_back_as_it_was,
    after_thirty_days_nothing_of_it_is_left_and_others_are_as_they_were,
    what_was_broken_off_is_gone_on_with_and_a_delivery_is_waited_for,
);

const DAY: Duration = Duration::from_secs(86_400);

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

fn lines(conn: &mut Conn, sql: &str) -> Vec<String> {
    let query = diesel::sql_query(sql);
    let rows: Vec<Line> = match conn {
        Conn::Sqlite(conn) => query.load(conn).unwrap(),
        Conn::Postgres(conn) => query.load(&mut **conn).unwrap(),
    };
    rows.into_iter().map(|row| row.text).collect()
}

fn count(conn: &mut Conn, from: &str) -> i64 {
    let query = diesel::sql_query(format!("SELECT count(*) AS rows FROM {from}"));
    let rows: Vec<Count> = match conn {
        Conn::Sqlite(conn) => query.load(conn).unwrap(),
        Conn::Postgres(conn) => query.load(&mut **conn).unwrap(),
    };
    rows[0].rows
}

/// Counts the rows of a tenant, table by table.
async fn rows_of(nexora: &Nexora, tenant: &Tenant) -> BTreeMap<&'static str, i64> {
    let id = tenant.id.clone();
    let count = move |conn: &mut Conn| {
        let own = |table: &&str| format!("{table} WHERE tenant_id = '{id}'");
        let mut all: BTreeMap<&str, i64> =
            TABLES.iter().map(|(table, _)| (*table, count(conn, &own(table)))).collect();
        all.insert("audit", count(conn, &format!("audit WHERE chain = '{id}'")));
        all.insert("tenants", count(conn, &format!("tenants WHERE id = '{id}'")));
        all.retain(|_, rows| *rows > 0);
        Ok(all)
    };
    nexora.app.db.read(count).await.unwrap()
}

/// Two tenants at work, with users of the one, of the other, and of both.
async fn scene(backend: Backend) -> (Nexora, Tenant) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let beta = tenant::create(app, actor, new_tenant("beta")).await.unwrap();
    nexora.add_smtp_to(&beta).await;
    nexora.enable_for(&beta, &[("sheet_id", ""), ("chase_after", "")]).await;
    nexora.submit(enquiry()).await;
    nexora.submit_to(&beta, enquiry()).await;
    nexora.settle().await;
    for (email, tenant) in
        [("only@acme.example.com", tenant), ("both@example.com", tenant), ("only@beta.example.com", &beta)]
    {
        let grant = Grant::Member(Box::new(tenant.clone()), Role::Owner);
        user::create(app, actor, email.parse().unwrap(), None, grant).await.unwrap();
    }
    let both = user::find(app, &"both@example.com".parse().unwrap()).await.unwrap().user.id;
    let other = beta.id.clone();
    let join = move |conn: &mut Conn| {
        nexora_store::user::insert_membership(&mut conn.of(&other), &both, Role::Viewer).map(|_| ())
    };
    app.db.write(join).await.unwrap();
    (nexora, beta)
}

async fn a_tenant_that_was_deleted_rests_and_comes_back_as_it_was(backend: Backend) {
    let (nexora, _) = scene(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("acme");
    let exported = deletion::export(app, actor, &tenant.slug, &to).await.unwrap();
    assert_eq!(exported.rows["leads"], 1);
    let lead = std::fs::read_to_string(to.join("leads.jsonl")).unwrap();
    let lead: serde_json::Value = serde_json::from_str(lead.trim()).unwrap();
    assert_eq!(lead["name"], "Jo Miller");
    let connections = std::fs::read_to_string(to.join("connections.jsonl")).unwrap();
    assert!(!connections.contains("sealed"), "{connections}");
    assert!(std::fs::read_to_string(to.join("audit.jsonl")).unwrap().contains("automation.enable"));
    let again = deletion::export(app, actor, &tenant.slug, &to).await.unwrap_err();
    assert_eq!(again.kind(), Kind::Conflict);
    let before = rows_of(&nexora, tenant).await;
    let planned = deletion::delete(app, actor, &tenant.slug).await.unwrap();
    assert_eq!(planned.purge_at, app.clock.now() + DAY * 30);
    assert_eq!(tenant::find(app, &tenant.slug).await.unwrap().state, TenantState::Suspended);
    assert_eq!(deletion::delete(app, actor, &tenant.slug).await.unwrap_err().kind(), Kind::Conflict);
    let resumed = tenant::resume(app, actor, &tenant.slug).await.unwrap_err();
    assert_eq!(resumed.hint_text(), Some("run `nexora tenant restore acme` to have it back"));
    let noted = nexora.view(|tx| finding::of_tenant(tx)).await;
    assert_eq!(noted[0].command, "nexora tenant restore acme");
    // A lead that comes meanwhile is kept, and nothing goes before its time.
    nexora.submit(enquiry()).await;
    app.clock.advance(DAY * 29);
    assert_eq!(purge::sweep(app).await.unwrap(), 0);
    let restored = deletion::restore(app, actor, &tenant.slug).await.unwrap();
    assert_eq!(restored.state, TenantState::Active);
    nexora.settle().await;
    app.clock.advance(DAY * 29);
    assert_eq!(purge::sweep(app).await.unwrap(), 0);
    let after = rows_of(&nexora, tenant).await;
    assert_eq!(after["leads"], before["leads"] + 1);
    assert!(after["runs"] > before["runs"], "what waited went on");
    assert_eq!(deletion::restore(app, actor, &tenant.slug).await.unwrap_err().kind(), Kind::Conflict);
}

async fn after_thirty_days_nothing_of_it_is_left_and_others_are_as_they_were(backend: Backend) {
    let (nexora, beta) = scene(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let theirs = rows_of(&nexora, &beta).await;
    deletion::delete(app, actor, &tenant.slug).await.unwrap();
    app.clock.advance(DAY * 30);
    assert_eq!(purge::sweep(app).await.unwrap(), 1);
    assert_eq!(rows_of(&nexora, tenant).await, BTreeMap::new());
    assert_eq!(rows_of(&nexora, &beta).await, theirs);
    let users =
        app.db.read(|conn| Ok(lines(conn, "SELECT email_key AS text FROM users ORDER BY email_key"))).await;
    assert_eq!(users.unwrap(), ["both@example.com", "only@beta.example.com"]);
    assert_eq!(tenant::find(app, &tenant.slug).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(look(app, None, None).await.unwrap().troubles, []);
    let balanced = books::of(app, None).await.unwrap();
    assert_eq!(balanced.iter().map(|books| books.books.unaccounted()).collect::<Vec<_>>(), [0]);
    // Its name is free again, and the trail says where it went.
    tenant::create(app, actor, new_tenant("acme")).await.unwrap();
    let system = app.db.read(|conn| nexora_store::audit::list(conn, None, 9)).await.unwrap();
    let did: Vec<&str> = system.iter().map(|entry| entry.action.as_str()).collect();
    assert!(did.contains(&"tenant.purge") && did.contains(&"audit.closed"), "{did:?}");
}

async fn what_was_broken_off_is_gone_on_with_and_a_delivery_is_waited_for(backend: Backend) {
    let (nexora, _) = scene(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    deletion::delete(app, actor, &tenant.slug).await.unwrap();
    let id = tenant.id.clone();
    // As a process leaves it that was killed in the middle.
    let part = app.db.write(move |conn| {
        for table in TABLES.iter().take(5) {
            tenant_deletion::purge_share(conn, &id, *table)?;
        }
        Ok(())
    });
    part.await.unwrap();
    nexora.submit(enquiry()).await;
    let until = (app.clock.now() + DAY).millis();
    let (id, state) = (tenant.id.clone(), "state = 'leased', settled_at = NULL");
    let before = app
        .db
        .read(move |conn| {
            tenant_deletion::under_way(conn, &id, nexora_core::base::clock::Timestamp::from_millis(0))
        })
        .await;
    assert_eq!(before.unwrap(), 0);
    deletion::delete_now(app, actor, &tenant.slug).await.unwrap();
    assert_eq!(rows_of(&nexora, tenant).await, BTreeMap::new());
    // Of another tenant something is just being delivered.
    let beta = tenant::find(app, &"beta".parse().unwrap()).await.unwrap();
    let sql = format!("UPDATE effects SET {state}, lease_until = {until}");
    let lease = move |conn: &mut Conn| {
        let query = diesel::sql_query(sql);
        match conn {
            Conn::Sqlite(conn) => query.execute(conn)?,
            Conn::Postgres(conn) => query.execute(&mut **conn)?,
        };
        Ok(())
    };
    app.db.write(lease).await.unwrap();
    assert_eq!(deletion::delete_now(app, actor, &beta.slug).await.unwrap_err().kind(), Kind::Conflict);
    assert!(rows_of(&nexora, &beta).await.contains_key("effects"));
    app.clock.advance(DAY * 31);
    assert_eq!(purge::sweep(app).await.unwrap(), 1);
    assert_eq!(rows_of(&nexora, &beta).await, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_with_rows_of_tenants_is_named() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let there = nexora.app.db.read(|conn| {
        let sql = "SELECT DISTINCT m.name AS text FROM sqlite_master m, pragma_table_info(m.name) c
                    WHERE m.type = 'table' AND c.name = 'tenant_id'";
        Ok(lines(conn, sql))
    });
    let there: BTreeSet<String> = there.await.unwrap().into_iter().collect();
    let named: BTreeSet<String> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
    assert_eq!(there, named, "src/store/tenant_deletion.rs names each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_delete_and_restore() {
    let (nexora, _) = scene(Backend::Sqlite).await;
    let machine = Machine::of(&nexora);
    let to = machine.folder().join("acme");
    let to = to.to_str().unwrap();
    let (status, _, error) = machine.run(&["tenant", "delete", "acme", "--yes"]);
    assert_eq!(status, 2, "{error}");
    let (status, ..) = machine.run(&["tenant", "delete", "acme", "--export", to, "--no-input"]);
    assert_eq!(status, 8, "it asks first");
    let (status, said, error) = machine.run(&["tenant", "delete", "acme", "--export", to, "--yes"]);
    assert_eq!(status, 0, "{error}");
    assert!(said.contains("goes at") && error.contains("undo: nexora tenant restore acme"), "{said}{error}");
    assert_eq!(machine.run(&["tenant", "resume", "acme"]).0, 5);
    let status = machine.run(&["status", "--tenant", "acme"]).1;
    assert!(status.contains("nexora tenant restore acme"), "{status}");
    assert_eq!(machine.run(&["tenant", "restore", "acme"]).0, 0);
    let gone = machine.json(&["tenant", "delete", "acme", "--without-export", "--now", "--yes"]);
    assert_eq!(gone["is_gone"], true);
    assert_eq!(machine.run(&["tenant", "show", "acme"]).0, 4);
    assert_eq!(machine.run(&["audit", "verify"]).0, 0);
}
