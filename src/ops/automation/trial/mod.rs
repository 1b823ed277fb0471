//! Automations tried out: the real pipeline runs on a copy of the tenant's rows, and nothing is sent, written
//! or moved.

mod happening;
mod provider;
pub mod report;
mod sample;
mod scratch;
pub mod simulate;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::config::definitions::Text;
use crate::domain::automation::version;
use crate::domain::contact::link::SignedLinks;
use crate::ops::automation::definition::{self, Loaded};
use crate::ops::automation::trial::report::{Line, What};
use crate::ops::automation::trial::sample::Sample;
use crate::ops::automation::trial::scratch::Scratch;
use crate::ops::{LIST_LIMIT, setting_texts};
use crate::pipeline::dispatch;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::contact::AddressKind;
use nexora_core::model::cursor::Moment;
use nexora_core::model::event::Event;
use nexora_core::model::lead::Lead;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AutomationId, LeadId};
use nexora_engine::automation::context::Person;
use nexora_engine::automation::trigger::{EventSource, On, Trigger, Watch};
use nexora_store::{Conn, automation, connection, contact, event, lead};

/// What is tried.
#[derive(Clone, Debug, Default)]
pub struct TrialRequest {
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
pub async fn run(app: &App, tenant: &Tenant, request: TrialRequest) -> Result<Shown> {
    let shelf = app.config.definitions.of(tenant)?;
    let given = with_live(app, tenant, &request).await?;
    let text = match &request.text {
        Some(text) => text.clone(),
        None => shelf.automation(&request.name)?,
    };
    let loaded = definition::load_text(&shelf, app.connectors().facts(), tenant, &text, &given)?;
    let begins_at = request.at.unwrap_or_else(|| app.clock.now());
    let until = begins_at + request.length;
    let scratch = Scratch::open(app, tenant, &loaded, begins_at).await?;
    let beginning = Beginning {
        tenant: scratch.tenant.clone(),
        automation: scratch.automation.clone(),
        on: trigger(&loaded, request.trigger)?.on,
        request,
    };
    let (event, mut happenings) = scratch.write(move |conn, now| beginning.begin(conn, now)).await?;
    scratch.settle().await?;
    let linker = SignedLinks::of(&scratch.app);
    let mut lines = Vec::new();
    happenings.retain(|happening| happening.received_at <= until);
    for happening in happenings {
        scratch.pass_until(happening.received_at).await?;
        let runs = scratch.runs().await?;
        if runs.iter().all(|run| run.state.is_finished()) {
            break;
        }
        let what = What::Happens { event: happening.kind.to_string() };
        lines.push(Line { at: happening.received_at, step: String::new(), what });
        let (tenant, linker) = (scratch.tenant.clone(), linker.clone());
        scratch.write(move |conn, _| happening::invent(conn, &linker, &tenant, &happening)).await?;
        scratch.settle().await?;
    }
    scratch.pass_until(until).await?;
    for run in scratch.runs().await? {
        lines.extend(scratch.read(move |conn| report::of_run(conn, &run)).await?);
    }
    lines.sort_by_key(|line| line.at);
    Ok(Shown {
        automation: loaded.definition.head.name,
        tenant: tenant.slug.to_string(),
        started_by: event.kind.to_string(),
        settings: serde_json::json!(loaded.settings),
        lines,
    })
}

/// Returns the settings that the tenant has, overlaid with those that were given.
async fn with_live(app: &App, tenant: &Tenant, request: &TrialRequest) -> Result<BTreeMap<String, String>> {
    let (id, name) = (tenant.id.clone(), request.name.clone());
    let live = app.db.read(move |conn| {
        let Some(found) = automation::find_by_name(&mut conn.of(&id), &name)? else { return Ok(None) };
        automation::find_version(&mut conn.of(&id), &found.id, found.live_version)
    });
    let mut given = match live.await? {
        Some(version) => setting_texts(&version)?,
        None => BTreeMap::new(),
    };
    given.extend(request.given.clone());
    Ok(given)
}

/// Returns a trigger of the definition by its number, from 1.
fn trigger(loaded: &Loaded, number: usize) -> Result<&Trigger> {
    let found = loaded.definition.triggers.get(number.saturating_sub(1));
    found.ok_or_else(|| Error::usage(format!("there is no trigger {number}")))
}

/// How a trial begins: with an event about a person.
struct Beginning {
    tenant: Tenant,
    automation: AutomationId,
    on: On,
    request: TrialRequest,
}

impl Beginning {
    /// Starts the automation with an event of its trigger's kind; returns it, and what happens afterwards.
    fn begin(&self, conn: &mut Conn, now: Timestamp) -> Result<(Event, Vec<Event>)> {
        let Beginning { tenant, automation, request, .. } = self;
        let connections = connection::list(&mut conn.of(&tenant.id), LIST_LIMIT)?;
        let made_up = sample::Happening { ahead: self.ahead(conn)?, ..happening_of(self.on) };
        let is_about_somebody = made_up.kind.shape().is_about_somebody() || !request.then.is_empty();
        let sample = self.sample(conn, now)?;
        if is_about_somebody {
            sample.insert(conn)?;
        }
        let started_by = sample.event(tenant, &connections, made_up, now)?;
        let mut happenings = Vec::new();
        for (after, on) in &request.then {
            happenings.push(sample.event(tenant, &connections, happening_of(*on), now + *after)?);
        }
        happenings.sort_by_key(|happening| happening.received_at);
        event::insert(conn, &started_by).map(|_| ())?;
        happening::follow(conn, tenant, &started_by)?;
        dispatch::start(conn, &started_by, automation, now)?;
        Ok((started_by, happenings))
    }

    /// Returns whom it is about: a lead of the tenant, or one that is made up.
    fn sample(&self, conn: &mut Conn, now: Timestamp) -> Result<Sample> {
        let (tenant, request) = (&self.tenant, &self.request);
        let mut sample = Sample::new(tenant, now)?;
        if let Some(file) = &request.sample {
            apply(&mut sample, file)?;
        }
        match &request.lead {
            Some(id) => take_lead(conn, tenant, &mut sample, id)?,
            None => sample.meet(conn, tenant, now)?,
        }
        Ok(sample)
    }

    /// Returns how far ahead, or past, an appointment is of which the trigger tells.
    fn ahead(&self, conn: &mut Conn) -> Result<Duration> {
        let version = version::parsed(&mut conn.of(&self.tenant.id), &self.automation, version::DRAFT)?;
        let number = i32::try_from(self.request.trigger.saturating_sub(1)).unwrap_or(i32::MAX);
        let watches = version.watches(&self.tenant)?;
        Ok(ahead_of(watches.iter().find(|watch| watch.number == number)))
    }
}

/// Returns what a trigger waits for, as the sample makes it up.
fn happening_of(on: On) -> sample::Happening {
    let kind = on.kind();
    sample::Happening { kind: kind.event, change: kind.sample, ahead: sample::Happening::AHEAD }
}

/// Returns how far ahead, or past, an appointment is of which a trigger tells.
fn ahead_of(watch: Option<&Watch>) -> Duration {
    match watch.map(|watch| watch.filter.source()) {
        Some(EventSource::Calendar { moment: Some(Moment::Before(s) | Moment::After(s)), .. }) => {
            Duration::from_secs(s)
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
    sample.job.contact_id = found.contact_id.clone();
    sample.job.lead_id = Some(found.id.clone());
    sample.lead = found;
    Ok(())
}
