//! `[google]`: where Google's services are. Settable, so that the same code speaks to the sandbox.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::config::check::{at_least, check_url};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub gmail_url: String,
    pub calendar_url: String,
    pub sheets_url: String,
    pub drive_url: String,
    pub token_url: String,
    pub auth_url: String,
    /// Seconds that one call may take.
    pub timeout_s: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            gmail_url: "https://gmail.googleapis.com/".to_owned(),
            calendar_url: "https://www.googleapis.com/calendar/v3/".to_owned(),
            sheets_url: "https://sheets.googleapis.com/".to_owned(),
            drive_url: "https://www.googleapis.com/drive/v3/".to_owned(),
            token_url: "https://oauth2.googleapis.com/token".to_owned(),
            auth_url: "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
            timeout_s: 30,
        }
    }
}

impl Settings {
    /// # Errors
    /// `Config` naming the key.
    pub fn check(&self) -> Result<()> {
        check_url("google.gmail_url", &self.gmail_url)?;
        check_url("google.calendar_url", &self.calendar_url)?;
        check_url("google.sheets_url", &self.sheets_url)?;
        check_url("google.drive_url", &self.drive_url)?;
        check_url("google.token_url", &self.token_url)?;
        check_url("google.auth_url", &self.auth_url)?;
        at_least("google.timeout_s", self.timeout_s, 1)
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// Returns settings in which every service is at `base`, as the sandbox serves them.
    pub fn all_at(base: &str) -> Settings {
        Settings {
            gmail_url: format!("{base}/"),
            calendar_url: format!("{base}/calendar/v3/"),
            sheets_url: format!("{base}/"),
            drive_url: format!("{base}/drive/v3/"),
            token_url: format!("{base}/token"),
            auth_url: format!("{base}/o/oauth2/v2/auth"),
            ..Settings::default()
        }
    }
}
