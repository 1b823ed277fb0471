//! Events meet automations: one run for each (automation, event), pinned to the version live now.
//!
//! An event and its runs are settled in one write, so it is dispatched wholly or not at all.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::engine::plan;
use crate::engine::retry::Spacing;
use crate::engine::trigger::Watch;
use crate::model::automation::{Automation, AutomationState};
use crate::model::connection::Connection;
use crate::model::event::{About, Event, EventState};
use crate::model::run::{Run, RunState};
use crate::model::tenant::Tenant;
use crate::model::{EventId, RunId, TenantId};
use crate::pipeline::{CONNECTION_LIMIT, Round, Swept, spacing, version};
use crate::store::due::{self, Queue};
use crate::store::{Claim, Conn, Inserted, automation, connection, event, run, tenant};

/// Automations that one tenant can have enabled at most.
pub const AUTOMATION_LIMIT: i64 = 500;

/// Dispatches a share of the events that are due.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, round: &mut Round) -> Result<Swept> {
    let now = app.clock.now();
    let limit = app.config.pipeline.sweep_limit();
    let after = round.clone();
    let (share, events, next_due) = app
        .db
        .read(move |conn| {
            let share = due::take(conn, Queue::Events, now, limit, after.as_ref())?;
            let mut events = Vec::with_capacity(share.rows.len());
            for due in &share.rows {
                events.extend(event::find(conn, &due.tenant_id, &EventId::parse(&due.id)?)?);
            }
            let next_due = if events.is_empty() { due::next(conn, Queue::Events)? } else { None };
            Ok((share, events, next_due))
        })
        .await?;
    *round = share.after;
    if events.is_empty() {
        return Ok(Swept::nothing(next_due));
    }
    let handled = events.len();
    let spacing = spacing(&app.config.pipeline);
    let made = app.db.write(move |conn| dispatch_all(conn, &events, spacing, now)).await?;
    if made > 0 {
        app.nudges.advance.notify_one();
    }
    Ok(Swept { handled, more: share.more, next_due: None })
}

fn dispatch_all(conn: &mut Conn, events: &[Event], spacing: Spacing, now: Timestamp) -> Result<usize> {
    let mut tenants = HashMap::new();
    let mut made = 0;
    for event in events {
        match conn.transaction(|conn| dispatch(conn, event, &mut tenants, now)) {
            Ok(runs) => made += runs,
            Err(error) if error.kind() == crate::base::Kind::Unavailable => return Err(error),
            Err(error) => postpone(conn, event, &error, spacing, now)?,
        }
    }
    Ok(made)
}

/// A tenant as dispatch needs it: itself, what its automations that are not switched off wait
/// for, and its connections.
struct Known {
    tenant: Tenant,
    automations: Vec<(Automation, Vec<Watch>)>,
    connections: Vec<Connection>,
}

fn dispatch(
    conn: &mut Conn,
    event: &Event,
    tenants: &mut HashMap<TenantId, Known>,
    now: Timestamp,
) -> Result<usize> {
    if !tenants.contains_key(&event.tenant_id) {
        tenants.insert(event.tenant_id.clone(), load(conn, &event.tenant_id)?);
    }
    let Some(known) = tenants.get(&event.tenant_id) else {
        return Err(Error::internal(format!("tenant `{}` was not loaded", event.tenant_id)));
    };
    let mut matching = Vec::new();
    for (automation, watches) in &known.automations {
        for watch in watches {
            if watch.matches(event, &known.connections)? {
                matching.push(automation);
                break;
            }
        }
    }
    let (state, reason) = match matching.is_empty() {
        true => (EventState::Ignored, Some("no enabled automation waits for it")),
        false => (EventState::Dispatched, None),
    };
    if event::settle(conn, &event.tenant_id, &event.id, state, reason)? == Claim::Lost {
        return Ok(0);
    }
    let mut made = 0;
    for automation in matching {
        let run = new_run(event, &known.tenant, automation, now)?;
        if run::insert(conn, &run)? == Inserted::New {
            made += 1;
        }
    }
    Ok(made)
}

fn load(conn: &mut Conn, id: &TenantId) -> Result<Known> {
    let tenant = tenant::find(conn, id)?.ok_or_else(|| Error::internal(format!("tenant `{id}` is gone")))?;
    let mut automations = automation::list(conn, id, AUTOMATION_LIMIT)?;
    automations.retain(|automation| automation.state != AutomationState::Disabled);
    let mut waiting = Vec::with_capacity(automations.len());
    for automation in automations {
        let version = version::parsed(conn, id, &automation.id, automation.live_version)?;
        let watches = version.watches(&tenant)?;
        waiting.push((automation, watches));
    }
    let connections = connection::list(conn, id, CONNECTION_LIMIT)?;
    Ok(Known { tenant, automations: waiting, connections })
}

/// A run of a paused automation, or of a suspended tenant, is made and waits to be woken.
fn new_run(event: &Event, tenant: &Tenant, automation: &Automation, now: Timestamp) -> Result<Run> {
    let parked = plan::held(tenant.state, automation.state);
    let about: About = event.payload.read()?;
    let subject_id = about.lead_id.map_or_else(|| event.id.to_string(), |lead| lead.to_string());
    Ok(Run {
        tenant_id: event.tenant_id.clone(),
        id: RunId::new(now),
        automation_id: automation.id.clone(),
        version: automation.live_version,
        event_id: event.id.clone(),
        subject_id,
        state: if parked.is_some() { RunState::Waiting } else { RunState::Pending },
        position: 0,
        reason: parked.map(str::to_owned),
        due_at: parked.is_none().then_some(now),
        epoch: 0,
        attempt: 0,
        started_at: now,
        finished_at: None,
    })
}

fn postpone(conn: &mut Conn, event: &Event, error: &Error, spacing: Spacing, now: Timestamp) -> Result<()> {
    tracing::error!(event.id = %event.id, tenant.id = %event.tenant_id, reason = %error.report(), "event {} cannot be dispatched", event.id);
    let attempt = event.attempt.saturating_add(1);
    let wait = spacing.after(event.id.as_str(), attempt);
    event::postpone(conn, &event.tenant_id, &event.id, attempt, &error.report(), now + wait)
}
