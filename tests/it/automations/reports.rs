//! What mail systems, answering machines and providers send, and what follows from it.

use super::MORNING;
use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::scene::{OFFICE, Scene, definition};
use nexora::ops::contact;
use nexora::ops::report::status;
use nexora_core::model::consent::Suppression;
use nexora_core::model::message::{Author, DeliveryState, Message};
use nexora_core::model::run::RunState;
use nexora_core::model::task::TaskState;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store as store;
use serde_json::json;

on_both!(
    an_address_that_does_not_work_is_not_written_to_any_more,
    what_is_late_full_or_delivered_suppresses_nothing,
    three_failures_in_a_row_are_looked_at_by_a_person,
    a_report_of_no_mail_of_ours_is_not_believed,
    a_machines_answer_ends_nothing_and_a_persons_does,
    who_calls_a_mail_spam_or_answers_stop_gets_no_more,
    who_answers_stop_through_a_marketplace_gets_no_more,
    a_mail_to_the_business_that_comes_back_is_told_of,
    a_recipient_that_the_relay_refuses_is_a_hard_bounce
);

const JO: &str = "jo@example.com";

impl Scene {
    async fn follow_up(backend: Backend, touches: &str) -> Scene {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        scene.set(&[("cap", "20"), ("spacing", "1h"), ("quiet_hours", "none")]).await;
        scene
            .use_built_in(
                "follow-up-sequence",
                &[("touches", touches), ("hours", "Mon-Sun 00:00-24:00"), ("hand_over", "false")],
            )
            .await;
        scene.nexora.submit(enquiry()).await;
        scene.nexora.settle().await;
        scene.hours(2).await;
        assert_eq!(scene.sent().len(), 1);
        scene
    }

    async fn messages(&self) -> Vec<Message> {
        self.nexora.view(move |tx| store::message::list(tx, &store::message::Filter::default(), 50)).await
    }

    /// Returns what we sent, latest first.
    async fn ours(&self) -> Vec<Message> {
        self.messages().await.into_iter().filter(|message| message.author == Author::Nexora).collect()
    }

    async fn suppressed(&self) -> Vec<Suppression> {
        self.nexora.view(move |tx| store::consent::list_suppressions(tx, 10)).await
    }

    async fn count_events(&self, kind: &str) -> usize {
        let events =
            self.nexora.view(move |tx| store::event::list(tx, &store::event::Filter::default(), 500)).await;
        events.iter().filter(|event| event.kind.name() == kind).count()
    }

    async fn arrives(&self, raw: &str) {
        let raw = raw.replace("\r\n", "\n").replace('\n', "\r\n");
        self.seed(json!({ "deliveries": [{ "mailbox": OFFICE, "raw": raw }] }));
        self.hours(1).await;
    }

    /// Has one of the given mails arrive, about the message that we sent last.
    async fn given(&self, raw: &str) {
        let sent = self.ours().await.into_iter().next().unwrap();
        let header = |name: &str| {
            let line = raw.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.trim_start_matches(name).trim().to_owned()
        };
        let (id, effect) = (header("In-Reply-To:"), header("X-Nexora-Effect:"));
        let id = if id.is_empty() { inner_id(raw) } else { id };
        let recipient = raw.lines().find_map(|line| line.strip_prefix("Final-Recipient: rfc822; "));
        let mut raw = raw.replace(&id, &format!("<{}>", sent.rfc_id.unwrap()));
        if !effect.is_empty() {
            raw = raw.replace(&effect, &sent.effect_id.unwrap());
        }
        self.arrives(&raw.replace(recipient.unwrap_or("no recipient"), JO)).await;
    }
}

/// The Message-ID of the mail that a report returns.
fn inner_id(raw: &str) -> String {
    raw.rsplit("Message-ID: ").next().unwrap().lines().next().unwrap().to_owned()
}

/// A delivery report about a mail, as most mail systems write it.
fn report(id: &str, recipient: &str, (action, status, words): (&str, &str, &str)) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example.net\nTo: {OFFICE}\nSubject: Mail report\nMessage-ID: <r-{status}-{id}>\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\nContent-Type: text/plain\n\n\
         This is the mail system.\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {words}\n\n--r\n\
         Content-Type: text/rfc822-headers\n\nMessage-ID: <{id}>\nSubject: x\n\n--r--\n"
    )
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/mail/reports/", $name, ".eml"))
    };
}

async fn an_address_that_does_not_work_is_not_written_to_any_more(backend: Backend) {
    for raw in [file!("dsn-postfixhard"), file!("dsn-noreporttype")] {
        let scene = Scene::follow_up(backend, "1h follow-up-1, 1day follow-up-2").await;
        scene.given(raw).await;
        // The same report once more tells nothing new.
        scene.given(&raw.replace("Message-ID: <dsn-", "Message-ID: <again-")).await;
        scene.hours(48).await;
        assert_eq!(scene.sent().len(), 1);
        let suppressed = scene.suppressed().await;
        assert_eq!(suppressed.len(), 1);
        assert_eq!((suppressed[0].reason.name(), suppressed[0].scope.name()), ("bounced", "all"));
        assert!(suppressed[0].detail.contains("User unknown"), "{suppressed:?}");
        assert_eq!(scene.count_events("message.bounced").await, 1);
        assert_eq!(scene.count_events("message.received").await, 0);
        assert_eq!(scene.ours().await[0].delivery, Some(DeliveryState::HardBounced));
        let kept = scene.messages().await;
        assert!(kept.iter().any(|message| message.author == Author::Machine && message.contact_id.is_some()));
    }
}

async fn what_is_late_full_or_delivered_suppresses_nothing(backend: Backend) {
    let scene = Scene::follow_up(backend, "1h follow-up-1, 1day follow-up-2").await;
    for (raw, state) in [
        (file!("dsn-delayde"), DeliveryState::Delayed),
        (file!("dsn-success"), DeliveryState::Delivered),
        (file!("dsn-delayde"), DeliveryState::Delivered),
        (file!("dsn-softfull"), DeliveryState::SoftBounced),
    ] {
        scene.given(&raw.replace("Message-ID: <dsn-", &format!("Message-ID: <{state}-"))).await;
        assert_eq!(scene.ours().await[0].delivery, Some(state));
    }
    assert!(scene.suppressed().await.is_empty());
    assert_eq!(scene.count_events("message.bounced").await + scene.count_events("message.received").await, 0);
    scene.hours(48).await;
    assert_eq!(scene.sent().len(), 2, "the follow-up goes on");
}

async fn three_failures_in_a_row_are_looked_at_by_a_person(backend: Backend) {
    let touches = "1h follow-up-1, 6h follow-up-2, 12h follow-up-3, 18h follow-up-4";
    let scene = Scene::follow_up(backend, touches).await;
    let tasks =
        async || scene.nexora.view(move |tx| store::task::list(tx, Some(TaskState::Open), None, 10)).await;
    for failed in 1..=4 {
        assert_eq!(scene.sent().len(), failed);
        assert_eq!(tasks().await.len(), usize::from(failed > 3));
        let id = scene.ours().await[0].rfc_id.clone().unwrap();
        let full = ("failed", "5.2.2", "552 5.2.2 mailbox full");
        scene.arrives(&report(&id, JO, full)).await;
        scene.hours(5).await;
    }
    let tasks = tasks().await;
    assert_eq!(tasks.len(), 1, "asked once");
    assert_eq!(tasks[0].title, "Mails to jo@example.com do not arrive");
    assert!(tasks[0].detail.contains("mailbox full") && tasks[0].contact_id.is_some(), "{tasks:?}");
    assert!(scene.suppressed().await.is_empty());
}

async fn a_report_of_no_mail_of_ours_is_not_believed(backend: Backend) {
    let scene = Scene::follow_up(backend, "1h follow-up-1, 1day follow-up-2").await;
    let ours = scene.ours().await[0].rfc_id.clone().unwrap();
    let unknown = ("failed", "5.1.1", "550 5.1.1 unknown");
    for raw in [
        report("another@mail.example.net", JO, unknown),
        report(&ours, "sam@example.com", unknown),
        report("x@y", JO, unknown).replace(
            "From: MAILER-DAEMON@mx.example.net",
            "From: Jo <jo@example.com>\nReply-To: jo@example.com",
        ),
        format!(
            "From: mailer-daemon@x.example\nTo: {OFFICE}\nSubject: Undelivered\nMessage-ID: <p@x>\n\nAddress not found: {JO}\n"
        ),
        format!(
            "From: staff@x.example\nTo: {OFFICE}\nMessage-ID: <a@x>\nContent-Type: multipart/report; boundary=r\n\n--r\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: {JO}\n\n--r--\n"
        ),
    ] {
        scene.arrives(&raw).await;
        assert!(scene.suppressed().await.is_empty(), "{raw}");
    }
    assert_eq!(scene.count_events("message.bounced").await + scene.count_events("message.received").await, 0);
    scene.hours(30).await;
    assert_eq!(scene.sent().len(), 2);
}

async fn a_machines_answer_ends_nothing_and_a_persons_does(backend: Backend) {
    let scene = Scene::follow_up(backend, "1h follow-up-1, 1day follow-up-2, 5days follow-up-3").await;
    let by_jo = |raw: &str| {
        let from = raw.lines().find(|line| line.starts_with("From:")).unwrap();
        raw.replace(from, "From: Jo <jo@example.com>")
    };
    let accepted = "From: Jo <x@x>\nSubject: Accepted: Visit\nMessage-ID: <rsvp@x>\nIn-Reply-To: <0@x>\n\
        Content-Type: multipart/alternative; boundary=r\n\n--r\nContent-Type: text/plain\n\nJo accepted.\n--r\n\
        Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nEND:VCALENDAR\n--r--\n";
    for raw in [file!("mail-mdn"), file!("mail-oooxauto"), accepted] {
        scene.given(&by_jo(raw)).await;
    }
    scene.hours(30).await;
    assert_eq!(scene.sent().len(), 2, "no person has answered");
    assert_eq!(scene.count_events("message.received").await, 0);
    scene.given(&by_jo(file!("mail-suppressonly"))).await;
    scene.hours(120).await;
    assert_eq!((scene.sent().len(), scene.count_events("message.received").await), (2, 1));
    scene.given(&by_jo(file!("mail-real"))).await;
    assert_eq!(scene.count_events("message.received").await, 2);
}

async fn who_calls_a_mail_spam_or_answers_stop_gets_no_more(backend: Backend) {
    let answer = |text: &str| {
        format!(
            "From: Jo <Jo@Example.com>\nTo: {OFFICE}\nSubject: Re: x\nMessage-ID: <s@x>\nIn-Reply-To: <0@x>\nContent-Type: text/plain\n\n{text}\n\n\
             On Fri, Nov 20, 2026 at 5:00 AM Acme <{OFFICE}> wrote:\n> Answer STOP\n"
        )
    };
    let complaint = format!(
        "From: staff@provider.example\nTo: {OFFICE}\nMessage-ID: <c@x>\nIn-Reply-To: <0@x>\nContent-Type: multipart/report; report-type=feedback-report; boundary=r\n\n\
         --r\nContent-Type: text/plain\n\nAbuse.\n--r\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n--r--\n"
    );
    for (raw, reason) in [
        (answer("STOP"), Some("unsubscribed")),
        (answer("Please unsubscribe me.\n\nSent from my iPhone"), Some("unsubscribed")),
        (complaint, Some("complained")),
        (answer("Stop by at 5, please"), None),
    ] {
        let scene = Scene::follow_up(backend, "1h follow-up-1, 1day follow-up-2").await;
        scene.given(&raw).await;
        let suppressed = scene.suppressed().await;
        let reasons: Vec<&str> = suppressed.iter().map(|found| found.reason.name()).collect();
        assert_eq!(reasons, reason.into_iter().collect::<Vec<_>>(), "{raw}");
        assert!(suppressed.iter().all(|found| found.scope.name() == "commercial"));
        assert_eq!(scene.count_events("contact.unsubscribed").await, reasons.len());
        let Nexora { app, tenant, .. } = &scene.nexora;
        let known = contact::find(app, tenant, JO).await.unwrap();
        assert_eq!(known.consents.iter().filter(|word| !word.given).count(), reasons.len());
        let id = tenant.id.clone();
        let audit = app.db.read(move |conn| store::audit::list(conn, Some(&id), 50)).await.unwrap();
        assert_eq!(audit.iter().filter(|entry| entry.action == "contact.unsubscribe").count(), reasons.len());
        scene.hours(48).await;
        assert_eq!(scene.sent().len(), 1);
    }
}

async fn who_answers_stop_through_a_marketplace_gets_no_more(backend: Backend) {
    let quote = include_str!("../../fixtures/mail/yelp-quote.eml");
    let message = include_str!("../../fixtures/mail/yelp-message.eml");
    for (text, reasons) in [("Please stop.", &["unsubscribed"][..]), ("Could you stop by on Friday?", &[])] {
        let scene = Scene::follow_up(backend, "1h follow-up-1").await;
        scene.arrives(quote).await;
        scene.arrives(&message.replace("Could you come on Friday instead?", text)).await;
        let suppressed = scene.suppressed().await;
        let found: Vec<&str> = suppressed.iter().map(|found| found.reason.name()).collect();
        assert_eq!(found, reasons, "{text}");
        let leads =
            scene.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 9)).await;
        let asked = leads.iter().filter(|lead| lead.message.as_deref() == Some(text)).count();
        assert_eq!(asked, usize::from(reasons.is_empty()), "who wants no more is no lead");
    }
}

async fn a_mail_to_the_business_that_comes_back_is_told_of(backend: Backend) {
    let scene = Scene::follow_up(backend, "1h follow-up-1").await;
    scene.use_built_in("lead-capture", &[("callback", "false")]).await;
    let other = Enquiry { email: "bo@example.com".into(), phone: String::new(), ..enquiry() };
    scene.nexora.submit(other).await;
    scene.nexora.settle().await;
    let owner = "owner@acme.example.com";
    let effects =
        scene.nexora.view(move |tx| store::effect::list(tx, &store::effect::Filter::default(), 50)).await;
    let alert = effects.iter().find(|effect| effect.request.as_str().contains(owner)).unwrap();
    let words = ("failed", "5.1.1", "550 5.1.1 no such user");
    let troubles = async || {
        let Nexora { app, tenant, .. } = &scene.nexora;
        let id = tenant.id.clone();
        let found = app.db.read(move |conn| store::tenant::find(conn, &id)).await.unwrap().unwrap();
        let troubles = status::of_tenant(app, found).await.unwrap().troubles;
        troubles
            .into_iter()
            .map(|trouble| trouble.what)
            .filter(|what| what.contains("came back"))
            .collect::<Vec<_>>()
    };
    assert!(troubles().await.is_empty());
    let report = report("x@y", owner, words).replace("Subject: x", &format!("X-Nexora-Effect: {}", alert.id));
    scene.arrives(&report).await;
    let told = troubles().await;
    assert!(told.len() == 1 && told[0].contains(owner) && told[0].contains("no such user"), "{told:?}");
    assert!(scene.suppressed().await.is_empty());
    scene.hours(24 * 7).await;
    assert!(troubles().await.is_empty(), "a week without another is enough");
}

async fn a_recipient_that_the_relay_refuses_is_a_hard_bounce(backend: Backend) {
    for (words, is_hard) in [("5.1.1 User unknown", true), ("5.4.5 Daily sending quota exceeded", false)] {
        let mut scene = Scene::new(backend).await;
        scene.at(MORNING).await;
        let step = r#"
            [[trigger]]
            on = "lead.received"
            [[step]]
            id = "write"
            action = "message.send"
            with = { to = "{{ lead.email }}", template = "follow-up-1", class = "transactional", via = "smtp" }
        "#;
        scene.write("automations/by-relay.toml", &definition("by-relay", step));
        scene.enable("by-relay").await;
        scene
            .nexora
            .faults(json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550, "message": words }]))
            .await;
        let id = scene.nexora.submit(enquiry()).await;
        scene.hours(1).await;
        assert_eq!(scene.nexora.lead(&id).await.runs[0].run.state, RunState::Failed);
        let suppressed = scene.suppressed().await;
        assert_eq!(suppressed.len(), usize::from(is_hard), "{words}: {suppressed:?}");
        assert_eq!(scene.count_events("message.bounced").await, usize::from(is_hard));
        if is_hard {
            assert_eq!((suppressed[0].reason.name(), suppressed[0].scope.name()), ("bounced", "all"));
            assert!(suppressed[0].detail.contains(words), "{suppressed:?}");
        }
    }
}
