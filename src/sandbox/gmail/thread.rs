//! Threads: messages that belong together, listed and read.

use serde_json::{Value, json};

use crate::gmail::{message, own_mailbox, view};
use crate::serve::call::{Call, page};
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::World;

/// Lists the threads of which a message is found, the newest first.
pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let size = call.query_count("maxResults", 100, 500)?;
    let mailbox = own_mailbox(world, call)?;
    let mut ids: Vec<&str> = Vec::new();
    for found in message::find(mailbox, call)? {
        if !ids.contains(&found.thread_id.as_str()) {
            ids.push(&found.thread_id);
        }
    }
    let total = ids.len();
    let page = page(call, ids, size)?;
    let brief = |id: &str| {
        let thread = mailbox.thread(id);
        let history_id = thread.iter().map(|message| message.history_id).max().unwrap_or_default();
        let snippet = thread.last().map(|message| message.letter.snippet());
        json!({"id": id, "snippet": snippet, "historyId": history_id.to_string()})
    };
    let threads: Vec<Value> = page.items.into_iter().map(brief).collect();
    let mut answer = json!({ "resultSizeEstimate": total });
    if !threads.is_empty() {
        merge(&mut answer, json!({ "threads": threads }));
    }
    if let Some(next) = page.next {
        merge(&mut answer, json!({ "nextPageToken": next }));
    }
    Ok(Reply::json(&answer))
}

/// Shows a thread with its messages, the oldest first.
pub fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let format = view::format(call)?;
    let id = call.param("id");
    let thread = own_mailbox(world, call)?.thread(id);
    let history_id = thread.iter().map(|message| message.history_id).max().ok_or_else(Refusal::not_found)?;
    let messages: Vec<Value> = thread.into_iter().map(|message| view::message(message, &format)).collect();
    Ok(Reply::json(&json!({"id": id, "historyId": history_id.to_string(), "messages": messages})))
}
