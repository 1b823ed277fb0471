//! What collectors get, and the alert rules and the dashboard that are made for it.
//!
//! `scripts/test` sets `NEXORA_TEST_PROMTOOL` to the path of Prometheus' own checker; without it that part says so and passes.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nexora::app::metric;
use nexora::config::Config;
use nexora::daemon::Daemon;
use serde_json::Value;

use crate::backup::words;
use crate::machine::Machine;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/monitoring");

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(FOLDER).join(name)).unwrap()
}

/// Returns what looks like a metric's name.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("nexora_")).collect()
}

fn known() -> BTreeSet<&'static str> {
    metric::ALL.iter().map(|(name, ..)| *name).collect()
}

#[test]
fn rules_and_dashboard_name_metrics_that_there_are() {
    for name in ["nexora.rules.yml", "nexora.rules.test.yml", "dashboard.json"] {
        let text = file(name);
        let found = names(&text);
        assert!(found.len() > 4 && found.is_subset(&known()), "{name}: {found:?}");
    }
    let dashboard: Value = serde_json::from_str(&file("dashboard.json")).unwrap();
    let shown = names(&file("dashboard.json")).len();
    assert_eq!(shown, metric::ALL.len(), "the dashboard shows every metric");
    assert!(
        dashboard["panels"].as_array().unwrap().iter().all(|panel| panel["targets"][0]["expr"].is_string())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_tells_how_things_stand() {
    let machine = Machine::initialised();
    for line in [
        "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com",
        "automation enable speed-to-lead",
    ] {
        machine.run(&words(line));
    }
    let mut config = Config::load(&machine.config(), std::iter::empty()).unwrap();
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    let daemon = Daemon::start(config).await.unwrap();
    let url = format!("http://{}/metrics", daemon.private_address);
    let told = reqwest::get(url).await.unwrap().text().await.unwrap();
    daemon.stop().await;
    for line in [
        "# TYPE nexora_due gauge",
        "# HELP nexora_oldest_due_seconds how long the oldest of it has been due, by queue",
        "nexora_due{queue=\"effects\"} 0",
        "nexora_database_up 1",
        "nexora_troubles{level=\"look\"}",
        concat!("nexora_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let plain = |name: &'static str| name.trim_end_matches("_sum").trim_end_matches("_count");
    let told: &'static str = told.leak();
    let found: BTreeSet<&str> = names(told).into_iter().map(plain).collect();
    assert!(found.is_subset(&known()), "{found:?}");
    promtool(&["check", "metrics"], told);
}

#[test]
fn prometheus_reads_the_rules_and_they_do_what_they_are_for() {
    promtool(&["check", "rules", "nexora.rules.yml"], "");
    promtool(&["test", "rules", "nexora.rules.test.yml"], "");
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn promtool(arguments: &[&str], input: &str) {
    let Some(program) = std::env::var_os("NEXORA_TEST_PROMTOOL") else {
        eprintln!("skipped: NEXORA_TEST_PROMTOOL is not set");
        return;
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(FOLDER).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}
