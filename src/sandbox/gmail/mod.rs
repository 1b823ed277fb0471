//! Gmail: messages, threads, labels, drafts, history, search.
//!
//! As Gmail does, sending writes a new Message-ID, gives the sent message a new id and deletes the
//! draft. A mail to another mailbox of the sandbox arrives there; to anybody else it just leaves.
//! Shapes and scopes are those of <https://gmail.googleapis.com/$discovery/rest?version=v1>.

mod change;
pub mod deliver;
mod draft;
mod history;
mod label;
pub mod mailbox;
mod message;
mod query;
mod thread;
mod view;

use std::collections::BTreeMap;

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gmail::mailbox::{HistoryId, Mailbox, SendAs};
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};
use crate::serve::route::{Route, route};
use crate::world::World;

const FULL: &str = "https://mail.google.com/";
const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
const COMPOSE: &str = "https://www.googleapis.com/auth/gmail.compose";
const SEND: &str = "https://www.googleapis.com/auth/gmail.send";
const READONLY: &str = "https://www.googleapis.com/auth/gmail.readonly";
const METADATA: &str = "https://www.googleapis.com/auth/gmail.metadata";
const LABELS: &str = "https://www.googleapis.com/auth/gmail.labels";

const INSERT: &str = "https://www.googleapis.com/auth/gmail.insert";
const SETTINGS: &str = "https://www.googleapis.com/auth/gmail.settings.basic";

/// What lets a call see the text of mails; `METADATA` shows headers and labels only.
const TO_READ: &[&str] = &[FULL, MODIFY, READONLY];
const TO_LIST: &[&str] = &[FULL, MODIFY, READONLY, METADATA];
const TO_SEND: &[&str] = &[FULL, MODIFY, COMPOSE, SEND];
const TO_INSERT: &[&str] = &[FULL, MODIFY, INSERT];
const TO_MODIFY: &[&str] = &[FULL, MODIFY];
const TO_DELETE: &[&str] = &[FULL];
const TO_DRAFT: &[&str] = &[FULL, MODIFY, COMPOSE];
const TO_READ_DRAFTS: &[&str] = &[FULL, MODIFY, COMPOSE, READONLY];
const FOR_PROFILE: &[&str] = &[FULL, MODIFY, COMPOSE, READONLY, METADATA];
const FOR_LABELS: &[&str] = &[FULL, MODIFY, READONLY, METADATA, LABELS];
const TO_LABEL: &[&str] = &[FULL, MODIFY, LABELS];
const FOR_SETTINGS: &[&str] = &[FULL, MODIFY, READONLY, SETTINGS];

pub const ROUTES: &[Route] = &[
    route(Method::GET, "/gmail/v1/users/{user}/profile", "profile", FOR_PROFILE, profile),
    route(
        Method::GET,
        "/gmail/v1/users/{user}/settings/sendAs",
        "settings.sendAs.list",
        FOR_SETTINGS,
        send_as,
    ),
    route(Method::GET, "/gmail/v1/users/{user}/labels", "labels.list", FOR_LABELS, label::list),
    route(Method::POST, "/gmail/v1/users/{user}/labels", "labels.create", TO_LABEL, label::create),
    route(Method::GET, "/gmail/v1/users/{user}/labels/{id}", "labels.get", FOR_LABELS, label::get),
    route(Method::PUT, "/gmail/v1/users/{user}/labels/{id}", "labels.update", TO_LABEL, label::update),
    route(Method::PATCH, "/gmail/v1/users/{user}/labels/{id}", "labels.patch", TO_LABEL, label::update),
    route(Method::DELETE, "/gmail/v1/users/{user}/labels/{id}", "labels.delete", TO_LABEL, label::delete),
    route(Method::POST, "/gmail/v1/users/{user}/drafts", "drafts.create", TO_DRAFT, draft::create),
    route(Method::GET, "/gmail/v1/users/{user}/drafts", "drafts.list", TO_READ_DRAFTS, draft::list),
    route(Method::POST, "/gmail/v1/users/{user}/drafts/send", "drafts.send", TO_DRAFT, draft::send),
    route(Method::GET, "/gmail/v1/users/{user}/drafts/{id}", "drafts.get", TO_READ_DRAFTS, draft::get),
    route(Method::PUT, "/gmail/v1/users/{user}/drafts/{id}", "drafts.update", TO_DRAFT, draft::update),
    route(Method::DELETE, "/gmail/v1/users/{user}/drafts/{id}", "drafts.delete", TO_DRAFT, draft::delete),
    route(Method::POST, "/gmail/v1/users/{user}/messages/send", "messages.send", TO_SEND, message::send),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/messages/import",
        "messages.import",
        TO_INSERT,
        message::import,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/messages/batchModify",
        "messages.batchModify",
        TO_MODIFY,
        change::batch_modify,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/messages/batchDelete",
        "messages.batchDelete",
        TO_DELETE,
        change::batch_delete,
    ),
    route(Method::POST, "/gmail/v1/users/{user}/messages", "messages.insert", TO_INSERT, message::insert),
    route(Method::GET, "/gmail/v1/users/{user}/messages", "messages.list", TO_LIST, message::list),
    route(Method::GET, "/gmail/v1/users/{user}/messages/{id}", "messages.get", TO_LIST, message::get),
    route(
        Method::DELETE,
        "/gmail/v1/users/{user}/messages/{id}",
        "messages.delete",
        TO_DELETE,
        change::delete,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/messages/{id}/modify",
        "messages.modify",
        TO_MODIFY,
        change::modify,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/messages/{id}/trash",
        "messages.trash",
        TO_MODIFY,
        change::trash,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/messages/{id}/untrash",
        "messages.untrash",
        TO_MODIFY,
        change::untrash,
    ),
    route(
        Method::GET,
        "/gmail/v1/users/{user}/messages/{id}/attachments/{attachment}",
        "messages.attachments.get",
        TO_READ,
        message::attachment,
    ),
    route(Method::GET, "/gmail/v1/users/{user}/threads", "threads.list", TO_LIST, thread::list),
    route(Method::GET, "/gmail/v1/users/{user}/threads/{id}", "threads.get", TO_LIST, thread::get),
    route(
        Method::DELETE,
        "/gmail/v1/users/{user}/threads/{id}",
        "threads.delete",
        TO_DELETE,
        change::delete_thread,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/threads/{id}/modify",
        "threads.modify",
        TO_MODIFY,
        change::modify_thread,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/threads/{id}/trash",
        "threads.trash",
        TO_MODIFY,
        change::trash_thread,
    ),
    route(
        Method::POST,
        "/gmail/v1/users/{user}/threads/{id}/untrash",
        "threads.untrash",
        TO_MODIFY,
        change::untrash_thread,
    ),
    route(Method::GET, "/gmail/v1/users/{user}/history", "history.list", TO_LIST, history::list),
];

/// What Gmail does where no document says it; `POST /_sandbox/gmail` changes it.
pub struct Habits {
    /// Whether sending writes a Message-ID of Gmail's own.
    pub rewrite_message_id: bool,
    pub second_send: SecondSend,
}

impl Default for Habits {
    fn default() -> Habits {
        Habits { rewrite_message_id: true, second_send: SecondSend::NotFound }
    }
}

/// What comes of sending a draft a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondSend {
    /// 404: the draft is gone.
    NotFound,
    /// The answer of the first time, and no second mail.
    Same,
    /// A second mail.
    Again,
}

/// What `POST /_sandbox/gmail` asks for.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Steering {
    rewrite_message_id: Option<bool>,
    second_send: Option<SecondSend>,
    /// Mailboxes whose history up to now is forgotten, so that every start before it is stale.
    forget_history: Vec<String>,
    /// What mailboxes may send from besides their own address: `{MAILBOX: {ADDRESS: "accepted"}}`.
    send_as: BTreeMap<String, BTreeMap<String, SendAs>>,
}

/// Changes what Gmail does.
pub fn steer(world: &mut World, asked: Steering) -> Result<Reply, Refusal> {
    if let Some(rewrites) = asked.rewrite_message_id {
        world.habits.rewrite_message_id = rewrites;
    }
    if let Some(second_send) = asked.second_send {
        world.habits.second_send = second_send;
    }
    for address in asked.forget_history {
        let history_id = HistoryId(world.ids.next());
        let mailbox = world.mailbox(&address.to_lowercase())?;
        mailbox.history_id = history_id;
        mailbox.history.forget(history_id);
    }
    for (address, send_as) in asked.send_as {
        world.mailbox(&address.to_lowercase())?.send_as = send_as;
    }
    Ok(Reply::json(&json!({})))
}

/// Returns the mailbox that the path names: only that of the token.
fn own_mailbox<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Mailbox, Refusal> {
    let user = call.param("user");
    if user != "me" && !user.eq_ignore_ascii_case(&call.mailbox) {
        return Err(Refusal::new(403, "forbidden", format!("Delegation denied for {}", call.mailbox)));
    }
    world.mailbox(&call.mailbox)
}

fn profile(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let mailbox = own_mailbox(world, call)?;
    let mut threads: Vec<&str> = mailbox.all().map(|message| message.thread_id.as_str()).collect();
    let messages = threads.len();
    threads.sort_unstable();
    threads.dedup();
    Ok(Reply::json(&json!({
        "emailAddress": call.mailbox,
        "messagesTotal": messages,
        "threadsTotal": threads.len(),
        "historyId": mailbox.history_id.to_string(),
    })))
}

/// Lists the addresses that may stand in `From`: the mailbox's own, and what it was given besides. Only the latter have
/// a status.
fn send_as(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let mailbox = own_mailbox(world, call)?;
    let others = mailbox.send_as.iter().map(|(address, status)| {
        json!({
            "sendAsEmail": address,
            "displayName": "",
            "replyToAddress": "",
            "signature": "",
            "isPrimary": false,
            "isDefault": false,
            "treatAsAlias": true,
            "verificationStatus": status,
        })
    });
    let others: Vec<Value> = others.collect();
    let own = json!({
        "sendAsEmail": call.mailbox,
        "displayName": "",
        "replyToAddress": "",
        "signature": "",
        "isPrimary": true,
        "isDefault": true,
    });
    let all: Vec<Value> = std::iter::once(own).chain(others).collect();
    Ok(Reply::json(&json!({ "sendAs": all })))
}
