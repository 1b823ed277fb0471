//! `nexora message`.

use clap::Subcommand;

use crate::cli::out::{Out, ago, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Page};
use crate::ops::report::message;
use nexora_core::base::Result;
use nexora_core::model::MessageId;
use nexora_core::model::principal::Noun;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// List a tenant's messages to and from contacts, latest first
    #[command(after_help = "Example:\n  nexora message list --tenant acme --limit 20")]
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Show a message
    #[command(after_help = "Example:\n  nexora message show msg_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: MessageId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { .. } | Command::Show { .. } => Need::read(Noun::Message),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    match command {
        Command::List { page: Page { limit } } => {
            let messages = context.app.view(&tenant, move |tx| store::message::list(tx, limit)).await?;
            out.list(&["when", "by", "class", "to", "subject", "id"], &messages, |message| {
                vec![
                    ago(message.sent_at),
                    message.author.to_string(),
                    maybe(message.class.as_ref()),
                    message.recipient.clone(),
                    message.subject.clone(),
                    message.id.to_string(),
                ]
            })
        }
        Command::Show { id } => {
            let message = message::find(&context.app, &tenant, &id).await?;
            let lines = [
                ("by", message.author.to_string()),
                ("class", maybe(message.class.as_ref())),
                ("from", message.sender.clone()),
                ("to", message.recipient.clone()),
                ("subject", message.subject.clone()),
                ("sent", message.sent_at.to_string()),
                ("run", maybe(message.run_id.as_ref())),
                ("effect", maybe(message.effect_id.as_ref())),
                ("text", format!("\n\n{}", message.body.trim())),
                ("id", message.id.to_string()),
            ];
            out.item(&message, &lines)
        }
    }
}
