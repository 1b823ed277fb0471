//! `nexora user`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::base::secret::Secret;
use crate::base::{Error, Result};
use crate::cli::Context;
use crate::cli::out::{Out, ago};
use crate::model::address::EmailAddress;
use crate::model::user::{Role, UserState};
use crate::ops::user::{self, Grant, UserView};

#[derive(Subcommand)]
pub enum Command {
    /// Make a user, or give one a role in a further tenant
    #[command(after_help = "Example:\n  nexora user create jo@acme.com --tenant acme --role owner")]
    Create {
        email: EmailAddress,
        #[arg(long)]
        name: Option<String>,
        /// What they may do in the tenant: owner, admin, member, technician or viewer
        #[arg(long, default_value = "viewer", conflicts_with = "operator")]
        role: Role,
        /// Let them do everything for every tenant
        #[arg(long)]
        operator: bool,
    },
    /// List users: all of them, or those of `--tenant`
    #[command(after_help = "Example:\n  nexora user list --tenant acme")]
    List,
    /// Show a user
    #[command(after_help = "Example:\n  nexora user show jo@acme.com")]
    Show { email: EmailAddress },
    /// Keep a user from signing in
    #[command(after_help = "Example:\n  nexora user disable jo@acme.com")]
    Disable { email: EmailAddress },
    /// Let a user sign in again
    #[command(after_help = "Example:\n  nexora user enable jo@acme.com")]
    Enable { email: EmailAddress },
    /// Set a user's password, asked for or read from a file
    #[command(after_help = "Example:\n  nexora user set-password jo@acme.com --from-file password.txt")]
    SetPassword {
        email: EmailAddress,
        /// File whose first line is the password; `-` for standard input
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
    },
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::Create { email, name, role, operator } => {
            let grant = match operator {
                true => Grant::Operator,
                false => Grant::Member(Box::new(context.tenant().await?), role),
            };
            show(&user::create(app, actor, email, name, grant).await?, out)
        }
        Command::List => {
            let tenant = match context.global.tenant {
                Some(_) => Some(context.tenant().await?),
                None => None,
            };
            let users = user::list(app, tenant.as_ref()).await?;
            out.list(&["email", "name", "state", "may"], &users, |view| {
                vec![
                    view.user.email.to_string(),
                    view.user.name.clone(),
                    view.user.state.to_string(),
                    may(view),
                ]
            })
        }
        Command::Show { email } => show(&user::find(app, &email).await?, out),
        Command::Disable { email } => {
            show(&user::set_state(app, actor, &email, UserState::Disabled).await?, out)
        }
        Command::Enable { email } => {
            show(&user::set_state(app, actor, &email, UserState::Active).await?, out)
        }
        Command::SetPassword { email, from_file } => {
            let password = read_secret("New password: ", from_file.as_deref(), context.global.no_input)?;
            user::set_password(app, actor, &email, &password).await?;
            out.note(&format!("the password of `{email}` is set"));
            Ok(())
        }
    }
}

fn may(view: &UserView) -> String {
    let operator = view.user.operator.then(|| "operator".to_owned());
    let roles =
        view.memberships.iter().map(|membership| format!("{} of {}", membership.role, membership.tenant));
    operator.into_iter().chain(roles).collect::<Vec<_>>().join(", ")
}

fn show(view: &UserView, out: &Out) -> Result<()> {
    let lines = [
        ("email", view.user.email.to_string()),
        ("name", view.user.name.clone()),
        ("state", view.user.state.to_string()),
        ("may", may(view)),
        ("password", if view.has_password { "set" } else { "not set" }.to_owned()),
        ("created", ago(view.user.created_at)),
        ("id", view.user.id.to_string()),
    ];
    out.item(view, &lines)
}

/// Reads a secret from a file, standard input, or the terminal; never from an argument.
///
/// # Errors
/// `Usage` when the file cannot be read or is empty; `Declined` when nobody can be asked.
pub fn read_secret(prompt: &str, file: Option<&std::path::Path>, no_input: bool) -> Result<Secret> {
    let text = match file {
        Some(path) if path.as_os_str() == "-" => std::io::read_to_string(std::io::stdin())
            .map_err(|error| Error::usage("standard input cannot be read").source(error))?,
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Error::usage(format!("cannot read `{}`", path.display())).source(error))?,
        None if no_input => {
            return Err(Error::new(crate::base::Kind::Declined, "nobody can be asked for a secret")
                .hint("give it by file"));
        }
        None => rpassword::prompt_password(prompt).map_err(|error| {
            Error::usage("the secret cannot be asked for").source(error).hint("give it by file")
        })?,
    };
    let secret = text.lines().next().unwrap_or_default();
    if secret.is_empty() {
        return Err(Error::usage("the secret is empty"));
    }
    Ok(Secret::new(secret))
}
