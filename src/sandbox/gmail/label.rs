//! Labels: those of the system and those that people make.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::gmail::history::Kind;
use crate::gmail::mailbox::{HistoryId, Mailbox, UNREAD};
use crate::gmail::own_mailbox;
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::World;

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

/// Labels of one mailbox at most (Gmail API, `users.labels`).
const LABEL_LIMIT: usize = 10_000;
const NAME_LIMIT: usize = 225;

/// A label that a person made.
pub struct Label {
    pub id: String,
    pub name: String,
    /// Colour and visibility, as they were given.
    settings: Map<String, Value>,
}

impl Label {
    fn show(&self) -> Value {
        let mut shown = json!({"id": self.id, "name": self.name, "type": "user"});
        merge(&mut shown, Value::Object(self.settings.clone()));
        shown
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    name: Option<String>,
    message_list_visibility: Option<Value>,
    label_list_visibility: Option<Value>,
    color: Option<Value>,
}

impl Asked {
    fn settings(&self) -> impl Iterator<Item = (String, Value)> {
        let given = [
            ("messageListVisibility", &self.message_list_visibility),
            ("labelListVisibility", &self.label_list_visibility),
            ("color", &self.color),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
    }
}

/// Refuses a label that the mailbox does not have.
pub fn check(mailbox: &Mailbox, id: &str) -> Result<(), Refusal> {
    let is_known = SYSTEM_LABELS.contains(&id) || mailbox.labels.iter().any(|label| label.id == id);
    if is_known { Ok(()) } else { Err(Refusal::invalid(format!("Invalid label: {id}"))) }
}

pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let mailbox = own_mailbox(world, call)?;
    let labels: Vec<Value> =
        SYSTEM_LABELS.iter().map(|name| system(name)).chain(mailbox.labels.iter().map(Label::show)).collect();
    Ok(Reply::json(&json!({ "labels": labels })))
}

fn system(name: &str) -> Value {
    json!({"id": name, "name": name, "type": "system"})
}

/// Shows a label with its counts, which the list leaves out.
pub fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let id = call.param("id");
    let mailbox = own_mailbox(world, call)?;
    let user = mailbox.labels.iter().find(|label| label.id == id).map(Label::show);
    let system = SYSTEM_LABELS.contains(&id).then(|| system(id));
    let mut shown = user.or(system).ok_or_else(Refusal::not_found)?;
    let (mut messages, mut threads) = ([0, 0], [Vec::new(), Vec::new()]);
    for message in mailbox.all().filter(|message| message.has(id)) {
        let kinds = if message.has(UNREAD) { 2 } else { 1 };
        for (count, threads) in messages.iter_mut().zip(&mut threads).take(kinds) {
            *count += 1;
            if !threads.contains(&&message.thread_id) {
                threads.push(&message.thread_id);
            }
        }
    }
    let ([messages, messages_unread], [threads, threads_unread]) = (messages, threads);
    merge(
        &mut shown,
        json!({
            "messagesTotal": messages,
            "messagesUnread": messages_unread,
            "threadsTotal": threads.len(),
            "threadsUnread": threads_unread.len(),
        }),
    );
    Ok(Reply::json(&shown))
}

pub fn create(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let number = world.ids.next();
    let mailbox = own_mailbox(world, call)?;
    let name = check_name(mailbox, asked.name.as_deref().unwrap_or_default(), None)?;
    if mailbox.labels.len() >= LABEL_LIMIT {
        return Err(Refusal::invalid("Label limit reached"));
    }
    let mut settings = Map::new();
    settings.insert("messageListVisibility".to_owned(), json!("show"));
    settings.insert("labelListVisibility".to_owned(), json!("labelShow"));
    settings.extend(asked.settings());
    let label = Label { id: format!("Label_{number}"), name, settings };
    let shown = label.show();
    mailbox.labels.push(label);
    Ok(Reply::json(&shown))
}

/// Checks a name; Google takes no two that differ in case alone, and none of the system's.
fn check_name(mailbox: &Mailbox, name: &str, own_id: Option<&str>) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty()
        || name.chars().count() > NAME_LIMIT
        || SYSTEM_LABELS.contains(&name.to_uppercase().as_str())
    {
        return Err(Refusal::invalid("Invalid label name"));
    }
    let is_other = |label: &Label| Some(label.id.as_str()) != own_id;
    let same = |label: &Label| label.name.to_lowercase() == name.to_lowercase();
    if mailbox.labels.iter().any(|label| is_other(label) && same(label)) {
        return Err(Refusal::new(409, "aborted", "Label name exists or conflicts"));
    }
    Ok(name.to_owned())
}

/// Changes a label; what is not given stays, by PUT as by PATCH.
pub fn update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let id = call.param("id");
    let mailbox = own_mailbox(world, call)?;
    if SYSTEM_LABELS.contains(&id) {
        return Err(Refusal::invalid("Invalid update request"));
    }
    let name = asked.name.as_deref().map(|name| check_name(mailbox, name, Some(id))).transpose()?;
    let label = mailbox.labels.iter_mut().find(|label| label.id == id).ok_or_else(Refusal::not_found)?;
    if let Some(name) = name {
        label.name = name;
    }
    label.settings.extend(asked.settings());
    Ok(Reply::json(&label.show()))
}

/// Deletes a label and takes it off every message.
pub fn delete(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let id = call.param("id");
    let history_id = HistoryId(world.ids.next());
    let mailbox = own_mailbox(world, call)?;
    if SYSTEM_LABELS.contains(&id) {
        return Err(Refusal::invalid("Invalid delete request"));
    }
    let position = mailbox.labels.iter().position(|label| label.id == id).ok_or_else(Refusal::not_found)?;
    mailbox.labels.remove(position);
    let (messages, history) = mailbox.parts();
    for message in messages.filter(|message| message.has(id)) {
        message.labels.retain(|label| label != id);
        message.history_id = history_id;
        history.note(history_id, Kind::LabelsRemoved(vec![id.to_owned()]), message);
    }
    mailbox.history_id = history_id;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
