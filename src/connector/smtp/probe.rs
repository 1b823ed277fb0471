//! Whether a relay would take our mail: asked up to the last question before a mail is handed over.

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Mail, Rcpt};
use tokio::time::timeout;

use crate::port::Probe;
use crate::smtp::SmtpTls;
use crate::smtp::relay::{Relay, refusal, within};
use nexora_core::base::{Error, Result};
use nexora_core::model::outcome::Outcome;

impl Probe for Relay {
    fn probe(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async move {
            let mut relay =
                within(self.deadline, self.log_in()).await.map_err(|outcome| self.fault(outcome))?;
            let asked = within(self.deadline, self.ask(&mut relay)).await;
            let _ = timeout(Duration::from_secs(2), relay.quit()).await;
            asked.map_err(|outcome| self.not_taken(outcome))?;
            let account = self.settings.username.as_deref().unwrap_or("no account");
            let (place, tls, from) = (self.place(), self.settings.tls, &self.settings.from);
            Ok(format!("{place} answers, TLS {tls}, {account}, and takes mail from {from}"))
        })
    }
}

impl Relay {
    fn place(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    /// Names the sender, and as recipient the sender too: no mail follows, so none is sent.
    async fn ask(&self, relay: &mut AsyncSmtpConnection) -> Result<(), Outcome> {
        let from: lettre::Address = self
            .settings
            .from
            .as_str()
            .parse()
            .map_err(|_| Outcome::Refused { reason: "the sender cannot stand in a mail".to_owned() })?;
        let sender = Mail::new(Some(from.clone()), Vec::new());
        relay.command(sender).await.map_err(|error| refusal(&error))?;
        relay.command(Rcpt::new(from, Vec::new())).await.map_err(|error| refusal(&error)).map(|_| ())
    }

    /// Says why there is no connection, with the setting that would help.
    fn fault(&self, outcome: Outcome) -> Error {
        let place = self.place();
        match outcome {
            Outcome::Unauthorized { reason } => Error::denied(format!(
                "{place} refuses the sign-in: {reason}"
            ))
            .hint("check `--username` and the password; some providers want a password made for programs"),
            Outcome::Refused { reason } => {
                Error::denied(format!("{place} refuses: {reason}")).hint(self.hint(&reason))
            }
            Outcome::Retry { reason, .. } => {
                Error::unavailable(format!("{place} does not answer: {reason}")).hint(self.hint(&reason))
            }
            other => Error::internal(format!("{place}: {other:?}")),
        }
    }

    /// Says why the relay would not take mail from us.
    fn not_taken(&self, outcome: Outcome) -> Error {
        let (place, from) = (self.place(), &self.settings.from);
        match outcome {
            Outcome::Refused { reason } | Outcome::Unauthorized { reason } => {
                Error::denied(format!("{place} takes no mail from {from}: {reason}"))
                    .hint("give `--from` an address that this account may send from")
            }
            Outcome::Retry { reason, .. } => {
                Error::unavailable(format!("{place} takes no mail from {from} just now: {reason}"))
            }
            other => Error::internal(format!("{place}: {other:?}")),
        }
    }

    /// Returns what most often helps, by what the failure says.
    fn hint(&self, reason: &str) -> String {
        let reason = reason.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
        if says(&[
            "unknownissuer",
            "unknown issuer",
            "self-signed",
            "self signed",
            "unable to get local issuer",
        ]) {
            return "its certificate is from an authority that this machine does not know: give that with `--ca-file`"
                .to_owned();
        }
        if says(&["notvalidforname", "not valid for name", "certificate not valid for"]) {
            return "its certificate is for another name: check `--host`".to_owned();
        }
        if says(&["expired"]) {
            return "its certificate has expired: the provider has to renew it".to_owned();
        }
        if says(&[
            "invalidcontenttype",
            "corrupt message",
            "wrong version",
            "starttls",
            "incomplete",
            "no answer",
        ]) {
            let other = match self.settings.tls {
                SmtpTls::Implicit => "`--tls starttls`, usual on port 587",
                SmtpTls::StartTls | SmtpTls::None => "`--tls implicit`, usual on port 465",
            };
            return format!("the way of encryption may be another: try {other}");
        }
        "check `--host` and `--port`".to_owned()
    }
}
