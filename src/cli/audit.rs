//! `nexora audit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use crate::cli::follow::{self, Shown};
use crate::cli::lead_list::inert;
use crate::cli::out::{Out, json_line, maybe, print};
use crate::cli::permission::Need;
use crate::cli::status::BROKEN;
use crate::cli::{Context, Narrowed, input};
use crate::ops::report::audit::{self, EntryView};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;
use nexora_core::model::audit::{AuditHead, SYSTEM_CHAIN};
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_store::Span;
use nexora_store::audit::{Filter, Order};

#[derive(Subcommand)]
pub enum Command {
    /// List who did what to what, latest first
    #[command(after_help = "Examples:
  nexora audit list --tenant acme --since 7days
  nexora audit list --tenant acme --actor jo@acme.example.com --noun lead
  nexora audit list --tenant acme --action connection.set --search smtp.example.com
  nexora audit list --system --noun auth
  nexora audit list --all-tenants --follow

Who did it is told as operator:LOGIN, user:ADDRESS, key:NAME of a program, or system:STAGE of Nexora itself.")]
    List {
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        narrowed: Box<Narrowed>,
    },
    /// Show an entry by its number, with every field that it changed
    #[command(after_help = "Examples:
  nexora audit show 17 --tenant acme
  nexora audit show 4 --system")]
    Show {
        number: i64,
        /// Of what belongs to no tenant: operators, users, sign-ins
        #[arg(long)]
        system: bool,
    },
    /// Print every entry, oldest first
    #[command(after_help = "Examples:
  nexora audit export --tenant acme --since 2026-01-01 --until 2027-01-01 > acme-2026.csv
  nexora audit export --all-tenants --format json > trail.jsonl

JSON has one entry on each line, with the hashes of the chain.")]
    Export {
        /// What is printed: csv unless `--output` says otherwise
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Only what happened since then: a day, a moment, or how long ago, such as 3days
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// Only what happened before then
        #[arg(long, value_name = "WHEN")]
        until: Option<String>,
        /// Only what holds this text
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Of every tenant, and of what belongs to none
        #[arg(long)]
        all_tenants: bool,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Look whether anything was edited, taken out or cut off by others than Nexora
    #[command(after_help = "Examples:
  nexora audit verify
  nexora audit verify --tenant acme
  nexora audit verify --expect 812:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  nexora audit verify --expect-file head.txt

A head that was kept elsewhere (by mail, in a backup, in a notebook) shows even that the whole database was put back
to an earlier state. Exit status: 0 everything is as it was written, 11 something is not")]
    Verify {
        /// A head of the trail that was kept elsewhere
        #[arg(long, value_name = "HEAD")]
        expect: Option<AuditHead>,
        /// The same, from the first line of a file; `-` for standard input
        #[arg(long, value_name = "FILE", conflicts_with = "expect")]
        expect_file: Option<PathBuf>,
    },
    /// Print the head of the whole trail, to be kept elsewhere
    #[command(after_help = "Example:\n  nexora audit head >> /mnt/elsewhere/heads.txt")]
    Head,
}

/// Which entries are wanted.
#[derive(Args)]
pub struct Wanted {
    /// Only by whom this is a part of: a login, an address, the name of a key, a stage
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
    /// Only what was done to this kind of thing, such as lead
    #[arg(long, value_name = "NOUN")]
    noun: Option<String>,
    /// Only this, whatever it was done to, such as remove
    #[arg(long, value_name = "VERB")]
    verb: Option<String>,
    /// Only this, such as lead.spam
    #[arg(long, value_name = "NOUN.VERB", conflicts_with_all = ["noun", "verb"])]
    action: Option<String>,
    /// Of what belongs to no tenant: operators, users, sign-ins
    #[arg(long, conflicts_with = "all_tenants")]
    system: bool,
}

impl Wanted {
    fn filter(&self, span: Span) -> Filter {
        Filter {
            span,
            actor: self.actor.clone(),
            action: self.action.clone(),
            noun: self.noun.clone(),
            verb: self.verb.clone(),
            ..Filter::default()
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma-separated values, for a spreadsheet
    Csv,
    /// One JSON value on each line
    Json,
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { wanted, narrowed } if !wanted.system => narrowed.need(Noun::Audit),
            Command::Show { system: false, .. } => Need::read(Noun::Audit),
            Command::Export { wanted, all_tenants: false, .. } if !wanted.system => Need::read(Noun::Audit),
            Command::List { .. }
            | Command::Show { .. }
            | Command::Export { .. }
            | Command::Verify { .. }
            | Command::Head => Need::Operator,
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    match command {
        Command::List { wanted, narrowed } => list(context, &wanted, &narrowed, out).await,
        Command::Show { number, system } => {
            let tenant = if system { None } else { Some(context.tenant().await?) };
            show(&audit::find(&context.app, tenant.as_ref(), number).await?, out)
        }
        Command::Export { format, since, until, search, all_tenants, wanted } => {
            let format = format.unwrap_or(if out.is_json() { Format::Json } else { Format::Csv });
            let narrowed = Exported { format, since, until, search, all_tenants };
            export(context, narrowed, &wanted).await
        }
        Command::Verify { expect, expect_file } => {
            let expected = match expect_file {
                Some(file) => Some(first_line(&file)?.parse()?),
                None => expect,
            };
            verify(context, expected, out).await
        }
        Command::Head => {
            let head = audit::head(&context.app, &context.actor).await?;
            if out.is_json() {
                out.json(&serde_json::json!({ "head": head }))
            } else {
                print(&head.to_string())
            }
        }
    }
}

/// Returns the first line of a file, or of standard input.
fn first_line(file: &std::path::Path) -> Result<String> {
    let text = String::from_utf8_lossy(&input::bytes(file)?).into_owned();
    text.lines().next().map(str::to_owned).ok_or_else(|| Error::usage("the file with the head is empty"))
}

const HEADERS: [&str; 5] = ["when", "who", "did", "to", "number"];

fn row(view: &EntryView, out: &Out) -> Vec<String> {
    let entry = &view.entry;
    vec![
        out.ago(entry.at),
        entry.actor.clone(),
        entry.action.clone(),
        entry.subject.clone(),
        entry.number.to_string(),
    ]
}

async fn list(context: &Context, wanted: &Wanted, narrowed: &Narrowed, out: &Out) -> Result<()> {
    let (app, limit) = (&context.app, narrowed.page.limit);
    if wanted.system {
        if narrowed.follow {
            return Err(Error::usage("`--follow` goes on with a tenant's trail, not with `--system`")
                .hint("leave out `--system`, or `--follow`"));
        }
        let span = span(narrowed.since.as_deref(), narrowed.until.as_deref(), app.clock.now())?;
        let search = narrowed.search.clone();
        let found = audit::list(app, None, wanted.filter(span), search, (Order::Newest, limit)).await?;
        return out.list(&HEADERS, &found, |view| row(view, out));
    }
    // Numbers of several tenants are put in order by the moment.
    let id = |view: &EntryView| format!("{:015}/{:012}", view.entry.at.millis(), view.entry.number);
    let shown = Shown { headers: &HEADERS, row: &|view: &EntryView| row(view, out), id: &id };
    let fetch = async |tenant: Tenant, span, after: Option<String>| {
        let after =
            after.as_deref().and_then(|id| id.rsplit_once('/')).and_then(|(_, number)| number.parse().ok());
        let filter = Filter { after, ..wanted.filter(span) };
        audit::list(app, Some(&tenant.id), filter, narrowed.search.clone(), (Order::Newest, limit)).await
    };
    follow::list(context, narrowed, shown, fetch, out).await
}

/// Returns the span of time that is meant, by clocks that show UTC.
fn span(since: Option<&str>, until: Option<&str>, now: Timestamp) -> Result<Span> {
    let read = |text: Option<&str>| text.map(|text| input::past_utc(text, now)).transpose();
    Ok(Span { since: read(since)?, until: read(until)? })
}

fn show(view: &EntryView, out: &Out) -> Result<()> {
    let entry = &view.entry;
    let said = if view.erased { "what it said was forgotten with the person whom it was about" } else { "" };
    let lines = [
        ("at", out.moment(entry.at)),
        ("who", entry.actor.clone()),
        ("did", entry.action.clone()),
        ("to", entry.subject.clone()),
        ("about", maybe(entry.person.as_ref())),
        ("values", said.to_owned()),
        ("hash", entry.hash.clone()),
        ("number", entry.number.to_string()),
    ];
    out.item(view, &lines)?;
    let rows = view
        .changes
        .iter()
        .map(|change| vec![change.field.clone(), shown(&change.before), shown(&change.after)]);
    out.section("Changes", &["field", "before", "after"], rows.collect())
}

/// Shows a value in one line.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// What is exported, and how.
struct Exported {
    format: Format,
    since: Option<String>,
    until: Option<String>,
    search: Option<String>,
    all_tenants: bool,
}

const COLUMNS: [&str; 9] =
    ["tenant", "number", "at", "actor", "action", "subject", "before", "after", "hash"];

async fn export(context: &Context, wanted: Exported, of: &Wanted) -> Result<()> {
    let (app, now) = (&context.app, context.app.clock.now());
    let mut chains: Vec<(String, Option<TenantId>, Span)> = Vec::new();
    let (since, until) = (wanted.since.as_deref(), wanted.until.as_deref());
    if of.system || wanted.all_tenants {
        chains.push((SYSTEM_CHAIN.to_owned(), None, span(since, until, now)?));
    }
    if !of.system {
        for tenant in context.tenants(wanted.all_tenants).await? {
            let read = |text: Option<&str>| text.map(|text| input::past(&tenant, text, now)).transpose();
            let span = Span { since: read(since)?, until: read(until)? };
            chains.push((tenant.slug.to_string(), Some(tenant.id), span));
        }
    }
    if wanted.format == Format::Csv {
        print(&csv_line(COLUMNS.map(str::to_owned).to_vec())?)?;
    }
    for (name, tenant, span) in chains {
        let mut filter = of.filter(span);
        loop {
            let search = wanted.search.clone();
            let order = (Order::Oldest, EXPORTED_AT_ONCE);
            let found = audit::list(app, tenant.as_ref(), filter.clone(), search, order).await?;
            let Some(last) = found.last() else { break };
            filter.after = Some(last.entry.number);
            for view in &found {
                match wanted.format {
                    Format::Json => json_line(&serde_json::json!({ "tenant": name, "entry": view }))?,
                    Format::Csv => print(&csv_line(cells(&name, view))?)?,
                }
            }
        }
    }
    Ok(())
}

/// Entries that are in memory at once.
const EXPORTED_AT_ONCE: i64 = 500;

fn cells(tenant: &str, view: &EntryView) -> Vec<String> {
    let entry = &view.entry;
    let value = |json: Option<&Json>| match json {
        Some(json) => json.as_str().to_owned(),
        None if view.erased => "[erased]".to_owned(),
        None => String::new(),
    };
    vec![
        tenant.to_owned(),
        entry.number.to_string(),
        entry.at.to_string(),
        entry.actor.clone(),
        entry.action.clone(),
        entry.subject.clone(),
        value(entry.before.as_ref()),
        value(entry.after.as_ref()),
        entry.hash.clone(),
    ]
}

/// Writes one line of comma-separated values (RFC 4180).
fn csv_line(cells: Vec<String>) -> Result<String> {
    let failed = |error: csv::Error| Error::internal("an entry cannot be written as values").source(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.into_iter().map(inert)).map_err(failed)?;
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    let text =
        String::from_utf8(bytes).map_err(|error| Error::internal("the values are not text").source(error))?;
    Ok(text.trim_end().to_owned())
}

async fn verify(context: &Context, expected: Option<AuditHead>, out: &Out) -> Result<()> {
    let only = match context.global.tenant {
        Some(_) => Some(context.tenant().await?),
        None => None,
    };
    let found = audit::verify(&context.app, &context.actor, only.as_ref(), expected).await?;
    out.exit_with(if found.intact { 0 } else { BROKEN });
    if out.is_json() {
        return out.json(&found);
    }
    let entries = count(found.looked.entries, "entry", "entries");
    if let Some(head) = &found.head {
        return print(&format!("The audit trail is whole: {entries}.\nhead  {head}"));
    }
    print(&format!("The audit trail was changed by others than Nexora ({entries} looked at):"))?;
    out.list(&["of", "entry", "what"], &found.looked.troubles, |trouble| {
        vec![trouble.chain.clone(), maybe(trouble.number.as_ref()), trouble.what.clone()]
    })?;
    out.note("hint: hold it against a backup from before, and keep this database as it is: it is evidence");
    Ok(())
}
