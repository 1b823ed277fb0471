//! What an operator can rely on about the installation itself: it is never made by mistake, never opened with
//! another key, and says whether it runs and can write.

use std::time::Duration;

use diesel::RunQueryDsl as _;
use nexora::config::Config;
use nexora::daemon::Daemon;
use nexora_store::{Conn, Db, Url, daemon};

use crate::machine::Machine;

/// Returns the machine's configuration, on ports that are free.
fn config(machine: &Machine) -> Config {
    let mut config = Config::load(&machine.config(), std::iter::empty()).unwrap();
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    config
}

fn sql(conn: &mut Conn, text: &str) -> nexora_core::base::Result<()> {
    let Conn::Sqlite(conn) = conn else { panic!("not SQLite") };
    diesel::sql_query(text).execute(conn)?;
    Ok(())
}

async fn open(machine: &Machine) -> Db {
    Db::open(&config(machine).database.url.parse().unwrap()).await.unwrap()
}

#[test]
fn a_mistyped_address_makes_no_database() {
    let machine = Machine::initialised();
    let right = std::fs::read_to_string(machine.config()).unwrap();
    std::fs::write(machine.config(), right.replace("nexora.db", "nexroa.db")).unwrap();
    for command in [vec!["serve"], vec!["migrate"], vec!["migrate", "--status"], vec!["tenant", "list"]] {
        let (status, _, error) = machine.run(&command);
        assert_eq!(status, 3, "{command:?}: {error}");
        assert!(error.contains("there is no nexora database at"), "{command:?}: {error}");
        assert!(error.contains("hint: check `database.url`; `nexora init`"), "{command:?}: {error}");
    }
    let other = machine.folder().join("nexroa.db");
    assert!(!other.exists());
    std::fs::write(&other, "").unwrap();
    let (status, _, error) = machine.run(&["serve"]);
    assert_eq!((status, std::fs::metadata(&other).unwrap().len()), (3, 0), "{error}");
    let mut conn = Url::Sqlite(other).establish().unwrap();
    sql(&mut conn, "CREATE TABLE recipes (name TEXT)").unwrap();
    let (status, _, error) = machine.run(&["migrate"]);
    assert_eq!(status, 3, "{error}");
    assert!(error.contains("what is there is another program's"), "{error}");
}

#[test]
fn a_database_is_copied_before_it_is_brought_up_to_date_and_the_copy_is_the_way_back() {
    let machine = Machine::initialised();
    let database = machine.folder().join("nexora.db");
    // The migration that is taken back, whichever came after it.
    let latest = "20261204110000";
    let make_older = |path: &std::path::Path| {
        let mut conn = Url::Sqlite(path.to_owned()).establish().unwrap();
        sql(&mut conn, "ALTER TABLE key_checks DROP COLUMN root").unwrap();
        sql(&mut conn, &format!("DELETE FROM __diesel_schema_migrations WHERE version = '{latest}'"))
            .unwrap();
        nexora_store::migration::latest(&mut conn).unwrap().unwrap()
    };
    let before = make_older(&database);
    let stale = machine.folder().join("nexora.db.before-upgrade-20200101000000");
    std::fs::write(&stale, "an earlier one").unwrap();
    let copy = machine.folder().join(format!("nexora.db.before-upgrade-{before}"));
    // Without room for the copy nothing is touched.
    let part = machine.folder().join("nexora.db.before-upgrade-part");
    std::fs::create_dir(&part).unwrap();
    let (status, _, error) = machine.run(&["migrate"]);
    assert!(status == 6 && error.contains("cannot write"), "{status} {error}");
    std::fs::remove_dir(&part).unwrap();
    let (status, told, noted) = machine.run(&["migrate"]);
    assert!(status == 0 && told.contains(latest) && noted.contains("is kept as"), "{told} {noted}");
    assert!(copy.exists() && !stale.exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let (status, told, noted) = machine.run(&["migrate"]);
    assert!(status == 0 && !told.contains(latest) && !noted.contains("is kept as"), "{told} {noted}");
    // Back: what is there now is of a newer program to the one before it, and the copy is not.
    std::fs::rename(&copy, &database).unwrap();
    let mut conn = Url::Sqlite(database).establish().unwrap();
    assert_eq!(nexora_store::migration::latest(&mut conn).unwrap(), Some(before));
    sql(&mut conn, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')").unwrap();
    drop(conn);
    for command in [vec!["migrate"], vec!["serve"], vec!["tenant", "list"]] {
        let (status, _, error) = machine.run(&command);
        assert!(
            status == 5 && error.contains("the database is newer than this program"),
            "{command:?}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_master_key_is_refused_at_once() {
    let machine = Machine::initialised();
    let key = machine.folder().join("master.key");
    let right = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, "ab".repeat(32)).unwrap();
    for command in [vec!["serve"], vec!["tenant", "list"]] {
        let (status, _, error) = machine.run(&command);
        assert_eq!(status, 3, "{command:?}: {error}");
        assert!(error.contains("is not the one that this database was made with"), "{error}");
        assert!(error.contains("hint: put the right one back from your backup"), "{error}");
    }
    // A database from before there was a key check is held against a credential.
    std::fs::write(&key, &right).unwrap();
    for command in [
        "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com",
        "connection create webhook --name crm --url https://crm.example.com/hook",
    ] {
        let (status, _, error) = machine.run(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(status, 0, "{error}");
    }
    open(&machine).await.write(|conn| sql(conn, "DELETE FROM key_checks")).await.unwrap();
    assert_eq!(machine.run(&["tenant", "list"]).0, 0);
    std::fs::write(&key, "ab".repeat(32)).unwrap();
    assert_eq!(machine.run(&["tenant", "list"]).0, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_gives_signs_of_life_and_says_that_it_stops() {
    let machine = Machine::initialised();
    let running = Daemon::start(config(&machine)).await.unwrap();
    let ready = format!("http://{}/readyz", running.private_address);
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200);
    let db = open(&machine).await;
    let heard = db.read(|conn| daemon::list(conn, 10)).await.unwrap();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!((heard[0].pid, heard[0].stopped_at), (i64::from(std::process::id()), None));
    let app = running.app.clone();
    running.stop().await;
    let heard = db.read(|conn| daemon::list(conn, 10)).await.unwrap();
    assert!(heard[0].stopped_at.is_some() && !heard[0].is_heard(app.clock.now()), "{heard:?}");
    assert!(heard[0].beat_at + Duration::from_secs(5) > app.clock.now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_full_or_read_only_is_said_and_intake_asks_to_come_back() {
    for (pragma, reason) in
        [("PRAGMA max_page_count = 1", None), ("PRAGMA query_only = 1", Some("can only be read"))]
    {
        let machine = Machine::initialised();
        let create = "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com";
        assert_eq!(machine.run(&create.split(' ').collect::<Vec<_>>()).0, 0);
        let running = Daemon::start(config(&machine)).await.unwrap();
        let db = &running.app.db;
        // What the daemon writes as it starts is written before anything is made to fail.
        while db.read(|conn| daemon::list(conn, 1)).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        // After a failure the writer opens the database anew, so the fault is dialled in before each request.
        let fault = || db.write(move |conn| sql(conn, pragma));
        fault().await.unwrap();
        let ready = reqwest::get(format!("http://{}/readyz", running.private_address)).await.unwrap();
        let (status, text) = (ready.status(), ready.text().await.unwrap());
        match reason {
            Some(reason) => assert!(status == 503 && text.contains(reason), "{pragma}: {text}"),
            // A sign of life takes the place of the last one, and needs no new page.
            None => assert_eq!(status, 200, "{text}"),
        }
        fault().await.unwrap();
        let lead = serde_json::json!({ "name": "Jo", "email": "jo@example.com", "phone": "512 555 0142", "message": "Hot water ".repeat(400) });
        let form = format!("http://{}/lead/acme", running.public_address);
        let client = reqwest::Client::new();
        let answer = client.post(&form).json(&lead).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().contains_key("retry-after")), (503, true));
        let again = client.post(&form).json(&lead).send().await.unwrap();
        assert!(again.status().is_success(), "{}", again.text().await.unwrap());
        running.stop().await;
    }
}
