//! What arrived becomes a lead and an event, in one write. No sender is told "yes" before both are
//! durable.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::app::{App, metric};
use crate::domain::automation::stop;
use crate::domain::contact;
use crate::domain::contact::consent::{self, Given};
pub use crate::domain::lead::identity::Identity;
use crate::domain::lead::identity::{Claim, claim, is_same_person};
use crate::domain::lead::told::RELEASED;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::{Json, hex};
use nexora_core::base::{Error, Result};
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::consent::Channel;
use nexora_core::model::contact::AddressProof;
use nexora_core::model::event::{Event, EventKind, EventState, LeadReceived};
use nexora_core::model::form::{ConsentText, FieldName, Photo};
use nexora_core::model::lead::{ConsentRecord, Lead, LeadState, NewLead};
use nexora_core::model::run::{Run, RunState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{LeadId, PhotoId, TenantId};
use nexora_engine::lead::enquiry::{self, Enquiry, FieldFault};
use nexora_engine::lead::photo::Picture;
use nexora_engine::lead::spam::{self, Score, Signals};
use nexora_store::{Conn, Inserted, Tx, event, form, lead, run};

/// What became of an enquiry.
#[derive(Debug)]
pub enum Intake {
    /// The lead is durable. `AlreadyThere` when the same submission had arrived before.
    Accepted(LeadId, Inserted),
    /// Nothing was stored: these fields are wrong.
    Invalid(Vec<FieldFault>),
}

/// An enquiry as it is offered to intake.
#[derive(Clone, Default)]
pub struct Offer {
    pub enquiry: Enquiry,
    /// The same enquiry with the same key is the same lead.
    pub key: Option<Key>,
}

impl Offer {
    /// An enquiry with nothing beside it.
    pub fn of(enquiry: Enquiry) -> Offer {
        Offer { enquiry, key: None }
    }
}

/// By what a second sending is known from a second enquiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// What the sender made up. Strangers may make up the same, so it holds for the same enquiry alone.
    Sender(String),
    /// One showing of our form. What was corrected and sent again is another enquiry.
    FormToken(String),
}

/// The longest `Idempotency-Key` that is kept.
pub const KEY_LENGTH: usize = 200;

/// Tells whether an `Idempotency-Key` is one that we take: not empty, not too long, of visible ASCII.
pub fn is_key(text: &str) -> bool {
    (1..=KEY_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Key {
    /// # Errors
    /// `Usage` when it is empty, too long, or not of visible ASCII.
    pub fn of_sender(text: String) -> Result<Key> {
        match is_key(&text) {
            true => Ok(Key::Sender(text)),
            false => {
                Err(Error::usage(format!("an idempotency key has 1 to {KEY_LENGTH} visible characters")))
            }
        }
    }

    /// Returns how the dedupe keys of its events begin.
    fn prefix(&self) -> String {
        match self {
            Key::Sender(key) => format!("lead:{key}:"),
            Key::FormToken(key) => format!("form:{key}:"),
        }
    }
}

/// Who filled in an enquiry, and can be asked to correct it.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'a> {
    /// A person, who is shown what is wrong, and must fill in these fields, too.
    Person { required: &'a [FieldName] },
    /// A program, which corrects nothing: what cannot be read is kept beside what can.
    Program,
}

/// Reads an enquiry: what could be stored of it, or what is wrong.
///
/// # Errors
/// `Usage` when the tenant's country is none.
pub fn check(
    tenant: &Tenant,
    enquiry: Enquiry,
    sender: Sender<'_>,
) -> Result<Result<Arrival, Vec<FieldFault>>> {
    let honeypot = !enquiry.honeypot.trim().is_empty();
    let signals = honeypot.then(|| Signals { honeypot, ..Signals::default() });
    let read = match sender {
        Sender::Person { required } => enquiry::validate(enquiry, tenant.country()?, required),
        Sender::Program => enquiry::accept(enquiry, tenant.country()?),
    };
    Ok(read.map(|new| Arrival { signals, ..Arrival::of(new) }))
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
) -> Result<Option<ConsentText>> {
    let tenant = tenant.clone();
    app.db.read(move |conn| form::find_wording(&mut conn.of(&tenant), channel, version)).await
}

/// Accepts an enquiry for a tenant.
///
/// # Errors
/// As `take`.
pub async fn accept(app: &App, tenant: &Tenant, offer: Offer) -> Result<Intake> {
    match check(tenant, offer.enquiry, Sender::Person { required: &[] })? {
        Ok(arrival) => {
            let (id, inserted) = take(app, tenant, arrival, offer.key).await?;
            Ok(Intake::Accepted(id, inserted))
        }
        Err(faults) => Ok(Intake::Invalid(faults)),
    }
}

/// Takes what was read, unless the same came before with the same key.
///
/// # Errors
/// `Unavailable` when the lead cannot be kept.
pub async fn take(
    app: &App,
    tenant: &Tenant,
    mut arrival: Arrival,
    key: Option<Key>,
) -> Result<(LeadId, Inserted)> {
    let prefix = key.map(|key| key.prefix());
    arrival.identity = prefix.as_ref().map(|prefix| Identity::Key(format!("{prefix}{}", arrival.digest())));
    let (now, tenant_id) = (app.clock.now(), tenant.id.clone());
    let stored = app.db.write_repeatable(move |conn| {
        let mut arrival = arrival.clone();
        if let (Some(signals), Some(prefix)) = (&mut arrival.signals, &prefix) {
            signals.resent = event::count_keys(&mut conn.of(&tenant_id), prefix)?;
        }
        store(&mut conn.of(&tenant_id), arrival, now)
    });
    let (id, inserted) = stored.await?;
    if inserted == Inserted::New {
        app.nudges.dispatch.notify_one();
    }
    Ok((id, inserted))
}

/// A lead that is to be stored.
#[derive(Clone)]
pub struct Arrival {
    pub new: NewLead,
    /// Nothing where each copy is a lead of its own.
    pub identity: Option<Identity>,
    pub state: LeadState,
    pub reply_to: Option<EmailAddress>,
    pub original: Option<String>,
    pub consents: Vec<ConsentRecord>,
    pub pictures: Vec<Picture>,
    /// What speaks for or against an anonymous sender; nothing where a trusted source vouches for the lead.
    pub signals: Option<Signals>,
    /// Why the state is what it is, beside what the signals say.
    pub reasons: Vec<String>,
    /// The telephone number is lent by a marketplace: no contact is found by it.
    pub masked_phone: bool,
}

impl Arrival {
    /// A new lead with nothing else to be said of it.
    pub fn of(new: NewLead) -> Arrival {
        Arrival {
            new,
            identity: None,
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

    /// Returns a hash of all that came: fields, photos and words of consent.
    fn digest(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(enquiry::fingerprint(&self.new));
        for word in &self.consents {
            digest.update(format!("{}:{}:{}", word.channel, word.given, word.wording));
        }
        for picture in &self.pictures {
            digest.update(Sha256::digest(&picture.content));
        }
        hex(digest.finalize().get(..16).unwrap_or_default())
    }
}

/// Stores the lead, its contact and its event, unless the same had arrived before.
///
/// # Errors
/// `Conflict` when the key was used for another lead.
pub fn store(tx: &mut Tx, arrival: Arrival, now: Timestamp) -> Result<(LeadId, Inserted)> {
    let tenant = tx.tenant();
    let Arrival {
        new,
        identity,
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
    let claim = match identity {
        None => Claim::New { key: None, earlier: None },
        Some(identity) => claim(tx, identity, &fingerprint)?,
    };
    let (key, earlier) = match claim {
        Claim::Repeat(id) => return Ok((id, Inserted::AlreadyThere)),
        Claim::New { key, earlier } => (key, earlier),
    };
    let mut state = state;
    if let Some(earlier) = earlier.map(|id| lead::find(tx, &id)).transpose()?.flatten()
        && is_same_person(&earlier, &new)
        && state == LeadState::New
    {
        state = LeadState::NeedsReview;
        reasons.push(format!("the sender gave it the id of lead {}, which said something else", earlier.id));
    }
    let id = LeadId::new(now);
    let body_hash = new.message.as_deref().and_then(spam::body_hash);
    let score = match signals {
        Some(signals) => weigh(tx, &new, body_hash.as_deref(), signals, now)?,
        None => Score::default(),
    };
    let state = if score.is_spam() { LeadState::Spam } else { state };
    reasons.extend(score.reasons);
    let (email, phone) =
        reached_by((new.email.as_ref(), new.phone.as_ref()), reply_to.as_ref(), masked_phone);
    // Spam creates no contact.
    let contact_id = match state {
        LeadState::Spam => None,
        _ => contact::resolve(tx, &new.name, (email, phone), AddressProof::Claimed, now)?,
    };
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
        masked_phone,
    };
    let event = received(&lead, key, fingerprint, &reasons)?;
    if event::insert(tx, &event)? == Inserted::AlreadyThere {
        return Err(Error::unavailable("the same lead is being stored just now"));
    }
    lead::insert(tx, &lead)?;
    record_consents(tx, &lead)?;
    keep_photos(tx, &lead, pictures)?;
    metrics::counter!(metric::LEADS).increment(1);
    Ok((id, Inserted::New))
}

/// Returns the event that tells of a lead: one of spam or of a test starts no automation.
fn received(lead: &Lead, key: Option<String>, fingerprint: String, reasons: &[String]) -> Result<Event> {
    let payload = Json::of(&LeadReceived { lead_id: lead.id.clone(), fingerprint })?;
    let key = key.unwrap_or_else(|| lead.id.to_string());
    let contact_id = lead.contact_id.clone();
    let event =
        Event::pending(&lead.tenant_id, EventKind::LeadReceived, key, payload, contact_id, lead.received_at);
    let reason = match (lead.state, lead.is_test) {
        (LeadState::Spam, _) => format!("held back as spam: {}", reasons.join("; ")),
        (_, true) => "a test lead runs nothing".to_owned(),
        (_, false) => return Ok(event),
    };
    Ok(Event { state: EventState::Ignored, reason: Some(reason), due_at: None, ..event })
}

/// Returns the addresses by which a person is known. One that a marketplace lends to one person is theirs; a
/// number that it lends goes from one to the next.
fn reached_by<'a>(
    (email, phone): (Option<&'a EmailAddress>, Option<&'a PhoneNumber>),
    relay: Option<&'a EmailAddress>,
    masked_phone: bool,
) -> (Option<&'a EmailAddress>, Option<&'a PhoneNumber>) {
    match masked_phone {
        true => (email.or(relay), None),
        false => (email, phone),
    }
}

/// Tells how much speaks for spam, with what our own records say of the sender and the text.
pub(super) fn weigh(
    tx: &mut Tx,
    new: &NewLead,
    body_hash: Option<&str>,
    signals: Signals,
    now: Timestamp,
) -> Result<Score> {
    let (email, phone) = (new.email.as_ref(), new.phone.as_ref());
    let repeats = match body_hash {
        Some(hash) => lead::same_text(tx, hash, (email, phone), now - DAY)?,
        None => 0,
    };
    let signals = Signals { repeats, acquainted: false, ..signals };
    let of_stranger = spam::score(&signals, new);
    if of_stranger.points == 0 {
        return Ok(of_stranger);
    }
    let mut acquainted = false;
    for (kind, value) in contact::keys(email, phone) {
        acquainted |= nexora_store::contact::find_by_address(tx, kind, &value)?.is_some();
    }
    Ok(spam::score(&Signals { acquainted, ..signals }, new))
}

/// Within this time the same text from another sender speaks for spam.
const DAY: Duration = Duration::from_secs(86_400);

/// Writes the words of consent that came with a lead, given when it came.
fn record_consents(conn: &mut Conn, lead: &Lead) -> Result<()> {
    let Some(contact_id) = &lead.contact_id else { return Ok(()) };
    let tx = &mut conn.of(&lead.tenant_id);
    for word in lead.consents.read::<Vec<ConsentRecord>>()? {
        // Anyone may fill in a form in another's name: what a person took back, a form does not give again.
        let is_withdrawn =
            nexora_store::consent::latest(tx, contact_id, word.channel)?.is_some_and(|last| !last.given);
        if word.given && is_withdrawn {
            tracing::info!(lead.id = %lead.id, channel = %word.channel, "a consent that was taken back is not given again by a form");
            continue;
        }
        let given = Given { source: &lead.source, actor: "lead", lead: Some(lead) };
        consent::note(tx, contact_id, word, given, lead.received_at)?;
    }
    Ok(())
}

/// Photos that a tenant gets in a day at most: beyond it leads are kept without theirs.
const PHOTOS_A_DAY: i64 = 1_000;

fn keep_photos(conn: &mut Conn, lead: &Lead, pictures: Vec<Picture>) -> Result<()> {
    if pictures.is_empty() {
        return Ok(());
    }
    let yesterday = PhotoId::new(lead.received_at - DAY);
    if form::count_photos(&mut conn.of(&lead.tenant_id), &yesterday, PHOTOS_A_DAY)? >= PHOTOS_A_DAY {
        tracing::warn!(tenant.id = %lead.tenant_id, lead.id = %lead.id, "too many photos in a day: those of this lead are not kept");
        return Ok(());
    }
    for picture in pictures {
        form::insert_photo(conn, &photo(lead, picture)?)?;
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

/// Runs of one lead that are looked at.
const RUNS: i64 = 100;

/// Lets a lead go that was held back as spam: it gets its contact, and its automations begin, or go on where they were
/// ended when it was called spam. A test lead runs nothing all the same.
///
/// # Errors
/// `Conflict` when it is not held back.
pub fn release(conn: &mut Conn, lead: &Lead, now: Timestamp) -> Result<()> {
    if lead.state != LeadState::Spam {
        return Err(Error::conflict(format!("lead `{}` is {} and not held back", lead.id, lead.state)));
    }
    let tenant = &lead.tenant_id;
    let tx = &mut conn.of(tenant);
    let is_new = lead.contact_id.is_none();
    let contact_id = match &lead.contact_id {
        Some(known) => Some(known.clone()),
        None => {
            let (email, phone) = reached_by(
                (lead.email.as_ref(), lead.phone.as_ref()),
                lead.reply_to.as_ref(),
                lead.masked_phone,
            );
            contact::resolve(tx, &lead.name, (email, phone), AddressProof::Claimed, now)?
        }
    };
    let lead = Lead { state: LeadState::New, contact_id, ..lead.clone() };
    lead::save_review(tx, &lead)?;
    if is_new {
        record_consents(tx, &lead)?;
    }
    if lead.is_test {
        return Ok(());
    }
    let ran = run::Filter { subject: Some(lead.id.to_string()), ..run::Filter::default() };
    let ran = run::list(tx, &ran, RUNS)?;
    if !ran.is_empty() {
        // What they were ended for is taken back: they go on where they were.
        let is_ended =
            |run: &&Run| run.state == RunState::Cancelled && run.reason.as_deref() == Some(stop::SPAM);
        return ran.iter().filter(is_ended).try_for_each(|run| stop::resume(tx, run, now));
    }
    let payload = Json::of(&LeadReceived { lead_id: lead.id.clone(), fingerprint: String::new() })?;
    // What arrived stays as it was; that it may run now is another fact.
    let key = format!("{RELEASED}{}:{}", lead.id, now.millis());
    let event = Event::pending(tenant, EventKind::LeadReceived, key, payload, lead.contact_id, now);
    event::insert(tx, &event).map(|_| ())
}
