//! A tenant whose Google account is the sandbox, and somebody who does things there.

use std::collections::BTreeMap;
use std::time::Duration;

use nexora::ops::automation;
use nexora_store as store;
use nexora_store::event::Filter;
use serde_json::{Value, json};

use crate::harness::{Backend, Nexora};
use crate::sandbox::assertion;

pub const OFFICE: &str = "office@acme.example.com";

/// A tenant whose connections are read, and somebody who changes things there.
pub struct Scene {
    pub nexora: Nexora,
    http: reqwest::Client,
    token: String,
    pub definitions: tempfile::TempDir,
}

impl Scene {
    /// Starts with an automation that waits for what `triggers` say, and does nothing.
    pub async fn start(backend: Backend, triggers: &str) -> Scene {
        let scene = Scene::new(backend).await;
        scene.define("watcher", triggers).await;
        scene
    }

    /// Starts with nothing enabled.
    pub async fn new(backend: Backend) -> Scene {
        let definitions = tempfile::tempdir().unwrap();
        let nexora = Nexora::with_sandbox_and(backend, |config| {
            config.definitions.folder = definitions.path().to_owned();
            config.rehearsal.listen = "127.0.0.1:0".into();
            config.rehearsal.smtp_listen = "127.0.0.1:0".into();
        })
        .await;
        let http = reqwest::Client::new();
        let mut scene = Scene { nexora, http, token: String::new(), definitions };
        scene.token = scene.sign_in().await;
        scene
    }

    /// Enables an automation that waits for what `triggers` say, and does nothing.
    pub async fn define(&self, name: &str, triggers: &str) {
        let nothing = "[[step]]\nid = \"end\"\naction = \"stop\"\nwith = { reason = \"seen\" }\n";
        self.write(&format!("automations/{name}.toml"), &definition(name, &format!("{triggers}\n{nothing}")));
        self.enable(name).await;
    }

    /// Puts a file among the definitions.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.definitions.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub async fn enable(&self, name: &str) {
        let Nexora { app, actor, tenant, .. } = &self.nexora;
        automation::enable(app, actor, tenant, name, &BTreeMap::new(), false).await.unwrap();
        // The baseline: what is there already is no news.
        self.nexora.settle().await;
    }

    pub async fn sign_in(&self) -> String {
        let sandbox = self.nexora.sandbox.as_ref().unwrap();
        let key: Value = serde_json::from_str(&sandbox.service_account_json()).unwrap();
        let now = nexora_core::base::clock::Clock::System.now().millis() / 1_000;
        let claims = json!({
            "iss": key["client_email"], "sub": OFFICE, "iat": now, "exp": now + 3_600,
            "aud": sandbox.url() + "/token",
            "scope": "https://www.googleapis.com/auth/gmail.modify https://www.googleapis.com/auth/calendar \
                      https://www.googleapis.com/auth/spreadsheets",
        });
        let signed = assertion(&key, &claims);
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &signed)];
        let answer = self.http.post(sandbox.url() + "/token").form(&form).send().await.unwrap();
        let granted: Value = answer.json().await.unwrap();
        granted["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let url = self.nexora.sandbox.as_ref().unwrap().url() + path;
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    pub async fn entry(&self, method: &str, id: &str, body: Value) -> Value {
        let path = if id.is_empty() { String::new() } else { format!("/{id}") };
        self.call(method, &format!("/calendar/v3/calendars/primary/events{path}"), body).await
    }

    pub fn seed(&self, seeds: Value) {
        self.nexora.sandbox.as_ref().unwrap().seed(seeds).unwrap();
    }

    /// Changes what the sandbox's Gmail does.
    pub fn steer_gmail(&self, asked: Value) {
        self.nexora.sandbox.as_ref().unwrap().steer_gmail(asked).unwrap();
    }

    pub fn mail(&self, from: &str, subject: &str) {
        self.seed(json!({"mails": [{"mailbox": OFFICE, "from": from, "subject": subject, "text": "Hello"}]}));
    }

    pub fn rows(&self, rows: Value) {
        self.seed(json!({"spreadsheets": [{"id": "jobs", "sheets": [{"title": "Jobs", "rows": rows}]}]}));
    }

    /// Lets time pass until every cursor is due, and everything that follows happen.
    pub async fn pass(&self, seconds: u64) {
        self.nexora.app.clock.advance(Duration::from_secs(seconds));
        self.nexora.settle().await;
    }

    /// Returns what was told since the last look: kind, and what `show` makes of the payload.
    pub async fn told(&self, seen: &mut usize, show: impl Fn(&Value) -> String) -> Vec<String> {
        let Nexora { app, tenant, .. } = &self.nexora;
        let events =
            app.view(tenant, move |tx| store::event::list(tx, &Filter::default(), 1_000)).await.unwrap();
        let new = events.len() - std::mem::replace(seen, events.len());
        let mut told: Vec<String> = events[..new]
            .iter()
            .map(|event| format!("{} {}", event.kind, show(&event.payload.read::<Value>().unwrap())))
            .collect();
        told.sort();
        told
    }
}

/// Returns the text of an automation with these triggers and steps.
pub fn definition(name: &str, text: &str) -> String {
    format!("[automation]\nname = \"{name}\"\ntitle = \"T\"\ndescription = \"\"\n{text}")
}
