//! How long tenants with one effect wait while another has a great many.
//!
//!     cargo bench --bench fairness -- [--others N] [--crowd N] [--database URL]
//!
//! Each of the others has one webhook to be delivered; the crowded one has as many as `--crowd`. It is measured from the
//! daemon's first attempt until what each of the others had is settled: alone, and beside the crowd. The daemon runs in a
//! process of its own with everything on; the receiver answers at once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, clippy::disallowed_methods)]

mod copies;
mod process;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use clap::Parser;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use futures_util::StreamExt as _;
use nexora::app::App;
use nexora::config::Config;
use nexora::ops::{automation, connection, tenant};
use nexora::pipeline::intake::Offer;
use nexora::pipeline::{self, Round};
use nexora_connector::webhook::{self, WebhookSettings};
use nexora_core::base::clock::Clock;
use nexora_core::model::audit::Actor;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store::{Conn, Db};

#[derive(Parser)]
struct Args {
    /// Tenants with one effect each.
    #[arg(long, default_value_t = 999)]
    others: usize,
    /// Effects of the one with many.
    #[arg(long, default_value_t = 100_000)]
    crowd: usize,
    /// The database; it must be empty. A new SQLite file unless it is named: then alone is not measured.
    #[arg(long)]
    database: Option<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

const AUTOMATION: &str = r#"
[automation]
name = "tell"
title = "Tell a program of each lead"

[[trigger]]
on = "lead.received"

[[step]]
id = "crm"
action = "webhook.post"
with = { event = "lead.created", data = { name = "{{ lead.name }}", message = "{{ lead.message }}" } }
"#;

fn main() {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "{:>10} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "crowd", "others", "p50 ms", "p99 ms", "CPU s", "RSS MB"
    );
    runtime.block_on(async {
        if args.database.is_none() {
            measure(&args, 0).await;
        }
        measure(&args, args.crowd).await;
    });
}

async fn measure(args: &Args, crowd: usize) {
    let folder = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(|| async { StatusCode::NO_CONTENT }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = write_config(folder.path(), args.database.clone());
    let (app, first) = fill(&config, &hook, args.others, crowd).await;
    let mut daemon = process::serve(&folder.path().join("nexora.toml"), Stdio::null());
    let mut waits = waits(&app, &first, args.others).await;
    let (busy, resident) = (process::cpu(&daemon).as_secs_f64(), process::resident_mb(&daemon));
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    waits.sort_unstable();
    let part = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    let (middle, late) = (part(50), part(99));
    println!("{crowd:>10} {:>10} {middle:>10} {late:>10} {busy:>10.1} {resident:>8}", args.others);
}

fn write_config(folder: &Path, database: Option<String>) -> Config {
    let mut config = Config::default();
    config.database.url =
        database.unwrap_or_else(|| format!("sqlite:{}", folder.join("nexora.db").display()));
    config.secrets.key_file = process::write_key(folder);
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    config.intake.tenant_per_minute = 0;
    config.definitions.folder = folder.join("definitions");
    std::fs::create_dir_all(config.definitions.folder.join("automations")).unwrap();
    std::fs::write(config.definitions.folder.join("automations/tell.toml"), AUTOMATION).unwrap();
    std::fs::write(folder.join("nexora.toml"), toml::to_string(&config).unwrap()).unwrap();
    config
}

/// Makes a tenant with one effect that is due, copies it, and gives the first one many.
async fn fill(config: &Config, hook: &str, others: usize, crowd: usize) -> (Arc<App>, Tenant) {
    Db::create(&config.database.url.parse().unwrap()).await.unwrap();
    let app = App::open(config.clone(), Clock::System).await.unwrap();
    let actor = Actor::Operator("bench".into());
    let first = tenant::create(&app, &actor, process::tenant("t0")).await.unwrap();
    let settings = WebhookSettings { url: hook.to_owned(), allow_private: true };
    connection::add(&app, &actor, &first, "crm", webhook::connection(&settings).unwrap()).await.unwrap();
    automation::enable(&app, &actor, &first, "tell", &BTreeMap::new(), false).await.unwrap();
    take(&app, &first, 1).await;
    let id = first.id.clone();
    let copied = move |conn: &mut Conn| {
        copies::of_tenant(conn, &id, others + 1);
        Ok(())
    };
    app.db.write(copied).await.unwrap();
    take(&app, &first, crowd).await;
    (app, first)
}

/// Takes leads in and has their runs promise what they will do.
async fn take(app: &Arc<App>, tenant: &Tenant, leads: usize) {
    let accept = |number: usize| async move {
        let enquiry = Enquiry {
            name: "Jo Miller".to_owned(),
            email: format!("jo.{number}@example.com"),
            message: format!("No hot water, no. {number}"),
            ..Enquiry::default()
        };
        pipeline::intake::accept(app, tenant, Offer::of(enquiry)).await.unwrap();
    };
    futures_util::stream::iter((0..leads).map(accept)).buffer_unordered(64).collect::<Vec<()>>().await;
    let (mut events, mut runs) = (Round::default(), Round::default());
    while pipeline::dispatch::sweep(app, &mut events).await.unwrap().handled > 0 {}
    while pipeline::advance::sweep(app, &mut runs).await.unwrap().handled > 0 {}
}

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = BigInt)]
    moment: i64,
}

fn moments(conn: &mut Conn, sql: &str) -> Vec<i64> {
    let rows: Vec<Moment> = match conn {
        Conn::Sqlite(conn) => diesel::sql_query(sql).load(conn).unwrap(),
        Conn::Postgres(conn) => diesel::sql_query(sql).load(&mut **conn).unwrap(),
    };
    rows.into_iter().map(|row| row.moment).collect()
}

/// Returns, in ms, how long after the first attempt each of the others was served.
async fn waits(app: &App, first: &Tenant, others: usize) -> Vec<i64> {
    let begun = Instant::now();
    let id = first.id.clone();
    loop {
        assert!(begun.elapsed() < Duration::from_mins(5), "the others were not served");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let settled = format!(
            "SELECT settled_at AS moment FROM effects WHERE tenant_id <> '{id}' AND settled_at IS NOT NULL"
        );
        let found = app.db.read(move |conn| Ok(moments(conn, &settled))).await.unwrap();
        if found.len() < others {
            continue;
        }
        let begin = "SELECT min(started_at) AS moment FROM attempts";
        let begin = app.db.read(|conn| Ok(moments(conn, begin))).await.unwrap()[0];
        return found.iter().map(|settled| settled - begin).collect();
    }
}
