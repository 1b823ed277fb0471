//! Connections by a description without a secret: added, and waiting for their credential, or brought to what is described.

use serde_json::{Map, Value};

use crate::app::App;
use crate::config::definitions::CONNECTION_ALERT;
use crate::domain::connection::quota_check::{self, PollPlan};
use crate::domain::connection::watch;
use crate::ops::Subject;
use crate::ops::automation::DefaultAutomation;
use crate::ops::connection::{ADD, SET, check_mailbox, find, mended, replace, wake};
use nexora_connector::declared::{Declared, Wrong};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::connector::ConnectionKind;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::lead_format::mail::Rules;
use nexora_store::{Inserted, connection};

/// What a connection that waits for its credential says of itself.
const AWAITS: &str = "its credential is yet to be given";

/// Checks a description.
///
/// # Errors
/// All that is wrong with it: the name of a setting, where it is one, and what is wrong about it.
pub fn check(app: &App, kind: &str, name: &str, settings: &Map<String, Value>) -> Result<Declared, Wrong> {
    let whole = |error| vec![(None, error)];
    Slug::parse(name).map_err(|error| vec![(Some("name".to_owned()), error)])?;
    let Some(connector) = app.connectors().iter().find(|known| known.facts().kind.name() == kind) else {
        let error = Error::usage(format!("there is no connector `{kind}`"))
            .hint(format!("its connectors are: {}", app.connectors().facts().names().join(", ")));
        return Err(vec![(Some("kind".to_owned()), error)]);
    };
    let declared = connector.declared(settings)?;
    let described = described(connector.facts().kind.clone(), name, &declared);
    Rules::of(&described).map_err(|error| vec![(Some("lead_mail".to_owned()), error)])?;
    connector.account(&described).map_err(whole)?;
    Ok(declared)
}

fn described(kind: ConnectionKind, name: &str, declared: &Declared) -> Connection {
    let nobody = nexora_core::model::TenantId::new(Timestamp::from_millis(0));
    Connection::new(&nobody, kind, name, declared.settings.clone(), Timestamp::from_millis(0))
}

/// Adds a connection by its description. One that needs a credential waits for it; returns one that was made here, with the
/// sentence with which it is shown.
///
/// # Errors
/// As [`crate::ops::connection::add`].
pub async fn add(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    (kind, name): (&ConnectionKind, &str),
    declared: Declared,
) -> Result<Option<(Secret, &'static str)>> {
    let mut added = Connection::new(&tenant.id, kind.clone(), name, declared.settings, app.clock.now());
    let owner = added.seal_owner();
    added.sealed = declared.made.as_ref().map(|(secret, _)| app.key.seal(&owner, secret)).transpose()?;
    if declared.needs_credential {
        added = awaiting(added, app.clock.now());
    }
    let (plan, connectors) = (PollPlan::of(&app.config), app.connectors().clone());
    let alert = DefaultAutomation::new(app, actor, tenant, CONNECTION_ALERT)?;
    app.change(actor, tenant, ADD, move |tx, now| {
        let tenant = tx.tenant;
        if connection::insert(tx, &added)? == Inserted::AlreadyThere {
            return Err(Error::conflict(format!("connection `{}` was added just now", added.name)));
        }
        check_mailbox(tx, &connectors, &added)?;
        alert.enable(tx, now)?;
        watch::reconcile(tx, &connectors, tenant, now)?;
        quota_check::check(tx, &plan)?;
        let subject = Subject::new(&added.name).after(&added)?;
        Ok(((), subject))
    })
    .await?;
    Ok(declared.made)
}

/// Returns a connection that cannot be used before it has been given its credential.
fn awaiting(connection: Connection, now: Timestamp) -> Connection {
    Connection {
        state: ConnectionState::Failing,
        last_error: Some(AWAITS.to_owned()),
        last_error_at: Some(now),
        ..connection
    }
}

/// Brings a connection to its description. Nobody outside is asked whether it works; its credential stays, where one belongs to it.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it has changed just now, or a person's consent would have to change with it.
pub async fn set(app: &App, actor: &Actor, tenant: &Tenant, name: &str, declared: Declared) -> Result<()> {
    let before = find(app, tenant, name).await?;
    let kind = app.connectors().of(&before)?;
    if kind.facts().has_abilities && before.sealed.is_some() {
        refuse_other_consent(&before, &declared, tenant)?;
    }
    let keeps = declared.needs_credential || declared.made.is_some();
    let sealed = before.sealed.clone().filter(|_| keeps);
    // What is only known of a consent, such as its end, is not described and stays.
    let (shown, mut settings) = (kind.written(&before)?, declared.settings.read::<Map<String, Value>>()?);
    let stored: Map<String, Value> = before.settings.read()?;
    settings.extend(stored.into_iter().filter(|(key, value)| !value.is_null() && !shown.contains_key(key)));
    let settings = Json::of(&settings)?;
    let connectors = app.connectors().clone();
    app.change(actor, tenant, SET, move |tx, now| {
        let tenant = tx.tenant;
        let after = Connection { settings, sealed, updated_at: now, ..before.clone() };
        let awaits = declared.needs_credential && after.sealed.is_none();
        let after = match (before.state, awaits) {
            (ConnectionState::Paused, _) => after,
            (ConnectionState::Active | ConnectionState::Failing, true) => awaiting(after, now),
            (ConnectionState::Active | ConnectionState::Failing, false) => mended(after, now),
        };
        replace(tx, &before, &after)?;
        check_mailbox(tx, &connectors, &after)?;
        watch::reconcile(tx, &connectors, tenant, now)?;
        if after.state == ConnectionState::Active {
            wake(tx, &after.id, now)?;
        }
        let subject = Subject::new(&after.name).before(&before)?.after(&after)?;
        Ok(((), subject))
    })
    .await
}

/// Refuses what only a person, or the provider, can grant.
fn refuse_other_consent(before: &Connection, declared: &Declared, tenant: &Tenant) -> Result<()> {
    let (known, wanted): (Map<String, Value>, Map<String, Value>) =
        (before.settings.read()?, declared.settings.read()?);
    let granted = ["subject", "service_account", "client_id", "abilities"];
    let other = granted.into_iter().find(|key| wanted.get(*key) != known.get(*key));
    match other {
        Some(key) => Err(Error::conflict(format!(
            "`{key}` of connection `{}` is what was granted to it, and cannot be written",
            before.name
        ))
        .hint(format!(
            "run `nexora connection authorize {} --tenant {}`, or export it again",
            before.name, tenant.slug
        ))),
        None => Ok(()),
    }
}

/// Gives a connection that came from another installation its credential; without one it waits for it, or gets one that is made
/// here, which is returned with the sentence with which it is shown.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub async fn furnish(
    app: &App,
    before: Connection,
    given: Option<Secret>,
) -> Result<Option<(Secret, &'static str)>> {
    let owner = before.seal_owner();
    let Ok(kind) = app.connectors().of(&before) else { return Ok(None) };
    let declared = kind.declared(&kind.written(&before)?).ok();
    let made = declared.as_ref().and_then(|declared| declared.made.clone()).filter(|_| given.is_none());
    let secret = given.as_ref().or(made.as_ref().map(|(secret, _)| secret));
    let sealed = secret.map(|secret| app.key.seal(&owner, secret)).transpose()?;
    let awaits = sealed.is_none() && declared.is_some_and(|declared| declared.needs_credential);
    let after = Connection { sealed, ..before.clone() };
    let after = match awaits && after.state != ConnectionState::Paused {
        true => awaiting(after, app.clock.now()),
        false => after,
    };
    app.db.write(move |conn| replace(conn, &before, &after)).await?;
    Ok(made)
}
