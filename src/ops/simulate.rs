//! What an edited automation would have done with what really happened, against what was done.
//!
//! Each event of the last days that would have started it is played through a trial, together with
//! what happened afterwards, and what the trial sends is held against what was sent. Nothing is
//! written. Contacts, jobs and settings of the tenant are as they are today.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::config::definitions::Text;
use crate::engine::definition::Definition;
use crate::engine::trial::{self, Happening, Line, Trial, What};
use crate::model::connection::Connection;
use crate::model::effect::EffectState;
use crate::model::event::{About, Event, EventKind, EventState};
use crate::model::lead::{Lead, LeadState};
use crate::model::request::EffectRequest;
use crate::model::tenant::Tenant;
use crate::model::{EventId, RunId};
use crate::ops::definition::{self, Loaded};
use crate::ops::trial::{beginning, connections, parsed};
use crate::ops::{setting_texts, version};
use crate::pipeline::dispatch::subject;
use crate::pipeline::link::Linker;
use crate::pipeline::scene::Scene;
use crate::pipeline::version::Parsed;
use crate::store::{Conn, automation, effect, event, lead, run};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Wish {
    pub name: String,
    pub text: Option<Text>,
    pub given: BTreeMap<String, String>,
    pub days: u32,
}

/// What came of a simulation.
#[derive(Clone, Debug, Serialize)]
pub struct Simulation {
    pub automation: String,
    pub since: Timestamp,
    /// Events that would have started it.
    pub events: usize,
    pub same: usize,
    pub differences: Vec<Difference>,
}

/// One message that differs.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    pub event: EventId,
    pub step: String,
    /// `only before`, `only after`, `other time`, `other words` or `other time and words`.
    pub what: &'static str,
    pub to: String,
    pub before: Option<Said>,
    pub after: Option<Said>,
    /// Why it would not be sent any more, where a gate says so.
    pub why: Option<String>,
}

/// A message as far as it is compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    pub at: Timestamp,
    pub subject: String,
    pub text: String,
}

/// Events that are looked at; a busy month has fewer.
const EVENTS: i64 = 50_000;

/// Two messages this near in time were sent at the same time.
const SAME_TIME: Duration = Duration::from_secs(60);

/// Simulates an automation over what happened in the last days.
///
/// # Errors
/// `NotFound` when there is no such template; `Usage` naming every fault of the definition.
pub async fn run(app: &App, tenant: &Tenant, wish: Wish) -> Result<Simulation> {
    let shelf = app.config.definitions.of(Some(&tenant.slug));
    let mut given = BTreeMap::new();
    if let Ok(live) = version::live(app, tenant, &wish.name).await {
        given = setting_texts(&live)?;
    }
    let text = match &wish.text {
        Some(text) => text.clone(),
        None => shelf.automation(&wish.name)?,
    };
    let known = Definition::read(&text.file, &text.text)?;
    given.retain(|name, _| known.definition.settings.contains_key(name));
    given.extend(wish.given.clone());
    let loaded = definition::load_text(&shelf, tenant, &text, &given)?;
    let (tenant, linker, now) = (tenant.clone(), Linker::of(app), app.clock.now());
    app.db.read(move |conn| play_all(conn, &tenant, &loaded, &wish, &linker, now)).await
}

fn play_all(
    conn: &mut Conn,
    tenant: &Tenant,
    loaded: &Loaded,
    wish: &Wish,
    linker: &Linker,
    now: Timestamp,
) -> Result<Simulation> {
    let since = now - Duration::from_secs(u64::from(wish.days) * 86_400);
    let events = event::between(&mut conn.of(&tenant.id), (since, now), EVENTS)?;
    let connections = connections(conn, tenant, now)?;
    let version = parsed(tenant, loaded, now)?;
    let watches = version.watches(tenant)?;
    let name = loaded.definition.head.name.clone();
    let mut simulation =
        Simulation { automation: name.clone(), since, events: 0, same: 0, differences: Vec::new() };
    for (index, started_by) in events.iter().enumerate() {
        let is_quiet = started_by.state == EventState::Ignored && is_held_back(conn, tenant, started_by)?;
        let mut matches = false;
        for watch in &watches {
            matches |= watch.matches(started_by, &name, &connections)?;
        }
        if !matches || is_quiet {
            continue;
        }
        simulation.events += 1;
        let later = events.get(index + 1..).unwrap_or_default();
        let place = Place { tenant, version: &version, connections: &connections, linker, now };
        let lines = place.play(conn, started_by, later)?;
        let before = sent(conn, tenant, &wish.name, started_by)?;
        compare(&mut simulation, started_by, before, lines);
    }
    Ok(simulation)
}

/// Spam and test leads run nothing.
fn is_held_back(conn: &mut Conn, tenant: &Tenant, found: &Event) -> Result<bool> {
    if found.kind != EventKind::LeadReceived {
        return Ok(false);
    }
    let about: About = found.payload.read()?;
    let lead = about.lead_id.map(|id| lead::find(&mut conn.of(&tenant.id), &id)).transpose()?.flatten();
    Ok(lead.is_some_and(|lead| lead.is_test || lead.state == LeadState::Spam))
}

struct Place<'a> {
    tenant: &'a Tenant,
    version: &'a Parsed,
    connections: &'a [Connection],
    linker: &'a Linker,
    now: Timestamp,
}

impl Place<'_> {
    fn play(&self, conn: &mut Conn, started_by: &Event, later: &[Event]) -> Result<Vec<Line>> {
        let tenant = self.tenant;
        let run = beginning(tenant, started_by, started_by.received_at)?;
        let scene = Scene::of_event(conn, tenant.clone(), started_by.clone(), &run, self.linker)?;
        let facts = scene.facts();
        let about = facts.contact.map(|person| person.contact.id.clone());
        let mut happenings = Vec::new();
        for event in later {
            let subject = subject(event)?;
            let concerns = (about.is_some() && event.contact_id == about) || subject == run.subject_id;
            if concerns {
                happenings.push(Happening { event: event.clone(), subject });
            }
        }
        let digest = scene.digest(conn, &run, self.version, started_by.received_at)?;
        trial::run(Trial {
            tenant,
            definition: &self.version.definition,
            settings: &self.version.settings,
            templates: &self.version.templates,
            stops: &self.version.stops(tenant)?,
            connections: self.connections,
            event: started_by,
            lead: facts.lead.map(as_it_came),
            contact: facts.contact.cloned(),
            job: facts.job.cloned(),
            operator: facts.operator.cloned(),
            conversation: facts.conversation.to_vec(),
            links: facts.links.clone(),
            digest,
            commercial: Vec::new(),
            happenings,
            length: self.now.since(started_by.received_at),
            run,
        })
    }
}

/// A lead as it was before anybody had answered.
fn as_it_came(lead: &Lead) -> Lead {
    Lead { state: LeadState::New, responded_at: None, answered_at: None, ..lead.clone() }
}

/// Returns what the automation of this name has sent because of an event, by step.
fn sent(
    conn: &mut Conn,
    tenant: &Tenant,
    name: &str,
    started_by: &Event,
) -> Result<BTreeMap<String, (String, Said)>> {
    let tx = &mut conn.of(&tenant.id);
    let Some(found) = automation::find_by_name(tx, name)? else { return Ok(BTreeMap::new()) };
    let filter = run::Filter {
        automation: Some(found.id),
        event: Some(started_by.id.clone()),
        ..run::Filter::default()
    };
    let runs: Vec<RunId> = run::list(tx, &filter, 1)?.into_iter().map(|run| run.id).collect();
    let mut all = BTreeMap::new();
    for id in runs {
        for done in effect::of_run(tx, &id)? {
            let EffectRequest::SendMail(mail) = done.request.read()? else { continue };
            if let (EffectState::Delivered, Some(at)) = (done.state, done.settled_at) {
                let said = Said { at, subject: mail.subject, text: mail.text };
                all.insert(done.step, (mail.to.to_string(), said));
            }
        }
    }
    Ok(all)
}

fn compare(
    simulation: &mut Simulation,
    started_by: &Event,
    mut before: BTreeMap<String, (String, Said)>,
    lines: Vec<Line>,
) {
    let mut reasons = BTreeMap::new();
    for line in lines {
        match line.what {
            What::Sent { to, subject, text, .. } => {
                let after = Said { at: line.at, subject, text };
                let earlier = before.remove(&line.step).map(|(_, said)| said);
                let what = match &earlier {
                    None => Some("only after"),
                    Some(said) => difference(said, &after),
                };
                match what {
                    None => simulation.same += 1,
                    Some(what) => simulation.differences.push(Difference {
                        event: started_by.id.clone(),
                        step: line.step,
                        what,
                        to,
                        before: earlier,
                        after: Some(after),
                        why: None,
                    }),
                }
            }
            What::NotSent { gate, reason } => drop(reasons.insert(line.step, format!("{gate}: {reason}"))),
            What::Skipped { reason } => drop(reasons.insert(line.step, reason)),
            What::Ends { reason: Some(reason), .. } => drop(reasons.insert(String::new(), reason)),
            _ => {}
        }
    }
    for (step, (to, said)) in before {
        let why = reasons.get(&step).or_else(|| reasons.get("")).cloned();
        let event = started_by.id.clone();
        let what = "only before";
        simulation.differences.push(Difference {
            event,
            step,
            what,
            to,
            before: Some(said),
            after: None,
            why,
        });
    }
}

fn difference(before: &Said, after: &Said) -> Option<&'static str> {
    let apart = if before.at > after.at { before.at.since(after.at) } else { after.at.since(before.at) };
    // Links differ from run to run.
    let words = |said: &Said| -> String {
        let is_link = |word: &&str| !word.contains("/u/") && !word.contains("/r/");
        let text = said.text.split_whitespace().filter(is_link).collect::<Vec<_>>().join(" ");
        format!("{}\n{text}", said.subject)
    };
    match (apart > SAME_TIME, words(before) != words(after)) {
        (false, false) => None,
        (true, false) => Some("other time"),
        (false, true) => Some("other words"),
        (true, true) => Some("other time and words"),
    }
}
