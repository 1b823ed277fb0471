//! Sources of leads call in: whoever is theirs is heard once, everybody else not at all, and nothing that
//! was told is lost.

mod commands;
mod fetching;
mod identity;
mod keys;
mod new_format;
mod refusals;
mod rivals;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac};
use nexora::ops;
use nexora::ops::lead::source::{NewSource, Shown};
use nexora_core::base::secret::Secret;
use nexora_core::base::text::hex;
use nexora_core::model::consent::Channel;
use nexora_core::model::event::{EventKind, WebhookEvent};
use nexora_core::model::lead::{ConsentRecord, Lead, LeadState};
use nexora_core::model::source::{SourceField, SourceSettings};
use nexora_core::model::tenant::Tenant;
use nexora_engine::lead::lead_format::formats;
use nexora_store as store;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Backend, Nexora, new_tenant, on_both};
use crate::site::Site;

fn fixture(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sources/");
    serde_json::from_str(&std::fs::read_to_string(format!("{path}{name}.json")).unwrap()).unwrap()
}

/// The names of all formats.
fn kinds() -> impl Iterator<Item = &'static str> {
    formats::webhooks().map(|webhook| webhook.format.name)
}

fn new_source(kind: &str) -> NewSource {
    let is_facebook = kind == "facebook";
    let mut settings = SourceSettings::default();
    match kind {
        "gravity-forms" => settings.fields.insert("2".into(), SourceField::Email),
        "json" => settings.fields.insert("ref".into(), SourceField::Id),
        _ => None,
    };
    NewSource {
        name: "hook".into(),
        webhook: formats::parse(kind).unwrap(),
        settings,
        secret: is_facebook.then(|| Secret::new("the-secret-of-our-app")),
        access_token: matches!(kind, "facebook" | "yelp").then(|| Secret::new("token-1")),
    }
}

async fn add(nexora: &Nexora, tenant: &Tenant, new: NewSource) -> Shown {
    ops::lead::source::add(&nexora.app, &nexora.actor, tenant, new).await.unwrap()
}

/// A call as a source makes it.
#[derive(Clone)]
struct Call {
    token: Option<String>,
    headers: Vec<(&'static str, String)>,
    content_type: String,
    body: String,
}

fn mac(secret: &str, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Makes the call by which a source of this kind shows that it holds `secret`.
fn call(kind: &str, secret: &str, body: &str) -> Call {
    let mut call = Call {
        token: None,
        headers: Vec::new(),
        content_type: "application/json".into(),
        body: body.to_owned(),
    };
    match kind {
        "google-ads" => call.body = body.replace("\"KEY\"", &json!(secret).to_string()),
        "facebook" => {
            call.headers.push(("x-hub-signature-256", format!("sha256={}", hex(mac(secret, body)))));
        }
        "typeform" => {
            call.headers.push(("typeform-signature", format!("sha256={}", BASE64.encode(mac(secret, body)))));
        }
        "angi" => call.headers.push(("x-api-key", secret.to_owned())),
        "thumbtack" => {
            let pair = BASE64.encode(format!("nexora:{secret}"));
            call.headers.push(("authorization", format!("Basic {pair}")));
        }
        "yelp" => call.token = Some(secret.to_owned()),
        "jotform" => {
            call.token = Some(secret.to_owned());
            call.content_type = "multipart/form-data; boundary=XX".into();
        }
        "gravity-forms" | "json" => {
            call.headers.push(("x-nexora-secret", secret.to_owned()));
        }
        _ => panic!("no call is known of kind `{kind}`"),
    }
    call
}

fn jotform(raw: &Value) -> String {
    let part = |name: &str, value: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let parts = [("formID", "24"), ("submissionID", "606"), ("rawRequest", &raw.to_string())];
    parts.map(|(name, value)| part(name, value)).concat() + "--XX--\r\n"
}

/// What a source of this kind sends, and the answer that it wants.
fn good(kind: &str) -> (String, &'static str, &'static str) {
    let (json, text) = ("application/json", "text/plain; charset=utf-8");
    match kind {
        "google-ads" => (fixture("google-ads").to_string(), json, "{}"),
        "facebook" => (fixture("facebook-notice").to_string(), text, "EVENT_RECEIVED"),
        "angi" => (fixture("angi").to_string(), text, "SUCCESS"),
        "thumbtack" => (fixture("thumbtack").to_string(), json, "{}"),
        "yelp" => (fixture("yelp-notice").to_string(), json, "{}"),
        "typeform" => (fixture("typeform").to_string(), json, "{}"),
        "jotform" => (jotform(&fixture("jotform-raw")), json, "{}"),
        "gravity-forms" => (fixture("gravity-forms").to_string(), json, "ID"),
        "json" => (fixture("json").to_string(), json, "ID"),
        _ => panic!("no body is known of kind `{kind}`"),
    }
}

struct Answer {
    status: StatusCode,
    content_type: String,
    challenge: Option<String>,
    body: String,
}

async fn send(site: &Site, path: &str, call: &Call) -> Answer {
    let token = call.token.as_ref().map(|token| format!("/{token}")).unwrap_or_default();
    let mut request = site.client.post(format!("{}{path}{token}", site.base));
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let sent =
        request.header("content-type", &call.content_type).body(call.body.clone()).send().await.unwrap();
    let header = |name: &str| sent.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (content_type, challenge) = (header("content-type").unwrap_or_default(), header("www-authenticate"));
    Answer { status: sent.status(), content_type, challenge, body: sent.text().await.unwrap() }
}

async fn leads(site: &Site) -> Vec<Lead> {
    site.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 100)).await
}

/// The events that say what was said about leads.
async fn remarks(site: &Site) -> Vec<WebhookEvent> {
    let filter = nexora_store::event::Filter {
        kind: Some(EventKind::WebhookReceived),
        ..nexora_store::event::Filter::default()
    };
    let events = site.nexora.view(move |tx| store::event::list(tx, &filter, 100)).await;
    events.into_iter().map(|event| event.payload.read().unwrap()).collect()
}

fn is_fetched(kind: &str) -> bool {
    matches!(kind, "facebook" | "yelp")
}

on_both!(
    every_source_is_heard_once_and_answered_the_same_each_time,
    who_shows_no_secret_or_another_ones_is_refused,
    what_is_no_body_is_refused_and_kept_all_the_same,
    what_cannot_be_read_as_a_lead_is_kept_for_review,
    a_lead_of_google_ads_has_its_origin_and_a_test_runs_nothing,
    angi_has_its_price_its_word_on_consent_and_numbers_that_name_nobody,
    a_message_of_thumbtack_may_come_first_and_makes_no_lead,
    forms_are_read_through_the_map_of_their_source,
    what_is_too_large_or_asked_in_the_wrong_way_is_refused,
);

async fn every_source_is_heard_once_and_answered_the_same_each_time(backend: Backend) {
    for kind in kinds() {
        let site = Site::open(backend).await;
        let shown = add(&site.nexora, &site.nexora.tenant, new_source(kind)).await;
        let secret = shown.secrets.secret.expose().to_owned();
        let (body, content_type, answer) = good(kind);
        let call = call(kind, &secret, &body);
        let first = send(&site, "/hooks/acme/hook", &call).await;
        assert_eq!((first.status, first.content_type.as_str()), (StatusCode::OK, content_type), "{kind}");
        if answer != "ID" {
            assert_eq!(first.body, answer, "{kind}");
        }
        let again = send(&site, "/hooks/acme/hook", &call).await;
        assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body), "{kind}");
        let kept = leads(&site).await;
        assert_eq!(kept.len(), usize::from(!is_fetched(kind)), "{kind}");
        for lead in &kept {
            assert_eq!(lead.state, LeadState::New, "{kind}");
            let original = lead.original.as_deref().unwrap();
            assert!(!original.contains(&secret) && !original.contains("google_key"), "{kind}");
            if answer == "ID" {
                assert_eq!(first.body, json!({ "id": lead.id }).to_string());
            }
        }
        let source = ops::lead::source::find(&site.nexora.app, &site.nexora.tenant, "hook").await.unwrap();
        assert_eq!(source.last_received_at, Some(site.nexora.app.clock.now()), "{kind}");
    }
}

async fn who_shows_no_secret_or_another_ones_is_refused(backend: Backend) {
    let site = Site::open(backend).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let other = ops::tenant::create(app, actor, new_tenant("other")).await.unwrap();
    for kind in kinds() {
        let before = leads(&site).await.len();
        let mine = add(&site.nexora, tenant, new_source(kind)).await;
        let secret = mine.secrets.secret.expose();
        let (body, ..) = good(kind);
        let good = call(kind, secret, &body);
        // A source of the same name at another tenant has another secret.
        assert_eq!(send(&site, "/hooks/other/hook", &good).await.status, StatusCode::NOT_FOUND, "{kind}");
        let new = NewSource { secret: Some(Secret::new("quite-another-secret")), ..new_source(kind) };
        add(&site.nexora, &other, new).await;
        let elsewhere = send(&site, "/hooks/other/hook", &good).await;
        assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED, "{kind}");
        let wrong = send(&site, "/hooks/acme/hook", &call(kind, "quite-another-secret", &body)).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{kind}");
        let bare = Call { token: None, headers: Vec::new(), body: body.clone(), ..good.clone() };
        let bare = send(&site, "/hooks/acme/hook", &bare).await;
        assert_eq!(bare.status, StatusCode::UNAUTHORIZED, "{kind}");
        assert!(!bare.body.contains(secret) && !wrong.body.contains(secret), "{kind}");
        match kind {
            "google-ads" => assert!(wrong.body.starts_with("{\"message\":"), "{}", wrong.body),
            _ => assert_eq!(wrong.content_type, "application/problem+json", "{kind}"),
        }
        let challenge = bare.challenge.as_deref() == Some("Basic realm=\"nexora\"");
        assert_eq!(challenge, kind == "thumbtack", "{kind}");
        let refused = ops::lead::source::find(app, tenant, "hook").await.unwrap();
        assert!(refused.last_error.unwrap().starts_with("a call was refused"), "{kind}");
        assert_eq!(leads(&site).await.len(), before, "{kind}");
        assert_eq!(ops::lead::source::notices(app, tenant, None, None, 10).await.unwrap(), [], "{kind}");
        // One that is switched off is not there; with its old secret it is refused.
        ops::lead::source::disable(app, actor, tenant, "hook").await.unwrap();
        assert_eq!(send(&site, "/hooks/acme/hook", &good).await.status, StatusCode::NOT_FOUND, "{kind}");
        ops::lead::source::enable(app, actor, tenant, "hook").await.unwrap();
        let given = Secret::new("a-secret-that-is-new");
        ops::lead::source::rotate_secret(app, actor, tenant, "hook", Some(given)).await.unwrap();
        assert_eq!(send(&site, "/hooks/acme/hook", &good).await.status, StatusCode::UNAUTHORIZED, "{kind}");
        let renewed = call(kind, "a-secret-that-is-new", &body);
        assert_eq!(send(&site, "/hooks/acme/hook", &renewed).await.status, StatusCode::OK, "{kind}");
        for tenant in [tenant, &other] {
            ops::lead::source::remove(app, actor, tenant, "hook").await.unwrap();
        }
    }
}

async fn what_is_no_body_is_refused_and_kept_all_the_same(backend: Backend) {
    for kind in kinds() {
        let site = Site::open(backend).await;
        let shown = add(&site.nexora, &site.nexora.tenant, new_source(kind)).await;
        let torn = "{\"lead_id\": \"1\", \"name\": \"Jo";
        let call = call(kind, shown.secrets.secret.expose(), torn);
        for _ in 0..2 {
            let answer = send(&site, "/hooks/acme/hook", &call).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kind}");
        }
        let kept = leads(&site).await;
        // Google's key is in the body: nobody knows whose this one is.
        assert_eq!(kept.len(), usize::from(kind != "google-ads"), "{kind}");
        for lead in kept {
            assert_eq!(
                (lead.state, lead.original.as_deref()),
                (LeadState::NeedsReview, Some(torn)),
                "{kind}"
            );
        }
    }
}

async fn what_cannot_be_read_as_a_lead_is_kept_for_review(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("google-ads")).await;
    let secret = shown.secrets.secret.expose();
    let body = json!({ "lead_id": "x", "google_key": "KEY", "columns": "renamed" }).to_string();
    let first = send(&site, "/hooks/acme/hook", &call("google-ads", secret, &body)).await;
    assert_eq!((first.status, first.body.as_str()), (StatusCode::OK, "{}"));
    let new = NewSource { name: "crm".into(), ..new_source("json") };
    let crm = add(&site.nexora, &site.nexora.tenant, new).await;
    let crm = crm.secrets.secret.expose();
    let nobody = json!({ "name": "Jo", "email": "not an address", "message": "Help", "echo": crm });
    let crm = call("json", crm, &nobody.to_string());
    assert_eq!(send(&site, "/hooks/acme/crm", &crm).await.status, StatusCode::OK);
    let kept = leads(&site).await;
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|lead| lead.state == LeadState::NeedsReview));
    let google = kept.iter().find(|lead| lead.source == "google_ads").unwrap();
    assert!(google.original.as_deref().unwrap().contains("renamed"));
    assert!(!google.original.as_deref().unwrap().contains(secret));
    let crm = kept.iter().find(|lead| lead.source == "crm").unwrap();
    assert_eq!((crm.name.as_str(), crm.message.as_deref()), ("Jo", Some("Help")));
    assert!(crm.original.as_deref().unwrap().contains("[removed]"));
}

async fn a_lead_of_google_ads_has_its_origin_and_a_test_runs_nothing(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("google-ads")).await;
    let secret = shown.secrets.secret.expose();
    let mut body = fixture("google-ads");
    send(&site, "/hooks/acme/hook", &call("google-ads", secret, &body.to_string())).await;
    body["lead_id"] = json!("ga-test");
    body["is_test"] = json!(true);
    let tested = send(&site, "/hooks/acme/hook", &call("google-ads", secret, &body.to_string())).await;
    assert_eq!((tested.status, tested.body.as_str()), (StatusCode::OK, "{}"));
    site.nexora.settle().await;
    let kept = leads(&site).await;
    assert_eq!(kept.len(), 2);
    for lead in kept {
        let view = site.nexora.lead(&lead.id).await;
        assert_eq!(view.runs.is_empty(), lead.is_test);
        assert_eq!(lead.attribution.value()["gclid"], "click-77");
        assert_eq!(lead.phone.unwrap().as_str(), "+15125550171");
    }
}

async fn angi_has_its_price_its_word_on_consent_and_numbers_that_name_nobody(backend: Backend) {
    let site = Site::open(backend).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let settings =
        SourceSettings { success: Some("<success>Acme</success>".into()), ..SourceSettings::default() };
    let new = NewSource { settings, ..new_source("angi") };
    let shown = add(&site.nexora, tenant, new).await;
    let secret = shown.secrets.secret.expose();
    let earlier = nexora_engine::lead::enquiry::Enquiry {
        name: "Somebody".into(),
        phone: "5125550160".into(),
        ..nexora_engine::lead::enquiry::Enquiry::default()
    };
    let earlier = site.nexora.submit(earlier).await;
    let mut body = fixture("angi");
    // Without a header, the address carries the secret.
    let by_address =
        Call { token: Some(secret.into()), headers: Vec::new(), ..call("angi", "", &body.to_string()) };
    let answer = send(&site, "/hooks/acme/hook", &by_address).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "<success>Acme</success>"));
    body["comments"] = json!("Told again, in other words");
    let again = send(&site, "/hooks/acme/hook", &call("angi", secret, &body.to_string())).await;
    assert_eq!(again.body, "<success>Acme</success>");
    body["leadOid"] = json!(90_210_099);
    body["email"] = json!("someone.else@example.com");
    send(&site, "/hooks/acme/hook", &call("angi", secret, &body.to_string())).await;
    let kept = leads(&site).await;
    let of_angi: Vec<&Lead> = kept.iter().filter(|lead| lead.source == "angi").collect();
    // The same id in other words is kept for a person to look at.
    assert_eq!((kept.len(), of_angi.len()), (4, 3));
    assert_eq!(of_angi.iter().filter(|lead| lead.state == LeadState::NeedsReview).count(), 1);
    let mut contacts: Vec<_> = kept.iter().map(|lead| lead.contact_id.clone().unwrap()).collect();
    contacts.sort();
    contacts.dedup();
    assert_eq!(contacts.len(), 3, "one number, lent three times");
    let wanted = ConsentRecord {
        channel: Channel::Sms,
        given: false,
        wording: "Angi: not compliant for automated contact".into(),
    };
    for lead in of_angi {
        assert_eq!(lead.cost_cents, Some(2_567));
        assert_eq!(lead.consents.read::<Vec<ConsentRecord>>().unwrap(), std::slice::from_ref(&wanted));
        assert_eq!(lead.details.value()["How soon?"], "Within a week");
        let (tenant_id, contact) = (tenant.id.clone(), lead.contact_id.clone().unwrap());
        let word = app.db.read(move |conn| {
            nexora_store::consent::latest(&mut conn.of(&tenant_id), &contact, Channel::Sms)
        });
        assert!(!word.await.unwrap().unwrap().given);
    }
    assert!(site.nexora.lead(&earlier).await.lead.contact_id.is_some());
    let bad = ops::lead::source::set(
        app,
        actor,
        tenant,
        "hook",
        ops::lead::source::Change { username: Some("x".into()), ..ops::lead::source::Change::default() },
    );
    assert_eq!(bad.await.unwrap_err().kind().exit_code(), 2);
}

async fn a_message_of_thumbtack_may_come_first_and_makes_no_lead(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("thumbtack")).await;
    let secret = shown.secrets.secret.expose();
    let tell = |body: Value| {
        let call = call("thumbtack", secret, &body.to_string());
        let site = &site;
        async move {
            let answer = send(site, "/hooks/acme/hook", &call).await;
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "{}"));
        }
    };
    tell(fixture("thumbtack-message")).await;
    tell(fixture("thumbtack-message")).await;
    assert_eq!((leads(&site).await.len(), remarks(&site).await.len()), (0, 1));
    let mut lead = fixture("thumbtack");
    lead["request"] = json!({ "description": "The sink is blocked.", "category": { "name": "Drains" } });
    lead["customer"]["phone"] = json!("5125550151");
    tell(lead).await;
    tell(fixture("thumbtack-older")).await;
    let kept = leads(&site).await;
    assert_eq!(kept.len(), 2);
    let newer = kept.iter().find(|lead| lead.name == "Olga P.").unwrap();
    assert_eq!((newer.service.as_deref(), newer.state), (Some("Drains"), LeadState::New));
    let mut message = fixture("thumbtack-message");
    message["data"]["messageID"] = json!("echo");
    message["data"]["text"] = json!("The sink is blocked.");
    tell(message.clone()).await;
    message["data"]["messageID"] = json!("ours");
    message["data"]["from"] = json!("Business");
    tell(message.clone()).await;
    assert_eq!(remarks(&site).await.len(), 1, "neither an echo nor our own words are told");
    message["data"]["messageID"] = json!("later");
    message["data"]["from"] = json!("Customer");
    message["data"]["text"] = json!("And on Saturday?");
    tell(message).await;
    let told = remarks(&site).await;
    let later = told.iter().find(|remark| remark.data["messageID"] == "later").unwrap();
    assert_eq!((later.name.as_str(), later.about.lead_id.as_ref()), ("thumbtack.message", Some(&newer.id)));
    assert_eq!(later.about.contact_id, newer.contact_id);
}

async fn forms_are_read_through_the_map_of_their_source(backend: Backend) {
    let site = Site::open(backend).await;
    let Nexora { app, actor, tenant, .. } = &site.nexora;
    let shown = add(&site.nexora, tenant, new_source("gravity-forms")).await;
    let fields = [
        ("1.3", SourceField::FirstName),
        ("1.6", SourceField::LastName),
        ("2", SourceField::Email),
        ("5", SourceField::Message),
    ];
    let fields = fields.into_iter().map(|(path, field)| (path.to_owned(), Some(field))).collect();
    let change = ops::lead::source::Change { fields, ..ops::lead::source::Change::default() };
    ops::lead::source::set(app, actor, tenant, "hook", change).await.unwrap();
    let body = serde_urlencoded::to_string([
        ("form_id", "3"),
        ("id", "7"),
        ("1.3", "Tom"),
        ("1.6", "Reed"),
        ("2", "tom@example.com"),
        ("5", "It drips."),
    ])
    .unwrap();
    let trial =
        ops::lead::source::test(app, tenant, "hook", body.as_bytes(), "application/x-www-form-urlencoded")
            .await
            .unwrap();
    assert_eq!((trial.becomes, trial.name.as_str()), ("lead", "Tom Reed"));
    assert_eq!(leads(&site).await.len(), 0, "a trial writes nothing");
    let form = Call {
        content_type: "application/x-www-form-urlencoded".into(),
        ..call("gravity-forms", shown.secrets.secret.expose(), &body)
    };
    send(&site, "/hooks/acme/hook", &form).await;
    let kept = leads(&site).await;
    assert_eq!((kept[0].name.as_str(), kept[0].source.as_str()), ("Tom Reed", "hook"));
    assert_eq!(kept[0].message.as_deref(), Some("It drips."));
}

async fn what_is_too_large_or_asked_in_the_wrong_way_is_refused(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("json")).await;
    let secret = shown.secrets.secret.expose();
    let of = |length: usize| {
        let body = json!({ "name": "Jo", "phone": "5125550142", "message": "x".repeat(length) });
        call("json", secret, &body.to_string())
    };
    assert_eq!(send(&site, "/hooks/acme/hook", &of(200_000)).await.status, StatusCode::OK);
    assert_eq!(send(&site, "/hooks/acme/hook", &of(300_000)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(leads(&site).await[0].original.as_deref().unwrap().len() <= 32_000);
    let get = site.client.get(format!("{}/hooks/acme/hook", site.base)).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    for nowhere in ["/hooks/acme/nothing", "/hooks/nobody/hook", "/hooks/acme/hook/token/more"] {
        assert_eq!(send(&site, nowhere, &of(1)).await.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
}
