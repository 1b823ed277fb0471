//! Keys of programs that tell us of events: shown once, kept as hashes, ended at once or after a while.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::source::ApiKey;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{KeyId, TenantId};
use nexora_store::{Tx, key, tenant};

pub const CREATE: Operation = Operation::new("key.create", Noun::Key, Verb::Create);
pub const REVOKE: Operation = Operation::new("key.revoke", Noun::Key, Verb::Delete);
pub const ROTATE: Operation = Operation::new("key.rotate", Noun::Key, Verb::Update);

/// How a key begins, so that it is known for one where it must not be.
const PREFIX: &str = "nxk_";

/// How often the last use of a key is written.
const USE_INTERVAL: Duration = Duration::from_secs(60);

/// Makes a key; returns it with its text, to be shown once.
///
/// # Errors
/// `Usage` when the name does not fit; `Conflict` when a good key has it already.
pub async fn create(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    expires_at: Option<Timestamp>,
) -> Result<(ApiKey, Secret)> {
    Slug::parse(name)?;
    let (new, secret) = fresh(tenant, name, expires_at, app.clock.now())?;
    let created = app.change(actor, tenant, CREATE, move |tx, now| {
        if good_of(tx, &new.name, now)?.is_some() {
            return Err(Error::conflict(format!("there is a key `{}` already", new.name))
                .hint(format!("run `nexora key rotate {}`", new.name)));
        }
        key::insert(tx, &new)?;
        let subject = Subject::new(&new.name).after(&new)?;
        Ok((new, subject))
    });
    Ok((created.await?, secret))
}

fn fresh(
    tenant: &Tenant,
    name: &str,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(ApiKey, Secret)> {
    let secret = Secret::new(format!("{PREFIX}{}", Secret::random::<32>()?.expose()));
    let new = ApiKey {
        tenant_id: tenant.id.clone(),
        id: KeyId::new(now),
        name: name.to_owned(),
        hash: hash(secret.expose()),
        created_at: now,
        last_used_at: None,
        expires_at,
        revoked_at: None,
    };
    Ok((new, secret))
}

/// A key holds 256 random bits, so that nothing slower than SHA-256 is needed.
fn hash(key: &str) -> String {
    hex(Sha256::digest(key))
}

fn good_of(tx: &mut Tx, name: &str, now: Timestamp) -> Result<Option<ApiKey>> {
    let keys = key::list(tx, LIST_LIMIT)?;
    // During a rotation there are two: the newer one is the key.
    Ok(keys.into_iter().rev().find(|key| key.name == name && key.is_good(now)))
}

/// Takes a key back, and what is left of the one before it.
///
/// # Errors
/// `NotFound` when no good key has this name.
pub async fn revoke(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<ApiKey> {
    let wanted = name.to_owned();
    app.change(actor, tenant, REVOKE, move |tx, now| {
        let before = good_of(tx, &wanted, now)?.ok_or_else(|| missing(&wanted))?;
        for key in key::list(tx, LIST_LIMIT)? {
            if key.name == wanted && key.is_good(now) {
                key::set_end(tx, &ApiKey { revoked_at: Some(now), ..key })?;
            }
        }
        let after = ApiKey { revoked_at: Some(now), ..before.clone() };
        let subject = Subject::new(&after.name).before(&before)?.after(&after)?;
        Ok((after, subject))
    })
    .await
}

/// Makes a new key in the place of one, which ends after `grace`.
///
/// # Errors
/// `NotFound` when no good key has this name.
pub async fn rotate(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    grace: Duration,
) -> Result<(ApiKey, Secret)> {
    let (new, secret) = fresh(tenant, name, None, app.clock.now())?;
    let rotated = app.change(actor, tenant, ROTATE, move |tx, now| {
        let before = good_of(tx, &new.name, now)?.ok_or_else(|| missing(&new.name))?;
        let end = now + grace;
        let end = before.expires_at.map_or(end, |at| at.min(end));
        key::set_end(tx, &ApiKey { expires_at: Some(end), ..before.clone() })?;
        let new = ApiKey { expires_at: before.expires_at, ..new };
        key::insert(tx, &new)?;
        let subject = Subject::new(&new.name).before(&before)?.after(&new)?;
        Ok((new, subject))
    });
    Ok((rotated.await?, secret))
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("no active key `{name}`")).hint("run `nexora key list`")
}

/// Returns the tenant, by id or slug, whose key this is; nothing when either is wrong.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn authenticate(app: &App, named: &str, given: &str) -> Result<Option<(Tenant, ApiKey)>> {
    let (named, hash, now) = (named.to_owned(), hash(given), app.clock.now());
    let found = app.db.read(move |conn| {
        let tenant = match (TenantId::parse(&named), Slug::parse(&named)) {
            (Ok(id), _) => tenant::find(conn, &id)?,
            (_, Ok(slug)) => tenant::find_by_slug(conn, &slug)?,
            (Err(_), Err(_)) => None,
        };
        // A tenant that is not there is asked for its key all the same, and takes as long.
        let id = tenant.as_ref().map_or_else(|| TenantId::new(now), |tenant| tenant.id.clone());
        let key = key::find_by_hash(&mut conn.of(&id), &hash)?.filter(|key| key.is_good(now));
        Ok(tenant.zip(key))
    });
    let Some((tenant, key)) = found.await? else { return Ok(None) };
    if key.last_used_at.is_none_or(|at| now.since(at) >= USE_INTERVAL) {
        let (tenant_id, id) = (tenant.id.clone(), key.id.clone());
        app.db.write(move |conn| key::note_use(&mut conn.of(&tenant_id), &id, now)).await?;
    }
    Ok(Some((tenant, key)))
}
