//! The mail sink: takes mail by SMTP (RFC 5321), keeps it, sends it nowhere.
//!
//! Any credential is accepted and noted. Refusals, delays and broken connections come from faults.

mod session;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Shared;
use crate::letter::ParsedMail;
use crate::serve::envelope::merge;
use crate::smtp::wire::Wire;
use crate::world::Weighed;
use nexora_core::base::clock::Timestamp;

/// The stages of a conversation that are counted and can be made to fail.
pub const STAGES: &[&str] = &["connect", "auth", "mail", "rcpt", "data"];

const CONNECTION_LIMIT: usize = 100;

/// How long a stop waits for conversations under way.
const DRAIN: Duration = Duration::from_secs(1);

/// How long to wait when no connection can be taken: all descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A mail that was taken.
pub struct Received {
    pub id: String,
    pub at: Timestamp,
    /// The envelope's sender, empty for a notice of non-delivery.
    pub from: String,
    pub to: Vec<String>,
    pub tls: bool,
    pub authenticated_as: Option<String>,
    /// How the client named itself.
    pub greeting: String,
    pub raw: Bytes,
    pub letter: ParsedMail,
}

impl Weighed for Received {
    fn size_bytes(&self) -> usize {
        // The text is kept twice: as it came and as it reads.
        self.raw.len() * 2
    }
}

impl Received {
    pub fn state(&self) -> Value {
        let mut state = json!({
            "id": self.id,
            "at": self.at,
            "from": self.from,
            "to": self.to,
            "tls": self.tls,
            "authenticated_as": self.authenticated_as,
            "greeting": self.greeting,
            "raw": String::from_utf8_lossy(&self.raw),
        });
        merge(&mut state, self.letter.state());
        state
    }
}

/// Takes connections until `stopping`, then gives conversations a moment to end.
pub async fn listen(listener: TcpListener, shared: Arc<Shared>, stopping: CancellationToken) {
    let mut conversations = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = conversations.join_next() => continue,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) if conversations.len() >= CONNECTION_LIMIT => turn_away(stream).await,
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                conversations.spawn(async move {
                    // A client that breaks off is its own affair.
                    let _ = session::converse(&shared, stream).await;
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, async { while conversations.join_next().await.is_some() {} }).await;
}

async fn turn_away(stream: TcpStream) {
    let _ = Wire::new(stream).say("421 4.3.2 too many connections").await;
}

/// Returns what a refusal says when a fault gives no words of its own.
pub fn usual_text(status: u16) -> &'static str {
    match status {
        421 => "4.3.2 service not available, closing",
        450 => "4.2.1 mailbox busy",
        451 => "4.3.0 local error in processing, try again later",
        452 => "4.3.1 insufficient storage",
        454 => "4.7.0 temporary authentication failure",
        530 => "5.7.0 authentication required",
        535 => "5.7.8 authentication credentials invalid",
        550 => "5.1.1 mailbox unavailable",
        552 => "5.3.4 message too big",
        553 => "5.1.3 mailbox name not allowed",
        554 => "5.0.0 transaction failed",
        400..=499 => "4.0.0 temporary failure",
        _ => "5.0.0 permanent failure",
    }
}
