//! What is done to several things at once: first it is said to which, then it is asked, and then each is done by itself, so
//! that one that fails holds up no other.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::out::{Out, maybe};
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::tenant::Tenant;

/// One of several things, and what became of it.
#[derive(Serialize)]
pub struct Done {
    tenant: Slug,
    id: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Done {
    pub fn new<T>(tenant: &Tenant, id: impl ToString, result: &Result<T>) -> Done {
        let reason = result.as_ref().err().map(Error::report);
        Done { tenant: tenant.slug.clone(), id: id.to_string(), ok: reason.is_none(), reason }
    }
}

/// Says to how many things of which kinds something is to be done, and asks.
///
/// # Errors
/// `Declined` when the answer is no, or there is no terminal to ask at.
pub fn confirm(out: &Out, what: &str, kinds: impl IntoIterator<Item = String>) -> Result<()> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for kind in kinds {
        *counts.entry(kind).or_default() += 1;
    }
    let mut lines: Vec<(String, usize)> = counts.into_iter().collect();
    lines.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    for (kind, rows) in &lines {
        out.note(&format!("{rows:>6}  {kind}"));
    }
    out.confirm(what)
}

/// Says what became of each.
///
/// # Errors
/// `Partial` when some failed; the output says which.
pub fn report(out: &Out, verb: &str, done: &[Done]) -> Result<()> {
    let failed: Vec<&Done> = done.iter().filter(|done| !done.ok).collect();
    if out.is_json() {
        out.list(&[], done, |_| Vec::new())?;
    } else if !failed.is_empty() {
        out.list(&["tenant", "id", "reason"], &failed, |done| {
            vec![done.tenant.to_string(), done.id.clone(), maybe(done.reason.as_ref())]
        })?;
    }
    out.note(&format!("{} {verb}", count(done.len() - failed.len(), "is", "are")));
    match failed.len() {
        0 => Ok(()),
        failed => Err(Error::new(Kind::Partial, format!("{} not {verb}", count(failed, "is", "are")))),
    }
}
