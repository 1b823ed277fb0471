//! What rendering one text may cost: instructions, and the bytes of text that it makes on its way.
//!
//! Instructions are counted by minijinja. Bytes are counted here wherever one instruction can make many:
//! where a value is written (also into a `set` block or the result of a macro), and in the filters that
//! make a text longer than what they were given.

use std::cell::Cell;
use std::fmt;
use std::io;

use minijinja::value::{Kwargs, Rest, StringInput, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, escape_formatter, filters};

/// Instructions that one text may take.
pub const INSTRUCTIONS: u64 = 50_000;

/// Bytes of text that rendering one text may make, what is thrown away on the way included.
pub const BYTES: usize = 2 * 1024 * 1024;

/// How deep macros and loops may call themselves, in minijinja's measure.
const DEPTH: usize = 200;

/// A number of instructions times the length of a text: what the raw parts of a text may come to in a
/// block that is not written out.
const RAW_BYTES: u64 = 512 * 1024 * 1024;

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

/// Returns how many instructions a text may take: fewer when it is so long that its raw parts, written
/// over and over into a block, would come to much.
pub fn instructions_for(source: &str) -> u64 {
    let length = u64::try_from(source.len()).unwrap_or(u64::MAX).max(1);
    INSTRUCTIONS.min(RAW_BYTES / length)
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
    Error::new(ErrorKind::InvalidOperation, format!("makes more than {BYTES} bytes of text"))
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
