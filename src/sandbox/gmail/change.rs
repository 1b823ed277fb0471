//! Changes to messages that are there: labels, trash, deletion; one at a time, many, or a thread.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gmail::history::Kind;
use crate::gmail::mailbox::{DRAFT, HistoryId, INBOX, Mailbox, Message, SENT, SPAM, TRASH};
use crate::gmail::{label, own_mailbox, view};
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply};
use crate::world::World;

/// Messages of one batch at most (Gmail API, `messages.batchModify`), and labels of one change.
const BATCH_LIMIT: usize = 1_000;
const LABEL_LIMIT: usize = 100;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Asked {
    ids: Vec<String>,
    add_label_ids: Vec<String>,
    remove_label_ids: Vec<String>,
}

impl Asked {
    fn check(&self, mailbox: &Mailbox) -> Result<(), Refusal> {
        if self.add_label_ids.len() > LABEL_LIMIT || self.remove_label_ids.len() > LABEL_LIMIT {
            return Err(Refusal::invalid("Too many labels"));
        }
        for id in self.add_label_ids.iter().chain(&self.remove_label_ids) {
            label::check(mailbox, id)?;
            // Only sending makes a sent mail, and only drafts.create a draft.
            if [SENT, DRAFT].contains(&id.as_str()) {
                return Err(Refusal::invalid(format!("Invalid label: {id}")));
            }
        }
        Ok(())
    }

    fn trash() -> Asked {
        Asked { add_label_ids: vec![TRASH.to_owned()], ..Asked::default() }
    }

    fn untrash() -> Asked {
        Asked { remove_label_ids: vec![TRASH.to_owned()], ..Asked::default() }
    }
}

/// Which messages a change is for.
enum Chosen<'a> {
    Message(&'a str),
    Thread(&'a str),
    Batch(&'a [String]),
}

impl Chosen<'_> {
    fn has(&self, message: &Message) -> bool {
        match self {
            Chosen::Message(id) => message.id == *id,
            Chosen::Thread(id) => message.thread_id == *id,
            Chosen::Batch(ids) => ids.contains(&message.id),
        }
    }
}

pub fn modify(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    relabel(world, call, &Chosen::Message(call.param("id")), &call.read()?)?;
    show_message(world, call)
}

pub fn trash(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    relabel(world, call, &Chosen::Message(call.param("id")), &Asked::trash())?;
    show_message(world, call)
}

pub fn untrash(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    relabel(world, call, &Chosen::Message(call.param("id")), &Asked::untrash())?;
    show_message(world, call)
}

pub fn delete(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    remove(world, call, &Chosen::Message(call.param("id")))
}

pub fn batch_modify(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    check_batch(&asked.ids)?;
    match relabel(world, call, &Chosen::Batch(&asked.ids), &asked) {
        // A batch says nothing of messages that are not there.
        Ok(()) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        Err(refusal) if refusal.status == 404 => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        Err(refusal) => Err(refusal),
    }
}

pub fn batch_delete(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    check_batch(&asked.ids)?;
    match remove(world, call, &Chosen::Batch(&asked.ids)) {
        Err(refusal) if refusal.status == 404 => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        answer => answer,
    }
}

fn check_batch(ids: &[String]) -> Result<(), Refusal> {
    match ids.len() {
        0 => Err(Refusal::invalid("No message ids specified")),
        1..=BATCH_LIMIT => Ok(()),
        _ => Err(Refusal::invalid("Too many message ids")),
    }
}

pub fn modify_thread(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    relabel(world, call, &Chosen::Thread(call.param("id")), &call.read()?)?;
    show_thread(world, call)
}

pub fn trash_thread(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    relabel(world, call, &Chosen::Thread(call.param("id")), &Asked::trash())?;
    show_thread(world, call)
}

pub fn untrash_thread(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    relabel(world, call, &Chosen::Thread(call.param("id")), &Asked::untrash())?;
    show_thread(world, call)
}

pub fn delete_thread(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    remove(world, call, &Chosen::Thread(call.param("id")))
}

/// Adds and removes labels, and notes only what really changed.
fn relabel(world: &mut World, call: &Call, chosen: &Chosen<'_>, asked: &Asked) -> Result<(), Refusal> {
    let mailbox = own_mailbox(world, call)?;
    asked.check(mailbox)?;
    if !mailbox.all().any(|message| chosen.has(message)) {
        return Err(Refusal::not_found());
    }
    let mut removed_ids = asked.remove_label_ids.clone();
    // What is thrown away is no longer in the inbox.
    if asked.add_label_ids.iter().any(|label| [TRASH, SPAM].contains(&label.as_str())) {
        removed_ids.push(INBOX.to_owned());
    }
    let history_id = HistoryId(world.ids.next());
    let mailbox = own_mailbox(world, call)?;
    let (messages, history) = mailbox.parts();
    let mut is_changed = false;
    for message in messages.filter(|message| chosen.has(message)) {
        let mut added = asked.add_label_ids.clone();
        added.sort_unstable();
        added.dedup();
        added.retain(|label| !message.has(label));
        let mut removed = removed_ids.clone();
        removed.retain(|label| message.has(label));
        if added.is_empty() && removed.is_empty() {
            continue;
        }
        is_changed = true;
        message.labels.retain(|label| !removed.contains(label));
        message.labels.extend(added.iter().cloned());
        message.history_id = history_id;
        if !added.is_empty() {
            history.note(history_id, Kind::LabelsAdded(added), message);
        }
        if !removed.is_empty() {
            history.note(history_id, Kind::LabelsRemoved(removed), message);
        }
    }
    if is_changed {
        mailbox.history_id = history_id;
    }
    Ok(())
}

/// Deletes for good, without a stay in the trash; the draft of a message goes with it.
fn remove(world: &mut World, call: &Call, chosen: &Chosen<'_>) -> Result<Reply, Refusal> {
    let history_id = HistoryId(world.ids.next());
    let mailbox = own_mailbox(world, call)?;
    let mut gone = Vec::new();
    while let Some(message) = mailbox.messages.take(|message| chosen.has(message)) {
        gone.push(message);
    }
    while let Some(draft) = mailbox.drafts.take(|draft| chosen.has(&draft.message)) {
        gone.push(draft.message);
    }
    if gone.is_empty() {
        return Err(Refusal::not_found());
    }
    for message in &gone {
        mailbox.history.note(history_id, Kind::Deleted, message);
    }
    mailbox.history_id = history_id;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn show_message(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let message = own_mailbox(world, call)?.message(call.param("id"))?;
    Ok(Reply::json(&view::brief(message)))
}

fn show_thread(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let id = call.param("id");
    let mailbox = own_mailbox(world, call)?;
    let messages: Vec<Value> = mailbox.thread(id).into_iter().map(view::brief).collect();
    Ok(Reply::json(&json!({"id": id, "messages": messages})))
}
