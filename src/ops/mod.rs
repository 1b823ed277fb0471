//! What an operator can do, one file per noun. Every change is audited in the write that makes it.
//!
//! An operation takes the application, who is acting, and parsed values; it prints nothing.

pub mod access;
pub mod alert;
pub mod automation;
pub mod backup;
pub mod certificate;
pub mod connection;
pub mod contact;
pub mod doctor;
pub mod init;
pub mod install;
pub mod job;
pub mod key_file;
pub mod lead;
pub mod migrate;
pub mod record;
pub mod report;
pub mod restore;
pub mod task;
pub mod tenant;
pub mod unit;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use nexora_core::base::Result;
use nexora_core::base::text::Json;
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::Version;
use nexora_core::model::tenant::Tenant;
use nexora_engine::automation::context::Settings;
use nexora_engine::automation::definition::Definition;
use nexora_engine::automation::setting;
use nexora_store::audit::Change;

/// The most rows that one list returns.
pub const LIST_LIMIT: i64 = 1_000;

/// Returns a version's settings as the texts that would set them.
fn setting_texts(version: &Version) -> Result<BTreeMap<String, String>> {
    let definition = Definition::parse(&version.definition)?;
    let values: Settings = version.settings.read()?;
    let text = |(name, setting): (&String, &setting::Setting)| {
        let text = setting::text_of(setting.kind, values.get(name)?).unwrap_or_default();
        Some((name.clone(), text))
    };
    Ok(definition.settings.iter().filter_map(text).collect())
}

/// Returns the settings of a version that differ from the defaults.
fn chosen_texts(version: &Version, tenant: &Tenant) -> Result<BTreeMap<String, String>> {
    let definition = Definition::parse(&version.definition)?;
    setting::chosen(&definition.settings, &version.settings.read()?, tenant)
}

/// What an audited change was made to, before and after.
pub struct Subject {
    name: String,
    person: Option<String>,
    before: Option<Json>,
    after: Option<Json>,
}

impl Subject {
    pub fn new(name: impl ToString) -> Subject {
        Subject { name: name.to_string(), person: None, before: None, after: None }
    }

    /// Says whom it is about, where that does not follow from its name.
    #[must_use]
    pub fn about(self, person: Option<String>) -> Subject {
        Subject { person, ..self }
    }

    /// Notes what it was.
    ///
    /// # Errors
    /// `Internal` when it has no JSON form.
    pub fn before(mut self, value: &impl Serialize) -> Result<Subject> {
        self.before = Some(without_secrets(value)?);
        Ok(self)
    }

    /// Notes what it has become.
    ///
    /// # Errors
    /// `Internal` when it has no JSON form.
    pub fn after(mut self, value: &impl Serialize) -> Result<Subject> {
        self.after = Some(without_secrets(value)?);
        Ok(self)
    }

    fn change(self, actor: Actor, action: &'static str) -> Change {
        Change {
            actor,
            action,
            subject: self.name,
            person: self.person,
            before: self.before,
            after: self.after,
        }
    }
}

/// Names under which a text is a secret, whole or after an underscore.
const SECRET_NAMES: [&str; 7] =
    ["password", "password_hash", "secret", "token", "sealed", "private_key", "credential"];

/// Returns a value as the audit trail keeps it: what a secret is called stays, and what it is does not.
fn without_secrets(value: &impl Serialize) -> Result<Json> {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let is_secret = |word: &&str| name == word || name.ends_with(&format!("_{word}"));
                    match field {
                        Value::String(_) if SECRET_NAMES.iter().any(is_secret) => {
                            *field = Value::String("[secret]".to_owned());
                        }
                        other => strip(other),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut value = Json::of(value)?.value();
    strip(&mut value);
    Json::of(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_holds_no_secret() {
        let value = serde_json::json!({
            "name": "crm", "client_secret": "s3", "has_password": true,
            "hooks": [{ "token": "t0", "token_url": "https://example.com" }],
        });
        let kept = without_secrets(&value).unwrap().value();
        assert_eq!(
            kept,
            serde_json::json!({
                "name": "crm", "client_secret": "[secret]", "has_password": true,
                "hooks": [{ "token": "[secret]", "token_url": "https://example.com" }],
            })
        );
    }
}
