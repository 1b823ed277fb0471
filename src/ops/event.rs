//! Events: what arrived, and what became of it.

use crate::app::App;
use crate::base::{Error, Result};
use crate::model::EventId;
use crate::model::event::Event;
use crate::model::tenant::Tenant;
use crate::store::event::{self, Filter};

/// Lists a tenant's events, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, filter: Filter, limit: i64) -> Result<Vec<Event>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| event::list(conn, &id, &filter, limit)).await
}

/// Finds an event.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn find(app: &App, tenant: &Tenant, id: &EventId) -> Result<Event> {
    let (tenant_id, wanted) = (tenant.id.clone(), id.clone());
    let found = app.db.read(move |conn| event::find(conn, &tenant_id, &wanted)).await?;
    found.ok_or_else(|| {
        Error::not_found(format!("no event `{id}` in tenant `{}`", tenant.slug))
            .hint(format!("run `nexora event list --tenant {}`", tenant.slug))
    })
}
