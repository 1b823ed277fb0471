//! The released daemon, or several, in processes of their own, with one tenant whose automation makes two calls for each lead.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use nexora::app::App;
use nexora::config::Config;
use nexora::ops::tenant;
use nexora::ops::{automation, connection};
use nexora_connector::webhook::{self, WebhookSettings};
use nexora_core::base::clock::Clock;
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

/// The daemons that work on one database.
pub struct Daemons {
    running: Vec<Daemon>,
    pub database: Url,
    folder: tempfile::TempDir,
}

struct Daemon {
    file: PathBuf,
    address: SocketAddr,
    process: Child,
}

impl Daemons {
    /// Makes the tenant, starts the daemons on it, and waits until they are ready.
    pub async fn start(count: usize, database: Option<String>, hook: &str) -> Daemons {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path(), database);
        prepare(&config, hook).await;
        let mut running = Vec::new();
        for number in 0..count {
            config.http.listen = format!("127.0.0.1:{}", free_port());
            let file = folder.path().join(format!("nexora-{number}.toml"));
            std::fs::write(&file, toml::to_string(&config).unwrap()).unwrap();
            running.push(Daemon::start(file, config.http.listen.parse().unwrap()).await);
        }
        Daemons { running, database: config.database.url.parse().unwrap(), folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.running.iter().map(|daemon| daemon.address).collect()
    }

    /// Returns the CPU time that they have taken so far.
    pub fn cpu(&self) -> Duration {
        self.running.iter().map(|daemon| process::cpu(&daemon.process)).sum()
    }

    pub fn resident_mb(&self) -> u64 {
        self.running.iter().map(|daemon| process::resident_mb(&daemon.process)).sum()
    }

    /// Disturbs what runs until `work` is done; returns how often, of each kind.
    pub async fn disturb_during<T>(
        &mut self,
        plan: &[Disturbance],
        work: impl Future<Output = T>,
    ) -> (T, Vec<usize>) {
        let mut work = std::pin::pin!(work);
        let begun = tokio::time::Instant::now();
        let mut counts = vec![0; plan.len()];
        loop {
            let at = |place: usize| begun + plan[place].every * u32::try_from(counts[place] + 1).unwrap();
            let next = (0..plan.len()).min_by_key(|place| at(*place)).unwrap();
            if let Ok(done) = tokio::time::timeout_at(at(next), &mut work).await {
                return (done, counts);
            }
            let place = counts.iter().sum::<usize>() % self.running.len();
            counts[next] += 1;
            let disturbed = self.disturb(&plan[next].kind, place);
            if let ((), Ok(done)) = tokio::join!(disturbed, tokio::time::timeout(Duration::ZERO, &mut work)) {
                return (done, counts);
            }
        }
    }

    async fn disturb(&mut self, kind: &Kind, place: usize) {
        match kind {
            Kind::Kill => {
                let daemon = &mut self.running[place];
                daemon.process.kill().unwrap();
                daemon.process.wait().unwrap();
                self.running[place] = Daemon::start(daemon.file.clone(), daemon.address).await;
            }
            Kind::Freeze => {
                let pid = self.running[place].process.id();
                signal("-STOP", pid);
                tokio::spawn(async move {
                    tokio::time::sleep(FROZEN).await;
                    signal("-CONT", pid);
                });
            }
            Kind::Run(command) => {
                let ran = tokio::process::Command::new("sh").args(["-c", command]).status().await;
                assert!(ran.unwrap().success(), "`{command}` failed");
            }
        }
    }
}

/// What is done to the daemons, or to what they rest on, again and again.
pub struct Disturbance {
    pub every: Duration,
    pub kind: Kind,
}

pub enum Kind {
    /// One is killed (SIGKILL), and started anew.
    Kill,
    /// One is stopped (SIGSTOP) for longer than others wait for a sign of life, and goes on then.
    Freeze,
    /// A command that does something, such as starting the database anew.
    Run(String),
}

/// How long a daemon is frozen: others take over after ten seconds, and what it held is asked after fifteen more.
const FROZEN: Duration = Duration::from_secs(30);

/// Sends a signal to a process; one that was killed meanwhile is not there any more.
fn signal(name: &str, pid: u32) {
    let _ = std::process::Command::new("kill").args([name, &pid.to_string()]).status();
}

impl Daemon {
    async fn start(file: PathBuf, address: SocketAddr) -> Daemon {
        let log =
            std::fs::File::options().create(true).append(true).open(file.with_extension("log")).unwrap();
        let process = process::serve(&file, log.into());
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the daemon does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Daemon { file, address, process }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Everything as it is out of the box, but for the limits on what one address and one tenant may send.
fn config(folder: &Path, database: Option<String>) -> Config {
    let mut config = Config::default();
    config.database.url =
        database.unwrap_or_else(|| format!("sqlite:{}", folder.join("nexora.db").display()));
    config.secrets.key_file = process::write_key(folder);
    config.http.private_listen = "127.0.0.1:0".to_owned();
    config.intake.address_per_minute = 0;
    config.intake.tenant_per_minute = 0;
    config.intake.spam_per_minute = 0;
    config.definitions.folder = folder.join("definitions");
    std::fs::create_dir_all(config.definitions.folder.join("automations")).unwrap();
    std::fs::write(config.definitions.folder.join("automations/tell.toml"), AUTOMATION).unwrap();
    config
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn prepare(config: &Config, hook: &str) {
    Db::create(&config.database.url.parse().unwrap()).await.unwrap();
    let app = App::open(config.clone(), Clock::System).await.unwrap();
    let actor = Actor::Operator("bench".into());
    let tenant = tenant::create(&app, &actor, process::tenant("acme")).await.unwrap();
    let settings = WebhookSettings { url: hook.to_owned(), allow_private: true };
    connection::add(&app, &actor, &tenant, "crm", webhook::connection(&settings).unwrap()).await.unwrap();
    automation::enable(&app, &actor, &tenant, "tell", &BTreeMap::new(), false).await.unwrap();
}
