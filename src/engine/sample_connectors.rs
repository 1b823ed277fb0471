//! Three connectors for tests of decisions: a relay, an account with a mailbox, and a receiver of events.

use nexora_core::model::connector::{ConnectionKind, KindFacts, Kinds};
use nexora_core::model::effect::EffectKind;

pub static SMTP: KindFacts = KindFacts {
    kind: ConnectionKind::new("smtp"),
    carries: &[EffectKind::SendMail],
    is_mailbox: false,
    parallel: 8,
    has_abilities: false,
};

pub static GOOGLE: KindFacts = KindFacts {
    kind: ConnectionKind::new("google"),
    carries: &[
        EffectKind::SendMail,
        EffectKind::DraftMail,
        EffectKind::LabelMail,
        EffectKind::CreateEvent,
        EffectKind::UpdateEvent,
        EffectKind::CancelEvent,
        EffectKind::FindSlot,
        EffectKind::AppendRow,
        EffectKind::UpdateRow,
    ],
    is_mailbox: true,
    parallel: 8,
    has_abilities: true,
};

pub static WEBHOOK: KindFacts = KindFacts {
    kind: ConnectionKind::new("webhook"),
    carries: &[EffectKind::PostWebhook],
    is_mailbox: false,
    parallel: 8,
    has_abilities: false,
};

pub fn kinds() -> Kinds {
    Kinds::new([&SMTP, &GOOGLE, &WEBHOOK])
}
