//! What templates and conditions can refer to: one place that says it and one that builds it.
//!
//! Which roots there are depends on what started the run. What is not known is null, never absent,
//! so that a name which was checked can always be written.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use minijinja::Value;
use minijinja::value::Serde;
use serde_json::{Map, json};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::engine::action;
use crate::engine::hours::midnight;
use crate::model::address::EmailAddress;
use crate::model::connection::{Connection, ConnectionKind};
use crate::model::contact::{AddressKind, Contact};
use crate::model::diary::When;
use crate::model::event::{CalendarEvent, ConnectionFailing, Event, EventKind, MailEvent, RowEvent};
use crate::model::lead::Lead;
use crate::model::run::{Run, Step};
use crate::model::tenant::Tenant;

/// A root and the names below it.
pub type Root = (&'static str, &'static [&'static str]);

const LEAD: Root = (
    "lead",
    &[
        "id",
        "name",
        "first_name",
        "email",
        "phone",
        "service",
        "message",
        "address",
        "postcode",
        "preferred_time",
        "source",
        "received_at",
        "reply_to",
        "needs_review",
        "original",
    ],
);
const CONTACT: Root = ("contact", &["id", "name", "first_name", "email", "phone"]);
const MESSAGE: Root = (
    "message",
    &[
        "id",
        "thread_id",
        "message_id",
        "references",
        "subject",
        "from",
        "from_name",
        "reply_to",
        "to",
        "text",
        "attachments",
        "sent_at",
        "change",
        "label",
        "labels",
        "kind",
    ],
);
const CALENDAR_EVENT: Root = (
    "calendar_event",
    &[
        "id",
        "series_id",
        "calendar",
        "change",
        "title",
        "description",
        "location",
        "start",
        "end",
        "all_day",
        "previous_start",
        "previous_end",
        "customer_email",
        "customer_name",
        "attendees",
        "link",
        "color",
    ],
);
const CONNECTION: Root = ("connection", &["id", "name", "kind", "account", "reason", "since"]);
const ROW: Root = ("row", &["spreadsheet", "sheet", "number", "change", "cells", "previous"]);

/// The roots that every run has. `settings` and `steps` depend on the definition.
const ALWAYS: &[Root] = &[
    ("tenant", &["name", "slug", "owner_email", "phone", "timezone"]),
    ("connections", &["smtp", "google"]),
    ("operator", &["name", "email"]),
    ("run", &["id"]),
];

/// Settings' values by name.
pub type Settings = BTreeMap<String, serde_json::Value>;

/// Returns the roots that a run has which an event of this kind started.
pub fn roots(kind: EventKind) -> Vec<Root> {
    let own: &[Root] = match kind {
        EventKind::LeadReceived => &[LEAD, CONTACT],
        EventKind::GmailMessage | EventKind::MessageReceived => &[MESSAGE, CONTACT, LEAD],
        EventKind::CalendarEvent => &[CALENDAR_EVENT, CONTACT, LEAD],
        EventKind::SheetsRow => &[ROW],
        EventKind::ConnectionFailing => &[CONNECTION],
    };
    [own, ALWAYS].concat()
}

/// What a run is about.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub event: &'a Event,
    pub tenant: &'a Tenant,
    pub lead: Option<&'a Lead>,
    pub contact: Option<&'a Person>,
    pub operator: Option<&'a Operator>,
}

/// A contact with the addresses it is known by.
#[derive(Clone, Debug)]
pub struct Person {
    pub contact: Contact,
    pub addresses: Vec<(AddressKind, String)>,
}

/// Who looks after this installation.
#[derive(Clone, Debug)]
pub struct Operator {
    pub name: String,
    pub email: EmailAddress,
}

/// Returns what a setting's default may refer to.
pub fn of_tenant(tenant: &Tenant) -> Value {
    Value::from(Serde(json!({ "tenant": tenant_values(tenant) })))
}

/// Returns what a trigger's texts may refer to.
pub fn of_trigger(tenant: &Tenant, settings: &Settings) -> Value {
    Value::from(Serde(json!({ "tenant": tenant_values(tenant), "settings": settings })))
}

/// Returns what a run's steps may refer to.
///
/// # Errors
/// `Internal` when a step's stored output, or the event's payload, cannot be read.
pub fn of_run(
    run: &Run,
    facts: Facts<'_>,
    settings: &Settings,
    connections: &[Connection],
    journal: &[Step],
) -> Result<Value> {
    let has = |kind| connections.iter().any(|connection: &Connection| connection.kind == kind);
    let mut steps = Map::new();
    for step in journal {
        let mut output: Map<String, serde_json::Value> = step.output.read()?;
        output.insert("state".to_owned(), json!(step.state));
        for name in action::outputs(&step.action) {
            output.entry(name).or_insert_with(|| json!(null));
        }
        steps.insert(step.name.clone(), output.into());
    }
    let mut context = json!({
        "lead": lead_values(facts.lead),
        "contact": contact_values(facts.contact),
        "tenant": tenant_values(facts.tenant),
        "operator": {
            "name": facts.operator.map(|operator| &operator.name),
            "email": facts.operator.map(|operator| &operator.email),
        },
        "settings": settings,
        "connections": { "smtp": has(ConnectionKind::Smtp), "google": has(ConnectionKind::Google) },
        "run": { "id": run.id },
        "steps": steps,
    });
    let payload = &facts.event.payload;
    let own = match facts.event.kind {
        EventKind::LeadReceived => None,
        EventKind::GmailMessage | EventKind::MessageReceived => {
            Some((MESSAGE.0, message_values(&payload.read()?)))
        }
        EventKind::CalendarEvent => {
            Some((CALENDAR_EVENT.0, calendar_values(&payload.read()?, facts.tenant.zone()?.tz())))
        }
        EventKind::SheetsRow => Some((ROW.0, row_values(&payload.read()?))),
        EventKind::ConnectionFailing => Some((CONNECTION.0, connection_values(&payload.read()?))),
    };
    if let (Some(object), Some((root, values))) = (context.as_object_mut(), own) {
        object.insert(root.to_owned(), values);
    }
    Ok(Value::from(Serde(context)))
}

fn tenant_values(tenant: &Tenant) -> serde_json::Value {
    json!({
        "name": tenant.name,
        "slug": tenant.slug,
        "owner_email": tenant.owner_email,
        "phone": tenant.phone,
        "timezone": tenant.timezone,
    })
}

fn first_word(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or_default()
}

fn lead_values(lead: Option<&Lead>) -> serde_json::Value {
    let Some(lead) = lead else { return nothing(LEAD) };
    json!({
        "id": lead.id,
        "name": lead.name,
        "first_name": first_word(&lead.name),
        "email": lead.email,
        "phone": lead.phone,
        "service": lead.service,
        "message": lead.message,
        "address": lead.address,
        "postcode": lead.postcode,
        "preferred_time": lead.preferred_time,
        "source": lead.source,
        "received_at": lead.received_at,
        "reply_to": lead.reply_to,
        "needs_review": lead.state == crate::model::lead::LeadState::NeedsReview,
        "original": lead.original,
    })
}

fn contact_values(person: Option<&Person>) -> serde_json::Value {
    let Some(person) = person else { return nothing(CONTACT) };
    let first = |kind| person.addresses.iter().find(|(known, _)| *known == kind).map(|(_, value)| value);
    json!({
        "id": person.contact.id,
        "name": person.contact.name,
        "first_name": first_word(&person.contact.name),
        "email": first(AddressKind::Email),
        "phone": first(AddressKind::Phone),
    })
}

fn message_values(event: &MailEvent) -> serde_json::Value {
    let mail = &event.mail;
    let from = mail.from.as_ref();
    json!({
        "id": event.id,
        "thread_id": event.thread_id,
        "message_id": mail.message_id,
        "references": mail.references.join(" "),
        "subject": mail.subject,
        "from": from.map(|from| &from.address),
        "from_name": from.and_then(|from| from.name.as_ref()),
        "reply_to": mail.reply_to.as_ref().or(from).map(|mailbox| &mailbox.address),
        "to": mail.to.iter().map(|to| &to.address).collect::<Vec<_>>(),
        "text": mail.text,
        "attachments": mail.attachments.iter().map(|file| &file.name).collect::<Vec<_>>(),
        "sent_at": mail.sent_at,
        "change": event.change,
        "label": event.label,
        "labels": event.labels,
        "kind": mail.kind,
    })
}

fn calendar_values(event: &CalendarEvent, zone: Tz) -> serde_json::Value {
    let entry = &event.entry;
    let moment = |when: Option<&When>| when.and_then(|when| moment_of(when, zone));
    let previous = event.previous.as_ref();
    let customer = entry.attendees.iter().find(|attendee| !attendee.is_own);
    json!({
        "id": entry.id,
        "series_id": entry.series_id,
        "calendar": event.calendar,
        "change": event.change,
        "title": entry.title,
        "description": entry.description,
        "location": entry.location,
        "start": moment(entry.start.as_ref()),
        "end": moment(entry.end.as_ref()),
        "all_day": matches!(entry.start, Some(When::Day(_))),
        "previous_start": moment(previous.and_then(|entry| entry.start.as_ref())),
        "previous_end": moment(previous.and_then(|entry| entry.end.as_ref())),
        "customer_email": customer.map(|attendee| &attendee.email),
        "customer_name": customer.and_then(|attendee| attendee.name.as_ref()),
        "attendees": entry.attendees.iter().map(|attendee| &attendee.email).collect::<Vec<_>>(),
        "link": entry.link,
        "color": entry.color,
    })
}

/// Returns the moment at which something begins or ends; a day begins at midnight in `zone`.
pub fn moment_of(when: &When, zone: Tz) -> Option<Timestamp> {
    match when {
        When::At(at) => Some(*at),
        When::Day(day) => midnight(day, zone),
    }
}

fn row_values(event: &RowEvent) -> serde_json::Value {
    json!({
        "spreadsheet": event.spreadsheet,
        "sheet": event.sheet,
        "number": event.number,
        "change": event.change,
        "cells": event.cells,
        "previous": event.previous,
    })
}

fn connection_values(event: &ConnectionFailing) -> serde_json::Value {
    json!({
        "id": event.connection_id,
        "name": event.name,
        "kind": event.kind,
        "account": event.account,
        "reason": event.reason,
        "since": event.since,
    })
}

fn nothing(root: Root) -> serde_json::Value {
    root.1.iter().map(|name| ((*name).to_owned(), json!(null))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::tests::scene;

    #[test]
    fn the_names_offered_are_the_names_built() {
        let scene = scene();
        let facts = Facts { lead: Some(&scene.lead), ..scene.facts() };
        for lead in [facts.lead, None] {
            let facts = Facts { lead, ..facts };
            let context = of_run(&scene.run, facts, &Settings::new(), &[], &[]).unwrap();
            for (root, names) in roots(EventKind::LeadReceived) {
                let built = context.get_attr(root).unwrap();
                let mut keys: Vec<String> = built.try_iter().unwrap().map(|key| key.to_string()).collect();
                let mut offered: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                keys.sort();
                offered.sort();
                assert_eq!(keys, offered, "{root}");
            }
        }
    }
}
