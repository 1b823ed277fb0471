//! Who is on the other end: the address of the connection, or what a trusted proxy says it is.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Returns the client's address. `X-Forwarded-For` is read from its end, as far as trusted proxies
/// wrote it; anybody can write its beginning.
pub fn address(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(told(peer.ip().to_canonical(), headers, trusted))
}

fn told(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut known = peer;
    let written = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = written.flat_map(|line| line.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(&known) {
            break;
        }
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        known = address.to_canonical();
    }
    known
}

/// Returns what is counted as one client: an IPv4 address, or the /56 that one IPv6 household gets at most
/// (RIPE-690, 4.2).
pub fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 72))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_by(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        told(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        assert_eq!(told_by("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(told_by("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(told_by("127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(told_by("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.3"]), "198.51.100.1");
        assert_eq!(told_by("127.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(told_by("127.0.0.1", &["nonsense"]), "127.0.0.1");
    }

    #[test]
    fn a_household_is_one_client() {
        let one = household("2001:db8:1:2:aaaa::1".parse().unwrap());
        assert_eq!(one, household("2001:db8:1:2:bbbb::9".parse().unwrap()));
        assert_eq!(one, household("2001:db8:1:3::1".parse().unwrap()));
        assert_ne!(one, household("2001:db8:1:102::1".parse().unwrap()));
        assert_eq!(household("203.0.113.9".parse().unwrap()).to_string(), "203.0.113.9");
    }
}
