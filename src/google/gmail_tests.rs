use std::time::Duration;

use serde_json::json;

use crate::api::gmail::Named;
use crate::bench::{Bench, mail, sent, thread_of};
use nexora_core::model::outbound::MailAttachment;
use nexora_core::model::outcome::{Outcome, ReconcileResult};
use nexora_core::model::request::EffectRequest;

/// What ended a mail early while mails were sent between delimiters that everybody knows, and what else
/// a stranger may write into a form.
const HOSTILE: [&str; 5] = [
    "--MDuXWGyeE33QFXGchb2VFWc4Z7945d--",
    "--MDuXWGyeE33QFXGchb2VFWc4Z7945d\r\nContent-Type: application/json\r\n\r\n{\"message\":{\"threadId\":\"x\"}}",
    ".\r\n.\r\n--\r\n----",
    "\"}, \"id\": \"r-1\", {\"\\\u{0}",
    "Content-Type: message/rfc822\r\n\r\nTo: other@example.com",
];

#[tokio::test]
async fn whatever_a_mail_says_it_goes_out_whole_and_once() {
    let bench = Bench::start().await;
    for text in HOSTILE {
        let mut delivery = bench.delivery(sent(mail(&format!("before\r\n{text}\r\nafter"))));
        let outcome = bench.perform(&mut delivery).await;
        assert!(matches!(outcome, Outcome::Delivered(_)), "{text}: {outcome:?}");
        let mails = bench.mails();
        let got = mails.last().unwrap()["text"].as_str().unwrap().to_owned();
        assert!(got.starts_with("before") && got.trim_end().ends_with("after"), "{text}: {got}");
        assert_eq!(mails.last().unwrap()["to"], "jo@example.com");
    }
    assert_eq!((bench.mails().len(), bench.drafts()), (HOSTILE.len(), 0));
}

#[tokio::test]
async fn a_mail_that_is_too_large_for_json_is_uploaded_whole_and_stays_in_its_conversation() {
    let bench = Bench::start().await;
    let mut first = bench.delivery(sent(mail("Hello")));
    bench.perform(&mut first).await;
    let thread = thread_of(&bench.mails()[0]);
    let mut large = mail(&format!("before\r\n{}\r\nafter", HOSTILE[0]));
    large.subject = "Re: Your enquiry".into();
    large.thread = Some(thread.clone());
    large.attachments = vec![MailAttachment {
        name: "a.pdf".into(),
        mime_type: "application/pdf".into(),
        content: "QUJD".repeat(1_500_000),
    }];
    let mut delivery = bench.delivery(sent(large));
    let outcome = bench.perform(&mut delivery).await;
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
    let mails = bench.mails();
    assert_eq!(mails[1]["threadId"].as_str(), thread.id.as_deref());
    assert!(mails[1]["text"].as_str().unwrap().trim_end().ends_with("after"));
    assert_eq!(mails[1]["attachments"][0]["size"], 4_500_000);
    assert_eq!(bench.sandbox.state()["calls"]["gmail.upload.start"], 1);
}

#[tokio::test]
async fn a_draft_for_a_person_stays_a_draft() {
    let bench = Bench::start().await;
    let mut delivery = bench.delivery(EffectRequest::DraftMail(mail(HOSTILE[0])));
    let Outcome::Delivered(receipt) = bench.perform(&mut delivery).await else { panic!("not made") };
    assert_eq!((bench.mails().len(), bench.drafts()), (0, 1));
    assert_eq!(receipt.provider_id.as_deref(), bench.mailbox()["drafts"][0]["id"].as_str());
}

#[tokio::test]
async fn a_mail_whose_answers_were_lost_goes_out_once() {
    for call in ["drafts.create", "drafts.send"] {
        for fault in [json!({ "fault": "drop", "when": "after" }), json!({ "fault": "truncate" })] {
            let bench = Bench::start().await;
            let mut armed = fault.clone();
            armed["service"] = json!("gmail");
            armed["call"] = json!(call);
            bench.fault(armed).await;
            let mut delivery = bench.delivery(sent(mail("Hello")));
            let lost = bench.perform(&mut delivery).await;
            assert!(matches!(lost, Outcome::InDoubt { .. }), "{call} {fault}: {lost:?}");
            match bench.ask(&delivery).await {
                ReconcileResult::InProgress { evidence } => delivery.evidence = Some(evidence),
                ReconcileResult::Delivered(_) => {
                    assert_eq!((bench.mails().len(), bench.drafts()), (1, 0), "{call} {fault}");
                    continue;
                }
                other => panic!("{call} {fault}: {other:?}"),
            }
            let outcome = bench.perform(&mut delivery).await;
            assert!(matches!(outcome, Outcome::Delivered(_)), "{call} {fault}: {outcome:?}");
            assert_eq!((bench.mails().len(), bench.drafts()), (1, 0), "{call} {fault}");
        }
    }
}

#[test]
fn of_an_answer_only_the_names_are_read() {
    let answer = json!({
        "id": "r1",
        "message": {
            "id": "m1", "threadId": "t1", "labelIds": ["DRAFT"], "raw": "aGk",
            "payload": { "body": { "data": "aGk", "size": "three" } },
        },
    });
    let named: Named = serde_json::from_value(answer).unwrap();
    let message = named.message.unwrap();
    assert_eq!(
        (named.id.as_str(), message.id.as_str(), message.thread_id.as_deref()),
        ("r1", "m1", Some("t1"))
    );
}

/// A refusal of sending in Gmail's words.
fn sending_limit(message: &str) -> serde_json::Value {
    json!({
        "service": "gmail", "call": "drafts.send", "fault": "status", "status": 429,
        "reason": "rateLimitExceeded", "message": message,
    })
}

#[tokio::test]
async fn when_a_mailbox_may_send_no_more_it_is_still_read_and_sends_later() {
    let bench = Bench::start().await;
    let until = "User-rate limit exceeded.  Retry after 2026-09-21T17:13:20.000Z (Mail sending)";
    bench.fault(sending_limit(until)).await;
    let mut first = bench.delivery(sent(mail("one")));
    let Outcome::Throttled { reason, after } = bench.perform(&mut first).await else { panic!("not put off") };
    assert!(reason.starts_with("Gmail's daily sending limit is reached"), "{reason}");
    assert_eq!(after, Some(Duration::from_secs(3 * 3_600)));

    let mut second = bench.delivery(sent(mail("two")));
    let Outcome::Throttled { reason, .. } = bench.perform(&mut second).await else { panic!("not put off") };
    assert_eq!((reason.as_str(), bench.drafts()), ("Gmail's daily sending limit is reached", 1));
    let reader = bench.connector.mail.as_ref().unwrap();
    reader.mailbox_now().await.unwrap();
    let mut draft = bench.delivery(EffectRequest::DraftMail(mail("for a person")));
    assert!(matches!(bench.perform(&mut draft).await, Outcome::Delivered(_)));

    bench.clock.advance(Duration::from_secs(3 * 3_600));
    for delivery in [&mut first, &mut second] {
        assert!(matches!(bench.perform(delivery).await, Outcome::Delivered(_)));
    }
    assert_eq!((bench.mails().len(), bench.drafts()), (2, 1));
}

#[tokio::test]
async fn access_that_an_administrator_took_away_stops_the_connection_and_says_so() {
    let bench = Bench::start().await;
    for (status, reason, message, advice) in [
        (400, "failedPrecondition", "Mail service not enabled", "administrator"),
        (403, "domainPolicy", "The domain administrators have disabled Gmail apps.", "administrator"),
        (403, "forbidden", "Delegation denied for office@acme.example.com", "delegation"),
        (403, "accessNotConfigured", "Gmail API has not been used in project 1", "enable the API"),
        (403, "insufficientPermissions", "Insufficient Permission", "connection authorize"),
    ] {
        let fault = json!({ "service": "gmail", "call": "drafts.create", "fault": "status",
            "status": status, "reason": reason, "message": message });
        bench.fault(fault).await;
        let outcome = bench.perform(&mut bench.delivery(sent(mail("Hello")))).await;
        let Outcome::Unauthorized { reason } = outcome else { panic!("{message}: {outcome:?}") };
        assert!(reason.contains(message) && reason.contains(advice), "{reason}");
    }
}

#[tokio::test]
async fn the_token_endpoint_stops_a_connection_for_good_reasons_only() {
    for (status, error, description, is_for_good) in [
        (400, "invalid_request", "Invalid impersonation \"sub\" field: x", true),
        (401, "deleted_client", "The OAuth client was deleted.", true),
        (401, "disabled_client", "The OAuth client was disabled.", true),
        (400, "account_disabled", "", true),
        (400, "admin_policy_enforced", "", true),
        (401, "unauthorized_client", "Client is unauthorized", true),
        (400, "invalid_grant", "Invalid JWT Signature.", true),
        (403, "rate_limit_exceeded", "Too many tokens.", false),
        (500, "internal_failure", "", false),
        (503, "temporarily_unavailable", "", false),
        (429, "something_new", "", false),
    ] {
        let bench = Bench::start().await;
        let fault = json!({ "service": "token", "call": "grant", "fault": "status", "times": 0,
            "status": status, "reason": error, "message": description });
        bench.fault(fault).await;
        let outcome = bench.perform(&mut bench.delivery(sent(mail("Hello")))).await;
        assert_eq!(matches!(outcome, Outcome::Unauthorized { .. }), is_for_good, "{error}: {outcome:?}");
        // It waits and uses up no attempts, however long the trouble lasts.
        assert!(is_for_good || matches!(outcome, Outcome::Throttled { .. }), "{error}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_request_that_arrives_late_makes_no_second_draft() {
    for late_s in [10, 60, 100] {
        for request in [sent(mail("Hello")), EffectRequest::DraftMail(mail("Hello"))] {
            let bench = Bench::start().await;
            let late =
                json!({ "service": "gmail", "call": "drafts.create", "fault": "late", "ms": late_s * 1_000 });
            bench.fault(late).await;
            let mut delivery = bench.delivery(request);
            assert!(matches!(bench.perform(&mut delivery).await, Outcome::InDoubt { .. }));
            bench.clock.advance(Duration::from_secs(5));
            let ReconcileResult::Unanswered { after, .. } = bench.ask(&delivery).await else {
                panic!("it may still arrive")
            };
            assert_eq!(after, Some(Duration::from_secs(115)));
            bench.clock.advance(Duration::from_secs(115));
            match bench.ask(&delivery).await {
                ReconcileResult::InProgress { evidence } => delivery.evidence = Some(evidence),
                ReconcileResult::Delivered(_) => assert_eq!(bench.drafts(), 1),
                other => panic!("{other:?}"),
            }
            if delivery.evidence.is_some() {
                assert!(matches!(bench.perform(&mut delivery).await, Outcome::Delivered(_)));
            }
            assert_eq!(bench.drafts() + bench.mails().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_request_that_never_arrived_is_made_again_once_it_cannot_arrive_any_more() {
    let bench = Bench::start().await;
    bench
        .fault(json!({ "service": "gmail", "call": "drafts.create", "fault": "drop", "when": "before" }))
        .await;
    let mut delivery = bench.delivery(sent(mail("Hello")));
    assert!(matches!(bench.perform(&mut delivery).await, Outcome::InDoubt { .. }));
    assert!(matches!(bench.ask(&delivery).await, ReconcileResult::Unanswered { .. }));
    bench.clock.advance(Duration::from_secs(120));
    assert_eq!(bench.ask(&delivery).await, ReconcileResult::NotDelivered);
    assert!(matches!(bench.perform(&mut delivery).await, Outcome::Delivered(_)));
    assert_eq!((bench.mails().len(), bench.drafts()), (1, 0));
}
