//! Code that speaks to one outside service each, and the abilities it may have.
//!
//! A connector maps its provider's answers to our outcomes at its own edge. It is given its
//! address, deadline and credential; it reads no environment, clock or database.

pub mod https;
pub mod lead_source;
pub mod mail;
pub mod poll;
pub mod rehearsal;
pub mod smtp;
pub mod turnstile;
pub mod webhook;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::EffectId;
use nexora_core::model::outcome::{Finding, Outcome};
use nexora_core::model::request::EffectRequest;

pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One effect, as a connector sees it.
#[derive(Clone, Debug)]
pub struct Task {
    /// Also the idempotency key.
    pub effect_id: EffectId,
    pub request: EffectRequest,
    /// What an earlier part of the work noted.
    pub evidence: Option<Json>,
    pub created_at: Timestamp,
}

/// Can make an effect happen.
pub trait Perform: Send + Sync {
    /// Makes one attempt, from where the evidence says it stands.
    fn perform<'a>(&'a self, task: &'a Task) -> Answer<'a, Outcome>;
}

/// Can ask its provider whether an effect happened.
pub trait Reconcile: Send + Sync {
    fn reconcile<'a>(&'a self, task: &'a Task) -> Answer<'a, Finding>;
}

/// Can tell whether its credential is good, without changing anything.
pub trait Probe: Send + Sync {
    /// Returns a sentence about what answered.
    ///
    /// # Errors
    /// `Denied` when the credential is refused, `Unavailable` when nothing answers.
    fn probe(&self) -> Answer<'_, Result<String>>;
}

/// A connection that is ready for use, with the abilities its connector has.
#[derive(Clone)]
pub struct Connector {
    pub perform: Arc<dyn Perform>,
    /// Absent where the provider cannot be asked.
    pub reconcile: Option<Arc<dyn Reconcile>>,
    pub probe: Arc<dyn Probe>,
    /// Absent where nothing can be read.
    pub poll: Option<Arc<dyn poll::Poll>>,
}
