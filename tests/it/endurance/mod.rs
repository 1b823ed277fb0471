//! A connected tenant under continuous change, with faults dialled in and the daemon killed again and
//! again: every change is told exactly once, and every effect exists exactly once.
//!
//! The gate runs it briefly; `scripts/endurance` runs it for a minute with twenty kills.

mod daemon;
mod office;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use nexora_core::model::event::EventKind;
use nexora_store::{Db, Url};
use serde_json::{Value, json};

use daemon::{Daemon, set_up};
use office::{OFFICE, Office};

/// How long the changes go on, and how often the daemon is killed meanwhile.
fn measure() -> (Duration, u32) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = number("NEXORA_TEST_ENDURANCE_S").unwrap_or(4);
    let kills = number("NEXORA_TEST_ENDURANCE_KILLS").unwrap_or(2);
    (Duration::from_secs(seconds), u32::try_from(kills).unwrap())
}

async fn open(daemon: &Daemon) -> Db {
    let config = std::fs::read_to_string(daemon.folder.path().join("nexora.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let url: Url = config["database"]["url"].as_str().unwrap().parse().unwrap();
    Db::open(&url).await.unwrap()
}

/// Returns how often each thing was told.
async fn told(db: &Db) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    let mut before = None;
    loop {
        let filter = nexora_store::event::Filter { before: before.clone(), ..Default::default() };
        let page = db
            .read(move |conn| {
                let tenant = nexora_store::tenant::list(conn, 1)?.remove(0);
                nexora_store::event::list(&mut conn.of(&tenant.id), &filter, 500)
            })
            .await
            .unwrap();
        let Some(last) = page.last() else { return told };
        before = Some(last.id.clone());
        for event in page {
            let payload: Value = event.payload.read().unwrap();
            let text = |pointer: &str| {
                payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let name = match event.kind {
                EventKind::GmailMessage => text("/mail/subject"),
                EventKind::CalendarEvent => text("/entry/title"),
                EventKind::SheetsRow => text("/cells/ID"),
                other => other.name().to_owned(),
            };
            *told.entry(format!("{} {name}", text("/change"))).or_default() += 1;
        }
    }
}

/// Returns how many runs are not finished.
async fn unfinished(db: &Db) -> usize {
    let read = db.read(|conn| {
        let tenant = nexora_store::tenant::list(conn, 1)?.remove(0);
        let mut filter = nexora_store::run::Filter::default();
        let mut open = 0;
        loop {
            let page = nexora_store::run::list(&mut conn.of(&tenant.id), &filter, 500)?;
            let Some(last) = page.last() else { return Ok(open) };
            filter.before = Some(last.id.clone());
            open += page.iter().filter(|run| !run.state.is_finished()).count();
        }
    });
    read.await.unwrap()
}

async fn until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + limit;
    while !is_so().await {
        assert!(Instant::now() < end, "{what}: not after {limit:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Returns a fault of every kind for every service, each striking one call in fifty.
fn usual_faults() -> Value {
    let fault = |service: &str, fault: &str, more: Value| {
        let mut armed = json!({"service": service, "fault": fault, "times": 0, "probability": 0.02});
        armed.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        armed
    };
    let mut faults = Vec::new();
    for service in ["gmail", "calendar", "sheets"] {
        faults.push(fault(service, "status", json!({"status": 503})));
        faults.push(fault(
            service,
            "status",
            json!({"status": 429, "reason": "rateLimitExceeded", "retry_after": 1}),
        ));
        faults.push(fault(service, "drop", json!({"when": "before"})));
        faults.push(fault(service, "drop", json!({"when": "after"})));
        faults.push(fault(service, "truncate", json!({})));
        faults.push(fault(service, "expired_token", json!({})));
    }
    faults.push(fault("gmail", "status", json!({"call": "history.list", "status": 404})));
    faults.push(fault(
        "calendar",
        "status",
        json!({"call": "events.list", "status": 410, "reason": "fullSyncRequired"}),
    ));
    json!(faults)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_is_told_once_and_every_effect_exists_once_whatever_is_killed() {
    let (length, kills) = measure();
    let mut office = Office::open().await;
    office.furnish().await;
    let mut daemon = set_up(&office);
    let db = open(&daemon).await;
    daemon.start();
    let baseline = async || {
        let cursors = db.read(|conn| {
            let tenant = nexora_store::tenant::list(conn, 1)?.remove(0);
            nexora_store::cursor::list(&mut conn.of(&tenant.id), None, 10)
        });
        cursors.await.unwrap().iter().filter(|cursor| cursor.polled_at.is_some()).count() == 3
    };
    until("the first look", Duration::from_secs(30), baseline).await;

    office.faults(usual_faults()).await;

    let begun = Instant::now();
    let mut killed = 0;
    while begun.elapsed() < length {
        office.change();
        if office.counter % 6 == 5 {
            office.move_one().await;
        }
        if begun.elapsed() > length.mul_f64(f64::from(killed + 1) / f64::from(kills + 1)) && killed < kills {
            daemon.kill();
            daemon.start();
            killed += 1;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    office.faults(json!([])).await;
    let expected = office.expected.clone();
    let count = expected.values().sum::<usize>();
    until("all is told", Duration::from_secs(120), async || told(&db).await.values().sum::<usize>() >= count)
        .await;
    until("all is done", Duration::from_secs(180), async || unfinished(&db).await == 0).await;

    let told = told(&db).await;
    let names = expected.keys().chain(told.keys());
    let wrong: Vec<_> = names.filter(|name| told.get(*name) != expected.get(*name)).collect();
    let wrong: Vec<_> = wrong.into_iter().map(|name| (name, expected.get(name), told.get(name))).collect();
    assert!(wrong.is_empty(), "what, how often it was, how often it was told: {wrong:?}");
    let made = check_effects(&office.sandbox.state(), &expected);
    let mut out = std::io::stdout();
    writeln!(out, "{count} changes told once, {made} effects made once, {killed} kills").unwrap();
}

/// Makes sure that the sandbox holds what was to be made, once; returns how much that is.
fn check_effects(state: &Value, expected: &BTreeMap<String, usize>) -> usize {
    let texts = |pointer: &str, field: &str| -> Vec<String> {
        let list = state.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut texts: Vec<String> =
            list.iter().filter_map(|item| item[field].as_str().map(str::to_owned)).collect();
        texts.sort();
        texts
    };
    let sent: Vec<String> = texts("/mailboxes/office@acme.example.com/messages", "subject");
    let answers: Vec<&String> = sent.iter().filter(|subject| subject.starts_with("Answer to ")).collect();
    let mails = expected.keys().filter_map(|name| name.strip_prefix("received "));
    let mut wanted: Vec<String> = mails.map(|subject| format!("Answer to {subject}")).collect();
    wanted.sort();
    assert_eq!(answers, wanted.iter().collect::<Vec<_>>(), "each answer exists once");
    assert_eq!(texts("/mailboxes/office@acme.example.com/drafts", "id"), [""; 0], "no draft is left over");

    let mut rows: Vec<String> = state["spreadsheets"]["log"]["sheets"][0]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .skip(1)
        .map(|row| row[0].as_str().unwrap_or_default().to_owned())
        .collect();
    rows.sort();
    let mut wanted: Vec<String> = expected
        .keys()
        .filter(|name| !name.contains(" row "))
        .map(|name| name.replace("received ", "mail "))
        .collect();
    wanted.sort();
    assert_eq!(rows, wanted, "each row exists once");
    let log = state["spreadsheets"]["log"]["sheets"][0]["rows"].as_array().unwrap();
    let of_mails = || log.iter().filter(|row| row[0].as_str().unwrap_or_default().starts_with("mail "));
    assert!(of_mails().all(|row| row[1] == "yes"), "each row of a mail was changed");
    let marks = state["spreadsheets"]["log"]["developer_metadata"].as_array().unwrap();
    let is_on_row = |mark: &&Value| mark["location"]["locationType"] != "SPREADSHEET";
    assert_eq!(marks.iter().filter(is_on_row).count(), 0, "no mark is left over on a row");
    assert!(marks.len() <= 251, "old marks of new rows are taken away: {}", marks.len());

    let mails = state["mailboxes"][OFFICE]["messages"].as_array().unwrap();
    let told_of = |mail: &Value| {
        expected.contains_key(&format!("received {}", mail["subject"].as_str().unwrap_or_default()))
    };
    let is_filed = |mail: &Value| !mail["labelIds"].as_array().unwrap().contains(&json!("INBOX"));
    assert!(mails.iter().filter(|mail| told_of(mail)).all(is_filed), "each mail was filed");

    let made = texts("/calendars/jobs@acme.example.com/events", "summary");
    let mut wanted: Vec<String> = expected.keys().filter(|name| name.contains(" row ")).cloned().collect();
    wanted.sort();
    assert_eq!(made, wanted, "each entry exists once");
    assert_eq!(
        texts("/calendars/jobs@acme.example.com/events", "colorId").len(),
        made.len(),
        "each was changed"
    );
    rows.len() + of_mails().count() + 2 * answers.len() + 2 * made.len()
}
