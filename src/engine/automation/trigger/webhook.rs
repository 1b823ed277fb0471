//! The trigger on events that another program sends.

use crate::automation::argument::{Arguments as _, Text, define_arguments};
use crate::automation::trigger::{Fill, Filter, Keys, TriggerKind, read};
use nexora_core::base::Result;
use nexora_core::model::event::{Event, EventKind, WebhookEvent};

pub const RECEIVED: TriggerKind = TriggerKind {
    on: EventKind::WebhookReceived.name(),
    when: "another program told us something, or `nexora event ingest` did",
    keys: Webhook::ARGUMENTS,
    event: EventKind::WebhookReceived,
    needs: &[],
    sample: "",
    read: read::<Webhook>,
};

define_arguments! {
    Webhook {
        name: Text, "the event's name, as the sender gives it";
    }
}

impl Keys for Webhook {
    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        Ok(Some(Box::new(Named(fill.filled(Some(&self.name))?.unwrap_or_default()))))
    }
}

/// Lets an event of this name pass.
#[derive(Debug)]
struct Named(String);

impl Filter for Named {
    fn passes(&self, event: &Event, _automation: &str, _number: i32) -> Result<bool> {
        Ok(event.payload.read::<WebhookEvent>()?.name == self.0)
    }
}
