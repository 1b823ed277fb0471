//! `nexora session`.

use clap::Subcommand;
use serde_json::json;

use crate::cli::Context;
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::ops::access::session::{self, SessionView};
use nexora_core::base::Result;
use nexora_core::base::wording::count;
use nexora_core::model::SessionId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::principal::Noun;

#[derive(Subcommand)]
pub enum Command {
    /// List who is signed in to the status page: everywhere, or to `--tenant`
    #[command(after_help = "Example:\n  nexora session list --tenant acme")]
    List,
    /// End sessions: one, those of a user, or all
    #[command(after_help = "Examples:
  nexora session revoke session_01k5b3v6zr9m8q2x4t7w0c1d2e
  nexora session revoke --user jo@acme.com
  nexora session revoke --all --yes")]
    Revoke {
        #[arg(required_unless_present_any = ["user", "all"], conflicts_with_all = ["user", "all"])]
        id: Option<SessionId>,
        /// Those of this user
        #[arg(long, value_name = "EMAIL", conflicts_with = "all")]
        user: Option<EmailAddress>,
        /// Every one there is, those of links too
        #[arg(long)]
        all: bool,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self, names_tenant: bool) -> Need {
        match self {
            Command::List => Need::read_one_or_all(names_tenant, Noun::Session),
            Command::Revoke { .. } => Need::Operator,
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::List => {
            let tenant = match context.global.tenant {
                Some(_) => Some(context.tenant().await?),
                None => None,
            };
            let sessions = session::list(app, tenant.as_ref()).await?;
            out.list(&["who", "began", "last seen", "ends", "from", "browser", "id"], &sessions, |session| {
                row(session, out)
            })
        }
        Command::Revoke { id: Some(id), .. } => {
            session::revoke(app, actor, &id).await?;
            out.done(&json!({ "id": id, "ended": 1 }), &format!("`{id}` has ended"))
        }
        Command::Revoke { user: Some(email), .. } => {
            let ended = session::revoke_of_user(app, actor, &email).await?;
            let sessions = count(ended, "session", "sessions");
            out.done(&json!({ "user": email, "ended": ended }), &format!("{sessions} of `{email}` ended"))
        }
        Command::Revoke { .. } => {
            out.confirm("this signs out every user and every link")?;
            let ended = session::revoke_all(app, actor).await?;
            let sessions = count(ended, "session", "sessions");
            out.done(&json!({ "ended": ended }), &format!("{sessions} ended"))
        }
    }
}

fn row(view: &SessionView, out: &Out) -> Vec<String> {
    let who = match (&view.user, &view.tenant) {
        (Some(email), _) => email.to_string(),
        (None, Some(tenant)) => format!("a link of {tenant}"),
        (None, None) => String::new(),
    };
    let session = &view.session;
    vec![
        who,
        out.ago(session.created_at),
        out.ago(session.seen_at),
        out.ago(session.expires_at),
        session.address.clone(),
        session.agent.clone(),
        session.id.to_string(),
    ]
}
