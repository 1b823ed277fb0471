//! Calendar entries, exactly once: the id of a new entry is made from the effect's, and a change is
//! signed with it.
//!
//! A second insert with the same id is refused (409), and the entry is then read back, since
//! Google does not promise to notice every collision. An id is base32hex: a-v and 0-9
//! (Calendar API, `events.insert`).

use std::collections::BTreeMap;

use hyper::Method;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Endpoints;
use crate::fault::Fault;
use crate::hub::{Caller, Cost, encoded};
use nexora_connector::Task;
use nexora_connector::https::Connect;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::hex;
use nexora_core::model::EffectId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::diary::{EFFECT_PROPERTY, UPDATE_PROPERTY};
use nexora_core::model::outcome::{Finding, Made, Outcome};
use nexora_core::model::request::{CancelEvent, CreateEvent, FindSlot, UpdateEvent};
use nexora_core::model::slot::{self, Span};

pub struct Calendar {
    pub(super) hub: google_calendar3::CalendarHub<Connect>,
    pub(super) caller: Caller,
    base: String,
}

impl Calendar {
    pub fn new(caller: &Caller, endpoints: &Endpoints) -> Calendar {
        let mut hub = google_calendar3::CalendarHub::new(caller.client.clone(), caller.tokens.clone());
        hub.base_url(endpoints.calendar_url.clone());
        hub.root_url(endpoints.calendar_url.clone());
        Calendar { hub, caller: caller.clone(), base: endpoints.calendar_url.clone() }
    }

    pub async fn create(&self, task: &Task, request: &CreateEvent) -> Result<Outcome, Outcome> {
        let url = format!("{}?sendUpdates={}", self.entries(&request.calendar), updates(request.notify));
        let made: Result<Value, Fault> = self.caller.post(Cost::Calendar, &url, &entry(task, request)).await;
        match made {
            Ok(entry) => Ok(Outcome::Delivered(made_of(&entry))),
            Err(fault) if fault.status() == Some(409) => match self.find(task, request).await {
                Ok(Finding::Delivered(made)) => Ok(Outcome::Delivered(made)),
                Ok(_) => Err(Outcome::Refused { reason: fault.reason() }),
                Err(unread) => Err(Outcome::InDoubt { reason: unread.reason() }),
            },
            Err(fault) => Err(fault.of_change()),
        }
    }

    /// Reads the entry back. One that a person has since deleted was made all the same.
    pub async fn find(&self, task: &Task, request: &CreateEvent) -> Result<Finding, Fault> {
        let id = entry_id(&task.effect_id);
        match self.read(&request.calendar, &id).await? {
            Some(entry) if property(&entry, EFFECT_PROPERTY) == Some(task.effect_id.as_str()) => {
                Ok(Finding::Delivered(made_of(&entry)))
            }
            Some(_) => Ok(Finding::Unknown { reason: format!("entry `{id}` is there and is not ours") }),
            None => Ok(Finding::NotDelivered),
        }
    }

    /// Changes what the request names, and signs the change.
    pub async fn update(&self, task: &Task, request: &UpdateEvent) -> Result<Outcome, Outcome> {
        let url = self.entry_url(&request.calendar, &request.entry, request.notify);
        let changes = changes(task, request);
        let changed: Result<Value, Fault> =
            self.caller.send(Cost::Calendar, Method::PATCH, &url, Some(&changes)).await;
        changed.map(|entry| Outcome::Delivered(made_of(&entry))).map_err(Fault::of_change)
    }

    /// Looks for the change's signature. The same change made twice is one change.
    pub async fn find_update(&self, task: &Task, request: &UpdateEvent) -> Result<Finding, Fault> {
        let entry = self.read(&request.calendar, &request.entry).await?;
        let signed = entry.filter(|entry| property(entry, UPDATE_PROPERTY) == Some(task.effect_id.as_str()));
        Ok(signed.map_or(Finding::NotDelivered, |entry| Finding::Delivered(made_of(&entry))))
    }

    /// Cancels the entry. That it is cancelled already is no failure, so this may be repeated at will.
    pub async fn cancel(&self, request: &CancelEvent) -> Result<Outcome, Outcome> {
        let url = self.entry_url(&request.calendar, &request.entry, request.notify);
        let gone: Result<IgnoredAny, Fault> =
            self.caller.send(Cost::Calendar, Method::DELETE, &url, None).await;
        match gone {
            Ok(_) => {}
            Err(fault) if fault.status() == Some(410) => {}
            Err(fault) => return Err(fault.of_reading()),
        }
        Ok(Outcome::Delivered(Made::named(Some(request.entry.clone()))))
    }

    pub async fn find_cancel(&self, request: &CancelEvent) -> Result<Finding, Fault> {
        let entry = self.read(&request.calendar, &request.entry).await?;
        let is_gone =
            entry.is_none_or(|entry| entry.get("status").is_some_and(|status| status == "cancelled"));
        let named = || Made::named(Some(request.entry.clone()));
        Ok(if is_gone { Finding::Delivered(named()) } else { Finding::NotDelivered })
    }

    /// Asks when the calendars are busy, and takes the first slot that is not.
    pub async fn find_slot(&self, request: &FindSlot) -> Result<Outcome, Outcome> {
        let (Some(first), Some(last)) = (request.open.first(), request.open.last()) else {
            return Ok(Outcome::Delivered(slot_made(None)));
        };
        let ids: Vec<Value> = request.calendars.iter().map(|id| json!({ "id": id })).collect();
        let question = json!({ "timeMin": first.0, "timeMax": last.1, "items": ids });
        let url = format!("{}freeBusy", self.base);
        let answer: FreeBusy =
            self.caller.post(Cost::Calendar, &url, &question).await.map_err(Fault::of_reading)?;
        let mut busy: Vec<Span> = Vec::new();
        for (id, calendar) in answer.calendars {
            if let Some(error) = calendar.errors.first() {
                return Err(Outcome::Refused { reason: format!("calendar `{id}`: {}", error.reason) });
            }
            busy.extend(calendar.busy.iter().map(|span| (span.start, span.end)));
        }
        Ok(Outcome::Delivered(slot_made(slot::first_free(request, &busy))))
    }

    fn entries(&self, calendar: &str) -> String {
        format!("{}calendars/{}/events", self.base, encoded(calendar))
    }

    fn entry_url(&self, calendar: &str, entry: &str, notify: bool) -> String {
        format!("{}/{}?sendUpdates={}", self.entries(calendar), encoded(entry), updates(notify))
    }

    async fn read(&self, calendar: &str, entry: &str) -> Result<Option<Value>, Fault> {
        let url = format!("{}/{}", self.entries(calendar), encoded(entry));
        match self.caller.get(Cost::Calendar, &url).await {
            Ok(entry) => Ok(Some(entry)),
            Err(fault) if matches!(fault.status(), Some(404 | 410)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Asks for one entry of the mailbox's own calendar, which shows that it answers.
    pub async fn probe(&self) -> Result<(), Fault> {
        let asked = self.caller.call(Cost::Calendar, |mut watch| async move {
            self.hub.events().list("primary").max_results(1).delegate(&mut watch).doit().await.map(|_| ())
        });
        asked.await
    }
}

/// What is busy (Calendar API, `freebusy.query`).
#[derive(Deserialize)]
struct FreeBusy {
    #[serde(default)]
    calendars: BTreeMap<String, Busy>,
}

#[derive(Deserialize)]
struct Busy {
    #[serde(default)]
    busy: Vec<BusySpan>,
    #[serde(default)]
    errors: Vec<BusyError>,
}

#[derive(Deserialize)]
struct BusySpan {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Deserialize)]
struct BusyError {
    #[serde(default)]
    reason: String,
}

fn updates(notify: bool) -> &'static str {
    if notify { "all" } else { "none" }
}

/// What is said of an entry; what is not said stays as it is.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attendees: Option<Value>,
    extended_properties: Value,
}

/// An end of an entry; that it is a moment takes the place of a whole day.
fn at(moment: Timestamp, timezone: &str) -> Value {
    json!({ "dateTime": moment, "timeZone": timezone, "date": null })
}

fn guests(attendees: &[EmailAddress]) -> Value {
    attendees.iter().map(|attendee| json!({ "email": attendee })).collect()
}

fn signature(name: &str, effect: &EffectId) -> Value {
    json!({ "private": { (name): effect } })
}

fn entry(task: &Task, request: &CreateEvent) -> Value {
    json!(Said {
        id: Some(entry_id(&task.effect_id)),
        summary: Some(&request.title),
        description: Some(&request.description),
        location: request.location.as_deref(),
        start: Some(at(request.start, &request.timezone)),
        end: Some(at(request.end, &request.timezone)),
        attendees: (!request.attendees.is_empty()).then(|| guests(&request.attendees)),
        extended_properties: signature(EFFECT_PROPERTY, &task.effect_id),
        ..Said::default()
    })
}

fn changes(task: &Task, request: &UpdateEvent) -> Value {
    json!(Said {
        summary: request.title.as_deref(),
        description: request.description.as_deref(),
        location: request.location.as_deref(),
        color_id: request.color.as_deref(),
        start: request.time.map(|(start, _)| at(start, &request.timezone)),
        end: request.time.map(|(_, end)| at(end, &request.timezone)),
        attendees: request.attendees.as_deref().map(guests),
        extended_properties: signature(UPDATE_PROPERTY, &task.effect_id),
        ..Said::default()
    })
}

fn property<'a>(entry: &'a Value, name: &str) -> Option<&'a str> {
    entry.pointer("/extendedProperties/private")?.get(name)?.as_str()
}

fn made_of(entry: &Value) -> Made {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let end_of = |name: &str| {
        let at = text(&format!("/{name}/dateTime")).and_then(|text| Timestamp::parse(&text));
        at.map(|at| at.to_string()).or_else(|| text(&format!("/{name}/date")))
    };
    Made::named(text("/id"))
        .with("start", end_of("start"))
        .with("end", end_of("end"))
        .with("link", text("/htmlLink"))
}

fn slot_made(slot: Option<Span>) -> Made {
    Made::named(None)
        .with("found", slot.is_some())
        .with("start", slot.map(|slot| slot.0.to_string()))
        .with("end", slot.map(|slot| slot.1.to_string()))
}

/// Returns the entry's id: hexadecimal digits, which are all in base32hex.
fn entry_id(effect: &EffectId) -> String {
    let digest = Sha256::digest(effect.as_str());
    hex(digest.get(..16).unwrap_or_default())
}
