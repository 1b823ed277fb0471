use proptest::prelude::*;

use crate::lead::lead_format::formats::read_mail;
use crate::lead::lead_format::mail::{Form, IncomingMail, MailResult, Rules};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::message::mail::from_rfc822;
use nexora_core::model::mail::Mail;

const MAILS: &[(&str, &str)] = &[
    ("angi-new-lead", include_str!("../../../../../tests/fixtures/mail/angi-new-lead.eml")),
    ("angi-booking", include_str!("../../../../../tests/fixtures/mail/angi-booking.eml")),
    ("angi-opportunities", include_str!("../../../../../tests/fixtures/mail/angi-opportunities.eml")),
    ("yelp-quote", include_str!("../../../../../tests/fixtures/mail/yelp-quote.eml")),
    ("yelp-message", include_str!("../../../../../tests/fixtures/mail/yelp-message.eml")),
    ("yelp-summary", include_str!("../../../../../tests/fixtures/mail/yelp-summary.eml")),
    ("yelp-forged", include_str!("../../../../../tests/fixtures/mail/yelp-forged.eml")),
    ("google-booking", include_str!("../../../../../tests/fixtures/mail/google-booking.eml")),
    ("google-message", include_str!("../../../../../tests/fixtures/mail/google-message.eml")),
    ("google-changed", include_str!("../../../../../tests/fixtures/mail/google-changed.eml")),
    ("form-wordpress", include_str!("../../../../../tests/fixtures/mail/form-wordpress.eml")),
    ("form-table", include_str!("../../../../../tests/fixtures/mail/form-table.eml")),
    ("adf", include_str!("../../../../../tests/fixtures/mail/adf.eml")),
    ("html-table", include_str!("../../../../../tests/fixtures/mail/cases/lead-gravity.eml")),
    ("html-lines", include_str!("../../../../../tests/fixtures/mail/cases/lead-thumbtack.eml")),
    ("adf-attached", include_str!("../../../../../tests/fixtures/mail/cases/lead-adf-attach-latin1.eml")),
    ("adf-two", include_str!("../../../../../tests/fixtures/mail/cases/b04-adf-two-prospects.eml")),
    ("person", include_str!("../../../../../tests/fixtures/mail/person.eml")),
];

fn rules() -> Rules {
    let form =
        |from: &str, subject: Option<&str>| Form { from: from.into(), subject: subject.map(str::to_owned) };
    Rules {
        forms: vec![form("wordpress@acme.example.com", Some("enquiry")), form("forms.example.net", None)],
        trust_unsigned: false,
    }
}

fn read(mail: &Mail, rules: &Rules) -> MailResult {
    read_mail(IncomingMail { mail, rules, is_contacts: false })
}

fn reading(name: &str) -> MailResult {
    let (_, raw) = MAILS.iter().find(|(known, _)| *known == name).unwrap();
    read(&from_rfc822(raw.as_bytes()), &rules())
}

fn lead(name: &str) -> ParsedLead {
    match reading(name) {
        MailResult::Leads(mut found) if found.len() == 1 => found.remove(0),
        MailResult::Message(found) => *found,
        other => panic!("{name}: {other:?}"),
    }
}

/// Name, phone, email, service, postcode, and the beginning of the message.
fn said(found: &ParsedLead) -> [&str; 6] {
    let e = &found.enquiry;
    let message = e.message.lines().next().unwrap_or_default();
    [&e.name, &e.phone, &e.email, &e.service, &e.postcode, message]
}

#[test]
fn marketplaces_are_read() {
    let cases: [(&str, [&str; 6]); 6] = [
        (
            "angi-new-lead",
            [
                "Dana Whitfield",
                "(512) 555-0148",
                "dana.w@example.com",
                "Water Heater Repair",
                "78704",
                "Tank is leaking from the bottom.",
            ],
        ),
        ("angi-booking", ["Luis Ortega", "512-555-0163", "", "Drain Cleaning", "78745", ""]),
        (
            "yelp-quote",
            ["Priya S.", "", "", "Bathroom remodel", "", "We want to replace the tub with a walk-in shower."],
        ),
        ("yelp-message", ["Priya S.", "", "", "", "", "Could you come on Friday instead?"]),
        ("google-booking", ["Mark Feld", "+1 512-555-0177", "", "AC tune-up", "78701", ""]),
        (
            "google-message",
            ["Aisha Rahman", "", "", "Furnace repair", "", "The furnace short cycles every few minutes."],
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(said(&lead(name)), expected, "{name}");
    }
    assert!(matches!(reading("yelp-message"), MailResult::Message(_)));
    let relay = lead("yelp-quote").reply_to.map(|address| address.to_string());
    assert_eq!(relay.as_deref(), Some("reply+8f2c1a@messages.yelp.com"));
    assert_eq!(lead("angi-new-lead").external_id.as_deref(), Some("204418837"));
    assert_eq!(lead("angi-new-lead").enquiry.address, "1104 Kinney Ave, Austin");
    assert_eq!(lead("google-booking").enquiry.preferred_time, "Tue, Nov 24 at 9:00 AM");
}

#[test]
fn a_document_that_is_too_large_to_read_is_for_a_person() {
    let mail = |name: &str, subject: &str, bytes: usize| {
        let document = format!("<?xml version=\"1.0\"?><adf><!--{}--><prospect/></adf>", "x".repeat(bytes));
        let raw = format!(
            "From: crm@dealer.example\r\nTo: office@acme.example.com\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\nSee below\r\n\
             --m\r\nContent-Type: application/xml; name=\"{name}\"\r\nContent-Disposition: attachment\r\n\r\n{document}\r\n--m--\r\n"
        );
        read(&from_rfc822(raw.as_bytes()), &Rules::default())
    };
    for (name, subject, bytes, is_reviewed) in [
        ("lead.xml", "A document", 1_200_000, true),
        ("data.xml", "New lead", 1_200_000, true),
        ("data.xml", "Your invoice", 1_200_000, false),
        ("lead.xml", "A document", 300_000, true),
    ] {
        let found = mail(name, subject, bytes);
        assert_eq!(
            matches!(found, MailResult::Unreadable { .. }),
            is_reviewed,
            "{name} {subject}: {found:?}"
        );
    }
}

#[test]
fn forms_are_read() {
    let first_last = lead("form-wordpress");
    assert_eq!(said(&first_last), ["Grace Müller", "0512 555 0190", "grace@example.org", "", "", "Hallo,"]);
    assert_eq!(first_last.enquiry.message, "Hallo,\nour toilet runs all night.\n\nBest wishes, Grace");
    let table = lead("form-table");
    assert_eq!(
        said(&table),
        ["Sam Okoro", "512 555 0121", "sam@example.org", "Gutters", "78702", "Front gutter hangs."]
    );
}

#[test]
fn adf_is_read() {
    let found = lead("adf");
    assert_eq!(
        said(&found),
        ["Nina Brandt", "512-555-0134", "nina@example.com", "", "78703", "Two quotes & a visit, please."]
    );
    assert_eq!((found.external_id.as_deref(), found.enquiry.source.as_str()), (Some("77120"), "adf"));
}

#[test]
fn what_is_no_lead_makes_none_and_what_cannot_be_read_is_said() {
    for name in ["angi-opportunities", "yelp-summary"] {
        assert!(matches!(reading(name), MailResult::NotALead { .. }), "{name}: {:?}", reading(name));
    }
    for name in ["yelp-forged", "google-changed"] {
        assert!(matches!(reading(name), MailResult::Unreadable { .. }), "{name}: {:?}", reading(name));
    }
    assert_eq!(reading("person"), MailResult::Unrelated);
}

/// A fixture with pieces of it lost, doubled, swapped or broken.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (0..5_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
    (0..MAILS.len(), prop::collection::vec(change, 0..12)).prop_map(|(which, changes)| {
        let mut bytes = MAILS[which].1.as_bytes().to_vec();
        for (kind, a, b, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let (a, b) = (a.index(bytes.len()), b.index(bytes.len()));
            let (low, high) = (a.min(b), a.max(b));
            match kind {
                0 => bytes[a] = byte,
                1 => bytes.truncate(a.max(1)),
                2 => drop(bytes.drain(low..high)),
                3 if bytes.len() < 100_000 => {
                    let copy = bytes[low..high].to_vec();
                    bytes.splice(low..low, copy);
                }
                _ => bytes.swap(a, b),
            }
        }
        bytes
    })
}

fn all_rules() -> Rules {
    let mut rules = rules();
    rules.trust_unsigned = true;
    rules
}

#[test]
fn adf_is_known_by_what_it_holds() {
    let whole = |file: &str| {
        let path = format!("{}/../../tests/fixtures/mail/cases/{file}.eml", env!("CARGO_MANIFEST_DIR"));
        read(&from_rfc822(&std::fs::read(path).unwrap()), &rules())
    };
    for file in ["lead-adf-attach-latin1", "lead-adf-attach-octet"] {
        let MailResult::Leads(leads) = whole(file) else { panic!("{file}") };
        let e = &leads[0].enquiry;
        assert_eq!(
            [e.name.as_str(), &e.phone, &e.email],
            ["Zoë O'Brien & Sons", "512-555-0160", "zoe@example.com"]
        );
        assert_eq!(
            [e.address.as_str(), &e.postcode, &e.message],
            ["9 Elm St, Unit 4, Austin, TX", "78703", "Need a new heater"]
        );
        assert_eq!(e.details["Phone (cellphone, evening)"], "512-555-0161", "{file}");
        assert_eq!(leads[0].external_id.as_deref(), Some(file.trim_start_matches("lead-")));
    }
    let MailResult::Leads(leads) = whole("b04-adf-two-prospects") else { panic!("no leads") };
    let names: Vec<&str> = leads.iter().map(|lead| lead.enquiry.name.as_str()).collect();
    assert_eq!(names, ["First Person", "Second Person"]);
}

proptest! {
    #[test]
    fn no_mail_is_too_broken(raw in mutated()) {
        read(&from_rfc822(&raw), &all_rules());
    }

    #[test]
    fn no_bytes_are_too_strange(raw in prop::collection::vec(any::<u8>(), 0..2_000)) {
        read(&from_rfc822(&raw), &all_rules());
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,400}", subject in "(Re: )?(NEW LEAD: |New booking: |New message: )?\\PC{0,60}") {
        for from in ["newlead@angi.com", "no-reply@yelp.com", "x@lsa.google.com", "a@forms.example.net", "noreply@acme.example", "no-reply@thumbtack.com"] {
            let mut mail = from_rfc822(format!("From: {from}\r\n\r\n").as_bytes());
            mail.subject.clone_from(&subject);
            mail.text.clone_from(&text);
            read(&mail, &all_rules());
            mail.html = Some(format!("<table><tr><td>Name</td><td>{text}</td></tr></table>{text}"));
            read(&mail, &all_rules());
            mail.text = format!("<adf><prospect>{text}");
            read(&mail, &all_rules());
        }
    }
}
