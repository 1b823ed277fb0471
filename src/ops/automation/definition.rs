//! Definitions: what there is to enable, loaded with its settings and messages, and checked whole.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::config::definitions::{Shelf, Text};
use nexora_core::base::{Error, Result};
use nexora_core::model::automation::{LAYOUT, MessageTemplates};
use nexora_core::model::connection::Abilities;
use nexora_core::model::connector::Kinds;
use nexora_core::model::language::Language;
use nexora_core::model::tenant::Tenant;
use nexora_engine::automation::ability;
use nexora_engine::automation::check;
use nexora_engine::automation::context::{self, Settings};
use nexora_engine::automation::definition::Definition;
use nexora_engine::automation::render::Renderer;
use nexora_engine::automation::setting::{self, Setting};
use nexora_engine::automation::source_text::{Fault, report};

/// An automation that can be enabled.
#[derive(Clone, Debug, Serialize)]
pub struct Template {
    pub name: String,
    pub title: String,
    pub description: String,
    pub settings: BTreeMap<String, Setting>,
    /// What it needs of Google at most.
    pub google: Abilities,
}

/// A definition with everything that a version freezes.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub text: String,
    pub definition: Definition,
    pub settings: Settings,
    /// The language of the messages.
    pub language: Language,
    pub templates: MessageTemplates,
}

/// Loads a template for a list, checked with its default settings.
///
/// # Errors
/// `NotFound` when there is none; `Usage` naming every fault.
pub fn template(shelf: &Shelf, connectors: &Kinds, name: &str) -> Result<Template> {
    let text = shelf.automation(name)?;
    let read = Definition::read(&text.file, &text.text)?;
    let settings = setting::fixed(&read.definition.settings);
    let templates = messages(shelf, &read.definition, &settings)?;
    let definition = read.definition.clone();
    report(&format!("automation `{name}`"), &check::faults(read, &templates, &settings, connectors))?;
    let google = ability::needed(&definition);
    Ok(Template {
        name: definition.head.name,
        title: definition.head.title,
        description: definition.head.description,
        settings: definition.settings,
        google,
    })
}

/// Loads a definition for a tenant with the settings that were given.
///
/// # Errors
/// `NotFound` when there is no such template; `Usage` naming the setting, or every fault.
pub fn load(app: &App, tenant: &Tenant, name: &str, given: &BTreeMap<String, String>) -> Result<Loaded> {
    let shelf = app.config.definitions.of(tenant)?;
    load_text(&shelf, app.connectors().facts(), tenant, &shelf.automation(name)?, given)
}

/// Loads a definition from its text.
///
/// # Errors
/// As `load`.
pub fn load_text(
    shelf: &Shelf,
    connectors: &Kinds,
    tenant: &Tenant,
    text: &Text,
    given: &BTreeMap<String, String>,
) -> Result<Loaded> {
    let read = Definition::read(&text.file, &text.text)?;
    let definition = read.definition.clone();
    let name = definition.head.name.clone();
    let stem = std::path::Path::new(&text.file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    // One without a name has a fault that says so.
    if stem.as_deref().is_some_and(|stem| stem != name && !name.is_empty()) {
        return Err(Error::usage(format!(
            "automation `{name}` is in a file of another name: `{}`",
            text.file
        ))
        .hint(format!("call the file `{name}.toml`, or change `name` in it")));
    }
    // What is wrong with the definition comes before what is wrong with its settings.
    let fixed = setting::fixed(&definition.settings);
    let templates = messages(shelf, &definition, &fixed)?;
    report(&format!("automation `{name}`"), &check::faults(read, &templates, &fixed, connectors))?;
    let settings = setting::resolve(&definition.settings, given, tenant)?;
    let templates = messages(shelf, &definition, &settings)?;
    let read = Definition::read(&text.file, &text.text)?;
    report(&format!("automation `{name}`"), &check::faults(read, &templates, &settings, connectors))?;
    check_triggers(&definition, &settings, tenant)?;
    Ok(Loaded { text: text.text.clone(), definition, settings, language: shelf.language, templates })
}

/// Returns everything that is wrong with a definition, with the settings that it has when nobody says
/// otherwise.
///
/// # Errors
/// `Usage` when the text is not TOML.
pub fn faults(shelf: &Shelf, connectors: &Kinds, text: &Text) -> Result<Vec<Fault>> {
    let read = Definition::read(&text.file, &text.text)?;
    let settings = setting::fixed(&read.definition.settings);
    let templates = messages(shelf, &read.definition, &settings)?;
    Ok(check::faults(read, &templates, &settings, connectors))
}

/// Loads the messages that a definition names, and the layout; one that is missing is a fault that the
/// check finds.
fn messages(shelf: &Shelf, definition: &Definition, settings: &Settings) -> Result<MessageTemplates> {
    let mut templates = MessageTemplates::new();
    for name in definition.template_names(settings).into_iter().chain([LAYOUT.to_owned()]) {
        if let Some(template) = shelf.message(&name)? {
            templates.insert(name, template);
        }
    }
    Ok(templates)
}

/// Fills the holes of the triggers, so that a setting which makes no sense there is refused now.
fn check_triggers(definition: &Definition, settings: &Settings, tenant: &Tenant) -> Result<()> {
    let renderer = Renderer::of(tenant)?;
    let context = context::of_trigger(tenant, settings);
    let stops = definition.stops.iter().map(|stop| &stop.trigger);
    for trigger in definition.triggers.iter().chain(stops) {
        trigger.watch(0, &renderer, &context)?;
    }
    definition.reentry.again_after(&renderer, &context).map(|_| ())
}
