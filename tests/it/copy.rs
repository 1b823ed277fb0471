//! A tenant can be copied into another database: whole, alone, and at rest.

use std::collections::BTreeMap;

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};
use nexora::ops::access::user;
use nexora::ops::access::user::Grant;
use nexora::ops::contact;
use nexora::ops::lead::form;
use nexora::ops::tenant;
use nexora_core::model::TenantId;
use nexora_core::model::consent::{Channel, Scope};
use nexora_core::model::lead::ConsentRecord;
use nexora_core::model::user::Role;
use nexora_store::copy::{self, Contents};
use nexora_store::{Conn, Url, migration};

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};

/// The tables of tenants that stay behind, whatever is copied.
const STAY: [&str; 21] = [
    "api_keys",
    "assets",
    "attempts",
    "audit_people",
    "companies",
    "contact_groups",
    "custom_fields",
    "erasures",
    "findings",
    "group_members",
    "items",
    "locations",
    "notices",
    "photos",
    "schedules",
    "sessions",
    "sources",
    "steps",
    "tenant_deletions",
    "timers",
    "verdicts",
];

/// Columns that differ on purpose: nothing is due in the copy, and no credential is in it.
const DIFFER: [&str; 4] = ["due_at", "lease_until", "sealed", "turnstile_sealed"];

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
    let Conn::Sqlite(conn) = conn else { panic!("not SQLite") };
    let rows: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|row| row.text).collect()
}

fn count(conn: &mut Conn, from: &str) -> i64 {
    let sql = diesel::sql_query(format!("SELECT count(*) AS rows FROM {from}"));
    let rows: Vec<Count> = match conn {
        Conn::Sqlite(conn) => sql.load(conn).unwrap(),
        Conn::Postgres(conn) => sql.load(&mut **conn).unwrap(),
    };
    rows[0].rows
}

/// Returns every table with rows of tenants, each with its columns.
fn tables(conn: &mut Conn) -> BTreeMap<String, Vec<String>> {
    let all = lines(conn, "SELECT name AS text FROM sqlite_master WHERE type = 'table'");
    let columns = |table: String| {
        let sql = format!("SELECT name AS text FROM pragma_table_info('{table}')");
        let columns = lines(conn, &sql);
        (table, columns)
    };
    all.into_iter().map(columns).filter(|(_, columns)| columns.contains(&"tenant_id".to_owned())).collect()
}

/// Gives the tenant at least one row in each table that is copied, and another tenant some, too.
async fn fill(nexora: &Nexora) {
    let Nexora { app, actor, tenant, .. } = nexora;
    nexora.seed_four_weeks(1).await;
    nexora.submit(enquiry()).await;
    let other = tenant::create(app, actor, new_tenant("beta")).await.unwrap();
    nexora.submit_to(&other, enquiry()).await;
    let owner = Grant::Member(Box::new(tenant.clone()), Role::Owner);
    user::create(app, actor, "owner@acme.example.com".parse().unwrap(), None, owner).await.unwrap();
    user::create(app, actor, "op@example.com".parse().unwrap(), None, Grant::Operator).await.unwrap();
    let stranger = Grant::Member(Box::new(other), Role::Owner);
    user::create(app, actor, "owner@beta.example.com".parse().unwrap(), None, stranger).await.unwrap();
    form::set_wording(app, actor, tenant, Channel::Email, "Write to me".into()).await.unwrap();
    let gone = "gone@example.com".parse().unwrap();
    contact::suppress(app, actor, tenant, &gone, (Scope::All, String::new())).await.unwrap();
    let agreed = ConsentRecord { channel: Channel::Email, given: true, wording: "on paper".into() };
    contact::record_consent(app, actor, tenant, "jo@example.com", agreed).await.unwrap();
}

on_both!(a_tenant_is_copied_whole_alone_and_at_rest);

async fn a_tenant_is_copied_whole_alone_and_at_rest(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    fill(&nexora).await;
    let tenant = nexora.tenant.id.clone();
    let compare = move |from: &mut Conn| {
        compare(from, &tenant);
        Ok(())
    };
    nexora.app.db.read(compare).await.unwrap();
}

fn compare(from: &mut Conn, tenant: &TenantId) {
    let mut to = Url::Sqlite(":memory:".into()).establish().unwrap();
    migration::run(&mut to).unwrap();
    copy::tenant(from, &mut to, tenant, Contents::History).unwrap();
    for (table, columns) in tables(&mut to) {
        let copied = count(&mut to, &table);
        if STAY.contains(&table.as_str()) {
            assert_eq!(copied, 0, "{table}");
            continue;
        }
        assert!(copied > 0, "{table} is neither copied nor said to stay");
        let own = format!("{table} WHERE tenant_id = '{tenant}'");
        assert_eq!(copied, count(from, &own), "{table}");
        let differs = |name: &str| DIFFER.contains(&name) && table != "tasks";
        let kept: Vec<_> = columns.iter().filter(|name| !differs(name)).collect();
        let quoted: Vec<String> = kept.iter().map(|name| format!("quote({name})")).collect();
        let sql = format!("SELECT {} AS text FROM {own} ORDER BY 1", quoted.join(" || ' ' || "));
        if matches!(from, Conn::Sqlite(_)) {
            assert_eq!(lines(from, &sql), lines(&mut to, &sql), "{table}");
        }
    }
    assert_eq!(count(&mut to, "tenants"), 1);
    assert_eq!(count(&mut to, "users"), 2);
    assert_eq!(count(&mut to, "connections WHERE sealed IS NOT NULL"), 0);
    for table in ["events", "runs", "effects"] {
        let due = format!("{table} WHERE due_at IS NOT NULL");
        assert!(count(from, &due) > 0, "{table}");
        assert_eq!(count(&mut to, &due), 0, "{table}");
    }
    assert!(copy::tenant(from, &mut to, tenant, Contents::Records).is_err(), "it is there already");
}
