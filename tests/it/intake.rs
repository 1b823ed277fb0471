//! What a homeowner or a program sends in is kept or refused, clearly and wholly.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Backend, on_both};
use crate::site::Site;

fn jo() -> Value {
    json!({ "name": "Jo Miller", "email": "jo@example.com", "phone": "(512) 555-0142", "message": "No hot water" })
}

on_both!(
    a_program_gets_the_id_of_a_lead_that_is_kept,
    a_browser_is_led_to_the_thanks_and_gets_its_input_back_on_a_fault,
    what_is_wrong_is_named_and_nothing_is_kept,
    the_same_key_means_the_same_lead,
    a_test_lead_runs_nothing_and_a_programs_website_is_its_own,
);

async fn a_program_gets_the_id_of_a_lead_that_is_kept(backend: Backend) {
    let site = Site::open(backend).await;
    let (status, body) = site.post("/lead/acme", jo()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let id = body["id"].as_str().unwrap().parse().unwrap();
    let view = site.nexora.lead(&id).await;
    assert_eq!(view.lead.phone.unwrap().as_str(), "+15125550142");
    assert_eq!(view.lead.source, "api");
}

async fn a_browser_is_led_to_the_thanks_and_gets_its_input_back_on_a_fault(backend: Backend) {
    let site = Site::open(backend).await;
    let url = format!("{}/lead/acme", site.base);
    let page = site.client.get(&url).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    assert!(page.text().await.unwrap().contains("Acme Plumbing"));

    let sent =
        site.client.post(&url).form(&[("name", "Jo <b>"), ("email", "nonsense")]).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = sent.text().await.unwrap();
    assert!(html.contains("value=\"Jo &#60;b&#62;\"") || html.contains("value=\"Jo &lt;b&gt;\""), "{html}");
    assert!(html.contains("id=\"email-fault\""), "{html}");
    assert_eq!(site.leads().await, 0);

    let sent = site.client.post(&url).form(&[("name", "Jo"), ("phone", "5125550142")]).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::SEE_OTHER);
    assert_eq!(sent.headers()["location"], "/lead/acme/thanks?by=phone");
    assert_eq!(site.leads().await, 1);
}

async fn what_is_wrong_is_named_and_nothing_is_kept(backend: Backend) {
    let site = Site::open(backend).await;
    let (status, body) = site.post("/lead/acme", json!({ "name": "", "email": "x", "phone": "1" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<&str> =
        body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "email", "phone"]);
    assert_eq!(site.post("/lead/nobody", jo()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.post("/lead/acme", json!(["not an object"])).await.0, StatusCode::BAD_REQUEST);
    let large = json!({ "name": "Jo", "message": "x".repeat(100_000) });
    assert_eq!(site.post("/lead/acme", large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let url = format!("{}/lead/acme", site.base);
    let text =
        site.client.post(&url).header("content-type", "text/plain").body("hello").send().await.unwrap();
    assert_eq!(text.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(text.headers()["content-type"], "application/problem+json");
    let torn = site
        .client
        .post(&url)
        .header("content-type", "application/json")
        .body("{\"name\":")
        .send()
        .await
        .unwrap();
    assert_eq!(torn.status(), StatusCode::BAD_REQUEST);
    assert_eq!(site.leads().await, 0);
}

async fn the_same_key_means_the_same_lead(backend: Backend) {
    let site = Site::open(backend).await;
    let url = format!("{}/lead/acme", site.base);
    let send = |body: Value| site.client.post(&url).header("idempotency-key", "k1").json(&body).send();
    let first = send(jo()).await.unwrap();
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first: Value = first.json().await.unwrap();
    let again = send(jo()).await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let mut other = jo();
    other["message"] = json!("something else");
    // Strangers may make up the same key: it never stands in the way of another enquiry.
    assert_eq!(send(other).await.unwrap().status(), StatusCode::ACCEPTED);
    assert_eq!(site.leads().await, 2);
    for key in ["", "a b", "\u{e9}", "a\tb"] {
        let request = site
            .client
            .post(&url)
            .header("idempotency-key", reqwest::header::HeaderValue::from_bytes(key.as_bytes()).unwrap());
        assert_eq!(request.json(&jo()).send().await.unwrap().status(), StatusCode::BAD_REQUEST, "{key}");
    }
    let null = site
        .post(
            "/lead/acme",
            json!({ "name": "Jo", "email": "jo@example.com", "idempotency_key": "a\u{0}b",
        "consent_sms": true, "consent_sms_text": "Yes\u{0}." }),
        )
        .await;
    assert_eq!(null.0, StatusCode::BAD_REQUEST);
}

async fn a_test_lead_runs_nothing_and_a_programs_website_is_its_own(backend: Backend) {
    let site = Site::open(backend).await;
    for (field, value, runs) in [("is_test", json!(true), 0), ("website", json!("https://jo.example.com"), 1)]
    {
        let mut lead = jo();
        lead[field] = value;
        let (status, body) = site.post("/lead/acme", lead).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        site.nexora.settle().await;
        let view = site.nexora.lead(&body["id"].as_str().unwrap().parse().unwrap()).await;
        assert_eq!((view.runs.len(), view.lead.score), (runs, 0), "{field}");
    }
    assert_eq!(site.leads().await, 2);
}
