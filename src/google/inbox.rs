//! Reading a Gmail mailbox (Gmail API, "Synchronizing clients with Gmail").
//!
//! History is followed from the id that was read last; an id that is too old answers 404. Bodies
//! are decoded here, since Gmail's base64 may come with or without padding.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use google_gmail1::api::{self, History};
use serde::Deserialize;

use crate::api::gmail::{GET_MAIL, GmailApi};
use crate::fault::Fault;
use crate::http::encoded;
use nexora_connector::poll::{FetchedMail, Label, MailChanged, MailChanges};
use nexora_core::base::clock::Timestamp;
use nexora_core::model::mail::{EFFECT_HEADER, Part};

/// Mails that one share of the history holds at most.
const SHARE: usize = 25;

/// Mails on one page of a list; the largest that Gmail gives.
const LIST_PAGE: u32 = 500;

/// Bytes of an attachment that is read with the mail, and of one that is called XML.
const ATTACHMENT_LIMIT_BYTES: u64 = 256_000;
const XML_LIMIT_BYTES: u64 = 1_000_000;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How deep parts of a mail may stand in each other, and how many there may be.
const DEPTH: usize = 20;
const PARTS: usize = 200;

pub struct Inbox {
    api: GmailApi,
    labels: Mutex<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    #[serde(default)]
    thread_id: String,
    #[serde(default)]
    label_ids: Vec<String>,
    internal_date: Option<String>,
    payload: Option<Payload>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Payload {
    mime_type: String,
    filename: String,
    headers: Vec<Header>,
    body: Body,
    parts: Vec<Payload>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    attachment_id: Option<String>,
    size: u64,
    data: Option<String>,
}

impl Inbox {
    pub fn new(api: GmailApi) -> Inbox {
        Inbox { api, labels: Mutex::default() }
    }

    /// Returns the id at which the history stands now.
    pub async fn now(&self) -> Result<String, Fault> {
        let history_id = self.api.profile().await?.history_id;
        let missing = || Fault::Lost("the profile names no history".to_owned());
        history_id.map(|id| id.to_string()).ok_or_else(missing)
    }

    /// Returns the addresses that the mailbox may send from. One whose owner has not agreed is not the mailbox's.
    pub async fn send_as(&self) -> Result<Vec<String>, Fault> {
        let list = self.api.send_as().await?.send_as.unwrap_or_default();
        let is_own = |send_as: &api::SendAs| {
            send_as.is_primary == Some(true) || send_as.verification_status.as_deref() == Some("accepted")
        };
        Ok(list.into_iter().filter(is_own).filter_map(|send_as| send_as.send_as_email).collect())
    }

    pub async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<String>, Fault> {
        let query = format!("after:{}", since.millis() / 1_000);
        let mut ids = Vec::new();
        let mut page: Option<String> = None;
        while ids.len() < limit {
            let list = self.api.messages(&query, None, LIST_PAGE, page.as_deref()).await?;
            ids.extend(list.messages.into_iter().flatten().filter_map(|message| message.id));
            page = list.next_page_token;
            if page.is_none() {
                break;
            }
        }
        ids.truncate(limit);
        Ok(ids)
    }

    /// Follows the history up to a share's worth of mails; records stand in order, so the share can
    /// end at any of them.
    pub async fn changes(&self, history_id: &str) -> Result<MailChanges, Fault> {
        let since = history_id.parse().map_err(|_| unknown_history(history_id))?;
        let mut changes = MailChanges { history_id: history_id.to_owned(), ..MailChanges::default() };
        let mut page: Option<String> = None;
        loop {
            let list = self.api.history(since, page.as_deref()).await?;
            for record in list.history.into_iter().flatten() {
                if changes.mails.len() >= SHARE {
                    changes.more = true;
                    return Ok(changes);
                }
                if let Some(id) = record.id {
                    changes.history_id = id.to_string();
                }
                note(&mut changes.mails, record);
            }
            page = list.next_page_token;
            if page.is_none() {
                changes.history_id = list.history_id.map_or(changes.history_id, |id| id.to_string());
                return Ok(changes);
            }
        }
    }

    pub async fn fetch(&self, id: &str) -> Result<Option<FetchedMail>, Fault> {
        let url = format!("{}?format=full", self.api.mail_url(id));
        let read = self.api.caller.get(GET_MAIL, &url).await;
        let found: Option<Message> = read.map(Some).or_else(Fault::or_gone)?;
        let Some(message) = found else { return Ok(None) };
        let payload = message.payload.unwrap_or_default();
        let headers = pairs(&payload.headers);
        let effect = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(EFFECT_HEADER));
        let effect = effect.map(|(_, value)| value.clone());
        let mut leaves = Leaves::default();
        leaves.add(payload, 0, None);
        let mut parts = leaves.parts;
        for part in &mut parts {
            self.read_attachment(&message.id, part).await?;
        }
        let received_at = message.internal_date.and_then(|text| text.parse().ok());
        Ok(Some(FetchedMail {
            labels: self.named(message.label_ids).await?,
            id: message.id,
            thread_id: message.thread_id,
            received_at: received_at.map(Timestamp::from_millis),
            effect,
            headers,
            parts,
        }))
    }

    /// Reads a part that Gmail keeps apart, where what it says matters.
    async fn read_attachment(&self, message: &str, part: &mut Part) -> Result<(), Fault> {
        let Some(id) = part.attachment_id.as_ref().filter(|_| is_read(part)) else { return Ok(()) };
        let url = format!("{}/attachments/{}", self.api.mail_url(message), encoded(id));
        let body: Body = self.api.caller.get(GET_MAIL, &url).await?;
        part.body = body.data.as_deref().and_then(decode).or_else(|| part.body.take());
        Ok(())
    }

    /// Gives each label the name that people see; Gmail's own are called by their ids.
    async fn named(&self, ids: Vec<String>) -> Result<Vec<Label>, Fault> {
        let known = |id: &String| {
            let labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
            if is_own(id) { Some(id.clone()) } else { labels.get(id).cloned() }
        };
        if ids.iter().any(|id| known(id).is_none()) {
            let listed = self.api.labels().await?.into_iter();
            let named = listed.filter_map(|label| Some((label.id?, label.name?))).collect();
            *self.labels.lock().unwrap_or_else(PoisonError::into_inner) = named;
        }
        let name = |id: String| Label { name: known(&id).unwrap_or_else(|| id.clone()), id };
        Ok(ids.into_iter().map(name).collect())
    }
}

/// Tells whether an attachment may be an XML document: many are called text, or nothing in particular.
fn may_be_xml(part: &Part) -> bool {
    is_called_xml(part) || ["application/octet-stream", "text/plain"].contains(&part.mime_type.as_str())
}

fn is_called_xml(part: &Part) -> bool {
    let name = part.filename.as_deref().unwrap_or_default().to_ascii_lowercase();
    is_xml(&part.mime_type) || [".xml", ".adf"].iter().any(|ending| name.ends_with(ending))
}

fn is_xml(mime_type: &str) -> bool {
    mime_type.ends_with("/xml") || mime_type.ends_with("+xml")
}

/// Tells whether a label is one of Gmail's own, of which the names are fixed.
fn is_own(id: &str) -> bool {
    const OWN: [&str; 9] =
        ["INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "UNREAD", "STARRED", "IMPORTANT", "CHAT"];
    OWN.contains(&id) || id.starts_with("CATEGORY_")
}

/// Notes what a record of the history says; a mail that it names twice is noted once.
fn note(mails: &mut Vec<MailChanged>, record: History) {
    for added in record.messages_added.into_iter().flatten() {
        if let Some(mail) = mail_of(mails, added.message) {
            mail.added = true;
        }
    }
    for given in record.labels_added.into_iter().flatten() {
        if let Some(mail) = mail_of(mails, given.message) {
            mail.labelled.extend(given.label_ids.into_iter().flatten());
        }
    }
}

fn mail_of(mails: &mut Vec<MailChanged>, named: Option<api::Message>) -> Option<&mut MailChanged> {
    let id = named?.id?;
    let known = mails.iter().position(|mail| mail.id == id);
    let index = known.unwrap_or_else(|| {
        mails.push(MailChanged { id, ..MailChanged::default() });
        mails.len() - 1
    });
    mails.get_mut(index)
}

/// A history id that is none is as good as one that Gmail has forgotten: everything is read anew.
fn unknown_history(id: &str) -> Fault {
    let message = format!("`{id}` is no id of a history");
    Fault::Status { code: 404, reason: String::new(), message, retry_after: None }
}

/// Tells whether the content of an attachment is read: the XML in which some marketplaces send a lead, what mail
/// systems report and return, an answer to an invitation.
fn is_read(part: &Part) -> bool {
    let is_wanted = may_be_xml(part)
        || part.mime_type.starts_with("message/")
        || ["text/rfc822-headers", "text/calendar"].contains(&part.mime_type.as_str());
    let limit = if is_called_xml(part) { XML_LIMIT_BYTES } else { ATTACHMENT_LIMIT_BYTES };
    is_wanted && part.body.is_none() && part.size_bytes <= limit
}

/// The leaves of a mail's tree, in their order.
#[derive(Default)]
struct Leaves {
    parts: Vec<Part>,
    alternatives: u32,
}

impl Leaves {
    fn add(&mut self, payload: Payload, depth: usize, alternative: Option<u32>) {
        if depth > DEPTH || self.parts.len() >= PARTS {
            return;
        }
        let mime_type = payload.mime_type.to_lowercase();
        let is_message = mime_type.starts_with("message/");
        if payload.parts.is_empty() || is_message {
            // Gmail may show what stands in a mail within the mail, or in a report, as parts of their own.
            let shown = (!payload.parts.is_empty()).then(|| written(&payload.parts, 0));
            self.parts.push(Part {
                filename: Some(payload.filename).filter(|name| !name.is_empty()),
                headers: pairs(&payload.headers),
                body: payload.body.data.as_deref().and_then(decode).or(shown),
                size_bytes: payload.body.size,
                attachment_id: payload.body.attachment_id,
                mime_type,
                alternative,
            });
            for part in payload.parts {
                self.add_xml(part, depth + 1);
            }
            return;
        }
        let mut alternative = alternative;
        if alternative.is_none() && mime_type == "multipart/alternative" {
            self.alternatives += 1;
            alternative = Some(self.alternatives);
        }
        for part in payload.parts {
            self.add(part, depth + 1, alternative);
        }
    }

    /// Adds the XML that stands in a mail within the mail: a lead that was passed on.
    fn add_xml(&mut self, payload: Payload, depth: usize) {
        if depth > DEPTH {
            return;
        }
        if payload.parts.is_empty() && is_xml(&payload.mime_type.to_lowercase()) {
            self.add(payload, depth, None);
        } else {
            for part in payload.parts {
                self.add_xml(part, depth + 1);
            }
        }
    }
}

/// Writes what Gmail shows of a mail within the mail as it would stand there: headers and texts. Headers of parts
/// that tell how they were encoded are left out, since they no longer are.
fn written(parts: &[Payload], depth: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for part in parts.iter().take(if depth > DEPTH { 0 } else { PARTS }) {
        let fields =
            part.headers.iter().filter(|field| !field.name.to_ascii_lowercase().starts_with("content-"));
        let mut piece: Vec<u8> =
            fields.flat_map(|field| format!("{}: {}\r\n", field.name, field.value).into_bytes()).collect();
        if !piece.is_empty() {
            piece.extend(b"\r\n");
        }
        if !part.mime_type.eq_ignore_ascii_case("text/html") {
            piece.extend(part.body.data.as_deref().and_then(decode).unwrap_or_default());
        }
        piece.extend(written(&part.parts, depth + 1));
        if !out.is_empty() && !piece.is_empty() {
            out.extend(b"\r\n");
        }
        out.extend(piece);
    }
    out
}

fn pairs(headers: &[Header]) -> Vec<(String, String)> {
    headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect()
}

fn decode(data: &str) -> Option<Vec<u8>> {
    BASE64.decode(data.trim_end().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_with_and_without_padding() {
        assert_eq!(decode("aGk_"), Some(b"hi?".to_vec()));
        assert_eq!(decode("aGk="), Some(b"hi".to_vec()));
        assert_eq!(decode("aGk"), Some(b"hi".to_vec()));
        assert_eq!(decode("a b"), None);
    }

    #[test]
    fn reports_are_read_in_whatever_form_gmail_shows_them() {
        let data = |text: &str| BASE64.encode(text);
        let fields = "Final-Recipient: rfc822; jo@x.example\r\nAction: failed\r\n";
        let shapes = [
            serde_json::json!({"mimeType": "message/delivery-status", "body": {"data": data(fields)}}),
            serde_json::json!({"mimeType": "message/delivery-status", "body": {"size": 0}, "parts": [
                {"mimeType": "text/plain", "headers": [{"name": "Reporting-MTA", "value": "dns; x"}], "body": {"data": data(fields)}},
            ]}),
            serde_json::json!({"mimeType": "message/delivery-status", "body": {}, "parts": [
                {"headers": [{"name": "Final-Recipient", "value": "rfc822; jo@x.example"}, {"name": "Action", "value": "failed"}], "body": {}},
            ]}),
        ];
        for shape in shapes {
            let returned = serde_json::json!({"mimeType": "message/rfc822", "filename": "noname", "body": {"attachmentId": "a", "size": 900}, "parts": [
                {"mimeType": "text/plain", "headers": [{"name": "Message-ID", "value": "<1@x>"}, {"name": "Content-Type", "value": "text/plain"}], "body": {"data": data("hi")}},
                {"mimeType": "application/xml", "filename": "lead.xml", "body": {"attachmentId": "b", "size": 9}},
            ]});
            let mail = serde_json::json!({"mimeType": "multipart/report", "parts": [shape, returned]});
            let mut leaves = Leaves::default();
            leaves.add(serde_json::from_value(mail).unwrap(), 0, None);
            let types: Vec<&str> = leaves.parts.iter().map(|part| part.mime_type.as_str()).collect();
            assert_eq!(types, ["message/delivery-status", "message/rfc822", "application/xml"]);
            let text = |index: usize| String::from_utf8(leaves.parts[index].body.clone().unwrap()).unwrap();
            let status = text(0);
            assert!(status.contains("Final-Recipient: rfc822; jo@x.example\r\nAction: failed"), "{status}");
            assert_eq!(text(1), "Message-ID: <1@x>\r\n\r\nhi");
            assert!(is_read(&leaves.parts[2]) && !is_read(&leaves.parts[1]));
        }
        let apart = Part {
            mime_type: "message/delivery-status".into(),
            attachment_id: Some("a".into()),
            size_bytes: 400,
            ..Part::default()
        };
        assert!(is_read(&apart));
        assert!(!is_read(&Part { size_bytes: ATTACHMENT_LIMIT_BYTES + 1, ..apart }));
    }

    #[test]
    fn what_happened_to_one_mail_is_told_once() {
        let record = serde_json::json!({
            "id": "9",
            "messagesAdded": [{"message": {"id": "a", "threadId": "t"}}],
            "labelsAdded": [
                {"message": {"id": "a"}, "labelIds": ["Label_1"]},
                {"message": {"id": "b"}, "labelIds": ["INBOX"]},
            ],
        });
        let mut mails = Vec::new();
        note(&mut mails, serde_json::from_value(record).unwrap());
        assert_eq!(
            mails,
            [
                MailChanged { id: "a".into(), added: true, labelled: vec!["Label_1".into()] },
                MailChanged { id: "b".into(), added: false, labelled: vec!["INBOX".into()] },
            ]
        );
    }
}
