//! The actions: what a step can ask for.
//!
//! Adding an action is a variant here, its arguments, and what it promises in `promise`.

mod arguments;

use serde::Deserialize;

pub use arguments::{
    AppendRow, CancelEvent, CreateEvent, Draft, FindSlot, Label, Message, Reply, Row, Stop, UpdateEvent,
    UpdateRow, Wait,
};

use crate::base::{Error, Result};

/// What a step asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A message to the homeowner.
    SendMessage(Message),
    /// An answer to the mail that started the run.
    Reply(Reply),
    /// A message to the business owner.
    NotifyOwner(Message),
    Draft(Draft),
    Label(Label),
    AppendRow(AppendRow),
    UpdateRow(UpdateRow),
    CreateEvent(CreateEvent),
    UpdateEvent(UpdateEvent),
    CancelEvent(CancelEvent),
    FindSlot(FindSlot),
    Wait(Wait),
    Stop(Stop),
}

/// An action's name, and what a step of it offers besides its state as `steps.NAME.…`.
struct Known {
    name: &'static str,
    outputs: &'static [&'static str],
}

const MAIL_OUTPUTS: &[&str] = &["thread_id", "message_id"];
const ENTRY_OUTPUTS: &[&str] = &["start", "end", "link"];

const KNOWN: &[Known] = &[
    Known { name: "message.send", outputs: MAIL_OUTPUTS },
    Known { name: "message.reply", outputs: MAIL_OUTPUTS },
    Known { name: "notify.owner", outputs: MAIL_OUTPUTS },
    Known { name: "gmail.draft", outputs: &["thread_id"] },
    Known { name: "gmail.label", outputs: &[] },
    Known { name: "sheets.append_row", outputs: &[] },
    Known { name: "sheets.update_row", outputs: &["found"] },
    Known { name: "calendar.create_event", outputs: ENTRY_OUTPUTS },
    Known { name: "calendar.update_event", outputs: ENTRY_OUTPUTS },
    Known { name: "calendar.cancel_event", outputs: &[] },
    Known { name: "calendar.find_slot", outputs: &["found", "start", "end"] },
    Known { name: "wait", outputs: &["until"] },
    Known { name: "stop", outputs: &[] },
];

/// What every step offers.
pub const STEP_NAMES: &[&str] = &["state", "provider_id"];

/// Returns what a step of the action called `name` offers as `steps.NAME.…`.
pub fn outputs(name: &str) -> Vec<&'static str> {
    let own = KNOWN.iter().find(|known| known.name == name).map_or(&[] as &[_], |known| known.outputs);
    [STEP_NAMES, own].concat()
}

impl Action {
    /// Reads the arguments of the action called `name`.
    ///
    /// # Errors
    /// `Usage` when there is no such action, or an argument is missing, unknown, of a wrong type or
    /// at odds with another.
    pub fn parse(name: &str, arguments: toml::Table) -> Result<Action> {
        let action = match name {
            "message.send" => Action::SendMessage(read(arguments)?),
            "message.reply" => Action::Reply(read(arguments)?),
            "notify.owner" => Action::NotifyOwner(read(arguments)?),
            "gmail.draft" => Action::Draft(read(arguments)?),
            "gmail.label" => Action::Label(read(arguments)?),
            "sheets.append_row" => Action::AppendRow(read(arguments)?),
            "sheets.update_row" => Action::UpdateRow(read(arguments)?),
            "calendar.create_event" => Action::CreateEvent(read(arguments)?),
            "calendar.update_event" => Action::UpdateEvent(read(arguments)?),
            "calendar.cancel_event" => Action::CancelEvent(read(arguments)?),
            "calendar.find_slot" => Action::FindSlot(read(arguments)?),
            "wait" => Action::Wait(read(arguments)?),
            "stop" => Action::Stop(read(arguments)?),
            _ => {
                let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
                return Err(Error::usage(format!("unknown action `{name}`"))
                    .hint(format!("the actions are: {}", names.join(", "))));
            }
        };
        action.check()?;
        Ok(action)
    }

    /// Makes sure that the arguments go together.
    fn check(&self) -> Result<()> {
        match self {
            Action::CreateEvent(create) => match (&create.start, &create.after, &create.hours) {
                (Some(_), None, None) | (None, Some(_), Some(_)) => Ok(()),
                _ => Err(Error::usage("say when it begins")
                    .hint("give `start`, or `after` and `hours` for the first opening")),
            },
            Action::UpdateEvent(update) if update.start.is_some() != update.length.is_some() => {
                Err(Error::usage("a new time needs both `start` and `length`"))
            }
            Action::Label(label) if label.add.is_empty() && label.remove.is_empty() => {
                Err(Error::usage("no label to `add` or `remove`"))
            }
            Action::Label(label) => check_labels(label.add.iter().chain(&label.remove)),
            _ => Ok(()),
        }
    }

    /// Returns every text with holes among the arguments.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        match self {
            Action::SendMessage(message) | Action::NotifyOwner(message) => {
                texts.push(&message.to);
                texts.extend(message.reply_to.as_deref());
            }
            Action::Reply(reply) => {
                // Names the mail, so that an automation that no mail starts is refused.
                texts.extend([ANSWERED, &reply.to]);
                texts.extend(reply.reply_to.as_deref());
            }
            Action::Draft(draft) => {
                texts.extend(draft.reply.then_some(ANSWERED));
                texts.push(&draft.to);
            }
            Action::Label(label) => {
                texts.push(&label.message);
                texts.extend(label.add.iter().chain(&label.remove).map(String::as_str));
            }
            Action::AppendRow(append) => {
                texts.extend([append.spreadsheet.as_str(), &append.sheet]);
                texts.extend(append.row.cells());
            }
            Action::UpdateRow(update) => {
                texts.extend([update.spreadsheet.as_str(), &update.sheet, &update.key, &update.value]);
                texts.extend(update.row.cells());
            }
            Action::CreateEvent(create) => {
                texts.extend([create.calendar.as_str(), &create.title, &create.description]);
                texts.extend([create.location.as_str(), &create.length, &create.attendees]);
                texts.extend(
                    [&create.start, &create.after, &create.hours].into_iter().flatten().map(String::as_str),
                );
            }
            Action::UpdateEvent(update) => {
                let UpdateEvent { title, description, location, start, length, color, attendees, .. } =
                    update;
                texts.extend([update.calendar.as_str(), &update.event]);
                let optional = [title, description, location, start, length, color, attendees];
                texts.extend(optional.into_iter().flatten().map(String::as_str));
            }
            Action::CancelEvent(cancel) => texts.extend([cancel.calendar.as_str(), &cancel.event]),
            Action::FindSlot(find) => {
                texts.extend([find.calendar.as_str(), &find.after, &find.within, &find.length]);
                texts.extend([find.hours.as_str(), &find.buffer, &find.step]);
            }
            Action::Wait(wait) => texts.push(&wait.duration),
            Action::Stop(stop) => texts.push(&stop.reason),
        }
        texts
    }

    /// Returns the name of the message template it uses.
    pub fn template(&self) -> Option<&str> {
        match self {
            Action::SendMessage(message) | Action::NotifyOwner(message) => Some(&message.template),
            Action::Reply(reply) => Some(&reply.template),
            Action::Draft(draft) => Some(&draft.template),
            _ => None,
        }
    }

    /// Returns the step whose mail it follows.
    pub fn follows(&self) -> Option<&str> {
        match self {
            Action::SendMessage(message) | Action::NotifyOwner(message) => message.follows.as_deref(),
            _ => None,
        }
    }

    /// Tells whether a run reaches this step only once all it promised before has settled.
    pub fn is_barrier(&self) -> bool {
        matches!(self, Action::Wait(_) | Action::Stop(_))
    }
}

/// What an answer needs to know of the mail that it answers.
const ANSWERED: &str = "{{ message.id }}";

/// Makes sure that a mail is left as read or unread as its owner has it.
///
/// # Errors
/// `Usage` when one of the labels is the one that says so.
pub fn check_labels<'a>(mut names: impl Iterator<Item = &'a String>) -> Result<()> {
    match names.any(|name| name.trim().eq_ignore_ascii_case("UNREAD")) {
        true => Err(Error::usage("mails are never marked as read or unread: that is their owner's")),
        false => Ok(()),
    }
}

fn read<T: for<'de> Deserialize<'de>>(arguments: toml::Table) -> Result<T> {
    toml::Value::Table(arguments)
        .try_into()
        .map_err(|error: toml::de::Error| Error::usage(format!("`with`: {}", error.message())))
}
