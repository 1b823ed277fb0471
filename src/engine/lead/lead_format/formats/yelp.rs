//! Yelp. By webhook: a notice of something new about a lead, then the lead itself, with a mail address, and sometimes
//! a telephone number, that Yelp lends for a while. By mail: requests and messages.

use serde_json::{Value, json};

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::fetch::{self, FetchedFormat};
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::marketplace::{self, Class, Marketplace};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::response::{Handshake, Response};
use crate::lead::lead_format::value::{questions, some, text};
use crate::lead::lead_format::verify::{Call, Verification, same};
use crate::lead::lead_format::webhook::{
    InAddress, LeadNotice, LeadUpdate, Needs, ParseResult, Sender, WebhookFormat,
};
use nexora_core::model::lead::Attribution;
use nexora_core::model::outcome::PollError;
use nexora_core::model::source::{FetchRequest, FetchResponse, SourceSecrets};

pub static FORMAT: LeadFormat =
    LeadFormat { name: "yelp", lead_source: Some(SOURCE), webhook: Some(&Yelp), mail: Some(&MAILS) };

const SOURCE: &str = "yelp";

/// The event that something new about a known lead becomes.
const UPDATE: &str = "yelp.event";

struct Yelp;

static MAILS: Marketplace = Marketplace {
    lead_source: SOURCE,
    senders: &["yelp.com"],
    vouched: &["yelp.com"],
    relays: &["messages.yelp.com"],
    answers_there: true,
    classify,
    phrases: &[
        "message from {name} for {_}",
        "message from {name}",
        "request from {name}",
        "{name} requested a call back",
    ],
};

impl WebhookFormat for Yelp {
    fn needs(&self) -> Needs {
        Needs { secret_in_address: InAddress::Always, ..Needs::default() }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!(
            "Give this address to Yelp for webhooks of leads; it is a secret:
  1. URL  {}
  2. Subscribe your businesses to lead events with subscription type WEBHOOK.{}",
            setup.url,
            setup.token_step()
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        call.by_secret(call.token)
    }

    fn read(&self, _sender: Sender<'_>, body: &Value) -> ParseResult {
        notices(body)
    }

    fn handshake(&self, handshake: &Handshake<'_>) -> Option<Response> {
        let secret = handshake.secrets.secret.expose();
        Some(match handshake.token.is_some_and(|token| same(token, secret)) {
            true => Response::json(&json!({ "verification": handshake.asked("verification") })),
            false => self.refused(Verification::Wrong),
        })
    }

    fn fetch(&self) -> Option<&'static dyn FetchedFormat> {
        Some(&Yelp)
    }
}

impl FetchedFormat for Yelp {
    fn request(&self, api_url: &str, id: &str, secrets: &SourceSecrets) -> Result<FetchRequest, PollError> {
        let token = fetch::token(secrets)?;
        Ok(FetchRequest { url: format!("{api_url}leads/{}", fetch::encoded(id)), token: token.clone() })
    }

    fn failure(&self, response: FetchResponse) -> PollError {
        let reason = fetch::said("Yelp", &response, "/error/description");
        fetch::by_status(&response, reason)
    }

    fn read(&self, _sender: Sender<'_>, value: &Value) -> ParseResult {
        lead(value)
    }
}

fn notices(value: &Value) -> ParseResult {
    let Some(updates) = value.pointer("/data/updates").and_then(Value::as_array) else {
        return ParseResult::Unusable("there is no `data.updates`".to_owned());
    };
    let new = updates.iter().filter(|update| text(update, &["event_type"]) == "NEW_EVENT");
    let notices: Vec<LeadNotice> = new
        .filter_map(|update| {
            let external_id = some(text(update, &["lead_id"]))?;
            let update = some(text(update, &["event_id"])).map(|id| LeadUpdate { id, event: UPDATE });
            Some(LeadNotice { external_id, update })
        })
        .collect();
    match notices.is_empty() {
        true => ParseResult::Nothing("it is not about a lead"),
        false => ParseResult::Notices(notices),
    }
}

fn lead(value: &Value) -> ParseResult {
    let project = value.get("project").unwrap_or(&Value::Null);
    let details = questions(project.get("survey_answers"), "question_text", "answer_text");
    let lent = text(value, &["temporary_phone_number"]);
    let (phone, masked_phone) = match text(value, &["phone_number"]) {
        own if own.is_empty() => (lent.clone(), !lent.is_empty()),
        own => (own, false),
    };
    let mut attribution = Attribution::default();
    if let Some(business) = some(text(value, &["business_id"])) {
        attribution.0.insert("business_id".to_owned(), business);
    }
    let enquiry = Enquiry {
        name: text(value, &["user", "display_name"]),
        phone,
        service: text(project, &["job_names"]),
        message: text(project, &["additional_info"]),
        postcode: text(project, &["location", "postal_code"]),
        preferred_time: match text(project, &["availability", "dates"]) {
            dates if dates.is_empty() => text(project, &["availability", "status"]),
            dates => dates,
        },
        attribution,
        details,
        ..Enquiry::default()
    };
    let reply_to = text(value, &["temporary_email_address"]).parse().ok();
    let external_id = some(text(value, &["id"]));
    let lead = ParsedLead { enquiry, external_id, reply_to, masked_phone, ..ParsedLead::default() };
    ParseResult::Lead(Box::new(lead))
}

fn classify(from: &str, subject: &str) -> Class {
    let has = |part: &str| subject.contains(part);
    if has("summary") {
        Class::Other("a summary")
    } else if has("quote request") || has("call back") || has("callback") {
        Class::Lead
    } else if has("new message from") || from.ends_with("@messages.yelp.com") {
        Class::Message
    } else {
        marketplace::classify(from, subject)
    }
}
