//! Do the books balance? Everything that was received was handled, waits, failed, or was ignored for a reason; and so was
//! everything that was promised. What is none of these would be lost, and nobody would notice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::{count, plural};
use nexora_core::model::finding::Finding;
use nexora_core::model::tenant::Tenant;
use nexora_store::Tx;
use nexora_store::books::{self, Part};

/// What became of the things of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// `leads`, `events`, `runs` or `effects`.
    pub noun: &'static str,
    pub received: i64,
    pub handled: i64,
    pub waiting: i64,
    pub failed: i64,
    pub ignored: i64,
    /// Nothing says what became of these: it is 0, or something is wrong.
    pub unaccounted: i64,
    /// One of them.
    pub example: Option<String>,
    /// Why things were ignored, failed or wait, the most frequent first.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// `ignored`, `failed` or `waiting`.
    pub part: String,
    pub reason: String,
    pub rows: i64,
}

/// The books of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Books {
    pub accounts: Vec<Account>,
}

/// Reasons of a kind that are told.
const REASONS: usize = 8;

/// A lease that ended so long ago should have been seen by rescue.
const RESCUED: Duration = Duration::from_secs(600);

/// How long runs are kept that are kept for ever: a hundred years.
pub const FOREVER: Duration = Duration::from_secs(36_500 * 86_400);

impl Books {
    /// Counts everything of a tenant; runs are kept for `keep_runs`.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub fn load(tx: &mut Tx, keep_runs: Duration, now: Timestamp) -> Result<Books> {
        // Pruning takes a while: what is about to go is not asked for.
        let runs_since = now - keep_runs.saturating_sub(Duration::from_secs(86_400));
        let accounts = [
            ("leads", books::leads(tx)?),
            ("events", books::events(tx, runs_since)?),
            ("runs", books::runs(tx)?),
            ("effects", books::effects(tx, now - RESCUED)?),
        ];
        Ok(Books { accounts: accounts.into_iter().map(|(noun, parts)| account(noun, parts)).collect() })
    }

    /// Returns how many things nothing says the end of.
    pub fn unaccounted(&self) -> i64 {
        self.accounts.iter().map(|account| account.unaccounted).sum()
    }

    /// Returns what is to be told of them; nothing where the books balance.
    pub fn finding(&self, tenant: &Tenant, now: Timestamp) -> Option<Finding> {
        let open: Vec<&Account> = self.accounts.iter().filter(|account| account.unaccounted > 0).collect();
        let first = open.first()?;
        let parts: Vec<String> = open
            .iter()
            .map(|account| format!("{} of {} {}", account.unaccounted, account.received, account.noun))
            .collect();
        let example = first.example.as_deref().map(|id| format!(", such as `{id}`")).unwrap_or_default();
        let them = plural(self.unaccounted(), "it", "them");
        Some(Finding {
            key: key(tenant),
            tenant_id: Some(tenant.id.clone()),
            level: "broken".to_owned(),
            what: format!(
                "the books do not balance: nothing takes up {}{example}; {them} would be lost",
                parts.join(", ")
            ),
            command: format!("nexora books --tenant {}", tenant.slug),
            affected: self.unaccounted(),
            since: now,
            looked_at: now,
        })
    }
}

/// Returns the key of what is found of a tenant's books.
pub fn key(tenant: &Tenant) -> String {
    format!("books {}", tenant.id)
}

fn account(noun: &'static str, parts: Vec<Part>) -> Account {
    let mut account = Account { noun, ..Account::default() };
    let mut reasons: BTreeMap<(String, String), i64> = BTreeMap::new();
    for part in parts {
        account.received += part.rows;
        match part.part.as_str() {
            "handled" => account.handled += part.rows,
            "waiting" => account.waiting += part.rows,
            "failed" => account.failed += part.rows,
            "ignored" => account.ignored += part.rows,
            _ => {
                account.unaccounted += part.rows;
                account.example.get_or_insert(part.example);
            }
        }
        if let Some(reason) = part.reason {
            *reasons.entry((part.part, general(&reason))).or_default() += part.rows;
        }
    }
    let mut reasons: Vec<Reason> =
        reasons.into_iter().map(|((part, reason), rows)| Reason { part, reason, rows }).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.rows));
    reasons.truncate(REASONS);
    account.reasons = reasons;
    account
}

/// Returns a reason without what it says of one case: what follows a colon, and ids.
fn general(reason: &str) -> String {
    let head = reason.split(':').next().unwrap_or_default();
    let words = head.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = bare.split_once('_').is_some_and(|(_, body)| body.len() == 26);
        if is_id || bare.parse::<f64>().is_ok() { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Says in one line how the books stand.
pub fn verdict(books: &Books) -> String {
    match books.unaccounted() {
        0 => "the books balance".to_owned(),
        lost => format!("{} unaccounted for", count(lost, "thing is", "things are")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(part: &str, reason: Option<&str>, rows: i64) -> Part {
        Part { part: part.into(), reason: reason.map(str::to_owned), rows, example: "x".into() }
    }

    #[test]
    fn what_was_received_is_the_sum_of_what_became_of_it() {
        let spam = |points: &str| format!("held back as spam: {points}");
        let found = account(
            "events",
            vec![
                part("handled", None, 7),
                part("ignored", Some(&spam("links")), 2),
                part("ignored", Some(&spam("honeypot")), 1),
                part("", None, 3),
            ],
        );
        assert_eq!((found.received, found.handled, found.ignored, found.unaccounted), (13, 7, 3, 3));
        assert_eq!(found.reasons.len(), 1);
        assert_eq!((found.reasons[0].reason.as_str(), found.reasons[0].rows), ("held back as spam", 3));
    }

    #[test]
    fn a_reason_is_told_without_what_it_says_of_one_case() {
        assert_eq!(
            general("ended by message.received, event_01k5b3v6zr9m8q2x4t7w0c1d2e"),
            "ended by message.received, …"
        );
        assert_eq!(general("it ended 3 of the runs under way"), "it ended … of the runs under way");
    }
}
