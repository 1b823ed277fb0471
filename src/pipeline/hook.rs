//! A call from a source of leads: verified, read, and made a lead, a notice or an event, in one write.
//!
//! A verified body never gets lost. One that cannot be read is kept as a lead for a person to review; one
//! that came before is answered as the first time and changes nothing.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::app::{App, metric};
use crate::pipeline::intake::{self, Arrival, Identity, Intake};
use crate::pipeline::source_lead::{self, ID_LENGTH, Origin};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Result};
use nexora_core::model::LeadId;
use nexora_core::model::source::{Source, SourceSecrets, SourceSettings};
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::enquiry::{self, Enquiry};
use nexora_engine::lead::lead_format::body::Body;
use nexora_engine::lead::lead_format::formats::json::WEBHOOK;
use nexora_engine::lead::lead_format::verify::{Call, Headers, Verification};
use nexora_engine::lead::lead_format::webhook::ParseResult;
use nexora_engine::lead::lead_format::{Webhook, original};
use nexora_store::{Conn, source};

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
    let sender = webhook.sender(settings, &source.name);
    let content_type = headers.get("content-type").map(String::as_str).unwrap_or_default();
    let read = || webhook.read(sender, Body { content_type, bytes: &body });
    if verification != Verification::Good {
        count(webhook, "refused");
        // Where the key is a part of the body, a body that is not in the format carries none. No other body
        // is read before its sender is known.
        let unread = webhook.handling.needs().secret_field.map(|_| read());
        let reason = if let Some(ParseResult::Malformed(reason)) = unread { Some(reason) } else { None };
        return Ok(Taken::Refused(verification, reason));
    }
    let result = checked(read());
    // Where the call is signed, so is its `webhook-id`; an `Idempotency-Key` is what anyone may add to a copy.
    let names: &[&str] = if settings.signed { &["webhook-id"] } else { &["idempotency-key", "webhook-id"] };
    let key = names.iter().find_map(|name| headers.get(*name));
    let origin = Origin {
        tenant: tenant.clone(),
        source: source.clone(),
        original: original::kept(webhook, secrets, &body),
        fallback: key.map(|key| format!("key:{key}")),
        body_hash: hex(Sha256::digest(&body)),
        lead_source: sender.lead_source.to_owned(),
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
    metrics::counter!(metric::HOOKS, "kind" => kind, "outcome" => outcome).increment(1);
}

/// Refuses ids that no provider gives: leads are fetched by them.
fn checked(result: ParseResult) -> ParseResult {
    let ParseResult::Notices(mut notices) = result else { return result };
    let is_id = |id: &str| id.len() <= ID_LENGTH && id.chars().all(|c| c.is_ascii_graphic());
    if !notices.iter().all(|notice| is_id(&notice.external_id)) {
        return ParseResult::Malformed(format!("the id of a lead is {ID_LENGTH} visible characters at most"));
    }
    // Two calls that announce the same leads store them in the same order: this avoids deadlock.
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
    app.db.write(move |conn| source::note_refusal(&mut conn.of(&tenant_id), &id, &reason)).await
}

fn record(conn: &mut Conn, origin: &Origin, result: ParseResult, now: Timestamp) -> Result<Taken> {
    let Origin { tenant, source, .. } = origin;
    let taken = match result {
        ParseResult::Lead(lead) => Taken::Kept(Some(source_lead::store_lead(conn, origin, *lead, now)?)),
        ParseResult::Notices(notices) => {
            for notice in notices {
                source_lead::announce(conn, origin, notice, now)?;
            }
            Taken::Kept(None)
        }
        ParseResult::Remark(remark) => {
            source_lead::tell_remark(conn, origin, remark, now)?;
            Taken::Kept(None)
        }
        ParseResult::Nothing(_) => Taken::Kept(None),
        ParseResult::Unusable(reason) => {
            Taken::Kept(Some(source_lead::store_unusable(conn, origin, &reason, now)?))
        }
        ParseResult::Malformed(reason) => {
            source_lead::store_unusable(conn, origin, &reason, now)?;
            Taken::Malformed(format!("{reason}; it is kept, and a person will look at it"))
        }
    };
    source::note_received(&mut conn.of(&tenant.id), &source.id, now)?;
    Ok(taken)
}

/// Takes in a lead that a program with a key sends: fields as the form has them. Wrong fields are named, so that the
/// program can mend them.
///
/// # Errors
/// `Conflict` when `key` was used for another lead; `Unavailable` when the lead cannot be kept.
pub async fn capture(app: &App, tenant: &Tenant, data: &Value, key: Option<&str>) -> Result<Intake> {
    let settings = SourceSettings::default();
    let text = data.to_string();
    let named = data.get("source").and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    let name: String = named.unwrap_or("api").chars().filter(|c| !c.is_control()).take(60).collect();
    let sender = WEBHOOK.sender(&settings, &name);
    let body = Body { content_type: "application/json", bytes: text.as_bytes() };
    let mut enquiry = match WEBHOOK.read(sender, body) {
        ParseResult::Lead(parsed) => parsed.enquiry,
        _ => Enquiry::default(),
    };
    enquiry.details.remove("source");
    let new = match enquiry::accept(enquiry, tenant.country()?) {
        Ok(new) => new,
        Err(faults) => return Ok(Intake::Invalid(faults)),
    };
    let arrival = Arrival {
        identity: key.map(|key| Identity::Key(format!("webhook:lead.captured:{key}"))),
        original: Some(text),
        ..Arrival::of(new)
    };
    let (now, tenant_id) = (app.clock.now(), tenant.id.clone());
    let (id, inserted) =
        app.db.write(move |conn| intake::store(&mut conn.of(&tenant_id), arrival, now)).await?;
    app.nudges.dispatch.notify_one();
    Ok(Intake::Accepted(id, inserted))
}
