//! A person's consent to a Google connection: given, given again, extended, taken back.
//!
//! What goes on in the browser is the command line's matter; here a consent begins with an address
//! to open and ends with the code that came back.

use std::path::Path;

use crate::app::App;
use crate::ops::connection::{add, find, replace};
use crate::ops::{Subject, audited};
use crate::pipeline::demand::{self, Terms};
use crate::pipeline::watch;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{
    Abilities, Connection, ConnectionKind, ConnectionSettings, ConnectionState, GoogleMeans, GoogleSettings,
};
use nexora_core::model::tenant::Tenant;
use nexora_google::consent::{self, Consent, Consented};
use nexora_google::oauth::OAuthClient;
use nexora_google::service_account_email;
use nexora_store::{connection, cursor, effect};

/// Reads the OAuth client that people consent to, from `file` or from `google.client_file`.
///
/// # Errors
/// `Usage` when neither is named, `Config` when the file is not a Desktop app's.
pub fn client(app: &App, file: Option<&Path>) -> Result<OAuthClient> {
    let configured =
        Some(app.config.google.client_file.as_path()).filter(|path| !path.as_os_str().is_empty());
    let Some(path) = file.or(configured) else {
        return Err(Error::usage("no OAuth client is named").hint(
            "give the console's JSON with `--client FILE`, set `google.client_file`, or use `--service-account`",
        ));
    };
    OAuthClient::parse(&file::read_text(path, Kind::Config)?)
}

/// Begins a consent: the address to open leads back to `redirect`.
///
/// # Errors
/// `Config` when `google.auth_url` cannot be used.
pub fn begin(
    app: &App,
    client: OAuthClient,
    abilities: Abilities,
    account: Option<&EmailAddress>,
    redirect: &str,
) -> Result<Consent> {
    Consent::begin(&app.google(), client, abilities, account, redirect)
}

/// Makes sure that a connection can be added under this name, before anybody is sent to a browser.
///
/// # Errors
/// `Conflict` when the name is taken.
pub async fn check_free(app: &App, tenant: &Tenant, name: &str) -> Result<()> {
    let (id, wanted) = (tenant.id.clone(), name.to_owned());
    match app.db.read(move |conn| connection::find_by_name(&mut conn.of(&id), &wanted)).await? {
        None => Ok(()),
        Some(_) => Err(Error::conflict(format!(
            "tenant `{}` has a connection `{name}` already",
            tenant.slug
        ))
        .hint(format!(
            "run `nexora connection authorize {name}` to consent again, or choose another with `--name`"
        ))),
    }
}

/// Adds a connection by the consent that came back.
///
/// # Errors
/// Those of the consent; `Conflict` when the name is taken.
pub async fn add_user(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    subject: Option<&EmailAddress>,
    (consent, code): (&Consent, Secret),
) -> Result<Connection> {
    let consented = consent.finish(&app.google(), code, subject).await?;
    let settings = Json::of(&settings(app, &consented, None))?;
    let credential = Some(consented.credential.write());
    add(app, actor, tenant, ConnectionKind::Google, name, settings, credential).await
}

fn settings(app: &App, consented: &Consented, lead_mail: Option<serde_json::Value>) -> GoogleSettings {
    GoogleSettings {
        subject: consented.account.clone(),
        means: GoogleMeans::User {
            client_id: consented.credential.client.id.clone(),
            consent_ends_at: consented.life.map(|life| app.clock.now() + life),
        },
        abilities: consented.abilities.clone(),
        lead_mail,
    }
}

/// Finds a Google connection with its settings.
///
/// # Errors
/// `NotFound` when there is none of this name; `Usage` when it is of another kind.
pub async fn find_google(app: &App, tenant: &Tenant, name: &str) -> Result<(Connection, GoogleSettings)> {
    let found = find(app, tenant, name).await?;
    match found.typed()? {
        ConnectionSettings::Google(settings) => Ok((found, settings)),
        ConnectionSettings::Smtp(_) | ConnectionSettings::Webhook(_) => {
            Err(Error::usage(format!("connection `{name}` is not a Google connection")))
        }
    }
}

/// Puts a new consent in the place of a connection's credential. It becomes active, and what waited
/// for it goes on where it was.
///
/// # Errors
/// Those of the consent; `Conflict` when the connection was changed meanwhile.
pub async fn authorize(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    (consent, code): (&Consent, Secret),
) -> Result<Connection> {
    let (before, known) = find_google(app, tenant, name).await?;
    let consented = consent.finish(&app.google(), code, Some(&known.subject)).await?;
    let sealed = app.key.seal(&before.seal_owner(), &consented.credential.write())?;
    let after = Connection {
        settings: Json::of(&settings(app, &consented, known.lead_mail))?,
        sealed: Some(sealed),
        ..before.clone()
    };
    activate(app, actor, tenant, (before, after), "connection.authorize").await
}

/// Lets a service account's connection use more of Google, or gives it another key. The delegation
/// must allow it.
///
/// # Errors
/// `Denied` when Google does not grant a token; `Config` when the file is no key.
pub async fn extend(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    abilities: Abilities,
    key: Option<Secret>,
) -> Result<Connection> {
    let (before, known) = find_google(app, tenant, name).await?;
    let (means, sealed) = match &key {
        None => (known.means, before.sealed.clone()),
        Some(key) => {
            let means = GoogleMeans::ServiceAccount { service_account: service_account_email(key)? };
            (means, Some(app.key.seal(&before.seal_owner(), key)?))
        }
    };
    let settings = Json::of(&GoogleSettings { means, abilities, ..known })?;
    let after = Connection { settings, sealed, ..before.clone() };
    // Opened apart from the registry, which holds the connection as it is stored.
    let tried = Connection { updated_at: app.clock.now(), ..after.clone() };
    app.connector(&tried)?.probe.probe().await?;
    activate(app, actor, tenant, (before, after), "connection.authorize").await
}

async fn activate(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    (before, after): (Connection, Connection),
    action: &'static str,
) -> Result<Connection> {
    let now = app.clock.now();
    let after = Connection {
        state: ConnectionState::Active,
        last_error: None,
        last_error_at: None,
        updated_at: now,
        ..after
    };
    let (owner, terms) = (tenant.clone(), Terms::of(&app.config));
    let changed = audited(&app.db, Some(tenant.id.clone()), actor, action, now, move |conn| {
        replace(conn, &before, &after)?;
        watch::reconcile(conn, &owner, now)?;
        demand::check(conn, &terms)?;
        effect::wake_parked(&mut conn.of(&after.tenant_id), &after.id, now)?;
        cursor::set_due(&mut conn.of(&after.tenant_id), &after.id, Some(now))?;
        let subject = Subject::new(&after.name).before(&before)?.after(&after)?;
        Ok((after, subject))
    });
    let connection = changed.await?;
    app.nudges.all();
    Ok(connection)
}

/// Takes a consent back at Google, forgets the credential and pauses the connection. A service
/// account's delegation can be taken back in the Admin console only; its key is forgotten here.
///
/// # Errors
/// `Unavailable` when Google does not answer: nothing is forgotten then.
pub async fn revoke(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Connection> {
    let (before, known) = find_google(app, tenant, name).await?;
    if let (GoogleMeans::User { .. }, Some(sealed)) = (&known.means, before.sealed.as_deref()) {
        let credential = app.key.open(&before.seal_owner(), sealed)?;
        consent::revoke(&app.google(), &credential).await?;
    }
    let now = app.clock.now();
    let after = Connection {
        sealed: None,
        state: ConnectionState::Paused,
        last_error: Some(format!("access was revoked by {actor}")),
        last_error_at: Some(now),
        updated_at: now,
        ..before.clone()
    };
    audited(&app.db, Some(tenant.id.clone()), actor, "connection.revoke", now, move |conn| {
        replace(conn, &before, &after)?;
        cursor::set_due(&mut conn.of(&after.tenant_id), &after.id, None)?;
        let subject = Subject::new(&after.name).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}
