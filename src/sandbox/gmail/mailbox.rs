//! One mailbox: its messages and its drafts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::gmail::history::{History, Kind};
use crate::gmail::label::Label;
use crate::letter::{self, ParsedMail};
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, merge};
use crate::world::BEGINNING;
use crate::world::{Shelf, Weighed};
use nexora_core::base::clock::Timestamp;

/// Base64 as Gmail gives it; it takes both forms of the alphabet's end.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub const SENT: &str = "SENT";
pub const DRAFT: &str = "DRAFT";
pub const INBOX: &str = "INBOX";
pub const UNREAD: &str = "UNREAD";
pub const TRASH: &str = "TRASH";
pub const SPAM: &str = "SPAM";

#[derive(Default)]
pub struct Mailbox {
    pub messages: Shelf<Message>,
    pub drafts: Shelf<Draft>,
    /// Which message each draft became that was sent.
    pub sent_drafts: BTreeMap<String, String>,
    pub labels: Vec<Label>,
    /// What may stand in `From` besides the mailbox's own address, with how far Gmail is with asking its owner.
    pub send_as: BTreeMap<String, SendAs>,
    pub history: History,
    /// The number of the latest change; a mailbox that nothing happened in has the number 1.
    pub history_id: HistoryId,
}

/// A number that grows with every change of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryId(pub u64);

impl Default for HistoryId {
    fn default() -> HistoryId {
        HistoryId(BEGINNING)
    }
}

impl std::fmt::Display for HistoryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether the owner of an address has let the mailbox send from it, as Gmail says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SendAs {
    Accepted,
    Pending,
}

pub struct Draft {
    pub id: String,
    pub message: Message,
}

pub struct Message {
    pub id: String,
    pub thread_id: String,
    pub labels: Vec<String>,
    pub history_id: HistoryId,
    pub at: Timestamp,
    pub raw: Bytes,
    pub letter: ParsedMail,
}

impl Weighed for Message {
    fn size_bytes(&self) -> usize {
        // The text is kept twice: as it came and as it reads.
        self.raw.len() * 2
    }
}

impl Weighed for Draft {
    fn size_bytes(&self) -> usize {
        self.message.size_bytes()
    }
}

impl Mailbox {
    /// Goes through every message, those of drafts included, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().chain(self.drafts.iter().map(|draft| &draft.message))
    }

    /// Returns every message to be changed, and the log that changes are noted in.
    pub fn parts(&mut self) -> (impl Iterator<Item = &mut Message>, &mut History) {
        let drafts = self.drafts.iter_mut().map(|draft| &mut draft.message);
        (self.messages.iter_mut().chain(drafts), &mut self.history)
    }

    /// Notes that a message came.
    pub fn note_added(&mut self, message: &Message) {
        self.history_id = message.history_id;
        self.history.note(message.history_id, Kind::Added, message);
    }

    /// Takes a draft away, and its message with it.
    pub fn take_draft(&mut self, id: &str, history_id: HistoryId) -> Option<Draft> {
        let draft = self.drafts.take(|draft| draft.id == id)?;
        self.history_id = history_id;
        self.history.note(history_id, Kind::Deleted, &draft.message);
        Some(draft)
    }

    /// Returns the messages of a thread, the oldest first.
    pub fn thread(&self, id: &str) -> Vec<&Message> {
        let mut messages: Vec<&Message> = self.all().filter(|message| message.thread_id == id).collect();
        messages.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        messages
    }

    pub fn message(&self, id: &str) -> Result<&Message, Refusal> {
        self.all().find(|message| message.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn draft(&self, id: &str) -> Result<&Draft, Refusal> {
        self.drafts.iter().find(|draft| draft.id == id).ok_or_else(Refusal::not_found)
    }

    pub fn has_thread(&self, id: &str) -> bool {
        self.all().any(|message| message.thread_id == id)
    }

    /// Returns the thread of the message that another one answers, by its headers.
    pub fn thread_of_answer(&self, letter: &ParsedMail) -> Option<String> {
        self.all().find(|message| message.is_answered_by(letter)).map(|message| message.thread_id.clone())
    }

    /// Tells whether a mail belongs to a thread that it is sent to: it must answer a message of it
    /// and have the same subject (Gmail API, "Managing threads").
    pub fn fits_thread(&self, thread_id: &str, letter: &ParsedMail) -> bool {
        let subject = bare_subject(letter.header("Subject"));
        let mut thread = self.all().filter(|message| message.thread_id == thread_id);
        thread.any(|message| {
            message.is_answered_by(letter) && bare_subject(message.letter.header("Subject")) == subject
        })
    }

    pub fn state(&self) -> Value {
        let drafts =
            self.drafts.iter().map(|draft| json!({"id": draft.id, "message": draft.message.state()}));
        json!({
            "messages": self.messages.iter().map(Message::state).collect::<Vec<_>>(),
            "drafts": drafts.collect::<Vec<_>>(),
            "labels": self.labels.iter().map(|l| json!({"id": l.id, "name": l.name})).collect::<Vec<_>>(),
        })
    }
}

impl Message {
    pub fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|known| known == label)
    }

    fn is_answered_by(&self, letter: &ParsedMail) -> bool {
        let id = self.letter.header("Message-ID");
        let references = [letter.header("In-Reply-To"), letter.header("References")];
        !id.is_empty() && references.iter().any(|header| header.split_whitespace().any(|known| known == id))
    }

    fn state(&self) -> Value {
        let mut state = json!({
            "id": self.id,
            "threadId": self.thread_id,
            "labelIds": self.labels,
            "at": self.at,
            "from": self.letter.header("From"),
            "to": self.letter.header("To"),
            "raw": String::from_utf8_lossy(&self.raw),
        });
        merge(&mut state, self.letter.state());
        state
    }
}

/// A message as a call brings it: in JSON, or as the upload itself.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Brought {
    raw: Option<String>,
    pub label_ids: Vec<String>,
    pub thread_id: Option<String>,
}

impl Brought {
    /// Returns the mail's bytes, if any came: those of an upload go before those in the JSON.
    pub fn bytes(&self, call: &Call) -> Result<Option<Bytes>, Refusal> {
        if let Some(media) = call.media.as_ref().filter(|media| !media.is_empty()) {
            return Ok(Some(media.clone()));
        }
        let Some(raw) = self.raw.as_deref().filter(|raw| !raw.is_empty()) else { return Ok(None) };
        let raw = raw.replace('+', "-").replace('/', "_");
        let bytes = BASE64.decode(raw).map_err(|error| {
            Refusal::invalid(format!(
                "Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed: {error}"
            ))
        })?;
        Ok(Some(Bytes::from(bytes)))
    }
}

/// Returns a subject without the marks of answers before it.
fn bare_subject(subject: &str) -> String {
    let mut bare = subject.trim().to_lowercase();
    while let Some(rest) = ["re:", "fwd:", "fw:", "aw:"].iter().find_map(|mark| bare.strip_prefix(mark)) {
        bare = rest.trim_start().to_owned();
    }
    bare
}

/// Reads a mail and adds the sender where it is missing, as Gmail does.
pub fn read(raw: Bytes, mailbox: &str) -> Result<(Bytes, ParsedMail), Refusal> {
    let malformed = || Refusal::invalid("Invalid message: not a message in the format of RFC 2822.");
    let letter = ParsedMail::read(&raw).filter(|letter| is_sound(&letter.headers)).ok_or_else(malformed)?;
    if !letter.header("From").is_empty() {
        return Ok((raw, letter));
    }
    let raw = letter::with_header(&raw, "From", mailbox);
    let letter = ParsedMail::read(&raw).ok_or_else(malformed)?;
    Ok((Bytes::from(raw), letter))
}

/// Tells whether the names of headers are such (RFC 5322, section 2.2); garbage seldom is.
fn is_sound(headers: &[(String, String)]) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    headers.iter().all(|(name, _)| is_name(name))
}
