//! Tables of what can be set about a thing, each setting with its name, its help and how it is read.

use crate::base::text::did_you_mean;
use crate::base::{Error, Result};

/// One thing that can be set about a `T`.
pub struct Setting<T> {
    pub name: &'static str,
    pub help: &'static str,
    /// A value that is not the default.
    pub example: &'static str,
    /// Returns the value as the text that sets it.
    pub get: fn(&T) -> String,
    /// Takes a text without blanks around it.
    pub set: fn(&mut T, &str) -> Result<()>,
}

/// Sets what is named, in the order of the table: a setting stands behind those by which it is read.
///
/// # Errors
/// `Usage` naming the setting: unknown, or of a wrong value. What stands before it in the table is set.
pub fn set_all<T>(settings: &[Setting<T>], of: &mut T, changes: &[(String, String)]) -> Result<()> {
    let see_help = || "add `--help` to see every setting".to_owned();
    let place = |name: &str| settings.iter().position(|setting| setting.name == name);
    let mut changes: Vec<&(String, String)> = changes.iter().collect();
    changes.sort_by_key(|(name, _)| place(name));
    for (name, value) in changes {
        let Some(setting) = place(name).and_then(|at| settings.get(at)) else {
            let hint = did_you_mean(name, settings.iter().map(|setting| setting.name));
            return Err(Error::usage(format!("unknown setting `{name}`")).hint(hint.unwrap_or_else(see_help)));
        };
        (setting.set)(of, value.trim()).map_err(|error| {
            let hint = error.hint_text().map_or_else(see_help, str::to_owned);
            Error::usage(format!("`{name}`: {}", error.message())).hint(hint)
        })?;
    }
    Ok(())
}

/// Describes every setting, a line for what it is and a line for an example.
pub fn described<T>(settings: &[Setting<T>]) -> String {
    let width = settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
    let line = |setting: &Setting<T>| {
        let (name, help, example) = (setting.name, setting.help, setting.example);
        format!("  {name:<width$}  {help}\n  {:<width$}  such as {example}", "")
    };
    settings.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &[Setting<String>] = &[Setting {
        name: "color",
        help: "colour of the door",
        example: "red",
        get: Clone::clone,
        set: |color, text| match text {
            "" => Err(Error::usage("it must not be empty")),
            text => {
                text.clone_into(color);
                Ok(())
            }
        },
    }];

    fn set(name: &str, value: &str) -> Result<String> {
        let mut color = String::new();
        set_all(SETTINGS, &mut color, &[(name.to_owned(), value.to_owned())])?;
        Ok((SETTINGS[0].get)(&color))
    }

    #[test]
    fn what_is_wrong_names_the_setting() {
        assert_eq!(set("color", " red ").unwrap(), "red");
        let error = set("colour", "red").unwrap_err();
        assert_eq!(error.message(), "unknown setting `colour`");
        assert_eq!(error.hint_text(), Some("did you mean `color`?"));
        let error = set("color", "").unwrap_err();
        assert_eq!(error.message(), "`color`: it must not be empty");
        assert_eq!(error.hint_text(), Some("add `--help` to see every setting"));
    }

    #[test]
    fn a_description_has_an_example() {
        assert_eq!(described(SETTINGS), "  color  colour of the door\n         such as red");
    }
}
