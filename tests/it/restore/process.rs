//! Restoring as an operator does it: on a fresh machine, instead of a database that is there, and killed in mid-work.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use nexora::config::Config;
use nexora::daemon::Daemon;
use nexora_store::{Conn, Url};
use serde_json::Value;

use crate::backup::{create, folder, with_backups, words};
use crate::machine::Machine;

const AFTER: &str = "tenant create after --name After --timezone America/Chicago --owner-email o@after.com";

/// A machine with a backup, and a tenant that came after it.
fn with_more_since() -> (Machine, PathBuf) {
    let machine = with_backups();
    let (file, _) = create(&machine, &["--with-key"]);
    assert_eq!(machine.run(&words(AFTER)).0, 0);
    (machine, file)
}

fn slugs(machine: &Machine) -> Vec<String> {
    let listed = machine.json(&["tenant", "list"]);
    listed.as_array().unwrap().iter().map(|tenant| tenant["slug"].as_str().unwrap().to_owned()).collect()
}

fn restore<'a>(file: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["backup", "restore", file.to_str().unwrap()], more].concat()
}

#[test]
fn on_a_fresh_machine_all_that_is_missing_is_put_in_place_and_held() {
    let (machine, file) = with_more_since();
    let passphrase = machine.folder().with_file_name("passphrase");
    std::fs::copy(machine.folder().join("passphrase"), &passphrase).unwrap();
    std::fs::rename(machine.folder(), machine.folder().with_file_name("lost")).unwrap();
    let opened = ["--passphrase-file", passphrase.to_str().unwrap()];
    let (status, _, error) = machine.run(&restore(&file, &["--no-input"]));
    assert!(status == 7 && error.contains("give `--passphrase-file FILE`"), "{error}");
    let restored = machine.json(&restore(&file, &opened));
    assert_eq!(restored["placed"].as_array().unwrap().len(), 2, "{restored}");
    assert_eq!(slugs(&machine), ["acme"]);
    let (status, told, _) = machine.run(&["status"]);
    assert!(status == 11 && told.contains("deliveries are held until you release them"), "{told}");
    assert!(told.contains("nexora restore status, then nexora restore release"), "{told}");
    let standing = machine.json(&["restore", "status"]);
    assert_eq!(standing["restore"]["backup_id"], restored["backup"]["id"], "{standing}");
    let (status, _, error) = machine.run(&["restore", "release"]);
    assert!(status == 8 && error.contains("this lets deliveries go on"), "{error}");
    assert_eq!(machine.run(&["restore", "release", "--yes"]).0, 0);
    assert!(!machine.run(&["status"]).1.contains("deliveries are held"));
    // The key of another installation opens nothing here.
    std::fs::remove_file(machine.folder().join("nexora.db")).unwrap();
    std::fs::write(machine.folder().join("master.key"), "ab".repeat(32)).unwrap();
    let (status, _, error) = machine.run(&restore(&file, &opened));
    assert!(status == 3 && error.contains("is not the one that this database was made with"), "{error}");
    assert!(!machine.folder().join("nexora.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_there_is_replaced_by_choice_alone_and_never_under_a_daemon() {
    let (machine, file) = with_more_since();
    let (status, _, error) = machine.run(&restore(&file, &[]));
    assert!(status == 5 && error.contains("add `--replace`"), "{error}");
    let mut config = Config::load(&machine.config(), std::iter::empty()).unwrap();
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    let running = Daemon::start(config.clone()).await.unwrap();
    let (status, _, error) = machine.run(&restore(&file, &["--replace", "--yes"]));
    assert!(status == 5 && error.contains("stop it: systemctl stop nexora"), "{error}");
    running.stop().await;
    let restored = machine.json(&restore(&file, &["--replace", "--yes"]));
    assert_eq!(slugs(&machine), ["acme"]);
    let kept = PathBuf::from(restored["replaced"].as_str().unwrap());
    std::fs::rename(&kept, machine.folder().join("nexora.db")).unwrap();
    assert_eq!(slugs(&machine), ["acme", "after"], "the old one is whole");
    // While a restore is under way no daemon begins.
    let lock = nexora::app::locks::claim_for_restore(&machine.folder().join("nexora.db")).unwrap();
    let refused = Daemon::start(config.clone()).await.err().unwrap();
    assert!(refused.report().contains("a backup is being restored"), "{refused:?}");
    drop(lock);
    Daemon::start(config).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_says_that_deliveries_are_held_and_leads_are_taken() {
    let (machine, file) = with_more_since();
    machine.json(&restore(&file, &["--replace", "--yes"]));
    let mut config = Config::load(&machine.config(), std::iter::empty()).unwrap();
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    let running = Daemon::start(config).await.unwrap();
    let ready = reqwest::get(format!("http://{}/readyz", running.private_address)).await.unwrap();
    assert_eq!(ready.status(), 200);
    let told: Value = ready.json().await.unwrap();
    assert!(told.to_string().contains("deliveries are held until you release them"), "{told}");
    let lead = serde_json::json!({ "name": "Jo", "email": "jo@example.com", "phone": "512 555 0142", "message": "Cold" });
    let form = format!("http://{}/lead/acme", running.public_address);
    let answer = reqwest::Client::new().post(form).json(&lead).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    running.stop().await;
}

#[test]
fn a_newer_backup_and_a_damaged_one_change_nothing() {
    let (machine, file) = with_more_since();
    let mut conn = Url::Sqlite(machine.folder().join("nexora.db")).establish().unwrap();
    let Conn::Sqlite(sqlite) = &mut conn else { panic!("not SQLite") };
    sqlite
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')")
        .unwrap();
    drop(conn);
    let newer = machine.folder().join("newer.backup");
    create(&machine, &["--to", newer.to_str().unwrap()]);
    let (status, _, error) = machine.run(&restore(&newer, &["--replace", "--yes"]));
    assert!(status == 5 && error.contains("the backup is newer than this program"), "{error}");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.len() - 4_000;
    bytes[at] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (status, _, error) = machine.run(&restore(&file, &["--replace", "--yes"]));
    assert!(status == 5 && error.contains("is damaged"), "{error}");
    let mut conn = Url::Sqlite(machine.folder().join("nexora.db")).establish().unwrap();
    let tenants = nexora_store::tenant::list(&mut conn, 10).unwrap();
    assert_eq!(tenants.len(), 2, "what is there is as it was");
}

/// Begins a restore, and kills it when `is_time` says so, or lets it end.
fn killed(machine: &Machine, file: &Path, is_time: &dyn Fn(Duration) -> bool) {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("nexora"))
        .arg("--config")
        .arg(machine.config())
        .args(restore(file, &["--replace", "--yes"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if is_time(begun.elapsed()) {
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_restore_that_is_killed_leaves_the_old_or_the_new_and_goes_on() {
    let machine = with_backups();
    let database = machine.folder().join("nexora.db");
    let mut conn = Url::Sqlite(database.clone()).establish().unwrap();
    let Conn::Sqlite(sqlite) = &mut conn else { panic!("not SQLite") };
    // Large enough that a restore takes a while.
    let fill = "CREATE TABLE filler (content BLOB);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
        INSERT INTO filler SELECT randomblob(1000) FROM n";
    sqlite.batch_execute(fill).unwrap();
    drop(conn);
    let (file, _) = create(&machine, &["--with-key"]);
    assert_eq!(machine.run(&words(AFTER)).0, 0);
    let old = ["acme", "after"];
    let ready = database.with_file_name("nexora.db.restore").join("ready.json");
    for step in 0..8_u64 {
        killed(&machine, &file, &|elapsed| elapsed > Duration::from_millis(step * 120));
        let found = slugs(&machine);
        if found == ["acme"] {
            break;
        }
        assert_eq!(found, old, "killed after {} ms", step * 120);
    }
    if slugs(&machine) == old {
        // At the moment when all is ready and nothing is in place.
        killed(&machine, &file, &|_| ready.exists());
        let found = slugs(&machine);
        assert!(found == old || found == ["acme"], "{found:?}");
    }
    if slugs(&machine) == old {
        let restored = machine.json(&restore(&file, &["--replace", "--yes"]));
        assert_eq!(restored["database"], database.to_str().unwrap(), "{restored}");
    }
    assert_eq!(slugs(&machine), ["acme"]);
    let standing = machine.json(&["restore", "status"]);
    assert_eq!(standing["restore"]["released_at"], Value::Null, "{standing}");
    assert!(folder(&machine).exists());
    let tried = machine.json(&["backup", "verify", file.to_str().unwrap()]);
    assert_eq!(tried["rows"]["filler"], 12_000);
}
