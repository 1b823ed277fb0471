//! Fields that a tenant adds to a kind of record.

use std::borrow::Cow;

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::Json;
use crate::base::{Error, Result};
use crate::model::TenantId;
use crate::model::record::{Field, FieldKind, Place, RecordKind};

/// Fields that a tenant may add to a kind of record.
pub const LIMIT: usize = 100;

/// Words from which a `choice` may be made.
pub const CHOICES: usize = 100;

/// The longest name, in letters.
const LONGEST_NAME: usize = 40;

diesel::table! {
    custom_fields (tenant_id, noun, name) {
        tenant_id -> Text,
        noun -> Text,
        name -> Text,
        kind -> Text,
        help -> Text,
        choices -> Text,
        created_at -> BigInt,
    }
}

/// A field of a tenant's own.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = custom_fields, primary_key(tenant_id, noun, name))]
pub struct CustomField {
    #[serde(skip)]
    pub tenant_id: TenantId,
    /// The kind of record that has it.
    pub noun: String,
    pub name: String,
    /// What it holds, by the word of its kind.
    pub kind: String,
    pub help: String,
    /// The words of a `choice`, as a list.
    pub choices: Json,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
}

impl CustomField {
    /// Returns it as records use it.
    ///
    /// # Errors
    /// `Usage` when its kind is none.
    pub fn field(&self) -> Result<Field> {
        Ok(Field {
            name: Cow::Owned(self.name.clone()),
            kind: parse_kind(&self.kind, &self.choices.read::<Vec<String>>()?)?,
            place: Place::Fields,
            help: Cow::Owned(self.help.clone()),
            is_required: false,
            is_searched: false,
            headings: &[],
        })
    }
}

/// Reads what a field is to hold.
///
/// # Errors
/// `Usage` when there is no such kind, or a `choice` has no words.
pub fn parse_kind(word: &str, choices: &[String]) -> Result<FieldKind> {
    const KINDS: [FieldKind; 12] = [
        FieldKind::Text,
        FieldKind::Note,
        FieldKind::Email,
        FieldKind::Phone,
        FieldKind::Link,
        FieldKind::Number,
        FieldKind::Money,
        FieldKind::Date,
        FieldKind::Moment,
        FieldKind::YesNo,
        FieldKind::Tags,
        FieldKind::Zone,
    ];
    if word == "choice" {
        let words: Vec<Cow<'static, str>> = choices.iter().map(|word| Cow::Owned(word.clone())).collect();
        return match words.len() {
            0 => Err(Error::usage("a `choice` needs its words").hint("add `--choice WORD` for each")),
            1..=CHOICES => Ok(FieldKind::Choice(Cow::Owned(words))),
            _ => Err(Error::usage(format!("a `choice` has at most {CHOICES} words"))),
        };
    }
    if !choices.is_empty() {
        return Err(
            Error::usage(format!("a `{word}` has no words to choose from")).hint("say `--kind choice`")
        );
    }
    KINDS.into_iter().find(|kind| kind.word() == word).ok_or_else(|| {
        let mut words: Vec<String> = [
            "text", "note", "email", "phone", "link", "number", "money", "date", "moment", "yes-no", "tags",
            "zone",
        ]
        .map(str::to_owned)
        .to_vec();
        words.push("choice".to_owned());
        Error::usage(format!("`{word}` is not a kind of field"))
            .hint(format!("use one of: {}", words.join(", ")))
    })
}

/// Checks the name of a new field: small letters, digits and underscores, and none that the kind has.
///
/// # Errors
/// `Usage` when it cannot be one, `Conflict` when the kind brings along a field of that name.
pub fn check_name(kind: &RecordKind, name: &str) -> Result<()> {
    let is_word = name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if !is_word || name.len() > LONGEST_NAME {
        return Err(Error::usage(format!("`{name}` is not a name for a field"))
            .hint("use small letters, digits and underscores, such as `boiler_age`"));
    }
    const RESERVED: [&str; 7] =
        ["id", "tenant_id", "created_at", "updated_at", "deleted_at", "fields", "search"];
    if RESERVED.contains(&name) || kind.fields.iter().any(|field| field.name == name) {
        return Err(Error::conflict(format!("{} has a field `{name}` already", kind.one())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::CONTACT;

    #[test]
    fn names_and_kinds() {
        assert!(check_name(&CONTACT, "boiler_age").is_ok());
        for name in ["", "Boiler", "9lives", "a-b", "a b", "name", "id", "search", &"x".repeat(41)] {
            assert!(check_name(&CONTACT, name).is_err(), "{name}");
        }
        assert_eq!(parse_kind("number", &[]).unwrap(), FieldKind::Number);
        let words = ["gas".to_owned(), "oil".to_owned()];
        assert_eq!(parse_kind("choice", &words).unwrap().word(), "choice");
        assert!(parse_kind("choice", &[]).is_err());
        assert!(parse_kind("number", &words).is_err());
        assert!(parse_kind("colour", &[]).unwrap_err().hint_text().unwrap().contains("choice"));
    }
}
