//! What the rest of the program may ask of an open connection, one small trait for each thing. What is
//! read of a provider is in `poll`.
//!
//! A connector maps its provider's answers to our outcomes at its own edge. It is given its address,
//! deadline and credential; it reads no environment, clock or database.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::poll::{ReadCalendar, ReadMail, ReadSheet};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::EffectId;
use nexora_core::model::outcome::{Outcome, ReconcileResult};
use nexora_core::model::request::EffectRequest;

/// One effect, as a connector sees it.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub effect_id: EffectId,
    /// The idempotency key: what the provider is given to know the effect by. It is the same when the effect is promised
    /// anew after a restore.
    pub mark: String,
    pub request: EffectRequest,
    /// What an earlier part of the work noted.
    pub evidence: Option<Json>,
    /// When it was promised.
    pub created_at: Timestamp,
    /// When this attempt at it began.
    pub attempted_at: Timestamp,
    /// Since when it may have happened without our knowing, where a backup was restored: asking then looks deeper, and
    /// says [`ReconcileResult::Unknown`] where something like it is found that is not known for sure.
    pub unseen_since: Option<Timestamp>,
}

/// Can make an effect happen.
pub trait Perform: Send + Sync {
    /// Makes one attempt, from where the evidence says it stands.
    fn perform<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome>;

    /// Returns how long one attempt may take, where that is longer than a lease: the lease is prolonged meanwhile.
    fn time_limit(&self) -> Option<Duration> {
        None
    }
}

/// Can ask its provider whether an effect happened.
pub trait Reconcile: Send + Sync {
    fn reconcile<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, ReconcileResult>;
}

/// Can tell whether its credential is good, without changing anything.
pub trait Probe: Send + Sync {
    /// Returns a sentence about what answered.
    ///
    /// # Errors
    /// `Denied` when the credential is refused, `Unavailable` when nothing answers.
    fn probe(&self) -> BoxFuture<'_, Result<String>>;
}

/// A connection that is ready for use: what its connector can do, and nothing where it cannot.
#[derive(Clone)]
pub struct Connector {
    pub perform: Arc<dyn Perform>,
    pub probe: Arc<dyn Probe>,
    /// Absent where the provider cannot be asked: [`ConnectorKind::in_doubt`] has the rule then.
    ///
    /// [`ConnectorKind::in_doubt`]: crate::kind::ConnectorKind::in_doubt
    pub reconcile: Option<Arc<dyn Reconcile>>,
    pub mail: Option<Arc<dyn ReadMail>>,
    pub calendar: Option<Arc<dyn ReadCalendar>>,
    pub sheet: Option<Arc<dyn ReadSheet>>,
}

impl Connector {
    /// Returns a connector that does what every one has to do, and no more.
    pub fn new<C: Perform + Probe + 'static>(client: &Arc<C>) -> Connector {
        Connector {
            perform: Arc::clone(client) as Arc<dyn Perform>,
            probe: Arc::clone(client) as Arc<dyn Probe>,
            reconcile: None,
            mail: None,
            calendar: None,
            sheet: None,
        }
    }
}
