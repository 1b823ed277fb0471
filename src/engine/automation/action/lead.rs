//! The action that moves a lead to another state.

use serde_json::json;

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, read};
use crate::automation::argument::{Arguments as _, Text, define_arguments};
use nexora_core::base::{Error, Result};
use nexora_core::model::change::Change;
use nexora_core::model::lead::LeadState;

pub const UPDATE: ActionKind = ActionKind {
    name: "lead.update",
    does: "moves the lead to another state",
    arguments: UpdateLead::ARGUMENTS,
    outputs: &[],
    read: read::<UpdateLead>,
};

/// The states to which a step may move a lead.
const STATES: [LeadState; 4] = [LeadState::Contacted, LeadState::Booked, LeadState::Won, LeadState::Lost];

define_arguments! {
    UpdateLead {
        state: Text, "`contacted`, `booked`, `won` or `lost`";
    }
}

impl Action for UpdateLead {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let lead = context.facts.lead.ok_or_else(|| Error::conflict("the run is about no lead"))?;
        let state = LeadState::parse(context.text(&self.state)?.trim())?;
        if !STATES.contains(&state) {
            return Err(Error::usage(format!("a step cannot make a lead `{state}`"))
                .hint("use one of: contacted, booked, won, lost"));
        }
        Ok(Planned::change(Change::SetLead { lead_id: lead.id.clone(), state }, json!({})))
    }
}
