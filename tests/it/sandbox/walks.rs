//! Google's own clients for other languages walk through the sandbox (`tests/clients`).

use std::path::Path;
use std::process::Command;

use super::Bench;

/// Runs a walk with the interpreter that `variable` names; says plainly when there is none.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn walk(variable: &str, script: &str) {
    let Some(interpreter) = std::env::var_os(variable).filter(|path| !path.is_empty()) else {
        let why = format!("{variable} names no interpreter with Google's client; see scripts/test");
        eprintln!("SKIPPED: {script}, since {why}");
        return;
    };
    let bench = Bench::start().await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.json");
    std::fs::write(&key, bench.sandbox.service_account_json()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let mut command = Command::new(interpreter);
    command.arg(script).arg(bench.sandbox.url()).arg(&key);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}", said.join("\n"));
    assert_eq!(said[0].matches("as Google answers").count(), 3, "{}", said[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_python_client_finds_what_google_would_answer() {
    walk("NEXORA_TEST_PYTHON", "python/walk.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_node_client_finds_what_google_would_answer() {
    walk("NEXORA_TEST_NODE", "node/walk.mjs").await;
}
