use super::*;

fn lead(said: &[(&str, &str)]) -> ParsedLead {
    let mut reading = Reading::default();
    for (label, value) in said {
        reading.note(label, label::meaning(label).map(|(meaning, _)| meaning), value);
    }
    reading.into_lead(Fields::default())
}

#[test]
fn the_first_good_value_of_a_field_counts_and_the_others_are_details() {
    let found = lead(&[
        ("Home Phone", "n/a"),
        ("Cell Phone", "512 555 0156 or 512 555 0157"),
        ("Work Phone", "tel:5125550158"),
        ("Email", "none"),
        ("Second email", "Jo <jo@x.example> (work)"),
        ("IP", "203.0.113.9"),
    ]);
    let enquiry = &found.enquiry;
    assert_eq!(
        (enquiry.phone.as_str(), enquiry.email.as_str()),
        ("512 555 0156 or 512 555 0157", "jo@x.example")
    );
    let details: Vec<&str> = enquiry.details.keys().map(String::as_str).collect();
    assert_eq!(details, ["Email", "Home Phone", "IP", "Second email", "Work Phone"]);
    assert_eq!(lead(&[("Phone", "ring the bell")]).enquiry.phone, "ring the bell");
}

#[test]
fn names_are_put_together_and_cleared_of_addresses() {
    for (said, name, email) in [
        (&[("Vorname", "Jo"), ("Name", "Miller")][..], "Jo Miller", ""),
        (&[("Nombre", "Ana"), ("Apellidos", "Sanz Ruiz")], "Ana Sanz Ruiz", ""),
        (&[("Name", "Jo Miller"), ("First name", "Jo")], "Jo Miller", ""),
        (&[("From", "\"Jo Miller\" <jo@x.example>")], "Jo Miller", "jo@x.example"),
        (&[("Name", "Jo Miller (mailto:jo@x.example)")], "Jo Miller", "jo@x.example"),
        (&[("Name", "jo@x.example")], "", "jo@x.example"),
        (&[("Contact", "Jo Miller\n512 555 0100\njo@x.example\n9 Elm St")], "Jo Miller", "jo@x.example"),
    ] {
        let found = lead(said).enquiry;
        assert_eq!((found.name.as_str(), found.email.as_str()), (name, email), "{said:?}");
    }
    let card = lead(&[("Contact", "Jo Miller\n512 555 0100\n9 Elm St\nAustin, TX 78701")]).enquiry;
    assert_eq!(
        [card.phone, card.address, card.postcode],
        ["512 555 0100", "9 Elm St, Austin, TX 78701", "78701"]
    );
}

#[test]
fn an_id_is_the_number_of_a_lead_and_no_word() {
    for (label, value, id) in [
        ("Reference", "Homepage", None),
        ("Reference", "page-2", None),
        ("Reference", "RP-778120", Some("RP-778120")),
        ("Lead ID", "7", Some("7")),
        ("Service Request #", "334455667", Some("334455667")),
    ] {
        let found = lead(&[("Name", "Jo"), (label, value)]);
        assert_eq!(found.external_id.as_deref(), id, "{label} {value}");
        assert_eq!(found.enquiry.details.contains_key(label), id.is_none(), "{label} {value}");
    }
}

#[test]
fn answers_to_open_questions_are_the_message_or_the_job() {
    let found =
        lead(&[("What do you need?", "Fix a tap"), ("Anything else?", "The gate is locked at night.")]);
    assert_eq!(found.enquiry.message, "The gate is locked at night.");
    assert_eq!(found.enquiry.service, "Fix a tap");
    let found = lead(&[("How can we help?", "Boiler repair")]);
    assert_eq!((found.enquiry.message.as_str(), found.enquiry.service.as_str()), ("", "Boiler repair"));
}

#[test]
fn numbers_and_second_lines_belong_to_the_address() {
    for (said, address) in [
        (&[("Straat", "Dorpsweg"), ("Huisnummer", "8"), ("Plaats", "Utrecht")][..], "Dorpsweg 8, Utrecht"),
        (&[("Street", "Elm St"), ("House number", "9"), ("Apt / Unit", "4")], "9 Elm St, 4"),
        (&[("Unit", "4")], ""),
    ] {
        assert_eq!(lead(said).enquiry.address, address);
    }
}

#[test]
fn a_place_in_one_line_is_parted() {
    for (label, value, wanted) in [
        ("City, State, Zip", "Austin, TX 78704", ("Austin, TX", "78704")),
        ("PLZ / Ort", "40212 Düsseldorf", ("Düsseldorf", "40212")),
        ("Postcode en plaats", "3511 AB Utrecht", ("Utrecht", "3511 AB")),
        ("City", "Austin", ("Austin", "")),
    ] {
        let found = lead(&[(label, value)]).enquiry;
        assert_eq!((found.address.as_str(), found.postcode.as_str()), wanted, "{label}");
    }
}
