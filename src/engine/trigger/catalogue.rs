//! What can start a run, or end one: each trigger and each of its keys, in words. The reference in
//! docs/AUTOMATIONS.md is made of it.

use super::{AppointmentOn, On};
use crate::model::event::EventKind;

/// A trigger in words.
pub struct TriggerDoc {
    pub on: On,
    /// When it fires, as the end of "it fires when".
    pub when: &'static str,
    pub keys: &'static [&'static str],
}

/// A key of a trigger in words.
pub struct KeyDoc {
    pub name: &'static str,
    pub help: &'static str,
}

const CALENDAR: &[&str] = &["connection", "calendar", "changes", "before", "after", "own"];
const APPOINTMENT: &[&str] = &["connection", "calendar", "own"];
const NEAR: &[&str] = &["connection", "calendar", "own", "before"];
const PAST: &[&str] = &["connection", "calendar", "own", "after"];
const MAIL: &[&str] = &["connection", "query", "label"];
const SHEET: &[&str] = &["connection", "spreadsheet", "sheet", "key", "changes", "columns", "equals"];
const STATES: &[&str] = &["is"];

pub const TRIGGERS: &[TriggerDoc] = &[
    event(EventKind::LeadReceived, "a lead came in: by the form, the API, a mail or the command line", &[]),
    event(EventKind::LeadChanged, "a lead was moved to another state", STATES),
    event(EventKind::GmailMessage, "a mail came into a connected mailbox, or was given a label", MAIL),
    event(EventKind::MessageReceived, "a person who is known, or whose conversation is, has written", MAIL),
    event(EventKind::MessageWritten, "somebody in the business wrote to a contact by hand", &[]),
    event(EventKind::MessageBounced, "a mail to a contact came back", &[]),
    event(EventKind::ContactUnsubscribed, "a contact wants no more commercial mail", &[]),
    event(EventKind::LinkOpened, "a contact opened a link that is counted, such as the review link", STATES),
    event(
        EventKind::CalendarEvent,
        "an entry was made, changed or cancelled, or its time is near or past",
        CALENDAR,
    ),
    appointment(AppointmentOn::Booked, "an entry with a customer was made", APPOINTMENT),
    appointment(
        AppointmentOn::Moved,
        "an entry with a customer begins at another time than before",
        APPOINTMENT,
    ),
    appointment(AppointmentOn::Cancelled, "an entry with a customer was cancelled", APPOINTMENT),
    appointment(
        AppointmentOn::Near,
        "an entry with a customer begins in as much time as `before` says; each instance of a series does",
        NEAR,
    ),
    appointment(AppointmentOn::Past, "an entry with a customer ended as long ago as `after` says", PAST),
    event(EventKind::SheetsRow, "a row was added or changed", SHEET),
    event(EventKind::JobCreated, "a job was made", &[]),
    event(EventKind::JobStage, "a job came to another stage", STATES),
    event(EventKind::JobCompleted, "a job was completed", &[]),
    event(EventKind::JobCancelled, "a job was cancelled", &[]),
    event(
        EventKind::WebhookReceived,
        "another program told us something, or `nexora event ingest` did",
        &["name"],
    ),
    event(
        EventKind::Schedule,
        "a moment of `cron` has come, by clocks in the tenant's zone",
        &["cron", "misfire"],
    ),
    event(EventKind::Manual, "an operator runs `nexora automation run`", &[]),
    event(EventKind::ConnectionFailing, "an account has refused its credential", &[]),
];

pub const KEYS: &[KeyDoc] = &[
    KeyDoc {
        name: "connection",
        help: "name of the one connection that counts; every one if nothing is said",
    },
    KeyDoc { name: "query", help: "filter in the words of Gmail's search box" },
    KeyDoc { name: "label", help: "label that the mail bears or is given" },
    KeyDoc { name: "calendar", help: "id of the calendar, `primary` if nothing is said" },
    KeyDoc {
        name: "changes",
        help: "list of the changes that count: `created`, `updated`, `cancelled` of an entry, `added`, `changed` of a row",
    },
    KeyDoc {
        name: "before",
        help: "how long before the entry begins, such as `24h`; it moves with the entry",
    },
    KeyDoc { name: "after", help: "how long after the entry ends" },
    KeyDoc { name: "own", help: "`true` lets entries count that Nexora itself made" },
    KeyDoc {
        name: "spreadsheet",
        help: "id of the spreadsheet; where it comes out empty, nothing is watched",
    },
    KeyDoc { name: "sheet", help: "title of the sheet in it, the first if nothing is said" },
    KeyDoc { name: "key", help: "header of the column whose value names a row and never changes" },
    KeyDoc { name: "columns", help: "headers of the columns in which a change counts" },
    KeyDoc {
        name: "equals",
        help: "what cells must have come to hold, by header, such as `{ Status = \"Done\" }`",
    },
    KeyDoc { name: "is", help: "list of the states, stages or kinds of link that count" },
    KeyDoc { name: "name", help: "the event's name, as the sender gives it" },
    KeyDoc { name: "cron", help: "minute, hour, day of month, month, weekday, such as `0 7 * * Mon-Fri`" },
    KeyDoc {
        name: "misfire",
        help: "what comes of moments that passed while nothing could fire: `latest` (if nothing is said), `skip` or `all`",
    },
];

const fn event(kind: EventKind, when: &'static str, keys: &'static [&'static str]) -> TriggerDoc {
    TriggerDoc { on: On::Event(kind), when, keys }
}

const fn appointment(on: AppointmentOn, when: &'static str, keys: &'static [&'static str]) -> TriggerDoc {
    TriggerDoc { on: On::Appointment(on), when, keys }
}

/// Returns what is known of a trigger.
pub fn find(on: On) -> Option<&'static TriggerDoc> {
    TRIGGERS.iter().find(|doc| doc.on == on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_and_every_key_is_in_words() {
        for kind in EventKind::ALL {
            assert!(find(On::Event(*kind)).is_some(), "{kind}");
        }
        for on in AppointmentOn::ALL {
            assert!(find(On::Appointment(*on)).is_some(), "{on}");
        }
        for doc in TRIGGERS {
            assert!(doc.keys.iter().all(|name| KEYS.iter().any(|key| key.name == *name)), "{}", doc.on);
        }
    }
}
