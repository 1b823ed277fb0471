//! A Google connection can be trusted for years: consent is given, lost and given again, tokens are
//! asked for sparingly, and nobody suffers from another's trouble.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use nexora::app::registry::Registry;
use nexora::ops::access::user;
use nexora::ops::automation;
use nexora::ops::connection;
use nexora::ops::connection::authorization;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Kind};
use nexora_core::model::connection::{Abilities, Ability, Connection, ConnectionState};
use nexora_core::model::effect::EffectState;
use nexora_core::model::event::{ConnectionFailing, EventKind};
use nexora_google::authorization::AuthorizationRequest;
use nexora_google::kind::by_service_account;
use nexora_google::oauth::OAuthClient;
use nexora_store as store;
use nexora_store::event;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::harness::{Backend, Nexora, enquiry, environment, on_both};

const OFFICE: &str = "office@acme.example.com";
const REDIRECT: &str = "http://127.0.0.1:4711/";

/// Answers the consent page as a browser would and returns where it is sent.
async fn browse(url: &str, form: &[(&str, &str)]) -> String {
    let http = Client::builder().redirect(Policy::none()).build().unwrap();
    let answer = http.post(url).form(form).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

const ALLOW: [(&str, &str); 2] = [("account", OFFICE), ("decision", "allow")];

impl Nexora {
    fn begin(&self, abilities: Abilities) -> AuthorizationRequest {
        let client = OAuthClient::parse(&self.sandbox.as_ref().unwrap().oauth_client_json()).unwrap();
        let account = OFFICE.parse().unwrap();
        authorization::begin(&self.app, client, abilities, Some(&account), REDIRECT).unwrap()
    }

    /// Starts as `with_sandbox`, but a person consents instead of a service account.
    async fn with_consent(backend: Backend) -> Nexora {
        let nexora = Nexora::with_sandbox(backend).await;
        let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
        connection::removal::remove(app, actor, tenant, "google", None).await.unwrap();
        let asked = nexora.begin(Ability::usual());
        let code = asked.read(&browse(&asked.url, &ALLOW).await).unwrap();
        authorization::add_user(app, actor, tenant, "google", None, (&asked, code)).await.unwrap();
        nexora
    }

    async fn google(&self) -> Connection {
        connection::find(&self.app, &self.tenant, "google").await.unwrap()
    }

    /// Consents again, a moment later.
    async fn authorize(&self) -> Connection {
        self.app.clock.advance(Duration::from_secs(1));
        let asked = self.begin(Ability::usual());
        let code = asked.read(&browse(&asked.url, &ALLOW).await).unwrap();
        let done = authorization::authorize(&self.app, &self.actor, &self.tenant, "google", (&asked, code));
        done.await.unwrap()
    }

    async fn steer(&self, what: Value) {
        let url = format!("{}/_sandbox/oauth", self.sandbox.as_ref().unwrap().url());
        let answer = Client::new().post(url).json(&what).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    async fn refreshes(&self) -> u64 {
        let url = format!("{}/_sandbox/oauth", self.sandbox.as_ref().unwrap().url());
        let state: Value = Client::new().get(url).send().await.unwrap().json().await.unwrap();
        state["refreshes"][OFFICE].as_u64().unwrap_or_default()
    }

    /// Makes twenty calls at the same time.
    async fn storm(&self) {
        let connector = self.app.connector(&self.google().await).unwrap();
        for answer in join_all((0..20).map(|_| connector.probe.probe())).await {
            answer.unwrap();
        }
    }

    async fn failings(&self) -> Vec<ConnectionFailing> {
        let id = self.tenant.id.clone();
        let filter = event::Filter { kind: Some(EventKind::ConnectionFailing), ..event::Filter::default() };
        let read = self.app.db.read(move |conn| event::list(&mut conn.of(&id), &filter, 10));
        read.await.unwrap().iter().map(|event| event.payload.read().unwrap()).collect()
    }

    fn sent(&self) -> usize {
        let state = self.state();
        let mails = state["mailboxes"][OFFICE]["messages"].as_array().cloned().unwrap_or_default();
        mails.iter().filter(|mail| mail["labelIds"].as_array().unwrap().contains(&json!("SENT"))).count()
    }
}

fn refused<T>(result: Result<T, Error>, kind: Kind, message: &str) {
    let Err(error) = result else { panic!("not refused: {message}") };
    assert_eq!(error.kind(), kind, "{}", error.report());
    assert!(error.message().contains(message), "{}", error.report());
    assert!(error.hint_text().is_some(), "{message}");
}

on_both!(
    a_person_consents_and_the_mailbox_is_used,
    access_that_is_lost_stops_one_connection_once_and_all_goes_on_after_consent,
    trouble_at_the_token_endpoint_is_waited_out,
    a_revoked_connection_is_paused_and_can_be_authorized_again,
);

async fn a_person_consents_and_the_mailbox_is_used(backend: Backend) {
    let nexora = Nexora::with_consent(backend).await;
    assert_eq!(nexora.google().await.settings.value()["subject"], OFFICE);
    let answer = connection::test(&nexora.app, &nexora.actor, &nexora.tenant, "google").await.unwrap();
    assert_eq!(answer, format!("mailbox {OFFICE} answers, calendar answers, Sheets is permitted"));
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert!(nexora.effects(&id).await.values().all(|state| *state == EffectState::Delivered));
    assert_eq!(nexora.refreshes().await, 1);
}

async fn access_that_is_lost_stops_one_connection_once_and_all_goes_on_after_consent(backend: Backend) {
    let nexora = Nexora::with_consent(backend).await;
    let operator = "op@example.com".parse().unwrap();
    user::create(&nexora.app, &nexora.actor, operator, None, user::Grant::Operator).await.unwrap();
    nexora.steer(json!({ "revoke": [OFFICE] })).await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(nexora.google().await.state, ConnectionState::Failing);
    let state = nexora.state();
    let told = |to: &str, subject: &str| {
        state["smtp"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|mail| mail["to"] == json!([to]) && mail["subject"] == subject)
            .count()
    };
    assert_eq!(
        told("owner@acme.example.com", &format!("Acme Plumbing: the connection to {OFFICE} has stopped")),
        1
    );
    assert_eq!(told("op@example.com", "acme: connection google fails"), 1);
    let states = nexora.effects(&id).await;
    assert_eq!(states["alert"], EffectState::Delivered, "the relay goes on");
    for step in ["acknowledge", "record", "callback"] {
        let waits = [EffectState::Pending, EffectState::Retrying];
        assert!(waits.contains(&states[step]), "{step} {}", states[step]);
    }
    let failings = nexora.failings().await;
    assert_eq!(failings.len(), 1, "{failings:?}");
    assert_eq!(failings[0].name, "google");
    assert!(failings[0].reason.contains("invalid_grant"), "{}", failings[0].reason);

    assert_eq!(nexora.authorize().await.state, ConnectionState::Active);
    nexora.settle().await;
    let states = nexora.effects(&id).await;
    assert!(states.values().all(|state| *state == EffectState::Delivered), "{states:?}");
    assert_eq!(nexora.sent(), 1);
    assert_eq!(nexora.failings().await.len(), 1);
    assert_eq!(
        nexora.state()["smtp"].as_array().unwrap().len(),
        3,
        "the alert of the lead, and each was told once"
    );
}

async fn trouble_at_the_token_endpoint_is_waited_out(backend: Backend) {
    let nexora = Nexora::with_consent(backend).await;
    nexora
        .faults(
            json!([{ "service": "token", "call": "grant", "fault": "status", "status": 503, "times": 3 }]),
        )
        .await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(nexora.google().await.state, ConnectionState::Active);
    for _ in 0..6 {
        nexora.app.clock.advance(Duration::from_mins(10));
        nexora.settle().await;
    }
    let states = nexora.effects(&id).await;
    assert!(states.values().all(|state| *state == EffectState::Delivered), "{states:?}");
    assert!(nexora.failings().await.is_empty());
}

async fn a_revoked_connection_is_paused_and_can_be_authorized_again(backend: Backend) {
    let nexora = Nexora::with_consent(backend).await;
    nexora.app.clock.advance(Duration::from_secs(1));
    let revoked = authorization::revoke(&nexora.app, &nexora.actor, &nexora.tenant, "google").await.unwrap();
    assert_eq!((revoked.state, revoked.sealed), (ConnectionState::Paused, None));
    assert!(revoked.last_error.unwrap().contains("revoked by"));
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(nexora.sent(), 0);
    nexora.authorize().await;
    nexora.settle().await;
    assert_eq!((nexora.sent(), nexora.effects(&id).await["acknowledge"]), (1, EffectState::Delivered));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_the_right_one_is_refused_in_plain_words() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let (asked, earlier) = (nexora.begin(Ability::usual()), nexora.begin(Ability::usual()));
    refused(asked.read(&browse(&earlier.url, &ALLOW).await), Kind::Usage, "belongs to another request");
    refused(
        asked.read(&browse(&asked.url, &[("decision", "deny")]).await),
        Kind::Denied,
        "did not allow access",
    );
    refused(asked.read(&asked.url), Kind::Usage, "the address to open");
    refused(asked.read("http://127.0.0.1:1/?code=x"), Kind::Usage, "not the address");
    refused(asked.read("hello"), Kind::Usage, "neither the address");

    let calendar = "https://www.googleapis.com/auth/calendar.events";
    let part = [ALLOW[0], ALLOW[1], ("choose", "1"), ("grant", calendar)];
    let code = asked.read(&browse(&asked.url, &part).await).unwrap();
    let unticked = authorization::add_user(app, actor, tenant, "other", None, (&asked, code)).await;
    refused(unticked, Kind::Denied, "send mail (mail.send), read mail (mail.read)");

    let somebody = [("account", "jo@example.com"), ("decision", "allow")];
    let code = asked.read(&browse(&asked.url, &somebody).await).unwrap();
    let subject = OFFICE.parse().unwrap();
    let wrong = authorization::add_user(app, actor, tenant, "other", Some(&subject), (&asked, code)).await;
    refused(wrong, Kind::Denied, "`jo@example.com` signed in, not `office@acme.example.com`");

    let again = Secret::new("4/0sandbox-used-or-expired");
    let expired = authorization::add_user(app, actor, tenant, "other", None, (&asked, again)).await;
    refused(expired, Kind::Denied, "it has expired or was used before");
    assert_eq!(
        app.view(tenant, |tx| store::connection::list(tx, 10)).await.unwrap().len(),
        2,
        "nothing was added"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_ask_a_token_is_asked_for_once() {
    let nexora = Nexora::with_consent(Backend::Sqlite).await;
    nexora.storm().await;
    assert_eq!(nexora.refreshes().await, 1);
    nexora.storm().await;
    assert_eq!(nexora.refreshes().await, 1);
    nexora.steer(json!({ "expire": [OFFICE] })).await;
    nexora.storm().await;
    assert_eq!(nexora.refreshes().await, 2, "twenty refused tokens, one refresh");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_connects_a_mailbox_once() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let key = Secret::new(nexora.sandbox.as_ref().unwrap().service_account_json());
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let new =
        |address: &str| by_service_account(address.parse().unwrap(), key.clone(), Ability::usual()).unwrap();
    for again in [OFFICE.to_owned(), OFFICE.to_uppercase()] {
        let error = connection::add(app, actor, tenant, "second", new(&again)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        let said = error.report();
        assert!(said.contains(OFFICE) && said.contains("connected already, as `google`"), "{said}");
        let hint = error.hint_text().unwrap();
        assert!(hint.contains("nexora connection authorize google"), "{hint}");
    }
    connection::pause(app, actor, tenant, "google").await.unwrap();
    assert!(connection::add(app, actor, tenant, "second", new(OFFICE)).await.is_err(), "it may be resumed");
    connection::removal::remove(app, actor, tenant, "google", None).await.unwrap();
    connection::add(app, actor, tenant, "second", new(OFFICE)).await.unwrap();
    connection::add(app, actor, tenant, "field", new("field@acme.example.com")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_mailbox_out_of_quota_leaves_another_alone() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let key = Secret::new(nexora.sandbox.as_ref().unwrap().service_account_json());
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let field = "field@acme.example.com".parse().unwrap();
    let new = by_service_account(field, key.clone(), Ability::usual()).unwrap();
    let other = connection::add(app, actor, tenant, "field", new).await.unwrap();
    let mut environment = environment(&app.config, app.clock.clone());
    environment.google.quota.calendar.user = 6;
    let registry = Registry::new(nexora::app::registry::connectors(), environment);
    let office = registry.connector(&nexora.google().await, || Ok(Some(key.clone()))).unwrap();
    let field = registry.connector(&other, || Ok(Some(key))).unwrap();
    for _ in 0..6 {
        office.probe.probe().await.unwrap();
    }
    let error = office.probe.probe().await.unwrap_err();
    assert!(error.report().contains("the Calendar quota of this minute is used up"), "{}", error.report());
    field.probe.probe().await.unwrap();
    app.clock.advance(Duration::from_secs(60));
    office.probe.probe().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automation_says_what_it_may_not_do_yet() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    connection::removal::remove(app, actor, tenant, "google", None).await.unwrap();
    let mail = Abilities::from([Ability::MailSend, Ability::MailRead]);
    let asked = nexora.begin(mail);
    let code = asked.read(&browse(&asked.url, &ALLOW).await).unwrap();
    authorization::add_user(app, actor, tenant, "google", None, (&asked, code)).await.unwrap();
    let enable = |settings: &[(&str, &str)]| {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = settings.collect();
        async move { automation::enable(app, actor, tenant, "lead-capture", &settings, false).await }
    };
    let missing =
        "may not do: read and change the calendar (calendar), read and change spreadsheets (sheets)";
    let refusal = enable(&[("sheet_id", "leads")]).await;
    assert!(
        refusal.as_ref().unwrap_err().hint_text().unwrap().contains("authorize google --for lead-capture")
    );
    refused(refusal, Kind::Denied, missing);
    enable(&[("callback", "false"), ("sheet_id", "")]).await.unwrap();
    nexora.authorize().await;
    enable(&[("sheet_id", "leads")]).await.unwrap();
}

/// A machine of its own whose Google is the sandbox.
struct Machine {
    folder: tempfile::TempDir,
    google: nexora::config::google::Settings,
}

impl Machine {
    fn new(nexora: &Nexora) -> Machine {
        let sandbox = nexora.sandbox.as_ref().unwrap();
        let google = nexora::config::google::Settings::all_at(&sandbox.url());
        let machine = Machine { folder: tempfile::tempdir().unwrap(), google };
        std::fs::write(machine.folder.path().join("client.json"), sandbox.oauth_client_json()).unwrap();
        let etc = machine.folder.path().join("etc");
        let etc = etc.to_str().unwrap();
        machine.done(&["init", "--no-input", "--operator", "op@example.com", "--dir", etc]);
        let tenant = "tenant create acme --name Acme --timezone America/Chicago --owner-email o@acme.com";
        machine.done(&tenant.split(' ').collect::<Vec<_>>());
        machine
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("nexora"));
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if arguments[0] != "init" {
            command.arg("--config").arg(self.folder.path().join("etc/nexora.toml"));
        }
        command
            .env("NEXORA_GOOGLE_GMAIL_URL", &self.google.gmail_url)
            .env("NEXORA_GOOGLE_CALENDAR_URL", &self.google.calendar_url)
            .env("NEXORA_GOOGLE_SHEETS_URL", &self.google.sheets_url)
            .env("NEXORA_GOOGLE_TOKEN_URL", &self.google.token_url)
            .env("NEXORA_GOOGLE_AUTH_URL", &self.google.auth_url)
            .env("NEXORA_GOOGLE_REVOKE_URL", &self.google.revoke_url)
            .env("NEXORA_GOOGLE_CLIENT_FILE", self.folder.path().join("client.json"));
        command
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a command that asks for consent; returns it with the address that it prints.
    fn asks(
        &self,
        arguments: &[&str],
    ) -> (std::process::Child, BufReader<std::process::ChildStderr>, String) {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("http") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "no address was printed");
        }
        (child, said, line.trim().to_owned())
    }
}

/// A form's mails are told from others by who sends them, and a saved mail shows what they become.
fn lead_mail_rules(machine: &Machine) {
    let mail = machine.folder.path().join("form.eml");
    let text = "From: Site <forms@acme.com>\r\nTo: office@acme.com\r\nSubject: New enquiry\r\n\r\n\
                Name: Jo Miller\r\nPhone: (512) 555-0142\r\nMessage: No hot water\r\n";
    std::fs::write(&mail, text).unwrap();
    let parse = ["lead", "parse", mail.to_str().unwrap(), "--connection", "google"];
    let parsed = machine.done(&parse);
    assert!(parsed.contains("lead") && parsed.contains("Jo Miller"), "{parsed}");
    let rule =
        |subject| ["connection", "lead-mail", "google", "--add-form", "forms@acme.com", "--subject", subject];
    assert!(machine.done(&rule("estimate")).contains("forms@acme.com with \"estimate\" in the subject"));
    assert!(machine.done(&parse).contains("not from a sender of leads"));
    machine.done(&rule("enquiry"));
    assert!(machine.done(&parse).contains("Jo Miller"));
    machine.done(&["connection", "lead-mail", "google", "--remove-form", "forms@acme.com"]);
    assert!(machine.done(&parse).contains("Jo Miller"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_ssh_the_answer_is_pasted_or_comes_by_a_forwarded_port() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let machine = Machine::new(&nexora);
    let (mut child, said, url) = machine.asks(&["connection", "add", "google"]);
    let back = browse(&url, &ALLOW).await;
    writeln!(child.stdin.as_mut().unwrap(), "{back}").unwrap();
    let output = child.wait_with_output().unwrap();
    let rest: Vec<String> = said.lines().map_while(Result::ok).collect();
    assert!(output.status.success(), "{rest:?}");
    let shown = String::from_utf8(output.stdout).unwrap();
    for line in [
        "mailbox       office@acme.example.com",
        "state         active",
        "may           send mail (mail.send), read mail",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }

    let (child, said, url) =
        machine.asks(&["connection", "authorize", "google", "--no-input", "--ability", "sheets.watch"]);
    let back = browse(&url, &ALLOW).await;
    let stray = back.replace("state=", "state=x");
    let answer = reqwest::get(&stray).await.unwrap();
    assert_eq!(answer.status(), 400);
    let page = reqwest::get(&back).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("this page can be closed"));
    let output = child.wait_with_output().unwrap();
    let rest: Vec<String> = said.lines().map_while(Result::ok).collect();
    assert!(output.status.success(), "{rest:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("sheets.watch"));

    assert!(machine.done(&["connection", "test", "google"]).contains("calendar answers"));
    lead_mail_rules(&machine);
    let no = machine.command(&["connection", "revoke", "google"]).output().unwrap();
    assert_eq!(no.status.code(), Some(8));
    assert!(machine.done(&["connection", "revoke", "google", "--yes"]).contains("paused"));

    let (mut child, said, url) = machine.asks(&["connection", "add", "google", "--name", "second"]);
    let back = browse(&url, &[("decision", "deny")]).await;
    writeln!(child.stdin.as_mut().unwrap(), "{back}").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    let said: Vec<String> = said.lines().map_while(Result::ok).collect();
    assert!(said.contains(&"error: the person at the browser did not allow access".to_owned()), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_the_projects_quota_carries_is_refused_with_the_sum() {
    let nexora = Nexora::with_sandbox_and(Backend::Sqlite, |config| {
        config.google.gmail_units = 120;
        config.poll.mail_fast_s = 1;
        config.poll.mail_slow_s = 1;
    })
    .await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    let key = Secret::new(nexora.sandbox.as_ref().unwrap().service_account_json());
    let mailbox = "field@acme.example.com".parse().unwrap();
    let new = by_service_account(mailbox, key, Ability::usual()).unwrap();
    let second = connection::add(app, actor, tenant, "field", new).await;
    refused(
        second,
        Kind::Config,
        "2 mailboxes every 1 s need 240 Gmail units a minute; the project allows 120",
    );
    assert_eq!(
        app.view(tenant, |tx| store::connection::list(tx, 10)).await.unwrap().len(),
        2,
        "nothing was added"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_accounts_key_can_be_forgotten_and_replaced() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
    app.clock.advance(Duration::from_secs(1));
    authorization::revoke(app, actor, tenant, "google").await.unwrap();
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(nexora.sent(), 0);
    app.clock.advance(Duration::from_secs(1));
    let rekey =
        |key: Option<Secret>| authorization::extend(app, actor, tenant, "google", Ability::usual(), key);
    assert!(rekey(None).await.is_err(), "there is no key");
    refused(rekey(Some(Secret::new("{}"))).await, Kind::Config, "not a Google service account key");
    let key = Secret::new(nexora.sandbox.as_ref().unwrap().service_account_json());
    assert_eq!(rekey(Some(key)).await.unwrap().state, ConnectionState::Active);
    nexora.settle().await;
    assert_eq!((nexora.sent(), nexora.effects(&id).await["acknowledge"]), (1, EffectState::Delivered));
}
