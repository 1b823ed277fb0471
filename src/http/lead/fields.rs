//! The fields of a request by name, whatever form they came in, and the enquiry that they make.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use nexora_core::model::source::SourceSettings;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_engine::lead::lead_format::formats::json::WEBHOOK;
use nexora_engine::lead::lead_format::value;
use nexora_engine::lead::lead_format::webhook::ParseResult;

/// The fields of an object that are texts, numbers or truth values, by name.
pub type Fields = BTreeMap<String, String>;

/// The field that people do not see (honeypot).
pub const HONEYPOT: &str = "website";

/// Fields that say something about the request, and are no answers.
const CONTROLS: [&str; 14] = [
    "source",
    "is_test",
    "ticket",
    "altcha",
    "idempotency_key",
    "consent_sms",
    "consent_sms_version",
    "consent_sms_text",
    "consent_marketing",
    "consent_marketing_version",
    "consent_marketing_text",
    "cf-turnstile-response",
    "g-recaptcha-response",
    "h-captcha-response",
];

const SOURCE_LENGTH: usize = 60;

/// Returns the fields of what was sent.
pub fn texts(object: &Value) -> Fields {
    let fields = object.as_object().into_iter().flatten();
    let text = |value: &Value| (!value.is_object()).then(|| value::plain(value));
    fields.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

/// Tells whether a box is ticked, or a flag of a program is set.
pub fn is_set(fields: &Fields, name: &str) -> bool {
    fields.get(name).is_some_and(|value| matches!(value.as_str(), "on" | "true" | "1" | "yes"))
}

/// Makes an enquiry of what was sent, `fields` being its texts; what has no field of ours is a detail. The honeypot is one only where
/// the sender was shown our form; else it is the business's own website.
pub fn enquiry(object: &Value, fields: &Fields, default_source: &str, has_honeypot: bool) -> Enquiry {
    let text = |name: &str| fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let is_control = |name: &str| CONTROLS.contains(&name) || (has_honeypot && name == HONEYPOT);
    let answers = object.as_object().into_iter().flatten().filter(|(name, _)| !is_control(name));
    let answers: Map<String, Value> = answers.map(|(name, value)| (name.clone(), value.clone())).collect();
    let settings = SourceSettings::default();
    let read = WEBHOOK.handling.read(WEBHOOK.sender(&settings, default_source), &Value::Object(answers));
    let enquiry = match read {
        ParseResult::Lead(lead) => lead.enquiry,
        _ => Enquiry::default(),
    };
    let source = match text("source") {
        source if source.is_empty() => default_source.to_owned(),
        source => source.chars().take(SOURCE_LENGTH).collect(),
    };
    let honeypot = if has_honeypot { text(HONEYPOT) } else { String::new() };
    Enquiry { source, honeypot, is_test: is_set(fields, "is_test"), ..enquiry }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, has_honeypot: bool) -> Enquiry {
        let object: Value = serde_json::from_str(json).unwrap();
        enquiry(&object, &texts(&object), "api", has_honeypot)
    }

    #[test]
    fn a_field_without_a_place_of_its_own_is_a_detail() {
        let enquiry = read(
            r#"{"name": "Jo", "email": "jo@example.com", "budget": "2k", "rooms": 3, "pets": true, "plan": {"floor": 2},
                "square_feet": null, "utm_source": "bing", "ticket": "t", "source": "ads", "consent_sms": "on"}"#,
            true,
        );
        let details: Vec<(&str, &str)> =
            enquiry.details.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(details, [("budget", "2k"), ("pets", "true"), ("plan floor", "2"), ("rooms", "3")]);
        assert_eq!((enquiry.source.as_str(), enquiry.attribution.0["utm_source"].as_str()), ("ads", "bing"));
    }

    #[test]
    fn fields_are_known_by_their_usual_names() {
        let enquiry =
            read(r#"{"Full Name": "Jo Miller", "E-Mail": "jo@example.com", "Telephone": 5125550142}"#, true);
        assert_eq!((enquiry.name.as_str(), enquiry.email.as_str()), ("Jo Miller", "jo@example.com"));
        assert_eq!(enquiry.phone, "5125550142");
        let split = read(
            r#"{"name": {"first": "Jo", "last": "Miller"}, "phone": ["512-555-0142", "512-555-0143"]}"#,
            true,
        );
        assert_eq!((split.name.as_str(), split.phone.as_str()), ("Jo Miller", "512-555-0142, 512-555-0143"));
    }

    #[test]
    fn a_website_is_a_trap_on_our_form_and_an_answer_elsewhere() {
        let json = r#"{"name": "Jo", "website": "https://jo.example"}"#;
        assert_eq!(read(json, true).honeypot, "https://jo.example");
        let program = read(json, false);
        assert_eq!(
            (program.honeypot.as_str(), program.details["website"].as_str()),
            ("", "https://jo.example")
        );
    }
}
