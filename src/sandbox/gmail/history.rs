//! What happened in a mailbox, in order: the log that `history.list` reads.
//!
//! Every change has a number that only grows. Google forgets the oldest changes after a while; a
//! start before them, or after the present, is answered with 404.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::gmail::mailbox::{HistoryId, Message};
use crate::gmail::own_mailbox;
use crate::serve::call::{Call, page};
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::world::{BEGINNING, World};

/// Changes kept at most; those before them are as good as forgotten.
const CHANGE_LIMIT: usize = 20_000;

/// The changes of one mailbox.
pub struct History {
    changes: VecDeque<Change>,
    /// The latest change that is forgotten.
    forgotten: u64,
}

impl Default for History {
    fn default() -> History {
        History { changes: VecDeque::new(), forgotten: BEGINNING }
    }
}

/// One change of one message, with the labels that it had afterwards.
struct Change {
    id: HistoryId,
    kind: Kind,
    message_id: String,
    thread_id: String,
    labels: Vec<String>,
}

/// What happened to a message.
pub enum Kind {
    Added,
    Deleted,
    LabelsAdded(Vec<String>),
    LabelsRemoved(Vec<String>),
}

impl History {
    pub fn note(&mut self, id: HistoryId, kind: Kind, message: &Message) {
        if self.changes.len() >= CHANGE_LIMIT {
            self.forgotten = self.changes.pop_front().map_or(self.forgotten, |change| change.id.0);
        }
        self.changes.push_back(Change {
            id,
            kind,
            message_id: message.id.clone(),
            thread_id: message.thread_id.clone(),
            labels: message.labels.clone(),
        });
    }

    /// Forgets everything up to `now`, so that every earlier start is stale.
    pub fn forget(&mut self, now: HistoryId) {
        self.changes.clear();
        self.forgotten = now.0;
    }

    fn is_stale(&self, start: HistoryId) -> bool {
        start.0 < self.forgotten
    }
}

impl Kind {
    /// Returns the name under which it is asked for, and the field that shows it.
    fn names(&self) -> (&'static str, &'static str) {
        match self {
            Kind::Added => ("messageAdded", "messagesAdded"),
            Kind::Deleted => ("messageDeleted", "messagesDeleted"),
            Kind::LabelsAdded(_) => ("labelAdded", "labelsAdded"),
            Kind::LabelsRemoved(_) => ("labelRemoved", "labelsRemoved"),
        }
    }
}

impl Change {
    fn show(&self) -> Value {
        let brief = json!({"id": self.message_id, "threadId": self.thread_id});
        let mut message = brief.clone();
        merge(&mut message, json!({ "labelIds": self.labels }));
        let mut entry = json!({ "message": message });
        if let Kind::LabelsAdded(labels) | Kind::LabelsRemoved(labels) = &self.kind {
            merge(&mut entry, json!({ "labelIds": labels }));
        }
        let (_, field) = self.kind.names();
        json!({"id": self.id.to_string(), "messages": [brief], field: [entry]})
    }
}

/// Lists what happened since a history id.
pub fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let start = call.query("startHistoryId").ok_or_else(|| Refusal::invalid("Missing startHistoryId"))?;
    let start = HistoryId(start.parse().map_err(|_| Refusal::invalid("Invalid startHistoryId"))?);
    let label = call.query("labelId");
    let kinds: Vec<&str> = call.query_all("historyTypes").collect();
    let size = call.query_count("maxResults", 100, 500)?;
    let mailbox = own_mailbox(world, call)?;
    if start > mailbox.history_id || mailbox.history.is_stale(start) {
        return Err(Refusal::not_found());
    }
    let records: Vec<Value> = mailbox
        .history
        .changes
        .iter()
        .filter(|change| change.id > start)
        .filter(|change| kinds.is_empty() || kinds.contains(&change.kind.names().0))
        .filter(|change| label.is_none_or(|label| change.labels.iter().any(|known| known == label)))
        .map(Change::show)
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
