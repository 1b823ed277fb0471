//! What is ahead: appointments day by day, open tasks, jobs that are open.

use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;

use crate::ops::report::dashboard::{Names, SHOWN};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::job::JobState;
use nexora_core::model::task::TaskState;
use nexora_core::model::tenant::Tenant;
use nexora_engine::calendar::hours::at_wall_time;
use nexora_store::{Conn, Tx, appointment, job, task};

/// The appointments of the coming days; a day without any is left out, but for today.
pub struct Agenda {
    pub days: Vec<(NaiveDate, Vec<Visit>)>,
    /// There are more than are shown.
    pub more: bool,
}

pub struct Visit {
    pub title: String,
    pub who: Option<String>,
    pub location: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub all_day: bool,
}

/// Something that a person of the business is to do.
pub struct Chore {
    pub title: String,
    pub detail: String,
    pub who: Option<String>,
    pub due_at: Option<Timestamp>,
}

/// A job that is not done.
pub struct Work {
    pub title: String,
    pub who: Option<String>,
    pub stage: Option<String>,
    pub address: Option<String>,
    pub scheduled_at: Option<Timestamp>,
    pub amount_cents: Option<i64>,
}

/// Days that an agenda looks ahead, today among them.
const DAYS: u64 = 8;
const VISITS: i64 = 30;
const OPEN: i64 = 200;

pub fn load(
    conn: &mut Conn,
    tenant: &Tenant,
    names: &mut Names,
    (zone, now): (Tz, Timestamp),
) -> Result<Agenda> {
    let today = now.utc().with_timezone(&zone).date_naive();
    let start = |ahead| {
        let day = today.checked_add_days(Days::new(ahead)).unwrap_or(today);
        at_wall_time(day, NaiveTime::MIN, zone)
    };
    let mut found = appointment::between(&mut conn.of(&tenant.id), (start(0), start(DAYS)), VISITS + 1)?;
    let more = found.len() > usize::try_from(VISITS).unwrap_or(0);
    found.truncate(usize::try_from(VISITS).unwrap_or(0));
    let mut days: Vec<(NaiveDate, Vec<Visit>)> = vec![(today, Vec::new())];
    for appointment in found {
        // What began before today and is not over stands under today.
        let day = appointment.starts_at.utc().with_timezone(&zone).date_naive().max(today);
        let visit = Visit {
            who: names.of(conn, appointment.contact_id.as_ref())?,
            title: appointment.title,
            location: appointment.location,
            starts_at: appointment.starts_at,
            ends_at: appointment.ends_at,
            all_day: appointment.all_day,
        };
        match days.last_mut() {
            Some((last, visits)) if *last == day => visits.push(visit),
            _ => days.push((day, vec![visit])),
        }
    }
    Ok(Agenda { days, more })
}

/// Returns the open tasks, those that are due first, then those without a day.
pub fn chores(tx: &mut Tx, names: &mut Names) -> Result<Vec<Chore>> {
    let mut open = task::list(tx, Some(TaskState::Open), None, OPEN)?;
    open.sort_by_key(|task| (task.due_at.is_none(), task.due_at, task.created_at));
    let mut chores = Vec::new();
    for task in open.into_iter().take(usize::try_from(SHOWN).unwrap_or(0)) {
        let who = names.of(tx, task.contact_id.as_ref())?;
        chores.push(Chore { title: task.title, detail: task.detail, who, due_at: task.due_at });
    }
    Ok(chores)
}

/// Returns the jobs that are not done: those with a day first, in order.
pub fn work(tx: &mut Tx, names: &mut Names) -> Result<Vec<Work>> {
    let mut open = job::list(tx, Some(JobState::Scheduled), None, OPEN)?;
    open.extend(job::list(tx, Some(JobState::Open), None, OPEN)?);
    open.sort_by_key(|job| (job.scheduled_at.is_none(), job.scheduled_at, job.created_at));
    let mut work = Vec::new();
    for job in open.into_iter().take(usize::try_from(SHOWN).unwrap_or(0)) {
        work.push(Work {
            who: names.of(tx, job.contact_id.as_ref())?,
            title: job.title,
            stage: job.stage,
            address: job.address,
            scheduled_at: job.scheduled_at,
            amount_cents: job.amount_cents,
        });
    }
    Ok(work)
}
