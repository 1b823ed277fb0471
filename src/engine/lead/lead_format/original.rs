//! What is kept of a body: all of it up to a limit, without secrets.

use serde_json::Value;

use crate::lead::lead_format::Webhook;
use nexora_core::model::source::SourceSecrets;

/// Characters of a body that are kept.
const LENGTH: usize = 32_000;

const REMOVED: &str = "[removed]";

/// Returns the body as it is kept with the lead.
pub fn kept(webhook: Webhook, secrets: &SourceSecrets, body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    if let Some(field) = webhook.handling.needs().secret_field
        && let Ok(Value::Object(mut object)) = serde_json::from_str(&text)
    {
        object.remove(field);
        text = Value::Object(object).to_string();
    }
    for secret in secrets.all() {
        text = text.replace(secret.expose(), REMOVED);
    }
    // PostgreSQL keeps no text with a zero in it.
    text.chars().filter(|c| *c != '\0').take(LENGTH).collect()
}
