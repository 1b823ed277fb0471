//! What came beside an enquiry and may speak for spam: how long its form was open, the answer to its puzzle, and what
//! Turnstile says.

use std::net::IpAddr;

use crate::app::{App, PublicProfile};
use crate::http::lead::fields::Fields;
use crate::http::lead::form_token::FormToken;
use crate::http::lead::sent::Sent;
use crate::http::problem::Reader;
use nexora_connector::turnstile;
use nexora_core::model::form::Form;
use nexora_engine::lead::spam::{Proof, Signals, Time};

const TURNSTILE_FIELD: &str = "cf-turnstile-response";

/// Gathers the signals of a submission.
pub async fn of(app: &App, sent: &Sent<'_>, fields: &Fields, token: Option<&FormToken>) -> Signals {
    let is_vouched_for = sent.reader == Reader::Program || sent.is_trusted();
    let time = match token {
        None if is_vouched_for => Time::NotAsked,
        _ => FormToken::time(token, app.clock.now()),
    };
    let puzzle = match (sent.profile.form.proof_of_work, token) {
        (false, _) => Proof::NotAsked,
        (true, Some(token)) => token.proof(app, fields.get("altcha").map_or("", String::as_str)),
        // `Origin` is no proof: a program names any website. Only our own form has the puzzle.
        (true, None) => Proof::Missing,
    };
    let widget = widget(app, sent.profile, fields, sent.client.0).await;
    Signals { time, puzzle, widget, ..Signals::default() }
}

/// Asks Turnstile, where the tenant uses it. While it cannot be asked, nothing speaks against the sender.
async fn widget(app: &App, profile: &PublicProfile, fields: &Fields, address: Option<IpAddr>) -> Proof {
    let Some(sealed) = &profile.turnstile_sealed else { return Proof::NotAsked };
    let Some(response) = fields.get(TURNSTILE_FIELD).filter(|response| !response.is_empty()) else {
        return Proof::Missing;
    };
    let asking = async {
        let secret = app.key.open(&Form::seal_owner(&profile.tenant.id), sealed)?;
        turnstile::verify(&app.config.intake.turnstile_url, &secret, response, address).await
    };
    match asking.await {
        Ok(true) => Proof::Good,
        Ok(false) => Proof::Wrong,
        Err(error) => {
            tracing::warn!(tenant.id = %profile.tenant.id, reason = %error.report(), "Turnstile was not asked");
            Proof::NotAsked
        }
    }
}
