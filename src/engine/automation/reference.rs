//! The reference of the definition language, made of the declarations that the checks go by. The part of
//! docs/AUTOMATIONS.md between its two marks is this text, and a test holds them together.

use std::fmt::Write as _;

use crate::automation::action::ACTIONS;
use crate::automation::argument::Argument;
use crate::automation::context::{self, OfferedRoot};
use crate::automation::setting;
use crate::automation::trigger::TRIGGERS;
use nexora_core::model::connector::Kinds;
use nexora_core::model::event::EventKind;

/// Returns the reference as Markdown.
pub fn text(connectors: &Kinds) -> String {
    let mut text = String::new();
    // Writing to a `String` does not fail.
    let _ = write_all(&mut text, connectors);
    text
}

fn write_all(text: &mut String, connectors: &Kinds) -> std::fmt::Result {
    writeln!(text, "### Triggers\n")?;
    writeln!(text, "| `on` | fires when | keys |\n|---|---|---|")?;
    for kind in TRIGGERS {
        let keys = names(kind.keys.iter().map(|key| key.name));
        writeln!(text, "| `{}` | {} | {keys} |", kind.on, kind.when)?;
    }
    writeln!(text, "\n| key | |\n|---|---|")?;
    for key in all_keys() {
        writeln!(text, "| `{}` | {} |", key.name, key.help)?;
    }
    writeln!(text, "\n### Actions\n")?;
    for action in ACTIONS {
        writeln!(text, "#### `{}`\n\nThis step {}.\n", action.name, action.does)?;
        if !action.arguments.is_empty() {
            writeln!(text, "| argument | |\n|---|---|")?;
        }
        for argument in action.arguments {
            let needed = if argument.required { "**needed.** " } else { "" };
            writeln!(text, "| `{}` | {needed}{} |", argument.name, argument.help)?;
        }
        if !action.outputs.is_empty() {
            writeln!(text, "\nOffers {}.", names(action.outputs.iter().copied()))?;
        }
        writeln!(text)?;
    }
    writeln!(text, "### Types of settings\n")?;
    writeln!(text, "| `type` | | such as |\n|---|---|---|")?;
    for (kind, help, example) in setting::TYPES {
        let name = serde_json::to_string(kind).unwrap_or_default();
        writeln!(text, "| `{}` | {help} | `{example}` |", name.trim_matches('"'))?;
    }
    writeln!(text, "\n### Names\n\nWhat texts and conditions can refer to, by what started the run.\n")?;
    writeln!(text, "| root | names | known after |\n|---|---|---|")?;
    for (root, fields) in all_roots(connectors) {
        let kinds: Vec<&str> = EventKind::ALL
            .iter()
            .filter(|kind| context::roots(**kind, connectors).iter().any(|(other, _)| *other == root))
            .map(|kind| kind.name())
            .collect();
        let known = if kinds.len() == EventKind::ALL.len() {
            "everything".to_owned()
        } else {
            names(kinds.into_iter())
        };
        writeln!(text, "| `{root}` | {} | {known} |", names(fields.iter().copied()))?;
    }
    Ok(())
}

/// Returns the keys of all triggers, each once.
fn all_keys() -> Vec<&'static Argument> {
    let mut all: Vec<&Argument> = Vec::new();
    for key in TRIGGERS.iter().flat_map(|kind| kind.keys) {
        if all.iter().all(|known| known.name != key.name) {
            all.push(key);
        }
    }
    all
}

fn all_roots(connectors: &Kinds) -> Vec<OfferedRoot> {
    let mut all: Vec<OfferedRoot> = Vec::new();
    for kind in EventKind::ALL {
        for root in context::roots(*kind, connectors) {
            if !all.contains(&root) {
                all.push(root);
            }
        }
    }
    all.sort_by_key(|(root, _)| *root);
    all
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}
