//! The commands of every kind of record: `nexora company create`, `nexora asset list`, and so on. Options and help are made
//! of the kind's fields.

mod field;
mod group;
mod values;

use clap::{Args, Subcommand};

pub use self::field::{Command as FieldCommand, run as run_field};
pub use self::group::{Command as GroupCommand, SegmentCommand, run as run_group, run_segment};
pub use self::values::Values;
use crate::cli::Context;
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::ops::record::{self, Wanted};
use nexora_core::base::Result;
use nexora_core::base::wording::count;
use nexora_core::model::record::value::{self, Locale};
use nexora_core::model::record::{Record, RecordKind, Schema};

/// A kind of record, as a type: commands are made of it.
pub trait Kind: Send + Sync + 'static {
    const KIND: &'static RecordKind;

    /// What a command does with such a record: `Create a company`.
    fn does(what: &str) -> String {
        format!("{what} {}", Self::KIND.one())
    }

    /// An example of a command.
    fn example(rest: &str) -> String {
        format!("Example:\n  nexora {} {rest} --tenant acme", Self::KIND.word())
    }
}

macro_rules! kinds {
    ($($name:ident = $kind:ident),*) => {$(
        #[doc = concat!("The kind `", stringify!($kind), "`.")]
        pub struct $name;

        impl Kind for $name {
            const KIND: &'static RecordKind = &nexora_core::model::record::$kind;
        }
    )*};
}
kinds!(Contact = CONTACT, Company = COMPANY, Asset = ASSET, Location = LOCATION, Group = GROUP);

#[derive(Subcommand)]
pub enum Command<K: Kind> {
    #[command(about = K::does("Create"), after_help = K::example("create --name …"))]
    Create(Values<K>),
    #[command(about = format!("List a tenant's {}, newest first", K::KIND.plural), after_help = list_help::<K>())]
    List(ListArguments),
    #[command(about = K::does("Show"), after_help = K::example("show …"))]
    Show {
        /// Its id, or what it is called
        #[arg(value_name = "WANTED")]
        wanted: String,
    },
    #[command(about = K::does("Change fields of"), after_help = format!("{}\n\nAn empty text takes a value away; `--tags +word` and `--tags=-word` add and take a word.", K::example("set … --notes \"call before noon\"")))]
    Set {
        /// Its id, or what it is called
        #[arg(value_name = "WANTED")]
        wanted: String,
        #[command(flatten)]
        values: Values<K>,
    },
    #[command(about = format!("{}: it is in no list any more, and can be restored", K::does("Delete")), after_help = K::example("delete …"))]
    Delete {
        /// Its id, or what it is called
        #[arg(value_name = "WANTED")]
        wanted: String,
    },
    #[command(about = K::does("Restore"), after_help = K::example("restore ID"))]
    Restore {
        /// Its id; `list --deleted` shows it
        #[arg(value_name = "ID")]
        wanted: String,
    },
}

fn list_help<K: Kind>() -> String {
    let word = K::KIND.word();
    format!(
        "Examples:
  nexora {word} list --search \"jon smyth\" --tenant acme
  nexora {word} list --where \"created_at < 7days\" --sort name --tenant acme

A filter compares fields (`nexora field list {word}`) with =, !=, <, <=, >, >=, contains, has, in (…), is empty, and joins
tests with and, or, not and parentheses. `90days` is how long ago; `in 30days` lies ahead."
    )
}

/// Which records a list shows.
#[derive(Args)]
pub struct ListArguments {
    /// Only those that hold all of these words, however they are written
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Only those that meet a condition, such as "city = 'Austin' and created_at > 90days"
    #[arg(long = "where", value_name = "FILTER")]
    condition: Option<String>,
    /// Only those with this tag; several must all be there
    #[arg(long = "tag", value_name = "WORD")]
    tags: Vec<String>,
    /// Only contacts in this group, or of this segment
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Sorted by this field; with a minus before it, the largest first
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Only those older than this one
    #[arg(long, value_name = "ID")]
    before: Option<String>,
    /// Leaves out so many at the beginning
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    offset: i64,
    /// Those that were deleted instead
    #[arg(long)]
    deleted: bool,
    /// Says how many there are instead of listing them
    #[arg(long)]
    count: bool,
    /// Fields that are shown, with commas between
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    fields: Vec<String>,
    #[command(flatten)]
    page: crate::cli::Page,
}

impl ListArguments {
    fn wanted(self) -> Wanted {
        Wanted {
            condition: self.condition,
            search: self.search,
            tags: self.tags,
            group: self.group,
            sort: self.sort,
            before: self.before,
            is_deleted: self.deleted,
            offset: self.offset,
            limit: self.page.limit,
        }
    }
}

impl<K: Kind> Command<K> {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Create(_) => Need::of(record::create_of(K::KIND)),
            Command::List(_) | Command::Show { .. } => Need::read(K::KIND.noun),
            Command::Set { .. } => Need::of(record::set_of(K::KIND)),
            Command::Delete { .. } => Need::of(record::delete_of(K::KIND)),
            Command::Restore { .. } => Need::of(record::restore_of(K::KIND)),
        }
    }
}

pub async fn run<K: Kind>(context: &Context, command: Command<K>, out: &Out) -> Result<()> {
    let (app, actor, kind) = (&context.app, &context.actor, K::KIND);
    let tenant = context.tenant().await?;
    let (word, slug) = (kind.word(), &tenant.slug);
    match command {
        Command::Create(values) => {
            let new = record::create(app, actor, &tenant, kind, values.changes).await?;
            let (schema, new) = record::find(app, &tenant, kind, &new.id).await?;
            show(&schema, &new, record::locale(&tenant)?, out)?;
            out.undo(&format!("nexora {word} delete {} --tenant {slug}", new.id));
            Ok(())
        }
        Command::List(arguments) if arguments.count => {
            let number = record::count(app, &tenant, kind, arguments.wanted()).await?;
            out.item(
                &serde_json::json!({ "count": number }),
                &[("count", count(u64::try_from(number).unwrap_or(0), word, kind.plural))],
            )
        }
        Command::List(arguments) => {
            let chosen = arguments.fields.clone();
            let (schema, found) = record::list(app, &tenant, kind, arguments.wanted()).await?;
            list(&schema, &found, &chosen, record::locale(&tenant)?, out)
        }
        Command::Show { wanted } => {
            let (schema, found) = record::find(app, &tenant, kind, &wanted).await?;
            show(&schema, &found, record::locale(&tenant)?, out)
        }
        Command::Set { wanted, values } => {
            let (before, after) = record::set(app, actor, &tenant, kind, &wanted, values.changes).await?;
            let (schema, found) = record::find(app, &tenant, kind, &after.id).await?;
            let locale = record::locale(&tenant)?;
            show(&schema, &found, locale, out)?;
            if before.values == after.values {
                out.note("nothing was changed");
            } else {
                out.undo(&undo_of_set(&schema, &before, &after, locale, slug.as_str()));
            }
            Ok(())
        }
        Command::Delete { wanted } => {
            let gone = record::delete(app, actor, &tenant, kind, &wanted).await?;
            out.note(&format!("{word} `{}` was deleted", gone.name(kind)));
            out.undo(&format!("nexora {word} restore {} --tenant {slug}", gone.id));
            Ok(())
        }
        Command::Restore { wanted } => {
            let back = record::restore(app, actor, &tenant, kind, &wanted).await?;
            let (schema, found) = record::find(app, &tenant, kind, &back.id).await?;
            show(&schema, &found, record::locale(&tenant)?, out)
        }
    }
}

/// Returns the command that sets what was changed to what it was.
fn undo_of_set(schema: &Schema, before: &Record, after: &Record, locale: Locale, slug: &str) -> String {
    let changed = schema
        .fields()
        .filter(|field| field.can_be_set())
        .filter(|field| before.values.get(field.name.as_ref()) != after.values.get(field.name.as_ref()));
    let is_own = |name: &str| schema.custom.iter().any(|field| field.name == name);
    let options = changed.map(|field| {
        let was = value::shown(field, &value::of(before, field), locale);
        let text = shell_quoted(&was);
        match is_own(&field.name) {
            true => format!("--field {}={text}", field.name),
            false => format!("--{}={text}", field.name.replace('_', "-")),
        }
    });
    let options: Vec<String> = options.collect();
    format!("nexora {} set {} {} --tenant {slug}", schema.kind.word(), after.id, options.join(" "))
}

/// Writes a text as one word of a shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Prints records: the fields that are chosen, or those that the kind's list shows.
fn list(schema: &Schema, records: &[Record], chosen: &[String], locale: Locale, out: &Out) -> Result<()> {
    let names: Vec<&str> = match chosen {
        [] => schema.kind.listed.to_vec(),
        chosen => chosen.iter().map(String::as_str).collect(),
    };
    let fields = names.iter().map(|name| schema.field(name)).collect::<Result<Vec<_>>>()?;
    let headers: Vec<String> =
        names.iter().map(|name| name.replace('_', " ")).chain(["id".to_owned()]).collect();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    out.list(&headers, records, |record| {
        let cells = fields.iter().map(|field| value::shown(field, &value::of(record, field), locale));
        cells.chain([record.id.clone()]).collect()
    })
}

/// Prints a record: every field that says something.
fn show(schema: &Schema, record: &Record, locale: Locale, out: &Out) -> Result<()> {
    let fields = schema.fields().chain(&nexora_core::model::record::MOMENTS);
    let mut lines: Vec<(&str, String)> = fields
        .map(|field| (field.name.as_ref(), value::shown(field, &value::of(record, field), locale)))
        .collect();
    lines.push(("deleted_at", record.deleted_at.map(|at| at.to_string()).unwrap_or_default()));
    lines.push(("id", record.id.clone()));
    out.item(record, &lines)
}
