//! `nexora message`.

use clap::Subcommand;

use crate::cli::follow::{self, Shown};
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Narrowed};
use crate::ops::report::message;
use nexora_core::base::Result;
use nexora_core::model::MessageId;
use nexora_core::model::message::{Author, Message};
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// List a tenant's messages to and from contacts, latest first
    #[command(after_help = "Examples:
  nexora message list --tenant acme --limit 20
  nexora message list --tenant acme --since 1day --search jo@example.com
  nexora message list --all-tenants --follow")]
    List {
        /// Only messages by this author: contact, nexora, person, machine or unverified
        #[arg(long)]
        by: Option<Author>,
        /// Only what is about people who came by this source, as `lead list` shows it: form, google-ads, …
        #[arg(long)]
        source: Option<String>,
        #[command(flatten)]
        narrowed: Box<Narrowed>,
    },
    /// Show a message
    #[command(after_help = "Example:\n  nexora message show msg_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: MessageId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { narrowed, .. } => narrowed.need(Noun::Message),
            Command::Show { .. } => Need::read(Noun::Message),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    match command {
        Command::List { by, source, narrowed } => list(context, (by, source), &narrowed, out).await,
        Command::Show { id } => {
            let tenant = context.tenant().await?;
            let message = message::find(&context.app, &tenant, &id).await?;
            let lines = [
                ("by", message.author.to_string()),
                ("class", maybe(message.class.as_ref())),
                ("from", message.sender.clone()),
                ("to", message.recipient.clone()),
                ("subject", message.subject.clone()),
                ("sent", out.moment(message.sent_at)),
                ("run", maybe(message.run_id.as_ref())),
                ("effect", maybe(message.effect_id.as_ref())),
                ("text", format!("\n\n{}", message.body.trim())),
                ("id", message.id.to_string()),
            ];
            out.item(&message, &lines)
        }
    }
}

async fn list(
    context: &Context,
    (author, source): (Option<Author>, Option<String>),
    narrowed: &Narrowed,
    out: &Out,
) -> Result<()> {
    let (app, limit) = (&context.app, narrowed.page.limit);
    let shown = Shown {
        headers: &["when", "by", "class", "to", "subject", "id"],
        row: &|message: &Message| {
            vec![
                out.ago(message.sent_at),
                message.author.to_string(),
                maybe(message.class.as_ref()),
                message.recipient.clone(),
                message.subject.clone(),
                message.id.to_string(),
            ]
        },
        id: &|message| message.id.to_string(),
    };
    let fetch = async |tenant: Tenant, span, after: Option<String>| {
        let after = after.as_deref().map(MessageId::parse).transpose()?;
        let filter = store::message::Filter {
            author,
            source: source.clone(),
            span,
            search: narrowed.search.clone(),
            after,
        };
        app.view(&tenant, move |tx| store::message::list(tx, &filter, limit)).await
    };
    follow::list(context, narrowed, shown, fetch, out).await
}
