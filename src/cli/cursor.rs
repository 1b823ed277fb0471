//! `nexora cursor`.

use clap::Subcommand;
use serde_json::json;

use crate::cli::Context;
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::ops::connection::cursor;
use nexora_core::base::Result;
use nexora_core::model::CursorId;
use nexora_core::model::principal::Noun;

#[derive(Subcommand)]
pub enum Command {
    /// List what is read for a tenant: mailboxes, calendars, sheets
    #[command(after_help = "Example:\n  nexora cursor list --tenant acme")]
    List,
    /// Read one now rather than when it is due
    #[command(after_help = "Example:\n  nexora cursor poll cursor_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Poll { id: CursorId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List => Need::read(Noun::Connection),
            Command::Poll { .. } => Need::of(cursor::POLL),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        Command::List => {
            let cursors = cursor::list(app, &tenant).await?;
            let headers =
                ["connection", "reads", "target", "last read", "last change", "next", "error", "id"];
            out.list(&headers, &cursors, |view| {
                let cursor = &view.cursor;
                vec![
                    view.connection.clone(),
                    cursor.kind.to_string(),
                    view.target(),
                    cursor.polled_at.map(|at| out.ago(at)).unwrap_or_default(),
                    cursor.changed_at.map(|at| out.ago(at)).unwrap_or_default(),
                    cursor.due_at.map(|at| out.ago(at)).unwrap_or_default(),
                    maybe(cursor.error.as_ref()),
                    cursor.id.to_string(),
                ]
            })
        }
        Command::Poll { id } => {
            cursor::poll(app, actor, &tenant, &id).await?;
            out.done(
                &json!({ "id": id, "due": true }),
                &format!("`{id}` is due now, and the daemon reads it"),
            )
        }
    }
}
