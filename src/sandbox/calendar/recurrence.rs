//! Recurring entries (RFC 5545): the instances of a series, and the exceptions among them.
//!
//! A series is stored as it was sent. An instance has no row of its own until a client changes or
//! cancels it: then it is stored as an entry of its own, an exception, under the id it had.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use rrule::RRuleSet;
use serde_json::{Map, Value, json};

use crate::calendar::Calendar;
use crate::calendar::event::{Event, local};
use crate::serve::envelope::Refusal;
use nexora_core::base::clock::Timestamp;

/// Instances of one series that one answer unfolds at most.
const INSTANCE_LIMIT: u16 = 3_000;

/// What an entry that is an instance keeps through every change.
const INSTANCES_OWN: [&str; 2] = ["recurringEventId", "originalStartTime"];

/// A series with its rules read.
struct Series<'a> {
    event: &'a Event,
    set: RRuleSet,
    /// The zone whose wall clock the rule goes by; days are counted without any.
    zone: Tz,
    calendar_zone: Tz,
    /// The first day, and how many days it lasts, where it lasts whole days.
    days: Option<(NaiveDate, i64)>,
}

pub fn is_series(event: &Event) -> bool {
    event.body.get("recurrence").and_then(Value::as_array).is_some_and(|lines| !lines.is_empty())
}

/// Returns the series that an exception belongs to; empty for every other entry.
pub fn series_of(event: &Event) -> &str {
    event.text("recurringEventId")
}

/// Makes sure that the rules of a series can be read.
pub fn check(event: &Event, calendar_zone: Tz) -> Result<(), Refusal> {
    if event.body.get("recurrence").is_some_and(|lines| !lines.is_array()) {
        return Err(Refusal::new(400, "invalid", "Invalid value for: recurrence"));
    }
    if !is_series(event) {
        return Ok(());
    }
    for time in ["start", "end"] {
        let field = |field: &str| event.body.get(time).and_then(|time| time.get(field));
        if field("dateTime").is_some() && field("timeZone").is_none() {
            let message = format!("Missing time zone definition for {time} time.");
            return Err(Refusal::new(400, "required", message));
        }
    }
    Series::read(event, calendar_zone).map(|_| ())
}

/// Returns what a client sees of a series between two moments, by start: its instances, and in the
/// place of some their exceptions, cancelled ones included.
pub fn instances(calendar: &Calendar, series: &Event, from: Timestamp, to: Timestamp) -> Vec<Event> {
    let exceptions: Vec<&Event> =
        calendar.events.iter().filter(|event| series_of(event) == series.id).collect();
    let is_excepted = |event: &Event| exceptions.iter().any(|exception| exception.id == event.id);
    let mut found: Vec<Event> = exceptions
        .iter()
        .filter(|exception| exception.end > from && exception.start < to)
        .map(|exception| (*exception).clone())
        .collect();
    if let Ok(read) = Series::read(series, calendar.time_zone)
        && !series.is_cancelled()
    {
        found.extend(read.between(from, to).into_iter().filter(|event| !is_excepted(event)));
    }
    found.sort_by_key(|event| (event.start, event.changed));
    found
}

/// Returns the instance with this id, as its series has it.
pub fn instance(calendar: &Calendar, id: &str) -> Option<Event> {
    let (series, suffix) = id.rsplit_once('_')?;
    let series = calendar.events.iter().find(|event| event.id == series && is_series(event))?;
    let day = NaiveDate::parse_from_str(suffix.get(..8)?, "%Y%m%d").ok()?;
    // Wherever it is, it begins within a day of the one that its id names.
    let around = local(day.and_time(chrono::NaiveTime::MIN), Tz::UTC);
    let wide = std::time::Duration::from_secs(2 * 86_400);
    let read = Series::read(series, calendar.time_zone).ok().filter(|_| !series.is_cancelled())?;
    read.between(around - wide, around + wide).into_iter().find(|event| event.id == id)
}

/// Copies what an instance keeps from its older form to its newer one.
pub fn keep(new: &mut Event, old: &Event) {
    if !series_of(old).is_empty() {
        new.body.remove("recurrence");
    }
    for name in INSTANCES_OWN {
        if let Some(value) = old.body.get(name) {
            new.body.insert(name.to_owned(), value.clone());
        }
    }
}

/// Strips a cancelled exception down to what Google promises of one (Calendar API, `Events`).
pub fn strip(event: &mut Event) {
    let kept = ["kind", "etag", "id", "status", INSTANCES_OWN[0], INSTANCES_OWN[1]];
    event.body.retain(|name, _| kept.contains(&name.as_str()));
}

impl<'a> Series<'a> {
    fn read(event: &'a Event, calendar_zone: Tz) -> Result<Series<'a>, Refusal> {
        let invalid = || Refusal::new(400, "invalid", "Invalid recurrence rule.");
        let text = |time: &str, field: &str| {
            let time = event.body.get(time).and_then(|time| time.get(field));
            time.and_then(Value::as_str)
        };
        let day = |time: &str| NaiveDate::parse_from_str(text(time, "date")?, "%Y-%m-%d").ok();
        let days = day("start").zip(day("end")).map(|(first, end)| (first, (end - first).num_days()));
        let zone = match (text("start", "timeZone"), days) {
            (_, Some(_)) => Tz::UTC,
            (Some(zone), None) => zone.parse().map_err(|_| invalid())?,
            (None, None) => calendar_zone,
        };
        let start: DateTime<Tz> = match days {
            Some((first, _)) => {
                local(first.and_time(chrono::NaiveTime::MIN), zone).utc().with_timezone(&zone)
            }
            None => event.start.utc().with_timezone(&zone),
        };
        let mut rules = vec![dt_start(&start)];
        for line in event.body.get("recurrence").and_then(Value::as_array).into_iter().flatten() {
            let line = line.as_str().ok_or_else(invalid)?;
            rules.push(if days.is_some() { of_moments(line) } else { line.to_owned() });
        }
        let set: RRuleSet = rules.join("\n").parse().map_err(|_| invalid())?;
        Ok(Series { event, set, zone, calendar_zone, days })
    }

    /// Returns the instances that last into the time between two moments.
    fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Event> {
        // Days are counted in UTC, so a day of margin lets no zone lose one.
        let margin = self.event.end.since(self.event.start) + std::time::Duration::from_secs(2 * 86_400);
        let edge = |at: Timestamp| at.utc().with_timezone(&rrule::Tz::UTC);
        let set = self.set.clone().after(edge(from - margin)).before(edge(to + margin));
        let starts = set.all(INSTANCE_LIMIT).dates.into_iter().map(|start| start.with_timezone(&Utc));
        // The entry itself is the first, even where the rule would not bring it, unless it is left out.
        let first = self.set.get_dt_start().with_timezone(&Utc);
        let is_left_out = self.set.get_exdate().iter().any(|day| day.with_timezone(&Utc) == first);
        let mut starts: std::collections::BTreeSet<DateTime<Utc>> = starts.collect();
        starts.extend((!is_left_out).then_some(first));
        let starts = starts.into_iter();
        let shown = starts.map(|start| self.instance(start));
        shown.filter(|event| event.end > from && event.start < to).collect()
    }

    fn instance(&self, start: DateTime<Utc>) -> Event {
        let series = self.event;
        let mut body: Map<String, Value> = series.body.clone();
        body.remove("recurrence");
        let (id, start, end, original, last) = match self.days {
            Some((_, length)) => {
                let first = start.date_naive();
                let after = first + TimeDelta::days(length);
                let midnight =
                    |day: NaiveDate| local(day.and_time(chrono::NaiveTime::MIN), self.calendar_zone);
                let date = |day: NaiveDate| json!({ "date": day.to_string() });
                let id = format!("{}_{}", series.id, first.format("%Y%m%d"));
                (id, midnight(first), midnight(after), date(first), date(after))
            }
            None => {
                let end = start + (series.end.utc() - series.start.utc());
                let time = |at: DateTime<Utc>| json!({"dateTime": at.with_timezone(&self.zone).to_rfc3339(), "timeZone": self.zone.name()});
                let id = format!("{}_{}", series.id, start.format("%Y%m%dT%H%M%SZ"));
                (id, Timestamp::from(start), Timestamp::from(end), time(start), time(end))
            }
        };
        body.insert("id".to_owned(), json!(id));
        body.insert("recurringEventId".to_owned(), json!(series.id));
        body.insert("originalStartTime".to_owned(), original.clone());
        body.insert("start".to_owned(), original);
        body.insert("end".to_owned(), last);
        Event { id, body, start, end, changed: series.changed }
    }
}

fn dt_start(start: &DateTime<Tz>) -> String {
    match start.timezone() {
        Tz::UTC => format!("DTSTART:{}", start.format("%Y%m%dT%H%M%SZ")),
        zone => format!("DTSTART;TZID={}:{}", zone.name(), start.format("%Y%m%dT%H%M%S")),
    }
}

/// Turns the days of a line (`EXDATE;VALUE=DATE:20260925`, `UNTIL=20261001`) into moments.
fn of_moments(line: &str) -> String {
    let line = line.replace(";VALUE=DATE:", ":");
    let mut turned = String::with_capacity(line.len() + 16);
    let mut digits = 0;
    let mut rest = line.chars().peekable();
    while let Some(char) = rest.next() {
        turned.push(char);
        digits = if char.is_ascii_digit() { digits + 1 } else { 0 };
        let ends = rest.peek().is_none_or(|next| !next.is_ascii_digit() && *next != 'T');
        if digits == 8 && ends {
            turned.push_str("T000000Z");
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(body: Value) -> Calendar {
        let mut calendar = Calendar { time_zone: chrono_tz::America::Chicago, ..Calendar::default() };
        let body = serde_json::from_value(body).unwrap();
        calendar.events.push(Event::new("weekly".into(), body, calendar.time_zone).unwrap());
        calendar
    }

    fn starts(calendar: &Calendar, from: &str, to: &str) -> Vec<String> {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let found = instances(calendar, &calendar.events[0], at(from), at(to));
        found.iter().map(|event| event.id.clone()).collect()
    }

    #[test]
    fn a_series_keeps_its_wall_time_through_the_change_of_clocks() {
        let zone = "America/Chicago";
        let calendar = calendar(json!({
            "start": {"dateTime": "2026-10-26T09:00:00", "timeZone": zone},
            "end": {"dateTime": "2026-10-26T10:00:00", "timeZone": zone},
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=America/Chicago:20261109T090000"],
        }));
        // Clocks go back on 1 November 2026; 9 November is left out.
        let all = ["weekly_20261026T140000Z", "weekly_20261102T150000Z", "weekly_20261116T150000Z"];
        assert_eq!(starts(&calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), all);
        assert_eq!(starts(&calendar, "2026-11-02T15:30:00Z", "2026-11-02T15:45:00Z"), all[1..2]);
        assert!(starts(&calendar, "2026-11-02T16:00:00Z", "2026-11-16T15:00:00Z").is_empty());
        let one = instance(&calendar, all[1]).unwrap();
        assert_eq!(one.body["start"]["dateTime"], "2026-11-02T09:00:00-06:00");
        assert_eq!(one.body["recurringEventId"], "weekly");
        assert!(instance(&calendar, "weekly_20261109T150000Z").is_none());
    }

    #[test]
    fn days_recur_as_days() {
        let calendar = calendar(json!({
            "start": {"date": "2026-11-20"}, "end": {"date": "2026-11-22"},
            "recurrence": ["RRULE:FREQ=MONTHLY;UNTIL=20270301", "EXDATE;VALUE=DATE:20261220"],
        }));
        let all = ["weekly_20261120", "weekly_20270120", "weekly_20270220"];
        assert_eq!(starts(&calendar, "2026-01-01T00:00:00Z", "2030-01-01T00:00:00Z"), all);
        assert_eq!(instance(&calendar, all[1]).unwrap().body["end"], json!({"date": "2027-01-22"}));
    }

    #[test]
    fn the_entry_itself_is_the_first_whatever_the_rule_says() {
        let zone = "America/Chicago";
        let calendar = calendar(json!({
            "start": {"dateTime": "2026-11-19T09:00:00", "timeZone": zone},
            "end": {"dateTime": "2026-11-19T10:00:00", "timeZone": zone},
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2"],
        }));
        let all = ["weekly_20261119T150000Z", "weekly_20261123T150000Z", "weekly_20261130T150000Z"];
        assert_eq!(starts(&calendar, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), all);
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_calendar() {
        let calendar = calendar(json!({
            "start": {"date": "2026-11-20"}, "end": {"date": "2026-11-21"}, "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"],
        }));
        // Midnight in Chicago is 06:00 in UTC.
        let one = instance(&calendar, "weekly_20261121").unwrap();
        assert_eq!(one.start.to_string(), "2026-11-21T06:00:00.000Z");
        assert_eq!(starts(&calendar, "2026-11-21T05:00:00Z", "2026-11-21T05:59:00Z"), ["weekly_20261120"]);
    }

    #[test]
    fn rules_that_cannot_be_read_are_refused() {
        let calendar = calendar(json!({
            "start": {"date": "2026-11-20"}, "end": {"date": "2026-11-21"}, "recurrence": ["RRULE:FREQ=OFTEN"],
        }));
        assert!(check(&calendar.events[0], calendar.time_zone).is_err());
    }
}
