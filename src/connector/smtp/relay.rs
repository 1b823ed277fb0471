//! Mail by SMTP (RFC 5321): plain, upgraded (RFC 3207) or encrypted from the start (RFC 8314).
//!
//! A relay cannot be asked whether it took a mail, so there is no `Reconcile`. The dialogue is
//! driven command by command to keep the doubt small: only a loss between the mail's last byte and
//! the relay's answer to it leaves the outcome unknown.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::message::Message;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::mail;
use crate::port::{Delivery, Perform};
use crate::public_address::resolve;
use crate::smtp::{SmtpSettings, SmtpTls};
use nexora_core::base::error::chain;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::outbound::{Content, MailContent, OutboundMessage};
use nexora_core::model::outcome::{Outcome, Receipt};
use nexora_core::model::request::EffectRequest;

/// One relay, with the account to use there.
pub struct Relay {
    pub settings: SmtpSettings,
    pub password: Option<Secret>,
    pub deadline: Duration,
    /// How long the relay may take to answer to a mail that it has been handed.
    pub answer_deadline: Duration,
    /// It may be in this machine's own network.
    pub allow_private: bool,
}

/// Replies that mean "not with this account" (RFC 4954, section 6).
const REFUSED_LOGINS: [u16; 4] = [530, 534, 535, 538];

const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

impl Relay {
    async fn send(&self, delivery: &Delivery, request: &MailContent) -> Result<String, Outcome> {
        let message = mail::write(delivery, request, &self.settings.from)
            .map_err(|error| Outcome::Refused { reason: error.report() })?;
        let mut relay = within(self.deadline, self.log_in()).await?;
        within(self.deadline, self.offer(&mut relay, &message)).await?;
        let body = message.formatted();
        // A relay may look long at a mail before it answers (RFC 5321, section 4.5.3.2.6). To give up early is to be in
        // doubt about a mail that is fine.
        let accepted = match timeout(self.answer_deadline, relay.message(&body)).await {
            Ok(Ok(response)) => response.first_line().map(str::to_owned),
            Ok(Err(error)) if error.status().is_some() => return Err(refusal(&error)),
            Ok(Err(error)) => return Err(in_doubt(&chain(&error))),
            Err(_) => return Err(in_doubt("no answer in time")),
        };
        // The mail is taken: whether the farewell gets through no longer matters.
        let _ = timeout(Duration::from_secs(2), relay.quit()).await;
        tracing::debug!(effect.id = %delivery.effect_id, response = accepted, "the relay took the mail");
        Ok(mail::message_id(delivery, &self.settings.from))
    }

    /// Connects, encrypts and logs in. Nothing here can send anything.
    pub(super) async fn log_in(&self) -> Result<AsyncSmtpConnection, Outcome> {
        let hello = self.hello();
        let tls = self.tls().map_err(|error| Outcome::Refused { reason: error.report() })?;
        let places = self.places().await?;
        let mut relay = match tls.clone().filter(|_| self.settings.tls == SmtpTls::Implicit) {
            Some(tls) => {
                let server = places.as_slice();
                AsyncSmtpConnection::connect_tokio1(server, Some(self.deadline), &hello, Some(tls), None)
                    .await
            }
            None => {
                let stream = connect(&places).await?;
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await
            }
        }
        .map_err(|error| refusal(&error))?;
        if let Some(tls) = tls.filter(|_| self.settings.tls == SmtpTls::StartTls) {
            relay.starttls(tls, &hello).await.map_err(|error| refusal(&error))?;
        }
        if let (Some(username), Some(password)) = (&self.settings.username, &self.password) {
            let credentials = Credentials::new(username.clone(), password.expose().to_owned());
            relay.auth(&MECHANISMS, &credentials).await.map_err(|error| refusal(&error))?;
        }
        Ok(relay)
    }

    /// Returns the name by which we greet: a whole host name (RFC 5321, section 4.1.1.1), or the sender's domain where
    /// this machine has none.
    fn hello(&self) -> ClientId {
        match ClientId::default() {
            ClientId::Domain(host) if !host.contains('.') => ClientId::Domain(self.settings.from.domain()),
            known => known,
        }
    }

    /// Returns where the relay may be called.
    async fn places(&self) -> Result<Vec<SocketAddr>, Outcome> {
        let found = resolve(&self.settings.host, self.settings.port, self.allow_private).await;
        found.map_err(|error| match error.kind() {
            // What waits goes out once the operator has allowed it.
            io::ErrorKind::PermissionDenied => Outcome::Unauthorized {
                reason: format!("{error}; the operator may allow it: `allow_private = true` in `[smtp]`"),
            },
            _ => Outcome::Retry { reason: format!("connection failed: {error}"), after: None },
        })
    }

    /// Names sender and recipient and announces the mail; the relay has taken nothing yet.
    async fn offer(&self, relay: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Outcome> {
        let envelope = message.envelope();
        let mut parameters = Vec::new();
        if relay.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if envelope.to().iter().chain(envelope.from()).any(|address| !address.to_string().is_ascii()) {
            if !relay.server_info().supports_feature(Extension::SmtpUtfEight) {
                let reason = "the relay takes no addresses with letters beyond ASCII".to_owned();
                return Err(Outcome::Refused { reason });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let sender = Mail::new(envelope.from().cloned(), parameters);
        relay.command(sender).await.map_err(|error| refusal(&error))?;
        for recipient in envelope.to() {
            let named = relay.command(Rcpt::new(recipient.clone(), Vec::new())).await;
            named.map_err(|error| match refusal(&error) {
                Outcome::Refused { reason } => Outcome::RecipientRefused { reason },
                other => other,
            })?;
        }
        relay.command(Data).await.map_err(|error| refusal(&error)).map(|_| ())
    }

    fn tls(&self) -> Result<Option<TlsParameters>> {
        if self.settings.tls == SmtpTls::None {
            return Ok(None);
        }
        let mut builder = TlsParameters::builder(self.settings.host.clone());
        if let Some(pem) = &self.settings.ca_pem {
            let certificate = Certificate::from_pem(pem.as_bytes())
                .map_err(|error| Error::config("the connection's CA certificate is not PEM").source(error))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build_rustls().map(Some).map_err(|error| Error::config("TLS cannot be set up").source(error))
    }
}

impl Perform for Relay {
    fn time_limit(&self) -> Option<Duration> {
        // Connection, greeting and announcement have a deadline each.
        Some(self.answer_deadline + self.deadline * 3)
    }

    fn perform<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match &delivery.request {
                EffectRequest::Send(OutboundMessage { content: Content::Mail(mail), .. }) => {
                    match self.send(delivery, mail).await {
                        Ok(message_id) => {
                            let named = serde_json::Value::from(message_id.trim_matches(['<', '>']));
                            Outcome::Delivered(Receipt::named(Some(message_id)).with("message_id", named))
                        }
                        Err(outcome) => outcome,
                    }
                }
                _ => Outcome::Refused {
                    reason: format!("an SMTP connection cannot do `{}`", delivery.request.kind()),
                },
            }
        })
    }
}

/// Connects without the delay by which small packets wait for each other: a mail's end is one.
async fn connect(places: &[SocketAddr]) -> Result<TcpStream, Outcome> {
    let connected = TcpStream::connect(places).await;
    let stream = connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    stream.map_err(|error| Outcome::Retry { reason: format!("connection failed: {error}"), after: None })
}

pub(super) async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Outcome>>,
) -> Result<T, Outcome> {
    let late = || Outcome::Retry { reason: "no answer in time".to_owned(), after: None };
    timeout(deadline, work).await.map_err(|_| late())?
}

/// Maps a failure at a point where the relay has certainly not taken the mail.
pub(super) fn refusal(error: &SmtpError) -> Outcome {
    let reason = chain(error);
    match error.status().map(u16::from) {
        Some(code) if REFUSED_LOGINS.contains(&code) => Outcome::Unauthorized { reason },
        Some(_) if error.is_permanent() => Outcome::Refused { reason },
        _ => Outcome::Retry { reason, after: None },
    }
}

fn in_doubt(reason: &str) -> Outcome {
    Outcome::InDoubt {
        reason: format!("{reason} after the mail was handed over; the relay may have taken it"),
    }
}
