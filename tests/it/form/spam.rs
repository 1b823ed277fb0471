//! What is held back as spam, what lets it go, and the puzzles that speak for a person.

use super::{A_WHILE, attribute};
use crate::harness::{Backend, Nexora, on_both};
use crate::site::Site;
use crate::turnstile::Turnstile;
use nexora::ops::contact;
use nexora::ops::lead;
use nexora::ops::lead::form::{self};
use nexora_connector::turnstile;
use nexora_core::model::language::Language;
use nexora_core::model::lead::LeadState;
use nexora_store as store;
use reqwest::StatusCode;
use serde_json::json;
use std::time::Duration;

on_both!(
    what_a_program_sends_is_held_back_until_a_person_lets_it_go,
    a_test_lead_that_is_let_go_runs_nothing_and_consent_keeps_its_time,
    a_lead_that_ran_before_it_was_called_spam_does_not_run_again,
    what_was_held_back_stands_in_the_digest,
    what_a_person_calls_spam_runs_no_further,
    the_same_text_from_many_speaks_for_spam_and_holds_nobody_back_alone,
    a_puzzle_is_worked_out_for_one_form_and_nobody_needs_a_script,
    a_program_without_the_puzzle_is_refused_where_the_form_sets_one,
    turnstile_is_asked_and_its_silence_speaks_against_nobody
);

async fn what_a_program_sends_is_held_back_until_a_person_lets_it_go(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let ticket = attribute(&site.page("acme").await, "name=\"ticket\" value=\"");
    let fields = [
        ("name", "Jo"),
        ("email", "jo@example.com"),
        ("message", "See www.a.example"),
        ("ticket", ticket.as_str()),
        ("consent_marketing", "on"),
        ("consent_marketing_text", "Yes, offers"),
    ];
    assert_eq!(site.send(&fields).await.status(), StatusCode::SEE_OTHER);
    site.nexora.settle().await;
    let held = site.only_lead().await;
    assert_eq!((held.lead.state, held.lead.score, held.runs.len()), (LeadState::Spam, 90, 0));
    let reasons: Vec<String> = held.lead.reasons.read().unwrap();
    assert_eq!(reasons, ["the form was sent at once after it was opened", "the message has a link"]);
    assert!(contact::find(app, tenant, "jo@example.com").await.is_err());

    let id = held.lead.id;
    assert_eq!(lead::ham(app, actor, tenant, &id).await.unwrap().state, LeadState::New);
    site.nexora.settle().await;
    let view = site.nexora.lead(&id).await;
    assert_eq!(view.runs.len(), 1);
    assert!(view.lead.answered_at.is_some());
    assert_eq!(
        contact::find(app, tenant, "jo@example.com").await.unwrap().consents[0].wording,
        "Yes, offers"
    );
    assert_eq!(lead::ham(app, actor, tenant, &id).await.unwrap_err().kind().exit_code(), 5);
}

async fn a_test_lead_that_is_let_go_runs_nothing_and_consent_keeps_its_time(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let fields = [
        ("name", "Jo"),
        ("email", "jo@example.com"),
        ("website", "x"),
        ("is_test", "1"),
        ("consent_marketing", "on"),
        ("consent_marketing_text", "Yes, offers"),
    ];
    site.send(&fields).await;
    let held = site.only_lead().await.lead;
    app.clock.advance(Duration::from_hours(2));
    lead::ham(app, actor, tenant, &held.id).await.unwrap();
    site.nexora.settle().await;
    let view = site.nexora.lead(&held.id).await;
    assert!(view.runs.is_empty() && view.lead.contact_id.is_some());
    let word = contact::find(app, tenant, "jo@example.com").await.unwrap().consents.remove(0);
    assert_eq!(
        (word.at, word.lead_id, word.address.as_deref()),
        (held.received_at, Some(held.id), Some("jo@example.com"))
    );
}

async fn a_lead_that_ran_before_it_was_called_spam_does_not_run_again(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let (_, body) = site.post("/lead/acme", json!({ "name": "Jo", "email": "jo@example.com" })).await;
    let id = body["id"].as_str().unwrap().parse().unwrap();
    site.nexora.settle().await;
    lead::spam(app, actor, tenant, &id).await.unwrap();
    lead::ham(app, actor, tenant, &id).await.unwrap();
    site.nexora.settle().await;
    assert_eq!(site.nexora.lead(&id).await.runs.len(), 1);
}

async fn what_was_held_back_stands_in_the_digest(backend: Backend) {
    let site = Site::open(backend).await;
    site.send(&[("name", "Jo"), ("email", "jo@example.com"), ("website", "x")]).await;
    let (tenant, now) = (site.nexora.tenant.clone(), site.nexora.app.clock.now());
    let connectors = site.nexora.app.connectors().clone();
    let digest = site
        .nexora
        .app
        .db
        .read(move |conn| {
            nexora::domain::report::digest::compose(
                conn,
                &connectors,
                (&tenant, Language::English),
                Duration::from_hours(24),
                now + Duration::from_mins(1),
            )
        })
        .await
        .unwrap();
    let mut troubles = digest["troubles"].as_array().unwrap().iter();
    let held = troubles.find(|trouble| trouble["what"] == "1 request was held back as spam").unwrap();
    assert!(held["command"].as_str().unwrap().starts_with("nexora lead not-spam lead_"), "{held}");
}

async fn what_a_person_calls_spam_runs_no_further(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let (_, body) = site.post("/lead/acme", json!({ "name": "Jo", "email": "jo@example.com" })).await;
    let id = body["id"].as_str().unwrap().parse().unwrap();
    nexora::pipeline::dispatch::sweep(app, &mut nexora::pipeline::Round::default()).await.unwrap();
    assert_eq!(site.nexora.lead(&id).await.runs.len(), 1);
    assert_eq!(lead::spam(app, actor, tenant, &id).await.unwrap().state, LeadState::Spam);
    site.nexora.settle().await;
    let view = site.nexora.lead(&id).await;
    assert_eq!(view.runs[0].run.reason.as_deref(), Some("the lead is spam"));
    assert!(view.lead.answered_at.is_none() && view.runs[0].effects.is_empty());
}

async fn the_same_text_from_many_speaks_for_spam_and_holds_nobody_back_alone(backend: Backend) {
    let site = Site::open(backend).await;
    let mut states = Vec::new();
    for number in 0..4 {
        let (_, body) = site
            .post(
                "/lead/acme",
                json!({ "name": format!("P {number}"), "email": format!("p{number}@example.com"),
            "message": format!("We bring your website to the top of every search, offer {number}!") }),
            )
            .await;
        states.push(site.nexora.lead(&body["id"].as_str().unwrap().parse().unwrap()).await.lead.score);
    }
    assert_eq!(states, [0, 30, 45, 55]);
    let (_, body) = site
        .post(
            "/lead/acme",
            json!({ "name": "P", "email": "p@example.com",
        "message": "We bring your website to the top of every search, offer 9! www.top.example" }),
        )
        .await;
    let last = site.nexora.lead(&body["id"].as_str().unwrap().parse().unwrap()).await.lead;
    assert_eq!(last.state, LeadState::New, "another text: {:?}", last.reasons);
}

async fn a_puzzle_is_worked_out_for_one_form_and_nobody_needs_a_script(backend: Backend) {
    let site = Site::open(backend).await;
    site.set(&[("proof_of_work", "true")]).await;
    let html = site.page("acme").await;
    let ticket = attribute(&html, "name=\"ticket\" value=\"");
    let challenge: altcha::Challenge = serde_json::from_str(&attribute(&html, "data-puzzle=\"")).unwrap();
    let solution = altcha::solve_challenge(altcha::SolveChallengeOptions::new(&challenge)).unwrap().unwrap();
    let payload = serde_json::to_vec(&json!({ "challenge": challenge, "solution": solution })).unwrap();
    let answer = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, payload);
    site.nexora.app.clock.advance(A_WHILE);
    let other = site.ticket().await;
    let score = async |fields: &[(&str, &str)]| {
        assert_eq!(site.send(fields).await.status(), StatusCode::SEE_OTHER);
        let leads =
            site.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 1)).await;
        leads[0].score
    };
    assert_eq!(
        score(&[("name", "A"), ("email", "a@example.com"), ("ticket", &ticket), ("altcha", &answer)]).await,
        0
    );
    assert_eq!(
        score(&[("name", "B"), ("email", "b@example.com"), ("ticket", &other), ("altcha", &answer)]).await,
        70
    );
    let third = site.ticket().await;
    assert_eq!(score(&[("name", "C"), ("email", "c@example.com"), ("ticket", &third)]).await, 35);
}

async fn turnstile_is_asked_and_its_silence_speaks_against_nobody(backend: Backend) {
    let stage = Turnstile::start().await;
    let url = stage.url.clone();
    let site = Site::open_and(backend, |config| config.intake.turnstile_url = url).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    form::set_turnstile(
        app,
        actor,
        tenant,
        Some(("0x4AAA".into(), nexora_core::base::secret::Secret::new("s3cret"))),
    )
    .await
    .unwrap();
    assert!(site.page("acme").await.contains("data-sitekey=\"0x4AAA\""));
    for (response, expected) in [("good", 0), ("bad", 70), ("", 35), ("busy", 0)] {
        let ticket = site.ticket().await;
        let email = format!("jo{response}@example.com");
        site.send(&[
            ("name", "Jo"),
            ("email", &email),
            ("ticket", &ticket),
            ("cf-turnstile-response", response),
        ])
        .await;
        let leads = app
            .view(tenant, move |tx| store::lead::list(tx, &store::lead::Filter::default(), 1))
            .await
            .unwrap();
        assert_eq!(leads[0].score, expected, "{response}");
    }
    let wrong =
        turnstile::verify(&stage.url, &nexora_core::base::secret::Secret::new("wrong"), "good", None).await;
    assert_eq!(wrong.unwrap_err().kind().exit_code(), 7);
}

async fn a_program_without_the_puzzle_is_refused_where_the_form_sets_one(backend: Backend) {
    let site = Site::open(backend).await;
    let lead = json!({ "name": "Jo", "email": "jo@example.com" });
    assert_eq!(site.post("/lead/acme", lead.clone()).await.0, StatusCode::ACCEPTED);
    site.set(&[("proof_of_work", "true")]).await;
    let (status, problem) = site.post("/lead/acme", lead.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("altcha") && detail.contains("/webhooks"), "{problem}");
    // A form of our own whose puzzle was not worked out is no better when a program sends it.
    let html = site.page("acme").await;
    let ticket = attribute(&html, "name=\"ticket\" value=\"");
    let forged =
        json!({ "name": "Jo", "email": "jo@example.com", "ticket": ticket, "altcha": "bm9uc2Vuc2U=" });
    assert_eq!(site.post("/lead/acme", forged).await.0, StatusCode::FORBIDDEN);
    // A program names any website as its origin.
    site.set(&[("proof_of_work", "false"), ("embed_on", "https://www.acme.com")]).await;
    site.set(&[("proof_of_work", "true")]).await;
    let from_site =
        site.client.post(format!("{}/lead/acme", site.base)).header("origin", "https://www.acme.com");
    assert_eq!(from_site.json(&lead).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(site.leads().await, 1);
    let both = [("scripts_from".to_owned(), "https://www.acme.com".to_owned())];
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let error = form::set(app, actor, tenant, both.to_vec()).await.unwrap_err();
    assert_eq!(error.kind().exit_code(), 5, "a form of the website's own has no puzzle");
}
