//! An automation's definition: TOML text in, checked steps out.
//!
//! Reading collects every fault of syntax, key, action and argument, each with its line; what names
//! refer to is looked at in `check`. A step with `each` stands for as many as its list has items; it
//! is written out once the settings are known.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use minijinja::Value;
use serde::Deserialize;
use toml::Spanned;

use crate::base::text::line_at;
use crate::base::{Error, Result};
use crate::engine::action::{Action, catalogue};
use crate::engine::context::Settings;
use crate::engine::hours::duration;
use crate::engine::render::Renderer;
use crate::engine::setting::{Setting, SettingType};
use crate::engine::source::{Source, report, suggestion};
use crate::engine::trigger::Trigger;
use crate::model::message::MessageClass;

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
#[derive(Clone, Debug, PartialEq)]
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
        let length = duration(&renderer.text(text, context)?);
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

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub id: String,
    pub action_name: String,
    pub action: Action,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    automation: Spanned<toml::Table>,
    settings: Option<Spanned<toml::Table>>,
    reentry: Option<Spanned<toml::Table>>,
    #[serde(default)]
    trigger: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    stop: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    step: Vec<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    id: String,
    action: String,
    when: Option<String>,
    #[serde(default)]
    on_error: OnError,
    #[serde(default)]
    with: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    id: String,
    each: String,
    #[serde(default)]
    step: Vec<toml::Table>,
}

const STEP_LIMIT: usize = 100;

/// A definition with the place of each step in its text.
pub struct Read<'a> {
    pub definition: Definition,
    pub source: Source<'a>,
    pub places: Places,
}

/// Where the parts of a definition stand in its text.
#[derive(Default)]
pub struct Places {
    pub whole: Range<usize>,
    pub settings: Range<usize>,
    pub triggers: Vec<Range<usize>>,
    pub stops: Vec<Range<usize>>,
    pub steps: Vec<Range<usize>>,
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

    /// Reads a definition as far as it goes, and notes what is wrong.
    ///
    /// # Errors
    /// `Usage` when the text is not TOML, or holds a section that there is not.
    pub fn read<'a>(file: &'a str, text: &'a str) -> Result<Read<'a>> {
        let mut source = Source::new(file, text);
        let parts: File = toml::from_str(text).map_err(|error| syntax(file, text, &error))?;
        let places = Places::of(&parts, text.len());
        let head = read_section(&mut source, &parts.automation, &places.whole).unwrap_or_default();
        let reentry = parts.reentry.as_ref().and_then(|section| {
            let place = section.span().start..text.len();
            read_section(&mut source, section, &place)
        });
        let mut settings = BTreeMap::new();
        for (name, value) in parts.settings.iter().flat_map(Spanned::get_ref) {
            match value.clone().try_into::<Setting>() {
                Ok(setting) => drop(settings.insert(name.clone(), setting)),
                Err(error) => {
                    source.fault(&places.settings, None, format!("setting `{name}`: {}", error.message()));
                }
            }
        }
        let mut triggers = Vec::new();
        for (number, (section, place)) in parts.trigger.iter().zip(&places.triggers).enumerate() {
            match read_trigger(section.get_ref().clone()) {
                Ok(trigger) => triggers.push(trigger),
                Err(error) => source.fault(place, None, format!("trigger {}: {}", number + 1, said(&error))),
            }
        }
        let mut stops = Vec::new();
        for (number, (section, place)) in parts.stop.iter().zip(&places.stops).enumerate() {
            match read_stop(section.get_ref().clone()) {
                Ok(found) => stops.extend(found),
                Err(error) => source.fault(place, None, format!("stop {}: {}", number + 1, said(&error))),
            }
        }
        let (steps, step_places) = read_steps(&mut source, &parts, &places);
        if parts.trigger.is_empty() {
            source.fault(&places.whole, None, "no `[[trigger]]`: nothing would start it".to_owned());
        }
        if parts.step.is_empty() {
            source.fault(&places.whole, None, "no `[[step]]`: it would do nothing".to_owned());
        }
        if steps.len() > STEP_LIMIT {
            source.fault(&places.whole, None, format!("more than {STEP_LIMIT} steps"));
        }
        let reentry = reentry.unwrap_or_default();
        let definition = Definition { head, settings, triggers, stops, reentry, steps };
        Ok(Read { definition, source, places: Places { steps: step_places, ..places } })
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
        let fixed = self.steps.iter().filter_map(|step| step.action.template());
        let mut names: BTreeSet<String> =
            fixed.filter(|name| !name.contains("{{")).map(str::to_owned).collect();
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
        self.steps.iter().any(|step| step.action.class() == Some(MessageClass::Commercial))
    }
}

impl Places {
    fn of(parts: &File, length: usize) -> Places {
        let starts = |sections: &[Spanned<toml::Table>]| -> Vec<usize> {
            sections.iter().map(|section| section.span().start).collect()
        };
        let single = [Some(&parts.automation), parts.settings.as_ref(), parts.reentry.as_ref()];
        let mut all: Vec<usize> = single.into_iter().flatten().map(|section| section.span().start).collect();
        let lists = [starts(&parts.trigger), starts(&parts.stop), starts(&parts.step)];
        all.extend(lists.iter().flatten());
        all.sort_unstable();
        let place = |start: usize| start..all.iter().copied().find(|next| *next > start).unwrap_or(length);
        let [triggers, stops, steps] =
            lists.map(|starts| starts.into_iter().map(place).collect::<Vec<Range<usize>>>());
        let settings = parts.settings.as_ref().map_or(0..length, |section| place(section.span().start));
        Places { whole: 0..length, settings, triggers, stops, steps }
    }
}

fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map_or(0, |span| span.start);
    let line = line_at(text, at);
    Error::usage(format!("the definition is wrong:\n  {file}:{line}: {}", error.message()))
}

fn read_section<T: for<'de> Deserialize<'de>>(
    source: &mut Source<'_>,
    section: &Spanned<toml::Table>,
    place: &Range<usize>,
) -> Option<T> {
    match toml::Value::Table(section.get_ref().clone()).try_into() {
        Ok(value) => Some(value),
        Err(error) => {
            let error: toml::de::Error = error;
            source.fault(&(section.span().start..place.end), None, error.message().to_owned());
            None
        }
    }
}

fn read_trigger(table: toml::Table) -> Result<Trigger> {
    let trigger: Trigger = toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| Error::usage(error.message().to_owned()))?;
    trigger.check()?;
    Ok(trigger)
}

/// A stop names one trigger or a list of them, each with the same filter.
fn read_stop(mut table: toml::Table) -> Result<Vec<Stop>> {
    let same = match table.remove("same") {
        None => Same::default(),
        Some(value) => value.try_into().map_err(|_| Error::usage("`same` is `contact` or `subject`"))?,
    };
    let on = match table.remove("on") {
        Some(toml::Value::Array(list)) => list,
        Some(one) => vec![one],
        None => return Err(Error::usage("a stop says `on` what it waits for")),
    };
    let one = |on| {
        let mut table = table.clone();
        table.insert("on".to_owned(), on);
        read_trigger(table).map(|trigger| Stop { trigger, same })
    };
    on.into_iter().map(one).collect()
}

fn read_steps(source: &mut Source<'_>, parts: &File, places: &Places) -> (Vec<Step>, Vec<Range<usize>>) {
    let renderer = Renderer::new(chrono_tz::UTC);
    let (mut steps, mut step_places) = (Vec::new(), Vec::new());
    let mut add = |source: &mut Source<'_>, table: toml::Table, each: Option<Each>, place: &Range<usize>| {
        let id = table.get("id").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        match read_step(table, each, &renderer) {
            Ok(step) => {
                steps.push(step);
                step_places.push(place.clone());
            }
            Err(faults) => {
                for text in faults {
                    source.fault(place, Some(&id), format!("step `{id}`: {text}"));
                }
            }
        }
    };
    for (section, place) in parts.step.iter().zip(&places.steps) {
        let table = section.get_ref().clone();
        if !table.contains_key("each") {
            add(source, table, None, place);
            continue;
        }
        match read_group(table) {
            Ok((each, tables)) => {
                for table in tables {
                    add(source, table, Some(each.clone()), place);
                }
            }
            Err(error) => source.fault(place, None, said(&error)),
        }
    }
    (steps, step_places)
}

fn read_group(table: toml::Table) -> Result<(Each, Vec<toml::Table>)> {
    let group: GroupText = toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| Error::usage(error.message().to_owned()))?;
    let wrong = || {
        Error::usage(format!("`each` of `{}` is not a list", group.id))
            .hint("write it like `touch in settings.touches`")
    };
    let (variable, list) = group.each.split_once(" in ").ok_or_else(wrong)?;
    let setting = list.trim().strip_prefix("settings.").ok_or_else(wrong)?;
    if group.step.is_empty() {
        return Err(Error::usage(format!("no `[[step.step]]` in `{}`: it would do nothing", group.id)));
    }
    let each =
        Each { group: group.id.clone(), variable: variable.trim().to_owned(), setting: setting.to_owned() };
    Ok((each, group.step))
}

fn read_step(table: toml::Table, each: Option<Each>, renderer: &Renderer) -> Result<Step, Vec<String>> {
    let text: StepText = toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| vec![error.message().to_owned()])?;
    let known = catalogue::find(&text.action).ok_or_else(|| {
        vec![format!("unknown action `{}`{}", text.action, suggestion(&text.action, catalogue::names()))]
    })?;
    let mut faults = Vec::new();
    for name in text.with.keys().filter(|name| !known.has(name)) {
        let names = known.arguments.iter().map(|argument| argument.name);
        faults.push(format!("unknown argument `{name}` of `{}`{}", text.action, suggestion(name, names)));
    }
    for argument in known.arguments.iter().filter(|argument| argument.required) {
        if !text.with.contains_key(argument.name) {
            faults.push(format!("missing argument `{}`: {}", argument.name, argument.help));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let action = Action::parse(&text.action, text.with).map_err(|error| vec![said(&error)])?;
    let names = names_of_step(text.when.as_deref(), &action, renderer).map_err(|error| vec![said(&error)])?;
    let mut refers_to = steps_among(&names);
    refers_to.extend(action.follows().map(str::to_owned));
    Ok(Step {
        id: text.id,
        action_name: text.action,
        action,
        when: text.when,
        on_error: text.on_error,
        refers_to,
        each,
        item: None,
    })
}

/// Returns the dotted names that a step's condition and arguments refer to.
///
/// # Errors
/// `Usage` when a text cannot be read.
pub fn names_of_step(when: Option<&str>, action: &Action, renderer: &Renderer) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for condition in when.into_iter().chain(action.condition()) {
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
