//! What is counted for people: what was done and what it saved, how fast leads were answered, what
//! happened day by day.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use serde::Serialize;

use crate::calendar::hours::at_wall_time;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::effect::EffectKind;
use nexora_core::model::lead::ResponseTime;

/// What was done for a tenant in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    pub messages: u64,
    pub entries: u64,
    pub rows: u64,
}

impl Done {
    /// Adds up what was delivered, by kind. What only looks or only marks saves no time.
    pub fn of(delivered: &[(EffectKind, i64)]) -> Done {
        let mut done = Done::default();
        for (kind, count) in delivered {
            let count = u64::try_from(*count).unwrap_or(0);
            match kind {
                EffectKind::SendMail | EffectKind::DraftMail => done.messages += count,
                EffectKind::CreateEvent | EffectKind::UpdateEvent | EffectKind::CancelEvent => {
                    done.entries += count;
                }
                EffectKind::AppendRow | EffectKind::UpdateRow => done.rows += count,
                EffectKind::LabelMail | EffectKind::FindSlot | EffectKind::PostWebhook => {}
            }
        }
        done
    }

    pub fn things(self) -> u64 {
        self.messages + self.entries + self.rows
    }

    /// Returns what a person would have needed for it.
    pub fn saved(self, minutes_each: u32) -> Duration {
        Duration::from_secs(self.things() * u64::from(minutes_each) * 60)
    }
}

/// How fast leads were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Speed {
    pub leads: usize,
    pub answered: usize,
    /// How long the first answer took for half of those that were answered, by Nexora or by a person.
    pub median: Option<Duration>,
    pub within_one_minute: usize,
    pub within_five_minutes: usize,
}

const MINUTE: Duration = Duration::from_secs(60);

impl Speed {
    pub fn of<'a>(paces: impl Iterator<Item = &'a ResponseTime>) -> Speed {
        let mut speed = Speed::default();
        let mut answers = Vec::new();
        for pace in paces {
            speed.leads += 1;
            answers.extend(pace.first_answer());
        }
        answers.sort_unstable();
        speed.answered = answers.len();
        speed.within_one_minute = answers.partition_point(|answer| *answer < MINUTE);
        speed.within_five_minutes = answers.partition_point(|answer| *answer < 5 * MINUTE);
        speed.median = median(&answers);
        speed
    }

    /// Returns how many of a hundred leads `part` of them are; nothing where there are none.
    pub fn percent(self, part: usize) -> Option<usize> {
        (self.leads > 0).then(|| (part * 100 + self.leads / 2) / self.leads)
    }
}

/// Returns the middle of values in order; of an even number, what lies between the two in the middle.
fn median(sorted: &[Duration]) -> Option<Duration> {
    let upper = sorted.get(sorted.len() / 2)?;
    let lower = sorted.get((sorted.len().max(1) - 1) / 2)?;
    Some((*lower + *upper) / 2)
}

/// How long answers took, from short to long; the last is for leads without any.
pub const WAITS: [&str; 5] = ["under 1 min", "1 to 5 min", "5 to 60 min", "over 1 hour", "none yet"];

/// Counts leads by how long their answer took, as `WAITS` has it.
pub fn waits(answers: impl Iterator<Item = Option<Duration>>) -> [u64; 5] {
    let mut counts = [0; 5];
    for answer in answers {
        let index = match answer {
            Some(wait) if wait < MINUTE => 0,
            Some(wait) if wait < 5 * MINUTE => 1,
            Some(wait) if wait < 60 * MINUTE => 2,
            Some(_) => 3,
            None => 4,
        };
        if let Some(count) = counts.get_mut(index) {
            *count += 1;
        }
    }
    counts
}

/// Days in a row, as clocks of a zone have them, and what was counted on each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daily {
    pub days: Vec<NaiveDate>,
    /// What the parts of each day's count are.
    pub parts: Vec<String>,
    /// For each day, one count for each part.
    pub counts: Vec<Vec<u64>>,
}

impl Daily {
    /// Begins with nothing counted on the last `length` days until today.
    pub fn until(today: NaiveDate, length: u64, parts: Vec<String>) -> Daily {
        let back = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        let days: Vec<NaiveDate> = (0..length).rev().map(back).collect();
        let counts = days.iter().map(|_| vec![0; parts.len()]).collect();
        Daily { days, parts, counts }
    }

    /// Returns when the first of the days begins.
    pub fn begins_at(&self, zone: Tz) -> Option<Timestamp> {
        self.days.first().map(|day| at_wall_time(*day, chrono::NaiveTime::MIN, zone))
    }

    /// Counts what happened at a moment; what lies outside the days is passed over.
    pub fn add(&mut self, at: Timestamp, zone: Tz, part: usize, count: u64) {
        let day = at.utc().with_timezone(&zone).date_naive();
        let Ok(index) = self.days.binary_search(&day) else { return };
        if let Some(counted) = self.counts.get_mut(index).and_then(|parts| parts.get_mut(part)) {
            *counted += count;
        }
    }

    /// Returns how many there are of a part on all days.
    pub fn total(&self, part: usize) -> u64 {
        self.counts.iter().filter_map(|parts| parts.get(part)).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.counts.iter().flatten().all(|count| *count == 0)
    }
}

/// Counts leads by day and source, the most frequent sources by themselves and the others together.
pub fn leads_by_day(paces: &[ResponseTime], mut daily: Daily, zone: Tz, most: usize) -> Daily {
    let mut sources: Vec<(&str, usize)> = Vec::new();
    for pace in paces {
        match sources.iter_mut().find(|(source, _)| *source == pace.source) {
            Some((_, count)) => *count += 1,
            None => sources.push((&pace.source, 1)),
        }
    }
    sources.sort_by(|(name, count), (other, more)| more.cmp(count).then(name.cmp(other)));
    let own = if sources.len() > most { most.saturating_sub(1) } else { sources.len() };
    let names: Vec<&str> = sources.iter().take(own).map(|(name, _)| *name).collect();
    daily.parts = names.iter().map(|name| (*name).to_owned()).collect();
    if sources.len() > own {
        daily.parts.push("other".to_owned());
    }
    let width = daily.parts.len();
    for counts in &mut daily.counts {
        *counts = vec![0; width];
    }
    for pace in paces {
        let part = names.iter().position(|name| *name == pace.source).unwrap_or(own);
        daily.add(pace.received_at, zone, part, 1);
    }
    daily
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::America::Chicago;

    fn pace(source: &str, received: &str, answer_s: Option<u64>, person_s: Option<u64>) -> ResponseTime {
        let received_at = Timestamp::parse(received).unwrap();
        let after = |seconds| received_at + Duration::from_secs(seconds);
        ResponseTime {
            source: source.into(),
            received_at,
            answered_at: answer_s.map(after),
            responded_at: person_s.map(after),
        }
    }

    #[test]
    fn what_was_done_saves_time() {
        let done = Done::of(&[
            (EffectKind::SendMail, 30),
            (EffectKind::CreateEvent, 10),
            (EffectKind::AppendRow, 15),
            (EffectKind::FindSlot, 99),
        ]);
        assert_eq!(done, Done { messages: 30, entries: 10, rows: 15 });
        assert_eq!(done.saved(4), Duration::from_secs(220 * 60));
    }

    #[test]
    fn the_first_answer_counts_whoever_gave_it() {
        let at = "2026-11-20T16:00:00Z";
        let paces = [
            pace("form", at, Some(9), Some(900)),
            pace("form", at, None, Some(30)),
            pace("form", at, Some(200), None),
            pace("form", at, None, None),
        ];
        let speed = Speed::of(paces.iter());
        assert_eq!((speed.leads, speed.answered), (4, 3));
        assert_eq!(speed.median, Some(Duration::from_secs(30)));
        assert_eq!((speed.within_one_minute, speed.within_five_minutes), (2, 3));
        assert_eq!(speed.percent(speed.within_one_minute), Some(50));
        assert_eq!(Speed::default().percent(0), None);
        assert_eq!(waits(paces.iter().map(ResponseTime::first_answer)), [2, 1, 0, 0, 1]);
        assert_eq!(waits(paces.iter().map(ResponseTime::personal_answer)), [1, 0, 1, 0, 2]);
        assert_eq!(
            median(&[Duration::from_secs(1), Duration::from_secs(4)]),
            Some(Duration::from_millis(2_500))
        );
    }

    #[test]
    fn days_are_those_of_the_zone_and_rare_sources_go_together() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        let daily = Daily::until(today, 3, Vec::new());
        assert_eq!(daily.begins_at(ZONE), Timestamp::parse("2026-11-18T06:00:00Z"));
        let paces = [
            pace("form", "2026-11-20T05:59:00Z", None, None),
            pace("form", "2026-11-20T06:00:00Z", None, None),
            pace("yelp", "2026-11-20T07:00:00Z", None, None),
            pace("angi", "2026-11-18T07:00:00Z", None, None),
            pace("angi", "2026-11-01T07:00:00Z", None, None),
        ];
        let all = leads_by_day(&paces, daily.clone(), ZONE, 3);
        assert_eq!(all.parts, ["angi", "form", "yelp"]);
        assert_eq!(all.counts, [vec![1, 0, 0], vec![0, 1, 0], vec![0, 1, 1]]);
        let few = leads_by_day(&paces, daily, ZONE, 2);
        assert_eq!(few.parts, ["angi", "other"]);
        assert_eq!((few.total(0), few.total(1)), (1, 3));
    }
}
