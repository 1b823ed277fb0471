//! Connections: added with a sealed credential, tested, paused, resumed, removed.

use crate::app::App;
use crate::config::definitions::CONNECTION_ALERT;
use crate::ops::automation::Usual;
use crate::ops::{LIST_LIMIT, Subject, audited};
use crate::pipeline::demand::{self, Terms};
use crate::pipeline::watch;
use nexora_connector::webhook;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{
    Abilities, Connection, ConnectionKind, ConnectionSettings, ConnectionState, GoogleMeans, GoogleSettings,
    SmtpSettings, WebhookSettings,
};
use nexora_core::model::tenant::Tenant;
use nexora_google::service_account_email;
use nexora_store::{Claim, Conn, Inserted, connection, cursor, effect};

/// Adds an SMTP connection; a tenant has one of each name.
///
/// # Errors
/// `Usage` when user name and password do not go together; `Conflict` when the name is taken.
pub async fn add_smtp(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    settings: SmtpSettings,
    password: Option<Secret>,
) -> Result<Connection> {
    if settings.username.is_some() != password.is_some() {
        return Err(Error::usage("a user name and a password go together")
            .hint("give both `--username` and `--password-file`, or neither"));
    }
    if let Some(pem) = &settings.ca_pem
        && !pem.contains("BEGIN CERTIFICATE")
    {
        return Err(Error::usage("the CA file is not a PEM certificate"));
    }
    let settings = Json::of(&settings)?;
    add(app, actor, tenant, ConnectionKind::Smtp, name, settings, password).await
}

/// Adds a Google connection by a service account that acts in the name of `subject`.
///
/// # Errors
/// `Config` when the text is not a key file; `Conflict` when the name is taken.
pub async fn add_google(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    subject: EmailAddress,
    key: Secret,
    abilities: Abilities,
) -> Result<Connection> {
    let means = GoogleMeans::ServiceAccount { service_account: service_account_email(&key)? };
    let settings = GoogleSettings { subject, means, abilities, lead_mail: None };
    let settings = Json::of(&settings)?;
    add(app, actor, tenant, ConnectionKind::Google, name, settings, Some(key)).await
}

/// Adds a program that is told of events; returns the secret by which it checks them, to be shown once.
///
/// # Errors
/// `Usage` when the address cannot be told anything; `Conflict` when the name is taken.
pub async fn add_webhook(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    settings: WebhookSettings,
) -> Result<(Connection, Secret)> {
    webhook::check(&settings)?;
    let secret = webhook::new_secret()?;
    let settings = Json::of(&settings)?;
    let kind = ConnectionKind::Webhook;
    let added = add(app, actor, tenant, kind, name, settings, Some(secret.clone())).await?;
    Ok((added, secret))
}

pub(super) async fn add(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    kind: ConnectionKind,
    name: &str,
    settings: Json,
    credential: Option<Secret>,
) -> Result<Connection> {
    let now = app.clock.now();
    let mut new = Connection::new(&tenant.id, kind, name, settings, now);
    let owner = new.seal_owner();
    new.sealed = credential.map(|secret| app.key.seal(&owner, &secret)).transpose()?;
    let (slug, owner_tenant) = (tenant.slug.clone(), tenant.clone());
    let terms = Terms::of(&app.config);
    let alert = Usual::new(app, actor, tenant, CONNECTION_ALERT)?;
    audited(&app.db, Some(tenant.id.clone()), actor, "connection.add", now, move |conn| {
        if connection::insert(conn, &new)? == Inserted::AlreadyThere {
            return Err(Error::conflict(format!("tenant `{slug}` has a connection `{}` already", new.name))
                .hint("choose another with `--name`, or delete the one that is there"));
        }
        alert.enable(&mut conn.of(&owner_tenant.id), now)?;
        watch::reconcile(conn, &owner_tenant, now)?;
        demand::check(conn, &terms)?;
        let subject = Subject::new(&new.name).after(&new)?;
        Ok((new, subject))
    })
    .await
}

/// Puts a connection in the place of what it was when it was read.
///
/// # Errors
/// `Conflict` when somebody has changed it since.
pub(super) fn replace(conn: &mut Conn, before: &Connection, after: &Connection) -> Result<()> {
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
    let ends_at = match found.typed()? {
        ConnectionSettings::Google(GoogleSettings {
            means: GoogleMeans::User { consent_ends_at, .. },
            ..
        }) => consent_ends_at,
        ConnectionSettings::Google(_) | ConnectionSettings::Smtp(_) | ConnectionSettings::Webhook(_) => None,
    };
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
        cursor::set_due(&mut conn.of(&after.tenant_id), &after.id, due_at)?;
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
        for cursor in cursor::list(&mut conn.of(&found.tenant_id), Some(&found.id), LIST_LIMIT)? {
            cursor::delete(&mut conn.of(&found.tenant_id), &cursor.id)?;
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
