//! Events: what arrived, and what became of it.

use crate::app::App;
use crate::base::{Error, Result};
use crate::model::EventId;
use crate::model::audit::Actor;
use crate::model::event::{About, Event, EventKind, EventState, WebhookEvent};
use crate::model::tenant::Tenant;
use crate::ops::{Subject, audited};
use crate::pipeline::contact::{about_contact, find_written};
use crate::pipeline::fact::tell;
use crate::store::event::{self, Filter};
use crate::store::{Claim, Conn};

/// The largest data that one event brings.
const DATA_LIMIT_BYTES: usize = 256_000;

/// Lists a tenant's events, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, filter: Filter, limit: i64) -> Result<Vec<Event>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| event::list(conn, &id, &filter, limit)).await
}

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
    let (now, id, owner) = (app.clock.now(), tenant.id.clone(), tenant.clone());
    let ingested = audited(&app.db, Some(tenant.id.clone()), actor, "event.ingest", now, move |conn| {
        let about = about(conn, &owner, &data)?;
        let payload = WebhookEvent { about: about.clone(), name: name.clone(), data };
        let key = key.unwrap_or_else(|| EventId::new(now).to_string());
        let key = format!("webhook:{name}:{key}");
        let _ = tell(conn, &id, EventKind::WebhookReceived, key.clone(), &payload, about.contact_id, now)?;
        let stored = event::find_by_dedupe_key(conn, &id, &key)?;
        let stored = stored.ok_or_else(|| Error::internal("the event is gone"))?;
        let subject = Subject::new(&stored.id);
        Ok((stored, subject))
    });
    let event = ingested.await?;
    app.nudges.dispatch.notify_one();
    Ok(event)
}

/// Finds whom the data is about, by `email` or `phone` in it.
fn about(conn: &mut Conn, tenant: &Tenant, data: &serde_json::Value) -> Result<About> {
    for name in ["email", "phone"] {
        let address = data.get(name).and_then(serde_json::Value::as_str);
        let found = address.map(|address| find_written(conn, tenant, address)).transpose()?.flatten();
        if let Some(id) = found {
            return about_contact(conn, &tenant.id, id);
        }
    }
    Ok(About::default())
}

/// Makes a stored `webhook.received` pending again. Automations that have run on it do not run again; those
/// that were enabled, or mended, since do.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it is of another kind, or still pending.
pub async fn replay(app: &App, actor: &Actor, tenant: &Tenant, id: &EventId) -> Result<Event> {
    let before = find(app, tenant, id).await?;
    if before.kind != EventKind::WebhookReceived {
        return Err(Error::conflict(format!(
            "`{id}` is a `{}`: only a `webhook.received` is replayed",
            before.kind
        )));
    }
    let now = app.clock.now();
    let replayed = audited(&app.db, Some(tenant.id.clone()), actor, "event.replay", now, move |conn| {
        if event::replay(conn, &before.tenant_id, &before.id, now)? == Claim::Lost {
            return Err(Error::conflict(format!("event `{}` is pending already", before.id)));
        }
        let after = Event {
            state: EventState::Pending,
            reason: None,
            due_at: Some(now),
            attempt: 0,
            ..before.clone()
        };
        let subject = Subject::new(&before.id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    });
    let event = replayed.await?;
    app.nudges.dispatch.notify_one();
    Ok(event)
}

/// Finds an event.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, tenant: &Tenant, id: &EventId) -> Result<Event> {
    let (tenant_id, wanted) = (tenant.id.clone(), id.clone());
    let found = app.db.read(move |conn| event::find(conn, &tenant_id, &wanted)).await?;
    found.ok_or_else(|| {
        Error::not_found(format!("no event `{id}` in tenant `{}`", tenant.slug))
            .hint(format!("run `nexora event list --tenant {}`", tenant.slug))
    })
}
