//! What automations promise: stops, gates, re-entry, schedules, records, and their explanation.

mod appointments;
mod calendar;
mod gates;
mod languages;
mod people;
mod reports;

use std::collections::BTreeMap;

use nexora::ops::automation;
use nexora::ops::automation::event;
use nexora::ops::automation::version;
use nexora::ops::contact::link;
use nexora::ops::job;
use nexora::ops::job::{Move, NewJob};
use nexora::ops::lead;
use nexora::ops::report::explain;
use nexora::ops::task;
use nexora::ops::tenant;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::change::JobPerson;
use nexora_core::model::event::About;
use nexora_core::model::job::JobState;
use nexora_core::model::lead::LeadState;
use nexora_core::model::run::RunState;
use nexora_core::model::task::TaskState;
use nexora_store as store;
use serde_json::json;

use crate::harness::{Backend, Nexora, enquiry, on_both};
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

on_both!(
    follow_ups_go_on_until_something_happens_and_then_a_person_calls,
    a_tenant_has_words_of_its_own,
    a_review_is_asked_for_once_reminded_of_once_and_never_again_soon,
    a_job_that_is_reopened_asks_for_no_review,
    what_happens_before_a_run_is_made_ends_it_all_the_same,
    each_stage_of_a_job_is_told_however_quickly_they_follow,
    a_record_that_cannot_be_written_stands_in_nobodys_way,
    an_opened_review_link_spares_the_reminder,
    the_owner_hears_again_of_a_lead_that_nobody_has_answered,
    a_mail_that_comes_back_ends_what_was_planned,
    what_other_programs_tell_and_what_operators_start_runs_automations,
    runs_under_way_keep_their_version_until_they_are_moved
);

async fn follow_ups_go_on_until_something_happens_and_then_a_person_calls(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[
                ("touches", "1day follow-up-1, 2days follow-up-2"),
                ("last_wait", "4h"),
                ("hours", "Mon-Sun 00:00-24:00"),
            ],
        )
        .await;
    let first = scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.hours(60).await;
    assert_eq!(scene.sent(), ["Any questions about your request, Jo?", "Shall we find a time, Jo?"]);
    let Nexora { app, tenant, actor, .. } = &scene.nexora;
    let tasks =
        app.view(tenant, move |tx| store::task::list(tx, Some(TaskState::Open), None, 10)).await.unwrap();
    assert!(tasks[0].title.starts_with("Call Jo Miller"), "{tasks:?}");
    assert!(tasks[0].detail.contains("Shall we find a time"), "the history is there: {}", tasks[0].detail);
    task::finish(app, actor, tenant, &tasks[0].id).await.unwrap();
    assert!(
        app.view(tenant, move |tx| store::task::list(tx, Some(TaskState::Open), None, 10))
            .await
            .unwrap()
            .is_empty()
    );

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
    let shown: Vec<String> =
        why.lines.iter().map(|line| format!("{} {} {}", line.what, line.became, line.why)).collect();
    let shown = shown.join("\n");
    for expected in
        ["lead Jo Miller arrived", "let through not suppressed", "ended cancelled: ended by message.received"]
    {
        assert!(shown.contains(expected), "{expected} in\n{shown}");
    }
    assert_eq!(scene.nexora.lead(&first).await.runs[0].run.state, RunState::Succeeded);
}

async fn a_tenant_has_words_of_its_own(backend: Backend) {
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
    scene.hours(2).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.sent(), ["Ours", "Ours"]);
}

async fn a_review_is_asked_for_once_reminded_of_once_and_never_again_soon(backend: Backend) {
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
    let runs = app
        .view(tenant, move |tx| store::run::list(tx, &nexora_store::run::Filter::default(), 10))
        .await
        .unwrap();
    let reasons: Vec<&str> = runs.iter().filter_map(|run| run.reason.as_deref()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("less than 90 days ago")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("is under way")), "{reasons:?}");
}

async fn what_happens_before_a_run_is_made_ends_it_all_the_same(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
    let id = scene.nexora.submit(enquiry()).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    lead::set_state(app, actor, tenant, &id, LeadState::Won).await.unwrap();
    // Both were there before anything was looked at.
    scene.pass(60).await;
    scene.hours(2).await;
    assert!(scene.sent().is_empty(), "{:?}", scene.sent());
    assert_eq!(scene.nexora.lead(&id).await.runs[0].run.state, RunState::Cancelled);
}

async fn a_job_that_is_reopened_asks_for_no_review(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("review-request", &[("hours", "Mon-Sun 00:00-24:00")]).await;
    scene.complete_job("Boiler").await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let jobs = app.view(tenant, |tx| store::job::list(tx, None, None, 10)).await.unwrap();
    let id = jobs[0].id.clone();
    let again = job::advance(app, actor, tenant, &id, Move::Complete { amount_cents: None }).await.unwrap();
    assert_eq!(again.state, JobState::Completed);
    let refused = job::advance(app, actor, tenant, &id, Move::Cancel).await.unwrap_err();
    assert!(refused.hint_text().unwrap().contains("nexora job reopen"), "{refused:?}");
    let reopened = job::advance(app, actor, tenant, &id, Move::Reopen).await.unwrap();
    assert_eq!((reopened.state, reopened.completed_at), (JobState::Open, None));
    scene.hours(100).await;
    assert!(scene.sent().is_empty(), "{:?}", scene.sent());
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    job::advance(app, actor, tenant, &id, Move::Complete { amount_cents: None }).await.unwrap();
    scene.hours(25).await;
    assert_eq!(scene.sent(), ["How did we do, Jo?"]);
}

async fn each_stage_of_a_job_is_told_however_quickly_they_follow(backend: Backend) {
    let scene = Scene::start(backend, "[[trigger]]\non = \"job.stage\"\n").await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let new = NewJob {
        title: "Roof".into(),
        person: JobPerson::default(),
        address: None,
        zone: None,
        amount_cents: None,
        scheduled_at: None,
    };
    let made = job::add(app, actor, tenant, new).await.unwrap();
    for stage in ["Measured", "Quoted", "Measured", "Sold"] {
        job::advance(app, actor, tenant, &made.id, Move::Stage(stage.into())).await.unwrap();
    }
    scene.nexora.settle().await;
    let runs = app
        .view(tenant, move |tx| store::run::list(tx, &nexora_store::run::Filter::default(), 10))
        .await
        .unwrap();
    assert_eq!(runs.len(), 4);
}

async fn a_record_that_cannot_be_written_stands_in_nobodys_way(backend: Backend) {
    let scene = Scene::start(backend, "[[trigger]]\non = \"lead.received\"\n").await;
    scene.write(
        "automations/parts.toml",
        &definition(
            "parts",
            r#"
            [[trigger]]
            on = "webhook.received"
            name = "part.arrived"
            [[step]]
            id = "job"
            action = "job.create"
            with = { title = "Fit {{ webhook.data.part }}" }
        "#,
        ),
    );
    scene.enable("parts").await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    // PostgreSQL keeps no text with a NUL in it.
    let data = json!({ "part": "a\u{0}b" });
    event::ingest(app, actor, tenant, "part.arrived".into(), data, None).await.unwrap();
    let id = scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.nexora.lead(&id).await.runs[0].run.state, RunState::Succeeded);
}

async fn an_opened_review_link_spares_the_reminder(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("review-request", &[("hours", "Mon-Sun 00:00-24:00")]).await;
    scene.complete_job("Boiler").await;
    scene.hours(25).await;
    let effects = scene
        .nexora
        .view(move |tx| store::effect::list(tx, &nexora_store::effect::Filter::default(), 5))
        .await;
    let text = effects[0].request.value()["text"].as_str().unwrap().to_owned();
    let token = text.split("/r/").nth(1).unwrap().split_whitespace().next().unwrap();
    let settings = link::open_review(&scene.nexora.app, token).await.unwrap();
    assert_eq!(settings.review_url, "https://reviews.example.com/x");
    scene.hours(80).await;
    assert_eq!(scene.sent().len(), 1);
}

async fn the_owner_hears_again_of_a_lead_that_nobody_has_answered(backend: Backend) {
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
    let subjects: Vec<&str> =
        state["smtp"].as_array().unwrap().iter().map(|mail| mail["subject"].as_str().unwrap()).collect();
    assert_eq!(
        subjects.iter().filter(|subject| subject.starts_with("Still waiting: ")).collect::<Vec<_>>(),
        [&"Still waiting: Jo Miller"]
    );
    let view = scene.nexora.lead(&answered).await.lead;
    assert_eq!(view.state, LeadState::Contacted);
    assert!(view.answered_at.is_some() && view.responded_at.is_some(), "both first answers are known");
    assert!(scene.nexora.lead(&waiting).await.lead.responded_at.is_none());
}

async fn a_mail_that_comes_back_ends_what_was_planned(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1h follow-up-1, 1day follow-up-2"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.hours(2).await;
    let state = scene.nexora.state();
    let id = state["mailboxes"][OFFICE]["messages"][0]["raw"]
        .as_str()
        .unwrap()
        .split("Message-ID: <")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    let raw = format!(
        "From: mailer-daemon@googlemail.com\r\nTo: {OFFICE}\r\nSubject: Delivery Status Notification (Failure)\r\nMessage-ID: <b@x>\r\nIn-Reply-To: <{id}>\r\nReferences: <{id}>\r\n\r\nAddress not found: jo@example.com\r\n"
    );
    scene.seed(json!({ "deliveries": [{ "mailbox": OFFICE, "raw": raw }] }));
    scene.hours(48).await;
    assert_eq!(scene.sent().len(), 1);
    let Nexora { app, tenant, .. } = &scene.nexora;
    let suppressed = app.view(tenant, move |tx| store::consent::list_suppressions(tx, 10)).await.unwrap();
    assert_eq!(suppressed[0].reason.name(), "bounced");
}

async fn what_other_programs_tell_and_what_operators_start_runs_automations(backend: Backend) {
    let scene = Scene::new(backend).await;
    scene.write(
        "automations/parts.toml",
        r#"
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
        "#,
    );
    scene.enable("parts").await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let data = json!({ "number": 7 });
    for _ in 0..2 {
        event::ingest(app, actor, tenant, "part.arrived".into(), data.clone(), Some("7".into()))
            .await
            .unwrap();
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

async fn runs_under_way_keep_their_version_until_they_are_moved(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    let text = |reason: &str, more: &str| {
        format!(
            "[automation]\nname = \"slow\"\ntitle = \"Slow\"\n[[trigger]]\non = \"lead.received\"\n{more}[[step]]\nid = \"wait\"\naction = \"wait\"\nwith = {{ for = \"2h\" }}\n[[step]]\nid = \"end\"\naction = \"stop\"\nwith = {{ reason = \"{reason}\" }}\n"
        )
    };
    scene.write("automations/slow.toml", &text("old", ""));
    scene.enable("slow").await;
    let ids = [scene.nexora.submit(enquiry()).await, scene.nexora.submit(enquiry()).await];
    scene.nexora.settle().await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    scene.write("automations/slow.toml", &text("new", ""));
    assert!(
        version::diff(app, tenant, "slow", None, version::Other::Disk)
            .await
            .unwrap()
            .contains("+with = { reason = \"new\" }")
    );
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
    scene.write(
        "automations/slow.toml",
        &text("newer", "[[step]]\nid = \"before\"\naction = \"condition\"\nwith = { if = \"true\" }\n"),
    );
    scene.enable("slow").await;
    let moved = version::migrate_runs(app, actor, tenant, "slow", false).await.unwrap();
    assert!(moved[0].refused.is_some(), "{moved:?}");
    version::rollback(app, actor, tenant, "slow", 1).await.unwrap();
    let id = scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.hours(3).await;
    assert_eq!(scene.nexora.lead(&id).await.runs[0].run.reason.as_deref(), Some("old"));
}
