//! OAuth: a person consents, the app exchanges and refreshes, and consent can be taken back.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Bench, OFFICE, reason};

const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
const CALENDAR: &str = "https://www.googleapis.com/auth/calendar";
const REDIRECT: &str = "http://127.0.0.1:4711/back";
const PROFILE: &str = "/gmail/v1/users/me/profile";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

impl Bench {
    fn client_id(&self) -> Value {
        let file: Value = serde_json::from_str(&self.sandbox.oauth_client_json()).unwrap();
        file["installed"].clone()
    }

    /// Answers the consent page as a script does; `more` adds to or replaces what is asked for.
    async fn consent(&self, more: &[(&str, &str)], form: &[(&str, &str)]) -> Response {
        let client = self.client_id();
        let scope = format!("openid email {MODIFY} {CALENDAR}");
        let mut query: Vec<(&str, &str)> = vec![
            ("client_id", client["client_id"].as_str().unwrap()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", &scope),
            ("state", "s&1"),
            ("access_type", "offline"),
        ];
        query.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        query.extend(more);
        let query = serde_urlencoded::to_string(query).unwrap();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let url = format!("{}?{query}", client["auth_uri"].as_str().unwrap());
        http.post(url).form(form).send().await.unwrap()
    }

    async fn code(&self, more: &[(&str, &str)]) -> String {
        let answer = self.consent(more, &[("account", OFFICE), ("decision", "allow")]).await;
        field(&answer, "code").unwrap()
    }

    async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let client = self.client_id();
        let mut form = vec![
            ("client_id", client["client_id"].as_str().unwrap()),
            ("client_secret", client["client_secret"].as_str().unwrap()),
        ];
        form.retain(|(name, _)| fields.iter().all(|(other, _)| other != name));
        form.extend(fields);
        let url = client["token_uri"].as_str().unwrap();
        let answer = self.http.post(url).form(&form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn exchange(&self, code: &str) -> (u16, Value) {
        self.token(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)]).await
    }

    async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }
}

/// Returns a field of the address that the person is sent back to.
fn field(answer: &Response, name: &str) -> Option<String> {
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"].to_str().unwrap();
    let query = location.strip_prefix(REDIRECT).unwrap().strip_prefix('?').unwrap();
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap();
    fields.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_code_is_exchanged_once_and_the_token_opens_the_mailbox() {
    let mut bench = Bench::start().await;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let more = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let code = bench.code(&more).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let (status, answer) = bench.token(&fields).await;
    assert_eq!(
        (status, &answer["expires_in"], &answer["token_type"]),
        (200, &json!(3_599), &json!("Bearer"))
    );
    assert!(text(&answer["scope"]).contains(MODIFY), "{answer}");
    assert!(answer["refresh_token"].is_string() && answer.get("refresh_token_expires_in").is_none());
    let claims = text(&answer["id_token"]).split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(OFFICE), &json!(true)));
    assert_eq!(
        (&claims["iss"], &claims["iat"]),
        (&json!("https://accounts.google.com"), &json!(1_790_000_000))
    );
    assert_eq!(bench.token(&fields).await.0, 400);

    bench.token = text(&answer["access_token"]).to_owned();
    assert_eq!(bench.get(PROFILE).await.1["emailAddress"], OFFICE);
    let (_, who) = bench.get("/oauth2/v3/userinfo").await;
    assert_eq!((&who["email"], &who["sub"]), (&json!(OFFICE), &claims["sub"]));
    let (_, known) = bench.get(&format!("/tokeninfo?access_token={}", bench.token)).await;
    assert_eq!((&known["email"], &known["expires_in"]), (&json!(OFFICE), &json!("3599")));
    let unknown = bench.get("/tokeninfo?access_token=x").await;
    assert_eq!(unknown, (400, json!({"error": "invalid_token", "error_description": "Invalid Value"})));
}

#[tokio::test]
async fn a_code_that_does_not_fit_is_refused() {
    let bench = Bench::start().await;
    let pkce = [("code_challenge", VERIFIER)];
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[("redirect_uri", "http://127.0.0.1:1/back")], "redirect_uri_mismatch"),
        (&[("redirect_uri", REDIRECT)], "invalid_grant"),
        (&[("redirect_uri", REDIRECT), ("code_verifier", "other")], "invalid_grant"),
        (&[("redirect_uri", REDIRECT), ("client_secret", "wrong")], "invalid_client"),
    ];
    for (fields, error) in cases {
        let code = bench.code(&pkce).await;
        let fields: Vec<_> = [("grant_type", "authorization_code"), ("code", &code)]
            .into_iter()
            .chain(fields.iter().copied())
            .collect();
        let (status, answer) = bench.token(&fields).await;
        let wanted = if error == "invalid_client" { 401 } else { 400 };
        assert_eq!((status, &answer["error"]), (wanted, &json!(error)), "{fields:?}");
    }
    let late = bench.code(&[]).await;
    bench.clock.advance(Duration::from_mins(11));
    assert_eq!(bench.exchange(&late).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_person_may_deny_or_grant_a_part() {
    let bench = Bench::start().await;
    let denied = bench.consent(&[], &[("decision", "deny")]).await;
    assert_eq!(
        (field(&denied, "error").as_deref(), field(&denied, "state").as_deref()),
        (Some("access_denied"), Some("s&1"))
    );
    let part = bench
        .consent(&[], &[("account", OFFICE), ("decision", "allow"), ("choose", "1"), ("grant", CALENDAR)])
        .await;
    assert!(!field(&part, "scope").unwrap().contains(MODIFY));
    let (_, answer) = bench.exchange(&field(&part, "code").unwrap()).await;
    let mut narrow = bench;
    narrow.token = text(&answer["access_token"]).to_owned();
    let refused = narrow.get(PROFILE).await;
    assert_eq!((refused.0, reason(&refused)), (403, "insufficientPermissions"));
    assert_eq!(refused.1["error"]["details"][0]["reason"], "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
}

#[tokio::test]
async fn the_page_names_scopes_and_refuses_what_is_not_in_order() {
    let bench = Bench::start().await;
    let client = bench.client_id();
    let page = |more: &str| format!("/auth?response_type=code&scope={MODIFY}&login_hint={OFFICE}&{more}");
    let id = text(&client["client_id"]);
    let good = page(&format!("client_id={id}&redirect_uri=http://localhost:9"));
    let answer = bench.request(Method::GET, &good).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let html = answer.text().await.unwrap();
    assert!(html.contains(&format!("value=\"{MODIFY}\" checked")) && html.contains(OFFICE), "{html}");
    for (more, status, error) in [
        ("client_id=other&redirect_uri=http://localhost".to_owned(), 401, "invalid_client"),
        (format!("client_id={id}&redirect_uri=https://example.com"), 400, "redirect_uri_mismatch"),
        (format!("client_id={id}"), 400, "redirect_uri"),
    ] {
        let answer = bench.request(Method::GET, &page(&more)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{more}");
        assert!(answer.text().await.unwrap().contains(error), "{more}");
    }
}

#[tokio::test]
async fn a_refresh_token_comes_with_the_first_consent_or_when_it_is_asked_again() {
    let bench = Bench::start().await;
    let first = bench.exchange(&bench.code(&[]).await).await.1;
    assert!(first["refresh_token"].is_string());
    assert!(bench.exchange(&bench.code(&[]).await).await.1.get("refresh_token").is_none());
    assert!(
        bench
            .exchange(&bench.code(&[("access_type", "online"), ("prompt", "consent")]).await)
            .await
            .1
            .get("refresh_token")
            .is_none()
    );
    bench.post("/_sandbox/oauth", json!({"testing": true, "access_token_life": 5})).await;
    let again = bench.exchange(&bench.code(&[("prompt", "consent")]).await).await.1;
    assert_eq!((&again["refresh_token_expires_in"], &again["expires_in"]), (&json!(604_799), &json!(5)));
    bench.clock.advance(Duration::from_hours(24 * 7));
    assert_eq!(bench.refresh(text(&first["refresh_token"])).await.0, 200);
    assert_eq!(bench.refresh(text(&again["refresh_token"])).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_refresh_is_counted_and_ends_with_the_consent() {
    let mut bench = Bench::start().await;
    let token = bench.sandbox.grant(OFFICE, &[MODIFY]).unwrap();
    let (status, answer) = bench.refresh(&token).await;
    assert_eq!((status, &answer["scope"]), (200, &json!(MODIFY)));
    assert!(answer.get("refresh_token").is_none());
    bench.token = text(&answer["access_token"]).to_owned();
    assert_eq!(bench.get(PROFILE).await.0, 200);
    bench.post("/_sandbox/oauth", json!({"expire": [OFFICE]})).await;
    assert_eq!(bench.get(PROFILE).await.0, 401);
    bench.token = text(&bench.refresh(&token).await.1["access_token"]).to_owned();
    let (_, state) = bench.get("/_sandbox/oauth").await;
    assert_eq!(
        (&state["refreshes"][OFFICE], &state["grants"][OFFICE]["refresh_tokens"]),
        (&json!(2), &json!(1))
    );

    bench.post("/_sandbox/oauth", json!({"revoke": [OFFICE]})).await;
    assert_eq!(bench.get(PROFILE).await.0, 401);
    let gone = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    assert_eq!(bench.refresh(&token).await, (400, gone));
    let (_, made) =
        bench.post("/_sandbox/oauth", json!({"grant": [{"mailbox": OFFICE, "scopes": [MODIFY]}]})).await;
    assert_eq!(bench.refresh(text(&made["granted"][0])).await.0, 200);
}

#[tokio::test]
async fn revoking_any_token_ends_the_grant() {
    for kind in ["access_token", "refresh_token"] {
        let bench = Bench::start().await;
        let answer = bench.exchange(&bench.code(&[]).await).await.1;
        let url = bench.sandbox.url() + "/revoke";
        let revoke = || bench.http.post(&url).form(&[("token", text(&answer[kind]))]).send();
        assert_eq!(revoke().await.unwrap().status(), 200);
        assert_eq!(bench.refresh(text(&answer["refresh_token"])).await.1["error"], "invalid_grant");
        assert_eq!(revoke().await.unwrap().json::<Value>().await.unwrap()["error"], "invalid_token");
        assert_eq!(bench.get(PROFILE).await.0, 200, "the service account's token stays");
    }
}

#[tokio::test]
async fn the_token_endpoint_can_be_made_to_fail() {
    let bench = Bench::start().await;
    let token = bench.sandbox.grant(OFFICE, &[MODIFY]).unwrap();
    bench.arm(json!({"service": "token", "call": "grant", "fault": "status", "status": 503})).await;
    assert_eq!(bench.refresh(&token).await.0, 503);
    bench.arm(json!({"service": "token", "call": "grant", "fault": "status", "status": 400, "reason": "invalid_grant"})).await;
    let dead = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    assert_eq!(bench.refresh(&token).await, (400, dead));
    bench.arm(json!({"service": "token", "call": "grant", "fault": "drop", "when": "after"})).await;
    let client = bench.client_id();
    let form = [
        ("client_id", text(&client["client_id"])),
        ("client_secret", text(&client["client_secret"])),
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
    ];
    assert!(bench.http.post(text(&client["token_uri"])).form(&form).send().await.is_err());
    assert_eq!(bench.refresh(&token).await.0, 200);
    assert_eq!(bench.sandbox.grant("nobody", &[MODIFY]).unwrap_err().kind(), nexora_core::base::Kind::Usage);
}
