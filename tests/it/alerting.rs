//! Operators are told of troubles, once and of their end, by no tenant's connection; a restart neither repeats nor
//! forgets it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use nexora::app::App;
use nexora::config::Config;
use nexora::ops;
use nexora::ops::{automation, connection};
use nexora::pipeline::alert::{self, Unkept};
use nexora_core::model::alert::AlertState;
use nexora_store as store;
use serde_json::Value;

use crate::harness::{Backend, Nexora, on_both};
use crate::machine::Machine;

on_both!(
    a_trouble_and_its_end_are_told_once,
    a_restart_neither_repeats_nor_forgets_what_was_told,
    what_does_not_get_through_is_told_later,
);

type Heard = Arc<Mutex<Vec<Value>>>;

/// A chat that is told by a webhook; while it is `deaf`, it refuses.
#[derive(Clone, Default)]
struct Chat {
    heard: Heard,
    deaf: Arc<Mutex<bool>>,
}

async fn hear(State(chat): State<Chat>, headers: HeaderMap, body: String) -> StatusCode {
    assert!(headers.contains_key("webhook-signature"), "{headers:?}");
    if *chat.deaf.lock().unwrap() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    chat.heard.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    StatusCode::NO_CONTENT
}

impl Chat {
    async fn open() -> (Chat, String) {
        let chat = Chat::default();
        let router = axum::Router::new().fallback(hear).with_state(chat.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (chat, url)
    }

    /// Returns the texts that came since the last look.
    fn take(&self) -> Vec<String> {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        heard.iter().map(|body| body["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// A tenant on which everything works, and a chat that is told of what does not.
async fn scene(backend: Backend, set: impl FnOnce(&mut Config)) -> (Nexora, Chat) {
    let (chat, url) = Chat::open().await;
    let nexora = Nexora::with_sandbox_and(backend, |config| {
        config.alerts.webhook_url = url;
        config.alerts.level = "broken".to_owned();
        config.alerts.settle_s = 60;
        set(config);
    })
    .await;
    nexora.enable(&[("sheet_id", "leads"), ("chase_after", "")]).await;
    (nexora, chat)
}

/// Lets time pass as the daemon does: with signs of life, and a look each 30 seconds; of days, each hour.
async fn pass(nexora: &Nexora, app: &Arc<App>, seconds: u64) {
    let mut unkept = Unkept::default();
    let step = if seconds > 10_000 { 3_600 } else { 30 };
    for _ in 0..seconds / step {
        app.clock.advance(Duration::from_secs(step));
        if !Arc::ptr_eq(app, &nexora.app) {
            nexora.app.clock.set(app.clock.now());
        }
        app.heart.beat(&app.db, &app.clock).await.unwrap();
        // What does not get through is logged, and tried again.
        let _ = alert::sweep(app, &mut unkept).await;
    }
}

/// Has the relay of the tenant refuse us.
async fn fail(nexora: &Nexora, name: &str, reason: &'static str) {
    let found = connection::find(&nexora.app, &nexora.tenant, name).await.unwrap();
    let now = nexora.app.clock.now();
    let write = move |conn: &mut store::Conn| {
        nexora::domain::connection::credential_failure::credential_refused(
            conn,
            (&found, "office@acme.com"),
            reason,
            now,
        )
    };
    let _ = nexora.app.db.write(write).await.unwrap();
    nexora.settle().await;
}

async fn a_trouble_and_its_end_are_told_once(backend: Backend) {
    let (nexora, chat) = scene(backend, |_| {}).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    pass(&nexora, app, 300).await;
    assert_eq!(chat.take(), [] as [String; 0], "nothing is wrong");
    fail(&nexora, "smtp", "535 5.7.8 authentication failed").await;
    pass(&nexora, app, 30).await;
    assert_eq!(chat.take().len(), 0, "it has not lasted yet");
    pass(&nexora, app, 1_800).await;
    let told = chat.take();
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["1 new", "acme: connection `smtp` is failing: 535 5.7.8", "nexora connection test smtp"] {
        assert!(told[0].contains(part), "{part}: {}", told[0]);
    }
    // What only needs a look is not told.
    automation::pause(app, actor, tenant, "lead-capture").await.unwrap();
    pass(&nexora, app, 600).await;
    assert_eq!(chat.take().len(), 0);
    connection::resume(app, actor, tenant, "smtp").await.unwrap();
    pass(&nexora, app, 600).await;
    let told = chat.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("1 over") && told[0].contains("it lasted"), "{}", told[0]);
    pass(&nexora, app, 90_000).await;
    assert_eq!(chat.take().len(), 0);
    let kept = ops::alert::list(app, 10).await.unwrap();
    assert_eq!((kept.len(), kept[0].state), (1, AlertState::Ended));
}

async fn a_restart_neither_repeats_nor_forgets_what_was_told(backend: Backend) {
    let (nexora, chat) = scene(backend, |_| {}).await;
    fail(&nexora, "smtp", "535 refused").await;
    pass(&nexora, &nexora.app, 120).await;
    assert_eq!(chat.take().len(), 1);
    let restarted = nexora.second_daemon().await;
    pass(&nexora, &restarted, 600).await;
    assert_eq!(chat.take().len(), 0, "it was told before the restart");
    fail(&nexora, "google", "invalid_grant").await;
    pass(&nexora, &restarted, 30).await;
    // It began before this restart, and is told after it.
    let restarted = nexora.second_daemon().await;
    pass(&nexora, &restarted, 600).await;
    let told = chat.take();
    assert!(told.len() == 1 && told[0].contains("invalid_grant"), "{told:?}");
    // After a day it is said that both are still there.
    pass(&nexora, &restarted, 88_000).await;
    let told = chat.take();
    assert!(told.iter().any(|text| text.contains("Still there")), "{told:?}");
}

async fn what_does_not_get_through_is_told_later(backend: Backend) {
    let (nexora, chat) = scene(backend, |_| {}).await;
    *chat.deaf.lock().unwrap() = true;
    fail(&nexora, "smtp", "535 refused").await;
    pass(&nexora, &nexora.app, 300).await;
    let kept = ops::alert::list(&nexora.app, 10).await.unwrap();
    assert_eq!((kept[0].state, kept[0].told_at), (AlertState::Pending, None));
    *chat.deaf.lock().unwrap() = false;
    pass(&nexora, &nexora.app, 60).await;
    assert_eq!(chat.take().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_is_told_and_what_somebody_decided_is_not() {
    let (nexora, chat) = scene(Backend::Sqlite, |config| config.alerts.level = "look".to_owned()).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    connection::pause(app, actor, tenant, "google").await.unwrap();
    let refused = serde_json::json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550, "times": 0 }]);
    nexora.faults(refused).await;
    nexora.submit(crate::harness::enquiry()).await;
    nexora.settle().await;
    pass(&nexora, app, 300).await;
    let told = chat.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("1 effect is dead") && told[0].contains("nexora effect retry"), "{}", told[0]);
    assert!(!told[0].contains("is paused"), "{}", told[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_goes_by_the_relay_of_the_configuration() {
    let (nexora, chat) = scene(Backend::Sqlite, |_| {}).await;
    let port = nexora.sandbox.as_ref().unwrap().smtp_address().port();
    let machine = Machine::of(&nexora);
    let password = machine.folder().join("alerts.txt");
    std::fs::write(&password, "secret\n").unwrap();
    let alerts = format!(
        "[alerts]\nto = \"ops@example.com\"\nfrom = \"nexora@example.com\"\nsmtp_host = \"localhost\"\n\
         smtp_port = {port}\nsmtp_tls = \"none\"\nsmtp_username = \"ops\"\nsmtp_password_file = \"{}\"\n",
        password.display()
    );
    let plain = std::fs::read_to_string(machine.config()).unwrap();
    std::fs::write(machine.config(), format!("{plain}{alerts}")).unwrap();
    let run = |words: &[&str]| machine.run(words);
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (status, out, _) = run(&["alerts", "test"]);
    assert!(status == 6 && out.contains("chmod 600"), "{out}");
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (status, out, error) = run(&["alerts", "test"]);
    assert_eq!(status, 0, "{out}{error}");
    let state = nexora.state();
    let mail = &state["smtp"][0];
    assert_eq!(
        (&mail["to"][0], &mail["authenticated_as"]),
        (&"ops@example.com".into(), &"ops".into()),
        "{mail}"
    );
    assert!(mail["subject"].as_str().unwrap().contains("a test"), "{mail}");
    // One way of two that fails is said.
    let both = format!("{plain}{alerts}webhook_url = \"http://127.0.0.1:1/hook\"\n");
    std::fs::write(machine.config(), both).unwrap();
    let (status, out, error) = run(&["alerts", "test"]);
    assert_eq!(status, 9, "{out}{error}");
    assert_eq!(run(&["alerts", "list"]).0, 0);
    std::fs::write(machine.config(), plain).unwrap();
    let (status, _, error) = run(&["alerts", "test"]);
    assert!(status == 3 && error.contains("nobody is told"), "{error}");
    assert_eq!(chat.take().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_work_is_told_and_its_recovery_is_too() {
    let (nexora, chat) = scene(Backend::Sqlite, |_| {}).await;
    let app = &nexora.app;
    app.heart.beat(&app.db, &app.clock).await.unwrap();
    let run = async |sql: &'static str| {
        let edit = move |conn: &mut store::Conn| {
            let store::Conn::Sqlite(conn) = conn else { unreachable!() };
            diesel::RunQueryDsl::execute(diesel::sql_query(sql), conn)?;
            Ok(())
        };
        app.db.write(edit).await.unwrap();
    };
    let mut unkept = Unkept::default();
    run("ALTER TABLE alerts RENAME TO hidden").await;
    fail(&nexora, "smtp", "535 refused").await;
    for _ in 0..4 {
        app.clock.advance(Duration::from_secs(60));
        app.heart.beat(&app.db, &app.clock).await.unwrap();
        assert!(alert::sweep(app, &mut unkept).await.is_err());
    }
    let told = chat.take();
    assert!(told.len() == 1 && told[0].contains("the database does not work"), "{told:?}");
    run("ALTER TABLE hidden RENAME TO alerts").await;
    alert::sweep(app, &mut unkept).await.unwrap();
    let told = chat.take();
    assert!(told.len() == 1 && told[0].contains("works again"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_of_the_audit_trail_is_told_each_night_in_which_it_has_moved() {
    let (nexora, chat) = scene(Backend::Sqlite, |_| {}).await;
    let night = async || nexora::pipeline::audit::sweep(&nexora.app).await.unwrap();
    night().await;
    let told = chat.take();
    assert_eq!(told.len(), 1);
    let head = ops::report::audit::head(&nexora.app, &nexora.actor).await.unwrap().to_string();
    assert!(told[0].contains(&format!("nexora audit verify --expect {head}")), "{}", told[0]);
    night().await;
    assert_eq!(chat.take(), Vec::<String>::new(), "nothing has happened since");
    automation::disable(&nexora.app, &nexora.actor, &nexora.tenant, "lead-capture").await.unwrap();
    night().await;
    assert_eq!(chat.take().len(), 1);
}
