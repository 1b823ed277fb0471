//! Tenants that were deleted go, once the time is over in which it could be taken back: row by row in shares, so that
//! no other tenant waits, and last the tenant itself. What is broken off is gone on with.

use std::sync::Arc;

use crate::app::App;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::TenantId;
use nexora_core::model::audit::Actor;
use nexora_store::audit::{self, Change};
use nexora_store::{tenant, tenant_deletion};

/// The name of it in the audit trail.
pub const PURGE: &str = "tenant.purge";

/// Purges every tenant whose time has come; returns how many.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>) -> Result<usize> {
    let now = app.clock.now();
    let due = app.db.read(move |conn| tenant_deletion::due(conn, now)).await?;
    let mut purged = 0;
    for deletion in due {
        match purge(app, &deletion.tenant_id, &Actor::System("purge")).await {
            Ok(()) => purged += 1,
            // Something is just being delivered: the next round sees.
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Ok(purged)
}

/// Deletes every row of a tenant.
///
/// # Errors
/// `Conflict` while something of it is being delivered; `Unavailable` when the database cannot be reached.
pub async fn purge(app: &App, id: &TenantId, actor: &Actor) -> Result<()> {
    let now = app.clock.now();
    let (whose, checked) = (id.clone(), id.clone());
    if app.db.read(move |conn| tenant_deletion::under_way(conn, &checked, now)).await? > 0 {
        return Err(
            Error::conflict("something of this tenant is just being delivered").hint("try again in a minute")
        );
    }
    // Its membership says who may still see that it goes, and its deletion that it does.
    let spared = ["memberships", "tenant_deletions"];
    for table in tenant_deletion::TABLES.iter().filter(|(table, _)| !spared.contains(table)) {
        loop {
            let id = id.clone();
            if !app.db.write(move |conn| tenant_deletion::purge_share(conn, &id, *table)).await? {
                break;
            }
        }
    }
    let (ledger, actor) = (app.ledger.clone(), actor.clone());
    let finish = app.db.write(move |conn| {
        let Some(found) = tenant::find(conn, &whose)? else { return Ok(()) };
        match audit::close(conn, &ledger, &whose, &actor, now) {
            Err(error) if error.kind() != Kind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        tenant_deletion::finish(conn, &whose)?;
        let after = Json::of(&serde_json::json!({ "id": whose }))?;
        let change = Change { after: Some(after), ..Change::new(actor, PURGE, &found.slug) };
        audit::append(conn, &ledger, None, change, now)
    });
    finish.await
}
