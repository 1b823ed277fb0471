//! What happens in a mailbox, a calendar or a sheet becomes an event exactly once.

use std::time::Duration;

use nexora::app::App;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::connection::Ability;
use nexora_store as store;
use serde_json::{Value, json};

use crate::harness::{Backend, Nexora, on_both};
use crate::scene::{OFFICE, Scene};

fn subject(payload: &Value) -> String {
    payload["mail"]["subject"].as_str().unwrap_or_default().to_owned()
}

fn title(payload: &Value) -> String {
    format!("{} {}", payload["change"].as_str().unwrap(), payload["entry"]["title"].as_str().unwrap())
}

fn name(payload: &Value) -> String {
    format!("{} {}", payload["change"].as_str().unwrap(), payload["cells"]["Name"].as_str().unwrap())
}

const MAIL: &str = "[[trigger]]\non = \"gmail.message\"\nquery = \"subject:estimate\"";
const CALENDAR: &str = "[[trigger]]\non = \"calendar.event\"";
const SHEET: &str = "[[trigger]]\non = \"sheets.row\"\nspreadsheet = \"jobs\"\nsheet = \"Jobs\"\nkey = \"ID\"\nequals = { Status = \"done\" }";

async fn runs(app: &App, scene: &Scene) -> usize {
    let filter = nexora_store::run::Filter::default();
    let tenant = scene.nexora.tenant.id.clone();
    app.db
        .read(move |conn| nexora_store::run::list(&mut conn.of(&tenant), &filter, 1_000))
        .await
        .unwrap()
        .len()
}

on_both!(
    each_mail_is_told_once_and_nothing_from_before,
    a_name_in_encoded_words_is_one_name_whatever_stands_in_it,
    a_history_that_is_too_old_loses_and_doubles_nothing,
    a_reply_is_stored_with_its_contact_and_told_as_a_message,
    a_marketplaces_mail_becomes_a_lead_and_one_that_cannot_be_read_is_kept_for_review,
    each_prospect_and_each_senders_id_is_a_lead_of_its_own,
    a_form_that_no_rule_names_is_a_lead_and_half_a_one_is_kept_for_review,
    changes_of_a_calendar_are_told_once_through_a_resync,
    a_moment_before_an_entry_comes_once_and_moves_with_it,
    a_moment_before_each_instance_of_a_series_comes_once_wherever_it_is_moved,
    a_series_that_is_gone_takes_its_moments_along_through_a_resync,
    where_drive_may_be_asked_a_sheet_is_read_only_when_it_changed,
    rows_are_told_by_key_and_start_a_run_when_a_column_comes_to_hold_a_value,
    a_row_completes_one_job_however_often_it_is_opened_again,
    a_refused_credential_stops_one_connection_and_a_resumed_one_goes_on,
);

async fn each_mail_is_told_once_and_nothing_from_before(backend: Backend) {
    let scene = Scene::start(backend, MAIL).await;
    let mut seen = 0;
    scene.mail("Jo <jo@example.com>", "An estimate, please");
    scene.mail("Al <al@example.com>", "Lunch");
    scene.pass(120).await;
    let told = scene.told(&mut seen, subject).await;
    assert_eq!(told, ["gmail.message An estimate, please", "gmail.message Lunch"]);
    assert_eq!(runs(&scene.nexora.app, &scene).await, 1, "the query chose one");
    scene.pass(120).await;
    assert!(scene.told(&mut seen, subject).await.is_empty());
    let inbox = &scene.nexora.state()["mailboxes"][OFFICE]["messages"];
    assert!(inbox.as_array().unwrap().iter().all(|mail| mail["labelIds"].to_string().contains("UNREAD")));
}

async fn a_name_in_encoded_words_is_one_name_whatever_stands_in_it(backend: Backend) {
    let scene =
        Scene::start(backend, "[[trigger]]\non = \"gmail.message\"\nquery = \"from:grace@example.org\"")
            .await;
    let mut seen = 0;
    let sender = |payload: &Value| {
        let from = &payload["mail"]["from"];
        format!(
            "{} {}",
            from["name"].as_str().unwrap_or_default(),
            from["address"].as_str().unwrap_or_default()
        )
    };
    scene.told(&mut seen, sender).await;
    for name in ["=?iso-8859-1?Q?M=FCller=2C_Grace?=", "=?utf-8?B?TcO8bGxlciwgR3JhY2U=?="] {
        let raw =
            format!("From: {name} <grace@example.org>\r\nTo: {OFFICE}\r\nSubject: Leak\r\n\r\nhello\r\n");
        scene.seed(json!({ "deliveries": [{ "mailbox": OFFICE, "raw": raw }] }));
        scene.pass(120).await;
        assert_eq!(
            scene.told(&mut seen, sender).await,
            ["gmail.message Müller, Grace grace@example.org"],
            "{name}"
        );
    }
}

async fn a_history_that_is_too_old_loses_and_doubles_nothing(backend: Backend) {
    let scene = Scene::start(backend, MAIL).await;
    let mut seen = 0;
    scene.mail("Jo <jo@example.com>", "one");
    scene.pass(120).await;
    for number in 0..60 {
        scene.mail("Jo <jo@example.com>", &format!("more {number}"));
    }
    scene.nexora.faults(json!([
        {"service": "gmail", "call": "history.list", "fault": "status", "status": 404, "reason": "notFound"}
    ])).await;
    scene.pass(120).await;
    assert_eq!(scene.told(&mut seen, subject).await.len(), 61);
    scene.mail("Jo <jo@example.com>", "last");
    scene.pass(120).await;
    assert_eq!(scene.told(&mut seen, subject).await, ["gmail.message last"]);
}

async fn a_reply_is_stored_with_its_contact_and_told_as_a_message(backend: Backend) {
    let scene = Scene::start(backend, "[[trigger]]\non = \"message.received\"").await;
    let mut seen = 0;
    let lead = scene.nexora.submit(crate::harness::enquiry()).await;
    scene.nexora.settle().await;
    scene.mail("Jo Miller <JO@example.com>", "Re: your enquiry");
    scene.seed(json!({"deliveries": [{"mailbox": OFFICE, "raw":
        "From: jo@example.com\r\nAuto-Submitted: auto-replied\r\nSubject: Out of office\r\n\r\nAway"}]}));
    scene.pass(120).await;
    let told = scene.told(&mut seen, subject).await;
    assert_eq!(told.iter().filter(|line| line.starts_with("message.received")).count(), 1, "{told:?}");
    let view = scene.nexora.lead(&lead).await;
    let subjects: Vec<&str> = view.messages.iter().map(|message| message.subject.as_str()).collect();
    assert!(subjects.contains(&"Re: your enquiry"), "{subjects:?}");
    assert_eq!(runs(&scene.nexora.app, &scene).await, 1, "the answering machine started none");
}

async fn a_marketplaces_mail_becomes_a_lead_and_one_that_cannot_be_read_is_kept_for_review(backend: Backend) {
    let scene = Scene::start(backend, MAIL).await;
    for name in ["angi-new-lead", "yelp-forged"] {
        let raw = std::fs::read_to_string(format!("tests/fixtures/mail/{name}.eml")).unwrap();
        scene.seed(json!({"deliveries": [{"mailbox": OFFICE, "raw": raw}]}));
    }
    scene.pass(120).await;
    let Nexora { app, tenant, .. } = &scene.nexora;
    let leads = app
        .view(tenant, move |tx| store::lead::list(tx, &store::lead::Filter::default(), 100))
        .await
        .unwrap();
    let told: Vec<_> =
        leads.iter().map(|lead| (lead.name.as_str(), lead.source.as_str(), lead.state.name())).collect();
    assert!(told.contains(&("Dana Whitfield", "angi", "new")), "{told:?}");
    assert!(told.iter().any(|lead| lead.1 == "yelp" && lead.2 == "needs_review"), "{told:?}");
    assert!(leads.iter().all(|lead| lead.original.as_ref().is_some_and(|text| text.contains("Subject: "))));
}

/// Has mails of `tests/fixtures/mail` delivered, and returns name, source and state of the leads.
async fn leads_of(scene: &Scene, files: &[&str]) -> Vec<(String, String, &'static str)> {
    for file in files {
        let raw = std::fs::read_to_string(format!("tests/fixtures/mail/{file}.eml")).unwrap();
        scene.seed(json!({"deliveries": [{"mailbox": OFFICE, "raw": raw}]}));
    }
    scene.pass(120).await;
    let Nexora { app, tenant, .. } = &scene.nexora;
    let leads = app
        .view(tenant, move |tx| store::lead::list(tx, &store::lead::Filter::default(), 100))
        .await
        .unwrap();
    let mut told: Vec<_> =
        leads.into_iter().map(|lead| (lead.name, lead.source, lead.state.name())).collect();
    told.sort();
    told
}

async fn each_prospect_and_each_senders_id_is_a_lead_of_its_own(backend: Backend) {
    let scene = Scene::start(backend, MAIL).await;
    let files = ["b04-adf-two-prospects", "adfid-a", "adfid-b", "form-a", "form-b", "lead-adf-attach-octet"];
    let files: Vec<String> = files.iter().map(|name| format!("cases/{name}")).collect();
    let told = leads_of(&scene, &files.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let names: Vec<&str> = told.iter().map(|lead| lead.0.as_str()).collect();
    let wanted = ["Alpha", "Bravo", "Charly", "Delta", "First Person", "Second Person", "Zoë O'Brien & Sons"];
    assert_eq!(names, wanted);
    assert!(told.iter().all(|lead| lead.2 == "new"), "{told:?}");
}

async fn a_form_that_no_rule_names_is_a_lead_and_half_a_one_is_kept_for_review(backend: Backend) {
    let scene = Scene::start(backend, MAIL).await;
    let files =
        ["layouts/spanish", "layouts/review-no-contact", "layouts/review-picture", "layouts/not-invoice"];
    let told = leads_of(&scene, &files).await;
    let told: Vec<_> =
        told.iter().map(|(name, source, state)| (name.as_str(), source.as_str(), *state)).collect();
    assert_eq!(
        told,
        [
            ("Fran Ode", "form_mail", "needs_review"),
            ("Lucía Ñíguez Sanz", "form_mail", "new"),
            ("Mail from form_mail", "form_mail", "needs_review"),
        ]
    );
}

async fn changes_of_a_calendar_are_told_once_through_a_resync(backend: Backend) {
    let scene = Scene::start(backend, CALENDAR).await;
    let mut seen = 0;
    let at = |hour: u32| json!({"dateTime": format!("2026-09-22T{hour:02}:00:00Z")});
    for (id, title) in [("aaaaa", "A"), ("bbbbb", "B"), ("ccccc", "C")] {
        let entry = json!({"id": id, "summary": title, "start": at(10), "end": at(11)});
        scene.call("POST", "/calendar/v3/calendars/primary/events", entry).await;
    }
    scene.pass(400).await;
    let told = scene.told(&mut seen, title).await;
    assert_eq!(told, ["calendar.event created A", "calendar.event created B", "calendar.event created C"]);
    scene.entry("PATCH", "aaaaa", json!({"start": at(12), "end": at(13)})).await;
    scene.entry("DELETE", "bbbbb", json!(null)).await;
    scene.nexora.faults(json!([
        {"service": "calendar", "call": "events.list", "fault": "status", "status": 410, "reason": "fullSyncRequired"}
    ])).await;
    scene.pass(400).await;
    let told = scene.told(&mut seen, title).await;
    assert_eq!(told, ["calendar.event cancelled B", "calendar.event updated A"]);
    scene.pass(400).await;
    assert!(scene.told(&mut seen, title).await.is_empty());
    scene.entry("DELETE", "ccccc", json!(null)).await;
    scene.pass(400).await;
    assert_eq!(scene.told(&mut seen, title).await, ["calendar.event cancelled C"]);
}

async fn a_moment_before_an_entry_comes_once_and_moves_with_it(backend: Backend) {
    let scene = Scene::start(backend, "[[trigger]]\non = \"calendar.event\"\nbefore = \"2h\"").await;
    let mut seen = 0;
    let start = scene.nexora.app.clock.now() + Duration::from_secs(10 * 3_600);
    let at = |at: Timestamp| json!({"dateTime": at});
    let hour = Duration::from_secs(3_600);
    let entry = json!({"id": "aaaaa", "summary": "A", "start": at(start), "end": at(start + hour)});
    scene.call("POST", "/calendar/v3/calendars/primary/events", entry).await;
    scene.pass(600).await;
    assert_eq!(scene.told(&mut seen, title).await, ["calendar.event created A"]);
    let later = start + hour;
    scene.entry("PATCH", "aaaaa", json!({"start": at(later), "end": at(later + hour)})).await;
    scene.pass(600).await;
    assert_eq!(scene.told(&mut seen, title).await, ["calendar.event updated A"]);
    scene.pass(28_400).await;
    assert!(scene.told(&mut seen, title).await.is_empty(), "the old moment does not come");
    scene.pass(3_600).await;
    assert_eq!(scene.told(&mut seen, title).await, ["calendar.event before A"]);
    scene.pass(3 * 3_600).await;
    assert!(scene.told(&mut seen, title).await.is_empty());
    assert_eq!(runs(&scene.nexora.app, &scene).await, 1);
}

async fn a_moment_before_each_instance_of_a_series_comes_once_wherever_it_is_moved(backend: Backend) {
    let scene = Scene::start(backend, "[[trigger]]\non = \"calendar.event\"\nbefore = \"2h\"").await;
    let (mut seen, hour, day) = (0, Duration::from_secs(3_600), 86_400);
    let start = scene.nexora.app.clock.now() + 10 * hour;
    let at = |at: Timestamp| json!({"dateTime": at, "timeZone": "UTC"});
    let series = json!({
        "id": "aaaaa", "summary": "A", "start": at(start), "end": at(start + hour),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=4"],
    });
    scene.entry("POST", "", series).await;
    scene.pass(600).await;
    assert_eq!(scene.told(&mut seen, title).await, ["calendar.event created A"]);
    let instances =
        scene.call("GET", "/calendar/v3/calendars/primary/events/aaaaa/instances", json!(null)).await;
    let [second, third] = [1, 2].map(|index| instances["items"][index]["id"].as_str().unwrap().to_owned());
    let later = start + Duration::from_secs(day) + 5 * hour;
    scene.entry("PATCH", &second, json!({"start": at(later), "end": at(later + hour)})).await;
    scene.entry("DELETE", &third, json!(null)).await;
    scene.pass(600).await;
    assert_eq!(
        scene.told(&mut seen, title).await,
        ["calendar.event cancelled A", "calendar.event updated A"]
    );
    let mut told = Vec::new();
    for hours in 0..(4 * 24) {
        scene.pass(3_600).await;
        told.extend(scene.told(&mut seen, title).await.into_iter().map(|what| (hours, what)));
    }
    let before = "calendar.event before A".to_owned();
    // Two hours before 10:00 on the first and the last day, and before 15:00 on the second.
    assert_eq!(told, [(7, before.clone()), (36, before.clone()), (79, before)]);
    assert_eq!(runs(&scene.nexora.app, &scene).await, 3);
}

async fn a_series_that_is_gone_takes_its_moments_along_through_a_resync(backend: Backend) {
    let scene = Scene::start(backend, "[[trigger]]\non = \"calendar.event\"\nbefore = \"2h\"").await;
    let (mut seen, hour) = (0, Duration::from_secs(3_600));
    let start = scene.nexora.app.clock.now() + 10 * hour;
    let at = |at: Timestamp| json!({"dateTime": at, "timeZone": "UTC"});
    let series = json!({
        "id": "aaaaa", "summary": "A", "start": at(start), "end": at(start + hour),
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=4"],
    });
    scene.entry("POST", "", series).await;
    scene.pass(600).await;
    assert_eq!(scene.told(&mut seen, title).await, ["calendar.event created A"]);
    scene.entry("DELETE", "aaaaa", json!(null)).await;
    scene.nexora.faults(json!([
        {"service": "calendar", "call": "events.list", "fault": "status", "status": 410, "reason": "fullSyncRequired"}
    ])).await;
    scene.pass(600).await;
    assert_eq!(scene.told(&mut seen, title).await, ["calendar.event cancelled A"]);
    for _ in 0..(2 * 24) {
        scene.pass(3_600).await;
    }
    assert!(scene.told(&mut seen, title).await.is_empty());
}

async fn where_drive_may_be_asked_a_sheet_is_read_only_when_it_changed(backend: Backend) {
    let scene = Scene::start(backend, CALENDAR).await;
    scene.rows(json!([["ID", "Name", "Status"], ["1", "Ann", "new"]]));
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let mut abilities = Ability::usual();
    abilities.insert(Ability::SheetsWatch);
    app.clock.advance(Duration::from_secs(1));
    nexora::ops::connection::authorization::extend(app, actor, tenant, "google", abilities, None)
        .await
        .unwrap();
    scene.define("rows", SHEET).await;
    let reads = || scene.nexora.state()["calls"]["sheets.values.get"].as_u64().unwrap_or_default();
    let before = reads();
    assert_eq!(before, 1);
    for _ in 0..5 {
        scene.pass(400).await;
    }
    assert_eq!(reads(), before, "nothing changed");
    scene.rows(json!([["ID", "Name", "Status"], ["1", "Ann", "new"], ["2", "Bob", "done"]]));
    scene.pass(400).await;
    assert_eq!(
        (reads(), scene.told(&mut 0, name).await),
        (before + 1, vec!["sheets.row added Bob".to_owned()])
    );
}

async fn rows_are_told_by_key_and_start_a_run_when_a_column_comes_to_hold_a_value(backend: Backend) {
    let scene = Scene::start(backend, CALENDAR).await;
    scene.rows(json!([["ID", "Name", "Status"], ["1", "Ann", "new"], ["2", "Bob", "done"]]));
    scene.define("rows", SHEET).await;
    let mut seen = 0;
    assert!(scene.told(&mut seen, name).await.is_empty());
    scene.rows(json!([
        ["Status", "ID", "Name"],
        ["done", "2", "Bob"],
        ["new", "3", "Cy"],
        ["done", "1", "Ann"]
    ]));
    scene.pass(400).await;
    assert_eq!(scene.told(&mut seen, name).await, ["sheets.row added Cy", "sheets.row changed Ann"]);
    assert_eq!(runs(&scene.nexora.app, &scene).await, 1);
    scene.rows(json!([["Status", "ID", "Name"], ["done", "1", "Anna"], ["done", "2", "Bob"]]));
    scene.pass(400).await;
    assert_eq!(scene.told(&mut seen, name).await, ["sheets.row changed Anna"]);
    assert_eq!(runs(&scene.nexora.app, &scene).await, 1, "it held that value before");
}

async fn a_row_completes_one_job_however_often_it_is_opened_again(backend: Backend) {
    let scene = Scene::new(backend).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let write = |rows: &[[&str; 6]], amounts: &[Value]| {
        let header = json!(["No", "Status", "Job", "Name", "Email", "Phone", "Amount"]);
        let row = |(row, amount): (&[&str; 6], &Value)| {
            let mut cells = json!(row);
            cells.as_array_mut().unwrap().push(amount.clone());
            cells
        };
        let rows = rows.iter().zip(amounts).map(row);
        scene.rows(std::iter::once(header).chain(rows).collect());
    };
    let row = |status, job, email| ["1", status, job, "Jo", email, ""];
    let computed = [json!(333.333_333)];
    write(&[row("Open", "Boiler", "jo@example.com")], &computed);
    let settings = [("spreadsheet", "jobs")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    nexora::ops::automation::enable(app, actor, tenant, "jobs-from-sheet", &settings, false).await.unwrap();
    scene.nexora.settle().await;

    for status in ["Done", "Open", "Done", "Open", "Done"] {
        write(&[row(status, "Boiler", "jo@example.com")], &computed);
        scene.pass(400).await;
    }
    let jobs = async || {
        let jobs = app.view(tenant, |tx| store::job::list(tx, None, None, 100)).await.unwrap();
        let mut jobs: Vec<(String, Option<i64>)> =
            jobs.into_iter().map(|job| (format!("{} {}", job.title, job.state), job.amount_cents)).collect();
        jobs.sort();
        jobs
    };
    assert_eq!(jobs().await, [("Boiler completed".to_owned(), Some(33_333))]);
    let completed = async |seen: &mut usize| {
        let told = scene.told(seen, |_| String::new()).await;
        told.iter().filter(|kind| kind.starts_with("job.completed")).count()
    };
    let mut seen = 0;
    assert_eq!(completed(&mut seen).await, 1);

    // The row is used for other work, and what cannot be read stops none.
    write(&[row("Open", "Tap", "not an address")], &[json!("TRUE")]);
    scene.pass(400).await;
    write(&[row("Done", "Tap", "not an address")], &[json!("TRUE")]);
    scene.pass(400).await;
    let both = [("Boiler completed".to_owned(), Some(33_333)), ("Tap completed".to_owned(), None)];
    assert_eq!(jobs().await, both);
    assert_eq!(completed(&mut seen).await, 1);

    // The header row goes and comes back.
    scene.rows(json!([["1", "Done", "Tap", "Jo", "not an address", "", "TRUE"]]));
    scene.pass(400).await;
    write(&[row("Done", "Tap", "not an address")], &[json!("TRUE")]);
    scene.pass(400).await;
    assert_eq!(completed(&mut seen).await, 0);
    assert_eq!(jobs().await, both);
}

async fn a_refused_credential_stops_one_connection_and_a_resumed_one_goes_on(backend: Backend) {
    let scene = Scene::start(backend, MAIL).await;
    let mut seen = 0;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    scene.nexora.faults(json!([
        {"service": "gmail", "call": "history.list", "fault": "status", "status": 403, "reason": "insufficientPermissions"}
    ])).await;
    scene.mail("Jo <jo@example.com>", "while it fails");
    scene.pass(120).await;
    let found = nexora::ops::connection::find(app, tenant, "google").await.unwrap();
    assert_eq!(found.state.name(), "failing");
    scene.pass(7_200).await;
    assert_eq!(scene.told(&mut seen, subject).await, ["connection.failing "]);
    nexora::ops::connection::resume(app, actor, tenant, "google").await.unwrap();
    scene.nexora.settle().await;
    assert_eq!(scene.told(&mut seen, subject).await, ["gmail.message while it fails"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_read_and_what_needs_a_person_is_said_in_the_status() {
    let scene = Scene::start(crate::harness::Backend::Sqlite, MAIL).await;
    let troubles = async || {
        let Nexora { app, tenant, .. } = &scene.nexora;
        let status = nexora::ops::report::status::of_tenant(app, tenant.clone()).await.unwrap();
        status.troubles.into_iter().map(|trouble| trouble.what).collect::<Vec<String>>()
    };
    scene.pass(120).await;
    assert!(troubles().await.is_empty(), "{:?}", troubles().await);
    let refused = json!([{"service": "gmail", "fault": "status", "status": 503, "times": 0}]);
    scene.nexora.faults(refused).await;
    for _ in 0..4 {
        scene.pass(600).await;
    }
    let told = troubles().await;
    let unread =
        told.iter().find(|what| what.starts_with("the mail of connection `google` was not read for "));
    assert!(unread.is_some_and(|what| what.contains("503")), "{told:?}");
}
