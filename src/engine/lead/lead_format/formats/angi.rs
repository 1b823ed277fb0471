//! Angi and HomeAdvisor, by webhook and by mail. What the homeowner said about automated contact is kept as consent
//! or its refusal.

use serde_json::Value;

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::guide::Setup;
use crate::lead::lead_format::marketplace::{self, Class, Marketplace};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::response::Response;
use crate::lead::lead_format::value::{cents, joined, questions, some, text};
use crate::lead::lead_format::verify::{Call, Verification};
use crate::lead::lead_format::webhook::{InAddress, Needs, ParseResult, Sender, Setting, WebhookFormat};
use nexora_core::model::LeadId;
use nexora_core::model::consent::Channel;
use nexora_core::model::lead::{Attribution, ConsentRecord, Details};
use nexora_core::model::source::SourceSettings;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "angi", lead_source: Some(SOURCE), webhook: Some(&Angi), mail: Some(&MAILS) };

const SOURCE: &str = "angi";

/// What Angi takes for success, unless something else was agreed.
const SUCCESS: &str = "SUCCESS";

struct Angi;

static MAILS: Marketplace = Marketplace {
    lead_source: SOURCE,
    senders: &["angi.com", "homeadvisor.com"],
    vouched: &["angi.com", "homeadvisor.com"],
    relays: &["messages.angi.com", "reply.angi.com"],
    answers_there: false,
    classify,
    phrases: &[
        "new lead: {name} has a {service} project in {city}",
        "booking request: {service} in {city}",
        "new lead: {service} - {city}",
    ],
};

impl WebhookFormat for Angi {
    fn needs(&self) -> Needs {
        Needs {
            settings: &[Setting::Success, Setting::Header],
            secret_in_address: InAddress::Perhaps,
            ..Needs::default()
        }
    }

    fn guide(&self, setup: &Setup<'_>) -> String {
        let (url, secret) = (setup.url, setup.secret());
        format!(
            "Send these to your account manager at Angi, and ask for leads by JSON:
  1. URL        {url}
  2. x-api-key  {secret}
     If no header can be sent, the URL is {url}/{secret} instead.
  3. The answer to a lead that was taken is 200 with the text `{}`.",
            success(setup.settings)
        )
    }

    fn verify(&self, call: &Call<'_>) -> Verification {
        call.by_secret(call.header_or_token("x-api-key"))
    }

    fn read(&self, _sender: Sender<'_>, body: &Value) -> ParseResult {
        ParseResult::Lead(Box::new(lead(body)))
    }

    fn accepted(&self, settings: &SourceSettings, _lead: Option<&LeadId>) -> Response {
        Response::text(success(settings))
    }
}

fn success(settings: &SourceSettings) -> &str {
    settings.success.as_deref().unwrap_or(SUCCESS)
}

fn lead(value: &Value) -> ParsedLead {
    let own = |name: &str| text(value, &[name]);
    let name = match own("name") {
        whole if whole.trim().is_empty() => joined(&[own("firstName"), own("lastName")], " "),
        whole => whole,
    };
    let mut phone = own("primaryPhone");
    if let Some(extension) = some(own("phoneExt")).filter(|_| !phone.is_empty()) {
        phone = format!("{phone} ext. {extension}");
    }
    let masked_phone = value.pointer("/primaryPhoneDetails/maskedNumber") == Some(&Value::Bool(true));
    let mut details = interview(value.get("interview"));
    for (label, field) in [
        ("Second phone", "secondaryPhone"),
        ("Match", "matchType"),
        ("Lead description", "leadDescription"),
        ("Company", "spCompanyName"),
    ] {
        if let Some(said) = some(own(field)) {
            details.insert(label.to_owned(), said);
        }
    }
    let origin = ["leadSource", "srOid", "taskOid", "spEntityId", "trustedFormUrl"];
    let origin = origin.into_iter().filter_map(|name| Some((folded(name), some(own(name))?)));
    let enquiry = Enquiry {
        name,
        email: own("email"),
        phone,
        service: own("taskName"),
        message: own("comments"),
        address: joined(&[own("address"), own("city"), own("stateProvince")], ", "),
        postcode: own("postalCode"),
        attribution: Attribution(origin.collect()),
        details,
        cost_cents: value.get("fee").and_then(cents),
        ..Enquiry::default()
    };
    let external_id = some(own("leadOid"));
    let consents = consent(value).into_iter().collect();
    ParsedLead { enquiry, external_id, consents, masked_phone, ..ParsedLead::default() }
}

/// Returns the consent to automated text messages: a yes counts only with the record it rests on.
fn consent(value: &Value) -> Option<ConsentRecord> {
    let given = value.get("automatedContactCompliant")?.as_bool()?;
    let record = some(text(value, &["automatedContactConsentId"]));
    let wording = match (given, record) {
        (false, _) => "Angi: not compliant for automated contact".to_owned(),
        (true, Some(record)) => format!("Angi: compliant for automated contact, consent {record}"),
        (true, None) => return None,
    };
    Some(ConsentRecord { channel: Channel::Sms, given, wording })
}

/// Reads the questions and answers, a list of pairs today and one line of `Q:A; Q:A;` before.
fn interview(value: Option<&Value>) -> Details {
    match value {
        Some(Value::Array(_)) => questions(value, "question", "answer"),
        Some(Value::String(line)) => {
            let pairs = line.split(';').filter_map(|pair| pair.split_once(':'));
            let pairs =
                pairs.map(|(question, answer)| (question.trim().to_owned(), answer.trim().to_owned()));
            pairs.filter(|(question, answer)| !question.is_empty() && !answer.is_empty()).collect()
        }
        _ => Details::new(),
    }
}

/// `leadSource` as `lead_source`.
fn folded(name: &str) -> String {
    let mut folded = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            folded.push('_');
        }
        folded.extend(letter.to_lowercase());
    }
    folded
}

fn classify(from: &str, subject: &str) -> Class {
    let has = |part: &str| subject.contains(part);
    if has("opportunit") {
        Class::Other("opportunities that anybody may take up")
    } else if has("new lead") || has("booking request") || has("time to connect") {
        Class::Lead
    } else if from.starts_with("messages@") || has("new message") {
        Class::Message
    } else if from.starts_with("newlead@") || from.starts_with("leads@") {
        Class::Lead
    } else {
        marketplace::classify(from, subject)
    }
}
