//! Leads: added by hand, listed, and shown with everything that came of them.

use serde::Serialize;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::engine::enquiry::Enquiry;
use crate::model::address::{EmailAddress, PhoneNumber};
use crate::model::audit::Actor;
use crate::model::event::About;
use crate::model::form::Photo;
use crate::model::lead::{Lead, LeadState};
use crate::model::message::Message;
use crate::model::tenant::Tenant;
use crate::model::{LeadId, PhotoId, TenantId};
use crate::ops::run::RunView;
use crate::ops::{Subject, audited};
use crate::pipeline::intake::{self, Intake, Offer};
use crate::pipeline::link::Linker;
use crate::pipeline::stop::{self, Drops};
use crate::pipeline::{change, contact};
use crate::store::{Conn, form, lead, message, run};

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

const RUNS_SHOWN: i64 = 50;
const MESSAGES_SHOWN: i64 = 50;
const PHOTOS_SHOWN: i64 = 50;

/// Adds a lead by hand, through the same intake as the form.
///
/// # Errors
/// `Usage` naming each field that is wrong.
pub async fn add(app: &App, actor: &Actor, tenant: &Tenant, enquiry: Enquiry) -> Result<Lead> {
    let accepted = intake::accept(app, tenant, Offer::of(enquiry)).await?;
    let id = match accepted {
        Intake::Accepted(id, _) => id,
        Intake::Invalid(faults) => {
            let texts: Vec<String> = faults
                .iter()
                .map(|fault| format!("`--{}`: {}", fault.field.replace('_', "-"), fault.message))
                .collect();
            return Err(Error::usage(texts.join(" ")));
        }
    };
    let (tenant_id, now) = (tenant.id.clone(), app.clock.now());
    audited(&app.db, Some(tenant.id.clone()), actor, "lead.add", now, move |conn| {
        let added = lead::find(conn, &tenant_id, &id)?;
        let added = added.ok_or_else(|| Error::internal(format!("lead `{id}` is gone")))?;
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
    let (now, tenant_id, wanted) = (app.clock.now(), tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    audited(&app.db, Some(tenant.id.clone()), actor, "lead.review", now, move |conn| {
        let before = lead::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
        if before.state != LeadState::NeedsReview {
            return Err(Error::conflict(format!("lead `{wanted}` is {} and needs no review", before.state)));
        }
        let name = name.unwrap_or_else(|| before.name.clone());
        let (email, phone) = (email.or_else(|| before.email.clone()), phone.or_else(|| before.phone.clone()));
        let contact_id = contact::resolve(conn, &tenant_id, &name, email.as_ref(), phone.as_ref(), now)?;
        let after = Lead { name, email, phone, contact_id, state: LeadState::New, ..before.clone() };
        lead::save_review(conn, &after)?;
        let subject = Subject::new(&wanted).before(&before)?.after(&after)?;
        Ok((after, subject))
    })
    .await
}

/// Moves a lead to another state, as somebody in the business knows it.
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
    change(app, actor, tenant, id, "lead.state", move |conn, tenant, id, now| {
        change::set_lead(conn, tenant, id, state, now)
    })
    .await
}

/// Lets a lead go that was held back as spam: its automations begin.
///
/// # Errors
/// `NotFound` when the tenant has no such lead; `Conflict` when it is not held back.
pub async fn ham(app: &App, actor: &Actor, tenant: &Tenant, id: &LeadId) -> Result<Lead> {
    change(app, actor, tenant, id, "lead.ham", |conn, tenant, id, now| match lead::find(conn, tenant, id)? {
        Some(lead) => intake::release(conn, &lead, now),
        None => Ok(()),
    })
    .await
}

/// Calls a lead spam: what runs for it ends, and nothing more begins.
///
/// # Errors
/// `NotFound` when the tenant has no such lead.
pub async fn spam(app: &App, actor: &Actor, tenant: &Tenant, id: &LeadId) -> Result<Lead> {
    change(app, actor, tenant, id, "lead.spam", |conn, tenant, id, now| {
        change::set_lead(conn, tenant, id, LeadState::Spam, now)?;
        for run in run::open_of_subject(conn, tenant, id.as_str())? {
            stop::stop(conn, tenant, &run.id, "the lead is spam", Drops::All, now)?;
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
    change(app, actor, tenant, id, "lead.answered", |conn, tenant, id, now| {
        let contact_id = lead::find(conn, tenant, id)?.and_then(|lead| lead.contact_id);
        let about = About { contact_id, lead_id: Some(id.clone()), job_id: None };
        change::responded(conn, tenant, about, &format!("{id}:{}", now.millis()), now, now)
    })
    .await
}

async fn change(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    id: &LeadId,
    action: &'static str,
    work: impl FnOnce(&mut Conn, &TenantId, &LeadId, Timestamp) -> Result<()> + Send + 'static,
) -> Result<Lead> {
    let (now, tenant_id, wanted) = (app.clock.now(), tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    let changed = audited(&app.db, Some(tenant.id.clone()), actor, action, now, move |conn| {
        let before = lead::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
        work(conn, &tenant_id, &wanted, now)?;
        let after = lead::find(conn, &tenant_id, &wanted)?.unwrap_or_else(|| before.clone());
        let subject = Subject::new(&wanted).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    });
    let lead = changed.await?;
    app.nudges.all();
    Ok(lead)
}

/// Lists a tenant's leads, newest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    state: Option<LeadState>,
    before: Option<LeadId>,
    limit: i64,
) -> Result<Vec<Lead>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| lead::list(conn, &id, state, before.as_ref(), limit)).await
}

/// Shows a lead with its runs and their effects.
///
/// # Errors
/// `NotFound` when the tenant has no such lead.
pub async fn find(app: &App, tenant: &Tenant, id: &LeadId) -> Result<LeadView> {
    let (tenant_id, wanted) = (tenant.id.clone(), id.clone());
    let missing = not_found(tenant, id);
    app.db
        .read(move |conn| {
            let lead = lead::find(conn, &tenant_id, &wanted)?.ok_or(missing)?;
            let filter = run::Filter { subject: Some(wanted.to_string()), ..run::Filter::default() };
            let runs = run::list(conn, &tenant_id, &filter, RUNS_SHOWN)?;
            let runs = runs.into_iter().map(|run| RunView::load(conn, run)).collect::<Result<_>>()?;
            let messages = match &lead.contact_id {
                Some(contact) => message::of_contact(conn, &tenant_id, contact, MESSAGES_SHOWN)?,
                None => Vec::new(),
            };
            let photos = form::photos_of(conn, &tenant_id, &wanted, PHOTOS_SHOWN)?;
            Ok(LeadView { lead, runs, messages, photos })
        })
        .await
}

/// Returns the photo that a link names.
///
/// # Errors
/// `NotFound` when the link is not ours, or the photo is gone.
pub async fn linked_photo(app: &App, token: &str) -> Result<Photo> {
    let missing = || Error::not_found("there is no such photo").hint("check the address");
    let (tenant_id, id) = Linker::of(app).open_photo(token).ok_or_else(missing)?;
    app.db.read(move |conn| form::find_photo(conn, &tenant_id, &id)).await?.ok_or_else(missing)
}

/// Returns a photo that came with a lead.
///
/// # Errors
/// `NotFound` when the tenant has no such photo.
pub async fn photo(app: &App, tenant: &Tenant, id: &PhotoId) -> Result<Photo> {
    let (tenant_id, wanted) = (tenant.id.clone(), id.clone());
    let missing = || Error::not_found(format!("no photo `{id}` in tenant `{}`", tenant.slug));
    app.db.read(move |conn| form::find_photo(conn, &tenant_id, &wanted)).await?.ok_or_else(missing)
}

fn not_found(tenant: &Tenant, id: &LeadId) -> Error {
    Error::not_found(format!("no lead `{id}` in tenant `{}`", tenant.slug))
        .hint(format!("run `nexora lead list --tenant {}`", tenant.slug))
}
