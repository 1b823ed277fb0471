//! Whether Google's quota suffices for what is watched through one project: the sum in words.

use std::time::Duration;

use nexora_core::base::{Error, Result};
use nexora_core::model::quota::GoogleQuota;

/// How many of something are watched, and how often each is looked at when nothing happens there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollLoad {
    pub count: u32,
    pub every: Duration,
}

/// What is watched through one project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    pub mailboxes: PollLoad,
    pub calendars: PollLoad,
    pub sheets: PollLoad,
    /// Sheets that Drive is asked about first, and that are read only when they changed.
    pub sheets_by_drive: PollLoad,
}

/// One quota, what is needed of it in a minute, and what there is.
struct Line {
    what: &'static str,
    unit: &'static str,
    load: PollLoad,
    cost: u64,
    allowed: u32,
}

/// Quota units of one look into a mailbox: `history.list` (Gmail API, "Usage limits").
const HISTORY_UNITS: u64 = 2;

impl Line {
    /// Rounds up: a quota that is nearly met is not met.
    fn needed(&self) -> u64 {
        let millis = u64::try_from(self.load.every.as_millis()).unwrap_or(u64::MAX).max(1);
        (u64::from(self.load.count) * self.cost).saturating_mul(60_000).div_ceil(millis)
    }

    fn fits(&self) -> bool {
        self.needed() <= u64::from(self.allowed)
    }

    /// Returns the seconds between two polls that would do.
    fn enough(&self) -> u64 {
        (u64::from(self.load.count) * self.cost * 60).div_ceil(u64::from(self.allowed).max(1))
    }
}

/// Makes sure that the quota suffices.
///
/// # Errors
/// `Config` with the sum in words and the interval that would do.
pub fn check(watched: Watched, quota: &GoogleQuota) -> Result<()> {
    let line = |what, unit, load, cost, allowed| Line { what, unit, load, cost, allowed };
    let lines = [
        line("mailboxes", "Gmail units", watched.mailboxes, HISTORY_UNITS, quota.gmail.project),
        line("calendars", "Calendar calls", watched.calendars, 1, quota.calendar.project),
        line("sheets", "Sheets reads", watched.sheets, 1, quota.sheets_reads.project),
        line("sheets by Drive", "Drive calls", watched.sheets_by_drive, 1, quota.drive.project),
    ];
    let over: Vec<&Line> = lines.iter().filter(|line| !line.fits()).collect();
    if over.is_empty() {
        return Ok(());
    }
    let sums = over.iter().map(|line| {
        let Line { what, unit, load, allowed, .. } = line;
        let (count, seconds, needed) = (load.count, load.every.as_secs_f64(), line.needed());
        format!(
            "{count} {what} every {seconds} s need {needed} {unit} a minute; the project allows {allowed}"
        )
    });
    let sums: Vec<String> = sums.collect();
    let ways = over.iter().map(|line| format!("look at {} every {} s", line.what, line.enough()));
    let ways: Vec<String> = ways.collect();
    Err(Error::config(sums.join(", and ")).hint(format!(
        "{} (`[poll]`), watch fewer, or have Google raise the quota and set it in `[google]`",
        ways.join(" and ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::model::quota::PerMinute;

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

    fn load(count: u32, seconds: u64) -> PollLoad {
        PollLoad { count, every: Duration::from_secs(seconds) }
    }

    fn told(watched: Watched) -> String {
        check(watched, &quota()).map_or_else(|error| error.report(), |()| "fits".to_owned())
    }

    #[test]
    fn three_hundred_sheets_a_minute_fit_and_one_more_does_not() {
        assert_eq!(told(Watched { sheets: load(300, 60), ..Watched::default() }), "fits");
        assert_eq!(
            told(Watched { sheets: load(350, 60), ..Watched::default() }),
            "350 sheets every 60 s need 350 Sheets reads a minute; the project allows 300"
        );
        let watched = Watched { sheets: load(301, 60), ..Watched::default() };
        let hint = check(watched, &quota()).unwrap_err();
        assert!(hint.hint_text().unwrap().starts_with("look at sheets every 61 s"), "{:?}", hint.hint_text());
    }

    #[test]
    fn each_kind_has_its_interval_and_its_quota() {
        let many = load(10_000, 60);
        let watched =
            Watched { mailboxes: many, calendars: many, sheets: load(1_500, 300), sheets_by_drive: many };
        assert_eq!(told(watched), "fits");
        let both = Watched { calendars: load(10_001, 60), sheets: load(1_501, 300), ..watched };
        let told = told(both);
        assert!(
            told.contains("10001 Calendar calls") && told.contains(", and 1501 sheets every 300 s"),
            "{told}"
        );
    }

    #[test]
    fn the_interval_that_is_named_would_do_and_none_divides_by_nothing() {
        for count in [301, 777, 12_345] {
            let line = |every| Line { what: "", unit: "", load: load(count, every), cost: 1, allowed: 300 };
            let enough = line(1).enough();
            assert!(line(enough).fits() && !line(enough - 1).fits(), "{count}: {enough}");
        }
        assert!(
            told(Watched { sheets: load(1, 0), ..Watched::default() }).contains("need 60000 Sheets reads")
        );
    }
}
