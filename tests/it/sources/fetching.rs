//! Leads that are only told of: fetched until they are there, and seen where they cannot be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use nexora::pipeline::fetch;
use nexora_core::model::source::{Notice, NoticeState};
use tokio::sync::oneshot;

use super::*;
use crate::harness::Backend;

/// Facebook and Yelp, as far as they matter here.
#[derive(Clone)]
struct Provider {
    /// What is answered next; once it is empty, the lead.
    script: Arc<Mutex<VecDeque<(u16, Value)>>>,
    heard: Arc<Mutex<Vec<(String, HeaderMap)>>>,
    /// For what the next answer waits.
    frozen: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

async fn answer(
    State(provider): State<Provider>,
    uri: Uri,
    headers: HeaderMap,
) -> (axum::http::StatusCode, axum::Json<Value>) {
    provider.heard.lock().unwrap().push((uri.to_string(), headers));
    let scripted = provider.script.lock().unwrap().pop_front();
    let frozen = provider.frozen.lock().unwrap().take();
    if let Some(thaw) = frozen {
        let _ = thaw.await;
    }
    let is_yelp = uri.path().starts_with("/yelp/");
    let lead = fixture(if is_yelp { "yelp-lead" } else { "facebook-lead" });
    let (status, body) = scripted.unwrap_or((200, lead));
    (axum::http::StatusCode::from_u16(status).unwrap(), axum::Json(body))
}

async fn open(backend: Backend, script: Vec<(u16, Value)>) -> (Site, Provider) {
    let provider = Provider {
        script: Arc::new(Mutex::new(script.into())),
        heard: Arc::default(),
        frozen: Arc::default(),
    };
    let router = axum::Router::new().fallback(answer).with_state(provider.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let nexora = Nexora::with_sandbox_and(backend, |config| {
        config.sources.facebook_url = format!("{base}/v23.0/");
        config.sources.yelp_url = format!("{base}/yelp/");
    });
    (Site::of(nexora.await).await, provider)
}

async fn told(site: &Site, kind: &str) -> Shown {
    let shown = add(&site.nexora, &site.nexora.tenant, new_source(kind)).await;
    let (body, ..) = good(kind);
    let call = call(kind, shown.secrets.secret.expose(), &body);
    assert_eq!(send(site, "/hooks/acme/hook", &call).await.status, StatusCode::OK);
    shown
}

async fn notice(site: &Site) -> Notice {
    let notices = ops::lead::source::notices(&site.nexora.app, &site.nexora.tenant, Some("hook"), None, 10)
        .await
        .unwrap();
    assert_eq!(notices.len(), 1);
    notices[0].clone()
}

async fn troubles(site: &Site) -> Vec<String> {
    let status = ops::report::status::of_tenant(&site.nexora.app, site.nexora.tenant.clone()).await.unwrap();
    status.troubles.into_iter().map(|trouble| format!("{}: {}", trouble.what, trouble.command)).collect()
}

on_both!(
    facebook_is_greeted_by_its_token_alone,
    yelp_is_greeted_at_its_secret_address_alone,
    a_lead_that_was_told_of_is_fetched_until_it_is_there,
    what_cannot_be_fetched_is_seen_and_can_be_fetched_again,
    a_lead_that_is_gone_is_dismissed_and_troubles_nobody_any_more,
    a_status_alone_decides_where_the_provider_says_no_more,
    a_fetch_that_froze_is_made_by_another_and_settles_nothing,
    a_fetch_that_died_is_made_again_once_its_lease_ends,
    yelp_lends_an_address_and_what_comes_later_is_an_event,
    what_was_fetched_and_cannot_be_read_is_kept_for_review,
);

async fn facebook_is_greeted_by_its_token_alone(backend: Backend) {
    let (site, _) = open(backend, Vec::new()).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("facebook")).await;
    let token = shown.secrets.verify_token.unwrap();
    let ask = |token: &str| {
        let url = format!(
            "{}/hooks/acme/hook?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}",
            site.base
        );
        site.client.get(url).send()
    };
    let greeted = ask(token.expose()).await.unwrap();
    assert_eq!(greeted.status(), StatusCode::OK);
    assert_eq!(greeted.text().await.unwrap(), "1158201444");
    for wrong in ["", "wrong", shown.secrets.secret.expose()] {
        let refused = ask(wrong).await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(!refused.text().await.unwrap().contains("1158201444"));
    }
}

async fn yelp_is_greeted_at_its_secret_address_alone(backend: Backend) {
    let (site, _) = open(backend, Vec::new()).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("yelp")).await;
    let path = shown.url.strip_prefix("http://127.0.0.1:8080").unwrap();
    let ask = |path: &str| site.client.get(format!("{}{path}?verification=abc123", site.base)).send();
    let greeted = ask(path).await.unwrap();
    assert_eq!(greeted.json::<Value>().await.unwrap(), json!({ "verification": "abc123" }));
    assert_eq!(ask("/hooks/acme/hook").await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ask("/hooks/acme/hook/wrong").await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

async fn a_lead_that_was_told_of_is_fetched_until_it_is_there(backend: Backend) {
    let busy = json!({ "error": { "code": 2, "message": "try later" } });
    let limited = json!({ "error": { "code": 4, "message": "too many calls" } });
    let (site, provider) = open(backend, vec![(500, busy), (400, limited)]).await;
    let shown = told(&site, "facebook").await;
    assert_eq!((notice(&site).await.state, leads(&site).await.len()), (NoticeState::Pending, 0));
    for attempt in 1..=2 {
        site.nexora.settle().await;
        let waiting = notice(&site).await;
        assert_eq!((waiting.state, waiting.attempt), (NoticeState::Retrying, attempt));
        assert!(waiting.due_at.unwrap() > site.nexora.app.clock.now());
        assert!(troubles(&site).await.iter().any(|line| line.contains("1 lead was not fetched (retrying)")));
        site.nexora.app.clock.advance(Duration::from_secs(60));
    }
    site.nexora.settle().await;
    let done = notice(&site).await;
    let kept = leads(&site).await;
    assert_eq!(
        (done.state, done.due_at, done.lead_id.as_ref()),
        (NoticeState::Fetched, None, Some(&kept[0].id))
    );
    assert_eq!((kept.len(), kept[0].name.as_str(), kept[0].source.as_str()), (1, "Ines Roth", "facebook"));
    assert_eq!(kept[0].details.value()["which room?"], "Bathroom");
    assert!(kept[0].original.as_deref().unwrap().contains("field_data"));
    let heard = provider.heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 3);
    let (uri, headers) = &heard[2];
    assert!(uri.starts_with("/v23.0/770001?fields=") && !uri.contains("token-1"), "{uri}");
    let proof = hex(mac(shown.secrets.secret.expose(), "token-1"));
    assert!(uri.contains(&format!("appsecret_proof={proof}")));
    assert_eq!(headers["authorization"], "Bearer token-1");
    // Told again, it is neither fetched nor made again.
    let (body, ..) = good("facebook");
    let again = call("facebook", shown.secrets.secret.expose(), &body);
    assert_eq!(send(&site, "/hooks/acme/hook", &again).await.body, "EVENT_RECEIVED");
    site.nexora.settle().await;
    assert_eq!((leads(&site).await.len(), provider.heard.lock().unwrap().len()), (1, 3));
}

async fn what_cannot_be_fetched_is_seen_and_can_be_fetched_again(backend: Backend) {
    let expired = json!({ "error": { "code": 190, "message": "the token has expired" } });
    let gone = json!({ "error": { "code": 100, "message": "no such object" } });
    let (site, provider) = open(backend, vec![(400, expired), (404, gone)]).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    told(&site, "facebook").await;
    for reason in ["the token has expired", "no such object"] {
        site.nexora.settle().await;
        let failed = notice(&site).await;
        assert_eq!((failed.state, failed.due_at), (NoticeState::Failed, None));
        assert!(failed.reason.unwrap().contains(reason));
        let wanted = "1 lead was not fetched (failed): nexora source notices --state failed --tenant acme";
        assert!(troubles(&site).await.iter().any(|line| line == wanted));
        let source = ops::lead::source::find(app, tenant, "hook").await.unwrap();
        assert!(source.last_error.unwrap().contains(reason));
        // Time does not mend it.
        app.clock.advance(Duration::from_secs(86_400));
        site.nexora.settle().await;
        assert_eq!((notice(&site).await.state, leads(&site).await.len()), (NoticeState::Failed, 0));
        let change = ops::lead::source::Change {
            access_token: Some(Secret::new("token-2")),
            ..ops::lead::source::Change::default()
        };
        ops::lead::source::set(app, actor, tenant, "hook", change).await.unwrap();
        assert_eq!(ops::lead::source::retry(app, actor, tenant, "hook", None).await.unwrap(), 1);
    }
    site.nexora.settle().await;
    assert_eq!((notice(&site).await.state, leads(&site).await.len()), (NoticeState::Fetched, 1));
    assert_eq!(provider.heard.lock().unwrap()[1].1["authorization"], "Bearer token-2");
    let nothing = ops::lead::source::retry(app, actor, tenant, "hook", None).await.unwrap_err();
    assert_eq!(nothing.kind().exit_code(), 5);
    assert!(troubles(&site).await.iter().all(|line| !line.contains("fetched")));
    assert_eq!(ops::lead::source::find(app, tenant, "hook").await.unwrap().last_error, None);
}

async fn a_lead_that_is_gone_is_dismissed_and_troubles_nobody_any_more(backend: Backend) {
    let gone = json!({ "error": { "code": 100, "message": "no such object" } });
    let (site, provider) = open(backend, vec![(404, gone)]).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let shown = told(&site, "facebook").await;
    site.nexora.settle().await;
    let failed = notice(&site).await;
    let is_told = async || troubles(&site).await.iter().any(|line| line.contains("fetched"));
    assert!(failed.state == NoticeState::Failed && is_told().await);
    let dismissed = ops::lead::source::dismiss(app, actor, tenant, &failed.id).await.unwrap();
    assert_eq!((dismissed.state, dismissed.reason), (NoticeState::Dismissed, failed.reason));
    assert!(!is_told().await);
    // Neither time, nor a retry, nor the same told again brings it back.
    app.clock.advance(Duration::from_secs(86_400));
    let (body, ..) = good("facebook");
    let again = call("facebook", shown.secrets.secret.expose(), &body);
    assert_eq!(send(&site, "/hooks/acme/hook", &again).await.status, StatusCode::OK);
    assert_eq!(
        ops::lead::source::retry(app, actor, tenant, "hook", None).await.unwrap_err().kind().exit_code(),
        5
    );
    site.nexora.settle().await;
    assert_eq!(
        (notice(&site).await.state, provider.heard.lock().unwrap().len()),
        (NoticeState::Dismissed, 1)
    );
    let twice = ops::lead::source::dismiss(app, actor, tenant, &failed.id).await.unwrap_err();
    assert_eq!(twice.kind().exit_code(), 5);
    let other = ops::tenant::create(app, actor, new_tenant("other")).await.unwrap();
    let theirs = ops::lead::source::dismiss(app, actor, &other, &failed.id).await.unwrap_err();
    assert_eq!(theirs.kind().exit_code(), 4);
    let id = tenant.id.clone();
    let audited = app.db.read(move |conn| nexora_store::audit::list(conn, Some(&id), 100)).await.unwrap();
    assert!(audited.iter().any(|entry| entry.action == "source.dismiss"));
}

async fn a_status_alone_decides_where_the_provider_says_no_more(backend: Backend) {
    for (status, state) in [
        (401, NoticeState::Failed),
        (403, NoticeState::Failed),
        (404, NoticeState::Failed),
        (429, NoticeState::Retrying),
        (503, NoticeState::Retrying),
    ] {
        let (site, _) = open(backend, vec![(status, json!({}))]).await;
        told(&site, "yelp").await;
        site.nexora.settle().await;
        assert_eq!(notice(&site).await.state, state, "{status}");
    }
}

async fn a_fetch_that_froze_is_made_by_another_and_settles_nothing(backend: Backend) {
    let (site, provider) = open(backend, Vec::new()).await;
    told(&site, "facebook").await;
    let (thaw, frozen) = oneshot::channel();
    *provider.frozen.lock().unwrap() = Some(frozen);
    let swept = fetch::sweep(&site.nexora.app, &mut None).await.unwrap();
    assert_eq!(swept.handled, 1);
    while provider.heard.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let second = site.nexora.second_daemon().await;
    // Until the lease ends, the notice is the first one's.
    assert_eq!(fetch::sweep(&second, &mut None).await.unwrap().handled, 0);
    second.clock.advance(second.config.pipeline.lease());
    fetch::sweep(&second, &mut None).await.unwrap();
    fetch::rest(&second).await;
    let by_second = notice(&site).await;
    assert_eq!((leads(&site).await.len(), by_second.state), (1, NoticeState::Fetched));
    thaw.send(()).unwrap();
    fetch::rest(&site.nexora.app).await;
    assert_eq!(notice(&site).await, by_second);
    assert_eq!(leads(&site).await.len(), 1);
}

async fn a_fetch_that_died_is_made_again_once_its_lease_ends(backend: Backend) {
    let (site, provider) = open(backend, Vec::new()).await;
    told(&site, "facebook").await;
    // A daemon claims the notice and is gone before it settles anything.
    let (tenant_id, id) = (site.nexora.tenant.id.clone(), notice(&site).await.id);
    let app = &site.nexora.app;
    let lease = app.heart.lease(app.clock.now() + app.config.pipeline.lease());
    let claimed = app.db.write(move |conn| {
        let found = nexora_store::notice::find(&mut conn.of(&tenant_id), &id)?.unwrap();
        nexora_store::notice::claim(conn, &found, &lease)
    });
    assert_eq!(claimed.await.unwrap(), nexora_store::Claim::Won);
    site.nexora.settle().await;
    assert_eq!((leads(&site).await.len(), provider.heard.lock().unwrap().len()), (0, 0));
    app.clock.advance(app.config.pipeline.lease());
    site.nexora.settle().await;
    assert_eq!((leads(&site).await.len(), notice(&site).await.state), (1, NoticeState::Fetched));
}

async fn yelp_lends_an_address_and_what_comes_later_is_an_event(backend: Backend) {
    let (site, provider) = open(backend, Vec::new()).await;
    let shown = told(&site, "yelp").await;
    site.nexora.settle().await;
    let kept = leads(&site).await;
    assert_eq!(kept.len(), 1);
    let lead = &kept[0];
    assert_eq!(
        (lead.reply_to.as_ref().unwrap().as_str(), &lead.email),
        ("relay-5@messaging.yelp.com", &None)
    );
    assert!(lead.contact_id.is_some(), "the relay is theirs");
    let mut body = fixture("yelp-notice");
    let tell = |body: &Value| call("yelp", shown.secrets.secret.expose(), &body.to_string());
    send(&site, "/hooks/acme/hook", &tell(&body)).await;
    assert_eq!(remarks(&site).await.len(), 0, "the same event told again is nothing new");
    body["data"]["updates"][0]["event_id"] = json!("yelp-event-2");
    for _ in 0..2 {
        send(&site, "/hooks/acme/hook", &tell(&body)).await;
    }
    let told = remarks(&site).await;
    assert_eq!((told.len(), told[0].name.as_str()), (1, "yelp.event"));
    assert_eq!(
        (&told[0].about.lead_id, &told[0].about.contact_id),
        (&Some(lead.id.clone()), &lead.contact_id)
    );
    site.nexora.settle().await;
    assert_eq!((leads(&site).await.len(), provider.heard.lock().unwrap().len()), (1, 1));
}

async fn what_was_fetched_and_cannot_be_read_is_kept_for_review(backend: Backend) {
    let (site, _) = open(backend, vec![(200, json!({ "id": "770001", "data": "renamed" }))]).await;
    told(&site, "facebook").await;
    site.nexora.settle().await;
    let kept = leads(&site).await;
    assert_eq!((kept.len(), kept[0].state), (1, LeadState::NeedsReview));
    assert!(kept[0].original.as_deref().unwrap().contains("renamed"));
    assert_eq!(notice(&site).await.state, NoticeState::Fetched);
    // Once all is done and old, the notice goes and the lead stays.
    site.nexora.app.clock.advance(Duration::from_secs(61 * 86_400));
    nexora::pipeline::prune::sweep(&site.nexora.app).await.unwrap();
    let notices =
        ops::lead::source::notices(&site.nexora.app, &site.nexora.tenant, None, None, 10).await.unwrap();
    assert_eq!((notices.len(), leads(&site).await.len()), (0, 1));
}
