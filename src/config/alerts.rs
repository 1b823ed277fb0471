//! `[alerts]`: whom operators of the machine are told by, with no connection of any tenant, when something does not work.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, check_url, one_of};
use nexora_core::base::Error;
use nexora_core::model::address::EmailAddress;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Address that is told by mail; empty for none.
    pub to: String,
    /// Address that these mails come from.
    pub from: String,
    /// Mail relay, and how it is spoken to; without `to`, it carries mails to users alone.
    pub smtp_host: String,
    pub smtp_port: u16,
    /// `none`, `starttls` or `implicit`.
    pub smtp_tls: String,
    pub smtp_username: String,
    /// File whose first line is the password, readable by its owner only.
    pub smtp_password_file: PathBuf,
    /// PEM certificate to trust besides the system's; empty for none.
    pub smtp_ca_file: PathBuf,
    /// Address on the web that is told, too; empty for none.
    pub webhook_url: String,
    /// File whose first line is the secret (`whsec_…`) by which the receiver checks what it is told; empty for none.
    pub webhook_secret_file: PathBuf,
    /// What is told: `broken`; `look` for what needs a look, too, but for what somebody decided and daily work; or `all`.
    pub level: String,
    /// Seconds that a trouble, or its end, must last before it is told.
    pub settle_s: u64,
    /// Seconds between two messages at least: what comes meanwhile is told together.
    pub spacing_s: u64,
    /// Hours after which it is told again what still does not work; 0 for never.
    pub again_after_h: u64,
    /// Whether the head of the audit trail is told each night when it has moved, so that it is kept elsewhere, too.
    pub audit_head: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            to: String::new(),
            from: String::new(),
            smtp_host: String::new(),
            smtp_port: 587,
            smtp_tls: "starttls".to_owned(),
            smtp_username: String::new(),
            smtp_password_file: PathBuf::new(),
            smtp_ca_file: PathBuf::new(),
            webhook_url: String::new(),
            webhook_secret_file: PathBuf::new(),
            level: "look".to_owned(),
            settle_s: 120,
            spacing_s: 300,
            again_after_h: 24,
            audit_head: true,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        if !self.to.is_empty() || !self.smtp_host.is_empty() {
            let told = Some(("alerts.to", &self.to)).filter(|(_, to)| !to.is_empty());
            for (key, address) in told.into_iter().chain([("alerts.from", &self.from)]) {
                let wrong = |error: Error| Error::config(format!("`{key}`: {}", error.message()));
                faults.note(EmailAddress::parse(address).map_err(wrong));
            }
            if self.smtp_host.is_empty() && !self.to.is_empty() {
                let what = "`alerts.smtp_host` is empty: mails to `alerts.to` need a relay";
                faults.add(Error::config(what).hint("name one, or leave `alerts.to` empty"));
            }
        }
        if !self.webhook_url.is_empty() {
            faults.note(check_url("alerts.webhook_url", &self.webhook_url));
        }
        faults.note(one_of("alerts.smtp_tls", &self.smtp_tls, &["none", "starttls", "implicit"]));
        faults.note(one_of("alerts.level", &self.level, &["broken", "look", "all"]));
    }

    /// Tells whether anybody is told.
    pub fn is_on(&self) -> bool {
        !self.to.is_empty() || !self.webhook_url.is_empty()
    }

    /// Tells whether there is a relay for mails to users.
    pub fn has_relay(&self) -> bool {
        !self.smtp_host.is_empty()
    }

    pub fn settle(&self) -> Duration {
        Duration::from_secs(self.settle_s)
    }

    pub fn spacing(&self) -> Duration {
        Duration::from_secs(self.spacing_s)
    }

    pub fn again_after(&self) -> Option<Duration> {
        (self.again_after_h > 0).then(|| Duration::from_secs(self.again_after_h.saturating_mul(3_600)))
    }
}
