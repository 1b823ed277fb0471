//! What automations promise: stops, gates, re-entry, schedules, records, and their explanation.

use std::collections::BTreeMap;
use std::time::Duration;

use nexora::ops::job::{Move, NewJob};
use nexora::ops::{automation, contact, event, explain, job, lead, link, run, task, tenant, version};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::model::change::JobPerson;
use nexora_core::model::effect::EffectState;
use nexora_core::model::event::About;
use nexora_core::model::lead::LeadState;
use nexora_core::model::run::RunState;
use nexora_core::model::task::TaskState;
use nexora_store as store;
use nexora_store::event::Filter;
use serde_json::json;

use crate::harness::{Nexora, enquiry, on_both};
use crate::scene::{OFFICE, Scene, definition};

/// A Friday, 10:00 in Chicago.
const MORNING: &str = "2026-11-20T16:00:00Z";

impl Scene {
    /// Sets the clock, and what every tenant needs that sends commercial mail.
    async fn at(&mut self, at: &str) {
        self.nexora.app.clock.set(Timestamp::parse(at).unwrap());
        self.set(&[("postal_address", "12 Main St"), ("review_url", "https://reviews.example.com/x")]).await;
        self.nexora.settle().await;
    }

    async fn set(&mut self, settings: &[(&str, &str)]) {
        let settings: Vec<(String, String)> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let Nexora { app, actor, tenant, .. } = &self.nexora;
        self.nexora.tenant = tenant::set(app, actor, &tenant.slug, &settings).await.unwrap();
    }

    async fn use_built_in(&self, name: &str, settings: &[(&str, &str)]) {
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let Nexora { app, actor, tenant, .. } = &self.nexora;
        automation::enable(app, actor, tenant, name, &settings, false).await.unwrap();
        self.nexora.settle().await;
    }

    /// Returns the subjects of the mails that the office has sent.
    fn sent(&self) -> Vec<String> {
        let state = self.nexora.state();
        let mails = state["mailboxes"][OFFICE]["messages"].as_array().cloned().unwrap_or_default();
        let is_sent =
            |mail: &serde_json::Value| mail["labelIds"].as_array().unwrap().contains(&json!("SENT"));
        mails
            .iter()
            .filter(|mail| is_sent(mail))
            .map(|mail| mail["subject"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn hours(&self, hours: u64) {
        // In small steps, so that whatever is due between is done when it is due.
        for _ in 0..hours * 4 {
            self.pass(900).await;
        }
    }

    async fn complete_job(&self, title: &str) {
        let Nexora { app, actor, tenant, .. } = &self.nexora;
        let person = JobPerson {
            email: Some("jo@example.com".parse().unwrap()),
            name: "Jo Miller".into(),
            ..JobPerson::default()
        };
        let new = NewJob {
            title: title.into(),
            person,
            address: None,
            zone: None,
            amount_cents: None,
            scheduled_at: None,
        };
        let made = job::add(app, actor, tenant, new).await.unwrap();
        job::advance(app, actor, tenant, &made.id, Move::Complete { amount_cents: None }).await.unwrap();
        self.nexora.settle().await;
    }
}

on_both! {
    async fn follow_ups_go_on_until_something_happens_and_then_a_person_calls(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1day follow-up-1, 2days follow-up-2"), ("last_wait", "4h"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        let first = scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.hours(60).await;
        assert_eq!(scene.sent(), ["Any questions about your request, Jo?", "Shall we find a time, Jo?"]);
        let Nexora { app, tenant, actor, .. } = &scene.nexora;
        let tasks = app.view(tenant, move |tx| store::task::list(tx, Some(TaskState::Open), None, 10)).await.unwrap();
        assert!(tasks[0].title.starts_with("Call Jo Miller"), "{tasks:?}");
        assert!(tasks[0].detail.contains("Shall we find a time"), "the history is there: {}", tasks[0].detail);
        task::finish(app, actor, tenant, &tasks[0].id).await.unwrap();
        assert!(app.view(tenant, move |tx| store::task::list(tx, Some(TaskState::Open), None, 10)).await.unwrap().is_empty());

        // A reply ends it.
        let mut second = enquiry();
        second.email = "kim@example.com".into();
        second.phone = String::new();
        let second = scene.nexora.submit(second).await;
        scene.nexora.settle().await;
        // A day later it is Monday, 22:00: it goes out at eight.
        scene.hours(36).await;
        scene.mail("Kim <kim@example.com>", "Re: Any questions");
        scene.hours(48).await;
        assert_eq!(scene.sent().len(), 3, "{:?}", scene.sent());
        let view = scene.nexora.lead(&second).await;
        assert_eq!(view.runs[0].run.state, RunState::Cancelled);
        let why = explain::explain(app, tenant, second.as_str()).await.unwrap();
        let shown: Vec<String> = why.lines.iter().map(|line| format!("{} {} {}", line.what, line.became, line.why)).collect();
        let shown = shown.join("\n");
        for expected in ["lead Jo Miller arrived", "let through not suppressed", "ended cancelled: ended by message.received"] {
            assert!(shown.contains(expected), "{expected} in\n{shown}");
        }
        assert_eq!(scene.nexora.lead(&first).await.runs[0].run.state, RunState::Succeeded);
    }

    async fn what_is_held_at_night_goes_out_in_the_morning_and_an_answer_goes_at_once(backend) {
        let mut scene = Scene::new(backend).await;
        // 22:30 in Chicago.
        scene.at("2026-11-21T04:30:00Z").await;
        scene.use_built_in("lead-capture", &[("callback", "false")]).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        let id = scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        assert_eq!(scene.sent(), ["We have your request, Jo"]);
        scene.hours(9).await;
        assert_eq!(scene.sent().len(), 1, "it is quiet until 08:00");
        scene.hours(1).await;
        assert_eq!(scene.sent().len(), 2);
        let Nexora { app, tenant, .. } = &scene.nexora;
        let why = explain::explain(app, tenant, id.as_str()).await.unwrap();
        assert!(why.lines.iter().any(|line| line.became == "held" && line.why.contains("quiet_hours until 2026-11-21T14:00")), "{why:#?}");
    }

    async fn quiet_hours_are_those_of_the_contact(backend) {
        let mut scene = Scene::new(backend).await;
        // 07:30 in Chicago, 08:30 in New York.
        scene.at("2026-11-20T13:30:00Z").await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1m follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        let zone = nexora_core::model::address::Zone::parse("America/New_York").unwrap();
        contact::set_zone(app, actor, tenant, "jo@example.com", zone).await.unwrap();
        scene.pass(120).await;
        scene.pass(30).await;
        assert_eq!(scene.sent().len(), 1, "it is not quiet in New York any more");
    }

    async fn quiet_hours_are_those_of_the_jobs_address_where_the_contact_has_none(backend) {
        let mut scene = Scene::new(backend).await;
        // 07:30 in Chicago, 08:30 in Boston.
        scene.at("2026-11-20T13:30:00Z").await;
        scene.use_built_in("review-request", &[("delay", "1m"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        for (email, address) in [("jo@example.com", "1 Beacon St, Boston, MA 02108"), ("kim@example.com", "1 Lake St, Chicago, IL 60601")] {
            let person = JobPerson { email: Some(email.parse().unwrap()), name: email[..2].into(), ..JobPerson::default() };
            let new = NewJob { title: "Tap".into(), person, address: Some(address.into()), zone: None, amount_cents: None, scheduled_at: None };
            let made = job::add(app, actor, tenant, new).await.unwrap();
            job::advance(app, actor, tenant, &made.id, Move::Complete { amount_cents: None }).await.unwrap();
        }
        scene.nexora.settle().await;
        scene.pass(120).await;
        scene.pass(30).await;
        assert_eq!(scene.sent(), ["How did we do, jo?"]);
        scene.hours(1).await;
        assert_eq!(scene.sent().len(), 2);
    }

    async fn a_tenant_has_words_of_its_own(backend) {
        let scene = Scene::new(backend).await;
        scene.write("messages/lead-acknowledgement.toml", "subject = \"For all\"\ntext = \"Hi.\"\n");
        scene.write("tenants/acme/messages/lead-acknowledgement.toml", "subject = \"Ours\"\ntext = \"Hi.\"\n");
        scene.write("tenants/other/messages/lead-acknowledgement.toml", "subject = \"Theirs\"\ntext = \"Hi.\"\n");
        scene.use_built_in("lead-capture", &[("callback", "false")]).await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        assert_eq!(scene.sent(), ["Ours"]);
        // What is frozen stays, whatever becomes of the file.
        scene.write("tenants/acme/messages/lead-acknowledgement.toml", "subject = \"Edited\"\ntext = \"Hi.\"\n");
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        assert_eq!(scene.sent(), ["Ours", "Ours"]);
    }

    async fn nobody_is_written_to_who_wants_no_more(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1h follow-up-1, 1day follow-up-2"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        let id = scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.hours(2).await;
        let state = scene.nexora.state();
        let raw = state["mailboxes"][OFFICE]["messages"][0]["raw"].as_str().unwrap().to_owned();
        assert!(raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{raw}");
        let unfolded = raw.replace("\r\n ", "");
        let url = unfolded.split("List-Unsubscribe: <").nth(1).unwrap().split('>').next().unwrap();
        let token = url.split("/u/").nth(1).unwrap();
        let app = &scene.nexora.app;
        assert!(link::unsubscribe(app, "tenant_x.contact_y.z.bad").await.is_err());
        link::unsubscribe(app, token).await.unwrap();
        // The same again changes nothing.
        link::unsubscribe(app, token).await.unwrap();
        scene.hours(48).await;
        assert_eq!(scene.sent().len(), 1);
        let view = scene.nexora.lead(&id).await;
        assert!(view.runs[0].run.reason.as_ref().unwrap().contains("contact.unsubscribed"), "{:?}", view.runs[0].run);
        // What is no follow-up still reaches them; what is does not, whoever starts it.
        scene.use_built_in("lead-capture", &[("callback", "false")]).await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.hours(3).await;
        assert_eq!(scene.sent().len(), 2, "{:?}", scene.sent());
        let Nexora { app, tenant, actor, .. } = &scene.nexora;
        let known = contact::find(app, tenant, "jo@example.com").await.unwrap();
        assert!(!known.consents[0].given);
        let jo = "jo@example.com".parse().unwrap();
        contact::lift(app, actor, tenant, &jo, nexora_core::model::consent::Scope::Commercial).await.unwrap();
        assert!(app.view(tenant, move |tx| store::consent::list_suppressions(tx, 10)).await.unwrap().is_empty());
    }

    async fn who_wants_no_more_mail_gets_none_at_any_address(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        scene.nexora.submit(enquiry()).await;
        let mut again = enquiry();
        again.email = "at-work@example.com".into();
        scene.nexora.submit(again).await;
        scene.nexora.settle().await;
        scene.hours(2).await;
        let raw = scene.nexora.state()["mailboxes"][OFFICE]["messages"][0]["raw"].as_str().unwrap().replace("\r\n ", "");
        let token = raw.split("/u/").nth(1).unwrap().split('>').next().unwrap();
        link::unsubscribe(&scene.nexora.app, token).await.unwrap();
        let known = contact::find(&scene.nexora.app, &scene.nexora.tenant, "jo@example.com").await.unwrap();
        let mails: Vec<_> = known.addresses.iter().filter(|address| address.value.contains('@')).collect();
        assert_eq!(mails.len(), 2);
        assert!(mails.iter().all(|mail| !mail.suppressed.is_empty()), "{mails:?}");
    }

    async fn a_review_is_asked_for_once_reminded_of_once_and_never_again_soon(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("review-request", &[("hours", "Mon-Sun 00:00-24:00")]).await;
        scene.complete_job("Boiler").await;
        // Two jobs on one day are one request.
        scene.complete_job("Tap").await;
        scene.hours(25).await;
        assert_eq!(scene.sent(), ["How did we do, Jo?"]);
        scene.hours(73).await;
        assert_eq!(scene.sent(), ["How did we do, Jo?", "Re: How did we do, Jo?"]);
        scene.hours(24).await;
        scene.complete_job("Bath").await;
        scene.hours(30).await;
        assert_eq!(scene.sent().len(), 2, "they were asked less than 90 days ago");
        let Nexora { app, tenant, .. } = &scene.nexora;
        let runs = app.view(tenant, move |tx| store::run::list(tx, &nexora_store::run::Filter::default(), 10)).await.unwrap();
        let reasons: Vec<&str> = runs.iter().filter_map(|run| run.reason.as_deref()).collect();
        assert!(reasons.iter().any(|reason| reason.contains("less than 90 days ago")), "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("is under way")), "{reasons:?}");
    }

    async fn nobody_is_asked_for_a_review_while_an_answer_is_owed(backend) {
        let mut scene = Scene::new(backend).await;
        // The sandbox dates mails by the real clock.
        scene.at(&Clock::System.now().to_string()).await;
        scene.set(&[("quiet_hours", "none")]).await;
        scene.use_built_in("review-request", &[("delay", "1h"), ("hours", "Mon-Sun 00:00-24:00"), ("remind_after", "30days")]).await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.mail("Jo <jo@example.com>", "It leaks again");
        scene.pass(60).await;
        scene.complete_job("Boiler").await;
        for _ in 0..6 {
            scene.hours(1).await;
            scene.pass(23 * 3600).await;
        }
        assert!(scene.sent().is_empty(), "{:?}", scene.sent());
        scene.hours(30).await;
        assert_eq!(scene.sent(), ["How did we do, Jo?"], "a week later it is owed no more");
        let Nexora { app, tenant, .. } = &scene.nexora;
        let runs = app.view(tenant, move |tx| store::run::list(tx, &nexora_store::run::Filter::default(), 10)).await.unwrap();
        let why = explain::explain(app, tenant, runs[0].id.as_str()).await.unwrap();
        let held = why.lines.iter().filter(|line| line.became == "held" && line.why.contains("owe them an answer"));
        assert_eq!(held.count(), 7, "every day that it waited is told: {why:#?}");
    }

    async fn two_automations_do_not_write_to_a_contact_at_once(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        scene.use_built_in("review-request", &[("delay", "1h"), ("hours", "Mon-Sun 00:00-24:00"), ("remind_after", "30days")]).await;
        scene.complete_job("Boiler").await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        // Both are due in one moment.
        scene.pass(3600).await;
        scene.pass(5).await;
        assert_eq!(scene.sent().len(), 1, "{:?}", scene.sent());
        scene.hours(22).await;
        assert_eq!(scene.sent().len(), 2, "the other follows when the first is a while ago");
    }

    async fn what_happens_before_a_run_is_made_ends_it_all_the_same(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        let id = scene.nexora.submit(enquiry()).await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        lead::set_state(app, actor, tenant, &id, LeadState::Won).await.unwrap();
        // Both were there before anything was looked at.
        scene.pass(60).await;
        scene.hours(2).await;
        assert!(scene.sent().is_empty(), "{:?}", scene.sent());
        assert_eq!(scene.nexora.lead(&id).await.runs[0].run.state, RunState::Cancelled);
    }

    async fn a_paused_automation_sends_nothing_that_the_night_has_held(backend) {
        let mut scene = Scene::new(backend).await;
        // 22:30 in Chicago.
        scene.at("2026-11-21T04:30:00Z").await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.hours(2).await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        automation::pause(app, actor, tenant, "follow-up-sequence").await.unwrap();
        scene.hours(10).await;
        assert!(scene.sent().is_empty(), "{:?}", scene.sent());
        automation::resume(app, actor, tenant, "follow-up-sequence").await.unwrap();
        scene.pass(60).await;
        scene.pass(2).await;
        assert_eq!(scene.sent().len(), 1);
    }

    async fn each_stage_of_a_job_is_told_however_quickly_they_follow(backend) {
        let scene = Scene::start(backend, "[[trigger]]\non = \"job.stage\"\n").await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        let new = NewJob { title: "Roof".into(), person: JobPerson::default(), address: None, zone: None, amount_cents: None, scheduled_at: None };
        let made = job::add(app, actor, tenant, new).await.unwrap();
        for stage in ["Measured", "Quoted", "Measured", "Sold"] {
            job::advance(app, actor, tenant, &made.id, Move::Stage(stage.into())).await.unwrap();
        }
        scene.nexora.settle().await;
        let runs = app.view(tenant, move |tx| store::run::list(tx, &nexora_store::run::Filter::default(), 10)).await.unwrap();
        assert_eq!(runs.len(), 4);
    }

    async fn a_record_that_cannot_be_written_stands_in_nobodys_way(backend) {
        let scene = Scene::start(backend, "[[trigger]]\non = \"lead.received\"\n").await;
        scene.write("automations/parts.toml", &definition("parts", r#"
            [[trigger]]
            on = "webhook.received"
            name = "part.arrived"
            [[step]]
            id = "job"
            action = "job.create"
            with = { title = "Fit {{ webhook.data.part }}" }
        "#));
        scene.enable("parts").await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        // PostgreSQL keeps no text with a NUL in it.
        let data = json!({ "part": "a\u{0}b" });
        event::ingest(app, actor, tenant, "part.arrived".into(), data, None).await.unwrap();
        let id = scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        assert_eq!(scene.nexora.lead(&id).await.runs[0].run.state, RunState::Succeeded);
    }

    async fn an_opened_review_link_spares_the_reminder(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("review-request", &[("hours", "Mon-Sun 00:00-24:00")]).await;
        scene.complete_job("Boiler").await;
        scene.hours(25).await;
        let effects = scene.nexora.app.view(&scene.nexora.tenant, move |tx| store::effect::list(tx, &nexora_store::effect::Filter::default(), 5)).await.unwrap();
        let text = effects[0].request.value()["text"].as_str().unwrap().to_owned();
        let token = text.split("/r/").nth(1).unwrap().split_whitespace().next().unwrap();
        let url = link::open_review(&scene.nexora.app, token).await.unwrap();
        assert_eq!(url, "https://reviews.example.com/x");
        scene.hours(80).await;
        assert_eq!(scene.sent().len(), 1);
    }

    async fn appointments_are_confirmed_reminded_of_and_told_when_they_change(backend) {
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

    async fn nobody_is_reminded_of_what_was_cancelled_since_the_calendar_was_read(backend) {
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
        assert_eq!(scene.sent(), ["Your appointment with Acme Plumbing: Saturday, November 21", "Your appointment on Saturday, November 21 is cancelled"]);
    }

    async fn a_day_without_a_time_is_reminded_of_at_a_decent_hour_the_day_before(backend) {
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

    async fn the_owner_hears_again_of_a_lead_that_nobody_has_answered(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("lead-capture", &[("callback", "false")]).await;
        let waiting = scene.nexora.submit(enquiry()).await;
        let mut other = enquiry();
        other.email = "kim@example.com".into();
        other.phone = String::new();
        other.name = "Kim Reed".into();
        let answered = scene.nexora.submit(other).await;
        scene.nexora.settle().await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        lead::answered(app, actor, tenant, &answered).await.unwrap();
        scene.hours(1).await;
        let state = scene.nexora.state();
        let subjects: Vec<&str> = state["smtp"].as_array().unwrap().iter().map(|mail| mail["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects.iter().filter(|subject| subject.starts_with("Still waiting: ")).collect::<Vec<_>>(), [&"Still waiting: Jo Miller"]);
        let view = scene.nexora.lead(&answered).await.lead;
        assert_eq!(view.state, LeadState::Contacted);
        assert!(view.answered_at.is_some() && view.responded_at.is_some(), "both first answers are known");
        assert!(scene.nexora.lead(&waiting).await.lead.responded_at.is_none());
    }

    async fn a_mail_that_comes_back_ends_what_was_planned(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1h follow-up-1, 1day follow-up-2"), ("hours", "Mon-Sun 00:00-24:00")]).await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.hours(2).await;
        let state = scene.nexora.state();
        let id = state["mailboxes"][OFFICE]["messages"][0]["raw"].as_str().unwrap().split("Message-ID: <").nth(1).unwrap().split('>').next().unwrap().to_owned();
        let raw = format!("From: mailer-daemon@googlemail.com\r\nTo: {OFFICE}\r\nSubject: Delivery Status Notification (Failure)\r\nMessage-ID: <b@x>\r\nIn-Reply-To: <{id}>\r\nReferences: <{id}>\r\n\r\nAddress not found: jo@example.com\r\n");
        scene.seed(json!({ "deliveries": [{ "mailbox": OFFICE, "raw": raw }] }));
        scene.hours(48).await;
        assert_eq!(scene.sent().len(), 1);
        let Nexora { app, tenant, .. } = &scene.nexora;
        let suppressed = app.view(tenant, move |tx| store::consent::list_suppressions(tx, 10)).await.unwrap();
        assert_eq!(suppressed[0].reason.name(), "bounced");
    }

    async fn schedules_fire_by_the_tenants_clocks_and_once_a_day(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("daily-digest", &[]).await;
        scene.hours(20).await;
        let digests = |scene: &Scene| {
            let state = scene.nexora.state();
            state["smtp"].as_array().unwrap().iter().filter(|mail| mail["subject"].as_str().unwrap().contains("new leads, 0 today")).count()
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
        let events = app.view(tenant, move |tx| store::event::list(tx, &Filter { kind: Some(nexora_core::model::event::EventKind::Schedule), ..Filter::default() }, 50)).await.unwrap();
        assert_eq!(events.len(), 2, "{events:?}");
    }

    async fn a_move_to_the_east_costs_no_digest(backend) {
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

    async fn a_week_of_pause_loses_nothing_and_sends_nothing_stale(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("follow-up-sequence", &[("touches", "1day follow-up-1, 2days follow-up-2, 3days follow-up-3"), ("hours", "Mon-Sun 00:00-24:00")]).await;
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
        assert_eq!(scene.sent(), ["Any questions about your request, Jo?"], "one at a time, and no reminder of what is over");
        scene.hours(24).await;
        assert_eq!(scene.sent().len(), 2);
    }

    async fn what_other_programs_tell_and_what_operators_start_runs_automations(backend) {
        let scene = Scene::new(backend).await;
        scene.write("automations/parts.toml", r#"
            [automation]
            name = "parts"
            title = "Parts"
            [[trigger]]
            on = "webhook.received"
            name = "part.arrived"
            [[trigger]]
            on = "manual"
            [[step]]
            id = "job"
            action = "job.create"
            with = { title = "Fit the part", name = "Jo Miller", email = "jo@example.com", amount = "95.50" }
            [[step]]
            id = "task"
            action = "task.create"
            with = { title = "Call about {{ steps.job.job_id }}", due = "1day" }
        "#);
        scene.enable("parts").await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        let data = json!({ "number": 7 });
        for _ in 0..2 {
            event::ingest(app, actor, tenant, "part.arrived".into(), data.clone(), Some("7".into())).await.unwrap();
        }
        event::ingest(app, actor, tenant, "part.lost".into(), data, None).await.unwrap();
        scene.nexora.settle().await;
        let jobs = app.view(tenant, move |tx| store::job::list(tx, None, None, 10)).await.unwrap();
        assert_eq!((jobs.len(), jobs[0].amount_cents), (1, Some(9_550)));
        let tasks = app.view(tenant, move |tx| store::task::list(tx, None, None, 10)).await.unwrap();
        assert_eq!(tasks[0].title, format!("Call about {}", jobs[0].id));
        version::start(app, actor, tenant, "parts", About::default()).await.unwrap();
        scene.nexora.settle().await;
        assert_eq!(app.view(tenant, move |tx| store::job::list(tx, None, None, 10)).await.unwrap().len(), 2);
    }

    async fn runs_under_way_keep_their_version_until_they_are_moved(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        let text = |reason: &str, more: &str| format!("[automation]\nname = \"slow\"\ntitle = \"Slow\"\n[[trigger]]\non = \"lead.received\"\n{more}[[step]]\nid = \"wait\"\naction = \"wait\"\nwith = {{ for = \"2h\" }}\n[[step]]\nid = \"end\"\naction = \"stop\"\nwith = {{ reason = \"{reason}\" }}\n");
        scene.write("automations/slow.toml", &text("old", ""));
        scene.enable("slow").await;
        let ids = [scene.nexora.submit(enquiry()).await, scene.nexora.submit(enquiry()).await];
        scene.nexora.settle().await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        scene.write("automations/slow.toml", &text("new", ""));
        assert!(version::diff(app, tenant, "slow", None, version::Other::Disk).await.unwrap().contains("+with = { reason = \"new\" }"));
        scene.enable("slow").await;
        assert_eq!(version::history(app, tenant, "slow").await.unwrap().len(), 2);
        let moved = version::migrate_runs(app, actor, tenant, "slow", true).await.unwrap();
        assert_eq!(moved.len(), 2, "{moved:?}");
        let first = scene.nexora.lead(&ids[0]).await.runs[0].run.clone();
        assert_eq!(first.version, 1, "a dry run moves nothing");
        version::migrate_runs(app, actor, tenant, "slow", false).await.unwrap();
        scene.hours(3).await;
        for id in &ids {
            assert_eq!(scene.nexora.lead(id).await.runs[0].run.reason.as_deref(), Some("new"));
        }
        // Where the steps so far are not the same, a run stays.
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.write("automations/slow.toml", &text("newer", "[[step]]\nid = \"before\"\naction = \"condition\"\nwith = { if = \"true\" }\n"));
        scene.enable("slow").await;
        let moved = version::migrate_runs(app, actor, tenant, "slow", false).await.unwrap();
        assert!(moved[0].refused.is_some(), "{moved:?}");
        version::rollback(app, actor, tenant, "slow", 1).await.unwrap();
        let id = scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.hours(3).await;
        assert_eq!(scene.nexora.lead(&id).await.runs[0].run.reason.as_deref(), Some("old"));
    }

    async fn a_message_that_was_in_doubt_is_looked_at_again_before_it_is_sent(backend) {
        // Before anything was done, and once the draft was there.
        for call in ["drafts.create", "drafts.send"] {
            let mut scene = Scene::new(backend).await;
            scene.at(MORNING).await;
            scene.use_built_in("lead-capture", &[("callback", "false"), ("chase_after", "")]).await;
            scene.nexora.faults(json!([{ "service": "gmail", "call": call, "fault": "drop", "when": "before" }])).await;
            let id = scene.nexora.submit(enquiry()).await;
            scene.nexora.settle().await;
            let Nexora { app, actor, tenant, .. } = &scene.nexora;
            let jo = "jo@example.com".parse().unwrap();
            contact::suppress(app, actor, tenant, &jo, (nexora_core::model::consent::Scope::All, "asked by telephone".into())).await.unwrap();
            for _ in 0..5 {
                scene.nexora.app.clock.advance(Duration::from_secs(300));
                scene.nexora.settle().await;
            }
            assert!(scene.sent().is_empty(), "{call}");
            assert_eq!(scene.nexora.effects(&id).await["acknowledge"], EffectState::Discarded, "{call}");
        }
    }

    async fn a_mail_of_which_the_draft_is_there_goes_on_from_it(backend) {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("lead-capture", &[("callback", "false"), ("chase_after", "")]).await;
        scene.nexora.faults(json!([{ "service": "gmail", "call": "drafts.send", "fault": "drop", "when": "before" }])).await;
        let id = scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        for _ in 0..5 {
            scene.nexora.app.clock.advance(Duration::from_secs(60));
            scene.nexora.settle().await;
        }
        assert_eq!(scene.nexora.effects(&id).await["acknowledge"], EffectState::Delivered);
        let state = scene.nexora.state();
        assert_eq!(state["mailboxes"][OFFICE]["messages"].as_array().unwrap().len(), 1, "one mail, no draft beside it");
    }
}
