//! The commands that take back what was set, with the values from before.

use std::borrow::Cow;

use serde_json::{Map, Value};

use nexora_connector::kind::{Field, Input};
use nexora_core::model::ConnectionId;
use nexora_core::model::connection::{Connection, Purpose};
use nexora_core::model::setting::Setting;

/// Returns the words by which settings become again what they were: `name=value` of each that is another now.
pub fn settings<T>(table: &[Setting<T>], before: &T, after: &T) -> Vec<String> {
    let changed = table.iter().filter_map(|setting| {
        let was = (setting.get)(before);
        (was != (setting.get)(after)).then(|| quoted(&format!("{}={was}", setting.name)).into_owned())
    });
    changed.collect()
}

/// Returns the options by which a connection becomes again what it was, and whether some of it cannot be had back: a
/// password or a certificate is not shown.
pub fn options(
    fields: impl Iterator<Item = &'static Field>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> (Vec<String>, bool) {
    let mut options = Vec::new();
    let mut is_whole = true;
    for field in fields {
        let key = field.key();
        let was = before.get(&key).unwrap_or(&Value::Null);
        if was == after.get(&key).unwrap_or(&Value::Null) {
            continue;
        }
        let text = match was {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match field.input {
            Input::Switch { .. } => {
                options.push(format!("--{}={}", field.flag, was.as_bool().unwrap_or_default()));
            }
            Input::Needed(_) | Input::Optional(_) | Input::WithDefault(..) => {
                options.push(format!("--{} {}", field.flag, quoted(&text)));
            }
            Input::File if text.is_empty() => options.push(format!("--{} ''", field.flag)),
            Input::File | Input::Secret { .. } => is_whole = false,
        }
    }
    (options, is_whole)
}

/// Returns the commands, without the tenant, by which purposes have again the connection that they had.
pub fn choice(
    before: &[Connection],
    name: &str,
    id: &ConnectionId,
    purposes: &[Purpose],
    is_set: bool,
) -> Vec<String> {
    let holds = |connection: &&Connection, purpose| match purpose {
        Purpose::Customers => connection.for_customers,
        Purpose::Alerts => connection.for_alerts,
    };
    let one = |purpose: &Purpose| {
        let holder = before.iter().find(|connection| holds(connection, *purpose));
        match holder {
            Some(held) if held.id == *id && is_set => None,
            Some(held) if is_set || held.id == *id => {
                Some(format!("nexora connection default {} --for {purpose}", quoted(&held.name)))
            }
            None if is_set => {
                Some(format!("nexora connection default {} --for {purpose} --unset", quoted(name)))
            }
            // Another one has it still: nothing was taken.
            Some(_) | None => None,
        }
    };
    purposes.iter().filter_map(one).collect()
}

/// Writes a word as a shell takes it for one.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => Cow::Borrowed(word),
        false => Cow::Owned(format!("'{}'", word.replace('\'', "'\\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::model::address::Country;
    use nexora_core::model::form::FormSettings;

    #[test]
    fn a_shell_takes_what_is_quoted_for_one_word() {
        for (word, wanted) in [
            ("smtp.acme.com:25", "smtp.acme.com:25"),
            ("", "''"),
            ("Acme Plumbing", "'Acme Plumbing'"),
            ("O'Neil", "'O'\\''Neil'"),
            ("$(reboot)", "'$(reboot)'"),
            ("a;b", "'a;b'"),
        ] {
            assert_eq!(quoted(word), wanted);
        }
    }

    /// What a setting says it is can be set again, whatever the setting.
    #[test]
    fn whatever_was_set_can_be_set_back() {
        let country = Country::parse("US").unwrap();
        for setting in crate::ops::lead::form_setting::SETTINGS {
            let before = (FormSettings::default(), country);
            let mut after = before.clone();
            (setting.set)(&mut after, setting.example).unwrap();
            (setting.set)(&mut after, &(setting.get)(&before)).unwrap();
            assert!(
                settings(crate::ops::lead::form_setting::SETTINGS, &before, &after).is_empty(),
                "{}",
                setting.name
            );
        }
    }
}
