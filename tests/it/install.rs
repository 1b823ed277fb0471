//! Installing into an image: what is put in place, once, and taken away again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn run(root: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::cargo_bin("nexora").unwrap();
    let output =
        command.args(["install", "--output", "json", "--root"]).arg(root).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn outcomes(done: &Value) -> Vec<&str> {
    done.as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect()
}

/// An image that has the user already, as one of a distribution's packages would have.
fn image() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    std::fs::write(root.path().join("etc/passwd"), "root:x:0:0::/:/bin/sh\nnexora:x:990:991::/:/bin/false\n")
        .unwrap();
    std::fs::write(root.path().join("etc/group"), "root:x:0:\nnexora:x:991:\n").unwrap();
    root
}

const FILES: [(&str, u32); 6] = [
    ("usr/local/bin/nexora", 0o755),
    ("etc/systemd/system/nexora.service", 0o644),
    ("etc/systemd/system/nexora-backup.timer", 0o644),
    ("etc/systemd/system/nexora-follow.service", 0o644),
    ("etc/sysusers.d/nexora.conf", 0o644),
    ("etc/tmpfiles.d/nexora.conf", 0o644),
];

#[test]
fn an_image_is_installed_into_once_and_cleared_again() {
    let root = image();
    let path = |name: &str| root.path().join(name);
    let planned = run(root.path(), &["--dry-run"]);
    assert!(outcomes(&planned).contains(&"planned") && !outcomes(&planned).contains(&"done"), "{planned}");
    assert!(!path("usr").exists(), "a dry run does nothing");
    let first = run(root.path(), &[]);
    assert!(outcomes(&first).contains(&"done"), "{first}");
    for (name, mode) in FILES {
        let found = std::fs::metadata(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{name}");
    }
    for (name, mode) in [("usr/local/bin", 0o755), ("etc/nexora", 0o750), ("var/lib/nexora", 0o700)] {
        let found = std::fs::metadata(path(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{name}");
        if rustix::process::geteuid().is_root() && name.ends_with("nexora") {
            use std::os::unix::fs::MetadataExt as _;
            let user = if name.starts_with("var") { 990 } else { 0 };
            assert_eq!((found.uid(), found.gid()), (user, 991), "{name}");
        }
    }
    let again = run(root.path(), &[]);
    assert!(!outcomes(&again).contains(&"done"), "{again}");
    // One that was changed is put back, and nothing else.
    std::fs::write(path("etc/systemd/system/nexora.service"), "").unwrap();
    assert_eq!(outcomes(&run(root.path(), &[])).iter().filter(|outcome| **outcome == "done").count(), 1);
    std::fs::write(path("var/lib/nexora/nexora.db"), "data").unwrap();
    run(root.path(), &["--uninstall"]);
    for (name, _) in FILES {
        assert!(!path(name).exists(), "{name} is still there");
    }
    assert!(path("var/lib/nexora/nexora.db").exists() && path("etc/nexora").exists());
    assert!(!outcomes(&run(root.path(), &["--uninstall"])).contains(&"done"));
}

#[test]
fn a_folder_that_is_not_there_is_no_image() {
    let mut command = Command::cargo_bin("nexora").unwrap();
    let output = command.args(["install", "--root", "/nowhere/at/all", "--dry-run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is no folder"));
}

/// The units are read by systemd itself, where it is here: no line is unknown, and little is left to attack.
#[test]
fn systemd_accepts_the_units() {
    for unit in ["nexora.service", "nexora-backup.service", "nexora-follow.service"] {
        accepts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit));
    }
}

fn accepts(unit: &Path) {
    let threshold = ["security", "--offline=true", "--threshold=10", "--no-pager"];
    let Ok(output) = std::process::Command::new("systemd-analyze").args(threshold).arg(unit).output() else {
        return;
    };
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "an exposure of at most 1.0 of {}: {said}", unit.display());
    assert!(!said.contains("Unknown key") && !said.contains("Failed to parse"), "{said}");
}
