//! What automations do to mails, entries and rows is done exactly once, whatever goes wrong.

use std::time::Duration;

use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::message::Author;
use nexora_store::{effect, message};
use serde_json::{Value, json};

use crate::harness::{Backend, enquiry, on_both};
use crate::scene::{OFFICE, Scene, definition};

const HELLO: &str =
    "subject = \"Your enquiry\"\ntext = \"Hello {{ tenant.name }}\"\nhtml = \"<p>Hello</p>\"\n";

/// An office that works: an enquiry by mail is answered, filed, put into the calendar and the sheet.
const OFFICE_WORK: &str = r#"
[[trigger]]
on = "gmail.message"
query = "subject:tap"
[[step]]
id = "answer"
action = "message.reply"
with = { template = "hello" }
[[step]]
id = "draft"
action = "gmail.draft"
with = { to = "owner@acme.example.com", template = "hello" }
[[step]]
id = "file"
action = "gmail.label"
with = { add = ["Jobs/New"], remove = ["INBOX"] }
[[step]]
id = "record"
action = "sheets.append_row"
with = { spreadsheet = "jobs", sheet = "Jobs", row = { Id = "{{ message.id }}", Status = "new" } }
[[step]]
id = "slot"
action = "calendar.find_slot"
with = { after = "1h", within = "7days", length = "2h", hours = "Mon-Fri 08:00-18:00" }
[[step]]
id = "visit"
action = "calendar.create_event"
when = "steps.slot.found"
with = { title = "Visit", start = "{{ steps.slot.start }}", length = "2h", attendees = "{{ message.from }}" }
[[step]]
id = "confirm"
action = "calendar.update_event"
with = { event = "{{ steps.visit.provider_id }}", title = "Visit confirmed", color = "10" }
[[step]]
id = "status"
action = "sheets.update_row"
when = "steps.record.state == 'succeeded'"
with = { spreadsheet = "jobs", sheet = "Jobs", key = "Id", value = "{{ message.id }}", row = { Status = "visit {{ steps.visit.start }}" } }
[[step]]
id = "old"
action = "calendar.cancel_event"
with = { event = "oldvisit" }
"#;

async fn office(backend: Backend) -> Scene {
    let scene = Scene::new(backend).await;
    scene.write("messages/hello.toml", HELLO);
    scene.write("automations/office.toml", &definition("office", OFFICE_WORK));
    scene.rows(json!([["Id", "Status", "Note"], ["other", "old", "kept"]]));
    let at = |hour: u8| json!({ "dateTime": format!("2026-09-22T{hour}:00:00Z") });
    scene
        .entry("POST", "", json!({ "id": "oldvisit", "summary": "Old", "start": at(15), "end": at(16) }))
        .await;
    scene.enable("office").await;
    scene
}

fn labels<'a>(state: &'a Value, mail: &'a Value) -> Vec<&'a str> {
    let known = state["mailboxes"][OFFICE]["labels"].as_array().unwrap();
    let name = |id: &'a Value| {
        let label = known.iter().find(|label| label["id"] == *id);
        label.and_then(|label| label["name"].as_str()).unwrap_or(id.as_str().unwrap())
    };
    mail["labelIds"].as_array().unwrap().iter().map(name).collect()
}

/// Counts and describes what there is after one enquiry: each must be there once.
fn world(scene: &Scene) -> Value {
    let state = scene.nexora.state();
    let mailbox = &state["mailboxes"][OFFICE];
    let mails = mailbox["messages"].as_array().unwrap();
    let of = |label: &str| mails.iter().filter(|mail| labels(&state, mail).contains(&label)).count();
    let filed = mails.iter().find(|mail| labels(&state, mail).contains(&"Jobs/New"));
    let sheet = &state["spreadsheets"]["jobs"];
    let rows = sheet["sheets"][0]["rows"].as_array().unwrap();
    let marks = sheet["developer_metadata"].as_array().unwrap();
    let on_rows = marks.iter().filter(|mark| mark["location"]["locationType"] == "ROW").count();
    let entries = state["calendars"][OFFICE]["events"].as_array().unwrap();
    let titles = entries
        .iter()
        .map(|entry| format!("{} {}", entry["status"].as_str().unwrap(), entry["summary"].as_str().unwrap()));
    json!({
        "sent": of("SENT"),
        "drafts": mailbox["drafts"].as_array().unwrap().len(),
        "filed": filed.map(|mail| [labels(&state, mail).contains(&"UNREAD"), labels(&state, mail).contains(&"INBOX")]),
        "marks": [marks.len() - on_rows, on_rows],
        "rows": rows.iter().map(|row| row.as_array().unwrap().iter().skip(1).cloned().collect()).collect::<Vec<Vec<Value>>>(),
        "entries": titles.collect::<Vec<String>>(),
    })
}

fn expected() -> Value {
    // 21 September 2026, 14:13 UTC: an hour later, rounded to a quarter, in office hours of Chicago.
    json!({
        "sent": 1,
        "drafts": 1,
        "filed": [true, false],
        // That of the new row stays for a while, that of the changed one does not.
        "marks": [1, 0],
        "rows": [["Status", "Note"], ["old", "kept"], ["visit 2026-09-21T15:15:00.000Z", ""]],
        "entries": ["cancelled Old", "confirmed Visit confirmed"],
    })
}

async fn effects(scene: &Scene) -> Vec<Effect> {
    let id = scene.nexora.tenant.id.clone();
    let all =
        move |conn: &mut nexora_store::Conn| effect::list(&mut conn.of(&id), &effect::Filter::default(), 100);
    scene.nexora.app.db.read(all).await.unwrap()
}

async fn until_done(scene: &Scene) {
    for _ in 0..30 {
        scene.nexora.settle().await;
        let open = effects(scene).await.iter().any(|effect| !effect.state.is_settled());
        if !open && !effects(scene).await.is_empty() {
            scene.nexora.settle().await;
            return;
        }
        scene.nexora.app.clock.advance(Duration::from_mins(2));
    }
}

on_both!(
    an_enquiry_by_mail_is_worked_through,
    machines_are_not_answered_and_what_we_sent_ourselves_starts_nothing,
    a_follow_up_goes_on_with_its_conversation_and_carries_files,
    a_row_that_is_not_there_is_skipped_or_refused_as_the_step_says,
    a_change_of_our_own_does_not_start_the_automation_again,
);

async fn an_enquiry_by_mail_is_worked_through(backend: Backend) {
    let scene = office(backend).await;
    scene.mail("Jo <jo@example.com>", "Dripping tap");
    scene.pass(120).await;
    until_done(&scene).await;
    let states: Vec<(String, EffectState, Option<String>)> =
        effects(&scene).await.into_iter().map(|e| (e.step, e.state, e.reason)).collect();
    assert!(states.iter().all(|(_, state, _)| *state == EffectState::Delivered), "{states:?}");
    assert_eq!(world(&scene)["sent"], 1);

    let state = scene.nexora.state();
    let mails = state["mailboxes"][OFFICE]["messages"].as_array().unwrap();
    let [asked, answer] = [0, 1].map(|index| &mails[index]);
    assert_eq!(asked["threadId"], answer["threadId"], "the answer is in the same conversation");
    let raw = answer["raw"].as_str().unwrap_or_default();
    assert!(raw.contains("Subject: Re: Dripping tap"), "{answer}");
    assert!(raw.contains("In-Reply-To: <"), "{answer}");
    let entry = &state["calendars"][OFFICE]["events"][1];
    assert_eq!(
        (&entry["attendees"][0]["email"], &entry["colorId"]),
        (&json!("jo@example.com"), &json!("10"))
    );

    let id = scene.nexora.tenant.id.clone();
    let kept = scene
        .nexora
        .app
        .db
        .read(move |conn| message::list(&mut conn.of(&id), &message::Filter::default(), 10))
        .await
        .unwrap();
    let ours: Vec<_> = kept.iter().filter(|message| message.author == Author::Nexora).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].thread_id.as_deref(), asked["threadId"].as_str());
    assert!(ours[0].rfc_id.as_ref().is_some_and(|id| id.contains('@') && !id.contains('<')), "{ours:?}");
}

async fn machines_are_not_answered_and_what_we_sent_ourselves_starts_nothing(backend: Backend) {
    let scene = office(backend).await;
    let deliver = |headers: &str, subject: &str| {
        let raw = format!(
            "From: Jo <jo@example.com>\r\nTo: {OFFICE}\r\n{headers}Subject: {subject}\r\n\r\nHello\r\n"
        );
        scene.seed(json!({ "deliveries": [{ "mailbox": OFFICE, "raw": raw }] }));
    };
    deliver("Auto-Submitted: auto-replied\r\n", "Out of office: tap");
    scene.pass(120).await;
    until_done(&scene).await;
    let done = effects(&scene).await;
    let steps: Vec<&str> = done.iter().map(|effect| effect.step.as_str()).collect();
    assert!(!steps.contains(&"answer") && steps.contains(&"draft"), "{steps:?}");
    let before = done.len();
    let ours = done[0].id.clone();
    deliver(&format!("X-Nexora-Effect: {ours}\r\n"), "New lead: tap");
    scene.pass(120).await;
    assert_eq!(effects(&scene).await.len(), before, "an alert of ours that came back");
    deliver("X-Nexora-Effect: effect_01k5b3v6zr9m8q2x4t7w0c1d2e\r\n", "My tap");
    scene.pass(120).await;
    until_done(&scene).await;
    assert!(effects(&scene).await.len() > before, "anybody can write a header");
}

async fn a_follow_up_goes_on_with_its_conversation_and_carries_files(backend: Backend) {
    let scene = Scene::new(backend).await;
    scene.write("messages/hello.toml", HELLO);
    scene.write("files/prices.pdf", "%PDF-1.7");
    scene.write("messages/more.toml", "subject = \"unused\"\ntext = \"Still there?\"\n\
            [[attachment]]\nfile = \"prices.pdf\"\n[[attachment]]\nname = \"{{ lead.first_name }}.txt\"\ntext = \"For {{ lead.name }}\"\n");
    scene.write(
        "automations/chase.toml",
        &definition(
            "chase",
            r#"
            [[trigger]]
            on = "lead.received"
            [[step]]
            id = "first"
            action = "message.send"
            with = { to = "{{ lead.email }}", template = "hello" }
            [[step]]
            id = "pause"
            action = "wait"
            with = { for = "2h" }
            [[step]]
            id = "second"
            action = "message.send"
            with = { to = "{{ lead.email }}", template = "more", follows = "first" }
        "#,
        ),
    );
    scene.enable("chase").await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.pass(2 * 3_600 + 60).await;
    scene.nexora.settle().await;
    let state = scene.nexora.state();
    let mails = state["mailboxes"][OFFICE]["messages"].as_array().unwrap();
    assert_eq!(
        mails.len(),
        2,
        "{:?}",
        effects(&scene).await.iter().map(|e| (&e.step, e.state, &e.reason)).collect::<Vec<_>>()
    );
    assert_eq!(mails[0]["threadId"], mails[1]["threadId"]);
    let raw = mails[1]["raw"].as_str().unwrap();
    for part in [
        "Subject: Re: Your enquiry",
        "In-Reply-To: <",
        "filename=\"prices.pdf\"",
        "application/pdf",
        "filename=\"Jo.txt\"",
    ] {
        assert!(raw.contains(part), "{part}: {raw}");
    }
}

async fn a_row_that_is_not_there_is_skipped_or_refused_as_the_step_says(backend: Backend) {
    let scene = Scene::new(backend).await;
    scene.rows(json!([["Id", "Status"], ["7", "a"], ["8", "b"], ["8", "c"]]));
    let step = |id: &str, value: &str, more: &str| {
        format!(
            "[[step]]\nid = \"{id}\"\naction = \"sheets.update_row\"\non_error = \"continue\"\n\
             with = {{ spreadsheet = \"jobs\", sheet = \"Jobs\", key = \"id\", value = \"{value}\", row = {{ Status = \"x\", Who = \"me\" }}{more} }}\n"
        )
    };
    let steps = [
        step("there", "7", ""),
        step("gone", "9", ""),
        step("skipped", "9", ", if_missing = \"skip\""),
        step("twice", "8", ""),
    ];
    let trigger = "[[trigger]]\non = \"lead.received\"\n".to_owned();
    scene.write("automations/rows.toml", &definition("rows", &(trigger + &steps.concat())));
    scene.enable("rows").await;
    let id = scene.nexora.submit(enquiry()).await;
    for _ in 0..4 {
        scene.pass(60).await;
    }
    let view = scene.nexora.lead(&id).await;
    let told: Vec<(&str, EffectState, &str)> = view.runs[0]
        .effects
        .iter()
        .map(|e| (e.step.as_str(), e.state, e.reason.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            ("there", EffectState::Delivered, ""),
            ("gone", EffectState::Dead, "no row has `id` `9`"),
            ("skipped", EffectState::Delivered, ""),
            ("twice", EffectState::Dead, "2 rows have `id` `8`: which is meant is unknown"),
        ]
    );
    let rows = &scene.nexora.state()["spreadsheets"]["jobs"]["sheets"][0]["rows"];
    assert_eq!(*rows, json!([["Id", "Status", "Who"], ["7", "x", "me"], ["8", "b"], ["8", "c"]]));
}

async fn a_change_of_our_own_does_not_start_the_automation_again(backend: Backend) {
    let scene = Scene::new(backend).await;
    scene.write(
        "automations/colour.toml",
        &definition(
            "colour",
            r#"
            [[trigger]]
            on = "calendar.event"
            [[step]]
            id = "paint"
            action = "calendar.update_event"
            with = { event = "{{ calendar_event.id }}", color = "5" }
        "#,
        ),
    );
    scene.enable("colour").await;
    let (start, end) = (json!({ "date": "2026-09-25" }), json!({ "date": "2026-09-26" }));
    scene.entry("POST", "", json!({ "id": "visit1", "summary": "Visit", "start": start, "end": end })).await;
    for _ in 0..4 {
        scene.pass(400).await;
    }
    assert_eq!(effects(&scene).await.len(), 1);
    assert_eq!(scene.nexora.state()["calendars"][OFFICE]["events"][0]["colorId"], "5");
    scene.entry("PATCH", "visit1", json!({ "summary": "Visit at noon" })).await;
    for _ in 0..4 {
        scene.pass(400).await;
    }
    assert_eq!(effects(&scene).await.len(), 2, "a person's change counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_and_refusals_leave_everything_done_once() {
    let calls = [
        ("gmail", "drafts.create"),
        ("gmail", "drafts.send"),
        ("gmail", "messages.get"),
        ("gmail", "labels.create"),
        ("gmail", "messages.modify"),
        ("calendar", "freebusy.query"),
        ("calendar", "events.insert"),
        ("calendar", "events.patch"),
        ("calendar", "events.delete"),
        ("sheets", "spreadsheets.batchUpdate"),
        ("sheets", "values.batchGetByDataFilter"),
        ("sheets", "values.batchUpdateByDataFilter"),
    ];
    let faults = [
        json!({ "fault": "drop", "when": "after" }),
        json!({ "fault": "drop", "when": "before" }),
        json!({ "fault": "truncate" }),
        json!({ "fault": "status", "status": 503, "reason": "backendError", "times": 2 }),
        json!({ "fault": "status", "status": 429, "reason": "rateLimitExceeded", "retry_after": 30 }),
    ];
    for (service, call) in calls {
        for fault in &faults {
            let scene = office(Backend::Sqlite).await;
            scene.mail("Jo <jo@example.com>", "Dripping tap");
            let mut armed = fault.clone();
            armed["service"] = json!(service);
            armed["call"] = json!(call);
            scene.nexora.faults(json!([armed])).await;
            scene.pass(120).await;
            until_done(&scene).await;
            let mut found = world(&scene);
            // A later slot is a good slot, too.
            let visit = found["rows"][2][0].take();
            assert!(
                visit.as_str().unwrap_or_default().starts_with("visit 2026-09-21T1"),
                "{service} {call} {fault}: {visit}"
            );
            found["rows"][2][0] = expected()["rows"][2][0].clone();
            assert_eq!(found, expected(), "{service} {call} {fault}");
        }
    }
}
