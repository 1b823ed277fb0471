//! What templates and conditions can refer to: one place that says it and one that builds it.
//!
//! Which roots there are depends on what started the run. What is not known is null, never absent,
//! so that a name which was checked can always be written.

mod values;

use std::borrow::Cow;
use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::value::{Serde, merge_maps};
use serde_json::{Map, json};
pub use values::moment_of;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connector::{Connections, Kinds};
use nexora_core::model::contact::{AddressKind, Contact};
use nexora_core::model::event::{Event, EventKind, Fact, ScheduleEvent, Shape, WebhookEvent};
use nexora_core::model::job::Job;
use nexora_core::model::language::Language;
use nexora_core::model::lead::Lead;
use nexora_core::model::message::Message;
use nexora_core::model::run::Run;
use nexora_core::model::tenant::Tenant;

/// A root and the names below it.
pub type Root = (&'static str, &'static [&'static str]);

/// A root as a run offers it.
pub type OfferedRoot = (&'static str, Cow<'static, [&'static str]>);

const LEAD: Root = (
    "lead",
    &[
        "id",
        "name",
        "first_name",
        "greeting",
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
        "state",
        "answered_at",
        "responded_at",
        "details",
        "cost_cents",
        "photos",
    ],
);
const CONTACT: Root = ("contact", &["id", "name", "first_name", "greeting", "email", "phone", "timezone"]);
const JOB: Root =
    ("job", &["id", "title", "state", "stage", "address", "amount_cents", "scheduled_at", "completed_at"]);
const CHANGE: Root = ("change", &["to", "from"]);
const WEBHOOK: Root = ("webhook", &["name", "data"]);
const SCHEDULE: Root = ("schedule", &["planned_at", "day"]);
/// The last messages to and from the contact, oldest first: `at`, `from`, `subject`, `text`.
const CONVERSATION: Root = ("conversation", &[]);
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
const ENTRY: &[&str] = &[
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
    "previous_all_day",
    "customer_email",
    "customer_name",
    "customer_response",
    "attendees",
    "link",
    "color",
];
const CALENDAR_EVENT: Root = ("calendar_event", ENTRY);
/// The same by the name that it has where a customer takes part.
const APPOINTMENT: Root = ("appointment", ENTRY);
const CONNECTION: Root = ("connection", &["id", "name", "kind", "account", "reason", "since"]);
const ROW: Root = ("row", &["spreadsheet", "sheet", "id", "number", "change", "cells", "previous"]);

/// The roots that every run has. `settings` and `steps` depend on the definition.
const ALWAYS: &[Root] = &[
    (
        "tenant",
        &[
            "name",
            "slug",
            "owner_email",
            "phone",
            "timezone",
            "business_hours",
            "quiet_hours",
            "postal_address",
            "review_url",
            "website",
            "color",
        ],
    ),
    ("operator", &["name", "email"]),
    ("run", &["id", "started_at"]),
    ("links", &["review", "unsubscribe"]),
    ("now", &[]),
];

/// Settings' values by name.
pub type Settings = BTreeMap<String, serde_json::Value>;

/// Returns the roots that a run has which an event of this kind started. Which connections can be asked
/// about depends on the program's connectors.
pub fn roots(kind: EventKind, connectors: &Kinds) -> Vec<OfferedRoot> {
    let own: &[Root] = match kind.shape() {
        Shape::Lead => &[LEAD, CONTACT, CONVERSATION],
        Shape::Mail => &[MESSAGE, CONTACT, LEAD, JOB, CONVERSATION],
        Shape::Calendar => &[CALENDAR_EVENT, APPOINTMENT, CONTACT, LEAD, JOB, CONVERSATION],
        Shape::Row => &[ROW],
        Shape::Connection => &[CONNECTION],
        Shape::Webhook => &[WEBHOOK, CONTACT, LEAD, JOB],
        Shape::Schedule => &[SCHEDULE],
        Shape::Fact => &[CHANGE, CONTACT, LEAD, JOB, CONVERSATION],
        Shape::Nothing => &[],
    };
    let roots = own.iter().chain(ALWAYS).map(|(root, names)| (*root, Cow::Borrowed(*names)));
    roots.chain([("connections", Cow::Owned(connectors.names()))]).collect()
}

/// What a run is about.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub event: &'a Event,
    pub tenant: &'a Tenant,
    /// The language of the messages.
    pub language: Language,
    pub lead: Option<&'a Lead>,
    pub contact: Option<&'a Person>,
    pub job: Option<&'a Job>,
    pub operator: Option<&'a Operator>,
    /// The last messages to and from the contact, oldest first.
    pub conversation: &'a [Message],
    pub links: &'a Links,
}

/// Addresses on the web that are made for the contact of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Where the contact leaves a review, counted.
    pub review: Option<String>,
    /// Where the contact ends commercial mail.
    pub unsubscribe: Option<String>,
    /// Where the photos are seen that came with the lead.
    pub photos: Vec<String>,
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
    Value::from(Serde(json!({ "tenant": values::tenant(tenant) })))
}

/// Returns what a trigger's texts may refer to.
pub fn of_trigger(tenant: &Tenant, settings: &Settings) -> Value {
    Value::from(Serde(json!({ "tenant": values::tenant(tenant), "settings": settings })))
}

/// Returns what all steps of a run may refer to; `of_step` adds what is a step's own.
///
/// # Errors
/// `Internal` when the event's payload cannot be read.
pub fn of_run(
    run: &Run,
    facts: Facts<'_>,
    settings: &Settings,
    connections: Connections<'_>,
    now: Timestamp,
) -> Result<Value> {
    let mut context = json!({
        LEAD.0: values::lead(facts.lead, facts.language, &facts.links.photos),
        CONTACT.0: values::contact(facts.contact, facts.language),
        JOB.0: values::job(facts.job),
        CONVERSATION.0: values::conversation(facts.conversation),
        "tenant": values::tenant(facts.tenant),
        "operator": {
            "name": facts.operator.map(|operator| &operator.name),
            "email": facts.operator.map(|operator| &operator.email),
        },
        "settings": settings,
        "connections": self::connections(connections),
        "run": { "id": run.id, "started_at": run.started_at },
        "links": { "review": facts.links.review, "unsubscribe": facts.links.unsubscribe },
        "now": now,
    });
    if let Some(object) = context.as_object_mut() {
        object.extend(own(facts)?);
    }
    Ok(Value::from(Serde(context)))
}

/// Returns what one step may refer to: `steps` holds what earlier ones offer, and `item` what a step of a group is for.
pub fn of_step(
    run: &Value,
    steps: Map<String, serde_json::Value>,
    item: Option<&(String, serde_json::Value)>,
) -> Value {
    let mut own = Map::from_iter([("steps".to_owned(), steps.into())]);
    own.extend(item.cloned());
    merge_maps([Value::from(Serde(serde_json::Value::from(own))), run.clone()])
}

/// Returns which kinds of connection a tenant has, of those that the program knows.
pub fn connections(connections: Connections<'_>) -> BTreeMap<&'static str, bool> {
    connections.kinds().iter().map(|facts| (facts.kind.name(), connections.has(&facts.kind))).collect()
}

/// Returns what the event brings that started the run.
fn own(facts: Facts<'_>) -> Result<Vec<(String, serde_json::Value)>> {
    let payload = &facts.event.payload;
    let roots = match facts.event.kind.shape() {
        Shape::Lead | Shape::Nothing => Vec::new(),
        Shape::Mail => {
            vec![(MESSAGE.0, values::message(&payload.read()?))]
        }
        Shape::Calendar => {
            let entry = values::calendar(&payload.read()?, facts.tenant.zone()?.tz());
            vec![(CALENDAR_EVENT.0, entry.clone()), (APPOINTMENT.0, entry)]
        }
        Shape::Row => vec![(ROW.0, values::row(&payload.read()?))],
        Shape::Connection => vec![(CONNECTION.0, values::connection(&payload.read()?))],
        Shape::Webhook => {
            let event: WebhookEvent = payload.read()?;
            vec![(WEBHOOK.0, json!({ "name": event.name, "data": event.data }))]
        }
        Shape::Schedule => {
            let tick: ScheduleEvent = payload.read()?;
            vec![(SCHEDULE.0, json!({ "planned_at": tick.planned_at, "day": tick.day }))]
        }
        Shape::Fact => {
            let fact: Fact = payload.read()?;
            vec![(CHANGE.0, json!({ "to": fact.detail, "from": fact.previous }))]
        }
    };
    Ok(roots.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automation::plan::tests::scene;
    use crate::sample_connectors::kinds;

    #[test]
    fn the_names_offered_are_the_names_built() {
        let scene = scene();
        let facts = Facts { lead: Some(&scene.lead), ..scene.facts() };
        for lead in [facts.lead, None] {
            let facts = Facts { lead, ..facts };
            let kinds = kinds();
            let none = Connections::new(&[], &kinds);
            let run = of_run(&scene.run, facts, &Settings::new(), none, scene.run.started_at).unwrap();
            let context = of_step(&run, Map::new(), None);
            for (root, names) in roots(EventKind::LeadReceived, &kinds) {
                let built = context.get_attr(root).unwrap();
                if names.is_empty() {
                    assert!(!built.is_undefined(), "{root}");
                    continue;
                }
                let mut keys: Vec<String> = built.try_iter().unwrap().map(|key| key.to_string()).collect();
                let mut offered: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                keys.sort();
                offered.sort();
                assert_eq!(keys, offered, "{root}");
            }
        }
    }
}
