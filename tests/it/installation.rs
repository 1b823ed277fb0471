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
