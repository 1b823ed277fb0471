//! Calls that show no good secret, or names that nobody gives: they cost little, and hide nothing.

use crate::harness::Backend;
use nexora_store::source;

use super::*;

async fn last_error(site: &Site) -> Option<String> {
    ops::lead::source::find(&site.nexora.app, &site.nexora.tenant, "hook").await.unwrap().last_error
}

async fn post(site: &Site, path: &str, from: &str, secret: &str) -> reqwest::Response {
    let request = site.client.post(format!("{}{path}", site.base)).header("x-forwarded-for", from);
    let request = request.header("x-nexora-secret", secret).header("x-tenant-id", "acme");
    let body = json!({ "name": "Jo", "phone": "5125550142" });
    request.header("x-api-key", secret).json(&body).send().await.unwrap()
}

on_both!(
    names_with_what_nobody_types_are_refused,
    who_shows_no_secret_too_often_must_wait_and_nobody_else,
    refusals_are_noted_once_in_a_while_and_never_over_what_matters_more,
    what_the_website_calls_spam_is_held_back_and_not_lost,
);

async fn names_with_what_nobody_types_are_refused(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("facebook")).await;
    let secret = shown.secrets.secret.expose();
    let mut body = fixture("facebook-notice");
    let good = call("facebook", secret, &body.to_string());
    for nowhere in ["/hooks/acme/a%00b", "/hooks/acme/a%00b/token", "/hooks/ac%00me/hook", "/hooks/acme/HOOK"]
    {
        assert_eq!(send(&site, nowhere, &good).await.status, StatusCode::NOT_FOUND, "{nowhere}");
        let greeted = site.client.get(format!("{}{nowhere}", site.base)).send().await.unwrap();
        assert_eq!(greeted.status(), StatusCode::NOT_FOUND, "{nowhere}");
    }
    let long = "7".repeat(161);
    for (count, id) in ["77\0", "77\u{fc}", "7 7", &long].into_iter().enumerate() {
        body["entry"][0]["changes"][0]["value"]["leadgen_id"] = json!(id);
        let bad = call("facebook", secret, &body.to_string());
        assert_eq!(send(&site, "/hooks/acme/hook", &bad).await.status, StatusCode::BAD_REQUEST, "{id:?}");
        let kept = leads(&site).await;
        assert_eq!(kept.len(), count + 1, "a verified body is kept");
        assert!(kept.iter().all(|lead| lead.state == LeadState::NeedsReview));
    }
    assert_eq!(
        ops::lead::source::notices(&site.nexora.app, &site.nexora.tenant, None, None, 10).await.unwrap(),
        []
    );
}

async fn who_shows_no_secret_too_often_must_wait_and_nobody_else(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("json")).await;
    let secret = shown.secrets.secret.expose();
    for number in 0..60 {
        let path = if number % 2 == 0 { "/hooks/acme/hook" } else { "/webhooks/part.arrived" };
        let refused = post(&site, path, "203.0.113.7", "wrong").await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{number}");
    }
    for path in ["/hooks/acme/hook", "/webhooks/part.arrived"] {
        let refused = post(&site, path, "203.0.113.7", "wrong").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=2).contains(&wait), "{wait}");
        assert_eq!(post(&site, path, "203.0.113.8", "wrong").await.status(), StatusCode::UNAUTHORIZED);
    }
    // Whoever shows a good one is heard from the same address as ever.
    for _ in 0..3 {
        assert_eq!(post(&site, "/hooks/acme/hook", "203.0.113.7", secret).await.status(), StatusCode::OK);
    }
    assert_eq!(leads(&site).await.len(), 3);
}

async fn refusals_are_noted_once_in_a_while_and_never_over_what_matters_more(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("facebook")).await;
    let bare = Call { headers: Vec::new(), ..call("facebook", "", "{}") };
    let wrong = call("facebook", "quite-another-secret", "{}");
    assert_eq!(send(&site, "/hooks/acme/hook", &bare).await.status, StatusCode::UNAUTHORIZED);
    let noted = "a call was refused: it carries no key or signature";
    assert_eq!(last_error(&site).await.as_deref(), Some(noted));
    assert_eq!(send(&site, "/hooks/acme/hook", &wrong).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(last_error(&site).await.as_deref(), Some(noted), "a second within the minute is not written");

    // Another source's first refusal would be written, were there nothing that matters more.
    ops::lead::source::remove(&site.nexora.app, &site.nexora.actor, &site.nexora.tenant, "hook")
        .await
        .unwrap();
    let again = add(&site.nexora, &site.nexora.tenant, new_source("facebook")).await;
    assert_ne!(again.source.id, shown.source.id);
    let (tenant_id, id) = (site.nexora.tenant.id.clone(), again.source.id.clone());
    let unfetched = "a lead was not fetched: the token has expired";
    let noting =
        site.nexora.app.db.write(move |conn| source::note_error(&mut conn.of(&tenant_id), &id, unfetched));
    noting.await.unwrap();
    assert_eq!(send(&site, "/hooks/acme/hook", &wrong).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(last_error(&site).await.as_deref(), Some(unfetched));
}

async fn what_the_website_calls_spam_is_held_back_and_not_lost(backend: Backend) {
    let site = Site::open(backend).await;
    let Nexora { app, tenant, .. } = &site.nexora;
    let shown = add(&site.nexora, tenant, new_source("gravity-forms")).await;
    let mut body = fixture("gravity-forms");
    body["status"] = json!("spam");
    let trial = ops::lead::source::test(app, tenant, "hook", body.to_string().as_bytes(), "application/json")
        .await
        .unwrap();
    assert_eq!(trial.becomes, "spam");
    let call = call("gravity-forms", shown.secrets.secret.expose(), &body.to_string());
    for _ in 0..2 {
        assert_eq!(send(&site, "/hooks/acme/hook", &call).await.status, StatusCode::OK);
    }
    site.nexora.settle().await;
    let kept = leads(&site).await;
    assert_eq!((kept.len(), kept[0].state, &kept[0].contact_id), (1, LeadState::Spam, &None));
    assert_eq!(kept[0].reasons.value(), json!(["the website's own filter calls it spam"]));
    assert_eq!(kept[0].email.as_ref().unwrap().as_str(), "tom@example.com");
    assert!(site.nexora.lead(&kept[0].id).await.runs.is_empty());
}
