//! Connectors of a tenant that rehearses: what they send and make goes to a sandbox.
//!
//! A change of something that only the real account has, such as an entry or a label, is taken as
//! done: the sandbox has no such thing, and the real one must not be touched. What only asks, asks the
//! real account.

use std::sync::Arc;

use crate::{Answer, Connector, Perform, Reconcile, Task};
use nexora_core::model::effect::EffectKind;
use nexora_core::model::outcome::{Finding, Made, Outcome};
use nexora_core::model::request::EffectRequest;

/// Makes room in the sandbox for what a request names.
pub type MakeRoom = Arc<dyn Fn(&EffectRequest) + Send + Sync>;

struct Rehearsed {
    sandbox: Connector,
    make_room: MakeRoom,
}

/// Returns the connector that a rehearsing tenant has in the place of its own.
pub fn rehearsed(real: Option<Connector>, sandbox: Connector, make_room: MakeRoom) -> Connector {
    let probe = Arc::clone(&sandbox.probe);
    let asks = sandbox.reconcile.is_some();
    let rehearsed = Arc::new(Rehearsed { sandbox, make_room });
    let reconcile = asks.then(|| Arc::clone(&rehearsed) as Arc<dyn Reconcile>);
    let perform: Arc<dyn Perform> = match real {
        Some(real) => Arc::new(Asking { real, rehearsed }),
        None => rehearsed,
    };
    Connector { perform, reconcile, probe, poll: None }
}

/// What has no counterpart in the sandbox.
fn is_only_real(kind: EffectKind) -> bool {
    match kind {
        EffectKind::LabelMail
        | EffectKind::UpdateEvent
        | EffectKind::CancelEvent
        | EffectKind::UpdateRow
        | EffectKind::PostWebhook => true,
        EffectKind::SendMail
        | EffectKind::DraftMail
        | EffectKind::CreateEvent
        | EffectKind::FindSlot
        | EffectKind::AppendRow => false,
    }
}

impl Perform for Rehearsed {
    fn perform<'a>(&'a self, task: &'a Task) -> Answer<'a, Outcome> {
        if is_only_real(task.request.kind()) {
            return Box::pin(async { Outcome::Delivered(Made::named(Some("rehearsal".to_owned()))) });
        }
        (self.make_room)(&task.request);
        self.sandbox.perform.perform(task)
    }
}

impl Reconcile for Rehearsed {
    fn reconcile<'a>(&'a self, task: &'a Task) -> Answer<'a, Finding> {
        match &self.sandbox.reconcile {
            Some(reconcile) if !is_only_real(task.request.kind()) => reconcile.reconcile(task),
            _ => Box::pin(async { Finding::NotDelivered }),
        }
    }
}

/// Asks the real account when somebody is free, and does everything else in the sandbox.
struct Asking {
    real: Connector,
    rehearsed: Arc<Rehearsed>,
}

impl Perform for Asking {
    fn perform<'a>(&'a self, task: &'a Task) -> Answer<'a, Outcome> {
        match task.request.kind() {
            EffectKind::FindSlot => self.real.perform.perform(task),
            _ => self.rehearsed.perform(task),
        }
    }
}
