use serde_json::{Value, json};

use super::{Read, read};
use crate::bench::{Bench, OFFICE};
use nexora_core::model::outcome::PollError;

fn item(more: Value) -> Value {
    let mut item = json!({
        "id": "e1", "status": "confirmed", "summary": "Visit",
        "start": { "dateTime": "2026-09-22T15:00:00Z" }, "end": { "dateTime": "2026-09-22T16:00:00Z" },
    });
    let (Value::Object(fields), Value::Object(more)) = (&mut item, more) else { panic!("no objects") };
    fields.extend(more);
    item
}

#[test]
fn only_appointments_say_something() {
    for kind in ["outOfOffice", "focusTime", "workingLocation", "birthday", "fromGmail", "somethingNew"] {
        let found = read(item(json!({ "eventType": kind })));
        assert!(matches!(found, Read::Silent(Some(id)) if id == "e1"), "{kind}");
    }
    for more in [
        json!({}),
        json!({ "eventType": "default" }),
        // A form that is not known in a field that is not looked at.
        json!({ "conferenceData": "none", "updated": "yesterday", "attachments": 7 }),
    ] {
        assert!(
            matches!(read(item(more.clone())), Read::Appointment(entry) if entry.title == "Visit"),
            "{more}"
        );
    }
    for more in
        [json!({ "summary": 7 }), json!({ "start": { "dateTime": "soon" } }), json!({ "attendees": "all" })]
    {
        assert!(matches!(read(item(more.clone())), Read::Silent(Some(_))), "{more}");
    }
    assert!(matches!(read(json!("nothing")), Read::Silent(None)));
    assert!(
        matches!(read(json!({ "id": "e1", "status": "cancelled" })), Read::Appointment(entry) if entry.cancelled)
    );
}

#[tokio::test]
async fn one_entry_that_cannot_be_read_spoils_no_other() {
    let bench = Bench::start().await;
    let event = |event: Value| json!({ "calendar": OFFICE, "event": event });
    let events = [("visit1", json!("5")), ("visit2", json!(5)), ("visit3", json!("5"))];
    let events = events.map(|(id, color)| item(json!({ "id": id, "colorId": color })));
    bench.steer("seed", &json!({ "events": events.map(event) })).await;
    let reader = bench.connector.calendar.as_ref().unwrap();
    let changes = reader.calendar_changes("primary", None).await.unwrap();
    let ids: Vec<&str> = changes.entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!((ids, changes.silent), (vec!["visit1", "visit3"], vec!["visit2".to_owned()]));
}

#[tokio::test]
async fn a_sync_token_that_google_does_not_know_is_as_good_as_one_that_is_too_old() {
    let bench = Bench::start().await;
    let reader = bench.connector.calendar.as_ref().unwrap();
    let token = reader.calendar_changes("primary", None).await.unwrap().sync_token;
    for (status, reason, message) in [
        (400, "invalid", "Invalid sync token value."),
        (410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required."),
    ] {
        bench
            .fault(json!({ "service": "calendar", "call": "events.list", "fault": "status",
                "status": status, "reason": reason, "message": message }))
            .await;
        assert_eq!(
            reader.calendar_changes("primary", Some(&token)).await,
            Err(PollError::Expired),
            "{status}"
        );
    }
    bench
        .fault(json!({ "service": "calendar", "call": "events.list", "fault": "status", "status": 400,
            "reason": "invalid", "message": "Invalid value" }))
        .await;
    let refused = reader.calendar_changes("primary", Some(&token)).await;
    assert!(matches!(refused, Err(PollError::Refused { .. })), "{refused:?}");
    reader.calendar_changes("primary", Some(&token)).await.unwrap();
    for unknown in ["nonsense", "sync-99999"] {
        assert_eq!(
            reader.calendar_changes("primary", Some(unknown)).await,
            Err(PollError::Expired),
            "{unknown}"
        );
    }
}
