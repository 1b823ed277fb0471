//! Rows of `jobs`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Inserted, Tx};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::job::{Job, JobState, jobs};
use nexora_core::model::{ContactId, JobId};

/// Inserts the job, unless one with its source key is there.
pub fn insert(conn: &mut Conn, job: &Job) -> Result<Inserted> {
    let insert = diesel::insert_into(jobs::table).values(job).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(tx: &mut Tx, id: &JobId) -> Result<Option<Job>> {
    on!(tx.conn, |c| jobs::table.find((tx.tenant, id)).select(Job::as_select()).first(c).optional())
}

/// Finds the job that was made of what `key` names.
pub fn find_by_source(tx: &mut Tx, key: &str) -> Result<Option<Job>> {
    on!(tx.conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant))
        .filter(jobs::source_key.eq(key))
        .select(Job::as_select())
        .first(c)
        .optional())
}

/// Returns a contact's latest job. Uses `jobs_by_contact`.
pub fn latest_of_contact(tx: &mut Tx, contact: &ContactId) -> Result<Option<Job>> {
    on!(tx.conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant))
        .filter(jobs::contact_id.eq(contact))
        .order(jobs::id.desc())
        .select(Job::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's jobs, newest first.
pub fn list(tx: &mut Tx, state: Option<JobState>, before: Option<&JobId>, limit: i64) -> Result<Vec<Job>> {
    on!(tx.conn, |c| {
        let mut query = jobs::table.filter(jobs::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(state) = state {
            query = query.filter(jobs::state.eq(state));
        }
        if let Some(before) = before {
            query = query.filter(jobs::id.lt(before));
        }
        query.order(jobs::id.desc()).limit(limit).select(Job::as_select()).load(c)
    })
}

/// Lists the jobs scheduled between two moments. Uses `jobs_scheduled`.
pub fn scheduled(tx: &mut Tx, (from, until): (Timestamp, Timestamp), limit: i64) -> Result<Vec<Job>> {
    on!(tx.conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant))
        .filter(jobs::scheduled_at.ge(from))
        .filter(jobs::scheduled_at.lt(until))
        .filter(jobs::state.eq(JobState::Scheduled))
        .order((jobs::scheduled_at, jobs::id))
        .limit(limit)
        .select(Job::as_select())
        .load(c))
}

/// Lists the jobs completed since a moment, latest first.
pub fn completed_since(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<Job>> {
    on!(tx.conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tx.tenant))
        .filter(jobs::state.eq(JobState::Completed))
        .filter(jobs::completed_at.ge(since))
        .order(jobs::id.desc())
        .limit(limit)
        .select(Job::as_select())
        .load(c))
}

/// Writes everything about a job that can change.
pub fn save(conn: &mut Conn, job: &Job) -> Result<()> {
    let update = kept::update(jobs::table.find((&job.tenant_id, &job.id))).set(job);
    on!(conn, |c| update.execute(c)).map(|_| ())
}
