//! Calendar: entries with ids of the client's choice, kept after their deletion as Google does.
//!
//! Every mailbox has a calendar, `primary` to itself; the calendars of one sandbox are shared with
//! everybody in it.

pub mod event;
mod list;
mod recurrence;

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::calendar::event::Event;
use crate::serve::call::Call;
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::serve::route::{Route, route};
use crate::world::World;
use nexora_core::base::clock::Timestamp;

const ALL: &str = "https://www.googleapis.com/auth/calendar";
const READONLY: &str = "https://www.googleapis.com/auth/calendar.readonly";
const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";
const EVENTS_READONLY: &str = "https://www.googleapis.com/auth/calendar.events.readonly";
const EVENTS_OWNED: &str = "https://www.googleapis.com/auth/calendar.events.owned";
const CALENDARS: &str = "https://www.googleapis.com/auth/calendar.calendars";
const CALENDARS_READONLY: &str = "https://www.googleapis.com/auth/calendar.calendars.readonly";
const LIST: &str = "https://www.googleapis.com/auth/calendar.calendarlist";
const LIST_READONLY: &str = "https://www.googleapis.com/auth/calendar.calendarlist.readonly";
const FREE_BUSY: &str = "https://www.googleapis.com/auth/calendar.freebusy";
const EVENTS_FREE_BUSY: &str = "https://www.googleapis.com/auth/calendar.events.freebusy";

const TO_READ: &[&str] = &[ALL, READONLY, EVENTS, EVENTS_READONLY, EVENTS_OWNED];
const TO_WRITE: &[&str] = &[ALL, EVENTS, EVENTS_OWNED];
const FOR_CALENDAR: &[&str] = &[ALL, READONLY, CALENDARS, CALENDARS_READONLY];
const FOR_LIST: &[&str] = &[ALL, READONLY, LIST, LIST_READONLY];
const FOR_FREE_BUSY: &[&str] = &[ALL, READONLY, FREE_BUSY, EVENTS_FREE_BUSY];

const EVENTS_PATH: &str = "/calendar/v3/calendars/{calendar}/events";
const EVENT_PATH: &str = "/calendar/v3/calendars/{calendar}/events/{event}";
const INSTANCES_PATH: &str = "/calendar/v3/calendars/{calendar}/events/{event}/instances";

pub const ROUTES: &[Route] = &[
    route(Method::GET, "/calendar/v3/calendars/{calendar}", "calendars.get", FOR_CALENDAR, get_calendar),
    route(Method::GET, "/calendar/v3/users/me/calendarList", "calendarList.list", FOR_LIST, list_calendars),
    route(Method::POST, "/calendar/v3/freeBusy", "freebusy.query", FOR_FREE_BUSY, list::free_busy),
    route(Method::GET, EVENTS_PATH, "events.list", TO_READ, list::list),
    route(Method::POST, EVENTS_PATH, "events.insert", TO_WRITE, insert),
    route(Method::GET, EVENT_PATH, "events.get", TO_READ, get),
    route(Method::GET, INSTANCES_PATH, "events.instances", TO_READ, list::instances),
    route(Method::PUT, EVENT_PATH, "events.update", TO_WRITE, update),
    route(Method::PATCH, EVENT_PATH, "events.patch", TO_WRITE, patch),
    route(Method::DELETE, EVENT_PATH, "events.delete", TO_WRITE, delete),
];

const EVENT_LIMIT: usize = 10_000;

/// One calendar with its entries, in the order in which they were made.
pub struct Calendar {
    pub time_zone: chrono_tz::Tz,
    pub events: Vec<Event>,
    /// The number of the latest change, which sync tokens are made of.
    pub changed: u64,
}

impl Default for Calendar {
    fn default() -> Calendar {
        Calendar { time_zone: chrono_tz::UTC, events: Vec::new(), changed: 0 }
    }
}

impl Calendar {
    fn event(&self, id: &str) -> Result<&Event, Refusal> {
        self.events.iter().find(|event| event.id == id).ok_or_else(not_found)
    }

    /// Returns the entry that is to change. An instance becomes an entry of its own by that.
    fn event_mut(&mut self, id: &str) -> Result<&mut Event, Refusal> {
        let known = self.events.iter().position(|event| event.id == id);
        let index = match known {
            Some(index) => index,
            None => {
                self.check_room()?;
                self.events.push(recurrence::instance(self, id).ok_or_else(not_found)?);
                self.events.len() - 1
            }
        };
        self.events.get_mut(index).ok_or_else(not_found)
    }

    fn check_room(&self) -> Result<(), Refusal> {
        match self.events.len() >= EVENT_LIMIT {
            true => Err(Refusal::usual(403, Some("quotaExceeded".to_owned()), None)),
            false => Ok(()),
        }
    }

    pub fn state(&self) -> Value {
        json!({"events": self.events.iter().map(|event| &event.body).collect::<Vec<_>>()})
    }
}

fn not_found() -> Refusal {
    Refusal::usual(404, None, Some("Not Found".to_owned()))
}

/// Returns the address of the calendar that a call means: the caller's own, or another known one.
fn address(world: &World, call: &Call, wanted: &str) -> Result<String, Refusal> {
    if wanted == "primary" {
        return Ok(call.mailbox.clone());
    }
    let wanted = wanted.to_lowercase();
    if wanted == call.mailbox || world.calendars.contains_key(&wanted) {
        Ok(wanted)
    } else {
        Err(not_found())
    }
}

fn calendar<'a>(world: &'a mut World, call: &Call) -> Result<(String, &'a mut Calendar), Refusal> {
    let address = address(world, call, call.param("calendar"))?;
    let calendar = world.calendar(&address)?;
    Ok((address, calendar))
}

fn get_calendar(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let (address, calendar) = calendar(world, call)?;
    Ok(Reply::json(&json!({
        "kind": "calendar#calendar",
        "etag": etag(calendar.changed),
        "id": address,
        "summary": address,
        "timeZone": calendar.time_zone.name(),
    })))
}

fn list_calendars(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    world.calendar(&call.mailbox)?;
    let item = |(address, calendar): (&String, &Calendar)| {
        let is_own = *address == call.mailbox;
        let mut item = json!({
            "kind": "calendar#calendarListEntry",
            "etag": etag(calendar.changed),
            "id": address,
            "summary": address,
            "timeZone": calendar.time_zone.name(),
            "accessRole": if is_own { "owner" } else { "writer" },
            "defaultReminders": [],
        });
        if is_own {
            merge(&mut item, json!({ "primary": true }));
        }
        item
    };
    let items: Vec<Value> = world.calendars.iter().map(item).collect();
    Ok(Reply::json(&json!({"kind": "calendar#calendarList", "items": items})))
}

fn etag(number: u64) -> String {
    format!("\"{number:016}\"")
}

fn insert(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let (address, _) = calendar(world, call)?;
    let event = add(world, &address, &call.origin, call.at, call.read()?)?;
    Ok(Reply::json(&event))
}

/// Adds an entry, with the id it brings or a new one.
pub fn add(
    world: &mut World,
    address: &str,
    origin: &str,
    at: Timestamp,
    mut body: Map<String, Value>,
) -> Result<Value, Refusal> {
    let number = world.ids.next();
    let id = match body.remove("id") {
        None | Some(Value::Null) => world.ids.event(at),
        Some(Value::String(id)) if event::is_valid_id(&id) => id,
        Some(_) => return Err(Refusal::new(400, "invalid", "Invalid resource id value.")),
    };
    let calendar = world.calendar(address)?;
    // An entry that was deleted keeps its id.
    if calendar.events.iter().any(|event| event.id == id) {
        return Err(Refusal::usual(409, None, None));
    }
    calendar.check_room()?;
    let mut event = Event::new(id, body, calendar.time_zone)?;
    recurrence::check(&event, calendar.time_zone)?;
    event.introduce(address, origin, at);
    event.stamp(number, at);
    let answer = Value::Object(event.body.clone());
    calendar.changed = number;
    calendar.events.push(event);
    Ok(answer)
}

fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let (_, calendar) = calendar(world, call)?;
    let id = call.param("event");
    if let Ok(event) = calendar.event(id) {
        return Ok(Reply::json(&Value::Object(event.body.clone())));
    }
    let instance = recurrence::instance(calendar, id).ok_or_else(not_found)?;
    Ok(Reply::json(&Value::Object(instance.body)))
}

fn update(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let body: Map<String, Value> = call.read()?;
    change(world, call, |_| body)
}

fn patch(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let changes: Map<String, Value> = call.read()?;
    change(world, call, |mut body| {
        event::patch(&mut body, changes);
        body
    })
}

/// Changes an entry into what `renew` makes of it; what only Google may set stays.
fn change(
    world: &mut World,
    call: &Call,
    renew: impl FnOnce(Map<String, Value>) -> Map<String, Value>,
) -> Result<Reply, Refusal> {
    let number = world.ids.next();
    let (_, calendar) = calendar(world, call)?;
    let zone = calendar.time_zone;
    let old = calendar.event_mut(call.param("event"))?;
    old.check_match(call)?;
    let mut new = Event::new(old.id.clone(), renew(old.body.clone()), zone)?;
    recurrence::check(&new, zone)?;
    recurrence::keep(&mut new, old);
    new.keep_from(old);
    new.stamp(number, call.at);
    let answer = Value::Object(new.body.clone());
    *old = new;
    calendar.changed = number;
    Ok(Reply::json(&answer))
}

fn delete(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let number = world.ids.next();
    let (_, calendar) = calendar(world, call)?;
    let event = calendar.event_mut(call.param("event"))?;
    if event.is_cancelled() {
        return Err(Refusal::usual(410, None, None));
    }
    event.check_match(call)?;
    event.cancel();
    event.stamp(number, call.at);
    if !recurrence::series_of(event).is_empty() {
        recurrence::strip(event);
    }
    // With a series go its exceptions.
    let id = event.id.clone();
    calendar.events.retain(|event| recurrence::series_of(event) != id);
    calendar.changed = number;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
