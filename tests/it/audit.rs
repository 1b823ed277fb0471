//! The audit trail says who did what, and whatever others do to its rows is found.

use std::sync::Arc;

use nexora::domain::report::audit::look;
use nexora::ops::report::audit as report;
use nexora::ops::{job, lead, record, task, tenant};
use nexora::pipeline::audit as nightly;
use nexora_core::base::secret::MasterKey;
use nexora_core::base::text::hex;
use nexora_core::model::audit::{Actor, AuditHead};
use nexora_core::model::record::CONTACT;
use nexora_store::audit::{self, Filter, Ledger, Order};
use nexora_store::{Conn, finding};
use sha2::{Digest as _, Sha256};

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};
use crate::machine::Machine;

on_both!(
    whatever_is_done_to_the_rows_is_found,
    a_head_kept_elsewhere_shows_what_the_database_cannot,
    what_earlier_versions_wrote_is_chained_once_and_what_was_changed_in_it_is_told,
    what_an_entry_says_of_a_person_goes_with_their_key_and_the_chain_holds,
    writers_at_once_make_one_line,
    a_trail_goes_on_under_another_master_key,
    entries_are_found_by_who_what_when_and_text,
    the_night_notes_a_broken_trail_and_its_mending,
);

async fn edit(nexora: &Nexora, text: &str) {
    let text = text.to_owned();
    let write = move |conn: &mut Conn| {
        let query = diesel::sql_query(text);
        match conn {
            Conn::Sqlite(conn) => diesel::RunQueryDsl::execute(query, conn)?,
            Conn::Postgres(conn) => diesel::RunQueryDsl::execute(query, &mut **conn)?,
        };
        Ok(())
    };
    nexora.app.db.write(write).await.unwrap();
}

/// Returns what is wrong: the entry and what it says.
async fn faults(nexora: &Nexora, expected: Option<&AuditHead>) -> Vec<(Option<i64>, String)> {
    let looked = look(&nexora.app, None, expected.cloned()).await.unwrap();
    looked.troubles.into_iter().map(|trouble| (trouble.number, trouble.what)).collect()
}

async fn head(nexora: &Nexora) -> AuditHead {
    report::head(&nexora.app, &nexora.actor).await.unwrap()
}

/// A tenant with eight entries.
async fn busy(backend: Backend) -> Nexora {
    let nexora = Nexora::with_sandbox(backend).await;
    for name in ["One", "Two", "Three", "Four"] {
        let changes = [("name".to_owned(), name.to_owned())];
        tenant::set(&nexora.app, &nexora.actor, &nexora.tenant.slug, &changes).await.unwrap();
    }
    assert_eq!(faults(&nexora, None).await, []);
    nexora
}

/// What is done to the rows, and which entries are told, with what was done to them.
type Edit = (&'static str, &'static [(Option<i64>, &'static str)]);

async fn whatever_is_done_to_the_rows_is_found(backend: Backend) {
    let edits: [Edit; 10] = [
        (
            "UPDATE audit SET actor = 'operator:nobody' WHERE chain = '$' AND number = 2",
            &[(Some(2), "was edited")],
        ),
        ("UPDATE audit SET at = at + 1 WHERE chain = '$' AND number = 8", &[(Some(8), "was edited")]),
        (
            "UPDATE audit SET person = 'contact_x' WHERE chain = '$' AND number = 3",
            &[(Some(3), "was edited")],
        ),
        (
            "UPDATE audit SET after = '\"x\"', form = 0 WHERE chain = '$' AND number = 3",
            &[(Some(3), "has the form of an earlier version: it was not written by this one")],
        ),
        ("DELETE FROM audit WHERE chain = '$' AND number = 4", &[(Some(4), "was taken out")]),
        (
            "DELETE FROM audit WHERE chain = '$' AND number IN (3, 4, 5)",
            &[(Some(3), "and the 2 after it were taken out")],
        ),
        ("DELETE FROM audit WHERE chain = '$' AND number = 8", &[(Some(8), "the last entry was cut off")]),
        (
            "DELETE FROM audit WHERE chain = '$' AND number > 5",
            &[(Some(6), "the last 3 entries were cut off")],
        ),
        ("DELETE FROM audit_heads WHERE chain = '$'", &[(None, "the head of the chain was taken away")]),
        (
            "UPDATE audit_heads SET entries = 8, changed_at = changed_at + 1 WHERE chain = '$'",
            &[(None, "the head of the chain was forged, or the master key is another one")],
        ),
    ];
    let nexora = busy(backend).await;
    let id = nexora.tenant.id.to_string();
    // Each is done to the rows as they were.
    edit(&nexora, "CREATE TABLE kept AS SELECT * FROM audit").await;
    edit(&nexora, "CREATE TABLE kept_heads AS SELECT * FROM audit_heads").await;
    for (sql, expected) in edits {
        edit(&nexora, &sql.replace('$', &id)).await;
        let found = faults(&nexora, None).await;
        let expected: Vec<(Option<i64>, String)> =
            expected.iter().map(|(number, what)| (*number, (*what).to_owned())).collect();
        assert_eq!(found, expected, "{sql}");
        // What is done after it neither hides it nor is kept from being recorded.
        let changes = [("name".to_owned(), format!("After {sql}").chars().take(40).collect())];
        tenant::set(&nexora.app, &nexora.actor, &nexora.tenant.slug, &changes).await.unwrap();
        assert!(!faults(&nexora, None).await.is_empty(), "{sql}");
        for table in ["audit", "audit_heads"] {
            edit(&nexora, &format!("DELETE FROM {table}")).await;
        }
        edit(&nexora, "INSERT INTO audit SELECT * FROM kept").await;
        edit(&nexora, "INSERT INTO audit_heads SELECT * FROM kept_heads").await;
    }
    assert_eq!(faults(&nexora, None).await, []);
}

async fn a_head_kept_elsewhere_shows_what_the_database_cannot(backend: Backend) {
    let nexora = busy(backend).await;
    let id = nexora.tenant.id.to_string();
    edit(&nexora, "CREATE TABLE kept AS SELECT * FROM audit_heads").await;
    edit(&nexora, "CREATE TABLE kept_audit AS SELECT * FROM audit").await;
    let changes = [("name".to_owned(), "Embezzled".to_owned())];
    tenant::set(&nexora.app, &nexora.actor, &nexora.tenant.slug, &changes).await.unwrap();
    let kept = head(&nexora).await;
    assert_eq!(head(&nexora).await, kept, "nothing has happened since");
    assert_eq!(faults(&nexora, Some(&kept)).await, []);
    // The tenant's tail and its head are put back: the checkpoint in the system's chain knows better.
    edit(&nexora, &format!("DELETE FROM audit WHERE chain = '{id}' AND number = 9")).await;
    edit(&nexora, &format!("DELETE FROM audit_heads WHERE chain = '{id}'")).await;
    edit(&nexora, &format!("INSERT INTO audit_heads SELECT * FROM kept WHERE chain = '{id}'")).await;
    let found = faults(&nexora, None).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Some(9));
    // So does the whole tenant's trail, taken away without a trace.
    for table in ["audit", "audit_heads"] {
        edit(&nexora, &format!("DELETE FROM {table} WHERE chain = '{id}'")).await;
    }
    assert_eq!(faults(&nexora, None).await[0].0, Some(9));
    // Where everything is put back to an earlier state, the database agrees with itself.
    for (table, from) in [("audit", "kept_audit"), ("audit_heads", "kept")] {
        edit(&nexora, &format!("DELETE FROM {table}")).await;
        edit(&nexora, &format!("INSERT INTO {table} SELECT * FROM {from}")).await;
    }
    assert_eq!(faults(&nexora, None).await, []);
    let found = faults(&nexora, Some(&kept)).await;
    assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [Some(kept.entries)]);
    // And another past that is told instead is not the one that was kept.
    for name in ["Five", "Six"] {
        let changes = [("name".to_owned(), name.to_owned())];
        tenant::set(&nexora.app, &nexora.actor, &nexora.tenant.slug, &changes).await.unwrap();
    }
    head(&nexora).await;
    let found = faults(&nexora, Some(&kept)).await;
    let what = "is another one than was written down before".to_owned();
    assert_eq!(found, [(Some(kept.entries), what)]);
}

/// Writes an entry as earlier versions did.
async fn write_plain(nexora: &Nexora, (number, previous): (i64, &str), subject: &str, after: &str) -> String {
    let chain = nexora.tenant.id.to_string();
    let mut digest = Sha256::new();
    for text in [previous, &chain, &number.to_string(), "5", "operator:jo", "job.add", subject, "", after] {
        digest.update(text.len().to_be_bytes());
        digest.update(text.as_bytes());
    }
    let hash = hex(digest.finalize());
    let insert = format!(
        "INSERT INTO audit (chain, number, at, actor, action, subject, before, after, previous_hash, hash)
         VALUES ('{chain}', {number}, 5, 'operator:jo', 'job.add', '{subject}', NULL, '{after}', '{previous}', '{hash}')"
    );
    edit(nexora, &insert).await;
    hash
}

async fn what_earlier_versions_wrote_is_chained_once_and_what_was_changed_in_it_is_told(backend: Backend) {
    for changed in [false, true] {
        let nexora = Nexora::with_sandbox(backend).await;
        let id = nexora.submit(enquiry()).await;
        for table in ["audit", "audit_heads", "audit_people"] {
            edit(&nexora, &format!("DELETE FROM {table}")).await;
        }
        let first = write_plain(&nexora, (1, &"0".repeat(64)), "acme", "\"new\"").await;
        write_plain(&nexora, (2, &first), id.as_str(), "{\"name\":\"Jo Miller\"}").await;
        if changed {
            edit(&nexora, "UPDATE audit SET actor = 'operator:other' WHERE number = 2").await;
        }
        // The first entry of this version chains them, whoever makes it.
        let changes = [("name".to_owned(), "Acme".to_owned())];
        tenant::set(&nexora.app, &nexora.actor, &nexora.tenant.slug, &changes).await.unwrap();
        let what = "was changed before the trail had a key (in an earlier version)".to_owned();
        let expected = if changed { vec![(Some(2), what)] } else { Vec::new() };
        assert_eq!(faults(&nexora, None).await, expected);
        let tenant_id = nexora.tenant.id.clone();
        let entries = nexora.app.db.read(move |conn| audit::list(conn, Some(&tenant_id), 9)).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [3, 2, 1]);
        let stored = entries[1].after.as_ref().unwrap().as_str();
        assert!(stored.starts_with("\"sealed:") && !stored.contains("Miller"), "{stored}");
        let shown = report::find(&nexora.app, Some(&nexora.tenant), 2).await.unwrap();
        assert_eq!(shown.entry.after.unwrap().as_str(), "{\"name\":\"Jo Miller\"}");
        // A row that is put in later in the old form is no earlier version's.
        let last = entries[0].hash.clone();
        write_plain(&nexora, (4, &last), "acme", "\"x\"").await;
        assert_eq!(faults(&nexora, None).await.len(), expected.len() + 2);
    }
}

async fn what_an_entry_says_of_a_person_goes_with_their_key_and_the_chain_holds(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let id = nexora.submit(enquiry()).await;
    let contact_id = nexora.lead(&id).await.lead.contact_id.unwrap();
    let title = ("Call Jo Miller".to_owned(), "about the boiler".to_owned());
    task::add(app, actor, tenant, title, Some(contact_id.clone()), None).await.unwrap();
    let new = job::NewJob {
        title: "Boiler of Jo Miller".into(),
        person: nexora_core::model::change::JobPerson {
            contact_id: Some(contact_id.clone()),
            ..Default::default()
        },
        address: Some("1 Elm Street".into()),
        zone: None,
        amount_cents: None,
        scheduled_at: None,
    };
    job::add(app, actor, tenant, new).await.unwrap();
    lead::set_state(app, actor, tenant, &id, nexora_core::model::lead::LeadState::Won).await.unwrap();
    let zone = vec![("timezone".to_owned(), "America/Denver".to_owned())];
    record::set(app, actor, tenant, &CONTACT, contact_id.as_str(), zone).await.unwrap();
    let of_person = Filter { person: Some(contact_id.to_string()), ..Filter::default() };
    let list = async || {
        report::list(app, Some(&tenant.id), of_person.clone(), None, (Order::Oldest, 99)).await.unwrap()
    };
    let before = list().await;
    let did: Vec<&str> = before.iter().map(|view| view.entry.action.as_str()).collect();
    assert_eq!(did, ["task.add", "job.add", "lead.state", "contact.set"]);
    assert_eq!(before[0].entry.after.as_ref().unwrap().value()["title"], "Call Jo Miller");
    let tenant_id = tenant.id.clone();
    let stored = app.db.read(move |conn| audit::list(conn, Some(&tenant_id), 99)).await.unwrap();
    let all = format!("{stored:?}");
    assert!(!all.contains("Miller") && !all.contains("Elm Street") && !all.contains("Denver"), "{all}");
    let tenant_id = tenant.id.clone();
    let destroyed = app
        .db
        .write(move |conn| audit::destroy(&mut conn.of(&tenant_id), contact_id.as_str()))
        .await
        .unwrap();
    assert!(destroyed);
    let after = list().await;
    assert!(after.iter().all(|view| view.erased && view.changes.is_empty() && view.entry.after.is_none()));
    assert_eq!(faults(&nexora, None).await, []);
}

async fn writers_at_once_make_one_line(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let second = nexora.second_daemon().await;
    let writers = (0..40).map(|number| {
        let app = if number % 2 == 0 { Arc::clone(&nexora.app) } else { Arc::clone(&second) };
        let (actor, tenant) = (nexora.actor.clone(), nexora.tenant.clone());
        tokio::spawn(async move {
            let title = (format!("Task {number}"), String::new());
            task::add(&app, &actor, &tenant, title, None, None).await.unwrap();
            if number % 8 == 0 {
                report::head(&app, &actor).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let looked = look(&nexora.app, None, None).await.unwrap();
    assert_eq!(looked.troubles, []);
    assert!(looked.entries >= 44, "{looked:?}");
}

async fn a_trail_goes_on_under_another_master_key(backend: Backend) {
    let nexora = busy(backend).await;
    let kept = head(&nexora).await;
    // What a rotation puts in place: another key with the same root.
    let rotated = MasterKey::generate().unwrap();
    let rooted = rotated.with_root(&nexora.app.key.root_hex()).unwrap();
    let checked = nexora.app.db.read(move |conn| {
        let of_another = audit::verify(conn, &Ledger::of(&rotated), None, None)?;
        assert_ne!(of_another.faults, [], "another root has not made these entries");
        audit::verify(conn, &Ledger::of(&rooted), None, Some(&kept))
    });
    assert_eq!(checked.await.unwrap().faults, []);
}

async fn entries_are_found_by_who_what_when_and_text(backend: Backend) {
    let nexora = busy(backend).await;
    let other = Actor::Key("crm_1".into());
    let id = nexora.submit(enquiry()).await;
    nexora.app.clock.advance(std::time::Duration::from_secs(3_600));
    let later = nexora.app.clock.now();
    let Nexora { app, actor, tenant, .. } = &nexora;
    lead::spam(app, actor, tenant, &id).await.unwrap();
    let title = ("50% off".to_owned(), "for Zoë".to_owned());
    task::add(app, actor, tenant, title, None, None).await.unwrap();
    let find = async |filter: Filter, search: Option<&str>| -> Vec<String> {
        let search = search.map(str::to_owned);
        let found = report::list(app, Some(&tenant.id), filter, search, (Order::Newest, 50)).await.unwrap();
        found.into_iter().map(|view| view.entry.action).collect()
    };
    let word = |text: &str| Some(text.to_owned());
    assert_eq!(find(Filter { noun: word("lead"), ..Filter::default() }, None).await, ["lead.spam"]);
    assert_eq!(
        find(Filter { verb: word("add"), ..Filter::default() }, None).await,
        ["task.add", "connection.add", "connection.add"]
    );
    assert_eq!(find(Filter { action: word("tenant.set"), ..Filter::default() }, None).await.len(), 4);
    assert_eq!(find(Filter { actor: word("TESTER"), ..Filter::default() }, None).await.len(), 10);
    assert!(find(Filter { actor: word(&other.to_string()), ..Filter::default() }, None).await.is_empty());
    // A joker of SQL is none, and a text is found in what is sealed, too.
    assert!(find(Filter { verb: word("s_t"), ..Filter::default() }, None).await.is_empty());
    assert_eq!(find(Filter::default(), Some("50% OFF")).await, ["task.add"]);
    assert_eq!(find(Filter::default(), Some("needle in no entry")).await, Vec::<String>::new());
    let span = nexora_store::Span { since: Some(later), until: None };
    assert_eq!(find(Filter { span, ..Filter::default() }, None).await, ["task.add", "lead.spam"]);
    let changed = report::find(app, Some(tenant), 5).await.unwrap().changes;
    assert_eq!(changed.iter().map(|change| change.field.as_str()).collect::<Vec<_>>(), ["name"]);
}

async fn the_night_notes_a_broken_trail_and_its_mending(backend: Backend) {
    let nexora = busy(backend).await;
    nightly::sweep(&nexora.app).await.unwrap();
    let found = async || nexora.app.db.read(finding::of_machine).await.unwrap();
    assert_eq!(found().await, []);
    let id = nexora.tenant.id.to_string();
    edit(&nexora, &format!("UPDATE audit SET subject = 'beta' WHERE chain = '{id}' AND number = 6")).await;
    nightly::sweep(&nexora.app).await.unwrap();
    let noted = found().await;
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].what, "the audit trail of `acme` was changed outside Nexora: entry 6 was edited");
    assert_eq!(noted[0].command, "nexora audit verify");
    edit(&nexora, &format!("UPDATE audit SET subject = 'acme' WHERE chain = '{id}' AND number = 6")).await;
    nightly::sweep(&nexora.app).await.unwrap();
    assert_eq!(found().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_list_show_export_and_verify() {
    let nexora = busy(Backend::Sqlite).await;
    let other = tenant::create(&nexora.app, &nexora.actor, new_tenant("beta")).await.unwrap();
    let machine = Machine::of(&nexora);
    let listed = machine.json(&["audit", "list", "--tenant", "acme", "--verb", "set", "--limit", "2"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["actor"], "operator:tester");
    assert_eq!(
        listed[0]["changes"][0],
        serde_json::json!({ "field": "name", "before": "Three", "after": "Four" })
    );
    let shown = machine.run(&["audit", "show", "8", "--tenant", "acme"]).1;
    assert!(shown.contains("tenant.set") && shown.contains("Three"), "{shown}");
    let (status, _, error) = machine.run(&["audit", "show", "99", "--tenant", "acme"]);
    assert_eq!(status, 4, "{error}");
    let exported = machine.run(&["audit", "export", "--all-tenants"]).1;
    assert!(exported.starts_with("tenant,number,at,actor"), "{exported}");
    assert!(
        exported.contains("\nacme,8,") && exported.contains("\nbeta,1,") && exported.contains("\nsystem,1,")
    );
    let lines = machine.run(&["audit", "export", "--tenant", "beta", "--format", "json"]).1;
    let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(line["entry"]["subject"], "beta");
    let (_, head, _) = machine.run(&["audit", "head"]);
    let (status, said, _) = machine.run(&["audit", "verify", "--expect", head.trim()]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains(head.trim()), "{said}");
    edit(&nexora, &format!("DELETE FROM audit WHERE chain = '{}'", other.id)).await;
    let (status, said, _) = machine.run(&["audit", "verify"]);
    assert_eq!(status, 11);
    assert!(said.contains("beta") && said.contains("cut off"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_in_makes_no_entry() {
    let nexora = busy(Backend::Sqlite).await;
    let before = look(&nexora.app, None, None).await.unwrap().entries;
    for _ in 0..20 {
        nexora.submit(enquiry()).await;
    }
    nexora.settle().await;
    assert_eq!(look(&nexora.app, None, None).await.unwrap().entries, before);
}
