//! `nexora user`.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::cli::{Context, input, totp};
use crate::ops::access::password_link::{self, Handover, Invited, MadeLink};
use crate::ops::access::sign_in::{self, Standing};
use crate::ops::access::user::{self, Grant, UserView};
use nexora_core::base::Result;
use nexora_core::base::text::Json;
use nexora_core::model::address::{EmailAddress, Slug};
use nexora_core::model::principal::{Noun, Principal};
use nexora_core::model::user::{Role, UserState};

#[derive(Subcommand)]
pub enum Command {
    /// Create a user, or give one a role in a further tenant
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
    /// Invite a user: create them, or give one a further membership, and mail a link by which they choose a password
    #[command(after_help = "Examples:
  nexora user invite jo@acme.com --tenant acme --role owner
  nexora user invite jo@acme.com --tenant acme --print-link

The link works once, for 72 hours. A mail goes by the relay of `[alerts]`, or else by a connection of the tenant; where there is
neither, the link is printed. Whoever has not come is invited anew, and the link from before ends.")]
    Invite {
        email: EmailAddress,
        #[arg(long)]
        name: Option<String>,
        /// What they may do in the tenant: owner, admin, member, technician or viewer
        #[arg(long, default_value = "viewer", conflicts_with = "operator")]
        role: Role,
        /// Let them do everything for every tenant
        #[arg(long)]
        operator: bool,
        /// Print the link, to be handed over, and send no mail
        #[arg(long)]
        print_link: bool,
    },
    /// Mail a user a link by which they set another password
    #[command(after_help = "Examples:
  nexora user reset-link jo@acme.com
  nexora user reset-link jo@acme.com --print-link

The link works once, for 24 hours; until then the present password works, too.")]
    ResetLink {
        email: EmailAddress,
        /// Print the link, to be handed over, and send no mail
        #[arg(long)]
        print_link: bool,
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
    /// Let a user who failed too often try to sign in again at once
    #[command(after_help = "Example:\n  nexora user unlock jo@acme.com")]
    Unlock { email: EmailAddress },
    /// Give a member of a tenant another role
    #[command(after_help = "Example:\n  nexora user set-role jo@acme.com admin --tenant acme")]
    SetRole {
        email: EmailAddress,
        /// owner, admin, member, technician or viewer; see `nexora role list`
        role: Role,
    },
    /// Delete a user, for good: out of every tenant and every session; what they did stays in the audit trail
    #[command(
        after_help = "Example:\n  nexora user delete jo@acme.com --yes\n\nThe last owner of a tenant is not deleted or taken out: make another one first."
    )]
    Delete { email: EmailAddress },
    /// Take a member out of a tenant
    #[command(after_help = "Example:\n  nexora user remove jo@acme.com --tenant acme")]
    Remove { email: EmailAddress },
    /// Manage two-step sign-in
    #[command(subcommand)]
    Totp(totp::Command),
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self, names_tenant: bool) -> Need {
        match self {
            Command::List => Need::read_one_or_all(names_tenant, Noun::User),
            Command::Create { operator: false, email, role, .. } => {
                Need::Member(user::CREATE, email.clone(), Some(*role))
            }
            Command::Invite { operator: false, email, role, .. } => {
                Need::Member(password_link::INVITE, email.clone(), Some(*role))
            }
            Command::SetRole { email, role } => Need::Member(user::SET_ROLE, email.clone(), Some(*role)),
            Command::Remove { email } => Need::Member(user::REMOVE, email.clone(), None),
            // A user may belong to several tenants.
            Command::Create { .. }
            | Command::Invite { .. }
            | Command::ResetLink { .. }
            | Command::Show { .. }
            | Command::Disable { .. }
            | Command::Enable { .. }
            | Command::SetPassword { .. }
            | Command::Unlock { .. }
            | Command::Delete { .. }
            | Command::Totp(_) => Need::Operator,
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::Create { email, name, role, operator } => {
            let grant = granted(context, operator, role).await?;
            show(context, user::create(app, actor, email, name, grant).await?, out)
        }
        Command::Invite { email, name, role, operator, print_link } => {
            let grant = granted(context, operator, role).await?;
            let invited =
                password_link::invite(app, actor, (email, name), grant, handover(print_link)).await?;
            let invited = Invited { user: seen(context, invited.user), ..invited };
            let mut lines = lines(&invited.user, out).to_vec();
            match &invited.link {
                Some(link) => lines.extend(link_lines(link, out)),
                None => out.note("they have a password already, and sign in with it"),
            }
            out.item(&invited, &lines)?;
            invited.link.iter().for_each(|link| say_why(link, out));
            Ok(())
        }
        Command::ResetLink { email, print_link } => {
            let link = password_link::reset(app, actor, &email, handover(print_link)).await?;
            let mut lines = vec![("email", link.email.to_string())];
            lines.extend(link_lines(&link, out));
            out.item(&link, &lines)?;
            say_why(&link, out);
            Ok(())
        }
        Command::List => {
            let tenant = match context.global.tenant {
                Some(_) => Some(context.tenant().await?),
                None => None,
            };
            let users: Vec<UserView> =
                user::list(app, tenant.as_ref()).await?.into_iter().map(|view| seen(context, view)).collect();
            out.list(&["email", "name", "state", "may"], &users, |view| {
                vec![
                    view.user.email.to_string(),
                    view.user.name.clone(),
                    view.user.state.to_string(),
                    may(view),
                ]
            })
        }
        Command::Show { email } => detail(context, user::find(app, &email).await?, out).await,
        Command::Disable { email } => {
            show(context, user::set_state(app, actor, &email, UserState::Disabled).await?, out)?;
            out.undo(&format!("nexora user enable {email}"));
            Ok(())
        }
        Command::Enable { email } => {
            show(context, user::set_state(app, actor, &email, UserState::Active).await?, out)?;
            out.undo(&format!("nexora user disable {email}"));
            Ok(())
        }
        Command::SetPassword { email, from_file } => {
            let password = input::secret("New password: ", from_file.as_deref(), context.global.no_input)?;
            user::set_password(app, actor, &email, &password).await?;
            out.done(
                &json!({ "email": email, "password": "set" }),
                &format!("the password of `{email}` is set"),
            )
        }
        Command::Unlock { email } => {
            sign_in::unlock(app, actor, &email).await?;
            out.done(&json!({ "email": email, "locked": false }), &format!("`{email}` may sign in again"))
        }
        Command::SetRole { email, role } => {
            let tenant = context.tenant().await?;
            show(context, user::set_role(app, actor, &tenant, &email, role).await?, out)
        }
        Command::Delete { email } => {
            let found = user::find(app, &email).await?;
            let (name, may) = (&found.user.email, may(&found));
            let what = if may.is_empty() { String::new() } else { format!(" ({may})") };
            out.confirm(&format!("this deletes user `{name}`{what} for good"))?;
            user::delete(app, actor, &email).await?;
            out.done(&json!({ "email": email, "deleted": true }), &format!("`{email}` is deleted"))
        }
        Command::Remove { email } => {
            let tenant = context.tenant().await?;
            show(context, user::remove(app, actor, &tenant, &email).await?, out)
        }
        Command::Totp(command) => totp::run(context, command, out).await,
    }
}

async fn granted(context: &Context, is_operator: bool, role: Role) -> Result<Grant> {
    match is_operator {
        true => Ok(Grant::Operator),
        false => Ok(Grant::Member(Box::new(context.tenant().await?), role)),
    }
}

fn handover(is_printed: bool) -> Handover {
    if is_printed { Handover::Print } else { Handover::Mail }
}

fn link_lines(link: &MadeLink, out: &Out) -> Vec<(&'static str, String)> {
    let mailed = if link.is_mailed { "by mail" } else { "" };
    vec![
        ("link", link.link.clone().unwrap_or_else(|| mailed.to_owned())),
        ("link ends", out.moment(link.expires_at)),
    ]
}

/// Says why a link has to be handed over.
fn say_why(link: &MadeLink, out: &Out) {
    let Some(reason) = &link.reason else { return };
    out.note(&format!("the link could not be mailed, so hand it over yourself: {reason}"));
    if let Some(hint) = &link.hint {
        out.note(&format!("hint: {hint}"));
    }
}

fn may(view: &UserView) -> String {
    let operator = view.user.operator.then(|| "operator".to_owned());
    let roles =
        view.memberships.iter().map(|membership| format!("{} of {}", membership.role, membership.tenant));
    operator.into_iter().chain(roles).collect::<Vec<_>>().join(", ")
}

fn show(context: &Context, view: UserView, out: &Out) -> Result<()> {
    let view = seen(context, view);
    out.item(&view, &lines(&view, out))
}

/// Leaves out what the acting user may not see: in which other tenants a user is.
fn seen(context: &Context, mut view: UserView) -> UserView {
    if let Some(Principal::Member { .. } | Principal::Link { .. }) = context.principal {
        let slug = context.global.tenant.as_ref().map(Slug::as_str);
        view.memberships.retain(|membership| Some(membership.tenant.as_str()) == slug);
    }
    view
}

fn lines(view: &UserView, out: &Out) -> [(&'static str, String); 7] {
    [
        ("email", view.user.email.to_string()),
        ("name", view.user.name.clone()),
        ("state", view.user.state.to_string()),
        ("may", may(view)),
        ("password", if view.has_password { "set" } else { "not set" }.to_owned()),
        ("created", out.moment(view.user.created_at)),
        ("id", view.user.id.to_string()),
    ]
}

/// A user with how they stand with signing in.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    view: UserView,
    sign_in: Standing,
}

async fn detail(context: &Context, view: UserView, out: &Out) -> Result<()> {
    let standing = sign_in::standing(&context.app, &view.user).await?;
    let totp = match standing.has_totp {
        true => format!("on, {} recovery codes left", standing.recovery_codes_left),
        false => "off".to_owned(),
    };
    let locked = match (standing.locked_until, standing.known_locked_until) {
        (Some(until), _) => Some((until, standing.failures, "")),
        (None, Some(until)) => Some((until, standing.known_failures, "in browsers that signed in before, ")),
        (None, None) => None,
    };
    let locked = locked.map(|(until, failures, who)| {
        let ends = out.ago(until);
        format!("{who}after {failures} failures; ends {ends}, or by `nexora user unlock {}`", view.user.email)
    });
    let mut shown = lines(&view, out).to_vec();
    let signed_in = standing.last_sign_in_at.map_or_else(|| "never".to_owned(), |at| out.moment(at));
    let more =
        [("two-step sign-in", totp), ("last sign-in", signed_in), ("locked", locked.unwrap_or_default())];
    let link = standing.link_ends_at.map(|ends| format!("one to set a password by ends {}", out.ago(ends)));
    shown.push(("link", link.unwrap_or_default()));
    shown.splice(5..5, more);
    let rows = standing.events.iter().map(|event| {
        let after = event.after.as_ref().map(Json::value).unwrap_or_default();
        let text =
            |name: &str| after.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        vec![out.ago(event.at), event.action.clone(), text("how"), text("address")]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    out.item(&Detail { view, sign_in: standing }, &shown)?;
    out.section("Sign-ins", &["when", "what", "how", "from"], rows)
}
