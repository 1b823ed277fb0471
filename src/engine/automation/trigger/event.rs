//! Triggers on what happened to a lead, a contact, a job or a connection, and on an operator's word.

use std::sync::Arc;

use crate::automation::argument::{Arguments as _, Text, Texts, define_arguments};
use crate::automation::trigger::{Fill, Filter, Keys, TriggerKind, read};
use nexora_core::base::Result;
use nexora_core::model::event::{Event, EventKind, Fact};

pub const LEAD_RECEIVED: TriggerKind =
    any(EventKind::LeadReceived, "a lead came in: by the form, the API, a mail or the command line");

pub const LEAD_CHANGED: TriggerKind =
    fact(EventKind::LeadChanged, "a lead was moved to another state", "won");

pub const MESSAGE_WRITTEN: TriggerKind =
    any(EventKind::MessageWritten, "somebody in the business wrote to a contact by hand");

pub const MESSAGE_BOUNCED: TriggerKind = any(EventKind::MessageBounced, "a mail to a contact came back");

pub const CONTACT_UNSUBSCRIBED: TriggerKind =
    any(EventKind::ContactUnsubscribed, "a contact wants no more commercial mail");

pub const LINK_OPENED: TriggerKind =
    fact(EventKind::LinkOpened, "a contact opened a link that is counted, such as the review link", "review");

pub const JOB_CREATED: TriggerKind = any(EventKind::JobCreated, "a job was made");

pub const JOB_STAGE: TriggerKind = fact(EventKind::JobStage, "a job came to another stage", "");

pub const JOB_COMPLETED: TriggerKind = any(EventKind::JobCompleted, "a job was completed");

pub const JOB_CANCELLED: TriggerKind = any(EventKind::JobCancelled, "a job was cancelled");

pub const JOB_REOPENED: TriggerKind =
    any(EventKind::JobReopened, "a job that was completed or cancelled goes on");

pub const CONNECTION_FAILING: TriggerKind =
    any(EventKind::ConnectionFailing, "an account has refused its credential");

pub const MANUAL: TriggerKind = TriggerKind {
    read: |_| Ok(Arc::new(ByHand)),
    ..any(EventKind::Manual, "an operator runs `nexora automation run`")
};

/// A trigger on every event of a kind.
const fn any(event: EventKind, when: &'static str) -> TriggerKind {
    TriggerKind {
        on: event.name(),
        when,
        keys: &[],
        event,
        needs: &[],
        sample: "",
        read: |_| Ok(Arc::new(Any)),
    }
}

/// A trigger on what became of something; `sample` is one of the states.
const fn fact(event: EventKind, when: &'static str, sample: &'static str) -> TriggerKind {
    TriggerKind { keys: States::ARGUMENTS, sample, read: read::<States>, ..any(event, when) }
}

define_arguments! {
    /// A trigger on some of the states, stages or kinds of link.
    States {
        is: Vec<Text>, "list of the states, stages or kinds of link that count";
    }
}

/// A trigger without a filter.
#[derive(Debug)]
struct Any;

impl Texts for Any {
    fn texts(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Keys for Any {
    fn filter(&self, _fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        Ok(Some(Box::new(Every)))
    }
}

/// A trigger that fires for the one automation that the operator named.
#[derive(Debug)]
struct ByHand;

impl Texts for ByHand {
    fn texts(&self) -> Vec<&str> {
        Vec::new()
    }
}

impl Keys for ByHand {
    fn filter(&self, _fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        Ok(Some(Box::new(Named)))
    }
}

impl Keys for States {
    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        Ok(Some(Box::new(OneOf(fill.each(&self.is)?))))
    }
}

#[derive(Debug)]
struct Every;

impl Filter for Every {
    fn passes(&self, _event: &Event, _automation: &str, _number: i32) -> Result<bool> {
        Ok(true)
    }
}

/// Lets an event pass that is meant for this automation.
#[derive(Debug)]
struct Named;

impl Filter for Named {
    fn passes(&self, event: &Event, automation: &str, _number: i32) -> Result<bool> {
        Ok(event.payload.read::<Fact>()?.detail == automation)
    }
}

/// Lets an event pass whose detail is in the list; an empty list lets every one pass.
#[derive(Debug)]
struct OneOf(Vec<String>);

impl Filter for OneOf {
    fn passes(&self, event: &Event, _automation: &str, _number: i32) -> Result<bool> {
        Ok(self.0.is_empty() || self.0.contains(&event.payload.read::<Fact>()?.detail))
    }
}
