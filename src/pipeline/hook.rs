//! A call from a source of leads: verified, read, and made a lead, a notice or an event, in one write.
//!
//! A verified body never gets lost. One that cannot be read is kept as a lead for a person to review; one
//! that came before is answered as the first time and changes nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::secret::{Secret, random_bytes};
use crate::base::text::{Json, hex};
use crate::base::{Error, Kind, Result};
use crate::engine::enquiry::{self, Enquiry};
use crate::engine::lead_format::verify::{self, Call, Headers, Verdict};
use crate::engine::lead_format::{self, Body, Found, Reading, Remark, Sender, Told, original};
use crate::model::contact::AddressKind;
use crate::model::event::{About, EventKind, LeadReceived, WebhookEvent};
use crate::model::lead::LeadState;
use crate::model::source::{Notice, NoticeState, Source, SourceKind, SourceSecrets, SourceSettings};
use crate::model::tenant::Tenant;
use crate::model::{LeadId, NoticeId};
use crate::pipeline::fact::tell;
use crate::pipeline::intake::{self, Arrival, Intake};
use crate::store::{Conn, Inserted, contact, event, lead, notice, source};

/// A call as it came in.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub headers: Headers,
    /// The last part of the address, where it is a secret.
    pub token: Option<String>,
    pub body: Vec<u8>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is durable, or was before, or there was nothing to keep.
    Kept(Option<LeadId>),
    /// It is not in the format. It was verified, and is kept for review all the same.
    Malformed(String),
    /// It is not known to be the source's, and nothing of it is kept; with what is wrong about its format, where
    /// that is why.
    Refused(Verdict, Option<String>),
}

/// The longest id of somebody else's that is part of a key; a longer one goes by its hash.
const ID_LENGTH: usize = 160;

/// Opens what a source is verified by.
///
/// # Errors
/// `Denied` when the master key does not open it.
pub fn secrets(app: &App, source: &Source) -> Result<SourceSecrets> {
    let missing = || Error::denied(format!("source `{}` has no secret", source.name));
    let sealed = source.sealed.as_deref().ok_or_else(missing)?;
    SourceSecrets::parse(&app.key.open(&source.seal_owner(), sealed)?)
}

/// Takes in what a source sends.
///
/// # Errors
/// `Unavailable` when it cannot be kept.
pub async fn take(app: &App, tenant: &Tenant, source: &Source, incoming: Incoming) -> Result<Taken> {
    let (now, kind) = (app.clock.now(), source.kind);
    let settings: SourceSettings = source.settings.read()?;
    let secrets = secrets(app, source)?;
    let Incoming { headers, token, body } = incoming;
    let call = Call { headers: &headers, token: token.as_deref(), body: &body };
    let verdict = verify::check(kind, &settings, &secrets, call, now);
    let sender = Sender { kind, settings: &settings, name: &source.name };
    let content_type = headers.get("content-type").map(String::as_str).unwrap_or_default();
    let read = || lead_format::read(sender, Body { content_type, bytes: &body });
    if verdict != Verdict::Good {
        count(kind, "refused");
        // Google's key is a part of the body, and what is not in the format carries none. Nobody else's body
        // is looked at before it is known whose it is.
        let unread = match kind {
            SourceKind::GoogleAds => read(),
            _ => Reading::Nothing("nobody vouches for it"),
        };
        let reason = if let Reading::Malformed(reason) = unread { Some(reason) } else { None };
        return Ok(Taken::Refused(verdict, reason));
    }
    let reading = checked(read());
    let key = ["idempotency-key", "webhook-id"].iter().find_map(|name| headers.get(*name));
    let origin = Origin {
        tenant: tenant.clone(),
        source: source.clone(),
        original: original::kept(kind, &secrets, &body),
        fallback: key.map(|key| format!("key:{key}")),
        body_hash: hex(Sha256::digest(&body)),
        word: sender.word().to_owned(),
    };
    let outcome = if matches!(reading, Reading::Malformed(_)) { "malformed" } else { "taken" };
    let taken = app.db.write(move |conn| record(conn, &origin, reading, now)).await?;
    count(kind, outcome);
    app.nudges.dispatch.notify_one();
    app.nudges.fetch.notify_one();
    Ok(taken)
}

fn count(kind: SourceKind, outcome: &'static str) {
    metrics::counter!("nexora_hooks_total", "kind" => kind.name(), "outcome" => outcome).increment(1);
}

/// Refuses ids that no provider gives: they are asked for by them.
fn checked(reading: Reading) -> Reading {
    let Reading::Notices(mut told) = reading else { return reading };
    let is_id = |id: &str| id.len() <= ID_LENGTH && id.chars().all(|c| c.is_ascii_graphic());
    if !told.iter().all(|told| is_id(&told.external_id)) {
        return Reading::Malformed(format!("the id of a lead is {ID_LENGTH} visible characters at most"));
    }
    // Two calls that tell of the same leads wait for each other in the same order.
    told.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    Reading::Notices(told)
}

/// Notes on the source why a call was refused. What could not be fetched weighs more and stays.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn note_refusal(app: &App, source: &Source, verdict: Verdict) -> Result<()> {
    let reason = format!("{}{}", source::REFUSED, verdict.reason());
    tracing::warn!(tenant.id = %source.tenant_id, source.id = %source.id, reason, "source {}", source.id);
    let (tenant_id, id) = (source.tenant_id.clone(), source.id.clone());
    app.db.write(move |conn| source::note_refusal(&mut conn.of(&tenant_id), &id, &reason)).await
}

/// Where something came from, and what is kept with it.
pub struct Origin {
    pub tenant: Tenant,
    pub source: Source,
    /// The body without its secrets.
    pub original: String,
    /// The key of what brings no id of its own.
    pub fallback: Option<String>,
    pub body_hash: String,
    /// What the lead's `source` holds.
    pub word: String,
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

fn record(conn: &mut Conn, origin: &Origin, reading: Reading, now: Timestamp) -> Result<Taken> {
    let Origin { tenant, source, .. } = origin;
    let taken = match reading {
        Reading::Lead(found) => Taken::Kept(Some(store_found(conn, origin, *found, now)?)),
        Reading::Notices(told) => {
            for told in told {
                note(conn, origin, told, now)?;
            }
            Taken::Kept(None)
        }
        Reading::Remark(remark) => {
            tell_remark(conn, origin, remark, now)?;
            Taken::Kept(None)
        }
        Reading::Nothing(_) => Taken::Kept(None),
        Reading::Unusable(reason) => Taken::Kept(Some(store_unusable(conn, origin, &reason, now)?)),
        Reading::Malformed(reason) => {
            store_unusable(conn, origin, &reason, now)?;
            Taken::Malformed(format!("{reason}; it is kept, and a person will look at it"))
        }
    };
    source::note_received(&mut conn.of(&tenant.id), &source.id, now)?;
    Ok(taken)
}

/// Stores a lead; one that nobody could be answered by is for a person to review.
pub fn store_found(conn: &mut Conn, origin: &Origin, found: Found, now: Timestamp) -> Result<LeadId> {
    let Origin { tenant, source, .. } = origin;
    let key = match (&found.external_id, &origin.fallback) {
        (Some(id), _) | (None, Some(id)) => Some(origin.key(id)),
        (None, None) => None,
    };
    let new = enquiry::salvage(found.enquiry, tenant.country()?);
    // Thumbtack's customers are answered at Thumbtack.
    let answerable = new.email.is_some()
        || new.phone.is_some()
        || found.reply_to.is_some()
        || source.kind == SourceKind::Thumbtack;
    let arrival = Arrival {
        key,
        state: match (found.spam, answerable) {
            (Some(_), _) => LeadState::Spam,
            (None, true) => LeadState::New,
            (None, false) => LeadState::NeedsReview,
        },
        reasons: found.spam.map(str::to_owned).into_iter().collect(),
        reply_to: found.reply_to.clone(),
        original: Some(origin.original.clone()),
        consents: found.consents,
        masked_phone: found.masked_phone,
        ..Arrival::of(new)
    };
    let id = store(conn, origin, arrival, now)?;
    if let Some(relay) = found.reply_to
        && let Some(stored) = lead::find(&mut conn.of(&tenant.id), &id)?
        && let Some(contact_id) = stored.contact_id
    {
        let _ =
            contact::add_address(&mut conn.of(&tenant.id), &contact_id, AddressKind::Email, &relay.key())?;
    }
    Ok(id)
}

/// Stores what should be a lead and cannot be read, once for each body.
pub fn store_unusable(conn: &mut Conn, origin: &Origin, reason: &str, now: Timestamp) -> Result<LeadId> {
    let enquiry = Enquiry {
        name: format!("Enquiry from {}", origin.source.name),
        source: origin.word.clone(),
        message: format!("This could not be read as a lead: {reason}."),
        ..Enquiry::default()
    };
    tracing::warn!(tenant.id = %origin.tenant.id, source.id = %origin.source.id, reason, "a lead needs review");
    let arrival = Arrival {
        key: Some(origin.key(&format!("body:{}", origin.body_hash))),
        state: LeadState::NeedsReview,
        original: Some(origin.original.clone()),
        ..Arrival::of(enquiry::salvage(enquiry, origin.tenant.country()?))
    };
    store(conn, origin, arrival, now)
}

fn store(conn: &mut Conn, origin: &Origin, arrival: Arrival, now: Timestamp) -> Result<LeadId> {
    let tenant = &origin.tenant.id;
    if let Some(key) = &arrival.key
        && let Some(earlier) = known(conn, origin, key)?
    {
        return Ok(earlier);
    }
    let key = arrival.key.clone();
    match conn.transaction(|conn| intake::store(&mut conn.of(tenant), arrival, now)) {
        Ok((id, _)) => Ok(id),
        // Told twice at the same moment, and not in the same words: the first is the lead.
        Err(error) if error.kind() == Kind::Conflict => {
            let earlier = key.map(|key| known(conn, origin, &key)).transpose()?.flatten();
            earlier.ok_or(error)
        }
        Err(error) => Err(error),
    }
}

fn known(conn: &mut Conn, origin: &Origin, key: &str) -> Result<Option<LeadId>> {
    let Some(earlier) = event::find_by_dedupe_key(&mut conn.of(&origin.tenant.id), key)? else {
        return Ok(None);
    };
    let received: LeadReceived = earlier.payload.read()?;
    Ok(Some(received.lead_id))
}

/// Notes a lead that is to be fetched. What comes about one that was told of before is an event.
fn note(conn: &mut Conn, origin: &Origin, told: Told, now: Timestamp) -> Result<()> {
    let Origin { tenant, source, .. } = origin;
    let payload = serde_json::json!({ "event_id": told.event_id });
    let new = Notice {
        tenant_id: tenant.id.clone(),
        id: NoticeId::new(now),
        source_id: source.id.clone(),
        external_id: told.external_id.clone(),
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
    let first = notice::find_by_external_id(&mut conn.of(&tenant.id), &source.id, &told.external_id)?;
    match told.event_id {
        Some(id) if first.is_none_or(|first| first.payload.value() != payload) => {
            let data = serde_json::json!({ "lead_id": told.external_id, "event_id": id });
            let remark = Remark { id, lead: told.external_id, name: "yelp.event", text: String::new(), data };
            tell_remark(conn, origin, remark, now)
        }
        _ => Ok(()),
    }
}

/// Stores what was said about a lead as an event; it may come before its lead.
fn tell_remark(conn: &mut Conn, origin: &Origin, remark: Remark, now: Timestamp) -> Result<()> {
    let tenant = &origin.tenant.id;
    let lead_id = known(conn, origin, &origin.key(&remark.lead))?;
    let found = lead_id.as_ref().map(|id| lead::find(&mut conn.of(tenant), id)).transpose()?.flatten();
    let said_before = found.as_ref().and_then(|lead| lead.message.as_deref());
    if !remark.text.is_empty() && said_before == Some(remark.text.trim()) {
        // The lead's own description, once more.
        return Ok(());
    }
    let contact_id = found.and_then(|lead| lead.contact_id);
    let about = About { contact_id: contact_id.clone(), lead_id, job_id: None };
    let payload = WebhookEvent { about, name: remark.name.to_owned(), data: remark.data };
    let key = origin.key(&format!("remark:{}", remark.id));
    tell(&mut conn.of(tenant), EventKind::WebhookReceived, key, &payload, contact_id, now).map(|_| ())
}

/// Takes in a lead that a program with a key tells of: fields as the form has them. What is wrong is told,
/// since there is somebody to mend it.
///
/// # Errors
/// `Conflict` when `key` was used for another lead; `Unavailable` when the lead cannot be kept.
pub async fn capture(app: &App, tenant: &Tenant, data: &Value, key: Option<&str>) -> Result<Intake> {
    let settings = SourceSettings::default();
    let text = data.to_string();
    let named = data.get("source").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    let name: String = named.unwrap_or("api").chars().filter(|c| !c.is_control()).take(60).collect();
    let sender = Sender { kind: SourceKind::Json, settings: &settings, name: &name };
    let body = Body { content_type: "application/json", bytes: text.as_bytes() };
    let mut enquiry = match lead_format::read(sender, body) {
        Reading::Lead(found) => found.enquiry,
        _ => Enquiry::default(),
    };
    enquiry.details.remove("source");
    let new = match enquiry::validate(enquiry, tenant.country()?, &[]) {
        Ok(new) => new,
        Err(faults) => return Ok(Intake::Invalid(faults)),
    };
    let arrival = Arrival {
        key: key.map(|key| format!("webhook:lead.captured:{key}")),
        original: Some(text),
        ..Arrival::of(new)
    };
    let (now, tenant_id) = (app.clock.now(), tenant.id.clone());
    let (id, inserted) =
        app.db.write(move |conn| intake::store(&mut conn.of(&tenant_id), arrival, now)).await?;
    app.nudges.dispatch.notify_one();
    Ok(Intake::Accepted(id, inserted))
}

/// Makes a secret of 192 random bits that goes into an address or a header as it is.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn new_secret() -> Result<Secret> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<24>()?)))
}

/// Makes one of 256 random bits.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn new_key() -> Result<Secret> {
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
}
