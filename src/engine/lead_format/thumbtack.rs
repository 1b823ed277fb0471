//! Thumbtack, today's bodies (in an envelope of event and data, or bare) and the older ones. A message may
//! come before its lead; the lead's own description comes once more as the first message.

use serde_json::Value;

use crate::engine::enquiry::Enquiry;
use crate::engine::lead_format::{Found, Reading, Remark, cents, joined, some, text};
use crate::model::lead::{Attribution, Details};

const MESSAGE: &str = "thumbtack.message";

pub fn read(value: &Value) -> Reading {
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
        true => Reading::Unusable("neither `negotiationID` nor `leadID` is there".to_owned()),
        false => Reading::Nothing("it is neither a lead nor a message"),
    }
}

fn message(data: &Value, lead: String, id: String, said: String) -> Reading {
    if text(data, &["from"]).eq_ignore_ascii_case("business") {
        return Reading::Nothing("the business wrote it");
    }
    if lead.is_empty() || id.is_empty() {
        return Reading::Unusable("a message without its own id or its lead's".to_owned());
    }
    Reading::Remark(Remark { id, lead, name: MESSAGE, text: said, data: data.clone() })
}

fn lead(data: &Value) -> Reading {
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
    let questions = request.get("details").or_else(|| data.get("details")).and_then(Value::as_array);
    let mut details: Details = questions
        .into_iter()
        .flatten()
        .map(|pair| (text(pair, &["question"]), text(pair, &["answer"])))
        .filter(|(question, answer)| !question.is_empty() && !answer.is_empty())
        .collect();
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
    Reading::Lead(Box::new(Found { enquiry, external_id, ..Found::default() }))
}

fn first(value: &Value, names: &[&str]) -> String {
    names.iter().map(|name| text(value, &[name])).find(|text| !text.is_empty()).unwrap_or_default()
}
