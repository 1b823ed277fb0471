//! The latest messages of a page, each with what became of it and why.

use crate::ops::report::dashboard::{Names, SHOWN};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::outbound::Recipient;
use nexora_core::model::request::EffectRequest;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::verdict::Decision;
use nexora_engine::report::owner_words;
use nexora_store::{Conn, effect, message, verdict};

/// A message, in or out.
pub struct MessageRow {
    pub at: Timestamp,
    /// To whom, or from whom.
    pub who: String,
    pub subject: String,
    pub fate: Fate,
}

/// What became of a message.
pub enum Fate {
    /// It came in.
    Received,
    Sent,
    /// It is on its way this moment.
    Leaving,
    Waiting {
        why: String,
        until: Option<Timestamp>,
    },
    /// It did not go through, and is tried again.
    Retrying {
        at: Option<Timestamp>,
    },
    /// It may have gone out; the provider is being asked.
    Checking,
    NotSent {
        why: String,
    },
    GivenUp {
        why: String,
    },
}

/// Messages that wait and are shown beside the latest.
const WAITING: i64 = 5;

/// Replies that are shown among the latest.
const REPLIES: i64 = 4;

/// Returns the latest messages and those that wait, latest first.
pub fn load(conn: &mut Conn, tenant: &Tenant, names: &mut Names) -> Result<Vec<MessageRow>> {
    let tx = &mut conn.of(&tenant.id);
    let mut mails = effect::latest_messages(tx, SHOWN - REPLIES)?;
    for waiting in effect::waiting_messages(tx, WAITING)? {
        if mails.iter().all(|mail| mail.id != waiting.id) {
            mails.push(waiting);
        }
    }
    let mut rows = Vec::new();
    for mail in mails {
        rows.extend(outgoing(tx, tenant, mail, names)?);
    }
    for reply in message::latest_received(tx, REPLIES)? {
        let who = names.of(tx, reply.contact_id.as_ref())?.unwrap_or(reply.sender);
        rows.push(MessageRow { at: reply.sent_at, who, subject: reply.subject, fate: Fate::Received });
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    Ok(rows)
}

fn outgoing(conn: &mut Conn, tenant: &Tenant, mail: Effect, names: &mut Names) -> Result<Option<MessageRow>> {
    let request: EffectRequest = mail.request.read()?;
    let Some(message) = request.message() else { return Ok(None) };
    let contact = message.envelope().and_then(|envelope| envelope.contact_id.as_ref());
    let recipient = message.content.recipient();
    let who = match names.of(conn, contact)? {
        Some(name) => name,
        None if recipient == Recipient::Email(&tenant.owner_email) => "you".to_owned(),
        None => recipient.to_string(),
    };
    let at = mail.settled_at.unwrap_or(mail.created_at);
    Ok(Some(MessageRow { at, who, subject: message.content.subject().to_owned(), fate: fate(conn, &mail)? }))
}

fn fate(conn: &mut Conn, mail: &Effect) -> Result<Fate> {
    let reason = || mail.reason.clone().unwrap_or_default();
    let decided = match mail.state {
        EffectState::Delivered | EffectState::Leased | EffectState::InDoubt | EffectState::Dead => None,
        EffectState::Pending | EffectState::Retrying | EffectState::Discarded => {
            verdict::of_effect(&mut conn.of(&mail.tenant_id), &mail.id)?.pop()
        }
    };
    Ok(match (mail.state, decided) {
        (EffectState::Delivered, _) => Fate::Sent,
        (EffectState::InDoubt, _) => Fate::Checking,
        (EffectState::Dead, _) => Fate::GivenUp { why: reason() },
        (EffectState::Discarded, Some(verdict)) if verdict.decision == Decision::Drop => {
            Fate::NotSent { why: owner_words::dropped(verdict.gate).to_owned() }
        }
        (EffectState::Discarded, _) => Fate::NotSent { why: "it was no longer needed".to_owned() },
        (EffectState::Pending | EffectState::Retrying, Some(verdict))
            if verdict.decision == Decision::Hold && mail.due_at.is_some() =>
        {
            Fate::Waiting { why: owner_words::held(verdict.gate).to_owned(), until: mail.due_at }
        }
        (EffectState::Retrying, _) => Fate::Retrying { at: mail.due_at },
        // It has no moment while its connection or its tenant is stopped.
        (EffectState::Pending, _) if mail.due_at.is_none() => {
            Fate::Waiting { why: "its account does not work at the moment".to_owned(), until: None }
        }
        (EffectState::Pending | EffectState::Leased, _) => Fate::Leaving,
    })
}
