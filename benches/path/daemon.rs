//! The released daemon in a process of its own, with one tenant whose automation makes two calls for each lead.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nexora::app::App;
use nexora::config::Config;
use nexora::ops::tenant::{self, NewTenant};
use nexora::ops::{automation, connection};
use nexora_connector::webhook::{self, WebhookSettings};
use nexora_core::base::clock::Clock;
use nexora_core::model::address::{Country, Zone};
use nexora_core::model::audit::Actor;
use nexora_store::{Db, Url};

use crate::process;

const AUTOMATION: &str = r#"
[automation]
name = "tell"
title = "Tell two programs of each lead"

[[trigger]]
on = "lead.received"

[[step]]
id = "crm"
action = "webhook.post"
with = { event = "lead.created", data = { name = "{{ lead.name }}", email = "{{ lead.email }}", message = "{{ lead.message }}" } }

[[step]]
id = "dispatch"
action = "webhook.post"
with = { event = "lead.created", data = { phone = "{{ lead.phone }}", service = "{{ lead.service }}", message = "{{ lead.message }}" } }
"#;

pub struct Daemon {
    process: Child,
    pub address: SocketAddr,
    pub database: Url,
    folder: tempfile::TempDir,
}

impl Daemon {
    /// Makes the tenant, starts the daemon on it, and waits until it is ready.
    pub async fn start(database: Option<String>, hook: &str) -> Daemon {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path().to_owned(), database);
        prepare(&config, hook).await;
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let file = folder.path().join("nexora.toml");
        let process = Command::new(env!("CARGO_BIN_EXE_nexora"))
            .arg("--config")
            .arg(file)
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let address: SocketAddr = config.http.listen.parse().unwrap();
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the daemon does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let database = config.database.url.parse().unwrap();
        Daemon { process, address, database, folder }
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Returns the CPU time that it has taken so far.
    pub fn cpu(&self) -> Duration {
        process::cpu(&self.process)
    }

    pub fn resident_mb(&self) -> u64 {
        process::resident_mb(&self.process)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Everything as it is out of the box, but for the limits on what one address and one tenant may send.
fn config(folder: PathBuf, database: Option<String>) -> Config {
    let mut config = Config::default();
    config.database.url =
        database.unwrap_or_else(|| format!("sqlite:{}", folder.join("nexora.db").display()));
    config.secrets.key_file = process::write_key(&folder);
    config.http.listen = format!("127.0.0.1:{}", free_port());
    config.http.private_listen = "127.0.0.1:0".to_owned();
    config.intake.address_per_minute = 0;
    config.intake.tenant_per_minute = 0;
    config.intake.spam_per_minute = 0;
    config.definitions.folder = folder.join("definitions");
    std::fs::create_dir_all(config.definitions.folder.join("automations")).unwrap();
    std::fs::write(config.definitions.folder.join("automations/tell.toml"), AUTOMATION).unwrap();
    std::fs::write(folder.join("nexora.toml"), toml::to_string(&config).unwrap()).unwrap();
    config
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn prepare(config: &Config, hook: &str) {
    Db::create(&config.database.url.parse().unwrap()).await.unwrap();
    let app = App::open(config.clone(), Clock::System).await.unwrap();
    let actor = Actor::Operator("bench".into());
    let new = NewTenant {
        slug: "acme".parse().unwrap(),
        name: "Acme Plumbing".into(),
        zone: Zone::parse("America/Chicago").unwrap(),
        owner_email: "owner@acme.example.com".parse().unwrap(),
        phone: None,
        country: Some(Country::parse("US").unwrap()),
    };
    let tenant = tenant::create(&app, &actor, new).await.unwrap();
    let settings = WebhookSettings { url: hook.to_owned(), allow_private: true };
    connection::add(&app, &actor, &tenant, "crm", webhook::connection(&settings).unwrap()).await.unwrap();
    automation::enable(&app, &actor, &tenant, "tell", &BTreeMap::new(), false).await.unwrap();
}
