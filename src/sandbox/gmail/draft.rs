//! Drafts: what is written and not sent. Sending one deletes it.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gmail::mailbox::{Brought, Draft, HistoryId};
use crate::gmail::message::Thread;
use crate::gmail::{SecondSend, message, own_mailbox, query, view};
use crate::serve::call::{Call, page};
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::World;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    id: Option<String>,
    message: Brought,
}

/// Makes a draft.
pub fn create(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let raw = asked.message.bytes(call)?.ok_or_else(message::missing_raw)?;
    let message = message::make_draft(world, call, raw, Thread::Asked(asked.message.thread_id))?;
    let draft = Draft { id: world.ids.draft(), message };
    put(world, call, draft)
}

pub fn update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let raw = asked.message.bytes(call)?.ok_or_else(message::missing_raw)?;
    let id = call.param("id").to_owned();
    let kept = own_mailbox(world, call)?.draft(&id)?.message.thread_id.clone();
    let thread = match asked.message.thread_id.filter(|thread| *thread != kept) {
        Some(thread) => Thread::Asked(Some(thread)),
        None => Thread::Kept(kept),
    };
    let history_id = HistoryId(world.ids.next());
    let message = message::make_draft(world, call, raw, thread)?;
    own_mailbox(world, call)?.take_draft(&id, history_id);
    put(world, call, Draft { id, message })
}

fn put(world: &mut World, call: &Call, draft: Draft) -> Result<Reply, Refusal> {
    let answer = json!({"id": draft.id, "message": view::brief(&draft.message)});
    let mailbox = own_mailbox(world, call)?;
    mailbox.note_added(&draft.message);
    mailbox.drafts.put(draft);
    Ok(Reply::json(&answer))
}

/// Sends a draft, with another content if the call brings one. An upload that is empty brings none:
/// Google's generated clients cannot leave it out.
pub fn send(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let raw = asked.message.bytes(call)?;
    let Some(id) = asked.id.filter(|id| !id.is_empty()) else {
        let raw = raw.ok_or_else(|| Refusal::invalid("Missing draft id"))?;
        let sent = message::post(world, call, raw, Thread::Asked(asked.message.thread_id))?;
        return Ok(Reply::json(&sent));
    };
    let habit = world.habits.second_send;
    let mailbox = own_mailbox(world, call)?;
    if let Some(sent) = mailbox.sent_drafts.get(&id).and_then(|sent| mailbox.message(sent).ok()) {
        let (raw, thread) = (sent.raw.clone(), Thread::Kept(sent.thread_id.clone()));
        return match habit {
            SecondSend::NotFound => Err(Refusal::not_found()),
            SecondSend::Same => Ok(Reply::json(&view::brief(sent))),
            SecondSend::Again => message::post(world, call, raw, thread).map(|sent| Reply::json(&sent)),
        };
    }
    let draft = mailbox.draft(&id)?;
    let raw = raw.unwrap_or_else(|| draft.message.raw.clone());
    let thread = Thread::Kept(draft.message.thread_id.clone());
    let sent = message::post(world, call, raw, thread)?;
    let history_id = HistoryId(world.ids.next());
    let mailbox = own_mailbox(world, call)?;
    mailbox.take_draft(&id, history_id);
    let sent_id = sent.get("id").and_then(Value::as_str).unwrap_or_default();
    mailbox.sent_drafts.insert(id, sent_id.to_owned());
    Ok(Reply::json(&sent))
}

pub fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let format = view::format(call)?;
    let draft = own_mailbox(world, call)?.draft(call.param("id"))?;
    Ok(Reply::json(&json!({"id": draft.id, "message": view::message(&draft.message, &format)})))
}

pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let query = query::parse(call.query("q").unwrap_or_default(), call.at);
    let size = call.query_count("maxResults", 100, 500)?;
    let mailbox = own_mailbox(world, call)?;
    let found: Vec<Value> = mailbox
        .drafts
        .iter()
        .rev()
        .filter(|draft| query.matches(&draft.message, &mailbox.labels))
        .map(|draft| {
            let message = json!({"id": draft.message.id, "threadId": draft.message.thread_id});
            json!({"id": draft.id, "message": message})
        })
        .collect();
    let total = found.len();
    let page = page(call, found, size)?;
    let mut answer = json!({ "resultSizeEstimate": total });
    if !page.items.is_empty() {
        merge(&mut answer, json!({ "drafts": page.items }));
    }
    if let Some(next) = page.next {
        merge(&mut answer, json!({ "nextPageToken": next }));
    }
    Ok(Reply::json(&answer))
}

pub fn delete(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let id = call.param("id");
    let history_id = HistoryId(world.ids.next());
    own_mailbox(world, call)?.take_draft(id, history_id).ok_or_else(Refusal::not_found)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
