//! Receipt-up happenings of every kind, to try an automation with before anything real has happened.

use std::time::Duration;

use serde_json::json;

use crate::domain::contact::resolve;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::connection::Connection;
use nexora_core::model::contact::{AddressKind, AddressProof, Contact};
use nexora_core::model::event::{About, Event, EventKind, Shape};
use nexora_core::model::job::{Job, JobState};
use nexora_core::model::lead::{Lead, LeadState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ConnectionId, ContactId, JobId, LeadId};
use nexora_engine::automation::context::Person;
use nexora_store::{Conn, contact, job, lead};

/// A made-up homeowner with a lead and a job.
pub struct Sample {
    pub lead: Lead,
    pub person: Person,
    pub job: Job,
}

const DAY: Duration = Duration::from_secs(86_400);

/// What is made up.
#[derive(Clone, Copy, Debug)]
pub struct Happening {
    pub kind: EventKind,
    /// What an appointment undergoes: `created`, `updated`, `cancelled`, `before` or `after`; the state,
    /// stage or kind of link of other facts.
    pub change: &'static str,
    /// How far ahead an appointment lies.
    pub ahead: Duration,
}

impl Happening {
    /// An appointment that is not near lies three days ahead.
    pub const AHEAD: Duration = Duration::from_secs(3 * 86_400);
}

impl Sample {
    /// # Errors
    /// `Usage` never: the addresses are good.
    pub fn new(tenant: &Tenant, now: Timestamp) -> Result<Sample> {
        let contact_id = ContactId::new(now);
        let lead = Lead {
            tenant_id: tenant.id.clone(),
            id: LeadId::new(now),
            name: "Jo Miller".to_owned(),
            email: Some("jo@example.com".parse()?),
            phone: Some("+15125550142".parse()?),
            service: Some("Boiler repair".to_owned()),
            message: Some("No hot water since Monday.".to_owned()),
            address: Some("12 Oak Street".to_owned()),
            postcode: Some("78701".to_owned()),
            preferred_time: Some("mornings".to_owned()),
            source: "form".to_owned(),
            attribution: Json::empty_object(),
            is_test: false,
            state: LeadState::New,
            received_at: now,
            answered_at: None,
            contact_id: Some(contact_id.clone()),
            reply_to: None,
            original: None,
            responded_at: None,
            details: Json::empty_object(),
            cost_cents: None,
            score: 0,
            reasons: Json::of(&Vec::<String>::new())?,
            body_hash: None,
            consents: Json::of(&Vec::<String>::new())?,
            masked_phone: false,
        };
        let job = Job {
            tenant_id: tenant.id.clone(),
            id: JobId::new(now),
            title: "Boiler repair".to_owned(),
            state: JobState::Completed,
            stage: None,
            contact_id: Some(contact_id.clone()),
            lead_id: Some(lead.id.clone()),
            address: lead.address.clone(),
            timezone: None,
            amount_cents: Some(48_000),
            source_key: "sample".to_owned(),
            scheduled_at: None,
            completed_at: Some(now),
            created_at: now,
            updated_at: now,
        };
        let contact = Contact { id: contact_id, ..Contact::named(&tenant.id, &lead.name, now) };
        let addresses = vec![
            (AddressKind::Email, "jo@example.com".to_owned()),
            (AddressKind::Phone, "+15125550142".to_owned()),
        ];
        Ok(Sample { lead, person: Person { contact, addresses }, job })
    }

    /// Makes the lead's sender the contact that has its address, or a new one.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub fn meet(&mut self, conn: &mut Conn, tenant: &Tenant, now: Timestamp) -> Result<()> {
        let tx = &mut conn.of(&tenant.id);
        let Lead { name, email, phone, .. } = &self.lead;
        let id = resolve(tx, name, (email.as_ref(), phone.as_ref()), AddressProof::Person, now)?;
        if let Some(contact) = id.as_ref().map(|id| contact::find(tx, id)).transpose()?.flatten() {
            let addresses = contact::addresses(tx, &contact.id)?;
            self.person = Person { contact, addresses };
        }
        self.lead.contact_id.clone_from(&id);
        self.job.contact_id = id;
        Ok(())
    }

    /// Stores the lead, where it is made up, and the job.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub fn insert(&self, conn: &mut Conn) -> Result<()> {
        if lead::find(&mut conn.of(&self.lead.tenant_id), &self.lead.id)?.is_none() {
            lead::insert(conn, &self.lead)?;
        }
        job::insert(conn, &self.job).map(|_| ())
    }

    fn about(&self) -> About {
        About {
            contact_id: self.lead.contact_id.clone(),
            lead_id: Some(self.lead.id.clone()),
            job_id: Some(self.job.id.clone()),
        }
    }

    /// Returns something that happens to the sample.
    ///
    /// # Errors
    /// `Internal` never: what is made up has a JSON form.
    pub fn event(
        &self,
        tenant: &Tenant,
        connections: &[Connection],
        Happening { kind, change, ahead }: Happening,
        at: Timestamp,
    ) -> Result<Event> {
        let connection = connections.first().map_or_else(|| ConnectionId::new(at), |found| found.id.clone());
        let payload = match kind.shape() {
            Shape::Lead => json!({ "lead_id": self.lead.id, "fingerprint": "" }),
            Shape::Mail => json!({
                "connection_id": connection, "change": "received", "label": null, "id": "sample",
                "thread_id": "sample", "labels": ["INBOX"],
                "mail": {
                    "message_id": "sample@example.com", "in_reply_to": [], "references": [],
                    "from": { "name": "Jo Miller", "address": "jo@example.com" }, "reply_to": null,
                    "to": [], "cc": [], "subject": "Boiler repair", "sent_at": at,
                    "text": "When could you come?", "attachments": [], "kind": "person",
                },
            }),
            Shape::Calendar => {
                let start = match change {
                    "after" => at - ahead - Duration::from_secs(3_600),
                    _ => at + ahead,
                };
                let entry = |start: Timestamp| {
                    json!({
                        "id": "sample", "series_id": null, "original_start": null,
                        "cancelled": change == "cancelled", "title": "Boiler repair", "description": "",
                        "location": "12 Oak Street", "start": { "at": start },
                        "end": { "at": start + Duration::from_secs(3_600) }, "recurrence": [],
                        "attendees": [{ "email": "jo@example.com", "name": "Jo Miller",
                                        "response": "accepted", "is_own": false }],
                        "organizer": null, "link": null, "color": "10", "properties": {},
                    })
                };
                let moment =
                    ["before", "after"].contains(&change).then(|| json!({ change: ahead.as_secs() }));
                let previous = (change == "updated").then(|| entry(start - DAY));
                json!({
                    "connection_id": connection, "calendar": "primary", "change": change,
                    "moment": moment, "entry": entry(start), "previous": previous,
                })
            }
            Shape::Row => json!({
                "connection_id": connection, "spreadsheet": "sample", "sheet": "Jobs", "change": "changed",
                "number": 2, "previous": {},
                "cells": { "Status": "Done", "Job": "Boiler repair", "Name": "Jo Miller",
                           "Email": "jo@example.com", "Phone": "(512) 555-0142", "Amount": "480.00" },
            }),
            Shape::Connection => json!({
                "connection_id": connection, "name": "google", "kind": "google",
                "account": tenant.owner_email, "reason": "the password was changed", "since": at,
            }),
            Shape::Webhook => json!({ "name": "sample", "data": { "name": "Jo Miller" } }),
            Shape::Schedule => {
                let day = at.utc().with_timezone(&tenant.zone()?.tz()).format("%Y-%m-%d").to_string();
                json!({ "automation": "", "number": 0, "planned_at": at, "day": day })
            }
            Shape::Fact => json!({ "detail": change, "previous": "" }),
            Shape::Nothing => json!({}),
        };
        let mut payload = payload;
        let about = if kind.shape().is_about_somebody() { self.about() } else { About::default() };
        if let (Some(object), Some(who)) = (payload.as_object_mut(), json!(about).as_object()) {
            for (name, value) in who {
                object.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let mut event =
            Event::pending(&tenant.id, kind, String::new(), Json::of(&payload)?, about.contact_id, at);
        event.dedupe_key = event.id.to_string();
        Ok(event)
    }
}
