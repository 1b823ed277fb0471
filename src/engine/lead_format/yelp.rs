//! Yelp: a notice of something new about a lead, then the lead itself, with a mail address, and sometimes
//! a telephone number, that Yelp lends for a while.

use serde_json::Value;

use crate::engine::enquiry::Enquiry;
use crate::engine::lead_format::{Found, Reading, Told, some, text};
use crate::model::lead::{Attribution, Details};

pub fn read(value: &Value) -> Reading {
    let Some(updates) = value.pointer("/data/updates").and_then(Value::as_array) else {
        return Reading::Unusable("there is no `data.updates`".to_owned());
    };
    let new = updates.iter().filter(|update| text(update, &["event_type"]) == "NEW_EVENT");
    let told: Vec<Told> = new
        .filter_map(|update| {
            let external_id = some(text(update, &["lead_id"]))?;
            Some(Told { external_id, event_id: some(text(update, &["event_id"])) })
        })
        .collect();
    match told.is_empty() {
        true => Reading::Nothing("it is not about a lead"),
        false => Reading::Notices(told),
    }
}

pub fn read_fetched(value: &Value) -> Reading {
    let project = value.get("project").unwrap_or(&Value::Null);
    let questions = project.get("survey_answers").and_then(Value::as_array);
    let details: Details = questions
        .into_iter()
        .flatten()
        .map(|pair| (text(pair, &["question_text"]), text(pair, &["answer_text"])))
        .filter(|(question, answer)| !question.is_empty() && !answer.is_empty())
        .collect();
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
    Reading::Lead(Box::new(Found { enquiry, external_id, reply_to, masked_phone, ..Found::default() }))
}
