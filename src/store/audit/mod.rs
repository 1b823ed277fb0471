//! Rows of `audit`: append-only, each chained to the one before by a hash with a key.
//!
//! Each tenant has a chain, which one transaction at a time goes on with, so that tenants do not wait for each other;
//! the system has one, too. How far a chain goes is kept apart, with a code. Now and then the heads of all chains are
//! written into the system's: its own head stands for everything before it.

mod adoption;
mod checkpoint;
mod ledger;
mod person;
mod verification;

use diesel::prelude::*;

pub use self::checkpoint::{close, head};
pub use self::ledger::Ledger;
pub use self::person::{Opener, Values, destroy, of_subject};
pub use self::verification::{Checked, Fault, verify};
use crate::conn::on;
use crate::kept;
use crate::{Conn, Span, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::TenantId;
use nexora_core::model::audit::{Actor, ChainHead, Entry, FORM, NO_HASH, SYSTEM_CHAIN, audit, audit_heads};

/// What happened, before it has a place in a chain.
#[derive(Clone, Debug)]
pub struct Change {
    pub actor: Actor,
    /// `noun.verb`, such as `tenant.create`.
    pub action: &'static str,
    pub subject: String,
    /// Whom it is about, so that the values are sealed and can be forgotten.
    pub person: Option<String>,
    pub before: Option<Json>,
    pub after: Option<Json>,
}

impl Change {
    /// Returns one that is about no person and has no values.
    pub fn new(actor: Actor, action: &'static str, subject: impl ToString) -> Change {
        Change { actor, action, subject: subject.to_string(), person: None, before: None, after: None }
    }
}

/// Returns the chain of a tenant, or that of what belongs to none.
pub fn chain_of(tenant: Option<&TenantId>) -> &str {
    tenant.map_or(SYSTEM_CHAIN, TenantId::as_str)
}

/// Appends an entry to the tenant's chain, in the transaction that makes the change.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn append(
    conn: &mut Conn,
    ledger: &Ledger,
    tenant: Option<&TenantId>,
    change: Change,
    now: Timestamp,
) -> Result<()> {
    adoption::ensure(conn, ledger, now)?;
    write(conn, ledger, tenant, change, now).map(|_| ())
}

/// Appends an entry to a chain; what a chain holds beyond its head was put there by somebody else, and stays.
fn write(
    conn: &mut Conn,
    ledger: &Ledger,
    tenant: Option<&TenantId>,
    change: Change,
    now: Timestamp,
) -> Result<Entry> {
    let chain = chain_of(tenant);
    dialect::lock(conn, chain)?;
    let (head, last) = (head_of(conn, chain)?, last_of(conn, chain)?);
    let is_forged = head.as_ref().is_some_and(|head| ledger.mac(head) != head.mac);
    let head = head.filter(|_| !is_forged);
    let last_number = last.as_ref().map_or(0, |(number, _)| *number);
    let (number, previous_hash) = match (&head, &last) {
        (Some(head), _) => (head.entries.max(last_number) + 1, head.hash.clone()),
        (None, Some((number, hash))) => (number + 1, hash.clone()),
        (None, None) => (1, NO_HASH.to_owned()),
    };
    let mut entry = Entry {
        chain: chain.to_owned(),
        number,
        at: now,
        actor: change.actor.to_string(),
        action: change.action.to_owned(),
        subject: change.subject,
        before: change.before,
        after: change.after,
        previous_hash,
        hash: String::new(),
        form: FORM,
        person: change.person,
    };
    if let Some(tenant) = tenant {
        person::seal(&mut conn.of(tenant), ledger, &mut entry)?;
    }
    entry.hash = ledger.hash(&entry);
    on!(conn, |c| diesel::insert_into(audit::table).values(&entry).execute(c))?;
    match (head, last) {
        (Some(_), _) => save_head(conn, &head_after(ledger, &entry))?,
        (None, None) if !is_forged => insert_head(conn, &head_after(ledger, &entry))?,
        // The head was forged, or that of a chain with entries was taken away: a new one would hide it.
        (None, _) => {}
    }
    Ok(entry)
}

fn head_after(ledger: &Ledger, entry: &Entry) -> ChainHead {
    let mut head = ChainHead {
        chain: entry.chain.clone(),
        entries: entry.number,
        hash: entry.hash.clone(),
        changed_at: entry.at,
        mac: String::new(),
    };
    head.mac = ledger.mac(&head);
    head
}

fn insert_head(conn: &mut Conn, head: &ChainHead) -> Result<()> {
    on!(conn, |c| diesel::insert_into(audit_heads::table).values(head).execute(c)).map(|_| ())
}

fn save_head(conn: &mut Conn, head: &ChainHead) -> Result<()> {
    let update = kept::update(audit_heads::table.find(&head.chain)).set(head);
    on!(conn, |c| update.execute(c)).map(|_| ())
}

fn head_of(conn: &mut Conn, chain: &str) -> Result<Option<ChainHead>> {
    on!(conn, |c| audit_heads::table.find(chain).select(ChainHead::as_select()).first(c).optional())
}

fn last_of(conn: &mut Conn, chain: &str) -> Result<Option<(i64, String)>> {
    on!(conn, |c| audit::table
        .filter(audit::chain.eq(chain))
        .order(audit::number.desc())
        .select((audit::number, audit::hash))
        .first(c)
        .optional())
}

/// Which entries of a chain are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub span: Span,
    /// A part of who it was.
    pub actor: Option<String>,
    /// The whole of what was done, such as `lead.spam`.
    pub action: Option<String>,
    /// What it was done to, such as `lead`.
    pub noun: Option<String>,
    /// What was done, such as `spam`.
    pub verb: Option<String>,
    /// Whom it is about.
    pub person: Option<String>,
    /// Only entries after this one.
    pub after: Option<i64>,
    /// Only entries before this one.
    pub before: Option<i64>,
}

/// In which order entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Newest,
    Oldest,
}

/// Lists entries of a chain.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn page(
    conn: &mut Conn,
    tenant: Option<&TenantId>,
    filter: &Filter,
    (order, limit): (Order, i64),
) -> Result<Vec<Entry>> {
    on!(conn, |c| {
        let mut query = audit::table.filter(audit::chain.eq(chain_of(tenant))).into_boxed();
        if let Some(since) = filter.span.since {
            query = query.filter(audit::at.ge(since));
        }
        if let Some(until) = filter.span.until {
            query = query.filter(audit::at.lt(until));
        }
        if let Some(actor) = &filter.actor {
            query = query.filter(dialect::holds!("actor", actor));
        }
        if let Some(action) = &filter.action {
            query = query.filter(audit::action.eq(action));
        }
        let literal = dialect::containing;
        if let Some(noun) = &filter.noun {
            let pattern = literal(&format!("{noun}."));
            query = query.filter(audit::action.like(pattern.trim_start_matches('%').to_owned()).escape('\\'));
        }
        if let Some(verb) = &filter.verb {
            let pattern = literal(&format!(".{verb}"));
            query = query.filter(audit::action.like(pattern.trim_end_matches('%').to_owned()).escape('\\'));
        }
        if let Some(person) = &filter.person {
            query = query.filter(audit::person.eq(person));
        }
        if let Some(after) = filter.after {
            query = query.filter(audit::number.gt(after));
        }
        if let Some(before) = filter.before {
            query = query.filter(audit::number.lt(before));
        }
        query = match order {
            Order::Newest => query.order(audit::number.desc()),
            Order::Oldest => query.order(audit::number),
        };
        query.limit(limit).select(Entry::as_select()).load(c)
    })
}

/// Lists a chain's entries, newest first.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn list(conn: &mut Conn, tenant: Option<&TenantId>, limit: i64) -> Result<Vec<Entry>> {
    page(conn, tenant, &Filter::default(), (Order::Newest, limit))
}

/// Finds an entry of a chain.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn find(conn: &mut Conn, tenant: Option<&TenantId>, number: i64) -> Result<Option<Entry>> {
    on!(conn, |c| audit::table
        .find((chain_of(tenant), number))
        .select(Entry::as_select())
        .first(c)
        .optional())
}

/// Lists a subject's entries whose action begins with `prefix`, newest first.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
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

/// Chains what earlier versions wrote, where that has not been done.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn adopt(conn: &mut Conn, ledger: &Ledger, now: Timestamp) -> Result<()> {
    adoption::ensure(conn, ledger, now)
}
