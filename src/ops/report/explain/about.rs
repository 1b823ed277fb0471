//! What is explained by another name than its own id, or is no part of a run: a person, an appointment, a cursor, an automation, a connection, a day.

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};

use super::{Line, arrived, of_effect, of_lead, of_message, of_run, of_runs};
use crate::domain::contact::find_written;
use crate::domain::contact::link::SignedLinks;
use crate::ops::LIST_LIMIT;
use crate::ops::unit::Unit;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Result};
use nexora_core::model::appointment::AppointmentState;
use nexora_core::model::automation::{Automation, AutomationState};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::event::EventState;
use nexora_core::model::{AppointmentId, ConnectionId, ContactId, CursorId, JobId, RunId, TaskId};
use nexora_engine::calendar::hours::at_wall_time;
use nexora_store::{
    appointment, automation, connection, consent, contact, cursor, effect, event, job, lead, message, run,
    task, timer,
};

/// Rows of a kind that are told of.
const ROWS: i64 = 100;

/// Explains what is named so; tells whether it is anything of these.
///
/// # Errors
/// `NotFound` when it is an id of nothing.
pub fn explain(
    tx: &mut Unit<'_>,
    name: &str,
    (linker, now): (&SignedLinks, Timestamp),
    lines: &mut Vec<Line>,
) -> Result<bool> {
    if let Ok(id) = ContactId::parse(name) {
        of_contact(tx, &id, linker, lines)?;
    } else if let Ok(id) = JobId::parse(name) {
        of_job(tx, &id, lines)?;
    } else if let Ok(id) = TaskId::parse(name) {
        of_task(tx, &id, lines)?;
    } else if let Ok(id) = ConnectionId::parse(name) {
        let found = connection::find(tx, &id)?.ok_or_else(|| tx.missing("connection", &id))?;
        of_connection(tx, &found, lines)?;
    } else if let Ok(id) = AppointmentId::parse(name) {
        of_appointment(tx, &id, lines)?;
    } else if let Ok(id) = CursorId::parse(name) {
        of_cursor(tx, &id, lines)?;
    } else if let Ok(day) = NaiveDate::parse_from_str(name, "%Y-%m-%d") {
        of_day(tx, day, now, lines)?;
    } else if let Some(found) = automation::find_by_name(tx, name)? {
        of_automation(tx, &found, now, lines)?;
    } else if let Some(found) = connection::find_by_name(tx, name)? {
        of_connection(tx, &found, lines)?;
    } else if is_address(name) {
        of_address(tx, name, linker, lines)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Tells whether a text may be a mail address or a telephone number.
fn is_address(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_phone = digits >= 5 && text.bytes().all(|byte| byte.is_ascii_digit() || b" +-().".contains(&byte));
    is_phone || text.contains('@')
}

fn line(at: Timestamp, what: impl Into<String>, became: &'static str, why: impl Into<String>) -> Line {
    Line { at, what: what.into(), became, why: why.into() }
}

fn of_address(tx: &mut Unit<'_>, address: &str, linker: &SignedLinks, lines: &mut Vec<Line>) -> Result<()> {
    let tenant = tx.tenant;
    let found = find_written(tx, tenant, address)?;
    if let Some(id) = &found {
        of_contact(tx, id, linker, lines)?;
    } else {
        // Who is no contact may have written all the same: spam makes none.
        let filter = lead::Filter { search: Some(address.to_owned()), ..lead::Filter::default() };
        for found in lead::list(tx, &filter, ROWS)? {
            of_lead(tx, &found, lines)?;
            let why = found.reasons.read::<Vec<String>>().unwrap_or_default().join("; ");
            lines.push(line(
                found.received_at,
                format!("lead {}", found.id),
                "held",
                format!("{}: {why}", found.state),
            ));
        }
        of_suppression(tx, address, linker, lines)?;
    }
    if lines.is_empty() {
        return Err(Error::not_found(format!("nobody is known by `{address}` in tenant `{}`", tenant.slug))
            .hint(format!(
                "nothing came from there and nothing was sent: nexora lead list --search {address}"
            )));
    }
    Ok(())
}

fn of_contact(tx: &mut Unit<'_>, id: &ContactId, linker: &SignedLinks, lines: &mut Vec<Line>) -> Result<()> {
    let found = contact::find(tx, id)?.ok_or_else(|| tx.missing("contact", id))?;
    let addresses = contact::addresses(tx, id)?;
    let all: Vec<&str> = addresses.iter().map(|(_, value)| value.as_str()).collect();
    lines.push(line(found.created_at, format!("contact {}", found.name), "became known", all.join(", ")));
    for found in lead::of_contact(tx, id, ROWS)? {
        of_lead(tx, &found, lines)?;
    }
    let known: Vec<String> = lead::of_contact(tx, id, ROWS)?.iter().map(|lead| lead.id.to_string()).collect();
    let filter = run::Filter { contact: Some(id.clone()), ..run::Filter::default() };
    for found in run::list(tx, &filter, ROWS)? {
        // Those of leads are told with them.
        if !known.contains(&found.subject_id) {
            of_run(tx, &found, lines)?;
        }
    }
    for found in message::of_contact(tx, id, ROWS)? {
        if found.effect_id.is_none() {
            of_message(tx, &found, lines)?;
        }
    }
    for word in consent::of_contact(tx, id, ROWS)? {
        let became = if word.given { "agreed" } else { "took it back" };
        lines.push(line(word.at, format!("consent to {}", word.channel), became, word.wording.clone()));
    }
    for (_, address) in &addresses {
        of_suppression(tx, address, linker, lines)?;
    }
    Ok(())
}

fn of_suppression(
    tx: &mut Unit<'_>,
    address: &str,
    linker: &SignedLinks,
    lines: &mut Vec<Line>,
) -> Result<()> {
    for hash in linker.hashes_of(tx.tenant(), address) {
        for found in consent::suppressions_of(tx, &hash)? {
            let why = format!(
                "{}: {} mail is not sent there any more, by {}",
                found.reason, found.scope, found.actor
            );
            lines.push(line(found.created_at, format!("address {address}"), "suppressed", why));
        }
    }
    Ok(())
}

fn of_job(tx: &mut Unit<'_>, id: &JobId, lines: &mut Vec<Line>) -> Result<()> {
    let found = job::find(tx, id)?.ok_or_else(|| tx.missing("job", id))?;
    lines.push(line(
        found.created_at,
        format!("job {}", found.title),
        "made",
        format!("it is {}", found.state),
    ));
    of_runs(tx, run::Filter { subject: Some(id.to_string()), ..run::Filter::default() }, lines)
}

fn of_task(tx: &mut Unit<'_>, id: &TaskId, lines: &mut Vec<Line>) -> Result<()> {
    let found = task::find(tx, id)?.ok_or_else(|| tx.missing("task", id))?;
    let by = found.run_id.as_deref().map_or_else(|| "by hand".to_owned(), |run| format!("by {run}"));
    lines.push(line(found.created_at, format!("task {}", found.title), "made", by));
    let owner = found.run_id.as_deref().and_then(|id| RunId::parse(id).ok());
    if let Some(found) = owner.map(|id| run::find(tx, &id)).transpose()?.flatten() {
        of_run(tx, &found, lines)?;
    }
    Ok(())
}

fn of_appointment(tx: &mut Unit<'_>, id: &AppointmentId, lines: &mut Vec<Line>) -> Result<()> {
    let found = appointment::find(tx, id)?.ok_or_else(|| tx.missing("appointment", id))?;
    let what = format!("appointment {}", found.title);
    let begins = format!("it begins {}", found.starts_at);
    lines.push(line(found.created_at, what.clone(), "became known", begins.clone()));
    if found.version > 1 || found.state == AppointmentState::Cancelled {
        let changes = count(found.version.saturating_sub(1), "change", "changes");
        lines.push(line(found.updated_at, what.clone(), found.state.name(), format!("{changes}; {begins}")));
    }
    for moment in timer::of_entry(tx, &found.entry_id, ROWS)? {
        let what = format!("{what}, {}", moment.moment);
        let (became, why) = match moment.due_at {
            Some(due) => ("waits", format!("due {due}")),
            None => ("passed", "it became an event".to_owned()),
        };
        lines.push(line(moment.fires_at, what, became, why));
    }
    // A run about an entry names its calendar, the entry, and who of its guests it is for.
    let subject = format!("{}:{}", found.calendar, found.entry_id);
    let filter = run::Filter { search: Some(subject), ..run::Filter::default() };
    let runs = run::list(tx, &filter, ROWS)?;
    if runs.is_empty() {
        let why = "no automation that is enabled begins with it; nexora automation list says which there are";
        lines.push(line(found.updated_at, what, "did nothing", why));
    }
    for found in runs {
        of_run(tx, &found, lines)?;
    }
    Ok(())
}

fn of_cursor(tx: &mut Unit<'_>, id: &CursorId, lines: &mut Vec<Line>) -> Result<()> {
    let found = cursor::find(tx, id)?.ok_or_else(|| tx.missing("cursor", id))?;
    let slug = tx.tenant.slug.clone();
    let via = connection::find(tx, &found.connection_id)?
        .ok_or_else(|| tx.missing("connection", &found.connection_id))?;
    let target = Some(found.target.as_str()).filter(|target| !target.is_empty()).unwrap_or("the mailbox");
    let what = format!("cursor of {}, {} {target}", via.name, found.kind);
    let baseline = match &found.position {
        Some(_) => "what happens from then on is told",
        None => "it has not been read yet: nothing is told before that",
    };
    lines.push(line(found.created_at, what.clone(), "made", baseline));
    if let Some(at) = found.changed_at {
        lines.push(line(at, what.clone(), "changed", "something new was found then for the last time"));
    }
    if let Some(at) = found.polled_at {
        lines.push(match &found.error {
            Some(error) => {
                let tries = count(found.attempt, "failed try", "failed tries in a row");
                line(at, what.clone(), "failed", format!("{tries}: {error}"))
            }
            None => line(at, what.clone(), "read", "it worked"),
        });
    }
    match (found.due_at, via.state) {
        (Some(due), _) => {
            let why =
                format!("the next time it is read; at once by: nexora cursor poll {id} --tenant {slug}");
            lines.push(line(due, what, "due", why));
        }
        (None, ConnectionState::Active) => {
            lines.push(line(found.created_at, what, "not read", "it is being read at this moment"));
        }
        (None, ConnectionState::Paused | ConnectionState::Failing) => of_connection(tx, &via, lines)?,
    }
    Ok(())
}

fn of_connection(tx: &mut Unit<'_>, found: &Connection, lines: &mut Vec<Line>) -> Result<()> {
    let (what, slug) = (format!("connection {}", found.name), &tx.tenant.slug);
    lines.push(line(found.created_at, what.clone(), "made", found.kind.to_string()));
    let (became, why) = match found.state {
        ConnectionState::Active => {
            ("works", found.last_error.clone().map(|error| format!("the last failure was: {error}")))
        }
        ConnectionState::Paused => (
            "paused",
            Some(format!("an operator did it: nexora connection resume {} --tenant {slug}", found.name)),
        ),
        ConnectionState::Failing => ("failing", found.last_error.clone()),
    };
    lines.push(line(found.updated_at, what, became, why.unwrap_or_default()));
    for waits in effect::unsettled(tx, Some(&found.id), ROWS)? {
        of_effect(tx, &waits, lines)?;
    }
    Ok(())
}

/// What an automation did of late, and why it did not.
const LATELY: Duration = Duration::from_secs(30 * 86_400);

fn of_automation(tx: &mut Unit<'_>, found: &Automation, now: Timestamp, lines: &mut Vec<Line>) -> Result<()> {
    let (name, slug) = (&found.name, &tx.tenant.slug);
    let what = format!("automation {name}, version {}", found.live_version);
    let (became, why) = match found.state {
        AutomationState::Enabled => ("enabled", String::new()),
        AutomationState::Paused => {
            ("paused", format!("its runs wait: nexora automation resume {name} --tenant {slug}"))
        }
        AutomationState::Disabled => {
            ("switched off", format!("nothing begins it: nexora automation enable {name} --tenant {slug}"))
        }
    };
    lines.push(line(found.updated_at, what.clone(), became, why));
    let filter = run::Filter { automation: Some(found.id.clone()), ..run::Filter::default() };
    let runs = run::list(tx, &filter, ROWS)?;
    if runs.iter().all(|run| run.started_at + LATELY < now) {
        lines.push(line(now, what, "did nothing", "nothing began it within the last 30 days"));
    }
    for run in runs.iter().take(20) {
        of_run(tx, run, lines)?;
    }
    Ok(())
}

/// What did not go out on a day, and why: what was ignored, what was refused or dropped, and what waits since then.
fn of_day(tx: &mut Unit<'_>, day: NaiveDate, now: Timestamp, lines: &mut Vec<Line>) -> Result<()> {
    let zone = tx.tenant.zone()?.tz();
    let begin = at_wall_time(day, NaiveTime::MIN, zone);
    let next = day.succ_opt().ok_or_else(|| Error::usage(format!("`{day}` has no next day")))?;
    let end = at_wall_time(next, NaiveTime::MIN, zone);
    if begin > now {
        return Err(Error::usage(format!("`{day}` is yet to come")));
    }
    let events = event::between(tx, (begin, end), LIST_LIMIT)?;
    let (ignored, taken): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.state == EventState::Ignored);
    for found in ignored.iter().take(50) {
        lines.push(Line { became: "ignored", ..arrived(found) });
    }
    for found in effect::undone_between(tx, (begin, end), ROWS)? {
        of_effect(tx, &found, lines)?;
    }
    for found in effect::unsettled(tx, None, ROWS)? {
        if found.created_at < end {
            of_effect(tx, &found, lines)?;
        }
    }
    let what = format!("{day}");
    let began = taken.len();
    lines.push(line(
        begin,
        what.clone(),
        "began",
        format!("{began} things came that began or ended something"),
    ));
    if began == 0 && ignored.is_empty() {
        let why = "nothing came in and no schedule was due, so that nothing was to be sent";
        lines.push(line(end.max(begin), what, "did nothing", why));
    }
    Ok(())
}
