//! The side that people and tests steer by: state, faults, seeds, a fresh start, the page.
//!
//! ```text
//! GET    /                    the page; /?live=1 reloads itself
//! GET    /_sandbox/state      everything, as `world` describes it
//! GET    /_sandbox/faults     what is armed: {"faults": [...]}
//! POST   /_sandbox/faults     {"faults": [...], "clear": true?} adds, after clearing if asked to
//! DELETE /_sandbox/faults     clears
//! POST   /_sandbox/seed       as `seed` describes it
//! POST   /_sandbox/deliver    a mail arrives from outside; as `gmail::deliver` describes it
//! POST   /_sandbox/gmail      {"rewrite_message_id"?: true, "forget_history"?: [ADDRESS],
//!                              "second_send"?: "not_found"|"same"|"again"}
//! GET    /_sandbox/oauth      who consented to what; as `oauth::control` describes it
//! POST   /_sandbox/oauth      revoke, expire, grant, set the life of tokens; the same
//! POST   /_sandbox/reset      forgets everything but access tokens
//! ```
//!
//! A fault is `{"service": "gmail|calendar|sheets|drive|token|smtp", "call"?: "drafts.send", "times"?: 1,
//! "probability"?: 0..1, "fault": ...}` with one of
//!
//! ```text
//! "status", "status": 503, "reason"?: "backendError", "message"?, "retry_after"?: seconds
//! "delay", "ms": 500
//! "drop", "when": "before"|"after"      closes the connection before or after the effect
//! "late", "ms": 90000                   closes the connection; the effect comes so much later by the clock
//! "truncate"                            takes effect and cuts the answer off
//! "expired_token"                       the token of the call is no longer good
//! ```
//!
//! Calls are named as Google names them (`drafts.send`, `events.insert`, `spreadsheets.batchUpdate`,
//! `values.append`), the token endpoint's is `grant`
//! (beside it are `consent.show`, `consent.answer`, `revoke`, `tokeninfo` and `userinfo`), and those of SMTP are its stages `connect`,
//! `auth`, `mail`, `rcpt` and `data`, which is meant when none is named; a status there is a reply code.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::serve::Arrived;
use crate::serve::envelope::{Refusal, Reply};
use crate::{Shared, gmail, oauth, page, seed};

/// Answers what is meant for the sandbox itself; `None` is for the services.
pub fn answer(shared: &Shared, arrived: &Arrived) -> Option<Reply> {
    let path = arrived.uri.path();
    if path != "/" && !path.starts_with("/_sandbox/") {
        return None;
    }
    Some(steer(shared, arrived).unwrap_or_else(Refusal::into_reply))
}

fn steer(shared: &Shared, arrived: &Arrived) -> Result<Reply, Refusal> {
    let mut world = shared.world();
    match (&arrived.method, arrived.uri.path()) {
        (&Method::GET, "/") => {
            let is_live =
                arrived.uri.query().is_some_and(|query| query.split('&').any(|part| part == "live=1"));
            page::show(&world, &shared.origin, is_live)
        }
        (&Method::GET, "/_sandbox/state") => Ok(Reply::json(&world.state())),
        (&Method::GET, "/_sandbox/faults") => Ok(Reply::json(&json!({"faults": world.faults.state()}))),
        (&Method::POST, "/_sandbox/faults") => {
            let asked: Faults = read(&arrived.body)?;
            if asked.clear {
                world.faults.clear();
            }
            world.faults.arm(asked.faults).map_err(Refusal::invalid)?;
            Ok(Reply::json(&json!({"faults": world.faults.state()})))
        }
        (&Method::DELETE, "/_sandbox/faults") => {
            world.faults.clear();
            Ok(Reply::json(&json!({ "faults": [] })))
        }
        (&Method::POST, "/_sandbox/seed") => {
            let made = seed::plant(&mut world, &shared.origin, shared.clock.now(), read(&arrived.body)?)?;
            Ok(Reply::json(&made))
        }
        (&Method::POST, "/_sandbox/deliver") => {
            let made = gmail::deliver::deliver(&mut world, shared.clock.now(), read(&arrived.body)?)?;
            Ok(Reply::json(&made))
        }
        (&Method::POST, "/_sandbox/gmail") => gmail::steer(&mut world, read(&arrived.body)?),
        (&Method::GET, "/_sandbox/oauth") => Ok(Reply::json(&world.tokens.state())),
        (&Method::POST, "/_sandbox/oauth") => {
            oauth::control::steer(&mut world.tokens, shared.clock.now(), read(&arrived.body)?)
                .map(|answer| Reply::json(&answer))
        }
        (&Method::POST, "/_sandbox/reset") => {
            world.reset();
            Ok(Reply::json(&json!({})))
        }
        _ => Err(Refusal::not_found()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    #[serde(default)]
    faults: Vec<Value>,
    #[serde(default)]
    clear: bool,
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new(400, "parseError", error.to_string()))
}
