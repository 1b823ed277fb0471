//! Whether the trail is as it was written: no entry edited, taken out, put in or cut off.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;

use crate::Conn;
use crate::audit::checkpoint::Heads;
use crate::audit::{Ledger, head_of};
use crate::conn::on;
use nexora_core::base::Result;
use nexora_core::model::TenantId;
use nexora_core::model::audit::{
    AuditHead, CHAINED, CHECKPOINT, CLOSED, Entry, FORM, NO_HASH, SYSTEM_CHAIN, audit, audit_heads,
};
use nexora_core::model::tenant::tenants;

/// Entries that are read at once.
const PAGE: i64 = 1_000;

/// Faults that are told of one chain.
const FAULTS: usize = 20;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A tenant's id, or `system`.
    pub chain: String,
    /// The entry, where it is about one.
    pub number: Option<i64>,
    pub what: String,
}

/// What a verification came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    pub chains: usize,
    pub entries: i64,
    pub faults: Vec<Fault>,
}

/// Looks at the chain of the system, and at that of a tenant or of all. `expected` is a head that was written down
/// before.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn verify(
    conn: &mut Conn,
    ledger: &Ledger,
    only: Option<&TenantId>,
    expected: Option<&AuditHead>,
) -> Result<Checked> {
    let mut checked = Checked::default();
    let mut said = Said::default();
    let mut marks = BTreeMap::new();
    if let Some(head) = expected {
        marks.insert(head.entries, head.hash.clone());
    }
    walk(conn, ledger, SYSTEM_CHAIN, &marks, &mut checked, &mut |entry, faults| said.hear(entry, faults))?;
    let mut chains: BTreeSet<String> = match only {
        Some(tenant) => BTreeSet::from([tenant.to_string()]),
        None => all_chains(conn)?,
    };
    if only.is_none() {
        chains.extend(said.marks.keys().cloned());
    }
    for chain in chains.iter().filter(|chain| *chain != SYSTEM_CHAIN && !said.closed.contains(*chain)) {
        let marks = said.marks.remove(chain).unwrap_or_default();
        walk(conn, ledger, chain, &marks, &mut checked, &mut |_, _| {})?;
    }
    Ok(checked)
}

/// Returns the chains that there should be: one for each tenant, and those that have a head.
fn all_chains(conn: &mut Conn) -> Result<BTreeSet<String>> {
    let mut chains: BTreeSet<String> =
        on!(conn, |c| tenants::table.select(tenants::id).load(c))?.into_iter().collect();
    let heads: Vec<String> = on!(conn, |c| audit_heads::table.select(audit_heads::chain).load(c))?;
    chains.extend(heads);
    Ok(chains)
}

/// What the chain of the system says of others.
#[derive(Default)]
struct Said {
    /// For each chain the hashes of entries, by their number.
    marks: BTreeMap<String, BTreeMap<i64, String>>,
    closed: BTreeSet<String>,
}

impl Said {
    fn hear(&mut self, entry: &Entry, faults: &mut Vec<Fault>) {
        let after = entry.after.as_ref();
        match entry.action.as_str() {
            CHECKPOINT => {
                let heads: Heads = after.and_then(|after| after.read().ok()).unwrap_or_default();
                for (chain, (number, hash)) in heads.heads {
                    self.marks.entry(chain).or_default().insert(number, hash);
                }
            }
            CLOSED => {
                self.closed.insert(entry.subject.clone());
            }
            CHAINED => {
                let first =
                    after.and_then(|after| after.value().get("first_changed").cloned()).unwrap_or_default();
                for (chain, number) in first.as_object().into_iter().flatten() {
                    let what = "was changed before the trail had a key (in an earlier version)".to_owned();
                    faults.push(Fault { chain: chain.clone(), number: number.as_i64(), what });
                }
            }
            _ => {}
        }
    }
}

/// Goes through a chain from its beginning to its head.
fn walk(
    conn: &mut Conn,
    ledger: &Ledger,
    chain: &str,
    marks: &BTreeMap<i64, String>,
    checked: &mut Checked,
    hear: &mut dyn FnMut(&Entry, &mut Vec<Fault>),
) -> Result<()> {
    let mut step = Walk { chain, number: 0, hash: NO_HASH.to_owned(), faults: Vec::new() };
    let mut others = Vec::new();
    loop {
        let page = after(conn, chain, step.number)?;
        for entry in &page {
            step.take(entry, ledger, marks);
            hear(entry, &mut others);
        }
        checked.entries += i64::try_from(page.len()).unwrap_or_default();
        if !page.is_empty() {
            continue;
        }
        // What was appended while this was read is read, too.
        let head = head_of(conn, chain)?;
        if head.as_ref().is_some_and(|head| head.entries > step.number)
            && !after(conn, chain, step.number)?.is_empty()
        {
            continue;
        }
        match head {
            Some(head) if ledger.mac(&head) != head.mac => {
                step.fault(
                    None,
                    "the head of the chain was forged, or the master key is another one".to_owned(),
                );
            }
            Some(head) if head.entries > step.number => {
                let what = match head.entries - step.number {
                    1 => "the last entry was cut off".to_owned(),
                    cut => format!("the last {cut} entries were cut off"),
                };
                step.fault(Some(step.number + 1), what);
            }
            Some(head) if head.entries < step.number => {
                step.fault(Some(head.entries + 1), "entries were put in after the last one".to_owned());
            }
            Some(head) if head.hash != step.hash => {
                step.fault(Some(step.number), "is not the last entry that was written".to_owned());
            }
            None if step.number > 0 => step.fault(None, "the head of the chain was taken away".to_owned()),
            Some(_) | None => {}
        }
        if let Some((number, _)) = marks.range(step.number + 1..).next_back() {
            let what =
                "and what came before it was cut off, with the head: it was written down before".to_owned();
            step.fault(Some(*number), what);
        }
        break;
    }
    checked.chains += usize::from(step.number > 0 || !step.faults.is_empty());
    checked.faults.extend(step.faults);
    checked.faults.extend(others);
    Ok(())
}

fn after(conn: &mut Conn, chain: &str, number: i64) -> Result<Vec<Entry>> {
    on!(conn, |c| audit::table
        .filter(audit::chain.eq(chain))
        .filter(audit::number.gt(number))
        .order(audit::number)
        .limit(PAGE)
        .select(Entry::as_select())
        .load(c))
}

/// How far a chain was gone through.
struct Walk<'a> {
    chain: &'a str,
    number: i64,
    hash: String,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    fn take(&mut self, entry: &Entry, ledger: &Ledger, marks: &BTreeMap<i64, String>) {
        let number = Some(entry.number);
        match entry.number - self.number {
            1 => {}
            2 => self.fault(Some(self.number + 1), "was taken out".to_owned()),
            missing => {
                let what = format!("and the {} after it were taken out", missing - 2);
                self.fault(Some(self.number + 1), what);
            }
        }
        if entry.form != FORM {
            self.fault(
                number,
                "has the form of an earlier version: it was not written by this one".to_owned(),
            );
        } else if ledger.hash(entry) != entry.hash {
            self.fault(number, "was edited".to_owned());
        } else if entry.number == self.number + 1 && entry.previous_hash != self.hash {
            self.fault(number, "does not follow from the entry before it".to_owned());
        }
        if marks.get(&entry.number).is_some_and(|hash| *hash != entry.hash) {
            self.fault(number, "is another one than was written down before".to_owned());
        }
        self.number = entry.number;
        self.hash.clone_from(&entry.hash);
    }

    fn fault(&mut self, number: Option<i64>, what: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(Fault { chain: self.chain.to_owned(), number, what });
        }
    }
}
