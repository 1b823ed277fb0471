//! The action that notes what became known of a contact.

use serde_json::json;

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, read};
use crate::automation::argument::{Arguments as _, Text, define_arguments};
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Zone;
use nexora_core::model::change::{Change, ContactUpdate};

pub const UPDATE: ActionKind = ActionKind {
    name: "contact.update",
    does: "notes what became known of the contact",
    arguments: UpdateContact::ARGUMENTS,
    outputs: &[],
    read: read::<UpdateContact>,
};

define_arguments! {
    UpdateContact {
        name: Option<Text>, "the person's name";
        timezone: Option<Text>, "IANA zone of the person, such as America/Denver";
    }
}

impl Action for UpdateContact {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let person = context.facts.contact.ok_or_else(|| Error::conflict("the run is about no contact"))?;
        let zone = context.filled(self.timezone.as_ref())?.as_deref().map(Zone::parse).transpose()?;
        let update = ContactUpdate {
            contact_id: person.contact.id.clone(),
            name: context.filled(self.name.as_ref())?,
            timezone: zone.map(|zone| zone.name().to_owned()),
        };
        Ok(Planned::change(Change::UpdateContact(update), json!({})))
    }
}
