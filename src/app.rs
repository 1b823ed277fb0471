//! `App`: the handles that every operation needs, made once and shared.

pub mod failure_notes;
pub mod fair_queue;
pub mod heart;
pub mod key_check;
pub mod locks;
pub mod metric;
mod public_profile;
pub mod registry;
pub mod turns;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use public_profile::PublicProfile;
use public_profile::PublicProfiles;
use tokio::sync::{Notify, OnceCell};
use tokio_util::task::TaskTracker;

use crate::app::failure_notes::FailureNotes;
use crate::app::heart::Heart;
use crate::app::registry::Registry;
use crate::app::turns::Turns;
use crate::config::Config;
use nexora_connector::kind::{Connectors, Environment};
use nexora_connector::lead_source::LeadSources;
use nexora_connector::port::Connector;
use nexora_connector::rehearsal::{MakeRoom, rehearsed};
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::MasterKey;
use nexora_core::base::{Error, Result};
use nexora_core::model::ConnectionId;
use nexora_core::model::address::Slug;
use nexora_core::model::connection::Connection;
use nexora_core::model::google::GoogleEndpoints;
use nexora_core::model::tenant::Tenant;
use nexora_google::workspace::Workspace;
use nexora_store::Db;
use nexora_store::audit::Ledger;

pub struct App {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub key: MasterKey,
    /// What seals the audit trail.
    pub ledger: Ledger,
    pub registry: Registry,
    pub rehearsal: Rehearsal,
    pub nudges: Nudges,
    pub deliveries: Deliveries,
    /// When each stage of this daemon is expected back.
    pub turns: Turns,
    /// The signs of life of this process.
    pub heart: Heart,
    /// The failed sign-ins that are written down.
    pub failure_notes: FailureNotes,
    /// The polls under way in this process.
    pub polls: TaskTracker,
    profiles: PublicProfiles,
    /// Where leads are fetched that a source only told of.
    pub lead_sources: LeadSources,
    /// The fetches under way in this process.
    pub fetches: TaskTracker,
    /// The mails to users under way in this process.
    pub letters: TaskTracker,
}

/// Where tenants that rehearse send things: a sandbox that is started when it is first wanted.
#[derive(Default)]
pub struct Rehearsal {
    starter: OnceLock<Starter>,
    backend: OnceCell<RehearsalBackend>,
}

/// Starts a sandbox.
pub type Starter =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<RehearsalBackend>> + Send>> + Send + Sync>;

/// A sandbox as connectors see it.
pub struct RehearsalBackend {
    pub registry: Registry,
    pub make_room: MakeRoom,
}

impl Rehearsal {
    /// Says how a sandbox is started in this process. The first word counts.
    pub fn provide(&self, starter: Starter) {
        let _ = self.starter.set(starter);
    }

    async fn backend(&self) -> Result<&RehearsalBackend> {
        let starter = self.starter.get().ok_or_else(|| {
            Error::unavailable("the tenant rehearses, and this process has no sandbox")
                .hint("run `nexora serve`, or `nexora tenant set SLUG mode=live`")
        })?;
        self.backend.get_or_try_init(starter).await
    }
}

/// Wakes a stage that has nothing to do, when another has made work for it.
#[derive(Default)]
pub struct Nudges {
    pub dispatch: Notify,
    pub advance: Notify,
    pub deliver: Notify,
    pub poll: Notify,
    pub tick: Notify,
    pub fetch: Notify,
    pub rescue: Notify,
}

impl Nudges {
    pub fn all(&self) {
        self.dispatch.notify_one();
        self.advance.notify_one();
        self.deliver.notify_one();
        self.poll.notify_one();
        self.tick.notify_one();
        self.fetch.notify_one();
        self.rescue.notify_one();
    }
}

/// The deliveries under way in this process.
#[derive(Default)]
pub struct Deliveries {
    pub tasks: TaskTracker,
    by_connection: Mutex<HashMap<ConnectionId, usize>>,
}

/// Counts one delivery as under way until it is dropped.
pub struct InFlight {
    app: Arc<App>,
    connection: ConnectionId,
}

impl Deliveries {
    /// Returns how many deliveries are under way; one whose outcome is being written is not.
    pub fn under_way(&self) -> usize {
        self.by_connection.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Returns how many deliveries are under way through each connection.
    pub fn by_connection(&self) -> HashMap<ConnectionId, usize> {
        self.by_connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn begin(app: &Arc<App>, connection: &ConnectionId) -> InFlight {
        let mut counts = app.deliveries.by_connection.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(connection.clone()).or_default() += 1;
        InFlight { app: Arc::clone(app), connection: connection.clone() }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut counts = self.app.deliveries.by_connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.connection) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.connection);
            }
        }
        drop(counts);
        self.app.nudges.deliver.notify_one();
    }
}

impl App {
    /// Opens what the configuration names.
    ///
    /// # Errors
    /// `Config`, `Unavailable` or `Conflict` from the key and the database.
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<App>> {
        let key = config.secrets.master_key()?;
        let db = Db::open(&config.database.url.parse()?).await?;
        key_check::verify(&db, &key, &config.secrets.key_file).await?;
        let key = key_check::rooted(&db, key).await?;
        let registry = Registry::new(registry::connectors(), environment(&config, clock.clone()));
        Ok(App::assemble(config, db, clock, key, registry))
    }

    /// Puts an application together from its parts, with the master key and its root.
    pub fn assemble(config: Config, db: Db, clock: Clock, key: MasterKey, registry: Registry) -> Arc<App> {
        let ledger = Ledger::of(&key);
        let heart = Heart::new(clock.now());
        let lead_sources = LeadSources::new(config.sources.timeout());
        Arc::new(App {
            config,
            db,
            clock,
            key,
            ledger,
            registry,
            rehearsal: Rehearsal::default(),
            nudges: Nudges::default(),
            deliveries: Deliveries::default(),
            turns: Turns::default(),
            heart,
            failure_notes: FailureNotes::default(),
            polls: TaskTracker::new(),
            profiles: PublicProfiles::default(),
            lead_sources,
            fetches: TaskTracker::new(),
            letters: TaskTracker::new(),
        })
    }

    /// Returns an application of which everything is done in one transaction, which `keep_all` of its database commits. It is
    /// for operations that ask nobody outside.
    ///
    /// # Errors
    /// `Unavailable` when the transaction cannot be begun.
    pub async fn in_transaction(&self) -> Result<Arc<App>> {
        let db = self.db.begin().await?;
        let environment = environment(&self.config, self.clock.clone());
        let registry = Registry::new(self.connectors().clone(), environment);
        Ok(App::assemble(self.config.clone(), db, self.clock.clone(), self.key.clone(), registry))
    }

    /// Returns the connectors that this program has.
    pub fn connectors(&self) -> &Connectors {
        self.registry.connectors()
    }

    /// Returns the connector for a connection, opening its credential where that is needed.
    ///
    /// # Errors
    /// `Denied` when the master key does not open the credential.
    pub fn connector(&self, connection: &Connection) -> Result<Connector> {
        self.registry.connector(connection, || {
            let sealed = connection.sealed.as_deref();
            sealed.map(|sealed| self.key.open(&connection.seal_owner(), sealed)).transpose()
        })
    }

    /// Returns the connector for a connection of a tenant that rehearses.
    ///
    /// # Errors
    /// `Unavailable` when there is no sandbox in this process, or it cannot be started.
    pub async fn rehearsing(&self, connection: &Connection) -> Result<Connector> {
        let stage = self.rehearsal.backend().await?;
        let sandbox = stage.registry.connector(connection, || Ok(None))?;
        // What asks the real account needs a credential that is good; without one it is not asked.
        let real = self.connector(connection).ok();
        let kind = self.connectors().of(connection)?;
        Ok(rehearsed(kind, real, sandbox, Arc::clone(&stage.make_room)))
    }

    /// Returns Google's services for what is done outside any connection, such as an authorization.
    pub fn google(&self) -> Workspace {
        Workspace::new(endpoints(&self.config), self.clock.clone())
    }

    /// Finds the tenant that a public address names, with what the public sees of it.
    ///
    /// # Errors
    /// `NotFound` when no tenant has this slug.
    pub async fn public_profile(&self, slug: &Slug) -> Result<Arc<PublicProfile>> {
        self.profiles.find(&self.db, slug).await
    }

    /// Has a change of what the public sees of a tenant seen at once in this process; others see it
    /// within a second.
    pub fn forget_public_profile(&self, slug: &Slug) {
        self.profiles.forget(slug);
    }

    /// Finds the tenant that a public address names.
    ///
    /// # Errors
    /// `NotFound` when no tenant has this slug.
    pub async fn tenant_by_slug(&self, slug: &Slug) -> Result<Arc<Tenant>> {
        Ok(Arc::clone(&self.public_profile(slug).await?.tenant))
    }
}

/// Returns what the configuration gives to connectors.
pub fn environment(config: &Config, clock: Clock) -> Environment {
    Environment {
        clock,
        timeout: config.smtp.timeout(),
        answer_timeout: config.smtp.answer_timeout(),
        google: endpoints(config),
        allow_private_relays: config.smtp.allow_private,
    }
}

/// Returns where the configuration says that Google's services are.
pub fn endpoints(config: &Config) -> GoogleEndpoints {
    GoogleEndpoints {
        gmail_url: config.google.gmail_url.clone(),
        calendar_url: config.google.calendar_url.clone(),
        sheets_url: config.google.sheets_url.clone(),
        drive_url: config.google.drive_url.clone(),
        token_url: config.google.token_url.clone(),
        auth_url: config.google.auth_url.clone(),
        revoke_url: config.google.revoke_url.clone(),
        timeout: config.google.timeout(),
        quota: config.google.quota(),
    }
}
