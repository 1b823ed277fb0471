//! Programs with a key tell of events: durable before they are answered, and once.

use std::time::Duration;

use crate::harness::Backend;
use nexora::ops::access::key;
use nexora::ops::automation::event;
use nexora_core::model::event::{Event, EventState};
use nexora_store as store;

use super::*;

struct Program<'a> {
    site: &'a Site,
    tenant: String,
    key: String,
}

impl Program<'_> {
    async fn tell(&self, name: &str, once: Option<&str>, body: &str) -> (StatusCode, Value) {
        let mut request = self
            .site
            .client
            .post(format!("{}/webhooks/{name}", self.site.base))
            .header("x-tenant-id", &self.tenant)
            .header("x-api-key", &self.key)
            .header("content-type", "application/json");
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

async fn program(site: &Site) -> Program<'_> {
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let (_, key) = key::create(app, actor, tenant, "crm", None).await.unwrap();
    Program { site, tenant: tenant.id.to_string(), key: key.expose().to_owned() }
}

async fn stored(site: &Site, id: &Value) -> Event {
    let id = id["id"].as_str().unwrap().parse().unwrap();
    event::find(&site.nexora.app, &site.nexora.tenant, &id).await.unwrap()
}

on_both!(
    an_event_is_durable_before_it_is_answered_and_once,
    whatever_is_wrong_about_a_key_the_answer_is_the_same,
    what_does_not_fit_is_refused_and_not_kept,
    zeros_in_what_is_told_find_nobody_and_break_nothing,
    a_captured_lead_is_a_lead,
    an_event_is_looked_at_again_when_it_is_replayed,
);

async fn an_event_is_durable_before_it_is_answered_and_once(backend: Backend) {
    let site = Site::open(backend).await;
    let lead = site.nexora.submit(crate::harness::enquiry()).await;
    let program = program(&site).await;
    let body = json!({ "email": "jo@example.com", "part": "valve" }).to_string();
    let (status, first) = program.tell("part.arrived", Some("k1"), &body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let event = stored(&site, &first).await;
    assert_eq!((event.kind, event.state), (EventKind::WebhookReceived, EventState::Pending));
    let payload: WebhookEvent = event.payload.read().unwrap();
    assert_eq!((payload.name.as_str(), payload.about.lead_id), ("part.arrived", Some(lead)));
    assert_eq!(program.tell("part.arrived", Some("k1"), &body).await, (StatusCode::ACCEPTED, first.clone()));
    let other = json!({ "part": "pump" }).to_string();
    assert_eq!(program.tell("part.arrived", Some("k1"), &other).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_ne!(program.tell("part.arrived", None, &body).await.1, first);
    assert_eq!(remarks(&site).await.len(), 2);
    let by_slug = Program { tenant: "acme".into(), key: program.key.clone(), site: &site };
    assert_eq!(by_slug.tell("part.arrived", Some("k1"), &body).await.1, first);
}

async fn whatever_is_wrong_about_a_key_the_answer_is_the_same(backend: Backend) {
    let site = Site::open(backend).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let good = program(&site).await;
    let other = ops::tenant::create(app, actor, new_tenant("other")).await.unwrap();
    let (_, theirs) = key::create(app, actor, &other, "crm", None).await.unwrap();
    let month = Duration::from_secs(30 * 86_400);
    let (_, ending) = key::create(app, actor, tenant, "trial", Some(app.clock.now() + month)).await.unwrap();
    let as_program =
        |tenant: &str, key: &str| Program { site: &site, tenant: tenant.into(), key: key.into() };
    assert_eq!(as_program("acme", ending.expose()).tell("x", None, "{}").await.0, StatusCode::ACCEPTED);
    let wrong = as_program("acme", "nxk_wrong").tell("x", None, "{}").await;
    assert_eq!(wrong.0, StatusCode::UNAUTHORIZED);
    app.clock.advance(month);
    for (tenant, key) in [
        ("acme", theirs.expose()),
        ("other", good.key.as_str()),
        ("nobody", good.key.as_str()),
        ("", good.key.as_str()),
        ("Not A Slug", good.key.as_str()),
        ("acme", ""),
        ("acme", ending.expose()),
    ] {
        assert_eq!(as_program(tenant, key).tell("x", None, "{}").await, wrong, "{tenant} {key}");
    }
    let (_, newer) = key::rotate(app, actor, tenant, "crm", Duration::from_secs(3_600)).await.unwrap();
    for key in [good.key.as_str(), newer.expose()] {
        assert_eq!(as_program("acme", key).tell("x", None, "{}").await.0, StatusCode::ACCEPTED);
    }
    app.clock.advance(Duration::from_secs(3_600));
    assert_eq!(good.tell("x", None, "{}").await, wrong, "the old one is good for an hour");
    key::revoke(app, actor, tenant, "crm").await.unwrap();
    assert_eq!(as_program("acme", newer.expose()).tell("x", None, "{}").await, wrong);
    let kept = app.view(tenant, move |tx| store::key::list(tx, nexora::ops::LIST_LIMIT)).await.unwrap();
    assert!(kept.iter().all(|key| !key.hash.contains(newer.expose()) && key.hash.len() == 64));
    assert!(kept[0].last_used_at.is_some());
    assert_eq!(key::revoke(app, actor, tenant, "crm").await.unwrap_err().kind().exit_code(), 4);
    assert_eq!(key::create(app, actor, &other, "crm", None).await.unwrap_err().kind().exit_code(), 5);
}

async fn what_does_not_fit_is_refused_and_not_kept(backend: Backend) {
    let site = Site::open(backend).await;
    let program = program(&site).await;
    let long = "k".repeat(201);
    let large = json!({ "text": "x".repeat(260_000) }).to_string();
    for (name, once, body, status) in [
        ("Part%20Arrived", None, "{}", StatusCode::BAD_REQUEST),
        ("part.arrived", None, "{", StatusCode::BAD_REQUEST),
        ("part.arrived", None, "[]", StatusCode::BAD_REQUEST),
        ("part.arrived", Some(long.as_str()), "{}", StatusCode::BAD_REQUEST),
        ("part.arrived", Some("order 77"), "{}", StatusCode::BAD_REQUEST),
        ("part%00arrived", None, "{}", StatusCode::BAD_REQUEST),
        ("part.arrived", None, large.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        ("lead.captured", None, "{\"name\":\"Jo\"}", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(program.tell(name, once, body).await.0, status, "{name}");
    }
    assert_eq!((remarks(&site).await.len(), leads(&site).await.len()), (0, 0));
}

async fn zeros_in_what_is_told_find_nobody_and_break_nothing(backend: Backend) {
    let site = Site::open(backend).await;
    let program = program(&site).await;
    let body = json!({ "email": "jo\0@example.com", "phone": "512\0", "part": "\0" }).to_string();
    let (status, told) = program.tell("part.arrived", Some("k1"), &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{told}");
    let body = json!({ "name": "Jo", "phone": "5125550142", "source": "part\0ner" }).to_string();
    let (status, told) = program.tell("lead.captured", Some("k1"), &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{told}");
    assert_eq!(leads(&site).await[0].source, "partner");
}

async fn a_captured_lead_is_a_lead(backend: Backend) {
    let site = Site::open(backend).await;
    let program = program(&site).await;
    let body = json!({
        "first_name": "Jo", "last_name": "Miller", "phone": "(512) 555-0142", "message": "No hot water",
        "source": "partner", "gclid": "g1", "boiler": "old",
    });
    let (status, first) = program.tell("lead.captured", Some("k1"), &body.to_string()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        program.tell("lead.captured", Some("k1"), &body.to_string()).await,
        (StatusCode::ACCEPTED, first.clone())
    );
    let (status, _) = program
        .tell("lead.captured", Some("k1"), &json!({ "name": "A", "phone": "5125550143" }).to_string())
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    site.nexora.settle().await;
    let view = site.nexora.lead(&first["id"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!((view.lead.name.as_str(), view.lead.source.as_str()), ("Jo Miller", "partner"));
    assert_eq!((view.lead.details.value(), view.runs.len()), (json!({ "boiler": "old" }), 1));
    assert_eq!(view.lead.attribution.value()["gclid"], "g1");
    let test = json!({ "name": "Jo", "phone": "5125550142", "is_test": true }).to_string();
    let (_, tested) = program.tell("lead.captured", None, &test).await;
    site.nexora.settle().await;
    assert!(site.nexora.lead(&tested["id"].as_str().unwrap().parse().unwrap()).await.runs.is_empty());
}

async fn an_event_is_looked_at_again_when_it_is_replayed(backend: Backend) {
    let site = Site::open(backend).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let program = program(&site).await;
    let (_, told) = program.tell("part.arrived", None, "{}").await;
    let id = told["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(event::replay(app, actor, tenant, &id).await.unwrap_err().kind().exit_code(), 5);
    site.nexora.settle().await;
    assert_eq!(stored(&site, &told).await.state, EventState::Ignored);
    let again = event::replay(app, actor, tenant, &id).await.unwrap();
    assert_eq!((again.state, stored(&site, &told).await.state), (EventState::Pending, EventState::Pending));
    site.nexora.settle().await;
    assert_eq!(stored(&site, &told).await.state, EventState::Ignored);
    site.nexora.submit(crate::harness::enquiry()).await;
    let lead = app
        .view(tenant, move |tx| store::event::list(tx, &nexora_store::event::Filter::default(), 1))
        .await
        .unwrap();
    assert_eq!(event::replay(app, actor, tenant, &lead[0].id).await.unwrap_err().kind().exit_code(), 5);
}
