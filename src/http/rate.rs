//! How often one address, or all for one tenant, may send something.
//!
//! Counted in this process: with several daemons, each allows as much.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;

use crate::http::client_address::{WIDE, counted};
use nexora_core::model::{SourceId, TenantId};

/// Clients remembered at most before those that are quiet again are forgotten.
const REMEMBERED: usize = 50_000;

/// A bucket for each client: for its own network, and for the wider one around it.
pub struct ClientBuckets {
    own: Buckets<IpNet>,
    wide: Buckets<IpNet>,
}

impl ClientBuckets {
    /// Makes buckets that let `per_minute` of each client through; 0 for any number.
    pub fn new(per_minute: u32) -> ClientBuckets {
        ClientBuckets { own: Buckets::new(per_minute), wide: Buckets::new(per_minute.saturating_mul(WIDE)) }
    }

    /// Takes `count`; otherwise says when to come back. A client that is not known is not counted.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&self, address: Option<IpAddr>, count: u32) -> Result<(), Duration> {
        for client in address.into_iter().flat_map(counted) {
            let buckets = if client.worth == 1 { &self.own } else { &self.wide };
            buckets.take_many(&client.network, count)?;
        }
        Ok(())
    }
}

/// A bucket for each key, which holds a minute's worth.
pub struct Buckets<K: Hash + Eq + Clone> {
    limiter: Option<RateLimiter<K, HashMapStateStore<K>, DefaultClock>>,
    per_minute: u32,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Makes buckets that let `per_minute` through; 0 for any number.
    pub fn new(per_minute: u32) -> Buckets<K> {
        let limiter = NonZeroU32::new(per_minute).map(|limit| RateLimiter::hashmap(Quota::per_minute(limit)));
        Buckets { limiter, per_minute }
    }

    /// Takes one; otherwise says when to come back.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        self.take_many(key, 1)
    }

    /// Takes `count` at once, or a whole minute's worth where that is less; otherwise says when to come back.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take_many(&self, key: &K, count: u32) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > REMEMBERED {
            limiter.retain_recent();
        }
        let now = || DefaultClock::default().now();
        let taken = match NonZeroU32::new(count.min(self.per_minute)) {
            Some(count) => limiter.check_key_n(key, count),
            None => return Ok(()),
        };
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => Err(refusal.wait_time_from(now())),
            Err(_) => Err(Duration::from_secs(60)),
        }
    }
}

/// The buckets of the public listener.
pub struct Rates {
    /// What clients send to forms.
    pub clients: ClientBuckets,
    /// The leads of each tenant, without the noise.
    pub tenants: Buckets<TenantId>,
    /// What looks like spam, or comes from a client beyond its share of a tenant's leads. It has a bucket of its
    /// own, so that it takes the place of no honest lead.
    pub noise: Buckets<TenantId>,
    /// The share of a tenant's leads that one client may have.
    pub shares: Buckets<(TenantId, IpNet)>,
    /// What clients have us decode, in millions of pixels.
    pub decoding: ClientBuckets,
    /// Calls that showed no valid secret.
    pub refusals: ClientBuckets,
    /// Refusals that are written down, of each source.
    pub notes: Buckets<SourceId>,
}

/// Calls that one client may make without a valid secret.
pub const REFUSALS_PER_MINUTE: u32 = 60;

/// Refusals of one source that are logged and stored. Any client can cause them.
pub const NOTES_PER_MINUTE: u32 = 1;

/// Leads of a client that count among a tenant's honest ones.
pub const SHARE_PER_MINUTE: u32 = 6;

/// Millions of pixels, each counted as often as it is gone over, that one client may have decoded: what takes a
/// quarter of a minute. Six photos of any telephone are far less.
pub const DECODED_PER_MINUTE: u32 = 1_500;

impl Rates {
    /// Tells whether a client has had its share of a tenant's leads.
    pub fn is_beyond_share(&self, tenant: &TenantId, client: Option<IpAddr>) -> bool {
        let mut networks = client.into_iter().flat_map(counted);
        networks.any(|counted| self.shares.take(&(tenant.clone(), counted.network)).is_err())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_with_many_networks_gets_what_several_clients_get() {
        let buckets = ClientBuckets::new(30);
        let address = |number: u32| Some(format!("2001:db8:1:{number:x}::1").parse().unwrap());
        let let_through = (0..20_000).filter(|number| buckets.take(address(*number), 1).is_ok()).count();
        assert!((240..260).contains(&let_through), "{let_through}");
        assert!(buckets.take(Some("2001:db8:2::1".parse().unwrap()), 1).is_ok());
        assert!((0..100).all(|_| buckets.take(None, 1).is_ok()), "a client that is not known is not counted");
    }

    #[test]
    fn several_are_taken_at_once_and_never_more_than_there_can_be() {
        let buckets = Buckets::new(10);
        assert!(buckets.take_many(&1, 8).is_ok());
        assert!(buckets.take_many(&1, 8).is_err_and(|wait| wait <= Duration::from_secs(60)));
        assert!(buckets.take_many(&2, 1_000).is_ok());
        assert!(buckets.take(&2).is_err());
        assert!(Buckets::new(0).take_many(&1, 1_000).is_ok());
    }
}
