//! What was sent to a form, made into a lead: checked, counted, and taken in with its photos and consents.

use std::sync::Arc;

use axum::http::HeaderMap;

use crate::app::{App, PublicProfile};
use crate::http::Public;
use crate::http::lead::body::Submission;
use crate::http::lead::fields::{Fields, enquiry, is_set};
use crate::http::lead::form_token::{self, FormToken};
use crate::http::lead::sent::Sent;
use crate::http::lead::signals;
use crate::http::problem::{Problem, Reader};
use crate::pipeline::intake::{self, Key, Sender};
use nexora_core::base::Result;
use nexora_core::model::LeadId;
use nexora_core::model::form::{FieldName, Need};
use nexora_core::model::lead::ConsentRecord;
use nexora_engine::lead::enquiry::FieldFault;
use nexora_engine::lead::photo::{self, Picture};
use nexora_engine::lead::spam::Signals;
use nexora_store::Inserted;

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
    let enquiry = enquiry(&submission.object, source, is_shown_form);
    let sender = match sent.reader {
        Reader::Person => Sender::Person { required: &required },
        Reader::Program => Sender::Program,
    };
    let photo_fault = |message: String| FieldFault::new(FieldName::Photos.name(), message);
    // Photos cannot be kept in a form that is shown again, so they are looked at when the rest is right.
    let mut arrival = match intake::check(&profile.tenant, enquiry, sender)? {
        Ok(arrival) => arrival,
        Err(mut faults) => {
            let again = || "Please choose your photos again.".to_owned();
            let sent_some = !submission.photos.is_empty();
            faults.extend(submission.photo_fault.or_else(|| sent_some.then(again)).map(photo_fault));
            return Ok(Accepted::Invalid(faults));
        }
    };
    arrival.pictures = match pictures(public, profile, submission).await {
        Ok(pictures) => pictures,
        Err(message) => return Ok(Accepted::Invalid(vec![photo_fault(message)])),
    };
    public.rates.tenants.take(&profile.tenant.id).map_err(Problem::too_many)?;
    arrival.consents = consents(app, profile, &fields).await?;
    let signals = signals::of(app, sent, &fields, token.as_ref()).await;
    arrival.signals =
        Some(Signals { honeypot: arrival.signals.is_some_and(|known| known.honeypot), ..signals });
    let (id, inserted) = intake::take(app, &profile.tenant, arrival, key).await?;
    Ok(Accepted::Lead(id, inserted))
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

/// Makes pictures of the photos, one request at a time, away from the threads that serve others. The turn and
/// the memory are held to the end of the work, even if the client has gone.
async fn pictures(
    public: &Public,
    profile: &PublicProfile,
    submission: Submission,
) -> Result<Vec<Picture>, String> {
    let Submission { photos, photo_fault, hold, .. } = submission;
    if profile.form.need(FieldName::Photos).is_none() {
        return Ok(Vec::new());
    }
    if let Some(fault) = photo_fault {
        return Err(fault);
    }
    if photos.is_empty() {
        return Ok(Vec::new());
    }
    let again = || "The photos could not be read. Please choose them again.".to_owned();
    let limit = public.app.config.intake.photo_limit_pixels;
    let turn = Arc::clone(&public.decoding).acquire_owned().await.map_err(|_| again())?;
    let reading = tokio::task::spawn_blocking(move || {
        let pictures = photos.into_iter().map(|bytes| photo::read(&bytes, limit)).collect();
        drop((turn, hold));
        pictures
    });
    reading.await.map_err(|_| again())?
}
