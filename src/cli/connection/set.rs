//! `nexora connection set`: its arguments are those of all connectors' forms, of which a connection has its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use serde_json::{Map, Value};

use crate::app::registry;
use crate::cli::out::Out;
use crate::cli::{Context, input, undo};
use crate::ops::connection;
use crate::ops::connection::authorization;
use crate::ops::connection::settings::{self, Change};
use nexora_connector::kind::{Added, Field, Input};
use nexora_core::base::secret::Secret;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::tenant::Tenant;

const NAME: &str = "name";
const KEY_FILE: &str = "key-file";
const NO_TEST: &str = "no-test";

/// What is changed of a connection.
pub struct Set(ArgMatches);

impl Set {
    /// Tells whether only an operator may give these arguments.
    pub fn needs_operator(&self) -> bool {
        fields().any(|field| match field.input {
            Input::Switch { operators_only } => operators_only && self.0.get_one(field.flag) == Some(&true),
            Input::Needed(_)
            | Input::Optional(_)
            | Input::WithDefault(..)
            | Input::File
            | Input::Secret { .. } => false,
        })
    }

    /// Changes the connection; says what goes out now that waited for it. Returns what it was and is.
    pub async fn run(
        self,
        context: &Context,
        tenant: &Tenant,
        out: &Out,
    ) -> Result<(Connection, Connection)> {
        let (app, actor) = (&context.app, &context.actor);
        let name = self.0.get_one::<String>(NAME).cloned().unwrap_or_default();
        let before = connection::find(app, tenant, &name).await?;
        if let Some(file) = self.0.get_one::<PathBuf>(KEY_FILE) {
            let key = Secret::new(input::text(file)?);
            let (_, known) = authorization::find_google(app, tenant, &name).await?;
            let after = authorization::extend(app, actor, tenant, &name, known.abilities, Some(key)).await?;
            return Ok((before, after));
        }
        let change = self.change(context, tenant, &name).await?;
        let changed = settings::set(app, actor, tenant, &name, change).await?;
        if changed.woken > 0 {
            let effects = count(changed.woken, "effect that waited is", "effects that waited are");
            out.note(&format!("{effects} due now"));
        }
        if changed.connection.state == ConnectionState::Paused {
            out.note(&format!(
                "it is paused still: run `nexora connection resume {name} --tenant {}`",
                tenant.slug
            ));
        }
        Ok((before, changed.connection))
    }

    async fn change(&self, context: &Context, tenant: &Tenant, name: &str) -> Result<Change> {
        let mut values = Map::new();
        let mut credential = None;
        for field in fields() {
            let flag = field.flag;
            let value = match &field.input {
                Input::Needed(_) | Input::Optional(_) | Input::WithDefault(..) => {
                    self.0.get_one::<Value>(flag).cloned()
                }
                Input::Switch { .. } => self.0.get_one::<bool>(flag).map(|is_on| Value::Bool(*is_on)),
                Input::File => {
                    self.0.get_one::<PathBuf>(flag).map(|file| file_text(file.as_path())).transpose()?
                }
                Input::Secret { prompt, .. } => {
                    if let Some(file) = self.0.get_one::<PathBuf>(flag) {
                        credential = Some(input::secret(prompt, Some(file), true)?);
                    }
                    None
                }
            };
            values.extend(value.map(|value| (field.key(), value)));
        }
        if credential.is_none() {
            credential = self.asked(context, tenant, (name, &values)).await?;
        }
        Ok(Change { values, credential, untested: self.0.get_flag(NO_TEST) })
    }

    /// Asks for a password where nothing else is given, or where there is none yet for an account that is.
    async fn asked(
        &self,
        context: &Context,
        tenant: &Tenant,
        (name, values): (&str, &Map<String, Value>),
    ) -> Result<Option<Secret>> {
        let found = connection::find(&context.app, tenant, name).await?;
        let Added::ByForm(form) = context.app.connectors().of(&found)?.added() else { return Ok(None) };
        let Some(secret) = form.secret() else {
            return match values.is_empty() {
                true => Err(Error::usage("nothing is to be changed")
                    .hint("run `nexora connection set --help` for what can be")),
                false => Ok(None),
            };
        };
        let is_first = found.sealed.is_none() && values.get(secret.with).is_some_and(|with| !with.is_null());
        match values.is_empty() || is_first {
            true if values.is_empty() && found.sealed.is_none() => {
                Err(Error::usage(format!("connection `{name}` has no password")).hint(format!(
                    "give `--{}`, or run `nexora connection show {name} --tenant {}`",
                    secret.with, tenant.slug
                )))
            }
            true => input::secret(secret.prompt, None, context.global.no_input).map(Some),
            false => Ok(None),
        }
    }
}

/// Names the command that takes a change back, as far as one can: what is secret was replaced for good.
pub fn say_undo(before: &Connection, after: &Connection, tenant: &Tenant, out: &Out) -> Result<()> {
    let (was, is): (Map<String, Value>, Map<String, Value>) =
        (before.settings.read()?, after.settings.read()?);
    let (options, is_whole) = undo::options(fields(), &was, &is);
    if !options.is_empty() {
        let (name, slug) = (undo::quoted(&before.name), &tenant.slug);
        out.undo(&format!("nexora connection set {name} {} --tenant {slug}", options.join(" ")));
    }
    if !is_whole || before.sealed != after.sealed && before.sealed.is_some() {
        out.note(
            "a password, key or certificate that was replaced is not kept: give the old one to have it back",
        );
    }
    Ok(())
}

/// Takes any path, and none: that takes the text away.
#[expect(clippy::unnecessary_wraps, reason = "a parser may fail")]
fn any_path(text: &str) -> Result<PathBuf> {
    Ok(PathBuf::from(text))
}

/// Reads a file's text; no file takes the text away.
fn file_text(file: &Path) -> Result<Value> {
    match file.as_os_str().is_empty() {
        true => Ok(Value::Null),
        false => input::text(file).map(Value::String),
    }
}

/// Returns the fields of all connectors, each flag once.
fn fields() -> impl Iterator<Item = &'static Field> {
    let mut seen = BTreeSet::new();
    let connectors = registry::connectors();
    let forms = connectors.iter().filter_map(|kind| match kind.added() {
        Added::ByForm(form) => Some(form),
        Added::ByAuthorization => None,
    });
    let forms: Vec<_> = forms.collect();
    forms.into_iter().flat_map(|form| form.fields).filter(move |field| seen.insert(field.flag))
}

impl Args for Set {
    fn augment_args(command: clap::Command) -> clap::Command {
        let command = command
            .arg(Arg::new(NAME).required(true).value_name("NAME"))
            .arg(
                Arg::new(KEY_FILE)
                    .long(KEY_FILE)
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("New JSON key of the service account that a Google connection is by"),
            )
            .arg(
                Arg::new(NO_TEST)
                    .long(NO_TEST)
                    .action(ArgAction::SetTrue)
                    .help("Store it without asking the provider"),
            );
        fields().fold(command, |command, field| command.arg(argument(field)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Set::augment_args(command)
    }
}

impl FromArgMatches for Set {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Set, clap::Error> {
        match matches.contains_id(NAME) {
            true => Ok(Set(matches.clone())),
            false => Err(clap::Error::new(ErrorKind::MissingRequiredArgument)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Set::from_arg_matches(matches)?;
        Ok(())
    }
}

fn argument(field: &'static Field) -> Arg {
    let argument = Arg::new(field.flag).long(field.flag).help(field.help).conflicts_with(KEY_FILE);
    match &field.input {
        Input::Switch { .. } => {
            return argument
                .value_name("BOOL")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_parser(clap::value_parser!(bool));
        }
        Input::Needed(parse) | Input::WithDefault(_, parse) => argument.value_parser(*parse),
        Input::Optional(parse) => {
            let parse = *parse;
            argument.value_parser(move |text: &str| match text.is_empty() {
                true => Ok(Value::Null),
                false => parse(text),
            })
        }
        Input::File => argument.value_parser(any_path),
        Input::Secret { .. } => argument.value_parser(clap::value_parser!(PathBuf)),
    }
    .value_name(field.value_name())
}
