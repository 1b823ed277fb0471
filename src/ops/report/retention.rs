//! For how long data is kept, and how much there is of it.

use serde::Serialize;

use crate::app::App;
use crate::domain::retention;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::Slug;
use nexora_core::model::retention::Kept;
use nexora_core::model::tenant::Tenant;
use nexora_store::retention as store;

/// A kind of data of a tenant.
#[derive(Clone, Debug, Serialize)]
pub struct KeptKind {
    pub tenant: Slug,
    pub kind: Kept,
    /// Days for which it is kept; nothing is for ever.
    pub days: Option<u64>,
    /// Whether the tenant says so, rather than the configuration.
    pub is_own: bool,
    pub rows: i64,
    pub oldest: Option<Timestamp>,
    /// How many of them are kept no longer: they go within hours.
    pub over: i64,
}

/// Says of each kind of a tenant's data for how long it is kept, and how much there is.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn of(app: &App, tenant: &Tenant) -> Result<Vec<KeptKind>> {
    let mut kinds = Vec::new();
    for kind in Kept::ALL.iter().copied() {
        let age = retention::of_tenant(&app.config, tenant, kind)?;
        let before = age.map(|age| app.clock.now() - age);
        let held = app.view(tenant, move |tx| store::held(tx, kind, before)).await?;
        kinds.push(KeptKind {
            tenant: tenant.slug.clone(),
            kind,
            days: age.map(|age| age.as_secs() / 86_400),
            is_own: retention::own(tenant, kind)?.is_some(),
            rows: held.rows,
            oldest: held.oldest,
            over: held.over,
        });
    }
    Ok(kinds)
}
