//! Whatever is broken, one screen of `nexora status` names the cause and the command that mends it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use diesel::RunQueryDsl as _;
use nexora::app::key_check;
use nexora::cli::status::screen;
use nexora::domain::connection::credential_failure;
use nexora::domain::report::health::Level;
use nexora::domain::report::health::machine::{self, Machine as Installation};
use nexora::ops::access::user::{self, Grant};
use nexora::ops::report::survey::{Survey, survey};
use nexora::ops::{automation, connection, lead, tenant};
use nexora_core::base::Result;
use nexora_core::model::daemon::Daemon;
use nexora_core::model::user::Role;
use nexora_store::{Conn, daemon};

use crate::harness::{Backend, Nexora, enquiry, new_tenant};
use crate::machine::Machine;

fn sql(conn: &mut Conn, text: &str) -> Result<()> {
    let Conn::Sqlite(conn) = conn else { panic!("not SQLite") };
    diesel::sql_query(text).execute(conn)?;
    Ok(())
}

/// Makes a tenant on which everything works, with a daemon that was just heard.
async fn sound() -> Nexora {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let app = &nexora.app;
    key_check::keep(&app.db, &app.key).await.unwrap();
    app.heart.beat(&app.db, &app.clock).await.unwrap();
    nexora
}

/// Checks that one screen names cause and command.
fn assert_screen(text: &str, cause: &str, command: &str) {
    assert!(text.contains(cause) && text.contains(command), "{cause} / {command}:\n{text}");
    assert!(text.lines().count() <= 40, "{text}");
}

async fn assert_says(nexora: &Nexora, level: Level, cause: &str, command: &str) {
    let seen = survey(&nexora.app, None).await;
    let text = screen(&seen);
    assert_eq!(seen.level, level, "{text}");
    assert_screen(&text, cause, command);
}

async fn edit(nexora: &Nexora, text: &str) {
    let text = text.to_owned();
    nexora.app.db.write(move |conn| sql(conn, &text)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_said_where_nothing_is_broken() {
    let nexora = sound().await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert!(nexora.lead(&id).await.lead.answered_at.is_some());
    assert_says(&nexora, Level::Good, "all is well: 1 tenant; the daemon", "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_does_not_run() {
    let nexora = sound().await;
    let app = &nexora.app;
    let start = "systemctl start nexora, or nexora serve";
    app.heart.stop(&app.db, &app.clock).await.unwrap();
    assert_says(&nexora, Level::Broken, "the daemon is not running: it was stopped, since 2026-", start)
        .await;
    // A process of this number cannot be there.
    edit(&nexora, "UPDATE daemons SET stopped_at = NULL, pid = 2147483647").await;
    assert_says(&nexora, Level::Broken, "process 2147483647 on", start).await;
    edit(&nexora, "UPDATE daemons SET host = 'elsewhere'").await;
    app.clock.advance(Duration::from_secs(60));
    assert_says(&nexora, Level::Broken, "gives no sign of life", "systemctl restart nexora").await;
    edit(&nexora, "DELETE FROM daemons").await;
    assert_says(&nexora, Level::Broken, "none has run here yet", start).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_refused_or_paused() {
    let nexora = sound().await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let now = app.clock.now();
    let refuse = async |name: &str, reason: &'static str| {
        let found = connection::find(app, tenant, name).await.unwrap();
        let write = move |conn: &mut Conn| {
            credential_failure::credential_refused(conn, (&found, "office@acme.com"), reason, now)
        };
        let _ = app.db.write(write).await.unwrap();
    };
    let sealed = app.key.seal("key", &nexora_core::base::secret::Secret::new("x")).unwrap();
    let hexed = nexora_core::base::text::hex(sealed);
    edit(&nexora, &format!("UPDATE connections SET sealed = x'{hexed}' WHERE name = 'smtp'")).await;
    refuse("smtp", "535 5.7.8 authentication failed").await;
    let mend = "nexora connection set smtp --password-file FILE --tenant acme";
    assert_says(&nexora, Level::Broken, "`smtp` is failing: 535 5.7.8", mend).await;
    refuse("google", "invalid_grant: the consent was revoked").await;
    let mend = "nexora connection authorize google --tenant acme";
    assert_says(&nexora, Level::Broken, "`google` is failing: invalid_grant", mend).await;
    // Paused by hand, after an error that has nothing to do with it.
    connection::pause(app, actor, tenant, "smtp").await.unwrap();
    let seen = survey(app, None).await;
    let text = screen(&seen);
    assert_screen(
        &text,
        "connection `smtp` is paused: an operator did it, since 2026-",
        "connection resume smtp",
    );
    assert!(!text.contains("535"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spreadsheet_that_is_missing() {
    let nexora = sound().await;
    nexora.enable(&[("sheet_id", "gone"), ("chase_after", "")]).await;
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_says(&nexora, Level::Look, "spreadsheet `gone`", "nexora effect").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automation_that_is_paused() {
    let nexora = sound().await;
    automation::pause(&nexora.app, &nexora.actor, &nexora.tenant, "lead-capture").await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    let command = "nexora automation resume lead-capture --tenant acme";
    assert_says(&nexora, Level::Look, "automation `lead-capture` is paused", command).await;
    assert_says(&nexora, Level::Look, "1 affected", command).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_whose_secret_is_wrong() {
    let nexora = sound().await;
    let machine = Machine::of(&nexora);
    let (status, _, error) = machine.run(&["source", "create", "ads", "--kind", "google-ads"]);
    assert_eq!(status, 0, "{error}");
    edit(&nexora, "UPDATE sources SET last_error = 'a call was refused: its secret is wrong'").await;
    let command = "nexora source rotate-secret ads --tenant acme";
    assert_says(&nexora, Level::Look, "source `ads`: a call was refused: its secret is wrong", command).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leads_that_wait_for_a_person() {
    let nexora = sound().await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let good = nexora.submit(enquiry()).await;
    nexora.settle().await;
    lead::spam(app, actor, tenant, &good).await.unwrap();
    let command = format!("nexora lead not-spam {good} --tenant acme");
    assert_says(&nexora, Level::Look, "1 request was held back as spam, since 2026-", &command).await;
    edit(&nexora, "UPDATE leads SET state = 'needs_review'").await;
    let command = "nexora lead list --state needs_review --tenant acme";
    assert_says(&nexora, Level::Look, "1 lead is to be looked at", command).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_is_late_though_a_daemon_runs() {
    let nexora = sound().await;
    nexora.submit(enquiry()).await;
    nexora.app.clock.advance(Duration::from_secs(1_200));
    nexora.app.heart.beat(&nexora.app.db, &nexora.app.clock).await.unwrap();
    let command = "systemctl restart nexora";
    assert_says(&nexora, Level::Broken, "work has been due for 20 min: the oldest event for 20 min", command)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_went_back() {
    let nexora = sound().await;
    nexora.app.clock.set(nexora.app.clock.now() - Duration::from_secs(3_600));
    assert_says(&nexora, Level::Broken, "the clock of this machine has gone back", "timedatectl").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_told_of_their_tenant_and_not_of_the_machine() {
    let nexora = sound().await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let grant = Grant::Member(Box::new(tenant.clone()), Role::Owner);
    user::create(app, actor, "owner@acme.example.com".parse().unwrap(), None, grant).await.unwrap();
    edit(&nexora, "DELETE FROM daemons").await;
    automation::pause(app, actor, tenant, "lead-capture").await.unwrap();
    let machine = Machine::of(&nexora);
    let (status, out, error) = machine.run(&["status", "--tenant", "acme"]);
    assert_eq!(status, 11, "{error}");
    assert!(out.contains("the daemon is not running"), "{out}");
    for format in ["table", "json"] {
        let words = ["status", "--as", "owner@acme.example.com", "--tenant", "acme", "--output", format];
        let (status, out, error) = machine.run(&words);
        assert_eq!(status, 10, "{out}{error}");
        assert!(out.contains("automation `lead-capture` is paused") && !out.contains("daemon is"), "{out}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_does_nothing() {
    let nexora = sound().await;
    let (app, actor) = (&nexora.app, &nexora.actor);
    let fresh = tenant::create(app, actor, new_tenant("fresh")).await.unwrap();
    let command = "nexora connection create --tenant fresh --help";
    assert_says(&nexora, Level::Look, "fresh: it has no connection", command).await;
    nexora.add_smtp_to(&fresh).await;
    edit(&nexora, "UPDATE automations SET state = 'disabled'").await;
    let command = "nexora automation enable lead-capture --tenant fresh";
    assert_says(&nexora, Level::Look, "fresh: no automation is enabled", command).await;
    tenant::suspend(app, actor, &fresh.slug).await.unwrap();
    assert_says(&nexora, Level::Look, "fresh: it is suspended", "nexora tenant resume fresh").await;
    edit(&nexora, "UPDATE tenants SET mode = 'rehearsal'").await;
    assert_says(&nexora, Level::Look, "fresh: it rehearses", "nexora tenant set fresh mode=live").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_be_written() {
    let nexora = sound().await;
    let app = &nexora.app;
    app.heart.stop(&app.db, &app.clock).await.unwrap();
    edit(&nexora, "PRAGMA query_only = 1").await;
    let hint = "make its file and its folder writable for the user that runs nexora";
    assert_says(&nexora, Level::Broken, "the database can only be read", hint).await;
    // SQLite fails as on a full disk once there is no page left.
    edit(&nexora, "PRAGMA max_page_count = 1").await;
    let fill = "CREATE TABLE filling AS SELECT hex(zeroblob(100000)) AS filling";
    let full = app.db.write(move |conn| sql(conn, fill)).await.unwrap_err();
    let daemons: [Daemon; 0] = [];
    let seen = Installation {
        daemons: &daemons,
        is_gone: |_| false,
        disk_free: Some(0),
        unwritable: Some(&full),
        server_time: None,
        findings: &[],
        backup: Vec::new(),
        held: None,
    };
    let now = app.clock.now();
    let issues = machine::of(&seen, now);
    let seen =
        Survey { level: Level::Broken, at: now, daemons: Vec::new(), machine: issues, tenants: Vec::new() };
    assert_screen(&screen(&seen), "no room to write", "free disk space");
    assert_screen(&screen(&seen), "the database's disk has 0 MiB left", "df -h");
    assert!(app.db.read(|conn| daemon::list(conn, 1)).await.is_ok());
}

/// What is done to a fresh machine's folder, and what status then says.
type Breakage = (fn(&Path), &'static str, &'static str);

fn rewrite(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn an_installation_that_cannot_even_be_opened() {
    let breakages: [Breakage; 7] = [
        (
            |folder| std::fs::write(folder.join("master.key"), "ab".repeat(32)).unwrap(),
            "is not the one that this database was made with",
            "put the right one back from your backup",
        ),
        (
            |folder| std::fs::remove_file(folder.join("master.key")).unwrap(),
            "master.key",
            "`secrets.key_file` must name the master key",
        ),
        (
            |folder| {
                let open = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(folder.join("master.key"), open).unwrap();
            },
            "others than its owner may read or write the master key",
            "chmod 600",
        ),
        (
            |folder| rewrite(&folder.join("nexora.toml"), "nexora.db", "nexroa.db"),
            "there is no nexora database at",
            "`nexora init` makes a new database",
        ),
        (
            |folder| {
                std::fs::write(folder.join("nexora.db"), "this is no database at all, but some text")
                    .unwrap();
            },
            "file is not a database",
            "check `database.url`",
        ),
        (
            |folder| rewrite(&folder.join("nexora.toml"), "[http]", "[http]\nlisen = \"x\""),
            "unknown configuration key `http.lisen`",
            "did you mean `http.listen`?",
        ),
        (
            |folder| {
                let mut conn = nexora_store::Url::Sqlite(folder.join("nexora.db")).establish().unwrap();
                sql(&mut conn, "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')")
                    .unwrap();
            },
            "the database is newer than this program",
            "install the newer `nexora`",
        ),
    ];
    for (breakage, cause, command) in breakages {
        let machine = Machine::initialised();
        breakage(&machine.folder());
        let (status, out, error) = machine.run(&["status"]);
        assert_eq!(status, 11, "{cause}: {out}{error}");
        assert_screen(&out, cause, command);
        let (status, out, _) = machine.run(&["status", "--output", "json"]);
        let seen: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((status, &seen["level"]), (11, &serde_json::json!("broken")), "{out}");
        assert!(seen["machine"][0]["what"].as_str().unwrap().contains(cause), "{out}");
    }
}
