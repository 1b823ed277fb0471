//! Of which troubles operators are told, and when: of each once when it has lasted, of its end once when that has
//! lasted, and of several together.

use std::collections::BTreeMap;
use std::time::Duration;

use nexora_core::base::clock::Timestamp;
use nexora_core::model::AlertId;
use nexora_core::model::alert::{Alert, AlertState};

/// A trouble that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: String,
    pub tenant: Option<String>,
    /// `look` or `broken`.
    pub level: &'static str,
    /// The worse, the higher.
    pub rank: u8,
    pub what: String,
    pub command: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a trouble, or its end, must have lasted.
    pub settle: Duration,
    /// The least time between two messages: what comes meanwhile is told together.
    pub spacing: Duration,
    /// After how long it is told again that a trouble is still there.
    pub again_after: Option<Duration>,
}

/// What is to be written and told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Alerts of troubles that were not there before.
    pub new: Vec<Alert>,
    /// Alerts that have come further.
    pub changed: Vec<Alert>,
    /// Alerts that are to be told now, as they stand after the changes.
    pub tell: Vec<Alert>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.tell.is_empty()
    }
}

/// Holds what is there against what is open.
pub fn plan(
    open: &[Alert],
    seen: &[Seen],
    rules: Rules,
    last_told: Option<Timestamp>,
    now: Timestamp,
) -> Plan {
    let mut there: BTreeMap<&str, &Seen> = BTreeMap::new();
    for one in seen {
        // Of two with one key the worse counts.
        let known = there.entry(&one.key).or_insert(one);
        if one.rank > known.rank {
            *known = one;
        }
    }
    let mut plan = Plan::default();
    let mut standing = Vec::new();
    for alert in open {
        let after = match there.remove(alert.key.as_str()) {
            Some(seen) => still_there(alert, seen),
            None => gone(alert, now),
        };
        if after != *alert {
            plan.changed.push(after.clone());
        }
        standing.push(after);
    }
    plan.new = there.into_values().map(|seen| begun(seen, now)).collect();
    standing.extend(plan.new.iter().cloned());
    let may_tell = last_told.is_none_or(|at| now.since(at) >= rules.spacing || at > now);
    if may_tell {
        plan.tell = standing.into_iter().filter(|alert| is_due(alert, rules, now)).collect();
    }
    plan
}

fn begun(seen: &Seen, now: Timestamp) -> Alert {
    Alert {
        id: AlertId::new(now),
        key: seen.key.clone(),
        tenant: seen.tenant.clone(),
        level: seen.level.to_owned(),
        what: seen.what.clone(),
        command: seen.command.clone(),
        state: AlertState::Pending,
        begun_at: now,
        told_at: None,
        passed_at: None,
        ended_at: None,
        lease_until: None,
    }
}

/// A trouble that came back before its end was told was never gone. One that has become worse is told anew.
fn still_there(alert: &Alert, seen: &Seen) -> Alert {
    let is_worse = alert.level != seen.level && seen.level == "broken";
    let state = match alert.state {
        AlertState::Passed => AlertState::Told,
        AlertState::Told if is_worse => AlertState::Pending,
        state @ (AlertState::Pending | AlertState::Told | AlertState::Ended) => state,
    };
    // How it is worded changes with the time that it lasts: what was written at its beginning will do.
    match state == alert.state && alert.level == seen.level {
        true => alert.clone(),
        false => Alert {
            state,
            level: seen.level.to_owned(),
            what: seen.what.clone(),
            command: seen.command.clone(),
            passed_at: None,
            ..alert.clone()
        },
    }
}

fn gone(alert: &Alert, now: Timestamp) -> Alert {
    match alert.state {
        // Nobody was told of it.
        AlertState::Pending if alert.told_at.is_none() => {
            Alert { state: AlertState::Ended, passed_at: Some(now), ended_at: Some(now), ..alert.clone() }
        }
        AlertState::Pending | AlertState::Told => {
            Alert { state: AlertState::Passed, passed_at: Some(now), ..alert.clone() }
        }
        AlertState::Passed | AlertState::Ended => alert.clone(),
    }
}

fn is_due(alert: &Alert, rules: Rules, now: Timestamp) -> bool {
    match alert.state {
        AlertState::Pending => now.since(alert.begun_at) >= rules.settle,
        AlertState::Passed => alert.passed_at.is_some_and(|at| now.since(at) >= rules.settle),
        AlertState::Told => {
            let again = rules.again_after.zip(alert.told_at);
            again.is_some_and(|(after, at)| now.since(at) >= after)
        }
        AlertState::Ended => false,
    }
}

/// Returns an alert once it has been told.
pub fn told(alert: &Alert, now: Timestamp) -> Alert {
    let (state, ended_at) = match alert.state {
        AlertState::Pending | AlertState::Told => (AlertState::Told, None),
        AlertState::Passed | AlertState::Ended => (AlertState::Ended, Some(now)),
    };
    Alert { state, ended_at, told_at: Some(now), lease_until: None, ..alert.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const RULES: Rules = Rules {
        settle: Duration::from_secs(60),
        spacing: Duration::from_secs(300),
        again_after: Some(Duration::from_secs(86_400)),
    };

    fn seen(key: &str, level: &'static str) -> Seen {
        let rank = u8::from(level == "broken");
        Seen { key: key.into(), tenant: None, level, rank, what: key.into(), command: "x".into() }
    }

    /// What is kept, as time passes.
    #[derive(Default)]
    struct Book {
        rows: Vec<Alert>,
        last: Option<Timestamp>,
    }

    impl Book {
        /// Looks at a moment; returns key and state of what is told.
        fn look(&mut self, seconds: u64, there: &[Seen]) -> Vec<(String, AlertState)> {
            let now = NOW + Duration::from_secs(seconds);
            let open: Vec<Alert> = self.rows.iter().filter(|row| row.ended_at.is_none()).cloned().collect();
            let plan = plan(&open, there, RULES, self.last, now);
            self.rows.extend(plan.new);
            let mut put = |alert: Alert| {
                let row = self.rows.iter_mut().find(|row| row.id == alert.id).unwrap();
                *row = alert;
            };
            plan.changed.into_iter().for_each(&mut put);
            let mut said = Vec::new();
            for alert in plan.tell {
                put(told(&alert, now));
                self.last = Some(now);
                said.push((alert.key, alert.state));
            }
            said
        }
    }

    #[test]
    fn a_trouble_that_lasts_is_told_once_and_so_is_its_end() {
        let mut book = Book::default();
        let disk = [seen("disk", "broken")];
        assert_eq!(book.look(0, &disk), []);
        assert_eq!(book.look(60, &disk), [("disk".to_owned(), AlertState::Pending)]);
        assert_eq!(book.look(120, &disk), []);
        assert_eq!(book.look(1_000, &[]), []);
        assert_eq!(book.look(1_060, &[]), [("disk".to_owned(), AlertState::Passed)]);
        assert_eq!(book.look(2_000, &[]), []);
        // It is another trouble when it comes again.
        book.look(3_000, &disk);
        assert_eq!(book.look(3_100, &disk).len(), 1);
    }

    #[test]
    fn what_passes_at_once_is_told_to_nobody() {
        let mut book = Book::default();
        book.look(0, &[seen("disk", "broken")]);
        assert_eq!(book.look(30, &[]), []);
        assert_eq!(book.look(600, &[]), []);
        assert!(book.rows[0].ended_at.is_some());
    }

    #[test]
    fn what_comes_back_before_its_end_is_told_was_never_gone() {
        let mut book = Book::default();
        let disk = [seen("disk", "broken")];
        book.look(0, &disk);
        book.look(60, &disk);
        book.look(400, &[]);
        assert_eq!(book.look(430, &disk), []);
        assert_eq!(book.look(900, &disk), []);
    }

    #[test]
    fn messages_keep_a_distance_and_are_put_together() {
        let mut book = Book::default();
        let (one, two, three) = (seen("a", "broken"), seen("b", "broken"), seen("c", "look"));
        book.look(0, std::slice::from_ref(&one));
        assert_eq!(book.look(60, std::slice::from_ref(&one)).len(), 1);
        book.look(61, &[one.clone(), two.clone()]);
        book.look(90, &[one.clone(), two.clone(), three.clone()]);
        assert_eq!(book.look(200, &[one.clone(), two.clone(), three.clone()]), []);
        assert_eq!(book.look(360, &[one, two, three]).len(), 2);
    }

    #[test]
    fn what_has_become_worse_is_told_anew_and_what_lasts_after_a_day() {
        let mut book = Book::default();
        book.look(0, &[seen("disk", "look")]);
        assert_eq!(book.look(60, &[seen("disk", "look")]).len(), 1);
        assert_eq!(book.look(1_000, &[seen("disk", "broken")]).len(), 1);
        assert_eq!(book.look(2_000, &[seen("disk", "look")]), []);
        assert_eq!(book.look(90_000, &[seen("disk", "look")]).len(), 1);
    }
}
