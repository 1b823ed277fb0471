//! Automations: templates that can be enabled, and the tenant's own, switched and looked at.

pub mod definition;
pub mod effect;
pub mod event;
pub mod language;
pub mod run;
pub mod trial;
pub mod version;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::config::definitions::{Shelf, Text};
use crate::domain::connection::quota_check::{self, PollPlan};
use crate::domain::connection::watch;
use crate::ops::LIST_LIMIT;
use crate::ops::Subject;
use crate::ops::automation::definition::{Loaded, Template};
use crate::ops::setting_texts;
use crate::ops::unit::Unit;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::AutomationId;
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::{Automation, AutomationState, MessageTemplates, Version};
use nexora_core::model::connection::{Abilities, Ability, Connection};
use nexora_core::model::connector::Connections;
use nexora_core::model::language::Language;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_engine::automation::ability;
use nexora_engine::automation::context::Settings;
use nexora_engine::automation::definition::Definition;
use nexora_store::{Conn, Inserted, Tx, automation, connection};

pub const ENABLE: Operation = Operation::new("automation.enable", Noun::Automation, Verb::Update);
pub const SET: Operation = Operation::new("automation.set", Noun::Automation, Verb::Update);
pub const DISABLE: Operation = Operation::new("automation.disable", Noun::Automation, Verb::Update);
pub const PAUSE: Operation = Operation::new("automation.pause", Noun::Automation, Verb::Update);
pub const RESUME: Operation = Operation::new("automation.resume", Noun::Automation, Verb::Update);

/// A tenant's automation with its live version.
#[derive(Clone, Debug, Serialize)]
pub struct AutomationView {
    #[serde(flatten)]
    pub automation: Automation,
    pub title: String,
    pub settings: Json,
    /// What it needs of Google, as it is set.
    pub google: Abilities,
    pub steps: Vec<StepView>,
}

#[derive(Clone, Debug, Serialize)]
pub struct StepView {
    pub id: String,
    pub action: String,
    pub when: Option<String>,
}

/// What enabling did, or would do.
#[derive(Clone, Debug, Serialize)]
pub struct Enabled {
    pub name: String,
    /// `created`, `new version`, `resumed` or `unchanged`.
    pub change: &'static str,
    /// Whether it runs then.
    pub state: AutomationState,
    pub version: i32,
    pub settings: Json,
    /// What it needs of Google with these settings.
    pub google: Abilities,
}

/// Lists what can be enabled, each checked whole, and the names of those that are wrong.
pub fn templates(app: &App, shelf: &Shelf) -> (Vec<Template>, Vec<String>) {
    let (mut templates, mut wrong) = (Vec::new(), Vec::new());
    for name in shelf.automation_names() {
        match definition::template(shelf, app.connectors().facts(), &name) {
            Ok(template) => templates.push(template),
            Err(_) => wrong.push(name),
        }
    }
    (templates, wrong)
}

/// Enables an automation, or brings one that the tenant has to today's definition and these settings;
/// what was chosen before stays unless it is given anew. The same input twice changes nothing. With
/// `dry_run`, nothing is written.
///
/// # Errors
/// `NotFound` when there is no such template; `Usage` naming the setting or fault.
pub async fn enable(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    given: &BTreeMap<String, String>,
    dry_run: bool,
) -> Result<Enabled> {
    let mut settings = match version::live(app, tenant, name).await {
        Ok(live) => version::chosen_settings(&live, app, tenant, name)?,
        Err(error) if error.kind() == Kind::NotFound => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    settings.extend(given.clone());
    let loaded = definition::load(app, tenant, name, &settings)?;
    put(app, actor, tenant, (name, ENABLE, Switch::On), loaded, dry_run).await
}

/// What a new version means for an automation that is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ops) enum Switch {
    On,
    Leave,
}

/// Makes what was loaded the live version of a tenant's automation, unless it is.
///
/// # Errors
/// `Conflict` or `Denied` naming what the tenant or its connections lack.
pub(in crate::ops) async fn put(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    (name, operation, switch): (&str, Operation, Switch),
    loaded: Loaded,
    dry_run: bool,
) -> Result<Enabled> {
    check_tenant(&loaded.definition, tenant)?;
    let connections = app.view(tenant, |tx| connection::list(tx, LIST_LIMIT)).await?;
    let connectors = app.connectors().clone();
    check_abilities(name, &loaded.definition, &loaded.settings, (&connections, &connectors))?;
    let connections = Connections::new(&connections, connectors.facts());
    let google = ability::needed_with(&loaded.definition, &loaded.settings, connections);
    let wanted = Wanted::new(loaded, actor)?;
    let name = name.to_owned();
    if dry_run {
        return app
            .view(tenant, move |tx| plan(tx, &name, &wanted, switch).map(|plan| plan.report(&google)))
            .await;
    }
    let polls = PollPlan::of(&app.config);
    app.change(actor, tenant, operation, move |tx, now| {
        let plan = plan(tx, &name, &wanted, switch)?;
        plan.apply(tx, wanted, now)?;
        let tenant = tx.tenant;
        watch::reconcile(tx, &connectors, tenant, now)?;
        quota_check::check(tx, &polls)?;
        let report = plan.report(&google);
        let subject = Subject::new(&name).after(&report)?;
        Ok((report, subject))
    })
    .await
}

/// Changes settings of an automation and leaves the others as they are, with the definition as it is
/// live. With `dry_run`, nothing is written.
///
/// # Errors
/// `NotFound` when the tenant has none of this name; `Usage` naming the setting.
pub async fn set(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    changes: &BTreeMap<String, String>,
    dry_run: bool,
) -> Result<Enabled> {
    let live = version::live(app, tenant, name).await?;
    let mut given = setting_texts(&live)?;
    given.extend(changes.clone());
    let text = Text { file: format!("{name}.toml"), text: live.definition.clone() };
    let shelf = app.config.definitions.of(tenant)?;
    let mut loaded = definition::load_text(&shelf, app.connectors().facts(), tenant, &text, &given)?;
    // Messages stay as they are live: an edit of theirs is published by enabling.
    loaded.language = live.language;
    let frozen: MessageTemplates = live.templates.read()?;
    for (name, template) in &mut loaded.templates {
        if let Some(before) = frozen.get(name) {
            *template = before.clone();
        }
    }
    put(app, actor, tenant, (name, SET, Switch::Leave), loaded, dry_run).await
}

/// Switches an automation off: events start no runs, and runs in flight go on.
///
/// # Errors
/// `NotFound` when the tenant has none of this name.
pub async fn disable(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Automation> {
    set_state(app, actor, tenant, name, AutomationState::Disabled, DISABLE).await
}

/// Pauses an automation: events start runs, and all runs wait.
///
/// # Errors
/// `NotFound` when the tenant has none of this name.
pub async fn pause(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Automation> {
    set_state(app, actor, tenant, name, AutomationState::Paused, PAUSE).await
}

/// Resumes an automation: what waited goes on where it was.
///
/// # Errors
/// `NotFound` when the tenant has none of this name.
pub async fn resume(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<Automation> {
    set_state(app, actor, tenant, name, AutomationState::Enabled, RESUME).await
}

/// Shows a tenant's automation with the settings and steps of its live version.
///
/// # Errors
/// `NotFound` when the tenant has none of this name.
pub async fn find(app: &App, tenant: &Tenant, name: &str) -> Result<AutomationView> {
    let (name, connectors) = (name.to_owned(), app.connectors().clone());
    app.view(tenant, move |tx| {
        let automation = find_row(tx, &name)?;
        let version = live_version(tx, &automation)?;
        let definition = Definition::parse(&version.definition)?;
        let connections = connection::list(tx, LIST_LIMIT)?;
        let connections = Connections::new(&connections, connectors.facts());
        let google = ability::needed_with(&definition, &version.settings.read()?, connections);
        let steps = definition.steps.into_iter();
        Ok(AutomationView {
            google,
            automation,
            title: definition.head.title,
            settings: version.settings,
            steps: steps.map(|s| StepView { id: s.id, action: s.action_name, when: s.when }).collect(),
        })
    })
    .await
}

/// Refuses what the tenant lacks for an automation.
fn check_tenant(definition: &Definition, tenant: &Tenant) -> Result<()> {
    if definition.is_commercial() && tenant.settings()?.postal_address.trim().is_empty() {
        let (name, slug) = (&definition.head.name, &tenant.slug);
        let message = format!("automation `{name}` sends commercial mail, which needs a postal address");
        return Err(Error::conflict(message).hint(format!(
            "run `nexora tenant set {slug} postal_address=\"12 Main St, Austin, TX 78701\"`"
        )));
    }
    Ok(())
}

/// Returns what automations need of Google at most, by their names.
///
/// # Errors
/// `NotFound` when there is no such template.
pub fn abilities(app: &App, names: &[String]) -> Result<Abilities> {
    let mut all = Abilities::new();
    for name in names {
        all.extend(
            definition::template(&app.config.definitions.common(), app.connectors().facts(), name)?.google,
        );
    }
    Ok(all)
}

/// Refuses an automation that needs more than a connection it would use may do: those that its triggers
/// name, or else the oldest. Without a connection that grants abilities there is nothing to refuse: what
/// needs one says so when it runs.
fn check_abilities(
    name: &str,
    definition: &Definition,
    settings: &Settings,
    (connections, connectors): (&[Connection], &Connectors),
) -> Result<()> {
    let all = Connections::new(connections, connectors.facts());
    let granting = || all.iter().filter(|found| all.facts(found).is_some_and(|facts| facts.has_abilities));
    let is_named = |connection: &&Connection| {
        definition.triggers.iter().any(|trigger| trigger.connection() == Some(&connection.name))
    };
    let named: Vec<&Connection> = granting().filter(is_named).collect();
    let used = if named.is_empty() { granting().take(1).collect() } else { named };
    let needed = ability::needed_with(definition, settings, all);
    for connection in used {
        let granted = connectors.of(connection)?.abilities(connection)?;
        let missing = Ability::missing(&needed, &granted);
        if !missing.is_empty() {
            let (words, used) = (Ability::in_words(&missing), &connection.name);
            let message = format!("automation `{name}` needs what connection `{used}` may not do: {words}");
            return Err(
                Error::denied(message).hint(format!("run `nexora connection authorize {used} --for {name}`"))
            );
        }
    }
    Ok(())
}

/// What a version is to hold.
pub(in crate::ops) struct Wanted {
    pub definition: String,
    pub settings: Json,
    pub language: Language,
    pub templates: Json,
    pub created_by: String,
}

impl Wanted {
    pub fn new(loaded: Loaded, actor: &Actor) -> Result<Wanted> {
        Ok(Wanted {
            definition: loaded.text,
            settings: Json::of(&loaded.settings)?,
            language: loaded.language,
            templates: Json::of(&loaded.templates)?,
            created_by: actor.to_string(),
        })
    }
}

/// An automation that a tenant gets unless it has it already, in whatever state.
pub(in crate::ops) struct DefaultAutomation {
    name: String,
    wanted: Wanted,
}

impl DefaultAutomation {
    /// Prepares it with its default settings.
    ///
    /// # Errors
    /// `Usage` naming the faults of a definition in `definitions.folder`.
    pub fn new(app: &App, actor: &Actor, tenant: &Tenant, name: &str) -> Result<DefaultAutomation> {
        let loaded = definition::load(app, tenant, name, &BTreeMap::new())?;
        Ok(DefaultAutomation { name: name.to_owned(), wanted: Wanted::new(loaded, actor)? })
    }

    /// Enables it where the tenant has none of its name.
    pub fn enable(self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        if automation::find_by_name(tx, &self.name)?.is_some() {
            return Ok(());
        }
        let settings = self.wanted.settings.clone();
        Plan::Create { name: self.name, settings }.apply(tx, self.wanted, now)
    }
}

pub(in crate::ops) enum Plan {
    Create { name: String, settings: Json },
    Update { automation: Automation, state: AutomationState, settings: Json },
    Resume { automation: Automation, settings: Json },
    Nothing { automation: Automation, settings: Json },
}

pub(in crate::ops) fn plan(tx: &mut Tx, name: &str, wanted: &Wanted, switch: Switch) -> Result<Plan> {
    let settings = wanted.settings.clone();
    let Some(automation) = automation::find_by_name(tx, name)? else {
        return Ok(Plan::Create { name: name.to_owned(), settings });
    };
    let live = live_version(tx, &automation)?;
    let same = live.definition == wanted.definition
        && live.settings == wanted.settings
        && live.language == wanted.language
        && live.templates == wanted.templates;
    let state = match switch {
        Switch::On => AutomationState::Enabled,
        Switch::Leave => automation.state,
    };
    Ok(match (same, automation.state == state) {
        (false, _) => Plan::Update { automation, state, settings },
        (true, true) => Plan::Nothing { automation, settings },
        (true, false) => Plan::Resume { automation, settings },
    })
}

impl Plan {
    pub fn report(&self, google: &Abilities) -> Enabled {
        let state = match self {
            Plan::Update { state, .. } => *state,
            Plan::Nothing { automation, .. } => automation.state,
            Plan::Create { .. } | Plan::Resume { .. } => AutomationState::Enabled,
        };
        let (name, change, version, settings) = match self {
            Plan::Create { name, settings } => (name, "created", 1, settings),
            Plan::Update { automation, settings, .. } => {
                (&automation.name, "new version", automation.live_version + 1, settings)
            }
            Plan::Resume { automation, settings } => {
                (&automation.name, "resumed", automation.live_version, settings)
            }
            Plan::Nothing { automation, settings } => {
                (&automation.name, "unchanged", automation.live_version, settings)
            }
        };
        Enabled {
            name: name.clone(),
            change,
            state,
            version,
            settings: settings.clone(),
            google: google.clone(),
        }
    }

    pub fn apply(&self, tx: &mut Tx, wanted: Wanted, now: Timestamp) -> Result<()> {
        let tenant = tx.tenant();
        let (id, number, state) = match self {
            Plan::Create { name, .. } => {
                let id = AutomationId::new(now);
                let new = Automation {
                    tenant_id: tenant.clone(),
                    id: id.clone(),
                    name: name.clone(),
                    state: AutomationState::Enabled,
                    live_version: 1,
                    created_at: now,
                    updated_at: now,
                };
                if automation::insert(tx, &new)? == Inserted::AlreadyThere {
                    return Err(Error::conflict(format!("automation `{name}` was enabled just now")));
                }
                (id, 1, AutomationState::Enabled)
            }
            Plan::Update { automation, state, .. } => {
                (automation.id.clone(), automation.live_version + 1, *state)
            }
            Plan::Resume { automation, .. } => {
                automation::set_state(tx, &automation.id, AutomationState::Enabled, now)?;
                return nexora_store::run::wake_parked(tx, Some(&automation.id), now).map(|_| ());
            }
            Plan::Nothing { .. } => return Ok(()),
        };
        let version = Version {
            tenant_id: tenant.clone(),
            automation_id: id.clone(),
            number,
            definition: wanted.definition,
            settings: wanted.settings,
            language: wanted.language,
            templates: wanted.templates,
            created_at: now,
            created_by: wanted.created_by,
        };
        automation::insert_version(tx, &version)?;
        automation::set_state(tx, &id, state, now)?;
        match state {
            AutomationState::Enabled => nexora_store::run::wake_parked(tx, Some(&id), now).map(|_| ()),
            AutomationState::Paused | AutomationState::Disabled => Ok(()),
        }
    }
}

async fn set_state(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    name: &str,
    state: AutomationState,
    operation: Operation,
) -> Result<Automation> {
    let (name, connectors) = (name.to_owned(), app.connectors().clone());
    app.change(actor, tenant, operation, move |tx, now| {
        let tenant = tx.tenant;
        let before = find_row(tx, &name)?;
        automation::set_state(tx, &before.id, state, now)?;
        if state == AutomationState::Enabled {
            nexora_store::run::wake_parked(tx, Some(&before.id), now)?;
        }
        watch::reconcile(tx, &connectors, tenant, now)?;
        let after = Automation { state, updated_at: now, ..before.clone() };
        let subject = Subject::new(&name).before(&before.state)?.after(&state)?;
        Ok((after, subject))
    })
    .await
}

pub(in crate::ops) fn find_row(tx: &mut Unit<'_>, name: &str) -> Result<Automation> {
    automation::find_by_name(tx, name)?.ok_or_else(|| tx.missing("automation", name))
}

pub(in crate::ops) fn live_version(conn: &mut Conn, automation: &Automation) -> Result<Version> {
    automation::find_version(&mut conn.of(&automation.tenant_id), &automation.id, automation.live_version)?
        .ok_or_else(|| Error::internal(format!("the live version of `{}` is gone", automation.name)))
}
