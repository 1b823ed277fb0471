//! A year of many tenants in several zones, on a hand-set clock and in the sandbox: leads, replies,
//! appointments that move and are cancelled, opt-outs, bounces, duplicates, a tenant that is paused for
//! a week and one that moves to another zone, all at random. Whatever is sent is held against what
//! people did.
//!
//! A seed names a course of events; a failure says which. The usual gate runs a few tenants through both
//! changes of the clocks; `scripts/year` runs fifty through a year.

mod chance;
mod ledger;
mod town;

use std::time::Duration;

use nexora::pipeline;
use nexora_core::base::clock::Timestamp;
use nexora_store::due::{self, Queue};

use self::town::Town;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// How many steps pass between two looks at the digests.
const DIGESTS: u64 = 500;

/// How many steps pass between two reports of progress.
const REPORT: u64 = 20_000;

#[expect(clippy::print_stderr, reason = "a year takes a while, and says how far it is")]
async fn live(seed: u64, tenants: u64, from: &str, days: u64) {
    let from = Timestamp::parse(from).unwrap();
    let until = from + Duration::from_secs(days * 86_400);
    let mut town = Town::build(seed, tenants, from, until).await;
    let mut steps = 0;
    while let Some(at) = town.next().await.filter(|at| *at < until) {
        town.app.clock.set(town.app.clock.now().max(at));
        town.happen().await;
        pipeline::settle(&town.app).await.unwrap();
        town.look().await;
        steps += 1;
        if steps % DIGESTS == 0 {
            town.count_digests().await;
        }
        if steps % REPORT == 0 {
            eprintln!("{} after {steps} steps: {}", town.app.clock.now(), town.ledger.summary());
        }
    }
    town.count_digests().await;
    town.close(until).await;
    eprintln!("seed {seed}: {steps} steps, {}", town.ledger.summary());
}

impl Town {
    /// Returns when something is due, or somebody does something.
    async fn next(&self) -> Option<Timestamp> {
        let queues =
            [Queue::Events, Queue::Runs, Queue::Effects, Queue::Timers, Queue::Schedules, Queue::Cursors];
        let read = self.app.db.read(move |conn| {
            let mut next = None;
            for queue in queues {
                next = [next, due::next(conn, queue)?].into_iter().flatten().min();
            }
            Ok(next)
        });
        [read.await.unwrap(), self.next_act()].into_iter().flatten().min()
    }
}

/// Clocks go forward in the United States on 8 March 2026 and in Europe on 29 March.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_that_should_not_be_while_clocks_go_forward() {
    let seed = number("NEXORA_TEST_YEAR_SEED", 1);
    live(seed, number("NEXORA_TEST_YEAR_TENANTS", 5), "2026-03-04T00:00:00Z", 28).await;
}

/// Clocks go back in Europe on 25 October 2026 and in the United States on 1 November.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_that_should_not_be_while_clocks_go_back() {
    let seed = number("NEXORA_TEST_YEAR_SEED", 2);
    live(seed, number("NEXORA_TEST_YEAR_TENANTS", 5), "2026-10-20T00:00:00Z", 16).await;
}

/// 2028 has a 29 February. How many days are lived through is set by `scripts/year`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_that_should_not_be_in_a_leap_year() {
    let (seed, days) = (number("NEXORA_TEST_YEAR_SEED", 3), number("NEXORA_TEST_YEAR_DAYS", 8));
    let from = if days > 60 { "2027-12-20T00:00:00Z" } else { "2028-02-25T00:00:00Z" };
    live(seed, number("NEXORA_TEST_YEAR_TENANTS", 5), from, days).await;
}
