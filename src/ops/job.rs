//! Jobs: pieces of work, made, scheduled, moved on, completed or cancelled.

use crate::app::App;
use crate::domain::automation::change;
use crate::ops::Subject;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::JobId;
use nexora_core::model::address::Zone;
use nexora_core::model::audit::Actor;
use nexora_core::model::change::{JobChange, JobPerson, JobStep};
use nexora_core::model::job::{Job, JobState};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_store::job;

pub const ADD: Operation = Operation::new("job.add", Noun::Job, Verb::Create);
pub const SCHEDULE: Operation = Operation::new("job.schedule", Noun::Job, Verb::Update);
pub const STAGE: Operation = Operation::new("job.stage", Noun::Job, Verb::Update);
pub const COMPLETE: Operation = Operation::new("job.complete", Noun::Job, Verb::Update);
pub const CANCEL: Operation = Operation::new("job.cancel", Noun::Job, Verb::Update);
pub const REOPEN: Operation = Operation::new("job.reopen", Noun::Job, Verb::Update);

/// A job to be made.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub title: String,
    pub person: JobPerson,
    pub address: Option<String>,
    pub zone: Option<Zone>,
    pub amount_cents: Option<i64>,
    pub scheduled_at: Option<Timestamp>,
}

/// Makes a job.
///
/// # Errors
/// `Usage` when it has no title.
pub async fn add(app: &App, actor: &Actor, tenant: &Tenant, new: NewJob) -> Result<Job> {
    if new.title.trim().is_empty() {
        return Err(Error::usage("a job needs a title").hint("add `--title \"Boiler repair\"`"));
    }
    app.change(actor, tenant, ADD, move |tx, now| {
        let job_id = JobId::new(now);
        let wanted = JobChange {
            key: job_id.to_string(),
            id: job_id,
            title: new.title.trim().to_owned(),
            step: JobStep::Create,
            person: new.person,
            address: new.address,
            amount_cents: new.amount_cents,
        };
        let made = change::save_job(tx, wanted, now)?;
        let state = if new.scheduled_at.is_some() { JobState::Scheduled } else { JobState::Open };
        let after = Job {
            state,
            scheduled_at: new.scheduled_at,
            timezone: new.zone.map(|zone| zone.name().to_owned()).or_else(|| made.timezone.clone()),
            ..made.clone()
        };
        let after = change::record_job(tx, &made, after, now)?;
        let subject = Subject::new(&after.id).after(&after)?;
        Ok((after, subject))
    })
    .await
}

/// What becomes of a job.
#[derive(Clone, Debug)]
pub enum Move {
    Schedule(Timestamp),
    Stage(String),
    Complete {
        amount_cents: Option<i64>,
    },
    Cancel,
    /// It was completed or cancelled, and goes on.
    Reopen,
}

/// Moves a job on. The same again changes nothing.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it has been completed or cancelled.
pub async fn advance(app: &App, actor: &Actor, tenant: &Tenant, id: &JobId, to: Move) -> Result<Job> {
    let operation = match to {
        Move::Schedule(_) => SCHEDULE,
        Move::Stage(_) => STAGE,
        Move::Complete { .. } => COMPLETE,
        Move::Cancel => CANCEL,
        Move::Reopen => REOPEN,
    };
    let id = id.clone();
    app.change(actor, tenant, operation, move |tx, now| {
        let before = job::find(tx, &id)?.ok_or_else(|| tx.missing("job", &id))?;
        let after = moved(&before, to, now)?;
        let after = change::record_job(tx, &before, after, now)?;
        let subject = Subject::new(&after.id).before(&before)?.after(&after)?;
        Ok((after, subject))
    })
    .await
}

fn moved(before: &Job, to: Move, now: Timestamp) -> Result<Job> {
    let job = before.clone();
    Ok(match to {
        Move::Complete { .. } if before.state == JobState::Completed => job,
        Move::Cancel if before.state == JobState::Cancelled => job,
        Move::Complete { .. } | Move::Cancel | Move::Schedule(_) if before.state.is_over() => {
            return Err(Error::conflict(format!("job `{}` is {} already", before.id, before.state))
                .hint(format!("run `nexora job reopen {}` first", before.id)));
        }
        Move::Reopen if !before.state.is_over() => job,
        Move::Reopen => {
            let state = if before.scheduled_at.is_some() { JobState::Scheduled } else { JobState::Open };
            Job { state, completed_at: None, updated_at: now, ..job }
        }
        Move::Schedule(at) => {
            Job { state: JobState::Scheduled, scheduled_at: Some(at), updated_at: now, ..job }
        }
        Move::Stage(stage) => Job { stage: Some(stage), updated_at: now, ..job },
        Move::Complete { amount_cents } => Job {
            state: JobState::Completed,
            completed_at: Some(now),
            amount_cents: amount_cents.or(job.amount_cents),
            updated_at: now,
            ..job
        },
        Move::Cancel => Job { state: JobState::Cancelled, updated_at: now, ..job },
    })
}

/// Shows a job.
///
/// # Errors
/// `NotFound` when the tenant has no such job.
pub async fn find(app: &App, tenant: &Tenant, id: &JobId) -> Result<Job> {
    let id = id.clone();
    app.view(tenant, move |tx| job::find(tx, &id)?.ok_or_else(|| tx.missing("job", &id))).await
}
