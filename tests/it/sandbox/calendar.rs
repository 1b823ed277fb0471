//! Calendar: an entry is made once under its id, and a deletion leaves a trace.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, OFFICE, reason};

const EVENTS: &str = "/calendar/v3/calendars/primary/events";

fn visit(id: &str, hour: u32) -> Value {
    json!({
        "id": id, "summary": format!("Visit {id}"),
        "start": {"dateTime": format!("2026-09-22T{hour:02}:00:00+02:00"), "timeZone": "Europe/Berlin"},
        "end": {"dateTime": format!("2026-09-22T{:02}:00:00+02:00", hour + 1), "timeZone": "Europe/Berlin"},
        "extendedProperties": {"private": {"nexora_effect": id}},
    })
}

#[tokio::test]
async fn an_id_is_taken_once_even_after_its_deletion() {
    let bench = Bench::start().await;
    let (status, made) = bench.post(EVENTS, visit("abc12", 9)).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!((&made["status"], &made["organizer"]["email"]), (&json!("confirmed"), &json!(OFFICE)));
    assert_eq!(made["iCalUID"], "abc12@google.com");
    assert_eq!(made["created"], "2026-09-21T14:13:20.000Z");
    assert!(made["etag"].is_string() && made["htmlLink"].is_string());
    let path = format!("{EVENTS}/abc12");
    for _ in 0..2 {
        let twice = bench.post(EVENTS, visit("abc12", 9)).await;
        assert_eq!((twice.0, reason(&twice)), (409, "duplicate"));
        assert_eq!(twice.1["error"]["message"], "The requested identifier already exists.");
        bench.call(Method::DELETE, &path, None).await;
    }
    let gone = bench.call(Method::DELETE, &path, None).await;
    assert_eq!((gone.0, reason(&gone)), (410, "deleted"));
    assert_eq!(bench.get(&path).await.1["status"], "cancelled");
    let (_, list) = bench.get(EVENTS).await;
    assert_eq!(list["items"], json!([]));
    let (_, list) = bench.get(&format!("{EVENTS}?showDeleted=true")).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_entry_that_is_not_in_order_is_refused() {
    let bench = Bench::start().await;
    let cases = [
        (json!({"id": "WRONG"}), "invalid"),
        (json!({"end": null}), "required"),
        (json!({"end": {"dateTime": "2026-09-22T08:00:00+02:00"}}), "timeRangeEmpty"),
        (json!({"start": {"dateTime": "2026-09-22T08:00:00"}}), "required"),
    ];
    for (change, wanted) in cases {
        let mut body = visit("abc12", 9);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = bench.post(EVENTS, body).await;
        assert_eq!((answer.0, reason(&answer)), (400, wanted), "{change}");
    }
    let unknown = bench.get("/calendar/v3/calendars/nobody@example.com/events").await;
    assert_eq!((unknown.0, reason(&unknown)), (404, "notFound"));
}

#[tokio::test]
async fn changes_keep_what_they_do_not_name_and_respect_the_etag() {
    let bench = Bench::start().await;
    let (_, made) = bench.post(EVENTS, visit("abc12", 9)).await;
    let path = format!("{EVENTS}/abc12");
    let (_, patched) = bench.call(Method::PATCH, &path, Some(json!({"location": "High Street 1"}))).await;
    assert_eq!((&patched["summary"], &patched["location"]), (&json!("Visit abc12"), &json!("High Street 1")));
    assert_eq!((&patched["created"], &patched["sequence"]), (&made["created"], &json!(1)));
    assert_ne!(patched["etag"], made["etag"]);
    let stale = bench.request(Method::PUT, &path).header("if-match", made["etag"].as_str().unwrap());
    assert_eq!(stale.json(&visit("abc12", 10)).send().await.unwrap().status(), 412);
    let (_, updated) = bench.call(Method::PUT, &path, Some(visit("abc12", 10))).await;
    assert!(updated.get("location").is_none());
    assert_eq!(updated["iCalUID"], made["iCalUID"]);
}

#[tokio::test]
async fn lists_are_cut_by_time_ordered_and_continued() {
    let bench = Bench::start().await;
    for (id, hour) in [("later1", 14), ("early1", 8), ("middle1", 11)] {
        let id = id.replace('y', "i");
        bench.post(EVENTS, visit(&id, hour)).await;
    }
    let ids = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let window =
        "timeMin=2026-09-22T08:30:00Z&timeMax=2026-09-22T13:00:00Z&singleEvents=true&orderBy=startTime";
    let (_, list) = bench.get(&format!("{EVENTS}?{window}")).await;
    assert_eq!(ids(&list), ["middle1", "later1"]);
    let (_, list) = bench.get(&format!("{EVENTS}?privateExtendedProperty=nexora_effect%3Dlater1")).await;
    assert_eq!(ids(&list), ["later1"]);
    let refused = bench.get(&format!("{EVENTS}?orderBy=startTime")).await;
    assert_eq!(refused.0, 400);
    let (_, first) = bench.get(&format!("{EVENTS}?maxResults=2")).await;
    let next = first["nextPageToken"].as_str().unwrap();
    assert!(first.get("nextSyncToken").is_none());
    let (_, second) = bench.get(&format!("{EVENTS}?maxResults=2&pageToken={next}")).await;
    let sync = second["nextSyncToken"].as_str().unwrap();
    bench.call(Method::DELETE, &format!("{EVENTS}/later1"), None).await;
    let (_, changed) = bench.get(&format!("{EVENTS}?syncToken={sync}")).await;
    assert_eq!(
        (ids(&changed), &changed["items"][0]["status"]),
        (vec!["later1".to_owned()], &json!("cancelled"))
    );
    let unknown = bench.get(&format!("{EVENTS}?syncToken=nonsense")).await;
    assert_eq!((unknown.0, reason(&unknown)), (400, "invalid"));
    let stale = bench.get(&format!("{EVENTS}?syncToken=sync-99999")).await;
    assert_eq!((stale.0, reason(&stale)), (410, "fullSyncRequired"));
}

#[tokio::test]
async fn taken_times_are_joined_and_cut_to_the_window() {
    let bench = Bench::start().await;
    for (id, hour) in [("aaaaa", 9), ("bbbbb", 10), ("ccccc", 15)] {
        bench.post(EVENTS, visit(id, hour)).await;
    }
    let mut free = visit("ddddd", 12);
    free["transparency"] = json!("transparent");
    bench.post(EVENTS, free).await;
    let asked = json!({
        "timeMin": "2026-09-22T07:30:00Z", "timeMax": "2026-09-22T13:30:00Z",
        "items": [{"id": "primary"}, {"id": "nobody@example.com"}],
    });
    let (status, answer) = bench.post("/calendar/v3/freeBusy", asked).await;
    assert_eq!(status, 200, "{answer}");
    let busy = json!([
        {"start": "2026-09-22T07:30:00.000Z", "end": "2026-09-22T09:00:00.000Z"},
        {"start": "2026-09-22T13:00:00.000Z", "end": "2026-09-22T13:30:00.000Z"},
    ]);
    assert_eq!(answer["calendars"]["primary"]["busy"], busy);
    assert_eq!(answer["calendars"]["nobody@example.com"]["errors"][0]["reason"], "notFound");
    let (_, calendar) = bench.get("/calendar/v3/calendars/primary").await;
    assert_eq!(calendar["id"], OFFICE);
    let (_, list) = bench.get("/calendar/v3/users/me/calendarList").await;
    assert_eq!(list["items"][0]["primary"], true);
}

#[tokio::test]
async fn a_series_is_unfolded_and_its_exceptions_stand_for_themselves() {
    let bench = Bench::start().await;
    let mut series = visit("series", 9);
    series["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=4"]);
    let (status, made) = bench.post(EVENTS, series).await;
    assert_eq!((status, &made["recurrence"]), (200, &json!(["RRULE:FREQ=WEEKLY;COUNT=4"])));
    let token = bench.get(EVENTS).await.1["nextSyncToken"].as_str().unwrap().to_owned();
    let instances = format!("{EVENTS}/series/instances");
    let ids = async |path: &str| -> Vec<String> {
        let (_, list) = bench.get(path).await;
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = [
        "series_20260922T070000Z",
        "series_20260929T070000Z",
        "series_20261006T070000Z",
        "series_20261013T070000Z",
    ];
    assert_eq!(ids(&instances).await, all);
    assert_eq!(ids(&format!("{instances}?maxResults=3&pageToken=3")).await, all[3..]);

    let moved = json!({
        "start": {"dateTime": "2026-09-30T15:00:00+02:00"}, "end": {"dateTime": "2026-09-30T16:00:00+02:00"},
    });
    let (_, moved) = bench.call(Method::PATCH, &format!("{EVENTS}/{}", all[1]), Some(moved)).await;
    assert_eq!((&moved["recurringEventId"], &moved["summary"]), (&json!("series"), &json!("Visit series")));
    assert_eq!(moved["originalStartTime"]["dateTime"], "2026-09-29T09:00:00+02:00");
    assert_eq!(bench.call(Method::DELETE, &format!("{EVENTS}/{}", all[2]), None).await.0, 204);
    assert_eq!(ids(&instances).await, [all[0], all[1], all[3]]);
    assert_eq!(ids(&format!("{instances}?showDeleted=true")).await.len(), 4);
    let window = "timeMin=2026-09-30T00:00:00Z&timeMax=2026-10-12T00:00:00Z";
    assert_eq!(ids(&format!("{EVENTS}?singleEvents=true&orderBy=startTime&{window}")).await, [all[1]]);

    let (_, changes) = bench.get(&format!("{EVENTS}?syncToken={token}")).await;
    let [moved, cancelled] = [0, 1].map(|index| &changes["items"][index]);
    assert_eq!((&moved["id"], &cancelled["id"]), (&json!(all[1]), &json!(all[2])));
    assert_eq!((&cancelled["status"], cancelled.get("summary")), (&json!("cancelled"), None));
    assert_eq!(cancelled["originalStartTime"]["dateTime"], "2026-10-06T09:00:00+02:00");

    let question = json!({
        "timeMin": "2026-09-22T00:00:00Z", "timeMax": "2026-10-20T00:00:00Z", "items": [{"id": "primary"}],
    });
    let (_, free) = bench.post("/calendar/v3/freeBusy", question).await;
    let busy = free["calendars"]["primary"]["busy"].as_array().unwrap();
    let starts: Vec<&str> = busy.iter().map(|span| span["start"].as_str().unwrap()).collect();
    assert_eq!(starts, ["2026-09-22T07:00:00.000Z", "2026-09-30T13:00:00.000Z", "2026-10-13T07:00:00.000Z"]);

    assert_eq!(bench.call(Method::DELETE, &format!("{EVENTS}/series"), None).await.0, 204);
    assert!(ids(&instances).await.is_empty());
    let unknown = bench.get(&format!("{EVENTS}/series_20270101T070000Z")).await;
    assert_eq!((unknown.0, reason(&unknown)), (404, "notFound"));
}
