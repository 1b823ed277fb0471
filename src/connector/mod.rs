//! Code that speaks to one outside service each. Each connector describes itself (`kind`), in its own
//! file; this one lists them.

pub mod google;
pub mod https;
pub mod kind;
pub mod lead_source;
mod mail;
pub mod poll;
pub mod port;
pub mod registry;
pub mod rehearsal;
pub mod smtp;
pub mod turnstile;
pub mod webhook;

use crate::connector::kind::{ConnectorKind, Connectors};

/// Every connector that this program has. Where several can carry a mail, the order is that in which
/// they are offered.
static CONNECTORS: &[&dyn ConnectorKind] =
    &[&smtp::SmtpKind, &google::kind::GoogleKind, &webhook::WebhookKind];

/// Returns the connectors that this program has.
pub fn all() -> Connectors {
    Connectors::new(CONNECTORS)
}
