//! A lead is known again by what it says, besides its sender's id: no lead is taken for another's second copy.

use crate::harness::Backend;

use super::*;

on_both!(
    an_id_that_a_sender_reuses_loses_no_lead,
    the_same_id_with_other_words_is_looked_at_by_a_person,
    every_address_reads_a_body_in_the_same_ways,
    what_has_no_field_is_kept_and_shown,
    a_signed_call_holds_for_a_while_and_once,
);

async fn json_source(site: &Site, settings: SourceSettings) -> String {
    let new = NewSource { settings, ..new_source("json") };
    add(&site.nexora, &site.nexora.tenant, new).await.secrets.secret.expose().to_owned()
}

async fn an_id_that_a_sender_reuses_loses_no_lead(backend: Backend) {
    for id in
        [json!(0), json!("0"), json!(false), json!("null"), json!("undefined"), json!("form-7"), json!(4711)]
    {
        let site = Site::open(backend).await;
        let secret = json_source(&site, SourceSettings::default()).await;
        for name in ["Alpha", "Beta", "Gamma"] {
            let email = format!("{}@example.net", name.to_lowercase());
            let body =
                json!({ "entry_id": id, "name": name, "email": email, "message": "No heat" }).to_string();
            let answer = send(&site, "/hooks/acme/hook", &call("json", &secret, &body)).await;
            assert_eq!(answer.status, StatusCode::OK, "{id}");
        }
        let kept = leads(&site).await;
        let mut names: Vec<&str> = kept.iter().map(|lead| lead.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Alpha", "Beta", "Gamma"], "{id}");
        assert!(kept.iter().all(|lead| lead.state == LeadState::New), "{id}");
    }
}

async fn the_same_id_with_other_words_is_looked_at_by_a_person(backend: Backend) {
    let site = Site::open(backend).await;
    let secret = json_source(&site, SourceSettings::default()).await;
    let body = |message: &str, budget: &str| {
        let body = json!({ "entry_id": 4711, "name": "Jo", "email": "jo@example.net", "message": message, "budget": budget });
        call("json", &secret, &body.to_string())
    };
    let first = send(&site, "/hooks/acme/hook", &body("No heat", "1k")).await.body;
    for _ in 0..2 {
        assert_eq!(send(&site, "/hooks/acme/hook", &body("No heat", "1k")).await.body, first);
    }
    assert_eq!(site.leads().await, 1);
    let second = send(&site, "/hooks/acme/hook", &body("No heat", "2k")).await.body;
    assert_ne!(second, first);
    assert_eq!(send(&site, "/hooks/acme/hook", &body("No heat", "2k")).await.body, second);
    let kept = leads(&site).await;
    let states: Vec<LeadState> = kept.iter().map(|lead| lead.state).collect();
    assert_eq!(states, [LeadState::NeedsReview, LeadState::New]);
    assert!(kept[0].reasons.value()[0].as_str().unwrap().contains(kept[1].id.as_str()));
}

async fn every_address_reads_a_body_in_the_same_ways(backend: Backend) {
    let form = "application/x-www-form-urlencoded";
    let bodies: [(&str, Vec<u8>); 5] = [
        ("application/json", b"\xef\xbb\xbf{\"name\": \"Bo\", \"email\": \"bo@example.net\"}".to_vec()),
        ("application/json; charset=iso-8859-1", b"{\"name\": \"Zo\xeb\", \"email\": \"bo@example.net\"}".to_vec()),
        ("application/json", br#"{"fields": [{"label": "Name", "value": "Bo"}, {"label": "Email", "value": "bo@example.net"}]}"#.to_vec()),
        (form, b"fields[name][title]=Name&fields[name][value]=Bo&fields[email][value]=bo%40example.net".to_vec()),
        (form, b"your-name=Bo&your-email=bo%40example.net".to_vec()),
    ];
    let site = Site::open_and(backend, |config| config.intake.address_per_minute = 0).await;
    let secret = json_source(&site, SourceSettings::default()).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let (_, key) = ops::access::key::create(app, actor, tenant, "crm", None).await.unwrap();
    let hook = format!("/hooks/acme/hook/{secret}");
    for (content_type, body) in &bodies {
        for path in ["/lead/acme", &hook, "/webhooks/lead.captured"] {
            let before = site.leads().await;
            let request =
                site.client.post(format!("{}{path}", site.base)).header("content-type", *content_type);
            let request = request.header("accept", "application/json");
            let request = request.header("x-tenant-id", tenant.id.as_str()).header("x-api-key", key.expose());
            let sent = request.body(body.clone()).send().await.unwrap();
            let status = sent.status();
            assert!(status.is_success(), "{path} {content_type}: {status} {}", sent.text().await.unwrap());
            let kept = leads(&site).await;
            assert_eq!(kept.len(), before + 1, "{path} {content_type}");
            assert_eq!(kept[0].email.as_ref().unwrap().as_str(), "bo@example.net", "{path} {content_type}");
            assert!(["Bo", "Zo\u{eb}"].contains(&kept[0].name.as_str()), "{path} {}", kept[0].name);
        }
    }
}

async fn what_has_no_field_is_kept_and_shown(backend: Backend) {
    let site = Site::open(backend).await;
    let body = json!({
        "name": "Pat", "email": "pat@example.net, pat2@example.net", "phone": "512-555-0134 / 512-555-0177",
        "budget": "2k", "square_feet": 900, "plan": { "floor": "2" },
    });
    let (status, _) = site.post("/lead/acme", body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let nameless = json!({ "email": "noname@example.net", "phone": "555-0134", "message": "No heat" });
    assert_eq!(site.post("/lead/acme", nameless).await.0, StatusCode::ACCEPTED);
    site.nexora.settle().await;
    let kept = leads(&site).await;
    let details = kept[1].details.value();
    assert_eq!(
        (&details["budget"], &details["square_feet"], &details["plan floor"]),
        (&json!("2k"), &json!("900"), &json!("2"))
    );
    assert_eq!(details["Email as written"], "pat@example.net, pat2@example.net");
    assert_eq!(kept[1].phone.as_ref().unwrap().as_str(), "+15125550134");
    assert_eq!(
        (kept[0].phone.as_ref(), &kept[0].details.value()["Phone as written"]),
        (None, &json!("555-0134"))
    );
    let state = site.nexora.state();
    let alerts: Vec<String> =
        state["smtp"].as_array().unwrap().iter().map(|mail| mail["text"].to_string()).collect();
    assert!(
        alerts.iter().any(|text| text.contains("budget: 2k") && text.contains("square feet: 900")),
        "{alerts:?}"
    );
    assert!(alerts.iter().any(|text| text.contains("Phone as written: 555-0134")), "{alerts:?}");
    let answers = state["mailboxes"]["office@acme.example.com"]["messages"].to_string();
    assert!(answers.contains("Hello,") && !answers.contains("Hi ,"), "{answers}");
}

async fn a_signed_call_holds_for_a_while_and_once(backend: Backend) {
    let site = Site::open(backend).await;
    let settings = SourceSettings { signed: true, ..SourceSettings::default() };
    let new = NewSource { settings, ..new_source("json") };
    let shown = add(&site.nexora, &site.nexora.tenant, new).await;
    let secret = shown.secrets.secret.expose();
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let body = json!({ "name": "Jo", "phone": "5125550142" }).to_string();
    let now = site.nexora.app.clock.now().millis() / 1_000;
    let signed = |id: &str, at: i64| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        let signature = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
        Call {
            token: None,
            headers: vec![
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", at.to_string()),
                ("webhook-signature", signature),
            ],
            content_type: "application/json".into(),
            body: body.clone(),
        }
    };
    let first = send(&site, "/hooks/acme/hook", &signed("msg_1", now)).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(send(&site, "/hooks/acme/hook", &signed("msg_1", now + 10)).await.body, first.body);
    for off in [-301, 301] {
        let stale = send(&site, "/hooks/acme/hook", &signed("msg_2", now + off)).await;
        assert_eq!(stale.status, StatusCode::UNAUTHORIZED);
        assert!(stale.body.contains("too old"), "{}", stale.body);
    }
    let by_secret = call("json", secret, &body);
    assert_eq!(send(&site, "/hooks/acme/hook", &by_secret).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(leads(&site).await.len(), 1);
    assert_ne!(send(&site, "/hooks/acme/hook", &signed("msg_3", now)).await.body, first.body);
    // A key that is not signed makes no other lead of a copy.
    for key in ["one", "two", "three"] {
        let mut copy = signed("msg_1", now);
        copy.headers.push(("idempotency-key", key.to_owned()));
        assert_eq!(send(&site, "/hooks/acme/hook", &copy).await.body, first.body, "{key}");
    }
    assert_eq!(leads(&site).await.len(), 2);
}
