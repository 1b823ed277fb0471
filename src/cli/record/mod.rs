//! The commands of every kind of record: `nexora company create`, `nexora asset list`, and so on. Options and help are made
//! of the kind's fields.

mod field;
mod group;
mod list;
mod values;

use clap::Subcommand;
use serde_json::Value;

pub use self::field::{Command as FieldCommand, run as run_field};
pub use self::group::{Command as GroupCommand, SegmentCommand, run as run_group, run_segment};
use self::list::ListArguments;
pub use self::values::Values;
use crate::cli::Context;
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::ops::record::{self, Changes};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::record::value::{self, Locale};
use nexora_core::model::record::{Field, FieldKind, MOMENTS, Record, RecordKind, Schema};
use nexora_core::model::tenant::Tenant;

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

impl<K: Kind> Command<K> {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Create(_) => Need::of(record::create_of(K::KIND)),
            Command::List(arguments) if arguments.is_of_all() => Need::Operator,
            Command::List(_) | Command::Show { .. } => Need::read(K::KIND.noun),
            Command::Set { .. } => Need::of(record::set_of(K::KIND)),
            Command::Delete { .. } => Need::of(record::delete_of(K::KIND)),
            Command::Restore { .. } => Need::of(record::restore_of(K::KIND)),
        }
    }
}

pub async fn run<K: Kind>(context: &Context, command: Command<K>, out: &Out) -> Result<()> {
    let (app, actor, kind) = (&context.app, &context.actor, K::KIND);
    match command {
        Command::List(arguments) => list::run(context, kind, arguments, out).await,
        Command::Create(values) => {
            let tenant = context.tenant().await?;
            let new = record::create(app, actor, &tenant, kind, values.changes).await?;
            show_again(context, &tenant, kind, &new, out).await?;
            out.undo(&format!("nexora {} delete {} --tenant {}", kind.word(), new.id, tenant.slug));
            Ok(())
        }
        Command::Show { wanted } => {
            let tenant = context.tenant().await?;
            let (schema, found) = record::find(app, &tenant, kind, &wanted).await?;
            show(&schema, &found, record::locale(&tenant)?, out)
        }
        Command::Set { wanted, values } => set(context, kind, &wanted, values.changes, out).await,
        Command::Delete { wanted } => {
            let tenant = context.tenant().await?;
            let gone = record::delete(app, actor, &tenant, kind, &wanted).await?;
            let word = kind.word();
            out.done(&gone, &format!("{word} `{}` was deleted", gone.name(kind)))?;
            out.undo(&format!("nexora {word} restore {} --tenant {}", gone.id, tenant.slug));
            Ok(())
        }
        Command::Restore { wanted } => {
            let tenant = context.tenant().await?;
            let back = record::restore(app, actor, &tenant, kind, &wanted).await?;
            show_again(context, &tenant, kind, &back, out).await.map(|_| ())
        }
    }
}

async fn set(
    context: &Context,
    kind: &'static RecordKind,
    wanted: &str,
    changes: Changes,
    out: &Out,
) -> Result<()> {
    let tenant = context.tenant().await?;
    let (before, after) = record::set(&context.app, &context.actor, &tenant, kind, wanted, changes).await?;
    let schema = show_again(context, &tenant, kind, &after, out).await?;
    if before.values == after.values {
        out.note("nothing was changed");
    } else {
        let locale = record::locale(&tenant)?;
        out.undo(&undo_of_set(&schema, &before, &after, locale, tenant.slug.as_str()));
    }
    Ok(())
}

/// Shows a record that was written, and returns the fields that such records have.
async fn show_again(
    context: &Context,
    tenant: &Tenant,
    kind: &'static RecordKind,
    written: &Record,
    out: &Out,
) -> Result<Schema> {
    let schema = record::field::schema(&context.app, tenant, kind).await?;
    show(&schema, written, record::locale(tenant)?, out)?;
    Ok(schema)
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

/// Shows a value to a person: a moment in the way that is given, all else as it is written.
pub fn told(field: &Field, value: &Value, locale: Locale, moment: impl Fn(Timestamp) -> String) -> String {
    match (&field.kind, value.as_i64()) {
        (FieldKind::Moment, Some(millis)) => moment(Timestamp::from_millis(millis)),
        _ => value::shown(field, value, locale),
    }
}

/// Prints a record: every field that says something.
fn show(schema: &Schema, record: &Record, locale: Locale, out: &Out) -> Result<()> {
    let fields = schema.fields().chain(&MOMENTS);
    let moment = |at| out.moment(at);
    let mut lines: Vec<(&str, String)> = fields
        .map(|field| (field.name.as_ref(), told(field, &value::of(record, field), locale, moment)))
        .collect();
    lines.push(("deleted_at", record.deleted_at.map(|at| out.moment(at)).unwrap_or_default()));
    lines.push(("id", record.id.clone()));
    let told = Record { values: value::as_json(schema, &record.values), ..record.clone() };
    out.item(&told, &lines)
}
