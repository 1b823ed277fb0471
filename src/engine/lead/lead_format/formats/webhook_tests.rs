//! Every format, by fixtures written from the shapes that its sender documents.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lead::lead_format::body::Body;
use crate::lead::lead_format::formats::{parse, webhooks};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::webhook::{LeadNotice, LeadUpdate, ParseResult};
use crate::lead::lead_format::{Webhook, original};
use nexora_core::base::secret::Secret;
use nexora_core::model::consent::Channel;
use nexora_core::model::source::{SourceField, SourceSecrets, SourceSettings};

fn fixture(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/sources/");
    std::fs::read_to_string(format!("{path}{name}.json")).unwrap()
}

fn webhook(kind: &str) -> Webhook {
    parse(kind).unwrap()
}

fn read_as(kind: &str, settings: &SourceSettings, name: &str) -> ParseResult {
    let text = fixture(name);
    let body = Body { content_type: "application/json", bytes: text.as_bytes() };
    let webhook = webhook(kind);
    webhook.read(webhook.sender(settings, "website"), body)
}

fn lead_of(reading: ParseResult) -> ParsedLead {
    match reading {
        ParseResult::Lead(found) => *found,
        other => panic!("{other:?}"),
    }
}

fn lead(kind: &str, name: &str) -> ParsedLead {
    lead_of(read_as(kind, &SourceSettings::default(), name))
}

fn mapped(pairs: &[(&str, SourceField)]) -> SourceSettings {
    let fields: BTreeMap<String, SourceField> =
        pairs.iter().map(|(path, field)| ((*path).to_owned(), *field)).collect();
    SourceSettings { fields, ..SourceSettings::default() }
}

#[test]
fn google_ads_columns_are_known_by_their_id() {
    let found = lead("google-ads", "google-ads");
    let enquiry = found.enquiry;
    assert_eq!((enquiry.name.as_str(), enquiry.email.as_str()), ("Nora Field", "nora.field@example.com"));
    assert_eq!((enquiry.phone.as_str(), enquiry.postcode.as_str()), ("+15125550171", "78704"));
    assert_eq!(enquiry.address, "18 Elm St, Austin, TX");
    assert_eq!(enquiry.details["What needs repair?"], "Water heater");
    assert_eq!(
        (enquiry.attribution.0["gclid"].as_str(), enquiry.source.as_str()),
        ("click-77", "google_ads")
    );
    assert_eq!(found.external_id.as_deref(), Some("ga-lead-0001"));
    assert!(!enquiry.is_test);
}

#[test]
fn facebook_tells_of_leads_and_is_read_when_they_are_fetched() {
    let told = read_as("facebook", &SourceSettings::default(), "facebook-notice");
    assert_eq!(told, ParseResult::Notices(vec![LeadNotice { external_id: "770001".into(), update: None }]));
    let settings = mapped(&[("which_room?", SourceField::Service)]);
    let facebook = webhook("facebook");
    let sender = facebook.sender(&settings, "fb");
    let value: Value = serde_json::from_str(&fixture("facebook-lead")).unwrap();
    let enquiry = lead_of(facebook.read_fetched(sender, &value)).enquiry;
    assert_eq!((enquiry.name.as_str(), enquiry.phone.as_str()), ("Ines Roth", "+15125550133"));
    assert_eq!(enquiry.service, "Bathroom");
    let test = r#"{"id":"1","field_data":[{"name":"full_name","values":["<test lead: dummy data for full_name>"]}]}"#;
    assert!(lead_of(facebook.read_fetched(sender, &serde_json::from_str(test).unwrap())).enquiry.is_test);
}

#[test]
fn angi_has_its_price_its_interview_and_its_word_about_consent() {
    let found = lead("angi", "angi");
    assert_eq!(found.enquiry.cost_cents, Some(2_567));
    assert_eq!(found.enquiry.details["How soon?"], "Within a week");
    assert_eq!(found.external_id.as_deref(), Some("90210077"));
    assert!(found.masked_phone);
    assert_eq!((found.consents[0].channel, found.consents[0].given), (Channel::Sms, false));
    let older = lead("angi", "angi-older");
    assert_eq!(older.enquiry.details["Kind of heater"], "Tank");
    assert_eq!(older.enquiry.details["Fuel"], "Gas");
    assert!(!older.masked_phone && older.consents.is_empty());
}

#[test]
fn thumbtack_is_read_in_both_its_ways_and_its_messages_are_none() {
    let older = lead("thumbtack", "thumbtack-older");
    assert_eq!((older.enquiry.name.as_str(), older.enquiry.service.as_str()), ("Omar Diaz", "Plumbing"));
    assert_eq!((older.external_id.as_deref(), older.enquiry.cost_cents), (Some("tt-old-1"), Some(1_850)));
    assert_eq!(older.enquiry.preferred_time, "Weekday mornings");
    let newer = lead("thumbtack", "thumbtack");
    assert_eq!((newer.enquiry.name.as_str(), newer.enquiry.postcode.as_str()), ("Olga P.", "78745"));
    assert_eq!(newer.external_id.as_deref(), Some("neg-31"));
    let said = read_as("thumbtack", &SourceSettings::default(), "thumbtack-message");
    assert!(matches!(said, ParseResult::Remark(remark) if remark.lead == "neg-31" && remark.id == "msg-9"));
}

#[test]
fn yelp_lends_an_address_and_sometimes_a_number() {
    let told = read_as("yelp", &SourceSettings::default(), "yelp-notice");
    let update = LeadUpdate { id: "yelp-event-1".into(), event: "yelp.event" };
    let wanted = LeadNotice { external_id: "yelp-lead-5".into(), update: Some(update) };
    assert_eq!(told, ParseResult::Notices(vec![wanted]));
    let settings = SourceSettings::default();
    let yelp = webhook("yelp");
    let sender = yelp.sender(&settings, "yelp");
    let mut value: Value = serde_json::from_str(&fixture("yelp-lead")).unwrap();
    let found = lead_of(yelp.read_fetched(sender, &value));
    assert_eq!(found.reply_to.unwrap().as_str(), "relay-5@messaging.yelp.com");
    assert!(found.masked_phone && found.enquiry.email.is_empty());
    assert_eq!(found.enquiry.details["How many taps drip?"], "Two, Three");
    value["phone_number"] = "+15125550144".into();
    assert!(!lead_of(yelp.read_fetched(sender, &value)).masked_phone);
}

#[test]
fn the_forms_are_read_by_type_by_name_and_by_map() {
    let typeform = lead("typeform", "typeform");
    assert_eq!(
        (typeform.enquiry.email.as_str(), typeform.enquiry.source.as_str()),
        ("ada@example.com", "website")
    );
    assert_eq!(typeform.enquiry.name, "Ada King");
    assert_eq!(typeform.enquiry.details["Which rooms?"], "Kitchen, Bath");
    assert_eq!(typeform.enquiry.attribution.0["utm_source"], "newsletter");
    assert_eq!(typeform.external_id.as_deref(), Some("tf-token-1"));

    let raw = fixture("jotform-raw");
    let form = serde_urlencoded::to_string([("formID", "24"), ("submissionID", "606"), ("rawRequest", &raw)]);
    let settings = SourceSettings::default();
    let jotform = webhook("jotform");
    let sender = jotform.sender(&settings, "website");
    let form = form.unwrap();
    let body = Body { content_type: "application/x-www-form-urlencoded", bytes: form.as_bytes() };
    let jotform = lead_of(jotform.read(sender, body));
    assert_eq!(
        (jotform.enquiry.name.as_str(), jotform.enquiry.phone.as_str()),
        ("Lea Ortiz", "(512) 5550188")
    );
    assert_eq!(
        (jotform.enquiry.address.as_str(), jotform.enquiry.postcode.as_str()),
        ("4 Oak Rd, Austin, TX", "78702")
    );
    assert_eq!(jotform.external_id.as_deref(), Some("606"));

    let settings = mapped(&[
        ("1.3", SourceField::FirstName),
        ("1.6", SourceField::LastName),
        ("2", SourceField::Email),
        ("5", SourceField::Message),
    ]);
    let gravity = lead_of(read_as("gravity-forms", &settings, "gravity-forms"));
    assert_eq!(
        (gravity.enquiry.name.as_str(), gravity.enquiry.email.as_str()),
        ("Tom Reed", "tom@example.com")
    );
    assert_eq!(
        (gravity.enquiry.message.as_str(), gravity.enquiry.details["Field 7"].as_str()),
        ("The tap drips.", "Two storeys")
    );
    assert_eq!(gravity.external_id.as_deref(), Some("3-1204"));
}

#[test]
fn a_name_that_stands_elsewhere_is_not_the_persons() {
    let settings = mapped(&[("request.what", SourceField::Message), ("ref", SourceField::Id)]);
    let found = lead_of(read_as("json", &settings, "json"));
    assert_eq!((found.enquiry.name.as_str(), found.enquiry.phone.as_str()), ("Kim Lund", "512 555 0190"));
    assert_eq!(found.enquiry.message, "Blocked drain");
    assert_eq!(found.enquiry.details["company name"], "Lund Ltd");
    assert_eq!(found.external_id.as_deref(), Some("crm-12"));
}

#[test]
fn what_says_nothing_is_unusable_and_what_is_no_object_is_malformed() {
    let settings = SourceSettings::default();
    for webhook in webhooks() {
        let (sender, kind) = (webhook.sender(&settings, "x"), webhook.format.name);
        let of = |text: &str| {
            webhook.read(sender, Body { content_type: "application/json", bytes: text.as_bytes() })
        };
        assert!(matches!(of("{\"name"), ParseResult::Malformed(_)), "{kind}");
        assert!(matches!(of("[]"), ParseResult::Malformed(_)), "{kind}");
        let usable = matches!(of("{}"), ParseResult::Lead(_) | ParseResult::Notices(_));
        assert!(!usable, "{kind}");
    }
}

#[test]
fn what_is_kept_of_a_body_holds_no_secret() {
    let secrets = SourceSecrets { secret: Secret::new("hush-hush"), verify_token: None, access_token: None };
    let body = br#"{"google_key":"hush\u002dhush","lead_id":"1","note":"hush-hush\u0000"}"#;
    let kept = original::kept(webhook("google-ads"), &secrets, body);
    assert!(
        !kept.contains("google_key") && !kept.contains("hush-hush") && kept.contains("lead_id"),
        "{kept}"
    );
    let kept = original::kept(webhook("json"), &secrets, b"a\0b hush-hush");
    assert_eq!(kept, "ab [removed]");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), kind in 0_usize..9) {
        let settings = SourceSettings::default();
        let webhook = webhooks().nth(kind).unwrap();
        for content_type in ["application/json", "multipart/form-data; boundary=X", "application/x-www-form-urlencoded"] {
            let _ = webhook.read(webhook.sender(&settings, "x"), Body { content_type, bytes: &bytes });
        }
    }

    #[test]
    fn any_object_is_read(name in "[a-z_A-Z]{1,20}", value in "\\PC{0,40}", kind in 0_usize..9) {
        let settings = SourceSettings::default();
        let webhook = webhooks().nth(kind).unwrap();
        let shapes = [
            serde_json::json!({ &name: value }),
            serde_json::json!({ "data": { &name: value, "updates": [value] }, "entry": [{ "changes": [value] }] }),
            serde_json::json!({ "user_column_data": [value], "interview": value, "form_response": { "answers": [value, { "type": value }] } }),
        ];
        let sender = webhook.sender(&settings, "x");
        for shape in shapes {
            let text = shape.to_string();
            let _ = webhook.read(sender, Body { content_type: "application/json", bytes: text.as_bytes() });
            let _ = webhook.read_fetched(sender, &shape);
        }
    }
}
