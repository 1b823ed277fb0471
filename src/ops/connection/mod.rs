//! Connections: added with a sealed credential, tested, chosen, paused, resumed, removed.

pub mod authorization;
pub mod cursor;
pub mod declared;
pub mod removal;
pub mod settings;

use crate::app::App;
use crate::config::definitions::CONNECTION_ALERT;
use crate::domain::connection::quota_check::{self, PollPlan};
use crate::domain::connection::watch;
use crate::ops::automation::DefaultAutomation;
use crate::ops::unit::Unit;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_connector::kind::{Connectors, NewConnection};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::ConnectionId;
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{Connection, ConnectionState, Purpose};
use nexora_core::model::effect::EffectKind;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, Conn, Inserted, Tx, connection, effect};

pub const ADD: Operation = Operation::new("connection.add", Noun::Connection, Verb::Create);
pub const PAUSE: Operation = Operation::new("connection.pause", Noun::Connection, Verb::Update);
pub const RESUME: Operation = Operation::new("connection.resume", Noun::Connection, Verb::Update);
pub const SET: Operation = Operation::new("connection.set", Noun::Connection, Verb::Update);
pub const CHOOSE: Operation = Operation::new("connection.default", Noun::Connection, Verb::Update);
pub const REMOVE: Operation = Operation::new("connection.remove", Noun::Connection, Verb::Delete);

/// Adds a connection; a tenant has one of each name, and one to each mailbox: of two, each would read and
/// answer the same mails. Tenants do not know of each other, so that another may have the same mailbox.
///
/// # Errors
/// `Conflict` when the name is taken or the mailbox is connected already; `Config` when more would be watched than a quota allows.
pub async fn add(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    new: NewConnection,
) -> Result<Connection> {
    let mut added = Connection::new(&tenant.id, new.kind, name, new.settings, app.clock.now());
    let owner = added.seal_owner();
    added.sealed = new.credential.map(|secret| app.key.seal(&owner, &secret)).transpose()?;
    let (plan, connectors) = (PollPlan::of(&app.config), app.connectors().clone());
    let alert = DefaultAutomation::new(app, actor, tenant, CONNECTION_ALERT)?;
    app.change(actor, tenant, ADD, move |tx, now| {
        let tenant = tx.tenant;
        if connection::insert(tx, &added)? == Inserted::AlreadyThere {
            let (slug, name) = (&tenant.slug, &added.name);
            return Err(Error::conflict(format!("tenant `{slug}` has a connection `{name}` already"))
                .hint("choose another with `--name`, or delete the one that is there"));
        }
        check_mailbox(tx, &connectors, &added)?;
        alert.enable(tx, now)?;
        watch::reconcile(tx, &connectors, tenant, now)?;
        quota_check::check(tx, &plan)?;
        let subject = Subject::new(&added.name).after(&added)?;
        Ok((added, subject))
    })
    .await
}

/// Refuses a second connection to the same mailbox.
fn check_mailbox(tx: &mut Unit<'_>, connectors: &Connectors, added: &Connection) -> Result<()> {
    let kind = connectors.of(added)?;
    if !kind.facts().is_mailbox {
        return Ok(());
    }
    let account = kind.account(added)?.to_lowercase();
    for known in connection::list(tx, LIST_LIMIT)? {
        let is_other = known.id != added.id && known.kind == added.kind;
        if is_other && kind.account(&known)?.to_lowercase() == account {
            let (slug, name) = (&tx.tenant.slug, &known.name);
            return Err(Error::conflict(format!(
                "tenant `{slug}` has the mailbox `{account}` connected already, as `{name}`"
            ))
            .hint(format!("run `nexora connection authorize {name}` to give it another credential")));
        }
    }
    Ok(())
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

/// Finds a connection by its name.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, tenant: &Tenant, name: &str) -> Result<Connection> {
    let name = name.to_owned();
    app.view(tenant, move |tx| find_row(tx, &name)).await
}

fn find_row(tx: &mut Unit<'_>, name: &str) -> Result<Connection> {
    connection::find_by_name(tx, name)?.ok_or_else(|| tx.missing("connection", name))
}

/// Asks the provider whether the credential is good, and notes the answer. A connection that was
/// failing goes on when it is.
///
/// # Errors
/// `NotFound` when there is none; `Denied` or `Unavailable` as the provider answers.
pub async fn test(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<String> {
    let found = find(app, tenant, name).await?;
    let answer = probe(app, &found).await;
    let now = app.clock.now();
    let noted = match &answer {
        Ok(_) => None,
        Err(error) => Some(error.report()),
    };
    let (tenant_id, id) = (found.tenant_id.clone(), found.id.clone());
    let note = move |conn: &mut Conn| match noted {
        None => connection::note_success(&mut conn.of(&tenant_id), &id, now),
        Some(reason) => connection::note_failure(&mut conn.of(&tenant_id), &id, &reason, now),
    };
    app.db.write(note).await?;
    if answer.is_ok() && found.state == ConnectionState::Failing {
        resume(app, actor, tenant, name).await?;
    }
    let ends_at = found.authorization().and_then(|authorization| authorization.ends_at);
    answer.map(|answer| match ends_at {
        Some(at) => format!("{answer}; the consent ends {at}, because the OAuth app is in testing"),
        None => answer,
    })
}

/// Asks the provider whether the credential is good, and notes nothing.
///
/// # Errors
/// `Denied` or `Unavailable` as the provider answers.
pub async fn probe(app: &App, connection: &Connection) -> Result<String> {
    app.connector(connection)?.probe.probe().await
}

/// Pauses a connection: what is to go through it waits.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn pause(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Connection> {
    set_state(app, actor, tenant, name, ConnectionState::Paused, PAUSE).await
}

/// Resumes a connection: what waited for it goes out.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn resume(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Connection> {
    set_state(app, actor, tenant, name, ConnectionState::Active, RESUME).await
}

/// Tries a connection as it would be, apart from the registry, which holds it as it is stored.
async fn try_out(app: &App, connection: &Connection) -> Result<()> {
    let tried = Connection { updated_at: app.clock.now(), ..connection.clone() };
    app.connector(&tried)?.probe.probe().await.map(|_| ())
}

/// Returns a connection as it is once its credential has been found good.
fn mended(connection: Connection, now: Timestamp) -> Connection {
    Connection {
        state: ConnectionState::Active,
        last_error: None,
        last_error_at: None,
        updated_at: now,
        ..connection
    }
}

/// Makes due what waited for a connection, and has it read at once; returns how many effects waited.
fn wake(tx: &mut Tx, id: &ConnectionId, now: Timestamp) -> Result<usize> {
    let woken = effect::wake_parked(tx, id, now)?;
    nexora_store::cursor::set_due(tx, id, Some(now))?;
    Ok(woken)
}

async fn set_state(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    state: ConnectionState,
    operation: Operation,
) -> Result<Connection> {
    let name = name.to_owned();
    app.change(actor, tenant, operation, move |tx, now| {
        let before = find_row(tx, &name)?;
        connection::set_state(tx, &before.id, state, now)?;
        match state {
            ConnectionState::Active => {
                wake(tx, &before.id, now)?;
            }
            ConnectionState::Paused | ConnectionState::Failing => {
                nexora_store::cursor::set_due(tx, &before.id, None)?;
            }
        }
        let after = Connection { state, updated_at: now, ..before.clone() };
        let subject = Subject::new(&after.name).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Has a connection be the one for these purposes, in the place of any other, or be it no longer. What was promised
/// already goes the way it was to go.
///
/// # Errors
/// `NotFound` when there is none; `Usage` when it carries no mail.
pub async fn choose(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    purposes: Vec<Purpose>,
    is_chosen: bool,
) -> Result<Connection> {
    let (name, connectors) = (name.to_owned(), app.connectors().clone());
    app.change(actor, tenant, CHOOSE, move |tx, _| {
        let before = find_row(tx, &name)?;
        if !connectors.of(&before)?.facts().can_carry(EffectKind::SendMail) {
            return Err(Error::usage(format!("connection `{name}` carries no mail"))
                .hint(format!("choose another of `nexora connection list --tenant {}`", tx.tenant.slug)));
        }
        for purpose in purposes {
            connection::choose(tx, &before.id, purpose, is_chosen)?;
        }
        let after = connection::find(tx, &before.id)?.unwrap_or_else(|| before.clone());
        let subject = Subject::new(&name).before(&before.purposes())?.after(&after.purposes())?;
        Ok((after, subject))
    })
    .await
}
