//! A definition checked whole: every name that a text refers to, every message, every setting, and
//! what would make no sense. All faults are reported together, each with its line.

use std::collections::{BTreeMap, BTreeSet};

use crate::automation::action::{self, EndsRun};
use crate::automation::context::{self, OfferedRoot, Settings};
use crate::automation::definition::{Definition, Places, Read, Step, names_of_step, said, steps_among};
use crate::automation::render::Renderer;
use crate::automation::setting::SettingType;
use crate::automation::source_text::{Fault, Source, suggestion};
use crate::automation::trigger::Trigger;
use nexora_core::base::Result;
use nexora_core::base::wording::parse_length;
use nexora_core::model::automation::{LAYOUT, MessageTemplate, MessageTemplates};
use nexora_core::model::connector::{ConnectionKind, Kinds};
use nexora_core::model::effect::EffectKind;
use nexora_core::model::event::EventKind;

/// The steps before one, and what each offers.
type Earlier = BTreeMap<String, Vec<&'static str>>;

/// What an item of a list of touches offers.
pub const ITEM_NAMES: &[&str] = &["number", "of", "after", "template"];

/// Returns everything that is wrong with a definition, with what reading it has found.
pub fn faults(
    read: Read<'_>,
    templates: &MessageTemplates,
    settings: &Settings,
    connectors: &Kinds,
) -> Vec<Fault> {
    let Read { definition, mut source, places } = read;
    let mut check = Check {
        definition: &definition,
        templates,
        dynamic: definition.templates_set(settings),
        renderer: Renderer::new(chrono_tz::UTC),
        roots: roots(&definition, connectors),
        connectors,
        used: BTreeSet::new(),
    };
    check.triggers(&mut source, &places);
    check.steps(&mut source, &places);
    let mut faults = check.messages();
    check.unused_settings(&mut source, &places);
    faults.splice(0..0, source.into_faults());
    faults
}

struct Check<'a> {
    definition: &'a Definition,
    templates: &'a MessageTemplates,
    /// The messages that settings name.
    dynamic: BTreeSet<String>,
    renderer: Renderer,
    /// What every one of the triggers offers.
    roots: Vec<OfferedRoot>,
    connectors: &'a Kinds,
    /// The settings that something refers to.
    used: BTreeSet<String>,
}

impl Check<'_> {
    /// A trigger knows the tenant and the settings, and nothing of what it waits for.
    fn triggers(&mut self, source: &mut Source<'_>, places: &Places) {
        let definition = self.definition;
        for (number, (trigger, place)) in definition.triggers.iter().zip(&places.triggers).enumerate() {
            for text in self.trigger_faults(&trigger.texts()) {
                source.fault(place, None, format!("trigger {}: {text}", number + 1));
            }
        }
        for stop in &definition.stops {
            for text in self.trigger_faults(&stop.trigger.texts()) {
                source.fault(places.stops.first().unwrap_or(&places.whole), None, format!("stop: {text}"));
            }
        }
        if let Some(text) = &definition.reentry.again_after {
            if !text.contains("{{")
                && let Err(error) = parse_length(text)
            {
                source.fault(&places.whole, None, format!("`again_after`: {}", said(&error)));
            }
            for text in self.trigger_faults(&[text]) {
                source.fault(&places.whole, None, format!("`again_after`: {text}"));
            }
        }
    }

    fn trigger_faults(&mut self, texts: &[&str]) -> Vec<String> {
        let mut faults = Vec::new();
        for text in texts {
            match self.renderer.names_in_text(text) {
                Err(error) => faults.push(said(&error)),
                Ok(names) => {
                    for name in names {
                        match name.split('.').next() {
                            Some("settings" | "tenant") => {
                                faults.extend(self.unknown(&name, &Earlier::new(), None));
                            }
                            _ => faults.push(format!("`{name}` is not known before it has fired")),
                        }
                    }
                }
            }
        }
        faults
    }

    fn steps(&mut self, source: &mut Source<'_>, places: &Places) {
        let definition = self.definition;
        let mut earlier = Earlier::new();
        let mut ended_by: Option<&str> = None;
        let mut conditions: Vec<&str> = Vec::new();
        for (step, place) in definition.steps.iter().zip(&places.steps) {
            let mut faults = self.step_faults(step, &earlier);
            let ends_run = step.action.ends_run();
            conditions.extend(step.when.as_deref().into_iter().chain(ends_run.condition()));
            faults.extend(self.gated_review(step, &conditions));
            if ends_run == EndsRun::Never && step.when.is_some() {
                conditions.pop();
            }
            if let Some(end) = ended_by {
                faults.push(format!("is never reached: `{end}` before it always ends the run"));
            }
            if ends_run == EndsRun::Always && step.when.is_none() {
                ended_by = ended_by.or(Some(&step.id));
            }
            let outputs = action::outputs(&step.action_name);
            let offered = if step.each.is_some() { None } else { Some(outputs) };
            if earlier.contains_key(&step.id) {
                faults.push("another step is called so".to_owned());
            }
            earlier.extend(offered.map(|outputs| (step.id.clone(), outputs)));
            for text in faults {
                source.fault(place, Some(&step.id), format!("step `{}`: {text}", step.id));
            }
        }
    }

    fn step_faults(&mut self, step: &Step, earlier: &Earlier) -> Vec<String> {
        let mut faults = Vec::new();
        match names_of_step(step.when.as_deref(), step.action.as_ref(), &self.renderer) {
            Err(error) => faults.push(said(&error)),
            Ok(names) => faults.extend(self.unknown_among(&names, earlier, Some(step))),
        }
        let message = step.action.message();
        if let Some(name) = message.and_then(|message| message.template.fixed())
            && !self.templates.contains_key(name)
        {
            let known = self.templates.keys().map(String::as_str);
            faults.push(format!("no message template `{name}`{}", suggestion(name, known)));
        }
        if let Some(each) = &step.each {
            let declared = self.definition.settings.get(&each.setting);
            self.used.insert(each.setting.clone());
            if declared.is_none_or(|setting| setting.kind != SettingType::Touches) {
                faults.push(format!("`each` needs a setting of type `touches`: `{}` is none", each.setting));
            }
        }
        // It would start its own automation again, and so for ever.
        let feeds = |trigger: &Trigger| {
            let appends_to = step.action.appends_to();
            appends_to.is_some_and(|(spreadsheet, sheet)| trigger.fires_on_new_rows_of(spreadsheet, sheet))
        };
        if self.definition.triggers.iter().any(feeds) {
            faults.push("adds rows to the sheet whose new rows start it".to_owned());
        }
        faults.extend(message.and_then(|message| self.wrong_carrier(message.via?)));
        let follows = message.and_then(|message| message.follows);
        let is_mail = |name: &&str| earlier.get(*name).is_some_and(|outputs| outputs.contains(&"thread_id"));
        if let Some(name) = follows.filter(|name| !is_mail(name)) {
            faults.push(format!("`follows` names `{name}`, which is no mail before it"));
        }
        faults
    }

    /// Says why `via` names no connector that a mail can go by.
    fn wrong_carrier(&self, via: &ConnectionKind) -> Option<String> {
        let carriers = self.connectors.iter().filter(|facts| facts.can_carry(EffectKind::SendMail));
        let names: Vec<&str> = carriers.map(|facts| facts.kind.name()).collect();
        let is_known = names.contains(&via.name());
        (!is_known)
            .then(|| format!("`via`: no mail goes by `{via}`{}", suggestion(via.name(), names.into_iter())))
    }

    /// Checks the messages, each as the steps see it that send it.
    fn messages(&mut self) -> Vec<Fault> {
        let definition = self.definition;
        let mut faults = Vec::new();
        let mut earlier = Earlier::new();
        let mut seen = BTreeSet::new();
        if let Some(layout) = self.templates.get(LAYOUT) {
            let file = format!("messages/{LAYOUT}.toml");
            let wrong = layout_faults(layout, &self.renderer, self.connectors).into_iter();
            faults.extend(wrong.map(|text| Fault { file: file.clone(), line: 1, text }));
        }
        for step in &definition.steps {
            let fixed = step.action.message().map(|message| message.template.fixed());
            let names: Vec<String> = match fixed {
                Some(Some(name)) => vec![name.to_owned()],
                Some(None) => self.dynamic.iter().cloned().collect(),
                None => Vec::new(),
            };
            for name in names {
                let Some(template) = self.templates.get(&name) else {
                    if fixed == Some(None) {
                        let text = format!("a setting names it, and there is no message template `{name}`");
                        faults.push(Fault { file: format!("messages/{name}.toml"), line: 1, text });
                    }
                    continue;
                };
                for text in self.message_faults(template, &earlier, step) {
                    let fault = Fault { file: format!("messages/{name}.toml"), line: 1, text };
                    if seen.insert(fault.to_string()) {
                        faults.push(fault);
                    }
                }
            }
            earlier.insert(step.id.clone(), action::outputs(&step.action_name));
        }
        faults
    }

    fn message_faults(&mut self, template: &MessageTemplate, earlier: &Earlier, step: &Step) -> Vec<String> {
        match names_of_template(template, &self.renderer) {
            Err(error) => vec![said(&error)],
            Ok(names) => self.unknown_among(&names, earlier, Some(step)),
        }
    }

    /// Refuses to ask only some customers for a review: review sites forbid to choose the happy ones
    /// (Google Business Profile, "Prohibited and restricted content": selective solicitation).
    fn gated_review(&self, step: &Step, conditions: &[&str]) -> Option<String> {
        let template = self.templates.get(step.action.message()?.template.as_str())?;
        let names = names_of_template(template, &self.renderer).ok()?;
        if !names.contains("links.review") {
            return None;
        }
        let neutral = |name: &str| {
            let root = name.split('.').next().unwrap_or_default();
            ["settings", "links", "steps", "tenant", "connections", "now", "job"].contains(&root)
                || matches!(
                    name,
                    "contact.email" | "contact.phone" | "lead.email" | "lead.phone" | "contact.id"
                )
        };
        conditions.iter().find_map(|condition| {
            let names = self.renderer.names_in_condition(condition).ok()?;
            let chosen = names.into_iter().find(|name| !neutral(name))?;
            Some(format!(
                "asks only some customers for a review, by `{chosen}`: review sites forbid that; ask everybody"
            ))
        })
    }

    fn unknown_among(
        &mut self,
        names: &BTreeSet<String>,
        earlier: &Earlier,
        step: Option<&Step>,
    ) -> Vec<String> {
        names.iter().filter_map(|name| self.unknown(name, earlier, step)).collect()
    }

    /// Says what is wrong with a dotted name, if anything is.
    fn unknown(&mut self, name: &str, earlier: &Earlier, step: Option<&Step>) -> Option<String> {
        let mut parts = name.split('.');
        let (root, field) = (parts.next().unwrap_or_default(), parts.next());
        let item = step.and_then(|step| step.each.as_ref()).map(|each| each.variable.as_str());
        if root == "settings" {
            self.used.extend(field.map(str::to_owned));
        }
        let known: Vec<&str> = match root {
            "settings" => self.definition.settings.keys().map(String::as_str).collect(),
            "steps" => earlier.keys().map(String::as_str).collect(),
            _ if Some(root) == item => ITEM_NAMES.to_vec(),
            _ => match self.roots.iter().find(|(known, _)| *known == root) {
                Some((_, fields)) => fields.to_vec(),
                None => {
                    let knows = |kind: EventKind| {
                        context::roots(kind, self.connectors).iter().any(|(known, _)| *known == root)
                    };
                    let mut kinds = self.definition.triggers.iter().map(|trigger| trigger.on.kind().event);
                    if let Some(other) = kinds.clone().find(|kind| !knows(*kind))
                        && kinds.any(knows)
                    {
                        return Some(format!("`{name}` is not known when `{other}` starts it"));
                    }
                    let known =
                        self.roots.iter().map(|(root, _)| *root).chain(["settings", "steps"]).chain(item);
                    return Some(format!("unknown name `{name}`{}", suggestion(root, known)));
                }
            },
        };
        if let Some(field) = field.filter(|field| !known.contains(field)) {
            // A root without names is a list or a plain value.
            if known.is_empty() && root != "settings" && root != "steps" {
                return None;
            }
            return Some(format!("unknown name `{name}`{}", suggestion(field, known.into_iter())));
        }
        let offered = field.filter(|_| root == "steps").and_then(|step| earlier.get(step))?;
        let output = parts.next().filter(|output| !offered.contains(output))?;
        Some(format!("unknown name `{name}`{}", suggestion(output, offered.iter().copied())))
    }

    fn unused_settings(&self, source: &mut Source<'_>, places: &Places) {
        for name in self.definition.settings.keys().filter(|name| !self.used.contains(*name)) {
            source.fault(&places.settings, None, format!("setting `{name}` is used nowhere"));
        }
    }
}

/// Returns the roots that every one of the triggers offers.
fn roots(definition: &Definition, connectors: &Kinds) -> Vec<OfferedRoot> {
    let mut kinds = definition.triggers.iter().map(|trigger| trigger.on.kind().event);
    let mut roots = kinds.next().map(|kind| context::roots(kind, connectors)).unwrap_or_default();
    for kind in kinds {
        let others = context::roots(kind, connectors);
        roots.retain(|(root, _)| others.iter().any(|(other, _)| other == root));
    }
    roots
}

/// What the layout knows besides what every run offers.
const LAYOUT_NAMES: [&str; 6] = ["content", "subject", "preview", "commercial", "language", "unsubscribe"];

/// Returns what is wrong with the layout, which every message of every automation is put into.
fn layout_faults(layout: &MessageTemplate, renderer: &Renderer, connectors: &Kinds) -> Vec<String> {
    let names = match names_of_template(layout, renderer) {
        Ok(names) => names,
        Err(error) => return vec![said(&error)],
    };
    let known = context::roots(EventKind::Schedule, connectors);
    let is_known = |name: &str| {
        let (root, field) = name.split_once('.').unwrap_or((name, ""));
        LAYOUT_NAMES.contains(&root)
            || known.iter().any(|(known, fields)| *known == root && fields.contains(&field))
    };
    let wrong = names.into_iter().filter(|name| !is_known(name));
    let offered = LAYOUT_NAMES.map(|name| format!("`{name}`")).join(", ");
    wrong.map(|name| format!("unknown name `{name}`: the layout knows {offered} and the tenant")).collect()
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

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
