//! A DNS of a few records, for tests.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures_util::future::BoxFuture;

use nexora_connector::dns::{Dns, Lookup};
use nexora_core::base::{Error, Result};

#[derive(Clone, Default)]
pub struct Zone {
    texts: BTreeMap<String, Vec<String>>,
    servers: BTreeMap<String, Vec<String>>,
    addresses: BTreeMap<String, Vec<IpAddr>>,
    is_silent: bool,
}

impl Zone {
    /// One that never answers.
    pub fn silent() -> Zone {
        Zone { is_silent: true, ..Zone::default() }
    }

    pub fn text(mut self, name: &str, text: &str) -> Zone {
        self.texts.entry(name.to_owned()).or_default().push(text.to_owned());
        self
    }

    pub fn server(mut self, name: &str, server: &str) -> Zone {
        self.servers.entry(name.to_owned()).or_default().push(server.to_owned());
        self
    }

    fn look<T: Clone>(&self, records: &BTreeMap<String, Vec<T>>, name: &str) -> Result<Lookup<T>> {
        if self.is_silent {
            return Err(Error::unavailable("the DNS does not answer"));
        }
        let below = format!(".{name}");
        let names = || self.texts.keys().chain(self.servers.keys()).chain(self.addresses.keys());
        Ok(match records.get(name) {
            Some(found) => Lookup::Found(found.clone()),
            None if names().any(|known| known == name || known.ends_with(&below)) => Lookup::NoRecords,
            None => Lookup::NoName,
        })
    }
}

impl Dns for Zone {
    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<String>>> {
        Box::pin(async move { self.look(&self.texts, name) })
    }

    fn mail_servers<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<String>>> {
        Box::pin(async move { self.look(&self.servers, name) })
    }

    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<IpAddr>>> {
        Box::pin(async move { self.look(&self.addresses, name) })
    }
}
