//! Messages to and from contacts, with what became of them.

use crate::app::App;
use crate::base::{Error, Result};
use crate::model::MessageId;
use crate::model::message::Message;
use crate::model::tenant::Tenant;
use crate::store::message;

/// Lists a tenant's messages, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, limit: i64) -> Result<Vec<Message>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| message::list(conn, &id, limit)).await
}

/// Shows a message.
///
/// # Errors
/// `NotFound` when the tenant has no such message.
pub async fn find(app: &App, tenant: &Tenant, id: &MessageId) -> Result<Message> {
    let (tenant_id, wanted) = (tenant.id.clone(), id.clone());
    let found = app.db.read(move |conn| message::find(conn, &tenant_id, &wanted)).await?;
    found.ok_or_else(|| {
        Error::not_found(format!("no message `{id}` in tenant `{}`", tenant.slug))
            .hint(format!("run `nexora message list --tenant {}`", tenant.slug))
    })
}
