//! Triggers on mails that came into a connected mailbox.

use crate::automation::argument::{Arguments as _, Text, define_arguments};
use crate::automation::trigger::{Fill, Filter, Keys, TriggerKind, read};
use crate::message::query::Query;
use nexora_core::base::Result;
use nexora_core::model::connection::Ability;
use nexora_core::model::event::{Event, EventKind, MailChange, MailEvent};

pub const GMAIL_MESSAGE: TriggerKind =
    mail(EventKind::GmailMessage, "a mail came into a connected mailbox, or was given a label");

pub const MESSAGE_RECEIVED: TriggerKind =
    mail(EventKind::MessageReceived, "a person who is known, or whose conversation is, has written");

const fn mail(event: EventKind, when: &'static str) -> TriggerKind {
    TriggerKind {
        on: event.name(),
        when,
        keys: Mail::ARGUMENTS,
        event,
        needs: &[Ability::MailRead],
        sample: "",
        read: read::<Mail>,
    }
}

/// The help of the key that narrows a trigger to one connection.
pub(super) const CONNECTION: &str = "name of the one connection that counts; every one if nothing is said";

define_arguments! {
    Mail {
        connection: Option<Text>, CONNECTION;
        query: Option<Text>, "filter in the words of Gmail's search box";
        label: Option<Text>, "label that the mail bears or is given";
    }
}

impl Keys for Mail {
    fn connection(&self) -> Option<&Text> {
        self.connection.as_ref()
    }

    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        let query = Query::parse(&fill.filled(self.query.as_ref())?.unwrap_or_default())?;
        Ok(Some(Box::new(MailFilter { query, label: fill.filled(self.label.as_ref())? })))
    }
}

#[derive(Debug)]
struct MailFilter {
    query: Query,
    label: Option<String>,
}

impl Filter for MailFilter {
    fn passes(&self, event: &Event, _automation: &str, _number: i32) -> Result<bool> {
        let mail: MailEvent = event.payload.read()?;
        Ok(self.query.matches(&mail) && bears(&mail, self.label.as_deref()))
    }
}

/// A mail that arrives with the label counts, and one that is given it; without a label named,
/// only what arrives does.
fn bears(mail: &MailEvent, label: Option<&str>) -> bool {
    let same = |bearing: &str, wanted: &str| bearing.eq_ignore_ascii_case(wanted);
    match (label, mail.change) {
        (None, change) => change == MailChange::Received,
        (Some(wanted), MailChange::Received) => mail.labels.iter().any(|label| same(label, wanted)),
        (Some(wanted), MailChange::Labelled) => {
            mail.label.as_deref().is_some_and(|label| same(label, wanted))
        }
    }
}
