//! A person's authorization of a Google connection: given, given again, extended, taken back.
//!
//! What goes on in the browser is the command line's matter; here it begins with an address
//! to open and ends with the code that came back.

use std::path::Path;

use crate::app::App;
use crate::domain::connection::quota_check::{self, PollPlan};
use crate::domain::connection::watch;
use crate::ops::Subject;
use crate::ops::connection::{add, find, mended, replace, try_out, wake};
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{Abilities, Connection, ConnectionState};
use nexora_core::model::google::{GoogleAuth, GoogleSettings};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_google::authorization::{self, AuthorizationRequest, Authorized};
use nexora_google::kind;
use nexora_google::oauth::OAuthClient;
use nexora_google::service_account::service_account_email;
use nexora_store::{connection, cursor};

pub const AUTHORIZE: Operation = Operation::new("connection.authorize", Noun::Connection, Verb::Update);
pub const REVOKE: Operation = Operation::new("connection.revoke", Noun::Connection, Verb::Update);

/// Reads the OAuth client that people authorize, from `file` or from `google.client_file`.
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

/// Begins an authorization: the address to open leads back to `redirect`.
///
/// # Errors
/// `Config` when `google.auth_url` cannot be used.
pub fn begin(
    app: &App,
    client: OAuthClient,
    abilities: Abilities,
    account: Option<&EmailAddress>,
    redirect: &str,
) -> Result<AuthorizationRequest> {
    AuthorizationRequest::begin(&app.google(), client, abilities, account, redirect)
}

/// Makes sure that a connection can be added under this name, before a person is sent to a browser.
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

/// Adds a connection by the authorization that came back.
///
/// # Errors
/// Those of the authorization; `Conflict` when the name is taken.
pub async fn add_user(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    subject: Option<&EmailAddress>,
    (request, code): (&AuthorizationRequest, Secret),
) -> Result<Connection> {
    let authorized = request.finish(&app.google(), code, subject).await?;
    let settings = settings(app, &authorized, None);
    add(app, actor, tenant, name, kind::connection(&settings, authorized.credential.write())?).await
}

fn settings(app: &App, authorized: &Authorized, lead_mail: Option<serde_json::Value>) -> GoogleSettings {
    GoogleSettings {
        subject: authorized.account.clone(),
        auth: GoogleAuth::User {
            client_id: authorized.credential.client.id.clone(),
            ends_at: authorized.life.map(|life| app.clock.now() + life),
        },
        abilities: authorized.abilities.clone(),
        lead_mail,
    }
}

/// Finds a Google connection with its settings.
///
/// # Errors
/// `NotFound` when there is none of this name; `Usage` when it is of another kind.
pub async fn find_google(app: &App, tenant: &Tenant, name: &str) -> Result<(Connection, GoogleSettings)> {
    let found = find(app, tenant, name).await?;
    let settings = GoogleSettings::of(&found)?;
    let wrong = || Error::usage(format!("connection `{name}` is not a Google connection"));
    Ok((found, settings.ok_or_else(wrong)?))
}

/// Puts a new authorization in the place of a connection's credential. It becomes active, and what waited
/// for it goes on where it was.
///
/// # Errors
/// Those of the authorization; `Conflict` when the connection was changed meanwhile.
pub async fn authorize(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    (request, code): (&AuthorizationRequest, Secret),
) -> Result<Connection> {
    app.permit(actor, tenant, AUTHORIZE).await?;
    let (before, known) = find_google(app, tenant, name).await?;
    let authorized = request.finish(&app.google(), code, Some(&known.subject)).await?;
    let sealed = app.key.seal(&before.seal_owner(), &authorized.credential.write())?;
    let after = Connection {
        settings: Json::of(&settings(app, &authorized, known.lead_mail))?,
        sealed: Some(sealed),
        ..before.clone()
    };
    activate(app, actor, tenant, before, after).await
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
    app.permit(actor, tenant, AUTHORIZE).await?;
    let (before, known) = find_google(app, tenant, name).await?;
    let (auth, sealed) = match &key {
        None => (known.auth, before.sealed.clone()),
        Some(key) => {
            let auth = GoogleAuth::ServiceAccount { service_account: service_account_email(key)? };
            (auth, Some(app.key.seal(&before.seal_owner(), key)?))
        }
    };
    let settings = Json::of(&GoogleSettings { auth, abilities, ..known })?;
    let after = Connection { settings, sealed, ..before.clone() };
    try_out(app, &after).await?;
    activate(app, actor, tenant, before, after).await
}

async fn activate(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    before: Connection,
    after: Connection,
) -> Result<Connection> {
    let (plan, connectors) = (PollPlan::of(&app.config), app.connectors().clone());
    app.change(actor, tenant, AUTHORIZE, move |tx, now| {
        let after = mended(after, now);
        let tenant = tx.tenant;
        replace(tx, &before, &after)?;
        watch::reconcile(tx, &connectors, tenant, now)?;
        quota_check::check(tx, &plan)?;
        wake(tx, &after.id, now)?;
        let subject = Subject::new(&after.name).before(&before)?.after(&after)?;
        Ok((after, subject))
    })
    .await
}

/// Takes an authorization back at Google, forgets the credential and pauses the connection. A service
/// account's delegation can be taken back in the Admin console only; its key is forgotten here.
///
/// # Errors
/// `Unavailable` when Google does not answer: nothing is forgotten then.
pub async fn revoke(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Connection> {
    app.permit(actor, tenant, REVOKE).await?;
    let (before, known) = find_google(app, tenant, name).await?;
    if let (GoogleAuth::User { .. }, Some(sealed)) = (&known.auth, before.sealed.as_deref()) {
        let credential = app.key.open(&before.seal_owner(), sealed)?;
        authorization::revoke(&app.google(), &credential).await?;
    }
    let last_error = Some(format!("access was revoked by {actor}"));
    app.change(actor, tenant, REVOKE, move |tx, now| {
        let after = Connection {
            sealed: None,
            state: ConnectionState::Paused,
            last_error,
            last_error_at: Some(now),
            updated_at: now,
            ..before.clone()
        };
        replace(tx, &before, &after)?;
        cursor::set_due(tx, &after.id, None)?;
        let subject = Subject::new(&after.name).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}
