//! A PostgreSQL URL, read: what the client takes, and the keys about TLS, which are ours.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio_postgres::config::Host;

use nexora_core::base::{Error, Result};

/// How much a connection relies on TLS, as libpq's `sslmode` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const MODES: [(&str, Mode); 6] = [
    ("disable", Mode::Disable),
    ("allow", Mode::Allow),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Mode> {
        let found = MODES.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode);
        found.ok_or_else(|| {
            let names: Vec<&str> = MODES.iter().map(|(name, _)| *name).collect();
            Error::config(format!("`sslmode={text}` in `database.url` is none that there is"))
                .hint(format!("the modes are {}", names.join(", ")))
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = MODES.iter().find(|(_, mode)| mode == self).map_or("", |(name, _)| name);
        f.pad(name)
    }
}

/// Which authorities a server's certificate may be signed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// Those that this machine trusts.
    System,
    /// Those in a file of PEM certificates.
    File(PathBuf),
}

/// A PostgreSQL URL, read.
#[derive(Debug)]
pub struct Address {
    pub config: tokio_postgres::Config,
    pub mode: Mode,
    pub root: Option<Root>,
}

impl Address {
    /// Reads a URL. Nothing of it is repeated in an error but the names of keys: it may hold a password.
    ///
    /// # Errors
    /// `Config` naming the key that cannot be read.
    pub fn parse(url: &str) -> Result<Address> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root, mut rest) = (Mode::Prefer, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match key {
                "sslmode" => mode = value.parse()?,
                "sslrootcert" if value == "system" => root = Some(Root::System),
                "sslrootcert" if !value.is_empty() => root = Some(Root::File(PathBuf::from(value.as_ref()))),
                "sslrootcert" => {}
                "sslcert" | "sslkey" | "sslcrl" | "sslcrldir" | "sslpassword" => {
                    return Err(Error::config(format!("`{key}` in `database.url` is not supported"))
                        .hint("sign in with a password; the server's certificate is checked by `sslmode` and `sslrootcert`"));
                }
                // libpq takes a list, the client each host by itself.
                "host" => rest.extend(
                    value
                        .split(',')
                        .map(|host| format!("host={}", utf8_percent_encode(host, NON_ALPHANUMERIC))),
                ),
                key if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
                    rest.push(pair.to_owned());
                }
                _ => {
                    return Err(Error::config("`database.url` has a key that is none")
                        .hint("a `?`, `&`, `@`, `/` or `:` within a password is written as `%3F`, `%26`, `%40`, `%2F` or `%3A`"));
                }
            }
        }
        if root == Some(Root::System) && mode != Mode::VerifyFull {
            // As libpq has it: anybody can get a certificate for some name.
            return Err(Error::config(format!("`sslrootcert=system` does not go with `sslmode={mode}`"))
                .hint("write `sslmode=verify-full`"));
        }
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let config = plain.parse().map_err(|error: tokio_postgres::Error| {
            // The client's error names the key, and never the value.
            Error::config("`database.url` is not a PostgreSQL URL").source(error)
        })?;
        // libpq checks the authority wherever one is named.
        let mode = if mode == Mode::Require && root.is_some() { Mode::VerifyCa } else { mode };
        Ok(Address { config, mode, root })
    }

    /// Returns what PostgreSQL's own programs are told by their environment, where no other process of another user sees
    /// the password (PostgreSQL documentation, "Environment Variables").
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut told = Vec::new();
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        let listed = |values: Vec<String>| (!values.is_empty()).then(|| values.join(","));
        told.extend(listed(hosts).map(|hosts| ("PGHOST", hosts)));
        let addresses = self.config.get_hostaddrs().iter().map(ToString::to_string).collect();
        told.extend(listed(addresses).map(|addresses| ("PGHOSTADDR", addresses)));
        let ports = self.config.get_ports().iter().map(ToString::to_string).collect();
        told.extend(listed(ports).map(|ports| ("PGPORT", ports)));
        told.extend(self.config.get_user().map(|user| ("PGUSER", user.to_owned())));
        told.extend(self.config.get_dbname().map(|name| ("PGDATABASE", name.to_owned())));
        let password =
            self.config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
        told.extend(password.map(|password| ("PGPASSWORD", password)));
        // `prefer` means more to us than to libpq: over a network nothing goes in the clear.
        let mode = match self.mode {
            Mode::Allow | Mode::Prefer if !self.is_local() => Mode::Require,
            mode => mode,
        };
        told.push(("PGSSLMODE", mode.to_string()));
        told.extend(self.root.as_ref().map(|root| {
            let named = match root {
                Root::System => "system".to_owned(),
                Root::File(path) => path.display().to_string(),
            };
            ("PGSSLROOTCERT", named)
        }));
        told
    }

    /// Tells whether it names sockets of this machine alone.
    pub fn is_socket(&self) -> bool {
        let hosts = self.config.get_hosts();
        !hosts.is_empty() && hosts.iter().all(|host| matches!(host, Host::Unix(_)))
    }

    /// Tells whether what is sent cannot leave this machine.
    pub fn is_local(&self) -> bool {
        let addresses = self.config.get_hostaddrs();
        if !addresses.is_empty() {
            return addresses.iter().all(|address| address.to_canonical().is_loopback());
        }
        let is_local = |host: &Host| match host {
            Host::Unix(_) => true,
            Host::Tcp(name) => {
                name == "localhost"
                    || name.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
            }
        };
        self.config.get_hosts().iter().all(is_local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_programs_are_told_by_their_environment() {
        let told = |url: &str| {
            read(url)
                .environment()
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(
                "postgres://ann:p%40ss@db.example.com:5433/nexora?sslmode=verify-full&sslrootcert=/etc/ca.pem"
            ),
            [
                "PGHOST=db.example.com",
                "PGPORT=5433",
                "PGUSER=ann",
                "PGDATABASE=nexora",
                "PGPASSWORD=p@ss",
                "PGSSLMODE=verify-full",
                "PGSSLROOTCERT=/etc/ca.pem"
            ]
        );
        assert!(told("postgres://ann@db.example.com/nexora").contains(&"PGSSLMODE=require".to_owned()));
        let socket = told("postgres://ann@/nexora?host=/run/postgresql");
        assert!(
            socket.contains(&"PGHOST=/run/postgresql".to_owned())
                && socket.contains(&"PGSSLMODE=prefer".to_owned())
        );
        let two =
            told("postgres://ann@/nexora?host=/run/a,/run/b&port=5432,5433&target_session_attrs=read-write");
        assert!(
            two.contains(&"PGHOST=/run/a,/run/b".to_owned()) && two.contains(&"PGPORT=5432,5433".to_owned())
        );
    }

    fn read(url: &str) -> Address {
        Address::parse(url).unwrap()
    }

    #[test]
    fn every_mode_of_libpq_is_known() {
        for (name, mode) in MODES {
            assert_eq!(read(&format!("postgres://u:p@db.example.com/n?sslmode={name}")).mode, mode);
            assert_eq!(mode.to_string(), name);
        }
        assert_eq!(read("postgres://db.example.com/n").mode, Mode::Prefer);
        let strict = read(
            "postgres://db.example.com/n?connect_timeout=3&sslmode=verify-full&sslrootcert=%2Fetc%2Fdb%20ca.pem",
        );
        assert_eq!(strict.root, Some(Root::File("/etc/db ca.pem".into())));
        assert_eq!(strict.config.get_connect_timeout(), Some(&std::time::Duration::from_secs(3)));
        assert_eq!(read("postgres://h/n?sslmode=verify-full&sslrootcert=system").root, Some(Root::System));
        assert_eq!(read("postgres://h/n?sslmode=require&sslrootcert=/ca.pem").mode, Mode::VerifyCa);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_no_password_with_it() {
        for (query, expected) in [
            ("sslmode=strict", "sslmode"),
            ("sslmode=require&sslrootcert=system", "verify-full"),
            ("sslcert=/x.pem", "sslcert"),
            ("nonsense=1", "nonsense"),
        ] {
            let error = Address::parse(&format!("postgres://u:s3cret@h/n?{query}")).unwrap_err();
            let text = format!("{} {}", error.report(), error.hint_text().unwrap_or_default());
            assert!(text.contains(expected) && !text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_not_repeated() {
        for url in ["postgres://u:p?s3cret@h/n", "postgres://u:p&s3cret@h/n", "postgres://u:p@s3cret@h/n"] {
            if let Err(error) = Address::parse(url) {
                assert!(!error.report().contains("s3cret"), "{}", error.report());
            }
        }
    }

    #[test]
    fn what_stays_on_this_machine() {
        for url in [
            "postgres://localhost/n",
            "postgres://127.0.0.2:5433/n",
            "postgres://[::1]/n",
            "postgres://u@/n?host=/run/pg",
        ] {
            assert!(read(url).is_local(), "{url}");
        }
        for url in [
            "postgres://10.0.0.3/n",
            "postgres://db/n",
            "postgres://localhost,db/n",
            "postgres://localhost/n?hostaddr=192.0.2.1",
        ] {
            assert!(!read(url).is_local(), "{url}");
        }
        assert!(
            read("postgres://u@/n?host=/run/pg").is_socket() && !read("postgres://localhost/n").is_socket()
        );
    }
}
