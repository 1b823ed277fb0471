//! Where in a text something is wrong: faults with file and line, and the nearest name that is right.

use std::fmt;
use std::ops::Range;

use nexora_core::base::text::{did_you_mean, line_at};
use nexora_core::base::{Error, Result};

/// Something that is wrong with a definition or a message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// Makes one error of all faults.
///
/// # Errors
/// `Usage` naming every fault, unless there is none.
pub fn report(what: &str, faults: &[Fault]) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
    Err(Error::usage(format!("{what} is wrong:\n{}", lines.join("\n"))))
}

/// Says which of the known names is nearest to the one that was given, if any is like it.
pub fn suggestion<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    did_you_mean(given, known).map_or_else(String::new, |question| format!("; {question}"))
}

/// A text whose faults are being collected.
pub struct Source<'a> {
    pub file: &'a str,
    text: &'a str,
    faults: Vec<Fault>,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Source<'a> {
        Source { file, text, faults: Vec::new() }
    }

    /// Notes a fault in a part of the text, at the line that holds the first name in backticks which
    /// is there, or else at the part's first line. In a part that holds several things with an `id`,
    /// `id` says which of them it is.
    pub fn fault(&mut self, part: &Range<usize>, id: Option<&str>, text: String) {
        let from = id.and_then(|id| self.find(part, &format!("\"{id}\""))).unwrap_or(part.start);
        let part = from..part.end;
        let is_missing = text.starts_with("missing") || text.contains(": missing");
        let named = text.split('`').skip(1).step_by(2);
        let found = named
            .filter(|name| Some(*name) != id && !name.is_empty())
            .find_map(|name| (!is_missing).then(|| self.find(&part, name)).flatten());
        let line = self.line(found.unwrap_or(from));
        self.faults.push(Fault { file: self.file.to_owned(), line, text });
    }

    pub fn into_faults(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|fault| fault.line);
        self.faults
    }

    /// Finds a name that stands by itself, not within another.
    fn find(&self, part: &Range<usize>, name: &str) -> Option<usize> {
        let text = self.text.get(part.clone())?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        text.match_indices(name).map(|(at, _)| at).find_map(|at| {
            let before = text.get(..at)?.chars().next_back();
            let after = text.get(at + name.len()..)?.chars().next();
            let stands_alone = !before.is_some_and(is_word) && !after.is_some_and(is_word);
            stands_alone.then_some(part.start + at)
        })
    }

    fn line(&self, offset: usize) -> usize {
        line_at(self.text, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_at_the_line_that_names_it() {
        let text =
            "[[step]]\nid = \"a\"\nwhen = \"lead.emial\"\n[[step]]\nid = \"b\"\nwhen = \"lead.emial\"\n";
        let mut source = Source::new("x.toml", text);
        source.fault(&(0..39), Some("a"), "step `a`: unknown name `lead.emial`".to_owned());
        source.fault(&(0..text.len()), Some("b"), "step `b`: unknown name `lead.emial`".to_owned());
        source.fault(&(0..39), None, "missing `action`".to_owned());
        let lines: Vec<usize> = source.into_faults().iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [1, 3, 6]);
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        assert_eq!(suggestion("emial", ["name", "email"].into_iter()), "; did you mean `email`?");
        assert_eq!(suggestion("x", std::iter::empty()), "");
    }
}
