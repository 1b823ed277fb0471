//! A connection that is wanted no more: what waits for it goes another way, and what went through it stays on record.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::app::App;
use crate::ops::connection::{REMOVE, find_row};
use crate::ops::unit::Unit;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::Connection;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, connection, cursor, effect};

/// What became of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removed {
    pub name: String,
    /// It is gone; where it is not, its history refers to it, for which it is kept: without its credential, and in no list.
    pub deleted: bool,
    /// Effects that go through another connection now.
    pub moved: usize,
}

/// Removes a connection. What waits for it goes through `instead`, where that is given.
///
/// # Errors
/// `NotFound` when there is none of either name; `Conflict` saying what blocks it.
pub async fn remove(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    instead: Option<&str>,
) -> Result<Removed> {
    let (name, instead) = (name.to_owned(), instead.map(str::to_owned));
    let connectors = app.connectors().clone();
    app.change(actor, tenant, REMOVE, move |tx, now| {
        let found = find_row(tx, &name)?;
        let open = effect::unsettled(tx, Some(&found.id), LIST_LIMIT)?;
        let target = match instead {
            _ if open.is_empty() => None,
            None => return Err(blocked(tx, &found, &open)),
            Some(instead) => {
                let target = find_row(tx, &instead)?;
                let carries = connectors.of(&target)?.facts();
                if let Some(other) = open.iter().find(|effect| !carries.can_carry(effect.kind)) {
                    return Err(Error::conflict(format!(
                        "connection `{instead}` cannot carry `{}`",
                        other.kind
                    ))
                    .hint(format!("nexora effect discard {}, or choose another connection", other.id)));
                }
                Some(target)
            }
        };
        if let Some(target) = &target {
            move_open(tx, &found, &open, (target, now))?;
        }
        for read in cursor::list(tx, Some(&found.id), LIST_LIMIT)? {
            cursor::delete(tx, &read.id)?;
        }
        let deleted = !effect::any_through(tx, &found.id)? && delete(tx, &found)?;
        if !deleted {
            retire(tx, &found, now)?;
        }
        let removed = Removed { name: found.name.clone(), deleted, moved: open.len() };
        let subject = Subject::new(&found.name).before(&found)?.after(&removed)?;
        Ok((removed, subject))
    })
    .await
}

/// Says what waits, and what can be done about it.
fn blocked(tx: &Unit<'_>, found: &Connection, open: &[Effect]) -> Error {
    let kinds: BTreeSet<&str> = open.iter().map(|effect| effect.kind.name()).collect();
    let kinds: Vec<&str> = kinds.into_iter().collect();
    let (name, slug) = (&found.name, &tx.tenant.slug);
    let waiting = count(open.len(), "effect waits", "effects wait");
    Error::conflict(format!("{waiting} for connection `{name}`: {}", kinds.join(", ")))
        .hint(format!("nexora connection delete {name} --move-to OTHER --tenant {slug}, or discard them"))
}

fn move_open(
    tx: &mut Unit<'_>,
    found: &Connection,
    open: &[Effect],
    (target, now): (&Connection, Timestamp),
) -> Result<()> {
    if target.id == found.id {
        return Err(Error::usage("what waits goes to another connection than the one that is deleted"));
    }
    for waiting in open {
        let id = &waiting.id;
        if waiting.state == EffectState::InDoubt {
            return Err(Error::conflict(format!(
                "effect `{id}` may have happened, and only this connection can say"
            ))
            .hint(format!("wait until it is settled, or nexora effect discard {id}")));
        }
        if effect::move_to(tx, waiting, &target.id, now)? == Claim::Lost {
            return Err(
                Error::conflict(format!("effect `{id}` is being delivered just now")).hint("try again")
            );
        }
    }
    Ok(())
}

/// Deletes the row; tells whether it could, which is not so where anything else refers to it.
fn delete(tx: &mut Unit<'_>, found: &Connection) -> Result<bool> {
    let id = found.id.clone();
    let tenant = tx.tenant.id.clone();
    match tx.transaction(|conn| connection::delete(&mut conn.of(&tenant), &id)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == nexora_core::base::Kind::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

/// Keeps the connection for its history alone, under a name that leaves its own to another.
fn retire(tx: &mut Unit<'_>, found: &Connection, now: Timestamp) -> Result<()> {
    let body = found.id.as_str();
    let end = body.get(body.len().saturating_sub(8)..).unwrap_or(body);
    connection::retire(tx, &found.id, &format!("{}-deleted-{end}", found.name), now)
}
