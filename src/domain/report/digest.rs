//! A day's digest: what needs a person, what came in, what is ahead, what failed, and what ran.
//!
//! It is data; the message that shows it is a template like every other.

use std::time::Duration;

use chrono::Days;
use serde::Serialize;
use serde_json::Value;

use crate::domain::report::health::{HealthIssue, Standing};
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::appointment::Appointment;
use nexora_core::model::effect::EffectState;
use nexora_core::model::job::Job;
use nexora_core::model::language::Language;
use nexora_core::model::lead::{Lead, LeadState};
use nexora_core::model::task::{Task, TaskState};
use nexora_core::model::tenant::Tenant;
use nexora_engine::calendar::hours::at_wall_time;
use nexora_engine::report::statistics::Done;
use nexora_store::{Conn, appointment, contact, effect, job, lead, task};

/// Lines that each part of a digest shows at most.
const SHOWN: i64 = 20;

/// Rows that are looked at to count what ran.
const COUNTED: i64 = 5_000;

/// How far back unanswered leads are looked at.
const UNANSWERED: Duration = Duration::from_secs(7 * 86_400);

#[derive(Serialize)]
struct Digest {
    /// Nothing happened, nothing is ahead and nothing needs anybody.
    empty: bool,
    since: Timestamp,
    until: Timestamp,
    needs_you: Vec<Need>,
    leads: Vec<LeadLine>,
    today: Vec<AppointmentLine>,
    tomorrow: Vec<AppointmentLine>,
    overdue: Vec<TaskLine>,
    troubles: Vec<TroubleLine>,
    jobs: Jobs,
    ran: Ran,
}

#[derive(Serialize)]
struct Need {
    what: String,
    /// A telephone number to call, where there is one.
    phone: Option<String>,
    email: Option<String>,
}

#[derive(Serialize)]
struct LeadLine {
    name: String,
    service: Option<String>,
    source: String,
    received_at: Timestamp,
    /// Minutes until a person answered; nothing while none has.
    response_minutes: Option<u64>,
}

#[derive(Serialize)]
struct AppointmentLine {
    title: String,
    location: String,
    starts_at: Timestamp,
    goes_on_until: Option<Timestamp>,
    all_day: bool,
    who: Option<String>,
}

#[derive(Serialize)]
struct TaskLine {
    title: String,
    due_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct TroubleLine {
    what: String,
    /// What whoever runs the program does about it.
    command: String,
}

#[derive(Serialize)]
struct Jobs {
    completed: usize,
    scheduled_today: usize,
    /// What the completed jobs bring, where every one of them says so.
    amount_cents: Option<i64>,
}

#[derive(Serialize)]
struct Ran {
    #[serde(flatten)]
    done: Done,
    /// What a person would have needed for it.
    hours_saved: String,
}

/// Gathers the digest of the time from `since` before `now`, in words of a language.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn compose(
    conn: &mut Conn,
    connectors: &Connectors,
    (tenant, language): (&Tenant, Language),
    since: Duration,
    now: Timestamp,
) -> Result<Value> {
    let id = &tenant.id;
    let tx = &mut conn.of(id);
    let since_at = now - since;
    let leads = lead::since(tx, since_at, COUNTED)?;
    let (today, tomorrow) = days(tenant, now)?;
    let tasks = task::list(tx, Some(TaskState::Open), None, COUNTED)?;
    let overdue: Vec<&Task> = tasks.iter().filter(|task| task.due_at.is_some_and(|at| at <= now)).collect();
    let digest = Digest {
        empty: false,
        since: since_at,
        until: now,
        needs_you: needs(tx, (tenant, language), &tasks, now)?,
        leads: leads.iter().filter(|lead| is_lead(lead)).take(shown()).map(lead_line).collect(),
        today: appointments(tx, tenant, today)?,
        tomorrow: appointments(tx, tenant, tomorrow)?,
        overdue: overdue.into_iter().take(shown()).map(task_line).collect(),
        troubles: troubles(tx, connectors, tenant, (since_at, now))?
            .into_iter()
            .map(|issue| TroubleLine { what: issue.told(language), command: issue.command })
            .collect(),
        jobs: jobs(tx, tenant, since_at, today)?,
        ran: ran(tx, (tenant, language), (since_at, now))?,
    };
    let empty = digest.needs_you.is_empty()
        && digest.leads.is_empty()
        && digest.today.is_empty()
        && digest.tomorrow.is_empty()
        && digest.overdue.is_empty()
        && digest.troubles.is_empty()
        && digest.jobs.completed + digest.jobs.scheduled_today == 0
        && digest.ran.done.things() == 0;
    serde_json::to_value(Digest { empty, ..digest })
        .map_err(|error| Error::internal("a digest has no JSON form").source(error))
}

fn shown() -> usize {
    usize::try_from(SHOWN).unwrap_or(0)
}

type Span = (Timestamp, Timestamp);

/// Returns today and tomorrow by the tenant's clocks.
fn days(tenant: &Tenant, now: Timestamp) -> Result<(Span, Span)> {
    let zone = tenant.zone()?.tz();
    let today = now.utc().with_timezone(&zone).date_naive();
    let start = |ahead| {
        let day = today.checked_add_days(Days::new(ahead)).unwrap_or(today);
        at_wall_time(day, chrono::NaiveTime::MIN, zone)
    };
    Ok(((start(0), start(1)), (start(1), start(2))))
}

fn is_lead(lead: &Lead) -> bool {
    !lead.is_test && lead.state != LeadState::Spam
}

/// What only a person can do: unanswered leads, and tasks that are due.
fn needs(
    conn: &mut Conn,
    (tenant, language): (&Tenant, Language),
    tasks: &[Task],
    now: Timestamp,
) -> Result<Vec<Need>> {
    let waiting = |lead: &&Lead| is_lead(lead) && lead.state == LeadState::New && lead.responded_at.is_none();
    let leads = lead::since(&mut conn.of(&tenant.id), now - UNANSWERED, COUNTED)?;
    let unanswered = leads.iter().filter(waiting).take(shown()).map(|lead| Need {
        what: (language.words().waiting)(&lead.name, lead.service.as_deref()),
        phone: lead.phone.as_ref().map(ToString::to_string),
        email: lead.email.as_ref().map(ToString::to_string),
    });
    let mut needs: Vec<Need> = unanswered.collect();
    let due = tasks.iter().filter(|task| task.due_at.is_none_or(|at| at > now));
    let due = due.take(shown()).map(|task| Need { what: task.title.clone(), phone: None, email: None });
    needs.extend(due);
    Ok(needs)
}

fn lead_line(lead: &Lead) -> LeadLine {
    LeadLine {
        name: lead.name.clone(),
        service: lead.service.clone(),
        source: lead.source.clone(),
        received_at: lead.received_at,
        response_minutes: lead.responded_at.map(|at| at.since(lead.received_at).as_secs() / 60),
    }
}

fn task_line(task: &Task) -> TaskLine {
    TaskLine { title: task.title.clone(), due_at: task.due_at }
}

fn appointments(conn: &mut Conn, tenant: &Tenant, span: Span) -> Result<Vec<AppointmentLine>> {
    let tx = &mut conn.of(&tenant.id);
    let mut lines = Vec::new();
    for found in appointment::between(tx, span, SHOWN)? {
        let Appointment { title, location, starts_at, ends_at, all_day, contact_id, .. } = found;
        // What began on another day is shown as going on.
        let goes_on_until = (starts_at < span.0).then_some(ends_at);
        let who = contact_id.map(|id| contact::find(tx, &id)).transpose()?.flatten();
        let who = who.map(|contact| contact.name).filter(|name| !name.is_empty());
        lines.push(AppointmentLine { title, location, starts_at, goes_on_until, all_day, who });
    }
    Ok(lines)
}

/// What is not as it should be, and the leads that were held back as spam since the digest before.
fn troubles(
    conn: &mut Conn,
    connectors: &Connectors,
    tenant: &Tenant,
    (since, now): Span,
) -> Result<Vec<HealthIssue>> {
    let mut standing = Standing::load(&mut conn.of(&tenant.id), since, now)?;
    // The digest itself is work that is due, and who cannot sign in is no news of the day.
    standing.oldest_due.clear();
    standing.locked.clear();
    Ok(standing.issues(tenant, connectors, now))
}

fn jobs(conn: &mut Conn, tenant: &Tenant, since: Timestamp, today: Span) -> Result<Jobs> {
    let tx = &mut conn.of(&tenant.id);
    let completed: Vec<Job> = job::completed_since(tx, since, COUNTED)?;
    let amounts: Option<Vec<i64>> = completed.iter().map(|job| job.amount_cents).collect();
    Ok(Jobs {
        completed: completed.len(),
        scheduled_today: job::scheduled(tx, today, COUNTED)?.len(),
        amount_cents: amounts.filter(|amounts| !amounts.is_empty()).map(|amounts| amounts.iter().sum()),
    })
}

fn ran(conn: &mut Conn, (tenant, language): (&Tenant, Language), span: Span) -> Result<Ran> {
    let done = Done::of(&effect::count_settled(&mut conn.of(&tenant.id), EffectState::Delivered, span)?);
    let minutes = done.saved(tenant.settings()?.minutes_saved).as_secs() / 60;
    let hours_saved =
        format!("{}{}{}", minutes / 60, language.decimal(Some(tenant.country()?)).mark(), minutes % 60 / 6);
    Ok(Ran { done, hours_saved })
}
