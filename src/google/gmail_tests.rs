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
