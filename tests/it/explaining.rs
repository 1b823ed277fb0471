//! Why nothing was sent: asked by an id, an address, a telephone number, an automation, a connection or a day.

use nexora::ops::report::explain::{Explanation, explain};
use nexora::ops::{automation, connection, contact, lead, task};
use nexora_core::base::{Kind, Result};
use nexora_core::model::consent::Scope;
use nexora_core::model::{AppointmentId, CursorId};
use serde_json::json;

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::machine::Machine;

on_both!(whatever_is_asked_about_is_explained, a_day_on_which_little_went_out);

async fn ask(nexora: &Nexora, what: &str) -> Result<Explanation> {
    explain(&nexora.app, &nexora.tenant, what).await
}

/// Returns what is said, a line for each thing that happened.
async fn said(nexora: &Nexora, what: &str) -> String {
    let found = ask(nexora, what).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let lines = found.lines.iter().map(|line| format!("{} {}: {}", line.what, line.became, line.why));
    lines.collect::<Vec<_>>().join("\n")
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

async fn whatever_is_asked_about_is_explained(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    let person = nexora.lead(&id).await.lead.contact_id.unwrap();
    let email = "jo@example.com";
    let suppressed = (Scope::All, "asked by telephone".to_owned());
    contact::suppress(app, actor, tenant, &email.parse().unwrap(), suppressed).await.unwrap();
    for what in [email, "JO@Example.com", "(512) 555-0142", "+15125550142", person.as_str()] {
        let text = said(&nexora, what).await;
        assert_says(&text, &["contact Jo Miller became known", "lead Jo Miller arrived"]);
        assert_says(&text, &["lead-capture, version 1 began", "mail to jo@example.com", "suppressed"]);
    }
    // Who was held back as spam is no contact, and is found all the same.
    let mut other = enquiry();
    (other.name, other.email, other.phone) = ("Pat Doe".into(), "pat@example.net".into(), String::new());
    other.honeypot = "filled in".into();
    nexora.submit(other).await;
    assert_says(&said(&nexora, "pat@example.net").await, &["lead Pat Doe arrived", "held: spam: "]);
    assert_eq!(ask(&nexora, "nobody@example.org").await.unwrap_err().kind(), Kind::NotFound);

    let words = ("Call Jo".to_owned(), String::new());
    let made = task::add(app, actor, tenant, words, None, None).await.unwrap();
    assert_says(&said(&nexora, made.id.as_str()).await, &["task Call Jo made: by hand"]);

    let visit = AppointmentId::new(app.clock.now());
    let cursors = nexora.view(|tx| nexora_store::cursor::list(tx, None, 10)).await;
    let read = cursors.first().expect("something is read").id.clone();
    let text = said(&nexora, read.as_str()).await;
    assert_says(
        &text,
        &["cursor of google", "made: ", "due: the next time it is read; at once by: nexora cursor poll"],
    );
    for gone in [visit.as_str(), CursorId::new(app.clock.now()).as_str()] {
        assert_eq!(ask(&nexora, gone).await.unwrap_err().kind(), Kind::NotFound, "{gone}");
    }
    let seeded = Nexora::with_sandbox(backend).await;
    seeded.seed_four_weeks(2).await;
    let from = nexora_core::base::clock::Timestamp::from_millis(0);
    let visits = seeded.view(move |tx| nexora_store::appointment::list(tx, from, 10)).await;
    let text = said(&seeded, visits[0].id.as_str()).await;
    assert_says(&text, &[&format!("appointment {} became known: it begins", visits[0].title)]);

    automation::pause(app, actor, tenant, "lead-capture").await.unwrap();
    let text = said(&nexora, "lead-capture").await;
    assert_says(
        &text,
        &["paused: its runs wait: nexora automation resume lead-capture", "began: because of"],
    );
    automation::disable(app, actor, tenant, "lead-capture").await.unwrap();
    assert_says(&said(&nexora, "lead-capture").await, &["switched off: nothing begins it"]);
    connection::pause(app, actor, tenant, "smtp").await.unwrap();
    assert_says(&said(&nexora, "smtp").await, &["connection smtp paused: an operator did it"]);
    let google = connection::find(app, tenant, "google").await.unwrap();
    assert_says(&said(&nexora, google.id.as_str()).await, &["connection google works"]);
    let wrong = ask(&nexora, "gibberish").await.unwrap_err();
    assert!(wrong.kind() == Kind::Usage && wrong.hint_text().unwrap().contains("2026-12-01"), "{wrong:?}");
    let gone = ask(&nexora, "contact_01k5b3v6zr9m8q2x4t7w0c1d2e").await.unwrap_err();
    assert_eq!(gone.kind(), Kind::NotFound);
}

async fn a_day_on_which_little_went_out(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let refused = json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550 }]);
    nexora.faults(refused).await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    automation::disable(app, actor, tenant, "lead-capture").await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    lead::spam(app, actor, tenant, &id).await.unwrap();
    let text = said(&nexora, "2026-09-21").await;
    assert_says(&text, &["lead.received ignored: no enabled automation waits for it"]);
    assert_says(&text, &["failed: ", "mailbox unavailable"]);
    assert_says(
        &said(&nexora, "2026-09-01").await,
        &["did nothing: nothing came in and no schedule was due"],
    );
    assert_eq!(ask(&nexora, "2036-01-01").await.unwrap_err().kind(), Kind::Usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_deleted_and_what_waits_goes_another_way() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    connection::pause(app, actor, tenant, "smtp").await.unwrap();
    let waiting = nexora.submit(enquiry()).await;
    nexora.settle().await;
    let machine = Machine::of(&nexora);
    let run = |words: &str| machine.run(&words.split(' ').collect::<Vec<_>>());
    let (status, _, error) = run("connection delete smtp --yes");
    assert!(status == 5 && error.contains("1 effect waits for connection `smtp`: mail.send"), "{error}");
    assert!(error.contains("--move-to OTHER"), "{error}");
    let (status, _, error) = run("connection create webhook --name crm --url https://crm.example.com/hook");
    assert_eq!(status, 0, "{error}");
    let (status, _, error) = run("connection delete smtp --move-to crm --yes");
    assert!(status == 5 && error.contains("cannot carry `mail.send`"), "{error}");
    let (status, _, error) = run("connection delete smtp --move-to smtp --yes");
    assert!(status == 2 && error.contains("another connection"), "{error}");
    let (status, _, error) = run("connection delete smtp --move-to google --yes");
    assert!(status == 0 && error.contains("1 effect goes through `google` now"), "{error}");
    assert!(error.contains("its history is kept"), "{error}");
    nexora.app.clock.set(nexora_core::base::clock::Clock::System.now());
    nexora.settle().await;
    assert!(nexora.lead(&waiting).await.runs[0].run.state.is_finished());
    // Its name is free again, nothing tells of it as of a trouble, and nothing goes through it any more.
    let listed = machine.json(&["connection", "list"]);
    let listed = listed.as_array().unwrap().clone();
    let mut names: Vec<&str> = listed.iter().filter_map(|found| found["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["crm", "google"]);
    nexora.add_smtp_to(tenant).await;
    let text = nexora::cli::status::screen(&nexora::ops::report::survey::survey(app, None).await);
    assert!(!text.contains("is paused"), "{text}");
    let (status, _, error) = run("connection delete crm --yes");
    assert!(status == 0 && error.contains("connection `crm` is deleted\n"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_names_what_takes_it_back() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let id = nexora.submit(enquiry()).await;
    let machine = Machine::of(&nexora);
    for (words, undo) in [
        ("tenant suspend acme".to_owned(), "nexora tenant resume acme"),
        ("tenant resume acme".to_owned(), "nexora tenant suspend acme"),
        ("connection pause smtp".to_owned(), "nexora connection resume smtp --tenant acme"),
        ("connection resume smtp".to_owned(), "nexora connection pause smtp --tenant acme"),
        (
            "tenant set acme quiet_hours=20:00-08:30 review_url=https://g.page/r/acme".to_owned(),
            "nexora tenant set acme ",
        ),
        ("form set proof_of_work=true".to_owned(), "nexora form set proof_of_work=false --tenant acme"),
        (
            "connection set smtp --host localhost --no-test".to_owned(),
            "nexora connection set smtp --host 127.0.0.1 --tenant acme",
        ),
        (
            "connection default smtp --for alerts".to_owned(),
            "nexora connection default smtp --for alerts --unset --tenant acme",
        ),
        (
            "connection default google --for alerts".to_owned(),
            "nexora connection default smtp --for alerts --tenant acme",
        ),
        (
            "connection default google --for alerts --unset".to_owned(),
            "nexora connection default google --for alerts --tenant acme",
        ),
        ("automation disable lead-capture".to_owned(), "nexora automation resume lead-capture --tenant acme"),
        ("automation resume lead-capture".to_owned(), "nexora automation pause lead-capture --tenant acme"),
        (format!("lead state {id} won"), "new --tenant acme"),
        (format!("lead spam {id}"), "nexora lead not-spam "),
        (format!("lead not-spam {id}"), "nexora lead spam "),
    ] {
        let (status, _, error) = machine.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(status, 0, "{words}: {error}");
        assert!(error.contains("undo: ") && error.contains(undo), "{words}: {error}");
    }
    // What is named puts everything back, and what changes nothing names nothing.
    let before = machine.json(&["tenant", "show", "acme"]);
    let change =
        ["tenant", "set", "acme", "name=O'Neil & Sons; $HOME", "language=de", "phone=(512) 555-0199"];
    let (status, _, error) = machine.run(&change);
    assert_eq!(status, 0, "{error}");
    assert_ne!(machine.json(&["tenant", "show", "acme"])["name"], before["name"]);
    let undo = error.lines().find_map(|line| line.strip_prefix("undo: nexora ")).unwrap();
    let line = format!("set -- {undo}; printf '%s\\n' \"$@\"");
    let split = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    let words = String::from_utf8(split.stdout).unwrap();
    let (status, _, error) = machine.run(&words.lines().collect::<Vec<_>>());
    assert_eq!(status, 0, "{error}");
    let after = machine.json(&["tenant", "show", "acme"]);
    for key in ["name", "phone", "settings"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let (_, _, error) = machine.run(&["tenant", "set", "acme", "language=en"]);
    assert!(!error.contains("undo"), "{error}");
}
