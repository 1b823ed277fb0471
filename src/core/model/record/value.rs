//! How values of records are read from what people write and programs export, and how they are shown.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _};
use serde_json::{Number, Value, json};

use crate::base::clock::Timestamp;
use crate::base::money::{self, Decimal};
use crate::base::{Error, Result};
use crate::model::address::{Country, EmailAddress, PhoneNumber, Zone};
use crate::model::record::{Field, FieldKind, MOMENTS, Record, Schema, Values};

/// The longest line, in letters.
const LINE: usize = 1_000;

/// The longest text of several lines, in letters.
const NOTE: usize = 20_000;

/// Words that a record has at most.
const TAGS: usize = 200;

/// Where what is read was written: how numbers, days and telephone numbers look there.
#[derive(Clone, Copy, Debug)]
pub struct Locale {
    pub country: Country,
    pub zone: Zone,
}

/// Reads the value of a field; nothing for a text without one.
///
/// # Errors
/// `Usage` naming the field when the text is none of its kind.
pub fn read(field: &Field, text: &str, locale: Locale) -> Result<Option<Value>> {
    let text = text.trim();
    if text.is_empty() {
        return match field.is_required {
            true => Err(Error::usage(format!("`{}` must not be empty", field.name))),
            false => Ok(None),
        };
    }
    parse(&field.kind, text, locale).map(Some).map_err(|error| {
        let named = Error::usage(format!("`{}`: {}", field.name, error.message()));
        match error.hint_text() {
            Some(hint) => named.hint(hint.to_owned()),
            None => named,
        }
    })
}

fn parse(kind: &FieldKind, text: &str, locale: Locale) -> Result<Value> {
    Ok(match kind {
        FieldKind::Text | FieldKind::Record(_) | FieldKind::Filter(_) => json!(line(text, LINE)?),
        FieldKind::Note => json!(within(text, NOTE)?),
        FieldKind::Email => json!(EmailAddress::parse(text)?),
        FieldKind::Phone => json!(PhoneNumber::parse_in(locale.country, text)?),
        FieldKind::Link => json!(link(text)?),
        FieldKind::Number => Value::Number(number(text, locale.country.decimal())?),
        FieldKind::Money => json!(money::parse_in(locale.country.decimal(), text)?),
        FieldKind::Date => json!(date(text, locale.country)?.to_string()),
        FieldKind::Moment => json!(moment(text, locale)?.millis()),
        FieldKind::YesNo => json!(yes_or_no(text)?),
        FieldKind::Choice(words) => json!(choice(text, words)?),
        FieldKind::Tags => json!(tags(text)?),
        FieldKind::Zone => json!(Zone::parse(text)?.name()),
    })
}

fn within(text: &str, longest: usize) -> Result<&str> {
    match text.chars().nth(longest) {
        Some(_) => Err(Error::usage(format!("it is longer than {longest} letters"))),
        None => Ok(text),
    }
}

/// Makes one line of a text, without signs that are not seen.
fn line(text: &str, longest: usize) -> Result<String> {
    let visible: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    Ok(within(&visible.split_whitespace().collect::<Vec<_>>().join(" "), longest)?.to_owned())
}

fn link(text: &str) -> Result<String> {
    let text = line(text, LINE)?;
    let address = if text.contains("://") { text.clone() } else { format!("https://{text}") };
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    let has_host =
        address.split_once("://").is_some_and(|(_, rest)| rest.contains('.') && !rest.contains(' '));
    match is_web && has_host {
        true => Ok(address),
        false => Err(Error::usage(format!("`{text}` is not an address on the web"))
            .hint("write it like `https://example.com`")),
    }
}

fn number(text: &str, decimal: Decimal) -> Result<Number> {
    let wrong = || Error::usage(format!("`{text}` is not a number"));
    let plain: String = match decimal {
        Decimal::Point => text.replace(',', ""),
        Decimal::Comma if text.contains(',') => text.replace('.', "").replace(',', "."),
        Decimal::Comma => text.to_owned(),
    };
    let plain = plain.replace([' ', '\u{a0}', '\u{202f}'], "");
    if let Ok(whole) = plain.parse::<i64>() {
        return Ok(Number::from(whole));
    }
    let value: f64 = plain.parse().map_err(|_| wrong())?;
    Number::from_f64(value).ok_or_else(wrong)
}

/// Reads a day: `2026-11-30`, or as it is written in the country: `11/30/2026`, `30/11/2026`, `30.11.2026`.
fn date(text: &str, country: Country) -> Result<NaiveDate> {
    const DAY_FIRST: [&str; 3] = ["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"];
    const MONTH_FIRST: [&str; 2] = ["%m/%d/%Y", "%m-%d-%Y"];
    const ANYWHERE: [&str; 7] =
        ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"];
    let forms: Vec<&str> = match country.writes_month_first() {
        true => ANYWHERE.iter().chain(&MONTH_FIRST).copied().collect(),
        false => ANYWHERE.iter().chain(&DAY_FIRST).copied().collect(),
    };
    // A day that was exported with its time counts as the day.
    let day = text.split_once(['T', ' ']).filter(|(day, _)| day.len() >= 8).map_or(text, |(day, _)| day);
    let read = |text: &str| forms.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok());
    let years = 1_850..2_200;
    let found = read(text).or_else(|| read(day));
    found
        .filter(|day| years.contains(&chrono::Datelike::year(day)))
        .ok_or_else(|| Error::usage(format!("`{text}` is not a day")).hint("write it like `2026-11-30`"))
}

/// Reads a moment: RFC 3339, or by the clocks of the zone: `2026-11-30T09:00`, `2026-11-30 09:00`, or the begin of a day.
fn moment(text: &str, locale: Locale) -> Result<Timestamp> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(at);
    }
    const FORMS: [&str; 4] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"];
    let exact = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let local = match exact {
        Some(local) => local,
        None => date(text, locale.country)
            .map_err(|_| {
                Error::usage(format!("`{text}` is not a moment")).hint("write it like `2026-11-30T09:00`")
            })?
            .and_time(NaiveTime::MIN),
    };
    // What clocks leave out in spring is an hour later.
    let zone = locale.zone.tz();
    let later = || zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest();
    let at = zone.from_local_datetime(&local).earliest().or_else(later);
    at.map(|at| Timestamp::from(at.to_utc())).ok_or_else(|| Error::usage(format!("`{text}` is not a moment")))
}

fn yes_or_no(text: &str) -> Result<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "x" | "on" | "ja" | "j" | "s\u{ed}" | "si" | "oui" => Ok(true),
        "no" | "n" | "false" | "0" | "off" | "nein" | "non" => Ok(false),
        _ => Err(Error::usage(format!("`{text}` is neither yes nor no"))),
    }
}

fn choice(text: &str, words: &[std::borrow::Cow<'static, str>]) -> Result<String> {
    let text = line(text, LINE)?;
    let same =
        |word: &str| word.to_lowercase().replace('-', " ") == text.to_lowercase().replace(['-', '_'], " ");
    let found = words.iter().find(|word| same(word));
    found.map(|word| word.clone().into_owned()).ok_or_else(|| {
        Error::usage(format!("`{text}` is not one of its words"))
            .hint(format!("use one of: {}", words.join(", ")))
    })
}

/// Reads words with commas or semicolons between them.
fn tags(text: &str) -> Result<Vec<String>> {
    let words =
        text.split([',', ';', '\n']).map(|word| line(word, 60)).collect::<Result<BTreeSet<String>>>()?;
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    match words.len() > TAGS {
        true => Err(Error::usage(format!("there are more than {TAGS} words"))),
        false => Ok(words),
    }
}

/// Shows a value to a person, and as an export has it: it is read back as the same.
pub fn shown(field: &Field, value: &Value, locale: Locale) -> String {
    match (&field.kind, value) {
        (_, Value::Null) => String::new(),
        (FieldKind::Money, Value::Number(cents)) => {
            money::shown_with(locale.country.decimal(), cents.as_i64().unwrap_or_default())
        }
        (FieldKind::Moment, Value::Number(at)) => {
            let at = Timestamp::from_millis(at.as_i64().unwrap_or_default());
            at.utc().with_timezone(&locale.zone.tz()).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
        }
        (FieldKind::Number, Value::Number(number)) if locale.country.decimal() == Decimal::Comma => {
            number.to_string().replace('.', ",")
        }
        (FieldKind::YesNo, Value::Bool(is_so)) => if *is_so { "yes" } else { "no" }.to_owned(),
        (_, Value::Array(words)) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Returns a record's values as JSON has them: sums in hundredths, moments by RFC 3339.
pub fn as_json(schema: &Schema, values: &Values) -> Values {
    let mut told = values.clone();
    for field in schema.fields().filter(|field| field.kind == FieldKind::Moment) {
        if let Some(value) = told.get_mut(field.name.as_ref())
            && let Some(millis) = value.as_i64()
        {
            *value = json!(Timestamp::from_millis(millis));
        }
    }
    told
}

/// Returns the value of a field, also where it is one of the moments that every record has.
pub fn of(record: &Record, field: &Field) -> Value {
    if field.name == MOMENTS[0].name {
        return json!(record.created_at.millis());
    }
    if field.name == MOMENTS[1].name {
        return json!(record.updated_at.millis());
    }
    record.values.get(field.name.as_ref()).cloned().unwrap_or_default()
}

/// Reads the values of a new record.
///
/// # Errors
/// As [`set`].
pub fn read_all(schema: &Schema, changes: &[(String, String)], locale: Locale) -> Result<Values> {
    let mut values = Values::new();
    set(schema, &mut values, changes, locale)?;
    Ok(values)
}

/// Changes values as they were written: an empty text takes a value away, and `+word` and `-word` change words.
///
/// # Errors
/// `Usage` naming a field that there is not, cannot be set, or of which the text is none.
pub fn set(schema: &Schema, values: &mut Values, changes: &[(String, String)], locale: Locale) -> Result<()> {
    for (name, text) in changes {
        let field = schema.settable(name)?;
        let value = match field.kind {
            FieldKind::Tags if text.trim_start().starts_with(['+', '-']) => {
                Some(json!(changed_tags(values, name, text)?))
            }
            _ => read(field, text, locale)?,
        };
        match value {
            Some(value) => values.insert(name.clone(), value),
            None => values.remove(name),
        };
    }
    Ok(())
}

fn changed_tags(values: &Values, name: &str, text: &str) -> Result<Vec<String>> {
    let before = values.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut words: BTreeSet<String> = before.map(str::to_owned).collect();
    for word in tags(text)? {
        match word.split_at_checked(1) {
            Some(("+", word)) => words.insert(word.trim().to_owned()),
            Some(("-", word)) => words.remove(word.trim()),
            _ => words.insert(word),
        };
    }
    Ok(words.into_iter().collect())
}

/// Checks that everything is there that a record must have, and that it says anything at all.
///
/// # Errors
/// `Usage` naming what is missing.
pub fn require(schema: &Schema, values: &Values) -> Result<()> {
    if values.is_empty() {
        return Err(Error::usage(format!("{} says nothing", schema.kind.one())).hint("add `--name …`"));
    }
    match schema.fields().find(|field| field.is_required && !values.contains_key(field.name.as_ref())) {
        Some(field) => {
            let name = &field.name;
            Err(Error::usage(format!("{} needs `{name}`", schema.kind.one()))
                .hint(format!("add `--{} …`", name.replace('_', "-"))))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{COMPANY, CONTACT};

    fn locale(country: &str, zone: &str) -> Locale {
        Locale { country: Country::parse(country).unwrap(), zone: Zone::parse(zone).unwrap() }
    }

    fn read_as(kind: FieldKind, text: &str, locale: Locale) -> Option<Value> {
        read(&Field::new("x", kind, ""), text, locale).ok().flatten()
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        let (us, de) = (locale("US", "America/Chicago"), locale("DE", "Europe/Berlin"));
        for (kind, text, place, expected) in [
            (FieldKind::Text, "  two\u{7}  words ", us, json!("two words")),
            (FieldKind::Email, "Jo@Example.com", us, json!("Jo@Example.com")),
            (FieldKind::Phone, "(512) 555-0142", us, json!("+15125550142")),
            (FieldKind::Link, "example.com/a", us, json!("https://example.com/a")),
            (FieldKind::Number, "1,250", us, json!(1250)),
            (FieldKind::Number, "1.250,5", de, json!(1250.5)),
            (FieldKind::Number, "-3.5", us, json!(-3.5)),
            (FieldKind::Money, "480,50", de, json!(48_050)),
            (FieldKind::Date, "11/30/2026", us, json!("2026-11-30")),
            (FieldKind::Date, "30.11.2026", de, json!("2026-11-30")),
            (FieldKind::Date, "2026-11-30T00:00:00", us, json!("2026-11-30")),
            (FieldKind::Date, "Nov 30, 2026", us, json!("2026-11-30")),
            (FieldKind::Moment, "2026-11-30", us, json!(1_796_018_400_000_i64)),
            (FieldKind::Moment, "2026-11-30T06:00:00Z", us, json!(1_796_018_400_000_i64)),
            (FieldKind::YesNo, "Ja", de, json!(true)),
            (FieldKind::Tags, "vip; north, vip", us, json!(["north", "vip"])),
            (FieldKind::Zone, "Europe/London", us, json!("Europe/London")),
        ] {
            assert_eq!(read_as(kind, text, place), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let us = locale("US", "America/Chicago");
        for (kind, text) in [
            (FieldKind::Email, "jo"),
            (FieldKind::Phone, "12"),
            (FieldKind::Link, "javascript:alert(1)"),
            (FieldKind::Link, "two words.com"),
            (FieldKind::Number, "many"),
            (FieldKind::Number, "inf"),
            (FieldKind::Money, "-5"),
            (FieldKind::Date, "13/13/2026"),
            (FieldKind::Date, "30/11/2026"),
            (FieldKind::Date, "0001-01-01"),
            (FieldKind::Moment, "noon"),
            (FieldKind::YesNo, "perhaps"),
            (FieldKind::Choice(std::borrow::Cow::Owned(vec!["gas".into()])), "coal"),
            (FieldKind::Zone, "Mars"),
        ] {
            assert!(read(&Field::new("x", kind, ""), text, us).is_err(), "{text}");
        }
        let long = "x".repeat(LINE + 1);
        assert!(read(&Field::new("x", FieldKind::Text, ""), &long, us).is_err());
    }

    #[test]
    fn what_is_shown_is_read_back_as_the_same() {
        for place in [locale("US", "America/Chicago"), locale("DE", "Europe/Berlin")] {
            for (kind, text) in [
                (FieldKind::Number, "-7"),
                (FieldKind::Money, "12"),
                (FieldKind::Date, "2026-02-28"),
                (FieldKind::Moment, "2026-10-25T02:30"),
                (FieldKind::YesNo, "no"),
                (FieldKind::Tags, "b, a"),
            ] {
                let field = Field::new("x", kind, "");
                let value = read(&field, text, place).unwrap().unwrap();
                let text = shown(&field, &value, place);
                assert_eq!(read(&field, &text, place).unwrap().unwrap(), value, "{text}");
            }
        }
    }

    #[test]
    fn json_has_moments_as_other_programs_read_them() {
        let schema = Schema { kind: &CONTACT, custom: Vec::new() };
        let values = Values::from([
            ("last_lead_at".to_owned(), json!(1_796_018_400_000_i64)),
            ("leads".to_owned(), json!(2)),
        ]);
        let told = as_json(&schema, &values);
        assert_eq!((&told["last_lead_at"], &told["leads"]), (&json!("2026-11-30T06:00:00.000Z"), &json!(2)));
    }

    #[test]
    fn changes_take_away_and_add() {
        let (schema, us) = (Schema { kind: &CONTACT, custom: Vec::new() }, locale("US", "America/Chicago"));
        let mut values = Values::new();
        let change = |values: &mut Values, name: &str, text: &str| {
            set(&schema, values, &[(name.to_owned(), text.to_owned())], us)
        };
        change(&mut values, "tags", "a, b").unwrap();
        change(&mut values, "tags", "+c, -a").unwrap();
        change(&mut values, "city", "Austin").unwrap();
        assert_eq!(values["tags"], json!(["b", "c"]));
        change(&mut values, "city", "").unwrap();
        assert!(!values.contains_key("city"));
        assert!(change(&mut values, "last_lead_at", "2026-11-30").is_err());
        assert!(require(&schema, &values).is_ok());
        assert!(require(&schema, &Values::new()).is_err());
        let company = Schema { kind: &COMPANY, custom: Vec::new() };
        assert!(require(&company, &values).is_err());
        change(&mut values, "name", "Oak House").unwrap();
        assert!(require(&company, &values).is_ok());
    }
}
