//! `[database]`: where the data lives.

use serde::{Deserialize, Serialize};

use nexora_core::base::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME` when several daemons share the work.
    pub url: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { url: "sqlite:/var/lib/nexora/nexora.db".to_owned() }
    }
}

const SCHEMES: [&str; 3] = ["sqlite:", "postgres://", "postgresql://"];

impl Settings {
    /// # Errors
    /// `Config` when the scheme is not supported.
    pub fn check(&self) -> Result<()> {
        let known =
            SCHEMES.iter().any(|scheme| self.url.len() > scheme.len() && self.url.starts_with(scheme));
        if known {
            return Ok(());
        }
        Err(Error::config(format!("`database.url` is not a database URL: `{}`", self.shown_url()))
            .hint("use `sqlite:/var/lib/nexora/nexora.db` or `postgres://user@host/nexora`"))
    }

    /// Returns the URL with its password, if it has one, left out.
    pub fn shown_url(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return self.url.clone() };
        let Some((user, place)) = rest.rsplit_once('@') else { return self.url.clone() };
        match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:[redacted]@{place}"),
            None => self.url.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let settings = Settings { url: "postgres://nexora:hunter2@db/nexora".to_owned() };
        assert_eq!(settings.shown_url(), "postgres://nexora:[redacted]@db/nexora");
        assert!(settings.check().is_ok());
    }
}
