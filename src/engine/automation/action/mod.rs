//! The actions: what a step can ask for. Each has one file, or shares one with its family, that
//! declares its arguments and what they do, and plans what comes of a step; [`ACTIONS`] lists them.
//! docs/ADDING.md tells how one is added.

mod calendar;
mod compose;
mod contact;
pub mod context;
mod digest;
mod flow;
mod gmail;
mod job;
mod lead;
mod message;
mod sheets;
mod task;
mod webhook;

use std::fmt::Debug;
use std::sync::Arc;

use crate::automation::action::context::StepContext;
use crate::automation::argument::{Argument, Arguments, Text, Texts};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ConnectionId;
use nexora_core::model::change::Change;
use nexora_core::model::connection::{Ability, Connection};
use nexora_core::model::connector::{ConnectionKind, Connections};
use nexora_core::model::message::MessageClass;
use nexora_core::model::request::EffectRequest;

/// Every action, in the order of the reference.
pub const ACTIONS: &[ActionKind] = &[
    message::SEND,
    message::REPLY,
    message::NOTIFY,
    gmail::DRAFT,
    gmail::LABEL,
    calendar::FIND_SLOT,
    calendar::CREATE_EVENT,
    calendar::UPDATE_EVENT,
    calendar::CANCEL_EVENT,
    sheets::APPEND_ROW,
    sheets::UPDATE_ROW,
    webhook::POST,
    lead::UPDATE,
    contact::UPDATE,
    job::CREATE,
    job::COMPLETE,
    job::ADVANCE,
    task::CREATE,
    digest::COMPOSE,
    flow::WAIT,
    flow::CONDITION,
    flow::STOP,
];

/// What every step offers to those after it.
const STEP_OUTPUTS: &[&str] = &["state", "provider_id"];

/// An action as definitions name it.
pub struct ActionKind {
    pub name: &'static str,
    /// What it does, as the end of "this step".
    pub does: &'static str,
    pub arguments: &'static [Argument],
    /// What a step of it offers as `steps.NAME.…`, besides what every step does.
    pub outputs: &'static [&'static str],
    /// Reads and checks its arguments.
    pub read: fn(toml::Table) -> Result<Arc<dyn Action>>,
}

/// An action with its arguments read.
pub trait Action: Texts + Debug + Send + Sync {
    /// Makes sure that the arguments go together.
    ///
    /// # Errors
    /// `Usage` naming what is at odds.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Decides what the step comes to.
    ///
    /// # Errors
    /// `Usage` when a text cannot be read; `Conflict` when there is nothing to act on or no
    /// connection to act by.
    fn plan(&self, context: &StepContext<'_>) -> Result<Planned>;

    /// Returns the abilities that it needs of a Google connection that carries it.
    fn needs(&self) -> &'static [Ability] {
        &[]
    }

    /// Tells whether an account that grants abilities carries it, if these are the tenant's connections.
    fn uses_account(&self, _connections: Connections<'_>) -> bool {
        true
    }

    /// Returns the message that it writes.
    fn message(&self) -> Option<MessageUse<'_>> {
        None
    }

    /// Returns the names that it refers to without a text that says so.
    fn implied_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// Tells whether it ends the run.
    fn ends_run(&self) -> EndsRun<'_> {
        EndsRun::Never
    }

    /// Tells whether a run comes to it only once everything promised before has settled.
    fn is_barrier(&self) -> bool {
        false
    }

    /// Returns the spreadsheet and the sheet to which it adds rows.
    fn appends_to(&self) -> Option<(&Text, &Text)> {
        None
    }

    /// Returns how far the digest looks back that has to be composed for it.
    fn digest_since(&self) -> Option<&Text> {
        None
    }
}

/// What a step comes to.
#[derive(Debug, PartialEq)]
pub enum Planned {
    /// A connection is asked for something; its answer is the step's output.
    Effect(ConnectionId, Box<EffectRequest>),
    /// Our own records change; with the step's output.
    Change(Box<Change>, serde_json::Value),
    /// Nothing is left to do; with the step's output.
    Done(serde_json::Value),
    /// Nothing is to be done, and why.
    Skip(&'static str),
    WaitUntil(Timestamp),
    /// The run ends, and why.
    Stop(String),
}

impl Planned {
    pub fn change(change: Change, output: serde_json::Value) -> Planned {
        Planned::Change(Box::new(change), output)
    }

    pub fn effect(connection: &Connection, request: EffectRequest) -> Planned {
        Planned::Effect(connection.id.clone(), Box::new(request))
    }
}

/// The message that an action writes.
#[derive(Clone, Copy, Debug)]
pub struct MessageUse<'a> {
    /// The kind of connection that it insists on.
    pub via: Option<&'a ConnectionKind>,
    /// The name of its template.
    pub template: &'a Text,
    /// Of a message to a customer.
    pub class: Option<MessageClass>,
    /// The step whose conversation it goes on with.
    pub follows: Option<&'a str>,
}

/// Whether an action ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndsRun<'a> {
    Never,
    /// It does unless this condition is true.
    Unless(&'a str),
    Always,
}

impl<'a> EndsRun<'a> {
    /// Returns the condition under which the run goes on.
    pub fn condition(self) -> Option<&'a str> {
        match self {
            EndsRun::Unless(condition) => Some(condition),
            EndsRun::Never | EndsRun::Always => None,
        }
    }
}

/// Returns the action of this name.
pub fn find(name: &str) -> Option<&'static ActionKind> {
    ACTIONS.iter().find(|action| action.name == name)
}

/// Returns what a step of the action called `name` offers as `steps.NAME.…`.
pub fn outputs(name: &str) -> Vec<&'static str> {
    let own = find(name).map_or(&[] as &[_], |known| known.outputs);
    [STEP_OUTPUTS, own].concat()
}

/// Reads an action whose arguments are the action itself.
fn read<A: Arguments + Action + 'static>(with: toml::Table) -> Result<Arc<dyn Action>> {
    checked(A::read(with)?)
}

fn checked<A: Action + 'static>(action: A) -> Result<Arc<dyn Action>> {
    action.check()?;
    Ok(Arc::new(action))
}

#[cfg(test)]
mod tests;
