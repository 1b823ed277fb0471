//! What changed in a calendar: what is known of it, against what was read of it.
//!
//! Times are never compared to find out what is new, since `created` may be the sender's date. A
//! full reading has no word of what was deleted, so what it lacks is gone. Of a cancelled entry a
//! provider may say no more than its id: what was known of it is what is told.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;

use crate::message::mail_domain;
use nexora_core::model::calendar_entry::{Entry, EntryChange, When};

/// Marks those who attend and belong to the business: they bear the mailbox's own domain, or are the
/// owner. Every other attendee is a customer.
pub fn mark_colleagues(entry: &mut Entry, mailbox: &str, owner: &str) {
    let domain = |address: &str| mail_domain::of(address).map(str::to_lowercase);
    let own = domain(mailbox).filter(|domain| !mail_domain::is_public(domain));
    for attendee in &mut entry.attendees {
        let is_owner = attendee.email.eq_ignore_ascii_case(owner);
        attendee.is_own |= is_owner || (own.is_some() && domain(&attendee.email) == own);
    }
}

/// One change, with the entry as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: EntryChange,
    pub entry: Entry,
    pub previous: Option<Entry>,
    /// False for an instance that went together with its series: one act makes one event.
    pub is_told: bool,
}

/// Compares what was read with what is `known` by id; a known entry may be a cancelled one.
/// With `full`, everything that is there was read.
pub fn compare(known: &BTreeMap<String, Entry>, read: Vec<Entry>, full: bool) -> Vec<Change> {
    let mut seen = HashSet::new();
    let mut changes = Vec::new();
    let series: Vec<Entry> = read.iter().filter(|entry| entry.is_series()).cloned().collect();
    let series: BTreeMap<&str, &Entry> = known
        .iter()
        .map(|(id, entry)| (id.as_str(), entry))
        .chain(series.iter().map(|entry| (entry.id.as_str(), entry)))
        .collect();
    for entry in read {
        // Two pages may both hold an entry that moved between them: the later one counts.
        let earlier = known.get(&entry.id);
        if !seen.insert(entry.id.clone()) {
            changes.retain(|change: &Change| change.entry.id != entry.id);
        }
        changes.extend(change_of(earlier, entry, &series));
    }
    if full {
        let mut missing: Vec<&Entry> =
            known.values().filter(|entry| !entry.cancelled && !seen.contains(&entry.id)).collect();
        missing.sort_by(|a, b| a.id.cmp(&b.id));
        changes.extend(missing.into_iter().map(|entry| Change {
            kind: EntryChange::Cancelled,
            entry: entry.clone().into_cancelled(),
            previous: Some(entry.clone()),
            is_told: true,
        }));
    }
    hush_instances(&mut changes, known);
    changes
}

fn hush_instances(changes: &mut [Change], known: &BTreeMap<String, Entry>) {
    let is_gone = |id: &String| known.get(id).is_some_and(|series| series.cancelled);
    let gone: HashSet<String> = changes
        .iter()
        .filter(|change| change.kind == EntryChange::Cancelled && change.entry.is_series())
        .map(|change| change.entry.id.clone())
        .collect();
    for change in changes.iter_mut().filter(|change| change.kind == EntryChange::Cancelled) {
        if let Some(series) = &change.entry.series_id {
            change.is_told = !gone.contains(series) && !is_gone(series);
        }
    }
}

fn change_of(earlier: Option<&Entry>, entry: Entry, series: &BTreeMap<&str, &Entry>) -> Option<Change> {
    let living = earlier.filter(|earlier| !earlier.cancelled);
    match (living, entry.cancelled) {
        (Some(previous), true) => Some(Change {
            kind: EntryChange::Cancelled,
            entry: previous.clone().into_cancelled(),
            previous: Some(previous.clone()),
            is_told: true,
        }),
        // One instance of a series was cancelled; it was never seen by itself.
        (None, true) if earlier.is_none() => {
            let series = series.get(entry.series_id.as_deref()?).filter(|series| !series.cancelled)?;
            let entry = instance_of(series, entry);
            Some(Change { kind: EntryChange::Cancelled, entry, previous: None, is_told: true })
        }
        // It came and went between two readings, or is known to be gone.
        (None, true) => None,
        (Some(previous), false) if *previous == entry => None,
        (Some(previous), false) => {
            let previous = Some(previous.clone());
            Some(Change { kind: EntryChange::Updated, entry, previous, is_told: true })
        }
        // An instance that was moved is a change to its series, whether or not it was known.
        (None, false) if entry.series_id.as_deref().is_some_and(|id| series.contains_key(id)) => {
            let of_series = entry.series_id.as_deref().and_then(|id| series.get(id));
            let previous = of_series.and_then(|series| as_planned(series, &entry));
            Some(Change { kind: EntryChange::Updated, entry, previous, is_told: true })
        }
        (None, false) => {
            let previous = earlier.cloned();
            Some(Change { kind: EntryChange::Created, entry, previous, is_told: true })
        }
    }
}

/// Fills what is left of a cancelled instance with what its series says.
fn instance_of(series: &Entry, instance: Entry) -> Entry {
    let start = instance.start.clone().or_else(|| planned_start(&instance));
    let end = instance.end.clone().or_else(|| planned_end(series, &instance));
    let or = |own: String, of_series: &String| if own.is_empty() { of_series.clone() } else { own };
    Entry {
        title: or(instance.title, &series.title),
        description: or(instance.description, &series.description),
        location: or(instance.location, &series.location),
        attendees: if instance.attendees.is_empty() { series.attendees.clone() } else { instance.attendees },
        organizer: instance.organizer.or_else(|| series.organizer.clone()),
        start,
        end,
        ..instance
    }
}

/// Returns an instance as its series had it, before it was moved by itself.
fn as_planned(series: &Entry, instance: &Entry) -> Option<Entry> {
    let start = planned_start(instance)?;
    Some(Entry {
        title: series.title.clone(),
        location: series.location.clone(),
        attendees: series.attendees.clone(),
        properties: series.properties.clone(),
        start: Some(start),
        end: planned_end(series, instance),
        ..instance.clone()
    })
}

fn planned_start(instance: &Entry) -> Option<When> {
    instance.original_start.as_deref().and_then(When::parse)
}

/// Returns when an instance would end, had it not been moved: it lasts as long as the first of its series.
fn planned_end(series: &Entry, instance: &Entry) -> Option<When> {
    match (series.start.as_ref()?, series.end.as_ref()?, planned_start(instance)?) {
        (When::At(from), When::At(until), When::At(start)) => Some(When::At(start + until.since(*from))),
        (When::Day(from), When::Day(until), When::Day(start)) => {
            let day = |text: &str| text.parse::<NaiveDate>().ok();
            Some(When::Day((day(&start)? + (day(until)? - day(from)?)).to_string()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexora_core::base::clock::Timestamp;
    use nexora_core::model::calendar_entry::When;

    fn entry(id: &str, title: &str) -> Entry {
        Entry {
            id: id.into(),
            series_id: None,
            original_start: None,
            cancelled: false,
            title: title.into(),
            description: String::new(),
            location: String::new(),
            start: Some(When::At(Timestamp::from_millis(0))),
            end: None,
            recurrence: Vec::new(),
            attendees: Vec::new(),
            organizer: None,
            link: None,
            color: None,
            properties: BTreeMap::new(),
        }
    }

    fn cancelled(id: &str, series: Option<&str>) -> Entry {
        let series_id = series.map(str::to_owned);
        Entry { series_id, start: None, ..entry(id, "").into_cancelled() }
    }

    fn known(entries: &[Entry]) -> BTreeMap<String, Entry> {
        entries.iter().map(|entry| (entry.id.clone(), entry.clone())).collect()
    }

    fn kinds(changes: &[Change]) -> Vec<(&str, &str, &str)> {
        changes.iter().map(|c| (c.entry.id.as_str(), c.kind.name(), c.entry.title.as_str())).collect()
    }

    #[test]
    fn those_who_belong_to_the_business_are_no_customers() {
        let attendee = |email: &str| nexora_core::model::calendar_entry::Attendee {
            email: email.into(),
            name: None,
            response: "accepted".into(),
            is_own: false,
        };
        let marked = |mailbox: &str, emails: [&str; 3]| {
            let mut entry = Entry { attendees: emails.map(attendee).into(), ..entry("a", "A") };
            mark_colleagues(&mut entry, mailbox, "Owner@example.org");
            entry.attendees.into_iter().map(|attendee| attendee.is_own).collect::<Vec<_>>()
        };
        let emails = ["pat@ACME.com", "jo@gmail.com", "owner@example.org"];
        assert_eq!(marked("office@acme.com", emails), [true, false, true]);
        assert_eq!(marked("acme.plumbing@gmail.com", emails), [false, false, true]);
    }

    #[test]
    fn an_incremental_reading_tells_what_changed() {
        let series = Entry { recurrence: vec!["RRULE:FREQ=WEEKLY".into()], ..entry("s", "Weekly") };
        let known = known(&[entry("a", "A"), entry("b", "B"), series.clone(), cancelled("gone", None)]);
        let moved = Entry { series_id: Some("s".into()), ..entry("s_1", "Weekly") };
        let read = vec![
            entry("a", "A"),
            entry("b", "B2"),
            entry("c", "C"),
            cancelled("a", None),
            cancelled("never seen", None),
            cancelled("gone", None),
            cancelled("s_2", Some("s")),
            moved,
        ];
        let changes = compare(&known, read, false);
        assert_eq!(
            kinds(&changes),
            [
                ("b", "updated", "B2"),
                ("c", "created", "C"),
                ("a", "cancelled", "A"),
                ("s_2", "cancelled", "Weekly"),
                ("s_1", "updated", "Weekly"),
            ]
        );
        assert_eq!(changes[2].previous.as_ref().map(|entry| entry.cancelled), Some(false));
    }

    #[test]
    fn exceptions_that_are_read_with_their_series_are_known_from_then_on() {
        let series = Entry { recurrence: vec!["RRULE:FREQ=WEEKLY".into()], ..entry("s", "Weekly") };
        let moved = Entry { series_id: Some("s".into()), ..entry("s_1", "Weekly") };
        let read = vec![series, moved, cancelled("s_2", Some("s"))];
        let first = compare(&known(&[]), read.clone(), true);
        assert_eq!(
            kinds(&first),
            [("s", "created", "Weekly"), ("s_1", "updated", "Weekly"), ("s_2", "cancelled", "Weekly")]
        );
        let entries: Vec<Entry> = first.into_iter().map(|change| change.entry).collect();
        assert_eq!(compare(&known(&entries), read, true), []);
    }

    #[test]
    fn what_a_full_reading_lacks_is_gone_and_told_once() {
        let known = known(&[entry("a", "A"), entry("b", "B"), cancelled("c", None)]);
        let changes = compare(&known, vec![entry("a", "A")], true);
        assert_eq!(kinds(&changes), [("b", "cancelled", "B")]);
        let back = compare(&known, vec![entry("a", "A"), entry("b", "B"), entry("c", "C")], true);
        assert_eq!(kinds(&back), [("c", "created", "C")]);
    }

    #[test]
    fn instances_that_go_with_their_series_are_not_told() {
        let series = Entry { recurrence: vec!["RRULE:FREQ=WEEKLY".into()], ..entry("s", "Weekly") };
        let instance = Entry { series_id: Some("s".into()), ..entry("s_1", "Weekly") };
        let read = vec![cancelled("s", None), cancelled("s_1", Some("s"))];
        let changes = compare(&known(&[series, instance]), read, false);
        assert_eq!(changes.iter().map(|change| change.is_told).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn an_entry_on_two_pages_counts_once() {
        let changes = compare(&BTreeMap::new(), vec![entry("a", "A"), entry("a", "A2")], true);
        assert_eq!(kinds(&changes), [("a", "created", "A2")]);
    }
}
