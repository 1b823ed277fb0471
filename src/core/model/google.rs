//! A Google connection, as plain data: what it is set to, and where Google's services are.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::address::EmailAddress;
use crate::model::connection::{Abilities, Ability, Connection};
use crate::model::connector::ConnectionKind;
use crate::model::quota::GoogleQuota;

/// The word under which Google connections are stored.
pub const GOOGLE: ConnectionKind = ConnectionKind::new("google");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleSettings {
    /// The mailbox in whose name everything is done.
    pub subject: EmailAddress,
    #[serde(flatten)]
    pub auth: GoogleAuth,
    /// What the connection may do.
    #[serde(default = "Ability::usual")]
    pub abilities: Abilities,
    /// How lead mails are told from others, where that is not as usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_mail: Option<serde_json::Value>,
}

impl GoogleSettings {
    /// Reads the settings of a Google connection; nothing when it is of another kind.
    ///
    /// # Errors
    /// `Internal` when the stored settings cannot be read.
    pub fn of(connection: &Connection) -> Result<Option<GoogleSettings>> {
        (connection.kind == GOOGLE).then(|| connection.settings.read()).transpose()
    }
}

/// How a Google connection shows who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GoogleAuth {
    /// A service account acts in the mailbox's name (domain-wide delegation).
    ServiceAccount {
        /// Its address, so that an operator can tell which key is in use.
        service_account: String,
    },
    /// A person authorized an OAuth client, and the connection holds a refresh token.
    User {
        client_id: String,
        /// When the refresh token ends, if Google said so: apps in testing lose theirs.
        #[serde(rename = "consent_ends_at")]
        ends_at: Option<Timestamp>,
    },
}

impl GoogleAuth {
    /// Returns the project in which calls are counted: the service account's domain names it, and an
    /// OAuth client's id begins with its number.
    pub fn project(&self) -> &str {
        match self {
            GoogleAuth::ServiceAccount { service_account } => {
                let domain = service_account.rsplit_once('@').map_or("", |(_, domain)| domain);
                domain.split('.').next().unwrap_or_default()
            }
            GoogleAuth::User { client_id, .. } => client_id.split('-').next().unwrap_or_default(),
        }
    }
}

/// Where Google's services are, and how long one call may take.
#[derive(Clone, Debug)]
pub struct GoogleEndpoints {
    pub gmail_url: String,
    pub calendar_url: String,
    pub sheets_url: String,
    pub drive_url: String,
    pub token_url: String,
    pub auth_url: String,
    pub revoke_url: String,
    pub timeout: Duration,
    pub quota: GoogleQuota,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stored_before_abilities_were_known_still_read() {
        let stored = r#"{"subject":"a@b.com","service_account":"x@y.iam.gserviceaccount.com"}"#;
        let settings: GoogleSettings = serde_json::from_str(stored).unwrap();
        assert_eq!(settings.abilities, Ability::usual());
        assert!(matches!(settings.auth, GoogleAuth::ServiceAccount { .. }));
        let auth = GoogleAuth::User { client_id: "1-a".into(), ends_at: None };
        let user = GoogleSettings { auth, abilities: [Ability::MailLabel].into(), ..settings };
        let text = serde_json::to_string(&user).unwrap();
        assert_eq!(serde_json::from_str::<GoogleSettings>(&text).unwrap(), user);
    }
}
