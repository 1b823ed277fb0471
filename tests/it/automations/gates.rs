//! Whether a message goes out, and when: consent, quiet hours, answers that are owed, what is in doubt.

use super::MORNING;
use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::scene::{OFFICE, Scene};
use nexora::ops::automation;
use nexora::ops::contact;
use nexora::ops::contact::link;
use nexora::ops::job;
use nexora::ops::job::{Move, NewJob};
use nexora::ops::record;
use nexora::ops::report::explain;
use nexora_core::base::clock::Clock;
use nexora_core::model::change::JobPerson;
use nexora_core::model::contact::{AddressKind, AddressProof};
use nexora_core::model::effect::EffectState;
use nexora_core::model::record::CONTACT;
use nexora_store as store;
use serde_json::json;
use std::time::Duration;

on_both!(
    what_is_held_at_night_goes_out_in_the_morning_and_an_answer_goes_at_once,
    quiet_hours_are_those_of_the_contact,
    quiet_hours_are_those_of_the_jobs_address_where_the_contact_has_none,
    nobody_is_written_to_who_wants_no_more,
    who_wants_no_more_mail_gets_none_at_any_address,
    nobody_is_asked_for_a_review_while_an_answer_is_owed,
    two_automations_do_not_write_to_a_contact_at_once,
    a_paused_automation_sends_nothing_that_the_night_has_held,
    a_message_that_was_in_doubt_is_looked_at_again_before_it_is_sent,
    a_mail_of_which_the_draft_is_there_goes_on_from_it
);

async fn what_is_held_at_night_goes_out_in_the_morning_and_an_answer_goes_at_once(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    // 22:30 in Chicago.
    scene.at("2026-11-21T04:30:00Z").await;
    scene.use_built_in("lead-capture", &[("callback", "false")]).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
    let id = scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.sent(), ["We have your request, Jo"]);
    scene.hours(9).await;
    assert_eq!(scene.sent().len(), 1, "it is quiet until 08:00");
    scene.hours(1).await;
    assert_eq!(scene.sent().len(), 2);
    let Nexora { app, tenant, .. } = &scene.nexora;
    let why = explain::explain(app, tenant, id.as_str()).await.unwrap();
    assert!(
        why.lines
            .iter()
            .any(|line| line.became == "held" && line.why.contains("quiet_hours until 2026-11-21T14:00")),
        "{why:#?}"
    );
}

async fn quiet_hours_are_those_of_the_contact(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    // 07:30 in Chicago, 08:30 in New York.
    scene.at("2026-11-20T13:30:00Z").await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1m follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let zone = vec![("timezone".to_owned(), "America/New_York".to_owned())];
    record::set(app, actor, tenant, &CONTACT, "jo@example.com", zone).await.unwrap();
    scene.pass(120).await;
    scene.pass(30).await;
    assert_eq!(scene.sent().len(), 1, "it is not quiet in New York any more");
}

async fn quiet_hours_are_those_of_the_jobs_address_where_the_contact_has_none(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    // 07:30 in Chicago, 08:30 in Boston.
    scene.at("2026-11-20T13:30:00Z").await;
    scene.use_built_in("review-request", &[("delay", "1m"), ("hours", "Mon-Sun 00:00-24:00")]).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    for (email, address) in [
        ("jo@example.com", "1 Beacon St, Boston, MA 02108"),
        ("kim@example.com", "1 Lake St, Chicago, IL 60601"),
    ] {
        let person = JobPerson {
            email: Some(email.parse().unwrap()),
            name: email[..2].into(),
            ..JobPerson::default()
        };
        let new = NewJob {
            title: "Tap".into(),
            person,
            address: Some(address.into()),
            zone: None,
            amount_cents: None,
            scheduled_at: None,
        };
        let made = job::add(app, actor, tenant, new).await.unwrap();
        job::advance(app, actor, tenant, &made.id, Move::Complete { amount_cents: None }).await.unwrap();
    }
    scene.nexora.settle().await;
    scene.pass(120).await;
    scene.pass(30).await;
    assert_eq!(scene.sent(), ["How did we do, Jo?"]);
    scene.hours(1).await;
    assert_eq!(scene.sent().len(), 2);
}

async fn nobody_is_written_to_who_wants_no_more(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1h follow-up-1, 1day follow-up-2"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
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
    assert!(
        view.runs[0].run.reason.as_ref().unwrap().contains("contact.unsubscribed"),
        "{:?}",
        view.runs[0].run
    );
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

async fn who_wants_no_more_mail_gets_none_at_any_address(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
    scene.nexora.submit(enquiry()).await;
    let known = contact::find(&scene.nexora.app, &scene.nexora.tenant, "jo@example.com").await.unwrap();
    let (tenant, id, now) = (scene.nexora.tenant.id.clone(), known.contact.id, scene.nexora.app.clock.now());
    let at_work = move |conn: &mut store::Conn| {
        let address = (AddressKind::Email, "at-work@example.com");
        store::contact::add_address(&mut conn.of(&tenant), &id, address, AddressProof::Person, now)
    };
    assert_eq!(scene.nexora.app.db.write(at_work).await.unwrap(), store::Inserted::New);
    scene.nexora.settle().await;
    scene.hours(2).await;
    let raw = scene.nexora.state()["mailboxes"][OFFICE]["messages"][0]["raw"]
        .as_str()
        .unwrap()
        .replace("\r\n ", "");
    let token = raw.split("/u/").nth(1).unwrap().split('>').next().unwrap();
    link::unsubscribe(&scene.nexora.app, token).await.unwrap();
    let known = contact::find(&scene.nexora.app, &scene.nexora.tenant, "jo@example.com").await.unwrap();
    let mails: Vec<_> = known.addresses.iter().filter(|address| address.value.contains('@')).collect();
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| !mail.suppressed.is_empty()), "{mails:?}");
}

async fn nobody_is_asked_for_a_review_while_an_answer_is_owed(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    // The sandbox dates mails by the real clock.
    scene.at(&Clock::System.now().to_string()).await;
    scene.set(&[("quiet_hours", "none")]).await;
    scene
        .use_built_in(
            "review-request",
            &[("delay", "1h"), ("hours", "Mon-Sun 00:00-24:00"), ("remind_after", "30days")],
        )
        .await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.mail("Jo <jo@example.com>", "It leaks again");
    scene.pass(60).await;
    // A machine that answers for them leaves it owed.
    let away = format!(
        "From: Jo <jo@example.com>\r\nTo: {OFFICE}\r\nSubject: Away\r\nMessage-ID: <away@x>\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n"
    );
    scene.seed(json!({ "deliveries": [{ "mailbox": OFFICE, "raw": away }] }));
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
    let runs = app
        .view(tenant, move |tx| store::run::list(tx, &nexora_store::run::Filter::default(), 10))
        .await
        .unwrap();
    let why = explain::explain(app, tenant, runs[0].id.as_str()).await.unwrap();
    let held =
        why.lines.iter().filter(|line| line.became == "held" && line.why.contains("owe them an answer"));
    assert_eq!(held.count(), 7, "every day that it waited is told: {why:#?}");
}

async fn two_automations_do_not_write_to_a_contact_at_once(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
    scene
        .use_built_in(
            "review-request",
            &[("delay", "1h"), ("hours", "Mon-Sun 00:00-24:00"), ("remind_after", "30days")],
        )
        .await;
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

async fn a_paused_automation_sends_nothing_that_the_night_has_held(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    // 22:30 in Chicago.
    scene.at("2026-11-21T04:30:00Z").await;
    scene
        .use_built_in(
            "follow-up-sequence",
            &[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")],
        )
        .await;
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

async fn a_message_that_was_in_doubt_is_looked_at_again_before_it_is_sent(backend: Backend) {
    // Before anything was done, and once the draft was there.
    for call in ["drafts.create", "drafts.send"] {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.use_built_in("lead-capture", &[("callback", "false"), ("chase_after", "")]).await;
        scene
            .nexora
            .faults(json!([{ "service": "gmail", "call": call, "fault": "drop", "when": "before" }]))
            .await;
        let id = scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        let Nexora { app, actor, tenant, .. } = &scene.nexora;
        let jo = "jo@example.com".parse().unwrap();
        contact::suppress(
            app,
            actor,
            tenant,
            &jo,
            (nexora_core::model::consent::Scope::All, "asked by telephone".into()),
        )
        .await
        .unwrap();
        for _ in 0..5 {
            scene.nexora.app.clock.advance(Duration::from_secs(300));
            scene.nexora.settle().await;
        }
        assert!(scene.sent().is_empty(), "{call}");
        assert_eq!(scene.nexora.effects(&id).await["acknowledge"], EffectState::Discarded, "{call}");
    }
}

async fn a_mail_of_which_the_draft_is_there_goes_on_from_it(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.use_built_in("lead-capture", &[("callback", "false"), ("chase_after", "")]).await;
    scene
        .nexora
        .faults(json!([{ "service": "gmail", "call": "drafts.send", "fault": "drop", "when": "before" }]))
        .await;
    let id = scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    for _ in 0..5 {
        scene.nexora.app.clock.advance(Duration::from_secs(60));
        scene.nexora.settle().await;
    }
    assert_eq!(scene.nexora.effects(&id).await["acknowledge"], EffectState::Delivered);
    let state = scene.nexora.state();
    assert_eq!(
        state["mailboxes"][OFFICE]["messages"].as_array().unwrap().len(),
        1,
        "one mail, no draft beside it"
    );
}
