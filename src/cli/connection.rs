//! `nexora connection`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::base::secret::Secret;
use crate::base::{Error, Result};
use crate::cli::Context;
use crate::cli::out::{Out, ago, maybe};
use crate::cli::user::read_secret;
use crate::model::address::EmailAddress;
use crate::model::connection::{Connection, SmtpSettings, SmtpTls, WhenInDoubt};
use crate::ops::connection;

#[derive(Subcommand)]
pub enum Command {
    /// Add a connection
    #[command(subcommand)]
    Add(Add),
    /// List a tenant's connections
    #[command(after_help = "Example:\n  nexora connection list --tenant acme")]
    List,
    /// Show a connection
    #[command(after_help = "Example:\n  nexora connection show smtp --tenant acme")]
    Show { name: String },
    /// Ask the provider whether the credential is good, without sending anything
    #[command(after_help = "Example:\n  nexora connection test google --tenant acme")]
    Test { name: String },
    /// Pause a connection: what is to go through it waits
    #[command(after_help = "Example:\n  nexora connection pause smtp --tenant acme")]
    Pause { name: String },
    /// Resume a connection: what waited goes out
    #[command(after_help = "Example:\n  nexora connection resume smtp --tenant acme")]
    Resume { name: String },
    /// Remove a connection that nothing was ever sent through
    #[command(after_help = "Example:\n  nexora connection remove smtp --tenant acme --yes")]
    Remove { name: String },
}

#[derive(Subcommand)]
pub enum Add {
    /// Add a mail relay
    #[command(after_help = "Example:
  nexora connection add smtp --tenant acme --host smtp.example.com --port 587 --tls starttls \\
      --from office@acme.com --username office@acme.com --password-file password.txt")]
    Smtp(Smtp),
    /// Add a Google Workspace mailbox, by a service account with domain-wide delegation
    #[command(after_help = "Example:
  nexora connection add google --tenant acme --service-account key.json --subject office@acme.com")]
    Google(Google),
}

#[derive(Args)]
pub struct Smtp {
    #[arg(long, default_value = "smtp")]
    name: String,
    #[arg(long)]
    host: String,
    #[arg(long, default_value_t = 587)]
    port: u16,
    /// Address that mails come from
    #[arg(long, value_name = "ADDR")]
    from: EmailAddress,
    /// none, starttls or implicit
    #[arg(long, default_value = "starttls")]
    tls: SmtpTls,
    #[arg(long)]
    username: Option<String>,
    /// File whose first line is the password; `-` for standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// PEM certificate to trust besides the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// What to do with a mail the relay may or may not have taken: resend or hold
    #[arg(long, default_value = "resend")]
    when_in_doubt: WhenInDoubt,
}

#[derive(Args)]
pub struct Google {
    #[arg(long, default_value = "google")]
    name: String,
    /// JSON key file of the service account
    #[arg(long, value_name = "FILE")]
    service_account: PathBuf,
    /// Mailbox in whose name everything is done
    #[arg(long, value_name = "EMAIL")]
    subject: EmailAddress,
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        Command::Add(Add::Smtp(arguments)) => {
            let password = match (&arguments.username, &arguments.password_file) {
                (None, None) => None,
                (_, file) => Some(read_secret("Password: ", file.as_deref(), context.global.no_input)?),
            };
            let settings = SmtpSettings {
                host: arguments.host,
                port: arguments.port,
                from: arguments.from,
                tls: arguments.tls,
                username: arguments.username,
                ca_pem: arguments.ca_file.as_deref().map(read_file).transpose()?,
                when_in_doubt: arguments.when_in_doubt,
            };
            show(&connection::add_smtp(app, actor, &tenant, &arguments.name, settings, password).await?, out)
        }
        Command::Add(Add::Google(arguments)) => {
            let key = Secret::new(read_file(&arguments.service_account)?);
            let added = connection::add_google(app, actor, &tenant, &arguments.name, arguments.subject, key, crate::model::connection::Ability::usual());
            show(&added.await?, out)
        }
        Command::List => {
            let connections = connection::list(app, &tenant).await?;
            out.list(&["name", "kind", "state", "last ok", "last error"], &connections, |connection| {
                vec![
                    connection.name.clone(),
                    connection.kind.to_string(),
                    connection.state.to_string(),
                    connection.last_ok_at.map(ago).unwrap_or_default(),
                    maybe(connection.last_error.as_ref()),
                ]
            })
        }
        Command::Show { name } => show(&connection::find(app, &tenant, &name).await?, out),
        Command::Test { name } => {
            let answer = connection::test(app, actor, &tenant, &name).await?;
            out.item(
                &serde_json::json!({ "name": name, "ok": true, "answer": answer }),
                &[("ok", answer.clone())],
            )
        }
        Command::Pause { name } => show(&connection::pause(app, actor, &tenant, &name).await?, out),
        Command::Resume { name } => show(&connection::resume(app, actor, &tenant, &name).await?, out),
        Command::Remove { name } => {
            out.confirm(&format!(
                "this removes connection `{name}` of tenant `{}` and its credential",
                tenant.slug
            ))?;
            connection::remove(app, actor, &tenant, &name).await?;
            out.note(&format!("connection `{name}` is removed"));
            Ok(())
        }
    }
}

fn read_file(path: &std::path::Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read `{}`", path.display())).source(error))
}

fn show(connection: &Connection, out: &Out) -> Result<()> {
    let settings = connection.settings.value();
    let setting = |name: &str| match settings.get(name) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let lines = [
        ("name", connection.name.clone()),
        ("kind", connection.kind.to_string()),
        ("state", connection.state.to_string()),
        ("host", setting("host")),
        ("port", setting("port")),
        ("from", setting("from")),
        ("tls", setting("tls")),
        ("username", setting("username")),
        ("subject", setting("subject")),
        ("service account", setting("service_account")),
        ("last ok", connection.last_ok_at.map(ago).unwrap_or_default()),
        ("last error", maybe(connection.last_error.as_ref())),
        ("id", connection.id.to_string()),
    ];
    out.item(connection, &lines)
}
