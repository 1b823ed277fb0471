//! The arguments of actions and the keys of triggers: each is declared once, with its type, its
//! default and its help. Reading, checking and the reference in docs/AUTOMATIONS.md all go by that
//! one declaration.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use nexora_core::base::{Error, Result as Checked};
use nexora_core::model::connector::ConnectionKind;
use nexora_core::model::message::MessageClass;
use nexora_core::model::request::IfMissing;

/// An argument as the reference shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument {
    pub name: &'static str,
    pub required: bool,
    pub help: &'static str,
}

/// Text with holes, which are filled when the step or the trigger is used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text if it has no holes, so that it can be checked before any run.
    pub fn fixed(&self) -> Option<&str> {
        (!self.0.contains("{{") && !self.0.contains("{%")).then_some(&self.0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.to_owned())
    }
}

/// The id of another step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct StepName(pub String);

/// A condition, which is no text with holes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Test(pub String);

/// Header and cell, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<(String, Text)>);

/// Whatever has texts with holes.
pub trait Texts {
    fn texts(&self) -> Vec<&str>;
}

/// A set of arguments that reads and describes itself; [`define_arguments`] implements it.
pub trait Arguments: Texts + Sized {
    const ARGUMENTS: &'static [Argument];

    /// Reads the arguments. Unknown names are the caller's to report.
    ///
    /// # Errors
    /// `Usage` naming an argument that is missing or of a wrong type.
    fn read(table: toml::Table) -> Checked<Self>;
}

/// A type that an argument can have.
pub trait ArgumentType: DeserializeOwned {
    /// Whether it has to be given where it has no default.
    const REQUIRED: bool = true;

    /// Returns its value when it is not given.
    fn absent() -> Option<Self> {
        None
    }

    /// Adds its texts with holes.
    fn add_texts<'a>(&'a self, _texts: &mut Vec<&'a str>) {}
}

impl ArgumentType for Text {
    fn add_texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        texts.push(&self.0);
    }
}

impl<T: ArgumentType> ArgumentType for Option<T> {
    const REQUIRED: bool = false;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn add_texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        if let Some(value) = self {
            value.add_texts(texts);
        }
    }
}

impl ArgumentType for Vec<Text> {
    const REQUIRED: bool = false;

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }

    fn add_texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        texts.extend(self.iter().map(Text::as_str));
    }
}

impl ArgumentType for BTreeMap<String, Text> {
    fn add_texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        texts.extend(self.values().map(Text::as_str));
    }
}

impl ArgumentType for bool {
    const REQUIRED: bool = false;

    fn absent() -> Option<Self> {
        Some(false)
    }
}

impl ArgumentType for Row {
    fn add_texts<'a>(&'a self, texts: &mut Vec<&'a str>) {
        texts.extend(self.0.iter().map(|(_, cell)| cell.as_str()));
    }
}

impl ArgumentType for StepName {}
impl ArgumentType for Test {}
impl ArgumentType for MessageClass {}
impl ArgumentType for ConnectionKind {}
impl ArgumentType for IfMissing {}

/// Takes one argument out of a table.
///
/// # Errors
/// `Usage` naming the argument if it is missing or of a wrong type.
pub fn take<T: ArgumentType>(table: &mut toml::Table, name: &str, absent: Option<T>) -> Checked<T> {
    match table.remove(name) {
        Some(value) => value.try_into().map_err(|error: toml::de::Error| {
            Error::usage(format!("`{name}`: {}", error.message().trim_end()))
        }),
        None => absent.ok_or_else(|| Error::usage(format!("missing argument `{name}`"))),
    }
}

/// Declares a set of arguments: a struct that implements [`Arguments`] and [`Texts`].
///
/// ```text
/// define_arguments! {
///     /// What the struct is for.
///     Name {
///         title: Text, "help of an argument that has to be given";
///         hint: Option<Text>, "help of one that need not be";
///         until as "for": Text = Text::from("1h"), "one with another name and a default";
///     }
/// }
/// ```
macro_rules! define_arguments {
    ($(#[$doc:meta])* $name:ident {
        $($field:ident $(as $key:literal)? : $type:ty $(= $default:expr)?, $help:expr;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $(pub $field: $type),* }

        impl $crate::automation::argument::Arguments for $name {
            const ARGUMENTS: &'static [$crate::automation::argument::Argument] = &[
                $($crate::automation::argument::Argument {
                    name: define_arguments!(@name $field $($key)?),
                    required: define_arguments!(@required $type $(, $default)?),
                    help: $help,
                }),*
            ];

            fn read(mut table: toml::Table) -> nexora_core::base::Result<$name> {
                Ok($name {
                    $($field: $crate::automation::argument::take(
                        &mut table,
                        define_arguments!(@name $field $($key)?),
                        define_arguments!(@absent $type $(, $default)?),
                    )?),*
                })
            }
        }

        impl $crate::automation::argument::Texts for $name {
            fn texts(&self) -> Vec<&str> {
                let mut texts = Vec::new();
                $($crate::automation::argument::ArgumentType::add_texts(&self.$field, &mut texts);)*
                texts
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $key:literal) => { $key };
    (@required $type:ty) => { <$type as $crate::automation::argument::ArgumentType>::REQUIRED };
    (@required $type:ty, $default:expr) => { false };
    (@absent $type:ty) => { <$type as $crate::automation::argument::ArgumentType>::absent() };
    (@absent $type:ty, $default:expr) => { Some($default) };
}
pub(crate) use define_arguments;

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Row, D::Error> {
        struct Cells;

        impl<'de> Visitor<'de> for Cells {
            type Value = Row;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a table of header = cell")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut cells = Vec::new();
                while let Some(cell) = map.next_entry()? {
                    cells.push(cell);
                }
                Ok(Row(cells))
            }
        }

        deserializer.deserialize_map(Cells)
    }
}
