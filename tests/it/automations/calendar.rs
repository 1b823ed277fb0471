//! What happens at a moment: appointments, schedules, and what a pause does to them.

use super::MORNING;
use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::scene::Scene;
use nexora::ops::tenant;
use nexora_store as store;
use nexora_store::event::Filter;
use serde_json::json;

on_both!(
    appointments_are_confirmed_reminded_of_and_told_when_they_change,
    nobody_is_reminded_of_what_was_cancelled_since_the_calendar_was_read,
    a_day_without_a_time_is_reminded_of_at_a_decent_hour_the_day_before,
    schedules_fire_by_the_tenants_clocks_and_once_a_day,
    a_move_to_the_east_costs_no_digest,
    a_week_of_pause_loses_nothing_and_sends_nothing_stale
);

async fn appointments_are_confirmed_reminded_of_and_told_when_they_change(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("appointment-helper", &[]).await;
    // Monday, 14:00 in Chicago.
    let entry = |start: &str, end: &str| json!({ "id": "visit1", "summary": "Boiler", "start": { "dateTime": start }, "end": { "dateTime": end }, "attendees": [{ "email": "jo@example.com", "displayName": "Jo Miller" }] });
    scene.entry("POST", "", entry("2026-11-23T20:00:00Z", "2026-11-23T21:00:00Z")).await;
    scene.hours(1).await;
    assert_eq!(scene.sent(), ["Your appointment with Acme Plumbing: Monday, November 23"]);
    scene.entry("PATCH", "visit1", entry("2026-11-24T20:00:00Z", "2026-11-24T21:00:00Z")).await;
    scene.hours(1).await;
    assert_eq!(scene.sent()[1], "New time for your appointment: Tuesday, November 24 at 2:00 PM");
    // Nothing on Sunday, when the reminder of Monday would have gone out.
    scene.hours(68).await;
    assert_eq!(scene.sent().len(), 2, "{:?}", scene.sent());
    scene.hours(6).await;
    assert_eq!(scene.sent()[2], "Reminder: Acme Plumbing on Tuesday, November 24 at 2:00 PM");
    scene.entry("DELETE", "visit1", json!({})).await;
    scene.hours(30).await;
    assert_eq!(scene.sent()[3], "Your appointment on Tuesday, November 24 is cancelled");
    assert_eq!(scene.sent().len(), 4, "after a cancellation nothing more: {:?}", scene.sent());
    // Colleagues and those who have declined are written to by nobody.
    let others = |email: &str, response: &str| json!({ "summary": "Talk", "start": { "dateTime": "2026-12-01T20:00:00Z" }, "end": { "dateTime": "2026-12-01T21:00:00Z" }, "attendees": [{ "email": email, "responseStatus": response }] });
    scene.entry("POST", "", others("pat@acme.example.com", "accepted")).await;
    scene.entry("POST", "", others("lee@example.com", "declined")).await;
    scene.hours(1).await;
    assert_eq!(scene.sent().len(), 4, "{:?}", scene.sent());
}

async fn nobody_is_reminded_of_what_was_cancelled_since_the_calendar_was_read(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("appointment-helper", &[]).await;
    // In 26 hours; the reminder is due in two.
    scene.entry("POST", "", json!({ "id": "visit1", "summary": "Boiler", "start": { "dateTime": "2026-11-21T18:00:00Z" }, "end": { "dateTime": "2026-11-21T19:00:00Z" }, "attendees": [{ "email": "jo@example.com", "displayName": "Jo Miller" }] })).await;
    scene.hours(1).await;
    for seconds in [900, 900, 900, 720] {
        scene.pass(seconds).await;
    }
    // Three minutes before, and two before the calendar is read again.
    scene.entry("DELETE", "visit1", json!({})).await;
    for seconds in [180, 2, 2, 2] {
        scene.pass(seconds).await;
    }
    assert_eq!(
        scene.sent(),
        [
            "Your appointment with Acme Plumbing: Saturday, November 21",
            "Your appointment on Saturday, November 21 is cancelled"
        ]
    );
}

async fn a_day_without_a_time_is_reminded_of_at_a_decent_hour_the_day_before(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("appointment-helper", &[("confirm", "false")]).await;
    scene.entry("POST", "", json!({ "summary": "Boiler", "start": { "date": "2026-11-24" }, "end": { "date": "2026-11-25" }, "attendees": [{ "email": "jo@example.com" }] })).await;
    // Sunday, 22:00, to Monday, 08:45.
    scene.hours(60).await;
    scene.hours(10).await;
    assert!(scene.sent().is_empty(), "{:?}", scene.sent());
    scene.hours(3).await;
    assert_eq!(scene.sent(), ["Reminder: Acme Plumbing on Tuesday, November 24"]);
    scene.hours(30).await;
    assert_eq!(scene.sent().len(), 1);
}

async fn schedules_fire_by_the_tenants_clocks_and_once_a_day(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("daily-digest", &[]).await;
    scene.hours(20).await;
    let digests = |scene: &Scene| {
        let state = scene.nexora.state();
        state["smtp"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|mail| mail["subject"].as_str().unwrap().contains("new leads, 0 today"))
            .count()
    };
    assert_eq!(digests(&scene), 0, "it is 06:00 there");
    scene.hours(2).await;
    assert_eq!(digests(&scene), 1);
    // Further east, it is past seven already of the same day: it had its digest.
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let move_to = |zone: &str| [("timezone".to_owned(), zone.to_owned())];
    tenant::set(app, actor, &tenant.slug, &move_to("America/New_York")).await.unwrap();
    scene.hours(1).await;
    assert_eq!(digests(&scene), 1);
    // A week of silence makes one digest, not seven.
    tenant::suspend(app, actor, &tenant.slug).await.unwrap();
    scene.hours(24 * 7).await;
    assert_eq!(digests(&scene), 1);
    tenant::resume(app, actor, &tenant.slug).await.unwrap();
    scene.hours(1).await;
    assert_eq!(digests(&scene), 2);
    let events = app
        .view(tenant, move |tx| {
            store::event::list(
                tx,
                &Filter { kind: Some(nexora_core::model::event::EventKind::Schedule), ..Filter::default() },
                50,
            )
        })
        .await
        .unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
}

async fn a_move_to_the_east_costs_no_digest(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.set(&[("timezone", "America/Los_Angeles")]).await;
    scene.use_built_in("daily-digest", &[]).await;
    let digests = |scene: &Scene| scene.nexora.state()["smtp"].as_array().unwrap().len();
    scene.hours(21).await;
    assert_eq!(digests(&scene), 0, "it is 05:00 there");
    scene.set(&[("timezone", "America/New_York")]).await;
    scene.pass(60).await;
    assert_eq!(digests(&scene), 1, "it is past seven now, and the day had none");
    scene.hours(24).await;
    assert_eq!(digests(&scene), 2);
    scene.set(&[("timezone", "America/Los_Angeles")]).await;
    scene.hours(4).await;
    assert_eq!(digests(&scene), 2, "seven comes again, and the day has had its digest");
}

async fn a_week_of_pause_loses_nothing_and_sends_nothing_stale(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[
                ("touches", "1day follow-up-1, 2days follow-up-2, 3days follow-up-3"),
                ("hours", "Mon-Sun 00:00-24:00"),
            ],
        )
        .await;
    scene.use_built_in("appointment-helper", &[("confirm", "false")]).await;
    scene.entry("POST", "", json!({ "summary": "Boiler", "start": { "dateTime": "2026-11-24T20:00:00Z" }, "end": { "dateTime": "2026-11-24T21:00:00Z" }, "attendees": [{ "email": "kim@example.com" }] })).await;
    scene.nexora.submit(enquiry()).await;
    scene.pass(600).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    tenant::suspend(app, actor, &tenant.slug).await.unwrap();
    scene.hours(24 * 7).await;
    assert!(scene.sent().is_empty());
    tenant::resume(app, actor, &tenant.slug).await.unwrap();
    scene.hours(2).await;
    assert_eq!(
        scene.sent(),
        ["Any questions about your request, Jo?"],
        "one at a time, and no reminder of what is over"
    );
    scene.hours(24).await;
    assert_eq!(scene.sent().len(), 2);
}
