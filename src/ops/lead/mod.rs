//! Leads: added by hand, listed, and shown with everything that came of them.

pub mod form;
pub mod form_setting;
pub mod form_snippet;
pub mod lead_mail;
pub mod requeue;
pub mod source;
pub mod source_declared;

use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::domain::automation::change;
use crate::domain::automation::stop::{self, Drops};
use crate::domain::contact;
use crate::domain::contact::link::SignedLinks;
use crate::domain::lead::told;
use crate::ops::automation::run::RunView;
use crate::ops::unit::Unit;
use crate::ops::{LIST_LIMIT, Subject};
use crate::pipeline::intake::{self, Intake, Offer};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::audit::Actor;
use nexora_core::model::contact::AddressProof;
use nexora_core::model::event::{About, EventState};
use nexora_core::model::form::Photo;
use nexora_core::model::language::Language;
use nexora_core::model::lead::{Lead, LeadState};
use nexora_core::model::message::Message;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{LeadId, PhotoId};
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store::{event, lead, message, run};

/// A lead, the runs that it started, and the messages to and from its contact.
#[derive(Clone, Debug, Serialize)]
pub struct LeadView {
    #[serde(flatten)]
    pub lead: Lead,
    pub runs: Vec<RunView>,
    /// Latest first.
    pub messages: Vec<Message>,
    pub photos: Vec<PhotoId>,
}

pub const ADD: Operation = Operation::new("lead.add", Noun::Lead, Verb::Create);
pub const REVIEW: Operation = Operation::new("lead.review", Noun::Lead, Verb::Update);
pub const STATE: Operation = Operation::new("lead.state", Noun::Lead, Verb::Update);
pub const HAM: Operation = Operation::new("lead.ham", Noun::Lead, Verb::Update);
pub const SPAM: Operation = Operation::new("lead.spam", Noun::Lead, Verb::Update);
pub const ANSWERED: Operation = Operation::new("lead.answered", Noun::Lead, Verb::Update);

const RUNS_SHOWN: i64 = 50;
const MESSAGES_SHOWN: i64 = 50;
const PHOTOS_SHOWN: i64 = 50;

/// Adds a lead by hand, through the same intake as the form.
///
/// # Errors
/// `Usage` naming each field that is wrong.
pub async fn add(app: &App, actor: &Actor, tenant: &Tenant, enquiry: Enquiry) -> Result<Lead> {
    app.permit(actor, tenant, ADD).await?;
    let id = match intake::accept(app, tenant, Offer::of(enquiry)).await? {
        Intake::Accepted(id, _) => id,
        Intake::Invalid(faults) => {
            let texts: Vec<String> = faults
                .iter()
                .map(|fault| {
                    format!("`--{}`: {}", fault.field.replace('_', "-"), fault.told(Language::English))
                })
                .collect();
            return Err(Error::usage(texts.join(" ")));
        }
    };
    app.change(actor, tenant, ADD, move |tx, _| {
        let added = lead::find(tx, &id)?.ok_or_else(|| Error::internal(format!("lead `{id}` is gone")))?;
        Ok((added, Subject::new(&id)))
    })
    .await
}

/// Notes that a lead which came by an unreadable mail was looked at, with what its mail says.
///
/// # Errors
/// `NotFound` when there is no such lead, `Conflict` when it needs no review, `Usage` when the
/// telephone number is none.
pub async fn review(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    id: &LeadId,
    name: Option<String>,
    email: Option<EmailAddress>,
    phone: Option<String>,
) -> Result<Lead> {
    let country = tenant.country()?;
    let phone = phone.map(|text| PhoneNumber::parse_in(country, &text)).transpose()?;
    let id = id.clone();
    app.change(actor, tenant, REVIEW, move |tx, now| {
        let before = lead::find(tx, &id)?.ok_or_else(|| tx.missing("lead", &id))?;
        if before.state != LeadState::NeedsReview {
            return Err(Error::conflict(format!("lead `{id}` is {} and needs no review", before.state)));
        }
        let name = name.unwrap_or_else(|| before.name.clone());
        let (email, phone) = (email.or_else(|| before.email.clone()), phone.or_else(|| before.phone.clone()));
        let contact_id =
            contact::resolve(tx, &name, (email.as_ref(), phone.as_ref()), AddressProof::Person, now)?;
        let after = Lead { name, email, phone, contact_id, state: LeadState::New, ..before.clone() };
        lead::save_review(tx, &after)?;
        let subject = Subject::new(&id).before(&before)?.after(&after)?;
        Ok((after, subject))
    })
    .await
}

/// Moves a lead to another state, as a person in the business knows it.
///
/// # Errors
/// `NotFound` when the tenant has no such lead; `Usage` for a state that only a review can change.
pub async fn set_state(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    id: &LeadId,
    state: LeadState,
) -> Result<Lead> {
    if state == LeadState::NeedsReview {
        return Err(Error::usage(
            "a lead needs review when its mail could not be read, and for no other reason",
        ));
    }
    change(app, actor, tenant, STATE, id, move |tx, id, now| change::set_lead(tx, id, state, now)).await
}

/// Lets a lead go that was held back as spam: its automations begin.
///
/// # Errors
/// `NotFound` when the tenant has no such lead; `Conflict` when it is not held back.
pub async fn ham(app: &App, actor: &Actor, tenant: &Tenant, id: &LeadId) -> Result<Lead> {
    change(app, actor, tenant, HAM, id, |tx, id, now| match lead::find(tx, id)? {
        Some(lead) => intake::release(tx, &lead, now),
        None => Ok(()),
    })
    .await
}

/// Calls a lead spam: what runs for it ends, and nothing more begins.
///
/// # Errors
/// `NotFound` when the tenant has no such lead.
pub async fn spam(app: &App, actor: &Actor, tenant: &Tenant, id: &LeadId) -> Result<Lead> {
    change(app, actor, tenant, SPAM, id, |tx, id, now| {
        change::set_lead(tx, id, LeadState::Spam, now)?;
        for run in run::open_of_subject(tx, id.as_str())? {
            stop::stop(tx, &run.id, stop::SPAM, Drops::All, now)?;
        }
        // What has not begun yet does not.
        for event in event::pending_leads(tx, LIST_LIMIT)? {
            if told::lead_of(&event)?.as_ref() == Some(id) {
                let _ = event::settle(tx, &event.id, EventState::Ignored, Some(stop::SPAM))?;
            }
        }
        Ok(())
    })
    .await
}

/// Notes that a person has answered a lead by telephone or otherwise than by a mail that is seen.
///
/// # Errors
/// `NotFound` when the tenant has no such lead.
pub async fn answered(app: &App, actor: &Actor, tenant: &Tenant, id: &LeadId) -> Result<Lead> {
    change(app, actor, tenant, ANSWERED, id, |tx, id, now| {
        let contact_id = lead::find(tx, id)?.and_then(|lead| lead.contact_id);
        let about = About { contact_id, lead_id: Some(id.clone()), job_id: None };
        change::responded(tx, about, &format!("{id}:{}", now.millis()), now, now)
    })
    .await
}

async fn change(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    operation: Operation,
    id: &LeadId,
    work: impl FnOnce(&mut Unit<'_>, &LeadId, Timestamp) -> Result<()> + Send + 'static,
) -> Result<Lead> {
    let id = id.clone();
    app.change(actor, tenant, operation, move |tx, now| {
        let before = lead::find(tx, &id)?.ok_or_else(|| tx.missing("lead", &id))?;
        work(tx, &id, now)?;
        let after = lead::find(tx, &id)?.unwrap_or_else(|| before.clone());
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Shows a lead with its runs and their effects.
///
/// # Errors
/// `NotFound` when the tenant has no such lead.
pub async fn find(app: &App, tenant: &Tenant, id: &LeadId) -> Result<LeadView> {
    let id = id.clone();
    app.view(tenant, move |tx| {
        let lead = lead::find(tx, &id)?.ok_or_else(|| tx.missing("lead", &id))?;
        let filter = run::Filter { subject: Some(id.to_string()), ..run::Filter::default() };
        let runs = run::list(tx, &filter, RUNS_SHOWN)?;
        let runs = runs.into_iter().map(|run| RunView::load(tx, run)).collect::<Result<_>>()?;
        let messages = match &lead.contact_id {
            Some(contact) => message::of_contact(tx, contact, MESSAGES_SHOWN)?,
            None => Vec::new(),
        };
        let photos = nexora_store::form::photos_of(tx, &id, PHOTOS_SHOWN)?;
        Ok(LeadView { lead, runs, messages, photos })
    })
    .await
}

/// How long the links to photos in our messages work.
const PHOTO_LINK: Duration = Duration::from_secs(400 * 86_400);

/// Returns the photo that a link names.
///
/// # Errors
/// `NotFound` when the link is not ours or has ended, or the photo is gone.
pub async fn linked_photo(app: &App, token: &str) -> Result<Photo> {
    let missing = || Error::not_found("there is no such photo").hint("check the address");
    let (tenant_id, id) = SignedLinks::of(app).open_photo(token).ok_or_else(missing)?;
    let found =
        app.db.read(move |conn| nexora_store::form::find_photo(&mut conn.of(&tenant_id), &id)).await?;
    found.filter(|photo| photo.created_at + PHOTO_LINK > app.clock.now()).ok_or_else(missing)
}

/// Returns a photo that came with a lead.
///
/// # Errors
/// `NotFound` when the tenant has no such photo.
pub async fn photo(app: &App, tenant: &Tenant, id: &PhotoId) -> Result<Photo> {
    let id = id.clone();
    let missing = Error::not_found(format!("no photo `{id}` in tenant `{}`", tenant.slug));
    app.view(tenant, move |tx| nexora_store::form::find_photo(tx, &id)?.ok_or(missing)).await
}
