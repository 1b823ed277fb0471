//! What rendering one text may cost: instructions, and the bytes of text that it makes or goes over on its way.
//!
//! Instructions are counted by minijinja. Bytes are counted here wherever one instruction can make many: where a value
//! is written (also into a `set` block or the result of a macro), and in the filters that make a text longer than what
//! they were given, or go over all of it. What no filter does, such as a slice or a comparison, is bounded by fewer
//! instructions where long texts are at hand. Both together bound the time, with no clock: see `cost_tests`.

use std::cell::Cell;
use std::fmt;
use std::io;

use minijinja::value::{Kwargs, Rest, StringInput, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, escape_formatter, filters};

/// Instructions that one text may take.
pub const INSTRUCTIONS: u64 = 50_000;

/// Bytes of text that rendering one text may make or go over, what is thrown away on the way included.
pub const BYTES: usize = 2 * 1024 * 1024;

/// How deep macros and loops may call themselves, in minijinja's measure.
const DEPTH: usize = 200;

/// A number of instructions times the length of a text: what the raw parts of a text may come to in a
/// block that is not written out.
const RAW_BYTES: u64 = 512 * 1024 * 1024;

/// The same for the longest text that is at hand: it costs more to slice a text than to copy it.
const HELD_BYTES: u64 = 192 * 1024 * 1024;

/// What an item of a list counts for in bytes.
const ITEM_BYTES: usize = 32;

/// How often what is sorted or grouped counts.
const COMPARED: usize = 4;

/// How deep what is at hand is looked into for long texts.
const HELD_DEPTH: usize = 12;

/// Digits of a number in the pattern of `format`, and columns of `indent`.
const WIDTH: usize = 200;

thread_local! {
    /// The bytes that the text being rendered on this thread may still make.
    static LEFT: Cell<usize> = const { Cell::new(BYTES) };
}

/// Begins a text.
pub fn refill() {
    LEFT.set(BYTES);
}

fn take(bytes: usize) -> Result<(), Error> {
    LEFT.set(LEFT.get().checked_sub(bytes).ok_or_else(too_long)?);
    Ok(())
}

fn take_value(value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) => take(text.len()),
        None => fmt::write(&mut Counted, format_args!("{value}")).map_err(|_| too_long()),
    }
}

/// Has an environment keep to the allowance.
pub fn bind(environment: &mut Environment<'static>) {
    environment.set_fuel(Some(INSTRUCTIONS));
    environment.set_recursion_limit(DEPTH);
    environment.set_formatter(|out, state, value| {
        take_value(value)?;
        escape_formatter(out, state, value)
    });
    for name in ["namespace", "dict", "debug"] {
        environment.remove_global(name);
    }
    for name in ["batch", "slice", "zip", "chain", "pprint"] {
        environment.remove_filter(name);
    }
    bind_walks(environment);
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.add_filter("tojson", |value: &Value| {
        take_value(value)?;
        filters::tojson(value, None, no_more())
    });
    environment.add_filter("indent", |text: StringInput<'_>, width: Option<usize>| {
        let lines = text.as_str().lines().count();
        let width = width.unwrap_or(4);
        take(text.as_str().len().saturating_add(lines.saturating_mul(width)))?;
        filters::indent(text, Some(width), None, None, no_more())
    });
    environment.add_filter("format", |state: &mut State, pattern: &Value, values: Rest<ValueOrKwargs>| {
        if widest(pattern.as_str().unwrap_or_default()) > WIDTH {
            return Err(too_long());
        }
        let made = filters::format(state, pattern, values)?;
        take_value(&made).map(|()| made)
    });
}

/// Counts what a filter goes over.
fn take_walk(value: &Value, walk: Walk) -> Result<(), Error> {
    match (value.as_str(), walk) {
        (Some(text), Walk::Apart) => take(text.len().saturating_mul(ITEM_BYTES / 4)),
        (Some(text), _) => take(text.len()),
        (None, Walk::Text) => Ok(()),
        (None, Walk::Items | Walk::Apart) => take(value.len().unwrap_or_default().saturating_mul(ITEM_BYTES)),
        (None, Walk::Written) => take_value(value),
        // Each item is held against several others.
        (None, Walk::Compared) => (0..COMPARED).try_for_each(|_| take_value(value)),
    }
}

/// Has the filters that go over all of a value count it first. Each is called by a name that no text can write.
fn bind_walks(environment: &mut Environment<'static>) {
    environment.add_filter(plain("upper"), filters::upper);
    environment.add_filter(plain("lower"), filters::lower);
    environment.add_filter(plain("title"), filters::title);
    environment.add_filter(plain("capitalize"), filters::capitalize);
    environment.add_filter(plain("trim"), filters::trim);
    environment.add_filter(plain("escape"), filters::escape);
    environment.add_filter(plain("e"), filters::escape);
    environment.add_filter(plain("string"), filters::string);
    environment.add_filter(plain("length"), filters::length);
    environment.add_filter(plain("count"), filters::length);
    environment.add_filter(plain("reverse"), filters::reverse);
    environment.add_filter(plain("list"), filters::list);
    environment.add_filter(plain("split"), filters::split);
    environment.add_filter(plain("lines"), filters::lines);
    environment.add_filter(plain("items"), filters::items);
    environment.add_filter(plain("dictsort"), filters::dictsort);
    environment.add_filter(plain("map"), filters::map);
    environment.add_filter(plain("select"), filters::select);
    environment.add_filter(plain("selectattr"), filters::selectattr);
    environment.add_filter(plain("reject"), filters::reject);
    environment.add_filter(plain("rejectattr"), filters::rejectattr);
    environment.add_filter(plain("sum"), filters::sum);
    environment.add_filter(plain("min"), filters::min);
    environment.add_filter(plain("max"), filters::max);
    environment.add_filter(plain("sort"), filters::sort);
    environment.add_filter(plain("unique"), filters::unique);
    environment.add_filter(plain("groupby"), filters::groupby);
    for (name, walk) in WALKS {
        environment.add_filter(*name, move |state: &mut State, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            let value = args.first().ok_or_else(|| Error::from(ErrorKind::MissingArgument))?;
            take_walk(value, *walk)?;
            state.apply_filter(&plain(name), &args)
        });
    }
}

fn replace(
    state: &mut State,
    text: StringInput<'_>,
    from: StringInput<'_>,
    to: StringInput<'_>,
) -> Result<Value, Error> {
    let places = text.as_str().matches(from.as_str()).count();
    take(text.as_str().len().saturating_add(places.saturating_mul(to.as_str().len())))?;
    filters::replace(state, text, from, to)
}

fn join(
    state: &mut State,
    list: &Value,
    joiner: Option<StringInput<'_>>,
    attribute: Option<&str>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let between = joiner.as_ref().map_or(0, |text| text.as_str().len());
    if list.as_str().is_none() {
        for item in list.try_iter()? {
            take(between)?;
            take_value(&item)?;
        }
    }
    filters::join(state, list, joiner, attribute, kwargs)
}

/// How a filter goes over a value.
#[derive(Clone, Copy)]
enum Walk {
    /// It goes over texts alone.
    Text,
    /// It goes over the items of a list.
    Items,
    /// It makes an item of each letter or part of a text.
    Apart,
    /// It writes all of it.
    Written,
    /// It holds items against each other.
    Compared,
}

#[rustfmt::skip]
const WALKS: &[(&str, Walk)] = &[
    ("upper", Walk::Text), ("lower", Walk::Text), ("title", Walk::Text), ("capitalize", Walk::Text), ("trim", Walk::Text),
    ("escape", Walk::Written), ("e", Walk::Written), ("string", Walk::Written), ("length", Walk::Text), ("count", Walk::Text),
    ("reverse", Walk::Apart), ("list", Walk::Apart), ("split", Walk::Apart), ("lines", Walk::Apart), ("items", Walk::Items),
    ("dictsort", Walk::Compared), ("map", Walk::Items), ("select", Walk::Items), ("selectattr", Walk::Items),
    ("reject", Walk::Items), ("rejectattr", Walk::Items), ("sum", Walk::Items), ("min", Walk::Compared),
    ("max", Walk::Compared), ("sort", Walk::Compared), ("unique", Walk::Compared), ("groupby", Walk::Compared),
];

/// The name by which a filter is called once what it goes over is counted.
fn plain(name: &str) -> String {
    format!("plain {name}")
}

/// Returns how many instructions a text may take: fewer when it is so long that its raw parts, written over and over
/// into a block, would come to much, or when a text is at hand that is long to slice and to compare.
pub fn instructions_for(source: &str, context: &Value) -> u64 {
    let length = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX).max(1);
    // Without a statement each instruction is met once.
    let held = match source.contains("{%") {
        true => HELD_BYTES / length(longest(context, HELD_DEPTH)),
        false => INSTRUCTIONS,
    };
    INSTRUCTIONS.min(RAW_BYTES / length(source.len())).min(held)
}

/// Returns the length of the longest text within a value, or what its longest list counts for.
fn longest(value: &Value, depth: usize) -> usize {
    if let Some(text) = value.as_str() {
        return text.len();
    }
    let is_map = value.kind() == ValueKind::Map;
    if depth == 0 || !(is_map || value.kind() == ValueKind::Seq) {
        return 0;
    }
    let Ok(items) = value.try_iter() else { return 0 };
    let (mut count, mut found) = (0_usize, 0);
    for item in items {
        count += 1;
        let within = if is_map { value.get_item(&item).unwrap_or_default() } else { item };
        found = found.max(longest(&within, depth - 1));
    }
    found.max(count.saturating_mul(ITEM_BYTES / 8))
}

/// Returns the named arguments of a call that has none.
fn no_more() -> Kwargs {
    std::iter::empty::<(&str, Value)>().collect()
}

/// Returns the greatest number that stands in a pattern.
fn widest(pattern: &str) -> usize {
    let numbers = pattern.split(|mark: char| !mark.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.map(|digits| digits.parse().unwrap_or(usize::MAX)).max().unwrap_or(0)
}

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("makes or goes over more than {BYTES} bytes of text"))
}

/// Counts what is written, and ends the writing where the allowance does.
struct Counted;

impl fmt::Write for Counted {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        take(text.len()).map_err(|_| fmt::Error)
    }
}

/// Takes a text up to the bound.
#[derive(Default)]
pub struct Bounded(Vec<u8>);

impl Bounded {
    pub fn into_text(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl io::Write for &mut Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the text is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
