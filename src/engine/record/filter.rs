//! The language of filters: `city = 'Austin' and (last_lead_at > 90days or tags has vip)`.
//!
//! A length of time says how long ago: `last_lead_at > 90days` is longer ago than 90 days. `in 30days` is the moment that lies
//! so far ahead: `service_due < in 30days`.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use serde_json::Value;
use winnow::ascii::multispace0;
use winnow::combinator::{alt, delimited, not, opt, preceded, repeat, separated, terminated};
use winnow::prelude::*;
use winnow::token::{any, one_of, take_while};

use nexora_core::base::clock::{Timestamp, whole_millis};
use nexora_core::base::wording::parse_length;
use nexora_core::base::{Error, Result};
use nexora_core::model::record::filter::{Filter, Order, Test};
use nexora_core::model::record::value::{self, Locale};
use nexora_core::model::record::{Field, FieldKind, Schema};

/// The longest filter, in bytes.
const LONGEST: usize = 4_000;

/// How deep parentheses may stand in each other.
const DEEPEST: usize = 20;

/// What a filter is read with.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub schema: &'a Schema,
    pub locale: Locale,
    pub now: Timestamp,
}

/// Reads a filter.
///
/// # Errors
/// `Usage` saying where it cannot be read, or which field or value is none.
pub fn parse(text: &str, reading: Reading<'_>) -> Result<Filter> {
    if text.len() > LONGEST {
        return Err(Error::usage(format!("a filter has at most {LONGEST} letters")));
    }
    let depth = text.chars().scan(0_usize, |open, letter| {
        match letter {
            '(' => *open += 1,
            ')' => *open = open.saturating_sub(1),
            _ => {}
        }
        Some(*open)
    });
    if depth.max().unwrap_or_default() > DEEPEST {
        return Err(Error::usage(format!("parentheses stand more than {DEEPEST} deep in each other")));
    }
    let node = preceded(multispace0, disjunction).parse(text).map_err(|error| {
        let rest = text.get(error.offset()..).unwrap_or_default();
        let place = if rest.is_empty() { "its end".to_owned() } else { format!("`{rest}`") };
        Error::usage(format!("the filter cannot be read at {place}"))
            .hint("write it like \"city = 'Austin' and last_lead_at > 90days\"")
    })?;
    node.resolve(reading)
}

/// A filter as it is written.
#[derive(Clone, Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Empty(String),
    Test(String, Word, Operand),
    Among(String, Vec<Operand>),
}

/// What stands between a field and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Order(Order),
    Contains,
    Has,
}

#[derive(Clone, Debug)]
enum Operand {
    Quoted(String),
    Bare(String),
    /// A moment that lies ahead.
    In(String),
}

impl Operand {
    fn text(&self) -> &str {
        match self {
            Operand::Quoted(text) | Operand::Bare(text) | Operand::In(text) => text,
        }
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// A word of the language, however it is capitalised, with the blanks behind it.
fn keyword<'a>(
    word: &'static str,
) -> impl Parser<&'a str, (), winnow::error::ErrMode<winnow::error::ContextError>> {
    (winnow::ascii::Caseless(word), not(one_of(is_word)), multispace0).void()
}

fn sign<'a>(
    sign: &'static str,
) -> impl Parser<&'a str, (), winnow::error::ErrMode<winnow::error::ContextError>> {
    (sign, multispace0).void()
}

fn disjunction(input: &mut &str) -> ModalResult<Node> {
    let parts: Vec<Node> = separated(1.., conjunction, keyword("or")).parse_next(input)?;
    Ok(single_or(parts, Node::Any))
}

fn conjunction(input: &mut &str) -> ModalResult<Node> {
    let parts: Vec<Node> = separated(1.., negation, keyword("and")).parse_next(input)?;
    Ok(single_or(parts, Node::All))
}

fn single_or(mut parts: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}

fn negation(input: &mut &str) -> ModalResult<Node> {
    let negated = repeat::<_, _, Vec<()>, _, _>(0.., keyword("not")).parse_next(input)?;
    let node = alt((delimited(sign("("), disjunction, sign(")")), test)).parse_next(input)?;
    Ok(if negated.len() % 2 == 1 { Node::Not(Box::new(node)) } else { node })
}

fn test(input: &mut &str) -> ModalResult<Node> {
    let field = terminated(take_while(1.., is_word), multispace0).parse_next(input)?.to_owned();
    alt((empty(&field), among(&field), compared(&field))).parse_next(input)
}

type Failed = winnow::error::ErrMode<winnow::error::ContextError>;

fn empty<'a>(field: &str) -> impl Parser<&'a str, Node, Failed> {
    let field = field.to_owned();
    (keyword("is"), opt(keyword("not")), keyword("empty")).map(move |((), negated, ())| {
        let empty = Node::Empty(field.clone());
        if negated.is_some() { Node::Not(Box::new(empty)) } else { empty }
    })
}

fn among<'a>(field: &str) -> impl Parser<&'a str, Node, Failed> {
    let field = field.to_owned();
    let list = delimited(sign("("), separated(1.., operand, sign(",")), sign(")"));
    (opt(keyword("not")), keyword("in"), list).map(move |(negated, (), values): (_, _, Vec<Operand>)| {
        let among = Node::Among(field.clone(), values);
        if negated.is_some() { Node::Not(Box::new(among)) } else { among }
    })
}

fn compared<'a>(field: &str) -> impl Parser<&'a str, Node, Failed> {
    let field = field.to_owned();
    let sign = alt((
        sign("!=").value((true, Word::Order(Order::Equal))),
        sign("<>").value((true, Word::Order(Order::Equal))),
        sign("<=").value((false, Word::Order(Order::AtMost))),
        sign(">=").value((false, Word::Order(Order::AtLeast))),
        sign("=").value((false, Word::Order(Order::Equal))),
        sign("<").value((false, Word::Order(Order::Less))),
        sign(">").value((false, Word::Order(Order::More))),
        sign("~").value((false, Word::Contains)),
    ));
    let word = alt((
        sign,
        keyword("contains").value((false, Word::Contains)),
        keyword("has").value((false, Word::Has)),
    ));
    (word, operand).map(move |((negated, word), value)| {
        let test = Node::Test(field.clone(), word, value);
        if negated { Node::Not(Box::new(test)) } else { test }
    })
}

fn operand(input: &mut &str) -> ModalResult<Operand> {
    let bare = || take_while(1.., |letter: char| is_word(letter) || "+-.:/@#%".contains(letter));
    let value = alt((
        quoted('\'').map(Operand::Quoted),
        quoted('"').map(Operand::Quoted),
        preceded(keyword("in"), bare()).map(|text: &str| Operand::In(text.to_owned())),
        bare().map(|text: &str| Operand::Bare(text.to_owned())),
    ));
    terminated(value, multispace0).parse_next(input)
}

/// A text in quotation marks; the mark itself is written twice.
fn quoted<'a>(mark: char) -> impl Parser<&'a str, String, Failed> {
    let doubled = (mark, mark).value(mark);
    let plain = any.verify(move |letter: &char| *letter != mark);
    delimited(mark, repeat(0.., alt((doubled, plain))), mark)
}

impl Node {
    fn resolve(self, reading: Reading<'_>) -> Result<Filter> {
        let all = |nodes: Vec<Node>| {
            nodes.into_iter().map(|node| node.resolve(reading)).collect::<Result<Vec<_>>>()
        };
        Ok(match self {
            Node::All(nodes) => Filter::All(all(nodes)?),
            Node::Any(nodes) => Filter::Any(all(nodes)?),
            Node::Not(node) => Filter::Not(Box::new(node.resolve(reading)?)),
            Node::Empty(name) => Filter::Field(reading.schema.field(&name)?.clone(), Test::Empty),
            Node::Among(name, values) => {
                let each = values.into_iter();
                Filter::Any(
                    each.map(|value| {
                        Node::Test(name.clone(), Word::Order(Order::Equal), value).resolve(reading)
                    })
                    .collect::<Result<_>>()?,
                )
            }
            Node::Test(name, word, value) => {
                let field = reading.schema.field(&name)?;
                tested(field, word, &value, reading).map_err(|error| match error.hint_text() {
                    Some(hint) => Error::usage(format!("`{name}` in the filter: {}", error.message()))
                        .hint(hint.to_owned()),
                    None => Error::usage(format!("`{name}` in the filter: {}", error.message())),
                })?
            }
        })
    }
}

fn tested(field: &Field, word: Word, value: &Operand, reading: Reading<'_>) -> Result<Filter> {
    let text = value.text();
    let passes = |test: Test| Ok(Filter::Field(field.clone(), test));
    match (&field.kind, word) {
        (FieldKind::Tags, Word::Has | Word::Contains | Word::Order(Order::Equal)) => {
            passes(Test::Has(text.to_owned()))
        }
        (FieldKind::Number | FieldKind::Money, Word::Order(order)) => {
            let read = read_one(field, text, reading.locale)?;
            passes(Test::Number(order, read.as_f64().unwrap_or_default()))
        }
        (FieldKind::Moment, Word::Order(order)) => moment(field, order, value, reading),
        (FieldKind::Date, Word::Order(order)) => day(field, order, value, reading),
        (FieldKind::YesNo, Word::Order(Order::Equal)) => {
            passes(Test::Is(read_one(field, text, reading.locale)?.to_string()))
        }
        (FieldKind::Phone, Word::Order(Order::Equal)) => {
            let read = read_one(field, text, reading.locale).ok();
            passes(Test::Is(read.as_ref().and_then(Value::as_str).unwrap_or(text).to_owned()))
        }
        (kind, Word::Order(Order::Equal)) if !kind.is_number() => passes(Test::Is(text.to_owned())),
        (kind, Word::Contains | Word::Has) if !kind.is_number() && *kind != FieldKind::YesNo => {
            passes(Test::Contains(text.to_owned()))
        }
        (kind, Word::Order(order)) => {
            Err(Error::usage(format!("a {} is not compared with `{}`", kind.word(), order.sign())))
        }
        (kind, Word::Contains | Word::Has) => {
            Err(Error::usage(format!("a {} is compared with `=`, `<` or `>`", kind.word())))
        }
    }
}

fn read_one(field: &Field, text: &str, locale: Locale) -> Result<Value> {
    let plain = Field { is_required: true, ..field.clone() };
    Ok(value::read(&plain, text, locale)?.unwrap_or_default())
}

/// Reads `today`, `yesterday` and `tomorrow` by the clocks of the business.
fn named_day(text: &str, reading: Reading<'_>) -> Option<NaiveDate> {
    let today = reading.now.utc().with_timezone(&reading.locale.zone.tz()).date_naive();
    match text.to_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => today.checked_sub_days(Days::new(1)),
        "tomorrow" => today.checked_add_days(Days::new(1)),
        _ => None,
    }
}

/// Returns the moment that a length of time names: so long ago, or so far ahead. Seen from now, what is more than so long ago
/// lies before it.
fn distance(value: &Operand, order: Order, now: Timestamp) -> Result<Option<(Order, Timestamp)>> {
    let far = |length: Duration| whole_millis(length);
    Ok(match value {
        Operand::In(text) => {
            Some((order, Timestamp::from_millis(now.millis().saturating_add(far(parse_length(text)?)))))
        }
        Operand::Bare(text) if !text.contains(['-', '/', ':']) => parse_length(text)
            .ok()
            .map(|length| (order.turned(), Timestamp::from_millis(now.millis().saturating_sub(far(length))))),
        Operand::Quoted(_) | Operand::Bare(_) => None,
    })
}

fn moment(field: &Field, order: Order, value: &Operand, reading: Reading<'_>) -> Result<Filter> {
    let at = |order: Order, at: Timestamp| {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds stay whole for 285,000 years")]
        let number = at.millis() as f64;
        Filter::Field(field.clone(), Test::Number(order, number))
    };
    if let Some((order, moment)) = distance(value, order, reading.now)? {
        return Ok(at(order, moment));
    }
    if value.text().eq_ignore_ascii_case("now") {
        return Ok(at(order, reading.now));
    }
    let named = named_day(value.text(), reading).map(|day| day.to_string());
    let text = named.as_deref().unwrap_or(value.text());
    let read = |text: &str| -> Result<Timestamp> {
        Ok(Timestamp::from_millis(read_one(field, text, reading.locale)?.as_i64().unwrap_or_default()))
    };
    let begin = read(text)?;
    // A day is all of its moments.
    let next = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.succ_opt());
    let Some(end) = next.map(|day| read(&day.to_string())).transpose()? else { return Ok(at(order, begin)) };
    Ok(match order {
        Order::Equal => Filter::All(vec![at(Order::AtLeast, begin), at(Order::Less, end)]),
        Order::Less => at(Order::Less, begin),
        Order::AtMost => at(Order::Less, end),
        Order::More => at(Order::AtLeast, end),
        Order::AtLeast => at(Order::AtLeast, begin),
    })
}

fn day(field: &Field, order: Order, value: &Operand, reading: Reading<'_>) -> Result<Filter> {
    let (order, day) = match distance(value, order, reading.now)? {
        Some((order, at)) => {
            (order, at.utc().with_timezone(&reading.locale.zone.tz()).date_naive().to_string())
        }
        None => match named_day(value.text(), reading) {
            Some(day) => (order, day.to_string()),
            None => {
                let read = read_one(field, value.text(), reading.locale)?;
                (order, read.as_str().unwrap_or_default().to_owned())
            }
        },
    };
    Ok(Filter::Field(field.clone(), Test::Day(order, day)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::model::address::{Country, Zone};
    use nexora_core::model::record::{ASSET, CONTACT, RecordKind};
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_796_083_200_000); // 2026-11-30T18:00Z

    fn read(kind: &'static RecordKind, text: &str) -> Result<Filter> {
        let schema = Schema { kind, custom: vec![Field::new("boiler_age", FieldKind::Number, "")] };
        let locale =
            Locale { country: Country::parse("US").unwrap(), zone: Zone::parse("America/Chicago").unwrap() };
        parse(text, Reading { schema: &schema, locale, now: NOW })
    }

    fn one(text: &str) -> (String, Test) {
        match read(&CONTACT, text).unwrap() {
            Filter::Field(field, test) => (field.name.into_owned(), test),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tests_of_each_kind() {
        for (text, name, test) in [
            ("city = 'Austin'", "city", Test::Is("Austin".into())),
            (" city=Austin ", "city", Test::Is("Austin".into())),
            ("city = 'O''Fallon'", "city", Test::Is("O'Fallon".into())),
            ("name contains \"jo\"", "name", Test::Contains("jo".into())),
            ("name ~ jo", "name", Test::Contains("jo".into())),
            ("tags has vip", "tags", Test::Has("vip".into())),
            ("tags = 'big spender'", "tags", Test::Has("big spender".into())),
            ("boiler_age >= 10", "boiler_age", Test::Number(Order::AtLeast, 10.0)),
            ("leads > 2", "leads", Test::Number(Order::More, 2.0)),
            ("phone = '512 555 0142'", "phone", Test::Is("+15125550142".into())),
            ("birthday < 1980-01-01", "birthday", Test::Day(Order::Less, "1980-01-01".into())),
            ("birthday = today", "birthday", Test::Day(Order::Equal, "2026-11-30".into())),
            ("birthday > 30years", "birthday", Test::Day(Order::Less, "1996-11-30".into())),
            ("notes IS EMPTY", "notes", Test::Empty),
        ] {
            assert_eq!(one(text), (name.to_owned(), test), "{text}");
        }
    }

    #[test]
    fn a_length_of_time_is_how_long_ago() {
        let ninety = 90.0 * 86_400_000.0;
        let now = 1_796_083_200_000.0;
        assert_eq!(one("last_lead_at > 90days").1, Test::Number(Order::Less, now - ninety));
        assert_eq!(one("last_lead_at < 90days").1, Test::Number(Order::More, now - ninety));
        assert_eq!(one("last_lead_at < in 90days").1, Test::Number(Order::Less, now + ninety));
        let Filter::Field(_, test) = read(&ASSET, "service_due < in 30days").unwrap() else { panic!() };
        assert_eq!(test, Test::Day(Order::Less, "2026-12-30".into()));
    }

    #[test]
    fn a_day_is_all_of_its_moments() {
        let Filter::All(parts) = read(&CONTACT, "created_at = 2026-11-30").unwrap() else { panic!() };
        assert_eq!(parts.len(), 2);
        assert!(matches!(one("created_at > 2026-11-30").1, Test::Number(Order::AtLeast, _)));
    }

    #[test]
    fn words_bind_as_they_do_elsewhere() {
        let text = "city = a or city = b and not city = c";
        let Filter::Any(parts) = read(&CONTACT, text).unwrap() else { panic!() };
        assert!(
            matches!(&parts[..], [Filter::Field(..), Filter::All(both)] if matches!(both[1], Filter::Not(_)))
        );
        let Filter::All(parts) = read(&CONTACT, "(city = a or city = b) and city != c").unwrap() else {
            panic!()
        };
        assert!(matches!(&parts[..], [Filter::Any(_), Filter::Not(_)]));
        assert!(matches!(read(&CONTACT, "city in ('a', b)").unwrap(), Filter::Any(two) if two.len() == 2));
        assert!(matches!(read(&CONTACT, "city not in (a)").unwrap(), Filter::Not(_)));
        assert!(matches!(read(&CONTACT, "not not city is not empty").unwrap(), Filter::Not(_)));
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, said) in [
            ("", "its end"),
            ("city", "its end"),
            ("city = ", "its end"),
            ("city = 'Austin", "'Austin"),
            ("city = a and", "`and`"),
            ("(city = a", "`(city = a`"),
            ("city = a)", "`)`"),
            ("town = a", "no field `town`"),
            ("city < a", "not compared with `<`"),
            ("leads > many", "not a number"),
            ("leads ~ 3", "compared with"),
            ("birthday = soon", "not a day"),
        ] {
            let error = read(&CONTACT, text).unwrap_err();
            assert!(error.message().contains(said), "{text}: {}", error.message());
        }
        assert!(read(&CONTACT, &format!("{}city = a{}", "(".repeat(21), ")".repeat(21))).is_err());
        assert!(read(&CONTACT, &"x".repeat(LONGEST + 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in ".{0,200}") {
            let _ = read(&CONTACT, &text);
        }

        #[test]
        fn every_text_can_be_quoted(text in "[^\u{0}]{0,50}") {
            let quoted = format!("city = '{}'", text.replace('\'', "''"));
            prop_assert_eq!(one(&quoted).1, Test::Is(text));
        }
    }
}
