//! The action that gathers what happened for a message after it.

use serde_json::json;

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, read};
use crate::automation::argument::{Arguments as _, Text, define_arguments};
use nexora_core::base::{Error, Result};

pub const COMPOSE: ActionKind = ActionKind {
    name: "digest.compose",
    does: "gathers what happened and what needs attention, for a message after it",
    arguments: ComposeDigest::ARGUMENTS,
    outputs: &["empty", "digest"],
    read: read::<ComposeDigest>,
};

define_arguments! {
    ComposeDigest {
        since: Text = Text::from("24h"), "how far it looks back, `24h` if nothing is said";
    }
}

impl Action for ComposeDigest {
    fn digest_since(&self) -> Option<&Text> {
        Some(&self.since)
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let digest = context.digest.ok_or_else(|| Error::internal("no digest was composed"))?;
        let empty = digest.get("empty").cloned().unwrap_or_default();
        Ok(Planned::Done(json!({ "empty": empty, "digest": digest })))
    }
}
