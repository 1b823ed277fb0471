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
use crate::engine::lead_format::body::Body;
use crate::engine::lead_format::verify::{Call, Headers, Verification};
use crate::engine::lead_format::webhook::{self, LeadNotice, LeadUpdate, ParseResult, Remark, Sender};
use crate::engine::lead_format::{ParsedLead, Webhook, formats, original};
use crate::model::contact::AddressKind;
use crate::model::event::{About, EventKind, LeadReceived, WebhookEvent};
use crate::model::lead::LeadState;
use crate::model::source::{Notice, NoticeState, Source, SourceSecrets, SourceSettings};
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
    Refused(Verification, Option<String>),
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
pub async fn take(
    app: &App,
    tenant: &Tenant,
    source: &Source,
    webhook: Webhook,
    incoming: Incoming,
) -> Result<Taken> {
    let now = app.clock.now();
    let settings: SourceSettings = source.settings.read()?;
    let secrets = secrets(app, source)?;
    let Incoming { headers, token, body } = incoming;
    let (token, settings, secrets) = (token.as_deref(), &settings, &secrets);
    let call = Call { headers: &headers, token, body: &body, settings, secrets, now };
    let verification = webhook.handling.verify(&call);
    let sender = Sender { webhook, settings, name: &source.name };
    let content_type = headers.get("content-type").map(String::as_str).unwrap_or_default();
    let read = || webhook::read(sender, Body { content_type, bytes: &body });
    if verification != Verification::Good {
        count(webhook, "refused");
        // Where the key is a part of the body, a body that is not in the format carries none. No other body
        // is looked at before it is known whose it is.
        let unread = webhook.handling.needs().secret_field.map(|_| read());
        let reason = if let Some(ParseResult::Malformed(reason)) = unread { Some(reason) } else { None };
        return Ok(Taken::Refused(verification, reason));
    }
    let result = checked(read());
    let key = ["idempotency-key", "webhook-id"].iter().find_map(|name| headers.get(*name));
    let origin = Origin {
        tenant: tenant.clone(),
        source: source.clone(),
        original: original::kept(webhook, secrets, &body),
        fallback: key.map(|key| format!("key:{key}")),
        body_hash: hex(Sha256::digest(&body)),
        lead_source: sender.lead_source().to_owned(),
    };
    let outcome = if matches!(result, ParseResult::Malformed(_)) { "malformed" } else { "taken" };
    let taken = app.db.write(move |conn| record(conn, &origin, result, now)).await?;
    count(webhook, outcome);
    app.nudges.dispatch.notify_one();
    app.nudges.fetch.notify_one();
    Ok(taken)
}

fn count(webhook: Webhook, outcome: &'static str) {
    let kind = webhook.format.name;
    metrics::counter!("nexora_hooks_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// Refuses ids that no provider gives: they are asked for by them.
fn checked(result: ParseResult) -> ParseResult {
    let ParseResult::Notices(mut notices) = result else { return result };
    let is_id = |id: &str| id.len() <= ID_LENGTH && id.chars().all(|c| c.is_ascii_graphic());
    if !notices.iter().all(|notice| is_id(&notice.external_id)) {
        return ParseResult::Malformed(format!("the id of a lead is {ID_LENGTH} visible characters at most"));
    }
    // Two calls that tell of the same leads wait for each other in the same order.
    notices.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    ParseResult::Notices(notices)
}

/// Notes on the source why a call was refused. What could not be fetched weighs more and stays.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn note_refusal(app: &App, source: &Source, verification: Verification) -> Result<()> {
    let reason = format!("{}{}", source::REFUSED, verification.reason());
    tracing::warn!(tenant.id = %source.tenant_id, source.id = %source.id, reason, "source {}", source.id);
    let (tenant_id, id) = (source.tenant_id.clone(), source.id.clone());
    app.db.write(move |conn| source::note_refusal(conn, &tenant_id, &id, &reason)).await
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

fn record(conn: &mut Conn, origin: &Origin, result: ParseResult, now: Timestamp) -> Result<Taken> {
    let Origin { tenant, source, .. } = origin;
    let taken = match result {
        ParseResult::Lead(lead) => Taken::Kept(Some(store_lead(conn, origin, *lead, now)?)),
        ParseResult::Notices(notices) => {
            for notice in notices {
                note(conn, origin, notice, now)?;
            }
            Taken::Kept(None)
        }
        ParseResult::Remark(remark) => {
            tell_remark(conn, origin, remark, now)?;
            Taken::Kept(None)
        }
        ParseResult::Nothing(_) => Taken::Kept(None),
        ParseResult::Unusable(reason) => Taken::Kept(Some(store_unusable(conn, origin, &reason, now)?)),
        ParseResult::Malformed(reason) => {
            store_unusable(conn, origin, &reason, now)?;
            Taken::Malformed(format!("{reason}; it is kept, and a person will look at it"))
        }
    };
    source::note_received(conn, &tenant.id, &source.id, now)?;
    Ok(taken)
}

/// Stores a lead; one that brings no way to answer is for a person to review.
pub fn store_lead(conn: &mut Conn, origin: &Origin, parsed: ParsedLead, now: Timestamp) -> Result<LeadId> {
    let tenant = &origin.tenant;
    let key = match (&parsed.external_id, &origin.fallback) {
        (Some(id), _) | (None, Some(id)) => Some(origin.key(id)),
        (None, None) => None,
    };
    let new = enquiry::salvage(parsed.enquiry, tenant.country()?);
    let answerable =
        new.email.is_some() || new.phone.is_some() || parsed.reply_to.is_some() || parsed.answered_there;
    let arrival = Arrival {
        key,
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
    let id = store(conn, origin, arrival, now)?;
    if let Some(relay) = parsed.reply_to
        && let Some(stored) = lead::find(conn, &tenant.id, &id)?
        && let Some(contact_id) = stored.contact_id
    {
        let _ = contact::add_address(conn, &tenant.id, &contact_id, AddressKind::Email, &relay.key())?;
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
    match conn.transaction(|conn| intake::store(conn, tenant, arrival, now)) {
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
    let Some(earlier) = event::find_by_dedupe_key(conn, &origin.tenant.id, key)? else { return Ok(None) };
    let received: LeadReceived = earlier.payload.read()?;
    Ok(Some(received.lead_id))
}

/// Notes a lead that is to be fetched. What comes about one that was told of before is an event.
fn note(conn: &mut Conn, origin: &Origin, announced: LeadNotice, now: Timestamp) -> Result<()> {
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
    let first = notice::find_by_external_id(conn, &tenant.id, &source.id, &announced.external_id)?;
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
fn tell_remark(conn: &mut Conn, origin: &Origin, remark: Remark, now: Timestamp) -> Result<()> {
    let tenant = &origin.tenant.id;
    let lead_id = known(conn, origin, &origin.key(&remark.lead))?;
    let found = lead_id.as_ref().map(|id| lead::find(conn, tenant, id)).transpose()?.flatten();
    let said_before = found.as_ref().and_then(|lead| lead.message.as_deref());
    if !remark.text.is_empty() && said_before == Some(remark.text.trim()) {
        // The lead's own description, once more.
        return Ok(());
    }
    let contact_id = found.and_then(|lead| lead.contact_id);
    let about = About { contact_id: contact_id.clone(), lead_id, job_id: None };
    let payload = WebhookEvent { about, name: remark.event.to_owned(), data: remark.data };
    let key = origin.key(&format!("remark:{}", remark.id));
    tell(conn, tenant, EventKind::WebhookReceived, key, &payload, contact_id, now).map(|_| ())
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
    let sender = Sender { webhook: formats::json::WEBHOOK, settings: &settings, name: &name };
    let body = Body { content_type: "application/json", bytes: text.as_bytes() };
    let mut enquiry = match webhook::read(sender, body) {
        ParseResult::Lead(parsed) => parsed.enquiry,
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
    let (id, inserted) = app.db.write(move |conn| intake::store(conn, &tenant_id, arrival, now)).await?;
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
