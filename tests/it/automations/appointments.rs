//! An appointment is an occurrence with people who attend it: each hears of what changes for them, once.

use super::MORNING;
use crate::harness::{Backend, on_both};
use crate::scene::{OFFICE, Scene};
use serde_json::{Value, json};

on_both!(a_series_is_told_by_its_occurrences, each_who_attends_is_told_for_themselves,);

/// To whom the office has written since the last look, with the subject.
fn told(scene: &Scene, seen: &mut usize) -> Vec<String> {
    let state = scene.nexora.state();
    let mails = state["mailboxes"][OFFICE]["messages"].as_array().cloned().unwrap_or_default();
    let sent: Vec<&Value> =
        mails.iter().filter(|mail| mail["labelIds"].as_array().unwrap().contains(&json!("SENT"))).collect();
    let shown = |mail: &&Value| {
        let name = mail["to"].as_str().unwrap().split('@').next().unwrap().to_owned();
        format!("{name}: {}", mail["subject"].as_str().unwrap())
    };
    let mut new: Vec<String> = sent[*seen..].iter().map(shown).collect();
    *seen = sent.len();
    new.sort();
    new
}

fn entry(id: &str, start: &str, guests: &[&str]) -> Value {
    let end = start.replace(":00:00Z", ":45:00Z");
    let attendees: Vec<Value> =
        guests.iter().map(|name| json!({ "email": format!("{name}@example.com") })).collect();
    json!({ "id": id, "summary": "Boiler", "start": { "dateTime": start, "timeZone": "America/Chicago" },
        "end": { "dateTime": end, "timeZone": "America/Chicago" }, "attendees": attendees })
}

async fn a_series_is_told_by_its_occurrences(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("appointment-helper", &[("first_reminder", "1h"), ("second_reminder", "30m")]).await;
    // Every Monday at 14:00 in Chicago, since weeks.
    let mut series = entry("series1", "2026-11-02T20:00:00Z", &["jo"]);
    series["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=12"]);
    scene.entry("POST", "", series.clone()).await;
    let mut seen = 0;
    scene.pass(900).await;
    assert_eq!(told(&scene, &mut seen), ["jo: Your appointment with Acme Plumbing: Monday, November 23"]);
    // One visit is moved, another is cancelled.
    let moved = json!({ "start": { "dateTime": "2026-12-01T21:00:00Z" }, "end": { "dateTime": "2026-12-01T21:45:00Z" } });
    scene.entry("PATCH", "series1_20261130T200000Z", moved).await;
    scene.pass(900).await;
    scene.pass(900).await;
    assert_eq!(
        told(&scene, &mut seen),
        ["jo: New time for your appointment: Tuesday, December 1 at 3:00 PM"]
    );
    scene.entry("DELETE", "series1_20261207T200000Z", json!({})).await;
    scene.pass(900).await;
    assert_eq!(told(&scene, &mut seen), ["jo: Your appointment on Monday, December 7 is cancelled"]);
    // All that is left of it goes an hour later, and then ends.
    series["start"]["dateTime"] = json!("2026-11-02T21:00:00Z");
    series["end"]["dateTime"] = json!("2026-11-02T21:45:00Z");
    scene.entry("PATCH", "series1", series).await;
    scene.pass(900).await;
    scene.pass(900).await;
    assert_eq!(
        told(&scene, &mut seen),
        ["jo: New time for your appointment: Monday, November 23 at 3:00 PM"]
    );
    scene.entry("DELETE", "series1", json!({})).await;
    scene.pass(900).await;
    assert_eq!(told(&scene, &mut seen), ["jo: Your appointment on Monday, November 23 is cancelled"]);
}

async fn each_who_attends_is_told_for_themselves(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("appointment-helper", &[]).await;
    let at = "2026-11-30T20:00:00Z";
    scene.entry("POST", "", entry("visit1", at, &["jo", "al"])).await;
    let mut seen = 0;
    scene.pass(900).await;
    let confirmed = |name: &str| format!("{name}: Your appointment with Acme Plumbing: Monday, November 30");
    assert_eq!(told(&scene, &mut seen), [confirmed("al"), confirmed("jo")]);
    // One who is added later is confirmed, and only they are.
    scene.entry("PATCH", "visit1", entry("visit1", at, &["jo", "al", "kim"])).await;
    scene.pass(900).await;
    assert_eq!(told(&scene, &mut seen), [confirmed("kim")]);
    // One who is taken off hears that it is cancelled for them.
    scene.entry("PATCH", "visit1", entry("visit1", at, &["jo", "kim"])).await;
    scene.pass(900).await;
    assert_eq!(told(&scene, &mut seen), ["al: Your appointment on Monday, November 30 is cancelled"]);
    // The first declines; the other hears of the new time.
    let mut declined = entry("visit1", "2026-12-01T20:00:00Z", &["jo", "kim"]);
    declined["attendees"][0]["responseStatus"] = json!("declined");
    scene.entry("PATCH", "visit1", declined).await;
    scene.pass(900).await;
    scene.pass(900).await;
    assert_eq!(
        told(&scene, &mut seen),
        ["kim: New time for your appointment: Tuesday, December 1 at 2:00 PM"]
    );
    scene.hours(12 * 24).await;
    let reminders = told(&scene, &mut seen);
    assert!(reminders.iter().all(|mail| mail.starts_with("kim: Reminder")), "{reminders:?}");
    assert_eq!(reminders.len(), 2);
}
