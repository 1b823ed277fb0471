//! Leads that came while automations were off: they are looked at again, and what waits for leads begins. What has run
//! for a lead does not run again.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::domain::AUTOMATION_LIMIT;
use crate::domain::automation::version;
use crate::domain::lead::told;
use crate::ops::unit::Unit;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::LeadId;
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::{Automation, AutomationState};
use nexora_core::model::event::EventKind;
use nexora_core::model::lead::{Lead, LeadState};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, automation, event, lead, run};

pub const REQUEUE: Operation = Operation::new("lead.requeue", Noun::Lead, Verb::Update);

/// A lead that is looked at again.
#[derive(Clone, Debug, Serialize)]
pub struct Requeued {
    pub id: LeadId,
    pub name: String,
    pub received_at: Timestamp,
    /// The automations that wait for leads and have not run for it.
    pub automations: Vec<String>,
}

/// Lists the leads of a span of time for which nothing ran, as they would be looked at again.
///
/// # Errors
/// `Conflict` when no automation waits for leads.
pub async fn plan(app: &App, tenant: &Tenant, span: (Timestamp, Timestamp)) -> Result<Vec<Requeued>> {
    app.view(tenant, move |tx| {
        let waiting = waiting(tx)?;
        let leads = lead::without_run(tx, span, LIST_LIMIT)?;
        leads.into_iter().map(|lead| looked_at(tx, &waiting, &lead)).collect()
    })
    .await
}

/// Has leads looked at again.
///
/// # Errors
/// `NotFound` when there is no such lead; `Conflict` when it is spam, a test, or waits already, or when nothing would
/// begin.
pub async fn requeue(app: &App, actor: &Actor, tenant: &Tenant, ids: Vec<LeadId>) -> Result<Vec<Requeued>> {
    app.change(actor, tenant, REQUEUE, move |tx, now| {
        let waiting = waiting(tx)?;
        let mut all = Vec::new();
        for id in &ids {
            all.push(requeue_one(tx, &waiting, id, now)?);
        }
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        // What runs is said by the leads' ids: their names are not for a trail that stays.
        let runs: BTreeMap<&LeadId, &Vec<String>> =
            all.iter().map(|one| (&one.id, &one.automations)).collect();
        let subject = Subject::new(names.join(", ")).after(&runs)?;
        Ok((all, subject))
    })
    .await
}

fn requeue_one(tx: &mut Unit<'_>, waiting: &[Automation], id: &LeadId, now: Timestamp) -> Result<Requeued> {
    let found = lead::find(tx, id)?.ok_or_else(|| tx.missing("lead", id))?;
    if found.state == LeadState::Spam {
        return Err(Error::conflict(format!("lead `{id}` is held back as spam"))
            .hint(format!("run `nexora lead not-spam {id}`: its automations begin")));
    }
    if found.is_test {
        return Err(Error::conflict(format!("lead `{id}` is a test, which runs nothing")));
    }
    let requeued = looked_at(tx, waiting, &found)?;
    if requeued.automations.is_empty() {
        return Err(Error::conflict(format!("everything that waits for leads has run for `{id}`")).hint(
            format!("`nexora lead show {id}` has its runs; `nexora run retry` takes up one that failed"),
        ));
    }
    let gone = || Error::conflict(format!("what told of lead `{id}` is gone"));
    let told = told::event_of(tx, &found)?.ok_or_else(gone)?;
    if event::replay(tx, &told.id, now)? == Claim::Lost {
        return Err(Error::conflict(format!("lead `{id}` waits to be looked at already")));
    }
    Ok(requeued)
}

fn looked_at(tx: &mut Unit<'_>, waiting: &[Automation], lead: &Lead) -> Result<Requeued> {
    let filter = run::Filter { subject: Some(lead.id.to_string()), ..run::Filter::default() };
    let ran = run::list(tx, &filter, LIST_LIMIT)?;
    let left = waiting.iter().filter(|one| ran.iter().all(|run| run.automation_id != one.id));
    Ok(Requeued {
        id: lead.id.clone(),
        name: lead.name.clone(),
        received_at: lead.received_at,
        automations: left.map(|one| one.name.clone()).collect(),
    })
}

/// Returns the automations that wait for leads and are not switched off.
fn waiting(tx: &mut Unit<'_>) -> Result<Vec<Automation>> {
    let mut waiting = Vec::new();
    for found in automation::list(tx, AUTOMATION_LIMIT)? {
        if found.state == AutomationState::Disabled {
            continue;
        }
        let parsed = version::parsed(tx, &found.id, found.live_version)?;
        let waits = |on: EventKind| on == EventKind::LeadReceived;
        if parsed.definition.triggers.iter().any(|trigger| waits(trigger.on.kind().event)) {
            waiting.push(found);
        }
    }
    if waiting.is_empty() {
        let slug = &tx.tenant.slug;
        return Err(Error::conflict(format!("no automation of tenant `{slug}` waits for leads"))
            .hint(format!("run `nexora automation enable lead-capture --tenant {slug}` first")));
    }
    Ok(waiting)
}
