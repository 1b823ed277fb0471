//! An automation's definition: TOML text in, checked steps out.
//!
//! Reading (`read`) collects every fault of syntax, key, action and argument; `check` looks at what names
//! refer to. A step with `each` stands for as many as its list has items, and is written out once the
//! settings are known.

mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use minijinja::Value;
use serde::Deserialize;

pub use read::{Places, Read};

use crate::automation::action::Action;
use crate::automation::context::Settings;
use crate::automation::render::Renderer;
use crate::automation::setting::{Setting, SettingType};
use crate::automation::source_text::report;
use crate::automation::trigger::Trigger;
use nexora_core::base::wording::parse_length;
use nexora_core::base::{Error, Result};
use nexora_core::model::message::MessageClass;

/// A definition whose parts were read.
#[derive(Clone, Debug)]
pub struct Definition {
    pub head: Head,
    pub settings: BTreeMap<String, Setting>,
    pub triggers: Vec<Trigger>,
    pub stops: Vec<Stop>,
    pub reentry: Reentry,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub name: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
}

/// What ends a run before its last step.
#[derive(Clone, Debug)]
pub struct Stop {
    pub trigger: Trigger,
    pub same: Same,
}

/// What an event must have in common with a run to end it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Same {
    /// Both are about one contact.
    #[default]
    Contact,
    /// Both are about one lead, job or calendar entry.
    Subject,
}

/// Whether a contact who has had a run of the automation gets another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reentry {
    #[serde(default)]
    pub while_running: WhileRunning,
    /// How long after the last message of this automation to the contact; text with holes.
    pub again_after: Option<String>,
}

impl Reentry {
    /// Returns how long after its last message a contact gets another run, where there is a limit.
    ///
    /// # Errors
    /// `Usage` when the text is no duration.
    pub fn again_after(&self, renderer: &Renderer, context: &Value) -> Result<Option<Duration>> {
        let Some(text) = &self.again_after else { return Ok(None) };
        let length = parse_length(&renderer.text(text, context)?);
        length.map(Some).map_err(|error| Error::usage(format!("`again_after`: {}", said(&error))))
    }
}

/// What comes of an event about a contact for whom a run is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhileRunning {
    /// Another run begins beside it.
    #[default]
    Both,
    /// No run begins.
    Skip,
    /// The run under way ends, and a new one begins.
    Restart,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub id: String,
    pub action_name: String,
    pub action: Arc<dyn Action>,
    pub when: Option<String>,
    pub on_error: OnError,
    /// The steps before this one whose results it refers to.
    pub refers_to: BTreeSet<String>,
    /// It stands for one step for each item of a list.
    pub each: Option<Each>,
    /// The item that a written-out step is for, by the name that its texts use.
    pub item: Option<(String, serde_json::Value)>,
}

/// A list that a group of steps is taken for, item by item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Each {
    /// The id of the group.
    pub group: String,
    /// How texts call an item.
    pub variable: String,
    /// The setting that holds the list.
    pub setting: String,
}

/// What a run does when a step fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run fails, once what it promised has settled.
    #[default]
    Fail,
    /// The run goes on.
    Continue,
    /// The effect is never given up.
    RetryForever,
}

impl Definition {
    /// Reads a definition that was checked when it was stored.
    ///
    /// # Errors
    /// `Usage` naming every fault of syntax, action or argument.
    pub fn parse(text: &str) -> Result<Definition> {
        let read = Definition::read("automation.toml", text)?;
        report(&format!("automation `{}`", read.definition.head.name), &read.source.into_faults())?;
        Ok(read.definition)
    }

    /// Writes out the steps that stand for several, now that the settings are known.
    #[must_use]
    pub fn unrolled(self, settings: &Settings) -> Definition {
        let mut steps = Vec::with_capacity(self.steps.len());
        let mut rest = self.steps.as_slice();
        while let Some(first) = rest.first() {
            let Some(each) = first.each.clone() else {
                steps.push(first.clone());
                rest = rest.get(1..).unwrap_or_default();
                continue;
            };
            let in_group = |step: &&Step| step.each.as_ref().is_some_and(|other| other.group == each.group);
            let length = rest.iter().take_while(in_group).count();
            let items = settings.get(&each.setting).and_then(|list| list.as_array().cloned());
            for (number, item) in items.unwrap_or_default().into_iter().enumerate() {
                let group = rest.iter().take(length).cloned();
                steps.extend(group.map(|step| Step {
                    id: format!("{}-{}", step.id, number + 1),
                    each: None,
                    item: Some((each.variable.clone(), item.clone())),
                    ..step
                }));
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Definition { steps, ..self }
    }

    /// Returns the names of the message templates that the steps use, as far as they are fixed; the
    /// rest is in settings that name messages.
    pub fn template_names(&self, settings: &Settings) -> BTreeSet<String> {
        let messages = self.steps.iter().filter_map(|step| step.action.message());
        let fixed = messages.filter_map(|message| message.template.fixed());
        let mut names: BTreeSet<String> = fixed.map(str::to_owned).collect();
        names.extend(self.templates_set(settings));
        names
    }

    /// Returns the names of the message templates that settings name.
    pub fn templates_set(&self, settings: &Settings) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (name, setting) in &self.settings {
            let Some(value) = settings.get(name) else { continue };
            match setting.kind {
                SettingType::Template => names.extend(value.as_str().map(str::to_owned)),
                SettingType::Touches => {
                    let items = value.as_array().into_iter().flatten();
                    let templates = items.filter_map(|item| item.get("template")?.as_str());
                    names.extend(templates.map(str::to_owned));
                }
                _ => {}
            }
        }
        names
    }

    /// Tells whether a step sends commercial mail.
    pub fn is_commercial(&self) -> bool {
        let mut messages = self.steps.iter().filter_map(|step| step.action.message());
        messages.any(|message| message.class == Some(MessageClass::Commercial))
    }
}

/// Returns the dotted names that a step's condition and arguments refer to.
///
/// # Errors
/// `Usage` when a text cannot be read.
pub fn names_of_step(
    when: Option<&str>,
    action: &dyn Action,
    renderer: &Renderer,
) -> Result<BTreeSet<String>> {
    let mut names: BTreeSet<String> = action.implied_names().iter().map(|name| (*name).to_owned()).collect();
    for condition in when.into_iter().chain(action.ends_run().condition()) {
        names.extend(renderer.names_in_condition(condition)?);
    }
    for text in action.texts() {
        names.extend(renderer.names_in_text(text)?);
    }
    Ok(names)
}

/// Returns the steps whose results are among the names.
pub fn steps_among(names: &BTreeSet<String>) -> BTreeSet<String> {
    let results = names.iter().filter_map(|name| name.strip_prefix("steps."));
    results.filter_map(|rest| rest.split('.').next()).map(str::to_owned).collect()
}

/// Returns an error's sentence with what helps, for a line among others.
pub fn said(error: &Error) -> String {
    match error.hint_text() {
        Some(hint) => format!("{} ({hint})", error.message()),
        None => error.message().to_owned(),
    }
}
