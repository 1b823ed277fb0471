//! What a connector can do, and those that need no provider's library. Each describes itself (`kind`), in
//! its own file; this one lists them.

pub mod declared;
pub mod dns;
pub mod https;
pub mod kind;
pub mod lead_source;
pub mod mail;
pub mod poll;
pub mod port;
pub mod public_address;
pub mod rehearsal;
pub mod site;
pub mod smtp;
pub mod turnstile;
pub mod webhook;

use crate::kind::ConnectorKind;

/// The connectors of this crate, in the order in which they are offered.
pub static CONNECTORS: [&dyn ConnectorKind; 2] = [&smtp::SmtpKind, &webhook::WebhookKind];
