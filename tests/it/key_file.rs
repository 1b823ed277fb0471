//! Another master key: everything that was sealed opens with it, and what was hashed and signed before still holds.

use diesel::RunQueryDsl as _;
use nexora::app::{App, key_check};
use nexora::config::Config;
use nexora::daemon::Daemon;
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::token::PurposeKey;
use nexora_core::model::form::Form;
use nexora_store::sealed;
use nexora_store::{Conn, Url};

use crate::backup::words;
use crate::harness::{Backend, Nexora, on_both};
use crate::machine::Machine;

/// A machine on which something of each kind is sealed.
async fn with_secrets() -> Machine {
    let machine = Machine::initialised();
    for line in [
        "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com",
        "connection create webhook --name crm --url https://crm.example.com/hook",
        "source create partner --kind json --signed",
        "user create jo@acme.com --role owner --tenant acme",
    ] {
        let (status, _, error) = machine.run(&words(line));
        assert_eq!(status, 0, "{line}: {error}");
    }
    let app = open(&machine).await;
    let key = app.key.clone();
    app.db
        .write(move |conn| {
            let tenant = nexora_store::tenant::list(conn, 1)?.remove(0).id;
            let hexed = |owner: &str| key.seal(owner, &Secret::new("hunter2")).map(nexora_core::base::text::hex);
            let user: Vec<Column> = query(conn, "SELECT id AS name FROM users ORDER BY id LIMIT 1");
            let user = &user[0].name;
            let codes = hexed(&format!("{user}/totp"))?;
            let puzzle = hexed(&Form::seal_owner(&tenant))?;
            for sql in [
                format!("INSERT INTO sign_ins (user_id, failures, totp_sealed, totp_pending, totp_step, recovery) VALUES ('{user}', 0, x'{codes}', x'{codes}', 0, '[]')"),
                format!("INSERT INTO forms (tenant_id, settings, turnstile_sealed, updated_at) VALUES ('{tenant}', '{{}}', x'{puzzle}', 0)"),
            ] {
                let Conn::Sqlite(conn) = conn else { panic!("not SQLite") };
                diesel::sql_query(sql).execute(conn).unwrap();
            }
            Ok(())
        })
        .await
        .unwrap();
    machine
}

fn query(conn: &mut Conn, sql: &str) -> Vec<Column> {
    let Conn::Sqlite(conn) = conn else { panic!("not SQLite") };
    diesel::sql_query(sql).load(conn).unwrap()
}

async fn open(machine: &Machine) -> std::sync::Arc<App> {
    App::open(Config::load(&machine.config(), std::iter::empty()).unwrap(), Clock::System).await.unwrap()
}

/// Opens everything that is sealed; returns how many there are.
async fn opened(app: &App) -> usize {
    let all = app.db.read(sealed::all).await.unwrap();
    for (place, value) in &all {
        app.key.open(&place.seal_owner(), value).unwrap();
    }
    all.len()
}

fn hash(app: &App) -> String {
    PurposeKey::new(&app.key, "address hash").hash("jo@example.com")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_opens_with_the_new_key_and_what_was_hashed_is_known() {
    let machine = with_secrets().await;
    let app = open(&machine).await;
    let (sealed, hashed, old) = (opened(&app).await, hash(&app), app.key.to_hex().expose().to_owned());
    assert_eq!(sealed, 5, "{sealed}");
    drop(app);
    let (status, _, error) = machine.run(&["key-file", "rotate", "--no-input"]);
    assert!(status == 8 && error.contains("this puts another master key"), "{error}");
    // Twice: what is derived stays with the first key.
    for _ in 0..2 {
        let rotated = machine.json(&["key-file", "rotate", "--yes"]);
        assert_eq!((&rotated["sealed"], &rotated["unopened"]), (&sealed.into(), &0.into()), "{rotated}");
        let app = open(&machine).await;
        assert_eq!((opened(&app).await, hash(&app)), (sealed, hashed.clone()));
        assert_ne!(app.key.to_hex().expose(), old);
        let saved = rotated["old_key_file"].as_str().unwrap().to_owned();
        std::fs::rename(&saved, format!("{saved}.kept")).unwrap();
    }
    let file = machine.folder().join("master.key");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&file, old).unwrap();
    let (status, _, error) = machine.run(&["tenant", "list"]);
    assert!(status == 3 && error.contains("is not the one that this database was made with"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_every_value_that_the_key_does_not_open() {
    let machine = with_secrets().await;
    let app = open(&machine).await;
    let spoil = |conn: &mut Conn| {
        for (place, _) in sealed::all(conn)? {
            sealed::put(conn, &place, &[7; 60])?;
        }
        Ok(())
    };
    app.db.write(spoil).await.unwrap();
    drop(app);
    let (status, report, _) = machine.run(&["doctor", "--output", "json"]);
    assert_eq!(status, 11);
    for (said, fix) in [
        ("the credential of connection `crm`", "nexora connection create webhook --tenant acme"),
        ("the secret of source `partner`", "nexora source rotate-secret partner --tenant acme"),
        (
            "the secret key of the form's puzzle",
            "nexora form turnstile --site-key KEY --from-file SECRET --tenant acme",
        ),
        ("the two-step sign-in of `op@example.com`\"", "nexora user totp disable op@example.com"),
        (
            "the two-step sign-in of `op@example.com`, which is not confirmed",
            "nexora user totp enrol op@example.com",
        ),
    ] {
        let said = format!("the master key does not open {said}");
        assert!(report.contains(&said) && report.contains(fix), "{said}: {fix}\n{report}");
    }
    assert!(report.contains("opens 0 credentials"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_check_the_key_has_to_open_something() {
    let machine = with_secrets().await;
    let app = open(&machine).await;
    let right = app.key.clone();
    let drop_check = |conn: &mut Conn| {
        let Conn::Sqlite(conn) = conn else { panic!("not SQLite") };
        diesel::sql_query("DELETE FROM key_checks").execute(conn).unwrap();
        Ok(())
    };
    app.db.write(drop_check).await.unwrap();
    let file = machine.folder().join("master.key");
    let holds = async |key: MasterKey| key_check::verify(&app.db, &key, &file).await;
    assert!(holds(MasterKey::generate().unwrap()).await.is_err());
    // One value is spoilt, and the others say that it is the right key.
    let spoil = |conn: &mut Conn| {
        let first = sealed::all(conn)?.remove(0).0;
        sealed::put(conn, &first, &[7; 60])
    };
    app.db.write(spoil).await.unwrap();
    holds(right).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_was_ended_goes_on_from_wherever_it_was() {
    let machine = with_secrets().await;
    let (file, new) = (machine.folder().join("master.key"), machine.folder().join("master.key.new"));
    let old = std::fs::read_to_string(&file).unwrap();
    // Ended when the new key was written, and nothing sealed with it.
    let chosen = MasterKey::generate().unwrap().to_hex().expose().to_owned();
    std::fs::write(&new, &chosen).unwrap();
    let rotated = machine.json(&["key-file", "rotate", "--yes"]);
    assert_eq!(rotated["went_on"], false, "{rotated}");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), chosen);
    assert!(!new.exists());
    // Ended when all was sealed, and the new key not in its place.
    std::fs::write(&new, &chosen).unwrap();
    std::fs::write(&file, &old).unwrap();
    let (status, _, error) = machine.run(&["tenant", "list"]);
    assert!(status == 3 && error.contains("run `nexora key-file rotate` to go on with it"), "{error}");
    let rotated = machine.json(&["key-file", "rotate", "--yes"]);
    assert_eq!(rotated["went_on"], true, "{rotated}");
    let app = open(&machine).await;
    assert_eq!(opened(&app).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_is_exchanged_under_a_daemon() {
    let machine = with_secrets().await;
    let mut config = Config::load(&machine.config(), std::iter::empty()).unwrap();
    config.http.listen = "127.0.0.1:0".to_owned();
    config.http.private_listen = "127.0.0.1:0".to_owned();
    let running = Daemon::start(config).await.unwrap();
    let (status, _, error) = machine.run(&["key-file", "rotate", "--yes"]);
    assert!(status == 5 && error.contains("a daemon runs"), "{error}");
    running.stop().await;
    assert_eq!(machine.run(&["key-file", "rotate", "--yes"]).0, 0);
}

on_both!(whatever_the_database_is_the_key_is_another);

async fn whatever_the_database_is_the_key_is_another(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    key_check::keep(&nexora.app.db, &nexora.app.key).await.unwrap();
    let machine = Machine::of(&nexora);
    let rotated = machine.json(&["key-file", "rotate", "--yes"]);
    assert_eq!((&rotated["sealed"], &rotated["unopened"]), (&1.into(), &0.into()), "{rotated}");
    let app = open(&machine).await;
    assert_eq!((opened(&app).await, hash(&app)), (1, hash(&nexora.app)));
}

#[derive(diesel::QueryableByName)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[test]
fn every_column_of_bytes_is_one_that_is_sealed_anew_or_is_no_secret() {
    let machine = Machine::initialised();
    let mut conn = Url::Sqlite(machine.folder().join("nexora.db")).establish().unwrap();
    let sql = "SELECT tables.name || '.' || columns.name AS name FROM sqlite_master AS tables
                 JOIN pragma_table_info(tables.name) AS columns
                WHERE tables.type = 'table' AND columns.type = 'BLOB' ORDER BY 1";
    let found = query(&mut conn, sql);
    let found: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
    let sealed = [
        "connections.sealed",
        "forms.turnstile_sealed",
        "key_checks.root",
        "key_checks.sealed",
        "sign_ins.totp_pending",
        "sign_ins.totp_sealed",
        "sources.sealed",
    ];
    let open = ["forms.logo", "photos.content"];
    // By a key that follows from the root, which a rotation leaves as it is.
    let rooted = ["audit_people.sealed"];
    let (others, known): (Vec<&str>, Vec<&str>) = found.iter().partition(|name| !sealed.contains(name));
    assert_eq!(known, sealed);
    assert!(
        others.iter().all(|name| open.contains(name) || rooted.contains(name)),
        "is it sealed? src/store/sealed.rs: {others:?}"
    );
}
