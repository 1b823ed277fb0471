use super::*;

fn read(raw: &str) -> Mail {
    from_rfc822(raw.replace('\n', "\r\n").as_bytes())
}

#[test]
fn headers_are_decoded_and_ids_are_bare() {
    let mail = read(
        "From: =?utf-8?q?J=C3=B6rg?= <J@Example.com>\nReply-To: r@example.com\nTo: a@x.com, B <b@x.com>\n\
         Subject: =?iso-8859-1?q?Gr=FC=DFe?=\n from here\nMessage-ID: <1@x>\nIn-Reply-To: <0@x>\n\
         References: <a@x> <0@x>\nDate: Mon, 21 Sep 2026 14:13:20 +0000\n\nHello",
    );
    let from = mail.from.unwrap();
    assert_eq!((from.name.as_deref(), from.address.as_str()), (Some("Jörg"), "J@Example.com"));
    assert_eq!(mail.subject, "Grüße from here");
    assert_eq!(mail.message_id.as_deref(), Some("1@x"));
    assert_eq!(mail.references, ["a@x", "0@x"]);
    assert_eq!(mail.to.len(), 2);
    assert_eq!(mail.sent_at.map(Timestamp::millis), Some(1_790_000_000_000));
    assert_eq!(mail.text, "Hello");
}

#[test]
fn charsets_are_decoded_whoever_undid_the_transfer_encoding() {
    let part = |charset: &str, body: &[u8]| Part {
        mime_type: "text/plain".into(),
        headers: vec![("Content-Type".into(), format!("text/plain; charset=\"{charset}\""))],
        body: Some(body.to_vec()),
        ..Part::default()
    };
    let cases: [(&str, &[u8], &str); 6] = [
        ("utf-8", "Grüße".as_bytes(), "Grüße"),
        ("ISO-8859-1", b"Gr\xfc\xdfe", "Grüße"),
        ("windows-1252", b"\x80 10", "€ 10"),
        // A provider that has made UTF-8 of it and left the header as it was.
        ("ISO-8859-1", "Grüße".as_bytes(), "Grüße"),
        ("iso-2022-jp", b"\x1b$B$3$s$K$A$O\x1b(B", "こんにちは"),
        ("no-such-charset", b"a\xffb", "a\u{fffd}b"),
    ];
    for (charset, body, text) in cases {
        assert_eq!(from_parts(&[], &[part(charset, body)]).text, text, "{charset}");
    }
}

#[test]
fn html_is_read_where_there_is_no_text() {
    let mail = read(
        "Subject: x\nContent-Type: text/html\n\n<style>p{}</style><table><tr><td>Name</td><td>Jo &amp; Al</td></tr>\
         <tr><td>Phone:</td><td>555</td></tr></table><div>One</div><div>Two</div>",
    );
    assert_eq!(
        mail.text.lines().filter(|l| !l.is_empty()).collect::<Vec<_>>(),
        ["Name | Jo & Al", "Phone: | 555", "One", "Two"]
    );
}

#[test]
fn attachments_are_named_and_small_xml_is_read() {
    let mail = read(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhi\n--b\n\
         Content-Type: application/xml\nContent-Disposition: attachment; filename=\"lead.xml\"\n\n<adf/>\n--b\n\
         Content-Type: image/png\nContent-Disposition: attachment; filename=\"a.png\"\n\
         Content-Transfer-Encoding: base64\n\naGVsbG8=\n--b--\n",
    );
    assert_eq!(mail.text, "hi");
    assert_eq!(mail.xml.as_deref().map(str::trim), Some("<adf/>"));
    let names: Vec<&str> = mail.attachments.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["lead.xml", "a.png"]);
    assert_eq!(mail.attachments[1].size_bytes, 5);
}

#[test]
fn machines_are_told_from_people() {
    let cases = [
        ("", MailKind::Person),
        ("Auto-Submitted: no\n", MailKind::Person),
        ("Auto-Submitted: auto-replied\n", MailKind::Automatic),
        ("Precedence: bulk\n", MailKind::Bulk),
        ("List-Id: <l.example.com>\n", MailKind::Bulk),
    ];
    for (header, kind) in cases {
        assert_eq!(read(&format!("{header}Subject: x\n\nhi")).kind, kind, "{header}");
    }
}

#[test]
fn only_the_topmost_verdict_counts() {
    let mail = read(
        "Authentication-Results: mx.google.com; dkim=pass header.i=@yelp.com header.s=s; spf=fail smtp.mailfrom=evil.example\n\
         Authentication-Results: evil; dkim=pass header.d=angi.com\nSubject: x\n\nhi",
    );
    assert_eq!(mail.authenticated, ["yelp.com"]);
}

#[test]
fn only_what_was_newly_written_is_a_reply() {
    let cases = [
        ("Yes please.\n\nOn Mon, 1 Jan 2026, Acme <a@x.com> wrote:\n> Shall we?", "Yes please."),
        ("Yes.\n\nOn Mon, 1 Jan 2026 at 10:00, Acme Plumbing and\nHeating <a@x.com> wrote:\n> x", "Yes."),
        ("See below\n> Shall we?\nYes!", "See below\nYes!"),
        ("Ok\n-----Original Message-----\nFrom: x", "Ok"),
        ("Ok\nFrom: Acme\nSent: Monday\nTo: Jo", "Ok"),
        ("Plain", "Plain"),
    ];
    for (whole, own) in cases {
        assert_eq!(own::newly_written(whole), own, "{whole}");
    }
}

#[test]
fn nothing_in_a_mail_is_too_much() {
    let deep: String = "Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(2_000);
    let long = format!("Subject: {}\n\n{}", "x".repeat(100_000), "y ".repeat(1_000_000));
    let html = format!("Content-Type: text/html\n\n{}", "<div><td>".repeat(200_000));
    let headers = "X: y\n".repeat(50_000);
    let dashes = format!("Subject: x\n\n{}", "--\nx\n\n".repeat(100_000));
    let parts = "--b\nContent-Type: text/plain\n\nOn Mon, 30 Nov 2026, A <a@x> wrote:\n--\n".repeat(5_000);
    let parts = format!("Content-Type: multipart/mixed; boundary=b\n\n{parts}");
    for raw in [dashes, parts, deep, long, html, headers, "\0".repeat(10_000), String::new()] {
        let mail = read(&raw);
        assert!(mail.text.chars().count() <= TEXT_LIMIT && mail.subject.chars().count() <= LINE_LIMIT);
    }
}
