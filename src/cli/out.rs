//! What is printed: answers to standard output, everything else to standard error.

#![expect(clippy::print_stderr, reason = "the one place that prints")]

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use anstyle::{AnsiColor, Style};
use chrono_tz::Tz;
use clap::ColorChoice;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::cli::Global;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::wording::{self, LocalClock};
use nexora_core::base::{Error, Kind, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns, for people
    Table,
    /// One JSON value
    Json,
    /// One JSON value on each line
    Jsonl,
}

pub struct Out {
    format: Format,
    color: ColorChoice,
    quiet: bool,
    yes: bool,
    no_input: bool,
    utc: bool,
    zone: Arc<OnceLock<Tz>>,
    exit_status: AtomicU8,
}

impl Out {
    pub fn new(global: &Global) -> Out {
        Out {
            format: global.output,
            color: global.color,
            quiet: global.quiet,
            yes: global.yes,
            no_input: global.no_input,
            utc: global.utc,
            zone: global.zone.clone(),
            exit_status: AtomicU8::new(0),
        }
    }

    /// Says with what the program ends when the command has succeeded: an answer can be in it, too.
    pub fn exit_with(&self, status: u8) {
        self.exit_status.store(status, Ordering::Relaxed);
    }

    pub fn exit_status(&self) -> u8 {
        self.exit_status.load(Ordering::Relaxed)
    }

    pub fn is_json(&self) -> bool {
        self.format != Format::Table
    }

    /// Shows a moment in a list: how long ago it was, or how soon it is.
    pub fn ago(&self, at: Timestamp) -> String {
        if self.utc { exact(at) } else { wording::distance(at, Clock::System.now()) }
    }

    /// Shows a moment of one thing: by the tenant's clocks, and how long ago it was.
    pub fn moment(&self, at: Timestamp) -> String {
        if self.utc {
            return exact(at);
        }
        let clock = LocalClock {
            now: Clock::System.now(),
            zone: self.zone.get().copied().unwrap_or(Tz::UTC),
            format: "%H:%M:%S",
        };
        format!("{} ({})", clock.full(at), wording::distance(at, clock.now))
    }

    /// Prints a list: as a table with these headers, or as JSON.
    pub fn list<T: Serialize>(
        &self,
        headers: &[&str],
        items: &[T],
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<()> {
        match self.format {
            Format::Json => self.json(&items),
            Format::Jsonl => items.iter().try_for_each(|item| self.json(item)),
            Format::Table if items.is_empty() => {
                self.note("nothing to list");
                Ok(())
            }
            Format::Table => self.page(&self.table(headers, items.iter().map(row))),
        }
    }

    /// Prints one thing: as lines of name and value, or as JSON.
    pub fn item<T: Serialize>(&self, item: &T, lines: &[(&str, String)]) -> Result<()> {
        if self.is_json() {
            return self.json(item);
        }
        let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let text: Vec<String> = lines
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name:<width$}  {value}"))
            .collect();
        print(&text.join("\n"))
    }

    /// Prints a sentence that is the answer.
    #[expect(clippy::unused_self, reason = "what is printed goes through `Out`")]
    pub fn line(&self, text: &str) -> Result<()> {
        print(text)
    }

    /// Prints a table below an item; as JSON the item has it inside already.
    pub fn section(&self, title: &str, headers: &[&str], rows: Vec<Vec<String>>) -> Result<()> {
        if self.is_json() || rows.is_empty() {
            return Ok(());
        }
        print(&format!("\n{title}\n{}", self.table(headers, rows.into_iter())))
    }

    pub fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        let text = match self.format {
            Format::Jsonl => serde_json::to_string(value),
            Format::Json | Format::Table => serde_json::to_string_pretty(value),
        };
        print(&text.map_err(|error| Error::internal("the answer has no JSON form").source(error))?)
    }

    /// Says what was done with a thing: in words, or as JSON the thing.
    pub fn done<T: Serialize>(&self, thing: &T, words: &str) -> Result<()> {
        match self.is_json() {
            true => self.json(thing),
            false => {
                self.note(words);
                Ok(())
            }
        }
    }

    /// Names the command that takes back what was just done.
    pub fn undo(&self, command: &str) {
        self.note(&format!("undo: {command}"));
    }

    /// Tells the person something that is not the answer.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Tells a person what they must do for the command to go on, however quiet it is to be.
    #[expect(clippy::unused_self, reason = "what is printed goes through `Out`")]
    pub fn ask(&self, text: &str) {
        eprintln!("{text}");
    }

    /// Tells why the command failed, and what helps.
    pub fn error(&self, error: &Error) {
        if self.is_json() {
            let value = serde_json::json!({
                "error": { "kind": error.kind().name(), "message": error.report(), "hint": error.hint_text() }
            });
            eprintln!("{value}");
            return;
        }
        let styled = |word, color| self.styled(word, color, std::io::stderr().is_terminal());
        eprintln!("{} {}", styled("error:", AnsiColor::Red), error.report());
        if let Some(hint) = error.hint_text() {
            eprintln!("{} {hint}", styled("hint:", AnsiColor::Cyan));
        }
    }

    /// Returns a word in a colour for standard output, where that shows colours.
    pub fn colored(&self, word: &str, color: AnsiColor) -> String {
        self.styled(word, color, std::io::stdout().is_terminal())
    }

    fn styled(&self, word: &str, color: AnsiColor, is_terminal: bool) -> String {
        match self.shows_color(is_terminal) {
            true => {
                let style = Style::new().bold().fg_color(Some(color.into()));
                format!("{style}{word}{style:#}")
            }
            false => word.to_owned(),
        }
    }

    /// Tells whether colours are wished: on a terminal, unless the environment says otherwise (https://no-color.org).
    fn shows_color(&self, is_terminal: bool) -> bool {
        let is_plain = || {
            let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
            set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb")
        };
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !is_plain(),
        }
    }

    /// Puts a table together; on a terminal, texts are broken so that it fits, and names and numbers never are.
    fn table(&self, headers: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
        let rows: Vec<Vec<String>> = rows.collect();
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headers.iter().map(|header| header.to_uppercase()));
        for row in &rows {
            table.add_row(row);
        }
        if let Some(width) = terminal_width() {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            for (place, column) in table.column_iter_mut().enumerate() {
                let is_text =
                    |row: &Vec<String>| row.get(place).is_some_and(|cell| cell.trim().contains(' '));
                if !rows.iter().any(is_text) {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        let text = table.to_string();
        let lines = text.lines().map(|line| line.trim_end().strip_prefix(' ').unwrap_or(line.trim_end()));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(header) = lines.first_mut().filter(|_| self.shows_color(std::io::stdout().is_terminal()))
        {
            let style = Style::new().bold();
            *header = format!("{style}{header}{style:#}");
        }
        lines.join("\n")
    }

    /// Prints a text; on a terminal that it does not fit, by a pager.
    fn page(&self, text: &str) -> Result<()> {
        let fits = |height: u16| text.lines().count() < usize::from(height);
        let is_asked = !self.no_input && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        match terminal_size() {
            Some((_, height)) if is_asked && !fits(height) && by_pager(text) => Ok(()),
            _ => print(text),
        }
    }

    /// Asks for a line of text.
    ///
    /// # Errors
    /// `Declined` when there is no terminal to ask at.
    pub fn prompt(&self, what: &str) -> Result<String> {
        if self.no_input || !std::io::stdin().is_terminal() {
            return Err(no_terminal(what));
        }
        eprint!("{what}: ");
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        read.map_err(|error| Error::usage("the answer cannot be read").source(error))?;
        Ok(answer.trim().to_owned())
    }

    /// Asks before something that cannot be undone.
    ///
    /// # Errors
    /// `Declined` when the answer is no, or there is no terminal to ask at.
    pub fn confirm(&self, what: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if self.no_input || !std::io::stdin().is_terminal() {
            return Err(no_terminal(what).hint("add `--yes`"));
        }
        eprint!("{what}. Go on? [y/N] ");
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        match read {
            Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
            _ => Err(Error::new(Kind::Declined, "nothing was changed")),
        }
    }
}

fn no_terminal(what: &str) -> Error {
    Error::new(Kind::Declined, format!("there is no terminal to ask at: {what}"))
}

/// Says what is wrong with the command line, with the hint that comes with a value that is wrong; help and
/// version come this way too, to standard output.
pub fn print_usage(error: &clap::Error) {
    // Where this cannot be printed, the exit status still tells.
    let _ = error.print();
    let ours = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>());
    if let Some(hint) = ours.and_then(Error::hint_text) {
        eprintln!("hint: {hint}");
    }
}

/// Prints one value as JSON on a line of its own.
///
/// # Errors
/// `Internal` when it has no JSON form.
pub fn json_line<T: Serialize + ?Sized>(value: &T) -> Result<()> {
    let text = serde_json::to_string(value);
    print(&text.map_err(|error| Error::internal("the answer has no JSON form").source(error))?)
}

/// Prints plain text to standard output. A reader that stopped reading, such as `head`, is not an error.
pub fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::internal("the answer cannot be printed").source(error))
        }
        _ => Ok(()),
    }
}

fn terminal_size() -> Option<(u16, u16)> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    ratatui::crossterm::terminal::size().ok()
}

fn terminal_width() -> Option<u16> {
    terminal_size().map(|(width, _)| width)
}

/// Hands a text to the pager that `NEXORA_PAGER` or `PAGER` names, or to `less`; returns whether there was one.
fn by_pager(text: &str) -> bool {
    let named = ["NEXORA_PAGER", "PAGER"].iter().find_map(|name| std::env::var(name).ok());
    let pager = named.unwrap_or_else(|| "less".to_owned());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next() else { return false };
    let mut command = std::process::Command::new(program);
    // What fits is printed, colours are shown, and the text stays on the screen.
    command.args(words).stdin(std::process::Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        // Somebody who has read enough ends the pager.
        let _ = writeln!(input, "{text}");
    }
    child.wait().is_ok()
}

fn exact(at: Timestamp) -> String {
    at.utc().format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Shows a yes or no.
pub fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

/// Shows what may be missing.
pub fn maybe<T: ToString>(value: Option<&T>) -> String {
    value.map(T::to_string).unwrap_or_default()
}
