//! Versions of a tenant's automation: looked at, compared, taken back, handed out as files, and what
//! becomes of the runs that are pinned to an old one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use similar::TextDiff;

use crate::app::App;
use crate::config::definitions::{self, Text};
use crate::domain::automation::fact::{self, Detail};
use crate::domain::automation::version::{self as stored, Parsed};
use crate::domain::lead::told;
use crate::ops::automation::definition::{self, Loaded};
use crate::ops::automation::{self as operation, Enabled, Switch};
use crate::ops::{LIST_LIMIT, Subject, chosen_texts};
use crate::pipeline::dispatch;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::{MessageTemplates, Version};
use nexora_core::model::event::{About, EventKind, Fact};
use nexora_core::model::language::Language;
use nexora_core::model::lead::LeadState;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::run::Run;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{LeadId, RunId};
use nexora_engine::automation::context::Settings;
use nexora_engine::automation::definition::Definition;
use nexora_engine::automation::setting;
use nexora_store::{Claim, Inserted, Tx, automation, job, lead, run};

pub const ROLLBACK: Operation = Operation::new("automation.rollback", Noun::Automation, Verb::Update);
pub const MIGRATE_RUNS: Operation = Operation::new("automation.migrate_runs", Noun::Automation, Verb::Update);
pub const RUN: Operation = Operation::new("automation.run", Noun::Run, Verb::Create);

/// Returns the live version of a tenant's automation.
///
/// # Errors
/// `NotFound` when the tenant has none of this name.
pub async fn live(app: &App, tenant: &Tenant, name: &str) -> Result<Version> {
    let name = name.to_owned();
    app.view(tenant, move |tx| {
        let found = operation::find_row(tx, &name)?;
        operation::live_version(tx, &found)
    })
    .await
}

/// Lists the versions of a tenant's automation, latest first.
///
/// # Errors
/// `NotFound` when the tenant has none of this name.
pub async fn history(app: &App, tenant: &Tenant, name: &str) -> Result<Vec<Version>> {
    let name = name.to_owned();
    app.view(tenant, move |tx| {
        let found = operation::find_row(tx, &name)?;
        automation::versions(tx, &found.id, LIST_LIMIT)
    })
    .await
}

async fn numbered(app: &App, tenant: &Tenant, name: &str, number: i32) -> Result<Version> {
    let versions = history(app, tenant, name).await?;
    versions.into_iter().find(|version| version.number == number).ok_or_else(|| {
        Error::not_found(format!("automation `{name}` has no version {number}"))
            .hint(format!("run `nexora automation history {name} --tenant {}`", tenant.slug))
    })
}

/// Makes the content of an old version live again, as a new version.
///
/// # Errors
/// `NotFound` when there is no such version; `Usage` when it does not pass today's checks.
pub async fn rollback(app: &App, actor: &Actor, tenant: &Tenant, name: &str, number: i32) -> Result<Enabled> {
    let old = numbered(app, tenant, name, number).await?;
    let loaded = Loaded {
        definition: Definition::parse(&old.definition)?,
        settings: old.settings.read()?,
        language: old.language,
        templates: old.templates.read()?,
        text: old.definition,
    };
    operation::put(app, actor, tenant, (name, ROLLBACK, Switch::Leave), loaded, false).await
}

/// What to compare.
#[derive(Clone, Debug)]
pub enum Other {
    /// What `enable` would make live now.
    Disk,
    Version(i32),
}

/// Compares two versions of an automation, as lines that begin with `-` and `+`; empty when they are
/// the same. `from` is the live version if nothing is said.
///
/// # Errors
/// `NotFound` when there is no such version.
pub async fn diff(app: &App, tenant: &Tenant, name: &str, from: Option<i32>, to: Other) -> Result<String> {
    let old = match from {
        Some(number) => numbered(app, tenant, name, number).await?,
        None => live(app, tenant, name).await?,
    };
    let (label, new) = match to {
        Other::Version(number) => {
            (format!("version {number}"), files_of(&numbered(app, tenant, name, number).await?)?)
        }
        Other::Disk => {
            let loaded = definition::load(app, tenant, name, &chosen_settings(&old, app, tenant, name)?)?;
            ("definitions".to_owned(), files(&loaded.text, &loaded.settings, &loaded.templates)?)
        }
    };
    let old_files = files_of(&old)?;
    let mut names: Vec<&String> = old_files.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let mut all = String::new();
    for file in names {
        let empty = String::new();
        let (before, after) = (old_files.get(file).unwrap_or(&empty), new.get(file).unwrap_or(&empty));
        if before != after {
            let shown = TextDiff::from_lines(before.as_str(), after.as_str());
            let header = (format!("{file} (version {})", old.number), format!("{file} ({label})"));
            all.push_str(&shown.unified_diff().context_radius(2).header(&header.0, &header.1).to_string());
        }
    }
    Ok(all)
}

/// Returns the settings that were chosen for a version, as far as the definition on disk still has them.
///
/// # Errors
/// `NotFound` when there is no such definition; `Usage` when it is not TOML.
pub(in crate::ops) fn chosen_settings(
    version: &Version,
    app: &App,
    tenant: &Tenant,
    name: &str,
) -> Result<BTreeMap<String, String>> {
    let text = app.config.definitions.of(tenant)?.automation(name)?;
    let read = Definition::read(&text.file, &text.text)?;
    let mut texts = chosen_texts(version, tenant)?;
    texts.retain(|name, _| read.definition.settings.contains_key(name));
    Ok(texts)
}

fn files_of(version: &Version) -> Result<BTreeMap<String, String>> {
    files(&version.definition, &version.settings.read()?, &version.templates.read()?)
}

/// Returns what a version holds as files: its definition, settings and messages.
fn files(
    definition: &str,
    settings: &Settings,
    templates: &MessageTemplates,
) -> Result<BTreeMap<String, String>> {
    let unwritable = |error| Error::internal("a message has no TOML form").source(error);
    let shown: Vec<String> = settings.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    let mut files = BTreeMap::from([
        ("automation.toml".to_owned(), definition.to_owned()),
        ("settings".to_owned(), shown.concat()),
    ]);
    for (name, template) in templates {
        let text = toml::to_string_pretty(template).map_err(unwritable)?;
        files.insert(format!("messages/{name}.toml"), text);
    }
    Ok(files)
}

/// Writes the live version into a folder that `definitions.folder` can name; returns what was written.
///
/// # Errors
/// `Conflict` when a file is there already; `Usage` when the folder cannot be written.
pub async fn export(app: &App, tenant: &Tenant, name: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let version = live(app, tenant, name).await?;
    let mut written = Vec::new();
    for (file, text) in files_of(&version)? {
        let place = match file.as_str() {
            "automation.toml" => folder.join("automations").join(format!("{name}.toml")),
            "settings" => continue,
            message => folder.join(message),
        };
        if place.exists() {
            return Err(Error::conflict(format!("`{}` is there already", place.display()))
                .hint("choose an empty folder"));
        }
        file::write(&place, text, Kind::Usage)?;
        written.push(place);
    }
    Ok(written)
}

/// What became of a run that was to be moved to another version.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    pub run: RunId,
    pub from: i32,
    pub to: i32,
    /// The step that it goes on with.
    pub step: String,
    /// Why it was not moved; nothing when it was, or would be.
    pub refused: Option<String>,
}

/// Moves the runs under way to the live version: each goes on with the step of the same name that it
/// waits at. A run whose steps so far are not the same there stays where it is. With `dry_run`,
/// nothing is written.
///
/// # Errors
/// `NotFound` when the tenant has none of this name.
pub async fn migrate_runs(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    dry_run: bool,
) -> Result<Vec<Moved>> {
    let name = name.to_owned();
    app.change(actor, tenant, MIGRATE_RUNS, move |tx, _| {
        let found = operation::find_row(tx, &name)?;
        let target = stored::parsed(tx, &found.id, found.live_version)?;
        let mut all = Vec::new();
        for open in run::open_of_automation(tx, &found.id)? {
            if open.version == found.live_version {
                continue;
            }
            let current = stored::parsed(tx, &found.id, open.version)?;
            let mut line = plan_move(&open, &current, &target, found.live_version);
            if line.refused.is_none()
                && !dry_run
                && run::set_version(tx, &open, found.live_version, open.position)? == Claim::Lost
            {
                line.refused = Some("it went on just now".to_owned());
            }
            all.push(line);
        }
        let subject = Subject::new(&name).after(&all)?;
        Ok((all, subject))
    })
    .await
}

fn plan_move(open: &Run, current: &Parsed, target: &Parsed, to: i32) -> Moved {
    let position = usize::try_from(open.position).unwrap_or(usize::MAX);
    let ids = |parsed: &Parsed, count: usize| -> Vec<String> {
        parsed.definition.steps.iter().take(count).map(|step| step.id.clone()).collect()
    };
    let step = current.definition.steps.get(position).map(|step| step.id.clone()).unwrap_or_default();
    let done = position.saturating_add(1);
    let same = ids(current, done) == ids(target, done);
    let refused = (!same).then(|| format!("the steps up to `{step}` are not the same in version {to}"));
    Moved { run: open.id.clone(), from: open.version, to, step, refused }
}

/// Starts an automation that waits for `manual`, for a contact, lead or job; or one that waits for leads, for a lead that
/// came while it was off.
///
/// # Errors
/// `NotFound` when the tenant has none of this name; `Conflict` when nothing in it waits for that, or it has run for the
/// lead.
pub async fn start(app: &App, actor: &Actor, tenant: &Tenant, name: &str, about: About) -> Result<()> {
    let version = live(app, tenant, name).await?;
    let definition = Definition::parse(&version.definition)?;
    let waits_for = |kind| definition.triggers.iter().any(|trigger| trigger.on.kind().event == kind);
    if let Some(id) = about.lead_id.clone()
        && !waits_for(EventKind::Manual)
        && waits_for(EventKind::LeadReceived)
    {
        return start_for_lead(app, actor, tenant, name, id).await;
    }
    if !waits_for(EventKind::Manual) {
        return Err(Error::conflict(format!("automation `{name}` has no trigger on `manual`"))
            .hint("add `[[trigger]]` with `on = \"manual\"`"));
    }
    let name = name.to_owned();
    app.change(actor, tenant, RUN, move |tx, now| {
        let about = with_contact(tx, about)?;
        let key = format!("{name}:{}", RunId::new(now));
        let detail = Detail { to: &name, from: "" };
        let told = fact::record_event(tx, EventKind::Manual, &key, about.clone(), detail, now)?;
        debug_assert_eq!(told, Inserted::New, "the key holds a new id");
        let subject = Subject::new(&name).after(&Fact { about, ..Fact::default() })?;
        Ok(((), subject))
    })
    .await
}

async fn start_for_lead(app: &App, actor: &Actor, tenant: &Tenant, name: &str, id: LeadId) -> Result<()> {
    let name = name.to_owned();
    app.change(actor, tenant, RUN, move |tx, now| {
        let found = lead::find(tx, &id)?.ok_or_else(|| tx.missing("lead", &id))?;
        if found.state == LeadState::Spam {
            return Err(Error::conflict(format!("lead `{id}` is held back as spam"))
                .hint(format!("run `nexora lead not-spam {id}` first")));
        }
        let gone = || Error::conflict(format!("what told of lead `{id}` is gone"));
        let told = told::event_of(tx, &found)?.ok_or_else(gone)?;
        let automation = operation::find_row(tx, &name)?;
        dispatch::begin_anew(tx, &told, &automation, now)?;
        let about = About { lead_id: Some(id), ..About::default() };
        let subject = Subject::new(&name).after(&Fact { about, ..Fact::default() })?;
        Ok(((), subject))
    })
    .await
}

fn with_contact(tx: &mut Tx, mut about: About) -> Result<About> {
    if let (None, Some(id)) = (&about.lead_id, &about.job_id) {
        let found = job::find(tx, id)?;
        let found = found.ok_or_else(|| Error::not_found(format!("no job `{id}`")))?;
        about.contact_id = about.contact_id.or(found.contact_id);
        about.lead_id = found.lead_id;
    }
    if let (None, Some(id)) = (&about.contact_id, &about.lead_id) {
        let found = lead::find(tx, id)?;
        about.contact_id = found.ok_or_else(|| Error::not_found(format!("no lead `{id}`")))?.contact_id;
    }
    Ok(about)
}

/// Returns the files to begin an automation of one's own with: those that come with the program where it
/// has one of this name, with its messages in a language, or else a scaffold.
///
/// # Errors
/// `Internal` when what comes with the program is wrong.
pub fn beginning(name: &str, language: Language) -> Result<Vec<Text>> {
    let Some(text) = definitions::built_in_automation(name) else {
        return Ok(vec![scaffold(name), message_scaffold(name)]);
    };
    let definition = Definition::parse(&text.text)?;
    let names = definition.template_names(&setting::fixed(&definition.settings));
    let messages = names.iter().filter_map(|name| definitions::built_in_message(language, name));
    Ok(std::iter::once(text.clone()).chain(messages).collect())
}

fn scaffold(name: &str) -> Text {
    let title = name.replace('-', " ");
    let text = format!(
        r#"# What it does and for whom, in a sentence.

[automation]
name        = "{name}"
title       = "{title}"
description = "Thank a customer for a completed job."

# What a tenant may set: `nexora automation enable {name} --set delay=2h`.
[settings]
delay = {{ type = "duration", default = "2h", help = "wait after the job was completed" }}

# What starts it. `nexora automation reference` lists everything that can.
[[trigger]]
on = "job.completed"

# What ends it early, for the same contact.
[[stop]]
on = ["message.received", "contact.unsubscribed"]

[[step]]
id     = "address"
action = "condition"
with   = {{ if = "contact.email", otherwise = "the customer has no mail address" }}

[[step]]
id     = "wait"
action = "wait"
with   = {{ for = "{{{{ settings.delay }}}}", hours = "{{{{ tenant.business_hours }}}}" }}

# The message is in `messages/{name}.toml`.
[[step]]
id     = "thank"
action = "message.send"
with   = {{ to = "{{{{ contact.email }}}}", template = "{name}" }}
"#
    );
    Text { file: format!("automations/{name}.toml"), text }
}

fn message_scaffold(name: &str) -> Text {
    let text = r#"subject = "Thank you{% if contact.first_name %}, {{ contact.first_name }}{% endif %}"

text = """
Hi{% if contact.first_name %} {{ contact.first_name }}{% endif %},

Thank you for choosing {{ tenant.name }} for {{ job.title }}.
"""

html = """
<p>Hi{% if contact.first_name %} {{ contact.first_name }}{% endif %},</p>
<p>Thank you for choosing <strong>{{ tenant.name }}</strong> for {{ job.title }}.</p>
"""
"#;
    Text { file: format!("messages/{name}.toml"), text: text.to_owned() }
}
