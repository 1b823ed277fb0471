//! Buckets for Google's quotas: one for each mailbox and one for each project, for each service.
//!
//! A call takes what it costs before it is made. A short wait is waited out; a longer one is given
//! back to the caller, so that a mailbox out of quota delays no other. When Google itself
//! says that a mailbox has had enough, its bucket is closed for as long as Google asks. That it has sent
//! enough mails closes nothing but sending, for hours.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::fault::{Fault, SENDING_LIMIT};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::model::quota::{GoogleQuota, PerMinute};

/// What a call takes from Google's quota, by the bucket that it is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// In quota units.
    Gmail(u32),
    /// Sending a mail, in the same units; there is a limit of the day besides.
    GmailSend(u32),
    Calendar,
    SheetsRead,
    SheetsWrite,
    Drive,
}

impl Cost {
    pub fn is_sending(self) -> bool {
        matches!(self, Cost::GmailSend(_))
    }
}

/// The longest wait that is waited out in place.
const SHORT_WAIT: Duration = Duration::from_secs(1);

/// How long a bucket is closed when Google says "too much" and not for how long; and at most.
const CLOSED_USUALLY: Duration = Duration::from_secs(5);
const CLOSED_AT_MOST: Duration = Duration::from_secs(1_800);

/// What is said while Google takes no mails for a moment.
const SENDING_RATE: &str = "Gmail takes no more mails for the moment";

/// How long sending rests when Google says that a mailbox has sent enough, and not for how long; it
/// doubles each time, up to a day.
const SENDING_CLOSED_FIRST: Duration = Duration::from_secs(3_600);
const SENDING_CLOSED_AT_MOST: Duration = Duration::from_secs(86_400);

/// How much of a minute's quota may be used at once; the rest comes evenly, so that no window of a
/// minute sees much more than a minute's worth.
const BURST_SHARE: u32 = 6;

/// Owners remembered at most before those that are idle are let go.
const OWNER_LIMIT: usize = 10_000;

/// The buckets of this process.
pub struct Quotas {
    gmail: Bucket,
    calendar: Bucket,
    sheets_reads: Bucket,
    sheets_writes: Bucket,
    drive: Bucket,
    /// Mailboxes that may send no mails for now.
    sending: Mutex<HashMap<String, Rest>>,
    ticks: Ticks,
}

/// How long a mailbox sends nothing, how often in a row Google has named the limit of the day, and what is
/// said of it.
#[derive(Clone, Copy)]
struct Rest {
    until: Duration,
    times: u32,
    reason: &'static str,
}

struct Bucket {
    name: &'static str,
    ticks: Ticks,
    user: Limiter,
    project: Limiter,
    /// The most that can be taken at once.
    burst: NonZeroU32,
    closed: Mutex<HashMap<String, Duration>>,
}

type Limiter = RateLimiter<String, HashMapStateStore<String>, Ticks, NoOpMiddleware<Duration>>;

/// How long the buckets have been there: by the machine's monotonic clock, or
/// by a hand-set one.
#[derive(Clone, Debug)]
struct Ticks {
    clock: Clock,
    started: Instant,
}

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        match &self.clock {
            Clock::System => self.started.elapsed(),
            Clock::HandSet(_) => {
                Duration::from_millis(u64::try_from(self.clock.now().millis()).unwrap_or_default())
            }
        }
    }
}

/// The quotas as one connection meets them.
#[derive(Clone)]
pub struct Meter {
    quotas: Arc<Quotas>,
    project: String,
    user: String,
}

impl Quotas {
    pub fn new(limits: GoogleQuota, clock: Clock) -> Quotas {
        let ticks = &Ticks { clock, started: Instant::now() };
        Quotas {
            gmail: Bucket::new("Gmail", limits.gmail, ticks),
            calendar: Bucket::new("Calendar", limits.calendar, ticks),
            sheets_reads: Bucket::new("Sheets read", limits.sheets_reads, ticks),
            sheets_writes: Bucket::new("Sheets write", limits.sheets_writes, ticks),
            drive: Bucket::new("Drive", limits.drive, ticks),
            sending: Mutex::default(),
            ticks: ticks.clone(),
        }
    }

    fn bucket(&self, cost: Cost) -> (&Bucket, u32) {
        match cost {
            Cost::Gmail(units) | Cost::GmailSend(units) => (&self.gmail, units),
            Cost::Calendar => (&self.calendar, 1),
            Cost::SheetsRead => (&self.sheets_reads, 1),
            Cost::SheetsWrite => (&self.sheets_writes, 1),
            Cost::Drive => (&self.drive, 1),
        }
    }
}

impl Bucket {
    fn new(name: &'static str, limit: PerMinute, ticks: &Ticks) -> Bucket {
        let quota = |per_minute: u32| {
            let rate = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
            let burst = NonZeroU32::new((per_minute / BURST_SHARE).max(per_minute.min(100)));
            Quota::per_minute(rate).allow_burst(burst.filter(|b| *b <= rate).unwrap_or(NonZeroU32::MIN))
        };
        let (user, project) = (quota(limit.user), quota(limit.project));
        Bucket {
            name,
            burst: user.burst_size().min(project.burst_size()),
            user: RateLimiter::hashmap_with_clock(user, ticks.clone()),
            project: RateLimiter::hashmap_with_clock(project, ticks.clone()),
            ticks: ticks.clone(),
            closed: Mutex::default(),
        }
    }

    fn now(&self) -> Duration {
        governor::clock::Clock::now(&self.ticks)
    }

    /// Takes `amount` for one user, or says how long until it can be had. The user's own bucket
    /// comes first: one that is empty takes nothing from the project's.
    fn take(&self, project: &String, user: &String, amount: u32) -> Result<(), Duration> {
        let now = self.now();
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        match closed.get(user).map(|until| until.saturating_sub(now)) {
            Some(wait) if !wait.is_zero() => return Err(wait),
            Some(_) => drop(closed.remove(user)),
            None => {}
        }
        drop(closed);
        if self.user.len() > OWNER_LIMIT {
            self.user.retain_recent();
        }
        let amount = NonZeroU32::new(amount).unwrap_or(NonZeroU32::MIN).min(self.burst);
        for (limiter, owner) in [(&self.user, user), (&self.project, project)] {
            if let Ok(Err(until)) = limiter.check_key_n(owner, amount) {
                return Err(until.wait_time_from(self.now()));
            }
        }
        Ok(())
    }
}

impl Meter {
    pub fn new(quotas: &Arc<Quotas>, project: String, user: String) -> Meter {
        Meter { quotas: Arc::clone(quotas), project, user }
    }

    /// Returns the time by the clock that the waits of refusals are reckoned by.
    pub fn now(&self) -> Timestamp {
        self.quotas.ticks.clock.now()
    }

    /// Refuses while the mailbox may send no mails.
    pub fn may_send(&self) -> Result<(), Fault> {
        let now = governor::clock::Clock::now(&self.quotas.ticks);
        let sending = self.quotas.sending.lock().unwrap_or_else(PoisonError::into_inner);
        match sending.get(&self.user).filter(|rest| rest.until > now) {
            Some(rest) => {
                let after = Some(rest.until.saturating_sub(now));
                Err(Fault::Throttled { reason: rest.reason.to_owned(), after })
            }
            None => Ok(()),
        }
    }

    /// Stops sending for the mailbox for a moment, because Google said that these were too many at once.
    /// Reading has a count of its own and goes on.
    pub fn pause_sending(&self, after: Option<Duration>) {
        let now = governor::clock::Clock::now(&self.quotas.ticks);
        let mut sending = self.quotas.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let rest =
            sending.entry(self.user.clone()).or_insert(Rest { until: now, times: 0, reason: SENDING_RATE });
        let until = now + after.unwrap_or(CLOSED_USUALLY).min(CLOSED_AT_MOST);
        if until > rest.until {
            (rest.until, rest.reason) = (until, SENDING_RATE);
        }
    }

    /// Stops sending for the mailbox, because Google said that it has sent enough; returns for how long.
    pub fn close_sending(&self, after: Option<Duration>) -> Duration {
        let now = governor::clock::Clock::now(&self.quotas.ticks);
        let mut sending = self.quotas.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let rest =
            sending.entry(self.user.clone()).or_insert(Rest { until: now, times: 0, reason: SENDING_LIMIT });
        // Mails that were under way when it was said are refused, too: that is once.
        if rest.until <= now || rest.reason != SENDING_LIMIT || rest.times == 0 {
            rest.times += 1;
        }
        rest.reason = SENDING_LIMIT;
        let usual = SENDING_CLOSED_FIRST.saturating_mul(1 << rest.times.saturating_sub(1).min(8));
        let wait = after.unwrap_or(usual).min(SENDING_CLOSED_AT_MOST);
        rest.until = rest.until.max(now + wait);
        rest.until.saturating_sub(now)
    }

    /// Notes that a mail went out.
    pub fn sent(&self) {
        self.quotas.sending.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.user);
    }

    /// Takes what a call costs.
    pub async fn take(&self, cost: Cost) -> Result<(), Fault> {
        if cost.is_sending() {
            self.may_send()?;
        }
        let (bucket, amount) = self.quotas.bucket(cost);
        let begun = Instant::now();
        loop {
            let Err(wait) = bucket.take(&self.project, &self.user, amount) else { return Ok(()) };
            if begun.elapsed() + wait > SHORT_WAIT {
                let reason = format!("the {} quota of this minute is used up", bucket.name);
                return Err(Fault::Throttled { reason, after: Some(wait) });
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Stops calls of this kind for the mailbox, because Google said that it has had enough.
    pub fn close(&self, cost: Cost, after: Option<Duration>) {
        let (bucket, _) = self.quotas.bucket(cost);
        let until = bucket.now() + after.unwrap_or(CLOSED_USUALLY).min(CLOSED_AT_MOST);
        let mut closed = bucket.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = closed.entry(self.user.clone()).or_insert(until);
        *known = until.max(*known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(user: u32, project: u32) -> Arc<Quotas> {
        let limit = PerMinute { project, user };
        Arc::new(Quotas::new(
            GoogleQuota {
                gmail: limit,
                calendar: limit,
                sheets_reads: limit,
                sheets_writes: limit,
                drive: limit,
            },
            Clock::hand_set(Timestamp::from_millis(1_000_000)),
        ))
    }

    fn meter(quotas: &Arc<Quotas>, user: &str) -> Meter {
        Meter::new(quotas, "p".into(), user.into())
    }

    #[tokio::test]
    async fn a_user_out_of_quota_is_throttled_and_another_is_not() {
        let quotas = quotas(12, 1_000);
        let (one, other) = (meter(&quotas, "a"), meter(&quotas, "b"));
        for _ in 0..12 {
            one.take(Cost::SheetsRead).await.unwrap();
        }
        let Err(Fault::Throttled { after: Some(after), reason }) = one.take(Cost::SheetsRead).await else {
            panic!("not throttled")
        };
        assert!(after > SHORT_WAIT && after <= Duration::from_secs(6), "{after:?}");
        assert_eq!(reason, "the Sheets read quota of this minute is used up");
        other.take(Cost::SheetsRead).await.unwrap();
        one.take(Cost::SheetsWrite).await.unwrap();
    }

    #[tokio::test]
    async fn the_project_binds_all_its_users() {
        let quotas = quotas(100, 6);
        for user in ["a", "b", "c", "d", "e", "f"] {
            meter(&quotas, user).take(Cost::Drive).await.unwrap();
        }
        assert!(meter(&quotas, "g").take(Cost::Drive).await.is_err());
        let elsewhere = Meter::new(&quotas, "q".into(), "g".into());
        elsewhere.take(Cost::Drive).await.unwrap();
    }

    #[tokio::test]
    async fn google_closes_one_users_bucket() {
        let quotas = quotas(6_000, 6_000);
        let one = meter(&quotas, "a");
        one.close(Cost::Gmail(1), Some(Duration::from_secs(60)));
        one.close(Cost::Gmail(1), Some(Duration::from_secs(2)));
        assert!(matches!(one.take(Cost::Gmail(1)).await, Err(Fault::Throttled { after: Some(after), .. })
            if after > Duration::from_secs(50)));
        one.take(Cost::Calendar).await.unwrap();
        meter(&quotas, "b").take(Cost::Gmail(1)).await.unwrap();
    }

    #[tokio::test]
    async fn sending_rests_longer_each_time_and_reading_goes_on() {
        let quotas = quotas(6_000, 6_000);
        let one = meter(&quotas, "a");
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let clock = quotas.ticks.clock.clone();
        for wait in [1, 2, 4, 8, 16, 24, 24] {
            assert_eq!(one.close_sending(None), hours(wait));
            assert_eq!(one.close_sending(None), hours(wait), "a mail that was under way");
            let refused = one.take(Cost::GmailSend(1)).await;
            assert!(matches!(refused, Err(Fault::Throttled { reason, .. }) if reason == SENDING_LIMIT));
            one.take(Cost::Gmail(1)).await.unwrap();
            meter(&quotas, "b").take(Cost::GmailSend(1)).await.unwrap();
            clock.advance(hours(wait));
            one.take(Cost::GmailSend(1)).await.unwrap();
        }
        assert_eq!(one.close_sending(Some(hours(3))), hours(3));
        clock.advance(hours(3));
        one.sent();
        assert_eq!(one.close_sending(None), hours(1));
    }

    #[tokio::test]
    async fn mails_that_were_too_many_at_once_stop_sending_for_a_moment_only() {
        let quotas = quotas(6_000, 6_000);
        let one = meter(&quotas, "a");
        one.pause_sending(Some(Duration::from_secs(30)));
        let Err(Fault::Throttled { reason, after }) = one.take(Cost::GmailSend(1)).await else {
            panic!("open")
        };
        assert_eq!((reason.as_str(), after), (SENDING_RATE, Some(Duration::from_secs(30))));
        one.take(Cost::Gmail(1)).await.unwrap();
        assert_eq!(one.close_sending(None), Duration::from_secs(3_600));
        one.pause_sending(None);
        let Err(Fault::Throttled { reason, .. }) = one.take(Cost::GmailSend(1)).await else { panic!("open") };
        assert_eq!(reason, SENDING_LIMIT);
        quotas.ticks.clock.clone().advance(Duration::from_secs(3_600));
        one.take(Cost::GmailSend(1)).await.unwrap();
    }
}
