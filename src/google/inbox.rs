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
use serde::Deserialize;

use crate::Endpoints;
use crate::fault::Fault;
use crate::hub::{Caller, Cost, encoded};
use nexora_connector::mail::EFFECT_HEADER;
use nexora_connector::poll::{FetchedMail, Label, MailChanged, MailChanges};
use nexora_core::base::clock::Timestamp;
use nexora_core::model::mail::Part;

/// Mails that one share of the history holds at most.
const SHARE: usize = 25;

/// Attachments that are read with the mail: the XML in which some marketplaces send a lead.
const XML_LIMIT_BYTES: u64 = 256_000;

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
    caller: Caller,
    base: String,
    labels: Mutex<HashMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    history_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageList {
    #[serde(default)]
    messages: Vec<MessageRef>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct MessageRef {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryList {
    #[serde(default)]
    history: Vec<Record>,
    next_page_token: Option<String>,
    history_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    #[serde(default)]
    messages_added: Vec<Added>,
    #[serde(default)]
    labels_added: Vec<Labelled>,
}

#[derive(Deserialize)]
struct Added {
    message: MessageRef,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labelled {
    message: MessageRef,
    #[serde(default)]
    label_ids: Vec<String>,
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

#[derive(Deserialize)]
struct LabelList {
    #[serde(default)]
    labels: Vec<Label>,
}

impl Inbox {
    pub fn new(caller: &Caller, endpoints: &Endpoints) -> Inbox {
        let base = format!("{}gmail/v1/users/me", endpoints.gmail_url);
        Inbox { caller: caller.clone(), base, labels: Mutex::default() }
    }

    /// Returns the id at which the history stands now.
    pub async fn now(&self) -> Result<String, Fault> {
        let profile: Profile = self.caller.get(Cost::GET_PROFILE, &format!("{}/profile", self.base)).await?;
        Ok(profile.history_id)
    }

    pub async fn since(&self, since: Timestamp, limit: usize) -> Result<Vec<String>, Fault> {
        let query = encoded(&format!("after:{}", since.millis() / 1_000));
        let mut ids = Vec::new();
        let mut page = String::new();
        while ids.len() < limit {
            let url = format!("{}/messages?maxResults=500&q={query}{page}", self.base);
            let list: MessageList = self.caller.get(Cost::LIST_MAILS, &url).await?;
            ids.extend(list.messages.into_iter().map(|message| message.id));
            match list.next_page_token {
                Some(token) => page = format!("&pageToken={}", encoded(&token)),
                None => break,
            }
        }
        ids.truncate(limit);
        Ok(ids)
    }

    /// Follows the history up to a share's worth of mails; records stand in order, so the share can
    /// end at any of them.
    pub async fn changes(&self, history_id: &str) -> Result<MailChanges, Fault> {
        let mut changes = MailChanges { history_id: history_id.to_owned(), ..MailChanges::default() };
        let mut page = String::new();
        loop {
            let url = format!(
                "{}/history?startHistoryId={}&historyTypes=messageAdded&historyTypes=labelAdded&maxResults=100{page}",
                self.base,
                encoded(history_id)
            );
            let list: HistoryList = self.caller.get(Cost::LIST_HISTORY, &url).await?;
            for record in list.history {
                if changes.mails.len() >= SHARE {
                    changes.more = true;
                    return Ok(changes);
                }
                changes.history_id.clone_from(&record.id);
                note(&mut changes.mails, record);
            }
            match list.next_page_token {
                Some(token) => page = format!("&pageToken={}", encoded(&token)),
                None => {
                    changes.history_id = list.history_id.unwrap_or(changes.history_id);
                    return Ok(changes);
                }
            }
        }
    }

    pub async fn fetch(&self, id: &str) -> Result<Option<FetchedMail>, Fault> {
        let url = format!("{}/messages/{}?format=full", self.base, encoded(id));
        let message: Message = match self.caller.get(Cost::GET_MAIL, &url).await {
            Ok(message) => message,
            Err(fault) if fault.status() == Some(404) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let payload = message.payload.unwrap_or_default();
        let headers = pairs(&payload.headers);
        let effect = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(EFFECT_HEADER));
        let effect = effect.map(|(_, value)| value.clone());
        let mut parts = Vec::new();
        flatten(payload, 0, &mut parts);
        for part in &mut parts {
            self.read_xml(&message.id, part).await?;
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

    async fn read_xml(&self, message: &str, part: &mut Part) -> Result<(), Fault> {
        let is_xml = part.mime_type.ends_with("/xml") || part.mime_type.ends_with("+xml");
        let Some(id) = part.attachment_id.as_ref().filter(|_| is_xml && part.body.is_none()) else {
            return Ok(());
        };
        if part.size_bytes > XML_LIMIT_BYTES {
            return Ok(());
        }
        let url = format!("{}/messages/{}/attachments/{}", self.base, encoded(message), encoded(id));
        let body: Body = self.caller.get(Cost::GET_MAIL, &url).await?;
        part.body = body.data.as_deref().and_then(decode);
        Ok(())
    }

    /// Gives each label the name that people see; Gmail's own are called by their ids.
    async fn named(&self, ids: Vec<String>) -> Result<Vec<Label>, Fault> {
        let known = |id: &String| {
            let labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
            if is_own(id) { Some(id.clone()) } else { labels.get(id).cloned() }
        };
        if ids.iter().any(|id| known(id).is_none()) {
            let list: LabelList =
                self.caller.get(Cost::LIST_LABELS, &format!("{}/labels", self.base)).await?;
            let named = list.labels.into_iter().map(|label| (label.id, label.name)).collect();
            *self.labels.lock().unwrap_or_else(PoisonError::into_inner) = named;
        }
        let name = |id: String| Label { name: known(&id).unwrap_or_else(|| id.clone()), id };
        Ok(ids.into_iter().map(name).collect())
    }
}

/// Tells whether a label is one of Gmail's own, of which the names are fixed.
pub fn is_own(id: &str) -> bool {
    const OWN: [&str; 9] =
        ["INBOX", "SENT", "DRAFT", "SPAM", "TRASH", "UNREAD", "STARRED", "IMPORTANT", "CHAT"];
    OWN.contains(&id) || id.starts_with("CATEGORY_")
}

fn note(mails: &mut Vec<MailChanged>, record: Record) {
    let mut of = |id: String| -> usize {
        mails.iter().position(|mail| mail.id == id).unwrap_or_else(|| {
            mails.push(MailChanged { id, ..MailChanged::default() });
            mails.len() - 1
        })
    };
    let added: Vec<usize> = record.messages_added.into_iter().map(|added| of(added.message.id)).collect();
    let labelled: Vec<(usize, Vec<String>)> =
        record.labels_added.into_iter().map(|given| (of(given.message.id), given.label_ids)).collect();
    for index in added {
        if let Some(mail) = mails.get_mut(index) {
            mail.added = true;
        }
    }
    for (index, labels) in labelled {
        if let Some(mail) = mails.get_mut(index) {
            mail.labelled.extend(labels);
        }
    }
}

fn flatten(payload: Payload, depth: usize, parts: &mut Vec<Part>) {
    if depth > DEPTH || parts.len() >= PARTS {
        return;
    }
    if payload.parts.is_empty() {
        parts.push(Part {
            mime_type: payload.mime_type.to_lowercase(),
            filename: Some(payload.filename).filter(|name| !name.is_empty()),
            headers: pairs(&payload.headers),
            body: payload.body.data.as_deref().and_then(decode),
            size_bytes: payload.body.size,
            attachment_id: payload.body.attachment_id,
        });
        return;
    }
    for part in payload.parts {
        flatten(part, depth + 1, parts);
    }
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
