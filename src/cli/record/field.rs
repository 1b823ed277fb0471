//! `nexora field`.

use clap::Subcommand;

use crate::cli::Context;
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::ops::record::field::{self, NewField};
use nexora_core::base::Result;
use nexora_core::model::principal::Noun;
use nexora_core::model::record::{Field, FieldKind, RecordKind};

#[derive(Subcommand)]
pub enum Command {
    /// Give a kind of record a field of the tenant's own
    #[command(after_help = "Examples:
  nexora field define contact boiler_age --kind number --help-text \"years\" --tenant acme
  nexora field define job fuel --kind choice --choice gas --choice oil --tenant acme")]
    Define {
        /// What has it: contact, company, asset or location
        #[arg(value_parser = RecordKind::parse)]
        noun: &'static RecordKind,
        /// Its name: small letters, digits and underscores
        #[arg(value_name = "FIELD")]
        name: String,
        /// What it holds: text, note, email, phone, link, number, money, date, moment, yes-no, choice, tags or zone
        #[arg(long, default_value = "text")]
        kind: String,
        /// A word of a choice; once for each
        #[arg(long = "choice", value_name = "WORD")]
        choices: Vec<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        help_text: String,
    },
    /// List the fields of a kind of record: those that every tenant has, and the tenant's own
    #[command(after_help = "Example:\n  nexora field list contact --tenant acme")]
    List {
        #[arg(value_parser = RecordKind::parse)]
        noun: &'static RecordKind,
    },
    /// Take a field of the tenant's own away: what records say of it is shown again once it is defined again
    #[command(after_help = "Example:\n  nexora field delete contact boiler_age --tenant acme")]
    Delete {
        #[arg(value_parser = RecordKind::parse)]
        noun: &'static RecordKind,
        #[arg(value_name = "FIELD")]
        name: String,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::Define { .. } => Need::of(field::DEFINE),
            Command::List { .. } => Need::read(Noun::Tenant),
            Command::Delete { .. } => Need::of(field::DELETE),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    let slug = &tenant.slug;
    match command {
        Command::Define { noun, name, kind, choices, help_text } => {
            let new = NewField { kind: noun, name, holds: kind, choices, help: help_text };
            let made = field::define(app, actor, &tenant, new).await?;
            let lines = [
                ("record", made.noun.clone()),
                ("field", made.name.clone()),
                ("kind", made.kind.clone()),
                ("help", made.help.clone()),
            ];
            out.item(&made, &lines)?;
            out.undo(&format!("nexora field delete {} {} --tenant {slug}", made.noun, made.name));
            Ok(())
        }
        Command::List { noun } => {
            let schema = field::schema(app, &tenant, noun).await?;
            let all: Vec<Row> = schema.fields().map(|field| row(&schema.custom, field)).collect();
            out.list(&["field", "kind", "own", "set", "help"], &all, |row| {
                let yes = |is_so: bool| if is_so { "yes" } else { "" }.to_owned();
                vec![row.name.clone(), row.kind.clone(), yes(row.own), yes(row.can_be_set), row.help.clone()]
            })
        }
        Command::Delete { noun, name } => {
            field::delete(app, actor, &tenant, noun, &name).await?;
            let gone = serde_json::json!({ "noun": noun.word(), "name": name });
            out.done(&gone, &format!("{} has no field `{name}` any more", noun.one()))
        }
    }
}

#[derive(serde::Serialize)]
struct Row {
    name: String,
    kind: String,
    /// Whether it is the tenant's own.
    own: bool,
    can_be_set: bool,
    help: String,
}

fn row(custom: &[Field], field: &Field) -> Row {
    let kind = match &field.kind {
        FieldKind::Choice(words) => format!("choice: {}", words.join(", ")),
        kind => kind.word().to_owned(),
    };
    Row {
        name: field.name.to_string(),
        kind,
        own: custom.iter().any(|own| own.name == field.name),
        can_be_set: field.can_be_set(),
        help: field.help.to_string(),
    }
}
