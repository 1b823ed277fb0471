//! How many leads a second intake makes durable, and how long one takes.
//!
//!     cargo bench --bench intake
//!
//! Runs in one process on loopback: the load generator, the public routes, SQLite with every commit
//! synced. For scale it measures two raw limits in the same run: the same server answering without
//! work, and the store writing the same rows without a server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nexora::app::App;
use nexora::app::registry::Registry;
use nexora::config::Config;
use nexora::http::{self, Limits, Server};
use nexora::ops::tenant::{self, NewTenant};
use nexora::pipeline::intake::{self, Offer};
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::MasterKey;
use nexora_core::model::address::{Country, Zone};
use nexora_core::model::audit::Actor;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store::{Db, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const BODY: &str = r#"{"name":"Jo Miller","email":"jo@example.com","phone":"(512) 555-0142","message":"No hot water since Monday"}"#;
const ROUND: Duration = Duration::from_secs(5);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (app, tenant) = application(folder.path()).await;
        let stop = CancellationToken::new();
        let leads = serve(http::public(Arc::clone(&app)), &stop).await;
        let bare = axum::Router::new()
            .route("/lead/acme", axum::routing::post(|_: axum::body::Bytes| async { "ok" }));
        let bare = serve(bare, &stop).await;

        report("bare handler, 64 connections", &load(bare, 64, None).await);
        report("store alone, 64 writers", &write(&app, &tenant, 64).await);
        let full = load(leads, 64, None).await;
        report("intake, 64 connections", &full);
        let half = full.per_second() / 2.0;
        report("intake, 64 connections at half of that", &load(leads, 64, Some(half)).await);
        report("intake, one connection", &load(leads, 1, None).await);
        stop.cancel();
    });
}

async fn application(folder: &std::path::Path) -> (Arc<App>, Tenant) {
    let url = Url::Sqlite(folder.join("nexora.db"));
    let db = Db::create(&url).await.unwrap();
    let unlimited = nexora::config::intake::Settings {
        address_per_minute: 0,
        tenant_per_minute: 0,
        ..Default::default()
    };
    let config = Config { intake: unlimited, ..Config::default() };
    let environment = nexora::app::environment(&config, Clock::System);
    let registry = Registry::new(nexora::app::registry::connectors(), environment);
    let app = App::assemble(config, db, Clock::System, MasterKey::generate().unwrap(), registry);
    let new = NewTenant {
        slug: "acme".parse().unwrap(),
        name: "Acme".into(),
        zone: Zone::parse("America/Chicago").unwrap(),
        owner_email: "owner@acme.example.com".parse().unwrap(),
        phone: None,
        country: Some(Country::parse("US").unwrap()),
    };
    let tenant = tenant::create(&app, &Actor::Operator("bench".into()), new).await.unwrap();
    (app, tenant)
}

async fn serve(router: axum::Router, stop: &CancellationToken) -> SocketAddr {
    let limits = Limits::of(&nexora::config::http::Settings::default()).unwrap();
    let server = Server::bind("bench", "127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
    let address = server.address();
    tokio::spawn(server.serve(router, stop.clone()));
    address
}

struct Measured {
    elapsed: Duration,
    sorted: Vec<Duration>,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
    fn per_second(&self) -> f64 {
        self.sorted.len() as f64 / self.elapsed.as_secs_f64()
    }

    fn percentile(&self, percent: usize) -> Duration {
        let index = (self.sorted.len() * percent / 100).min(self.sorted.len().saturating_sub(1));
        self.sorted.get(index).copied().unwrap_or_default()
    }
}

fn report(what: &str, measured: &Measured) {
    println!(
        "{what:<40} {:>8.0}/s   p50 {:>7.3} ms   p99 {:>7.3} ms",
        measured.per_second(),
        measured.percentile(50).as_secs_f64() * 1_000.0,
        measured.percentile(99).as_secs_f64() * 1_000.0
    );
}

/// Posts on `connections` at once for a round, at `rate` a second in all where one is given.
async fn load(address: SocketAddr, connections: u32, rate: Option<f64>) -> Measured {
    let started = Instant::now();
    let pause = rate.map(|rate| Duration::from_secs_f64(f64::from(connections) / rate));
    let tasks: Vec<_> = (0..connections).map(|_| tokio::spawn(client(address, started, pause))).collect();
    collect(started, tasks).await
}

async fn collect(started: Instant, tasks: Vec<tokio::task::JoinHandle<Vec<Duration>>>) -> Measured {
    let mut sorted = Vec::new();
    for task in tasks {
        sorted.extend(task.await.unwrap());
    }
    let elapsed = started.elapsed();
    sorted.sort_unstable();
    Measured { elapsed, sorted }
}

async fn client(address: SocketAddr, started: Instant, pause: Option<Duration>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!(
        "POST /lead/acme HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut times = Vec::new();
    let mut buffer = vec![0_u8; 4_096];
    let mut next = tokio::time::Instant::now();
    while started.elapsed() < ROUND {
        if let Some(pause) = pause {
            next += pause;
            tokio::time::sleep_until(next).await;
        }
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(
            buffer.starts_with(b"HTTP/1.1 20"),
            "{}",
            String::from_utf8_lossy(buffer.get(..read).unwrap())
        );
        times.push(begun.elapsed());
    }
    times
}

/// Accepts leads without a server between.
async fn write(app: &Arc<App>, tenant: &Tenant, writers: u32) -> Measured {
    let started = Instant::now();
    let number = Arc::new(AtomicUsize::new(0));
    let task = |_| {
        let (app, tenant, number) = (Arc::clone(app), Arc::new(tenant.clone()), Arc::clone(&number));
        tokio::spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < ROUND {
                let begun = Instant::now();
                let enquiry = Enquiry {
                    name: format!("Jo {}", number.fetch_add(1, Ordering::Relaxed)),
                    phone: "(512) 555-0142".into(),
                    message: "No hot water since Monday".into(),
                    ..Enquiry::default()
                };
                intake::accept(&app, &tenant, Offer::of(enquiry)).await.unwrap();
                times.push(begun.elapsed());
            }
            times
        })
    };
    let tasks: Vec<_> = (0..writers).map(task).collect();
    collect(started, tasks).await
}
