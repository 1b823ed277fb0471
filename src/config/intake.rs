//! `[intake]`: how much of the public's requests and photos is taken.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least, check_url};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Requests that one address may send in a minute; 0 for any number.
    pub address_per_minute: u32,
    /// Leads that one tenant takes in a minute; 0 for any number.
    pub tenant_per_minute: u32,
    /// What looks like spam that one tenant takes in a minute besides; 0 for any number.
    pub spam_per_minute: u32,
    /// Leads held back as spam that are kept of one tenant in a day.
    pub spam_per_day: u32,
    /// Days for which leads are kept that were held back as spam and that nobody let go.
    pub keep_spam_days: u64,
    /// Photos of one lead; 0 for none.
    pub photos: u32,
    /// The largest photo that may be sent.
    pub photo_limit_bytes: u64,
    /// Pixels of a photo at most: what decoding takes of memory grows with them.
    pub photo_limit_pixels: u64,
    /// What photos that are being read may take of memory, in all.
    pub upload_memory_bytes: u64,
    /// Seconds in which a request with photos must have been read.
    pub upload_timeout_s: u64,
    /// Days for which photos are kept; those of leads that are spam are kept for 30 at most.
    pub keep_photos_days: u64,
    /// Where Turnstile is asked whether a visitor is a person.
    pub turnstile_url: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            address_per_minute: 30,
            tenant_per_minute: 600,
            spam_per_minute: 60,
            spam_per_day: 2_000,
            keep_spam_days: 90,
            photos: 6,
            photo_limit_bytes: 12_000_000,
            photo_limit_pixels: 50_000_000,
            upload_memory_bytes: 268_435_456,
            upload_timeout_s: 180,
            keep_photos_days: 730,
            turnstile_url: "https://challenges.cloudflare.com/turnstile/v0/siteverify".to_owned(),
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(at_least("intake.photo_limit_bytes", self.photo_limit_bytes, 10_000));
        faults.note(at_least("intake.photo_limit_pixels", self.photo_limit_pixels, 10_000));
        let photos = u64::from(self.photos) * (self.photo_limit_bytes + 4_096);
        faults.note(at_least("intake.upload_memory_bytes", self.upload_memory_bytes, photos));
        faults.note(at_least("intake.upload_timeout_s", self.upload_timeout_s, 1));
        faults.note(at_least("intake.spam_per_day", u64::from(self.spam_per_day), 1));
        faults.note(at_least("intake.keep_spam_days", self.keep_spam_days, 1));
        faults.note(check_url("intake.turnstile_url", &self.turnstile_url));
    }

    pub fn upload_timeout(&self) -> Duration {
        Duration::from_secs(self.upload_timeout_s)
    }
}
