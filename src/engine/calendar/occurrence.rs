//! What one change in a calendar means for each customer: an appointment is one occurrence of an entry, with people who
//! attend it, and each of them hears of what changed for them.

use chrono_tz::Tz;

use nexora_core::base::clock::Timestamp;
use nexora_core::model::appointment::Appointment;
use nexora_core::model::calendar_entry::{Attendee, Entry, EntryChange, When};

use crate::calendar::calendar_diff::Change;

/// A change as it is for one customer, or for those who look at entries alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestChange {
    pub kind: EntryChange,
    pub entry: Entry,
    pub previous: Option<Entry>,
    pub guest: Option<Attendee>,
    /// The first of the change.
    pub is_first: bool,
}

/// Returns what a change is for each customer: one who is added hears of a new appointment, one who is taken off of a
/// cancelled one.
pub fn for_guests(change: &Change) -> Vec<GuestChange> {
    let (entry, previous) = (&change.entry, change.previous.as_ref());
    let of = |kind, guest: Option<&Attendee>| GuestChange {
        kind,
        entry: entry.clone(),
        previous: previous.cloned(),
        guest: guest.cloned(),
        is_first: false,
    };
    let before: Vec<&Attendee> = previous.into_iter().flat_map(Entry::guests).collect();
    let attended = |guest: &Attendee| before.iter().any(|known| is_same(known, guest));
    let is_update = change.kind == EntryChange::Updated && previous.is_some();
    let mut changes: Vec<GuestChange> = Vec::new();
    for guest in entry.guests().filter(|guest| !is_update || attended(guest)) {
        changes.push(of(change.kind, Some(guest)));
    }
    if changes.is_empty() {
        changes.push(of(change.kind, None));
    }
    if is_update {
        let added = entry.guests().filter(|guest| !attended(guest));
        changes.extend(
            added.map(|guest| GuestChange { previous: None, ..of(EntryChange::Created, Some(guest)) }),
        );
        let removed = before.iter().filter(|known| !entry.guests().any(|guest| is_same(known, guest)));
        // For the others the entry goes on.
        let was = || previous.unwrap_or(entry).clone();
        changes.extend(
            removed.map(|guest| GuestChange { entry: was(), ..of(EntryChange::Cancelled, Some(guest)) }),
        );
    }
    if let Some(first) = changes.first_mut() {
        first.is_first = true;
    }
    changes
}

fn is_same(one: &Attendee, other: &Attendee) -> bool {
    one.email.eq_ignore_ascii_case(&other.email)
}

/// Tells a change to a series as one of its next occurrence: that is what customers expect. `booked` are its
/// occurrences to come as they were, `instances` as they are; where neither is known, the series stands for itself. A
/// whole day is one in `zone`.
pub fn of_next(
    change: Change,
    booked: &[Appointment],
    instances: &[Entry],
    zone: Tz,
    now: Timestamp,
) -> Change {
    if !change.entry.is_series() {
        return change;
    }
    let before = booked.iter().min_by_key(|appointment| appointment.starts_at);
    let living = || instances.iter().filter(|entry| !entry.cancelled);
    let next = living().filter(|entry| is_ahead(entry, now)).min_by_key(|entry| starts(entry));
    let is_gone = |known: &&Appointment| !living().any(|entry| entry.id == known.entry_id);
    let gone = booked.iter().filter(is_gone).min_by_key(|appointment| appointment.starts_at);
    let stays = change.previous.as_ref().is_some_and(|previous| previous.start == change.entry.start);
    let called_off = match (change.kind, next, before, gone) {
        // A series that is ended by a last day is changed, and not cancelled.
        (EntryChange::Cancelled, _, Some(before), _) | (EntryChange::Updated, None, Some(before), _) => {
            Some(before)
        }
        (EntryChange::Updated, Some(_), _, Some(gone)) if stays => Some(gone),
        _ => None,
    };
    if let Some(known) = called_off {
        let entry = at(&change.entry, known, zone);
        let previous = Some(Entry { cancelled: false, ..entry.clone() });
        return Change { kind: EntryChange::Cancelled, entry: entry.into_cancelled(), previous, ..change };
    }
    match (change.kind, next) {
        (EntryChange::Created, Some(next)) => Change { entry: next.clone(), previous: None, ..change },
        (EntryChange::Updated, Some(next)) => {
            let previous = change.previous.as_ref().map(|series| match before {
                Some(before) => at(series, before, zone),
                None => shifted(series, &change.entry, next),
            });
            Change { entry: next.clone(), previous, ..change }
        }
        _ => change,
    }
}

fn starts(entry: &Entry) -> String {
    match &entry.start {
        Some(When::At(at)) => at.to_string(),
        Some(When::Day(day)) => day.clone(),
        None => String::new(),
    }
}

fn is_ahead(entry: &Entry, now: Timestamp) -> bool {
    match &entry.start {
        Some(When::At(at)) => *at > now,
        Some(When::Day(day)) => day.as_str() > now.utc().date_naive().to_string().as_str(),
        None => false,
    }
}

/// Returns an occurrence of a series as it was booked.
fn at(series: &Entry, booked: &Appointment, zone: Tz) -> Entry {
    let when = |moment: Timestamp| match booked.all_day {
        true => When::Day(moment.utc().with_timezone(&zone).date_naive().to_string()),
        false => When::At(moment),
    };
    Entry {
        id: booked.entry_id.clone(),
        series_id: Some(series.id.clone()),
        recurrence: Vec::new(),
        start: Some(when(booked.starts_at)),
        end: Some(when(booked.ends_at)),
        ..series.clone()
    }
}

/// Returns the next occurrence as it would have been, had the series not been moved.
fn shifted(before: &Entry, after: &Entry, next: &Entry) -> Entry {
    let start = match (&before.start, &after.start, &next.start) {
        (Some(When::At(old)), Some(When::At(new)), Some(When::At(next))) => {
            Some(When::At(Timestamp::from_millis(next.millis() - new.millis() + old.millis())))
        }
        (old, new, _) if old == new => next.start.clone(),
        (old, ..) => old.clone(),
    };
    Entry { start, attendees: before.attendees.clone(), title: before.title.clone(), ..next.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::model::appointment::AppointmentState;
    use nexora_core::model::{AppointmentId, ConnectionId, TenantId};
    use std::collections::BTreeMap;

    const HOUR: i64 = 3_600_000;
    const NOW: Timestamp = Timestamp::from_millis(1_000 * HOUR);

    fn entry(id: &str, hour: i64, guests: &[&str]) -> Entry {
        let attendee = |email: &&str| Attendee {
            email: (*email).to_owned(),
            name: None,
            response: "accepted".into(),
            is_own: false,
        };
        let time = |hour: i64| Some(When::At(Timestamp::from_millis(hour * HOUR)));
        Entry {
            id: id.into(),
            series_id: None,
            original_start: None,
            cancelled: false,
            title: "Visit".into(),
            description: String::new(),
            location: String::new(),
            start: time(hour),
            end: time(hour + 1),
            recurrence: Vec::new(),
            attendees: guests.iter().map(attendee).collect(),
            organizer: None,
            link: None,
            color: None,
            properties: BTreeMap::new(),
        }
    }

    fn change(kind: EntryChange, entry: Entry, previous: Option<Entry>) -> Change {
        Change { kind, entry, previous, is_told: true }
    }

    fn told(change: &Change) -> Vec<(&'static str, String, bool)> {
        let of = |told: GuestChange| {
            (told.kind.name(), told.guest.map(|guest| guest.email).unwrap_or_default(), told.is_first)
        };
        for_guests(change).into_iter().map(of).collect()
    }

    #[test]
    fn each_who_attends_hears_of_what_changed_for_them() {
        use EntryChange::{Cancelled, Created, Updated};
        let both = change(Created, entry("e", 1_024, &["a@x", "b@x"]), None);
        assert_eq!(told(&both), [("created", "a@x".into(), true), ("created", "b@x".into(), false)]);
        let joined = change(Updated, entry("e", 1_024, &["a@x", "b@x"]), Some(entry("e", 1_024, &["a@x"])));
        assert_eq!(told(&joined), [("updated", "a@x".into(), true), ("created", "b@x".into(), false)]);
        let left = change(Updated, entry("e", 1_030, &["b@x"]), Some(entry("e", 1_024, &["A@x", "b@x"])));
        assert_eq!(told(&left), [("updated", "b@x".into(), true), ("cancelled", "A@x".into(), false)]);
        let removed = for_guests(&left).pop().unwrap();
        assert_eq!((removed.entry.start, removed.entry.cancelled), (entry("e", 1_024, &[]).start, false));
        let replaced = change(Updated, entry("e", 1_024, &["b@x"]), Some(entry("e", 1_024, &["a@x"])));
        assert_eq!(
            told(&replaced),
            [
                ("updated", String::new(), true),
                ("created", "b@x".into(), false),
                ("cancelled", "a@x".into(), false)
            ]
        );
        let alone = change(Cancelled, entry("e", 1_024, &[]), None);
        assert_eq!(told(&alone), [("cancelled", String::new(), true)]);
    }

    fn booked(id: &str, hour: i64) -> Appointment {
        let time = |hour: i64| Timestamp::from_millis(hour * HOUR);
        Appointment {
            tenant_id: TenantId::new(NOW),
            id: AppointmentId::new(NOW),
            connection_id: ConnectionId::new(NOW),
            calendar: "primary".into(),
            entry_id: id.into(),
            contact_id: None,
            title: "Visit".into(),
            location: String::new(),
            state: AppointmentState::Booked,
            starts_at: time(hour),
            ends_at: time(hour + 1),
            all_day: false,
            version: 1,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    #[test]
    fn a_series_that_began_long_ago_is_told_by_its_next_occurrence() {
        let series =
            |hour| Entry { recurrence: vec!["RRULE:FREQ=WEEKLY".into()], ..entry("s", hour, &["a@x"]) };
        let instances =
            [entry("s_0", 900, &["a@x"]), entry("s_2", 1_202, &["a@x"]), entry("s_1", 1_034, &["a@x"])];
        let known = [booked("s_1", 1_032), booked("s_2", 1_200)];
        let moved = change(EntryChange::Updated, series(530), Some(series(528)));
        let next = of_next(moved.clone(), &known, &instances, Tz::UTC, NOW);
        assert_eq!((next.entry.id.as_str(), next.entry.start.clone()), ("s_1", entry("", 1_034, &[]).start));
        assert_eq!(next.previous.unwrap().start, entry("", 1_032, &[]).start);
        let unknown = of_next(moved, &[], &instances, Tz::UTC, NOW);
        assert_eq!(unknown.previous.unwrap().start, entry("", 1_032, &[]).start);
        let cancelled = change(EntryChange::Cancelled, series(528).into_cancelled(), Some(series(528)));
        let next = of_next(cancelled.clone(), &known, &[], Tz::UTC, NOW);
        assert_eq!(
            (next.entry.id.as_str(), next.entry.start, next.entry.cancelled),
            ("s_1", entry("", 1_032, &[]).start, true)
        );
        assert_eq!(of_next(cancelled.clone(), &[], &[], Tz::UTC, NOW), cancelled);
        // A last day that lies in the past ends it, and so does one before its next occurrence.
        let ended = change(EntryChange::Updated, series(528), Some(series(528)));
        let next = of_next(ended.clone(), &known, &[], Tz::UTC, NOW);
        assert_eq!((next.kind, next.entry.id.as_str()), (EntryChange::Cancelled, "s_1"));
        let shorter = of_next(ended.clone(), &known, &[entry("s_1", 1_032, &["a@x"])], Tz::UTC, NOW);
        assert_eq!((shorter.kind, shorter.entry.id.as_str()), (EntryChange::Cancelled, "s_2"));
        // An edit of its title moves nothing, on whole days neither.
        let days = [Appointment { all_day: true, ..booked("s_1", 1_032) }];
        let day =
            |hour: i64| Some(When::Day(Timestamp::from_millis(hour * HOUR).utc().date_naive().to_string()));
        let whole = Entry { start: day(1_032), end: day(1_056), ..entry("s_1", 0, &["a@x"]) };
        let edited = of_next(ended, &days, &[whole], Tz::UTC, NOW);
        assert_eq!((edited.kind, edited.previous.unwrap().start), (EntryChange::Updated, edited.entry.start));
    }
}
