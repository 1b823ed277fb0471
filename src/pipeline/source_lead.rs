//! What a source sent, stored: a lead, a notice that one must be fetched, or an event about one. Each is known again by
//! the sender's id and what it says, so that a second copy changes nothing.

use sha2::{Digest, Sha256};

use crate::domain::automation::fact::tell;
use crate::pipeline::intake::{self, Arrival, Identity};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::{Json, hex};
use nexora_core::model::contact::{AddressKind, AddressProof};
use nexora_core::model::event::{About, EventKind, LeadReceived, WebhookEvent};
use nexora_core::model::lead::LeadState;
use nexora_core::model::source::{Notice, NoticeState, Source};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{LeadId, NoticeId};
use nexora_engine::lead::enquiry::{self, Enquiry};
use nexora_engine::lead::lead_format::parsed_lead::ParsedLead;
use nexora_engine::lead::lead_format::value::lead_id;
use nexora_engine::lead::lead_format::webhook::{LeadNotice, LeadUpdate, Remark};
use nexora_store::{Conn, Inserted, contact, event, lead, notice};

/// The longest id of a sender's that is part of a key; a longer one goes by its hash.
pub const ID_LENGTH: usize = 160;

/// Where a lead, a notice or a remark came from, and what is kept with it.
pub struct Origin {
    pub tenant: Tenant,
    pub source: Source,
    /// The body without its secrets.
    pub original: String,
    /// The key of a lead that brings no id of its own.
    pub fallback: Option<String>,
    pub body_hash: String,
    /// What the lead's `source` holds.
    pub lead_source: String,
}

impl Origin {
    /// Returns the key by which a lead of this source is known.
    fn key(&self, id: &str) -> String {
        let id: String = id.chars().filter(|c| !c.is_control()).collect();
        match id.len() > ID_LENGTH {
            true => format!("hook:{}:{}", self.source.id, hex(Sha256::digest(&id))),
            false => format!("hook:{}:{id}", self.source.id),
        }
    }
}

/// Stores a lead; one that brings no way to answer is for a person to review.
pub fn store_lead(conn: &mut Conn, origin: &Origin, parsed: ParsedLead, now: Timestamp) -> Result<LeadId> {
    let tenant = &origin.tenant;
    let tx = &mut conn.of(&tenant.id);
    let id = lead_id(parsed.external_id.as_deref()).or_else(|| origin.fallback.clone());
    let new = enquiry::salvage(parsed.enquiry, tenant.country()?);
    let answerable =
        new.email.is_some() || new.phone.is_some() || parsed.reply_to.is_some() || parsed.answered_there;
    let arrival = Arrival {
        identity: id.map(|id| Identity::SenderId(origin.key(&id))),
        state: match (parsed.spam, answerable) {
            (Some(_), _) => LeadState::Spam,
            (None, true) => LeadState::New,
            (None, false) => LeadState::NeedsReview,
        },
        reasons: parsed.spam.map(str::to_owned).into_iter().collect(),
        reply_to: parsed.reply_to.clone(),
        original: Some(origin.original.clone()),
        consents: parsed.consents,
        masked_phone: parsed.masked_phone,
        ..Arrival::of(new)
    };
    let id = store(tx, origin, arrival, now)?;
    if let Some(relay) = parsed.reply_to
        && let Some(stored) = lead::find(tx, &id)?
        && let Some(contact_id) = stored.contact_id
    {
        let relay = (AddressKind::Email, relay.key());
        let _ = contact::add_address(tx, &contact_id, (relay.0, &relay.1), AddressProof::Relay, now)?;
    }
    Ok(id)
}

/// Stores what should be a lead and cannot be read, once for each body.
pub fn store_unusable(conn: &mut Conn, origin: &Origin, reason: &str, now: Timestamp) -> Result<LeadId> {
    let enquiry = Enquiry {
        name: format!("Enquiry from {}", origin.source.name),
        source: origin.lead_source.clone(),
        message: format!("This could not be read as a lead: {reason}."),
        ..Enquiry::default()
    };
    tracing::warn!(tenant.id = %origin.tenant.id, source.id = %origin.source.id, reason, "a lead needs review");
    let arrival = Arrival {
        identity: Some(Identity::Key(origin.key(&format!("body:{}", origin.body_hash)))),
        state: LeadState::NeedsReview,
        original: Some(origin.original.clone()),
        ..Arrival::of(enquiry::salvage(enquiry, origin.tenant.country()?))
    };
    store(conn, origin, arrival, now)
}

fn store(conn: &mut Conn, origin: &Origin, arrival: Arrival, now: Timestamp) -> Result<LeadId> {
    let tenant = &origin.tenant.id;
    conn.transaction(|conn| intake::store(&mut conn.of(tenant), arrival, now)).map(|(id, _)| id)
}

fn known(conn: &mut Conn, origin: &Origin, key: &str) -> Result<Option<LeadId>> {
    let Some(earlier) = event::find_by_dedupe_key(&mut conn.of(&origin.tenant.id), key)? else {
        return Ok(None);
    };
    let received: LeadReceived = earlier.payload.read()?;
    Ok(Some(received.lead_id))
}

/// Stores that a lead is to be fetched. What is announced of one that was announced before is an event.
pub fn announce(conn: &mut Conn, origin: &Origin, announced: LeadNotice, now: Timestamp) -> Result<()> {
    let Origin { tenant, source, .. } = origin;
    let payload = serde_json::json!({ "event_id": announced.update.as_ref().map(|update| &update.id) });
    let new = Notice {
        tenant_id: tenant.id.clone(),
        id: NoticeId::new(now),
        source_id: source.id.clone(),
        external_id: announced.external_id.clone(),
        payload: Json::of(&payload)?,
        state: NoticeState::Pending,
        reason: None,
        attempt: 0,
        epoch: 0,
        due_at: Some(now),
        received_at: now,
        settled_at: None,
        lead_id: None,
    };
    if notice::insert(conn, &new)? == Inserted::New {
        return Ok(());
    }
    let first = notice::find_by_external_id(&mut conn.of(&tenant.id), &source.id, &announced.external_id)?;
    match announced.update {
        Some(update) if first.is_none_or(|first| first.payload.value() != payload) => {
            let LeadUpdate { id, event } = update;
            let data = serde_json::json!({ "lead_id": announced.external_id, "event_id": id });
            let remark = Remark { id, lead: announced.external_id, event, text: String::new(), data };
            tell_remark(conn, origin, remark, now)
        }
        _ => Ok(()),
    }
}

/// Stores what was said about a lead as an event; it may come before its lead.
pub fn tell_remark(conn: &mut Conn, origin: &Origin, remark: Remark, now: Timestamp) -> Result<()> {
    let tenant = &origin.tenant.id;
    let tx = &mut conn.of(tenant);
    let lead_id = known(tx, origin, &origin.key(&remark.lead))?;
    let found = lead_id.as_ref().map(|id| lead::find(tx, id)).transpose()?.flatten();
    let said_before = found.as_ref().and_then(|lead| lead.message.as_deref());
    if !remark.text.is_empty() && said_before == Some(remark.text.trim()) {
        // The lead's own description, once more.
        return Ok(());
    }
    let contact_id = found.and_then(|lead| lead.contact_id);
    let about = About { contact_id: contact_id.clone(), lead_id, job_id: None };
    let payload = WebhookEvent { about, name: remark.event.to_owned(), data: remark.data };
    let key = origin.key(&format!("remark:{}", remark.id));
    tell(tx, EventKind::WebhookReceived, key, &payload, contact_id, now).map(|_| ())
}
