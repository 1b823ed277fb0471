//! The values behind the names: each noun as texts and conditions see it.

use chrono_tz::Tz;
use serde_json::{Map, json};

use super::{CONTACT, JOB, LEAD, Person, Root};
use crate::calendar::hours::midnight;
use crate::contact::first_name::first_name;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::calendar_entry::When;
use nexora_core::model::contact::AddressKind;
use nexora_core::model::event::{CalendarEvent, ConnectionFailing, MailEvent, RowEvent};
use nexora_core::model::job::Job;
use nexora_core::model::language::Language;
use nexora_core::model::lead::Lead;
use nexora_core::model::message::Message;
use nexora_core::model::tenant::Tenant;

pub fn tenant(tenant: &Tenant) -> serde_json::Value {
    let settings = tenant.settings().unwrap_or_default();
    json!({
        "name": tenant.name,
        "slug": tenant.slug,
        "owner_email": tenant.owner_email,
        "phone": tenant.phone,
        "timezone": tenant.timezone,
        "business_hours": settings.business_hours,
        "quiet_hours": settings.quiet_hours,
        "postal_address": settings.postal_address,
        "review_url": settings.review_url,
        "website": settings.website,
        "color": settings.color,
    })
}

pub fn lead(lead: Option<&Lead>, language: Language, photos: &[String]) -> serde_json::Value {
    let Some(lead) = lead else { return nothing(LEAD) };
    let first_name = first_name(&lead.name);
    json!({
        "id": lead.id,
        "name": lead.name,
        "first_name": first_name,
        "greeting": (language.words().greeting)(first_name.as_deref()),
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
        "needs_review": lead.state == nexora_core::model::lead::LeadState::NeedsReview,
        "original": lead.original,
        "state": lead.state,
        "answered_at": lead.answered_at,
        "responded_at": lead.responded_at,
        "details": lead.details,
        "cost_cents": lead.cost_cents,
        "photos": photos,
    })
}

pub fn contact(person: Option<&Person>, language: Language) -> serde_json::Value {
    let Some(person) = person else { return nothing(CONTACT) };
    let first_name = first_name(&person.contact.name);
    let first = |kind| person.addresses.iter().find(|(known, _)| *known == kind).map(|(_, value)| value);
    json!({
        "id": person.contact.id,
        "name": person.contact.name,
        "first_name": first_name,
        "greeting": (language.words().greeting)(first_name.as_deref()),
        "email": first(AddressKind::Email),
        "phone": first(AddressKind::Phone),
        "timezone": person.contact.timezone,
    })
}

pub fn job(job: Option<&Job>) -> serde_json::Value {
    let Some(job) = job else { return nothing(JOB) };
    json!({
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "stage": job.stage,
        "address": job.address,
        "amount_cents": job.amount_cents,
        "scheduled_at": job.scheduled_at,
        "completed_at": job.completed_at,
    })
}

pub fn conversation(messages: &[Message]) -> serde_json::Value {
    let line = |message: &Message| {
        json!({
            "at": message.sent_at,
            "from": message.author,
            "subject": message.subject,
            "text": message.body,
        })
    };
    messages.iter().map(line).collect()
}

pub fn message(event: &MailEvent) -> serde_json::Value {
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

pub fn calendar(event: &CalendarEvent, zone: Tz) -> serde_json::Value {
    let entry = &event.entry;
    let moment = |when: Option<&When>| when.and_then(|when| moment_of(when, zone));
    let previous = event.previous.as_ref();
    let customer = event.customer();
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
        "previous_all_day": previous.is_some_and(|entry| matches!(entry.start, Some(When::Day(_)))),
        "previous_end": moment(previous.and_then(|entry| entry.end.as_ref())),
        "customer_email": customer.map(|attendee| &attendee.email),
        "customer_name": customer.and_then(|attendee| attendee.name.as_ref()),
        "customer_response": customer.map(|attendee| &attendee.response),
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

pub fn row(event: &RowEvent) -> serde_json::Value {
    json!({
        "spreadsheet": event.spreadsheet,
        "sheet": event.sheet,
        "id": event.id,
        "number": event.number,
        "change": event.change,
        "cells": event.cells,
        "previous": event.previous,
    })
}

pub fn connection(event: &ConnectionFailing) -> serde_json::Value {
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
