//! What arrived becomes a lead and an event, in one write. Nobody is told "yes" before both are
//! durable.

use std::sync::Arc;

use crate::app::App;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::engine::enquiry::{self, Enquiry, FieldFault};
use crate::model::event::{Event, EventKind, EventState, LeadReceived};
use crate::model::lead::{Lead, LeadState, NewLead};
use crate::model::tenant::Tenant;
use crate::model::{EventId, LeadId};
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
    let fingerprint = enquiry::fingerprint(&new);
    let (lead, event) = rows(app, tenant, new, &fingerprint, key, spam)?;
    let (id, inserted) = app.db.write(move |conn| store(conn, &lead, &event, &fingerprint)).await?;
    if inserted == Inserted::New {
        metrics::counter!("nexora_leads_total").increment(1);
        app.nudges.dispatch.notify_one();
    }
    Ok(Intake::Accepted(id, inserted))
}

fn rows(
    app: &App,
    tenant: &Tenant,
    new: NewLead,
    fingerprint: &str,
    key: Option<&str>,
    spam: bool,
) -> Result<(Lead, Event)> {
    let now = app.clock.now();
    let id = LeadId::new(now);
    let quiet = match (spam, new.is_test) {
        (true, _) => Some("held back as spam: a field that people do not see was filled in"),
        (false, true) => Some("a test lead runs nothing"),
        (false, false) => None,
    };
    let payload = LeadReceived { lead_id: id.clone(), fingerprint: fingerprint.to_owned() };
    let event = Event {
        tenant_id: tenant.id.clone(),
        id: EventId::new(now),
        kind: EventKind::LeadReceived,
        dedupe_key: key.map_or_else(|| id.to_string(), |key| format!("lead:{key}")),
        payload: Json::of(&payload)?,
        state: if quiet.is_some() { EventState::Ignored } else { EventState::Pending },
        reason: quiet.map(str::to_owned),
        received_at: now,
        due_at: quiet.is_none().then_some(now),
        attempt: 0,
    };
    let lead = Lead {
        tenant_id: tenant.id.clone(),
        id,
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
        state: if spam { LeadState::Spam } else { LeadState::New },
        received_at: now,
        answered_at: None,
    };
    Ok((lead, event))
}

fn store(conn: &mut Conn, lead: &Lead, event: &Event, fingerprint: &str) -> Result<(LeadId, Inserted)> {
    if event::insert(conn, event)? == Inserted::New {
        lead::insert(conn, lead)?;
        return Ok((lead.id.clone(), Inserted::New));
    }
    let earlier = event::find_by_dedupe_key(conn, &event.tenant_id, &event.dedupe_key)?
        .ok_or_else(|| Error::unavailable("the same lead is being stored just now"))?;
    let received: LeadReceived = earlier.payload.read()?;
    if received.fingerprint != fingerprint {
        return Err(Error::conflict("this idempotency key was used for another lead")
            .hint("send each new lead with a new `Idempotency-Key`"));
    }
    Ok((received.lead_id, Inserted::AlreadyThere))
}
