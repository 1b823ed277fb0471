//! Tokens: who gets one, and what each opens.

use std::time::Duration;

use reqwest::StatusCode;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};

use super::{Bench, assertion, reason};

#[tokio::test]
async fn a_key_of_another_account_gets_no_token() {
    let bench = Bench::start().await;
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let other = rsa::RsaPrivateKey::new(&mut random, 2_048).unwrap();
    let mut key = bench.key();
    key["private_key"] = json!(other.to_pkcs8_pem(LineEnding::LF).unwrap().as_str());
    let answer = bench.ask_for_token(&assertion(&key, &bench.claims("a"))).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let error: Value = answer.json().await.unwrap();
    assert_eq!(error, json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}));
}

#[tokio::test]
async fn a_request_that_is_not_in_order_is_refused_in_googles_words() {
    let bench = Bench::start().await;
    let cases = [
        (json!({"iss": "nobody@example.com"}), "invalid_grant", "account not found"),
        (json!({"aud": "https://example.com/token"}), "invalid_grant", "audience"),
        (json!({"iat": 1_000, "exp": 2_000}), "invalid_grant", "short-lived token"),
        (json!({"scope": " "}), "invalid_scope", "scope"),
        (json!({"sub": "nobody"}), "invalid_grant", "Invalid email"),
    ];
    for (change, error, words) in cases {
        let mut claims = bench.claims("a");
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = bench.ask_for_token(&assertion(&bench.key(), &claims)).await;
        assert_eq!(answer.status(), 400, "{change}");
        let said: Value = answer.json().await.unwrap();
        assert_eq!(said["error"], error, "{change}");
        assert!(said["error_description"].as_str().unwrap().contains(words), "{said}");
    }
    let mut claims = bench.claims("a");
    claims["aud"] = json!("https://oauth2.googleapis.com/token");
    assert_eq!(bench.ask_for_token(&assertion(&bench.key(), &claims)).await.status(), 200);
    assert_eq!(bench.ask_for_token("no.jwt").await.status(), 400);
    let form = [("grant_type", "password")];
    let answer = bench.http.post(bench.sandbox.url() + "/token").form(&form).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_say_until_it_ends() {
    let mut bench = Bench::start().await;
    let profile = "/gmail/v1/users/me/profile";
    assert_eq!(bench.get(profile).await.0, 200);
    let wide = std::mem::replace(&mut bench.token, "unknown".to_owned());
    let unknown = bench.get(profile).await;
    assert_eq!((unknown.0, reason(&unknown)), (401, "authError"));
    assert_eq!(unknown.1["error"]["status"], "UNAUTHENTICATED");
    bench.token = bench.sign_in("https://www.googleapis.com/auth/spreadsheets").await;
    let narrow = bench.get(profile).await;
    assert_eq!((narrow.0, reason(&narrow)), (403, "insufficientPermissions"));
    assert_eq!(narrow.1["error"]["status"], "PERMISSION_DENIED");
    let answer = bench.http.get(bench.sandbox.url() + profile).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
    bench.token = wide;
    let other = bench.get("/gmail/v1/users/boss@acme.example/profile").await;
    assert_eq!((other.0, reason(&other)), (403, "forbidden"));
    bench.clock.advance(Duration::from_hours(1));
    assert_eq!(bench.get(profile).await.0, 401);
}

#[tokio::test]
async fn an_unknown_path_has_googles_envelope() {
    let bench = Bench::start().await;
    let answer = bench.get("/gmail/v2/users/me/profile").await;
    assert_eq!((answer.0, reason(&answer)), (404, "notFound"));
    assert_eq!(answer.1["error"]["status"], "NOT_FOUND");
}
