//! Messages: sending, listing, reading, and the history of what arrived.

use base64::Engine as _;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::base::clock::Timestamp;
use crate::base::secret::random_bytes;
use crate::sandbox::gmail::mailbox::{BASE64, Brought, DRAFT, HistoryId, INBOX, Message, SENT, UNREAD, read};
use crate::sandbox::gmail::{own_mailbox, query, view};
use crate::sandbox::letter::{self, Letter};
use crate::sandbox::serve::call::{Call, page};
use crate::sandbox::serve::envelope::{Refusal, Reply, merge};
use crate::sandbox::world::World;

pub fn send(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let brought: Brought = call.read()?;
    let raw = brought.bytes(call)?.ok_or_else(missing_raw)?;
    let message = post(world, call, raw, brought.thread_id)?;
    let answer = view::brief(&message);
    own_mailbox(world, call)?.messages.put(message);
    Ok(Reply::json(&answer))
}

pub fn missing_raw() -> Refusal {
    Refusal::invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
}

/// Makes a sent message of a mail: with a Message-ID of Gmail's own, and a date if it has none.
pub fn post(
    world: &mut World,
    call: &Call,
    raw: Bytes,
    thread_id: Option<String>,
) -> Result<Message, Refusal> {
    let (raw, letter) = read(raw, &call.mailbox)?;
    if ["To", "Cc", "Bcc"].into_iter().all(|name| letter.header(name).is_empty()) {
        return Err(Refusal::invalid("Recipient address required"));
    }
    let mut raw = letter::with_header(&raw, "Message-ID", &new_message_id()?);
    if letter.header("Date").is_empty() {
        raw = letter::with_header(&raw, "Date", &call.at.utc().to_rfc2822());
    }
    make(world, call, Bytes::from(raw), thread_id, vec![SENT])
}

/// Makes a message with ids of its own, in the thread that is asked for or in a new one.
pub fn make(
    world: &mut World,
    call: &Call,
    raw: Bytes,
    thread_id: Option<String>,
    labels: Vec<&'static str>,
) -> Result<Message, Refusal> {
    let letter = Letter::read(&raw).ok_or_else(missing_raw)?;
    let id = world.ids.message(call.at);
    let history_id = HistoryId(world.ids.next());
    let mailbox = own_mailbox(world, call)?;
    let thread_id = thread_id.filter(|thread| !thread.is_empty());
    if thread_id.as_ref().is_some_and(|thread| !mailbox.has_thread(thread)) {
        return Err(Refusal::not_found());
    }
    mailbox.history_id = history_id;
    let thread_id = thread_id.unwrap_or_else(|| id.clone());
    Ok(Message { id, thread_id, labels, history_id, at: call.at, raw, letter })
}

/// Puts a mail into a mailbox as if it had come from outside; an answer joins its thread.
pub fn receive(world: &mut World, address: &str, at: Timestamp, raw: Vec<u8>) -> Result<String, Refusal> {
    let (raw, letter) = read(Bytes::from(raw), address)?;
    let id = world.ids.message(at);
    let history_id = HistoryId(world.ids.next());
    let mailbox = world.mailbox(address)?;
    mailbox.history_id = history_id;
    let thread_id = mailbox.thread_of_answer(&letter).unwrap_or_else(|| id.clone());
    let labels = vec![INBOX, UNREAD];
    mailbox.messages.put(Message { id: id.clone(), thread_id, labels, history_id, at, raw, letter });
    Ok(id)
}

pub fn new_message_id() -> Result<String, Refusal> {
    let random: [u8; 24] = random_bytes().map_err(|_| Refusal::usual(500, None, None))?;
    Ok(format!("<CA{}@mail.gmail.com>", BASE64.encode(random)))
}

pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let query = query::parse(call.query("q").unwrap_or_default(), call.at)?;
    let labels: Vec<&str> = call.query_all("labelIds").collect();
    let size = call.query_count("maxResults", 100, 500)?;
    let mut found: Vec<&Message> = own_mailbox(world, call)?
        .all()
        .filter(|message| labels.iter().all(|label| message.labels.contains(label)))
        .filter(|message| query.matches(message))
        .collect();
    // The newest come first.
    found.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    let total = found.len();
    let page = page(call, found, size)?;
    let ids: Vec<Value> =
        page.items.iter().map(|message| json!({"id": message.id, "threadId": message.thread_id})).collect();
    let mut answer = json!({ "resultSizeEstimate": total });
    // Google leaves out a list that is empty.
    if !ids.is_empty() {
        merge(&mut answer, json!({ "messages": ids }));
    }
    if let Some(next) = page.next {
        merge(&mut answer, json!({ "nextPageToken": next }));
    }
    Ok(Reply::json(&answer))
}

pub fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let format = view::format(call)?;
    let message = own_mailbox(world, call)?.message(call.param("id"))?;
    Ok(Reply::json(&view::message(message, &format)))
}

pub fn attachment(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let message = own_mailbox(world, call)?.message(call.param("id"))?;
    view::attachment(message, call.param("attachment")).map(|found| Reply::json(&found))
}

/// Lists what was added since a history id. One that is newer than the mailbox is unknown.
pub fn history(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let start = call.query("startHistoryId").ok_or_else(|| Refusal::invalid("Missing startHistoryId"))?;
    let start = HistoryId(start.parse().map_err(|_| Refusal::invalid("Invalid startHistoryId"))?);
    let label = call.query("labelId");
    let size = call.query_count("maxResults", 100, 500)?;
    let mailbox = own_mailbox(world, call)?;
    if start > mailbox.history_id || start < HistoryId(1) {
        return Err(Refusal::not_found());
    }
    let mut added: Vec<&Message> = mailbox
        .all()
        .filter(|message| message.history_id > start)
        .filter(|message| label.is_none_or(|label| message.labels.contains(&label)))
        .collect();
    added.sort_by_key(|message| message.history_id);
    let records: Vec<Value> = added
        .into_iter()
        .map(|message| {
            let brief = json!({"id": message.id, "threadId": message.thread_id});
            let added = json!({ "message": view::brief(message) });
            json!({"id": message.history_id.to_string(), "messages": [brief], "messagesAdded": [added]})
        })
        .collect();
    let mut answer = json!({ "historyId": mailbox.history_id.to_string() });
    let page = page(call, records, size)?;
    if !page.items.is_empty() {
        merge(&mut answer, json!({ "history": page.items }));
    }
    if let Some(next) = page.next {
        merge(&mut answer, json!({ "nextPageToken": next }));
    }
    Ok(Reply::json(&answer))
}

/// Makes the message of a draft.
pub fn make_draft(
    world: &mut World,
    call: &Call,
    raw: Bytes,
    thread_id: Option<String>,
) -> Result<Message, Refusal> {
    let (raw, _) = read(raw, &call.mailbox)?;
    make(world, call, raw, thread_id, vec![DRAFT])
}
