//! Sources and keys as an operator adds them.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn nexora(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let config = folder.join("etc/nexora.toml");
    let mut command = Command::cargo_bin("nexora").unwrap();
    let output = command.arg("--config").arg(config).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_source_is_added_with_its_steps_and_its_secret_is_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("etc");
    let init = ["init", "--no-input", "--operator", "op@example.com", "--dir", dir.to_str().unwrap()];
    assert!(Command::cargo_bin("nexora").unwrap().args(init).output().unwrap().status.success());
    let run = |arguments: &[&str]| nexora(folder.path(), arguments);
    let create = ["tenant", "create", "acme", "--name", "Acme", "--timezone", "America/Chicago"];
    assert_eq!(run(&[&create[..], &["--owner-email", "o@acme.com"]].concat()).0, 0);

    let (status, out, told) = run(&["source", "add", "ads", "--kind", "google-ads"]);
    assert_eq!(status, 0, "{told}");
    assert!(out.contains("google-ads") && told.contains("/hooks/acme/ads"), "{out} {told}");
    let (status, out, told) = run(&["source", "add", "jot", "--kind", "jotform", "--output", "json"]);
    assert_eq!(status, 0, "{told}");
    let jot: Value = serde_json::from_str(&out).unwrap();
    let secret = jot["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    assert!(jot["url"].as_str().unwrap().ends_with(&format!("/hooks/acme/jot/{secret}")));
    for arguments in [&["source", "show", "jot", "--output", "json"][..], &["source", "list"]] {
        let (status, out, told) = run(arguments);
        assert_eq!(status, 0, "{told}");
        assert!(out.contains("jot") && !out.contains(secret) && !told.contains(secret), "{out}");
    }
    for (arguments, code, message) in [
        (&["source", "add", "ads", "--kind", "angi"][..], 5, "has a source `ads` already"),
        (&["source", "add", "An Ad", "--kind", "angi"], 2, "is not a slug"),
        (&["source", "add", "fb", "--kind", "facebook"], 2, "the secret of your app"),
        (&["source", "add", "a", "--kind", "angi", "--map", "email=x"], 2, "`--map` means nothing"),
        (&["source", "add", "j", "--kind", "json", "--map", "mail=x"], 2, "`mail` is not a field"),
        (&["source", "show", "nothing"], 4, "no source `nothing`"),
        (&["source", "remove", "ads"], 8, "there is no terminal to ask at"),
        (&["source", "retry", "ads"], 5, "waits to be fetched again"),
        (&["source", "dismiss", "notice_01k5b3v6zr9m8q2x4t7w0c1d2e"], 4, "no notice"),
        (&["key", "revoke", "crm", "--yes"], 4, "no active key `crm`"),
        (&["event", "replay", "event_01k5b3v6zr9m8q2x4t7w0c1d2e"], 8, "there is no terminal to ask at"),
    ] {
        let (status, out, error) = run(arguments);
        assert_eq!((status, out.as_str()), (code, ""), "{arguments:?}: {error}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sources/google-ads.json");
    let (status, out, told) = run(&["source", "test", "ads", "--file", fixture]);
    assert_eq!(status, 0, "{told}");
    assert!(out.contains("Nora Field") && out.contains("ga-lead-0001"), "{out}");
    assert_eq!(run(&["lead", "list", "--output", "json"]).1.trim(), "[]");

    let (_, out, _) = run(&["key", "create", "crm", "--output", "json"]);
    let key: Value = serde_json::from_str(&out).unwrap();
    assert!(key["key"].as_str().unwrap().starts_with("nxk_"));
    let (_, out, _) = run(&["key", "list"]);
    assert!(out.contains("active") && !out.contains("nxk_"), "{out}");
    assert_eq!(run(&["key", "rotate", "crm", "--grace", "1h"]).0, 0);
    assert_eq!(run(&["source", "remove", "jot", "--yes"]).0, 0);
}
