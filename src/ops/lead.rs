//! Leads: added by hand, listed, and shown with everything that came of them.

use std::sync::Arc;

use serde::Serialize;

use crate::app::App;
use crate::base::{Error, Result};
use crate::engine::enquiry::Enquiry;
use crate::model::LeadId;
use crate::model::audit::Actor;
use crate::model::lead::{Lead, LeadState};
use crate::model::message::Message;
use crate::model::tenant::Tenant;
use crate::ops::run::RunView;
use crate::ops::{Subject, audited};
use crate::pipeline::intake::{self, Intake};
use crate::store::{lead, message, run};

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
    let missing = Error::not_found(format!("no lead `{id}` in tenant `{}`", tenant.slug))
        .hint(format!("run `nexora lead list --tenant {}`", tenant.slug));
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
