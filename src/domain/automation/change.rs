//! What steps and operators change in our own records, with the events that tell of it.

use crate::domain::automation::fact::{self, Detail};
use crate::domain::contact::resolve;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::LeadId;
use nexora_core::model::change::{Change, ContactUpdate, JobChange, JobPerson, JobStep, NewTask};
use nexora_core::model::contact::{AddressProof, Contact};
use nexora_core::model::event::{About, EventKind};
use nexora_core::model::job::{Job, JobState};
use nexora_core::model::lead::LeadState;
use nexora_core::model::task::{Task, TaskState};
use nexora_engine::contact::address_zone::zone_of;
use nexora_store::{Conn, Inserted, Tx, contact, job, lead, task, tenant};

/// Applies one change. `run` is the run that asks for it, if one does.
///
/// # Errors
/// `NotFound` when what is to be changed is gone.
pub fn apply(tx: &mut Tx, change: Change, run: Option<&str>, now: Timestamp) -> Result<()> {
    match change {
        Change::CreateTask(new) => create_task(tx, new, run, now),
        Change::SetLead { lead_id, state } => set_lead(tx, &lead_id, state, now),
        Change::UpdateContact(update) => update_contact(tx, update, now),
        Change::SaveJob(change) => save_job(tx, change, now).map(|_| ()),
    }
}

fn create_task(tx: &mut Tx, new: NewTask, run: Option<&str>, now: Timestamp) -> Result<()> {
    let tenant = tx.tenant();
    let new = Task {
        tenant_id: tenant.clone(),
        id: new.id,
        title: new.title,
        detail: new.detail,
        state: TaskState::Open,
        contact_id: new.contact_id,
        lead_id: new.lead_id,
        run_id: run.map(str::to_owned),
        due_at: new.due_at,
        created_at: now,
        done_at: None,
    };
    task::insert(tx, &new)
}

/// Moves a lead to another state, and tells of it.
///
/// # Errors
/// `NotFound` when the tenant has no such lead.
pub fn set_lead(tx: &mut Tx, id: &LeadId, state: LeadState, now: Timestamp) -> Result<()> {
    let found = lead::find(tx, id)?;
    let before = found.ok_or_else(|| Error::not_found(format!("no lead `{id}`")))?;
    if before.state == state {
        return Ok(());
    }
    lead::set_state(tx, id, state)?;
    let about = About { contact_id: before.contact_id, lead_id: Some(id.clone()), job_id: None };
    let detail = Detail { to: state.name(), from: before.state.name() };
    let key = format!("{id}:{state}:{}", now.millis());
    fact::record_event(tx, EventKind::LeadChanged, &key, about, detail, now).map(|_| ())
}

/// Notes that a person of the business has answered a contact, and tells of it. The lead's first
/// answer counts for its response time.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn responded(tx: &mut Tx, about: About, key: &str, at: Timestamp, now: Timestamp) -> Result<()> {
    if let Some(id) = &about.lead_id {
        lead::note_responded(tx, id, at)?;
        let state = lead::find(tx, id)?.map(|lead| lead.state);
        if state == Some(LeadState::New) {
            set_lead(tx, id, LeadState::Contacted, now)?;
        }
    }
    fact::record_event(tx, EventKind::MessageWritten, key, about, Detail::default(), now).map(|_| ())
}

fn update_contact(tx: &mut Tx, update: ContactUpdate, now: Timestamp) -> Result<()> {
    let Some(before) = contact::find(tx, &update.contact_id)? else { return Ok(()) };
    let timezone = update.timezone.or_else(|| before.timezone.clone());
    let named = match update.name {
        Some(name) => before.renamed(name),
        None => before,
    };
    let after = Contact { timezone, updated_at: now, ..named };
    contact::save(tx, &after)
}

/// Makes a job, or moves on the one that has its key, and tells of what changed.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn save_job(tx: &mut Tx, change: JobChange, now: Timestamp) -> Result<Job> {
    let before = match job::find_by_source(tx, &change.key)? {
        Some(found) => found,
        None => make_job(tx, &change, now)?,
    };
    let after = match change.step {
        JobStep::Create => before.clone(),
        JobStep::Stage(stage) => Job { stage: Some(stage), updated_at: now, ..before.clone() },
        JobStep::Complete if before.state == JobState::Completed => before.clone(),
        JobStep::Complete => {
            Job { state: JobState::Completed, completed_at: Some(now), updated_at: now, ..before.clone() }
        }
    };
    record_job(tx, &before, after, now)
}

fn make_job(tx: &mut Tx, change: &JobChange, now: Timestamp) -> Result<Job> {
    let tenant = tx.tenant();
    let JobPerson { contact_id, lead_id, name, email, phone } = &change.person;
    let contact_id = match contact_id {
        Some(id) => Some(id.clone()),
        None => resolve(tx, name, (email.as_ref(), phone.as_ref()), AddressProof::Person, now)?,
    };
    let country = tenant::find(tx, tenant)?.map(|found| found.country()).transpose()?;
    let zone = change.address.as_deref().zip(country).and_then(|(at, country)| zone_of(at, country));
    let new = Job {
        tenant_id: tenant.clone(),
        id: change.id.clone(),
        title: change.title.clone(),
        state: JobState::Open,
        stage: None,
        contact_id,
        lead_id: lead_id.clone(),
        address: change.address.clone(),
        timezone: zone.map(str::to_owned),
        amount_cents: change.amount_cents,
        source_key: change.key.clone(),
        scheduled_at: None,
        completed_at: None,
        created_at: now,
        updated_at: now,
    };
    if job::insert(tx, &new)? == Inserted::AlreadyThere {
        return Err(Error::unavailable("the same job is being made just now"));
    }
    tell_job(tx, &new, EventKind::JobCreated, Detail::default(), now)?;
    Ok(new)
}

/// Writes what a job has become, and tells of a new state or stage.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn record_job(conn: &mut Conn, before: &Job, after: Job, now: Timestamp) -> Result<Job> {
    if after == *before {
        return Ok(after);
    }
    job::save(conn, &after)?;
    if after.state != before.state {
        let kind = match after.state {
            JobState::Completed => Some(EventKind::JobCompleted),
            JobState::Cancelled => Some(EventKind::JobCancelled),
            JobState::Open | JobState::Scheduled if before.state.is_over() => Some(EventKind::JobReopened),
            JobState::Open | JobState::Scheduled => None,
        };
        if let Some(kind) = kind {
            let detail = Detail { to: after.state.name(), from: before.state.name() };
            tell_job(conn, &after, kind, detail, now)?;
        }
    }
    if after.stage != before.stage {
        let stage = |job: &Job| job.stage.clone().unwrap_or_default();
        let (to, from) = (stage(&after), stage(before));
        tell_job(conn, &after, EventKind::JobStage, Detail { to: &to, from: &from }, now)?;
    }
    Ok(after)
}

fn tell_job(conn: &mut Conn, job: &Job, kind: EventKind, detail: Detail<'_>, now: Timestamp) -> Result<()> {
    let about = About {
        contact_id: job.contact_id.clone(),
        lead_id: job.lead_id.clone(),
        job_id: Some(job.id.clone()),
    };
    let key = format!("{}:{}:{}:{}", job.id, detail.from, detail.to, now.millis());
    fact::record_event(&mut conn.of(&job.tenant_id), kind, &key, about, detail, now).map(|_| ())
}
