//! Angi and HomeAdvisor. What the homeowner said about automated contact is kept as a word of consent.

use serde_json::Value;

use crate::engine::enquiry::Enquiry;
use crate::engine::lead_format::{Found, Reading, cents, joined, some, text};
use crate::model::consent::Channel;
use crate::model::lead::{Agreed, Attribution, Details};

pub fn read(value: &Value) -> Reading {
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
    Reading::Lead(Box::new(Found { enquiry, external_id, consents, masked_phone, ..Found::default() }))
}

/// Returns the word about automated text messages: a yes counts only with the record it rests on.
fn consent(value: &Value) -> Option<Agreed> {
    let given = value.get("automatedContactCompliant")?.as_bool()?;
    let record = some(text(value, &["automatedContactConsentId"]));
    let wording = match (given, record) {
        (false, _) => "Angi: not compliant for automated contact".to_owned(),
        (true, Some(record)) => format!("Angi: compliant for automated contact, consent {record}"),
        (true, None) => return None,
    };
    Some(Agreed { channel: Channel::Sms, given, wording })
}

/// Reads the questions and answers, a list of pairs today and one line of `Q:A; Q:A;` before.
fn interview(value: Option<&Value>) -> Details {
    match value {
        Some(Value::Array(pairs)) => {
            let pairs = pairs.iter().map(|pair| (text(pair, &["question"]), text(pair, &["answer"])));
            pairs.filter(|(question, answer)| !question.is_empty() && !answer.is_empty()).collect()
        }
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
