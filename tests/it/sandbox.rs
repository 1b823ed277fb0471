//! The sandbox answers as Google and a mail server would, and fails when it is told to.

mod calendar;
mod clients;
mod drive;
mod faults;
mod gmail;
mod mail;
mod mailbox;
mod oauth;
mod sheets;
mod tokens;
mod walks;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_sandbox::{Sandbox, Settings};
use reqwest::{Client, Method, Response, StatusCode};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

const OFFICE: &str = "office@acme.example";

const SCOPES: &str = "https://www.googleapis.com/auth/gmail.modify https://www.googleapis.com/auth/calendar \
                      https://www.googleapis.com/auth/spreadsheets";

/// A running sandbox with a client that is signed in as the office.
struct Bench {
    sandbox: Sandbox,
    clock: Clock,
    http: Client,
    token: String,
}

impl Bench {
    async fn start() -> Bench {
        let clock = Clock::hand_set(Timestamp::parse("2026-09-21T14:13:20Z").unwrap());
        let any = "127.0.0.1:0".parse().unwrap();
        let settings = Settings { listen: any, smtp_listen: any, clock: clock.clone() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let http = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        let mut bench = Bench { sandbox, clock, http, token: String::new() };
        bench.token = bench.sign_in(SCOPES).await;
        bench
    }

    /// Asks for a token with the key that the sandbox hands out.
    async fn sign_in(&self, scopes: &str) -> String {
        let answer = self.ask_for_token(&assertion(&self.key(), &self.claims(scopes))).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let granted: Value = answer.json().await.unwrap();
        assert_eq!(granted["token_type"], "Bearer");
        granted["access_token"].as_str().unwrap().to_owned()
    }

    async fn ask_for_token(&self, assertion: &str) -> Response {
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)];
        self.http.post(self.sandbox.url() + "/token").form(&form).send().await.unwrap()
    }

    fn key(&self) -> Value {
        serde_json::from_str(&self.sandbox.service_account_json()).unwrap()
    }

    fn claims(&self, scopes: &str) -> Value {
        let now = self.clock.now().millis() / 1_000;
        json!({
            "iss": self.key()["client_email"], "sub": OFFICE, "scope": scopes,
            "aud": self.sandbox.url() + "/token", "iat": now, "exp": now + 3_600,
        })
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.sandbox.url() + path).bearer_auth(&self.token)
    }

    /// Makes a call and returns status and JSON; an empty body is null.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn arm(&self, fault: Value) {
        let (status, answer) = self.post("/_sandbox/faults", json!({ "faults": [fault] })).await;
        assert_eq!(status, 200, "{answer}");
    }

    fn calls(&self, name: &str) -> Value {
        self.sandbox.state()["calls"][name].clone()
    }
}

/// Signs a request for a token.
pub fn assertion(key: &Value, claims: &Value) -> String {
    let pem = key["private_key"].as_str().unwrap();
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Returns the reason in Google's envelope, after a look at its form.
fn reason(answer: &(u16, Value)) -> &str {
    let error = &answer.1["error"];
    assert_eq!(error["code"], answer.0, "{error}");
    assert_eq!(error["message"], error["errors"][0]["message"], "{error}");
    error["errors"][0]["reason"].as_str().unwrap()
}

#[tokio::test]
async fn only_loopback_is_taken_and_a_taken_port_is_told() {
    let bench = Bench::start().await;
    let free = "127.0.0.1:0".parse().unwrap();
    let open = Settings { listen: "0.0.0.0:0".parse().unwrap(), smtp_listen: free, clock: Clock::System };
    let error = Sandbox::start(open).await.err().unwrap();
    assert_eq!(error.kind(), nexora_core::base::Kind::Usage);
    let taken = Settings { listen: free, smtp_listen: bench.sandbox.smtp_address(), clock: Clock::System };
    let error = Sandbox::start(taken).await.err().unwrap();
    assert_eq!(error.kind(), nexora_core::base::Kind::Unavailable);
    assert!(error.message().contains(&bench.sandbox.smtp_address().to_string()), "{error}");
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn a_stop_closes_both_addresses() {
    let bench = Bench::start().await;
    let (url, smtp) = (bench.sandbox.url(), bench.sandbox.smtp_address());
    bench.sandbox.stop().await;
    assert!(bench.http.get(url).send().await.is_err());
    assert!(tokio::net::TcpStream::connect(smtp).await.is_err());
}

#[tokio::test]
async fn seeds_are_planted_and_a_reset_forgets_all_but_tokens() {
    let bench = Bench::start().await;
    let seeds = json!({
        "calendars": [{"calendar": OFFICE, "time_zone": "Europe/Berlin"}],
        "events": [{"calendar": OFFICE, "event": {
            "summary": "Boiler", "start": {"date": "2026-09-22"}, "end": {"date": "2026-09-23"},
        }}],
        "mails": [{"mailbox": OFFICE, "from": "Jo <jo@example.com>", "subject": "Help", "text": "It drips"}],
        "spreadsheets": [{"id": "leads", "title": "Leads", "sheets": [{"title": "2026", "rows": [["Name"], ["Jo"]]}]}],
    });
    let (status, made) = bench.post("/_sandbox/seed", seeds).await;
    assert_eq!((status, &made["spreadsheets"]), (200, &json!(["leads"])), "{made}");
    let (_, state) = bench.get("/_sandbox/state").await;
    assert_eq!(state, bench.sandbox.state());
    assert_eq!(state["mailboxes"][OFFICE]["messages"][0]["text"], "It drips");
    assert_eq!(state["mailboxes"][OFFICE]["messages"][0]["labelIds"], json!(["INBOX", "UNREAD"]));
    assert_eq!(state["calendars"][OFFICE]["events"][0]["summary"], "Boiler");
    assert_eq!(state["spreadsheets"]["leads"]["sheets"][0]["rows"], json!([["Name"], ["Jo"]]));
    let (status, _) = bench.post("/_sandbox/seed", json!({ "mail": [] })).await;
    assert_eq!(status, 400);
    bench.post("/_sandbox/reset", json!({})).await;
    assert_eq!(bench.sandbox.state()["spreadsheets"], json!({}));
    assert_eq!(bench.get("/gmail/v1/users/me/profile").await.0, 200);
}

#[tokio::test]
async fn the_page_shows_everything_and_runs_nothing() {
    let bench = Bench::start().await;
    let evil = "<script>alert(1)</script>";
    let seeds = json!({
        "events": [{"calendar": OFFICE, "event": {
            "summary": evil, "start": {"date": "2026-09-22"}, "end": {"date": "2026-09-23"},
        }}],
        "mails": [{"mailbox": OFFICE, "from": "jo@example.com", "subject": evil, "text": evil}],
        "spreadsheets": [{"title": evil, "sheets": [{"title": "2026", "rows": [[evil]]}]}],
    });
    assert_eq!(bench.post("/_sandbox/seed", seeds).await.0, 200);
    let answer = bench.http.get(bench.sandbox.url() + "/").send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(!page.contains("<script") && !page.contains("http-equiv"), "{page}");
    assert!(page.contains("Nothing here leaves this machine"));
    let live = bench.http.get(bench.sandbox.url() + "/?live=1").send().await.unwrap().text().await.unwrap();
    assert!(live.contains("http-equiv=\"refresh\""));
}

#[tokio::test]
async fn another_site_cannot_steer_the_sandbox() {
    let bench = Bench::start().await;
    let url = bench.sandbox.url() + "/_sandbox/reset";
    for (name, value) in [("host", "rebound.example"), ("origin", "https://site.example"), ("origin", "null")]
    {
        let answer = bench.http.post(&url).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(
        bench.http.post(&url).header("origin", bench.sandbox.url()).send().await.unwrap().status(),
        200
    );
}
