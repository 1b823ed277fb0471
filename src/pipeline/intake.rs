//! What arrived becomes a lead and an event, in one write. Nobody is told "yes" before both are
//! durable.

use std::time::Duration;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::engine::enquiry::{self, Enquiry, FieldFault};
use crate::engine::photo::Picture;
use crate::engine::spam::{self, Score, Signals};
use crate::model::address::{EmailAddress, PhoneNumber};
use crate::model::consent::Channel;
use crate::model::event::{Event, EventKind, EventState, LeadReceived};
use crate::model::form::{FieldName, Photo, Wording};
use crate::model::lead::{Agreed, Lead, LeadState, NewLead};
use crate::model::tenant::Tenant;
use crate::model::{ContactId, LeadId, PhotoId, TenantId};
use crate::pipeline::consent::{self, Given};
use crate::pipeline::contact;
use crate::store::{Conn, Inserted, event, form, lead};

/// What became of an enquiry.
#[derive(Debug)]
pub enum Intake {
    /// The lead is durable. `AlreadyThere` when the same submission had arrived before.
    Accepted(LeadId, Inserted),
    /// Nothing was stored: these fields are wrong.
    Invalid(Vec<FieldFault>),
}

/// What somebody offers: an enquiry with all that came beside it.
#[derive(Clone, Default)]
pub struct Offer {
    pub enquiry: Enquiry,
    /// With the same key again, the answer is that of the first time.
    pub key: Option<String>,
    /// The fields that must be filled in, besides those without which nobody can be answered.
    pub required: Vec<FieldName>,
    /// What is known of a sender whom nobody vouches for; without it nothing speaks for spam.
    pub signals: Option<Signals>,
    pub consents: Vec<Agreed>,
    pub pictures: Vec<Picture>,
}

impl Offer {
    /// An enquiry with nothing beside it.
    pub fn of(enquiry: Enquiry) -> Offer {
        Offer { enquiry, ..Offer::default() }
    }
}

/// The longest `Idempotency-Key` that is kept.
const KEY_LENGTH: usize = 200;

/// Tells what is wrong with an enquiry, without taking it.
///
/// # Errors
/// `Usage` when the tenant's country is none.
pub fn check(tenant: &Tenant, offer: &Offer) -> Result<Vec<FieldFault>> {
    let read = enquiry::validate(offer.enquiry.clone(), tenant.country()?, &offer.required);
    Ok(read.err().unwrap_or_default())
}

/// Returns a wording that people were shown; nothing when there was no such version.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn wording(
    app: &App,
    tenant: &TenantId,
    channel: Channel,
    version: i32,
) -> Result<Option<Wording>> {
    let tenant = tenant.clone();
    app.db.read(move |conn| form::find_wording(conn, &tenant, channel, version)).await
}

/// Accepts an enquiry for a tenant.
///
/// # Errors
/// `Usage` when the key is too long, `Conflict` when it was used for something else, `Unavailable`
/// when the lead cannot be kept.
pub async fn accept(app: &App, tenant: &Tenant, offer: Offer) -> Result<Intake> {
    let Offer { enquiry, key, required, mut signals, consents, pictures } = offer;
    if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_LENGTH) {
        return Err(Error::usage(format!("an idempotency key has 1 to {KEY_LENGTH} characters")));
    }
    if !enquiry.honeypot.trim().is_empty() {
        signals.get_or_insert_default().honeypot = true;
    }
    let new = match enquiry::validate(enquiry, tenant.country()?, &required) {
        Ok(new) => new,
        Err(faults) => return Ok(Intake::Invalid(faults)),
    };
    let arrival = Arrival {
        key: key.map(|key| format!("lead:{key}")),
        signals,
        consents,
        pictures,
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
    pub pictures: Vec<Picture>,
    /// As in an [`Offer`].
    pub signals: Option<Signals>,
    /// Why the state is what it is, beside what the signals say.
    pub reasons: Vec<String>,
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
            pictures: Vec::new(),
            signals: None,
            reasons: Vec::new(),
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
    let Arrival {
        new,
        key,
        state,
        reply_to,
        original,
        consents,
        pictures,
        signals,
        mut reasons,
        masked_phone,
    } = arrival;
    let fingerprint = enquiry::fingerprint(&new);
    // Two copies at the same moment come one after the other, so that the second makes nobody's acquaintance.
    if let Some(key) = &key {
        event::hold_key(conn, tenant, key)?;
        if let Some(earlier) = event::find_by_dedupe_key(conn, tenant, key)? {
            return same(&earlier, &fingerprint);
        }
    }
    let id = LeadId::new(now);
    let body_hash = new.message.as_deref().and_then(spam::body_hash);
    let score = match signals {
        Some(signals) => weigh(conn, tenant, &new, body_hash.as_deref(), signals, now)?,
        None => Score::default(),
    };
    let state = if score.is_spam() { LeadState::Spam } else { state };
    reasons.extend(score.reasons);
    let quiet = match (state, new.is_test) {
        (LeadState::Spam, _) => Some(format!("held back as spam: {}", reasons.join("; "))),
        (_, true) => Some("a test lead runs nothing".to_owned()),
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
        Some(why) => Event { state: EventState::Ignored, reason: Some(why), due_at: None, ..pending },
    };
    if event::insert(conn, &event)? == Inserted::AlreadyThere {
        return Err(Error::unavailable("the same lead is being stored just now"));
    }
    if let Some(contact_id) = &contact_id {
        note_all(conn, tenant, contact_id, &new.source, &consents, now)?;
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
        score: score.points,
        reasons: Json::of(&reasons)?,
        body_hash,
        consents: Json::of(&consents)?,
    };
    lead::insert(conn, &lead)?;
    for picture in pictures {
        form::insert_photo(conn, &photo(&lead, picture)?)?;
    }
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

/// Returns the lead of an earlier copy.
fn same(earlier: &Event, fingerprint: &str) -> Result<(LeadId, Inserted)> {
    let received: LeadReceived = earlier.payload.read()?;
    if received.fingerprint != fingerprint {
        return Err(Error::conflict("this idempotency key was used for another lead")
            .hint("send each new lead with a new `Idempotency-Key`"));
    }
    Ok((received.lead_id, Inserted::AlreadyThere))
}

/// Tells how much speaks for spam, with what our own records say of the sender and the text.
fn weigh(
    conn: &mut Conn,
    tenant: &TenantId,
    new: &NewLead,
    body_hash: Option<&str>,
    signals: Signals,
    now: Timestamp,
) -> Result<Score> {
    let (email, phone) = (new.email.as_ref(), new.phone.as_ref());
    let repeats = match body_hash {
        Some(hash) => lead::same_text(conn, tenant, hash, (email, phone), now - REPEAT_WINDOW)?,
        None => 0,
    };
    let mut acquainted = false;
    for (kind, value) in contact::keys(email, phone) {
        acquainted |= crate::store::contact::find_by_address(conn, tenant, kind, &value)?.is_some();
    }
    let signals = Signals { repeats, acquainted, ..signals };
    Ok(spam::score(&signals, &new.name, new.message.as_deref().unwrap_or_default()))
}

/// Within this time the same text from somebody else speaks for spam.
const REPEAT_WINDOW: Duration = Duration::from_secs(86_400);

fn note_all(
    conn: &mut Conn,
    tenant: &TenantId,
    contact_id: &ContactId,
    source: &str,
    words: &[Agreed],
    now: Timestamp,
) -> Result<()> {
    for word in words.iter().cloned() {
        consent::note(conn, tenant, contact_id, word, Given { source, actor: "lead" }, now)?;
    }
    Ok(())
}

fn photo(lead: &Lead, picture: Picture) -> Result<Photo> {
    let pixels = |side: u32| {
        i32::try_from(side).map_err(|error| Error::internal("a photo has too many pixels").source(error))
    };
    Ok(Photo {
        tenant_id: lead.tenant_id.clone(),
        id: PhotoId::new(lead.received_at),
        lead_id: lead.id.clone(),
        width: pixels(picture.width)?,
        height: pixels(picture.height)?,
        content: picture.content,
        created_at: lead.received_at,
    })
}

/// Lets a lead go that was held back as spam: it becomes somebody's, and its automations begin.
///
/// # Errors
/// `Conflict` when it is not held back.
pub fn release(conn: &mut Conn, lead: &Lead, now: Timestamp) -> Result<()> {
    if lead.state != LeadState::Spam {
        return Err(Error::conflict(format!("lead `{}` is {} and not held back", lead.id, lead.state)));
    }
    let (tenant, email, phone) = (&lead.tenant_id, lead.email.as_ref(), lead.phone.as_ref());
    let contact_id = contact::resolve(conn, tenant, &lead.name, email, phone, now)?;
    if let Some(contact_id) = &contact_id {
        note_all(conn, tenant, contact_id, &lead.source, &lead.consents.read::<Vec<Agreed>>()?, now)?;
    }
    lead::save_review(conn, &Lead { state: LeadState::New, contact_id: contact_id.clone(), ..lead.clone() })?;
    let payload = Json::of(&LeadReceived { lead_id: lead.id.clone(), fingerprint: String::new() })?;
    // What arrived stays as it was; that it may run now is another fact.
    let key = format!("released:{}:{}", lead.id, now.millis());
    let event = Event::pending(tenant, EventKind::LeadReceived, key, payload, contact_id, now);
    event::insert(conn, &event).map(|_| ())
}
