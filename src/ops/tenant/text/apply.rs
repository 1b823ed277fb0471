//! A tenant brought to what a folder says, in one transaction, by the operations that the commands run.
//!
//! Each thing that differs is worked on behind a mark. An operation that fails is undone and its reason kept with file and line;
//! the next is tried all the same, so that everything that is wrong is said at once. What turns out to be so already, only spelled
//! otherwise, is undone, too: neither the audit trail nor the plan tells of it. A dry run does all of it and keeps nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::App;
use crate::ops::tenant::data::import;
use crate::ops::tenant::text::plan::{Change, Line, Missing, Plan, parts};
use crate::ops::tenant::text::step;
use crate::ops::tenant::text::step_tenant::{set_form, set_tenant};
use crate::ops::tenant::text::{Item, Place, Shown, Text, gather, read};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::AutomationState;
use nexora_core::model::principal::Operation;
use nexora_core::model::tenant::{Tenant, TenantState};
use nexora_engine::automation::source_text::{Fault, report};

pub const APPLY: Operation = Operation::of_operators("tenant.apply");

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub folder: PathBuf,
    /// The slug under which it is applied, where that is not the folder's.
    pub slug: Option<Slug>,
    /// Whether what the folder does not name goes.
    pub prune: bool,
    pub dry_run: bool,
    /// Whether the tenant's rows are put in, too.
    pub with_data: bool,
    /// What opens the secrets that came with the rows.
    pub passphrase: Option<Secret>,
}

/// Applies a folder.
///
/// # Errors
/// `Usage` with everything that is wrong, by file and line: nothing was changed then. Those of `read`; `Unavailable` from the
/// database.
pub async fn apply(app: &App, actor: &Actor, wish: &Wish) -> Result<Plan> {
    let (mut text, faults) = read(&wish.folder)?;
    if let Some(slug) = &wish.slug {
        text.tenant.value.slug = Some(slug.clone());
    }
    let whole = app.in_transaction().await?;
    let mut work = Work {
        app: Arc::clone(&whole),
        actor: actor.clone(),
        folder: wish.folder.clone(),
        tenant: None,
        now: Text::default(),
        faults,
        plan: Plan {
            tenant: text.tenant.value.name(),
            dry_run: wish.dry_run,
            changes: Vec::new(),
            left_over: Vec::new(),
            missing: Vec::new(),
            shown_once: Vec::new(),
            held: None,
        },
    };
    if wish.with_data {
        work.put(&mut text, wish).await?;
    }
    work.bring(&text, wish.prune).await?;
    report(&format!("`{}`", wish.folder.display()), &sorted(work.faults))
        .map_err(|error| error.hint("nothing was changed: mend it, and apply it again"))?;
    if !wish.dry_run && !work.plan.changes.is_empty() {
        whole.db.keep_all().await?;
        app.nudges.all();
        app.db.tell_others();
        if let Some(tenant) = &work.tenant {
            app.forget_public_profile(&tenant.slug);
        }
    }
    Ok(work.plan)
}

fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults
        .sort_by(|one, other| (&one.file, one.line, &one.text).cmp(&(&other.file, other.line, &other.text)));
    faults.dedup();
    faults
}

/// A folder that is being applied.
pub struct Work {
    /// Everything is done in its transaction.
    pub app: Arc<App>,
    pub actor: Actor,
    pub folder: PathBuf,
    pub tenant: Option<Tenant>,
    /// The tenant as it has become so far.
    pub now: Text,
    pub faults: Vec<Fault>,
    pub plan: Plan,
}

impl Work {
    /// Puts in the rows that came with the text. The tenant is suspended then, whatever the text says.
    async fn put(&mut self, text: &mut Text, wish: &Wish) -> Result<()> {
        text.tenant.value.state = None;
        // Without a slug there is a fault already.
        let Some(slug) = text.tenant.value.slug.clone() else { return Ok(()) };
        let put =
            import::put(&self.app, &self.actor, (&wish.folder, &slug), wish.passphrase.as_ref()).await?;
        let line = |(name, rows): (String, u64)| Line {
            change: Change::Create,
            noun: "rows",
            name,
            parts: vec![rows.to_string()],
        };
        self.plan.changes.extend(put.rows.into_iter().map(line));
        if !wish.dry_run {
            self.plan.shown_once.extend(put.shown_once);
        }
        Ok(())
    }

    async fn bring(&mut self, text: &Text, prune: bool) -> Result<()> {
        // What is wrong by itself is said beside what the database says.
        let is_read = self.faults.is_empty();
        if !set_tenant(self, &text.tenant).await? {
            return Ok(());
        }
        set_form(self, &text.form).await?;
        for of in &text.connections {
            step::set_connection(self, of).await?;
        }
        for of in &text.sources {
            step::set_source(self, of).await?;
        }
        for of in &text.automations {
            step::set_automation(self, of).await?;
        }
        for of in &text.users {
            step::set_user(self, of).await?;
        }
        if is_read {
            self.leave_or_prune(text, prune).await?;
        }
        self.missing(text).await
    }

    pub fn tenant(&self) -> Result<&Tenant> {
        self.tenant.as_ref().ok_or_else(|| Error::internal("the tenant is not there yet"))
    }

    pub fn fault(&mut self, place: &Place, name: Option<&str>, text: String) {
        let file = if place.file.is_empty() { ".".to_owned() } else { place.file.clone() };
        self.faults.push(Fault { file, line: place.line_of(name).max(1), text });
    }

    /// Returns what the tenant has under a name.
    pub fn shown<T: Item>(&self, name: &str) -> Option<Shown> {
        let of = &self.now;
        let find = |noun: &str| -> Vec<(String, Shown)> {
            match noun {
                "tenant" => vec![(of.tenant.value.name(), of.tenant.value.shown())],
                "form" => vec![(of.form.value.name(), of.form.value.shown())],
                "connection" => of.connections.iter().map(|of| (of.value.name(), of.value.shown())).collect(),
                "source" => of.sources.iter().map(|of| (of.value.name(), of.value.shown())).collect(),
                "automation" => of.automations.iter().map(|of| (of.value.name(), of.value.shown())).collect(),
                _ => of.users.iter().map(|of| (of.value.name().to_lowercase(), of.value.shown())).collect(),
            }
        };
        let name = if T::NOUN == "user" { name.to_lowercase() } else { name.to_owned() };
        find(T::NOUN).into_iter().find(|(known, _)| *known == name).map(|(_, shown)| shown)
    }

    /// Does a piece of work behind a mark, and keeps it if it has changed anything.
    pub async fn step<T: Item>(
        &mut self,
        name: &str,
        place: &Place,
        change: Option<Change>,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let before = self.shown::<T>(name);
        self.app.db.mark().await?;
        match work.await {
            Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Internal) => return Err(error),
            Err(error) => {
                self.app.db.undo().await?;
                let hint = error.hint_text().map(|hint| format!(" ({hint})")).unwrap_or_default();
                let of = if name.is_empty() { T::NOUN.to_owned() } else { format!("{} `{name}`", T::NOUN) };
                self.fault(place, None, format!("{of}: {}{hint}", error.report()));
                return Ok(());
            }
            Ok(()) => {}
        }
        self.look().await?;
        let after = self.shown::<T>(name);
        if before == after {
            return self.app.db.undo().await;
        }
        self.app.db.keep().await?;
        let change = change.unwrap_or(match (&before, &after) {
            (None, _) => Change::Create,
            (Some(_), Some(_)) => Change::Change,
            (Some(_), None) => Change::Delete,
        });
        let parts = match (&before, &after) {
            (Some(before), Some(after)) if change == Change::Change => parts(before, after),
            _ => Vec::new(),
        };
        self.plan.changes.push(Line { change, noun: T::NOUN, name: name.to_owned(), parts });
        Ok(())
    }

    /// Looks at what the tenant is now.
    pub async fn look(&mut self) -> Result<()> {
        let Some(tenant) = &self.tenant else { return Ok(()) };
        let tenant = crate::ops::tenant::find(&self.app, &tenant.slug).await?;
        let (connectors, now) = (self.app.connectors().clone(), self.app.clock.now());
        self.now = self.app.view(&tenant, move |tx| gather::all(tx, &connectors, now)).await?;
        self.tenant = Some(tenant);
        Ok(())
    }

    /// Says what the folder does not name, or takes it away.
    async fn leave_or_prune(&mut self, text: &Text, prune: bool) -> Result<()> {
        let mut rest: Vec<(&'static str, String)> = Vec::new();
        let alert = crate::config::definitions::CONNECTION_ALERT;
        let automations = self.now.automations.iter().map(|of| &of.value).filter(|of| {
            // One that comes with the first connection, and needs no mention.
            of.state != AutomationState::Disabled && of.name != alert
        });
        let is_named = |name: &str| text.automations.iter().any(|of| of.value.name == name);
        rest.extend(automations.filter(|of| !is_named(&of.name)).map(|of| ("automation", of.name.clone())));
        let is_named = |name: &str| text.sources.iter().any(|of| of.value.name == name);
        let sources = self.now.sources.iter().map(|of| of.value.name.clone());
        rest.extend(sources.filter(|name| !is_named(name)).map(|name| ("source", name)));
        let is_named = |name: &str| text.connections.iter().any(|of| of.value.name == name);
        let connections = self.now.connections.iter().map(|of| of.value.name.clone());
        rest.extend(connections.filter(|name| !is_named(name)).map(|name| ("connection", name)));
        let is_named = |email: &str| text.users.iter().any(|of| of.value.email.eq_ignore_ascii_case(email));
        let users = self.now.users.iter().map(|of| of.value.email.clone());
        rest.extend(users.filter(|email| !is_named(email)).map(|email| ("user", email)));
        for (noun, name) in rest {
            match prune {
                true => step::prune(self, noun, &name).await?,
                false => self.plan.left_over.push(format!("{noun} {name}")),
            }
        }
        Ok(())
    }

    /// Notes the secrets that are yet to be given.
    async fn missing(&mut self, text: &Text) -> Result<()> {
        let mut missing = step::missing_of(self, text).await?;
        missing.sort();
        missing.dedup();
        self.plan.missing = missing;
        let is_suspended = self.tenant()?.state == TenantState::Suspended;
        self.plan.held = is_suspended.then(|| format!("nexora tenant resume {}", self.plan.tenant));
        Ok(())
    }

    pub fn command(&self, command: &str) -> String {
        let slug = self.plan.tenant.as_str();
        format!("nexora {command} --tenant {slug}")
    }
}

/// Makes a note of a missing secret.
pub fn missing(what: impl Into<String>, command: String) -> Missing {
    Missing { what: what.into(), command }
}

/// Returns the folder of one automation.
pub fn automation_folder(folder: &Path, name: &str) -> PathBuf {
    folder.join("automations").join(name)
}
