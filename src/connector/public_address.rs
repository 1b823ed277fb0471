//! Which addresses are of the public internet. What a tenant names is called there alone, unless the operator allows
//! otherwise: the daemon can reach services of its own network that are none of the tenant's.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Returns where a host may be called. It is resolved once for each call, so that it cannot become another between
/// the check and the call.
///
/// # Errors
/// When the name is not known, or none of its addresses is public.
pub async fn resolve(host: &str, port: u16, allow_private: bool) -> io::Result<Vec<SocketAddr>> {
    let found = tokio::net::lookup_host((host, port)).await?;
    let allowed: Vec<SocketAddr> = found.filter(|address| allow_private || is_public(address.ip())).collect();
    match allowed.is_empty() {
        true => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("`{host}` is not at a public address"),
        )),
        false => Ok(allowed),
    }
}

/// Tells whether an address is one of the public internet (IANA's registries of special addresses).
pub fn is_public(address: IpAddr) -> bool {
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

    #[tokio::test]
    async fn a_host_of_this_network_is_called_where_that_is_allowed() {
        for host in ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"] {
            let refused = resolve(host, 25, false).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            assert_eq!(resolve(host, 25, true).await.unwrap().len(), 1);
        }
        assert_eq!(resolve("8.8.8.8", 25, false).await.unwrap(), ["8.8.8.8:25".parse().unwrap()]);
    }
}
