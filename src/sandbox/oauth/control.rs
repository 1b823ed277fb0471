//! Steering of tokens: what a test or a rehearsal does to them behind the app's back.
//!
//! ```text
//! GET  /_sandbox/oauth   {"grants": {ADDRESS: {"scopes", "refresh_tokens": 1, "access_tokens": 1}},
//!                         "refreshes": {ADDRESS: times so far}, "access_token_life", "testing"}
//! POST /_sandbox/oauth   {"access_token_life"?: seconds, for tokens from now on
//!                         "testing"?: true     refresh tokens from now on end after seven days
//!                         "revoke"?: [ADDRESS] as if the person had removed the app
//!                         "expire"?: [ADDRESS] ends the app's access tokens only
//!                         "grant"?: [{"mailbox": ADDRESS, "scopes": [scope]}]}
//! ```
//!
//! The answer to a POST is that to a GET, with `"granted": [refresh token]` for what `grant` made.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::oauth::assertion::is_address;
use crate::oauth::full_name;
use crate::oauth::tokens::Tokens;
use crate::serve::envelope::{Refusal, merge};
use nexora_core::base::clock::Timestamp;

/// What is asked for, done in the order of the fields.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    access_token_life: Option<u64>,
    testing: Option<bool>,
    revoke: Vec<String>,
    expire: Vec<String>,
    grant: Vec<Wanted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    mailbox: String,
    scopes: Vec<String>,
}

pub fn steer(tokens: &mut Tokens, now: Timestamp, asked: Asked) -> Result<Value, Refusal> {
    if let Some(seconds) = asked.access_token_life {
        if !(1..=86_400).contains(&seconds) {
            return Err(Refusal::invalid("`access_token_life` is from 1 to 86400 seconds"));
        }
        tokens.life = Duration::from_secs(seconds);
    }
    if let Some(is_testing) = asked.testing {
        tokens.is_testing = is_testing;
    }
    for mailbox in asked.revoke {
        tokens.revoke(&mailbox.to_lowercase());
    }
    for mailbox in asked.expire {
        tokens.expire(&mailbox.to_lowercase());
    }
    let mut granted = Vec::new();
    for wanted in asked.grant {
        granted.push(grant(tokens, &wanted.mailbox, wanted.scopes, now)?);
    }
    let mut answer = tokens.state();
    merge(&mut answer, json!({ "granted": granted }));
    Ok(answer)
}

/// Consents in a person's name and returns the refresh token.
pub fn grant(
    tokens: &mut Tokens,
    mailbox: &str,
    scopes: Vec<String>,
    now: Timestamp,
) -> Result<String, Refusal> {
    let mailbox = mailbox.to_lowercase();
    if !is_address(&mailbox) || scopes.is_empty() {
        return Err(Refusal::invalid("a grant needs an address and at least one scope"));
    }
    let scopes: Vec<String> = scopes.iter().map(|scope| full_name(scope)).collect();
    tokens.consent(&mailbox, &scopes);
    tokens.add_refresh(&mailbox, scopes, now)?.ok_or_else(Refusal::not_found)
}
