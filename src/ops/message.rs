//! Messages to and from contacts, with what became of them.

use crate::app::App;
use crate::base::Result;
use crate::model::MessageId;
use crate::model::message::Message;
use crate::model::tenant::Tenant;
use crate::store::message;

/// Shows a message.
///
/// # Errors
/// `NotFound` when the tenant has no such message.
pub async fn find(app: &App, tenant: &Tenant, id: &MessageId) -> Result<Message> {
    let id = id.clone();
    app.view(tenant, move |tx| message::find(tx, &id)?.ok_or_else(|| tx.missing("message", &id))).await
}
