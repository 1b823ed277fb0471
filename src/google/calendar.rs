//! Calendar entries, exactly once: the id of a new entry is made from the effect's, and a change is
//! signed with it.
//!
//! A second insert with the same id is refused (409), and the entry is then read back, since
//! Google does not promise to notice every collision. An id is base32hex: a-v and 0-9
//! (Calendar API, `events.insert`).

use std::collections::{BTreeMap, HashMap};

use google_calendar3::api::{
    Event, EventAttendee, EventDateTime, EventExtendedProperties, FreeBusyRequest, FreeBusyRequestItem,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::api::calendar::CalendarApi;
use crate::fault::Fault;
use nexora_connector::port::Delivery;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::hex;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::calendar_entry::{EFFECT_PROPERTY, UPDATE_PROPERTY};
use nexora_core::model::outcome::{Outcome, Receipt, ReconcileResult};
use nexora_core::model::request::{CancelEvent, CreateEvent, FindSlot, OpenSlot, UpdateEvent};
use nexora_core::model::slot::{self, Span};

pub struct Calendar {
    pub(super) api: CalendarApi,
    /// Entries that take the first free time are made one after the other, so that no two take the same.
    turn: Mutex<()>,
}

impl Calendar {
    pub fn new(api: CalendarApi) -> Calendar {
        Calendar { api, turn: Mutex::default() }
    }

    pub async fn create(&self, delivery: &Delivery, request: &CreateEvent) -> Result<Outcome, Outcome> {
        let (_turn, time) = match &request.slot {
            Some(slot) => {
                let turn = self.turn.lock().await;
                let free = self.first_free(slot).await?;
                (Some(turn), free.unwrap_or((request.start, request.end)))
            }
            None => (None, (request.start, request.end)),
        };
        let event = entry(delivery, request, time);
        match self.api.insert(&request.calendar, &event, request.notify).await {
            Ok(entry) => Ok(Outcome::Delivered(receipt_of(&entry))),
            Err(fault) if fault.status() == Some(409) => match self.find(delivery, request).await {
                Ok(ReconcileResult::Delivered(made)) => Ok(Outcome::Delivered(made)),
                Ok(_) => Err(Outcome::Refused { reason: fault.reason() }),
                Err(unread) => Err(Outcome::InDoubt { reason: unread.reason() }),
            },
            Err(fault) => Err(fault.of_change()),
        }
    }

    /// Reads the entry back. One that a person has since deleted was made all the same.
    pub async fn find(&self, delivery: &Delivery, request: &CreateEvent) -> Result<ReconcileResult, Fault> {
        let id = entry_id(&delivery.mark);
        match self.api.event(&request.calendar, &id).await? {
            Some(entry) if property(&entry, EFFECT_PROPERTY) == Some(delivery.mark.as_str()) => {
                Ok(ReconcileResult::Delivered(receipt_of(&entry)))
            }
            Some(_) => {
                Ok(ReconcileResult::Unknown { reason: format!("entry `{id}` is there and is not ours") })
            }
            None if delivery.unseen_since.is_some() => self.find_alike(request).await,
            None => Ok(ReconcileResult::NotDelivered),
        }
    }

    /// Looks for an entry of ours with the same title at the same time: one that was made before the backup was restored,
    /// for what came again under another name.
    async fn find_alike(&self, request: &CreateEvent) -> Result<ReconcileResult, Fault> {
        let open = request.slot.as_ref().map(|slot| &slot.wanted.open);
        let span = match open.and_then(|open| Some((open.first()?.0, open.last()?.1))) {
            Some(span) => span,
            None => (request.start, request.end),
        };
        let listed = self.api.between(&request.calendar, span).await?;
        let is_alike = |entry: &Value| {
            let signed =
                entry.pointer("/extendedProperties/private").and_then(|ours| ours.get(EFFECT_PROPERTY));
            signed.is_some() && entry.get("summary").is_some_and(|title| *title == request.title)
        };
        Ok(match listed.items.iter().any(is_alike) {
            true => {
                let reason = "an entry of ours with the same title is there at that time".to_owned();
                ReconcileResult::Unknown { reason }
            }
            false => ReconcileResult::NotDelivered,
        })
    }

    /// Changes what the request names, and signs the change.
    pub async fn update(&self, delivery: &Delivery, request: &UpdateEvent) -> Result<Outcome, Outcome> {
        let place = (request.calendar.as_str(), request.entry.as_str());
        let changed = self.api.patch(place, &changes(delivery, request), request.notify).await;
        changed.map(|entry| Outcome::Delivered(receipt_of(&entry))).map_err(Fault::of_change)
    }

    /// Looks for the change's signature. The same change made twice is one change.
    pub async fn find_update(
        &self,
        delivery: &Delivery,
        request: &UpdateEvent,
    ) -> Result<ReconcileResult, Fault> {
        let entry = self.api.event(&request.calendar, &request.entry).await?;
        let signed =
            entry.as_ref().filter(|entry| property(entry, UPDATE_PROPERTY) == Some(delivery.mark.as_str()));
        Ok(match (signed, &entry, delivery.unseen_since) {
            (Some(entry), ..) => ReconcileResult::Delivered(receipt_of(entry)),
            // A later change signs over an earlier one.
            (None, Some(entry), Some(since))
                if entry.updated.is_some_and(|at| Timestamp::from(at) >= since) =>
            {
                ReconcileResult::Unknown { reason: "the entry was changed since the backup".to_owned() }
            }
            (None, ..) => ReconcileResult::NotDelivered,
        })
    }

    /// Cancels the entry. That it is cancelled already is no failure, so this may be repeated at will.
    pub async fn cancel(&self, request: &CancelEvent) -> Result<Outcome, Outcome> {
        match self.api.delete(&request.calendar, &request.entry, request.notify).await {
            Ok(()) => {}
            Err(fault) if fault.status() == Some(410) => {}
            Err(fault) => return Err(fault.of_reading()),
        }
        Ok(Outcome::Delivered(Receipt::named(Some(request.entry.clone()))))
    }

    pub async fn find_cancel(&self, request: &CancelEvent) -> Result<ReconcileResult, Fault> {
        let entry = self.api.event(&request.calendar, &request.entry).await?;
        let is_gone = entry.is_none_or(|entry| entry.status.as_deref() == Some("cancelled"));
        let named = || Receipt::named(Some(request.entry.clone()));
        Ok(if is_gone { ReconcileResult::Delivered(named()) } else { ReconcileResult::NotDelivered })
    }

    /// Asks when the calendars are busy, and takes the first slot that is not.
    pub async fn find_slot(&self, request: &FindSlot) -> Result<Outcome, Outcome> {
        let busy = self.busy(request).await?;
        Ok(Outcome::Delivered(slot_receipt(slot::first_free(request, &busy))))
    }

    /// Returns the first time at which there is room for one entry more.
    async fn first_free(&self, slot: &OpenSlot) -> Result<Option<Span>, Outcome> {
        let OpenSlot { wanted, capacity } = slot;
        let busy = match capacity {
            0 | 1 => self.busy(wanted).await?,
            capacity => slot::full(&self.entries(wanted).await?, *capacity),
        };
        Ok(slot::first_free(wanted, &busy))
    }

    /// Asks when one of the calendars is busy.
    async fn busy(&self, request: &FindSlot) -> Result<Vec<Span>, Outcome> {
        let (Some(first), Some(last)) = (request.open.first(), request.open.last()) else {
            return Ok(Vec::new());
        };
        let named = |id: &String| FreeBusyRequestItem { id: Some(id.clone()) };
        let question = FreeBusyRequest {
            time_min: Some(first.0.utc()),
            time_max: Some(last.1.utc()),
            items: Some(request.calendars.iter().map(named).collect()),
            ..FreeBusyRequest::default()
        };
        let answer = self.api.free_busy(&question).await.map_err(Fault::of_reading)?;
        // In a fixed order, so that the same fault is named each time.
        let calendars: BTreeMap<_, _> = answer.calendars.into_iter().flatten().collect();
        let mut busy: Vec<Span> = Vec::new();
        for (id, calendar) in calendars {
            if let Some(error) = calendar.errors.unwrap_or_default().into_iter().next() {
                let reason = error.reason.unwrap_or_default();
                return Err(Outcome::Refused { reason: format!("calendar `{id}`: {reason}") });
            }
            let spans = calendar.busy.into_iter().flatten();
            busy.extend(spans.filter_map(|span| Some((span.start?.into(), span.end?.into()))));
        }
        Ok(busy)
    }

    /// Lists when the entries of the calendars are that keep somebody busy, each by itself; entries for whole days are
    /// left out.
    async fn entries(&self, request: &FindSlot) -> Result<Vec<Span>, Outcome> {
        let (Some(first), Some(last)) = (request.open.first(), request.open.last()) else {
            return Ok(Vec::new());
        };
        let mut spans = Vec::new();
        for calendar in &request.calendars {
            let listed = self.api.between(calendar, (first.0, last.1)).await.map_err(Fault::of_reading)?;
            let is =
                |entry: &Value, name: &str, value: &str| entry.get(name).is_some_and(|found| found == value);
            let busy = listed.items.iter().filter(|entry| {
                !is(entry, "transparency", "transparent") && !is(entry, "status", "cancelled")
            });
            let at = |entry: &Value, end: &str| entry.pointer(end)?.as_str().and_then(Timestamp::parse);
            spans.extend(
                busy.filter_map(|entry| Some((at(entry, "/start/dateTime")?, at(entry, "/end/dateTime")?))),
            );
        }
        Ok(spans)
    }

    /// Asks for one entry of the mailbox's own calendar, which shows that it answers.
    pub async fn probe(&self) -> Result<(), Fault> {
        self.api.events("primary", Some(1), None, None).await.map(|_| ())
    }
}

/// A change of an entry; what is not named stays as it is.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes<'a> {
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

/// When a changed entry begins or ends; the null takes away the day that a whole-day entry has.
fn moved_to(moment: Timestamp, timezone: &str) -> Value {
    json!({ "dateTime": moment, "timeZone": timezone, "date": null })
}

fn guests(attendees: &[EmailAddress]) -> Value {
    attendees.iter().map(|attendee| json!({ "email": attendee })).collect()
}

fn entry(delivery: &Delivery, request: &CreateEvent, (start, end): Span) -> Event {
    let at = |moment: Timestamp| EventDateTime {
        date_time: Some(moment.utc()),
        time_zone: Some(request.timezone.clone()),
        date: None,
    };
    let attendee = |address: &EmailAddress| EventAttendee {
        email: Some(address.to_string()),
        ..EventAttendee::default()
    };
    let attendees: Vec<EventAttendee> = request.attendees.iter().map(attendee).collect();
    let signature = HashMap::from([(EFFECT_PROPERTY.to_owned(), delivery.mark.clone())]);
    Event {
        id: Some(entry_id(&delivery.mark)),
        summary: Some(request.title.clone()),
        description: Some(request.description.clone()),
        location: request.location.clone(),
        start: Some(at(start)),
        end: Some(at(end)),
        attendees: Some(attendees).filter(|attendees| !attendees.is_empty()),
        extended_properties: Some(EventExtendedProperties { private: Some(signature), shared: None }),
        ..Event::default()
    }
}

fn changes(delivery: &Delivery, request: &UpdateEvent) -> Value {
    json!(Changes {
        summary: request.title.as_deref(),
        description: request.description.as_deref(),
        location: request.location.as_deref(),
        color_id: request.color.as_deref(),
        start: request.time.map(|(start, _)| moved_to(start, &request.timezone)),
        end: request.time.map(|(_, end)| moved_to(end, &request.timezone)),
        attendees: request.attendees.as_deref().map(guests),
        extended_properties: json!({ "private": { (UPDATE_PROPERTY): delivery.mark } }),
    })
}

fn property<'a>(entry: &'a Event, name: &str) -> Option<&'a str> {
    entry.extended_properties.as_ref()?.private.as_ref()?.get(name).map(String::as_str)
}

fn receipt_of(entry: &Event) -> Receipt {
    let text = |time: Option<&EventDateTime>| {
        let time = time?;
        let at = time.date_time.map(|at| Timestamp::from(at).to_string());
        at.or_else(|| time.date.map(|day| day.to_string()))
    };
    Receipt::named(entry.id.clone())
        .with("start", text(entry.start.as_ref()))
        .with("end", text(entry.end.as_ref()))
        .with("link", entry.html_link.clone())
}

fn slot_receipt(slot: Option<Span>) -> Receipt {
    Receipt::named(None)
        .with("found", slot.is_some())
        .with("start", slot.map(|slot| slot.0.to_string()))
        .with("end", slot.map(|slot| slot.1.to_string()))
}

/// Returns the entry's id, made from the mark of the effect: hexadecimal digits, which are all in base32hex.
fn entry_id(mark: &str) -> String {
    let digest = Sha256::digest(mark);
    hex(digest.get(..16).unwrap_or_default())
}
