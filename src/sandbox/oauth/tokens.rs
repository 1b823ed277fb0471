//! What was granted: codes, access tokens, refresh tokens, and who consented to what.
//!
//! A person's consent is the root: when it is taken back, every token of it ends with it, which is
//! also what revoking a single token does at Google.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::serve::envelope::Refusal;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::random_bytes;

/// How long an access token is good. Google answers one second less than the hour it means.
const ACCESS_LIFE: Duration = Duration::from_secs(3_599);
const CODE_LIFE: Duration = Duration::from_mins(10);

/// How long the refresh tokens of an app in testing are good.
pub const TESTING_LIFE: Duration = Duration::from_hours(24 * 7);

const TOKEN_LIMIT: usize = 100_000;

/// Refresh tokens of one person for one app; a further one ends the oldest, as at Google.
const REFRESH_LIMIT: usize = 100;

/// The tokens that were granted and have not ended.
pub struct Tokens {
    granted: HashMap<String, Granted>,
    codes: HashMap<String, Code>,
    consents: BTreeMap<String, Consent>,
    refreshes: BTreeMap<String, u64>,
    /// How long an access token is good.
    pub life: Duration,
    /// Whether the app is one in testing, whose refresh tokens end after a week.
    pub is_testing: bool,
}

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens {
            granted: HashMap::new(),
            codes: HashMap::new(),
            consents: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            life: ACCESS_LIFE,
            is_testing: false,
        }
    }
}

/// What an access token allows, to whom, until when.
#[derive(Clone)]
pub struct Granted {
    pub mailbox: String,
    pub scopes: Vec<String>,
    pub holder: Holder,
    pub ends_at: Timestamp,
}

/// Who holds a token: the service account's are not touched when a person removes the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    App,
    ServiceAccount,
}

/// A code that waits to be exchanged.
pub struct Code {
    pub mailbox: String,
    pub scopes: Vec<String>,
    pub redirect_uri: String,
    pub challenge: Option<Challenge>,
    pub nonce: Option<String>,
    pub wants_refresh: bool,
    pub ends_at: Timestamp,
}

/// What the verifier must fit (RFC 7636).
#[derive(Clone)]
pub enum Challenge {
    Plain(String),
    S256(String),
}

/// A person's consent to the app.
#[derive(Default)]
struct Consent {
    scopes: Vec<String>,
    refresh_tokens: Vec<Refresh>,
}

#[derive(Clone)]
pub struct Refresh {
    token: String,
    pub scopes: Vec<String>,
    ends_at: Option<Timestamp>,
}

impl Tokens {
    pub fn find(&self, token: &str, now: Timestamp) -> Option<&Granted> {
        self.granted.get(token).filter(|granted| granted.ends_at > now)
    }

    pub fn forget(&mut self, token: &str) {
        self.granted.remove(token);
    }

    /// Makes an access token.
    pub fn add(
        &mut self,
        mailbox: String,
        scopes: Vec<String>,
        holder: Holder,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        self.granted.retain(|_, granted| granted.ends_at > now);
        if self.granted.len() >= TOKEN_LIMIT {
            return Err(Refusal::oauth(403, "rate_limit_exceeded", "Too many tokens."));
        }
        let token = random_text("ya29.sandbox-")?;
        self.granted.insert(token.clone(), Granted { mailbox, scopes, holder, ends_at: now + self.life });
        Ok(token)
    }

    /// Keeps a code until it is exchanged or its time is over.
    pub fn add_code(&mut self, mut code: Code, now: Timestamp) -> Result<String, Refusal> {
        self.codes.retain(|_, code| code.ends_at > now);
        if self.codes.len() >= TOKEN_LIMIT {
            return Err(Refusal::oauth(403, "rate_limit_exceeded", "Too many codes."));
        }
        code.ends_at = now + CODE_LIFE;
        let text = random_text("4/0sandbox")?;
        self.codes.insert(text.clone(), code);
        Ok(text)
    }

    /// Takes a code: it is good once, whatever comes of it.
    pub fn take_code(&mut self, code: &str, now: Timestamp) -> Option<Code> {
        self.codes.remove(code).filter(|code| code.ends_at > now)
    }

    /// Returns what a person has consented to so far.
    pub fn consented(&self, mailbox: &str) -> &[String] {
        self.consents.get(mailbox).map_or(&[], |consent| &consent.scopes)
    }

    /// Adds to what a person has consented to.
    pub fn consent(&mut self, mailbox: &str, scopes: &[String]) {
        let consent = self.consents.entry(mailbox.to_owned()).or_default();
        for scope in scopes {
            if !consent.scopes.contains(scope) {
                consent.scopes.push(scope.clone());
            }
        }
    }

    pub fn has_refresh_token(&self, mailbox: &str) -> bool {
        self.consents.get(mailbox).is_some_and(|consent| !consent.refresh_tokens.is_empty())
    }

    /// Makes a refresh token; `None` when the consent was taken back before.
    pub fn add_refresh(
        &mut self,
        mailbox: &str,
        scopes: Vec<String>,
        now: Timestamp,
    ) -> Result<Option<String>, Refusal> {
        let ends_at = self.is_testing.then(|| now + TESTING_LIFE);
        let Some(consent) = self.consents.get_mut(mailbox) else { return Ok(None) };
        let token = random_text("1//0sandbox-")?;
        if consent.refresh_tokens.len() >= REFRESH_LIMIT {
            consent.refresh_tokens.remove(0);
        }
        consent.refresh_tokens.push(Refresh { token: token.clone(), scopes, ends_at });
        Ok(Some(token))
    }

    /// Returns whose refresh token this is, and what it allows.
    pub fn find_refresh(&self, token: &str, now: Timestamp) -> Option<(String, Refresh)> {
        self.consents.iter().find_map(|(mailbox, consent)| {
            let is_good = |refresh: &&Refresh| {
                refresh.token == token && refresh.ends_at.is_none_or(|ends_at| ends_at > now)
            };
            consent.refresh_tokens.iter().find(is_good).map(|refresh| (mailbox.clone(), refresh.clone()))
        })
    }

    pub fn count_refresh(&mut self, mailbox: &str) {
        *self.refreshes.entry(mailbox.to_owned()).or_default() += 1;
    }

    /// Takes a person's consent back, as if they had removed the app: every token of it ends.
    pub fn revoke(&mut self, mailbox: &str) -> bool {
        self.expire(mailbox);
        self.codes.retain(|_, code| code.mailbox != mailbox);
        self.consents.remove(mailbox).is_some()
    }

    /// Ends the access tokens that the app holds for a person; refresh tokens stay good.
    pub fn expire(&mut self, mailbox: &str) {
        self.granted.retain(|_, granted| granted.mailbox != mailbox || granted.holder != Holder::App);
    }

    /// Shows who consented to what, and no token.
    pub fn state(&self) -> Value {
        let consent = |(mailbox, consent): (&String, &Consent)| {
            let is_theirs = |granted: &&Granted| granted.mailbox == *mailbox && granted.holder == Holder::App;
            let shown = json!({
                "scopes": consent.scopes,
                "refresh_tokens": consent.refresh_tokens.len(),
                "access_tokens": self.granted.values().filter(is_theirs).count(),
            });
            (mailbox.clone(), shown)
        };
        json!({
            "grants": self.consents.iter().map(consent).collect::<BTreeMap<_, _>>(),
            "refreshes": self.refreshes,
            "access_token_life": self.life.as_secs(),
            "testing": self.is_testing,
        })
    }
}

fn random_text(prefix: &str) -> Result<String, Refusal> {
    let random: [u8; 24] = random_bytes()
        .map_err(|_| Refusal::oauth(500, "internal_failure", "No randomness to make a token from."))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_by_our_clock() {
        let mut tokens = Tokens::default();
        let now = Timestamp::from_millis(0);
        let token = tokens.add("a@b".into(), vec![], Holder::App, now).unwrap();
        assert!(tokens.find(&token, now + Duration::from_secs(3_598)).is_some());
        assert!(tokens.find(&token, now + ACCESS_LIFE).is_none());
    }

    #[test]
    fn the_oldest_of_too_many_refresh_tokens_ends() {
        let mut tokens = Tokens::default();
        let now = Timestamp::from_millis(0);
        tokens.consent("a@b", &["x".to_owned()]);
        let mut made = || tokens.add_refresh("a@b", vec![], now).unwrap().unwrap();
        let all: Vec<String> = (0..=REFRESH_LIMIT).map(|_| made()).collect();
        assert!(tokens.find_refresh(&all[0], now).is_none());
        assert!(tokens.find_refresh(&all[1], now).is_some());
    }
}
