//! Where events may be sent: to public addresses, unless a connection allows others.
//!
//! The name is resolved once for each attempt, so that it cannot become another between the check and
//! the call.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::webhook::WebhookSettings;
use nexora_core::base::{Error, Result};

/// Makes sure that an address can be told anything.
///
/// # Errors
/// `Usage` when it is no `https` address, or names one that is not public and not allowed.
pub fn check(settings: &WebhookSettings) -> Result<Uri> {
    let url = &settings.url;
    let uri: Uri = url.parse().map_err(|_| Error::usage(format!("`{url}` is not an address on the web")))?;
    let host = uri.host().ok_or_else(|| Error::usage(format!("`{url}` names no host")))?;
    let secure = uri.scheme_str() == Some("https");
    if !secure && !settings.allow_private {
        return Err(Error::usage(format!("`{url}` is not encrypted")).hint("use an address with `https://`"));
    }
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match literal.filter(|address| !settings.allow_private && !is_public(*address)) {
        Some(address) => Err(private(&address.to_string())),
        None => Ok(uri),
    }
}

fn private(what: &str) -> Error {
    Error::usage(format!("`{what}` is not a public address"))
        .hint("add `--allow-private` if it is a receiver of your own in this network")
}

/// Resolves names, and hands out only addresses that may be called.
#[derive(Clone)]
pub struct Guard {
    pub allow_private: bool,
}

impl Service<Name> for Guard {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(std::io::Error::other(format!("`{name}` is not at a public address")));
            }
            Ok(allowed.into_iter())
        })
    }
}

/// Tells whether an address is one of the public internet (IANA's registries of special addresses).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => {
                let [first, second, ..] = address.segments();
                let documentation = first == 0x2001 && second == 0x0db8;
                // 2000::/3 is all that is given out.
                first & 0xe000 == 0x2000 && !documentation
            }
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

/// Returns the IPv4 address within one that maps it, translates it (RFC 6052) or tunnels to it (6to4).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_called() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ];
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_is_checked_when_it_is_named() {
        let check = |url: &str, allow_private| check(&WebhookSettings { url: url.to_owned(), allow_private });
        assert!(check("https://example.com/hook", false).is_ok());
        for wrong in
            ["http://example.com", "https://127.0.0.1/x", "https://[::1]/x", "ftp://example.com", "nonsense"]
        {
            assert!(check(wrong, false).is_err(), "{wrong}");
        }
        assert!(check("http://127.0.0.1:8080/x", true).is_ok());
    }
}
