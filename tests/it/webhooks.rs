//! What automations tell other programs: signed, known by its id, and never to a private network.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use nexora::ops::connection;
use nexora_connector::webhook::{self, WebhookSettings};
use nexora_core::model::effect::EffectState;
use serde_json::{Value, json};

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::scene::Scene;

type Heard = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// Refuses the first time as one that is busy, and then takes what comes.
async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: String) -> StatusCode {
    let mut heard = heard.lock().unwrap();
    heard.push((headers, body));
    if heard.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

const AUTOMATION: &str = r#"
[automation]
name = "tell"
title = "Tell"

[[trigger]]
on = "lead.received"

[[step]]
id = "tell"
action = "webhook.post"
with = { event = "lead.created", data = { name = "{{ lead.name }}", email = "{{ lead.email or '' }}" } }
"#;

on_both!(a_receiver_is_told_until_it_has_heard_and_knows_a_second_copy);

async fn a_receiver_is_told_until_it_has_heard_and_knows_a_second_copy(backend: Backend) {
    let heard = Heard::default();
    let router = axum::Router::new().route("/hook", post(hear)).with_state(Arc::clone(&heard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let scene = Scene::new(backend).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let private = WebhookSettings { url: url.clone(), allow_private: false };
    assert!(webhook::connection(&private).is_err());
    let settings = WebhookSettings { url, allow_private: true };
    let new = webhook::connection(&settings).unwrap();
    connection::add(app, actor, tenant, "crm", new).await.unwrap();
    connection::test(app, actor, tenant, "crm").await.unwrap();
    scene.write("automations/tell.toml", AUTOMATION);
    scene.enable("tell").await;
    let id = scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.nexora.effects(&id).await["tell"], EffectState::Retrying);
    scene.nexora.app.clock.advance(Duration::from_secs(60));
    scene.nexora.settle().await;
    assert_eq!(scene.nexora.effects(&id).await["tell"], EffectState::Delivered);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 2);
    let id_of = |(headers, _): &(HeaderMap, String)| headers["webhook-id"].to_str().unwrap().to_owned();
    assert_eq!(id_of(&heard[0]), id_of(&heard[1]), "the receiver knows the second by its id");
    assert!(heard[1].0["webhook-signature"].to_str().unwrap().starts_with("v1,"));
    assert_ne!(heard[0].0["webhook-timestamp"], heard[1].0["webhook-timestamp"]);
    let body: Value = serde_json::from_str(&heard[1].1).unwrap();
    assert_eq!((&body["type"], &body["data"]["name"]), (&json!("lead.created"), &json!("Jo Miller")));
}
