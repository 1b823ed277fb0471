//! What an edited automation would have done with what really happened, against what was done.
//!
//! The last days are played again in a scratch world: what came in, what people answered and decided, and what
//! other automations sent happens there at its moment, and what the edited automation sends is held against what
//! was sent. Nothing is written. Contacts, jobs and settings of the tenant are as they are today.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::config::definitions::Text;
use crate::domain::automation::version::{DRAFT, parsed};
use crate::ops::LIST_LIMIT;
use crate::ops::automation::definition;
use crate::ops::automation::trial::happening;
use crate::ops::automation::trial::report::{self, Line, What};
use crate::ops::automation::trial::scratch::Scratch;
use crate::ops::automation::version;
use crate::ops::setting_texts;
use crate::pipeline::dispatch::subject;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::consent::{Consent, Suppression};
use nexora_core::model::effect::EffectState;
use nexora_core::model::event::{About, Event, EventKind, EventState};
use nexora_core::model::lead::LeadState;
use nexora_core::model::message::Message;
use nexora_core::model::request::EffectRequest;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AutomationId, EventId, RunId};
use nexora_engine::automation::definition::Definition;
use nexora_store::{Conn, Tx, automation, connection, consent, effect, event, lead, message, run, scratch};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct SimulationRequest {
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

/// Rows of a kind that are looked at; a busy month has fewer.
const ROWS: i64 = 50_000;

/// Two messages this near in time were sent at the same time.
const SAME_TIME: Duration = Duration::from_secs(60);

/// Simulates an automation over what happened in the last days.
///
/// # Errors
/// `NotFound` when there is no such template; `Usage` naming every fault of the definition.
pub async fn run(app: &App, tenant: &Tenant, request: SimulationRequest) -> Result<Simulation> {
    let shelf = app.config.definitions.of(tenant)?;
    let mut given = BTreeMap::new();
    if let Ok(live) = version::live(app, tenant, &request.name).await {
        given = setting_texts(&live)?;
    }
    let text = match &request.text {
        Some(text) => text.clone(),
        None => shelf.automation(&request.name)?,
    };
    let known = Definition::read(&text.file, &text.text)?;
    given.retain(|name, _| known.definition.settings.contains_key(name));
    given.extend(request.given.clone());
    let loaded = definition::load_text(&shelf, app.connectors().facts(), tenant, &text, &given)?;
    let now = app.clock.now();
    let since = now - Duration::from_secs(u64::from(request.days) * 86_400);

    let world = Scratch::open(app, tenant, &loaded, since).await?;
    let automation = world.automation.clone();
    let history = app.view(tenant, move |tx| History::load(tx, &automation, (since, now))).await?;
    let id = tenant.id.clone();
    world.write(move |conn, _| scratch::rewind(&mut conn.of(&id), since)).await?;
    let replayed = replayed(&world, &history).await?;
    for moment in history.moments(&replayed) {
        world.pass_until(moment.at).await?;
        let tenant = world.tenant.clone();
        world.write(move |conn, _| moment.what.happen(conn, &tenant)).await?;
        world.settle().await?;
    }
    world.pass_until(now).await?;

    let name = loaded.definition.head.name;
    let mut simulation = Simulation { automation: name, since, events: 0, same: 0, differences: Vec::new() };
    for played in world.runs().await? {
        let (tenant, name, started_by) = (tenant.clone(), request.name.clone(), played.event_id.clone());
        let before = app.db.read(move |conn| sent(conn, &tenant, &name, &started_by)).await?;
        let started_by = played.event_id.clone();
        let lines = world.read(move |conn| report::of_run(conn, &played)).await?;
        simulation.events += 1;
        compare(&mut simulation, &started_by, before, lines);
    }
    Ok(simulation)
}

/// What happened in a tenant in a span of time, but for what the automation that is simulated sent.
struct History {
    events: Vec<Event>,
    messages: Vec<Message>,
    consents: Vec<Consent>,
    suppressions: Vec<Suppression>,
}

/// One thing that happened.
enum Happened {
    Event(Event),
    Message(Message),
    Consent(Consent),
    Suppression(Suppression),
}

struct AtMoment {
    at: Timestamp,
    what: Happened,
}

impl History {
    fn load(tx: &mut Tx, automation: &AutomationId, span: (Timestamp, Timestamp)) -> Result<History> {
        let mut messages = message::between(tx, span, ROWS)?;
        let own: HashSet<String> = {
            let filter = run::Filter { automation: Some(automation.clone()), ..run::Filter::default() };
            run::list(tx, &filter, ROWS)?.into_iter().map(|run| run.id.to_string()).collect()
        };
        messages.retain(|message| message.run_id.as_ref().is_none_or(|run| !own.contains(run)));
        let mut events = Vec::new();
        for event in event::between(tx, span, ROWS)? {
            if !is_held_back(tx, &event)? {
                events.push(event);
            }
        }
        Ok(History {
            events,
            messages,
            consents: consent::between(tx, span, ROWS)?,
            suppressions: consent::suppressions_between(tx, span, ROWS)?,
        })
    }

    /// Returns what happens again, in order; at one moment, what is on record comes before what is told.
    fn moments(self, replayed: &HashSet<EventId>) -> Vec<AtMoment> {
        let mut moments = Vec::new();
        let mut add = |at, what| moments.push(AtMoment { at, what });
        self.messages.into_iter().for_each(|message| add(message.sent_at, Happened::Message(message)));
        self.consents.into_iter().for_each(|consent| add(consent.at, Happened::Consent(consent)));
        for suppression in self.suppressions {
            add(suppression.created_at, Happened::Suppression(suppression));
        }
        for event in self.events {
            if replayed.contains(&event.id) {
                add(event.received_at, Happened::Event(event));
            }
        }
        moments.sort_by_key(|moment| moment.at);
        moments
    }
}

impl Happened {
    fn happen(self, conn: &mut Conn, tenant: &Tenant) -> Result<()> {
        match self {
            Happened::Message(message) => message::insert(conn, &message).map(|_| ()),
            Happened::Consent(word) => consent::insert(conn, &word),
            Happened::Suppression(suppression) => consent::suppress(conn, &suppression).map(|_| ()),
            Happened::Event(event) => {
                let due_at = Some(event.received_at);
                let pending = Event { state: EventState::Pending, reason: None, due_at, attempt: 0, ..event };
                happening::happen(conn, tenant, &pending)
            }
        }
    }
}

/// Returns the events that would start the automation, and those about the same contacts and subjects, which
/// may end its runs.
async fn replayed(world: &Scratch, history: &History) -> Result<HashSet<EventId>> {
    let (tenant, automation) = (world.tenant.clone(), world.automation.clone());
    let (watches, name, connections) = world
        .read(move |conn| {
            let watches = parsed(&mut conn.of(&tenant.id), &automation, DRAFT)?.watches(&tenant)?;
            let found = automation::find(&mut conn.of(&tenant.id), &automation)?;
            let connections = connection::list(&mut conn.of(&tenant.id), LIST_LIMIT)?;
            Ok((watches, found.map(|found| found.name).unwrap_or_default(), connections))
        })
        .await?;
    let (mut contacts, mut subjects) = (HashSet::new(), HashSet::new());
    for event in &history.events {
        let mut matches = false;
        for watch in &watches {
            matches |= watch.matches(event, &name, &connections)?;
        }
        if matches {
            contacts.extend(event.contact_id.clone());
            subjects.insert(subject(event)?);
        }
    }
    let mut replayed = HashSet::new();
    for event in &history.events {
        let of_contact = event.contact_id.as_ref().is_some_and(|contact| contacts.contains(contact));
        if of_contact || subjects.contains(&subject(event)?) {
            replayed.insert(event.id.clone());
        }
    }
    Ok(replayed)
}

/// Spam and test leads run nothing.
fn is_held_back(tx: &mut Tx, found: &Event) -> Result<bool> {
    if found.kind != EventKind::LeadReceived {
        return Ok(false);
    }
    let about: About = found.payload.read()?;
    let lead = about.lead_id.map(|id| lead::find(tx, &id)).transpose()?.flatten();
    Ok(lead.is_some_and(|lead| lead.is_test || lead.state == LeadState::Spam))
}

/// Returns what the automation of this name has sent because of an event, by step.
fn sent(
    conn: &mut Conn,
    tenant: &Tenant,
    name: &str,
    started_by: &EventId,
) -> Result<BTreeMap<String, (String, Said)>> {
    let tx = &mut conn.of(&tenant.id);
    let Some(found) = automation::find_by_name(tx, name)? else { return Ok(BTreeMap::new()) };
    let filter =
        run::Filter { automation: Some(found.id), event: Some(started_by.clone()), ..run::Filter::default() };
    let runs: Vec<RunId> = run::list(tx, &filter, 1)?.into_iter().map(|run| run.id).collect();
    let mut all = BTreeMap::new();
    for id in runs {
        for done in effect::of_run(tx, &id)? {
            let request: EffectRequest = done.request.read()?;
            let Some(content) = request.message().map(|message| &message.content) else { continue };
            if let (EffectState::Delivered, Some(at)) = (done.state, done.settled_at) {
                let (subject, text) = (content.subject().to_owned(), content.text().to_owned());
                all.insert(done.step, (content.recipient().to_string(), Said { at, subject, text }));
            }
        }
    }
    Ok(all)
}

fn compare(
    simulation: &mut Simulation,
    started_by: &EventId,
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
                        event: started_by.clone(),
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
        let event = started_by.clone();
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
