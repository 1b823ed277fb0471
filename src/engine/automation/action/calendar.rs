//! Actions in a calendar: find a free time, make, change and cancel an entry.

use std::time::Duration;

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, read};
use crate::automation::argument::{Arguments as _, Text, define_arguments};
use crate::calendar::hours;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::connection::Ability;
use nexora_core::model::effect::EffectKind;
use nexora_core::model::hours::BusinessHours;
use nexora_core::model::request::{self, EffectRequest};

pub const FIND_SLOT: ActionKind = ActionKind {
    name: "calendar.find_slot",
    does: "finds the first time that is free",
    arguments: FindSlot::ARGUMENTS,
    outputs: &["found", "start", "end"],
    read: read::<FindSlot>,
};

pub const CREATE_EVENT: ActionKind = ActionKind {
    name: "calendar.create_event",
    does: "makes an entry at `start`, or at the first opening of `hours` from `after` on",
    arguments: CreateEvent::ARGUMENTS,
    outputs: ENTRY_OUTPUTS,
    read: read::<CreateEvent>,
};

pub const UPDATE_EVENT: ActionKind = ActionKind {
    name: "calendar.update_event",
    does: "changes what is named of an entry",
    arguments: UpdateEvent::ARGUMENTS,
    outputs: ENTRY_OUTPUTS,
    read: read::<UpdateEvent>,
};

pub const CANCEL_EVENT: ActionKind = ActionKind {
    name: "calendar.cancel_event",
    does: "cancels an entry",
    arguments: CancelEvent::ARGUMENTS,
    outputs: &[],
    read: read::<CancelEvent>,
};

const ENTRY_OUTPUTS: &[&str] = &["start", "end", "link"];
const NEEDS: &[Ability] = &[Ability::Calendar];

const PRIMARY: &str = "primary";
const CALENDAR: &str = "id of the calendar, `primary` if nothing is said";
const NOTIFY: &str = "`true` lets Google write to those who attend";
const ATTENDEES: &str = "mail addresses, with commas between";
const EVENT: &str = "the entry's id";

/// Business hours are looked through this far ahead at most.
const HORIZON: Duration = Duration::from_secs(92 * 86_400);

define_arguments! {
    FindSlot {
        calendar: Text = Text::from(PRIMARY), "ids of calendars that must all be free, with commas between";
        after: Text, "no earlier than this long from now";
        within: Text, "and over no later than this long from now";
        length: Text, "how long";
        hours: Text, "business hours in which it lies";
        buffer: Text = Text::from("0s"), "kept free before and after";
        step: Text = Text::from("15m"), "begins at a multiple of this, `15m` if nothing is said";
    }
}

define_arguments! {
    CreateEvent {
        calendar: Text = Text::from(PRIMARY), CALENDAR;
        title: Text, "what the entry is called";
        description: Text = Text::from(""), "its text";
        location: Text = Text::from(""), "where";
        start: Option<Text>, "when it begins";
        after: Option<Text>, "or: no earlier than this long from now";
        hours: Option<Text>, "within these business hours, with `after`";
        length: Text, "how long";
        free: bool, "`true` takes the first time from there on that is free, with `after`";
        capacity: Text = Text::from("1"), "entries that may lie at the same time, with `free`";
        attendees: Text = Text::from(""), ATTENDEES;
        notify: bool, NOTIFY;
    }
}

define_arguments! {
    UpdateEvent {
        calendar: Text = Text::from(PRIMARY), CALENDAR;
        event: Text, EVENT;
        title: Option<Text>, "a new title";
        description: Option<Text>, "a new text";
        location: Option<Text>, "a new place";
        start: Option<Text>, "a new time, with `length`";
        length: Option<Text>, "how long, with `start`";
        color: Option<Text>, "number of one of Google's colours, 1 to 11";
        attendees: Option<Text>, ATTENDEES;
        notify: bool, NOTIFY;
    }
}

define_arguments! {
    CancelEvent {
        calendar: Text = Text::from(PRIMARY), CALENDAR;
        event: Text, EVENT;
        notify: bool, NOTIFY;
    }
}

impl Action for FindSlot {
    fn needs(&self) -> &'static [Ability] {
        NEEDS
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let now = context.now;
        let hours = BusinessHours::parse(&context.text(&self.hours)?)?;
        let within = context.duration(&self.within)?;
        if within > HORIZON {
            return Err(Error::usage("`within` is more than 92 days"));
        }
        let calendars = context.text(&self.calendar)?;
        let calendars = calendars.split(',').map(str::trim).filter(|calendar| !calendar.is_empty());
        let slot = request::FindSlot {
            calendars: calendars.map(str::to_owned).collect(),
            open: hours::openings(&hours, now + context.duration(&self.after)?, now + within, context.zone),
            length_ms: millis(context.duration(&self.length)?),
            buffer_ms: millis(context.duration(&self.buffer)?),
            step_ms: millis(context.duration(&self.step)?),
        };
        Ok(Planned::effect(context.account(EffectKind::FindSlot)?, EffectRequest::FindSlot(slot)))
    }
}

impl Action for CreateEvent {
    fn check(&self) -> Result<()> {
        match (&self.start, &self.after, &self.hours) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => Ok(()),
            _ => Err(Error::usage("say when it begins")
                .hint("give `start`, or `after` and `hours` for the first opening")),
        }
    }

    fn needs(&self) -> &'static [Ability] {
        NEEDS
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let length = context.duration(&self.length)?;
        let start = match (&self.start, &self.after, &self.hours) {
            (Some(start), _, _) => context.moment(start)?,
            (None, Some(after), Some(hours)) => {
                let hours = BusinessHours::parse(&context.text(hours)?)?;
                hours::next_open(&hours, context.now + context.duration(after)?, length, context.zone)
            }
            (None, _, _) => return Err(Error::usage("nothing says when the entry begins")),
        };
        let event = request::CreateEvent {
            calendar: context.text(&self.calendar)?,
            title: context.text(&self.title)?,
            description: context.text(&self.description)?.trim().to_owned(),
            location: Some(context.text(&self.location)?).filter(|place| !place.is_empty()),
            start,
            end: start + length,
            timezone: context.facts.tenant.timezone.clone(),
            attendees: addresses(&context.text(&self.attendees)?)?,
            notify: self.notify,
            slot: self.slot(context, length)?,
        };
        Ok(Planned::effect(context.account(EffectKind::CreateEvent)?, EffectRequest::CreateEvent(event)))
    }
}

/// How far ahead a free time is looked for.
const SLOT_HORIZON: Duration = Duration::from_secs(14 * 86_400);

/// A free time begins at a multiple of this.
const SLOT_STEP: Duration = Duration::from_secs(15 * 60);

impl CreateEvent {
    fn slot(&self, context: &StepContext<'_>, length: Duration) -> Result<Option<request::OpenSlot>> {
        let (true, Some(after), Some(hours)) = (self.free, &self.after, &self.hours) else { return Ok(None) };
        let hours = BusinessHours::parse(&context.text(hours)?)?;
        let from = context.now + context.duration(after)?;
        let capacity = context.text(&self.capacity)?;
        let capacity = capacity.trim().parse().map_err(|_| {
            Error::usage(format!("`capacity` is `{}`", capacity.trim()))
                .hint("give a whole number, such as `2`")
        })?;
        let wanted = request::FindSlot {
            calendars: vec![context.text(&self.calendar)?],
            open: hours::openings(&hours, from, from + SLOT_HORIZON, context.zone),
            length_ms: millis(length),
            buffer_ms: 0,
            step_ms: millis(SLOT_STEP.min(length)),
        };
        Ok(Some(request::OpenSlot { wanted, capacity }))
    }
}

impl Action for UpdateEvent {
    fn check(&self) -> Result<()> {
        match self.start.is_some() == self.length.is_some() {
            true => Ok(()),
            false => Err(Error::usage("a new time needs both `start` and `length`")),
        }
    }

    fn needs(&self) -> &'static [Ability] {
        NEEDS
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let time = match (&self.start, &self.length) {
            (Some(start), Some(length)) => {
                let start = context.moment(start)?;
                Some((start, start + context.duration(length)?))
            }
            _ => None,
        };
        let attendees = context.optional(self.attendees.as_ref())?;
        let event = request::UpdateEvent {
            calendar: context.text(&self.calendar)?,
            entry: entry_id(&context.text(&self.event)?)?,
            title: context.optional(self.title.as_ref())?,
            description: context.optional(self.description.as_ref())?,
            location: context.optional(self.location.as_ref())?,
            time,
            timezone: context.facts.tenant.timezone.clone(),
            color: context.optional(self.color.as_ref())?,
            attendees: attendees.map(|text| addresses(&text)).transpose()?,
            notify: self.notify,
        };
        Ok(Planned::effect(context.account(EffectKind::UpdateEvent)?, EffectRequest::UpdateEvent(event)))
    }
}

impl Action for CancelEvent {
    fn needs(&self) -> &'static [Ability] {
        NEEDS
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let event = request::CancelEvent {
            calendar: context.text(&self.calendar)?,
            entry: entry_id(&context.text(&self.event)?)?,
            notify: self.notify,
        };
        Ok(Planned::effect(context.account(EffectKind::CancelEvent)?, EffectRequest::CancelEvent(event)))
    }
}

fn addresses(text: &str) -> Result<Vec<EmailAddress>> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect()
}

fn entry_id(id: &str) -> Result<String> {
    match id.trim() {
        "" | "none" => Err(Error::usage("`event` is empty: it names no entry")),
        id => Ok(id.to_owned()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
