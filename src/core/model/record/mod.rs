//! Records: what a business keeps of people, companies, machines and places. A kind of record is data: its table and its
//! fields. Reading, checking, listing, searching, sorting, importing and exporting follow from that.
//!
//! To what a kind brings along, a tenant adds fields of its own. Both are the same type, and both are read, kept and shown in
//! the same way.

pub mod custom_field;
pub mod filter;
pub mod group;
mod kinds;
pub mod search;
pub mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub use self::kinds::{ASSET, COMPANY, CONTACT, GROUP, KINDS, LOCATION};
use crate::base::clock::Timestamp;
use crate::base::text::did_you_mean;
use crate::base::{Error, Result};
use crate::model::principal::Noun;

/// A kind of record.
#[derive(Debug)]
pub struct RecordKind {
    /// What a permission on such records is about; its name is the kind's.
    pub noun: Noun,
    /// What several of them are called.
    pub plural: &'static str,
    /// Its table, with the columns that every kind has: `tenant_id`, `id`, `fields`, `search`, `created_at`, `updated_at`
    /// and `deleted_at`.
    pub table: &'static str,
    /// What the id of such a record begins with.
    pub prefix: &'static str,
    /// What it is, as its help says.
    pub about: &'static str,
    /// The field that names a record comes first.
    pub fields: &'static [Field],
    /// The fields that a list shows.
    pub listed: &'static [&'static str],
    /// The field by which no two records of a tenant are the same.
    pub unique: Option<&'static str>,
    pub actions: Actions,
    /// What a search looks at besides, as a condition in which `t` is the record's row and `{pattern}` what is searched.
    pub searched_elsewhere: Option<&'static str>,
}

/// What is done to records of a kind, as the audit trail calls it.
#[derive(Debug)]
pub struct Actions {
    pub create: &'static str,
    pub set: &'static str,
    pub delete: &'static str,
    pub restore: &'static str,
}

macro_rules! actions {
    ($word:literal) => {
        $crate::model::record::Actions {
            create: concat!($word, ".create"),
            set: concat!($word, ".set"),
            delete: concat!($word, ".delete"),
            restore: concat!($word, ".restore"),
        }
    };
}
pub(crate) use actions;

impl RecordKind {
    /// Returns the word for one such record: `company`.
    pub fn word(&self) -> &'static str {
        self.noun.name()
    }

    /// Returns the word with its article: `an asset`.
    pub fn one(&self) -> String {
        let article = if self.word().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        format!("{article} {}", self.word())
    }

    /// Finds the kind by its word.
    ///
    /// # Errors
    /// `Usage` when there is none.
    pub fn parse(word: &str) -> Result<&'static RecordKind> {
        KINDS.iter().copied().find(|kind| kind.word() == word || kind.plural == word).ok_or_else(|| {
            let words: Vec<&str> = KINDS.iter().map(|kind| kind.word()).collect();
            Error::usage(format!("`{word}` is not a kind of record"))
                .hint(format!("use one of: {}", words.join(", ")))
        })
    }
}

/// Where a field is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a column of its own, of the same name.
    Column,
    /// Among the others in the column `fields`, as JSON.
    Fields,
    /// In other tables: the SQL that reads it, in which `t` is the record's row. It cannot be set.
    Elsewhere(&'static str),
    /// The same, and it can be set: by code of the kind's own.
    Linked(&'static str),
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A line.
    Text,
    /// Any number of lines.
    Note,
    /// A mail address.
    Email,
    /// A telephone number, kept in the international form.
    Phone,
    /// An address on the web.
    Link,
    Number,
    /// A sum, kept in hundredths.
    Money,
    /// A day, kept as `2026-11-30`.
    Date,
    /// A moment, kept in milliseconds.
    Moment,
    YesNo,
    /// One of these words.
    Choice(Cow<'static, [Cow<'static, str>]>),
    /// Any number of words.
    Tags,
    /// An IANA time zone.
    Zone,
    /// The id of another record.
    Record(Noun),
    /// A filter on records of a kind.
    Filter(Noun),
}

impl FieldKind {
    /// Returns its word, as `field define` takes it.
    pub fn word(&self) -> &'static str {
        match self {
            FieldKind::Text => "text",
            FieldKind::Note => "note",
            FieldKind::Email => "email",
            FieldKind::Phone => "phone",
            FieldKind::Link => "link",
            FieldKind::Number => "number",
            FieldKind::Money => "money",
            FieldKind::Date => "date",
            FieldKind::Moment => "moment",
            FieldKind::YesNo => "yes-no",
            FieldKind::Choice(_) => "choice",
            FieldKind::Tags => "tags",
            FieldKind::Zone => "zone",
            FieldKind::Record(_) => "record",
            FieldKind::Filter(_) => "filter",
        }
    }

    /// Tells whether its values are compared as numbers.
    pub fn is_number(&self) -> bool {
        matches!(self, FieldKind::Number | FieldKind::Money | FieldKind::Moment)
    }
}

/// A field of a kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: Cow<'static, str>,
    pub kind: FieldKind,
    pub place: Place,
    pub help: Cow<'static, str>,
    pub is_required: bool,
    /// Whether `--search` looks at it.
    pub is_searched: bool,
    /// Other words that the heading of a column may be, as other programs write them; without capitals and signs.
    pub headings: &'static [&'static str],
}

impl Field {
    pub const fn new(name: &'static str, kind: FieldKind, help: &'static str) -> Field {
        Field {
            name: Cow::Borrowed(name),
            kind,
            place: Place::Fields,
            help: Cow::Borrowed(help),
            is_required: false,
            is_searched: false,
            headings: &[],
        }
    }

    #[must_use]
    pub const fn column(mut self) -> Field {
        self.place = Place::Column;
        self
    }

    #[must_use]
    pub const fn elsewhere(mut self, sql: &'static str) -> Field {
        self.place = Place::Elsewhere(sql);
        self
    }

    #[must_use]
    pub const fn linked(mut self, sql: &'static str) -> Field {
        self.place = Place::Linked(sql);
        self
    }

    #[must_use]
    pub const fn required(mut self) -> Field {
        self.is_required = true;
        self
    }

    #[must_use]
    pub const fn searched(mut self) -> Field {
        self.is_searched = true;
        self
    }

    #[must_use]
    pub const fn headed(mut self, headings: &'static [&'static str]) -> Field {
        self.headings = headings;
        self
    }

    /// Tells whether it can be set.
    pub fn can_be_set(&self) -> bool {
        !matches!(self.place, Place::Elsewhere(_))
    }
}

/// The fields that records of a kind have in a tenant.
#[derive(Clone, Debug)]
pub struct Schema {
    pub kind: &'static RecordKind,
    /// The tenant's own.
    pub custom: Vec<Field>,
}

/// The moments of a record, which every kind has.
pub static MOMENTS: [Field; 2] = [
    Field::new("created_at", FieldKind::Moment, "when it was made").column(),
    Field::new("updated_at", FieldKind::Moment, "when it was changed last").column(),
];

impl Schema {
    /// Returns its fields: those of the kind, then the tenant's own.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.kind.fields.iter().chain(&self.custom)
    }

    /// Finds a field by its name; the moments of a record are found, too.
    ///
    /// # Errors
    /// `Usage` when there is none.
    pub fn field(&self, name: &str) -> Result<&Field> {
        self.fields().chain(&MOMENTS).find(|field| field.name == name).ok_or_else(|| {
            let word = self.kind.word();
            let hint = did_you_mean(name, self.fields().map(|field| field.name.as_ref()));
            Error::usage(format!("{} has no field `{name}`", self.kind.one()))
                .hint(hint.unwrap_or_else(|| format!("run `nexora field list {word}` to see them")))
        })
    }

    /// Finds a field that can be set.
    ///
    /// # Errors
    /// `Usage` when there is none, or when it follows from other things.
    pub fn settable(&self, name: &str) -> Result<&Field> {
        let field = self.field(name)?;
        if field.can_be_set() && !MOMENTS.iter().any(|moment| moment.name == field.name) {
            return Ok(field);
        }
        Err(Error::usage(format!(
            "`{name}` of a {} cannot be set: it follows from other things",
            self.kind.word()
        )))
    }
}

/// Values of fields by name; a field without a value is left out.
pub type Values = BTreeMap<String, Value>;

/// A record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    pub id: String,
    #[serde(flatten)]
    pub values: Values,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Since when it is only kept to be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Record {
    /// Returns a text field.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// Returns what it is called.
    pub fn name(&self, kind: &RecordKind) -> String {
        let name = kind.fields.first().and_then(|field| self.text(&field.name));
        name.filter(|name| !name.is_empty()).map_or_else(|| self.id.clone(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_whole() {
        for kind in KINDS {
            assert!(
                kind.fields.first().is_some_and(|field| field.kind == FieldKind::Text),
                "{}",
                kind.word()
            );
            let schema = Schema { kind, custom: Vec::new() };
            for name in kind.listed.iter().chain(kind.unique.iter()) {
                assert!(schema.field(name).is_ok(), "{}: {name}", kind.word());
            }
            let mut names: Vec<&str> = schema.fields().map(|field| field.name.as_ref()).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{}: a name stands twice", kind.word());
            assert_eq!(RecordKind::parse(kind.plural).unwrap().word(), kind.word());
        }
        assert!(RecordKind::parse("car").is_err());
    }

    #[test]
    fn a_field_that_follows_from_others_cannot_be_set() {
        let schema = Schema { kind: &CONTACT, custom: Vec::new() };
        assert!(schema.settable("city").is_ok());
        assert!(schema.settable("last_lead_at").is_err());
        assert!(schema.settable("created_at").is_err());
        assert_eq!(schema.field("citi").unwrap_err().hint_text(), Some("did you mean `city`?"));
    }
}
