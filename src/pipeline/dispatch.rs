//! Events meet automations: one run for each (automation, event), pinned to the version live now. And
//! they meet the runs under way: one that waits for nothing more, once this has happened, ends.
//!
//! An event and its runs are settled in one write, so it is dispatched wholly or not at all.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::app::App;
use crate::domain::AUTOMATION_LIMIT;
use crate::domain::CONNECTION_LIMIT;
use crate::domain::automation::stop::{self, Drops};
use crate::domain::automation::version;
use crate::domain::automation::version::Parsed;
use crate::pipeline::Round;
use crate::pipeline::Swept;
use crate::pipeline::TURN;
use crate::pipeline::spacing;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::automation::{Automation, AutomationState};
use nexora_core::model::connection::Connection;
use nexora_core::model::event::{About, CalendarEvent, Event, EventKind, EventState};
use nexora_core::model::run::{Run, RunState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AutomationId, EventId, RunId, TenantId};
use nexora_engine::automation::definition::{Same, WhileRunning};
use nexora_engine::automation::plan;
use nexora_engine::automation::trigger::Watch;
use nexora_engine::delivery::retry::Spacing;
use nexora_store::due::{self, Queue, Share};
use nexora_store::{Claim, Conn, Inserted, automation, batch, connection, event, message, run, tenant};

/// Dispatches a share of the events that are due.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, round: &mut Round) -> Result<Swept> {
    let now = app.clock.now();
    let limit = app.config.pipeline.sweep_limit();
    let after = round.clone();
    let spacing = spacing(&app.config.pipeline);
    let read = move |conn: &mut Conn| {
        let share = due::take(conn, Queue::Events, now, limit, after.as_ref())?;
        let keys = share.rows.iter().map(|due| Ok((due.tenant_id.clone(), EventId::parse(&due.id)?)));
        let keys: Vec<_> = keys.collect::<Result<_>>()?;
        let mut found = if keys.is_empty() { HashMap::new() } else { batch::events(conn, &keys)? };
        let events: Vec<Event> = keys.iter().filter_map(|key| found.remove(key)).collect();
        if events.is_empty() {
            let swept = Swept::nothing(due::next(conn, Queue::Events)?);
            return Ok(ControlFlow::Break((share.after, swept, 0)));
        }
        Ok(ControlFlow::Continue((share, events)))
    };
    let write = move |conn: &mut Conn, (share, events): (Share, Vec<Event>)| {
        let (made, handled) = dispatch_all(conn, &events, spacing, now)?;
        let swept = Swept { handled, more: share.more || handled < events.len(), next_due: None };
        Ok((share.after, swept, made))
    };
    let (after, swept, made) = app.db.decide(read, write).await?;
    *round = after;
    if made > 0 {
        app.nudges.advance.notify_one();
    }
    Ok(swept)
}

/// Returns how many runs were made, and of how many events.
fn dispatch_all(
    conn: &mut Conn,
    events: &[Event],
    spacing: Spacing,
    now: Timestamp,
) -> Result<(usize, usize)> {
    let mut tenants = HashMap::new();
    let made = conn.each(
        events,
        TURN,
        |conn, event| dispatch(conn, event, &mut tenants, now),
        |conn, event, error| postpone(conn, event, &error, spacing, now).map(|()| 0),
    )?;
    Ok((made.iter().sum(), made.len()))
}

/// A tenant as it is during one sweep: its automations that are not disabled, what they wait for (or why that
/// cannot be told), and its connections.
struct TenantSnapshot {
    tenant: Tenant,
    automations: Vec<(Automation, Arc<Parsed>, Result<Vec<Watch>>)>,
    connections: Vec<Connection>,
}

fn dispatch(
    conn: &mut Conn,
    event: &Event,
    tenants: &mut HashMap<TenantId, TenantSnapshot>,
    now: Timestamp,
) -> Result<usize> {
    if !tenants.contains_key(&event.tenant_id) {
        tenants.insert(event.tenant_id.clone(), load(conn, &event.tenant_id)?);
    }
    let Some(snapshot) = tenants.get(&event.tenant_id) else {
        return Err(Error::internal(format!("tenant `{}` was not loaded", event.tenant_id)));
    };
    let mut matching = Vec::new();
    let mut unreadable = Vec::new();
    for (automation, version, watches) in &snapshot.automations {
        let watches = match watches {
            Ok(watches) => watches,
            Err(error) => {
                let waits_for_such =
                    version.definition.triggers.iter().any(|own| own.on.kind().event == event.kind);
                unreadable.extend(waits_for_such.then(|| (automation, error.report())));
                continue;
            }
        };
        for watch in watches {
            if watch.matches(event, &automation.name, &snapshot.connections)? {
                matching.push((automation, version));
                break;
            }
        }
    }
    let subject = subject(event)?;
    let stopped = stop_runs(conn, snapshot, (event, &subject), now)?;
    let (state, reason) = match (matching.is_empty(), stopped) {
        (true, 0) => (EventState::Ignored, Some("no enabled automation waits for it".to_owned())),
        (true, _) => (EventState::Dispatched, Some(format!("it ended {stopped} of the runs under way"))),
        (false, _) => (EventState::Dispatched, None),
    };
    if event::settle(&mut conn.of(&event.tenant_id), &event.id, state, reason.as_deref())? == Claim::Lost {
        return Ok(0);
    }
    let mut made = 0;
    for (automation, version) in matching {
        made += usize::from(
            begin(conn, snapshot, (event, &subject), (automation, version), now)? == Inserted::New,
        );
    }
    // What an automation waits for that cannot be told is no reason to hold up the others; a run that has ended says so.
    for (automation, reason) in unreadable {
        let refused = Some(format!("its triggers cannot be read: {reason}"));
        let _ = run::insert(conn, &new_run((event, &subject), &snapshot.tenant, automation, refused, now))?;
    }
    Ok(made)
}

/// Begins one automation with an event, whatever its triggers wait for: a trial is not about them.
///
/// # Errors
/// `Internal` when the tenant has no such automation that is not switched off.
pub fn start(conn: &mut Conn, event: &Event, automation: &AutomationId, now: Timestamp) -> Result<()> {
    let snapshot = load(conn, &event.tenant_id)?;
    let found = snapshot.automations.iter().find(|(found, ..)| found.id == *automation);
    let (found, version, _) =
        found.ok_or_else(|| Error::internal(format!("no automation `{automation}`")))?;
    if event::settle(&mut conn.of(&event.tenant_id), &event.id, EventState::Dispatched, None)? == Claim::Won {
        let _ = begin(conn, &snapshot, (event, &subject(event)?), (found, version), now)?;
    }
    Ok(())
}

/// Begins one automation with an event that was dispatched before, unless it has run on it already.
///
/// # Errors
/// `Conflict` when it is switched off, or has run on the event.
pub fn begin_anew(conn: &mut Conn, event: &Event, automation: &Automation, now: Timestamp) -> Result<()> {
    let name = &automation.name;
    let snapshot = load(conn, &event.tenant_id)?;
    let found = snapshot.automations.iter().find(|(found, ..)| found.id == automation.id);
    let (found, version, _) = found.ok_or_else(|| {
        Error::conflict(format!("automation `{name}` is switched off"))
            .hint(format!("run `nexora automation enable {name}` first"))
    })?;
    match begin(conn, &snapshot, (event, &subject(event)?), (found, version), now)? {
        Inserted::New => Ok(()),
        Inserted::AlreadyThere => Err(Error::conflict(format!("automation `{name}` has run on it already"))
            .hint("`nexora run list` shows it; `nexora run retry` takes up one that failed")),
    }
}

fn begin(
    conn: &mut Conn,
    snapshot: &TenantSnapshot,
    (event, subject): (&Event, &str),
    (automation, version): (&Automation, &Parsed),
    now: Timestamp,
) -> Result<Inserted> {
    let refused = reenter(conn, snapshot, event, (automation, version), now)?;
    run::insert(conn, &new_run((event, subject), &snapshot.tenant, automation, refused, now))
}

/// Ends the runs that wait for nothing more once this has happened; returns how many.
fn stop_runs(
    conn: &mut Conn,
    snapshot: &TenantSnapshot,
    (event, subject): (&Event, &str),
    now: Timestamp,
) -> Result<usize> {
    let tenant = &snapshot.tenant;
    let tx = &mut conn.of(&tenant.id);
    // A run that began before the entry had a customer is about the entry itself.
    let entry = entry_of(event)?;
    let is_about = |run: &Run| run.subject_id == subject || entry.as_ref() == Some(&run.subject_id);
    let mut open = run::open_of_subject(tx, subject)?;
    if let Some(entry) = entry.as_deref().filter(|entry| *entry != subject) {
        open.extend(run::open_of_subject(tx, entry)?);
    }
    if let Some(contact) = &event.contact_id {
        let of_contact = run::open_of_contact(tx, contact)?;
        open.extend(of_contact.into_iter().filter(|run| !is_about(run)));
    }
    let mut stopped = 0;
    for run in open {
        if !began_before(tx, &run, event)? {
            continue;
        }
        let version = version::parsed(tx, &run.automation_id, run.version)?;
        for (same, watch) in version.stops(tenant)? {
            let concerns = match same {
                Same::Contact => event.contact_id.is_some() && run.contact_id == event.contact_id,
                Same::Subject => is_about(&run),
            };
            if concerns && watch.matches(event, "", &snapshot.connections)? {
                let reason = format!("ended by {}, {}", event.kind, event.id);
                let done = stop::stop(tx, &run.id, &reason, Drops::Messages, now)?;
                stopped += usize::from(done.is_some());
                break;
            }
        }
    }
    Ok(stopped)
}

/// Tells whether what started a run came before an event, however much later the run was made.
fn began_before(conn: &mut Conn, run: &Run, event: &Event) -> Result<bool> {
    if run.event_id == event.id {
        return Ok(false);
    }
    let started_by = event::find(&mut conn.of(&run.tenant_id), &run.event_id)?;
    let moment = |event: &Event| (event.received_at, event.id.clone());
    Ok(started_by.is_none_or(|started_by| moment(&started_by) < moment(event)))
}

/// Says why a contact gets no other run of an automation; ends the one under way where that is the rule.
fn reenter(
    conn: &mut Conn,
    snapshot: &TenantSnapshot,
    event: &Event,
    (automation, version): (&Automation, &Parsed),
    now: Timestamp,
) -> Result<Option<String>> {
    let tenant = &snapshot.tenant;
    let tx = &mut conn.of(&tenant.id);
    let Some(contact) = &event.contact_id else { return Ok(None) };
    let again_after = match version.again_after(tenant) {
        Ok(length) => length,
        // Its own fault is no reason to hold back what else the event starts.
        Err(error) => return Ok(Some(error.report())),
    };
    if let Some(again_after) = again_after {
        let last = message::last_of_automation(tx, contact, &automation.id)?;
        if let Some(at) = last.filter(|at| *at + again_after > now) {
            let days = again_after.as_secs() / 86_400;
            return Ok(Some(format!("the contact was written to at {at}, less than {days} days ago")));
        }
    }
    let rule = version.definition.reentry.while_running;
    if rule == WhileRunning::Both {
        return Ok(None);
    }
    for run in run::open_of_contact(tx, contact)? {
        if run.automation_id != automation.id || run.event_id == event.id {
            continue;
        }
        if rule == WhileRunning::Skip {
            return Ok(Some(format!("run `{}` for the same contact is under way", run.id)));
        }
        let reason = format!("begun anew by {}, {}", event.kind, event.id);
        let _ = stop::stop(tx, &run.id, &reason, Drops::Messages, now)?;
    }
    Ok(None)
}

fn load(conn: &mut Conn, id: &TenantId) -> Result<TenantSnapshot> {
    let tx = &mut conn.of(id);
    let tenant = tenant::find(tx, id)?.ok_or_else(|| Error::internal(format!("tenant `{id}` is gone")))?;
    let mut automations = automation::list(tx, AUTOMATION_LIMIT)?;
    automations.retain(|automation| automation.state != AutomationState::Disabled);
    let mut waiting = Vec::with_capacity(automations.len());
    for automation in automations {
        let version = version::parsed(tx, &automation.id, automation.live_version)?;
        let watches = version.watches(&tenant);
        waiting.push((automation, version, watches));
    }
    let connections = connection::list(tx, CONNECTION_LIMIT)?;
    Ok(TenantSnapshot { tenant, automations: waiting, connections })
}

/// Returns what a run of the event is about: a calendar entry, for one who attends, a job, a lead, or else the event.
///
/// # Errors
/// `Internal` when the payload cannot be read.
pub fn subject(event: &Event) -> Result<String> {
    if event.kind == EventKind::CalendarEvent {
        let payload: CalendarEvent = event.payload.read()?;
        let guest = payload.guest.map(|guest| format!(":{guest}")).unwrap_or_default();
        return Ok(format!("{}:{}{guest}", payload.calendar, payload.entry.id));
    }
    let about: About = event.payload.read()?;
    Ok(match (about.job_id, about.lead_id) {
        (Some(job), _) => job.to_string(),
        (None, Some(lead)) => lead.to_string(),
        (None, None) => event.id.to_string(),
    })
}

/// Returns the subject of a calendar entry without one who attends it.
fn entry_of(event: &Event) -> Result<Option<String>> {
    if event.kind != EventKind::CalendarEvent {
        return Ok(None);
    }
    let payload: CalendarEvent = event.payload.read()?;
    Ok(Some(format!("{}:{}", payload.calendar, payload.entry.id)))
}

/// A run of a paused automation, or of a suspended tenant, is made and waits to be woken. One that is
/// refused is made all the same, and has ended, so that the reason can be read.
fn new_run(
    (event, subject): (&Event, &str),
    tenant: &Tenant,
    automation: &Automation,
    refused: Option<String>,
    now: Timestamp,
) -> Run {
    let parked = plan::held(tenant.state, automation.state);
    let state = match (&refused, parked) {
        (Some(_), _) => RunState::Cancelled,
        (None, Some(_)) => RunState::Waiting,
        (None, None) => RunState::Pending,
    };
    Run {
        tenant_id: event.tenant_id.clone(),
        id: RunId::new(now),
        automation_id: automation.id.clone(),
        version: automation.live_version,
        event_id: event.id.clone(),
        subject_id: subject.to_owned(),
        state,
        position: 0,
        due_at: (state == RunState::Pending).then_some(now),
        epoch: 0,
        attempt: 0,
        started_at: now,
        finished_at: refused.is_some().then_some(now),
        contact_id: event.contact_id.clone(),
        reason: refused.or(parked.map(str::to_owned)),
    }
}

fn postpone(conn: &mut Conn, event: &Event, error: &Error, spacing: Spacing, now: Timestamp) -> Result<()> {
    tracing::error!(event.id = %event.id, tenant.id = %event.tenant_id, reason = %error.report(), "event {} cannot be dispatched", event.id);
    let attempt = event.attempt.saturating_add(1);
    let wait = spacing.after(event.id.as_str(), attempt);
    event::postpone(&mut conn.of(&event.tenant_id), &event.id, attempt, &error.report(), now + wait)
}
