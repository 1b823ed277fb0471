//! Lists of what happens: once, or on and on.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::cli::out::{Out, json_line, print};
use crate::cli::system::wait_for_stop;
use crate::cli::{Context, Narrowed};
use nexora_core::base::Result;
use nexora_core::model::tenant::Tenant;
use nexora_store::Span;

/// How often it is looked for what is new.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shows one thing as the cells of a row.
type Row<'a, T> = &'a dyn Fn(&T) -> Vec<String>;

/// How a list is shown.
pub struct Shown<'a, T> {
    pub headers: &'a [&'a str],
    pub row: Row<'a, T>,
    /// By what rows are told apart and ordered.
    pub id: &'a dyn Fn(&T) -> String,
}

/// A row with the tenant that it is of.
#[derive(Serialize)]
struct Of<'a, T> {
    tenant: &'a str,
    #[serde(flatten)]
    row: &'a T,
}

/// Lists rows of one tenant or of all, newest first; where it goes on, oldest first. `fetch` returns the newest of a
/// tenant, of a span of time, and with ids after one.
pub async fn list<T, F, Fetched>(
    context: &Context,
    narrowed: &Narrowed,
    shown: Shown<'_, T>,
    fetch: F,
    out: &Out,
) -> Result<()>
where
    T: Serialize,
    F: Fn(Tenant, Span, Option<String>) -> Fetched,
    Fetched: Future<Output = Result<Vec<T>>>,
{
    let tenants = context.tenants(narrowed.all_tenants).await?;
    let now = context.app.clock.now();
    let limit = usize::try_from(narrowed.page.limit).unwrap_or(usize::MAX);
    let mut rows: Vec<(String, T)> = Vec::new();
    for tenant in &tenants {
        let slug = tenant.slug.to_string();
        let found = fetch(tenant.clone(), narrowed.span(tenant, now)?, None).await?;
        rows.extend(found.into_iter().map(|row| (slug.clone(), row)));
    }
    rows.sort_by_key(|(_, row)| std::cmp::Reverse((shown.id)(row)));
    rows.truncate(limit);
    if !narrowed.follow {
        return once(narrowed.all_tenants, &shown, &rows, out);
    }
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let headers = shown.headers.iter().map(|header| header.to_uppercase()).collect();
    line(narrowed.all_tenants.then_some("TENANT"), headers, out)?;
    for (slug, row) in rows.iter().rev() {
        one(narrowed.all_tenants, &shown, (slug, row), out)?;
        last.insert(slug.clone(), (shown.id)(row));
    }
    let mut stop = std::pin::pin!(wait_for_stop());
    loop {
        tokio::select! {
            stopped = &mut stop => return stopped,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        for tenant in &tenants {
            let slug = tenant.slug.to_string();
            let after = last.get(&slug).cloned();
            let since = if after.is_some() { None } else { Some(now) };
            let found = fetch(tenant.clone(), Span { since, until: None }, after).await?;
            for row in found.iter().rev() {
                one(narrowed.all_tenants, &shown, (&slug, row), out)?;
                last.insert(slug.clone(), (shown.id)(row));
            }
        }
    }
}

/// Lists what there is of one tenant or of all, in the order of the tenants.
pub async fn everywhere<T, F, Fetched>(
    context: &Context,
    all_tenants: bool,
    (headers, row): (&[&str], Row<'_, T>),
    fetch: F,
    out: &Out,
) -> Result<()>
where
    T: Serialize,
    F: Fn(Tenant) -> Fetched,
    Fetched: Future<Output = Result<Vec<T>>>,
{
    let mut rows: Vec<(String, T)> = Vec::new();
    for tenant in context.tenants(all_tenants).await? {
        let slug = tenant.slug.to_string();
        rows.extend(fetch(tenant).await?.into_iter().map(|row| (slug.clone(), row)));
    }
    let shown = Shown { headers, row, id: &|_| String::new() };
    once(all_tenants, &shown, &rows, out)
}

/// Lists what there is of one tenant or of all in the order of `key`, `limit` rows at most.
pub async fn merged<T, K, F, Fetched>(
    context: &Context,
    all_tenants: bool,
    (headers, row): (&[&str], Row<'_, T>),
    (key, limit): (impl Fn(&T) -> K, i64),
    fetch: F,
    out: &Out,
) -> Result<()>
where
    T: Serialize,
    K: Ord,
    F: Fn(Tenant) -> Fetched,
    Fetched: Future<Output = Result<Vec<T>>>,
{
    let mut rows: Vec<(String, T)> = Vec::new();
    for tenant in context.tenants(all_tenants).await? {
        let slug = tenant.slug.to_string();
        rows.extend(fetch(tenant).await?.into_iter().map(|row| (slug.clone(), row)));
    }
    rows.sort_by_cached_key(|(_, row)| key(row));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let shown = Shown { headers, row, id: &|_| String::new() };
    once(all_tenants, &shown, &rows, out)
}

fn once<T: Serialize>(
    names_tenant: bool,
    shown: &Shown<'_, T>,
    rows: &[(String, T)],
    out: &Out,
) -> Result<()> {
    if !names_tenant {
        let rows: Vec<&T> = rows.iter().map(|(_, row)| row).collect();
        return out.list(shown.headers, &rows, |row| (shown.row)(row));
    }
    let rows: Vec<Of<'_, T>> = rows.iter().map(|(tenant, row)| Of { tenant, row }).collect();
    let headers: Vec<&str> = std::iter::once("tenant").chain(shown.headers.iter().copied()).collect();
    out.list(&headers, &rows, |of| {
        let mut row = vec![of.tenant.to_owned()];
        row.extend((shown.row)(of.row));
        row
    })
}

/// Prints one row as it comes: nothing is known yet of the width of others.
fn one<T: Serialize>(
    names_tenant: bool,
    shown: &Shown<'_, T>,
    (tenant, row): (&str, &T),
    out: &Out,
) -> Result<()> {
    match (out.is_json(), names_tenant) {
        (true, true) => json_line(&Of { tenant, row }),
        (true, false) => json_line(row),
        (false, _) => line(names_tenant.then_some(tenant), (shown.row)(row), out),
    }
}

fn line(tenant: Option<&str>, row: Vec<String>, out: &Out) -> Result<()> {
    if out.is_json() {
        return Ok(());
    }
    print(&tenant.map(str::to_owned).into_iter().chain(row).collect::<Vec<_>>().join("  "))
}
