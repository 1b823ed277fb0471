//! Reading a calendar (Calendar API, "Synchronize resources efficiently").
//!
//! Series are read as series, with their exceptions: expanding them is asked for apart. A sync
//! token stands on the last page only; one that is too old answers 410, and one that Google does not
//! know any more 400.

use google_calendar3::api::{Event, EventDateTime};
use serde_json::Value;

use crate::calendar::Calendar;
use crate::fault::Fault;
use nexora_connector::poll::CalendarChanges;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::calendar_entry::{Attendee, Entry, When};

/// Pages read at most, of changes or of instances.
const PAGES: usize = 40;

impl Calendar {
    pub async fn changes(&self, calendar: &str, sync_token: Option<&str>) -> Result<CalendarChanges, Fault> {
        let (mut entries, mut silent) = (Vec::new(), Vec::new());
        let mut page: Option<String> = None;
        for _ in 0..PAGES {
            let list = self.api.events(calendar, None, sync_token, page.as_deref()).await?;
            for item in list.items {
                match read(item) {
                    Read::Appointment(entry) => entries.push(*entry),
                    Read::Silent(id) => silent.extend(id),
                }
            }
            match (list.next_page_token, list.next_sync_token) {
                (Some(next), _) => page = Some(next),
                (None, Some(sync_token_after)) => {
                    let full = sync_token.is_none();
                    return Ok(CalendarChanges { entries, silent, sync_token: sync_token_after, full });
                }
                (None, None) => return Err(Fault::Lost("the last page has no sync token".to_owned())),
            }
        }
        Err(Fault::NotSent(format!("calendar `{calendar}` has more than {PAGES} pages of entries")))
    }

    /// Lets Google expand a series: it knows every rule and exception.
    pub async fn instances(
        &self,
        calendar: &str,
        series: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        let mut page: Option<String> = None;
        for _ in 0..PAGES {
            let list = self.api.instances((calendar, series), (from, until), page.as_deref()).await?;
            // The series went between two calls: it has no instances any more.
            let Some(list) = list else { return Ok(Vec::new()) };
            entries.extend(list.items.into_iter().filter_map(|item| match read(item) {
                Read::Appointment(entry) => Some(*entry),
                Read::Silent(_) => None,
            }));
            page = list.next_page_token;
            if page.is_none() {
                break;
            }
        }
        Ok(entries)
    }
}

/// What is read of one entry.
enum Read {
    Appointment(Box<Entry>),
    /// Nothing that concerns anybody here, with the entry's id where it has one.
    Silent(Option<String>),
}

/// The fields that are looked at; a form that is not known in any other does not matter.
const FIELDS: [&str; 16] = [
    "id",
    "status",
    "eventType",
    "summary",
    "description",
    "location",
    "start",
    "end",
    "recurrence",
    "recurringEventId",
    "originalStartTime",
    "attendees",
    "organizer",
    "htmlLink",
    "colorId",
    "extendedProperties",
];

/// Reads one entry. Those that Google makes by itself or that tell where the owner is (`eventType`: out of
/// office, focus time, working location, birthday, from Gmail) are no appointments. One that cannot be read
/// is left out, and the log says so without its words.
fn read(mut item: Value) -> Read {
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let id = text(&item, "id");
    if text(&item, "eventType").is_some_and(|kind| kind != "default") {
        return Read::Silent(id);
    }
    if let Value::Object(fields) = &mut item {
        fields.retain(|name, _| FIELDS.contains(&name.as_str()));
    }
    let found = serde_json::from_value::<Event>(item).map_err(|error| error.classify());
    match found.map(entry) {
        Ok(Some(entry)) => Read::Appointment(Box::new(entry)),
        unread => {
            let category = unread.err();
            tracing::warn!(
                entry = id.as_deref(),
                ?category,
                "a calendar entry cannot be read and is left out"
            );
            Read::Silent(id)
        }
    }
}

fn entry(event: Event) -> Option<Entry> {
    let attendee = |person: google_calendar3::api::EventAttendee| {
        Some(Attendee {
            email: person.email?,
            name: person.display_name,
            response: person.response_status.unwrap_or_default(),
            is_own: person.self_.unwrap_or(false) || person.resource.unwrap_or(false),
        })
    };
    let properties = event.extended_properties.and_then(|properties| properties.private);
    let mut attendees: Vec<Attendee> =
        event.attendees.unwrap_or_default().into_iter().filter_map(attendee).collect();
    attendees.sort_by(|a, b| a.email.cmp(&b.email));
    Some(Entry {
        id: event.id?,
        series_id: event.recurring_event_id,
        original_start: event.original_start_time.as_ref().and_then(when).map(|when| match when {
            When::At(at) => at.to_string(),
            When::Day(day) => day,
        }),
        cancelled: event.status.as_deref() == Some("cancelled"),
        title: event.summary.unwrap_or_default(),
        description: event.description.unwrap_or_default(),
        location: event.location.unwrap_or_default(),
        start: event.start.as_ref().and_then(when),
        end: event.end.as_ref().and_then(when),
        recurrence: event.recurrence.unwrap_or_default(),
        attendees,
        organizer: event.organizer.and_then(|organizer| organizer.email),
        link: event.html_link,
        color: event.color_id,
        properties: properties.map(|properties| properties.into_iter().collect()).unwrap_or_default(),
    })
}

fn when(time: &EventDateTime) -> Option<When> {
    match (time.date_time, time.date) {
        (Some(at), _) => Some(When::At(Timestamp::from(at))),
        (None, Some(day)) => Some(When::Day(day.to_string())),
        (None, None) => None,
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
