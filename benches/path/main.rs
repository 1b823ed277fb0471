//! What a lead costs from the public endpoint to the last of its effects, on the released daemon with everything on.
//!
//!     cargo bench --bench path -- [--seconds N] [--history N] [--database URL] [--daemons N]
//!         [--kill-every SECONDS] [--freeze-every SECONDS] [--run-every SECONDS --run COMMAND]
//!
//! Three processes: the daemon (or several, on PostgreSQL), a stub that takes what the daemon tells other programs, and the load, which posts
//! leads as JSON. The tenant has one automation with two `webhook.post` steps. The database first takes `--history`
//! leads of 10,000 telephone numbers, so that the figures are those of a database that has been in use. Beside them
//! stand two raw limits of the same machine in the same run: an HTTP server that does nothing, and a database that is
//! given the same rows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

mod daemon;
mod limits;
mod load;
#[path = "../process/mod.rs"]
mod process;
mod stub;

use std::time::{Duration, Instant};

use clap::Parser;

use daemon::{Daemons, Disturbance, Kind};
use load::{Load, Round};
use stub::Stub;

#[derive(Parser)]
struct Args {
    /// Seconds of each round.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Leads that the database has taken before the first round.
    #[arg(long, default_value_t = 30_000)]
    history: usize,
    /// The database; a new SQLite file unless it is named.
    #[arg(long)]
    database: Option<String>,
    /// The daemons that work on it; more than one only on PostgreSQL.
    #[arg(long, default_value_t = 1)]
    daemons: usize,
    /// Adds a round in which a daemon is killed, and started anew, every so many seconds.
    #[arg(long)]
    kill_every: Option<u64>,
    /// The same, with one that is frozen for 30 s.
    #[arg(long)]
    freeze_every: Option<u64>,
    /// The same, with a command that is run, such as one that starts the database anew.
    #[arg(long, requires = "run")]
    run_every: Option<u64>,
    #[arg(long, value_name = "COMMAND", requires = "run_every")]
    run: Option<String>,
    /// Leads in that round.
    #[arg(long, default_value_t = 20_000)]
    disturbed_leads: usize,
    /// Leads a second in that round; as many as are answered unless it is given.
    #[arg(long)]
    disturbed_rate: Option<u32>,
    /// Leaves out the rounds without disturbance.
    #[arg(long)]
    only_disturbed: bool,
    /// Leaves out the raw limits.
    #[arg(long)]
    no_limits: bool,
    /// Plays the stub, or the server that does nothing: how this program starts its other processes.
    #[arg(long, hide = true)]
    play: Option<String>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match args.play.as_deref() {
            Some("stub") => stub::serve().await,
            Some("bare") => limits::serve_bare().await,
            Some(other) => panic!("nothing is called `{other}`"),
            None => measure(args).await,
        }
    });
}

async fn measure(args: Args) {
    let stub = Stub::start();
    let mut daemons = Daemons::start(args.daemons, args.database.clone(), &stub.url()).await;
    let mut load = Load::new(daemons.addresses());
    if args.history > 0 {
        let begun = Instant::now();
        let sent = load.run(Round::of(64).leads(args.history)).await;
        worked_off(&stub, &load).await;
        let (leads, seconds) = (sent.accepted.len(), begun.elapsed().as_secs_f64());
        println!("history: {leads} leads in {seconds:.0} s");
    }
    println!(
        "{:<28} {:>9} {:>10} {:>19} {:>21} {:>9} {:>7} {:>7}",
        "round",
        "accepted",
        "worked off",
        "accept p50/p99 ms",
        "to effects p50/p99 ms",
        "CPU ms",
        "lag s",
        "RSS MB"
    );
    let length = Duration::from_secs(args.seconds);
    let rounds = [
        ("1 connection", Round::of(1)),
        ("64 connections", Round::of(64)),
        ("64 connections, 500/s", Round::of(64).rate(500)),
        ("64 connections, 1,000/s", Round::of(64).rate(1_000)),
    ];
    for (name, round) in rounds.into_iter().filter(|_| !args.only_disturbed) {
        let busy = daemons.cpu();
        let begun = Instant::now();
        let sent = load.run(round.lasting(length)).await;
        let accepted_for = begun.elapsed();
        worked_off(&stub, &load).await;
        let all_for = begun.elapsed();
        let busy = daemons.cpu().saturating_sub(busy);
        let seen = stub.seen(sent.accepted.first().map_or(0, |lead| lead.number)).await;
        let leads = sent.accepted.len();
        let waits = sent.until_effects(&seen);
        let answers = sent.answers();
        println!(
            "{name:<28} {:>7.0}/s {:>8.0}/s {:>19} {:>21} {:>9.2} {:>7.1} {:>7}",
            per_second(leads, accepted_for),
            per_second(leads, all_for),
            format!("{:.1} / {:.1}", percentile(&answers, 50), percentile(&answers, 99)),
            format!("{:.0} / {:.0}", percentile(&waits, 50), percentile(&waits, 99)),
            busy.as_secs_f64() * 1_000.0 / whole(leads),
            all_for.saturating_sub(accepted_for).as_secs_f64(),
            daemons.resident_mb(),
        );
        assert!(sent.refused == 0, "{} leads were refused", sent.refused);
    }
    let plan = plan(&args);
    if !plan.is_empty() {
        disturbed(&args, &plan, &stub, &mut daemons, &mut load).await;
    }
    println!("every lead made exactly two calls: {} leads, {} calls", load.accepted, stub.calls().await);
    if !args.no_limits {
        limits::report(&daemons, length).await;
    }
}

fn plan(args: &Args) -> Vec<Disturbance> {
    let each = |seconds: Option<u64>, kind| Some(Disturbance { every: Duration::from_secs(seconds?), kind });
    let run = args.run.clone().map(Kind::Run).and_then(|kind| each(args.run_every, kind));
    [each(args.kill_every, Kind::Kill), each(args.freeze_every, Kind::Freeze), run]
        .into_iter()
        .flatten()
        .collect()
}

async fn disturbed(args: &Args, plan: &[Disturbance], stub: &Stub, daemons: &mut Daemons, load: &mut Load) {
    let begun = Instant::now();
    let round = Round::of(64).leads(args.disturbed_leads).patient();
    let work = async {
        let sent = load.run(args.disturbed_rate.map_or(round, |rate| round.rate(rate))).await;
        let accepted_for = begun.elapsed();
        worked_off(stub, load).await;
        (sent, accepted_for, begun.elapsed())
    };
    let ((sent, accepted_for, all_for), counts) = daemons.disturb_during(plan, work).await;
    let leads = sent.accepted.len();
    let told = plan.iter().zip(counts).map(|(one, count)| match one.kind {
        Kind::Kill => format!("{count} kills"),
        Kind::Freeze => format!("{count} daemons frozen"),
        Kind::Run(_) => format!("{count} times the command"),
    });
    println!(
        "{leads} leads during {}: {:.0}/s accepted, {:.0}/s worked off",
        told.collect::<Vec<_>>().join(", "),
        per_second(leads, accepted_for),
        per_second(leads, all_for)
    );
    assert!(sent.refused == 0, "{} leads were refused", sent.refused);
}

/// Waits until the stub has heard twice of every lead that was accepted; fails when it never does, or hears more.
async fn worked_off(stub: &Stub, load: &Load) {
    let begun = Instant::now();
    let mut last = (Instant::now(), 0);
    loop {
        let calls = stub.calls().await;
        if calls >= 2 * load.accepted {
            assert_eq!(calls, 2 * load.accepted, "a call was made twice");
            return;
        }
        if calls != last.1 {
            last = (Instant::now(), calls);
        }
        let (quiet, waited) = (last.0.elapsed(), begun.elapsed());
        assert!(quiet < Duration::from_secs(60), "{calls} calls after {waited:?}, and no more come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn per_second(count: usize, time: Duration) -> f64 {
    whole(count) / time.as_secs_f64()
}

fn whole(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Returns a percentile of sorted times in milliseconds.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default().as_secs_f64() * 1_000.0
}
