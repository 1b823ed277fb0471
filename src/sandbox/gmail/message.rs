//! Messages: sending, taking in, listing, reading.

use base64::Engine as _;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::gmail::mailbox::{
    BASE64, Brought, DRAFT, HistoryId, INBOX, Mailbox, Message, SENT, SPAM, TRASH, UNREAD, read,
};
use crate::gmail::{TO_READ, deliver, label, own_mailbox, query, view};
use crate::letter::{self, ParsedMail};
use crate::serve::call::{Call, page};
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::World;
use nexora_core::base::secret::random_bytes;

pub fn send(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let brought: Brought = call.read()?;
    let raw = brought.bytes(call)?.ok_or_else(missing_raw)?;
    post(world, call, raw, Thread::Asked(brought.thread_id)).map(|answer| Reply::json(&answer))
}

pub fn missing_raw() -> Refusal {
    Refusal::invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
}

/// The thread that a new message is to stand in.
pub enum Thread {
    /// One of its own, or the one that a call names, if the mail fits it.
    Asked(Option<String>),
    /// The one where the draft stood.
    Kept(String),
}

/// Makes a sent message of a mail, with a Message-ID of Gmail's own and a date if it has none, and
/// delivers it to the mailboxes of this sandbox that it is for.
pub fn post(world: &mut World, call: &Call, raw: Bytes, thread: Thread) -> Result<Value, Refusal> {
    check_size(&raw)?;
    let (raw, letter) = read(raw, &call.mailbox)?;
    let recipients = letter::addresses(&raw);
    if ["To", "Cc", "Bcc"].into_iter().all(|name| letter.header(name).is_empty()) {
        return Err(Refusal::invalid("Recipient address required"));
    }
    let mut raw = raw.to_vec();
    if world.habits.rewrite_message_id || letter.header("Message-ID").is_empty() {
        raw = letter::with_header(&raw, "Message-ID", &new_message_id()?);
    }
    if letter.header("Date").is_empty() {
        raw = letter::with_header(&raw, "Date", &call.at.utc().to_rfc2822());
    }
    let mut labels = vec![SENT];
    // A mail to oneself is one message, sent and received.
    if recipients.contains(&call.mailbox) {
        labels.extend([INBOX, UNREAD]);
    }
    let copy = letter::without_header(&raw, "Bcc");
    let message = make(world, call, Bytes::from(raw), thread, &labels)?;
    let answer = put(world, call, message)?;
    for recipient in recipients {
        if recipient != call.mailbox && world.mailboxes.contains_key(&recipient) {
            deliver::receive(world, &recipient, call.at, copy.clone())?;
        }
    }
    Ok(answer)
}

/// Puts a message into the mailbox, notes it, and returns what the call answers.
pub fn put(world: &mut World, call: &Call, message: Message) -> Result<Value, Refusal> {
    let answer = view::brief(&message);
    let mailbox = own_mailbox(world, call)?;
    mailbox.note_added(&message);
    mailbox.messages.put(message);
    Ok(answer)
}

/// Makes a message with ids of its own, in the thread that is asked for or in a new one.
pub fn make(
    world: &mut World,
    call: &Call,
    raw: Bytes,
    thread: Thread,
    labels: &[&str],
) -> Result<Message, Refusal> {
    let letter = ParsedMail::read(&raw).ok_or_else(missing_raw)?;
    let id = world.ids.message(call.at);
    let history_id = HistoryId(world.ids.next());
    let mailbox = own_mailbox(world, call)?;
    let thread_id = match thread {
        Thread::Kept(thread) => thread,
        Thread::Asked(thread) => match thread.filter(|thread| !thread.is_empty()) {
            Some(thread) if !mailbox.has_thread(&thread) => return Err(Refusal::not_found()),
            Some(thread) if mailbox.fits_thread(&thread, &letter) => thread,
            _ => id.clone(),
        },
    };
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    Ok(Message { id, thread_id, labels, history_id, at: call.at, raw, letter })
}

/// Puts a mail into the mailbox as it is, past all delivery (`messages.insert`).
pub fn insert(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    add(world, call, &[])
}

/// Takes a mail in as if it were delivered (`messages.import`), with a Message-ID if it has none.
pub fn import(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    add(world, call, &[INBOX, UNREAD])
}

/// Adds a mail with the labels that are asked for, else with those that are usual.
fn add(world: &mut World, call: &Call, usual: &[&str]) -> Result<Reply, Refusal> {
    let brought: Brought = call.read()?;
    let raw = brought.bytes(call)?.ok_or_else(missing_raw)?;
    let (raw, letter) = read(raw, &call.mailbox)?;
    let mailbox = own_mailbox(world, call)?;
    for id in &brought.label_ids {
        label::check(mailbox, id)?;
    }
    let asked: Vec<&str> = brought.label_ids.iter().map(String::as_str).collect();
    let labels = if asked.is_empty() { usual } else { &asked };
    let is_import = !usual.is_empty();
    let thread = match mailbox.thread_of_answer(&letter).filter(|_| brought.thread_id.is_none() && is_import)
    {
        Some(thread) => Thread::Kept(thread),
        None => Thread::Asked(brought.thread_id),
    };
    let mut message = make(world, call, raw, thread, labels)?;
    // An import is dated by the mail, an insert by its arrival (`internalDateSource`).
    let by_header = call.query("internalDateSource").map_or(is_import, |source| source == "dateHeader");
    if by_header && let Some(at) = letter::date(&letter) {
        message.at = at;
    }
    put(world, call, message).map(|answer| Reply::json(&answer))
}

pub fn new_message_id() -> Result<String, Refusal> {
    let random: [u8; 24] = random_bytes().map_err(|_| Refusal::usual(500, None, None))?;
    Ok(format!("<CA{}@mail.gmail.com>", BASE64.encode(random)))
}

/// Finds what `q` and `labelIds` ask for, the newest first. Spam and what is thrown away are found
/// only when they are asked for.
pub fn find<'a>(mailbox: &'a Mailbox, call: &Call) -> Result<Vec<&'a Message>, Refusal> {
    let text = call.query("q").unwrap_or_default();
    if !text.is_empty() && is_metadata_only(call) {
        return Err(Refusal::new(403, "forbidden", "Metadata scope does not support 'q' parameter"));
    }
    let query = query::parse(text, call.at);
    let labels: Vec<&str> = call.query_all("labelIds").collect();
    let is_asked =
        |label: &str| call.query_flag("includeSpamTrash") || labels.contains(&label) || query.asks_for(label);
    let hidden: Vec<&str> = [SPAM, TRASH].into_iter().filter(|label| !is_asked(label)).collect();
    let mut found: Vec<&Message> = mailbox
        .all()
        .filter(|message| labels.iter().all(|label| message.has(label)))
        .filter(|message| !hidden.iter().any(|label| message.has(label)))
        .filter(|message| query.matches(message, &mailbox.labels))
        .collect();
    found.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
    Ok(found)
}

/// Tells whether a call may see no more than headers and labels.
pub fn is_metadata_only(call: &Call) -> bool {
    !call.scopes.iter().any(|scope| TO_READ.contains(&scope.as_str()))
}

pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let size = call.query_count("maxResults", 100, 500)?;
    let found = find(own_mailbox(world, call)?, call)?;
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

/// Makes the message of a draft.
pub fn make_draft(world: &mut World, call: &Call, raw: Bytes, thread: Thread) -> Result<Message, Refusal> {
    check_size(&raw)?;
    let (raw, _) = read(raw, &call.mailbox)?;
    make(world, call, raw, thread, &[DRAFT])
}

/// The largest mail that goes out, attachments in their encoding included (Gmail, "Sending limits").
const MAIL_LIMIT_BYTES: usize = 26_214_400;

fn check_size(raw: &Bytes) -> Result<(), Refusal> {
    if raw.len() <= MAIL_LIMIT_BYTES { Ok(()) } else { Err(Refusal::usual(413, None, None)) }
}
