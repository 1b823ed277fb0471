//! What a sender is answered: each reads our answer in a way of its own, and tries again, or not, by it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::base::secret::Secret;
use crate::engine::lead_format::verify::{Verdict, same};
use crate::model::LeadId;
use crate::model::source::{SourceKind, SourceSecrets, SourceSettings};

/// An answer, as far as the format decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const PROBLEM: &str = "application/problem+json";

/// What Angi takes for success, unless something else was agreed.
pub const SUCCESS: &str = "SUCCESS";

/// Returns the answer to a call that was taken, the first time and every time after.
pub fn taken(kind: SourceKind, settings: &SourceSettings, lead: Option<&LeadId>) -> Reply {
    let ok = |content_type, body: String| Reply { status: 200, content_type, body };
    match kind {
        // Google takes nothing but 200 for success, and shows what else is in the answer as an error.
        SourceKind::GoogleAds | SourceKind::Thumbtack | SourceKind::Yelp | SourceKind::Typeform => {
            ok(JSON, "{}".to_owned())
        }
        SourceKind::Jotform => ok(JSON, "{}".to_owned()),
        SourceKind::Facebook => ok(TEXT, "EVENT_RECEIVED".to_owned()),
        SourceKind::Angi => ok(TEXT, settings.success.clone().unwrap_or_else(|| SUCCESS.to_owned())),
        SourceKind::GravityForms | SourceKind::Json => match lead {
            Some(id) => ok(JSON, json!({ "id": id }).to_string()),
            None => ok(JSON, "{}".to_owned()),
        },
    }
}

/// Returns the answer to a call that is not the source's.
pub fn refused(kind: SourceKind, verdict: Verdict) -> Reply {
    said(kind, 401, "this call is not known to come from the source", verdict.reason())
}

/// Returns the answer to a body that is not in the format: sending it again will not help.
pub fn malformed(kind: SourceKind, reason: &str) -> Reply {
    said(kind, 400, "the body cannot be read", reason)
}

fn said(kind: SourceKind, status: u16, title: &str, detail: &str) -> Reply {
    match kind {
        // Google shows `message` to the advertiser who sends test data.
        SourceKind::GoogleAds => {
            let body = json!({ "message": format!("{title}: {detail}") }).to_string();
            Reply { status, content_type: JSON, body }
        }
        _ => {
            let body = json!({ "type": "about:blank", "title": title, "status": status, "detail": detail });
            Reply { status, content_type: PROBLEM, body: body.to_string() }
        }
    }
}

/// Answers the question with which some senders begin; nothing when this one asks none.
pub fn greeted(
    kind: SourceKind,
    secrets: &SourceSecrets,
    query: &BTreeMap<String, String>,
    token: Option<&str>,
) -> Option<Reply> {
    let asked = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    match kind {
        SourceKind::Facebook => {
            let wanted = secrets.verify_token.as_ref().map(Secret::expose).unwrap_or_default();
            let known = !wanted.is_empty() && same(asked("hub.verify_token"), wanted);
            Some(match known && asked("hub.mode") == "subscribe" {
                true => Reply { status: 200, content_type: TEXT, body: asked("hub.challenge").to_owned() },
                false => said(kind, 403, "the verify token is wrong", ""),
            })
        }
        SourceKind::Yelp => {
            let known = token.is_some_and(|token| same(token, secrets.secret.expose()));
            Some(match known {
                true => Reply {
                    status: 200,
                    content_type: JSON,
                    body: json!({ "verification": asked("verification") }).to_string(),
                },
                false => refused(kind, Verdict::Wrong),
            })
        }
        SourceKind::GoogleAds
        | SourceKind::Angi
        | SourceKind::Thumbtack
        | SourceKind::Typeform
        | SourceKind::Jotform
        | SourceKind::GravityForms
        | SourceKind::Json => None,
    }
}
