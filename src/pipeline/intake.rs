//! What arrived becomes a lead and an event, in one write. Nobody is told "yes" before both are
//! durable.

use std::sync::Arc;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::engine::enquiry::{self, Enquiry, FieldFault};
use crate::model::address::{EmailAddress, PhoneNumber};
use crate::model::event::{Event, EventKind, EventState, LeadReceived};
use crate::model::lead::{Agreed, Lead, LeadState, NewLead};
use crate::model::tenant::Tenant;
use crate::model::{LeadId, TenantId};
use crate::pipeline::consent::{self, Given};
use crate::pipeline::contact;
use crate::store::{Conn, Inserted, event, lead};

/// What became of an enquiry.
#[derive(Debug)]
pub enum Intake {
    /// The lead is durable. `AlreadyThere` when the same submission had arrived before.
    Accepted(LeadId, Inserted),
    /// Nothing was stored: these fields are wrong.
    Invalid(Vec<FieldFault>),
}

/// The longest `Idempotency-Key` that is kept.
const KEY_LENGTH: usize = 200;

/// Accepts an enquiry for a tenant. With the same `key` again, it answers as the first time.
///
/// # Errors
/// `Usage` when the key is too long, `Conflict` when it was used for something else, `Unavailable`
/// when the lead cannot be kept.
pub async fn accept(app: &App, tenant: &Arc<Tenant>, enquiry: Enquiry, key: Option<&str>) -> Result<Intake> {
    if key.is_some_and(|key| key.is_empty() || key.len() > KEY_LENGTH) {
        return Err(Error::usage(format!("an idempotency key has 1 to {KEY_LENGTH} characters")));
    }
    let spam = !enquiry.honeypot.trim().is_empty();
    let new = match enquiry::validate(enquiry, tenant.country()?) {
        Ok(new) => new,
        Err(faults) => return Ok(Intake::Invalid(faults)),
    };
    let arrival = Arrival {
        key: key.map(|key| format!("lead:{key}")),
        state: if spam { LeadState::Spam } else { LeadState::New },
        ..Arrival::of(new)
    };
    let (now, tenant_id) = (app.clock.now(), tenant.id.clone());
    let (id, inserted) = app.db.write(move |conn| store(conn, &tenant_id, arrival, now)).await?;
    if inserted == Inserted::New {
        app.nudges.dispatch.notify_one();
    }
    Ok(Intake::Accepted(id, inserted))
}

/// A lead that is to be stored.
pub struct Arrival {
    pub new: NewLead,
    /// The event's dedupe key, by which a second copy is known; the lead's own id if there is none.
    pub key: Option<String>,
    pub state: LeadState,
    pub reply_to: Option<EmailAddress>,
    pub original: Option<String>,
    pub consents: Vec<Agreed>,
    /// The telephone number is lent by a marketplace: nobody is known by it.
    pub masked_phone: bool,
}

impl Arrival {
    /// A new lead with nothing else to be said of it.
    pub fn of(new: NewLead) -> Arrival {
        Arrival {
            new,
            key: None,
            state: LeadState::New,
            reply_to: None,
            original: None,
            consents: Vec::new(),
            masked_phone: false,
        }
    }
}

/// Stores the lead, its contact and its event, unless the same had arrived before.
///
/// # Errors
/// `Conflict` when the key was used for another lead.
pub fn store(
    conn: &mut Conn,
    tenant: &TenantId,
    arrival: Arrival,
    now: Timestamp,
) -> Result<(LeadId, Inserted)> {
    let Arrival { new, key, state, reply_to, original, consents, masked_phone } = arrival;
    let fingerprint = enquiry::fingerprint(&new);
    let id = LeadId::new(now);
    let quiet = match (state, new.is_test) {
        (LeadState::Spam, _) => Some("held back as spam: a field that people do not see was filled in"),
        (_, true) => Some("a test lead runs nothing"),
        (_, false) => None,
    };
    let (email, phone) = known_by(&new, reply_to.as_ref(), masked_phone);
    // Spam makes no acquaintances.
    let contact_id = match state {
        LeadState::Spam => None,
        _ => contact::resolve(conn, tenant, &new.name, email, phone, now)?,
    };
    let payload = LeadReceived { lead_id: id.clone(), fingerprint: fingerprint.clone() };
    let key = key.unwrap_or_else(|| id.to_string());
    let payload = Json::of(&payload)?;
    let pending = Event::pending(tenant, EventKind::LeadReceived, key, payload, contact_id.clone(), now);
    let event = match quiet {
        None => pending,
        Some(why) => {
            Event { state: EventState::Ignored, reason: Some(why.to_owned()), due_at: None, ..pending }
        }
    };
    if event::insert(conn, &event)? == Inserted::AlreadyThere {
        return earlier(conn, &event, &fingerprint);
    }
    if let Some(contact_id) = &contact_id {
        for word in consents.iter().cloned() {
            let given = Given { source: &new.source, actor: "lead" };
            consent::note(conn, tenant, contact_id, word, given, now)?;
        }
    }
    let lead = Lead {
        tenant_id: tenant.clone(),
        id: id.clone(),
        name: new.name,
        email: new.email,
        phone: new.phone,
        service: new.service,
        message: new.message,
        address: new.address,
        postcode: new.postcode,
        preferred_time: new.preferred_time,
        source: new.source,
        attribution: Json::of(&new.attribution)?,
        is_test: new.is_test,
        state,
        received_at: now,
        answered_at: None,
        contact_id,
        reply_to,
        original,
        responded_at: None,
        details: Json::of(&new.details)?,
        cost_cents: new.cost_cents,
        score: 0,
        reasons: Json::of(&Vec::<String>::new())?,
        body_hash: None,
        consents: Json::of(&consents)?,
    };
    lead::insert(conn, &lead)?;
    metrics::counter!("nexora_leads_total").increment(1);
    Ok((id, Inserted::New))
}

/// Returns the addresses by which a person is known. One that a marketplace lends to one person is theirs; a
/// number that it lends goes from one to the next.
fn known_by<'a>(
    new: &'a NewLead,
    relay: Option<&'a EmailAddress>,
    masked_phone: bool,
) -> (Option<&'a EmailAddress>, Option<&'a PhoneNumber>) {
    match masked_phone {
        true => (new.email.as_ref().or(relay), None),
        false => (new.email.as_ref(), new.phone.as_ref()),
    }
}

fn earlier(conn: &mut Conn, event: &Event, fingerprint: &str) -> Result<(LeadId, Inserted)> {
    let earlier = event::find_by_dedupe_key(conn, &event.tenant_id, &event.dedupe_key)?
        .ok_or_else(|| Error::unavailable("the same lead is being stored just now"))?;
    let received: LeadReceived = earlier.payload.read()?;
    if received.fingerprint != fingerprint {
        return Err(Error::conflict("this idempotency key was used for another lead")
            .hint("send each new lead with a new `Idempotency-Key`"));
    }
    Ok((received.lead_id, Inserted::AlreadyThere))
}
