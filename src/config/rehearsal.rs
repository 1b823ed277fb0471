//! `[rehearsal]`: where the sandbox listens that takes what rehearsing tenants send.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::config::check::Faults;
use nexora_core::base::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Address of its Google endpoints and its mailbox page, on loopback.
    pub listen: String,
    /// Address of its mail relay, on loopback.
    pub smtp_listen: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { listen: "127.0.0.1:9400".to_owned(), smtp_listen: "127.0.0.1:9425".to_owned() }
    }
}

impl Settings {
    /// Notes each key that is wrong.
    pub fn check(&self, faults: &mut Faults) {
        faults.note(self.addresses().map(|_| ()));
    }

    /// Returns both addresses.
    ///
    /// # Errors
    /// `Config` naming the key that is not an address on loopback.
    pub fn addresses(&self) -> Result<(SocketAddr, SocketAddr)> {
        let read = |key: &str, text: &str| match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(address),
            _ => Err(Error::config(format!("`rehearsal.{key}` is not an address on loopback: `{text}`"))
                .hint("write it like `127.0.0.1:9400`")),
        };
        Ok((read("listen", &self.listen)?, read("smtp_listen", &self.smtp_listen)?))
    }
}
