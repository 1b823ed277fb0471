//! Events: what arrived, and what became of it.

use crate::app::App;
use crate::domain::automation::fact::tell;
use crate::domain::contact::{about_contact, find_written};
use crate::domain::lead::told;
use crate::ops::Subject;
use crate::ops::unit::Unit;
use nexora_core::base::{Error, Result};
use nexora_core::model::EventId;
use nexora_core::model::audit::Actor;
use nexora_core::model::event::{About, Event, EventKind, EventState, WebhookEvent};
use nexora_core::model::lead::LeadState;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_store::Claim;
use nexora_store::{event, lead};

pub const INGEST: Operation = Operation::new("event.ingest", Noun::Event, Verb::Create);
pub const REPLAY: Operation = Operation::new("event.replay", Noun::Event, Verb::Update);

/// The largest data that one event brings.
const DATA_LIMIT_BYTES: usize = 256_000;

/// Takes in what another program, or an operator, tells: a `webhook.received` by this name.
///
/// # Errors
/// `Usage` when the data is too large, or names a lead that is none.
pub async fn ingest(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: String,
    data: serde_json::Value,
    key: Option<String>,
) -> Result<Event> {
    if data.to_string().len() > DATA_LIMIT_BYTES {
        return Err(Error::usage("the data is larger than 256 kB"));
    }
    app.change(actor, tenant, INGEST, move |tx, now| {
        let about = about(tx, &data)?;
        let payload = WebhookEvent { about: about.clone(), name: name.clone(), data };
        let key = key.unwrap_or_else(|| EventId::new(now).to_string());
        let key = format!("webhook:{name}:{key}");
        let _ = tell(tx, EventKind::WebhookReceived, key.clone(), &payload, about.contact_id, now)?;
        let stored = event::find_by_dedupe_key(tx, &key)?;
        let stored = stored.ok_or_else(|| Error::internal("the event is gone"))?;
        let subject = Subject::new(&stored.id);
        Ok((stored, subject))
    })
    .await
}

/// Finds whom the data is about, by `email` or `phone` in it.
fn about(tx: &mut Unit<'_>, data: &serde_json::Value) -> Result<About> {
    let tenant = tx.tenant;
    for name in ["email", "phone"] {
        let address = data.get(name).and_then(serde_json::Value::as_str);
        let found = address.map(|address| find_written(tx, tenant, address)).transpose()?.flatten();
        if let Some(id) = found {
            return about_contact(tx, id);
        }
    }
    Ok(About::default())
}

/// Makes a stored event pending again. Automations that have run on it do not run again; those that were enabled, or
/// mended, since do.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it is still pending, or tells of a lead that runs nothing.
pub async fn replay(app: &App, actor: &Actor, tenant: &Tenant, id: &EventId) -> Result<Event> {
    let id = id.clone();
    app.change(actor, tenant, REPLAY, move |tx, now| {
        let before = event::find(tx, &id)?.ok_or_else(|| tx.missing("event", &id))?;
        if before.kind == EventKind::Forgotten {
            return Err(Error::conflict(format!("event `{id}` was about a person who was forgotten")));
        }
        if before.kind == EventKind::LeadReceived {
            refuse_idle(tx, &before)?;
        }
        if event::replay(tx, &id, now)? == Claim::Lost {
            return Err(Error::conflict(format!("event `{id}` is pending already")));
        }
        let after = Event {
            state: EventState::Pending,
            reason: None,
            due_at: Some(now),
            attempt: 0,
            ..before.clone()
        };
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Refuses to replay what tells of a lead that runs nothing.
fn refuse_idle(tx: &mut Unit<'_>, told: &Event) -> Result<()> {
    let Some(id) = told::lead_of(told)? else { return Ok(()) };
    match lead::find(tx, &id)? {
        Some(found) if found.state == LeadState::Spam => {
            Err(Error::conflict(format!("it tells of lead `{id}`, which is held back as spam"))
                .hint(format!("run `nexora lead not-spam {id}`: its automations begin")))
        }
        Some(found) if found.is_test => {
            Err(Error::conflict(format!("it tells of lead `{id}`, which is a test and runs nothing")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Finds an event.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, tenant: &Tenant, id: &EventId) -> Result<Event> {
    let id = id.clone();
    app.view(tenant, move |tx| event::find(tx, &id)?.ok_or_else(|| tx.missing("event", &id))).await
}
