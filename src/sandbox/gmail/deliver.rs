//! Mail that arrives: from another mailbox of the sandbox, or from outside.
//!
//! `POST /_sandbox/deliver`, and each of `"deliveries"` among the seeds, is
//!
//! ```text
//! {"mailbox": ADDRESS, "raw": mail as in RFC 5322, "labels"?: [label], "at"?: RFC 3339,
//!  "authentication"?: {"dkim": "pass"|"fail", "domain": "example.com"}}
//! ```
//!
//! Without labels it is INBOX and UNREAD. With `authentication` it gets the verdict that Gmail
//! would write, in place of any that it brings (RFC 8601, section 5). The answer is `{"id", "threadId"}`.

use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::gmail::label;
use crate::gmail::mailbox::{HistoryId, INBOX, Message, UNREAD, read};
use crate::letter;
use crate::serve::envelope::Refusal;
use crate::world::World;
use nexora_core::base::clock::Timestamp;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    mailbox: String,
    raw: String,
    labels: Option<Vec<String>>,
    at: Option<Timestamp>,
    authentication: Option<Authentication>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authentication {
    dkim: Verdict,
    domain: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Fail,
}

impl Authentication {
    /// Writes the header as Gmail's own servers do.
    fn header(&self) -> String {
        let domain: String = self.domain.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
        let verdict = match self.dkim {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
        };
        format!(
            "mx.google.com;\r\n       dkim={verdict} header.i=@{domain} header.s=sandbox header.b=AbCdEfGh;\r\n       \
             dmarc={verdict} (p=NONE sp=NONE dis=NONE) header.from={domain}"
        )
    }
}

/// Delivers a mail from outside.
pub fn deliver(world: &mut World, now: Timestamp, delivery: Delivery) -> Result<Value, Refusal> {
    // Mails have lines that end in CR LF; what people write in JSON seldom does.
    let raw = delivery.raw.replace("\r\n", "\n").replace('\n', "\r\n");
    let raw = match &delivery.authentication {
        Some(found) => letter::with_header(raw.as_bytes(), "Authentication-Results", &found.header()),
        None => raw.into_bytes(),
    };
    let at = delivery.at.unwrap_or(now);
    let labels = delivery.labels.unwrap_or_else(usual_labels);
    let (id, thread_id) = put(world, &delivery.mailbox.to_lowercase(), at, raw, labels)?;
    Ok(json!({"id": id, "threadId": thread_id}))
}

/// Puts a mail into a mailbox as if it had come from outside; an answer joins its thread.
pub fn receive(world: &mut World, address: &str, at: Timestamp, raw: Vec<u8>) -> Result<String, Refusal> {
    put(world, address, at, raw, usual_labels()).map(|(id, _)| id)
}

fn usual_labels() -> Vec<String> {
    vec![INBOX.to_owned(), UNREAD.to_owned()]
}

fn put(
    world: &mut World,
    address: &str,
    at: Timestamp,
    raw: Vec<u8>,
    labels: Vec<String>,
) -> Result<(String, String), Refusal> {
    let raw = letter::with_header(&raw, "Delivered-To", address);
    let (raw, letter) = read(Bytes::from(raw), address)?;
    let id = world.ids.message(at);
    let history_id = HistoryId(world.ids.next());
    let mailbox = world.mailbox(address)?;
    for id in &labels {
        label::check(mailbox, id)?;
    }
    let thread_id = mailbox.thread_of_answer(&letter).unwrap_or_else(|| id.clone());
    let message =
        Message { id: id.clone(), thread_id: thread_id.clone(), labels, history_id, at, raw, letter };
    mailbox.note_added(&message);
    mailbox.messages.put(message);
    Ok((id, thread_id))
}
