//! What a lead looks like before it is taken: whether it will be held back as spam, and how much of that a
//! tenant has had already. It decides only what counts against which limit; intake weighs again.

use std::time::Duration;

use crate::app::App;
use crate::pipeline::intake::{self, Arrival};
use nexora_core::base::Result;
use nexora_core::model::TenantId;
use nexora_engine::lead::spam;
use nexora_store::lead;

/// What is known of a lead that is about to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// It will be held back as spam.
    pub is_spam: bool,
    /// As much spam was kept of the tenant within a day as is kept at most.
    pub is_full: bool,
}

const DAY: Duration = Duration::from_secs(86_400);

/// Weighs a lead with what our own records say of the sender and the text.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn weigh(app: &App, tenant: &TenantId, arrival: &Arrival) -> Result<Weighed> {
    let Some(signals) = arrival.signals.clone() else {
        return Ok(Weighed { is_spam: false, is_full: false });
    };
    if !spam::may_be_spam(&signals, &arrival.new) {
        return Ok(Weighed { is_spam: false, is_full: false });
    }
    let (tenant, new, now) = (tenant.clone(), arrival.new.clone(), app.clock.now());
    let most = i64::from(app.config.intake.spam_per_day);
    app.db
        .read(move |conn| {
            let tx = &mut conn.of(&tenant);
            let body_hash = new.message.as_deref().and_then(spam::body_hash);
            let is_spam = intake::weigh(tx, &new, body_hash.as_deref(), signals, now)?.is_spam();
            let is_full = is_spam && lead::count_spam(tx, now - DAY, most)? >= most;
            Ok(Weighed { is_spam, is_full })
        })
        .await
}
