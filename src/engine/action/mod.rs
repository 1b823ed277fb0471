//! The actions: what a step can ask for.
//!
//! Adding an action is a variant here, its arguments, its words in `catalogue`, and what it promises in
//! `promise` or changes in `change`.

mod arguments;
pub mod catalogue;

use serde::Deserialize;

pub use arguments::{
    AppendRow, CancelEvent, Condition, CreateEvent, Digest, Draft, FindSlot, Job, JobStage, Label, LeadState,
    Message, Notice, Person, Reply, Row, Stop, Task, UpdateEvent, UpdateRow, Wait, Webhook,
};

use crate::base::{Error, Result};
use crate::model::message::MessageClass;

/// What a step asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A message to the homeowner.
    SendMessage(Message),
    /// An answer to the mail that started the run.
    Reply(Reply),
    /// A message to the business owner.
    NotifyOwner(Notice),
    Draft(Draft),
    Label(Label),
    AppendRow(AppendRow),
    UpdateRow(UpdateRow),
    CreateEvent(CreateEvent),
    UpdateEvent(UpdateEvent),
    CancelEvent(CancelEvent),
    FindSlot(FindSlot),
    PostWebhook(Webhook),
    UpdateLead(LeadState),
    UpdateContact(Person),
    CreateJob(Job),
    CompleteJob(Job),
    AdvanceJob(JobStage),
    CreateTask(Task),
    ComposeDigest(Digest),
    Wait(Wait),
    Condition(Condition),
    Stop(Stop),
}

/// Returns what a step of the action called `name` offers as `steps.NAME.…`.
pub fn outputs(name: &str) -> Vec<&'static str> {
    let own = catalogue::find(name).map_or(&[] as &[_], |known| known.outputs);
    [catalogue::STEP_NAMES, own].concat()
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
            "webhook.post" => Action::PostWebhook(read(arguments)?),
            "lead.update" => Action::UpdateLead(read(arguments)?),
            "contact.update" => Action::UpdateContact(read(arguments)?),
            "job.create" => Action::CreateJob(read(arguments)?),
            "job.complete" => Action::CompleteJob(read(arguments)?),
            "job.advance" => Action::AdvanceJob(read(arguments)?),
            "task.create" => Action::CreateTask(read(arguments)?),
            "digest.compose" => Action::ComposeDigest(read(arguments)?),
            "wait" => Action::Wait(read(arguments)?),
            "condition" => Action::Condition(read(arguments)?),
            "stop" => Action::Stop(read(arguments)?),
            _ => {
                let names: Vec<&str> = catalogue::names().collect();
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
            Action::Wait(wait) => wait.check(),
            _ => Ok(()),
        }
    }

    /// Returns every text with holes among the arguments.
    pub fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        match self {
            Action::SendMessage(message) => {
                texts.extend([message.to.as_str(), &message.template]);
                texts.extend([&message.reply_to, &message.expires].into_iter().flatten().map(String::as_str));
            }
            Action::NotifyOwner(notice) => {
                texts.extend([notice.to.as_str(), &notice.template]);
                texts.extend(notice.reply_to.as_deref());
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
            Action::PostWebhook(webhook) => {
                texts.push(&webhook.event);
                texts.extend(webhook.connection.as_deref());
                texts.extend(webhook.data.cells());
            }
            Action::UpdateLead(update) => texts.push(&update.state),
            Action::UpdateContact(person) => {
                texts.extend([&person.name, &person.timezone].into_iter().flatten().map(String::as_str));
            }
            Action::CreateJob(job) | Action::CompleteJob(job) => {
                texts.push(&job.title);
                let Job { key, name, email, phone, address, amount, .. } = job;
                let optional = [key, name, email, phone, address, amount];
                texts.extend(optional.into_iter().flatten().map(String::as_str));
            }
            Action::AdvanceJob(advance) => texts.push(&advance.stage),
            Action::CreateTask(task) => {
                texts.extend([task.title.as_str(), &task.detail]);
                texts.extend(task.due.as_deref());
            }
            Action::ComposeDigest(digest) => texts.push(&digest.since),
            Action::Wait(wait) => {
                let Wait { duration, until, open_for, hours, past_quiet: _ } = wait;
                texts.extend([duration, until, open_for, hours].into_iter().flatten().map(String::as_str));
            }
            Action::Condition(condition) => texts.push(&condition.otherwise),
            Action::Stop(stop) => texts.push(&stop.reason),
        }
        texts
    }

    /// Returns the name of the message template it uses.
    pub fn template(&self) -> Option<&str> {
        match self {
            Action::SendMessage(message) => Some(&message.template),
            Action::NotifyOwner(notice) => Some(&notice.template),
            Action::Reply(reply) => Some(&reply.template),
            Action::Draft(draft) => Some(&draft.template),
            _ => None,
        }
    }

    /// Returns the step whose mail it follows.
    pub fn follows(&self) -> Option<&str> {
        match self {
            Action::SendMessage(message) => message.follows.as_deref(),
            Action::NotifyOwner(notice) => notice.follows.as_deref(),
            _ => None,
        }
    }

    /// Returns what a condition among its arguments says.
    pub fn condition(&self) -> Option<&str> {
        match self {
            Action::Condition(condition) => Some(&condition.test),
            _ => None,
        }
    }

    /// Returns what kind of message it sends to a customer.
    pub fn class(&self) -> Option<MessageClass> {
        match self {
            Action::SendMessage(message) => Some(message.class),
            Action::Reply(_) => Some(MessageClass::Transactional),
            _ => None,
        }
    }

    /// Tells whether it changes our own records, and nothing outside.
    pub fn is_change(&self) -> bool {
        matches!(
            self,
            Action::UpdateLead(_)
                | Action::UpdateContact(_)
                | Action::CreateJob(_)
                | Action::CompleteJob(_)
                | Action::AdvanceJob(_)
                | Action::CreateTask(_)
        )
    }

    /// Tells whether a run reaches this step only once all it promised before has settled.
    pub fn is_barrier(&self) -> bool {
        matches!(self, Action::Wait(_) | Action::Stop(_) | Action::Condition(_))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_in_words_can_be_read() {
        for known in catalogue::ACTIONS {
            let wrong = Action::parse(known.name, toml::Table::new());
            let is_unknown = wrong.err().is_some_and(|error| error.message().contains("unknown action"));
            assert!(!is_unknown, "{}", known.name);
        }
    }
}
