//! Whether Google's quota suffices for what is watched: the sum, as a table and in words.

use std::time::Duration;

use crate::base::{Error, Result};
use crate::model::quota::GoogleQuota;

/// What is watched through one project, and how often each is looked at at the slowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    pub mailboxes: u32,
    pub calendars: u32,
    pub sheets: u32,
    /// Sheets that Drive is asked about first, and that are read only when they changed.
    pub sheets_by_drive: u32,
    pub slowest: Duration,
}

/// One quota, what is needed of it in a minute, and what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub what: &'static str,
    pub unit: &'static str,
    pub watched: u32,
    pub needed: u64,
    pub allowed: u32,
}

impl Line {
    pub fn fits(&self) -> bool {
        self.needed <= u64::from(self.allowed)
    }
}

/// Quota units of one look into a mailbox: `history.list` (Gmail API, "Usage limits").
const HISTORY_UNITS: u64 = 2;

/// Returns what watching needs of the project's quota, a line for each thing that is watched.
pub fn table(watched: Watched, quota: &GoogleQuota) -> Vec<Line> {
    let each = |count: u32, cost: u64| per_minute(u64::from(count) * cost, watched.slowest);
    let lines = [
        ("mailboxes", "Gmail units", watched.mailboxes, HISTORY_UNITS, quota.gmail.project),
        ("calendars", "Calendar calls", watched.calendars, 1, quota.calendar.project),
        ("sheets", "Sheets reads", watched.sheets, 1, quota.sheets_reads.project),
        ("sheets watched by Drive", "Drive calls", watched.sheets_by_drive, 1, quota.drive.project),
    ];
    let lines = lines.into_iter().filter(|(_, _, count, _, _)| *count > 0);
    lines
        .map(|(what, unit, watched, cost, allowed)| Line {
            what,
            unit,
            watched,
            needed: each(watched, cost),
            allowed,
        })
        .collect()
}

/// Rounds up: a quota that is nearly met is not met.
fn per_minute(cost: u64, interval: Duration) -> u64 {
    let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    cost.saturating_mul(60_000).div_ceil(millis)
}

/// Makes sure that the quota suffices.
///
/// # Errors
/// `Config` with the sum in words and the interval that would do.
pub fn check(watched: Watched, quota: &GoogleQuota) -> Result<()> {
    let lines = table(watched, quota);
    let over: Vec<&Line> = lines.iter().filter(|line| !line.fits()).collect();
    if over.is_empty() {
        return Ok(());
    }
    let seconds = watched.slowest.as_secs_f64();
    let sums = over.iter().map(|line| {
        let Line { what, unit, watched, needed, allowed } = line;
        let verb = if *what == "sheets" { " read" } else { "" };
        format!("{watched} {what}{verb} every {seconds} s need {needed} {unit} a minute; the project allows {allowed}")
    });
    let sums: Vec<String> = sums.collect();
    let enough = |line: &&Line| {
        let cost = line.needed.saturating_mul(watched.slowest.as_secs().max(1));
        cost.div_ceil(u64::from(line.allowed).max(1))
    };
    let interval = over.iter().map(enough).max().unwrap_or_default();
    Err(Error::config(sums.join(", and ")).hint(format!(
        "look every {interval} s, watch fewer, or have Google raise the quota and set it in `[google]`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::quota::PerMinute;

    const NOTHING: Watched = Watched {
        mailboxes: 0,
        calendars: 0,
        sheets: 0,
        sheets_by_drive: 0,
        slowest: Duration::from_secs(60),
    };

    fn quota() -> GoogleQuota {
        let of = |project, user| PerMinute { project, user };
        GoogleQuota {
            gmail: of(1_200_000, 6_000),
            calendar: of(10_000, 600),
            sheets_reads: of(300, 60),
            sheets_writes: of(300, 60),
            drive: of(12_000, 600),
        }
    }

    fn told(watched: Watched) -> String {
        check(watched, &quota()).map_or_else(|error| error.report(), |()| "fits".to_owned())
    }

    #[test]
    fn three_hundred_sheets_a_minute_fit_and_one_more_does_not() {
        assert_eq!(told(Watched { sheets: 300, ..NOTHING }), "fits");
        assert!(told(Watched { sheets: 301, ..NOTHING }).contains("301 Sheets reads a minute"));
        assert_eq!(
            told(Watched { sheets: 350, ..NOTHING }),
            "350 sheets read every 60 s need 350 Sheets reads a minute; the project allows 300"
        );
    }

    #[test]
    fn the_interval_counts_and_the_hint_names_one_that_does() {
        let watched = Watched { sheets: 100, slowest: Duration::from_secs(10), ..NOTHING };
        let error = check(watched, &quota()).unwrap_err();
        assert!(error.report().contains("need 600 Sheets reads"), "{}", error.report());
        assert!(error.hint_text().unwrap().starts_with("look every 20 s"), "{:?}", error.hint_text());
        assert_eq!(told(Watched { slowest: Duration::from_secs(20), ..watched }), "fits");
    }

    #[test]
    fn each_quota_is_a_line_of_its_own() {
        let watched =
            Watched { mailboxes: 1_000, calendars: 1_000, sheets: 10, sheets_by_drive: 2_000, ..NOTHING };
        let lines = table(watched, &quota());
        let needed: Vec<(&str, u64, bool)> = lines.iter().map(|l| (l.unit, l.needed, l.fits())).collect();
        assert_eq!(
            needed,
            [
                ("Gmail units", 2_000, true),
                ("Calendar calls", 1_000, true),
                ("Sheets reads", 10, true),
                ("Drive calls", 2_000, true)
            ]
        );
        assert!(table(NOTHING, &quota()).is_empty());
        let both = Watched { calendars: 10_001, sheets: 301, ..NOTHING };
        assert!(told(both).contains("10001 Calendar calls") && told(both).contains(", and 301 sheets read"));
    }

    #[test]
    fn a_fraction_counts_as_a_whole_and_no_interval_divides_by_nothing() {
        let slow = Watched { sheets: 1, slowest: Duration::from_secs(3_600), ..NOTHING };
        assert_eq!(table(slow, &quota())[0].needed, 1);
        let never = Watched { sheets: 1, slowest: Duration::ZERO, ..NOTHING };
        assert!(!table(never, &quota())[0].fits());
    }
}
