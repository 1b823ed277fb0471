//! The token that a form carries back: when the form was shown, a key by which its second sending is known, and a small
//! puzzle for the browser (ALTCHA's proof of work, version 2).
//!
//! All is bound to the key, so that neither the time nor an answer to the puzzle serves for two leads.

use std::collections::BTreeMap;
use std::time::Duration;

use altcha::{CreateChallengeOptions, Payload, VerifySolutionOptions, create_challenge, verify_solution};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::app::App;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::random_bytes;
use nexora_core::base::text::hex;
use nexora_core::base::token::PurposeKey;
use nexora_core::model::address::Slug;
use nexora_engine::lead::spam::{Proof, Time};

/// The token of one form as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormToken {
    pub key: String,
    pub shown_at: Timestamp,
}

/// The field of the form that carries the token.
pub const FIELD: &str = "ticket";

/// Hexadecimal zeros that an answer to the puzzle begins with: 16 to this power tries, on average.
const PUZZLE_PREFIX: &str = "000";

const PUZZLE_KEY: &str = "ticket";

impl FormToken {
    /// # Errors
    /// `Internal` when the operating system has no randomness to give.
    pub fn new(now: Timestamp) -> Result<FormToken> {
        Ok(FormToken { key: hex(random_bytes::<16>()?), shown_at: now })
    }

    /// Reads the token of a tenant's form; nothing when we did not sign it.
    pub fn open(app: &App, slug: &Slug, text: &str) -> Option<FormToken> {
        let signing = signing(app);
        let (written, rest) = signing.open(text)?.split_once('.')?;
        let (key, millis) = rest.split_once('.')?;
        let shown_at = Timestamp::from_millis(millis.parse().ok()?);
        (written == slug.as_str()).then(|| FormToken { key: key.to_owned(), shown_at })
    }

    /// Returns what the form carries.
    pub fn text(&self, app: &App, slug: &Slug) -> String {
        signing(app).sign(&format!("{slug}.{}.{}", self.key, self.shown_at.millis()))
    }

    /// Returns how long the form was open.
    pub fn time(token: Option<&FormToken>, now: Timestamp) -> Time {
        token.map_or(Time::Unmarked, |token| {
            // The clock of another daemon may be a little ahead.
            Time::Open(if token.shown_at > now { Duration::ZERO } else { now.since(token.shown_at) })
        })
    }

    /// Returns the puzzle as JSON for the page's script; nothing when none can be made.
    pub fn puzzle(&self, app: &App) -> Option<String> {
        let options = CreateChallengeOptions {
            algorithm: "SHA-256".to_owned(),
            cost: 1,
            key_prefix: PUZZLE_PREFIX.to_owned(),
            data: Some(BTreeMap::from([(PUZZLE_KEY.to_owned(), self.key.clone().into())])),
            hmac_signature_secret: Some(puzzle_secret(app)),
            ..CreateChallengeOptions::default()
        };
        serde_json::to_string(&create_challenge(options).ok()?).ok()
    }

    /// Checks the answer to the puzzle of this form.
    pub fn proof(&self, app: &App, answer: &str) -> Proof {
        if answer.is_empty() {
            return Proof::Missing;
        }
        let decoded = STANDARD.decode(answer).ok();
        let payload: Option<Payload> = decoded.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(Payload { challenge, solution }) = payload else { return Proof::Wrong };
        let ours = challenge.parameters.data.as_ref().and_then(|data| data.get(PUZZLE_KEY)?.as_str())
            == Some(self.key.as_str());
        let secret = puzzle_secret(app);
        let verified = verify_solution(VerifySolutionOptions::new(&challenge, &solution, &secret));
        if ours && verified.is_ok_and(|result| result.verified) { Proof::Good } else { Proof::Wrong }
    }
}

fn signing(app: &App) -> PurposeKey {
    PurposeKey::new(&app.key, "form ticket")
}

fn puzzle_secret(app: &App) -> String {
    hex(app.key.derive("form puzzle"))
}
