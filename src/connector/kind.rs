//! What a connector says about itself. The rest of the program asks here, and never by a connector's
//! name: docs/ADDING.md has the recipe for another one.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::declared::{self, Declared, Wrong};
use crate::port::Connector;
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{Abilities, Connection, WhenInDoubt};
use nexora_core::model::connector::{ConnectionKind, KindFacts, Kinds};
use nexora_core::model::effect::EffectKind;
use nexora_core::model::google::GoogleEndpoints;

/// One connector. Everything that depends on which one a connection uses is one of these answers.
pub trait ConnectorKind: Sync {
    fn facts(&self) -> &'static KindFacts;

    /// Says how a connection is added.
    fn added(&self) -> Added;

    /// Returns the flag by which its credential is given, where an operator gives one.
    fn secret_flag(&self) -> Option<&'static str> {
        let Added::ByForm(form) = self.added() else { return None };
        form.secret().map(|secret| secret.flag)
    }

    /// Returns the mail address, or the address on the web, that a connection stands for.
    ///
    /// # Errors
    /// `Internal` when the stored settings cannot be read.
    fn account(&self, connection: &Connection) -> Result<String>;

    /// Names a connection to the business's owner, who has never seen a command.
    fn title(&self, name: &str) -> String;

    /// Returns what an operator is shown of a connection besides what all have: name and value.
    ///
    /// # Errors
    /// `Internal` when the stored settings cannot be read.
    fn details(
        &self,
        connection: &Connection,
        environment: &Environment,
    ) -> Result<Vec<(&'static str, String)>>;

    /// Returns what a connection may read and do, where that is granted to it.
    ///
    /// # Errors
    /// `Internal` when the stored settings cannot be read.
    fn abilities(&self, _connection: &Connection) -> Result<Abilities> {
        Ok(Abilities::new())
    }

    /// Says what happens to an effect that may or may not have taken place. Asked only where the
    /// connector has no `Reconcile`.
    ///
    /// # Errors
    /// `Internal` when the stored settings cannot be read.
    fn in_doubt(&self, _connection: &Connection) -> Result<WhenInDoubt> {
        Ok(WhenInDoubt::Hold)
    }

    /// Returns the settings of a connection as text has them: without secrets, and without what is only true of its
    /// credential.
    ///
    /// # Errors
    /// `Internal` when the stored settings cannot be read.
    fn written(&self, connection: &Connection) -> Result<Map<String, Value>> {
        declared::shown(&connection.settings)
    }

    /// Reads settings that `written` returned, or that were written by hand.
    ///
    /// # Errors
    /// All that is wrong with them.
    fn declared(&self, settings: &Map<String, Value>) -> Result<Declared, Wrong> {
        match self.added() {
            Added::ByForm(form) => declared::by_form(form, settings),
            Added::ByAuthorization => {
                let kind = &self.facts().kind;
                Err(vec![(None, Error::usage(format!("a connection to {kind} cannot be described by text")))])
            }
        }
    }

    /// Returns the end of the command that gives a connection the credential that it lacks.
    fn credential_command(&self, connection: &Connection) -> String {
        let Connection { name, kind, .. } = connection;
        match (self.secret_flag(), self.added()) {
            (Some(flag), _) => format!("connection set {name} --{flag} FILE"),
            // Its secret is made when it is created.
            (None, Added::ByForm(_)) => format!("connection create {kind}"),
            (None, Added::ByAuthorization) => format!("connection authorize {name}"),
        }
    }

    /// Returns what makes connections ready for use. It holds whatever they share, such as an HTTP client.
    fn opener(&self, environment: &Environment) -> Opener;

    /// Says where an effect goes while the tenant rehearses.
    fn rehearsed(&self, effect: EffectKind) -> Rehearsed;

    /// Returns the connection, and the credential, that a rehearsing tenant has in place of its own.
    ///
    /// # Errors
    /// `Internal` when the stored settings cannot be read.
    fn in_sandbox(
        &self,
        connection: &Connection,
        sandbox: &SandboxAccess,
    ) -> Result<(Connection, Option<Secret>)>;
}

/// Makes a connection ready for use, with its opened credential.
pub type Opener = Box<dyn Fn(&Connection, Option<Secret>) -> Result<Connector> + Send + Sync>;

/// Returns the credential that a connector cannot do without.
///
/// # Errors
/// `Denied` when the connection has none.
pub fn needed_credential(connection: &Connection, credential: Option<Secret>) -> Result<Secret> {
    let Connection { name, kind, .. } = connection;
    credential.ok_or_else(|| {
        Error::denied(format!("connection `{name}` has no credential"))
            .hint(format!("delete it and create it again with `nexora connection create {kind}`"))
    })
}

/// What the process gives to every connector.
#[derive(Clone)]
pub struct Environment {
    pub clock: Clock,
    /// How long a provider may take for an answer.
    pub timeout: Duration,
    /// How long a mail relay may take to answer to a mail that it has been handed.
    pub answer_timeout: Duration,
    pub google: GoogleEndpoints,
    /// Mail relays may be in this machine's own network.
    pub allow_private_relays: bool,
}

/// What a rehearsal has in place of the providers.
#[derive(Clone)]
pub struct SandboxAccess {
    pub relay: SocketAddr,
    /// The key file of a service account that the sandbox's Google knows.
    pub google_key: Secret,
}

/// Where an effect of a rehearsing tenant goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    Sandbox,
    /// To the real account, since it only asks there.
    RealAccount,
    /// Nowhere: the sandbox lacks what is to be changed, so the change is taken as done.
    Nowhere,
}

/// How a connection is added.
pub enum Added {
    /// By values that the command line reads.
    ByForm(&'static Form),
    /// By a person's authorization in a browser, or by the key of a service account.
    ByAuthorization,
}

/// What has to be known to add a connection.
pub struct Form {
    /// What the command does, as the first line of its help.
    pub about: &'static str,
    pub example: &'static str,
    pub fields: &'static [Field],
    pub prepare: Prepare,
}

/// The credential of a form, as its field describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretField {
    pub flag: &'static str,
    pub prompt: &'static str,
    /// The value with which it goes together.
    pub with: &'static str,
    /// The names, in the settings, of the values that say to whom it is sent.
    pub sent_to: &'static [&'static str],
}

impl Form {
    pub fn secret(&self) -> Option<SecretField> {
        self.fields.iter().find_map(|field| match field.input {
            Input::Secret { prompt, with, sent_to } => {
                Some(SecretField { flag: field.flag, prompt, with, sent_to })
            }
            Input::Needed(_)
            | Input::Optional(_)
            | Input::WithDefault(..)
            | Input::Switch { .. }
            | Input::File => None,
        })
    }

    /// Tells whether among these settings is one that only an operator may turn on.
    pub fn is_for_operators(&self, settings: &Map<String, Value>) -> bool {
        self.fields.iter().any(|field| {
            matches!(field.input, Input::Switch { operators_only: true })
                && settings.get(&field.key()) == Some(&Value::Bool(true))
        })
    }
}

/// Makes a new connection of a form's values and the secret, or says what makes no sense about them.
pub type Prepare = fn(Map<String, Value>, Option<Secret>) -> Result<NewConnection>;

/// One value of a form.
pub struct Field {
    pub flag: &'static str,
    pub input: Input,
    pub help: Option<&'static str>,
    key: Option<&'static str>,
    value_name: Option<&'static str>,
}

/// How a value is given.
pub enum Input {
    Needed(Parse),
    Optional(Parse),
    WithDefault(&'static str, Parse),
    Switch {
        /// Only an operator may set it.
        operators_only: bool,
    },
    /// The text of a file.
    File,
    /// The credential: from a file, or asked for when the field called `with` is given.
    Secret {
        prompt: &'static str,
        with: &'static str,
        /// The names, in the settings, of the values that say to whom it is sent: a user who changes one of them has to
        /// know it.
        sent_to: &'static [&'static str],
    },
}

/// Reads a value as it goes into the settings.
pub type Parse = fn(&str) -> Result<Value>;

impl Field {
    pub const fn new(flag: &'static str, input: Input) -> Field {
        Field { flag, input, help: None, key: None, value_name: None }
    }

    pub const fn needed<T: FromStr<Err: Display> + Serialize>(flag: &'static str) -> Field {
        Field::new(flag, Input::Needed(parse::<T>))
    }

    pub const fn optional<T: FromStr<Err: Display> + Serialize>(flag: &'static str) -> Field {
        Field::new(flag, Input::Optional(parse::<T>))
    }

    pub const fn with_default<T: FromStr<Err: Display> + Serialize>(
        flag: &'static str,
        default: &'static str,
    ) -> Field {
        Field::new(flag, Input::WithDefault(default, parse::<T>))
    }

    #[must_use]
    pub const fn help(self, help: &'static str) -> Field {
        Field { help: Some(help), ..self }
    }

    /// Sets the name that it has in the settings, where that is not the flag's.
    #[must_use]
    pub const fn stored_as(self, key: &'static str) -> Field {
        Field { key: Some(key), ..self }
    }

    /// Sets what stands for the value in the help, where that is not the flag in capitals.
    #[must_use]
    pub const fn shown_as(self, value_name: &'static str) -> Field {
        Field { value_name: Some(value_name), ..self }
    }

    pub fn key(&self) -> String {
        self.key.map_or_else(|| self.flag.replace('-', "_"), str::to_owned)
    }

    pub fn value_name(&self) -> String {
        self.value_name.map_or_else(|| self.flag.replace('-', "_").to_uppercase(), str::to_owned)
    }
}

fn parse<T: FromStr<Err: Display> + Serialize>(text: &str) -> Result<Value> {
    let value: T = text.parse().map_err(|error: T::Err| Error::usage(error.to_string()))?;
    Json::of(&value)?.read()
}

/// Reads a form's values as a connector's settings.
///
/// # Errors
/// `Usage` when one is missing or of another type.
pub fn settings<T: serde::de::DeserializeOwned>(values: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(values))
        .map_err(|error| Error::usage("the settings are not those of the connector").source(error))
}

/// A connection that is to be added.
#[derive(Clone, Debug)]
pub struct NewConnection {
    pub kind: ConnectionKind,
    pub settings: Json,
    pub credential: Option<Secret>,
    /// The sentence with which the credential is shown, once, after it was made here.
    pub shown_with: Option<&'static str>,
}

/// The connectors of a program.
#[derive(Clone)]
pub struct Connectors {
    kinds: Arc<[&'static dyn ConnectorKind]>,
    facts: Kinds,
}

impl Connectors {
    pub fn new(kinds: impl IntoIterator<Item = &'static dyn ConnectorKind>) -> Connectors {
        let kinds: Arc<[&'static dyn ConnectorKind]> = kinds.into_iter().collect();
        let facts = Kinds::new(kinds.iter().map(|kind| kind.facts()));
        Connectors { kinds, facts }
    }

    pub fn iter(&self) -> impl Iterator<Item = &'static dyn ConnectorKind> {
        self.kinds.iter().copied()
    }

    /// Returns what decisions have to know of the connectors.
    pub fn facts(&self) -> &Kinds {
        &self.facts
    }

    /// Returns the connector that a connection uses.
    ///
    /// # Errors
    /// `Config` when this program does not have it.
    pub fn of(&self, connection: &Connection) -> Result<&'static dyn ConnectorKind> {
        self.iter().find(|kind| kind.facts().kind == connection.kind).ok_or_else(|| {
            Error::config(format!("this program has no connector `{}`", connection.kind))
                .hint(format!("its connectors are: {}", self.facts.names().join(", ")))
        })
    }

    /// Returns the address that a connection stands for, or its name where that is unknown.
    pub fn account(&self, connection: &Connection) -> String {
        let account = self.of(connection).and_then(|kind| kind.account(connection));
        account.unwrap_or_else(|_| connection.name.clone())
    }

    /// Returns how many deliveries a connection may have under way.
    pub fn parallel(&self, connection: &Connection) -> usize {
        self.of(connection).map_or(1, |kind| kind.facts().parallel)
    }

    /// Names a connection to the business's owner.
    pub fn title(&self, connection: &Connection) -> String {
        let name = &connection.name;
        self.of(connection).map_or_else(|_| format!("Connection “{name}”"), |kind| kind.title(name))
    }

    /// Returns what a connection may read and do; nothing where that cannot be told.
    pub fn abilities(&self, connection: &Connection) -> Abilities {
        self.of(connection).and_then(|kind| kind.abilities(connection)).unwrap_or_default()
    }
}
