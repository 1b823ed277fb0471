//! How much each address has under way, so that none takes what is there for all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What addresses have under way.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// Counts as under way until it is dropped.
pub struct Counted {
    tally: Tally,
    address: IpAddr,
}

impl Tally {
    /// Counts one more, unless the address has `most` under way.
    pub fn take(&self, address: IpAddr, most: usize) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        (*count < most).then(|| {
            *count += 1;
            Counted { tally: self.clone(), address }
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.tally.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let tally = Tally::default();
        let [one, other] = ["203.0.113.1", "203.0.113.2"].map(|text| text.parse().unwrap());
        let (first, second) = (tally.take(one, 2), tally.take(one, 2));
        assert!(first.is_some() && second.is_some());
        assert!(tally.take(one, 2).is_none());
        assert!(tally.take(other, 2).is_some());
        drop(first);
        assert!(tally.take(one, 2).is_some());
        drop(second);
        assert!(tally.0.lock().unwrap().is_empty());
    }
}
