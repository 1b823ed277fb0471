//! Automations tried out on a virtual clock: nothing is sent, written or moved.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::config::definitions::Text;
use crate::engine::action::Action;
use crate::engine::context::{Links, Operator, Person};
use crate::engine::trial::{self, Happening, Line, Trial};
use crate::engine::trigger::{AppointmentOn, CalendarWhen, Filter, On, Trigger, Watch};
use crate::model::automation::Version;
use crate::model::connection::{Connection, ConnectionKind};
use crate::model::contact::AddressKind;
use crate::model::cursor::Moment;
use crate::model::event::{Event, EventKind};
use crate::model::lead::Lead;
use crate::model::run::{Run, RunState};
use crate::model::tenant::Tenant;
use crate::model::{AutomationId, LeadId, RunId};
use crate::ops::definition::{self, Loaded};
use crate::ops::sample::{self, Sample};
use crate::ops::{LIST_LIMIT, setting_texts};
use crate::pipeline::digest;
use crate::pipeline::dispatch::subject;
use crate::pipeline::link::Linker;
use crate::pipeline::version::Parsed;
use crate::store::{Conn, automation, connection, contact, lead, user};

/// What is tried.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// A template's name, or the text of a file.
    pub name: String,
    pub text: Option<Text>,
    pub given: BTreeMap<String, String>,
    /// A lead of the tenant instead of a made-up one.
    pub lead: Option<LeadId>,
    /// A made-up lead that was read from a file.
    pub sample: Option<SampleLead>,
    /// Which of the triggers starts it, from 1; the first if nothing is said.
    pub trigger: usize,
    /// When it begins; now if nothing is said.
    pub at: Option<Timestamp>,
    /// What happens afterwards: how long after the beginning, and what.
    pub then: Vec<(Duration, On)>,
    pub length: Duration,
}

/// A lead as a file has it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SampleLead {
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub service: Option<String>,
    pub message: Option<String>,
    pub address: Option<String>,
    pub postcode: Option<String>,
    pub preferred_time: Option<String>,
    pub source: Option<String>,
}

/// What a trial showed.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub automation: String,
    pub tenant: String,
    pub started_by: String,
    pub settings: serde_json::Value,
    pub lines: Vec<Line>,
}

/// Tries an automation out.
///
/// # Errors
/// `NotFound` when there is no such template or lead; `Usage` naming every fault of the definition.
pub async fn run(app: &App, tenant: &Tenant, wish: Wish) -> Result<Shown> {
    let shelf = app.config.definitions.of(Some(&tenant.slug));
    let given = with_live(app, tenant, &wish).await?;
    let text = match &wish.text {
        Some(text) => text.clone(),
        None => shelf.automation(&wish.name)?,
    };
    let loaded = definition::load_text(&shelf, tenant, &text, &given)?;
    let (tenant, linker, now) = (tenant.clone(), Linker::of(app), app.clock.now());
    app.db.read(move |conn| play(conn, &tenant, loaded, &wish, &linker, now)).await
}

/// Returns the settings that the tenant has, overlaid with those that were given.
async fn with_live(app: &App, tenant: &Tenant, wish: &Wish) -> Result<BTreeMap<String, String>> {
    let (id, name) = (tenant.id.clone(), wish.name.clone());
    let live = app.db.read(move |conn| {
        let Some(found) = automation::find_by_name(&mut conn.of(&id), &name)? else { return Ok(None) };
        automation::find_version(&mut conn.of(&id), &found.id, found.live_version)
    });
    let mut given = match live.await? {
        Some(version) => setting_texts(&version)?,
        None => BTreeMap::new(),
    };
    given.extend(wish.given.clone());
    Ok(given)
}

fn play(
    conn: &mut Conn,
    tenant: &Tenant,
    loaded: Loaded,
    wish: &Wish,
    linker: &Linker,
    now: Timestamp,
) -> Result<Shown> {
    let begins_at = wish.at.unwrap_or(now);
    let connections = connections(conn, tenant, now)?;
    let mut sample = Sample::new(tenant, begins_at)?;
    if let Some(file) = &wish.sample {
        apply(&mut sample, file)?;
    }
    if let Some(id) = &wish.lead {
        take_lead(conn, tenant, &mut sample, id)?;
    }
    let trigger = loaded.definition.triggers.get(wish.trigger.saturating_sub(1));
    let trigger = trigger.ok_or_else(|| Error::usage(format!("there is no trigger {}", wish.trigger)))?;
    let version = parsed(tenant, &loaded, now)?;
    let number = i32::try_from(wish.trigger.saturating_sub(1)).unwrap_or(i32::MAX);
    let watch = version.watches(tenant)?.into_iter().find(|watch| watch.number == number);
    let made_up = sample::Happening { ahead: ahead_of(watch.as_ref()), ..happening_of(trigger)? };
    let event = sample.event(tenant, &connections, made_up, begins_at)?;
    let digest = match loaded.definition.steps.iter().any(|s| matches!(s.action, Action::ComposeDigest(_))) {
        true => Some(digest::compose(conn, tenant, Duration::from_secs(86_400), begins_at)?),
        false => None,
    };
    let mut happenings = Vec::new();
    for (after, on) in &wish.then {
        let trigger = Trigger { on: Some(*on), ..Trigger::default() };
        let event = sample.event(tenant, &connections, happening_of(&trigger)?, begins_at + *after)?;
        happenings.push(Happening { subject: subject(&event)?, event });
    }
    happenings.sort_by_key(|happening| happening.event.received_at);
    let run = beginning(tenant, &event, begins_at)?;
    let operator = user::first_operator(conn)?;
    let links = links(linker, tenant, &sample.person, &run);
    let lines = trial::run(Trial {
        tenant,
        definition: &version.definition,
        settings: &version.settings,
        templates: &version.templates,
        stops: &version.stops(tenant)?,
        connections: &connections,
        run,
        event: &event,
        lead: Some(sample.lead),
        contact: Some(sample.person),
        job: Some(sample.job),
        operator: operator.map(|user| Operator { name: user.name, email: user.email }),
        conversation: Vec::new(),
        links,
        digest,
        commercial: Vec::new(),
        happenings,
        length: wish.length,
    })?;
    Ok(Shown {
        automation: loaded.definition.head.name,
        tenant: tenant.slug.to_string(),
        started_by: event.kind.to_string(),
        settings: serde_json::json!(loaded.settings),
        lines,
    })
}

/// Returns the version that the loaded definition would be.
pub(super) fn parsed(tenant: &Tenant, loaded: &Loaded, now: Timestamp) -> Result<Parsed> {
    Parsed::of(&Version {
        tenant_id: tenant.id.clone(),
        automation_id: AutomationId::new(now),
        number: 0,
        definition: loaded.text.clone(),
        settings: Json::of(&loaded.settings)?,
        templates: Json::of(&loaded.templates)?,
        created_at: now,
        created_by: String::new(),
    })
}

/// Returns a run that begins with an event.
pub(super) fn beginning(tenant: &Tenant, event: &Event, at: Timestamp) -> Result<Run> {
    Ok(Run {
        tenant_id: tenant.id.clone(),
        id: RunId::new(at),
        automation_id: AutomationId::new(at),
        version: 0,
        event_id: event.id.clone(),
        subject_id: subject(event)?,
        state: RunState::Pending,
        position: 0,
        reason: None,
        due_at: Some(at),
        epoch: 0,
        attempt: 0,
        started_at: at,
        finished_at: None,
        contact_id: event.contact_id.clone(),
    })
}

fn links(linker: &Linker, tenant: &Tenant, person: &Person, run: &Run) -> Links {
    linker.links(tenant, Some(person), &run.id)
}

/// Returns the tenant's connections; where it has none, it is tried as if it had both kinds.
pub(super) fn connections(conn: &mut Conn, tenant: &Tenant, now: Timestamp) -> Result<Vec<Connection>> {
    let found = connection::list(&mut conn.of(&tenant.id), LIST_LIMIT)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let made_up = ConnectionKind::ALL
        .iter()
        .map(|kind| Connection::new(&tenant.id, *kind, kind.name(), Json::empty_object(), now));
    Ok(made_up.collect())
}

/// Returns what a trigger waits for, as the sample makes it up.
fn happening_of(trigger: &Trigger) -> Result<sample::Happening> {
    let on = trigger.on.ok_or_else(|| Error::usage("the trigger says nothing"))?;
    let (kind, change) = match on {
        On::Appointment(AppointmentOn::Booked) | On::Event(EventKind::CalendarEvent) => {
            (EventKind::CalendarEvent, "created")
        }
        On::Appointment(AppointmentOn::Moved) => (EventKind::CalendarEvent, "updated"),
        On::Appointment(AppointmentOn::Cancelled) => (EventKind::CalendarEvent, "cancelled"),
        On::Appointment(AppointmentOn::Near) => (EventKind::CalendarEvent, "before"),
        On::Appointment(AppointmentOn::Past) => (EventKind::CalendarEvent, "after"),
        On::Event(EventKind::LeadChanged) => (EventKind::LeadChanged, "won"),
        On::Event(EventKind::LinkOpened) => (EventKind::LinkOpened, "review"),
        On::Event(kind) => (kind, ""),
    };
    Ok(sample::Happening { kind, change, ahead: sample::Happening::AHEAD })
}

/// Returns how far ahead, or past, an appointment is of which a trigger tells.
fn ahead_of(watch: Option<&Watch>) -> Duration {
    match watch.map(|watch| &watch.filter) {
        Some(Filter::Calendar { when: CalendarWhen::At(Moment::Before(s) | Moment::After(s)), .. }) => {
            Duration::from_secs(*s)
        }
        _ => sample::Happening::AHEAD,
    }
}

fn apply(sample: &mut Sample, file: &SampleLead) -> Result<()> {
    let lead = &mut sample.lead;
    let SampleLead { name, email, phone, service, message, address, postcode, preferred_time, source } =
        file.clone();
    lead.name = name.unwrap_or_else(|| lead.name.clone());
    lead.email = email.map(|text| text.parse()).transpose()?;
    lead.phone = phone.map(|text| text.parse()).transpose()?;
    lead.service = service;
    lead.message = message;
    lead.address = address;
    lead.postcode = postcode;
    lead.preferred_time = preferred_time;
    lead.source = source.unwrap_or_else(|| lead.source.clone());
    sample.person.contact.name = lead.name.clone();
    sample.person.addresses.retain(|(kind, _)| *kind == AddressKind::Phone);
    if let Some(email) = &lead.email {
        sample.person.addresses.insert(0, (AddressKind::Email, email.key()));
    }
    Ok(())
}

/// Puts a real lead in the place of the made-up one.
fn take_lead(conn: &mut Conn, tenant: &Tenant, sample: &mut Sample, id: &LeadId) -> Result<()> {
    let tx = &mut conn.of(&tenant.id);
    let found: Lead = lead::find(tx, id)?
        .ok_or_else(|| Error::not_found(format!("no lead `{id}` in tenant `{}`", tenant.slug)))?;
    if let Some(contact_id) = &found.contact_id
        && let Some(contact) = contact::find(tx, contact_id)?
    {
        sample.person = Person { addresses: contact::addresses(tx, contact_id)?, contact };
    }
    sample.lead = found;
    Ok(())
}
