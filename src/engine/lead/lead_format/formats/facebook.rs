//! Facebook and Instagram lead ads: a notice without any contact data, then the lead itself.

use hmac::Mac as _;
use serde_json::Value;

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::answers::{self, Answer};
use crate::lead::lead_format::fetch::{self, FetchedFormat};
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::marketplace::{Class, Marketplace, USUAL};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::response::{Handshake, Response};
use crate::lead::lead_format::value::{some, text};
use crate::lead::lead_format::verify::{Call, Verification, from_hex, same};
use crate::lead::lead_format::webhook::{LeadNotice, Needs, ParseResult, Sender, Setting, WebhookFormat};
use nexora_core::base::mac::hmac_sha256;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::hex;
use nexora_core::model::LeadId;
use nexora_core::model::outcome::PollError;
use nexora_core::model::source::{FetchRequest, FetchResponse, SourceSecrets, SourceSettings};

pub static FORMAT: LeadFormat = LeadFormat {
    name: "facebook",
    lead_source: Some("facebook"),
    webhook: Some(&Facebook),
    mail: Some(&MAILS),
};

/// The notices of lead ads, which hold the answers themselves.
static MAILS: Marketplace = Marketplace {
    lead_source: "facebook",
    senders: &["business.facebook.com", "facebookmail.com", "business-updates.facebook.com"],
    vouched: &["facebook.com", "facebookmail.com"],
    classify,
    ..USUAL
};

fn classify(_from: &str, subject: &str) -> Class {
    let is_new = ["new lead", "lead from", "lead for", "a lead"].iter().any(|part| subject.contains(part));
    match subject.contains("lead") {
        true if is_new => Class::Lead,
        true => Class::Perhaps,
        false => Class::Other("not about a lead"),
    }
}

/// What is asked of a lead.
const FIELDS: &str = "id,created_time,field_data,ad_id,adset_id,campaign_id,form_id,platform";

/// How the values of a lead begin that the testing tool makes.
const TEST_VALUE: &str = "<test lead:";

struct Facebook;

impl WebhookFormat for Facebook {
    fn needs(&self) -> Needs {
        Needs {
            settings: &[Setting::Map],
            chosen_secret: Some("Facebook signs with the secret of your app"),
            verify_token: true,
            ..Needs::default()
        }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        format!(
            "At developers.facebook.com, open your app, \"Webhooks\", object \"Page\", \"Subscribe\":
  1. Callback URL  {}
  2. Verify token  {}
  3. Subscribe to the field `leadgen`, and add the app to the page (POST /PAGE-ID/subscribed_apps).{}",
            setup.url,
            setup.verify_token(),
            setup.token_step()
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        call.by_body_signature("x-hub-signature-256", from_hex)
    }

    fn read(&self, _sender: Sender<'_>, body: &Value) -> ParseResult {
        notices(body)
    }

    fn accepted(&self, _settings: &SourceSettings, _lead: Option<&LeadId>) -> Response {
        Response::text("EVENT_RECEIVED")
    }

    fn handshake(&self, handshake: &Handshake<'_>) -> Option<Response> {
        let wanted = handshake.secrets.verify_token.as_ref().map(Secret::expose).unwrap_or_default();
        let is_known = !wanted.is_empty() && same(handshake.asked("hub.verify_token"), wanted);
        Some(match is_known && handshake.asked("hub.mode") == "subscribe" {
            true => Response::text(handshake.asked("hub.challenge")),
            false => self.problem(403, "the verify token is wrong", ""),
        })
    }

    fn fetch(&self) -> Option<&'static dyn FetchedFormat> {
        Some(&Facebook)
    }
}

impl FetchedFormat for Facebook {
    fn request(&self, api_url: &str, id: &str, secrets: &SourceSecrets) -> Result<FetchRequest, PollError> {
        let token = fetch::token(secrets)?;
        let (id, proof) = (fetch::encoded(id), proof(&secrets.secret, token));
        let url = format!("{api_url}{id}?fields={FIELDS}&appsecret_proof={proof}");
        Ok(FetchRequest { url, token: token.clone() })
    }

    fn failure(&self, response: FetchResponse) -> PollError {
        let reason = fetch::said("Facebook", &response, "/error/message");
        let after = response.retry_after;
        let code = response.body.pointer("/error/code").and_then(Value::as_i64);
        let is_transient = response.body.pointer("/error/is_transient") == Some(&Value::Bool(true));
        match code {
            _ if is_transient => PollError::Later { reason, after },
            // Facebook's own codes: limits of the app, the user and the page; then the token and its
            // permissions.
            Some(4 | 17 | 32 | 613 | 80_000..=80_999) => PollError::Throttled { reason, after },
            Some(10 | 102 | 190 | 200..=299) => PollError::Unauthorized { reason },
            Some(1 | 2) => PollError::Later { reason, after },
            _ => fetch::by_status(&response, reason),
        }
    }

    fn read(&self, sender: Sender<'_>, value: &Value) -> ParseResult {
        lead(sender, value)
    }
}

/// Returns what shows that a token is used by the app that it was given to (Graph API, `appsecret_proof`).
fn proof(app_secret: &Secret, token: &Secret) -> String {
    let mac = hmac_sha256(app_secret.expose().as_bytes(), &[token.expose().as_bytes()]);
    hex(mac.finalize().into_bytes())
}

fn notices(value: &Value) -> ParseResult {
    let Some(entries) = value.get("entry").and_then(Value::as_array) else {
        return ParseResult::Unusable("there is no `entry`".to_owned());
    };
    let changes = entries.iter().filter_map(|entry| entry.get("changes")?.as_array()).flatten();
    let leads: Vec<&Value> = changes.filter(|change| text(change, &["field"]) == "leadgen").collect();
    let ids = leads.iter().filter_map(|change| some(text(change, &["value", "leadgen_id"])));
    let notices: Vec<LeadNotice> = ids.map(|external_id| LeadNotice { external_id, update: None }).collect();
    match (notices.is_empty(), leads.is_empty()) {
        (false, _) => ParseResult::Notices(notices),
        (true, false) => ParseResult::Unusable("no change names its `leadgen_id`".to_owned()),
        (true, true) => ParseResult::Nothing("it is not about a lead"),
    }
}

fn lead(sender: Sender<'_>, value: &Value) -> ParseResult {
    let Some(fields) = value.get("field_data").and_then(Value::as_array) else {
        return ParseResult::Unusable("there is no `field_data`".to_owned());
    };
    let answers: Vec<Answer> = fields
        .iter()
        .map(|field| Answer {
            key: text(field, &["name"]),
            value: text(field, &["values"]),
            ..Answer::default()
        })
        .collect();
    let is_test = answers.iter().any(|answer| answer.value.starts_with(TEST_VALUE));
    let ParsedLead { mut enquiry, .. } = answers::lead(answers, &sender.settings.fields);
    enquiry.is_test |= is_test;
    for name in ["ad_id", "adset_id", "campaign_id", "form_id", "platform"] {
        if let Some(origin) = some(text(value, &[name])) {
            enquiry.attribution.0.insert(name.to_owned(), origin);
        }
    }
    let external_id = some(text(value, &["id"]));
    ParseResult::Lead(Box::new(ParsedLead { enquiry, external_id, ..ParsedLead::default() }))
}
