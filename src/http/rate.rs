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

use nexora_core::model::{SourceId, TenantId};

/// Clients remembered at most before those that are quiet again are forgotten.
const REMEMBERED: usize = 50_000;

/// A bucket for each key, which holds a minute's worth.
pub struct Buckets<K: Hash + Eq + Clone>(Option<RateLimiter<K, HashMapStateStore<K>, DefaultClock>>);

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Makes buckets that let `per_minute` through; 0 for any number.
    pub fn new(per_minute: u32) -> Buckets<K> {
        Buckets(NonZeroU32::new(per_minute).map(|limit| RateLimiter::hashmap(Quota::per_minute(limit))))
    }

    /// Takes one; otherwise says when to come back.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        if limiter.len() > REMEMBERED {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|refusal| refusal.wait_time_from(DefaultClock::default().now()))
    }
}

/// The buckets of the public listener.
pub struct Rates {
    pub addresses: Buckets<IpAddr>,
    pub tenants: Buckets<TenantId>,
    /// Calls that showed no valid secret.
    pub refusals: Buckets<IpAddr>,
    /// Refusals that are written down, of each source.
    pub notes: Buckets<SourceId>,
}

/// Calls that one client may make without a valid secret.
pub const REFUSALS_PER_MINUTE: u32 = 60;

/// Refusals of one source that are logged and stored. Any client can cause them.
pub const NOTES_PER_MINUTE: u32 = 1;
