//! Connections: added with a sealed credential, tested, paused, resumed, removed.

pub mod authorization;
pub mod cursor;

use crate::app::App;
use crate::config::definitions::CONNECTION_ALERT;
use crate::domain::connection::quota_check::{self, PollPlan};
use crate::domain::connection::watch;
use crate::ops::automation::DefaultAutomation;
use crate::ops::{LIST_LIMIT, Subject, audited};
use nexora_connector::kind::NewConnection;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, Conn, Inserted, connection, effect};

/// Adds a connection; a tenant has one of each name.
///
/// # Errors
/// `Conflict` when the name is taken; `Config` when more would be watched than a quota allows.
pub async fn add(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    new: NewConnection,
) -> Result<Connection> {
    let now = app.clock.now();
    let mut added = Connection::new(&tenant.id, new.kind, name, new.settings, now);
    let owner = added.seal_owner();
    added.sealed = new.credential.map(|secret| app.key.seal(&owner, &secret)).transpose()?;
    let (slug, owner_tenant) = (tenant.slug.clone(), tenant.clone());
    let (plan, connectors) = (PollPlan::of(&app.config), app.connectors().clone());
    let alert = DefaultAutomation::new(app, actor, tenant, CONNECTION_ALERT)?;
    audited(&app.db, Some(tenant.id.clone()), actor, "connection.add", now, move |conn| {
        if connection::insert(conn, &added)? == Inserted::AlreadyThere {
            return Err(Error::conflict(format!(
                "tenant `{slug}` has a connection `{}` already",
                added.name
            ))
            .hint("choose another with `--name`, or delete the one that is there"));
        }
        alert.enable(&mut conn.of(&owner_tenant.id), now)?;
        watch::reconcile(conn, &connectors, &owner_tenant, now)?;
        quota_check::check(conn, &plan)?;
        let subject = Subject::new(&added.name).after(&added)?;
        Ok((added, subject))
    })
    .await
}

/// Puts a connection in the place of what it was when it was read.
///
/// # Errors
/// `Conflict` when it has changed since.
pub(in crate::ops) fn replace(conn: &mut Conn, before: &Connection, after: &Connection) -> Result<()> {
    match connection::save(conn, after, before.updated_at)? {
        Claim::Won => Ok(()),
        Claim::Lost => Err(Error::conflict(format!("connection `{}` was changed just now", after.name))),
    }
}

/// Lists a tenant's connections, oldest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant) -> Result<Vec<Connection>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| connection::list(&mut conn.of(&id), LIST_LIMIT)).await
}

/// Finds a connection by its name.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, tenant: &Tenant, name: &str) -> Result<Connection> {
    let (id, wanted) = (tenant.id.clone(), name.to_owned());
    let found = app.db.read(move |conn| connection::find_by_name(&mut conn.of(&id), &wanted)).await?;
    found.ok_or_else(|| {
        Error::not_found(format!("no connection `{name}` in tenant `{}`", tenant.slug))
            .hint(format!("run `nexora connection list --tenant {}`", tenant.slug))
    })
}

/// Asks the provider whether the credential is good, and notes the answer. A connection that was
/// failing goes on when it is.
///
/// # Errors
/// `NotFound` when there is none; `Denied` or `Unavailable` as the provider answers.
pub async fn test(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<String> {
    let found = find(app, tenant, name).await?;
    let answer = match app.connector(&found) {
        Ok(connector) => connector.probe.probe().await,
        Err(error) => Err(error),
    };
    let now = app.clock.now();
    let noted = match &answer {
        Ok(_) => None,
        Err(error) => Some(error.report()),
    };
    let (tenant_id, id) = (found.tenant_id.clone(), found.id.clone());
    app.db
        .write(move |conn| match noted {
            None => connection::note_success(&mut conn.of(&tenant_id), &id, now),
            Some(reason) => connection::note_failure(&mut conn.of(&tenant_id), &id, &reason, now),
        })
        .await?;
    if answer.is_ok() && found.state == ConnectionState::Failing {
        resume(app, actor, tenant, name).await?;
    }
    let ends_at = found.authorization().and_then(|authorization| authorization.ends_at);
    answer.map(|answer| match ends_at {
        Some(at) => format!("{answer}; the consent ends {at}, because the OAuth app is in testing"),
        None => answer,
    })
}

/// Pauses a connection: what is to go through it waits.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn pause(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Connection> {
    set_state(app, actor, tenant, name, ConnectionState::Paused, "connection.pause").await
}

/// Resumes a connection: what waited for it goes out.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn resume(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Connection> {
    set_state(app, actor, tenant, name, ConnectionState::Active, "connection.resume").await
}

async fn set_state(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    state: ConnectionState,
    action: &'static str,
) -> Result<Connection> {
    let now = app.clock.now();
    let before = find(app, tenant, name).await?;
    let after = Connection { state, updated_at: now, ..before.clone() };
    let changed = audited(&app.db, Some(tenant.id.clone()), actor, action, now, move |conn| {
        connection::set_state(&mut conn.of(&after.tenant_id), &after.id, state, now)?;
        if state == ConnectionState::Active {
            effect::wake_parked(&mut conn.of(&after.tenant_id), &after.id, now)?;
        }
        let due_at = (state == ConnectionState::Active).then_some(now);
        nexora_store::cursor::set_due(&mut conn.of(&after.tenant_id), &after.id, due_at)?;
        let subject = Subject::new(&after.name).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    });
    let connection = changed.await?;
    app.nudges.all();
    Ok(connection)
}

/// Removes a connection that nothing was ever sent through.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when history refers to it.
pub async fn remove(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<()> {
    let now = app.clock.now();
    let found = find(app, tenant, name).await?;
    let name = name.to_owned();
    let removed = audited(&app.db, Some(tenant.id.clone()), actor, "connection.remove", now, move |conn| {
        for cursor in nexora_store::cursor::list(&mut conn.of(&found.tenant_id), Some(&found.id), LIST_LIMIT)?
        {
            nexora_store::cursor::delete(&mut conn.of(&found.tenant_id), &cursor.id)?;
        }
        connection::delete(&mut conn.of(&found.tenant_id), &found.id)?;
        let subject = Subject::new(&found.name).before(&found)?;
        Ok(((), subject))
    });
    removed.await.map_err(|error| match error.kind() {
        Kind::Conflict => Error::conflict(format!("connection `{name}` has effects in its history"))
            .hint(format!("run `nexora connection pause {name}` instead")),
        _ => error,
    })
}
