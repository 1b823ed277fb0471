//! The forms in which Gmail answers a message: minimal, metadata, full, raw.

use base64::Engine as _;
use mail_parser::{MessageParser, MessagePart, MimeHeaders, PartType};
use serde_json::{Value, json};

use crate::gmail::mailbox::{BASE64, Message};
use crate::gmail::message as messages;
use crate::letter;
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, merge};

/// How much of a message is asked for.
pub enum Format {
    Minimal,
    /// The headers: all of them, or those named.
    Metadata(Vec<String>),
    Full,
    Raw,
}

pub fn format(call: &Call) -> Result<Format, Refusal> {
    let format = call.query("format").unwrap_or("full").to_ascii_lowercase();
    if matches!(format.as_str(), "full" | "raw") && messages::is_metadata_only(call) {
        let format = format.to_ascii_uppercase();
        return Err(Refusal::new(403, "forbidden", format!("Metadata scope doesn't allow format {format}")));
    }
    match format.as_str() {
        "minimal" => Ok(Format::Minimal),
        "metadata" => Ok(Format::Metadata(call.query_all("metadataHeaders").map(str::to_owned).collect())),
        "full" => Ok(Format::Full),
        "raw" => Ok(Format::Raw),
        other => Err(Refusal::invalid(format!("Invalid value at 'format': \"{other}\""))),
    }
}

/// Shows what a call that made a message answers with.
pub fn brief(message: &Message) -> Value {
    json!({"id": message.id, "threadId": message.thread_id, "labelIds": message.labels})
}

pub fn message(message: &Message, format: &Format) -> Value {
    let mut shown = brief(message);
    merge(
        &mut shown,
        json!({
            "snippet": message.letter.snippet(),
            "sizeEstimate": message.raw.len(),
            "historyId": message.history_id.to_string(),
            "internalDate": message.at.millis().to_string(),
        }),
    );
    match format {
        Format::Minimal => {}
        Format::Raw => merge(&mut shown, json!({ "raw": BASE64.encode(&message.raw) })),
        Format::Metadata(names) => {
            let is_wanted =
                |name: &str| names.is_empty() || names.iter().any(|n| n.eq_ignore_ascii_case(name));
            let headers = message.letter.raw_headers.iter().filter(|(name, _)| is_wanted(name));
            let headers: Vec<Value> = headers.map(header).collect();
            let mime_type = payload(message).get("mimeType").cloned();
            merge(&mut shown, json!({ "payload": {"mimeType": mime_type, "headers": headers} }));
        }
        Format::Full => merge(&mut shown, json!({ "payload": payload(message) })),
    }
    shown
}

/// Returns the content of an attachment, whose id is that of its part.
pub fn attachment(message: &Message, id: &str) -> Result<Value, Refusal> {
    let parsed = MessageParser::default().parse(&message.raw).ok_or_else(Refusal::not_found)?;
    let index: usize =
        id.strip_prefix("part-").and_then(|index| index.parse().ok()).ok_or_else(Refusal::not_found)?;
    let part = parsed.parts.get(index).ok_or_else(Refusal::not_found)?;
    Ok(json!({"size": part.len(), "data": BASE64.encode(part.contents())}))
}

fn header((name, value): &(String, String)) -> Value {
    json!({"name": name, "value": value})
}

fn payload(message: &Message) -> Value {
    let Some(parsed) = MessageParser::default().parse(&message.raw) else { return json!({}) };
    let mut payload = part(&parsed.parts, &message.raw, 0, "");
    let headers: Vec<Value> = message.letter.raw_headers.iter().map(header).collect();
    merge(&mut payload, json!({ "headers": headers }));
    payload
}

/// Shows a part and, in a multipart, its parts; `path` is its position, such as `1.0`.
fn part(parts: &[MessagePart<'_>], raw: &[u8], index: usize, path: &str) -> Value {
    let Some(found) = parts.get(index) else { return json!({}) };
    let headers: Vec<Value> = found.headers.iter().map(|header| raw_header(header, raw)).collect();
    let filename = found.attachment_name().unwrap_or_default();
    let mut shown = json!({
        "partId": path,
        "mimeType": letter::mime_type(found),
        "filename": filename,
        "headers": headers,
    });
    let more = match &found.body {
        PartType::Multipart(children) => {
            let child = |(position, child): (usize, &u32)| {
                let path = if path.is_empty() { position.to_string() } else { format!("{path}.{position}") };
                part(parts, raw, usize::try_from(*child).unwrap_or(usize::MAX), &path)
            };
            let children: Vec<Value> = children.iter().enumerate().map(child).collect();
            json!({"body": {"size": 0}, "parts": children})
        }
        _ if filename.is_empty() => {
            let data = BASE64.encode(found.contents());
            json!({ "body": {"size": found.len(), "data": data} })
        }
        _ => json!({ "body": {"size": found.len(), "attachmentId": format!("part-{index}")} }),
    };
    merge(&mut shown, more);
    shown
}

fn raw_header(found: &mail_parser::Header<'_>, raw: &[u8]) -> Value {
    let offset = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    let value = raw.get(offset(found.offset_start)..offset(found.offset_end)).unwrap_or_default();
    json!({"name": found.name(), "value": letter::unfold(&String::from_utf8_lossy(value))})
}
