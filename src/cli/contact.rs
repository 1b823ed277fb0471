//! `nexora contact` and `nexora suppression`.

use clap::Subcommand;
use serde_json::json;

use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::cli::{Context, Page, person, record};
use crate::domain::contact::person::Named;
use crate::ops::contact::{self, ContactView, erasure};
use nexora_core::base::Result;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::consent::Channel;
use nexora_core::model::consent::Scope;
use nexora_core::model::lead::ConsentRecord;
use nexora_core::model::principal::{Noun, Permission, Verb};
use nexora_core::model::record::value;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    #[command(flatten)]
    Records(record::Command<record::Contact>),
    #[command(flatten)]
    Person(PersonCommand),
}

/// What is done to people, and to no other record.
#[derive(Subcommand)]
pub enum PersonCommand {
    /// Record that a contact agreed to commercial mail, or took it back
    #[command(after_help = "Examples:
  nexora contact consent jo@example.com --given --wording \"yes, by telephone\" --tenant acme
  nexora contact consent jo@example.com --withdrawn --wording \"told the fitter\" --tenant acme")]
    Consent {
        contact: String,
        #[arg(long, conflicts_with = "withdrawn", required_unless_present = "withdrawn")]
        given: bool,
        #[arg(long)]
        withdrawn: bool,
        /// What the person was asked, or said
        #[arg(long)]
        wording: String,
    },
    /// Write everything that is kept of a person into a folder: a readable JSON file, and photos
    #[command(after_help = "Examples:
  nexora contact export jo@example.com --to jo --tenant acme
  nexora contact export \"(512) 555-0142\" --to jo --tenant acme")]
    Export {
        /// Contact id, mail address or telephone number
        contact: String,
        #[command(flatten)]
        arguments: person::ExportArguments,
    },
    /// Forget a person: everything that is kept of them goes for good; that they are not to be written to stays, as a hash
    #[command(after_help = "Examples:
  nexora contact forget jo@example.com --dry-run --tenant acme
  nexora contact forget contact_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme --yes

It prints and keeps a receipt, which holds nothing of the person, and names what is in other places.")]
    Forget {
        /// Contact id, mail address or telephone number
        contact: String,
        #[command(flatten)]
        arguments: person::ForgetArguments,
    },
    /// List the receipts of people who were forgotten
    #[command(after_help = "Example:\n  nexora contact receipts --tenant acme")]
    Receipts,
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            // It also shows what was written to and by the contact.
            Command::Records(record::Command::Show { .. }) => {
                Need::Tenant([Noun::Contact, Noun::Message].map(|noun| Permission(noun, Verb::Read)).to_vec())
            }
            Command::Records(command) => command.need(),
            Command::Person(PersonCommand::Receipts) => Need::read(Noun::Contact),
            Command::Person(PersonCommand::Export { .. }) => Need::of(erasure::EXPORT),
            Command::Person(PersonCommand::Forget { .. }) => Need::of(erasure::FORGET),
            Command::Person(PersonCommand::Consent { .. }) => Need::of(contact::CONSENT),
        }
    }
}

#[derive(Subcommand)]
pub enum SuppressionCommand {
    /// List the addresses that are not written to, as hashes
    #[command(after_help = "Example:\n  nexora suppression list --tenant acme")]
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Have an address sent no more commercial mail, or with `--scope all` nothing any more
    #[command(
        after_help = "Example:\n  nexora suppression add jo@example.com --scope commercial --tenant acme"
    )]
    Add {
        email: EmailAddress,
        /// What it is not sent: all or commercial
        #[arg(long, default_value = "commercial")]
        scope: Scope,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let an address be written to again
    #[command(
        after_help = "Example:\n  nexora suppression remove jo@example.com --scope commercial --tenant acme"
    )]
    Remove {
        email: EmailAddress,
        #[arg(long, default_value = "commercial")]
        scope: Scope,
    },
}

impl SuppressionCommand {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            SuppressionCommand::List { .. } => Need::read(Noun::Suppression),
            SuppressionCommand::Add { .. } => Need::of(contact::SUPPRESS),
            SuppressionCommand::Remove { .. } => Need::of(contact::LIFT),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    match command {
        Command::Records(record::Command::Show { wanted }) => {
            let tenant = context.tenant().await?;
            show(&contact::find(&context.app, &tenant, &wanted).await?, out)
        }
        Command::Records(command) => record::run(context, command, out).await,
        Command::Person(command) => run_person(context, command, out).await,
    }
}

async fn run_person(context: &Context, command: PersonCommand, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        PersonCommand::Export { contact, arguments } => {
            person::export(context, Named::Contact(contact), &arguments, out).await
        }
        PersonCommand::Forget { contact, arguments } => {
            person::forget(context, Named::Contact(contact), &arguments, out).await
        }
        PersonCommand::Receipts => person::receipts(context, out).await,
        PersonCommand::Consent { contact, given, withdrawn: _, wording } => {
            let word = ConsentRecord { channel: Channel::Email, given, wording };
            let new = contact::record_consent(app, actor, &tenant, &contact, word).await?;
            let said = if new.given { "given" } else { "withdrawn" };
            out.item(&new, &[("consent", said.to_owned()), ("id", new.id.to_string())])
        }
    }
}

fn show(view: &ContactView, out: &Out) -> Result<()> {
    let fields = view.schema.fields().filter(|field| field.name != "name");
    let told = fields.map(|field| {
        let shown = match view.values.get(field.name.as_ref()) {
            Some(value) => record::told(field, value, view.locale, |at| out.moment(at)),
            None if field.name == "timezone" => view.contact.timezone.clone().unwrap_or_default(),
            None => String::new(),
        };
        (field.name.as_ref(), shown)
    });
    let mut lines = vec![("name", view.contact.name.clone())];
    lines.extend(told);
    lines.push(("since", out.moment(view.contact.created_at)));
    lines.push(("deleted", view.contact.deleted_at.map(|at| out.moment(at)).unwrap_or_default()));
    lines.push(("id", view.contact.id.to_string()));
    let told = ContactView { values: value::as_json(&view.schema, &view.values), ..view.clone() };
    out.item(&told, &lines)?;
    let addresses = view.addresses.iter().map(|address| {
        let scopes: Vec<String> = address.suppressed.iter().map(ToString::to_string).collect();
        vec![address.kind.to_string(), address.value.clone(), scopes.join(" ")]
    });
    out.section("Addresses", &["kind", "address", "not written to"], addresses.collect())?;
    let consents = view.consents.iter().map(|consent| {
        let said = if consent.given { "given" } else { "withdrawn" };
        vec![out.ago(consent.at), said.to_owned(), consent.source.clone(), consent.wording.clone()]
    });
    out.section("Consent", &["when", "what", "by", "wording"], consents.collect())?;
    let messages = view
        .messages
        .iter()
        .map(|message| vec![out.ago(message.sent_at), message.author.to_string(), message.subject.clone()]);
    out.section("Messages", &["when", "by", "subject"], messages.collect())
}

pub async fn suppression(context: &Context, command: SuppressionCommand, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        SuppressionCommand::List { page: Page { limit } } => {
            let all = app.view(&tenant, move |tx| store::consent::list_suppressions(tx, limit)).await?;
            out.list(&["since", "scope", "reason", "detail", "by", "hash"], &all, |found| {
                vec![
                    out.ago(found.created_at),
                    found.scope.to_string(),
                    found.reason.to_string(),
                    found.detail.clone(),
                    found.actor.clone(),
                    found.hash.clone(),
                ]
            })
        }
        SuppressionCommand::Add { email, scope, reason } => {
            let new = contact::suppress(app, actor, &tenant, &email, (scope, reason)).await?;
            let lines = [
                ("address", email.to_string()),
                ("scope", new.scope.to_string()),
                ("reason", new.detail.clone()),
                ("hash", new.hash.clone()),
            ];
            out.item(&new, &lines)?;
            let slug = &tenant.slug;
            out.undo(&format!("nexora suppression remove {email} --scope {scope} --tenant {slug}"));
            Ok(())
        }
        SuppressionCommand::Remove { email, scope } => {
            contact::lift(app, actor, &tenant, &email, scope).await?;
            let done = json!({ "address": email, "scope": scope, "lifted": true });
            out.done(&done, &format!("`{email}` may be written to again"))?;
            let slug = &tenant.slug;
            out.undo(&format!("nexora suppression add {email} --scope {scope} --tenant {slug}"));
            Ok(())
        }
    }
}
