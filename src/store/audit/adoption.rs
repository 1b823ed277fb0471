//! Entries of earlier versions, which were chained by a hash without a key and had their values in the open, are
//! chained anew, once for the whole installation: with the key, and sealed where they are about a person.

use diesel::prelude::*;
use std::collections::BTreeMap;

use crate::audit::ledger::plain_hash;
use crate::audit::{Change, Ledger, head_after, head_of, insert_head, person, write};
use crate::conn::on;
use crate::{Conn, dialect};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::TenantId;
use nexora_core::model::audit::{Actor, CHAINED, Entry, FORM, NO_HASH, SYSTEM_CHAIN, audit};

/// Entries that are read at once.
const PAGE: i64 = 500;

/// Chains what is there, unless that was done before: the system's chain has a head since.
pub(super) fn ensure(conn: &mut Conn, ledger: &Ledger, now: Timestamp) -> Result<()> {
    if head_of(conn, SYSTEM_CHAIN)?.is_some() {
        return Ok(());
    }
    dialect::lock(conn, "audit adoption")?;
    if head_of(conn, SYSTEM_CHAIN)?.is_some() {
        return Ok(());
    }
    let chains: Vec<String> =
        on!(conn, |c| audit::table.select(audit::chain).distinct().order(audit::chain).load(c))?;
    let (mut entries, mut faults) = (0, BTreeMap::new());
    for chain in chains {
        dialect::lock(conn, &chain)?;
        let (adopted, fault) = chain_anew(conn, ledger, &chain)?;
        entries += adopted;
        if let Some(number) = fault {
            faults.insert(chain, number);
        }
    }
    // What was wrong before there was a key is said once, and is part of the trail from then on.
    let after = serde_json::json!({ "entries": entries, "first_changed": faults });
    let change = Change {
        after: Some(Json::of(&after)?),
        ..Change::new(Actor::System("upgrade"), CHAINED, SYSTEM_CHAIN)
    };
    write(conn, ledger, None, change, now).map(|_| ())
}

/// Chains the entries of one chain; returns how many there are, and the first that did not follow from the one before.
fn chain_anew(conn: &mut Conn, ledger: &Ledger, chain: &str) -> Result<(i64, Option<i64>)> {
    let tenant = TenantId::parse(chain).ok();
    let (mut fault, mut number) = (None, 0);
    let mut plain = NO_HASH.to_owned();
    let mut last: Option<Entry> = None;
    loop {
        let page: Vec<Entry> = on!(conn, |c| audit::table
            .filter(audit::chain.eq(chain))
            .filter(audit::number.gt(number))
            .order(audit::number)
            .limit(PAGE)
            .select(Entry::as_select())
            .load(c))?;
        if page.is_empty() {
            break;
        }
        for old in page {
            let follows =
                old.number == number + 1 && old.previous_hash == plain && plain_hash(&old) == old.hash;
            if !follows && fault.is_none() {
                fault = Some(number + 1);
            }
            number = old.number;
            plain.clone_from(&old.hash);
            let previous_hash = last.as_ref().map_or_else(|| NO_HASH.to_owned(), |last| last.hash.clone());
            let mut new = Entry { form: FORM, previous_hash, ..old };
            if let Some(tenant) = &tenant {
                let tx = &mut conn.of(tenant);
                new.person = person::of_subject(tx, &new.subject)?;
                person::seal(tx, ledger, &mut new)?;
            }
            new.hash = ledger.hash(&new);
            save(conn, &new)?;
            last = Some(new);
        }
    }
    if let Some(last) = &last {
        insert_head(conn, &head_after(ledger, last))?;
    }
    Ok((number, fault))
}

fn save(conn: &mut Conn, entry: &Entry) -> Result<()> {
    let update = diesel::update(audit::table.find((&entry.chain, entry.number))).set((
        audit::before.eq(&entry.before),
        audit::after.eq(&entry.after),
        audit::previous_hash.eq(&entry.previous_hash),
        audit::hash.eq(&entry.hash),
        audit::form.eq(entry.form),
        audit::person.eq(&entry.person),
    ));
    on!(conn, |c| update.execute(c)).map(|_| ())
}
