//! `nexora connection`.

mod create;
mod set;

use std::path::PathBuf;

use clap::Subcommand;
pub use create::Create;
use serde_json::json;
pub use set::Set;

use crate::app::App;
use crate::cli::connection::create::ScopeArgs;
use crate::cli::follow;
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, input, undo};
use crate::ops::LIST_LIMIT;
use crate::ops::connection;
use crate::ops::connection::{authorization, removal};
use crate::ops::lead::lead_mail::{self, Change};
use nexora_core::base::secret::Secret;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{Abilities, Connection, Purpose};
use nexora_core::model::google::GoogleAuth;
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::lead_format::mail::{Form, Rules};
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// Create a connection
    #[command(subcommand, alias = "add")]
    Create(Create),
    /// List a tenant's connections
    #[command(after_help = "Example:\n  nexora connection list --tenant acme")]
    List {
        /// Of every tenant
        #[arg(long)]
        all_tenants: bool,
    },
    /// Show a connection
    #[command(after_help = "Example:\n  nexora connection show smtp --tenant acme")]
    Show { name: String },
    /// Ask the provider whether it accepts the credential, without sending anything
    #[command(after_help = "Example:\n  nexora connection test google --tenant acme")]
    Test { name: String },
    /// Pause a connection: what is to go through it waits
    #[command(after_help = "Example:\n  nexora connection pause smtp --tenant acme")]
    Pause { name: String },
    /// Resume a connection: what waited goes out
    #[command(after_help = "Example:\n  nexora connection resume smtp --tenant acme")]
    Resume { name: String },
    /// Change what a connection is made of: its password, host or address; what waited goes out
    #[command(after_help = "Examples:
  nexora connection set smtp --password-file password.txt --tenant acme
  nexora connection set smtp --host smtp.example.com --port 465 --tls implicit --tenant acme
  nexora connection set crm --url https://crm.example.com/hooks/nexora --tenant acme

What is left out stays as it is; an empty value takes one away that may be. The provider is asked first.")]
    Set(Box<Set>),
    /// Choose a connection for mails to customers, for alerts to the business, or for both
    #[command(after_help = "Examples:
  nexora connection default office --tenant acme
  nexora connection default relay --for alerts --tenant acme
  nexora connection default relay --for alerts --unset --tenant acme

Where none is chosen, a mailbox is for customers and a mail relay for alerts, the oldest first.")]
    Default {
        name: String,
        /// What it is for: customers or alerts; both when left out
        #[arg(long = "for", value_name = "PURPOSE", value_delimiter = ',')]
        purposes: Vec<Purpose>,
        /// Choose it no longer
        #[arg(long)]
        unset: bool,
    },
    /// Consent again, after access was lost or for more permissions; what waited goes out
    #[command(after_help = "Examples:
  nexora connection authorize google --tenant acme
  nexora connection authorize google --tenant acme --for lead-capture
  nexora connection authorize google --tenant acme --service-account new-key.json
  ssh -L 4711:127.0.0.1:4711 HOST nexora connection authorize google --port 4711 --no-input")]
    Authorize {
        name: String,
        /// New JSON key file of the connection's service account
        #[arg(long, value_name = "FILE", conflicts_with_all = ["client", "port"])]
        service_account: Option<PathBuf>,
        #[command(flatten)]
        scopes: ScopeArgs,
    },
    /// Show or change by which mails of a mailbox leads come in; marketplaces are known already
    #[command(after_help = "Examples:
  nexora connection lead-mail google --tenant acme
  nexora connection lead-mail google --tenant acme --add-form forms@acme.com --subject \"New enquiry\"
  nexora connection lead-mail google --tenant acme --remove-form forms@acme.com")]
    LeadMail {
        name: String,
        /// Mails from this address or domain are those of a form on a web site
        #[arg(long, value_name = "FROM")]
        add_form: Option<String>,
        /// Only those whose subject holds this
        #[arg(long, value_name = "TEXT", requires = "add_form")]
        subject: Option<String>,
        #[arg(long, value_name = "FROM")]
        remove_form: Vec<String>,
        /// Believe marketplaces for which the mailbox's server does not vouch
        #[arg(long, value_name = "BOOL")]
        trust_unsigned: Option<bool>,
    },
    /// Revoke the access at Google, forget the credential and pause the connection
    #[command(after_help = "Example:\n  nexora connection revoke google --tenant acme --yes")]
    Revoke { name: String },
    /// Delete a connection; what waits for it can go through another
    #[command(
        alias = "remove",
        after_help = "Examples:
  nexora connection delete smtp --tenant acme --yes
  nexora connection delete smtp --move-to relay --tenant acme --yes

What went through it stays on record."
    )]
    Delete {
        name: String,
        /// Connection that carries what waits
        #[arg(long, value_name = "NAME")]
        move_to: Option<String>,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { all_tenants: true } => Need::Operator,
            Command::List { .. } | Command::Show { .. } => Need::read(Noun::Connection),
            Command::Create(create) if create.needs_operator() => Need::Operator,
            Command::Create(_) => Need::of(connection::ADD),
            // It notes what the provider answers, and has a connection that failed go on.
            Command::Test { .. } | Command::Resume { .. } => Need::of(connection::RESUME),
            Command::Pause { .. } => Need::of(connection::PAUSE),
            Command::Set(set) if set.needs_operator() => Need::Operator,
            Command::Set(_) => Need::of(connection::SET),
            Command::Default { .. } => Need::of(connection::CHOOSE),
            Command::Authorize { .. } => Need::of(authorization::AUTHORIZE),
            Command::LeadMail { .. } => Need::of(lead_mail::SET_RULES),
            Command::Revoke { .. } => Need::of(authorization::REVOKE),
            Command::Delete { .. } => Need::of(connection::REMOVE),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    if let Command::List { all_tenants } = command {
        return list(context, all_tenants, out).await;
    }
    let tenant = context.tenant().await?;
    match command {
        Command::Create(create) => {
            let (created, reveal) = create.run(context, &tenant, out).await?;
            show(app, &created, out)?;
            if let Some(reveal) = reveal {
                out.ask(&reveal);
            }
            Ok(())
        }
        Command::List { .. } => Err(Error::internal("connections are listed elsewhere")),
        Command::Show { name } => show(app, &connection::find(app, &tenant, &name).await?, out),
        Command::Test { name } => {
            let answer = connection::test(app, actor, &tenant, &name).await?;
            out.item(&json!({ "name": name, "ok": true, "answer": answer }), &[("ok", answer.clone())])
        }
        Command::Pause { name } => {
            show(app, &connection::pause(app, actor, &tenant, &name).await?, out)?;
            out.undo(&format!("nexora connection resume {name} --tenant {}", tenant.slug));
            Ok(())
        }
        Command::Resume { name } => {
            show(app, &connection::resume(app, actor, &tenant, &name).await?, out)?;
            out.undo(&format!("nexora connection pause {name} --tenant {}", tenant.slug));
            Ok(())
        }
        Command::Set(set) => {
            let (before, after) = set.run(context, &tenant, out).await?;
            show(app, &after, out)?;
            set::say_undo(&before, &after, &tenant, out)
        }
        Command::Default { name, purposes, unset } => {
            let purposes = if purposes.is_empty() { Purpose::ALL.to_vec() } else { purposes };
            let before = app.view(&tenant, |tx| store::connection::list(tx, LIST_LIMIT)).await?;
            let after = connection::choose(app, actor, &tenant, &name, purposes.clone(), !unset).await?;
            show(app, &after, out)?;
            for command in undo::choice(&before, &name, &after.id, &purposes, !unset) {
                out.undo(&format!("{command} --tenant {}", tenant.slug));
            }
            Ok(())
        }
        Command::Authorize { name, service_account, scopes } => {
            let key = service_account.as_deref().map(input::text).transpose()?.map(Secret::new);
            show(app, &authorize(context, &tenant, &name, key, &scopes, out).await?, out)
        }
        Command::LeadMail { name, add_form, subject, remove_form, trust_unsigned } => {
            let add: Vec<Form> = add_form.map(|from| Form { from, subject }).into_iter().collect();
            let is_question = add.is_empty() && remove_form.is_empty() && trust_unsigned.is_none();
            let change = Change { add, remove: remove_form, trust_unsigned };
            let rules = match is_question {
                true => lead_mail::rules(app, &tenant, &name).await?,
                false => lead_mail::set_rules(app, actor, &tenant, &name, change).await?,
            };
            show_rules(&rules, out)
        }
        Command::Revoke { name } => {
            out.confirm(&format!(
                "this revokes the access of connection `{name}` of tenant `{}`; what is to go through it waits",
                tenant.slug
            ))?;
            show(app, &authorization::revoke(app, actor, &tenant, &name).await?, out)
        }
        Command::Delete { name, move_to } => {
            out.confirm(&format!(
                "this deletes connection `{name}` of tenant `{}` and its credential",
                tenant.slug
            ))?;
            let removed = removal::remove(app, actor, &tenant, &name, move_to.as_deref()).await?;
            if removed.moved > 0 {
                let moved = count(removed.moved, "effect goes", "effects go");
                out.note(&format!("{moved} through `{}` now", move_to.unwrap_or_default()));
            }
            let words = match removed.deleted {
                true => format!("connection `{name}` is deleted"),
                false => format!("connection `{name}` is deleted, with its credential; its history is kept"),
            };
            out.done(&json!({ "name": name, "deleted": true, "moved": removed.moved }), &words)
        }
    }
}

async fn list(context: &Context, all_tenants: bool, out: &Out) -> Result<()> {
    let headers = ["name", "kind", "state", "default for", "last ok", "last error"];
    let row = |connection: &Connection| {
        vec![
            connection.name.clone(),
            connection.kind.to_string(),
            connection.state.to_string(),
            purposes(connection),
            connection.last_ok_at.map(|at| out.ago(at)).unwrap_or_default(),
            maybe(connection.last_error.as_ref()),
        ]
    };
    let app = &context.app;
    let fetch = async |tenant: Tenant| app.view(&tenant, |tx| store::connection::list(tx, LIST_LIMIT)).await;
    follow::everywhere(context, all_tenants, (&headers, &row), fetch, out).await
}

async fn authorize(
    context: &Context,
    tenant: &Tenant,
    name: &str,
    key: Option<Secret>,
    scopes: &ScopeArgs,
    out: &Out,
) -> Result<Connection> {
    let (app, actor) = (&context.app, &context.actor);
    let (_, known) = authorization::find_google(app, tenant, name).await?;
    // Authorizing again never takes away what the automations already rely on.
    let more = scopes.wanted(app)?.unwrap_or_default();
    let abilities: Abilities = known.abilities.union(&more).copied().collect();
    if key.is_some() || matches!(known.auth, GoogleAuth::ServiceAccount { .. }) {
        return authorization::extend(app, actor, tenant, name, abilities, key).await;
    }
    let (asked, code) = scopes.ask(context, abilities, Some(&known.subject), out).await?;
    authorization::authorize(app, actor, tenant, name, (&asked, code)).await
}

fn show(app: &App, connection: &Connection, out: &Out) -> Result<()> {
    let details = app.connectors().of(connection)?.details(connection, app.registry.environment())?;
    let ends_at = connection.authorization().and_then(|authorization| authorization.ends_at);
    let mut lines = vec![
        ("name", connection.name.clone()),
        ("kind", connection.kind.to_string()),
        ("state", connection.state.to_string()),
    ];
    lines.extend(details);
    lines.extend([
        ("default for", purposes(connection)),
        (
            "consent ends",
            ends_at.map(|at| format!("{} (the OAuth app is in testing)", out.ago(at))).unwrap_or_default(),
        ),
        ("last ok", connection.last_ok_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("last error", maybe(connection.last_error.as_ref())),
        ("id", connection.id.to_string()),
    ]);
    out.item(connection, &lines)
}

fn purposes(connection: &Connection) -> String {
    connection.purposes().iter().map(|purpose| purpose.name()).collect::<Vec<_>>().join(", ")
}

fn show_rules(rules: &Rules, out: &Out) -> Result<()> {
    let form = |form: &Form| match &form.subject {
        Some(subject) => format!("{} with \"{subject}\" in the subject", form.from),
        None => form.from.clone(),
    };
    let forms: Vec<String> = rules.forms.iter().map(form).collect();
    let unsigned = if rules.trust_unsigned { "are believed" } else { "are kept for review" };
    out.item(rules, &[("forms", forms.join(", ")), ("unsigned marketplaces", unsigned.to_owned())])
}
