//! A TOML file that is read with all of its faults, each with its line.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::ops::tenant::text::Place;
use nexora_core::base::text::{did_you_mean, line_at};
use nexora_engine::automation::source_text::Fault;

/// A file, and what was found wrong in the whole folder so far.
pub struct Document<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub faults: &'a mut Vec<Fault>,
}

impl<'a> Document<'a> {
    pub fn fault(&mut self, line: usize, text: impl Into<String>) {
        self.faults.push(Fault { file: self.file.to_owned(), line, text: text.into() });
    }

    /// Reads the text; what is no TOML is a fault.
    pub fn table(&mut self) -> Option<Fields<'a>> {
        let text = self.text;
        let (table, errors) = DeTable::parse_recoverable(text);
        let is_read = errors.is_empty();
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            self.fault(line_at(text, at), error.message().to_owned());
        }
        is_read.then(|| Fields::of(table.into_inner(), text, 1, ""))
    }
}

/// A value with its line.
struct Field<'a> {
    line: usize,
    value: DeValue<'a>,
}

/// The fields of a table that were not asked for yet.
pub struct Fields<'a> {
    text: &'a str,
    prefix: String,
    line: usize,
    rest: BTreeMap<String, Field<'a>>,
    known: Vec<&'static str>,
    lines: BTreeMap<String, usize>,
}

impl<'a> Fields<'a> {
    fn of(table: DeTable<'a>, text: &'a str, line: usize, prefix: &str) -> Fields<'a> {
        let mut lines = BTreeMap::new();
        let mut rest = BTreeMap::new();
        for (name, value) in table {
            let line = line_at(text, name.span().start);
            let name = name.into_inner().into_owned();
            lines.insert(format!("{prefix}{name}"), line);
            rest.insert(name, Field { line, value: value.into_inner() });
        }
        Fields { text, prefix: prefix.to_owned(), line, rest, known: Vec::new(), lines }
    }

    pub fn line(&self) -> usize {
        self.line
    }

    fn take(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.known.push(name);
        self.rest.remove(name)
    }

    /// Returns a text; a number and a switch are read as theirs.
    pub fn text(&mut self, document: &mut Document<'_>, name: &'static str) -> Option<String> {
        let Field { line, value } = self.take(name)?;
        let text = as_text(&value);
        if text.is_none() {
            document.fault(line, format!("`{name}` is no text"));
        }
        text
    }

    pub fn needed(&mut self, document: &mut Document<'_>, name: &'static str) -> Option<String> {
        if !self.rest.contains_key(name) {
            self.known.push(name);
            document.fault(self.line, format!("missing `{name}`"));
            return None;
        }
        self.text(document, name)
    }

    /// Returns a word of a closed set, or anything else that is read from a text.
    pub fn word<T: FromStr<Err = nexora_core::base::Error>>(
        &mut self,
        document: &mut Document<'_>,
        name: &'static str,
    ) -> Option<T> {
        let line = self.rest.get(name).map_or(self.line, |field| field.line);
        let text = self.text(document, name)?;
        text.parse().map_err(|error: T::Err| document.fault(line, said(name, &error))).ok()
    }

    pub fn number(&mut self, document: &mut Document<'_>, name: &'static str) -> Option<i64> {
        let Field { line, value } = self.take(name)?;
        let number = value.as_integer().and_then(|number| number.as_str().parse().ok());
        if number.is_none() {
            document.fault(line, format!("`{name}` is no whole number"));
        }
        number
    }

    /// Returns a list of texts.
    pub fn texts(&mut self, document: &mut Document<'_>, name: &'static str) -> Option<Vec<String>> {
        let Field { line, value } = self.take(name)?;
        let texts: Option<Vec<String>> =
            value.as_array().and_then(|items| items.iter().map(|item| as_text(item.get_ref())).collect());
        if texts.is_none() {
            document.fault(line, format!("`{name}` is no list of texts"));
        }
        texts
    }

    /// Returns a table of texts by name.
    pub fn map(&mut self, document: &mut Document<'_>, name: &'static str) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for (key, Field { line, value }) in self.inner(document, name) {
            match as_text(&value) {
                Some(text) => {
                    map.insert(key, text);
                }
                None => document.fault(line, format!("`{name}.{key}` is no text")),
            }
        }
        map
    }

    /// Returns a table as JSON.
    pub fn json(&mut self, document: &mut Document<'_>, name: &'static str) -> Map<String, Json> {
        self.inner(document, name).into_iter().map(|(key, field)| (key, as_json(&field.value))).collect()
    }

    fn inner(&mut self, document: &mut Document<'_>, name: &'static str) -> BTreeMap<String, Field<'a>> {
        let Some(Field { line, value }) = self.take(name) else { return BTreeMap::new() };
        let DeValue::Table(table) = value else {
            document.fault(line, format!("`{name}` is no table"));
            return BTreeMap::new();
        };
        let inner = Fields::of(table, self.text, line, &format!("{}{name}.", self.prefix));
        self.lines.extend(inner.lines);
        inner.rest
    }

    /// Returns the tables of a list of tables.
    pub fn tables(&mut self, document: &mut Document<'_>, name: &'static str) -> Vec<Fields<'a>> {
        let Some(Field { line, value }) = self.take(name) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            document.fault(line, format!("`{name}` is no list of tables: write `[[{name}]]`"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            let line = line_at(self.text, Spanned::span(&item).start);
            match item.into_inner() {
                DeValue::Table(table) => tables.push(Fields::of(table, self.text, line, "")),
                _ => document.fault(line, format!("`{name}` is no list of tables: write `[[{name}]]`")),
            }
        }
        tables
    }

    /// Refuses what was not asked for; returns where everything stands.
    pub fn end(self, document: &mut Document<'_>) -> Place {
        for (name, field) in &self.rest {
            let hint = did_you_mean(name, self.known.iter().copied());
            let hint = hint.unwrap_or_else(|| format!("known are {}", self.known.join(", ")));
            document.fault(field.line, format!("unknown key `{}{name}`; {hint}", self.prefix));
        }
        Place { file: document.file.to_owned(), line: self.line, lines: self.lines }
    }
}

/// Says what is wrong with a name, and what helps.
pub fn said(name: impl Display, error: &nexora_core::base::Error) -> String {
    let hint = error.hint_text().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("`{name}`: {}{hint}", error.report())
}

fn as_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn as_json(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Boolean(flag) => Json::Bool(*flag),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Json::from(number),
            Err(_) => Json::String(number.as_str().to_owned()),
        },
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Json::Null, Json::from),
        DeValue::Datetime(moment) => Json::String(moment.to_string()),
        DeValue::Array(items) => Json::Array(items.iter().map(|item| as_json(item.get_ref())).collect()),
        DeValue::Table(table) => Json::Object(
            table
                .iter()
                .map(|(name, value)| (name.get_ref().to_string(), as_json(value.get_ref())))
                .collect(),
        ),
    }
}
