//! A message that did not arrive, from whatever source that is known: a mail system's report, or a relay that
//! refused the recipient.
//!
//! An address that does not work is not written to any more, and what waited for the contact ends. A failure that
//! says nothing of the address suppresses nothing; when it comes again and again, a person is asked to look.

use crate::domain::automation::fact::{self, Detail};
use crate::domain::contact::link::SignedLinks;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::TaskId;
use nexora_core::model::consent::{Scope, Suppression, SuppressionReason};
use nexora_core::model::event::{About, EventKind};
use nexora_core::model::message::{DeliveryState, Message};
use nexora_core::model::task::{Task, TaskState};
use nexora_store::{Tx, consent, message, task};

/// Failures in a row after which a person is asked to look.
const IN_A_ROW: usize = 3;

/// An address that does not work.
#[derive(Clone, Debug)]
pub struct HardBounce<'a> {
    pub about: About,
    pub address: &'a str,
    /// Names the message among others, however often it is reported.
    pub key: &'a str,
    /// The words of the mail system.
    pub diagnostic: &'a str,
    /// The stage that heard of it, as the audit trail writes it.
    pub actor: &'static str,
}

/// Suppresses an address that does not work, and tells of it once for each message.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn hard(tx: &mut Tx, linker: &SignedLinks, bounce: HardBounce<'_>, now: Timestamp) -> Result<()> {
    let suppression = Suppression {
        tenant_id: tx.tenant().clone(),
        hash: linker.hash_of(tx.tenant(), bounce.address),
        scope: Scope::All,
        reason: SuppressionReason::Bounced,
        detail: bounce.diagnostic.to_owned(),
        actor: bounce.actor.to_owned(),
        created_at: now,
    };
    let _ = consent::suppress(tx, &suppression)?;
    let detail = Detail { to: bounce.diagnostic, from: "" };
    fact::record_event(tx, EventKind::MessageBounced, bounce.key, bounce.about, detail, now).map(|_| ())
}

/// Notes a failure that says nothing of the address. When the last messages to it all came back so, a task asks a
/// person to reach the contact in another way.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn soft(tx: &mut Tx, failed: &Message, diagnostic: &str, now: Timestamp) -> Result<()> {
    let Some(contact_id) = &failed.contact_id else { return Ok(()) };
    let latest = message::latest_sent_to(tx, contact_id, &failed.recipient, IN_A_ROW)?;
    let all_failed = latest.iter().all(|state| *state == Some(DeliveryState::SoftBounced));
    let title = format!("Mails to {} do not arrive", failed.recipient);
    if latest.len() < IN_A_ROW || !all_failed || task::any_open(tx, contact_id, &title)? {
        return Ok(());
    }
    let task = Task {
        tenant_id: tx.tenant().clone(),
        id: TaskId::new(now),
        title,
        detail: format!(
            "The last {IN_A_ROW} came back, and not because the address is wrong: {diagnostic}. Call, or ask for another address."
        ),
        state: TaskState::Open,
        contact_id: Some(contact_id.clone()),
        lead_id: failed.lead_id.as_deref().map(str::parse).transpose()?,
        run_id: None,
        due_at: None,
        created_at: now,
        done_at: None,
    };
    task::insert(tx, &task)
}
