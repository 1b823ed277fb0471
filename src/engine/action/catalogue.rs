//! The actions in words: what each does, what it is told and what it offers. The check of a definition
//! and the reference in docs/AUTOMATIONS.md are made of it.

/// An action in words.
pub struct ActionDoc {
    pub name: &'static str,
    /// What it does, as the end of "this step".
    pub does: &'static str,
    pub arguments: &'static [ArgumentDoc],
    /// What a step of it offers besides its state as `steps.NAME.…`.
    pub outputs: &'static [&'static str],
}

/// An argument in words.
pub struct ArgumentDoc {
    pub name: &'static str,
    pub required: bool,
    pub help: &'static str,
}

const fn needs(name: &'static str, help: &'static str) -> ArgumentDoc {
    ArgumentDoc { name, required: true, help }
}

const fn may(name: &'static str, help: &'static str) -> ArgumentDoc {
    ArgumentDoc { name, required: false, help }
}

const MAIL_OUTPUTS: &[&str] = &["thread_id", "message_id"];
const ENTRY_OUTPUTS: &[&str] = &["start", "end", "link"];

const TO: ArgumentDoc = needs("to", "mail address");
const TEMPLATE: ArgumentDoc = needs("template", "name of the message, or a setting that names one");
const REPLY_TO: ArgumentDoc = may("reply_to", "where answers go; by SMTP to the owner if nothing is said");
const VIA: ArgumentDoc = may("via", "insists on `smtp` or `google`");
const FOLLOWS: ArgumentDoc = may("follows", "id of the step before it whose conversation it goes on with");
const CALENDAR: ArgumentDoc = may("calendar", "id of the calendar, `primary` if nothing is said");
const NOTIFY: ArgumentDoc = may("notify", "`true` lets Google write to those who attend");

const MESSAGE: &[ArgumentDoc] = &[
    TO,
    TEMPLATE,
    may(
        "class",
        "`transactional` (if nothing is said) or `commercial`: a message that asks for business or a favour",
    ),
    may("at_once", "`true` lets it go out in quiet hours while it answers what was just written"),
    may("expires", "a time after which it is not sent any more"),
    REPLY_TO,
    VIA,
    FOLLOWS,
];

const JOB: &[ArgumentDoc] = &[
    needs("title", "what the work is"),
    may(
        "key",
        "what the job came from, so that the same makes one job; the run's own event if nothing is said",
    ),
    may("name", "the customer's name, where no contact started the run"),
    may("email", "the customer's address"),
    may("phone", "the customer's telephone number"),
    may("address", "where the work is"),
    may("amount", "what it brings, such as `480.00`"),
];

pub const ACTIONS: &[ActionDoc] = &[
    ActionDoc {
        name: "message.send",
        does: "writes to a customer, as soon as every gate lets it through",
        arguments: MESSAGE,
        outputs: MAIL_OUTPUTS,
    },
    ActionDoc {
        name: "message.reply",
        does: "answers the mail that started the run, in its conversation; never one that a machine wrote",
        arguments: &[TEMPLATE, may("to", "whom, if not whoever the mail says"), REPLY_TO],
        outputs: MAIL_OUTPUTS,
    },
    ActionDoc {
        name: "notify.owner",
        does: "writes to the business",
        arguments: &[TO, TEMPLATE, REPLY_TO, VIA, FOLLOWS],
        outputs: MAIL_OUTPUTS,
    },
    ActionDoc {
        name: "gmail.draft",
        does: "leaves a draft for a person to send",
        arguments: &[
            TO,
            TEMPLATE,
            may("reply", "`true` makes it an answer to the mail that started the run"),
        ],
        outputs: &["thread_id"],
    },
    ActionDoc {
        name: "gmail.label",
        does: "adds and removes labels; never read or unread",
        arguments: &[
            may("message", "the mail's id; that of the mail which started the run if nothing is said"),
            may("add", "list of labels; a missing one is made"),
            may("remove", "list of labels; `INBOX` archives"),
        ],
        outputs: &[],
    },
    ActionDoc {
        name: "calendar.find_slot",
        does: "finds the first time that is free",
        arguments: &[
            may("calendar", "ids of calendars that must all be free, with commas between"),
            needs("after", "no earlier than this long from now"),
            needs("within", "and over no later than this long from now"),
            needs("length", "how long"),
            needs("hours", "business hours in which it lies"),
            may("buffer", "kept free before and after"),
            may("step", "begins at a multiple of this, `15m` if nothing is said"),
        ],
        outputs: &["found", "start", "end"],
    },
    ActionDoc {
        name: "calendar.create_event",
        does: "makes an entry at `start`, or at the first opening of `hours` from `after` on",
        arguments: &[
            CALENDAR,
            needs("title", "what the entry is called"),
            may("description", "its text"),
            may("location", "where"),
            may("start", "when it begins"),
            may("after", "or: no earlier than this long from now"),
            may("hours", "within these business hours, with `after`"),
            needs("length", "how long"),
            may("attendees", "mail addresses, with commas between"),
            NOTIFY,
        ],
        outputs: ENTRY_OUTPUTS,
    },
    ActionDoc {
        name: "calendar.update_event",
        does: "changes what is named of an entry",
        arguments: &[
            CALENDAR,
            needs("event", "the entry's id"),
            may("title", "a new title"),
            may("description", "a new text"),
            may("location", "a new place"),
            may("start", "a new time, with `length`"),
            may("length", "how long, with `start`"),
            may("color", "number of one of Google's colours, 1 to 11"),
            may("attendees", "mail addresses, with commas between"),
            NOTIFY,
        ],
        outputs: ENTRY_OUTPUTS,
    },
    ActionDoc {
        name: "calendar.cancel_event",
        does: "cancels an entry",
        arguments: &[CALENDAR, needs("event", "the entry's id"), NOTIFY],
        outputs: &[],
    },
    ActionDoc {
        name: "sheets.append_row",
        does: "adds a row; columns go by header, missing ones are added",
        arguments: &[
            needs("spreadsheet", "id of the spreadsheet"),
            needs("sheet", "title of the sheet in it"),
            needs("row", "cells by header"),
        ],
        outputs: &[],
    },
    ActionDoc {
        name: "sheets.update_row",
        does: "changes cells of one row",
        arguments: &[
            needs("spreadsheet", "id of the spreadsheet"),
            needs("sheet", "title of the sheet in it"),
            needs("key", "header of the column that names rows"),
            needs("value", "the row's name in it"),
            needs("row", "cells by header"),
            may("if_missing", "`fail` (if nothing is said) or `skip` when no row has the name"),
        ],
        outputs: &["found"],
    },
    ActionDoc {
        name: "webhook.post",
        does: "tells another program of an event, signed as Standard Webhooks has it",
        arguments: &[
            needs("event", "what has happened, as the receiver calls it"),
            needs("data", "what it is told, as text by name"),
            may("connection", "name of the receiver's connection; the tenant's first if nothing is said"),
        ],
        outputs: &["status"],
    },
    ActionDoc {
        name: "lead.update",
        does: "moves the lead to another state",
        arguments: &[needs("state", "`contacted`, `booked`, `won` or `lost`")],
        outputs: &[],
    },
    ActionDoc {
        name: "contact.update",
        does: "notes what became known of the contact",
        arguments: &[
            may("name", "the person's name"),
            may("timezone", "IANA zone of the person, such as America/Denver"),
        ],
        outputs: &[],
    },
    ActionDoc { name: "job.create", does: "makes a job", arguments: JOB, outputs: &["job_id"] },
    ActionDoc {
        name: "job.complete",
        does: "completes a job, made first if there is none with this key",
        arguments: JOB,
        outputs: &["job_id"],
    },
    ActionDoc {
        name: "job.advance",
        does: "brings the job that the run is about to a stage",
        arguments: &[needs("stage", "name of the stage")],
        outputs: &[],
    },
    ActionDoc {
        name: "task.create",
        does: "gives a person of the business something to do",
        arguments: &[
            needs("title", "what is to be done"),
            may("detail", "what one needs to know for it"),
            may("due", "how long from now it is due, such as `1day`"),
        ],
        outputs: &["task_id"],
    },
    ActionDoc {
        name: "digest.compose",
        does: "gathers what happened and what needs attention, for a message after it",
        arguments: &[may("since", "how far it looks back, `24h` if nothing is said")],
        outputs: &["empty", "digest"],
    },
    ActionDoc {
        name: "wait",
        does: "goes on later",
        arguments: &[
            may("for", "how long, such as `2h` or `3days`"),
            may("until", "or: a time; one that has passed is over at once, and `passed` says so"),
            may("open_for", "or: how long, counted only within `hours`"),
            may(
                "hours",
                "business hours; with `for` and `until`, the wait ends at their first opening from then on",
            ),
            may("past_quiet", "`true` does not let it end while the tenant's quiet hours last"),
        ],
        outputs: &["until", "passed"],
    },
    ActionDoc {
        name: "condition",
        does: "ends the run unless something is so",
        arguments: &[
            needs("if", "the condition"),
            may("otherwise", "the reason that is noted when it is not"),
        ],
        outputs: &[],
    },
    ActionDoc { name: "stop", does: "ends the run", arguments: &[needs("reason", "why")], outputs: &[] },
];

/// What every step offers.
pub const STEP_NAMES: &[&str] = &["state", "provider_id"];

impl ActionDoc {
    /// Tells whether it has an argument of this name.
    pub fn has(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| argument.name == name)
    }
}

pub fn find(name: &str) -> Option<&'static ActionDoc> {
    ACTIONS.iter().find(|action| action.name == name)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|action| action.name)
}
