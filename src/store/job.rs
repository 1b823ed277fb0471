//! Rows of `jobs`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::job::{Job, JobState, jobs};
use crate::model::{ContactId, JobId, TenantId};
use crate::store::conn::on;
use crate::store::{Conn, Inserted};

/// Inserts the job, unless one with its source key is there.
pub fn insert(conn: &mut Conn, job: &Job) -> Result<Inserted> {
    let insert = diesel::insert_into(jobs::table).values(job).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

pub fn find(conn: &mut Conn, tenant: &TenantId, id: &JobId) -> Result<Option<Job>> {
    on!(conn, |c| jobs::table.find((tenant, id)).select(Job::as_select()).first(c).optional())
}

/// Finds the job that was made of what `key` names.
pub fn find_by_source(conn: &mut Conn, tenant: &TenantId, key: &str) -> Result<Option<Job>> {
    on!(conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tenant))
        .filter(jobs::source_key.eq(key))
        .select(Job::as_select())
        .first(c)
        .optional())
}

/// Returns a contact's latest job. Uses `jobs_by_contact`.
pub fn latest_of_contact(conn: &mut Conn, tenant: &TenantId, contact: &ContactId) -> Result<Option<Job>> {
    on!(conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tenant))
        .filter(jobs::contact_id.eq(contact))
        .order(jobs::id.desc())
        .select(Job::as_select())
        .first(c)
        .optional())
}

/// Lists a tenant's jobs, newest first.
pub fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    state: Option<JobState>,
    before: Option<&JobId>,
    limit: i64,
) -> Result<Vec<Job>> {
    on!(conn, |c| {
        let mut query = jobs::table.filter(jobs::tenant_id.eq(tenant)).into_boxed();
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
pub fn scheduled(
    conn: &mut Conn,
    tenant: &TenantId,
    (from, until): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<Job>> {
    on!(conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tenant))
        .filter(jobs::scheduled_at.ge(from))
        .filter(jobs::scheduled_at.lt(until))
        .filter(jobs::state.eq(JobState::Scheduled))
        .order((jobs::scheduled_at, jobs::id))
        .limit(limit)
        .select(Job::as_select())
        .load(c))
}

/// Lists the jobs completed since a moment, latest first.
pub fn completed_since(conn: &mut Conn, tenant: &TenantId, since: Timestamp, limit: i64) -> Result<Vec<Job>> {
    on!(conn, |c| jobs::table
        .filter(jobs::tenant_id.eq(tenant))
        .filter(jobs::state.eq(JobState::Completed))
        .filter(jobs::completed_at.ge(since))
        .order(jobs::id.desc())
        .limit(limit)
        .select(Job::as_select())
        .load(c))
}

/// Writes everything about a job that can change.
pub fn save(conn: &mut Conn, job: &Job) -> Result<()> {
    let update = diesel::update(jobs::table.find((&job.tenant_id, &job.id))).set(job);
    on!(conn, |c| update.execute(c)).map(|_| ())
}
