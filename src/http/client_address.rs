//! The client's address: that of the connection, or what a trusted proxy says it is.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use ipnet::{IpNet, Ipv6Net};

/// Returns the client's address. `X-Forwarded-For` is read from its end, as far as trusted proxies
/// wrote it; its beginning is the client's own and proves nothing.
pub fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(forwarded_for(peer.ip().to_canonical(), headers, trusted))
}

fn forwarded_for(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut known = peer;
    let written = headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes);
    let hops: Vec<&[u8]> = written.flat_map(|line| line.split(|byte| *byte == b',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(&known) {
            break;
        }
        let Some(address) = parsed(hop) else { break };
        known = address.to_canonical();
    }
    known
}

/// Reads one hop: an address, in brackets or not, with its port or without.
fn parsed(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port()).ok()
}

/// How many clients' worth all of an IPv6 /48 gets: it may be one customer's (RIPE-690, 4.2), or hold many a
/// mobile provider's.
pub const WIDE: u32 = 8;

/// A network that counts as one client, or as several together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub network: IpNet,
    /// How many clients' worth it gets.
    pub worth: u32,
}

/// Returns the networks by which a client is counted: an IPv4 address; or an IPv6 /64, which any client has to
/// itself, and its /48, so that a customer who has many of them gets no more than several clients do.
pub fn counted(address: IpAddr) -> Vec<Counted> {
    let one = |network: IpNet, worth| Counted { network: network.trunc(), worth };
    match address {
        IpAddr::V4(_) => vec![one(IpNet::from(address), 1)],
        IpAddr::V6(six) => [(64, 1), (48, WIDE)]
            .into_iter()
            .filter_map(|(length, worth)| Some(one(Ipv6Net::new(six, length).ok()?.into(), worth)))
            .collect(),
    }
}

/// Returns the network that is shown and remembered for one client: an IPv4 address, or the /56 that one IPv6 customer gets at most
/// (RIPE-690, 4.2).
pub fn client_network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 72))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(peer: &str, forwarded: &[&str]) -> String {
        let lines: Vec<&[u8]> = forwarded.iter().map(|line| line.as_bytes()).collect();
        forwarded_bytes(peer, &lines)
    }

    fn forwarded_bytes(peer: &str, forwarded: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
        }
        let trusted = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        forwarded_for(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        assert_eq!(forwarded("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(forwarded("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(forwarded("127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(forwarded("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.3"]), "198.51.100.1");
        assert_eq!(forwarded("127.0.0.1", &["1.1.1.1", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(forwarded("127.0.0.1", &["nonsense"]), "127.0.0.1");
    }

    #[test]
    fn what_a_client_writes_does_not_silence_the_proxy() {
        assert_eq!(forwarded_bytes("127.0.0.1", &[b"\xff\xfe, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(forwarded_bytes("127.0.0.1", &[b"\xe9", b"198.51.100.1, 10.0.0.3"]), "198.51.100.1");
        assert_eq!(forwarded_bytes("127.0.0.1", &[b"198.51.100.1, \xff"]), "127.0.0.1");
    }

    #[test]
    fn a_hop_may_bear_its_port() {
        assert_eq!(forwarded("127.0.0.1", &["198.51.100.1:5678"]), "198.51.100.1");
        assert_eq!(forwarded("127.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(forwarded("127.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(forwarded("127.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(forwarded("127.0.0.1", &["1.1.1.1, 198.51.100.1:80, 10.0.0.3:443"]), "198.51.100.1");
        assert_eq!(forwarded("127.0.0.1", &["198.51.100.1:port"]), "127.0.0.1");
    }

    #[test]
    fn an_ipv6_client_is_counted_with_its_neighbours_too() {
        let shown = |address: &str| -> Vec<(String, u32)> {
            let counted = counted(address.parse().unwrap());
            counted.into_iter().map(|counted| (counted.network.to_string(), counted.worth)).collect()
        };
        assert_eq!(shown("203.0.113.9"), [("203.0.113.9/32".to_owned(), 1)]);
        let [own, wide] = ["2001:db8:1:2::/64", "2001:db8:1::/48"].map(str::to_owned);
        assert_eq!(shown("2001:db8:1:2:aaaa::1"), [(own.clone(), 1), (wide.clone(), WIDE)]);
        assert_eq!(shown("2001:db8:1:2:bbbb::9"), [(own, 1), (wide.clone(), WIDE)]);
        assert_eq!(shown("2001:db8:1:3::1")[1], (wide, WIDE));
    }

    #[test]
    fn a_network_is_one_client() {
        let one = client_network("2001:db8:1:2:aaaa::1".parse().unwrap());
        assert_eq!(one, client_network("2001:db8:1:2:bbbb::9".parse().unwrap()));
        assert_eq!(one, client_network("2001:db8:1:3::1".parse().unwrap()));
        assert_ne!(one, client_network("2001:db8:1:102::1".parse().unwrap()));
        assert_eq!(client_network("203.0.113.9".parse().unwrap()).to_string(), "203.0.113.9");
    }
}
