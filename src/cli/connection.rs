//! `nexora connection`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::app::App;
use crate::cli::consent::Ways;
use crate::cli::out::{Out, ago, maybe};
use crate::cli::{Context, input};
use crate::ops::lead_mail::{self, Change};
use crate::ops::{automation, connection, consent};
use nexora_core::base::Result;
use nexora_core::base::secret::Secret;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{
    Abilities, Ability, Connection, ConnectionSettings, GoogleMeans, SmtpSettings, SmtpTls, WebhookSettings,
    WhenInDoubt,
};
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead_format::mail::{Form, Rules};

#[derive(Subcommand)]
pub enum Command {
    /// Create a connection
    #[command(subcommand, alias = "add")]
    Create(Create),
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
        asking: Asking,
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
    /// Delete a connection that nothing was ever sent through
    #[command(alias = "remove", after_help = "Example:\n  nexora connection delete smtp --tenant acme --yes")]
    Delete { name: String },
}

#[derive(Subcommand)]
pub enum Create {
    /// Connect a mail relay
    #[command(after_help = "Example:
  nexora connection create smtp --tenant acme --host smtp.example.com --port 587 --tls starttls \\
      --from office@acme.com --username office@acme.com --password-file password.txt")]
    Smtp(Smtp),
    /// Connect a Google mailbox: its owner consents in a browser, or a service account acts for it
    #[command(after_help = "Examples:
  nexora connection create google --tenant acme --client client_secret.json
  nexora connection create google --tenant acme --subject office@acme.com --for lead-capture
  nexora connection create google --tenant acme --service-account key.json --subject office@acme.com")]
    Google(Google),
    /// Connect a program that is told of events, and show the secret by which it checks them
    #[command(
        after_help = "Example:\n  nexora connection create webhook --tenant acme --name crm --url https://crm.example.com/hooks/nexora"
    )]
    Webhook {
        #[arg(long, default_value = "webhook")]
        name: String,
        /// Where it listens
        #[arg(long)]
        url: String,
        /// Let it be in a network that is not public, and unencrypted
        #[arg(long)]
        allow_private: bool,
    },
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
    /// JSON key file of a service account with domain-wide delegation; without it, a person consents
    #[arg(long, value_name = "FILE", requires = "subject", conflicts_with_all = ["client", "port"])]
    service_account: Option<PathBuf>,
    /// Mailbox in whose name everything is done
    #[arg(long, value_name = "EMAIL")]
    subject: Option<EmailAddress>,
    #[command(flatten)]
    asking: Asking,
}

/// What is asked for, and how.
#[derive(Args)]
pub struct Asking {
    /// Ask for what this automation needs, and no more; may be repeated
    #[arg(long = "for", value_name = "AUTOMATION", value_delimiter = ',', conflicts_with = "abilities")]
    automations: Vec<String>,
    /// Ask for exactly this: mail.send, mail.read, mail.label, calendar, sheets, sheets.watch; several with commas
    #[arg(long = "ability", value_name = "ABILITY", value_delimiter = ',')]
    abilities: Vec<Ability>,
    /// JSON of the OAuth client, of type Desktop app; `google.client_file` when left out
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// Port of this machine that the browser is sent back to; any that is free when left out
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
}

impl Asking {
    /// Returns what is asked for; `None` when nothing was said.
    fn wanted(&self, app: &App) -> Result<Option<Abilities>> {
        if !self.automations.is_empty() {
            return automation::abilities(app, &self.automations).map(Some);
        }
        let exact: Abilities = self.abilities.iter().copied().collect();
        Ok(Some(exact).filter(|exact| !exact.is_empty()))
    }

    fn ways(&self, context: &Context) -> Ways {
        Ways { port: self.port, no_input: context.global.no_input }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        Command::Create(Create::Smtp(arguments)) => {
            let password = match (&arguments.username, &arguments.password_file) {
                (None, None) => None,
                (_, file) => Some(input::secret("Password: ", file.as_deref(), context.global.no_input)?),
            };
            let settings = SmtpSettings {
                host: arguments.host,
                port: arguments.port,
                from: arguments.from,
                tls: arguments.tls,
                username: arguments.username,
                ca_pem: arguments.ca_file.as_deref().map(input::text).transpose()?,
                when_in_doubt: arguments.when_in_doubt,
            };
            show(
                app,
                &connection::add_smtp(app, actor, &tenant, &arguments.name, settings, password).await?,
                out,
            )
        }
        Command::Create(Create::Webhook { name, url, allow_private }) => {
            let settings = WebhookSettings { url, allow_private };
            let (added, secret) = connection::add_webhook(app, actor, &tenant, &name, settings).await?;
            show(app, &added, out)?;
            out.ask(&format!(
                "\nThe receiver checks with this secret, which is not shown again:\n  {}",
                secret.expose()
            ));
            Ok(())
        }
        Command::Create(Create::Google(arguments)) => {
            show(app, &add_google(context, &tenant, arguments, out).await?, out)
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
        Command::Show { name } => show(app, &connection::find(app, &tenant, &name).await?, out),
        Command::Test { name } => {
            let answer = connection::test(app, actor, &tenant, &name).await?;
            out.item(
                &serde_json::json!({ "name": name, "ok": true, "answer": answer }),
                &[("ok", answer.clone())],
            )
        }
        Command::Pause { name } => show(app, &connection::pause(app, actor, &tenant, &name).await?, out),
        Command::Resume { name } => show(app, &connection::resume(app, actor, &tenant, &name).await?, out),
        Command::Authorize { name, service_account, asking } => {
            let key = service_account.as_deref().map(input::text).transpose()?.map(Secret::new);
            show(app, &authorize(context, &tenant, &name, key, &asking, out).await?, out)
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
            show(app, &consent::revoke(app, actor, &tenant, &name).await?, out)
        }
        Command::Delete { name } => {
            out.confirm(&format!(
                "this deletes connection `{name}` of tenant `{}` and its credential",
                tenant.slug
            ))?;
            connection::remove(app, actor, &tenant, &name).await?;
            out.note(&format!("connection `{name}` is deleted"));
            Ok(())
        }
    }
}

async fn add_google(context: &Context, tenant: &Tenant, arguments: Google, out: &Out) -> Result<Connection> {
    let (app, actor) = (&context.app, &context.actor);
    let Google { name, service_account, subject, asking } = arguments;
    let abilities = asking.wanted(app)?.unwrap_or_else(Ability::usual);
    if let (Some(file), Some(subject)) = (&service_account, &subject) {
        let key = Secret::new(input::text(file)?);
        return connection::add_google(app, actor, tenant, &name, subject.clone(), key, abilities).await;
    }
    consent::check_free(app, tenant, &name).await?;
    let client = consent::client(app, asking.client.as_deref())?;
    let begin = |redirect: &str| consent::begin(app, client, abilities, subject.as_ref(), redirect);
    let (asked, code) = crate::cli::consent::ask(asking.ways(context), out, begin).await?;
    consent::add_user(app, actor, tenant, &name, subject.as_ref(), (&asked, code)).await
}

async fn authorize(
    context: &Context,
    tenant: &Tenant,
    name: &str,
    key: Option<Secret>,
    asking: &Asking,
    out: &Out,
) -> Result<Connection> {
    let (app, actor) = (&context.app, &context.actor);
    let (_, known) = consent::find_google(app, tenant, name).await?;
    // Consenting again never takes away what the automations already rely on.
    let more = asking.wanted(app)?.unwrap_or_default();
    let abilities: Abilities = known.abilities.union(&more).copied().collect();
    if key.is_some() || matches!(known.means, GoogleMeans::ServiceAccount { .. }) {
        return consent::extend(app, actor, tenant, name, abilities, key).await;
    }
    let client = consent::client(app, asking.client.as_deref())?;
    let begin = |redirect: &str| consent::begin(app, client, abilities, Some(&known.subject), redirect);
    let (asked, code) = crate::cli::consent::ask(asking.ways(context), out, begin).await?;
    consent::authorize(app, actor, tenant, name, (&asked, code)).await
}

fn show(app: &App, connection: &Connection, out: &Out) -> Result<()> {
    let settings = connection.settings.value();
    let setting = |name: &str| match settings.get(name) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let google = google_lines(app, connection)?;
    let lines = [
        ("name", connection.name.clone()),
        ("kind", connection.kind.to_string()),
        ("state", connection.state.to_string()),
        ("host", setting("host")),
        ("port", setting("port")),
        ("from", setting("from")),
        ("tls", setting("tls")),
        ("username", setting("username")),
        ("mailbox", setting("subject")),
        ("signs in", google.signs_in),
        ("may", google.may),
        ("consent ends", google.ends),
        ("quota", google.quota),
        ("last ok", connection.last_ok_at.map(ago).unwrap_or_default()),
        ("last error", maybe(connection.last_error.as_ref())),
        ("id", connection.id.to_string()),
    ];
    out.item(connection, &lines)
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

/// What is shown of a Google connection only; empty for others.
#[derive(Default)]
struct GoogleLines {
    signs_in: String,
    may: String,
    ends: String,
    quota: String,
}

fn google_lines(app: &App, connection: &Connection) -> Result<GoogleLines> {
    let ConnectionSettings::Google(settings) = connection.typed()? else {
        return Ok(GoogleLines::default());
    };
    let (signs_in, ends) = match &settings.means {
        GoogleMeans::ServiceAccount { service_account } => {
            (format!("by service account {service_account}"), String::new())
        }
        GoogleMeans::User { client_id, consent_ends_at } => {
            let ends = consent_ends_at.map(|at| format!("{} (the OAuth app is in testing)", ago(at)));
            (format!("by consent to OAuth client {client_id}"), ends.unwrap_or_default())
        }
    };
    let quota = app.config.google.quota();
    let quota = format!(
        "a minute: Gmail {} units, Calendar {} calls, Sheets {} reads and {} writes",
        quota.gmail.user, quota.calendar.user, quota.sheets_reads.user, quota.sheets_writes.user
    );
    Ok(GoogleLines { signs_in, may: Ability::in_words(&settings.abilities), ends, quota })
}
