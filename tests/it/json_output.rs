//! Every command that does something answers with `--output json` in JSON, and in nothing else.

use assert_cmd::Command;
use serde_json::{Deserializer, Value};

use crate::harness::Backend;
use crate::isolation::World;
use crate::isolation_tables::COMMANDS;

/// What runs until it is stopped, sets a machine up, or answers with text for another program.
const OTHERS: [&str; 11] = [
    "demo",
    "serve",
    "sandbox",
    "init",
    "install",
    "backup follow",
    "key-file",
    "completions",
    "man",
    "tls",
    "automation reference",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_answers_in_json() {
    let world = World::new(Backend::Sqlite).await;
    let config = world.config();
    let mut answered = 0;
    let mut wrong = Vec::new();
    for (line, _) in COMMANDS.iter().filter(|(line, _)| !OTHERS.iter().any(|other| line.starts_with(other))) {
        let mut command = Command::cargo_bin("nexora").unwrap();
        command.arg("--config").arg(&config).args(world.words(line));
        command.args(["--output", "json", "--no-input", "--yes"]);
        if !line.contains("--all-tenants") && !line.starts_with("tenant ") {
            command.args(["--tenant", "acme"]);
        }
        let output = command.write_stdin("a-password-of-its-own").output().unwrap();
        if !matches!(output.status.code(), Some(0 | 10 | 11)) {
            continue;
        }
        let said: Result<Vec<Value>, _> =
            Deserializer::from_slice(&output.stdout).into_iter::<Value>().collect();
        match said {
            Ok(said) if !said.is_empty() => answered += 1,
            _ => wrong.push(format!("{line}: {}", String::from_utf8_lossy(&output.stdout))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(answered > 120, "only {answered} commands were done");
}
