//! What a connection is made of, changed: its host, its password, its address. It stays the same connection, with its
//! history and with what waits for it.

use serde_json::{Map, Value};

use crate::app::App;
use crate::ops::Subject;
use crate::ops::connection::{SET, find, mended, replace, try_out, wake};
use nexora_connector::kind::{Added, Form};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::principal::Operation;
use nexora_core::model::tenant::Tenant;

/// The same change where it reaches into what only operators may allow.
const SET_AS_OPERATOR: Operation = Operation::of_operators("connection.set");

/// What is to be changed.
#[derive(Default)]
pub struct Change {
    /// By their names in the settings; nothing takes away one that may be left out.
    pub values: Map<String, Value>,
    /// Another credential, in the place of the one that is stored.
    pub credential: Option<Secret>,
    /// Nobody is asked whether it works: it is stored as it is.
    pub untested: bool,
}

/// A connection after its change.
pub struct Changed {
    pub connection: Connection,
    /// Effects that waited for it and are due now.
    pub woken: usize,
}

/// Changes a connection, once its provider has taken it as it will be. What waited for it goes out, unless an operator
/// paused it.
///
/// # Errors
/// `NotFound` when there is none; `Usage` when it has no such setting, or the whole makes no sense; `Denied` or
/// `Unavailable` as the provider answers.
pub async fn set(app: &App, actor: &Actor, tenant: &Tenant, name: &str, change: Change) -> Result<Changed> {
    app.permit(actor, tenant, SET).await?;
    let before = find(app, tenant, name).await?;
    let form = form_of(app, tenant, &before)?;
    check_names(&before, form, &change)?;
    let known: Map<String, Value> = before.settings.read()?;
    if needs_operator(form, &known, &change) {
        app.permit(actor, tenant, SET_AS_OPERATOR).await.map_err(|error| match form.secret() {
            Some(secret) if !form.is_for_operators(&known) => {
                error.hint(format!("give the password that goes there, too: `--{}`", secret.flag))
            }
            _ => error,
        })?;
    }
    let untested = change.untested;
    let after = changed(app, &before, form, (known, change))?;
    if !untested {
        try_out(app, &after).await.map_err(|error| match error.hint_text() {
            Some(_) => error,
            None => error.hint("nothing was changed; `--no-test` stores it as it is"),
        })?;
    }
    app.change(actor, tenant, SET, move |tx, now| {
        // What an operator paused stays so.
        let is_paused = before.state == ConnectionState::Paused;
        let after = match is_paused {
            true => Connection { updated_at: now, ..after },
            false => mended(after, now),
        };
        replace(tx, &before, &after)?;
        let woken = if is_paused { 0 } else { wake(tx, &after.id, now)? };
        let subject = Subject::new(&after.name).before(&before)?.after(&after)?;
        Ok((Changed { connection: after, woken }, subject))
    })
    .await
}

fn form_of(app: &App, tenant: &Tenant, connection: &Connection) -> Result<&'static Form> {
    match app.connectors().of(connection)?.added() {
        Added::ByForm(form) => Ok(form),
        Added::ByAuthorization => {
            let Connection { name, kind, .. } = connection;
            Err(Error::usage(format!("connection `{name}` is one to {kind}: it has nothing that is set so"))
                .hint(format!("run `nexora connection authorize {name} --tenant {}`", tenant.slug)))
        }
    }
}

/// Refuses values that such a connection does not have.
fn check_names(connection: &Connection, form: &Form, change: &Change) -> Result<()> {
    let Connection { name, kind, .. } = connection;
    let has = |key: &String| form.fields.iter().any(|field| field.key() == *key);
    if let Some(other) = change.values.keys().find(|key| !has(key)) {
        let flags: Vec<String> = form.fields.iter().map(|field| format!("--{}", field.flag)).collect();
        return Err(Error::usage(format!("connection `{name}` is one to {kind}: it has no `{other}`"))
            .hint(format!("it has {}", flags.join(", "))));
    }
    if change.credential.is_some() && form.secret().is_none() {
        return Err(Error::usage(format!("connection `{name}` has no password")));
    }
    Ok(())
}

/// Tells whether only an operator may do it: what an operator allowed is about the place that it was allowed for, and a
/// stored password is for the server that it was given for.
fn needs_operator(form: &Form, known: &Map<String, Value>, change: &Change) -> bool {
    let changes = |key: &str| change.values.get(key).is_some_and(|value| known.get(key) != Some(value));
    let is_allowed = form.is_for_operators(known) && !change.values.is_empty();
    let moves_password = change.credential.is_none()
        && form.secret().is_some_and(|secret| secret.sent_to.iter().any(|key| changes(key)));
    is_allowed || moves_password || form.is_for_operators(&change.values)
}

/// Returns the connection as it will be.
fn changed(
    app: &App,
    before: &Connection,
    form: &Form,
    (mut settings, change): (Map<String, Value>, Change),
) -> Result<Connection> {
    let owner = before.seal_owner();
    settings.extend(change.values);
    let Some(secret) = form.secret() else {
        // A credential that was made here stays: the other side knows it.
        let new = (form.prepare)(settings, None)?;
        return Ok(Connection { settings: new.settings, ..before.clone() });
    };
    let is_used = settings.get(secret.with).is_some_and(|with| !with.is_null());
    let stored = before.sealed.as_deref().filter(|_| is_used);
    let credential = match (change.credential, stored) {
        (Some(new), _) => Some(new),
        (None, Some(sealed)) => Some(app.key.open(&owner, sealed)?),
        (None, None) => None,
    };
    let new = (form.prepare)(settings, credential)?;
    let sealed = new.credential.map(|secret| app.key.seal(&owner, &secret)).transpose()?;
    Ok(Connection { settings: new.settings, sealed, ..before.clone() })
}
