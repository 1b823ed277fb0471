//! Drafts: what is written and not sent. Sending one deletes it.

use hyper::StatusCode;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::gmail::mailbox::{Brought, Draft};
use crate::sandbox::gmail::{message, own_mailbox, query, view};
use crate::sandbox::serve::call::{Call, page};
use crate::sandbox::serve::envelope::{Refusal, Reply, merge};
use crate::sandbox::world::World;

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
    let message = message::make_draft(world, call, raw, asked.message.thread_id)?;
    let draft = Draft { id: world.ids.draft(), message };
    put(world, call, draft)
}

pub fn update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let raw = asked.message.bytes(call)?.ok_or_else(message::missing_raw)?;
    let id = call.param("id").to_owned();
    let thread_id = own_mailbox(world, call)?.draft(&id)?.message.thread_id.clone();
    let thread_id = asked.message.thread_id.unwrap_or(thread_id);
    let message = message::make_draft(world, call, raw, Some(thread_id))?;
    own_mailbox(world, call)?.drafts.take(|draft| draft.id == id);
    put(world, call, Draft { id, message })
}

fn put(world: &mut World, call: &Call, draft: Draft) -> Result<Reply, Refusal> {
    let answer = json!({"id": draft.id, "message": view::brief(&draft.message)});
    own_mailbox(world, call)?.drafts.put(draft);
    Ok(Reply::json(&answer))
}

/// Sends a draft, with another content if the call brings one. An upload that is empty brings none:
/// Google's generated clients cannot leave it out.
pub fn send(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: Asked = call.read()?;
    let raw = asked.message.bytes(call)?;
    let Some(id) = asked.id.filter(|id| !id.is_empty()) else {
        let raw = raw.ok_or_else(|| Refusal::invalid("Missing draft id"))?;
        return finish(world, call, raw, asked.message.thread_id);
    };
    let draft = own_mailbox(world, call)?.draft(&id)?;
    let raw = raw.unwrap_or_else(|| draft.message.raw.clone());
    let thread_id = Some(draft.message.thread_id.clone());
    let reply = finish(world, call, raw, thread_id)?;
    own_mailbox(world, call)?.drafts.take(|draft| draft.id == id);
    Ok(reply)
}

fn finish(world: &mut World, call: &Call, raw: Bytes, thread: Option<String>) -> Result<Reply, Refusal> {
    let message = message::post(world, call, raw, thread)?;
    let answer = view::brief(&message);
    own_mailbox(world, call)?.messages.put(message);
    Ok(Reply::json(&answer))
}

pub fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let format = view::format(call)?;
    let draft = own_mailbox(world, call)?.draft(call.param("id"))?;
    Ok(Reply::json(&json!({"id": draft.id, "message": view::message(&draft.message, &format)})))
}

pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let query = query::parse(call.query("q").unwrap_or_default(), call.at)?;
    let size = call.query_count("maxResults", 100, 500)?;
    let found: Vec<Value> = own_mailbox(world, call)?
        .drafts
        .iter()
        .rev()
        .filter(|draft| query.matches(&draft.message))
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
    own_mailbox(world, call)?.drafts.take(|draft| draft.id == id).ok_or_else(Refusal::not_found)?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
