//! What it costs to watch mailboxes in which nothing happens.
//!
//!     cargo bench --bench poll [-- TENANTS...]
//!
//! Makes so many tenants, each with one connected mailbox of the sandbox, starts the daemon in a
//! process of its own, waits until every mailbox has been looked at and the polls have slowed down,
//! and reads the daemon's CPU time and memory over a minute. The defaults are 1,000 and 10,000.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods)]

mod process;

use std::process::Stdio;
use std::time::{Duration, Instant};

use nexora::app::App;
use nexora::config::Config;
use nexora::config::google::Settings as GoogleSettings;
use nexora::ops::connection;
use nexora::ops::tenant;
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::Secret;
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::Ability;
use nexora_core::model::cursor::CursorKind;
use nexora_google::kind::by_service_account;
use nexora_sandbox::{Sandbox, Settings};
use nexora_store::{Db, Url, cursor};

const SAMPLE: Duration = Duration::from_secs(60);

fn main() {
    let asked: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![1_000, 10_000] } else { asked };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for tenants in sizes {
        runtime.block_on(measure(tenants));
    }
}

async fn measure(tenants: usize) {
    let any = "127.0.0.1:0".parse().unwrap();
    let settings = Settings { listen: any, smtp_listen: any, clock: Clock::System };
    let sandbox = Sandbox::start(settings).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(&sandbox, folder.path());
    connect(&sandbox, &config, tenants).await;

    let db = Db::open(&config.database.url.parse::<Url>().unwrap()).await.unwrap();
    let mut daemon = process::serve(&folder.path().join("nexora.toml"), Stdio::null());
    let begun = Instant::now();
    while looked_at(&db).await < tenants {
        assert!(begun.elapsed() < Duration::from_secs(900), "not every mailbox was looked at");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let first = begun.elapsed();
    // The polls slow down step by step to once a minute.
    tokio::time::sleep(Duration::from_secs(150)).await;
    let (calls, before) = (history_calls(&sandbox), process::cpu(&daemon));
    tokio::time::sleep(SAMPLE).await;
    let polls = history_calls(&sandbox) - calls;
    let busy = process::cpu(&daemon).saturating_sub(before);
    println!(
        "{tenants} tenants: {:.2} % of one core, {} MB resident, {:.1} polls/s, {:.2} ms CPU each; all looked at after {:.0} s",
        100.0 * busy.as_secs_f64() / SAMPLE.as_secs_f64(),
        process::resident_mb(&daemon),
        per_second(polls),
        busy.as_secs_f64() * 1_000.0 / f64::from(u32::try_from(polls.max(1)).unwrap()),
        first.as_secs_f64()
    );
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    sandbox.stop().await;
}

fn per_second(polls: u64) -> f64 {
    f64::from(u32::try_from(polls).unwrap()) / SAMPLE.as_secs_f64()
}

fn write_config(sandbox: &Sandbox, folder: &std::path::Path) -> Config {
    let url = format!("sqlite:{}", folder.join("nexora.db").display());
    let mut config = Config { google: GoogleSettings::all_at(&sandbox.url()), ..Config::default() };
    config.database.url = url;
    config.secrets.key_file = process::write_key(folder);
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    std::fs::write(folder.join("nexora.toml"), toml::to_string(&config).unwrap()).unwrap();
    config
}

async fn connect(sandbox: &Sandbox, config: &Config, tenants: usize) {
    Db::create(&config.database.url.parse::<Url>().unwrap()).await.unwrap();
    let app = App::open(config.clone(), Clock::System).await.unwrap();
    let actor = Actor::Operator("bench".into());
    let key = sandbox.service_account_json();
    for number in 0..tenants {
        let tenant = tenant::create(&app, &actor, process::tenant(&format!("t{number}"))).await.unwrap();
        let mailbox = format!("office{number}@example.com").parse().unwrap();
        let key = Secret::new(&key);
        let new = by_service_account(mailbox, key, Ability::usual()).unwrap();
        connection::add(&app, &actor, &tenant, "google", new).await.unwrap();
    }
}

async fn looked_at(db: &Db) -> usize {
    db.read(|conn| cursor::count_polled(conn, CursorKind::Mail)).await.unwrap().try_into().unwrap()
}

fn history_calls(sandbox: &Sandbox) -> u64 {
    sandbox.state().pointer("/calls/gmail.history.list").and_then(serde_json::Value::as_u64).unwrap_or(0)
}
