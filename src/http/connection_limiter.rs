//! How many connections, or uploads, each address has under way, so that no client takes those of others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

use crate::http::client_address::counted;

/// Counts what each address has under way.
#[derive(Clone, Default)]
pub struct ConnectionLimiter(Arc<Mutex<HashMap<IpNet, usize>>>);

/// One connection of an address; it counts as under way until it is dropped.
pub struct Slot {
    limiter: ConnectionLimiter,
    networks: Vec<IpNet>,
}

impl ConnectionLimiter {
    /// Counts one more, unless the client has `most` under way, or the network around it several clients' worth.
    pub fn take(&self, address: IpAddr, most: usize) -> Option<Slot> {
        let counted = counted(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = counted.iter().all(|client| {
            let worth = usize::try_from(client.worth).unwrap_or(usize::MAX);
            counts.get(&client.network).copied().unwrap_or(0) < most.saturating_mul(worth)
        });
        has_room.then(|| {
            let networks: Vec<IpNet> = counted.into_iter().map(|client| client.network).collect();
            for network in &networks {
                *counts.entry(*network).or_default() += 1;
            }
            Slot { limiter: self.clone(), networks }
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.limiter.0.lock().unwrap_or_else(PoisonError::into_inner);
        for network in &self.networks {
            if let Some(count) = counts.get_mut(network) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(network);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_share_and_what_ends_is_given_back() {
        let limiter = ConnectionLimiter::default();
        let [one, other] = ["203.0.113.1", "203.0.113.2"].map(|text| text.parse().unwrap());
        let (first, second) = (limiter.take(one, 2), limiter.take(one, 2));
        assert!(first.is_some() && second.is_some());
        assert!(limiter.take(one, 2).is_none());
        assert!(limiter.take(other, 2).is_some());
        drop(first);
        assert!(limiter.take(one, 2).is_some());
        drop(second);
        assert!(limiter.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_of_many_addresses_gets_what_several_clients_get() {
        let limiter = ConnectionLimiter::default();
        let address = |number: usize| format!("2001:db8:1:{number:x}::1").parse().unwrap();
        let held: Vec<_> = (0..2_000).filter_map(|number| limiter.take(address(number), 2)).collect();
        assert_eq!(held.len(), 16);
        assert!(limiter.take("2001:db8:2::1".parse().unwrap(), 2).is_some());
        drop(held);
        assert!(limiter.0.lock().unwrap().is_empty());
    }
}
