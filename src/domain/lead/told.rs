//! The event that tells of a lead: automations begin with it, each once.

use nexora_core::base::Result;
use nexora_core::model::event::{About, Event, EventKind};
use nexora_core::model::lead::Lead;
use nexora_core::model::{EventId, LeadId};
use nexora_store::{Tx, event};

/// How the dedupe key begins of an event that tells of a lead anew, before the lead's id.
pub const RELEASED: &str = "released:";

/// Events that are looked at.
const EVENTS: i64 = 100;

/// Returns the event that tells of a lead: the last by which it was let go where it was held back, or else the one with
/// which it came. Nothing where it is gone.
///
/// # Errors
/// `Internal` when what is stored cannot be read.
pub fn event_of(tx: &mut Tx, lead: &Lead) -> Result<Option<Event>> {
    let released = event::with_key_prefix(tx, &format!("{RELEASED}{}", lead.id), EVENTS)?;
    if let Some(last) = released.into_iter().max_by_key(|event| event.id.clone()) {
        return Ok(Some(last));
    }
    // It was made right after the lead, by the same process, whose ids never run backwards.
    let body = lead.id.as_str().rsplit('_').next().unwrap_or_default();
    let after = EventId::parse(&format!("{}_{body}", EventId::PREFIX))?;
    for found in event::of_kind_after(tx, EventKind::LeadReceived, &after, EVENTS)? {
        if lead_of(&found)?.as_ref() == Some(&lead.id) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Returns the lead that an event tells of.
///
/// # Errors
/// `Internal` when what is stored cannot be read.
pub fn lead_of(event: &Event) -> Result<Option<LeadId>> {
    Ok(event.payload.read::<About>()?.lead_id)
}
