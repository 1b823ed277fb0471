//! Rows of `audit`: append-only, each chained to the one before by its hash.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::conn::on;
use crate::{Conn, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::{Json, hex};
use nexora_core::model::TenantId;
use nexora_core::model::audit::{Actor, Entry, audit};

/// The chain of what belongs to no tenant.
const SYSTEM_CHAIN: &str = "system";
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened, before it has a place in a chain.
#[derive(Clone, Debug)]
pub struct Change {
    pub actor: Actor,
    /// `noun.verb`, such as `tenant.create`.
    pub action: &'static str,
    pub subject: String,
    pub before: Option<Json>,
    pub after: Option<Json>,
}

/// Appends an entry to the tenant's chain, in the transaction that makes the change.
pub fn append(conn: &mut Conn, tenant: Option<&TenantId>, change: Change, now: Timestamp) -> Result<()> {
    let chain = tenant.map_or(SYSTEM_CHAIN, TenantId::as_str);
    dialect::lock(conn, chain)?;
    let last: Option<(i64, String)> = on!(conn, |c| audit::table
        .filter(audit::chain.eq(chain))
        .order(audit::number.desc())
        .select((audit::number, audit::hash))
        .first(c)
        .optional())?;
    let (number, previous_hash) = last.unwrap_or((0, NO_HASH.to_owned()));
    let mut entry = Entry {
        chain: chain.to_owned(),
        number: number + 1,
        at: now,
        actor: change.actor.to_string(),
        action: change.action.to_owned(),
        subject: change.subject,
        before: change.before,
        after: change.after,
        previous_hash,
        hash: String::new(),
    };
    entry.hash = hash(&entry);
    insert(conn, &entry)
}

fn insert(conn: &mut Conn, entry: &Entry) -> Result<()> {
    on!(conn, |c| diesel::insert_into(audit::table).values(entry).execute(c)).map(|_| ())
}

/// Hashes each field with its length before it, so that no two entries share a preimage.
fn hash(entry: &Entry) -> String {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update(text.len().to_be_bytes());
        digest.update(text.as_bytes());
    };
    add(&entry.previous_hash);
    add(&entry.chain);
    add(&entry.number.to_string());
    add(&entry.at.millis().to_string());
    add(&entry.actor);
    add(&entry.action);
    add(&entry.subject);
    add(entry.before.as_ref().map_or("", Json::as_str));
    add(entry.after.as_ref().map_or("", Json::as_str));
    hex(digest.finalize())
}

/// Lists a chain's entries, newest first.
pub fn list(conn: &mut Conn, tenant: Option<&TenantId>, limit: i64) -> Result<Vec<Entry>> {
    let chain = tenant.map_or(SYSTEM_CHAIN, TenantId::as_str);
    on!(conn, |c| audit::table
        .filter(audit::chain.eq(chain))
        .order(audit::number.desc())
        .limit(limit)
        .select(Entry::as_select())
        .load(c))
}

/// Lists a subject's entries whose action begins with `prefix`, newest first.
pub fn list_of(conn: &mut Conn, subject: &str, prefix: &str, limit: i64) -> Result<Vec<Entry>> {
    on!(conn, |c| audit::table
        .filter(audit::chain.eq(SYSTEM_CHAIN))
        .filter(audit::subject.eq(subject))
        .filter(audit::action.like(format!("{prefix}%")))
        .order(audit::number.desc())
        .limit(limit)
        .select(Entry::as_select())
        .load(c))
}

/// Returns the number of the first entry that does not follow from the one before it.
pub fn first_broken(conn: &mut Conn, tenant: Option<&TenantId>) -> Result<Option<i64>> {
    const PAGE: i64 = 1_000;
    let chain = tenant.map_or(SYSTEM_CHAIN, TenantId::as_str);
    let (mut number, mut previous_hash) = (0_i64, NO_HASH.to_owned());
    loop {
        let page: Vec<Entry> = on!(conn, |c| audit::table
            .filter(audit::chain.eq(chain))
            .filter(audit::number.gt(number))
            .order(audit::number)
            .limit(PAGE)
            .select(Entry::as_select())
            .load(c))?;
        if page.is_empty() {
            return Ok(None);
        }
        for entry in page {
            number += 1;
            if entry.number != number || entry.previous_hash != previous_hash || hash(&entry) != entry.hash {
                return Ok(Some(number));
            }
            previous_hash = entry.hash;
        }
    }
}
