//! One file per stage, in the order in which data moves: intake, hook, fetch, poll and tick make events, then
//! dispatch, advance, deliver; rescue and prune clean up behind.
//!
//! A stage is a `sweep`: it handles a bounded share of what is due and says whether more waits. The
//! daemon calls it on a nudge or a timer, tests call it until it rests. Dispatch and advance only
//! read, decide and write, so they take no lease: their writes are guarded, and of two daemons
//! that decide the same thing one changes nothing. Deliver acts on the world, so it claims first.

pub mod advance;
pub mod alert;
pub mod audit;
pub mod books;
pub mod certificate;
pub mod deliver;
pub mod dispatch;
pub mod fetch;
pub mod hook;
pub mod intake;
pub mod noise;
pub mod poll;
pub mod prune;
pub mod purge;
pub mod rescue;
mod source_lead;
pub mod tick;

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_engine::delivery::retry::Spacing;

/// What one sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub handled: usize,
    /// More is due now.
    pub more: bool,
    /// When the next row becomes due.
    pub next_due: Option<Timestamp>,
}

impl Swept {
    fn nothing(next_due: Option<Timestamp>) -> Swept {
        Swept { handled: 0, more: false, next_due }
    }
}

/// Sweeps every stage, waiting for the deliveries it starts, until nothing is due any more.
///
/// # Errors
/// Those of a stage that cannot reach the database.
pub async fn settle(app: &Arc<App>) -> Result<()> {
    let mut rounds = Rounds::default();
    loop {
        let rescued = rescue::sweep(app).await?;
        let polled = poll::sweep(app, &mut rounds.cursors).await?;
        poll::rest(app).await;
        let fetched = fetch::sweep(app, &mut rounds.notices).await?;
        fetch::rest(app).await;
        let ticked = tick::sweep(app, &mut rounds.ticks).await?;
        let dispatched = dispatch::sweep(app, &mut rounds.events).await?;
        let advanced = advance::sweep(app, &mut rounds.runs).await?;
        let delivered = deliver::sweep(app, &mut rounds.effects).await?;
        deliver::rest(app).await;
        if rescued.handled
            + polled.handled
            + fetched.handled
            + ticked.handled
            + dispatched.handled
            + advanced.handled
            + delivered.handled
            == 0
        {
            return Ok(());
        }
    }
}

/// How long one sweep goes on deciding before it hands over what it has, so that a few items that take
/// long delay neither the rest nor a stop.
const TURN: Duration = Duration::from_millis(500);

/// Returns how the configuration spaces failures.
fn spacing(settings: &crate::config::pipeline::Settings) -> Spacing {
    let [first, ceiling] = [settings.backoff_first_s, settings.backoff_ceiling_s].map(Duration::from_secs);
    Spacing { first, ceiling }
}

/// Where each stage's round of the tenants stands: after the tenant it served last.
#[derive(Default)]
struct Rounds {
    cursors: Round,
    notices: Round,
    ticks: tick::Rounds,
    events: Round,
    runs: Round,
    effects: deliver::Rounds,
}

/// The tenant that a stage served last, so that the next sweep goes on after it.
pub type Round = Option<nexora_core::model::TenantId>;
