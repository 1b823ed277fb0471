//! What applying a folder does, or would do.

use serde::Serialize;

use crate::ops::tenant::text::Shown;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::define_plain_words;

define_plain_words! {
    /// What becomes of one thing.
    Change = "change" {
        Create = "create",
        Change = "change",
        Delete = "delete",
        /// Of an automation, whose versions runs are pinned to.
        SwitchOff = "switch off",
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub change: Change,
    pub noun: &'static str,
    pub name: String,
    /// What of it changes.
    pub parts: Vec<String>,
}

/// A secret that only a person can give, and the command that takes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    pub what: String,
    pub command: String,
}

/// What applying a folder came to.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub tenant: String,
    pub dry_run: bool,
    pub changes: Vec<Line>,
    /// What the tenant has and the folder does not name.
    pub left_over: Vec<String>,
    pub missing: Vec<Missing>,
    /// The command that lets a suspended tenant go to work.
    pub held: Option<String>,
    /// What was made here and is shown once: of what, and the sentence with the secret.
    #[serde(skip)]
    pub shown_once: Vec<(String, &'static str, Secret)>,
}

/// The longest value that is shown in a plan, in characters.
const SHORT: usize = 60;

/// Returns what is different, with the values where they are short.
pub fn parts(before: &Shown, after: &Shown) -> Vec<String> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differs.map(|name| part(name, before.get(name), after.get(name))).collect()
}

fn part(name: &str, before: Option<&String>, after: Option<&String>) -> String {
    let is_short =
        |text: Option<&String>| text.is_none_or(|text| text.chars().count() <= SHORT && !text.contains('\n'));
    let name = name.strip_prefix("settings.").unwrap_or(name);
    if !is_short(before) || !is_short(after) || name.starts_with("messages.") {
        return name.to_owned();
    }
    let shown = |text: Option<&String>| match text.map(String::as_str) {
        None | Some("") => "nothing".to_owned(),
        Some(text) => text.to_owned(),
    };
    format!("{name}: {} -> {}", shown(before), shown(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_different_is_shown_where_it_is_short() {
        let shown = |port: &str, text: &str| {
            Shown::from([
                ("settings.port".to_owned(), port.to_owned()),
                ("definition".to_owned(), text.to_owned()),
                ("state".to_owned(), "active".to_owned()),
            ])
        };
        assert_eq!(parts(&shown("", "a\nb"), &shown("465", "a\nc")), ["definition", "port: nothing -> 465"]);
        assert_eq!(parts(&shown("1", "a"), &shown("1", "a")), Vec::<String>::new());
    }
}
