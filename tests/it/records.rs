//! Records are made, found, changed, deleted and restored, the same on both databases, and never across tenants.

use nexora::ops::record::field::{self, NewField};
use nexora::ops::record::group::{self, Way};
use nexora::ops::record::{self, Changes, Wanted};
use nexora::ops::tenant;
use nexora_core::base::Kind;
use nexora_core::model::audit::Actor;
use nexora_core::model::record::{ASSET, COMPANY, CONTACT, GROUP, Record, RecordKind};
use nexora_core::model::tenant::Tenant;

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};

on_both!(
    a_record_is_made_changed_deleted_and_restored,
    filters_and_searches_find_the_same,
    no_two_have_the_same_number,
    a_contact_has_its_addresses_where_leads_look,
    groups_and_segments_hold_contacts,
    fields_of_a_tenants_own,
    records_stay_in_their_tenant,
);

fn actor() -> Actor {
    Actor::Operator("test".into())
}

fn changes(pairs: &[(&str, &str)]) -> Changes {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

impl Nexora {
    async fn make(&self, kind: &'static RecordKind, pairs: &[(&str, &str)]) -> Record {
        record::create(&self.app, &actor(), &self.tenant, kind, changes(pairs)).await.unwrap()
    }

    async fn names(&self, kind: &'static RecordKind, wanted: Wanted) -> Vec<String> {
        let (_, found) = record::list(&self.app, &self.tenant, kind, wanted).await.unwrap();
        found.iter().map(|record| record.name(kind)).collect()
    }
}

fn wanted() -> Wanted {
    Wanted::newest(50)
}

fn filtered(condition: &str) -> Wanted {
    Wanted { condition: Some(condition.to_owned()), sort: Some("name".to_owned()), ..wanted() }
}

async fn a_record_is_made_changed_deleted_and_restored(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let (app, acme) = (&nexora.app, &nexora.tenant);
    let company = nexora
        .make(&COMPANY, &[("name", "Oak House"), ("account_number", "A-1"), ("tags", "vip, north")])
        .await;
    let (schema, found) = record::find(app, acme, &COMPANY, "oak house").await.unwrap();
    assert_eq!(found, company);
    assert_eq!(schema.kind.word(), "company");

    let by_number = |pairs: &[(&str, &str)]| {
        let changes = changes(pairs);
        async move { record::set(app, &actor(), acme, &COMPANY, "A-1", changes).await }
    };
    let (before, after) = by_number(&[("city", "Austin"), ("tags", "-north, +south")]).await.unwrap();
    assert_eq!((before.text("city"), after.text("city")), (None, Some("Austin")));
    assert_eq!(after.values["tags"], serde_json::json!(["south", "vip"]));
    let (same, again) = by_number(&[("city", " Austin ")]).await.unwrap();
    assert_eq!(same, again);
    let failed = by_number(&[("phone", "12")]).await.unwrap_err();
    assert_eq!((failed.kind(), failed.message().starts_with("`phone`")), (Kind::Usage, true));
    assert_eq!(by_number(&[("name", "")]).await.unwrap_err().kind(), Kind::Usage);
    assert_eq!(by_number(&[("contacts", "3")]).await.unwrap_err().kind(), Kind::Usage);

    record::delete(app, &actor(), acme, &COMPANY, "Oak House").await.unwrap();
    assert!(nexora.names(&COMPANY, wanted()).await.is_empty());
    assert_eq!(nexora.names(&COMPANY, Wanted { is_deleted: true, ..wanted() }).await, ["Oak House"]);
    let gone = record::set(app, &actor(), acme, &COMPANY, &company.id, changes(&[("city", "X")])).await;
    assert!(gone.unwrap_err().hint_text().unwrap().contains("company restore"));
    let back = record::restore(app, &actor(), acme, &COMPANY, &company.id).await.unwrap();
    assert_eq!(back.text("city"), Some("Austin"));
    assert_eq!(nexora.names(&COMPANY, wanted()).await, ["Oak House"]);
}

async fn filters_and_searches_find_the_same(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    for (name, city, birthday, priority, tags) in [
        ("John Smith", "Austin", "1980-05-01", "high", "vip"),
        ("Joan Schmidt", "austin", "1990-12-24", "low", "vip, slow payer"),
        ("Ana Ruíz", "Round Rock", "2001-01-31", "", ""),
        ("Zoë 100%", "", "", "normal", "a_b"),
    ] {
        nexora
            .make(
                &CONTACT,
                &[
                    ("name", name),
                    ("city", city),
                    ("birthday", birthday),
                    ("priority", priority),
                    ("tags", tags),
                ],
            )
            .await;
        nexora.app.clock.advance(std::time::Duration::from_secs(3_600));
    }
    for (condition, expected) in [
        ("city = 'AUSTIN'", vec!["Joan Schmidt", "John Smith"]),
        ("city != austin", vec!["Ana Ruíz", "Zoë 100%"]),
        ("not city = austin", vec!["Ana Ruíz", "Zoë 100%"]),
        ("city is empty", vec!["Zoë 100%"]),
        ("city is not empty and tags is empty", vec!["Ana Ruíz"]),
        ("city contains 'rock'", vec!["Ana Ruíz"]),
        ("name contains '%'", vec!["Zoë 100%"]),
        ("name contains '_'", vec![]),
        ("tags has VIP", vec!["Joan Schmidt", "John Smith"]),
        ("tags has slow", vec![]),
        ("tags has 'slow payer' or tags has a_b", vec!["Joan Schmidt", "Zoë 100%"]),
        ("tags has axb", vec![]),
        ("birthday < 1990-12-24", vec!["John Smith"]),
        ("birthday >= 1990-12-24", vec!["Ana Ruíz", "Joan Schmidt"]),
        ("not birthday >= 1990-12-24", vec!["John Smith", "Zoë 100%"]),
        ("birthday > 40years", vec!["John Smith"]),
        ("priority in (high, low)", vec!["Joan Schmidt", "John Smith"]),
        ("leads = 0 and last_lead_at is empty", vec!["Ana Ruíz", "Joan Schmidt", "John Smith", "Zoë 100%"]),
        ("leads > 0", vec![]),
        ("created_at < 150min", vec!["Ana Ruíz", "Zoë 100%"]),
        ("created_at > 150min", vec!["Joan Schmidt", "John Smith"]),
        ("created_at = today", vec!["Ana Ruíz", "Joan Schmidt", "John Smith", "Zoë 100%"]),
    ] {
        assert_eq!(nexora.names(&CONTACT, filtered(condition)).await, expected, "{condition}");
        let counted =
            record::count(&nexora.app, &nexora.tenant, &CONTACT, filtered(condition)).await.unwrap();
        assert_eq!(counted, i64::try_from(expected.len()).unwrap(), "{condition}");
    }
    for (search, expected) in [
        ("smith", vec!["John Smith"]),
        ("jon smyth", vec!["John Smith"]),
        ("john austin", vec!["John Smith"]),
        ("ana ruiz", vec!["Ana Ruíz"]),
        ("ZOË", vec!["Zoë 100%"]),
        ("100%", vec!["Zoë 100%"]),
        ("slow", vec!["Joan Schmidt"]),
        ("a_b", vec!["Zoë 100%"]),
        ("axb", vec![]),
        ("'; DROP TABLE contacts; --", vec![]),
    ] {
        let wanted = Wanted { search: Some(search.to_owned()), sort: Some("name".to_owned()), ..wanted() };
        let found = nexora.names(&CONTACT, wanted).await;
        assert!(expected.iter().all(|name| found.iter().any(|found| found == name)), "{search}: {found:?}");
        assert!(found.len() <= expected.len().max(2), "{search}: {found:?}");
    }
    let sorted = |by: &str| Wanted { sort: Some(by.to_owned()), ..wanted() };
    assert_eq!(nexora.names(&CONTACT, sorted("-birthday")).await.first().unwrap(), "Ana Ruíz");
    assert_eq!(nexora.names(&CONTACT, sorted("birthday")).await.last().unwrap(), "Zoë 100%");
    assert_eq!(
        nexora.names(&CONTACT, Wanted { offset: 1, limit: 1, ..sorted("name") }).await,
        ["Joan Schmidt"]
    );
    assert_eq!(
        nexora.names(&CONTACT, Wanted { tags: vec!["vip".to_owned()], ..sorted("name") }).await.len(),
        2
    );
}

async fn no_two_have_the_same_number(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let (app, acme) = (&nexora.app, &nexora.tenant);
    let first = nexora.make(&ASSET, &[("name", "Boiler"), ("serial", "S1")]).await;
    let twice =
        record::create(app, &actor(), acme, &ASSET, changes(&[("name", "Other"), ("serial", "S1")])).await;
    let twice = twice.unwrap_err();
    assert_eq!(
        (twice.kind(), twice.message()),
        (Kind::Conflict, "an asset with the serial `S1` exists already")
    );
    record::delete(app, &actor(), acme, &ASSET, &first.id).await.unwrap();
    nexora.make(&ASSET, &[("name", "Boiler"), ("serial", "S1")]).await;
    let back = record::restore(app, &actor(), acme, &ASSET, &first.id).await;
    assert_eq!(back.unwrap_err().kind(), Kind::Conflict);
    nexora.make(&ASSET, &[("name", "Boiler")]).await;
    let ambiguous = record::find(app, acme, &ASSET, "boiler").await.unwrap_err();
    assert!(ambiguous.message().contains("several assets"), "{}", ambiguous.message());
}

async fn a_contact_has_its_addresses_where_leads_look(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let (app, acme) = (&nexora.app, &nexora.tenant);
    let jo = nexora
        .make(&CONTACT, &[("name", "Jo"), ("email", "Jo@Example.com"), ("phone", "512 555 0142")])
        .await;
    let lead = nexora.submit(enquiry()).await;
    assert_eq!(nexora.lead(&lead).await.lead.contact_id.unwrap().as_str(), jo.id);
    let (_, found) = record::find(app, acme, &CONTACT, "jo@example.com").await.unwrap();
    assert_eq!(found.values["leads"], serde_json::json!(1));
    assert_eq!(nexora.names(&CONTACT, Wanted { search: Some("555-0142".into()), ..wanted() }).await, ["Jo"]);

    nexora.app.clock.advance(std::time::Duration::from_secs(60));
    record::set(app, &actor(), acme, &CONTACT, &jo.id, changes(&[("email", "jo@work.example")]))
        .await
        .unwrap();
    let (_, found) = record::find(app, acme, &CONTACT, &jo.id).await.unwrap();
    assert_eq!(found.text("email"), Some("jo@work.example"));
    let other = changes(&[("name", "Al"), ("email", "jo@work.example")]);
    let refused = record::create(app, &actor(), acme, &CONTACT, other).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict);
    assert_eq!(nexora.names(&CONTACT, wanted()).await, ["Jo"]);

    // Whoever enquires again is a contact again.
    record::delete(app, &actor(), acme, &CONTACT, &jo.id).await.unwrap();
    let again = nexora.submit(enquiry()).await;
    assert_eq!(nexora.lead(&again).await.lead.contact_id.unwrap().as_str(), jo.id);
    assert_eq!(nexora.names(&CONTACT, wanted()).await, ["Jo"]);
}

async fn groups_and_segments_hold_contacts(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let (app, acme) = (&nexora.app, &nexora.tenant);
    for (name, city) in [("Jo", "Austin"), ("Al", "Austin"), ("Bo", "Waco")] {
        nexora.make(&CONTACT, &[("name", name), ("city", city)]).await;
    }
    nexora.make(&GROUP, &[("name", "vip")]).await;
    nexora.make(&GROUP, &[("name", "austin"), ("condition", "city = 'Austin'")]).await;
    let put = |group: &str, names: &[&str], way: Way| {
        let (group, names) = (group.to_owned(), names.iter().map(|name| (*name).to_owned()).collect());
        async move { group::change(app, &actor(), acme, &group, names, way).await }
    };
    assert_eq!(put("vip", &["Jo", "Bo"], Way::In).await.unwrap(), 2);
    assert_eq!(put("vip", &["Jo"], Way::In).await.unwrap(), 0);
    assert_eq!(put("vip", &["Bo"], Way::Out).await.unwrap(), 1);
    assert_eq!(put("vip", &["Nobody"], Way::In).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(put("austin", &["Bo"], Way::In).await.unwrap_err().kind(), Kind::Conflict);
    let of = |group: &str| Wanted { group: Some(group.to_owned()), sort: Some("name".into()), ..wanted() };
    assert_eq!(nexora.names(&CONTACT, of("vip")).await, ["Jo"]);
    assert_eq!(nexora.names(&CONTACT, of("Austin")).await, ["Al", "Jo"]);
    let broken = changes(&[("name", "x"), ("condition", "town = 1")]);
    assert_eq!(record::create(app, &actor(), acme, &GROUP, broken).await.unwrap_err().kind(), Kind::Usage);
    let none = record::list(app, acme, &CONTACT, of("none")).await.unwrap_err();
    assert_eq!(none.kind(), Kind::NotFound);
}

async fn fields_of_a_tenants_own(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let (app, acme) = (&nexora.app, &nexora.tenant);
    let define = |name: &str, holds: &str, choices: &[&str]| {
        let new = NewField {
            kind: &CONTACT,
            name: name.to_owned(),
            holds: holds.to_owned(),
            choices: choices.iter().map(|word| (*word).to_owned()).collect(),
            help: String::new(),
        };
        async move { field::define(app, &actor(), acme, new).await }
    };
    define("boiler_age", "number", &[]).await.unwrap();
    define("fuel", "choice", &["gas", "oil"]).await.unwrap();
    define("owner_lives_there", "yes-no", &[]).await.unwrap();
    assert_eq!(define("fuel", "text", &[]).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(define("city", "text", &[]).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(define("Fuel", "text", &[]).await.unwrap_err().kind(), Kind::Usage);
    nexora
        .make(
            &CONTACT,
            &[("name", "Jo"), ("boiler_age", "12"), ("fuel", "GAS"), ("owner_lives_there", "yes")],
        )
        .await;
    nexora.make(&CONTACT, &[("name", "Al"), ("boiler_age", "2.5"), ("owner_lives_there", "no")]).await;
    let coal = changes(&[("name", "Bo"), ("fuel", "coal")]);
    let refused = record::create(app, &actor(), acme, &CONTACT, coal).await.unwrap_err();
    assert!(refused.hint_text().unwrap().contains("gas, oil"));
    for (condition, expected) in [
        ("boiler_age > 10", vec!["Jo"]),
        ("boiler_age < 10", vec!["Al"]),
        ("fuel = gas", vec!["Jo"]),
        ("owner_lives_there = yes", vec!["Jo"]),
        ("owner_lives_there = no", vec!["Al"]),
        ("fuel is empty", vec!["Al"]),
    ] {
        assert_eq!(nexora.names(&CONTACT, filtered(condition)).await, expected, "{condition}");
    }
    // Defined anew as something else, it is nothing where it says what it cannot.
    field::delete(app, &actor(), acme, &CONTACT, "fuel").await.unwrap();
    assert!(record::list(app, acme, &CONTACT, filtered("fuel = gas")).await.is_err());
    define("fuel", "number", &[]).await.unwrap();
    assert!(nexora.names(&CONTACT, filtered("fuel > 0")).await.is_empty());
    assert_eq!(nexora.names(&CONTACT, Wanted { sort: Some("-fuel".into()), ..wanted() }).await.len(), 2);
    // What is not defined is kept when the record is changed.
    field::delete(app, &actor(), acme, &CONTACT, "boiler_age").await.unwrap();
    record::set(app, &actor(), acme, &CONTACT, "Jo", changes(&[("city", "Waco")])).await.unwrap();
    define("boiler_age", "number", &[]).await.unwrap();
    assert_eq!(nexora.names(&CONTACT, filtered("boiler_age = 12")).await, ["Jo"]);
}

async fn records_stay_in_their_tenant(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let app = &nexora.app;
    let other: Tenant = tenant::create(app, &actor(), new_tenant("other")).await.unwrap();
    let oak = nexora.make(&COMPANY, &[("name", "Oak House"), ("account_number", "A-1")]).await;
    for wanted in ["Oak House", "A-1", &oak.id] {
        assert_eq!(record::find(app, &other, &COMPANY, wanted).await.unwrap_err().kind(), Kind::NotFound);
        let set = record::set(app, &actor(), &other, &COMPANY, wanted, changes(&[("city", "X")])).await;
        assert_eq!(set.unwrap_err().kind(), Kind::NotFound);
        assert!(record::delete(app, &actor(), &other, &COMPANY, wanted).await.is_err());
        // Nor can it be named as another record's.
        let named = changes(&[("name", "Boiler"), ("company_id", wanted)]);
        assert!(record::create(app, &actor(), &other, &ASSET, named).await.is_err());
    }
    let (_, theirs) = record::list(app, &other, &COMPANY, wanted()).await.unwrap();
    assert!(theirs.is_empty());
    let same = changes(&[("name", "Oak House"), ("account_number", "A-1")]);
    record::create(app, &actor(), &other, &COMPANY, same).await.unwrap();
    let asset = nexora.make(&ASSET, &[("name", "Boiler"), ("company_id", "A-1")]).await;
    assert_eq!(asset.text("company_id"), Some(oak.id.as_str()));
    let (_, found) = record::find(app, &nexora.tenant, &COMPANY, "A-1").await.unwrap();
    assert_eq!(found.values["assets"], serde_json::json!(1));
}
