//! The access tokens of one connection: kept in memory, asked for anew before they end, and one
//! request at a time.
//!
//! A call that comes while a request is under way waits for its answer, a refusal included. A token
//! that Google refused is asked for anew once, however many calls it was refused to. While a token
//! is still good, a failure of the token endpoint fails no call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::fault::Fault;
use crate::oauth::{Endpoint, Grant, UserCredential};
use crate::scope::{self, Service};
use crate::service_account::ServiceAccount;
use nexora_core::base::secret::Secret;
use nexora_core::model::connection::{Abilities, Ability};

/// How long before its end a token is replaced; for a short-lived one, a quarter of its life.
const AHEAD: Duration = Duration::from_secs(300);

/// How long a token that is still good is used after the token endpoint was in trouble.
const GRACE: Duration = Duration::from_secs(30);

/// How long work waits for a delegation that lacks a service; Google may take a day to know of one.
const DELEGATION_WAIT: Duration = Duration::from_secs(600);

/// How long work waits while the token endpoint is in trouble.
const TROUBLE_WAIT: Duration = Duration::from_secs(60);

/// Who answers for the connection.
pub enum Grantor {
    ServiceAccount(Box<ServiceAccount>),
    User(Box<User>),
}

pub struct User {
    endpoint: Endpoint,
    /// The newest refresh token: an answer may bring another in its place (RFC 6749, section 6).
    credential: Mutex<UserCredential>,
}

impl User {
    pub fn new(endpoint: Endpoint, credential: UserCredential) -> User {
        User { endpoint, credential: Mutex::new(credential) }
    }
}

/// Gives the tokens of one connection.
pub struct TokenProvider {
    grantor: Grantor,
    abilities: Abilities,
    gmail: Arc<Slot>,
    calendar: Arc<Slot>,
    sheets: Arc<Slot>,
    drive: Arc<Slot>,
}

/// The place of one token.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// Counts the answers of the token endpoint.
    answers: AtomicU64,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// What the last answer said, if it was not a token.
    failure: Option<Fault>,
}

struct Held {
    token: Secret,
    refresh_at: Instant,
    ends_at: Instant,
}

impl Held {
    fn new(grant: &Grant, now: Instant) -> Held {
        let ends_at = now + grant.life;
        let refresh_at = now + grant.life.saturating_sub(AHEAD.min(grant.life / 4));
        Held { token: grant.access_token.clone(), refresh_at, ends_at }
    }
}

impl TokenProvider {
    pub fn new(grantor: Grantor, abilities: Abilities) -> TokenProvider {
        let shared = Arc::new(Slot::default());
        let slot = || match grantor {
            Grantor::ServiceAccount(_) => Arc::new(Slot::default()),
            Grantor::User(_) => Arc::clone(&shared),
        };
        let (gmail, calendar, sheets, drive) = (slot(), slot(), slot(), slot());
        TokenProvider { grantor, abilities, gmail, calendar, sheets, drive }
    }

    fn slot(&self, service: Service) -> &Slot {
        match service {
            Service::Gmail => &self.gmail,
            Service::Calendar => &self.calendar,
            Service::Sheets => &self.sheets,
            Service::Drive => &self.drive,
        }
    }

    /// Returns a token for a service; never the one that was `refused`.
    pub async fn token(&self, service: Service, refused: Option<&Secret>) -> Result<Secret, Fault> {
        let abilities = service.of(&self.abilities);
        if abilities.is_empty() {
            let name = service.name();
            return Err(Fault::NotSent(format!("the connection has no permission for {name}")));
        }
        match self.of_slot(service, &abilities, refused).await {
            Err(Fault::Credential(reason)) => Err(self.judge(service, &abilities, reason).await),
            // Without a token nothing was tried, so that however long this lasts it uses up no attempts.
            Err(Fault::NotSent(reason)) => Err(Fault::Throttled { reason, after: Some(TROUBLE_WAIT) }),
            answer => answer,
        }
    }

    /// A service account that gets tokens for another service is good: only the delegation of this
    /// one is missing, and mending it in the Admin console lets the work go on by itself.
    async fn judge(&self, service: Service, abilities: &Abilities, reason: String) -> Fault {
        let Grantor::ServiceAccount(_) = &self.grantor else { return Fault::Credential(reason) };
        for other in Service::ALL {
            let theirs = other.of(&self.abilities);
            if other != service && !theirs.is_empty() && self.of_slot(other, &theirs, None).await.is_ok() {
                let scopes = scope::wanted(abilities).join(" ");
                let name = service.name();
                let reason =
                    format!("the delegation lacks {name}: add {scopes} in the Admin console ({reason})");
                return Fault::Throttled { reason, after: Some(DELEGATION_WAIT) };
            }
        }
        Fault::Credential(reason)
    }

    async fn of_slot(
        &self,
        service: Service,
        abilities: &Abilities,
        refused: Option<&Secret>,
    ) -> Result<Secret, Fault> {
        let slot = self.slot(service);
        let answers_before = slot.answers.load(Ordering::SeqCst);
        let mut state = slot.state.lock().await;
        let is_refused = |held: &Held| refused.is_some_and(|refused| refused.expose() == held.token.expose());
        let now = Instant::now();
        if let Some(held) = state.held.as_ref().filter(|held| held.refresh_at > now && !is_refused(held)) {
            return Ok(held.token.clone());
        }
        if slot.answers.load(Ordering::SeqCst) != answers_before
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        let answer = self.ask(abilities).await;
        slot.answers.fetch_add(1, Ordering::SeqCst);
        let now = Instant::now();
        match answer {
            Ok(grant) => {
                *state = State { held: Some(Held::new(&grant, now)), failure: None };
                Ok(grant.access_token)
            }
            Err(fault) => {
                let good = state.held.as_mut().filter(|held| held.ends_at > now && !is_refused(held));
                if let (Some(held), Fault::NotSent(_)) = (good, &fault) {
                    held.refresh_at = held.ends_at.min(now + GRACE);
                    return Ok(held.token.clone());
                }
                *state = State { held: None, failure: Some(fault.clone()) };
                Err(fault)
            }
        }
    }

    async fn ask(&self, abilities: &Abilities) -> Result<Grant, Fault> {
        match &self.grantor {
            Grantor::ServiceAccount(account) => account.ask(&scope::wanted(abilities)).await,
            Grantor::User(user) => {
                let mut credential = user.credential.lock().await;
                let grant = user.endpoint.refresh(&credential.client, &credential.refresh_token).await?;
                if let Some(newer) = &grant.refresh_token {
                    credential.refresh_token = newer.clone();
                }
                Ok(grant)
            }
        }
    }

    /// Tells whether the connection has permission for a service.
    pub fn serves(&self, service: Service) -> bool {
        self.abilities.iter().any(|ability: &Ability| service.of(&[*ability].into()).contains(ability))
    }
}

/// The tokens of one service, for the caller that speaks to it.
#[derive(Clone)]
pub struct ServiceTokens {
    pub provider: Arc<TokenProvider>,
    pub service: Service,
}

impl ServiceTokens {
    /// Returns a token; never the one that was `refused`.
    pub async fn token(&self, refused: Option<&Secret>) -> Result<Secret, Fault> {
        self.provider.token(self.service, refused).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(seconds: u64) -> Grant {
        Grant {
            access_token: Secret::new("t"),
            life: Duration::from_secs(seconds),
            refresh_token: None,
            authorization_life: None,
            scopes: Vec::new(),
            id_token: None,
        }
    }

    #[test]
    fn a_token_is_replaced_five_minutes_ahead_or_a_quarter_of_a_short_life() {
        let now = Instant::now();
        for (life, refresh) in [(3_599, 3_299), (1_200, 900), (600, 450), (4, 3), (0, 0)] {
            let held = Held::new(&grant(life), now);
            assert_eq!(held.refresh_at - now, Duration::from_secs(refresh), "{life}");
            assert_eq!(held.ends_at - now, Duration::from_secs(life));
        }
    }
}
