//! `[http]`: the public and the private listener, and the limits on who speaks to them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::certificate::CertificateFiles;
use crate::config::check::{Faults, at_least, check_url};
use nexora_core::base::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Address and port of the public listener: the form and the status page.
    pub listen: String,
    /// How the public reaches that listener, for links in mails and on pages. A slash at the end is left out.
    #[serde(deserialize_with = "without_last_slash")]
    pub public_url: String,
    /// How the public reached it before, separated by commas: links of these addresses lead to `public_url`.
    pub former_urls: String,
    /// File with the public listener's certificate, followed by those that signed it (PEM). Empty where a web server in
    /// front has the certificate.
    pub tls_cert: String,
    /// File with the certificate's key (PEM).
    pub tls_key: String,
    /// Address and port of the private listener: health, readiness, metrics.
    pub private_listen: String,
    /// Networks of the reverse proxies whose `X-Forwarded-For` is believed, separated by commas.
    pub trusted_proxies: String,
    /// Connections open at the same time; further ones wait.
    pub connection_limit: u64,
    /// Connections that one address may have open; further ones are closed. Trusted proxies may have
    /// any number.
    pub connections_per_address: u64,
    /// The largest request body.
    pub body_limit_bytes: u64,
    /// Seconds in which a client must have sent its request's head.
    pub header_timeout_s: u64,
    /// Seconds in which a request must have been read and answered.
    pub request_timeout_s: u64,
    /// Seconds in which a client must take what is written to it, or 32 KiB of it.
    pub write_timeout_s: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: "http://127.0.0.1:8080".to_owned(),
            former_urls: String::new(),
            tls_cert: String::new(),
            tls_key: String::new(),
            private_listen: "127.0.0.1:9180".to_owned(),
            trusted_proxies: "127.0.0.0/8, ::1/128".to_owned(),
            connection_limit: 2_048,
            connections_per_address: 64,
            body_limit_bytes: 65_536,
            header_timeout_s: 10,
            request_timeout_s: 15,
            write_timeout_s: 30,
        }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(self.listen_address());
        faults.note(self.certificate_files());
        faults.note(self.private_listen_address());
        faults.note(check_url("http.public_url", &self.public_url));
        for url in self.former_addresses() {
            faults.note(check_url("http.former_urls", url));
        }
        faults.note(self.proxies());
        faults.note(at_least("http.connection_limit", self.connection_limit, 1));
        faults.note(at_least("http.connections_per_address", self.connections_per_address, 1));
        faults.note(at_least("http.body_limit_bytes", self.body_limit_bytes, 1_024));
        faults.note(at_least("http.header_timeout_s", self.header_timeout_s, 1));
        faults.note(at_least("http.request_timeout_s", self.request_timeout_s, 1));
        faults.note(at_least("http.write_timeout_s", self.write_timeout_s, 1));
    }

    /// # Errors
    /// `Config` when the text is not an address.
    pub fn listen_address(&self) -> Result<SocketAddr> {
        parse_address("http.listen", &self.listen)
    }

    /// Returns the addresses at which the public reached the listener before.
    pub fn former_addresses(&self) -> impl Iterator<Item = &str> {
        self.former_urls.split(',').map(str::trim).filter(|url| !url.is_empty())
    }

    /// # Errors
    /// `Config` when the text is not an address.
    pub fn private_listen_address(&self) -> Result<SocketAddr> {
        parse_address("http.private_listen", &self.private_listen)
    }

    /// Returns where the public listener's own certificate is; nothing where it has none.
    ///
    /// # Errors
    /// `Config` when one of the two files is named without the other.
    pub fn certificate_files(&self) -> Result<Option<CertificateFiles>> {
        match (self.tls_cert.as_str(), self.tls_key.as_str()) {
            ("", "") => Ok(None),
            ("", _) | (_, "") => Err(Error::config("`http.tls_cert` and `http.tls_key` go together")
                .hint("name both files, or neither where a web server in front has the certificate")),
            (certificate, key) => Ok(Some(CertificateFiles {
                certificate: PathBuf::from(certificate),
                key: PathBuf::from(key),
            })),
        }
    }

    /// # Errors
    /// `Config` when one of them is not a network.
    pub fn proxies(&self) -> Result<Vec<IpNet>> {
        let written = self.trusted_proxies.split(',').map(str::trim).filter(|text| !text.is_empty());
        let network = |text: &str| {
            let parsed = text.parse().or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address)));
            parsed.map_err(|_| {
                Error::config(format!("`http.trusted_proxies` has a part that is not a network: `{text}`"))
                    .hint("write it like `10.0.0.0/8, 192.0.2.7`")
            })
        };
        written.map(network).collect()
    }

    pub fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_s)
    }

    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s)
    }

    pub fn write_timeout(&self) -> Duration {
        Duration::from_secs(self.write_timeout_s)
    }
}

/// Reads an address to which paths are put.
fn without_last_slash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| text.trim_end_matches('/').to_owned())
}

fn parse_address(key: &str, text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| {
        Error::config(format!("`{key}` is not an address and port: `{text}`"))
            .hint("write it like `127.0.0.1:8080` or `[::1]:8080`")
    })
}
