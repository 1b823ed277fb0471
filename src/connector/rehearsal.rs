//! Connectors of a tenant that rehearses: what they send and make goes to a sandbox.
//!
//! A change of something that only the real account has, such as an entry or a label, is taken as
//! done: the sandbox has no such thing, and the real one must not be touched. What only asks, asks the
//! real account.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::kind::{ConnectorKind, Rehearsed};
use crate::port::{Connector, Delivery, Perform, Reconcile};
use nexora_core::model::outcome::{Outcome, Receipt, ReconcileResult};
use nexora_core::model::request::EffectRequest;

/// Makes room in the sandbox for what a request names.
pub type MakeRoom = Arc<dyn Fn(&EffectRequest) + Send + Sync>;

struct Rehearsal {
    kind: &'static dyn ConnectorKind,
    sandbox: Connector,
    /// Absent where the tenant's own credential is not good; nothing is asked of it then.
    real: Option<Connector>,
    make_room: MakeRoom,
}

/// Returns the connector that a rehearsing tenant has in the place of its own. It reads nothing.
pub fn rehearsed(
    kind: &'static dyn ConnectorKind,
    real: Option<Connector>,
    sandbox: Connector,
    make_room: MakeRoom,
) -> Connector {
    let probe = Arc::clone(&sandbox.probe);
    let can_reconcile = sandbox.reconcile.is_some();
    let rehearsal = Arc::new(Rehearsal { kind, sandbox, real, make_room });
    Connector {
        reconcile: can_reconcile.then(|| Arc::clone(&rehearsal) as Arc<dyn Reconcile>),
        perform: rehearsal,
        probe,
        mail: None,
        calendar: None,
        sheet: None,
    }
}

impl Perform for Rehearsal {
    fn perform<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        match (self.kind.rehearsed(delivery.request.kind()), &self.real) {
            (Rehearsed::Nowhere, _) => {
                Box::pin(async { Outcome::Delivered(Receipt::named(Some("rehearsal".to_owned()))) })
            }
            (Rehearsed::RealAccount, Some(real)) => real.perform.perform(delivery),
            (Rehearsed::RealAccount, None) | (Rehearsed::Sandbox, _) => {
                (self.make_room)(&delivery.request);
                self.sandbox.perform.perform(delivery)
            }
        }
    }
}

impl Reconcile for Rehearsal {
    fn reconcile<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, ReconcileResult> {
        match (self.kind.rehearsed(delivery.request.kind()), &self.sandbox.reconcile) {
            (Rehearsed::Sandbox | Rehearsed::RealAccount, Some(reconcile)) => reconcile.reconcile(delivery),
            (Rehearsed::Nowhere, _) | (_, None) => Box::pin(async { ReconcileResult::NotDelivered }),
        }
    }
}
