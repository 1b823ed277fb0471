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
struct Done {
    tenant: Slug,
    id: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What is to be done to several things, and how it is told.
pub struct Plan<'a, T> {
    /// What is asked: "this tries 3 effects again".
    pub question: String,
    /// What became of those that it was done to: "tried again".
    pub verb: &'a str,
    pub kind: &'a dyn Fn(&T) -> String,
    pub id: &'a dyn Fn(&T) -> String,
}

/// Says to how many things of which kinds something is to be done, asks, does it to each, and says what became of them.
///
/// # Errors
/// `Declined` when the answer is no, or there is no terminal to ask at; `Partial` when some failed: the output says
/// which.
pub async fn each<T, D>(
    out: &Out,
    plan: Plan<'_, T>,
    found: &[(Tenant, T)],
    act: impl AsyncFn(&Tenant, &T) -> Result<D>,
) -> Result<()> {
    let kinds = found.iter().map(|(tenant, one)| format!("{}: {}", tenant.slug, (plan.kind)(one)));
    confirm(out, &plan.question, kinds)?;
    let mut done = Vec::with_capacity(found.len());
    for (tenant, one) in found {
        let reason = act(tenant, one).await.err().map(|error| error.report());
        let (tenant, id) = (tenant.slug.clone(), (plan.id)(one));
        done.push(Done { tenant, id, ok: reason.is_none(), reason });
    }
    report(out, plan.verb, &done)
}

fn confirm(out: &Out, what: &str, kinds: impl IntoIterator<Item = String>) -> Result<()> {
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

fn report(out: &Out, verb: &str, done: &[Done]) -> Result<()> {
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
