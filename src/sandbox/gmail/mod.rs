//! Gmail, as far as an assistant uses it: drafts, sending, listing, reading, history.
//!
//! As Gmail does, sending writes a new Message-ID, gives the sent message a new id and deletes the
//! draft. Nothing is delivered: a sent mail stays in its mailbox and is seen there.

mod draft;
pub mod mailbox;
mod message;
mod query;
mod view;

use hyper::Method;
use serde_json::{Value, json};

use crate::sandbox::gmail::mailbox::Mailbox;
use crate::sandbox::serve::call::Call;
use crate::sandbox::serve::envelope::{Refusal, Reply};
use crate::sandbox::serve::route::{Route, route};
use crate::sandbox::world::World;

pub use message::receive;

const FULL: &str = "https://mail.google.com/";
const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
const COMPOSE: &str = "https://www.googleapis.com/auth/gmail.compose";
const SEND: &str = "https://www.googleapis.com/auth/gmail.send";
const READONLY: &str = "https://www.googleapis.com/auth/gmail.readonly";
const METADATA: &str = "https://www.googleapis.com/auth/gmail.metadata";
const LABELS: &str = "https://www.googleapis.com/auth/gmail.labels";

const TO_READ: &[&str] = &[FULL, MODIFY, READONLY];
const FOR_HISTORY: &[&str] = &[FULL, MODIFY, READONLY, METADATA];
const TO_SEND: &[&str] = &[FULL, MODIFY, COMPOSE, SEND];
const TO_DRAFT: &[&str] = &[FULL, MODIFY, COMPOSE];
const TO_READ_DRAFTS: &[&str] = &[FULL, MODIFY, COMPOSE, READONLY];
const FOR_PROFILE: &[&str] = &[FULL, MODIFY, COMPOSE, READONLY, METADATA];
const FOR_LABELS: &[&str] = &[FULL, MODIFY, READONLY, METADATA, LABELS];

pub const ROUTES: &[Route] = &[
    route(Method::GET, "/gmail/v1/users/{user}/profile", "profile", FOR_PROFILE, profile),
    route(Method::GET, "/gmail/v1/users/{user}/labels", "labels.list", FOR_LABELS, labels),
    route(Method::POST, "/gmail/v1/users/{user}/drafts", "drafts.create", TO_DRAFT, draft::create),
    route(Method::GET, "/gmail/v1/users/{user}/drafts", "drafts.list", TO_READ_DRAFTS, draft::list),
    route(Method::POST, "/gmail/v1/users/{user}/drafts/send", "drafts.send", TO_DRAFT, draft::send),
    route(Method::GET, "/gmail/v1/users/{user}/drafts/{id}", "drafts.get", TO_READ_DRAFTS, draft::get),
    route(Method::PUT, "/gmail/v1/users/{user}/drafts/{id}", "drafts.update", TO_DRAFT, draft::update),
    route(Method::DELETE, "/gmail/v1/users/{user}/drafts/{id}", "drafts.delete", TO_DRAFT, draft::delete),
    route(Method::POST, "/gmail/v1/users/{user}/messages/send", "messages.send", TO_SEND, message::send),
    route(Method::GET, "/gmail/v1/users/{user}/messages", "messages.list", TO_READ, message::list),
    route(Method::GET, "/gmail/v1/users/{user}/messages/{id}", "messages.get", TO_READ, message::get),
    route(
        Method::GET,
        "/gmail/v1/users/{user}/messages/{id}/attachments/{attachment}",
        "messages.attachments.get",
        TO_READ,
        message::attachment,
    ),
    route(Method::GET, "/gmail/v1/users/{user}/history", "history.list", FOR_HISTORY, message::history),
];

const SYSTEM_LABELS: [&str; 15] = [
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "STARRED",
    "UNREAD",
    "CATEGORY_PERSONAL",
    "CATEGORY_SOCIAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_UPDATES",
    "CATEGORY_FORUMS",
    "YELLOW_STAR",
];

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

fn labels(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    own_mailbox(world, call)?;
    let label = |name: &&str| json!({"id": name, "name": name, "type": "system"});
    Ok(Reply::json(&json!({"labels": SYSTEM_LABELS.iter().map(label).collect::<Vec<Value>>()})))
}
