//! `[backup]`: where backups go, who can open them, and how long they are kept.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least};
use nexora_core::base::Error;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The folder that `nexora backup create` writes to; empty for none.
    pub folder: PathBuf,
    /// Who can open what is written: public keys of age (`age1…`), separated by commas; empty for none.
    pub recipient: String,
    /// File whose first line is the passphrase, where there is no recipient; readable by its owner only.
    pub passphrase_file: PathBuf,
    /// Whether the master key goes into each backup, too.
    pub with_key: bool,
    /// Of how many days, weeks and months the latest backup is kept.
    pub keep_daily: u64,
    pub keep_weekly: u64,
    pub keep_monthly: u64,
    /// Hours after which the latest backup is too old.
    pub old_after_h: u64,
    /// Hours to any moment of which `nexora backup follow` can go back.
    pub follow_keep_h: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            folder: PathBuf::new(),
            recipient: String::new(),
            passphrase_file: PathBuf::new(),
            with_key: false,
            keep_daily: 7,
            keep_weekly: 5,
            keep_monthly: 12,
            old_after_h: 26,
            follow_keep_h: 72,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(at_least("backup.keep_daily", self.keep_daily, 1));
        faults.note(at_least("backup.old_after_h", self.old_after_h, 1));
        if !self.is_on() {
            return;
        }
        if self.folder.is_relative() {
            let what = format!("`backup.folder` is not a whole path: `{}`", self.folder.display());
            faults.add(Error::config(what).hint("write it like `/var/backups/nexora`"));
        }
        let has_passphrase = !self.passphrase_file.as_os_str().is_empty();
        match (self.recipients().next().is_some(), has_passphrase) {
            (true, true) => {
                let what = "`backup.recipient` and `backup.passphrase_file` do not go together";
                faults.add(Error::config(what).hint("leave one of them empty"));
            }
            (false, false) => {
                let what = "`backup.folder` is set, and nothing says who can open what is written there";
                let hint = "set `backup.recipient` to a public key that `age-keygen` made, or name a `backup.passphrase_file`";
                faults.add(Error::config(what).hint(hint));
            }
            (true, false) | (false, true) => {}
        }
        for recipient in self.recipients().filter(|text| !text.starts_with("age1")) {
            let what = format!("`backup.recipient`: `{recipient}` is no public key of age");
            faults.add(Error::config(what).hint("it begins with `age1`; `age-keygen -y KEY-FILE` prints it"));
        }
    }

    /// Tells whether there is a place for backups.
    pub fn is_on(&self) -> bool {
        !self.folder.as_os_str().is_empty()
    }

    /// Returns the public keys that can open a backup.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.recipient.split(',').map(str::trim).filter(|text| !text.is_empty())
    }

    pub fn follow_keep(&self) -> Duration {
        Duration::from_secs(self.follow_keep_h.saturating_mul(3_600))
    }

    pub fn old_after(&self) -> Duration {
        Duration::from_secs(self.old_after_h.saturating_mul(3_600))
    }
}
