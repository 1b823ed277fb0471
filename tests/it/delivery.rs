//! A lead that is accepted has every effect delivered exactly once, whatever goes wrong on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use nexora::daemon::{Takeover, clock_back};
use nexora::pipeline::deliver::Rounds;
use nexora_connector::port::Probe as _;
use nexora_connector::smtp::relay::Relay;
use nexora_connector::smtp::{SmtpSettings, SmtpTls};
use nexora_core::model::connection::WhenInDoubt;
use nexora_core::model::daemon::LANDING;
use nexora_core::model::effect::EffectState;
use nexora_core::model::run::RunState;
use nexora_engine::lead::enquiry::Enquiry;
use serde_json::json;

use crate::harness::{Backend, Nexora, enquiry, on_both};

/// Counts what the sandbox holds of one lead: sent mails, relay mails, rows, entries.
fn held(nexora: &Nexora) -> [usize; 4] {
    let state = nexora.state();
    let mailbox = &state["mailboxes"]["office@acme.example.com"]["messages"];
    let sent = mailbox.as_array().map_or(0, |mails| {
        mails.iter().filter(|mail| mail["labelIds"].as_array().unwrap().contains(&json!("SENT"))).count()
    });
    let sheets = state["spreadsheets"]["leads"]["sheets"].as_array().cloned().unwrap_or_default();
    let leads = sheets.iter().find(|sheet| sheet["title"] == "Leads");
    let rows = leads.map_or(0, |sheet| sheet["rows"].as_array().unwrap().len().saturating_sub(1));
    let calendar = &state["calendars"]["office@acme.example.com"]["events"];
    let entries = calendar.as_array().map_or(0, Vec::len);
    [sent, state["smtp"].as_array().unwrap().len(), rows, entries]
}

/// Lets time pass until nothing is left to do, as a daemon would see it.
async fn until_done(nexora: &Nexora) {
    for _ in 0..40 {
        nexora.settle().await;
        nexora.app.clock.advance(Duration::from_mins(10));
    }
}

on_both!(
    a_tenants_relay_is_called_in_public_alone_unless_the_operator_allows_it,
    a_lead_is_answered_announced_recorded_and_called_back,
    lost_answers_are_asked_after_and_nothing_is_done_twice,
    answers_that_are_lost_one_after_another_double_nothing,
    a_relay_that_is_busy_is_tried_again_and_one_that_refuses_is_not,
    a_mail_in_doubt_goes_out_once_more_and_is_then_held,
    a_relay_says_before_any_mail_what_it_would_not_take,
    a_dead_effect_can_be_revived_and_its_run_then_succeeds,
    a_process_that_dies_in_mid_call_leaves_work_that_is_finished_once,
    a_clock_that_goes_back_holds_nothing_up,
    what_a_daemon_held_is_taken_over_seconds_after_it_is_gone,
);

async fn a_lead_is_answered_announced_recorded_and_called_back(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;

    assert_eq!(held(&nexora), [1, 1, 1, 1]);
    let view = nexora.lead(&id).await;
    assert_eq!(view.runs[0].run.state, RunState::Succeeded);
    assert!(view.lead.answered_at.is_some());
    let state = nexora.state();
    let alert = &state["smtp"][0];
    assert_eq!(alert["to"], json!(["owner@acme.example.com"]));
    assert_eq!(alert["subject"], "New lead: Jo Miller");
    let marks = state["spreadsheets"]["leads"]["developer_metadata"].as_array().unwrap();
    assert_eq!(marks.len(), 1, "the row's mark stays until no request for it can arrive any more");
    assert_eq!(state["mailboxes"]["office@acme.example.com"]["drafts"], json!([]), "no draft is left behind");
}

async fn lost_answers_are_asked_after_and_nothing_is_done_twice(backend: Backend) {
    let calls = ["drafts.create", "drafts.send"].map(|call| ("gmail", call));
    let calls =
        calls.into_iter().chain([("calendar", "events.insert"), ("sheets", "spreadsheets.batchUpdate")]);
    for (service, call) in calls {
        for fault in [
            json!({ "fault": "drop", "when": "after" }),
            json!({ "fault": "drop", "when": "before" }),
            json!({ "fault": "truncate" }),
            json!({ "fault": "status", "status": 503, "reason": "backendError" }),
            json!({ "fault": "status", "status": 429, "reason": "rateLimitExceeded", "retry_after": 30 }),
        ] {
            let nexora = Nexora::with_sandbox(backend).await;
            let mut armed = fault.clone();
            armed["service"] = json!(service);
            armed["call"] = json!(call);
            nexora.faults(json!([armed])).await;
            let id = nexora.submit(enquiry()).await;
            until_done(&nexora).await;
            assert_eq!(held(&nexora), [1, 1, 1, 1], "{service} {call} {fault}");
            let states = nexora.effects(&id).await;
            assert!(
                states.values().all(|state| *state == EffectState::Delivered),
                "{service} {call} {fault}: {states:?}"
            );
        }
    }
}

/// What asking has found must be on disk before anything rests on it: the next answer may be lost, too.
async fn answers_that_are_lost_one_after_another_double_nothing(backend: Backend) {
    for fault in [json!({ "fault": "truncate" }), json!({ "fault": "drop", "when": "after" })] {
        let nexora = Nexora::with_sandbox(backend).await;
        let calls = [
            ("gmail", "drafts.create", 1),
            ("gmail", "drafts.send", 2),
            ("sheets", "spreadsheets.batchUpdate", 4),
            ("calendar", "events.insert", 2),
        ];
        let armed = calls.map(|(service, call, times)| {
            let mut armed = fault.clone();
            armed["service"] = json!(service);
            armed["call"] = json!(call);
            armed["times"] = json!(times);
            armed
        });
        nexora.faults(json!(armed)).await;
        nexora.submit(enquiry()).await;
        until_done(&nexora).await;
        assert_eq!(held(&nexora), [1, 1, 1, 1], "{fault}");
    }
}

async fn a_relay_that_is_busy_is_tried_again_and_one_that_refuses_is_not(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    nexora.faults(json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 451 }])).await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(nexora.effects(&id).await["alert"], EffectState::Retrying);
    until_done(&nexora).await;
    assert_eq!(nexora.effects(&id).await["alert"], EffectState::Delivered);

    nexora.faults(json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550 }])).await;
    let id = nexora.submit(enquiry()).await;
    until_done(&nexora).await;
    assert_eq!(nexora.effects(&id).await["alert"], EffectState::Dead);
    assert_eq!(nexora.lead(&id).await.runs[0].run.state, RunState::Failed);
}

async fn a_mail_in_doubt_goes_out_once_more_and_is_then_held(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let lost = json!({ "service": "smtp", "call": "data", "fault": "drop", "when": "after", "times": 50 });
    nexora.faults(json!([lost])).await;
    let id = nexora.submit(enquiry()).await;
    until_done(&nexora).await;
    assert_eq!(held(&nexora)[1], 2, "the same mail, twice at most");
    let effects = nexora.lead(&id).await.runs.remove(0).effects;
    let alert = effects.into_iter().find(|effect| effect.step == "alert").unwrap();
    assert_eq!((alert.state, alert.due_at), (EffectState::InDoubt, None));
    assert!(alert.reason.as_deref().unwrap().contains("sent twice"), "{:?}", alert.reason);
}

async fn a_relay_says_before_any_mail_what_it_would_not_take(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let port = nexora.sandbox.as_ref().unwrap().smtp_address().port();
    let open = |tls: SmtpTls, ca_pem: Option<String>| Relay {
        settings: SmtpSettings {
            host: "localhost".into(),
            port,
            from: "office@acme.example.com".parse().unwrap(),
            tls,
            username: None,
            ca_pem,
            password_in_clear: false,
            when_in_doubt: WhenInDoubt::Resend,
        },
        password: None,
        deadline: Duration::from_secs(5),
        answer_deadline: Duration::from_secs(5),
        allow_private: true,
    };
    let certificate = nexora.sandbox.as_ref().unwrap().certificate_pem();
    let good = open(SmtpTls::StartTls, Some(certificate.clone())).probe().await.unwrap();
    assert!(good.contains("takes mail from office@acme.example.com"), "{good}");
    let unknown = open(SmtpTls::StartTls, None).probe().await.unwrap_err();
    assert!(unknown.hint_text().unwrap().contains("--ca-file"), "{unknown:?}");
    let other_way = open(SmtpTls::Implicit, Some(certificate.clone())).probe().await.unwrap_err();
    assert!(other_way.hint_text().unwrap().contains("--tls starttls"), "{other_way:?}");
    nexora.faults(json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550 }])).await;
    let refused = open(SmtpTls::StartTls, Some(certificate)).probe().await.unwrap_err();
    assert!(refused.hint_text().unwrap().contains("--from"), "{refused:?}");
    assert!(nexora.state()["smtp"].as_array().unwrap().is_empty());
}

async fn a_dead_effect_can_be_revived_and_its_run_then_succeeds(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    nexora.faults(json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550 }])).await;
    let id = nexora.submit(enquiry()).await;
    until_done(&nexora).await;
    let run = nexora.lead(&id).await.runs[0].run.id.clone();
    nexora::ops::automation::run::retry(&nexora.app, &nexora.actor, &nexora.tenant, &run).await.unwrap();
    until_done(&nexora).await;
    assert_eq!(nexora.lead(&id).await.runs[0].run.state, RunState::Succeeded);
    assert_eq!(held(&nexora), [1, 1, 1, 1], "what was delivered is not done again");
}

async fn a_process_that_dies_in_mid_call_leaves_work_that_is_finished_once(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.submit(enquiry()).await;
    // Every answer is lost and every delivery is abandoned as if its process had been killed.
    nexora
        .faults(json!([{ "service": "gmail", "call": "drafts.send", "fault": "delay", "ms": 60_000 }]))
        .await;
    let mut round = None;
    nexora::pipeline::dispatch::sweep(&nexora.app, &mut round).await.unwrap();
    nexora::pipeline::advance::sweep(&nexora.app, &mut None).await.unwrap();
    let claimed = nexora::pipeline::deliver::sweep(&nexora.app, &mut Rounds::default()).await.unwrap();
    assert_eq!(claimed.handled, 4);
    // A second daemon on the same database, with a clock beyond every lease, takes over.
    let other = nexora.second_daemon().await;
    other.clock.advance(Duration::from_mins(60));
    for _ in 0..10 {
        nexora::pipeline::settle(&other).await.unwrap();
        other.clock.advance(Duration::from_mins(30));
    }
    assert_eq!(held(&nexora)[0], 1, "one mail was sent");
    let states = nexora.effects(&id).await;
    assert!(states.values().all(|state| *state == EffectState::Delivered), "{states:?}");
}

async fn a_clock_that_goes_back_holds_nothing_up(backend: Backend) {
    const HOUR: Duration = Duration::from_hours(1);
    let nexora = Nexora::with_sandbox(backend).await;
    let app = &nexora.app;
    let tried_again = nexora.submit(enquiry()).await;
    nexora.faults(json!([{ "service": "gmail", "call": "drafts.create", "fault": "status", "status": 503, "times": 1 }])).await;
    nexora::pipeline::settle(app).await.unwrap();
    assert_ne!(nexora.effects(&tried_again).await["acknowledge"], EffectState::Delivered);
    // It came in just before, and nothing was done with it yet.
    let another = Enquiry { email: "jill.miller@example.com".to_owned(), phone: String::new(), ..enquiry() };
    let untouched = nexora.submit(another).await;
    app.heart.beat(&app.db, &app.clock).await.unwrap();
    app.clock.set(app.clock.now() - HOUR);
    nexora::pipeline::settle(app).await.unwrap();
    assert!(nexora.effects(&untouched).await.is_empty(), "by the new clock it is not due for an hour");
    clock_back::look(app).await.unwrap();
    for _ in 0..6 {
        app.clock.advance(Duration::from_secs(10));
        nexora::pipeline::settle(app).await.unwrap();
    }
    for lead in [&tried_again, &untouched] {
        let states = nexora.effects(lead).await;
        assert!(
            !states.is_empty() && states.values().all(|state| *state == EffectState::Delivered),
            "{states:?}"
        );
    }
    // The clock is taken as it is from now on.
    clock_back::look(app).await.unwrap();
    let heard = app.db.read(|conn| nexora_store::daemon::list(conn, 1)).await.unwrap();
    assert!(heard[0].beat_at <= app.clock.now());
}

async fn what_a_daemon_held_is_taken_over_seconds_after_it_is_gone(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.submit(enquiry()).await;
    nexora
        .faults(json!([{ "service": "gmail", "call": "drafts.send", "fault": "delay", "ms": 60_000 }]))
        .await;
    let app = &nexora.app;
    app.heart.beat(&app.db, &app.clock).await.unwrap();
    nexora::pipeline::dispatch::sweep(app, &mut None).await.unwrap();
    nexora::pipeline::advance::sweep(app, &mut None).await.unwrap();
    nexora::pipeline::deliver::sweep(app, &mut Rounds::default()).await.unwrap();
    let other = nexora.second_daemon().await;
    let mut takeover = Takeover::default();
    takeover.look(&other).await.unwrap();
    other.clock.advance(LANDING);
    nexora::pipeline::settle(&other).await.unwrap();
    let mail = |states: BTreeMap<String, EffectState>| states["acknowledge"];
    assert_eq!(mail(nexora.effects(&id).await), EffectState::Leased, "the other daemon is still heard");
    app.heart.stop(&app.db, &app.clock).await.unwrap();
    takeover.look(&other).await.unwrap();
    nexora::pipeline::settle(&other).await.unwrap();
    assert_eq!(mail(nexora.effects(&id).await), EffectState::Leased, "what it sent may not have landed yet");
    for _ in 0..3 {
        other.clock.advance(LANDING);
        nexora::pipeline::settle(&other).await.unwrap();
    }
    assert_eq!(held(&nexora)[0], 1, "one mail was sent");
    assert_eq!(mail(nexora.effects(&id).await), EffectState::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_is_given_up_before_its_lease_ends_and_then_asked_after() {
    let nexora = Nexora::with_sandbox_and(Backend::Sqlite, |config| config.pipeline.lease_s = 1).await;
    nexora.enable(&[("sheet_id", "leads"), ("chase_after", "")]).await;
    let slow =
        json!({ "service": "sheets", "call": "spreadsheets.batchUpdate", "fault": "delay", "ms": 60_000 });
    nexora.faults(json!([slow])).await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    let view = nexora.lead(&id).await;
    let row = view.runs[0].effects.iter().find(|effect| effect.step == "record").unwrap();
    assert_eq!(row.state, EffectState::InDoubt);
    assert!(row.reason.as_ref().unwrap().contains("longer than its lease"), "{:?}", row.reason);
    until_done(&nexora).await;
    assert_eq!(held(&nexora), [1, 1, 1, 1]);
}

async fn a_tenants_relay_is_called_in_public_alone_unless_the_operator_allows_it(backend: Backend) {
    let nexora = Nexora::with_sandbox_and(backend, |config| config.smtp.allow_private = false).await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let refused = nexora::ops::connection::test(app, actor, tenant, "smtp").await.unwrap_err();
    assert!(refused.report().contains("not at a public address"), "{}", refused.report());
    assert!(refused.report().contains("allow_private"), "{}", refused.report());
    let allowed = Nexora::with_sandbox_and(backend, |_| {}).await;
    nexora::ops::connection::test(&allowed.app, &allowed.actor, &allowed.tenant, "smtp").await.unwrap();
}
