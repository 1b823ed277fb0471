//! What the DNS says of a name, with the difference between a name that is not there and one without such records.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{Resolver, ResolverBuilder, TokioResolver};

use nexora_core::base::{Error, Result};

/// What was found of one kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    Found(Vec<T>),
    /// The name is there, and has other records or names below it.
    NoRecords,
    /// Neither the name is there, nor any below it (RFC 8020).
    NoName,
}

impl<T> Lookup<T> {
    /// Returns the records; none where there are none.
    pub fn into_list(self) -> Vec<T> {
        match self {
            Lookup::Found(records) => records,
            Lookup::NoRecords | Lookup::NoName => Vec::new(),
        }
    }
}

/// Asks the DNS.
pub trait Dns: Send + Sync {
    /// Returns the texts of a name, each put together of its parts.
    ///
    /// # Errors
    /// `Unavailable` when nobody answers.
    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<String>>>;

    /// Returns the mail servers of a domain, the preferred first.
    ///
    /// # Errors
    /// `Unavailable` when nobody answers.
    fn mail_servers<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<String>>>;

    /// Returns the addresses of a host.
    ///
    /// # Errors
    /// `Unavailable` when nobody answers.
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<IpAddr>>>;
}

/// How long one question may take, and how often it is put.
const TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;

/// Asks the servers that this machine has in `/etc/resolv.conf`, and never its file of hosts: the public has none.
pub struct SystemDns(TokioResolver);

impl SystemDns {
    /// # Errors
    /// `Config` when the machine names no servers.
    pub fn new() -> Result<SystemDns> {
        SystemDns::of(Resolver::builder_tokio().map_err(unusable)?)
    }

    /// Asks this server alone.
    ///
    /// # Errors
    /// `Config` when it cannot be set up.
    pub fn at(server: SocketAddr) -> Result<SystemDns> {
        let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = server.port();
        }
        let server = NameServerConfig::new(server.ip(), true, connections.into());
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        SystemDns::of(Resolver::builder_with_config(config, TokioRuntimeProvider::default()))
    }

    fn of(mut builder: ResolverBuilder<TokioRuntimeProvider>) -> Result<SystemDns> {
        let options = builder.options_mut();
        options.timeout = TIMEOUT;
        options.attempts = ATTEMPTS;
        options.use_hosts_file = ResolveHosts::Never;
        builder.build().map(SystemDns).map_err(unusable)
    }

    async fn look<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Lookup<T>> {
        // With the dot at its end a name is whole, and no domain of this machine is put behind it.
        let whole = format!("{}.", name.trim_end_matches('.'));
        match self.0.lookup(whole, kind).await {
            Ok(found) => {
                let records: Vec<T> =
                    found.answers().iter().filter_map(|record| read(&record.data)).collect();
                Ok(if records.is_empty() { Lookup::NoRecords } else { Lookup::Found(records) })
            }
            Err(error) if error.is_nx_domain() => Ok(Lookup::NoName),
            Err(error) if error.is_no_records_found() => Ok(Lookup::NoRecords),
            Err(error) => {
                Err(Error::unavailable(format!("the DNS says nothing of `{name}`")).source(error.to_string()))
            }
        }
    }
}

fn unusable(error: NetError) -> Error {
    Error::config("the DNS cannot be asked").source(error.to_string()).hint("check /etc/resolv.conf")
}

impl Dns for SystemDns {
    fn texts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<String>>> {
        let text = |data: &RData| match data {
            RData::TXT(found) => {
                Some(found.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>())
            }
            _ => None,
        };
        Box::pin(self.look(name, RecordType::TXT, text))
    }

    fn mail_servers<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<String>>> {
        let server = |data: &RData| match data {
            RData::MX(found) => Some((found.preference, found.exchange.to_string())),
            _ => None,
        };
        Box::pin(async move {
            Ok(match self.look(name, RecordType::MX, server).await? {
                Lookup::Found(mut servers) => {
                    servers.sort();
                    let whole = |server: String| match server.strip_suffix('.') {
                        Some(short) if !short.is_empty() => short.to_owned(),
                        // A dot alone says that there is none (RFC 7505).
                        _ => server,
                    };
                    Lookup::Found(servers.into_iter().map(|(_, server)| whole(server)).collect())
                }
                Lookup::NoRecords => Lookup::NoRecords,
                Lookup::NoName => Lookup::NoName,
            })
        })
    }

    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Lookup<IpAddr>>> {
        let address = |data: &RData| match data {
            RData::A(found) => Some(IpAddr::V4(found.0)),
            RData::AAAA(found) => Some(IpAddr::V6(found.0)),
            _ => None,
        };
        Box::pin(async move {
            let four = self.look(name, RecordType::A, address).await?;
            let six = self.look(name, RecordType::AAAA, address).await;
            let six = six.map(Lookup::into_list).unwrap_or_default();
            Ok(match four {
                Lookup::Found(mut all) => {
                    all.extend(six);
                    Lookup::Found(all)
                }
                Lookup::NoRecords | Lookup::NoName if !six.is_empty() => Lookup::Found(six),
                none @ (Lookup::NoRecords | Lookup::NoName) => none,
            })
        })
    }
}
