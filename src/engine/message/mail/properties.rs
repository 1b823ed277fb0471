//! Reports and bodies that are broken in every way, put together from the pieces that the readers look for.

use proptest::prelude::*;

use super::{TEXT_LIMIT, from_rfc822, opt_out};

/// Pieces of reports and of the mails around them.
const REPORT: [&str; 34] = [
    "--r\r\n",
    "--r--\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    " ",
    ":",
    ";",
    "Content-Type: message/delivery-status\r\n\r\n",
    "Content-Type: message/feedback-report\r\n\r\n",
    "Content-Type: message/rfc822\r\n\r\n",
    "Content-Type: text/rfc822-headers\r\n\r\n",
    "Content-Type: text/calendar; method=REPLY\r\n\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Final-Recipient: rfc822; jo@x.example\r\n",
    "Final-Recipient: utf-8; j\\x{F6}\\x{110000}@x.example\r\n",
    "Original-Recipient: rfc822;a+2",
    "Original-Recipient: rfc822;a+2B+@x\r\n",
    "Action: failed\r\n",
    "Action: delayed\r\n",
    "Action:\r\n",
    "Status: 5.1.1\r\n",
    "Status: 5.99999999.1\r\n",
    "Diagnostic-Code: smtp; 550 5.1.1 é no\r\n",
    "X-Nexora-Effect: effect_1\r\n",
    "Message-ID: <1@x>\r\n",
    "Message-ID:\r\n <",
    "Feedback-Type: abuse\r\n",
    "<jo@x.example>: 550 5.1.1\r\n",
    "--- Below this line is a copy of the message.\r\n",
    "could not be delivered",
    "İ@x.example",
    "550",
    "\u{0}",
];

/// Pieces of bodies as mail programs lay them out.
const BODY: [&str; 36] = [
    "<div class=\"gmail_quote\">",
    "<div class=gmail_attr>",
    "<blockquote type=cite>",
    "<blockquote>",
    "</blockquote>",
    "</div>",
    "<div>",
    "<p>",
    "</p>",
    "<td>",
    "</td>",
    "<pre>",
    "</pre>",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "<div id=divRplyFwdMsg>",
    "<br>",
    "<",
    "&nbsp;",
    "&#x200b;",
    "\r\n",
    "> ",
    "-- \r\n",
    "On Mon, 30 Nov 2026 at 5:00, A <a@x.example> wrote:\r\n",
    "Am 30.11.2026 um 05:00 schrieb",
    ":",
    "From: A\r\nSent: B\r\nTo: C\r\n",
    "________________________\r\n",
    "-----Original Message-----\r\n",
    "---------- Forwarded message ----------\r\n",
    "Sent from my iPhone",
    "STOP",
    "é\u{200d}",
    "İ",
];

fn pieces(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![8 => prop::sample::select(known).prop_map(str::to_owned), 1 => "\\PC{0,12}"];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_report_is_too_broken(body in pieces(&REPORT), outer in "(multipart/report; boundary=r|message/delivery-status|text/plain)") {
        let raw = format!("From: MAILER-DAEMON@x.example\r\nContent-Type: {outer}\r\n\r\n{body}");
        let mail = from_rfc822(raw.as_bytes());
        if let Some(report) = mail.report {
            prop_assert!(mail.kind.is_report());
            let mut addresses = report.recipients.iter().flat_map(|one| &one.addresses);
            prop_assert!(addresses.all(|address| *address == address.to_lowercase() && !address.contains(char::is_control)));
        }
    }

    #[test]
    fn no_body_is_too_broken(body in pieces(&BODY), kind in "text/(plain|html)", subject in "(Re: |Fwd: )?[a-z]{0,5}") {
        let raw = format!("Subject: {subject}\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{body}");
        let mail = from_rfc822(raw.as_bytes());
        opt_out::is_opt_out(&mail.subject, mail.own_text());
        prop_assert!(mail.text.chars().count() <= TEXT_LIMIT);
        // Nothing is new that does not stand in the mail.
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let all = words(&mail.text);
        prop_assert!(words(mail.own_text()).iter().all(|word| all.iter().any(|known| known.contains(word.as_str()))));
    }
}
