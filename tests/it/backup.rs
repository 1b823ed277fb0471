//! What an operator can rely on about backups: they are whole, sealed, made while everything runs, and told of when they are
//! not made.

mod follow;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nexora::config::Config;
use nexora::daemon::Daemon;
use serde_json::Value;

use crate::machine::Machine;

const TENANT: &str = "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com";
const PASSPHRASE: &str = "correct horse battery staple";

pub fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// A machine with a tenant, and a folder for backups that a passphrase opens.
pub fn with_backups() -> Machine {
    let machine = Machine::initialised();
    assert_eq!(machine.run(&words(TENANT)).0, 0);
    let passphrase = machine.folder().join("passphrase");
    std::fs::write(&passphrase, PASSPHRASE).unwrap();
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (folder, passphrase) = (folder(&machine), passphrase.display().to_string());
    edit(&machine, "[backup]\n", |section| {
        section
            .replace("folder = \"\"", &format!("folder = \"{}\"", folder.display()))
            .replace("passphrase_file = \"\"", &format!("passphrase_file = \"{passphrase}\""))
    });
    machine
}

pub fn folder(machine: &Machine) -> PathBuf {
    machine.folder().with_file_name("backups")
}

/// Changes one section of the configuration, up to the next.
pub fn edit(machine: &Machine, section: &str, change: impl FnOnce(&str) -> String) {
    let text = std::fs::read_to_string(machine.config()).unwrap();
    let begin = text.find(section).unwrap() + section.len();
    let end = text[begin..].find("\n[").map_or(text.len(), |at| begin + at);
    let changed = format!("{}{}{}", &text[..begin], change(&text[begin..end]), &text[end..]);
    std::fs::write(machine.config(), changed).unwrap();
}

pub fn create(machine: &Machine, arguments: &[&str]) -> (PathBuf, Value) {
    let made = machine.json(&[&["backup", "create"], arguments].concat());
    (PathBuf::from(made["file"].as_str().unwrap()), made)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_while_the_daemon_runs_and_holds_everything_that_was_answered() {
    let machine = with_backups();
    let mut config = Config::load(&machine.config(), std::iter::empty()).unwrap();
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    let running = Daemon::start(config).await.unwrap();
    let form = format!("http://{}/lead/acme", running.public_address);
    let client = reqwest::Client::new();
    for number in 0..3 {
        let lead = serde_json::json!({ "name": format!("Jo {number}"), "email": format!("jo{number}@example.com"),
            "phone": "512 555 0142", "message": "The heater is cold" });
        assert!(client.post(&form).json(&lead).send().await.unwrap().status().is_success());
    }
    let (file, made) = create(&machine, &[]);
    running.stop().await;
    assert_eq!(made["rows"]["leads"], 3, "{made}");
    assert_eq!(file.parent().unwrap(), folder(&machine));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        !names(&machine.folder()).iter().any(|name| name.starts_with(".nexora-copy-")),
        "no copy is left"
    );
    let tried = machine.json(&["backup", "verify"]);
    assert_eq!((&tried["opened"], &tried["rows"]["leads"]), (&Value::Bool(true), &Value::from(3)), "{tried}");
    // Nothing of it can be read in the file itself.
    let bytes = std::fs::read(&file).unwrap();
    for secret in ["jo1@example.com", "heater", PASSPHRASE] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}

#[test]
fn what_the_configuration_names_goes_along_and_the_master_key_by_choice_alone() {
    let machine = with_backups();
    let definitions = machine.folder().join("definitions/messages");
    std::fs::create_dir_all(&definitions).unwrap();
    std::fs::write(definitions.join("welcome.toml"), "subject = \"Hello\"").unwrap();
    let (_, made) = create(&machine, &[]);
    assert_eq!((&made["with_key"], &made["files"]), (&Value::Bool(false), &Value::from(2)), "{made}");
    let to = machine.folder().join("elsewhere.backup");
    let (file, made) = create(&machine, &["--with-key", "--to", to.to_str().unwrap()]);
    assert_eq!((file, &made["files"]), (to, &Value::from(3)), "{made}");
    edit(&machine, "[alerts]\n", |section| {
        section.replace("smtp_ca_file = \"\"", "smtp_ca_file = \"/nonexistent/ca.pem\"")
    });
    let to = machine.folder().join("third.backup");
    let (status, _, told) = machine.run(&["backup", "create", "--to", to.to_str().unwrap()]);
    assert!(
        status == 0 && told.contains("not in it, because it is not there: /nonexistent/ca.pem"),
        "{told}"
    );
}

#[test]
fn backups_are_listed_without_what_opens_them_and_tried_by_their_sum() {
    let machine = Machine::initialised();
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let file = machine.folder().join("x.backup");
    let file_text = file.to_str().unwrap();
    let (status, _, error) = machine.run(&["backup", "create", "--no-input"]);
    assert!(status == 8 && error.contains("set `[backup]` in the configuration"), "{status} {error}");
    create(&machine, &["--to", file_text, "--recipient", &recipient]);
    let tried = machine.json(&["backup", "verify", file_text]);
    assert_eq!(tried["opened"], false, "{tried}");
    let key = machine.folder().join("identity.txt");
    let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    std::fs::write(&key, format!("# made for a test\n{secret}\n")).unwrap();
    let tried = machine.json(&["backup", "verify", file_text, "--identity-file", key.to_str().unwrap()]);
    assert_eq!(tried["opened"], true, "{tried}");
    std::fs::write(&key, "nothing of use").unwrap();
    let (status, _, error) =
        machine.run(&["backup", "verify", file_text, "--identity-file", key.to_str().unwrap()]);
    assert!(status == 2 && error.contains("holds no secret key of age"), "{error}");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (status, _, error) = machine.run(&["backup", "verify", file_text]);
    assert!(status == 5 && error.contains("is damaged"), "{error}");
    std::fs::write(machine.folder().join("nexora-20261101T020000Z.backup"), "cut off").unwrap();
    let listed = machine.json(&["backup", "list", "--folder", machine.folder().to_str().unwrap()]);
    assert!(listed[0]["fault"].as_str().unwrap().contains("is no backup of nexora"), "{listed}");
}

#[test]
fn of_old_backups_those_are_taken_away_that_are_no_longer_to_be_kept() {
    let machine = with_backups();
    edit(&machine, "[backup]\n", |section| {
        section
            .replace("keep_daily = 7", "keep_daily = 1")
            .replace("keep_weekly = 5", "keep_weekly = 0")
            .replace("keep_monthly = 12", "keep_monthly = 0")
    });
    let (first, _) = create(&machine, &[]);
    // The moment in a backup counts, and not the name that it was given.
    let renamed = folder(&machine).join("nexora-20200101T000000Z.backup");
    std::fs::rename(&first, &renamed).unwrap();
    let (second, _) = create(&machine, &[]);
    for name in ["notes.txt", "nexora-20200102T000000Z.backup"] {
        std::fs::write(folder(&machine).join(name), "mine").unwrap();
    }
    let planned = machine.json(&["backup", "prune", "--dry-run"]);
    assert_eq!(planned["removed"], serde_json::json!([renamed]), "{planned}");
    assert!(renamed.exists());
    let (status, _, error) = machine.run(&["backup", "prune"]);
    assert!(status == 8 && error.contains("this takes away 1 file and keeps 2 files"), "{error}");
    assert_eq!(machine.run(&["backup", "prune", "--yes"]).0, 0);
    assert!(!renamed.exists() && second.exists());
    assert_eq!(names(&folder(&machine)).len(), 3, "what is none of ours, or cannot be read, is left alone");
}

#[test]
fn a_backup_that_fails_is_told_until_one_succeeds() {
    let machine = with_backups();
    let passphrase = machine.folder().join("passphrase");
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (status, _, error) = machine.run(&["backup", "create"]);
    assert!(status == 3 && error.contains("others than its owner may read the passphrase"), "{error}");
    let said = |machine: &Machine| machine.run(&["status"]).1;
    let told = said(&machine);
    assert!(told.contains("the backup failed: others than its owner may read"), "{told}");
    assert!(told.contains("chmod 600") && told.contains("then nexora backup create"), "{told}");
    std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o600)).unwrap();
    create(&machine, &[]);
    assert!(!said(&machine).contains("backup"), "{}", said(&machine));
    // What a process left that was killed in mid-work goes with the next.
    let left = machine.folder().join(".nexora-copy-killed");
    std::fs::create_dir(&left).unwrap();
    create(&machine, &["--to", machine.folder().join("again.backup").to_str().unwrap()]);
    assert!(!left.exists());
}

#[test]
fn one_backup_is_made_at_a_time() {
    let machine = with_backups();
    let lock = std::fs::File::create(machine.folder().join("nexora.db.backup")).unwrap();
    lock.try_lock().unwrap();
    let (status, _, error) = machine.run(&["backup", "create"]);
    assert!(status == 5 && error.contains("another backup is being made"), "{error}");
}
