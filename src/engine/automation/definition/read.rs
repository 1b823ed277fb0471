//! Reading a definition: every fault of syntax, key, action and argument is collected with its line.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::automation::action;
use crate::automation::definition::{
    Definition, Each, OnError, Same, Step, Stop, names_of_step, said, steps_among,
};
use crate::automation::render::Renderer;
use crate::automation::setting::Setting;
use crate::automation::source_text::{Source, suggestion};
use crate::automation::trigger::Trigger;
use nexora_core::base::text::line_at;
use nexora_core::base::{Error, Result};

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

const STEP_LIMIT: usize = 100;

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

impl Definition {
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
            match Trigger::read(section.get_ref().clone()) {
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
        Trigger::read(table).map(|trigger| Stop { trigger, same })
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
    let known = action::find(&text.action).ok_or_else(|| {
        let names = action::ACTIONS.iter().map(|known| known.name);
        vec![format!("unknown action `{}`{}", text.action, suggestion(&text.action, names))]
    })?;
    let mut faults = Vec::new();
    let is_known = |name: &str| known.arguments.iter().any(|argument| argument.name == name);
    for name in text.with.keys().filter(|name| !is_known(name)) {
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
    let action = (known.read)(text.with).map_err(|error| vec![said(&error)])?;
    let when = text.when.as_deref();
    let names = names_of_step(when, action.as_ref(), renderer).map_err(|error| vec![said(&error)])?;
    let mut refers_to = steps_among(&names);
    refers_to.extend(action.message().and_then(|message| message.follows).map(str::to_owned));
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
