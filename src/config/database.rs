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
        // What it says is not repeated: it may hold a password.
        Err(Error::config("`database.url` is not a database URL")
            .hint("use `sqlite:/var/lib/nexora/nexora.db` or `postgres://user@host/nexora`"))
    }

    /// Returns the URL as it may be shown: the name of the user, the place, and the keys that are known to hold no
    /// secret. What cannot be told apart from a password is left out.
    pub fn shown_url(&self) -> String {
        let (scheme, rest) = match (self.url.strip_prefix("sqlite:"), self.url.split_once("://")) {
            (Some(path), _) if !path.contains("://") => return self.url.clone(),
            (None, Some(parts)) => parts,
            _ => return REDACTED.to_owned(),
        };
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (user, place) = match before.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, before),
        };
        let user = user.map(|user| match user.split_once(':') {
            Some((name, _)) => format!("{name}:{REDACTED}@"),
            None => format!("{user}@"),
        });
        let place = if is_place(place) { place } else { REDACTED };
        let pairs: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(shown_pair).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{scheme}://{}{place}{mark}{}", user.unwrap_or_default(), pairs.join("&"))
    }
}

const REDACTED: &str = "[redacted]";

/// The keys of a PostgreSQL URL whose values are shown.
const OPEN_KEYS: [&str; 12] = [
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "port",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

fn shown_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, value)) if OPEN_KEYS.contains(&key) && !value.contains('@') => pair.to_owned(),
        Some((key, _)) if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
            format!("{key}={REDACTED}")
        }
        _ => REDACTED.to_owned(),
    }
}

/// Tells whether a text is hosts, with their ports or without, and the name of a database. A password that was put
/// there by mistake is none.
fn is_place(text: &str) -> bool {
    let (hosts, _) = text.split_once('/').unwrap_or((text, ""));
    hosts.split(',').all(|host| {
        let after_brackets = host.rsplit_once(']').map_or(host, |(_, rest)| rest);
        after_brackets.split_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        Settings { url: url.to_owned() }.shown_url()
    }

    #[test]
    fn a_password_is_never_shown_however_it_is_written() {
        for url in [
            "postgres://nexora:hunter2@db/nexora",
            "postgres://nexora:hunt%40hunter2@db/nexora",
            "postgres://nexora:p@hunter2@db/nexora",
            "postgres://nexora:p/hunter2@db/nexora",
            "postgres://nexora:p?hunter2@db/nexora",
            "postgres://nexora:p?x=hunter2@db/nexora",
            "postgres://nexora@db/nexora?password=hunter2",
            "postgres://nexora@db/nexora?sslmode=require&password=hunter2",
            "postgres://nexora@db/nexora?p%61ssword=hunter2",
            "postgres://nexora@db/nexora?PASSWORD=hunter2",
            "postgres://nexora:hunter2",
            "postgresql://:hunter2@db/nexora",
            "host=db user=nexora password=hunter2",
            "sqlite:postgres://nexora:hunter2@db/nexora",
            "jdbc:postgresql://db/nexora?user=nexora&password=hunter2",
        ] {
            assert!(!shown(url).contains("hunter2"), "{url}: {}", shown(url));
            let refused = Settings { url: url.to_owned() }.check().err();
            assert!(refused.is_none_or(|error| !error.report().contains("hunter2")), "{url}");
        }
        assert_eq!(shown("postgres://nexora:hunter2@db/nexora"), "postgres://nexora:[redacted]@db/nexora");
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for url in [
            "sqlite:/var/lib/nexora/nexora.db",
            "postgres://nexora@db:5432,[::1]:5433/nexora?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgres://nexora@/nexora?host=/run/postgresql",
        ] {
            assert_eq!(shown(url), url);
        }
    }

    #[test]
    fn what_is_no_url_is_not_repeated() {
        let error = Settings { url: "host=db password=hunter2".to_owned() }.check().unwrap_err();
        assert!(!error.report().contains("hunter2"));
    }
}
