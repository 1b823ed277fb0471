//! How an installation behaves when it is large: what it costs to start and to be at rest, and how long it takes to
//! find what is due, to list leads and to show a page.
//!
//!     cargo bench --bench size -- [--tenants N...] [--database URL]
//!
//! Each tenant has 5 automations, 20 leads with 100 runs that wait, and 1,000 events of the past. One is made through
//! the program itself; the others are copies of its rows under ids of their own. The daemon runs in a process of its
//! own, with everything on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods
)]

mod copies;
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Parser;
use nexora::app::App;
use nexora::config::Config;
use nexora::ops::automation;
use nexora::ops::report::dashboard;
use nexora::ops::tenant;
use nexora::pipeline;
use nexora::pipeline::intake::Offer;
use nexora_core::base::clock::Clock;
use nexora_core::base::text::Json;
use nexora_core::model::EventId;
use nexora_core::model::audit::Actor;
use nexora_core::model::event::{Event, EventKind, EventState};
use nexora_core::model::principal::Principal;
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store::due::{self, Queue};
use nexora_store::{Conn, Db, event, lead};
use plotters::prelude::*;

#[derive(Parser)]
struct Args {
    /// How many tenants; several sizes one after another.
    #[arg(long, num_args = 1.., default_values_t = [10, 100, 1_000])]
    tenants: Vec<usize>,
    /// The database; a new SQLite file for each size unless it is named.
    #[arg(long)]
    database: Option<String>,
    /// Draws what was measured into this file.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

const AUTOMATIONS: usize = 5;
const LEADS: usize = 20;
const EVENTS: usize = 1_000;

/// How long the daemon is watched at rest.
const SAMPLE: Duration = Duration::from_secs(20);

fn main() {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "{:>8} {:>12} {:>10} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "tenants",
        "waiting runs",
        "events",
        "file MB",
        "ready ms",
        "idle CPU",
        "RSS MB",
        "due ms",
        "leads ms",
        "page ms"
    );
    let mut sizes = Vec::new();
    for tenants in args.tenants {
        sizes.push(runtime.block_on(measure(tenants, args.database.clone())));
    }
    if let Some(file) = args.svg {
        draw(&file, &sizes);
    }
}

/// What was measured of one size: times in ms.
struct Size {
    tenants: usize,
    ready: f64,
    due: f64,
    leads: f64,
    page: f64,
}

/// A line of the drawing: its name, its colour, and what it shows of a size.
type Line = (&'static str, RGBColor, fn(&Size) -> f64);

/// Draws the times by the number of tenants, both axes logarithmic.
fn draw(file: &Path, sizes: &[Size]) {
    let area = SVGBackend::new(file, (720, 420)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let (first, last) = (sizes.first().unwrap().tenants as f64, sizes.last().unwrap().tenants as f64);
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((first..last).log_scale(), (0.01..10_000.0).log_scale())
        .unwrap();
    chart.configure_mesh().x_desc("tenants").y_desc("ms").draw().unwrap();
    let lines: [Line; 4] = [
        ("ready after the start", RED, |size| size.ready),
        ("status page", BLUE, |size| size.page),
        ("list of leads", GREEN, |size| size.leads),
        ("what is due", BLACK, |size| size.due),
    ];
    for (name, color, value) in lines {
        let points = sizes.iter().map(|size| (size.tenants as f64, value(size).max(0.01)));
        let series = LineSeries::new(points, color.stroke_width(2)).point_size(4);
        chart
            .draw_series(series)
            .unwrap()
            .label(name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart.configure_series_labels().border_style(BLACK).background_style(WHITE).draw().unwrap();
    area.present().unwrap();
}

async fn measure(tenants: usize, database: Option<String>) -> Size {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), database);
    let (app, first) = fill(&config, tenants).await;
    let (begun, mut daemon) =
        (Instant::now(), process::serve(&folder.path().join("nexora.toml"), Stdio::null()));
    let address: std::net::SocketAddr = config.http.private_listen.parse().unwrap();
    while !is_ready(address).await {
        assert!(begun.elapsed() < Duration::from_secs(60), "the daemon is not ready");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let ready = begun.elapsed();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = process::cpu(&daemon);
    tokio::time::sleep(SAMPLE).await;
    let busy = process::cpu(&daemon).saturating_sub(before);
    let resident = process::resident_mb(&daemon);
    let file = std::fs::metadata(folder.path().join("nexora.db")).map_or(0, |file| file.len() / 1_048_576);
    let size = Size {
        tenants,
        ready: millis(ready),
        due: millis(median(|| find_due(&app)).await),
        leads: millis(median(|| list_leads(&app, &first)).await),
        page: millis(median(|| show_page(&app, &first)).await),
    };
    println!(
        "{tenants:>8} {:>12} {:>10} {file:>9} {:>9.0} {:>7.2} % {resident:>8} {:>8.2} {:>8.2} {:>8.2}",
        tenants * AUTOMATIONS * LEADS,
        tenants * EVENTS,
        size.ready,
        100.0 * busy.as_secs_f64() / SAMPLE.as_secs_f64(),
        size.due,
        size.leads,
        size.page,
    );
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    size
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Returns the median time of 21 calls.
async fn median<F: Future<Output = ()>>(mut call: impl FnMut() -> F) -> Duration {
    let mut times = Vec::new();
    for _ in 0..21 {
        let begun = Instant::now();
        call().await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

async fn find_due(app: &App) {
    let now = app.clock.now();
    let share = app.db.read(move |conn| due::take(conn, Queue::Runs, now, 256, None)).await.unwrap();
    assert!(share.rows.is_empty());
}

async fn list_leads(app: &App, tenant: &Tenant) {
    let id = tenant.id.clone();
    let listed =
        app.db.read(move |conn| lead::list(&mut conn.of(&id), &lead::Filter::default(), 50)).await.unwrap();
    assert_eq!(listed.len(), LEADS);
}

async fn show_page(app: &App, tenant: &Tenant) {
    let principal = Principal::Link { tenant_id: tenant.id.clone() };
    let page = dashboard::of_tenant(app, &principal, tenant.clone()).await.unwrap();
    assert_eq!(page.tenant.id, tenant.id);
}

async fn is_ready(address: std::net::SocketAddr) -> bool {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = tokio::net::TcpStream::connect(address).await else { return false };
    let request = "GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.is_ok() && answer.starts_with("HTTP/1.1 200")
}

fn write_config(folder: &Path, database: Option<String>) -> Config {
    let mut config = Config::default();
    config.database.url =
        database.unwrap_or_else(|| format!("sqlite:{}", folder.join("nexora.db").display()));
    config.secrets.key_file = process::write_key(folder);
    config.http.listen = "127.0.0.1:0".to_owned();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    config.http.private_listen = free.to_string();
    config.definitions.folder = folder.join("definitions");
    let automations = config.definitions.folder.join("automations");
    std::fs::create_dir_all(&automations).unwrap();
    for number in 0..AUTOMATIONS {
        std::fs::write(automations.join(format!("later-{number}.toml")), definition(number)).unwrap();
    }
    std::fs::write(folder.join("nexora.toml"), toml::to_string(&config).unwrap()).unwrap();
    config
}

fn definition(number: usize) -> String {
    format!(
        r#"
[automation]
name = "later-{number}"
title = "Look at each lead again"

[[trigger]]
on = "lead.received"

[[step]]
id = "wait"
action = "wait"
with = {{ for = "60days" }}

[[step]]
id = "task"
action = "task.create"
with = {{ title = "Ask {{{{ lead.name }}}} again" }}
"#
    )
}

/// Makes one tenant as the program does, and copies it; returns the first.
async fn fill(config: &Config, tenants: usize) -> (std::sync::Arc<App>, Tenant) {
    Db::create(&config.database.url.parse().unwrap()).await.unwrap();
    let app = App::open(config.clone(), Clock::System).await.unwrap();
    let actor = Actor::Operator("bench".into());
    let first = tenant::create(&app, &actor, process::tenant("t0")).await.unwrap();
    for number in 0..AUTOMATIONS {
        let name = format!("later-{number}");
        automation::enable(&app, &actor, &first, &name, &BTreeMap::new(), false).await.unwrap();
    }
    for number in 0..LEADS {
        let enquiry = Enquiry {
            name: "Jo Miller".to_owned(),
            email: format!("jo.miller.{number}@example.com"),
            message: format!("No hot water, no. {number}"),
            ..Enquiry::default()
        };
        pipeline::intake::accept(&app, &first, Offer::of(enquiry)).await.unwrap();
    }
    pipeline::settle(&app).await.unwrap();
    let (id, now) = (first.id.clone(), app.clock.now());
    let past = move |conn: &mut Conn| {
        for number in 0..EVENTS - LEADS {
            let _ = event::insert(
                conn,
                &Event {
                    tenant_id: id.clone(),
                    id: EventId::new(now),
                    kind: EventKind::WebhookReceived,
                    dedupe_key: format!("bench|{number}"),
                    payload: Json::of(
                        &serde_json::json!({ "event": "order.paid", "data": { "number": number } }),
                    )?,
                    state: EventState::Ignored,
                    reason: Some("no enabled automation waits for it".to_owned()),
                    received_at: now,
                    due_at: None,
                    attempt: 0,
                    contact_id: None,
                },
            )?;
        }
        Ok(())
    };
    app.db.write(past).await.unwrap();
    let id = first.id.clone();
    let copied = move |conn: &mut Conn| {
        copies::of_tenant(conn, &id, tenants);
        Ok(())
    };
    app.db.write(copied).await.unwrap();
    (app, first)
}
