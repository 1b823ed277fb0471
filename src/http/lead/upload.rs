//! How much memory the photos that arrive may take, and how a body is read within it.
//!
//! Every byte beyond what any small request may have is taken from one budget before it is read, and given
//! back when the request has ended: a slow client holds little, and a head that never ends is cut off.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::connection_limiter::{ConnectionLimiter, Slot};

/// Requests with photos that one address may send at the same time.
const PER_ADDRESS: usize = 4;

/// How long a client may fall silent, and how long a request waits for memory.
const SILENCE: Duration = Duration::from_secs(10);

/// What may arrive before the head of a part is whole. Heads are searched anew whenever more arrives.
const HEAD_LIMIT: u64 = 131_072;

/// Bytes that one permit of the budget stands for.
const UNIT: u64 = 1_024;

/// The memory for photos, shared by all requests.
pub struct Budget {
    memory: Arc<Semaphore>,
    limiter: ConnectionLimiter,
}

/// Why a body is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    TooLarge,
    TooSlow,
    Busy,
    /// It is not what browsers send.
    Malformed,
}

/// What one request holds of the budget, until it is dropped.
pub struct Hold {
    memory: Arc<Semaphore>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    _slot: Option<Slot>,
    /// Bytes that are not charged to the budget.
    free: u64,
    limit: u64,
    received: AtomicU64,
    /// What may still arrive before the head that is being read is whole.
    head: AtomicU64,
    cut: Mutex<Option<Cut>>,
}

impl Budget {
    pub fn new(bytes: u64) -> Budget {
        let units = usize::try_from(bytes / UNIT).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Budget { memory: Arc::new(Semaphore::new(units)), limiter: ConnectionLimiter::default() }
    }

    /// Begins a request of at most `limit` bytes, of which `free` bytes are not charged to the budget; nothing when
    /// the address has too many under way.
    pub fn begin(&self, address: Option<IpAddr>, free: u64, limit: u64) -> Option<Arc<Hold>> {
        let slot = match address {
            Some(address) => Some(self.limiter.take(address, PER_ADDRESS)?),
            None => None,
        };
        Some(Arc::new(Hold {
            memory: Arc::clone(&self.memory),
            permit: Mutex::default(),
            _slot: slot,
            free,
            limit,
            received: AtomicU64::new(0),
            head: AtomicU64::new(HEAD_LIMIT),
            cut: Mutex::default(),
        }))
    }
}

impl Hold {
    /// Returns the body, read within the bounds of this hold.
    pub fn metered(self: &Arc<Hold>, body: Body) -> Body {
        let start = (body.into_data_stream(), Arc::clone(self));
        Body::from_stream(stream::try_unfold(start, |(mut data, hold)| async move {
            let next = tokio::time::timeout(SILENCE, data.next()).await;
            let chunk = match next {
                Err(_) => return Err(hold.end(Cut::TooSlow)),
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(hold.end(Cut::Malformed)),
                Ok(Some(Ok(chunk))) => chunk,
            };
            hold.take(&chunk).await?;
            Ok(Some((chunk, (data, hold))))
        }))
    }

    /// Says that the head of a part is read next.
    pub fn expect_head(&self) {
        self.head.store(HEAD_LIMIT, Ordering::Relaxed);
    }

    /// Says that the content of a part is read next.
    pub fn expect_content(&self) {
        self.head.store(u64::MAX, Ordering::Relaxed);
    }

    /// Returns why the body was cut off, if it was.
    pub fn cut(&self) -> Option<Cut> {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self, chunk: &Bytes) -> Result<(), std::io::Error> {
        let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let before = self.received.fetch_add(size, Ordering::Relaxed);
        // Browsers begin with the boundary (RFC 2046, 5.1.1); what others put before it is searched for it.
        if before == 0 && !chunk.starts_with(b"--") {
            return Err(self.end(Cut::Malformed));
        }
        let head = self.head.load(Ordering::Relaxed);
        if size > head || before + size > self.limit {
            return Err(self.end(Cut::TooLarge));
        }
        if head != u64::MAX {
            self.head.store(head - size, Ordering::Relaxed);
        }
        let units = |bytes: u64| bytes.saturating_sub(self.free).div_ceil(UNIT);
        let wanted = u32::try_from(units(before + size) - units(before)).unwrap_or(u32::MAX);
        if wanted == 0 {
            return Ok(());
        }
        let waiting = Arc::clone(&self.memory).acquire_many_owned(wanted);
        let Ok(Ok(more)) = tokio::time::timeout(SILENCE, waiting).await else {
            return Err(self.end(Cut::Busy));
        };
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        match permit.as_mut() {
            Some(permit) => permit.merge(more),
            None => *permit = Some(more),
        }
        Ok(())
    }

    fn end(&self, cut: Cut) -> std::io::Error {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = Some(cut);
        std::io::Error::other("the body was cut off")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(chunks: Vec<Vec<u8>>) -> Body {
        Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>)))
    }

    async fn read(hold: &Arc<Hold>, chunks: Vec<Vec<u8>>) -> Option<Cut> {
        let _ = axum::body::to_bytes(hold.metered(body(chunks)), usize::MAX).await;
        hold.cut()
    }

    #[tokio::test]
    async fn what_is_held_is_given_back_and_small_requests_need_nothing() {
        let budget = Budget::new(100 * UNIT);
        let free = 10 * UNIT;
        let small = budget.begin(None, free, 1_000_000).unwrap();
        small.expect_content();
        assert_eq!(read(&small, vec![b"--".to_vec(), vec![0; 10_000]]).await, None);
        assert_eq!(budget.memory.available_permits(), 100);
        let large = budget.begin(None, free, 1_000_000).unwrap();
        large.expect_content();
        assert_eq!(read(&large, vec![b"--".to_vec(), vec![0; 50 * 1_024]]).await, None);
        assert!(budget.memory.available_permits() < 60);
        drop(large);
        assert_eq!(budget.memory.available_permits(), 100);
    }

    #[tokio::test]
    async fn what_has_no_end_is_cut_off() {
        let budget = Budget::new(1_000_000);
        let begin = || budget.begin(None, 100_000, 400_000).unwrap();
        let chunks = |count: usize| [vec![b"--".to_vec()], vec![vec![b'a'; 32_768]; count]].concat();
        let head = begin();
        assert_eq!(read(&head, chunks(8)).await, Some(Cut::TooLarge), "a head that never ends");
        let content = begin();
        content.expect_content();
        assert_eq!(read(&content, chunks(8)).await, None);
        let endless = begin();
        endless.expect_content();
        assert_eq!(read(&endless, chunks(20)).await, Some(Cut::TooLarge));
        assert_eq!(read(&begin(), vec![b"no boundary".to_vec()]).await, Some(Cut::Malformed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_memory_so_long_and_no_longer() {
        let budget = Budget::new(100 * UNIT);
        let first = budget.begin(None, 0, 1_000_000).unwrap();
        first.expect_content();
        assert_eq!(read(&first, vec![b"--".to_vec(), vec![0; 80 * 1_024]]).await, None);
        let second = budget.begin(None, 0, 1_000_000).unwrap();
        second.expect_content();
        assert_eq!(read(&second, vec![b"--".to_vec(), vec![0; 40 * 1_024]]).await, Some(Cut::Busy));
    }

    #[test]
    fn an_address_has_so_many_under_way() {
        let budget = Budget::new(1_000);
        let address = Some("203.0.113.1".parse().unwrap());
        let held: Vec<_> = (0..PER_ADDRESS).map(|_| budget.begin(address, 0, 1).unwrap()).collect();
        assert!(budget.begin(address, 0, 1).is_none());
        drop(held);
        assert!(budget.begin(address, 0, 1).is_some());
    }
}
