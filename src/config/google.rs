//! `[google]`: where Google's services are. Settable, so that the same code speaks to the sandbox.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least, check_url};
use nexora_core::model::quota::{GoogleQuota, PerMinute};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub gmail_url: String,
    pub calendar_url: String,
    pub sheets_url: String,
    pub drive_url: String,
    pub token_url: String,
    pub auth_url: String,
    pub revoke_url: String,
    /// The OAuth client that people consent to, as the console hands it out; empty for none.
    pub client_file: PathBuf,
    /// Quotas, each for a minute: of the whole project, and of one user in it.
    pub gmail_units: u32,
    pub gmail_units_per_user: u32,
    pub calendar_calls: u32,
    pub calendar_calls_per_user: u32,
    pub sheets_reads: u32,
    pub sheets_reads_per_user: u32,
    pub sheets_writes: u32,
    pub sheets_writes_per_user: u32,
    pub drive_calls: u32,
    pub drive_calls_per_user: u32,
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
            revoke_url: "https://oauth2.googleapis.com/revoke".to_owned(),
            client_file: PathBuf::new(),
            gmail_units: 1_200_000,
            gmail_units_per_user: 6_000,
            calendar_calls: 10_000,
            calendar_calls_per_user: 600,
            sheets_reads: 300,
            sheets_reads_per_user: 60,
            sheets_writes: 300,
            sheets_writes_per_user: 60,
            drive_calls: 12_000,
            drive_calls_per_user: 600,
            timeout_s: 30,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(check_url("google.gmail_url", &self.gmail_url));
        faults.note(check_url("google.calendar_url", &self.calendar_url));
        faults.note(check_url("google.sheets_url", &self.sheets_url));
        faults.note(check_url("google.drive_url", &self.drive_url));
        faults.note(check_url("google.token_url", &self.token_url));
        faults.note(check_url("google.auth_url", &self.auth_url));
        faults.note(check_url("google.revoke_url", &self.revoke_url));
        // The dearest call to Gmail takes 100 units; less in a minute would stop it for good.
        faults.note(at_least("google.gmail_units", self.gmail_units.into(), 100));
        faults.note(at_least("google.gmail_units_per_user", self.gmail_units_per_user.into(), 100));
        for (key, value) in [
            ("google.calendar_calls", self.calendar_calls),
            ("google.calendar_calls_per_user", self.calendar_calls_per_user),
            ("google.sheets_reads", self.sheets_reads),
            ("google.sheets_reads_per_user", self.sheets_reads_per_user),
            ("google.sheets_writes", self.sheets_writes),
            ("google.sheets_writes_per_user", self.sheets_writes_per_user),
            ("google.drive_calls", self.drive_calls),
            ("google.drive_calls_per_user", self.drive_calls_per_user),
        ] {
            faults.note(at_least(key, value.into(), 1));
        }
        faults.note(at_least("google.timeout_s", self.timeout_s, 1));
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    pub fn quota(&self) -> GoogleQuota {
        let of = |project, user| PerMinute { project, user };
        GoogleQuota {
            gmail: of(self.gmail_units, self.gmail_units_per_user),
            calendar: of(self.calendar_calls, self.calendar_calls_per_user),
            sheets_reads: of(self.sheets_reads, self.sheets_reads_per_user),
            sheets_writes: of(self.sheets_writes, self.sheets_writes_per_user),
            drive: of(self.drive_calls, self.drive_calls_per_user),
        }
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
            revoke_url: format!("{base}/revoke"),
            ..Settings::default()
        }
    }
}
