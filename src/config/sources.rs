//! `[sources]`: where leads are fetched that a source only told of.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::check::{Faults, at_least, check_url};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Facebook's Graph API, with its version.
    pub facebook_url: String,
    /// Yelp's API, with its version.
    pub yelp_url: String,
    /// Leads that are fetched at the same time.
    pub parallel: u64,
    /// Seconds that one call may take.
    pub timeout_s: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            facebook_url: "https://graph.facebook.com/v23.0/".to_owned(),
            yelp_url: "https://api.yelp.com/v3/".to_owned(),
            parallel: 8,
            timeout_s: 20,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(check_url("sources.facebook_url", &self.facebook_url));
        faults.note(check_url("sources.yelp_url", &self.yelp_url));
        faults.note(at_least("sources.parallel", self.parallel, 1));
        faults.note(at_least("sources.timeout_s", self.timeout_s, 1));
    }

    /// Returns the address of the API that leads of a format are fetched from.
    pub fn api_url(&self, format: &str) -> Option<&str> {
        match format {
            "facebook" => Some(&self.facebook_url),
            "yelp" => Some(&self.yelp_url),
            _ => None,
        }
    }

    pub fn parallel(&self) -> usize {
        usize::try_from(self.parallel).unwrap_or(usize::MAX)
    }

    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}
