//! Messages to and from contacts, with what became of them.

use crate::app::App;
use nexora_core::base::Result;
use nexora_core::model::MessageId;
use nexora_core::model::message::Message;
use nexora_core::model::tenant::Tenant;
use nexora_store::message;

/// Shows a message.
///
/// # Errors
/// `NotFound` when the tenant has no such message.
pub async fn find(app: &App, tenant: &Tenant, id: &MessageId) -> Result<Message> {
    let id = id.clone();
    app.view(tenant, move |tx| message::find(tx, &id)?.ok_or_else(|| tx.missing("message", &id))).await
}
