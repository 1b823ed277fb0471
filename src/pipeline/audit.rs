//! The nightly look at the audit trail: one that was changed by others is a trouble in `nexora status`; the head of
//! one that is whole is told to operators, who then have it outside the database.

use std::sync::Arc;

use crate::app::{App, heart};
use crate::domain::alert::{message, way};
use crate::domain::report::audit::{self as trail, Looked};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::count;
use nexora_core::model::audit::{Actor, AuditHead};
use nexora_store::{audit, finding};

/// Verifies the trail, notes what is found, and tells operators the head when it has moved.
///
/// # Errors
/// `Unavailable` when the database cannot be reached, or no way gets through.
pub async fn sweep(app: &Arc<App>) -> Result<()> {
    let (now, ledger, actor) = (app.clock.now(), app.ledger.clone(), Actor::System("audit"));
    let looked = trail::look(app, None, None).await?;
    if let Some(found) = looked.finding(now) {
        tracing::error!("{}", found.what);
        return app.db.write(move |conn| finding::save(conn, &found)).await;
    }
    let write = app.db.write(move |conn| {
        finding::clear(conn, trail::KEY)?;
        audit::head(conn, &ledger, &actor, now)
    });
    let (head, moved) = write.await?;
    tracing::info!(audit.head = %head, "the audit trail is whole: {} entries of {} chains", looked.entries, looked.chains);
    // One daemon moves it, and that one tells.
    if moved { tell(app, &looked, &head, now).await } else { Ok(()) }
}

async fn tell(app: &App, looked: &Looked, head: &AuditHead, now: Timestamp) -> Result<()> {
    if !app.config.alerts.audit_head {
        return Ok(());
    }
    let entries = count(looked.entries, "entry", "entries");
    let text = format!(
        "The audit trail is whole: {entries}.\n\nIts head: {head}\n\nKeep this message. `nexora audit verify \
         --expect {head}` says later whether anything up to now was changed, taken out or cut off."
    );
    let message = message::plain(&heart::host(), "the head of the audit trail", &text, now)?;
    way::tell_all(app, &message, now).await
}
