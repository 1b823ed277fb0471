//! A connection: one tenant's configured use of a connector, with its sealed credential.

use std::collections::BTreeSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::address::EmailAddress;
use crate::model::{ConnectionId, TenantId};

define_words! {
    /// Which connector a connection uses.
    ConnectionKind = "connection kind" { Smtp = "smtp", Google = "google", Webhook = "webhook" }

    /// Whether work goes through. `failing` is `paused` by us: the credential was refused.
    ConnectionState = "connection state" { Active = "active", Paused = "paused", Failing = "failing" }

    /// How an SMTP connection is encrypted.
    SmtpTls = "TLS mode" {
        /// Plain text: only for a relay on this machine or a trusted network.
        None = "none",
        /// Starts in plain text and must upgrade (RFC 3207); never falls back.
        StartTls = "starttls",
        /// Encrypted from the first byte (RFC 8314).
        Implicit = "implicit",
    }

    /// What happens to a mail that SMTP may or may not have taken.
    WhenInDoubt = "in-doubt rule" {
        /// Sends it again with the same Message-ID: at least once.
        Resend = "resend",
        /// Holds it for a person to decide: at most once.
        Hold = "hold",
    }

    /// What a Google connection may do. Which of Google's scopes stand for it is the connector's matter.
    Ability = "ability" {
        /// Make drafts and send them.
        MailSend = "mail.send",
        /// Read mails; sending exactly once needs it, to find what was sent.
        MailRead = "mail.read",
        /// Label and archive mails; includes sending and reading.
        MailLabel = "mail.label",
        /// Read and change entries, and see when somebody is free.
        Calendar = "calendar",
        /// Read and change spreadsheets.
        Sheets = "sheets",
        /// See cheaply whether a spreadsheet has changed.
        SheetsWatch = "sheets.watch",
    }
}

/// A set of abilities, in a fixed order.
pub type Abilities = BTreeSet<Ability>;

impl Ability {
    /// Returns what is asked for when nobody says otherwise.
    pub fn usual() -> Abilities {
        Abilities::from([Ability::MailSend, Ability::MailRead, Ability::Calendar, Ability::Sheets])
    }

    /// Says what it allows, as a person would.
    pub fn meaning(self) -> &'static str {
        match self {
            Ability::MailSend => "send mail",
            Ability::MailRead => "read mail",
            Ability::MailLabel => "label mail",
            Ability::Calendar => "read and change the calendar",
            Ability::Sheets => "read and change spreadsheets",
            Ability::SheetsWatch => "see whether spreadsheets changed",
        }
    }

    /// Returns those of `needed` that `granted` does not include.
    pub fn missing(needed: &Abilities, granted: &Abilities) -> Abilities {
        let labels = granted.contains(&Ability::MailLabel);
        let covered = |ability: &Ability| {
            granted.contains(ability) || (labels && matches!(ability, Ability::MailSend | Ability::MailRead))
        };
        needed.iter().copied().filter(|ability| !covered(ability)).collect()
    }

    /// Names abilities in one line: `send mail (mail.send), label mail (mail.label)`.
    pub fn in_words(abilities: &Abilities) -> String {
        let words: Vec<String> = abilities.iter().map(|a| format!("{} ({a})", a.meaning())).collect();
        words.join(", ")
    }
}

diesel::table! {
    connections (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        kind -> Text,
        name -> Text,
        settings -> Text,
        sealed -> Nullable<Binary>,
        state -> Text,
        last_ok_at -> Nullable<BigInt>,
        last_error -> Nullable<Text>,
        last_error_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = connections, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Connection {
    pub tenant_id: TenantId,
    pub id: ConnectionId,
    #[diesel(skip_update)]
    pub kind: ConnectionKind,
    #[diesel(skip_update)]
    pub name: String,
    pub settings: Json,
    #[serde(skip)]
    pub sealed: Option<Vec<u8>>,
    pub state: ConnectionState,
    #[diesel(skip_update)]
    pub last_ok_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Connection {
    /// Returns a connection that is active and was never used.
    pub fn new(
        tenant: &TenantId,
        kind: ConnectionKind,
        name: &str,
        settings: Json,
        now: Timestamp,
    ) -> Connection {
        Connection {
            tenant_id: tenant.clone(),
            id: ConnectionId::new(now),
            kind,
            name: name.to_owned(),
            settings,
            sealed: None,
            state: ConnectionState::Active,
            last_ok_at: None,
            last_error: None,
            last_error_at: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns the name that binds the sealed credential to this row.
    pub fn seal_owner(&self) -> String {
        format!("{}/{}", self.tenant_id, self.id)
    }

    /// Reads the settings by kind.
    ///
    /// # Errors
    /// `Internal` when the stored settings are not those of the kind.
    pub fn typed(&self) -> Result<ConnectionSettings> {
        match self.kind {
            ConnectionKind::Smtp => self.settings.read().map(ConnectionSettings::Smtp),
            ConnectionKind::Google => self.settings.read().map(ConnectionSettings::Google),
            ConnectionKind::Webhook => self.settings.read().map(ConnectionSettings::Webhook),
        }
    }
}

impl ConnectionSettings {
    /// Returns the mail address, or the address on the web, that the connection stands for.
    pub fn account(&self) -> &str {
        match self {
            ConnectionSettings::Smtp(settings) => settings.from.as_str(),
            ConnectionSettings::Google(settings) => settings.subject.as_str(),
            ConnectionSettings::Webhook(settings) => &settings.url,
        }
    }
}

/// The settings of a connection, by its kind.
#[derive(Clone, Debug)]
pub enum ConnectionSettings {
    Smtp(SmtpSettings),
    Google(GoogleSettings),
    Webhook(WebhookSettings),
}

/// A program that is told of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookSettings {
    pub url: String,
    /// Whether it may be in a network that is not public, and unencrypted.
    #[serde(default)]
    pub allow_private: bool,
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
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleSettings {
    /// The mailbox in whose name everything is done.
    pub subject: EmailAddress,
    #[serde(flatten)]
    pub means: GoogleMeans,
    /// What the connection may do.
    #[serde(default = "Ability::usual")]
    pub abilities: Abilities,
    /// How lead mails are told from others, where that is not as usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_mail: Option<serde_json::Value>,
}

/// How a Google connection shows who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GoogleMeans {
    /// A service account acts in the mailbox's name (domain-wide delegation).
    ServiceAccount {
        /// Its address, so that an operator can tell which key is in use.
        service_account: String,
    },
    /// The person consented, and the connection holds a refresh token.
    User {
        /// The OAuth client that they consented to.
        client_id: String,
        /// When the refresh token ends, if Google said so: apps in testing lose theirs.
        consent_ends_at: Option<Timestamp>,
    },
}

impl GoogleMeans {
    /// Returns the project in which calls are counted: the service account's domain names it, and an
    /// OAuth client's id begins with its number.
    pub fn project(&self) -> &str {
        match self {
            GoogleMeans::ServiceAccount { service_account } => {
                let domain = service_account.rsplit_once('@').map_or("", |(_, domain)| domain);
                domain.split('.').next().unwrap_or_default()
            }
            GoogleMeans::User { client_id, .. } => client_id.split('-').next().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stored_before_abilities_were_known_still_read() {
        let stored = r#"{"subject":"a@b.com","service_account":"x@y.iam.gserviceaccount.com"}"#;
        let settings: GoogleSettings = serde_json::from_str(stored).unwrap();
        assert_eq!(settings.abilities, Ability::usual());
        assert!(matches!(settings.means, GoogleMeans::ServiceAccount { .. }));
        let means = GoogleMeans::User { client_id: "1-a".into(), consent_ends_at: None };
        let user = GoogleSettings { means, abilities: [Ability::MailLabel].into(), ..settings };
        let text = serde_json::to_string(&user).unwrap();
        assert_eq!(serde_json::from_str::<GoogleSettings>(&text).unwrap(), user);
    }

    #[test]
    fn labelling_includes_sending_and_reading() {
        let granted = Abilities::from([Ability::MailLabel]);
        assert_eq!(
            Ability::missing(&Ability::usual(), &granted),
            [Ability::Calendar, Ability::Sheets].into()
        );
    }
}
