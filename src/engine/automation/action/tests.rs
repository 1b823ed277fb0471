//! An action that is added, as docs/ADDING.md tells it: one file that declares and plans it. The
//! other file to touch is the list of actions.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::automation::argument::define_arguments;

/// What the file of a new action holds.
const SHOUT: ActionKind = ActionKind {
    name: "example.shout",
    does: "says a word aloud",
    arguments: Shout::ARGUMENTS,
    outputs: &["said"],
    read: read::<Shout>,
};

define_arguments! {
    Shout {
        word: Text, "what is said";
        times: Text = Text::from("1"), "how often, `1` if nothing is said";
        softly: bool, "`true` keeps it quiet";
    }
}

impl Action for Shout {
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        match self.softly {
            true => Ok(Planned::Skip("it would not be heard")),
            false => Ok(Planned::Done(json!({ "said": context.text(&self.word)?.to_uppercase() }))),
        }
    }
}

fn with(text: &str) -> toml::Table {
    text.parse().unwrap()
}

#[test]
fn a_declared_action_reads_describes_and_checks_itself() {
    let action = (SHOUT.read)(with("word = \"{{ lead.name }}\"")).unwrap();
    assert_eq!(action.texts(), ["{{ lead.name }}", "1"]);
    assert!(action.needs().is_empty() && !action.is_barrier() && action.message().is_none());

    let missing = (SHOUT.read)(with("softly = true")).unwrap_err();
    assert_eq!(missing.message(), "missing argument `word`");
    let wrong = (SHOUT.read)(with("word = \"x\"\nsoftly = 3")).unwrap_err();
    assert_eq!(wrong.message(), "`softly`: invalid type: integer `3`, expected a boolean");

    let required: Vec<(&str, bool)> = SHOUT.arguments.iter().map(|a| (a.name, a.required)).collect();
    assert_eq!(required, [("word", true), ("times", false), ("softly", false)]);
}

#[test]
fn every_action_is_listed_once_and_reads_its_own_arguments() {
    let names: BTreeSet<&str> = ACTIONS.iter().map(|action| action.name).collect();
    assert_eq!(names.len(), ACTIONS.len());
    for action in ACTIONS {
        // Arguments that have to be given are all that is missing.
        if let Err(error) = (action.read)(toml::Table::new()) {
            let is_missing = action
                .arguments
                .iter()
                .any(|a| a.required && error.message() == format!("missing argument `{}`", a.name));
            let is_at_odds = action.arguments.iter().all(|argument| !argument.required);
            assert!(is_missing || is_at_odds, "{}: {}", action.name, error.message());
        }
    }
}
