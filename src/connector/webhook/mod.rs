//! Programs that are told of events: how a connection to one is described, added and opened. The call
//! is in `receiver`, and where it may go in `address`.

mod address;
mod receiver;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::kind::{
    self, Added, ConnectorKind, Environment, Field, Form, Input, NewConnection, Opener, Rehearsed,
    SandboxAccess, needed_credential,
};
use crate::port::Connector;
use crate::webhook::receiver::Receiver;
use nexora_core::base::Result;
use nexora_core::base::secret::{Secret, random_bytes};
use nexora_core::base::text::Json;
use nexora_core::model::connection::{Connection, WhenInDoubt};
use nexora_core::model::connector::{ConnectionKind, KindFacts};
use nexora_core::model::effect::EffectKind;

/// How a secret begins (Standard Webhooks, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";

/// A program that is told of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    pub url: String,
    /// Whether it may be in a network that is not public, and unencrypted.
    #[serde(default)]
    pub allow_private: bool,
}

/// Makes a secret for a new receiver.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn new_secret() -> Result<Secret> {
    Ok(Secret::new(format!("{SECRET_PREFIX}{}", BASE64.encode(random_bytes::<24>()?))))
}

/// Makes a new receiver, and the secret by which it checks what it is told.
///
/// # Errors
/// `Usage` when the address cannot be told anything.
pub fn connection(settings: &WebhookSettings) -> Result<NewConnection> {
    address::check(settings)?;
    Ok(NewConnection {
        kind: FACTS.kind.clone(),
        settings: Json::of(settings)?,
        credential: Some(new_secret()?),
        shown_with: Some("The receiver checks with this secret, which is not shown again:"),
    })
}

/// Receivers of events.
pub struct WebhookKind;

static FACTS: KindFacts = KindFacts {
    kind: ConnectionKind::new("webhook"),
    carries: &[EffectKind::PostWebhook],
    is_mailbox: false,
    parallel: 32,
    has_abilities: false,
};

static FORM: Form = Form {
    about: "Connect a program that is told of events, and show the secret by which it checks them",
    example: "Example:
  nexora connection create webhook --tenant acme --name crm --url https://crm.example.com/hooks/nexora",
    fields: &[
        Field::needed::<String>("url").help("Where it listens"),
        // It would let a tenant reach the network that the machine is in.
        Field::new("allow-private", Input::Switch { operators_only: true })
            .help("Let it be in a network that is not public, and unencrypted"),
    ],
    prepare: |values, _| connection(&kind::settings(values)?),
};

impl ConnectorKind for WebhookKind {
    fn facts(&self) -> &'static KindFacts {
        &FACTS
    }

    fn added(&self) -> Added {
        Added::ByForm(&FORM)
    }

    fn account(&self, connection: &Connection) -> Result<String> {
        let settings: WebhookSettings = connection.settings.read()?;
        Ok(settings.url)
    }

    fn title(&self, name: &str) -> String {
        format!("Link “{name}” to another program")
    }

    fn details(&self, _: &Connection, _: &Environment) -> Result<Vec<(&'static str, String)>> {
        Ok(Vec::new())
    }

    /// The receiver knows a second copy by its id.
    fn in_doubt(&self, _: &Connection) -> Result<WhenInDoubt> {
        Ok(WhenInDoubt::Resend)
    }

    fn opener(&self, environment: &Environment) -> Opener {
        let Environment { clock, timeout, .. } = environment.clone();
        Box::new(move |connection, secret| {
            let secret = needed_credential(connection, secret)?;
            let receiver = Receiver::new(connection.settings.read()?, &secret, timeout, clock.clone())?;
            Ok(Connector::new(&Arc::new(receiver)))
        })
    }

    fn rehearsed(&self, _: EffectKind) -> Rehearsed {
        Rehearsed::Nowhere
    }

    /// Nothing is sent through it; it only has to be there.
    fn in_sandbox(
        &self,
        connection: &Connection,
        sandbox: &SandboxAccess,
    ) -> Result<(Connection, Option<Secret>)> {
        let settings = WebhookSettings { url: format!("http://{}/", sandbox.relay), allow_private: true };
        Ok((Connection { settings: Json::of(&settings)?, ..connection.clone() }, Some(new_secret()?)))
    }
}
