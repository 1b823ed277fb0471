//! What was sent to a form, made into a lead: checked, counted, and taken in with its photos and consents.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};

use crate::app::fair_queue::Length;
use crate::app::{App, PublicProfile};
use crate::http::Public;
use crate::http::client_address::client_network;
use crate::http::lead::body::Submission;
use crate::http::lead::fields::{Fields, enquiry, is_set};
use crate::http::lead::form_token::{self, FormToken};
use crate::http::lead::sent::Sent;
use crate::http::lead::signals;
use crate::http::problem::{Problem, Reader};
use crate::pipeline::intake::{self, Arrival, Key, Sender};
use crate::pipeline::noise;
use nexora_core::base::Result;
use nexora_core::model::LeadId;
use nexora_core::model::form::{FieldName, Need};
use nexora_core::model::language::Flaw;
use nexora_core::model::lead::ConsentRecord;
use nexora_engine::lead::enquiry::FieldFault;
use nexora_engine::lead::photo::{self, Picture};
use nexora_engine::lead::photo_effort;
use nexora_engine::lead::spam::{Proof, Signals};
use nexora_store::Inserted;

/// When to come back once as much spam was kept of a tenant as is kept in a day.
const FULL: Duration = Duration::from_secs(3_600);

const IDEMPOTENCY_HEADER: &str = "idempotency-key";
const IDEMPOTENCY_FIELD: &str = "idempotency_key";

/// What became of a submission.
pub enum Accepted {
    Lead(LeadId, Inserted),
    Invalid(Vec<FieldFault>),
}

/// Takes a submission in.
///
/// # Errors
/// `429` when the tenant has more leads than it takes in a minute, and what a failure of ours is answered with.
pub async fn accept(public: &Public, sent: &Sent<'_>, submission: Submission) -> Result<Accepted, Problem> {
    let (app, profile) = (&public.app, sent.profile);
    let fields = submission.fields.clone();
    let token =
        fields.get(form_token::FIELD).and_then(|text| FormToken::open(app, &profile.tenant.slug, text));
    let (source, shown) = match sent.reader {
        Reader::Person => ("form", profile.form.fields.as_slice()),
        Reader::Program => ("api", [].as_slice()),
    };
    let required: Vec<FieldName> =
        shown.iter().filter(|field| field.need == Need::Required).map(|field| field.name).collect();
    let key = key(sent.headers, &fields, token.as_ref())?;
    let is_shown_form = sent.reader == Reader::Person || sent.is_trusted();
    let enquiry = enquiry(&submission.object, &fields, source, is_shown_form);
    let sender = match sent.reader {
        Reader::Person => Sender::Person { required: &required },
        Reader::Program => Sender::Program,
    };
    let photo_fault = |flaw: Flaw| FieldFault::new(FieldName::Photos.name(), flaw);
    // Photos cannot be kept in a form that is shown again, so they are looked at when the rest is right.
    let mut arrival = match intake::check(&profile.tenant, enquiry, sender)? {
        Ok(arrival) => arrival,
        Err(mut faults) => {
            let lost = (!submission.photos.is_empty()).then_some(Flaw::PhotosLost);
            faults.extend(submission.photo_flaw.or(lost).map(photo_fault));
            return Ok(Accepted::Invalid(faults));
        }
    };
    let signals = signals::of(app, sent, &fields, token.as_ref()).await;
    if sent.reader == Reader::Program && matches!(signals.puzzle, Proof::Missing | Proof::Wrong) {
        return Err(without_proof());
    }
    arrival.signals =
        Some(Signals { honeypot: arrival.signals.is_some_and(|known| known.honeypot), ..signals });
    count(public, sent, &arrival).await?;
    arrival.pictures = match pictures(public, sent, submission).await {
        Ok(pictures) => pictures,
        Err(flaw) => return Ok(Accepted::Invalid(vec![photo_fault(flaw)])),
    };
    arrival.consents = consents(app, profile, &fields).await?;
    let (id, inserted) = intake::take(app, &profile.tenant, arrival, key).await?;
    Ok(Accepted::Lead(id, inserted))
}

/// Counts a lead for its tenant. What looks like spam, and what a client sends beyond its share, is counted apart,
/// so that it takes the place of no honest lead.
async fn count(public: &Public, sent: &Sent<'_>, arrival: &Arrival) -> Result<(), Problem> {
    let tenant = &sent.profile.tenant.id;
    let weighed = noise::weigh(&public.app, tenant, arrival).await?;
    if weighed.is_full {
        return Err(Problem::too_many(FULL));
    }
    let is_noise = weighed.is_spam || public.rates.is_beyond_share(tenant, sent.client.0);
    let bucket = if is_noise { &public.rates.noise } else { &public.rates.tenants };
    bucket.take(tenant).map_err(Problem::too_many)
}

/// Says that a program has not worked out the puzzle that the tenant's form sets everybody.
fn without_proof() -> Problem {
    let detail = "This form sets a puzzle (proof of work): send its answer as `altcha` with the form's `ticket`. \
                  Programs with an API key need none: they send to `/webhooks`.";
    Problem::new(StatusCode::FORBIDDEN, "the puzzle's answer is missing or wrong", detail)
}

/// Returns the key by which a second sending is known: that of the form's token, or the sender's own.
fn key(headers: &HeaderMap, fields: &Fields, token: Option<&FormToken>) -> Result<Option<Key>> {
    if let Some(token) = token {
        return Ok(Some(Key::FormToken(token.key.clone())));
    }
    let header = headers.get(IDEMPOTENCY_HEADER).map(|value| value.to_str().unwrap_or("\0").to_owned());
    let own = header.or_else(|| fields.get(IDEMPOTENCY_FIELD).filter(|key| !key.is_empty()).cloned());
    own.map(Key::of_sender).transpose()
}

/// Returns the consents that were given, in the words that were put to the person.
async fn consents(app: &App, profile: &PublicProfile, fields: &Fields) -> Result<Vec<ConsentRecord>> {
    let mut given = Vec::new();
    for name in [FieldName::ConsentSms, FieldName::ConsentMarketing] {
        let (Some(channel), true) = (name.channel(), is_set(fields, name.name())) else { continue };
        let text = |suffix: &str| fields.get(&format!("{name}_{suffix}")).map(|text| text.trim().to_owned());
        let version = text("version").and_then(|version| version.parse::<i32>().ok());
        let known = match version {
            Some(version) => intake::wording(app, &profile.tenant.id, channel, version).await?,
            None => None,
        };
        let wording = match (known, text("text").filter(|text| !text.is_empty())) {
            (Some(known), _) => format!("version {}: {}", known.version, known.wording),
            (None, Some(stated)) => stated.chars().filter(|c| !c.is_control()).take(2_000).collect(),
            (None, None) => continue,
        };
        given.push(ConsentRecord { channel, given: true, wording });
    }
    Ok(given)
}

/// Makes pictures of the photos, one at a time, away from the threads that serve others. The turn and the memory
/// are held to the end of the work, even if the client has gone.
async fn pictures(public: &Public, sent: &Sent<'_>, submission: Submission) -> Result<Vec<Picture>, Flaw> {
    let Submission { photos, photo_flaw, hold, .. } = submission;
    if sent.profile.form.need(FieldName::Photos).is_none() {
        return Ok(Vec::new());
    }
    if let Some(flaw) = photo_flaw {
        return Err(flaw);
    }
    let limit = public.app.config.intake.photo_limit_pixels;
    let (tenant, client) = (&sent.profile.tenant.id, sent.client.0);
    let mut pictures = Vec::with_capacity(photos.len());
    for bytes in photos {
        let effort = photo_effort::of(&bytes).within(limit)?;
        let millions = u32::try_from(effort / 1_000_000).unwrap_or(u32::MAX).saturating_add(1);
        public.rates.decoding.take(client, millions).map_err(|_| Flaw::PhotosTooMany)?;
        // A photo of any telephone is gone over once.
        let length = if effort > limit { Length::Long } else { Length::Short };
        let turn = public.decoding.turn(tenant, &client.map(client_network), length).await;
        let turn = turn.ok_or(Flaw::PhotosMustWait)?;
        let hold = hold.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let picture = photo::read(&bytes, limit);
            drop((turn, hold));
            picture
        });
        pictures.push(reading.await.map_err(|_| Flaw::PhotosUnreadable)??);
    }
    Ok(pictures)
}
