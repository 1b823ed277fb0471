//! One entry: the resource as the client sees it, and the moments it lasts from and to.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use hyper::header::IF_MATCH;
use serde_json::{Map, Value, json};

use crate::calendar::etag;
use crate::serve::call::Call;
use crate::serve::envelope::Refusal;
use nexora_core::base::clock::Timestamp;

/// What Google sets itself; what a client says about these is not heard.
const GOOGLES_OWN: [&str; 8] =
    ["kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "iCalUID"];

#[derive(Clone)]
pub struct Event {
    pub id: String,
    pub body: Map<String, Value>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// The number of its latest change.
    pub changed: u64,
}

/// Tells whether an id is as the Calendar API wants it: base32hex in lower case, 5 to 1,024 long.
pub fn is_valid_id(id: &str) -> bool {
    (5..=1_024).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'v'))
}

/// Applies a patch (RFC 7396): null removes, objects are merged, all else is replaced.
pub fn patch(body: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (name, change) in changes {
        match (body.get_mut(&name), change) {
            (_, Value::Null) => {
                body.remove(&name);
            }
            (Some(Value::Object(old)), Value::Object(change)) => patch(old, change),
            (_, change) => {
                body.insert(name, change);
            }
        }
    }
}

impl Event {
    /// Makes an entry of what a client sent; a time without a zone is in the calendar's.
    pub fn new(id: String, mut body: Map<String, Value>, zone: Tz) -> Result<Event, Refusal> {
        for name in GOOGLES_OWN {
            body.remove(name);
        }
        let start = moment(body.get("start"), "start", zone)?;
        let end = moment(body.get("end"), "end", zone)?;
        if start.is_all_day != end.is_all_day {
            let message = "Start and end times must either both be date or both be dateTime.";
            return Err(Refusal::new(400, "invalid", message));
        }
        if end.at < start.at || (start.is_all_day && end.at == start.at) {
            return Err(Refusal::new(400, "timeRangeEmpty", "The specified time range is empty."));
        }
        let status = body.get("status").and_then(Value::as_str).unwrap_or("confirmed");
        if !["confirmed", "tentative", "cancelled"].contains(&status) {
            return Err(Refusal::new(400, "invalid", "Invalid value for: status"));
        }
        let status = json!(status);
        body.insert("status".to_owned(), status);
        body.insert("id".to_owned(), json!(id));
        body.insert("kind".to_owned(), json!("calendar#event"));
        for (name, usual) in [
            ("sequence", json!(0)),
            ("eventType", json!("default")),
            ("reminders", json!({"useDefault": true})),
        ] {
            body.entry(name).or_insert(usual);
        }
        Ok(Event { id, body, start: start.at, end: end.at, changed: 0 })
    }

    /// Fills in what an entry has from its beginning.
    pub fn introduce(&mut self, address: &str, origin: &str, at: Timestamp) {
        let person = json!({"email": address, "self": true});
        let fields = [
            ("htmlLink", json!(format!("{origin}/#event-{}", self.id))),
            ("created", json!(at)),
            ("creator", person.clone()),
            ("organizer", person),
            ("iCalUID", json!(format!("{}@google.com", self.id))),
        ];
        self.body.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    }

    /// Takes over what an entry keeps for all its life.
    pub fn keep_from(&mut self, old: &Event) {
        for name in GOOGLES_OWN {
            if let Some(value) = old.body.get(name) {
                self.body.insert(name.to_owned(), value.clone());
            }
        }
        let sequence = old.body.get("sequence").and_then(Value::as_u64).unwrap_or(0);
        self.body.insert("sequence".to_owned(), json!(sequence + 1));
    }

    /// Notes a change.
    pub fn stamp(&mut self, number: u64, at: Timestamp) {
        self.changed = number;
        self.body.insert("updated".to_owned(), json!(at));
        self.body.insert("etag".to_owned(), json!(etag(number)));
    }

    pub fn cancel(&mut self) {
        self.body.insert("status".to_owned(), json!("cancelled"));
    }

    pub fn is_cancelled(&self) -> bool {
        self.text("status") == "cancelled"
    }

    /// Tells whether the entry keeps others out of its time.
    pub fn is_busy(&self) -> bool {
        !self.is_cancelled() && self.text("transparency") != "transparent"
    }

    /// Returns a field that is text; one that is missing is empty.
    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Refuses a change to another state of the entry than the client has seen.
    pub fn check_match(&self, call: &Call) -> Result<(), Refusal> {
        match call.header(&IF_MATCH) {
            Some(wanted) if wanted != "*" && wanted != self.text("etag") => {
                Err(Refusal::usual(412, None, None))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct Moment {
    at: Timestamp,
    is_all_day: bool,
}

fn moment(time: Option<&Value>, name: &str, zone: Tz) -> Result<Moment, Refusal> {
    let invalid = || Refusal::new(400, "invalid", format!("Invalid {name} time."));
    let field = |field: &str| time.and_then(|time| time.get(field)).and_then(Value::as_str);
    let own_zone = match field("timeZone") {
        None => None,
        Some(zone) => Some(zone.parse::<Tz>().map_err(|_| {
            Refusal::new(400, "invalid", format!("Invalid time zone definition for {name} time."))
        })?),
    };
    if let Some(day) = field("date") {
        let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| invalid())?;
        return Ok(Moment { at: local(day.and_time(NaiveTime::MIN), zone), is_all_day: true });
    }
    let Some(text) = field("dateTime") else {
        return Err(Refusal::new(400, "required", format!("Missing {name} time.")));
    };
    if let Some(at) = Timestamp::parse(text) {
        return Ok(Moment { at, is_all_day: false });
    }
    let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .ok_or_else(invalid)?;
    let Some(zone) = own_zone else {
        let message = format!("Missing time zone definition for {name} time.");
        return Err(Refusal::new(400, "required", message));
    };
    Ok(Moment { at: local(naive, zone), is_all_day: false })
}

/// Returns the moment of a wall clock: the first of two, or an hour later where there is none.
pub fn local(wall: NaiveDateTime, zone: Tz) -> Timestamp {
    let found = zone.from_local_datetime(&wall).earliest();
    let found = found.or_else(|| zone.from_local_datetime(&(wall + TimeDelta::hours(1))).earliest());
    found.map_or(Timestamp::from(wall.and_utc()), |at| Timestamp::from(at.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: Value) -> Result<Event, Refusal> {
        Event::new("abcde".into(), serde_json::from_value(body).unwrap(), chrono_tz::Europe::Berlin)
    }

    #[test]
    fn times_are_read_with_offset_zone_or_day() {
        let cases = [
            (json!({"dateTime": "2026-07-01T10:00:00+02:00"}), "2026-07-01T08:00:00.000Z"),
            (
                json!({"dateTime": "2026-07-01T10:00:00", "timeZone": "America/New_York"}),
                "2026-07-01T14:00:00.000Z",
            ),
            (json!({"date": "2026-07-01"}), "2026-06-30T22:00:00.000Z"),
        ];
        for (time, wanted) in cases {
            let at = moment(Some(&time), "start", chrono_tz::Europe::Berlin).unwrap().at;
            assert_eq!(at.to_string(), wanted, "{time}");
        }
    }

    #[test]
    fn an_entry_without_sound_times_is_refused() {
        let day = |day: &str| json!({ "date": day });
        let at = |time: &str| json!({ "dateTime": time });
        let cases = [
            json!({"start": day("2026-07-01")}),
            json!({"start": day("2026-07-02"), "end": day("2026-07-02")}),
            json!({"start": day("2026-07-02"), "end": at("2026-07-02T10:00:00Z")}),
            json!({"start": at("2026-07-02T10:00:00Z"), "end": at("2026-07-02T09:00:00Z")}),
            json!({"start": at("2026-07-02T10:00:00"), "end": at("2026-07-02T11:00:00")}),
        ];
        for body in cases {
            assert!(event(body.clone()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_patch_merges_and_null_removes() {
        let mut body = json!({"a": {"b": 1, "c": 2}, "d": 3}).as_object().cloned().unwrap();
        patch(&mut body, json!({"a": {"b": null, "e": 5}, "d": null}).as_object().cloned().unwrap());
        assert_eq!(Value::Object(body), json!({"a": {"c": 2, "e": 5}}));
    }

    #[test]
    fn ids_are_base32hex() {
        assert!(is_valid_id("abcv0129"));
        assert!(!is_valid_id("abcw0"));
        assert!(!is_valid_id("ABCDE"));
        assert!(!is_valid_id("abcd"));
    }
}
