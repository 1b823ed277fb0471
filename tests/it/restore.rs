//! After a restore nothing happens a second time: what may have happened since the backup is asked after at its provider
//! before anything goes out, and what cannot be asked is left to a person.

mod process;

use std::path::PathBuf;
use std::sync::Arc;

use age::x25519::Identity;
use nexora::app::App;
use nexora::config::Config;
use nexora::ops::backup::restore::{Wish as RestoreWish, restore};
use nexora::ops::backup::seal::{Lock, Opener};
use nexora::ops::backup::{self, Wish};
use nexora::ops::restore as hold;
use nexora::ops::restore::Treat;
use nexora::ops::tenant;
use nexora::pipeline;
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::MasterKey;
use nexora_core::model::RestoreId;
use nexora_core::model::effect::EffectState;
use nexora_core::model::restore::Restore;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store as store;
use nexora_store::{Db, Url, effect};
use serde_json::{Value, json};

use crate::harness::{Backend, Database, Nexora, enquiry, on_both, registry};
use crate::scene::{OFFICE, Scene, definition};

/// Where backups of an application go, and where they are restored to.
struct Drill {
    backend: Backend,
    folder: tempfile::TempDir,
    identity: Identity,
    config: Config,
}

impl Drill {
    fn of(nexora: &Nexora) -> Drill {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        std::fs::write(&key, nexora.app.key.to_hex().expose()).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut config = nexora.app.config.clone();
        let backend = match nexora.database.url {
            Url::Sqlite(_) | Url::Scratch(_) => Backend::Sqlite,
            Url::Postgres(_) => Backend::Postgres,
        };
        config.database.url = text_of(&nexora.database.url);
        config.secrets.key_file = key;
        Drill { backend, folder, identity: Identity::generate(), config }
    }

    fn write_config(&self, config: &Config) -> PathBuf {
        let path = self.folder.path().join("nexora.toml");
        std::fs::write(&path, toml::to_string(config).unwrap()).unwrap();
        path
    }

    fn back_up(&self) -> PathBuf {
        let path = self.write_config(&self.config);
        let to = self.folder.path().join("x.backup");
        let lock = Lock::Recipients(vec![self.identity.to_public()]);
        let wish = Wish { to: Some(to.clone()), with_key: false, lock };
        tokio::task::block_in_place(|| backup::create(&self.config, &path, &wish, &|_, _| {})).unwrap();
        to
    }

    /// Restores the backup to another database, and opens an application on it that speaks to the same providers.
    async fn restore(&self, file: &std::path::Path) -> Arc<App> {
        let mut config = self.config.clone();
        let database = match self.backend {
            Backend::Sqlite => Url::Sqlite(self.folder.path().join("restored.db")),
            Backend::Postgres => Database::fresh(Backend::Postgres).await.url.clone(),
        };
        config.database.url = text_of(&database);
        let path = self.write_config(&config);
        let opener = Opener::Identities(vec![self.identity.clone()]);
        let wish = RestoreWish { file, opener: &opener, config: &path, replace: false };
        let restored = tokio::task::block_in_place(|| restore(&wish, &|_, _| {})).unwrap();
        assert_eq!(restored.replaced, None);
        let again = tokio::task::block_in_place(|| restore(&wish, &|_, _| {})).unwrap_err();
        assert!(again.hint_text().unwrap().contains("`--replace`"), "{again:?}");
        assert!(!self.folder.path().join("restored.db.restore").exists());
        let db = Db::open(&database).await.unwrap();
        let clock = Clock::hand_set(Clock::System.now());
        let key = MasterKey::parse(&std::fs::read_to_string(&config.secrets.key_file).unwrap()).unwrap();
        let registry = registry(&config, clock.clone());
        App::assemble(config, db, clock, key, registry)
    }
}

fn text_of(url: &Url) -> String {
    match url {
        Url::Sqlite(path) | Url::Scratch(path) => format!("sqlite:{}", path.display()),
        Url::Postgres(url) => url.clone(),
    }
}

/// Counts what the world has seen: mails to the homeowner, mails by the relay, rows and calendar entries.
fn seen(state: &Value) -> [usize; 4] {
    let to_jo = |mail: &&Value| {
        let is_sent =
            mail["labelIds"].as_array().is_some_and(|labels| labels.iter().any(|label| label == "SENT"));
        is_sent && mail.to_string().contains("jo@example.com")
    };
    let mails = state["mailboxes"][OFFICE]["messages"]
        .as_array()
        .map_or(0, |mails| mails.iter().filter(to_jo).count());
    let sheets = state["spreadsheets"]["leads"]["sheets"].as_array().cloned().unwrap_or_default();
    let rows = sheets
        .iter()
        .map(|sheet| sheet["rows"].as_array().map_or(0, |rows| rows.len().saturating_sub(1)))
        .sum();
    let entries = state["calendars"].as_object().map_or(0, |calendars| {
        calendars.values().map(|calendar| calendar["events"].as_array().map_or(0, Vec::len)).sum()
    });
    [mails, state["smtp"].as_array().map_or(0, Vec::len), rows, entries]
}

async fn states(app: &Arc<App>, nexora: &Nexora) -> Vec<(String, EffectState)> {
    let effects =
        app.view(&nexora.tenant, |tx| effect::list(tx, &effect::Filter::default(), 100)).await.unwrap();
    let mut states: Vec<_> = effects.into_iter().map(|effect| (effect.step, effect.state)).collect();
    states.sort();
    states
}

on_both!(what_was_delivered_after_the_backup_is_found_and_not_done_again);

async fn what_was_delivered_after_the_backup_is_found_and_not_done_again(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let drill = Drill::of(&nexora);
    nexora.submit(enquiry()).await;
    // The lead is in the backup, and nothing of what it starts.
    let file = drill.back_up();
    nexora.settle().await;
    let before = seen(&nexora.state());
    assert_eq!((before[0], before[1]), (1, 1), "{before:?}");

    let app = drill.restore(&file).await;
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state()), before, "nothing goes out while it is held");
    let standing = hold::standing(&app).await.unwrap();
    assert_eq!(standing.unfinished, Vec::<String>::new());
    assert_eq!((standing.waiting(), standing.undecided()), (0, 1), "{standing:?}");
    let undecided = &standing.tenants[0].undecided[0];
    assert_eq!(
        (undecided.connection.as_str(), undecided.what.as_str()),
        ("smtp", "to owner@acme.example.com")
    );
    let found: Vec<_> = states(&app, &nexora)
        .await
        .into_iter()
        .filter(|(_, state)| *state == EffectState::Delivered)
        .collect();
    assert!(
        found.iter().any(|(step, _)| step == "acknowledge") && found.iter().any(|(step, _)| step == "record"),
        "{found:?}"
    );

    hold::release(&app, &nexora.actor, false).await.unwrap();
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state()), before, "the homeowner gets no second acknowledgement");
    // The owner's alert went by a relay, which cannot be asked: a person says what became of it.
    let id = undecided.id.clone();
    hold::decide(&app, &nexora.actor, &nexora.tenant, &id, Treat::Sent).await.unwrap();
    let again = hold::decide(&app, &nexora.actor, &nexora.tenant, &id, Treat::Send).await;
    assert!(again.unwrap_err().report().contains("nothing is to be decided"));
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state()), before);
    // Life goes on.
    let other = Enquiry {
        email: "al@example.com".into(),
        name: "Al".into(),
        phone: "(512) 555-0177".into(),
        ..enquiry()
    };
    let offer = nexora::pipeline::intake::Offer::of(other);
    nexora::pipeline::intake::accept(&app, &nexora.tenant, offer).await.unwrap();
    pipeline::settle(&app).await.unwrap();
    let after = seen(&nexora.state());
    assert_eq!([after[1], after[2]], [before[1] + 1, before[2] + 1], "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_delivered_goes_out_once_with_the_release() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    // It is released now, whatever the hour is.
    let awake = [("quiet_hours".to_owned(), "none".to_owned())];
    tenant::set(&nexora.app, &nexora.actor, &nexora.tenant.slug, &awake).await.unwrap();
    let drill = Drill::of(&nexora);
    nexora.submit(enquiry()).await;
    let file = drill.back_up();
    let app = drill.restore(&file).await;
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state()), [0, 0, 0, 0]);
    let standing = hold::standing(&app).await.unwrap();
    assert!(standing.waiting() >= 3 && standing.undecided() == 1, "{standing:?}");
    // A lead that comes in while all is held is kept, and answered with the release, by the relay too.
    let other = Enquiry {
        email: "al@example.com".into(),
        name: "Al".into(),
        phone: "(512) 555-0177".into(),
        ..enquiry()
    };
    nexora::pipeline::intake::accept(&app, &nexora.tenant, nexora::pipeline::intake::Offer::of(other))
        .await
        .unwrap();
    pipeline::settle(&app).await.unwrap();
    assert_eq!(hold::standing(&app).await.unwrap().undecided(), 1, "what is new needs no decision");
    let id = standing.tenants[0].undecided[0].id.clone();
    hold::decide(&app, &nexora.actor, &nexora.tenant, &id, Treat::Send).await.unwrap();
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state())[1], 0, "decided, and still held");
    hold::release(&app, &nexora.actor, false).await.unwrap();
    pipeline::settle(&app).await.unwrap();
    let done = seen(&nexora.state());
    assert_eq!((done[0], done[1], done[2]), (1, 2, 2), "{done:?}");
    let refused = hold::release(&app, &nexora.actor, false).await.unwrap_err();
    assert!(refused.report().contains("released already"), "{refused:?}");
}

on_both!(what_was_open_in_the_backup_is_given_back_and_asked_after);

async fn what_was_open_in_the_backup_is_given_back_and_asked_after(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let app = &nexora.app;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    let now = app.clock.now();
    let held = Restore {
        id: RestoreId::new(now),
        backup_id: "backup_1".to_owned(),
        backup_at: now,
        restored_at: now,
        released_at: None,
        released_by: None,
    };
    let other = Enquiry {
        email: "al@example.com".into(),
        name: "Al".into(),
        phone: "(512) 555-0177".into(),
        ..enquiry()
    };
    nexora.submit(other).await;
    let mut round = None;
    pipeline::dispatch::sweep(app, &mut round).await.unwrap();
    pipeline::advance::sweep(app, &mut round).await.unwrap();
    app.db.write(move |conn| store::restore::begin(conn, &held)).await.unwrap();
    let open = nexora.view(|tx| store::restore::unseen(tx, 100)).await;
    assert!(
        !open.is_empty()
            && open.iter().all(|effect| !effect.state.is_settled() && effect.due_at == Some(now))
    );
    let settled = nexora.effects(&id).await;
    assert!(settled.values().all(|state| *state == EffectState::Delivered), "{settled:?}");
    nexora.settle().await;
    let standing = hold::standing(app).await.unwrap();
    assert_eq!((standing.undecided(), standing.unfinished.len()), (1, 0), "{standing:?}");
    hold::release(app, &nexora.actor, false).await.unwrap();
    nexora.settle().await;
    assert!(hold::standing(app).await.unwrap().restore.unwrap().released_by.unwrap().contains("tester"));
    assert_eq!(nexora.view(|tx| store::restore::unseen(tx, 100)).await.len(), 1, "a person decides");
}

on_both!(another_key_and_a_database_put_back_by_others);

async fn another_key_and_a_database_put_back_by_others(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let app = &nexora.app;
    nexora::app::key_check::keep(&app.db, &app.key).await.unwrap();
    nexora.submit(enquiry()).await;
    let drill = Drill::of(&nexora);
    let file = drill.back_up();
    let opener = Opener::Identities(vec![drill.identity.clone()]);
    let tried =
        tokio::task::block_in_place(|| backup::verify(&file, &opener, drill.folder.path(), &|_, _| {}))
            .unwrap();
    assert_eq!((tried.opened, tried.rows["leads"]), (true, 1), "{tried:?}");
    // With `--replace`, and the key of another installation.
    let path = drill.write_config(&drill.config);
    let wish = RestoreWish { file: &file, opener: &opener, config: &path, replace: true };
    let key = std::fs::read_to_string(&drill.config.secrets.key_file).unwrap();
    std::fs::write(&drill.config.secrets.key_file, "ab".repeat(32)).unwrap();
    let refused = tokio::task::block_in_place(|| restore(&wish, &|_, _| {})).unwrap_err();
    assert!(refused.report().contains("is not the one that this database was made with"), "{refused:?}");
    std::fs::write(&drill.config.secrets.key_file, key).unwrap();
    nexora.settle().await;
    let before = seen(&nexora.state());
    if let Backend::Postgres = backend {
        // A daemon that was just heard works on it.
        let system = Clock::System;
        app.heart.beat(&app.db, &system).await.unwrap();
        let refused = tokio::task::block_in_place(|| restore(&wish, &|_, _| {})).unwrap_err();
        assert!(refused.report().contains("a daemon works on it"), "{refused:?}");
        app.heart.stop(&app.db, &system).await.unwrap();
        let restored = tokio::task::block_in_place(|| restore(&wish, &|_, _| {})).unwrap();
        assert!(restored.rows > 0);
        assert!(hold::standing(app).await.unwrap().restore.unwrap().is_held());
        assert_eq!(seen(&nexora.state()), before);
        return;
    }
    // Put back by a program of the machine, such as a snapshot of its disk.
    let since = app.clock.now();
    let refused =
        hold::hold(app, &nexora.actor, since + std::time::Duration::from_secs(60)).await.unwrap_err();
    assert!(refused.report().contains("still to come"), "{refused:?}");
    app.heart.beat(&app.db, &app.clock).await.unwrap();
    let refused = hold::hold(app, &nexora.actor, since).await.unwrap_err();
    assert!(refused.report().contains("a daemon runs"), "{refused:?}");
    app.heart.stop(&app.db, &app.clock).await.unwrap();
    hold::hold(app, &nexora.actor, since).await.unwrap();
    nexora
        .submit(Enquiry {
            email: "al@example.com".into(),
            name: "Al".into(),
            phone: "(512) 555-0177".into(),
            ..enquiry()
        })
        .await;
    nexora.settle().await;
    assert_eq!(seen(&nexora.state()), before, "nothing goes out");
    let again = hold::hold(app, &nexora.actor, since).await.unwrap_err();
    assert!(again.report().contains("held already"), "{again:?}");
}

/// Answers each mail that comes in, and notes it in a sheet and a calendar.
const ANSWER: &str = r#"
    [[trigger]]
    on = "gmail.message"
    [[step]]
    id = "answer"
    action = "message.send"
    with = { to = "{{ message.from }}", template = "follow-up-1", class = "transactional" }
    [[step]]
    id = "record"
    action = "sheets.append_row"
    with = { spreadsheet = "leads", sheet = "Mails", row = { From = "{{ message.from }}", Subject = "{{ message.subject }}", What = "a mail" } }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_again_is_known_by_its_mark_and_not_answered_again() {
    let scene = Scene::new(Backend::Sqlite).await;
    scene.write("automations/answer.toml", &definition("answer", ANSWER));
    scene.enable("answer").await;
    let nexora = &scene.nexora;
    let drill = Drill::of(nexora);
    let file = drill.back_up();
    scene.mail("Jo Miller <jo@example.com>", "No hot water");
    scene.pass(120).await;
    let before = seen(&nexora.state());
    assert_eq!((before[0], before[2]), (1, 1), "{before:?}: {}", nexora.state()["mailboxes"][OFFICE]);

    let app = drill.restore(&file).await;
    let refused = hold::release(&app, &nexora.actor, false).await.unwrap_err();
    assert!(refused.report().contains("has not been read since"), "{refused:?}");
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state()), before);
    let found = states(&app, nexora).await;
    let delivered = |step: &str| found.iter().any(|one| *one == (step.to_owned(), EffectState::Delivered));
    assert!(delivered("answer") && delivered("record"), "{found:?}");
    hold::release(&app, &nexora.actor, false).await.unwrap();
    pipeline::settle(&app).await.unwrap();
    app.clock.advance(std::time::Duration::from_secs(3_600));
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state()), before, "nobody is written to twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_like_one_that_went_out_is_left_to_a_person() {
    let scene = Scene::new(Backend::Sqlite).await;
    let by_row = ANSWER.replace(
        "on = \"gmail.message\"",
        "on = \"sheets.row\"\n    spreadsheet = \"jobs\"\n    sheet = \"Jobs\"",
    );
    let by_row =
        by_row.replace("message.from", "row.cells.Email").replace("message.subject", "row.cells.Name");
    scene.rows(json!([["Name", "Email"]]));
    scene.write("messages/hello.toml", "subject = \"Hello\"\ntext = \"We will call you.\"\n");
    let by_row = by_row.replace("follow-up-1", "hello");
    scene.write("automations/answer.toml", &definition("answer", &by_row));
    scene.enable("answer").await;
    let nexora = &scene.nexora;
    let drill = Drill::of(nexora);
    let file = drill.back_up();
    scene.rows(json!([["Name", "Email"], ["Jo Miller", "jo@example.com"]]));
    scene.pass(600).await;
    // Read once more, so that the row is told of under another key than after the restore.
    scene.pass(600).await;
    let before = seen(&nexora.state());
    assert_eq!(before[0], 1, "{before:?}");
    let app = drill.restore(&file).await;
    app.clock.advance(std::time::Duration::from_secs(3_600));
    pipeline::settle(&app).await.unwrap();
    hold::release(&app, &nexora.actor, true).await.unwrap();
    pipeline::settle(&app).await.unwrap();
    assert_eq!(seen(&nexora.state())[0], 1, "the homeowner gets no second mail");
    let standing = hold::standing(&app).await.unwrap();
    let known = states(&app, nexora).await;
    let answered = known.iter().any(|one| *one == ("answer".to_owned(), EffectState::Delivered));
    assert!(answered || standing.undecided() > 0, "{known:?} {standing:?}");
}
