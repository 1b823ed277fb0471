//! What a connection is made of is changed in place: it stays the same one, with its history and what waits for it.

use nexora::ops::access::user::{self, Grant};
use nexora::ops::connection;
use nexora::ops::connection::settings::{self, Change};
use nexora_connector::smtp::{SmtpSettings, SmtpTls};
use nexora_core::base::Kind;
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::Secret;
use nexora_core::model::audit::Actor;
use nexora_core::model::connection::{Connection, ConnectionState, Purpose};
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::user::Role;
use nexora_store as store;
use serde_json::{Map, Value, json};

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::machine::Machine;

on_both!(
    a_password_that_was_refused_is_replaced_and_what_waited_goes_out,
    the_chosen_connection_carries_the_mail,
);

async fn smtp(nexora: &Nexora) -> Connection {
    connection::find(&nexora.app, &nexora.tenant, "smtp").await.unwrap()
}

fn values(values: Value) -> Map<String, Value> {
    values.as_object().unwrap().clone()
}

fn changing(settings: Value) -> Change {
    Change { values: values(settings), ..Change::default() }
}

async fn set(nexora: &Nexora, change: Change) -> nexora_core::base::Result<settings::Changed> {
    let Nexora { app, actor, tenant, .. } = nexora;
    // Connections are kept open by when they were changed.
    app.clock.advance(std::time::Duration::from_millis(1));
    settings::set(app, actor, tenant, "smtp", change).await
}

async fn effects(nexora: &Nexora, id: &Connection) -> Vec<Effect> {
    let all = nexora.view(|tx| store::effect::list(tx, &store::effect::Filter::default(), 100)).await;
    all.into_iter().filter(|effect| effect.connection_id == id.id).collect()
}

/// Has the relay ask for an account, and refuse it from now on.
async fn refuse_sign_in(nexora: &Nexora) {
    let account = Change {
        values: values(json!({ "username": "office" })),
        credential: Some(Secret::new("the old password")),
        ..Change::default()
    };
    set(nexora, account).await.unwrap();
    let refused =
        json!([{ "service": "smtp", "call": "auth", "fault": "status", "status": 535, "times": 0 }]);
    nexora.faults(refused).await;
}

async fn a_password_that_was_refused_is_replaced_and_what_waited_goes_out(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    refuse_sign_in(&nexora).await;
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    let failing = smtp(&nexora).await;
    assert_eq!(failing.state, ConnectionState::Failing);
    let before = effects(&nexora, &failing).await;
    let waiting = before.iter().filter(|effect| !effect.state.is_settled()).count();
    assert!(waiting > 0 && before.len() > waiting, "{before:?}");

    // The new password is asked after before it is stored.
    let new = || Change { credential: Some(Secret::new("the new password")), ..Change::default() };
    let refused = set(&nexora, new()).await.err().unwrap();
    assert_eq!((refused.kind(), smtp(&nexora).await.updated_at), (Kind::Denied, failing.updated_at));
    nexora.clear_faults().await;
    let machine = Machine::of(&nexora);
    let file = machine.folder().join("password.txt");
    std::fs::write(&file, "the new password\n").unwrap();
    let words = ["connection", "set", "smtp", "--password-file", file.to_str().unwrap(), "--no-test"];
    let (status, out, error) = machine.run(&words);
    assert_eq!(status, 0, "{error}");
    assert!(error.contains(&format!("{waiting} effect")) && error.contains("due now"), "{error}");
    assert!(out.contains("active"), "{out}");

    let mended = smtp(&nexora).await;
    assert_eq!((&mended.id, mended.state), (&failing.id, ConnectionState::Active));
    let sealed = mended.sealed.as_deref().unwrap();
    assert_eq!(nexora.app.key.open(&mended.seal_owner(), sealed).unwrap().expose(), "the new password");
    let due = effects(&nexora, &mended).await;
    assert!(due.iter().all(|effect| effect.state.is_settled() || effect.due_at.is_some()), "{due:?}");
    // The command went by the machine's own clock.
    nexora.app.clock.set(Clock::System.now());
    nexora.settle().await;
    let after = effects(&nexora, &mended).await;
    let ids = |effects: &[Effect]| effects.iter().map(|effect| effect.id.clone()).collect::<Vec<_>>();
    assert!(after.iter().all(|effect| effect.state == EffectState::Delivered), "{after:?}");
    assert!(ids(&before).iter().all(|id| ids(&after).contains(id)), "its history is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn host_port_sender_and_encryption_are_changed_and_tried_first() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let before = smtp(&nexora).await;
    let settings_of = |connection: &Connection| connection.settings.read::<SmtpSettings>().unwrap();
    let port = settings_of(&before).port;
    let wrong = set(&nexora, changing(json!({ "port": 1 }))).await.err().unwrap();
    assert_eq!(wrong.kind(), Kind::Unavailable, "{wrong:?}");
    assert_eq!(settings_of(&smtp(&nexora).await).port, port);
    let untested = Change { untested: true, ..changing(json!({ "port": 1 })) };
    assert_eq!(settings_of(&set(&nexora, untested).await.unwrap().connection).port, 1);
    let all = json!({ "host": "localhost", "port": port, "from": "desk@acme.example.com", "tls": "starttls",
        "ca_pem": nexora.sandbox.as_ref().unwrap().certificate_pem() });
    let after = settings_of(&set(&nexora, changing(all)).await.unwrap().connection);
    assert_eq!((after.from.as_str(), after.tls), ("desk@acme.example.com", SmtpTls::StartTls));

    let machine = Machine::of(&nexora);
    for (words, status, said) in [
        ("connection set smtp --tls none --from office@acme.com --ca-file= --no-test", 0, "office@acme.com"),
        ("connection set smtp --url https://x.example.com", 2, "it has no `url`"),
        ("connection set smtp --port many", 2, "invalid value"),
        ("connection set google --host x.example.com", 2, "it has nothing that is set so"),
        ("connection set smtp --no-input", 2, "has no password"),
        ("connection set other --host x.example.com", 4, "no connection `other`"),
        ("connection create webhook --name crm --url https://crm.example.com/hook", 0, "crm"),
        ("connection set crm --url https://crm.example.com/other --no-test", 0, "crm"),
        ("connection set crm", 2, "nothing is to be changed"),
    ] {
        let (code, out, error) = machine.run(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(code, status, "{words}: {out}{error}");
        assert!(out.contains(said) || error.contains(said), "{words}: {out}{error}");
    }
    let crm = connection::find(&nexora.app, &nexora.tenant, "crm").await.unwrap();
    assert_eq!(crm.settings.value()["url"], "https://crm.example.com/other");
    assert!(crm.sealed.is_some(), "the receiver knows the secret");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_connection_stays_paused() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    connection::pause(&nexora.app, &nexora.actor, &nexora.tenant, "smtp").await.unwrap();
    let changed = set(&nexora, changing(json!({ "from": "desk@acme.example.com" }))).await.unwrap();
    assert_eq!((changed.connection.state, changed.woken), (ConnectionState::Paused, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_sends_no_stored_password_elsewhere_and_changes_nothing_that_operators_allowed() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let Nexora { app, tenant, actor, .. } = &nexora;
    let grant = Grant::Member(Box::new(tenant.clone()), Role::Owner);
    let owner = "owner@acme.example.com";
    user::create(app, actor, owner.parse().unwrap(), None, grant).await.unwrap();
    let owner = Actor::User(owner.to_owned());
    let account = Change {
        values: values(json!({ "username": "office" })),
        credential: Some(Secret::new("a password")),
        ..Change::default()
    };
    set(&nexora, account).await.unwrap();
    let there = || changing(json!({ "host": "localhost" }));
    let refused = settings::set(app, &owner, tenant, "smtp", there()).await.err().unwrap();
    assert_eq!(refused.kind(), Kind::Denied);
    assert!(refused.hint_text().unwrap().contains("--password-file"), "{refused:?}");
    let known = Change { credential: Some(Secret::new("a password")), ..there() };
    settings::set(app, &owner, tenant, "smtp", known).await.unwrap();
    settings::set(app, &owner, tenant, "smtp", changing(json!({ "from": "x@acme.com" }))).await.unwrap();
    set(&nexora, changing(json!({ "password_in_clear": true }))).await.unwrap();
    let refused = settings::set(app, &owner, tenant, "smtp", changing(json!({ "from": "y@acme.com" }))).await;
    assert_eq!(refused.err().unwrap().kind(), Kind::Denied);
}

async fn the_chosen_connection_carries_the_mail(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let choose = async |name: &str, purposes: &[Purpose], is_chosen| {
        connection::choose(app, actor, tenant, name, purposes.to_vec(), is_chosen).await
    };
    assert_eq!(choose("smtp", &[Purpose::Customers], true).await.unwrap().purposes(), [Purpose::Customers]);
    let google = choose("google", &[Purpose::Alerts], true).await.unwrap();
    let by_step = async || {
        let id = nexora.submit(enquiry()).await;
        nexora.settle().await;
        let view = nexora.lead(&id).await;
        let effects = view.runs.iter().flat_map(|run| &run.effects);
        effects.map(|effect| (effect.step.clone(), effect.connection_id.clone())).collect::<Vec<_>>()
    };
    let via = |steps: &[(String, _)], step: &str| {
        steps.iter().find(|(name, _)| name == step).map(|(_, id)| id).cloned().unwrap()
    };
    let relay = smtp(&nexora).await.id;
    let steps = by_step().await;
    assert_eq!((via(&steps, "acknowledge"), via(&steps, "alert")), (relay.clone(), google.id.clone()));
    // Of each purpose there is one.
    choose("google", Purpose::ALL, true).await.unwrap();
    assert_eq!(smtp(&nexora).await.purposes(), []);
    choose("google", Purpose::ALL, false).await.unwrap();
    let steps = by_step().await;
    assert_eq!((via(&steps, "acknowledge"), via(&steps, "alert")), (google.id, relay));
    let machine = Machine::of(&nexora);
    let (status, _, error) = machine.run(&[
        "connection",
        "create",
        "webhook",
        "--name",
        "crm",
        "--url",
        "https://crm.example.com/x",
    ]);
    assert_eq!(status, 0, "{error}");
    assert_eq!(choose("crm", &[Purpose::Alerts], true).await.unwrap_err().kind(), Kind::Usage);
}
