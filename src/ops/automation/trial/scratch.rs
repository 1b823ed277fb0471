//! A scratch world: a copy of a tenant's rows, a clock set by hand, and providers behind which nothing happens.
//!
//! The real pipeline runs in it, so that what is imagined is decided by the code that decides what is real. It
//! goes when it is dropped, and the tenant's own database is only read.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use crate::app::App;
use crate::domain::automation::stop::{self, Drops};
use crate::domain::automation::version::DRAFT;
use crate::ops::LIST_LIMIT;
use crate::ops::automation::definition::Loaded;
use crate::ops::automation::trial::provider;
use crate::pipeline;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::AutomationId;
use nexora_core::model::automation::{Automation, AutomationState, Version};
use nexora_core::model::connection::Connection;
use nexora_core::model::connector::Kinds;
use nexora_core::model::run::Run;
use nexora_core::model::tenant::{Tenant, TenantMode, TenantState};
use nexora_store::copy::{self, Contents};
use nexora_store::due::{self, Queue};
use nexora_store::{Conn, Db, Tx, Url, automation, connection, run, scratch};

/// Times that everything due is done at most in one stretch, so that no trial goes on for ever.
const MOVES: usize = 2_000;

pub struct Scratch {
    pub app: Arc<App>,
    pub tenant: Tenant,
    /// The automation that is tried out; the tenant's others do nothing here.
    pub automation: AutomationId,
    _folder: tempfile::TempDir,
}

impl Scratch {
    /// Copies the tenant's rows, and puts the draft in the place of its automation of that name. Time stands
    /// at `at`.
    ///
    /// # Errors
    /// `Unavailable` when the tenant cannot be read, or nothing can be written to the temporary folder.
    pub async fn open(app: &App, tenant: &Tenant, draft: &Loaded, at: Timestamp) -> Result<Scratch> {
        let folder = folder()?;
        let url = Url::Scratch(folder.path().join("scratch.db"));
        let db = Db::create(&url).await?;
        let id = tenant.id.clone();
        app.db.read(move |from| copy::tenant(from, &mut url.establish()?, &id, Contents::History)).await?;
        let clock = Clock::hand_set(at);
        let world =
            App::assemble(app.config.clone(), db, clock, app.key.clone(), provider::registry(&app.registry));
        let (id, draft, kinds) = (tenant.id.clone(), draft.clone(), app.connectors().facts().clone());
        let automation = world.db.write(move |conn| {
            scratch::prepare(&mut conn.of(&id))?;
            add_connections(&mut conn.of(&id), &kinds, at)?;
            put_draft(&mut conn.of(&id), &draft, at)
        });
        let (tenant, automation) = (tenant.clone(), automation.await?);
        let tenant = Tenant { state: TenantState::Active, mode: TenantMode::Live, ..tenant };
        Ok(Scratch { app: world, tenant, automation, _folder: folder })
    }

    /// Writes to the scratch database.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, Timestamp) -> Result<T> + Send + 'static,
    {
        let now = self.app.clock.now();
        self.app.db.write(move |conn| work(conn, now)).await
    }

    /// Reads from the scratch database.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    {
        self.app.db.read(work).await
    }

    /// Lets time pass until a moment, with everything that comes due on the way. What is due at the moment
    /// itself is left: what happens then comes first.
    ///
    /// # Errors
    /// Those of a stage that cannot reach the database.
    pub async fn pass_until(&self, moment: Timestamp) -> Result<()> {
        for _ in 0..MOVES {
            let Some(due_at) = self.read(next_due).await?.filter(|due_at| *due_at < moment) else { break };
            self.app.clock.set(due_at.max(self.app.clock.now()));
            pipeline::settle(&self.app).await?;
        }
        self.app.clock.set(moment.max(self.app.clock.now()));
        Ok(())
    }

    /// Does everything that is due now.
    ///
    /// # Errors
    /// As `pass_until`.
    pub async fn settle(&self) -> Result<()> {
        pipeline::settle(&self.app).await
    }

    /// Returns the runs of the automation that began here, oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the scratch database cannot be read.
    pub async fn runs(&self) -> Result<Vec<Run>> {
        let (tenant, automation) = (self.tenant.id.clone(), self.automation.clone());
        let filter = run::Filter { automation: Some(automation), ..run::Filter::default() };
        let mut runs = self.read(move |conn| run::list(&mut conn.of(&tenant), &filter, i64::MAX)).await?;
        runs.retain(|run| run.version == DRAFT);
        runs.reverse();
        Ok(runs)
    }
}

/// Makes a folder that its owner alone may read: there are names and addresses in it.
fn folder() -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("nexora-trial-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .map_err(|error| Error::unavailable("cannot make a temporary folder").source(error))
}

fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let mut next = None;
    for queue in [Queue::Events, Queue::Runs, Queue::Effects] {
        next = [next, due::next(conn, queue)?].into_iter().flatten().min();
    }
    Ok(next)
}

/// A tenant without connections is tried out as if it had one of each kind.
fn add_connections(tx: &mut Tx, kinds: &Kinds, now: Timestamp) -> Result<()> {
    let tenant = tx.tenant();
    if !connection::list(tx, LIST_LIMIT)?.is_empty() {
        return Ok(());
    }
    for facts in kinds.iter() {
        let (kind, name) = (facts.kind.clone(), facts.kind.name());
        let made_up = Connection::new(tenant, kind, name, Json::empty_object(), now);
        let _ = connection::insert(tx, &made_up)?;
    }
    Ok(())
}

/// Stores the draft as the live version of its automation. Runs that are under way are not its own: they end.
fn put_draft(tx: &mut Tx, draft: &Loaded, now: Timestamp) -> Result<AutomationId> {
    let tenant = tx.tenant();
    let name = &draft.definition.head.name;
    let id = match automation::find_by_name(tx, name)? {
        Some(found) => {
            automation::set_state(tx, &found.id, AutomationState::Enabled, now)?;
            found.id
        }
        None => {
            let new = Automation {
                tenant_id: tenant.clone(),
                id: AutomationId::new(now),
                name: name.clone(),
                state: AutomationState::Enabled,
                live_version: DRAFT,
                created_at: now,
                updated_at: now,
            };
            let _ = automation::insert(tx, &new)?;
            new.id
        }
    };
    for open in run::open_of_automation(tx, &id)? {
        stop::stop(tx, &open.id, "left out of the trial", Drops::All, now)?;
    }
    let version = Version {
        tenant_id: tenant.clone(),
        automation_id: id.clone(),
        number: DRAFT,
        definition: draft.text.clone(),
        settings: Json::of(&draft.settings)?,
        language: draft.language,
        templates: Json::of(&draft.templates)?,
        created_at: now,
        created_by: String::new(),
    };
    automation::insert_version(tx, &version)?;
    Ok(id)
}
