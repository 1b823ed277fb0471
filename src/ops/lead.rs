//! Leads: added by hand, listed, and shown with everything that came of them.

use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::engine::enquiry::Enquiry;
use crate::model::address::{EmailAddress, PhoneNumber};
use crate::model::audit::Actor;
use crate::model::event::About;
use crate::model::lead::{Lead, LeadState};
use crate::model::message::Message;
use crate::model::tenant::Tenant;
use crate::model::{LeadId, TenantId};
use crate::ops::run::RunView;
use crate::ops::{Subject, audited};
use crate::pipeline::intake::{self, Intake};
use crate::pipeline::{change, contact};
use crate::store::{Conn, lead, message, run};

/// A lead, the runs that it started, and the messages to and from its contact.
#[derive(Clone, Debug, Serialize)]
pub struct LeadView {
    #[serde(flatten)]
    pub lead: Lead,
    pub runs: Vec<RunView>,
    /// Latest first.
    pub messages: Vec<Message>,
}

const RUNS_SHOWN: i64 = 50;
const MESSAGES_SHOWN: i64 = 50;

/// Adds a lead by hand, through the same intake as the form.
///
/// # Errors
/// `Usage` naming each field that is wrong.
pub async fn add(app: &App, actor: &Actor, tenant: &Tenant, enquiry: Enquiry) -> Result<Lead> {
    let accepted = intake::accept(app, &Arc::new(tenant.clone()), enquiry, None).await?;
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
            Ok(LeadView { lead, runs, messages })
        })
        .await
}

fn not_found(tenant: &Tenant, id: &LeadId) -> Error {
    Error::not_found(format!("no lead `{id}` in tenant `{}`", tenant.slug))
        .hint(format!("run `nexora lead list --tenant {}`", tenant.slug))
}
