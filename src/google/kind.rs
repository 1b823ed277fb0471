//! How a Google connection is described and opened.

use crate::Google;
use crate::service_account::service_account_email;
use crate::workspace::Workspace;
use nexora_connector::declared::{Declared, Wrong, refuse_unknown, shown};
use nexora_connector::kind::{
    Added, ConnectorKind, Environment, NewConnection, Opener, Rehearsed, SandboxAccess, needed_credential,
};
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::{Abilities, Ability, Connection};
use nexora_core::model::connector::KindFacts;
use nexora_core::model::effect::EffectKind;
use nexora_core::model::google::{GOOGLE, GoogleAuth, GoogleSettings};
use serde_json::{Map, Value};

/// Makes a new connection by a service account that acts in the name of `subject`.
///
/// # Errors
/// `Config` when the text is not a key file.
pub fn by_service_account(subject: EmailAddress, key: Secret, abilities: Abilities) -> Result<NewConnection> {
    let auth = GoogleAuth::ServiceAccount { service_account: service_account_email(&key)? };
    connection(&GoogleSettings { subject, auth, abilities, lead_mail: None }, key)
}

/// Makes a new connection of settings and the credential that belongs to them.
///
/// # Errors
/// `Internal` when the settings have no JSON form.
pub fn connection(settings: &GoogleSettings, credential: Secret) -> Result<NewConnection> {
    let settings = Json::of(settings)?;
    Ok(NewConnection { kind: GOOGLE, settings, credential: Some(credential), shown_with: None })
}

/// Google Workspace mailboxes, with their calendars and sheets.
pub struct GoogleKind;

static FACTS: KindFacts = KindFacts {
    kind: GOOGLE,
    carries: &[
        EffectKind::SendMail,
        EffectKind::DraftMail,
        EffectKind::LabelMail,
        EffectKind::CreateEvent,
        EffectKind::UpdateEvent,
        EffectKind::CancelEvent,
        EffectKind::FindSlot,
        EffectKind::AppendRow,
        EffectKind::UpdateRow,
    ],
    is_mailbox: true,
    parallel: 8,
    has_abilities: true,
};

impl ConnectorKind for GoogleKind {
    fn facts(&self) -> &'static KindFacts {
        &FACTS
    }

    fn added(&self) -> Added {
        Added::ByAuthorization
    }

    fn account(&self, connection: &Connection) -> Result<String> {
        let settings: GoogleSettings = connection.settings.read()?;
        Ok(settings.subject.to_string())
    }

    fn title(&self, name: &str) -> String {
        format!("Google account “{name}”")
    }

    fn details(
        &self,
        connection: &Connection,
        environment: &Environment,
    ) -> Result<Vec<(&'static str, String)>> {
        let settings: GoogleSettings = connection.settings.read()?;
        let signs_in = match &settings.auth {
            GoogleAuth::ServiceAccount { service_account } => format!("by service account {service_account}"),
            GoogleAuth::User { client_id, .. } => format!("by consent to OAuth client {client_id}"),
        };
        let quota = &environment.google.quota;
        let quota = format!(
            "a minute: Gmail {} units, Calendar {} calls, Sheets {} reads and {} writes",
            quota.gmail.user, quota.calendar.user, quota.sheets_reads.user, quota.sheets_writes.user
        );
        Ok(vec![
            ("mailbox", settings.subject.to_string()),
            ("signs in", signs_in),
            ("may", Ability::in_words(&settings.abilities)),
            ("quota", quota),
        ])
    }

    fn abilities(&self, connection: &Connection) -> Result<Abilities> {
        let settings: GoogleSettings = connection.settings.read()?;
        Ok(settings.abilities)
    }

    fn written(&self, connection: &Connection) -> Result<Map<String, Value>> {
        let mut settings = shown(&connection.settings)?;
        // When a consent ends is a fact about the consent.
        settings.remove("consent_ends_at");
        Ok(settings)
    }

    fn declared(&self, settings: &Map<String, Value>) -> Result<Declared, Wrong> {
        let known = ["subject", "service_account", "client_id", "abilities", "lead_mail"];
        let mut wrong = refuse_unknown(settings, &known);
        if settings.contains_key("service_account") == settings.contains_key("client_id") {
            let text =
                "it is by a `service_account` or by a person's consent to an OAuth client (`client_id`)";
            wrong.push((None, Error::usage(text)));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let read: Result<GoogleSettings, _> = serde_json::from_value(Value::Object(settings.clone()));
        let settings = read
            .map_err(|error| Error::usage("the settings are not those of a Google connection").source(error))
            .and_then(|settings| Json::of(&settings))
            .map_err(|error| vec![(None, error)])?;
        Ok(Declared { settings, needs_credential: true, made: None })
    }

    fn credential_command(&self, connection: &Connection) -> String {
        let name = &connection.name;
        match GoogleSettings::of(connection) {
            Ok(Some(GoogleSettings { auth: GoogleAuth::ServiceAccount { .. }, .. })) => {
                format!("connection set {name} --key-file FILE")
            }
            Ok(_) | Err(_) => format!("connection authorize {name}"),
        }
    }

    fn opener(&self, environment: &Environment) -> Opener {
        let workspace = Workspace::new(environment.google.clone(), environment.clock.clone());
        Box::new(move |connection, credential| {
            let credential = needed_credential(connection, credential)?;
            Google::open(&workspace, connection.settings.read()?, &credential)
        })
    }

    fn rehearsed(&self, effect: EffectKind) -> Rehearsed {
        match effect {
            EffectKind::SendMail
            | EffectKind::DraftMail
            | EffectKind::CreateEvent
            | EffectKind::AppendRow => Rehearsed::Sandbox,
            EffectKind::FindSlot => Rehearsed::RealAccount,
            EffectKind::LabelMail
            | EffectKind::UpdateEvent
            | EffectKind::CancelEvent
            | EffectKind::UpdateRow
            | EffectKind::PostWebhook => Rehearsed::Nowhere,
        }
    }

    fn in_sandbox(
        &self,
        connection: &Connection,
        sandbox: &SandboxAccess,
    ) -> Result<(Connection, Option<Secret>)> {
        let key = sandbox.google_key.clone();
        let auth = GoogleAuth::ServiceAccount { service_account: service_account_email(&key)? };
        let own: GoogleSettings = connection.settings.read()?;
        let settings = GoogleSettings { auth, ..own };
        Ok((Connection { settings: Json::of(&settings)?, ..connection.clone() }, Some(key)))
    }
}
