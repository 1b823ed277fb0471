//! One customer moves between installations, with everything that happened: once, held, and nobody is written to who said no.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nexora::ops::access::user::{self, Grant};
use nexora::ops::connection;
use nexora::ops::contact;
use nexora::ops::lead::source::{self, NewSource};
use nexora::ops::tenant::data::export::{self, Wish as Export};
use nexora::ops::tenant::text::apply::{Wish, apply};
use nexora::ops::tenant::text::plan::Plan;
use nexora::ops::tenant::{self, deletion};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Kind, Result};
use nexora_core::model::PhotoId;
use nexora_core::model::connection::ConnectionState;
use nexora_core::model::consent::Scope;
use nexora_core::model::form::Photo;
use nexora_core::model::source::{SourceKind, SourceSettings};
use nexora_core::model::tenant::{Tenant, TenantState};
use nexora_core::model::user::Role;
use nexora_engine::lead::lead_format::formats;
use nexora_store as store;
use nexora_store::{Conn, tenant_data};
use serde_json::Value;

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};
use crate::machine::Machine;

on_both!(
    a_tenant_moves_with_all_that_happened_and_is_held,
    what_is_not_whole_or_not_the_tenants_own_is_not_put_in,
);

const PASSPHRASE: &str = "correct horse battery";

/// The other database.
fn other(backend: Backend) -> Backend {
    let has_postgres = std::env::var_os("NEXORA_TEST_POSTGRES_URL").is_some();
    match backend {
        Backend::Sqlite if has_postgres => Backend::Postgres,
        Backend::Sqlite | Backend::Postgres => Backend::Sqlite,
    }
}

/// A tenant at work: leads, messages, a photo, people who are not written to, a source, users.
async fn at_work(backend: Backend) -> Nexora {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    nexora.seed_four_weeks(1).await;
    let lead = nexora.submit(enquiry()).await;
    nexora.settle().await;
    nexora
        .submit(nexora_engine::lead::enquiry::Enquiry { email: "later@example.com".into(), ..enquiry() })
        .await;
    let photo = Photo {
        tenant_id: tenant.id.clone(),
        id: PhotoId::new(app.clock.now()),
        lead_id: lead,
        width: 2,
        height: 1,
        content: vec![0, 255, 7, 13, 10],
        created_at: app.clock.now(),
    };
    app.db.write(move |conn| store::form::insert_photo(conn, &photo)).await.unwrap();
    let no = "jo@example.com".parse().unwrap();
    contact::suppress(app, actor, tenant, &no, (Scope::All, "by telephone".into())).await.unwrap();
    let new = NewSource {
        name: "website".into(),
        webhook: formats::of(&SourceKind::new("json")).unwrap(),
        settings: SourceSettings::default(),
        secret: Some(Secret::new("the-secret-of-the-site")),
        access_token: None,
    };
    source::add(app, actor, tenant, new).await.unwrap();
    let owner = Grant::Member(Box::new(tenant.clone()), Role::Owner);
    user::create(app, actor, "owner@acme.example.com".parse().unwrap(), None, owner).await.unwrap();
    nexora
}

async fn elsewhere(backend: Backend) -> Nexora {
    let there = Nexora::with_sandbox_and(backend, |_| {}).await;
    deletion::delete_now(&there.app, &there.actor, &there.tenant.slug).await.unwrap();
    there
}

async fn written(nexora: &Nexora, folder: &Path, wish: Export) -> Result<export::Written> {
    export::export(&nexora.app, &nexora.actor, &nexora.tenant.slug, folder, wish).await
}

fn sealed() -> Export {
    Export { passphrase: Some(Secret::new(PASSPHRASE)), drop_unknown_suppressions: false }
}

fn wish(folder: &Path, passphrase: Option<&str>) -> Wish {
    let passphrase = passphrase.map(Secret::new);
    Wish { folder: folder.to_owned(), with_data: true, passphrase, ..Wish::default() }
}

async fn applied(nexora: &Nexora, wish: &Wish) -> Result<Plan> {
    apply(&nexora.app, &nexora.actor, wish).await
}

/// Returns the rows of a tenant, by table.
async fn rows(nexora: &Nexora, tenant: &Tenant) -> BTreeMap<String, Vec<String>> {
    let id = tenant.id.clone();
    let read = move |conn: &mut Conn| {
        let mut all = BTreeMap::new();
        for table in tenant_data::tables(conn)? {
            let mut lines = Vec::new();
            tenant_data::each(conn, &table, &id, &mut |row| {
                lines.push(Value::Object(row).to_string());
                Ok(())
            })?;
            all.insert(table.name, lines);
        }
        Ok(all)
    };
    nexora.app.db.read(read).await.unwrap()
}

/// Tables of which something is of the installation: slug and state, what lacks its secret, hashes.
const OF_THE_INSTALLATION: [&str; 5] = ["tenants", "connections", "sources", "forms", "suppressions"];

async fn a_tenant_moves_with_all_that_happened_and_is_held(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let nexora = at_work(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let error = written(&nexora, &one, sealed()).await.unwrap_err();
    assert_eq!(error.hint_text().unwrap().split(';').next(), Some("run `nexora tenant suspend acme` first"));
    assert!(!one.exists());
    tenant::suspend(app, actor, &tenant.slug).await.unwrap();
    // Of an address that nothing else holds, only its hash is known.
    let unknown = "nobody-we-know@example.com".parse().unwrap();
    contact::suppress(app, actor, tenant, &unknown, (Scope::All, String::new())).await.unwrap();
    let error = written(&nexora, &one, sealed()).await.unwrap_err();
    assert!(error.message().starts_with("1 address that is not written to is known by a hash"), "{error:?}");
    assert!(!one.join("data").exists(), "what is half there would be taken for the whole");
    let wish_of = || Export { drop_unknown_suppressions: true, ..sealed() };
    let told = written(&nexora, &one, wish_of()).await.unwrap();
    assert_eq!((told.dropped_suppressions, told.rows["photos"]), (1, 1));
    let bundle = std::fs::read_to_string(one.join("data/connections.jsonl")).unwrap();
    assert!(!bundle.contains("sealed") && !bundle.contains("PRIVATE KEY"), "{bundle}");
    let error = written(&nexora, &one, wish_of()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict, "it is there already");
    let before = rows(&nexora, tenant).await;
    for table in ["leads", "events", "runs", "effects", "messages", "contacts", "photos", "verdicts"] {
        assert!(!before[table].is_empty(), "{table}");
    }
    let there = elsewhere(other(backend)).await;
    let dry = Wish { dry_run: true, ..wish(&one, Some(PASSPHRASE)) };
    let planned = applied(&there, &dry).await.unwrap();
    assert_eq!(tenant::list(&there.app).await.unwrap().len(), 0);
    let plan = applied(&there, &wish(&one, Some(PASSPHRASE))).await.unwrap();
    assert_eq!(planned.changes, plan.changes);
    assert_eq!(plan.held.as_deref(), Some("nexora tenant resume acme"));
    assert!(plan.changes.iter().any(|line| line.noun == "rows" && line.name == "leads"));
    let missing: Vec<&str> = plan.missing.iter().map(|missing| missing.command.as_str()).collect();
    assert_eq!(missing, ["nexora user set-password owner@acme.example.com"], "secrets came along");
    let moved = tenant::find(&there.app, &tenant.slug).await.unwrap();
    assert_eq!((moved.id.clone(), moved.state), (tenant.id.clone(), TenantState::Suspended));
    let after = rows(&there, &moved).await;
    for (table, rows) in &before {
        match OF_THE_INSTALLATION.contains(&table.as_str()) {
            true if table == "suppressions" => assert_eq!(after[table].len() + 1, rows.len()),
            true => assert_eq!(after[table].len(), rows.len(), "{table}"),
            false => assert_eq!(&after[table], rows, "{table}"),
        }
    }
    // Who said no is not written to there either, though the hash is another.
    assert!(!before["suppressions"].contains(&after["suppressions"][0]));
    let person = contact::find(&there.app, &moved, "jo@example.com").await.unwrap();
    let address = person.addresses.iter().find(|address| address.value == "jo@example.com").unwrap();
    assert_eq!(address.suppressed, [Scope::All]);
    let google = connection::find(&there.app, &moved, "google").await.unwrap();
    assert!(there.app.key.open(&google.seal_owner(), google.sealed.as_deref().unwrap()).is_ok());
    let again = applied(&there, &wish(&one, Some(PASSPHRASE))).await.unwrap();
    assert_eq!(again.changes, []);
    // And back again from there.
    let back = export::export(&there.app, &there.actor, &moved.slug, &two, sealed()).await.unwrap();
    assert_eq!(back.dropped_suppressions, 0);
    for table in
        before.keys().filter(|table| !["tenants", "connections", "sources"].contains(&table.as_str()))
    {
        let file =
            |folder: &Path| std::fs::read_to_string(folder.join(format!("data/{table}.jsonl"))).unwrap();
        assert_eq!(file(&one), file(&two), "{table}");
    }
    // Held: an event begins a run, which waits, and nothing is promised or done before it is resumed.
    let held = rows(&there, &moved).await;
    assert!(held["events"].iter().any(|row| row.contains("\"pending\"")), "something waits");
    there.settle().await;
    let settled = rows(&there, &moved).await;
    assert_eq!((&settled["effects"], &settled["attempts"]), (&before["effects"], &before["attempts"]));
    tenant::resume(&there.app, &there.actor, &moved.slug).await.unwrap();
    there.settle().await;
    let resumed = rows(&there, &moved).await;
    assert!(resumed["effects"].len() > before["effects"].len(), "what waited goes on");
    assert!(!resumed["events"].iter().any(|row| row.contains("\"pending\"")));
}

async fn what_is_not_whole_or_not_the_tenants_own_is_not_put_in(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one");
    let nexora = at_work(backend).await;
    tenant::suspend(&nexora.app, &nexora.actor, &nexora.tenant.slug).await.unwrap();
    written(&nexora, &one, Export::default()).await.unwrap();
    let there = elsewhere(backend).await;
    let refused = async |what: &str| {
        let error = applied(&there, &wish(&one, None)).await.unwrap_err();
        assert!(error.report().contains(what), "{what}: {}", error.report());
        assert_eq!(tenant::list(&there.app).await.unwrap().len(), 0, "{what}");
        error.kind()
    };
    let leads = one.join("data/leads.jsonl");
    let text = std::fs::read_to_string(&leads).unwrap();
    let id = nexora.tenant.id.as_str();
    let foreign = text.replacen(id, "tenant_01k5b3v6zr9m8q2x4t7w0c1d2e", 1);
    std::fs::write(&leads, foreign).unwrap();
    assert_eq!(refused("row 1 of `leads` is not the tenant's").await, Kind::Usage);
    std::fs::write(&leads, text.replacen('{', "{\"extra\":1,", 1)).unwrap();
    assert_eq!(refused("has `extra`, which is no column").await, Kind::Usage);
    std::fs::write(&leads, text.replacen('{', "[", 1)).unwrap();
    assert_eq!(refused("leads.jsonl:1: it is no row").await, Kind::Usage);
    let photos = one.join("data/photos.jsonl");
    let picture = std::fs::read_to_string(&photos).unwrap();
    std::fs::write(&leads, &text).unwrap();
    std::fs::write(&photos, "").unwrap();
    assert_eq!(refused("has 0 rows, and the manifest says 1").await, Kind::Usage);
    std::fs::write(&photos, picture).unwrap();
    let manifest = one.join("data/manifest.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("schema = \"", "schema = \"0")).unwrap();
    assert_eq!(refused("is of another version of Nexora").await, Kind::Conflict);
    std::fs::write(&manifest, text.replace("format = 1", "format = 2")).unwrap();
    assert_eq!(refused("a format that this program does not read").await, Kind::Conflict);
    std::fs::write(&manifest, &text).unwrap();
    let error = applied(&there, &wish(&one, Some(PASSPHRASE))).await.unwrap_err();
    assert!(error.message().contains("holds no secrets"), "{}", error.message());
    // Another tenant has the name.
    tenant::create(&there.app, &there.actor, new_tenant("acme")).await.unwrap();
    let error = applied(&there, &wish(&one, None)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.hint_text()),
        (Kind::Conflict, Some("apply it under another slug with `--tenant`"))
    );
    let second = Wish { slug: Some("acme-moved".parse().unwrap()), ..wish(&one, None) };
    let plan = applied(&there, &second).await.unwrap();
    let missing: Vec<&str> = plan.missing.iter().map(|missing| missing.command.as_str()).collect();
    for command in [
        "nexora connection set google --key-file FILE --tenant acme-moved",
        "nexora source rotate-secret website --tenant acme-moved",
    ] {
        assert!(missing.contains(&command), "{command}: {missing:?}");
    }
    let moved = tenant::find(&there.app, &"acme-moved".parse().unwrap()).await.unwrap();
    let google = connection::find(&there.app, &moved, "google").await.unwrap();
    assert_eq!(google.state, ConnectionState::Failing);
    let shown = source::rotate_secret(&there.app, &there.actor, &moved, "website", None).await.unwrap();
    assert!(shown.url.contains("/hooks/acme-moved/website"), "{}", shown.url);
    // Its data is here once.
    let third = Wish { slug: Some("acme-third".parse().unwrap()), ..wish(&one, None) };
    let error = applied(&there, &third).await.unwrap_err();
    assert!(error.message().contains("is here already, as `acme-moved`"), "{}", error.message());
}

/// A table that is added has to be decided about: it travels by itself, and is named here; or it stays behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_of_tenants_travels_or_is_said_to_stay() {
    let nexora = Nexora::with_sandbox_and(Backend::Sqlite, |_| {}).await;
    let (all, travel) = nexora
        .app
        .db
        .read(|conn| {
            let all: BTreeSet<String> = store::rows::tables(conn)?
                .into_iter()
                .filter(|table| table.has("tenant_id"))
                .map(|table| table.name)
                .collect();
            let travel: BTreeSet<String> =
                tenant_data::tables(conn)?.into_iter().map(|table| table.name).collect();
            Ok((all, travel))
        })
        .await
        .unwrap();
    let stay: BTreeSet<&str> =
        all.iter().map(String::as_str).filter(|name| !travel.contains(*name)).collect();
    let known =
        ["api_keys", "audit_people", "findings", "memberships", "sessions", "tenant_deletions"].into();
    assert_eq!(stay, known);
    assert!(travel.contains("tenants"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_move_a_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one");
    let to = one.to_str().unwrap();
    let nexora = at_work(Backend::Sqlite).await;
    let machine = Machine::of(&nexora);
    let (status, _, error) = machine.run(&["tenant", "export", to, "--with-data"]);
    assert!(status == 5 && error.contains("nexora tenant suspend acme"), "{error}");
    assert_eq!(machine.run(&["tenant", "suspend", "acme"]).0, 0);
    let passphrase = folder.path().join("passphrase");
    std::fs::write(&passphrase, format!("{PASSPHRASE}\n")).unwrap();
    let passphrase = passphrase.to_str().unwrap();
    let (status, said, error) =
        machine.run(&["tenant", "export", to, "--with-data", "--passphrase-file", passphrase]);
    assert_eq!(status, 0, "{error}");
    assert!(said.contains("sealed") && error.contains("nexora tenant resume acme"), "{said}{error}");
    let there = elsewhere(Backend::Sqlite).await;
    let other = Machine::of(&there);
    let wrong = folder.path().join("wrong");
    std::fs::write(&wrong, "another passphrase\n").unwrap();
    let (status, _, error) =
        other.run(&["apply", "-f", to, "--with-data", "--passphrase-file", wrong.to_str().unwrap()]);
    assert!(status == 7 && error.contains("does not open"), "{error}");
    let (status, said, error) =
        other.run(&["apply", "-f", to, "--with-data", "--passphrase-file", passphrase]);
    assert_eq!(status, 0, "{error}");
    assert!(said.contains("leads") && error.contains("nexora tenant resume acme"), "{said}{error}");
    let plan = other.json(&["apply", "-f", to, "--with-data", "--dry-run"]);
    assert_eq!(plan["changes"].as_array().unwrap().len(), 0);
    assert_eq!(plan["held"], "nexora tenant resume acme");
    assert_eq!(other.run(&["audit", "verify"]).0, 0);
    let shown = other.json(&["tenant", "show", "acme"]);
    assert_eq!(shown["state"], "suspended");
}
