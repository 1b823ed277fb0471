//! Thumbtack, today's bodies (in an envelope of event and data, or bare) and the older ones. A message may
//! come before its lead; the lead's own description comes once more as the first message.

use serde_json::Value;

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::marketplace::{Marketplace, USUAL};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::response::{self, Response};
use crate::lead::lead_format::value::{cents, first, joined, questions, some, text};
use crate::lead::lead_format::verify::{Call, Verification};
use crate::lead::lead_format::webhook::{Needs, ParseResult, Remark, Sender, Setting, WebhookFormat};
use nexora_core::model::lead::Attribution;

pub static FORMAT: LeadFormat = LeadFormat {
    name: "thumbtack",
    lead_source: Some("thumbtack"),
    webhook: Some(&Thumbtack),
    mail: Some(&MAILS),
};

static MAILS: Marketplace = Marketplace {
    lead_source: "thumbtack",
    senders: &["thumbtack.com"],
    vouched: &["thumbtack.com"],
    answers_there: true,
    phrases: &[
        "lead: {name} needs {service} in {city}",
        "lead: {name} needs {service}",
        "{name} wants to hire you for {service}",
        "{name} wants to hire you",
        "{name} contacted you about {service}",
        "message from {name}",
    ],
    ..USUAL
};

const MESSAGE: &str = "thumbtack.message";

struct Thumbtack;

impl WebhookFormat for Thumbtack {
    fn needs(&self) -> Needs {
        Needs { settings: &[Setting::Username], default_username: Some("nexora"), ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!(
            "At Thumbtack, make a webhook for new leads and messages:
  1. URL       {}
  2. Username  {}
  3. Password  {}",
            setup.url,
            setup.settings.username.as_deref().unwrap_or_default(),
            setup.secret()
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        call.by_basic()
    }

    fn read(&self, _sender: Sender<'_>, body: &Value) -> ParseResult {
        lead_or_message(body)
    }

    fn refused(&self, verification: Verification) -> Response {
        let challenge = Some("Basic realm=\"nexora\"");
        Response { challenge, ..self.problem(401, response::REFUSED, verification.reason()) }
    }
}

fn lead_or_message(value: &Value) -> ParseResult {
    let kind = text(value, &["event", "eventType"]);
    let data = value.get("data").filter(|data| data.is_object()).unwrap_or(value);
    if data.get("message").is_some_and(Value::is_object) {
        let id = text(data, &["message", "messageID"]);
        return message(data, text(data, &["leadID"]), id, text(data, &["message", "text"]));
    }
    if data.get("messageID").is_some() {
        let lead = text(data, &["negotiationID"]);
        return message(data, lead, text(data, &["messageID"]), text(data, &["text"]));
    }
    if data.get("leadID").is_some() || data.get("negotiationID").is_some() {
        return lead(data);
    }
    match kind.is_empty() || kind.starts_with("Negotiation") {
        true => ParseResult::Unusable("neither `negotiationID` nor `leadID` is there".to_owned()),
        false => ParseResult::Nothing("it is neither a lead nor a message"),
    }
}

fn message(data: &Value, lead: String, id: String, said: String) -> ParseResult {
    if text(data, &["from"]).eq_ignore_ascii_case("business") {
        return ParseResult::Nothing("the business wrote it");
    }
    if lead.is_empty() || id.is_empty() {
        return ParseResult::Unusable("a message without its own id or its lead's".to_owned());
    }
    ParseResult::Remark(Remark { id, lead, event: MESSAGE, text: said, data: data.clone() })
}

fn lead(data: &Value) -> ParseResult {
    let request = data.get("request").unwrap_or(data);
    let customer = data.get("customer").unwrap_or(&Value::Null);
    let name = match joined(&[text(customer, &["firstName"]), text(customer, &["lastName"])], " ") {
        name if name.is_empty() => first(customer, &["displayName", "name"]),
        name => name,
    };
    let place = [request, customer, data].into_iter().find_map(|holder| holder.get("location"));
    let place = place.unwrap_or(&Value::Null);
    let lines = ["address1", "address2", "city", "state"].map(|part| text(place, &[part]));
    let category = match text(request, &["category", "name"]) {
        name if name.is_empty() => first(request, &["category", "title"]),
        name => name,
    };
    let asked = request.get("details").or_else(|| data.get("details"));
    let mut details = questions(asked, "question", "answer");
    if let Some(travel) = some(text(request, &["travelPreferences"])) {
        details.insert("Travel".to_owned(), travel);
    }
    let origin = [
        ("lead_type", text(data, &["leadType"])),
        ("request_id", text(request, &["requestID"])),
        ("business_id", text(data, &["business", "businessID"])),
        ("customer_id", text(customer, &["customerID"])),
    ];
    let origin = origin.into_iter().filter(|(_, id)| !id.is_empty()).map(|(name, id)| (name.to_owned(), id));
    let enquiry = Enquiry {
        name,
        email: text(customer, &["email"]),
        phone: text(customer, &["phone"]),
        service: category,
        message: text(request, &["description"]),
        address: joined(&lines, ", "),
        postcode: text(place, &["zipCode"]),
        preferred_time: text(request, &["schedule"]),
        attribution: Attribution(origin.collect()),
        details,
        cost_cents: data.get("leadPrice").or_else(|| data.get("price")).and_then(cents),
        ..Enquiry::default()
    };
    let external_id = some(first(data, &["negotiationID", "leadID"]));
    let lead = ParsedLead { enquiry, external_id, answered_there: true, ..ParsedLead::default() };
    ParseResult::Lead(Box::new(lead))
}
