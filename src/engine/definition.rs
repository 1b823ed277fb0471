//! An automation's definition: TOML text in, checked steps out.
//!
//! A definition is checked whole before it is accepted: keys, actions, arguments, every name that a
//! template or condition refers to, and every message template. All faults are reported together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::base::{Error, Result};
use crate::engine::action::{self, Action};
use crate::engine::context::{self, Root};
use crate::engine::render::Renderer;
use crate::engine::setting::Setting;
use crate::engine::trigger::Trigger;
use crate::model::automation::{MessageTemplate, MessageTemplates};
use crate::model::event::EventKind;

/// A checked definition.
#[derive(Clone, Debug)]
pub struct Definition {
    pub head: Head,
    pub settings: BTreeMap<String, Setting>,
    pub triggers: Vec<Trigger>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub name: String,
    pub title: String,
    pub description: String,
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
    automation: Head,
    #[serde(default)]
    settings: BTreeMap<String, Setting>,
    #[serde(default)]
    trigger: Vec<Trigger>,
    #[serde(default)]
    step: Vec<StepText>,
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

const STEP_LIMIT: usize = 100;

impl Definition {
    /// Reads a definition that was checked when it was stored.
    ///
    /// # Errors
    /// `Usage` naming every fault of syntax, action or argument.
    pub fn parse(text: &str) -> Result<Definition> {
        let file: File = toml::from_str(text).map_err(|error| {
            Error::usage(format!("the definition is wrong: {}", error.to_string().trim()))
        })?;
        let renderer = Renderer::new(chrono_tz::UTC);
        let mut faults = Vec::new();
        let mut steps = Vec::new();
        for text in file.step {
            let id = text.id.clone();
            match read_step(text, &renderer) {
                Ok(step) => steps.push(step),
                Err(error) => faults.push(fault(&id, &error)),
            }
        }
        if file.trigger.is_empty() {
            faults.push("no `[[trigger]]`: nothing would start it".to_owned());
        }
        for (number, trigger) in file.trigger.iter().enumerate() {
            if let Err(error) = trigger.check() {
                faults.push(format!("trigger {}: {}", number + 1, error.report()));
            }
        }
        if steps.is_empty() && faults.is_empty() {
            faults.push("no `[[step]]`: it would do nothing".to_owned());
        }
        if steps.len() > STEP_LIMIT {
            faults.push(format!("more than {STEP_LIMIT} steps"));
        }
        let name = file.automation.name.clone();
        report(&name, faults)?;
        Ok(Definition { head: file.automation, settings: file.settings, triggers: file.trigger, steps })
    }

    /// Checks everything that `parse` does not: names, step ids, message templates.
    ///
    /// # Errors
    /// `Usage` naming every fault.
    pub fn check(&self, templates: &MessageTemplates) -> Result<()> {
        let renderer = Renderer::new(chrono_tz::UTC);
        let mut faults = Vec::new();
        let mut earlier = Earlier::new();
        for (number, trigger) in self.triggers.iter().enumerate() {
            faults.extend(
                self.trigger_faults(trigger, &renderer)?
                    .into_iter()
                    .map(|text| format!("trigger {}: {text}", number + 1)),
            );
        }
        for step in &self.steps {
            match names_in(step, templates, &renderer) {
                Err(error) => faults.push(fault(&step.id, &error)),
                Ok(names) => {
                    let wrong = names.iter().filter_map(|name| self.unknown(name, &earlier));
                    faults.extend(wrong.map(|text| format!("step `{}`: {text}", step.id)));
                }
            }
            if self.triggers.iter().any(|trigger| feeds(&step.action, trigger)) {
                faults.push(format!("step `{}` adds rows to the sheet whose new rows start it", step.id));
            }
            let follows = step.action.follows();
            if let Some(name) = follows
                .filter(|name| !earlier.get(*name).is_some_and(|outputs| outputs.contains(&"thread_id")))
            {
                faults.push(format!(
                    "step `{}`: `follows` names `{name}`, which is no mail before it",
                    step.id
                ));
            }
            if earlier.insert(step.id.clone(), action::outputs(&step.action_name)).is_some() {
                faults.push(format!("two steps are called `{}`", step.id));
            }
        }
        report(&self.head.name, faults)
    }

    /// Returns the names of the message templates that the steps use.
    pub fn template_names(&self) -> BTreeSet<&str> {
        self.steps.iter().filter_map(|step| step.action.template()).collect()
    }

    /// A trigger knows the tenant and the settings, and nothing of what it waits for.
    fn trigger_faults(&self, trigger: &Trigger, renderer: &Renderer) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        for text in trigger.texts() {
            for name in renderer.names_in_text(text)? {
                match name.split('.').next() {
                    Some("settings" | "tenant") => faults.extend(self.unknown(&name, &Earlier::new())),
                    _ => faults.push(format!("`{name}` is not known before it has fired")),
                }
            }
        }
        Ok(faults)
    }

    /// Returns the roots that every one of the triggers offers.
    fn roots(&self) -> Vec<Root> {
        let mut kinds = self.triggers.iter().filter_map(|trigger| trigger.on);
        let mut roots = kinds.next().map(context::roots).unwrap_or_default();
        for kind in kinds {
            let others = context::roots(kind);
            roots.retain(|(root, _)| others.iter().any(|(other, _)| other == root));
        }
        roots
    }

    /// Says what is wrong with a dotted name, if anything is.
    fn unknown(&self, name: &str, earlier: &Earlier) -> Option<String> {
        let mut parts = name.split('.');
        let (root, field) = (parts.next().unwrap_or_default(), parts.next());
        let roots = self.roots();
        let known: Vec<&str> = match root {
            "settings" => self.settings.keys().map(String::as_str).collect(),
            "steps" => earlier.keys().map(String::as_str).collect(),
            _ => match roots.iter().find(|(known, _)| *known == root) {
                Some((_, fields)) => fields.to_vec(),
                None => {
                    let known = roots.iter().map(|(root, _)| *root).chain(["settings", "steps"]);
                    return Some(format!("unknown name `{name}`{}", suggestion(root, known)));
                }
            },
        };
        if let Some(field) = field.filter(|field| !known.contains(field)) {
            return Some(format!("unknown name `{name}`{}", suggestion(field, known.into_iter())));
        }
        let offered = field.filter(|_| root == "steps").and_then(|step| earlier.get(step))?;
        let output = parts.next().filter(|output| !offered.contains(output))?;
        Some(format!("unknown name `{name}`{}", suggestion(output, offered.iter().copied())))
    }
}

/// Tells whether a step would start its own automation again, and so for ever.
fn feeds(action: &Action, trigger: &Trigger) -> bool {
    let Action::AppendRow(append) = action else { return false };
    let added = trigger.changes.as_ref().is_none_or(|changes| changes.iter().any(|change| change == "added"));
    let same = |a: Option<&String>, b: &String| a.is_some_and(|a| a.trim() == b.trim());
    trigger.on == Some(EventKind::SheetsRow)
        && added
        && trigger.equals.is_none()
        && same(trigger.spreadsheet.as_ref(), &append.spreadsheet)
        && same(trigger.sheet.as_ref(), &append.sheet)
}

/// The steps before one, and what each offers.
type Earlier = BTreeMap<String, Vec<&'static str>>;

fn names_in(step: &Step, templates: &MessageTemplates, renderer: &Renderer) -> Result<BTreeSet<String>> {
    let mut names = names_of_step(step.when.as_deref(), &step.action, renderer)?;
    if let Some(name) = step.action.template() {
        let template =
            templates.get(name).ok_or_else(|| Error::usage(format!("no message template `{name}`")))?;
        names.extend(names_of_template(template, renderer)?);
    }
    Ok(names)
}

/// Returns the dotted names that a message template refers to.
fn names_of_template(template: &MessageTemplate, renderer: &Renderer) -> Result<BTreeSet<String>> {
    let mut parts = vec![Some(&template.subject), Some(&template.text), template.html.as_ref()];
    for attachment in &template.attachments {
        parts.extend([attachment.name.as_ref(), attachment.text.as_ref()]);
    }
    let mut names = BTreeSet::new();
    for part in parts.into_iter().flatten() {
        names.extend(renderer.names_in_text(part)?);
    }
    Ok(names)
}

/// Returns the steps whose results a message template refers to.
///
/// # Errors
/// `Usage` when the template is wrong.
pub fn steps_in(template: &MessageTemplate, renderer: &Renderer) -> Result<BTreeSet<String>> {
    Ok(steps_among(&names_of_template(template, renderer)?))
}

fn steps_among(names: &BTreeSet<String>) -> BTreeSet<String> {
    let results = names.iter().filter_map(|name| name.strip_prefix("steps."));
    results.filter_map(|rest| rest.split('.').next()).map(str::to_owned).collect()
}

fn suggestion<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest =
        known.max_by(|a, b| strsim::jaro_winkler(given, a).total_cmp(&strsim::jaro_winkler(given, b)));
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn names_of_step(when: Option<&str>, action: &Action, renderer: &Renderer) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    if let Some(when) = when {
        names.extend(renderer.names_in_condition(when)?);
    }
    for text in action.texts() {
        names.extend(renderer.names_in_text(text)?);
    }
    Ok(names)
}

fn read_step(text: StepText, renderer: &Renderer) -> Result<Step> {
    let action = Action::parse(&text.action, text.with)?;
    let names = names_of_step(text.when.as_deref(), &action, renderer)?;
    let mut refers_to = steps_among(&names);
    refers_to.extend(action.follows().map(str::to_owned));
    Ok(Step {
        id: text.id,
        action_name: text.action,
        action,
        when: text.when,
        on_error: text.on_error,
        refers_to,
    })
}

fn fault(step: &str, error: &Error) -> String {
    match error.hint_text() {
        Some(hint) => format!("step `{step}`: {} ({hint})", error.message()),
        None => format!("step `{step}`: {}", error.message()),
    }
}

fn report(name: &str, faults: Vec<String>) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!("automation `{name}`: {}", faults.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::automation::MessageTemplate;

    const HEAD: &str = "[automation]\nname = \"t\"\ntitle = \"T\"\ndescription = \"\"\n";
    const TRIGGER: &str = "[[trigger]]\non = \"lead.received\"\n";

    fn faults(steps: &str) -> String {
        let text = format!("{HEAD}{TRIGGER}{steps}");
        let templates = MessageTemplates::from([(
            "hello".to_owned(),
            MessageTemplate {
                subject: "Hi {{ lead.name }}".into(),
                text: "{{ lead.nam }}".into(),
                html: None,
                attachments: Vec::new(),
            },
        )]);
        Definition::parse(&text)
            .and_then(|definition| definition.check(&templates))
            .err()
            .map(|error| error.report())
            .unwrap_or_default()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let report = faults(
            r#"
            [[step]]
            id = "a"
            action = "message.send"
            when = "lead.emial"
            with = { to = "{{ lead.email }}", template = "hello" }
            [[step]]
            id = "a"
            action = "stop"
            with = { reason = "{{ steps.b.state }}" }
            "#,
        );
        for expected in [
            "step `a`: unknown name `lead.emial`; did you mean `email`?",
            "step `a`: unknown name `lead.nam`; did you mean `name`?",
            "two steps are called `a`",
            "unknown name `steps.b.state`",
        ] {
            assert!(report.contains(expected), "{expected} in {report}");
        }
    }

    #[test]
    fn an_automation_does_not_feed_itself() {
        let of = |changes: &str| {
            format!(
                "[automation]\nname=\"t\"\ntitle=\"T\"\ndescription=\"\"\n[[trigger]]\non=\"sheets.row\"\n\
                 spreadsheet=\"x\"\nsheet=\"Log\"\n{changes}\n[[step]]\nid=\"a\"\naction=\"sheets.append_row\"\n\
                 with={{ spreadsheet=\"x\", sheet=\"Log\", row={{ A=\"b\" }} }}\n"
            )
        };
        let check = |text: &str| Definition::parse(text).unwrap().check(&MessageTemplates::new());
        let report = check(&of("")).unwrap_err().report();
        assert!(report.contains("adds rows to the sheet whose new rows start it"), "{report}");
        check(&of("changes=[\"changed\"]")).unwrap();
    }

    #[test]
    fn actions_and_arguments_are_checked() {
        let unknown = faults("[[step]]\nid = \"a\"\naction = \"mesage.send\"\n");
        assert!(unknown.contains("unknown action `mesage.send`"), "{unknown}");
        let missing = faults("[[step]]\nid = \"a\"\naction = \"wait\"\n");
        assert!(missing.contains("missing field `for`"), "{missing}");
        let extra =
            faults("[[step]]\nid = \"a\"\naction = \"wait\"\nwith = { for = \"1h\", until = \"x\" }\n");
        assert!(extra.contains("unknown field `until`"), "{extra}");
        assert!(Definition::parse(HEAD).unwrap_err().report().contains("no `[[trigger]]`"));
    }

    #[test]
    fn a_step_knows_which_results_it_needs() {
        let text = format!(
            "{HEAD}{TRIGGER}[[step]]\nid=\"b\"\naction=\"stop\"\nwhen=\"steps.a.state == 'failed'\"\nwith={{ reason=\"x\" }}"
        );
        let definition = Definition::parse(&text).unwrap();
        assert_eq!(definition.steps[0].refers_to, BTreeSet::from(["a".to_owned()]));
    }
}
