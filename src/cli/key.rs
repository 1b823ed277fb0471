//! `nexora key`.

use std::time::Duration;

use clap::Subcommand;

use crate::cli::Context;
use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::ops::LIST_LIMIT;
use crate::ops::access::key;
use nexora_core::base::Result;
use nexora_core::base::secret::Secret;
use nexora_core::base::wording::parse_length;
use nexora_core::model::principal::Noun;
use nexora_core::model::source::ApiKey;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// Create a key by which a program may tell of events; it is shown once
    #[command(after_help = "Examples:
  nexora key create crm --tenant acme
  nexora key create trial --expires-in 30d --tenant acme")]
    Create {
        name: String,
        /// After how long it ends, such as 30d
        #[arg(long, value_name = "TIME", value_parser = parse_length)]
        expires_in: Option<Duration>,
    },
    /// List a tenant's keys
    #[command(after_help = "Example:\n  nexora key list --tenant acme")]
    List,
    /// Revoke a key at once
    #[command(after_help = "Example:\n  nexora key revoke crm --tenant acme --yes")]
    Revoke { name: String },
    /// Replace a key by a new one
    #[command(after_help = "Example:\n  nexora key rotate crm --grace 1h --tenant acme")]
    Rotate {
        name: String,
        /// How long the old one stays active
        #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_length)]
        grace: Duration,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List => Need::read(Noun::Key),
            Command::Create { .. } => Need::of(key::CREATE),
            Command::Rotate { .. } => Need::of(key::ROTATE),
            Command::Revoke { .. } => Need::of(key::REVOKE),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        Command::Create { name, expires_in } => {
            let expires_at = expires_in.map(|after| app.clock.now() + after);
            let (made, secret) = key::create(app, actor, &tenant, &name, expires_at).await?;
            reveal(&made, &secret, out)
        }
        Command::List => {
            let keys = app.view(&tenant, move |tx| store::key::list(tx, LIST_LIMIT)).await?;
            let now = app.clock.now();
            out.list(&["name", "state", "created", "last used", "ends", "id"], &keys, |key| {
                let state = match (key.revoked_at, key.is_good(now)) {
                    (Some(_), _) => "revoked",
                    (None, true) => "active",
                    (None, false) => "ended",
                };
                vec![
                    key.name.clone(),
                    state.to_owned(),
                    out.ago(key.created_at),
                    key.last_used_at.map(|at| out.ago(at)).unwrap_or_default(),
                    key.expires_at.map(|at| out.ago(at)).unwrap_or_default(),
                    key.id.to_string(),
                ]
            })
        }
        Command::Revoke { name } => {
            out.confirm(&format!("this revokes key `{name}` of tenant `{}`", tenant.slug))?;
            let revoked = key::revoke(app, actor, &tenant, &name).await?;
            out.item(&revoked, &[("name", revoked.name.clone()), ("state", "revoked".to_owned())])
        }
        Command::Rotate { name, grace } => {
            let (made, secret) = key::rotate(app, actor, &tenant, &name, grace).await?;
            reveal(&made, &secret, out)
        }
    }
}

/// Shows a key, this once.
fn reveal(key: &ApiKey, secret: &Secret, out: &Out) -> Result<()> {
    let value = serde_json::json!({
        "name": key.name, "id": key.id, "key": secret.expose(), "expires_at": key.expires_at,
    });
    let lines = [
        ("name", key.name.clone()),
        ("key", secret.expose().to_owned()),
        ("ends", key.expires_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("id", key.id.to_string()),
    ];
    out.item(&value, &lines)?;
    out.note("\nThe key is not shown again.");
    Ok(())
}
