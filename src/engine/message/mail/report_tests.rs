//! Mails of machines, and those of people that look like them.

use nexora_core::model::mail::{Mail, MailKind, Part};
use nexora_core::model::message::DeliveryState::{
    self, Delayed, Delivered, HardBounced, Relayed, SoftBounced,
};

use super::{from_parts, from_rfc822};

fn read(raw: &str) -> Mail {
    from_rfc822(raw.replace("\r\n", "\n").replace('\n', "\r\n").as_bytes())
}

fn told(mail: &Mail) -> Vec<(&str, DeliveryState)> {
    let report = mail.report.as_ref().unwrap();
    let told = |recipient: &'_ nexora_core::model::mail::ReportedRecipient| recipient.state;
    report
        .recipients
        .iter()
        .map(|one| (one.addresses.first().map_or("", String::as_str), told(one)))
        .collect()
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/mail/reports/", $name, ".eml"))
    };
}

#[test]
fn delivery_reports_name_the_mail_the_recipient_and_the_state() {
    let cases = [
        (file!("dsn-postfixhard"), MailKind::Bounce, "postfixhard", HardBounced),
        (file!("dsn-noreporttype"), MailKind::Bounce, "noreporttype", HardBounced),
        (file!("dsn-softfull"), MailKind::Bounce, "softfull", SoftBounced),
        (file!("dsn-delayde"), MailKind::Notice, "delayde", Delayed),
        (file!("dsn-success"), MailKind::Notice, "success", Delivered),
    ];
    for (raw, kind, name, state) in cases {
        let mail = read(raw);
        assert_eq!(mail.kind, kind, "{name}");
        assert_eq!(told(&mail), [(format!("{name}@cust.example.net").as_str(), state)]);
        let report = mail.report.unwrap();
        assert!(report.effect.unwrap().starts_with("effect_01m8nd8"), "{name}");
        assert!(report.message_ids[0].ends_with("@mail.gmail.com"), "{name}");
    }
}

#[test]
fn people_are_told_from_answering_machines_and_receipts() {
    let cases = [
        (file!("mail-mdn"), MailKind::Notice),
        (file!("mail-oooxauto"), MailKind::Automatic),
        (file!("mail-suppressonly"), MailKind::Person),
        (file!("mail-real"), MailKind::Person),
    ];
    for (raw, kind) in cases {
        assert_eq!(read(raw).kind, kind, "{raw}");
    }
    let headers = [
        ("Return-Path: <>", MailKind::Automatic),
        ("Return-Path: <jo@example.com>", MailKind::Person),
        ("Auto-Submitted: auto-replied; owner-email=\"x@y.example\"", MailKind::Automatic),
        ("Auto-Submitted: auto-replied\nPrecedence: bulk", MailKind::Automatic),
        ("Auto-Submitted: auto-generated\nList-Id: <l.example.com>", MailKind::Bulk),
        ("Auto-Submitted: No (a person)", MailKind::Person),
        ("X-Autoreply: yes", MailKind::Automatic),
        ("X-Autoreply: no", MailKind::Person),
        ("X-Autorespond: Re: x", MailKind::Automatic),
        ("Precedence: auto_reply", MailKind::Automatic),
        ("X-Auto-Response-Suppress: All", MailKind::Person),
        ("X-Auto-Response-Suppress: All\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example", MailKind::Automatic),
        ("X-MS-Exchange-Inbox-Rules-Loop: a@b.example", MailKind::Person),
        ("X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent", MailKind::Automatic),
        ("X-Auto-Response-Suppress: DR, OOF\nSubject: Automatische Antwort: Anfrage", MailKind::Automatic),
        ("Subject: Undeliverable: delivery has failed", MailKind::Person),
    ];
    for (lines, kind) in headers {
        assert_eq!(read(&format!("From: jo@example.com\n{lines}\n\nhi")).kind, kind, "{lines}");
    }
}

#[test]
fn each_recipient_of_a_report_has_a_state_of_its_own() {
    let status = "Reporting-MTA: dns; mx\n\nOriginal-Recipient: rfc822;a+2Bb@x.example\nFinal-Recipient: RFC822; <A@y.example>\n\
        Action: failed\nStatus: 5.1.1 (bad\n address)\nDiagnostic-Code: smtp; 550-5.1.1 no\n such user\n\
        Final-Recipient: rfc822; b@x.example\nAction: delayed\nStatus: 4.4.1\n\n\nfinal-recipient: rfc822; c@x.example\naction: Relayed\n\
        status: 2.0.0\n\nFinal-Recipient: utf-8; j\\x{F6}@x.example\nAction: delivered\nStatus: 2.0.0\n\nFinal-Recipient: rfc822; d@x.example\n";
    for (outer, from) in [
        ("multipart/report; report-type=delivery-status", "x@mx.example"),
        ("multipart/report", "x@mx.example"),
        ("MULTIPART/REPORT; Report-Type=disposition-notification", "x@mx.example"),
        ("multipart/mixed", "MAILER-DAEMON@mx.example"),
        ("multipart/mixed", "postmaster@mx.example"),
    ] {
        let mail = read(&format!(
            "From: {from}\nContent-Type: {outer}; boundary=r\n\n--r\nContent-Type: text/plain\n\nIt failed.\n--r\n\
             Content-Type: message/delivery-status\n\n{status}\n--r\nContent-Type: message/rfc822\n\n\
             Message-ID:\n <1@ours>\nX-Nexora-Effect: effect_1\nSubject: x\n\nhi\n--r--\n"
        ));
        assert_eq!(mail.kind, MailKind::Bounce, "{outer} {from}");
        assert_eq!(
            told(&mail),
            [
                ("a+b@x.example", HardBounced),
                ("b@x.example", Delayed),
                ("c@x.example", Relayed),
                ("jö@x.example", Delivered)
            ]
        );
        let report = mail.report.unwrap();
        assert_eq!(report.recipients[0].addresses, ["a+b@x.example", "a@y.example"]);
        assert_eq!(
            (report.effect.as_deref(), report.message_ids.as_slice()),
            (Some("effect_1"), &["1@ours".to_owned()][..])
        );
    }
    let passed_on = read(&format!(
        "From: jo@example.com\nContent-Type: multipart/mixed; boundary=r\n\n--r\nContent-Type: text/plain\n\n\
         I got this when I wrote to you.\n--r\nContent-Type: message/delivery-status\n\n{status}\n--r--\n"
    ));
    assert_eq!((passed_on.kind, passed_on.report), (MailKind::Person, None));
}

#[test]
fn mails_that_stand_in_each_other_without_an_end_are_read() {
    let within = "--r\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n--r\n\n--r--\n";
    let mail = read(&format!(
        "From: jo@example.com\nSubject: Hi\nContent-Type: multipart/mixed; boundary=r\n\n{within}"
    ));
    assert_eq!((mail.subject.as_str(), mail.from.unwrap().address.as_str()), ("Hi", "jo@example.com"));
}

#[test]
fn bounces_for_people_are_read_as_well() {
    let copy = "Return-Path: <o@ours>\nMessage-ID: <1@ours>\nX-Nexora-Effect: effect_1\nSubject: x\n\nHello, call 550 5.1.1\n";
    let cases = [
        (
            "MAILER-DAEMON@mx.example",
            format!(
                "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<jo@x.example>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 unknown user\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n\n{copy}"
            ),
            HardBounced,
        ),
        (
            "Mailer-Daemon@mx.example",
            format!(
                "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  jo@x.example\n    host mx [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<jo@x.example>:\n    550 No such user here\n\n------ This is a copy of the message, including all the headers. ------\n\n{copy}"
            ),
            HardBounced,
        ),
        (
            "MAILER-DAEMON@mx.example",
            format!(
                "This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n<jo@x.example>: host mx[192.0.2.1] said: 552 5.2.2 Over quota (in reply to RCPT TO command)\n\n{copy}"
            ),
            SoftBounced,
        ),
        (
            "postmaster@x.example",
            format!(
                "Delivery has failed to these recipients or groups:\n\njo@x.example<mailto:jo@x.example>\nThe email address you entered couldn't be found.\n\nDiagnostic information for administrators:\n\nGenerating server: x.example\n\njo@x.example\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'\n\nOriginal message headers:\n\nReceived: from a by b\n{copy}"
            ),
            HardBounced,
        ),
        (
            "MAILER-DAEMON@mx.example",
            format!(
                "   ----- The following addresses had permanent fatal errors -----\n<jo@x.example>\n    (reason: 550 5.1.1 <jo@x.example>... User unknown)\n\n   ----- Original message -----\n{copy}"
            ),
            HardBounced,
        ),
        (
            "mailer-daemon@googlemail.com",
            format!(
                "** Address not found **\n\nYour message wasn't delivered to jo@x.example because the address couldn't be found.\n\nThe response was:\n550 5.1.1 The email account that you tried to reach does not exist.\n\n----- Original message -----\n{copy}"
            ),
            HardBounced,
        ),
        (
            "mailer-daemon@mx.example",
            format!(
                "Warning: message has not yet been delivered to jo@x.example after 4 hours.\nNo action is required on your part. Delivery attempts will continue for some time.\n\n{copy}"
            ),
            Delayed,
        ),
        (
            "mailer-daemon@mx.example",
            format!("Meddelandet kunde inte levereras:\n\njo@x.example\n550 5.1.1 okänd\n\n{copy}"),
            HardBounced,
        ),
        (
            "mailer-daemon@mx.example",
            format!(
                "We are unable to deliver your mail to jo@x.example at this time, and gave up.\n\n{copy}"
            ),
            SoftBounced,
        ),
    ];
    for (from, text, state) in cases {
        let mail = read(&format!("From: {from}\nSubject: x\n\n{text}"));
        let kind = if state.is_failure() { MailKind::Bounce } else { MailKind::Notice };
        assert_eq!(mail.kind, kind, "{text}");
        let report = mail.report.unwrap_or_else(|| panic!("{text}"));
        let ours = report.recipients.iter().find(|one| one.addresses == ["jo@x.example"]).unwrap();
        assert_eq!(ours.state, state, "{text}");
        assert_eq!(
            (report.effect.as_deref(), report.message_ids[0].as_str()),
            (Some("effect_1"), "1@ours"),
            "{text}"
        );
    }
    let passed_on = read(
        "From: jo@example.com\nSubject: x\n\nI got this: Delivery has failed to these recipients: a@b.example 550 5.1.1",
    );
    assert_eq!((passed_on.kind, passed_on.report), (MailKind::Person, None));
    let form = read(
        "From: form@site.example\nReturn-Path: <>\nAuto-Submitted: auto-generated\n\nName: Jo\nMessage: my boiler could not be delivered to 450 Oak St",
    );
    assert_eq!((form.kind, form.report), (MailKind::Automatic, None));
    let named = read(
        "From: x@mx.example\nX-Failed-Recipients: jo@x.example\nIn-Reply-To: <1@ours>\nReferences: <0@ours> <1@ours>\n\n550 5.1.1 Unbekannt",
    );
    assert_eq!(told(&named), [("jo@x.example", HardBounced)]);
    assert_eq!(named.report.unwrap().message_ids, ["1@ours", "0@ours"]);
}

#[test]
fn complaints_and_answers_to_invitations_are_known_by_their_parts() {
    let arf = |kind: &str| {
        read(&format!(
            "From: staff@provider.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=r\n\n--r\n\
             Content-Type: text/plain\n\nThis is an email abuse report.\n--r\nContent-Type: message/feedback-report\n\n\
             Feedback-Type: {kind}\nUser-Agent: X/1\nVersion: 1\n\n--r\nContent-Type: message/rfc822\n\nMessage-ID: <1@ours>\n\nhi\n--r--\n"
        ))
    };
    let complaint = arf("abuse");
    assert_eq!(complaint.kind, MailKind::Complaint);
    assert_eq!(complaint.report.unwrap().message_ids, ["1@ours"]);
    assert_eq!(arf("not-spam").kind, MailKind::Notice);
    let invitation = |method: &str, parameter: &str| {
        read(&format!(
            "From: jo@example.com\nSubject: Accepted: Visit\nContent-Type: multipart/alternative; boundary=r\n\n--r\n\
             Content-Type: text/plain\n\nJo has accepted this invitation.\n--r\nContent-Type: text/calendar{parameter}\n\n\
             BEGIN:VCALENDAR\nMETHOD:{method}\nEND:VCALENDAR\n--r--\n"
        ))
        .kind
    };
    assert_eq!(invitation("REPLY", "; method=REPLY"), MailKind::Notice);
    assert_eq!(invitation("REPLY", ""), MailKind::Notice);
    assert_eq!(invitation("REQUEST", "; method=REQUEST"), MailKind::Person);
    assert_eq!(invitation("COUNTER", ""), MailKind::Person);
    // Gmail gives the method with the part alone.
    let part = Part {
        mime_type: "text/calendar".into(),
        headers: vec![("Content-Type".into(), "text/calendar; charset=\"UTF-8\"; method=\"REPLY\"".into())],
        ..Part::default()
    };
    assert_eq!(from_parts(&[("From".into(), "jo@example.com".into())], &[part]).kind, MailKind::Notice);
}
