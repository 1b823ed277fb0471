//! A whole installation moves from SQLite to PostgreSQL: every row, once, and the old database is left as it was.

use std::collections::{BTreeMap, BTreeSet};

use nexora::app::locks::{self, DAEMON};
use nexora::ops::access::key;
use nexora::ops::lead::form;
use nexora_core::model::consent::Channel;
use nexora_store::moved::mark_of;
use nexora_store::rows::{self, Kind};
use nexora_store::{Conn, Url};
use serde_json::Value;

use crate::harness::{Backend, Database, Nexora, enquiry};
use crate::machine::Machine;

/// Tells whether there is a PostgreSQL server, and says so where there is none.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn has_postgres() -> bool {
    let is_there = std::env::var_os("NEXORA_TEST_POSTGRES_URL").is_some();
    if !is_there {
        eprintln!("skipped: NEXORA_TEST_POSTGRES_URL is not set");
    }
    is_there
}

async fn with(url: &Url, work: impl FnOnce(&mut Conn) + Send + 'static) {
    let url = url.clone();
    tokio::task::spawn_blocking(move || work(&mut url.establish().unwrap())).await.unwrap();
}

/// Returns all rows of all tables, each table in an order of its own.
async fn everything(url: &Url) -> BTreeMap<String, Vec<String>> {
    let url = url.clone();
    let read = move || {
        let mut conn = url.establish().unwrap();
        let mut all = BTreeMap::new();
        for table in rows::tables(&mut conn).unwrap() {
            let mut lines = Vec::new();
            rows::each(&mut conn, &table, "TRUE", &mut |row| {
                lines.push(serde_json::from_str::<Value>(row).unwrap().to_string());
                Ok(())
            })
            .unwrap();
            lines.sort();
            all.insert(table.name, lines);
        }
        all
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

fn address(database: &Database) -> String {
    match &database.url {
        Url::Postgres(url) => url.clone(),
        Url::Sqlite(_) | Url::Scratch(_) => panic!("not PostgreSQL"),
    }
}

fn path(nexora: &Nexora) -> std::path::PathBuf {
    match &nexora.database.url {
        Url::Sqlite(path) => path.clone(),
        Url::Postgres(_) | Url::Scratch(_) => panic!("not SQLite"),
    }
}

/// An installation at work, with rows of every type.
async fn at_work() -> Nexora {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    nexora.seed_four_weeks(1).await;
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    form::set_wording(app, actor, tenant, Channel::Email, "Schreiben Sie mir: „ja“ \\ 'gut' 👍".into())
        .await
        .unwrap();
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(9, 9, image::Rgb([1, 2, 3]))
        .write_to(&mut picture, image::ImageFormat::Png)
        .unwrap();
    form::set_logo(app, actor, tenant, Some(picture.into_inner())).await.unwrap();
    key::create(app, actor, tenant, "crm", None).await.unwrap();
    nexora
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_carried_over_and_the_old_database_is_left_as_it_was() {
    if !has_postgres() {
        return;
    }
    let (nexora, target) = (at_work().await, Database::fresh(Backend::Postgres).await);
    let (machine, to) = (Machine::of(&nexora), address(&target));
    let before = everything(&nexora.database.url).await;
    for table in ["connections", "leads", "events", "effects", "forms", "audit", "automation_versions"] {
        assert!(!before[table].is_empty(), "{table}");
    }
    let (status, ..) = machine.run(&["migrate", "--to", &to, "--no-input"]);
    assert_eq!(status, 8, "it asks first");
    let moved = machine.json(&["migrate", "--to", &to, "--yes"]);
    let rows: usize = before.values().map(Vec::len).sum();
    assert_eq!(moved["rows"], rows);
    assert_eq!(moved["went_on"], false);
    assert_eq!(everything(&nexora.database.url).await, before, "the old one is as it was");
    let mut after = everything(&target.url).await;
    assert_eq!(after["audit"].len(), before["audit"].len() + 1, "the move is recorded in the new one");
    for table in ["audit", "audit_heads", "daemons"] {
        let old: Vec<_> = before[table].clone();
        if table == "audit" {
            assert!(old.iter().all(|row| after[table].contains(row)), "{table}");
        }
        after.insert(table.to_owned(), old);
    }
    assert_eq!(after, before);
    // Nothing works on the old one by mistake, and what is said names the new one.
    let (status, _, error) = machine.run(&["lead", "list"]);
    assert_eq!(status, 5, "{error}");
    assert!(error.contains("was moved to postgres") && error.contains("database.url"), "{error}");
    let status = machine.run(&["status"]).1;
    assert!(status.contains("was moved to"), "{status}");
    // The new one works: its credentials open, and the record verifies.
    let config = std::fs::read_to_string(machine.config()).unwrap();
    let old = format!("sqlite:{}", path(&nexora).display());
    std::fs::write(machine.config(), config.replace(&old, &to)).unwrap();
    let leads = machine.json(&["lead", "list", "--tenant", "acme", "--limit", "1000"]);
    assert_eq!(leads.as_array().unwrap().len(), before["leads"].len());
    assert_eq!(machine.run(&["audit", "verify"]).0, 0);
    let (status, _, error) = machine.run(&["key", "create", "other", "--tenant", "acme"]);
    assert_eq!(status, 0, "{error}");
    let (status, _, error) = machine.run(&["migrate", "--to", &to, "--yes"]);
    assert!(status == 2 && error.contains("only a SQLite database"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_ended_goes_on_and_what_is_not_empty_is_refused() {
    if !has_postgres() {
        return;
    }
    let (nexora, target) = (at_work().await, Database::fresh(Backend::Postgres).await);
    let (machine, to, from) = (Machine::of(&nexora), address(&target), path(&nexora));
    // A daemon that works on the old one.
    let lock = locks::take(&from, DAEMON).unwrap().unwrap();
    let (status, _, error) = machine.run(&["migrate", "--to", &to, "--yes"]);
    assert!(status == 5 && error.contains("systemctl stop nexora"), "{error}");
    drop(lock);
    // Ended while rows were put in: the new one has its tables, and no row.
    with(&target.url, |conn| {
        nexora_store::migration::run(conn).unwrap();
    })
    .await;
    let address = machine.folder().join("address");
    std::fs::write(&address, format!("{to}\n")).unwrap();
    let moved = machine.json(&["migrate", "--to-file", address.to_str().unwrap(), "--yes"]);
    assert_eq!(moved["went_on"], false);
    // Ended before the old one was marked.
    std::fs::remove_file(mark_of(&from)).unwrap();
    let moved = machine.json(&["migrate", "--to", &to, "--yes"]);
    assert_eq!(moved["went_on"], true);
    assert!(mark_of(&from).exists());
    // The way back: without its mark the old one is worked on again, and then it is another database.
    std::fs::remove_file(mark_of(&from)).unwrap();
    nexora.submit(enquiry()).await;
    let (status, _, error) = machine.run(&["migrate", "--to", &to, "--yes"]);
    assert!(status == 5 && error.contains("is not empty"), "{error}");
    assert!(!mark_of(&from).exists());
    let (status, _, error) = machine.run(&["migrate", "--to", "sqlite:/tmp/x.db", "--yes"]);
    assert!(status == 2 && error.contains("PostgreSQL alone"), "{error}");
    let foreign = Database::fresh(Backend::Postgres).await;
    with(&foreign.url, |conn| {
        let Conn::Postgres(conn) = conn else { panic!("not PostgreSQL") };
        diesel::RunQueryDsl::execute(diesel::sql_query("CREATE TABLE theirs (n bigint)"), &mut **conn)
            .unwrap();
    })
    .await;
    let to = match &foreign.url {
        Url::Postgres(url) => url.clone(),
        Url::Sqlite(_) | Url::Scratch(_) => panic!("not PostgreSQL"),
    };
    let (status, _, error) = machine.run(&["migrate", "--to", &to, "--yes"]);
    assert!(status == 5 && error.contains("tables of another program"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_have_the_same_tables_in_the_order_of_their_references() {
    let sqlite = Database::fresh(Backend::Sqlite).await;
    drop(sqlite.open().await);
    with(&sqlite.url, |conn| {
        let tables = rows::tables(conn).unwrap();
        let place = |name: &str| tables.iter().position(|table| table.name == name).unwrap();
        assert!(place("tenants") < place("leads") && place("effects") < place("verdicts"));
        let of_bytes = |table: &rows::Table| {
            let bytes = table.columns.iter().filter(|column| column.kind == Kind::Bytes);
            bytes.map(|column| format!("{}.{}", table.name, column.name)).collect::<Vec<_>>()
        };
        let bytes: BTreeSet<String> = tables.iter().flat_map(of_bytes).collect();
        let known = [
            "audit_people.sealed",
            "connections.sealed",
            "forms.logo",
            "forms.turnstile_sealed",
            "key_checks.root",
            "key_checks.sealed",
            "photos.content",
            "sign_ins.totp_pending",
            "sign_ins.totp_sealed",
            "sources.sealed",
        ];
        assert_eq!(bytes, known.map(str::to_owned).into(), "what is sealed does not leave the installation");
    })
    .await;
    if !has_postgres() {
        return;
    }
    let postgres = Database::fresh(Backend::Postgres).await;
    drop(postgres.open().await);
    let (one, other) = (sqlite.url.clone(), postgres.url.clone());
    let compare = move || {
        let tables = |url: &Url| rows::tables(&mut url.establish().unwrap()).unwrap();
        let (one, other) = (tables(&one), tables(&other));
        rows::check_same(&one, &other).unwrap();
        for table in &one {
            let twin = other.iter().find(|twin| twin.name == table.name).unwrap();
            assert_eq!(table.columns, twin.columns, "{}", table.name);
        }
    };
    tokio::task::spawn_blocking(compare).await.unwrap();
}
