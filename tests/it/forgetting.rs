//! A person is given everything that is kept of them, and is forgotten without a trace where they ask for it.

use std::collections::BTreeSet;

use diesel::RunQueryDsl;
use diesel::sql_types::{BigInt, Text};
use nexora::domain::contact::erasure::Forgotten;
use nexora::domain::contact::person::Named;
use nexora::domain::report::audit::look;
use nexora::ops::contact::erasure;
use nexora::ops::report::books;
use nexora::ops::{automation, contact, job, lead, task};
use nexora_core::base::Kind;
use nexora_core::model::LeadId;
use nexora_core::model::change::JobPerson;
use nexora_core::model::consent::{Channel, Scope};
use nexora_core::model::form::Photo;
use nexora_core::model::lead::ConsentRecord;
use nexora_core::model::{ContactId, PhotoId};
use nexora_store::erasure::RULES;
use nexora_store::{Conn, form};
use serde_json::{Value, json};

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::machine::Machine;
use crate::scene::{OFFICE, Scene};

on_both!(
    nothing_of_a_forgotten_person_is_left_and_others_are_as_they_were,
    what_refers_to_nobody_is_known_by_the_address,
    what_is_just_being_sent_is_waited_for,
    a_refusal_is_kept_as_a_hash,
);

/// What only Jo's rows hold.
const MARKS: [&str; 5] = ["Zweistein", "jo.z@example.com", "5550142", "Elm Street 7", "kettle sings"];

fn jo() -> nexora_engine::lead::enquiry::Enquiry {
    nexora_engine::lead::enquiry::Enquiry {
        name: "Jo Zweistein".into(),
        email: "Jo.Z@example.com".into(),
        phone: "(512) 555-0142".into(),
        message: "The kettle sings since Monday.".into(),
        address: "Elm Street 7".into(),
        ..enquiry()
    }
}

fn ann() -> nexora_engine::lead::enquiry::Enquiry {
    nexora_engine::lead::enquiry::Enquiry {
        name: "Ann Other".into(),
        email: "ann@example.com".into(),
        phone: "(512) 555-0199".into(),
        ..enquiry()
    }
}

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

fn tables(conn: &mut Conn) -> Vec<String> {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "SELECT name AS text FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
        Conn::Postgres(_) => {
            "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    lines(conn, sql).into_iter().filter(|name| !name.starts_with("__diesel")).collect()
}

/// Returns the tables in which a text is found, in whatever column.
async fn tables_with(nexora: &Nexora, marks: &'static [&'static str]) -> BTreeSet<String> {
    let look = move |conn: &mut Conn| {
        let mut found = BTreeSet::new();
        for table in tables(conn) {
            let row = match conn {
                Conn::Sqlite(_) => {
                    let columns =
                        lines(conn, &format!("SELECT name AS text FROM pragma_table_info('{table}')"));
                    columns
                        .iter()
                        .map(|name| format!("quote({name})"))
                        .collect::<Vec<_>>()
                        .join(" || ' ' || ")
                }
                Conn::Postgres(_) => format!("row_to_json({table})::text"),
            };
            for mark in marks {
                let mark = mark.to_lowercase();
                let sql = format!("SELECT count(*) AS rows FROM {table} WHERE lower({row}) LIKE '%{mark}%'");
                let query = diesel::sql_query(sql);
                let rows: Vec<Count> = match conn {
                    Conn::Sqlite(conn) => query.load(conn).unwrap(),
                    Conn::Postgres(conn) => query.load(&mut **conn).unwrap(),
                };
                if rows[0].rows > 0 {
                    found.insert(table.clone());
                }
            }
        }
        Ok(found)
    };
    nexora.app.db.read(look).await.unwrap()
}

/// Has everything happen to a person that leaves something in the records.
async fn live(nexora: &Nexora, id: &LeadId) -> ContactId {
    let Nexora { app, actor, tenant, .. } = nexora;
    nexora.settle().await;
    let contact_id = nexora.lead(id).await.lead.contact_id.unwrap();
    let photo = Photo {
        tenant_id: tenant.id.clone(),
        id: PhotoId::new(app.clock.now()),
        lead_id: id.clone(),
        width: 1,
        height: 1,
        content: b"\x89PNG the picture".to_vec(),
        created_at: app.clock.now(),
    };
    app.db.write(move |conn| form::insert_photo(conn, &photo)).await.unwrap();
    let new = job::NewJob {
        title: "Kettle of Jo Zweistein".into(),
        person: JobPerson { contact_id: Some(contact_id.clone()), ..JobPerson::default() },
        address: Some("Elm Street 7".into()),
        zone: None,
        amount_cents: Some(12_300),
        scheduled_at: None,
    };
    job::add(app, actor, tenant, new).await.unwrap();
    let title = ("Call Jo Zweistein".to_owned(), "the kettle sings".to_owned());
    task::add(app, actor, tenant, title, Some(contact_id.clone()), None).await.unwrap();
    let agreed = ConsentRecord { channel: Channel::Email, given: true, wording: "Zweistein said yes".into() };
    contact::record_consent(app, actor, tenant, contact_id.as_str(), agreed).await.unwrap();
    nexora.settle().await;
    contact_id
}

async fn export(nexora: &Nexora, named: &str) -> Value {
    let named = Named::Contact(named.into());
    let mut document =
        erasure::export(&nexora.app, &nexora.actor, &nexora.tenant, &named).await.unwrap().document;
    document["export"].take();
    // That it was exported is recorded, too.
    document["audit"].take();
    document
}

async fn plan(nexora: &Nexora, named: &str) -> nexora_core::base::Result<Forgotten> {
    erasure::plan(&nexora.app, &nexora.actor, &nexora.tenant, &Named::Contact(named.into())).await
}

async fn forget(nexora: &Nexora, named: &str) -> nexora_core::base::Result<Forgotten> {
    erasure::forget(&nexora.app, &nexora.actor, &nexora.tenant, &Named::Contact(named.into())).await
}

async fn nothing_of_a_forgotten_person_is_left_and_others_are_as_they_were(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    nexora.submit(ann()).await;
    let id = nexora.submit(jo()).await;
    let again = nexora.submit(jo()).await;
    live(&nexora, &id).await;
    lead::spam(app, actor, tenant, &again).await.unwrap();
    let email = "jo.z@example.com".parse().unwrap();
    contact::suppress(app, actor, tenant, &email, (Scope::Commercial, "Zweistein rang".into()))
        .await
        .unwrap();
    let before = tables_with(&nexora, &MARKS).await;
    for table in ["leads", "contacts", "effects", "messages", "jobs", "tasks", "consents", "suppressions"] {
        assert!(before.contains(table), "{table} is not tried: {before:?}");
    }
    assert!(!before.contains("audit"), "what entries say of a person is sealed");
    let ann_before = export(&nexora, "ann@example.com").await;
    let jo_export = export(&nexora, "(512) 555-0142").await;
    assert_eq!(jo_export["leads"].as_array().unwrap().len(), 2);
    assert_eq!(jo_export["leads"][0]["is_test"], false);
    assert_eq!(jo_export["addresses"].as_array().unwrap().len(), 2);
    assert_eq!(
        jo_export["effects"][0]["request"]["kind"].as_str().map(|kind| kind.contains('.')),
        Some(true)
    );
    assert_eq!(jo_export["leads"][0]["received_at"].as_str().map(|at| at.starts_with("20")), Some(true));
    let planned = plan(&nexora, "jo.z@example.com").await.unwrap();
    assert_eq!(tables_with(&nexora, &MARKS).await, before, "a plan changes nothing");
    let done = forget(&nexora, "jo.z@example.com").await.unwrap();
    assert_eq!((&done.erased, &done.outside), (&planned.erased, &planned.outside));
    assert_eq!(done.erased["leads"], 2);
    assert_eq!(done.erased["photos"], 1);
    let kinds: BTreeSet<&str> = done.outside.iter().map(|outside| outside.what.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["calendar entry", "mail sent", "row of a sheet"]));
    assert_eq!(tables_with(&nexora, &MARKS).await, BTreeSet::new());
    assert_eq!(export(&nexora, "ann@example.com").await, ann_before);
    // The figures of the business stay, and nothing is unaccounted for.
    let jobs = nexora.view(|tx| nexora_store::job::list(tx, None, None, 9)).await;
    assert_eq!((jobs[0].amount_cents, jobs[0].title.as_str()), (Some(12_300), "(forgotten)"));
    let balanced = books::of(app, Some(tenant.clone())).await.unwrap().remove(0).books;
    assert_eq!(balanced.unaccounted(), 0, "{balanced:?}");
    assert_eq!(look(app, None, None).await.unwrap().troubles, []);
    // It is done once, and kept as a receipt without the person.
    assert_eq!(forget(&nexora, "jo.z@example.com").await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(erasure::receipts(app, tenant).await.unwrap().len(), 1);
    // What stands in the file where the rows were is overwritten, too.
    if let nexora_store::Url::Sqlite(path) = &nexora.database.url {
        let truncate = |conn: &mut Conn| {
            let Conn::Sqlite(conn) = conn else { unreachable!() };
            diesel::connection::SimpleConnection::batch_execute(conn, "PRAGMA wal_checkpoint(TRUNCATE)")?;
            Ok(())
        };
        app.db.read(truncate).await.unwrap();
        let file = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&file);
        for mark in MARKS {
            assert!(!text.contains(mark), "{mark} is still in the file");
        }
    }
    // Who comes back is a new person, and what they asked not to be sent still holds.
    let back = nexora.submit(jo()).await;
    nexora.settle().await;
    let contact_id = nexora.lead(&back).await.lead.contact_id.unwrap();
    let view = contact::find(app, tenant, contact_id.as_str()).await.unwrap();
    assert!(view.addresses.iter().any(|address| address.suppressed == [Scope::Commercial]), "{view:?}");
}

async fn what_refers_to_nobody_is_known_by_the_address(backend: Backend) {
    let scene = Scene::new(backend).await;
    scene.rows(json!([["Name", "Mail"], ["Bo", "bojo.z@example.com"]]));
    let triggers = "[[trigger]]\non = \"gmail.message\"\n[[trigger]]\non = \"calendar.event\"\ncalendar = \"primary\"\n\
                    [[trigger]]\non = \"sheets.row\"\nspreadsheet = \"jobs\"\nsheet = \"Jobs\"";
    scene.define("watcher", triggers).await;
    let nexora = &scene.nexora;
    scene.mail("Jo Zweistein <jo.z@example.com>", "The kettle sings");
    scene.mail("Bo Jones <bojo.z@example.com>", "Another matter");
    scene.entry("POST", "", json!({
        "summary": "Kettle, Elm Street 7", "start": { "dateTime": "2026-09-25T10:00:00Z" }, "end": { "dateTime": "2026-09-25T11:00:00Z" },
        "attendees": [{ "email": "jo.z@example.com", "displayName": "Jo Zweistein" }],
    })).await;
    scene.pass(120).await;
    scene.rows(json!([["Name", "Mail"], ["Jo Zweistein", "jo.z@example.com"], ["Bo", "bojo.z@example.com"]]));
    scene.pass(120).await;
    let before = tables_with(nexora, &["jo.z@example.com"]).await;
    assert!(before.contains("events") && before.contains("items"), "{before:?}");
    let done = forget(nexora, "jo.z@example.com").await.unwrap();
    assert!(tables_with(nexora, &["bojo.z@example.com"]).await.contains("events"), "another's mail stays");
    let places: Vec<(&str, bool)> =
        done.outside.iter().map(|outside| (outside.what.as_str(), !outside.id.is_empty())).collect();
    for place in
        [("calendar entry", true), ("mail in the mailbox", true), ("row of a sheet that is read", false)]
    {
        assert!(places.contains(&place), "{place:?}: {places:?}");
    }
    // A row that stands in a sheet is still read; once it was removed there, it goes here, too.
    assert_eq!(tables_with(nexora, &["Zweistein"]).await, BTreeSet::from(["items".to_owned()]));
    scene.rows(json!([["Name", "Mail"], ["Bo", "bojo.z@example.com"]]));
    scene.pass(120).await;
    forget(nexora, "jo.z@example.com").await.unwrap();
    // What stands in the mailbox and in the calendar is not read once more.
    scene.pass(120).await;
    assert_eq!(tables_with(nexora, &["Zweistein"]).await, BTreeSet::new());
    // The business's own address is nobody's to forget.
    assert_eq!(forget(nexora, OFFICE).await.unwrap_err().kind(), Kind::NotFound);
    let error = forget(nexora, "no address").await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    let _ = automation::disable(&nexora.app, &nexora.actor, &nexora.tenant, "watcher").await;
}

async fn what_is_just_being_sent_is_waited_for(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.submit(jo()).await;
    nexora.settle().await;
    let until = nexora.app.clock.now().millis() + 60_000;
    let sql = format!("UPDATE effects SET state = 'leased', settled_at = NULL, lease_until = {until}");
    let lease = move |conn: &mut Conn| {
        let query = diesel::sql_query(sql);
        match conn {
            Conn::Sqlite(conn) => query.execute(conn)?,
            Conn::Postgres(conn) => query.execute(&mut **conn)?,
        };
        Ok(())
    };
    nexora.app.db.write(lease).await.unwrap();
    let before = tables_with(&nexora, &MARKS).await;
    let named = Named::Lead(id);
    let refused = erasure::forget(&nexora.app, &nexora.actor, &nexora.tenant, &named).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict);
    assert_eq!(tables_with(&nexora, &MARKS).await, before, "nothing went");
    nexora.app.clock.advance(std::time::Duration::from_secs(61));
    erasure::forget(&nexora.app, &nexora.actor, &nexora.tenant, &named).await.unwrap();
    assert_eq!(tables_with(&nexora, &MARKS).await, BTreeSet::new());
}

async fn a_refusal_is_kept_as_a_hash(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    nexora.submit(jo()).await;
    nexora.settle().await;
    let refused =
        ConsentRecord { channel: Channel::Email, given: false, wording: "no more, said Zweistein".into() };
    contact::record_consent(app, actor, tenant, "jo.z@example.com", refused).await.unwrap();
    forget(&nexora, "jo.z@example.com").await.unwrap();
    let kept = nexora.view(|tx| nexora_store::consent::list_suppressions(tx, 9)).await;
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].scope, kept[0].detail.as_str()), (Scope::Commercial, ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_named_with_what_becomes_of_it() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let there: BTreeSet<String> =
        nexora.app.db.read(|conn| Ok(tables(conn))).await.unwrap().into_iter().collect();
    let named: BTreeSet<String> = RULES.iter().map(|rule| rule.table.to_owned()).collect();
    assert_eq!(there, named, "src/store/erasure/rules.rs says of each table what becomes of it");
    assert_eq!(RULES.len(), named.len(), "each is named once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_export_plan_forget_and_list_receipts() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let id = nexora.submit(jo()).await;
    live(&nexora, &id).await;
    let machine = Machine::of(&nexora);
    let folder = machine.folder().join("jo");
    let to = folder.to_str().unwrap();
    let (status, _, error) = machine.run(&["contact", "export", "jo.z@example.com", "--to", to]);
    assert_eq!(status, 0, "{error}");
    let document: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("person.json")).unwrap()).unwrap();
    assert_eq!(document["contacts"][0]["name"], "Jo Zweistein");
    assert!(
        document["audit"]
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["after"]["title"] == "Call Jo Zweistein")
    );
    let photo = std::fs::read_dir(folder.join("photos")).unwrap().next().unwrap().unwrap();
    assert!(photo.file_name().to_string_lossy().ends_with(".png"));
    let (status, _, error) = machine.run(&["contact", "export", "jo.z@example.com", "--to", to]);
    assert_eq!(status, 5, "{error}");
    let lead = id.to_string();
    let (status, said, _) = machine.run(&["lead", "forget", &lead, "--dry-run"]);
    assert_eq!(status, 0);
    assert!(said.contains("What would go") && said.contains("mail sent"), "{said}");
    let (status, ..) = machine.run(&["lead", "forget", &lead, "--no-input"]);
    assert_eq!(status, 8, "it asks first");
    let (status, said, error) = machine.run(&["contact", "forget", "jo.z@example.com", "--yes"]);
    assert_eq!(status, 0, "{error}");
    assert!(said.contains("erasure_") && said.contains("What is gone"), "{said}");
    let receipts = machine.json(&["contact", "receipts"]);
    assert_eq!(receipts[0]["actor"], "operator:tester");
    for mark in MARKS {
        assert!(!said.contains(mark) && !receipts.to_string().contains(mark), "{mark}");
    }
}
