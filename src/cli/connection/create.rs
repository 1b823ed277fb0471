//! `nexora connection create`: its commands and their arguments are those of the connectors' forms. A Google
//! account is connected by authorization instead.

use std::path::PathBuf;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, Subcommand};
use serde_json::{Map, Value};

use crate::app::App;
use crate::app::registry;
use crate::cli::authorization::{Ways, ask};
use crate::cli::out::Out;
use crate::cli::{Context, input};
use crate::ops::automation;
use crate::ops::connection;
use crate::ops::connection::authorization;
use nexora_connector::kind::{Added, ConnectorKind, Field, Form, Input};
use nexora_core::base::Result;
use nexora_core::base::secret::Secret;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{Abilities, Ability, Connection};
use nexora_core::model::tenant::Tenant;
use nexora_google::authorization::AuthorizationRequest;
use nexora_google::kind::by_service_account;

/// What a connection is created by.
pub enum Create {
    Form { form: &'static Form, given: ArgMatches },
    Google(Google),
}

/// Connect a Google mailbox: its owner consents in a browser, or a service account acts for it
#[derive(Args)]
#[command(after_help = "Examples:
  nexora connection create google --tenant acme --client client_secret.json
  nexora connection create google --tenant acme --subject office@acme.com --for lead-capture
  nexora connection create google --tenant acme --service-account key.json --subject office@acme.com")]
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
    scopes: ScopeArgs,
}

/// What is asked for, and how.
#[derive(Args)]
pub struct ScopeArgs {
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

impl ScopeArgs {
    /// Returns what is asked for; `None` when nothing was said.
    pub fn wanted(&self, app: &App) -> Result<Option<Abilities>> {
        if !self.automations.is_empty() {
            return automation::abilities(app, &self.automations).map(Some);
        }
        let exact: Abilities = self.abilities.iter().copied().collect();
        Ok(Some(exact).filter(|exact| !exact.is_empty()))
    }

    /// Has a person authorize the abilities; returns what was asked for and the code that came back.
    pub async fn ask(
        &self,
        context: &Context,
        abilities: Abilities,
        account: Option<&EmailAddress>,
        out: &Out,
    ) -> Result<(Arc<AuthorizationRequest>, Secret)> {
        let app = &context.app;
        let client = authorization::client(app, self.client.as_deref())?;
        let begin = |redirect: &str| authorization::begin(app, client, abilities, account, redirect);
        let ways = Ways { port: self.port, no_input: context.global.no_input };
        ask(ways, out, begin).await
    }
}

impl Create {
    /// Creates the connection; returns with it what is to be shown once.
    pub async fn run(
        self,
        context: &Context,
        tenant: &Tenant,
        out: &Out,
    ) -> Result<(Connection, Option<String>)> {
        match self {
            Create::Form { form, given } => by_form(context, tenant, form, &given).await,
            Create::Google(google) => Ok((google.add(context, tenant, out).await?, None)),
        }
    }

    /// Tells whether only an operator may give these arguments.
    pub fn needs_operator(&self) -> bool {
        match self {
            Create::Form { form, given } => form.fields.iter().any(|field| match field.input {
                Input::Switch { operators_only } => operators_only && given.get_flag(field.flag),
                Input::Needed(_)
                | Input::Optional(_)
                | Input::WithDefault(..)
                | Input::File
                | Input::Secret { .. } => false,
            }),
            Create::Google(_) => false,
        }
    }
}

async fn by_form(
    context: &Context,
    tenant: &Tenant,
    form: &Form,
    given: &ArgMatches,
) -> Result<(Connection, Option<String>)> {
    let mut values = Map::new();
    let mut secret = None;
    for field in form.fields {
        let flag = field.flag;
        let value = match &field.input {
            Input::Needed(_) | Input::Optional(_) | Input::WithDefault(..) => {
                given.get_one::<Value>(flag).cloned().unwrap_or_default()
            }
            Input::Switch { .. } => Value::Bool(given.get_flag(flag)),
            Input::File => {
                let file = given.get_one::<PathBuf>(flag);
                file.map(|file| input::text(file)).transpose()?.map(Value::String).unwrap_or_default()
            }
            Input::Secret { prompt, with, .. } => {
                let file = given.get_one::<PathBuf>(flag).map(PathBuf::as_path);
                if file.is_some() || given.get_one::<Value>(with).is_some() {
                    secret = Some(input::secret(prompt, file, context.global.no_input)?);
                }
                continue;
            }
        };
        values.insert(field.key(), value);
    }
    let new = (form.prepare)(values, secret)?;
    let reveal = new.shown_with.zip(new.credential.as_ref());
    let reveal = reveal.map(|(sentence, secret)| format!("\n{sentence}\n  {}", secret.expose()));
    let name = given.get_one::<String>(NAME).cloned().unwrap_or_default();
    Ok((connection::add(&context.app, &context.actor, tenant, &name, new).await?, reveal))
}

impl Google {
    async fn add(self, context: &Context, tenant: &Tenant, out: &Out) -> Result<Connection> {
        let (app, actor) = (&context.app, &context.actor);
        let Google { name, service_account, subject, scopes } = self;
        let abilities = scopes.wanted(app)?.unwrap_or_else(Ability::usual);
        if let (Some(file), Some(subject)) = (&service_account, &subject) {
            let new = by_service_account(subject.clone(), Secret::new(input::text(file)?), abilities)?;
            return connection::add(app, actor, tenant, &name, new).await;
        }
        authorization::check_free(app, tenant, &name).await?;
        let (asked, code) = scopes.ask(context, abilities, subject.as_ref(), out).await?;
        authorization::add_user(app, actor, tenant, &name, subject.as_ref(), (&asked, code)).await
    }
}

/// The argument that every connection has.
const NAME: &str = "name";

impl Subcommand for Create {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        registry::connectors().iter().fold(command, |command, kind| command.subcommand(command_of(kind)))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Create::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        registry::connectors().iter().any(|kind| word(kind) == name)
    }
}

impl FromArgMatches for Create {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Create, clap::Error> {
        let missing = || clap::Error::new(ErrorKind::MissingSubcommand);
        let (name, given) = matches.subcommand().ok_or_else(missing)?;
        let kind = registry::connectors().iter().find(|kind| word(*kind) == name).ok_or_else(missing)?;
        match kind.added() {
            Added::ByForm(form) => Ok(Create::Form { form, given: given.clone() }),
            Added::ByAuthorization => Google::from_arg_matches(given).map(Create::Google),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Create::from_arg_matches(matches)?;
        Ok(())
    }
}

fn word(kind: &'static dyn ConnectorKind) -> &'static str {
    kind.facts().kind.name()
}

fn command_of(kind: &'static dyn ConnectorKind) -> clap::Command {
    let command = clap::Command::new(word(kind));
    match kind.added() {
        Added::ByAuthorization => Google::augment_args(command),
        Added::ByForm(form) => {
            let name = Arg::new(NAME).long(NAME).value_name("NAME").default_value(word(kind));
            let command = command.about(form.about).after_help(form.example).arg(name);
            form.fields.iter().fold(command, |command, field| command.arg(argument(field)))
        }
    }
}

fn argument(field: &'static Field) -> Arg {
    let argument = Arg::new(field.flag).long(field.flag).help(field.help);
    match &field.input {
        Input::Switch { .. } => return argument.action(ArgAction::SetTrue),
        Input::Needed(parse) => argument.required(true).value_parser(*parse),
        Input::Optional(parse) => argument.value_parser(*parse),
        Input::WithDefault(default, parse) => argument.default_value(*default).value_parser(*parse),
        Input::File | Input::Secret { .. } => argument.value_parser(clap::value_parser!(PathBuf)),
    }
    .value_name(field.value_name())
}
