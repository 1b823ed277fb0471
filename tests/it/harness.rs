//! A fresh application for each test: its own database, a hand-set clock, the sandbox or scripted
//! connectors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nexora::app::App;
use nexora::app::registry::Registry;
use nexora::config::Config;
use nexora::config::google::Settings as GoogleSettings;
use nexora::ops::automation;
use nexora::ops::connection;
use nexora::ops::lead;
use nexora::ops::lead::LeadView;
use nexora::ops::tenant;
use nexora::ops::tenant::NewTenant;
use nexora::ops::unit::Unit;
use nexora::pipeline::intake::{self, Intake, Offer};
use nexora_connector::kind::Environment;
use nexora_connector::smtp::{self, SmtpSettings, SmtpTls};
use nexora_core::base::Result;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::model::LeadId;
use nexora_core::model::address::{Country, Zone};
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{Ability, WhenInDoubt};
use nexora_core::model::effect::EffectState;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_google::kind::by_service_account;
use nexora_sandbox::{Sandbox, Settings};
use nexora_store::{Db, Url};

/// Which database a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// Makes a test for each database of functions that take a [`Backend`]. Without `NEXORA_TEST_POSTGRES_URL` the
/// second says that it was skipped; `scripts/test` sets it.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::harness::Backend::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if std::env::var_os("NEXORA_TEST_POSTGRES_URL").is_none() {
                    eprintln!("skipped: NEXORA_TEST_POSTGRES_URL is not set");
                    return;
                }
                super::$name($crate::harness::Backend::Postgres).await;
            }
        }
    )*};
}
pub(crate) use on_both;

pub const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A fresh database that goes when this is dropped.
pub struct Database {
    pub url: Url,
    _folder: tempfile::TempDir,
}

impl Database {
    pub async fn fresh(backend: Backend) -> Database {
        crate::plans::listen();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        let url = match backend {
            Backend::Sqlite => Url::Sqlite(folder.path().join("nexora.db")),
            Backend::Postgres => {
                let server = std::env::var("NEXORA_TEST_POSTGRES_URL").unwrap();
                let number = NUMBER.fetch_add(1, Ordering::SeqCst);
                let name = format!("nexora_{}_{number}", std::process::id());
                let maker: Url = server.parse().unwrap();
                let sql = format!("CREATE DATABASE {name}");
                let made = tokio::task::spawn_blocking(move || match maker.establish().unwrap() {
                    nexora_store::Conn::Postgres(mut conn) => {
                        diesel::RunQueryDsl::execute(diesel::sql_query(sql), &mut *conn).unwrap();
                    }
                    nexora_store::Conn::Sqlite(_) => panic!("not a PostgreSQL URL"),
                });
                made.await.unwrap();
                server.replacen("/postgres?", &format!("/{name}?"), 1).parse().unwrap()
            }
        };
        Database { url, _folder: folder }
    }

    pub async fn open(&self) -> Db {
        Db::create(&self.url).await.unwrap()
    }
}

/// An application on a fresh database, with a tenant and what a test needs to look at it.
pub struct Nexora {
    pub app: Arc<App>,
    pub tenant: Tenant,
    pub actor: Actor,
    pub sandbox: Option<Sandbox>,
    pub database: Database,
}

impl Nexora {
    /// Starts with the real connectors against a sandbox, Lead Capture enabled.
    pub async fn with_sandbox(backend: Backend) -> Nexora {
        let nexora = Nexora::with_sandbox_and(backend, |_| {}).await;
        nexora.enable(&[("sheet_id", "leads"), ("chase_after", "")]).await;
        nexora
    }

    /// Starts with the real connectors against a sandbox, and nothing enabled.
    pub async fn with_sandbox_and(backend: Backend, set: impl FnOnce(&mut Config)) -> Nexora {
        let loopback = "127.0.0.1:0".parse().unwrap();
        let settings = Settings { listen: loopback, smtp_listen: loopback, clock: Clock::System };
        let sandbox = Sandbox::start(settings).await.unwrap();
        sandbox
            .seed(serde_json::json!({ "spreadsheets": [{ "id": "leads", "title": "L", "sheets": [] }] }))
            .unwrap();
        // A clock that stands still gives no quota back.
        let google = GoogleSettings {
            gmail_units_per_user: 1_000_000,
            sheets_reads_per_user: 1_000_000,
            sheets_writes_per_user: 1_000_000,
            ..GoogleSettings::all_at(&sandbox.url())
        };
        let mut config = Config { google, ..Config::default() };
        config.smtp.allow_private = true;
        set(&mut config);
        let clock = Clock::hand_set(START);
        let registry = registry(&config, clock.clone());
        let mut nexora = Nexora::assemble(backend, config, registry, clock).await;
        nexora.add_connections(sandbox.smtp_address().port(), &sandbox.service_account_json()).await;
        nexora.sandbox = Some(sandbox);
        nexora
    }

    pub async fn assemble(backend: Backend, config: Config, registry: Registry, clock: Clock) -> Nexora {
        let database = Database::fresh(backend).await;
        let db = database.open().await;
        let app = App::assemble(config, db, clock, MasterKey::generate().unwrap(), registry);
        let actor = Actor::Operator("tester".into());
        let tenant = tenant::create(&app, &actor, new_tenant("acme")).await.unwrap();
        Nexora { app, tenant, actor, sandbox: None, database }
    }

    async fn add_smtp(&self, port: u16) {
        self.add_relay(&self.tenant, port).await;
    }

    /// Gives a further tenant the sandbox's mail relay.
    pub async fn add_smtp_to(&self, tenant: &Tenant) {
        self.add_relay(tenant, self.sandbox.as_ref().unwrap().smtp_address().port()).await;
    }

    async fn add_relay(&self, tenant: &Tenant, port: u16) {
        let settings = SmtpSettings {
            host: "127.0.0.1".into(),
            port,
            from: "nexora@acme.example.com".parse().unwrap(),
            tls: SmtpTls::None,
            username: None,
            ca_pem: None,
            when_in_doubt: WhenInDoubt::Resend,
            password_in_clear: false,
        };
        let new = smtp::connection(&settings, None).unwrap();
        connection::add(&self.app, &self.actor, tenant, "smtp", new).await.unwrap();
    }

    async fn add_connections(&self, smtp_port: u16, key: &str) {
        self.add_smtp(smtp_port).await;
        let mailbox = "office@acme.example.com".parse().unwrap();
        let key = Secret::new(key);
        let mut abilities = Ability::usual();
        abilities.insert(Ability::MailLabel);
        let Nexora { app, actor, tenant, .. } = self;
        let new = by_service_account(mailbox, key, abilities).unwrap();
        connection::add(app, actor, tenant, "google", new).await.unwrap();
    }

    pub async fn enable(&self, settings: &[(&str, &str)]) {
        self.enable_for(&self.tenant, settings).await;
    }

    pub async fn enable_for(&self, tenant: &Tenant, settings: &[(&str, &str)]) {
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        automation::enable(&self.app, &self.actor, tenant, "lead-capture", &settings, false).await.unwrap();
    }

    /// Sends a lead in, as the form does.
    pub async fn submit(&self, enquiry: Enquiry) -> LeadId {
        self.submit_to(&self.tenant, enquiry).await
    }

    pub async fn submit_to(&self, tenant: &Tenant, enquiry: Enquiry) -> LeadId {
        match intake::accept(&self.app, tenant, Offer::of(enquiry)).await.unwrap() {
            Intake::Accepted(id, _) => id,
            Intake::Invalid(faults) => panic!("{faults:?}"),
        }
    }

    /// Reads the tenant's rows.
    pub async fn view<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut Unit<'_>) -> Result<T> + Send + 'static,
    {
        self.app.view(&self.tenant, work).await.unwrap()
    }

    pub async fn settle(&self) {
        nexora::pipeline::settle(&self.app).await.unwrap();
    }

    pub async fn lead(&self, id: &LeadId) -> LeadView {
        lead::find(&self.app, &self.tenant, id).await.unwrap()
    }

    /// Returns step and state of every effect of a lead, by step.
    pub async fn effects(&self, id: &LeadId) -> BTreeMap<String, EffectState> {
        let view = self.lead(id).await;
        view.runs.iter().flat_map(|run| &run.effects).map(|e| (e.step.clone(), e.state)).collect()
    }

    /// Dials faults in at the sandbox.
    pub async fn faults(&self, faults: serde_json::Value) {
        let url = format!("{}/_sandbox/faults", self.sandbox.as_ref().unwrap().url());
        let body = serde_json::json!({ "faults": faults });
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Takes back every fault at the sandbox.
    pub async fn clear_faults(&self) {
        let url = format!("{}/_sandbox/faults", self.sandbox.as_ref().unwrap().url());
        let answer = reqwest::Client::new().delete(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub fn state(&self) -> serde_json::Value {
        self.sandbox.as_ref().unwrap().state()
    }
}

pub fn new_tenant(slug: &str) -> NewTenant {
    NewTenant {
        slug: slug.parse().unwrap(),
        name: "Acme Plumbing".into(),
        zone: Zone::parse("America/Chicago").unwrap(),
        owner_email: "owner@acme.example.com".parse().unwrap(),
        phone: None,
        country: Some(Country::parse("US").unwrap()),
    }
}

pub fn enquiry() -> Enquiry {
    Enquiry {
        name: "Jo Miller".into(),
        email: "jo@example.com".into(),
        phone: "(512) 555-0142".into(),
        message: "No hot water since Monday.".into(),
        source: "form".into(),
        ..Enquiry::default()
    }
}

impl Nexora {
    /// Makes another application on the same database, as a second daemon would be.
    pub async fn second_daemon(&self) -> Arc<App> {
        let db = self.database.open().await;
        let config = self.app.config.clone();
        let clock = Clock::hand_set(self.app.clock.now());
        let registry = registry(&config, clock.clone());
        let key = MasterKey::parse(self.app.key.to_hex().expose()).unwrap();
        App::assemble(config, db, clock, key, registry)
    }
}

/// Makes the real connectors, for the services that the configuration names.
pub fn registry(config: &Config, clock: Clock) -> Registry {
    Registry::new(nexora::app::registry::connectors(), environment(config, clock))
}

/// Returns what connectors are given, with deadlines that suit a test.
pub fn environment(config: &Config, clock: Clock) -> Environment {
    let mut environment = nexora::app::environment(config, clock);
    environment.timeout = Duration::from_secs(5);
    environment.answer_timeout = Duration::from_secs(5);
    environment.google.timeout = Duration::from_secs(5);
    environment
}
