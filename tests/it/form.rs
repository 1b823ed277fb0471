//! The form that a homeowner fills in: what it asks, what it keeps, and what it takes for spam.

mod language;
mod photos;
mod spam;

use std::time::Duration;

use nexora::ops::contact;
use nexora::ops::lead;
use nexora::ops::lead::form;
use nexora::ops::lead::form_snippet::{Snippet, snippet};
use nexora::ops::tenant;
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{Field, FieldName, Need};
use nexora_core::model::lead::LeadState;
use nexora_core::model::tenant::Tenant;
use nexora_store as store;
use reqwest::multipart::{Form, Part};
use reqwest::{Response, StatusCode};
use serde_json::json;

use crate::harness::{Backend, new_tenant, on_both};
use crate::site::Site;

/// What somebody takes to fill in a form.
const A_WHILE: Duration = Duration::from_secs(40);

impl Site {
    async fn page(&self, slug: &str) -> String {
        let page = self.client.get(format!("{}/lead/{slug}", self.base)).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        page.text().await.unwrap()
    }

    /// Opens the form and returns its ticket, some time before it is sent.
    async fn ticket(&self) -> String {
        let ticket = attribute(&self.page("acme").await, "name=\"ticket\" value=\"");
        self.nexora.app.clock.advance(A_WHILE);
        ticket
    }

    /// Sends the form as a browser does.
    async fn send(&self, fields: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}/lead/acme", self.base)).header("accept", "text/html");
        request.form(fields).send().await.unwrap()
    }

    async fn send_parts(&self, parts: Form) -> Response {
        let request = self.client.post(format!("{}/lead/acme", self.base)).header("accept", "text/html");
        request.multipart(parts).send().await.unwrap()
    }

    async fn only_lead(&self) -> lead::LeadView {
        let mut leads =
            self.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 10)).await;
        assert_eq!(leads.len(), 1);
        self.nexora.lead(&leads.pop().unwrap().id).await
    }

    async fn set(&self, changes: &[(&str, &str)]) {
        let changes = changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        form::set(&self.nexora.app, &self.nexora.actor, &self.nexora.tenant, changes).await.unwrap();
    }

    async fn fields(&self, fields: &[(FieldName, Need)]) {
        let fields = fields.iter().map(|(name, need)| Field { name: *name, need: *need }).collect();
        form::set_fields(&self.nexora.app, &self.nexora.actor, &self.nexora.tenant, fields).await.unwrap();
    }
}

/// Returns the text after a mark, up to the next quote.
fn attribute(html: &str, mark: &str) -> String {
    let (_, rest) = html.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {html}"));
    rest.split('"').next().unwrap().replace("&#34;", "\"")
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_pixel(width, height, image::Rgb([180, 40, 40]));
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn file(bytes: Vec<u8>) -> Part {
    Part::bytes(bytes).file_name("a.png").mime_str("image/png").unwrap()
}

const NAME: (FieldName, Need) = (FieldName::Name, Need::Required);
const PHONE: (FieldName, Need) = (FieldName::Phone, Need::Required);

on_both!(
    the_form_is_as_the_tenant_wants_it,
    a_form_that_could_answer_nobody_is_refused,
    consent_is_kept_in_the_words_that_were_shown,
    a_form_sent_twice_is_one_lead_and_a_correction_is_another,
    nobody_agrees_by_opening_a_link_or_to_words_they_did_not_read,
    every_refusal_has_words_and_is_seen_within_the_frame,
    a_website_may_frame_and_call_what_the_tenant_allows_and_no_other,
    a_logo_and_a_colour_are_shown_and_stay_small,
    another_tenants_ticket_photo_and_form_are_none_of_ours
);

async fn the_form_is_as_the_tenant_wants_it(backend: Backend) {
    let site = Site::open(backend).await;
    site.set(&[
        ("services", "Boiler; Leak"),
        ("service_area", "Austin"),
        ("intro", "We fix <it>."),
        ("emergency_phone", "512 555 0199"),
        ("next_steps", "We call. ; We come."),
    ])
    .await;
    site.fields(&[
        NAME,
        PHONE,
        (FieldName::Service, Need::Required),
        (FieldName::ConsentSms, Need::Optional),
    ])
    .await;
    let html = site.page("acme").await;
    for part in [
        "value=\"Boiler\"",
        "Austin",
        "We fix &#60;it&#62;.",
        "tel:+15125550199",
        "name=\"consent_sms_version\" value=\"1\"",
        "Mon – Fri",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("name=\"email\"") && !html.contains("type=\"file\""));
    assert!(html.len() < 30_000, "{}", html.len());

    let sent = site.send(&[("name", "Jo"), ("phone", "5125550142")]).await;
    assert_eq!(sent.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let html = sent.text().await.unwrap();
    assert!(html.contains("id=\"service-fault\"") && html.contains("value=\"5125550142\""), "{html}");

    let sent = site.send(&[("name", "Jo"), ("phone", "5125550142"), ("service", "Leak")]).await;
    assert_eq!(sent.headers()["location"], "/lead/acme/thanks?by=phone");
    let thanks = site.client.get(format!("{}/lead/acme/thanks?by=phone", site.base)).send().await.unwrap();
    assert!(thanks.text().await.unwrap().contains("<li>We call.</li><li>We come.</li>"));
}

async fn a_form_that_could_answer_nobody_is_refused(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let optional = |name| Field { name, need: Need::Optional };
    let name = Field { name: FieldName::Name, need: Need::Required };
    let consent = Field { name: FieldName::ConsentSms, need: Need::Required };
    for fields in [
        vec![optional(FieldName::Phone)],
        vec![name],
        vec![name, optional(FieldName::Phone), optional(FieldName::Phone)],
        vec![name, optional(FieldName::Phone), consent],
    ] {
        assert_eq!(form::set_fields(app, actor, tenant, fields).await.unwrap_err().kind().exit_code(), 2);
    }
    for (key, value) in
        [("embed_on", "*"), ("nonsense", "x"), ("emergency_phone", "12"), ("proof_of_work", "maybe")]
    {
        let changes = vec![(key.to_owned(), value.to_owned())];
        assert_eq!(form::set(app, actor, tenant, changes).await.unwrap_err().kind().exit_code(), 2, "{key}");
    }
}

async fn consent_is_kept_in_the_words_that_were_shown(backend: Backend) {
    let site = Site::open(backend).await;
    site.fields(&[
        NAME,
        PHONE,
        (FieldName::ConsentSms, Need::Optional),
        (FieldName::ConsentMarketing, Need::Optional),
    ])
    .await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    form::set_wording(app, actor, tenant, Channel::Sms, "Text me.".into()).await.unwrap();
    let ticket = site.ticket().await;
    // Meanwhile the tenant words it otherwise.
    form::set_wording(app, actor, tenant, Channel::Sms, "Text me, please.".into()).await.unwrap();
    site.send(&[
        ("name", "Jo"),
        ("phone", "5125550142"),
        ("ticket", &ticket),
        ("consent_sms", "on"),
        ("consent_sms_version", "2"),
    ])
    .await;
    let lead = site.only_lead().await.lead;
    let person = contact::find(app, tenant, lead.contact_id.unwrap().as_str()).await.unwrap();
    let words: Vec<_> = person
        .consents
        .iter()
        .map(|word| (word.channel, word.given, word.wording.as_str(), word.source.as_str()))
        .collect();
    assert_eq!(words, [(Channel::Sms, true, "version 2: Text me.", "form")]);
    assert_eq!(
        form::wordings(app, tenant).await.unwrap().iter().filter(|w| w.channel == Channel::Sms).count(),
        3
    );
}

async fn a_form_sent_twice_is_one_lead_and_a_correction_is_another(backend: Backend) {
    let site = Site::open(backend).await;
    let ticket = site.ticket().await;
    let fields =
        [("name", "Jo"), ("phone", "5125550142"), ("message", "No hot water"), ("ticket", ticket.as_str())];
    assert_eq!(site.send(&fields).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(site.send(&fields).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(site.only_lead().await.lead.score, 0);
    let mut scores = Vec::new();
    for number in 0..5 {
        // With a key of one's own for each, one showing of the form serves no program either.
        let (phone, key) = (format!("512555014{number}"), format!("k{number}"));
        let other = [
            ("name", "Bo"),
            ("phone", phone.as_str()),
            ("ticket", ticket.as_str()),
            ("idempotency_key", key.as_str()),
        ];
        assert_eq!(site.send(&other).await.status(), StatusCode::SEE_OTHER);
        let leads =
            site.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 1)).await;
        scores.push((leads[0].score, leads[0].state));
    }
    assert_eq!(scores[0], (15, LeadState::New));
    assert_eq!(scores[4], (75, LeadState::Spam));
    // A photo that was forgotten is not lost.
    let parts = Form::new()
        .text("name", "Jo")
        .text("phone", "5125550142")
        .text("message", "No hot water")
        .text("ticket", ticket.clone())
        .part("photos", file(picture(20, 20)));
    assert_eq!(site.send_parts(parts).await.status(), StatusCode::SEE_OTHER);
    let leads = site.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 1)).await;
    assert_eq!(site.nexora.lead(&leads[0].id).await.photos.len(), 1);
}

async fn nobody_agrees_by_opening_a_link_or_to_words_they_did_not_read(backend: Backend) {
    let site = Site::open(backend).await;
    site.fields(&[NAME, PHONE, (FieldName::ConsentSms, Need::Optional)]).await;
    let opened = site.page("acme?consent_sms=on&consent_sms_version=1").await;
    assert!(opened.contains("name=\"consent_sms\">"), "{opened}");
    let sent = async |version: &str| {
        let fields =
            [("name", ""), ("phone", "5125550142"), ("consent_sms", "on"), ("consent_sms_version", version)];
        site.send(&fields).await.text().await.unwrap().contains("name=\"consent_sms\" checked")
    };
    assert!(sent("1").await);
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    form::set_wording(app, actor, tenant, Channel::Sms, "Text me.".into()).await.unwrap();
    assert!(!sent("1").await && sent("2").await);
}

async fn every_refusal_has_words_and_is_seen_within_the_frame(backend: Backend) {
    let site = Site::open_and(backend, |config| config.intake.address_per_minute = 4).await;
    site.fields(&[NAME, (FieldName::Email, Need::Optional)]).await;
    site.set(&[("embed_on", "https://acme.com")]).await;
    let answer = site.send(&[("name", "Jo")]).await;
    let html = answer.text().await.unwrap();
    assert!(html.contains("id=\"email-fault\"") && html.contains("href=\"#email\""), "{html}");
    let large = site.send(&[("name", "x".repeat(80_000).as_str())]).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let policy = large.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-ancestors https://acme.com"), "{policy}");
}

async fn a_website_may_frame_and_call_what_the_tenant_allows_and_no_other(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let url = format!("{}/lead/acme", site.base);
    let policy = async || {
        let page = site.client.get(&url).send().await.unwrap();
        page.headers()["content-security-policy"].to_str().unwrap().to_owned()
    };
    assert!(policy().await.ends_with("frame-ancestors 'none'"));
    let view = form::find(app, tenant).await.unwrap();
    site.fields(&[
        NAME,
        PHONE,
        (FieldName::Service, Need::Optional),
        (FieldName::ConsentSms, Need::Optional),
    ])
    .await;
    site.set(&[("services", "A & B; \"C\"")]).await;
    let own = snippet(&form::find(app, tenant).await.unwrap(), tenant, Snippet::Html).unwrap().0;
    assert!(
        own.contains("name=\"phone\" type=\"tel\" autocomplete=\"tel\" required")
            && !own.contains("name=\"email\""),
        "{own}"
    );
    assert!(
        own.contains("<option>A &amp; B</option><option>&quot;C&quot;</option>")
            && own.contains("name=\"consent_sms_version\" type=\"hidden\" value=\"1\""),
        "{own}"
    );
    site.fields(&[NAME, (FieldName::Phone, Need::Optional), (FieldName::Email, Need::Optional)]).await;
    assert!(snippet(&view, tenant, Snippet::Frame).unwrap().1.unwrap().contains("embed_on="));
    site.set(&[("embed_on", "https://Acme.com/contact"), ("scripts_from", "https://www.acme.com")]).await;
    assert!(policy().await.ends_with("frame-ancestors https://acme.com"));
    let view = form::find(app, tenant).await.unwrap();
    assert_eq!(snippet(&view, tenant, Snippet::Script).unwrap().1, None);

    let ask = async |origin: &str| {
        let preflight = site
            .client
            .request(reqwest::Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .send()
            .await
            .unwrap();
        let allowed =
            preflight.headers().get("access-control-allow-origin").map(|v| v.to_str().unwrap().to_owned());
        (allowed, preflight.headers().contains_key("access-control-allow-methods"))
    };
    assert_eq!(ask("https://www.acme.com").await, (Some("https://www.acme.com".into()), true));
    assert_eq!(ask("https://evil.example").await, (None, false));
    let sent = site
        .client
        .post(&url)
        .header("origin", "https://www.acme.com")
        .json(&json!({ "name": "Jo", "email": "j@example.com" }))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.headers()["access-control-allow-origin"], "https://www.acme.com");
    assert_eq!(sent.status(), StatusCode::ACCEPTED);
    // A form of the website's own has no ticket, and nothing speaks against it.
    let form = site.client.post(&url).header("origin", "https://www.acme.com").header("accept", "text/html");
    form.form(&[("name", "Bo"), ("email", "bo@example.com")]).send().await.unwrap();
    let leads =
        app.view(tenant, move |tx| store::lead::list(tx, &store::lead::Filter::default(), 1)).await.unwrap();
    assert_eq!((leads[0].name.as_str(), leads[0].score), ("Bo", 0));
    let _ = actor;
}

async fn a_logo_and_a_colour_are_shown_and_stay_small(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor, owner) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    tenant::set(app, actor, &owner.slug, &[("color".into(), "#ffe600".into())]).await.unwrap();
    form::set_logo(app, actor, owner, Some(picture(1_200, 400))).await.unwrap();
    let html = site.page("acme").await;
    assert!(html.contains("data:image/png;base64,") && html.contains(":root{--brand:#"), "{html}");
    assert!(html.len() < 30_000);
    let wrong = form::set_logo(app, actor, owner, Some(b"no picture".to_vec())).await.unwrap_err();
    assert_eq!(wrong.kind().exit_code(), 2);
    form::set_logo(app, actor, owner, None).await.unwrap();
    assert!(!site.page("acme").await.contains("data:image/png"));
}

async fn another_tenants_ticket_photo_and_form_are_none_of_ours(backend: Backend) {
    let site = Site::open(backend).await;
    let (app, actor) = (&site.nexora.app, &site.nexora.actor);
    let other: Tenant = tenant::create(app, actor, new_tenant("bolt")).await.unwrap();
    let theirs = attribute(&site.page("bolt").await, "name=\"ticket\" value=\"");
    app.clock.advance(A_WHILE);
    site.send(&[("name", "Jo"), ("email", "jo@example.com"), ("ticket", &theirs)]).await;
    assert_eq!(site.only_lead().await.lead.score, 50);
    let parts =
        Form::new().text("name", "Bo").text("email", "bo@example.com").part("photos", file(picture(20, 20)));
    site.send_parts(parts).await;
    let leads = app
        .view(&site.nexora.tenant, move |tx| store::lead::list(tx, &store::lead::Filter::default(), 1))
        .await
        .unwrap();
    let photo = site.nexora.lead(&leads[0].id).await.photos.pop().unwrap();
    assert!(lead::photo(app, &site.nexora.tenant, &photo).await.is_ok());
    assert_eq!(lead::photo(app, &other, &photo).await.unwrap_err().kind().exit_code(), 4);
}
