//! The mail sink: takes what a real client sends, in the clear and under TLS.

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Bench;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

fn transport(bench: &Bench, tls: Tls) -> Transport {
    let address = bench.sandbox.smtp_address();
    Transport::builder_dangerous(address.ip().to_string())
        .port(address.port())
        .tls(tls)
        .credentials(Credentials::new("office".into(), "secret".into()))
        .build()
}

fn message() -> Message {
    let builder = Message::builder().from("Office <office@acme.example>".parse().unwrap());
    let builder = builder.to("jo@example.com".parse().unwrap()).to("al@example.com".parse().unwrap());
    builder.subject("Grüße").body("Hello\r\n.\r\n..dots\r\n".to_owned()).unwrap()
}

fn received(bench: &Bench) -> Value {
    bench.sandbox.state()["smtp"].clone()
}

#[tokio::test]
async fn a_mail_is_kept_with_its_envelope_and_how_it_came() {
    let bench = Bench::start().await;
    let certificate = Certificate::from_pem(bench.sandbox.certificate_pem().as_bytes()).unwrap();
    let parameters =
        TlsParameters::builder("localhost".into()).add_root_certificate(certificate).build().unwrap();
    transport(&bench, Tls::None).send(message()).await.unwrap();
    let reply = transport(&bench, Tls::Required(parameters)).send(message()).await.unwrap();
    let mails = received(&bench);
    assert_eq!((&mails[0]["tls"], &mails[1]["tls"]), (&json!(false), &json!(true)));
    for mail in mails.as_array().unwrap() {
        assert_eq!(
            (&mail["from"], &mail["authenticated_as"]),
            (&json!("office@acme.example"), &json!("office"))
        );
        assert_eq!(
            (&mail["to"], &mail["subject"]),
            (&json!(["jo@example.com", "al@example.com"]), &json!("Grüße"))
        );
        assert_eq!(mail["text"].as_str().unwrap().trim_end(), "Hello\r\n.\r\n..dots");
        assert_eq!(mail["at"], "2026-09-21T14:13:20.000Z");
    }
    let words: Vec<&str> = reply.message().collect();
    assert!(words.join(" ").contains(mails[1]["id"].as_str().unwrap()), "{words:?}");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_noticed() {
    let bench = Bench::start().await;
    let parameters = TlsParameters::new("localhost".into()).unwrap();
    assert!(transport(&bench, Tls::Required(parameters)).send(message()).await.is_err());
    assert_eq!(received(&bench), json!([]));
}

#[tokio::test]
async fn refusals_and_broken_connections_are_dialled_in() {
    let bench = Bench::start().await;
    let cases = [
        (json!({"service": "smtp", "fault": "status", "status": 451}), Some(false), 0),
        (json!({"service": "smtp", "call": "rcpt", "fault": "status", "status": 550}), Some(true), 0),
        (json!({"service": "smtp", "call": "auth", "fault": "status", "status": 535}), Some(true), 0),
        (json!({"service": "smtp", "call": "connect", "fault": "status", "status": 421}), Some(false), 0),
        (json!({"service": "smtp", "fault": "drop", "when": "before"}), None, 0),
        (json!({"service": "smtp", "fault": "drop", "when": "after"}), None, 1),
    ];
    for (fault, is_permanent, kept) in cases {
        bench.post("/_sandbox/reset", json!({})).await;
        bench.arm(fault.clone()).await;
        let error = transport(&bench, Tls::None).send(message()).await.unwrap_err();
        let verdict = if error.is_permanent() { Some(true) } else { error.is_transient().then_some(false) };
        assert_eq!(verdict, is_permanent, "{fault}: {error}");
        assert_eq!(received(&bench).as_array().unwrap().len(), kept, "{fault}");
        transport(&bench, Tls::None).send(message()).await.unwrap();
    }
    assert_eq!(bench.calls("smtp.data"), 2);
}

/// Says all of `lines` at once and returns the replies, one for each and one for the greeting.
async fn converse(bench: &Bench, lines: &[&str]) -> Vec<String> {
    let mut stream = BufReader::new(TcpStream::connect(bench.sandbox.smtp_address()).await.unwrap());
    stream.write_all((lines.join("\r\n") + "\r\n").as_bytes()).await.unwrap();
    let mut replies = Vec::new();
    let mut reply = String::new();
    while stream.read_line(&mut reply).await.unwrap() > 0 {
        if reply.lines().last().is_some_and(|line| line.as_bytes().get(3) == Some(&b' ')) {
            replies.push(std::mem::take(&mut reply));
        }
    }
    replies
}

#[tokio::test]
async fn commands_out_of_order_are_refused_and_pipelined_ones_taken() {
    let bench = Bench::start().await;
    let lines = [
        "MAIL FROM:<a@b.example>",
        "EHLO me",
        "RCPT TO:<c@d.example>",
        "DATA",
        "MAIL FROM:<a@b.example> SIZE=99999999",
        "MAIL FROM:<>",
        "MAIL FROM:<a@b.example>",
        "RCPT TO:<broken",
        "RCPT TO:<c@d.example>",
        "NOOP",
        "WHAT",
        "RSET",
        "MAIL FROM:<a@b.example>",
        "RCPT TO:<c@d.example>",
        "DATA",
        "Subject: x\r\n\r\n..y\r\n.",
        "QUIT",
    ];
    let codes: Vec<String> =
        converse(&bench, &lines).await.iter().map(|reply| reply[..3].to_owned()).collect();
    let wanted = [
        "220", "503", "250", "503", "503", "552", "250", "503", "501", "250", "250", "500", "250", "250",
        "250", "354", "250", "221",
    ];
    assert_eq!(codes, wanted);
    assert_eq!(received(&bench)[0]["text"].as_str().unwrap().trim(), ".y");
    assert_eq!(received(&bench).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_can_be_given_in_two_steps_and_what_is_unreadable_is_refused() {
    let bench = Bench::start().await;
    let lines = ["EHLO me", "AUTH LOGIN", "b2ZmaWNl", "c2VjcmV0", "AUTH PLAIN AGEAYg==", "QUIT"];
    let replies = converse(&bench, &lines).await;
    let codes: Vec<&str> = replies.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(codes, ["220", "250", "334", "334", "235", "503", "221"]);
    let replies = converse(&bench, &["EHLO me", "AUTH PLAIN %%%", "AUTH CRAM-MD5", "QUIT"]).await;
    let codes: Vec<&str> = replies.iter().map(|reply| &reply[..3]).collect();
    assert_eq!(codes, ["220", "250", "501", "504", "221"]);
    let long = "NOOP ".to_owned() + &"x".repeat(20_000);
    let replies = converse(&bench, &["EHLO me", &long]).await;
    assert!(replies.last().unwrap().starts_with("500"), "{replies:?}");
}
