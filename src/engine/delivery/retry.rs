//! What an outcome and an attempt's number make of an effect: the only place that decides it.
//!
//! Waits double from `first` to `ceiling`, with up to a quarter taken off at random so that what
//! failed together does not come back together. A provider's own Retry-After is a floor.

use std::time::Duration;

use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::effect::EffectState;
use nexora_core::model::outcome::{Outcome, Receipt, ReconcileResult};

/// How failures of one effect are spaced, and how many it may have.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub first: Duration,
    pub ceiling: Duration,
    /// Attempts before the effect may be given up; nothing means it never is.
    pub attempt_limit: Option<i32>,
    /// How long it is tried all the same: an outage lasts for days (RFC 5321, section 4.5.4.1).
    pub give_up_after: Duration,
}

/// The attempt that has ended: its number from 1, when, and a number in [0, 1) for the spacing.
#[derive(Clone, Copy, Debug)]
pub struct Attempted {
    pub number: i32,
    pub now: Timestamp,
    /// When the effect was first tried.
    pub since: Timestamp,
    pub jitter: f64,
}

/// What is to be written about the effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub state: EffectState,
    /// When it is taken up again; nothing when it is settled or held for a person.
    pub due_at: Option<Timestamp>,
    pub reason: Option<String>,
    /// What the provider made, once it is delivered.
    pub receipt: Receipt,
    /// False when the attempt does not count against the limit.
    pub counts: bool,
    /// The connection's credential was refused: nothing more may be sent through it.
    pub connection_failing: bool,
    /// The recipient was refused; the reason says how.
    pub recipient_refused: bool,
    /// What happened to it in a time that the database does not know of has been found out.
    pub is_seen: bool,
}

/// What is to be done with an effect in doubt once its provider has been asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Resumption {
    Settle(Settlement),
    /// Go on with the attempt, from this evidence.
    Continue(Json),
    /// Begin again.
    Restart,
}

impl Settlement {
    pub fn waiting(state: EffectState, due_at: Option<Timestamp>, reason: String) -> Settlement {
        Settlement {
            state,
            due_at,
            reason: Some(reason),
            receipt: Receipt::default(),
            counts: true,
            connection_failing: false,
            recipient_refused: false,
            is_seen: false,
        }
    }

    fn delivered(receipt: Receipt) -> Settlement {
        Settlement {
            reason: None,
            receipt,
            ..Settlement::waiting(EffectState::Delivered, None, String::new())
        }
    }

    fn unauthorized(state: EffectState, reason: String) -> Settlement {
        Settlement { counts: false, connection_failing: true, ..Settlement::waiting(state, None, reason) }
    }

    /// Parks an effect until a person, or a resumed connection, makes it due again.
    pub fn parked(state: EffectState, reason: String) -> Settlement {
        Settlement { counts: false, ..Settlement::waiting(state, None, reason) }
    }
}

/// Decides what becomes of an effect after an attempt.
///
/// `InProgress` is not an end: the caller notes the evidence and goes on. Should it come here all the
/// same, the attempt counts as one that did not get through.
pub fn settle(outcome: Outcome, attempted: Attempted, policy: Policy) -> Settlement {
    match outcome {
        Outcome::Delivered(receipt) => Settlement::delivered(receipt),
        Outcome::InProgress { .. } => retry("the attempt ended half-way".to_owned(), None, attempted, policy),
        Outcome::Retry { reason, after } => retry(reason, after, attempted, policy),
        Outcome::Throttled { reason, after } => {
            let due_at = attempted.now + wait(attempted, policy).max(after.unwrap_or_default());
            let waiting = Settlement::waiting(EffectState::Retrying, Some(due_at), reason);
            Settlement { counts: false, ..waiting }
        }
        Outcome::Refused { reason } => Settlement::waiting(EffectState::Dead, None, reason),
        Outcome::RecipientRefused { reason } => {
            Settlement { recipient_refused: true, ..Settlement::waiting(EffectState::Dead, None, reason) }
        }
        Outcome::Unauthorized { reason } => Settlement::unauthorized(EffectState::Retrying, reason),
        Outcome::InDoubt { reason } => {
            let due_at = attempted.now + wait(attempted, policy);
            Settlement::waiting(EffectState::InDoubt, Some(due_at), reason)
        }
    }
}

/// Decides what becomes of an effect in doubt after its provider was asked.
pub fn resume(finding: ReconcileResult, attempted: Attempted, policy: Policy) -> Resumption {
    match finding {
        ReconcileResult::Delivered(receipt) => Resumption::Settle(Settlement::delivered(receipt)),
        ReconcileResult::InProgress { evidence } => Resumption::Continue(evidence),
        ReconcileResult::NotDelivered if exhausted(attempted, policy, attempted.number - 1) => {
            let reason = format!("did not happen in {} attempts", attempted.number);
            Resumption::Settle(Settlement::waiting(EffectState::Dead, None, reason))
        }
        ReconcileResult::NotDelivered => Resumption::Restart,
        ReconcileResult::Unknown { reason } => {
            Resumption::Settle(Settlement::parked(EffectState::InDoubt, reason))
        }
        ReconcileResult::Unanswered { reason, after } => {
            let due_at = attempted.now + wait(attempted, policy).max(after.unwrap_or_default());
            Resumption::Settle(Settlement::waiting(EffectState::InDoubt, Some(due_at), reason))
        }
        ReconcileResult::Unauthorized { reason } => {
            Resumption::Settle(Settlement::unauthorized(EffectState::InDoubt, reason))
        }
    }
}

/// Tells whether so many attempts, for so long, are enough.
fn exhausted(attempted: Attempted, policy: Policy, failures: i32) -> bool {
    let is_late = attempted.now.since(attempted.since) >= policy.give_up_after;
    policy.attempt_limit.is_some_and(|limit| failures >= limit && is_late)
}

fn retry(reason: String, after: Option<Duration>, attempted: Attempted, policy: Policy) -> Settlement {
    if exhausted(attempted, policy, attempted.number) {
        let reason = format!("given up after {} attempts: {reason}", attempted.number);
        return Settlement::waiting(EffectState::Dead, None, reason);
    }
    let due_at = attempted.now + wait(attempted, policy).max(after.unwrap_or_default());
    Settlement::waiting(EffectState::Retrying, Some(due_at), reason)
}

fn wait(attempted: Attempted, policy: Policy) -> Duration {
    spaced(policy.first, policy.ceiling, attempted.number, attempted.jitter)
}

/// How failures of one thing that is tried again and again are spaced.
#[derive(Clone, Copy, Debug)]
pub struct Spacing {
    pub first: Duration,
    pub ceiling: Duration,
}

impl Spacing {
    /// Returns the wait after attempt `number`, from 1, of what is called `id`.
    pub fn after(self, id: &str, number: i32) -> Duration {
        spaced(self.first, self.ceiling, number, jitter(id, number))
    }
}

/// Returns the wait after attempt `number`, from 1: doubling, capped, less up to a quarter.
fn spaced(first: Duration, ceiling: Duration, number: i32, jitter: f64) -> Duration {
    let doublings = u32::try_from(number.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    let full = first.saturating_mul(1_u32 << doublings).min(ceiling);
    full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 4.0)
}

/// Returns a number in [0, 1) that is the same for the same text and number, and otherwise random.
pub fn jitter(text: &str, number: i32) -> f64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    (text, number).hash(&mut hasher);
    let fraction = u32::try_from(hasher.finish() >> 32).unwrap_or(0);
    f64::from(fraction) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const POLICY: Policy = Policy {
        first: Duration::from_secs(5),
        ceiling: Duration::from_secs(60),
        attempt_limit: Some(3),
        give_up_after: Duration::ZERO,
    };

    fn attempt(number: i32) -> Attempted {
        Attempted { number, now: NOW, since: NOW, jitter: 0.0 }
    }

    fn fails(after: Option<u64>) -> Outcome {
        Outcome::Retry { reason: "busy".to_owned(), after: after.map(Duration::from_secs) }
    }

    #[test]
    fn waits_double_up_to_the_ceiling() {
        let waits: Vec<u64> =
            (1..8).map(|n| spaced(POLICY.first, POLICY.ceiling, n, 0.0).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 60, 60, 60]);
        assert_eq!(spaced(POLICY.first, POLICY.ceiling, 1, 1.0), Duration::from_millis(3_750));
        assert_eq!(spaced(POLICY.first, POLICY.ceiling, i32::MAX, 0.0), POLICY.ceiling);
    }

    #[test]
    fn each_outcome_has_one_consequence() {
        use EffectState::{Dead, Delivered, InDoubt, Retrying};
        let reason = || "why".to_owned();
        let cases = [
            (Outcome::Delivered(Receipt::default()), 1, Delivered, None, true),
            (fails(None), 1, Retrying, Some(5), true),
            (fails(Some(30)), 1, Retrying, Some(30), true),
            (fails(None), 3, Dead, None, true),
            (Outcome::Throttled { reason: reason(), after: None }, 3, Retrying, Some(20), false),
            (Outcome::Refused { reason: reason() }, 1, Dead, None, true),
            (Outcome::Unauthorized { reason: reason() }, 1, Retrying, None, false),
            (Outcome::InDoubt { reason: reason() }, 3, InDoubt, Some(20), true),
        ];
        for (outcome, number, state, wait_s, counts) in cases {
            let settlement = settle(outcome.clone(), attempt(number), POLICY);
            let due_at = wait_s.map(|seconds| NOW + Duration::from_secs(seconds));
            assert_eq!((settlement.state, settlement.due_at), (state, due_at), "{outcome:?}");
            assert_eq!(settlement.counts, counts, "{outcome:?}");
        }
    }

    #[test]
    fn without_a_limit_nothing_is_given_up() {
        let forever = Policy { attempt_limit: None, ..POLICY };
        assert_eq!(settle(fails(None), attempt(9_999), forever).state, EffectState::Retrying);
    }

    #[test]
    fn an_outage_of_days_is_outlasted() {
        let patient = Policy { give_up_after: Duration::from_secs(5 * 86_400), ..POLICY };
        let after = |seconds| Attempted { now: NOW + Duration::from_secs(seconds), ..attempt(200) };
        assert_eq!(settle(fails(None), after(4 * 86_400), patient).state, EffectState::Retrying);
        assert_eq!(settle(fails(None), after(5 * 86_400), patient).state, EffectState::Dead);
        assert_eq!(resume(ReconcileResult::NotDelivered, after(4 * 86_400), patient), Resumption::Restart);
    }

    #[test]
    fn doubt_ends_by_proof_or_is_held_for_a_person() {
        let proven = resume(ReconcileResult::Delivered(Receipt::named(Some("x".into()))), attempt(1), POLICY);
        assert!(matches!(proven, Resumption::Settle(s) if s.state == EffectState::Delivered));
        assert_eq!(resume(ReconcileResult::NotDelivered, attempt(2), POLICY), Resumption::Restart);
        let held = resume(ReconcileResult::Unknown { reason: "gone".into() }, attempt(1), POLICY);
        assert!(
            matches!(held, Resumption::Settle(s) if s.state == EffectState::InDoubt && s.due_at.is_none())
        );
        let asked_again = ReconcileResult::Unanswered { reason: "503".into(), after: None };
        let later = resume(asked_again, attempt(99), POLICY);
        assert!(
            matches!(later, Resumption::Settle(s) if s.state == EffectState::InDoubt && s.due_at.is_some())
        );
    }

    #[test]
    fn jitter_is_steady_and_spread() {
        assert_eq!(jitter("effect_1", 2).to_bits(), jitter("effect_1", 2).to_bits());
        let spread: Vec<f64> = (0..100).map(|n| jitter("effect_1", n)).collect();
        assert!(spread.iter().all(|j| (0.0..1.0).contains(j)));
        assert!(spread.iter().any(|j| *j < 0.3) && spread.iter().any(|j| *j > 0.7));
    }
}
