//! A database that is followed can be put back to any moment of it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use nexora::app::locks;
use nexora_core::base::clock::{Clock, Timestamp};

use super::{edit, folder, words};
use crate::machine::Machine;

/// A machine with a tenant, and a folder for backups that a secret key opens, which is in the file.
fn with_recipient() -> (Machine, PathBuf) {
    let machine = Machine::initialised();
    let identity = Identity::generate();
    let key = machine.folder().join("identity.txt");
    std::fs::write(&key, format!("{}\n", identity.to_string().expose_secret())).unwrap();
    let (folder, recipient) = (folder(&machine), identity.to_public().to_string());
    edit(&machine, "[backup]\n", |section| {
        section
            .replace("folder = \"\"", &format!("folder = \"{}\"", folder.display()))
            .replace("recipient = \"\"", &format!("recipient = \"{recipient}\""))
    });
    (machine, key)
}

fn tenant(machine: &Machine, slug: &str) {
    let line =
        format!("tenant create {slug} --name T --timezone America/Chicago --owner-email o@example.com");
    let (status, _, error) = machine.run(&words(&line));
    assert_eq!(status, 0, "{error}");
}

fn slugs(machine: &Machine) -> Vec<String> {
    let listed = machine.json(&["tenant", "list"]);
    listed.as_array().unwrap().iter().map(|tenant| tenant["slug"].as_str().unwrap().to_owned()).collect()
}

struct Followed(Child);

impl Followed {
    fn start(machine: &Machine) -> Followed {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("nexora"));
        command
            .arg("--config")
            .arg(machine.config())
            .args(["backup", "follow", "--every", "50ms", "--quiet"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Followed(child)
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

/// Returns the folders of the generations, the first first.
fn generations(machine: &Machine) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(folder(machine).join("follow")) else { return Vec::new() };
    let mut found: Vec<PathBuf> = found.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| path.extension().is_none_or(|extension| extension != "part"));
    found.sort();
    found
}

/// Returns the parts of a generation, in order.
fn parts_of(generation: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(generation).unwrap().flatten().map(|entry| entry.path());
    let is_part = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with('0');
    let mut files: Vec<PathBuf> =
        files.filter(|path| is_part(path) && path.extension().unwrap() == "age").collect();
    files.sort();
    files
}

fn parts(machine: &Machine) -> usize {
    generations(machine).iter().map(|generation| parts_of(generation).len()).sum()
}

/// Waits until something that another process does is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

/// Makes a tenant and waits until it has been followed; returns a moment after it and before what comes next.
fn tenant_and_moment(machine: &Machine, slug: &str) -> Timestamp {
    let before = parts(machine);
    tenant(machine, slug);
    until("the tenant was followed", || parts(machine) > before);
    let now = Clock::System.now();
    until("a moment has passed", || Clock::System.now() > now + Duration::from_millis(200));
    Clock::System.now()
}

#[test]
fn a_database_is_put_back_to_any_moment_that_was_followed() {
    let (machine, key) = with_recipient();
    let key = key.to_str().unwrap();
    tenant(&machine, "before");
    let early = Clock::System.now();
    let followed = Followed::start(&machine);
    until("the copy was made", || generations(&machine).len() == 1);
    let (status, _, error) = machine.run(&["backup", "follow"]);
    assert!(status == 5 && error.contains("another process follows"), "{error}");
    let first = tenant_and_moment(&machine, "first");
    let second = tenant_and_moment(&machine, "second");
    followed.stop();
    // Another generation, after a time in which nobody followed.
    tenant(&machine, "third");
    let followed = Followed::start(&machine);
    until("another copy was made", || generations(&machine).len() == 2);
    let fourth = tenant_and_moment(&machine, "fourth");
    followed.stop();
    let back = |at: Timestamp| {
        let at = at.to_string();
        let restored =
            machine.json(&["backup", "restore", "--at", &at, "--identity-file", key, "--replace", "--yes"]);
        assert!(restored["backup"]["id"].as_str().unwrap().starts_with("follow_"), "{restored}");
        slugs(&machine)
    };
    assert_eq!(back(first), ["before", "first"]);
    assert_eq!(back(second), ["before", "first", "second"]);
    assert_eq!(back(fourth), ["before", "first", "fourth", "second", "third"]);
    let standing = machine.json(&["restore", "status"]);
    assert!(standing["restore"]["released_at"].is_null(), "{standing}");
    let early = early.to_string();
    let (status, _, error) =
        machine.run(&["backup", "restore", "--at", &early, "--identity-file", key, "--replace", "--yes"]);
    assert!(status == 4 && error.contains("nothing was followed by"), "{error}");
}

#[test]
fn a_part_that_is_missing_ends_what_can_be_put_back_and_says_so() {
    let (machine, key) = with_recipient();
    tenant(&machine, "before");
    let followed = Followed::start(&machine);
    until("the copy was made", || generations(&machine).len() == 1);
    tenant_and_moment(&machine, "first");
    let last = tenant_and_moment(&machine, "second");
    // Killed, it leaves what it has written.
    let mut followed = followed;
    followed.0.kill().unwrap();
    followed.0.wait().unwrap();
    let files = parts_of(&generations(&machine)[0]);
    assert!(files.len() >= 2, "{files:?}");
    std::fs::remove_file(&files[0]).unwrap();
    let (last, key) = (last.to_string(), key.display().to_string());
    let wish = ["backup", "restore", "--at", &last, "--identity-file", &key, "--replace", "--yes"];
    let (status, _, error) = machine.run(&wish);
    assert!(status == 5 && error.contains("part 1 of") && error.contains("can be put back to"), "{error}");
    assert_eq!(slugs(&machine), ["before", "first", "second"], "nothing has changed");
    let held = locks::take(&machine.folder().join("nexora.db"), "following").unwrap();
    assert!(held.is_some(), "the lock went with the process");
}
