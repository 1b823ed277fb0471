//! The books of one tenant, or of all.

use serde::Serialize;

use crate::app::App;
use crate::domain::report::books::{Books, FOREVER};
use crate::domain::retention;
use nexora_core::base::Result;
use nexora_core::model::address::Slug;
use nexora_core::model::retention::Kept;
use nexora_core::model::tenant::Tenant;
use nexora_store::tenant;

#[derive(Clone, Debug, Serialize)]
pub struct TenantBooks {
    pub tenant: Slug,
    #[serde(flatten)]
    pub books: Books,
}

const TENANTS: i64 = 10_000;

/// Counts what became of everything.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn of(app: &App, only: Option<Tenant>) -> Result<Vec<TenantBooks>> {
    let tenants = match only {
        Some(tenant) => vec![tenant],
        None => app.db.read(|conn| tenant::list(conn, TENANTS)).await?,
    };
    let now = app.clock.now();
    let mut found = Vec::new();
    for tenant in tenants {
        let keep = retention::of_tenant(&app.config, &tenant, Kept::Runs)?.unwrap_or(FOREVER);
        let books = app.view(&tenant, move |tx| Books::load(tx, keep, now)).await?;
        found.push(TenantBooks { tenant: tenant.slug, books });
    }
    Ok(found)
}
