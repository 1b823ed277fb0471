//! The ways by which operators are told, opened from the configuration: it has their passwords in files.

use std::path::Path;

use crate::app::{App, environment};
use crate::config::alerts::Settings;
use crate::domain::alert::message::AlertMessage;
use nexora_connector::kind::{Environment, NewConnection};
use nexora_connector::port::{Connector, Delivery};
use nexora_connector::smtp::{self, SmtpSettings};
use nexora_connector::webhook::{self, WebhookSettings};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{Connection, WhenInDoubt};
use nexora_core::model::outbound::{Audience, Content, MailContent, OutboundMessage};
use nexora_core::model::outcome::Outcome;
use nexora_core::model::request::{EffectRequest, PostWebhook};
use nexora_core::model::{EffectId, TenantId};

/// Parts in which something may be done at most; no connector needs more than three.
const PARTS: usize = 8;

/// One way, ready for use.
pub struct Way {
    pub name: &'static str,
    connector: Connector,
    /// The address of a mail; nothing where a program is told.
    to: Option<EmailAddress>,
}

/// Opens every way that the configuration has, each or why it cannot be had.
pub fn all(app: &App) -> Vec<(&'static str, Result<Way>)> {
    let settings = &app.config.alerts;
    let mut ways = Vec::new();
    if !settings.to.is_empty() {
        ways.push(("mail", by_mail(app, settings)));
    }
    if !settings.webhook_url.is_empty() {
        ways.push(("webhook", by_webhook(app, settings)));
    }
    ways
}

/// Tells by every way of the configuration. One that gets through is enough; why another did not is logged.
///
/// # Errors
/// The last failure, when none got through.
pub async fn tell_all(app: &App, message: &AlertMessage, now: Timestamp) -> Result<()> {
    let mut failure = None;
    let mut is_told = false;
    for (name, way) in all(app) {
        let told = match way {
            Ok(way) => way.tell(message, now).await,
            Err(error) => Err(error),
        };
        match told {
            Ok(()) => is_told = true,
            Err(error) => {
                tracing::error!(way = name, reason = %error.report(), "an alert did not get through");
                failure = Some(error);
            }
        }
    }
    match (is_told, failure) {
        (false, Some(error)) => Err(error),
        (true, _) | (false, None) => Ok(()),
    }
}

impl Way {
    /// Tells operators something.
    ///
    /// # Errors
    /// `Denied` or `Unavailable` with what the other side said.
    pub async fn tell(&self, message: &AlertMessage, now: Timestamp) -> Result<()> {
        let request = match &self.to {
            Some(to) => mail("Nexora", to, &message.subject, &message.text),
            None => EffectRequest::PostWebhook(PostWebhook {
                event: "nexora.alert".to_owned(),
                body: message.body.as_str().to_owned(),
            }),
        };
        let what = format!("an alert by {}", self.name);
        perform(&self.connector, request, (&message.id, now), &what).await
    }
}

/// Puts a mail together that goes to a person by itself, outside any tenant's effects.
pub(super) fn mail(from_name: &str, to: &EmailAddress, subject: &str, text: &str) -> EffectRequest {
    EffectRequest::Send(OutboundMessage {
        content: Content::Mail(MailContent {
            to: to.clone(),
            from_name: from_name.to_owned(),
            reply_to: None,
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: None,
            thread: None,
            attachments: Vec::new(),
            unsubscribe_url: None,
        }),
        audience: Audience::Business,
    })
}

/// Has a connector do something at once, part after part, with nothing kept in between.
///
/// # Errors
/// `Denied` or `Unavailable` with what the other side said; `what` did not get through.
pub(super) async fn perform(
    connector: &Connector,
    request: EffectRequest,
    (id, now): (&EffectId, Timestamp),
    what: &str,
) -> Result<()> {
    let mut delivery = Delivery {
        effect_id: id.clone(),
        mark: id.to_string(),
        request,
        evidence: None,
        created_at: now,
        attempted_at: now,
        unseen_since: None,
    };
    let failed =
        |kind, reason: String| Err(Error::new(kind, format!("{what} did not get through: {reason}")));
    for _ in 0..PARTS {
        match connector.perform.perform(&delivery).await {
            Outcome::Delivered(_) => return Ok(()),
            Outcome::Unauthorized { reason }
            | Outcome::Refused { reason }
            | Outcome::RecipientRefused { reason } => return failed(Kind::Denied, reason),
            Outcome::Retry { reason, .. }
            | Outcome::Throttled { reason, .. }
            | Outcome::InDoubt { reason } => return failed(Kind::Unavailable, reason),
            Outcome::InProgress { evidence } => delivery.evidence = Some(evidence),
        }
    }
    failed(Kind::Internal, format!("it was not done after {PARTS} parts"))
}

fn by_mail(app: &App, settings: &Settings) -> Result<Way> {
    Ok(Way { name: "mail", connector: relay(app, settings)?, to: Some(EmailAddress::parse(&settings.to)?) })
}

/// Opens the operator's own mail relay.
///
/// # Errors
/// `Config` when what `[alerts]` names cannot be read.
pub(super) fn relay(app: &App, settings: &Settings) -> Result<Connector> {
    let username = Some(settings.smtp_username.clone()).filter(|name| !name.is_empty());
    let password = secret_in("alerts.smtp_password_file", &settings.smtp_password_file)?;
    let ca_pem = match settings.smtp_ca_file.as_os_str().is_empty() {
        true => None,
        false => Some(file::read_text(&settings.smtp_ca_file, Kind::Config)?),
    };
    let relay = SmtpSettings {
        host: settings.smtp_host.clone(),
        port: settings.smtp_port,
        from: EmailAddress::parse(&settings.from)?,
        tls: settings.smtp_tls.parse()?,
        username,
        ca_pem,
        when_in_doubt: WhenInDoubt::Resend,
        password_in_clear: false,
    };
    open(app, smtp::connection(&relay, password)?)
}

fn by_webhook(app: &App, settings: &Settings) -> Result<Way> {
    let address = WebhookSettings { url: settings.webhook_url.clone(), allow_private: true };
    let new = webhook::connection(&address)?;
    let secret = secret_in("alerts.webhook_secret_file", &settings.webhook_secret_file)?;
    // Without a secret of theirs the signature is one that nobody can check.
    let new = NewConnection { credential: secret.or(new.credential), ..new };
    Ok(Way { name: "webhook", connector: open(app, new)?, to: None })
}

/// Opens a connection that is none of any tenant. What an operator names may be in a network of their own.
fn open(app: &App, new: NewConnection) -> Result<Connector> {
    let now = app.clock.now();
    let connection = Connection::new(&TenantId::new(now), new.kind, "alerts", new.settings, now);
    let environment =
        Environment { allow_private_relays: true, ..environment(&app.config, app.clock.clone()) };
    let opener = app.connectors().of(&connection)?.opener(&environment);
    opener(&connection, new.credential)
}

/// Reads the first line of a file that holds a secret; nothing where none is named.
fn secret_in(key: &str, path: &Path) -> Result<Option<Secret>> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let text = file::read_text(path, Kind::Config)?;
    if file::is_open_to_others(path) {
        let what =
            format!("others than its owner may read or write `{}`, which `{key}` names", path.display());
        return Err(Error::config(what).hint(format!("run `chmod 600 {}`", path.display())));
    }
    match text.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
        Some(line) => Ok(Some(Secret::new(line))),
        None => Err(Error::config(format!("`{}`, which `{key}` names, is empty", path.display()))),
    }
}
