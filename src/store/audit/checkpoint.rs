//! The head of the whole trail: the heads of the tenants' chains, written into the system's chain, whose own head then
//! stands for all of them.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::audit::{Change, Ledger, adoption, head_of, write};
use crate::conn::on;
use crate::{Conn, dialect};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;
use nexora_core::model::audit::{
    Actor, AuditHead, CHECKPOINT, CLOSED, ChainHead, Entry, SYSTEM_CHAIN, audit, audit_heads,
};

/// How far the clocks of two daemons may be apart: heads that changed so long before a checkpoint are looked at again.
const CLOCKS_APART: Duration = Duration::from_secs(3_600);

/// What a checkpoint says: of each chain that has gone on, how many entries it has and the hash of the last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Heads {
    pub heads: BTreeMap<String, (i64, String)>,
}

/// Returns the head of the whole trail, for a manifest, a mail, or a notebook. Where anything has happened since the
/// last one, it writes a checkpoint, and says so.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn head(conn: &mut Conn, ledger: &Ledger, actor: &Actor, now: Timestamp) -> Result<(AuditHead, bool)> {
    adoption::ensure(conn, ledger, now)?;
    dialect::lock(conn, SYSTEM_CHAIN)?;
    let last = last_checkpoint(conn)?;
    let known: Heads = match last.as_ref().and_then(|entry| entry.after.as_ref()) {
        Some(after) => after.read()?,
        None => Heads::default(),
    };
    let since = last.as_ref().map_or(Timestamp::from_millis(0), |entry| entry.at - CLOCKS_APART);
    let changed: Vec<ChainHead> = on!(conn, |c| audit_heads::table
        .filter(audit_heads::changed_at.ge(since))
        .filter(audit_heads::chain.ne(SYSTEM_CHAIN))
        .order(audit_heads::chain)
        .select(ChainHead::as_select())
        .load(c))?;
    let is_known = |head: &ChainHead| {
        known
            .heads
            .get(&head.chain)
            .is_some_and(|(entries, hash)| (*entries, hash) == (head.entries, &head.hash))
    };
    let system = head_of(conn, SYSTEM_CHAIN)?;
    let is_last = |entry: &Entry| system.as_ref().is_some_and(|head| head.entries == entry.number);
    if let Some(last) = last.as_ref().filter(|last| is_last(last))
        && changed.iter().all(is_known)
    {
        return Ok((AuditHead { entries: last.number, hash: last.hash.clone() }, false));
    }
    let heads = changed.into_iter().map(|head| (head.chain, (head.entries, head.hash))).collect();
    let change = Change {
        after: Some(Json::of(&Heads { heads })?),
        ..Change::new(actor.clone(), CHECKPOINT, CHECKPOINT)
    };
    let entry = write(conn, ledger, None, change, now)?;
    Ok((AuditHead { entries: entry.number, hash: entry.hash }, true))
}

/// Uses `audit_by_subject`.
fn last_checkpoint(conn: &mut Conn) -> Result<Option<Entry>> {
    on!(conn, |c| audit::table
        .filter(audit::chain.eq(SYSTEM_CHAIN))
        .filter(audit::subject.eq(CHECKPOINT))
        .order(audit::number.desc())
        .select(Entry::as_select())
        .first(c)
        .optional())
}

/// Ends the chain of a tenant: its entries go, and the system's chain says how far it went.
///
/// # Errors
/// `NotFound` when the chain has no head; `Unavailable` when the database cannot be written.
pub fn close(
    conn: &mut Conn,
    ledger: &Ledger,
    tenant: &TenantId,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let chain = tenant.as_str();
    dialect::lock(conn, chain)?;
    let missing = || Error::not_found(format!("there is no audit trail of `{tenant}`"));
    let head = head_of(conn, chain)?.ok_or_else(missing)?;
    on!(conn, |c| diesel::delete(audit::table.filter(audit::chain.eq(chain))).execute(c))?;
    on!(conn, |c| diesel::delete(audit_heads::table.find(chain)).execute(c))?;
    let change = Change { after: Some(Json::of(&head)?), ..Change::new(actor.clone(), CLOSED, tenant) };
    adoption::ensure(conn, ledger, now)?;
    write(conn, ledger, None, change, now).map(|_| ())
}
