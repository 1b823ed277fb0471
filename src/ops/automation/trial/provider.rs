//! A provider that does nothing and answers as a real one might.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;

use crate::app::registry::Registry;
use nexora_connector::port::{Connector, Delivery, Perform, Probe};
use nexora_core::base::Result;
use nexora_core::model::outcome::{Outcome, Receipt};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::slot;

struct Imagined;

/// Returns the same connectors for every connection, but with nothing behind them.
pub fn registry(real: &Registry) -> Registry {
    let opener = Box::new(|_: &_, _| Ok(Connector::new(&Arc::new(Imagined))));
    Registry::opening_by(opener, real.connectors().clone(), real.environment().clone())
}

impl Perform for Imagined {
    fn perform<'a>(&'a self, delivery: &'a Delivery) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::Delivered(made(&delivery.request)) })
    }
}

impl Probe for Imagined {
    fn probe(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async { Ok("nothing is behind it".to_owned()) })
    }
}

fn made(request: &EffectRequest) -> Receipt {
    let made = Receipt::named(Some("trial".to_owned()));
    let link = "https://calendar.example.com/trial";
    match request {
        EffectRequest::Send(_) | EffectRequest::DraftMail(_) => {
            made.with("thread_id", "trial").with("message_id", "trial@example.com")
        }
        EffectRequest::CreateEvent(entry) => {
            made.with("start", json!(entry.start)).with("end", json!(entry.end)).with("link", link)
        }
        EffectRequest::UpdateEvent(entry) => {
            let (start, end) = entry.time.unzip();
            made.with("start", json!(start)).with("end", json!(end)).with("link", link)
        }
        EffectRequest::FindSlot(find) => {
            let (start, end) = slot::first_free(find, &[]).unzip();
            made.with("found", start.is_some()).with("start", json!(start)).with("end", json!(end))
        }
        EffectRequest::UpdateRow(_) => made.with("found", true),
        EffectRequest::PostWebhook(_) => made.with("status", 200),
        EffectRequest::LabelMail(_) | EffectRequest::CancelEvent(_) | EffectRequest::AppendRow(_) => made,
    }
}
