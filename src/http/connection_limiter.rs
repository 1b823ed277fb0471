//! How many connections, or uploads, each address has under way, so that no client takes those of others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what each address has under way.
#[derive(Clone, Default)]
pub struct ConnectionLimiter(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of an address; it counts as under way until it is dropped.
pub struct Slot {
    limiter: ConnectionLimiter,
    address: IpAddr,
}

impl ConnectionLimiter {
    /// Counts one more, unless the address has `most` under way.
    pub fn take(&self, address: IpAddr, most: usize) -> Option<Slot> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        (*count < most).then(|| {
            *count += 1;
            Slot { limiter: self.clone(), address }
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.limiter.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
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
}
