//! The action that tells another program of an event.

use serde_json::{Map, Value, json};

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, read};
use crate::automation::argument::{Arguments as _, Row, Text, define_arguments};
use crate::message::route;
use nexora_core::base::Result;
use nexora_core::model::request::{self, EffectRequest};

pub const POST: ActionKind = ActionKind {
    name: "webhook.post",
    does: "tells another program of an event, signed as Standard Webhooks has it",
    arguments: PostWebhook::ARGUMENTS,
    outputs: &["status"],
    read: read::<PostWebhook>,
};

define_arguments! {
    PostWebhook {
        event: Text, "what has happened, as the receiver calls it";
        data: Row, "what it is told, as text by name";
        connection: Option<Text>, "name of the receiver's connection; the tenant's first if nothing is said";
    }
}

impl Action for PostWebhook {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let name = context.optional(self.connection.as_ref())?;
        let connection = route::for_webhook(context.connections, name.as_deref())?;
        let event = context.text(&self.event)?;
        let cells = context.cells(&self.data)?;
        let data: Map<String, Value> = cells.into_iter().map(|(name, text)| (name, text.into())).collect();
        let body = json!({ "type": event, "timestamp": context.now, "data": data }).to_string();
        let post = request::PostWebhook { event, body };
        Ok(Planned::effect(connection, EffectRequest::PostWebhook(post)))
    }
}
