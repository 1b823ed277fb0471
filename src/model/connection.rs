//! A connection: one tenant's configured use of a connector, with its sealed credential.

use diesel::Queryable;
use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::address::EmailAddress;
use crate::model::{ConnectionId, TenantId};

define_words! {
    /// Which connector a connection uses.
    ConnectionKind = "connection kind" { Smtp = "smtp", Google = "google" }

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
}

#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Connection {
    pub tenant_id: TenantId,
    pub id: ConnectionId,
    pub kind: ConnectionKind,
    pub name: String,
    pub settings: Json,
    #[serde(skip)]
    pub sealed: Option<Vec<u8>>,
    pub state: ConnectionState,
    pub last_ok_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Connection {
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
        }
    }
}

/// The settings of a connection, by its kind.
#[derive(Clone, Debug)]
pub enum ConnectionSettings {
    Smtp(SmtpSettings),
    Google(GoogleSettings),
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

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoogleSettings {
    /// The mailbox in whose name everything is done (domain-wide delegation).
    pub subject: EmailAddress,
    /// The service account, shown so that an operator can tell which key is in use.
    pub service_account: String,
    /// How lead mails are told from others, where that is not as usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_mail: Option<serde_json::Value>,
}
