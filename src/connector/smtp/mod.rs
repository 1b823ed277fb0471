//! Mail relays: how a connection to one is described, added and opened. What is said to it is in `relay`.

mod probe;
pub mod relay;

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::kind::{
    self, Added, ConnectorKind, Environment, Field, Form, Input, NewConnection, Opener, Rehearsed,
    SandboxAccess,
};
use crate::port::Connector;
use crate::smtp::relay::Relay;
use nexora_core::base::secret::Secret;
use nexora_core::base::text::{Json, define_plain_words};
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{Connection, WhenInDoubt};
use nexora_core::model::connector::{ConnectionKind, KindFacts};
use nexora_core::model::effect::EffectKind;

define_plain_words! {
    /// How an SMTP connection is encrypted.
    SmtpTls = "TLS mode" {
        /// Plain text: only for a relay on this machine or a trusted network.
        None = "none",
        /// Starts in plain text and must upgrade (RFC 3207); never falls back.
        StartTls = "starttls",
        /// Encrypted from the first byte (RFC 8314).
        Implicit = "implicit",
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SmtpSettings {
    pub host: String,
    pub port: u16,
    pub from: EmailAddress,
    pub tls: SmtpTls,
    pub username: Option<String>,
    /// A PEM certificate to trust besides the system's, for a relay with a private authority.
    pub ca_pem: Option<String>,
    pub when_in_doubt: WhenInDoubt,
    /// The password may be sent without TLS to another machine.
    #[serde(default)]
    pub password_in_clear: bool,
}

/// Tells whether a host is the machine itself by its very name.
fn is_this_machine(host: &str) -> bool {
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    literal.map_or(host.eq_ignore_ascii_case("localhost"), |address| address.to_canonical().is_loopback())
}

/// Makes a new connection to a relay.
///
/// # Errors
/// `Usage` when user name and password do not go together, or the certificate is none.
pub fn connection(settings: &SmtpSettings, password: Option<Secret>) -> Result<NewConnection> {
    if settings.username.is_some() != password.is_some() {
        return Err(Error::usage("a user name and a password go together")
            .hint("give both `--username` and `--password-file`, or neither"));
    }
    if settings.tls == SmtpTls::None
        && password.is_some()
        && !settings.password_in_clear
        && !is_this_machine(&settings.host)
    {
        return Err(Error::usage("without TLS the password would cross the network in the clear").hint(
            "use `--tls starttls` or `--tls implicit`; `--password-in-clear` if the network is your own",
        ));
    }
    if let Some(pem) = &settings.ca_pem
        && !pem.contains("BEGIN CERTIFICATE")
    {
        return Err(Error::usage("the CA file is not a PEM certificate"));
    }
    let settings = Json::of(settings)?;
    Ok(NewConnection { kind: FACTS.kind.clone(), settings, credential: password, shown_with: None })
}

/// Mail relays.
pub struct SmtpKind;

static FACTS: KindFacts = KindFacts {
    kind: ConnectionKind::new("smtp"),
    carries: &[EffectKind::SendMail],
    is_mailbox: false,
    parallel: 8,
    has_abilities: false,
};

static FORM: Form = Form {
    about: "Connect a mail relay",
    example: "Example:
  nexora connection create smtp --tenant acme --host smtp.example.com --port 587 --tls starttls \\
      --from office@acme.com --username office@acme.com --password-file password.txt",
    fields: &[
        Field::needed::<String>("host"),
        Field::with_default::<u16>("port", "587"),
        Field::needed::<EmailAddress>("from").shown_as("ADDR").help("Address that mails come from"),
        Field::with_default::<SmtpTls>("tls", "starttls").help("none, starttls or implicit"),
        Field::optional::<String>("username"),
        Field::new(
            "password-file",
            Input::Secret { prompt: "Password: ", with: "username", sent_to: &["host", "port", "ca_pem"] },
        )
        .shown_as("FILE")
        .help("File whose first line is the password; `-` for standard input"),
        Field::new("ca-file", Input::File)
            .stored_as("ca_pem")
            .shown_as("FILE")
            .help("PEM certificate to trust besides the system's"),
        Field::with_default::<WhenInDoubt>("when-in-doubt", "resend")
            .help("What to do with a mail the relay may or may not have taken: resend or hold"),
        Field::new("password-in-clear", Input::Switch { operators_only: true })
            .help("Send the password without TLS to another machine: only in a network of your own"),
    ],
    prepare: |values, password| connection(&kind::settings(values)?, password),
};

impl ConnectorKind for SmtpKind {
    fn facts(&self) -> &'static KindFacts {
        &FACTS
    }

    fn added(&self) -> Added {
        Added::ByForm(&FORM)
    }

    fn account(&self, connection: &Connection) -> Result<String> {
        let settings: SmtpSettings = connection.settings.read()?;
        Ok(settings.from.to_string())
    }

    fn title(&self, name: &str) -> String {
        format!("Mail server “{name}”")
    }

    fn details(&self, connection: &Connection, _: &Environment) -> Result<Vec<(&'static str, String)>> {
        let settings: SmtpSettings = connection.settings.read()?;
        Ok(vec![
            ("host", settings.host),
            ("port", settings.port.to_string()),
            ("from", settings.from.to_string()),
            ("tls", settings.tls.to_string()),
            ("username", settings.username.unwrap_or_default()),
        ])
    }

    fn in_doubt(&self, connection: &Connection) -> Result<WhenInDoubt> {
        let settings: SmtpSettings = connection.settings.read()?;
        Ok(settings.when_in_doubt)
    }

    fn opener(&self, environment: &Environment) -> Opener {
        let (deadline, answer_deadline) = (environment.timeout, environment.answer_timeout);
        let allow_private = environment.allow_private_relays;
        Box::new(move |connection, password| {
            let settings = connection.settings.read()?;
            Ok(Connector::new(&Arc::new(Relay {
                settings,
                password,
                deadline,
                answer_deadline,
                allow_private,
            })))
        })
    }

    fn rehearsed(&self, _: EffectKind) -> Rehearsed {
        Rehearsed::Sandbox
    }

    fn in_sandbox(
        &self,
        connection: &Connection,
        sandbox: &SandboxAccess,
    ) -> Result<(Connection, Option<Secret>)> {
        let own: SmtpSettings = connection.settings.read()?;
        let settings = SmtpSettings {
            host: sandbox.relay.ip().to_string(),
            port: sandbox.relay.port(),
            tls: SmtpTls::None,
            username: None,
            ca_pem: None,
            ..own
        };
        Ok((Connection { settings: Json::of(&settings)?, ..connection.clone() }, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(host: &str, tls: SmtpTls, password_in_clear: bool) -> Result<NewConnection> {
        let settings = SmtpSettings {
            host: host.into(),
            port: 25,
            from: "office@acme.example.com".parse().unwrap(),
            tls,
            username: Some("office".into()),
            ca_pem: None,
            when_in_doubt: WhenInDoubt::Resend,
            password_in_clear,
        };
        connection(&settings, Some(Secret::new("s3cret")))
    }

    #[test]
    fn a_password_crosses_a_network_without_tls_only_where_that_is_said() {
        assert!(connect("smtp.example.com", SmtpTls::None, false).is_err());
        assert!(connect("10.0.0.5", SmtpTls::None, false).is_err());
        assert!(connect("localhost.example.com", SmtpTls::None, false).is_err());
        assert!(connect("10.0.0.5", SmtpTls::None, true).is_ok());
        assert!(connect("smtp.example.com", SmtpTls::StartTls, false).is_ok());
        for own in ["localhost", "127.0.0.1", "::1"] {
            assert!(connect(own, SmtpTls::None, false).is_ok());
        }
    }
}
