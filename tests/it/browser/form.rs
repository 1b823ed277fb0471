//! A homeowner fills in the form.

use std::time::Duration;

use nexora::ops::lead;
use nexora::ops::lead::form;
use nexora::ops::tenant;
use nexora_core::model::form::{Field, FieldName, Need};
use nexora_store as store;

use super::{Browser, VIEWS, View, driver_path, validate};
use crate::harness::Backend;
use crate::site::Site;

/// A form with all that a form can have.
async fn site() -> Site {
    let site = Site::open(Backend::Sqlite).await;
    let (app, actor, owner) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let words = [
        ("services", "Boiler repair; Leak; New bathroom; Drains"),
        ("service_area", "Austin and 30 miles around"),
        ("emergency_phone", "(512) 555-0199"),
        ("proof_of_work", "true"),
    ];
    let words = words.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    form::set(app, actor, owner, words).await.unwrap();
    let fields = [
        (FieldName::Name, Need::Required),
        (FieldName::Phone, Need::Optional),
        (FieldName::Email, Need::Optional),
        (FieldName::Service, Need::Optional),
        (FieldName::Postcode, Need::Optional),
        (FieldName::Message, Need::Optional),
        (FieldName::Photos, Need::Optional),
        (FieldName::ConsentSms, Need::Optional),
    ];
    let fields = fields.map(|(name, need)| Field { name, need }).to_vec();
    form::set_fields(app, actor, owner, fields).await.unwrap();
    let colour = [("color".to_owned(), "#d9480f".to_owned()), ("phone".to_owned(), "5125550100".to_owned())];
    tenant::set(app, actor, &owner.slug, &colour).await.unwrap();
    site
}

async fn latest(site: &Site) -> lead::LeadView {
    let leads = site.nexora.view(move |tx| store::lead::list(tx, &store::lead::Filter::default(), 1)).await;
    site.nexora.lead(&leads[0].id).await
}

/// A photo as a telephone takes it: larger than what is kept.
fn photo(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("boiler.jpg");
    let image =
        image::RgbImage::from_fn(3_000, 1_500, |x, _| image::Rgb([u8::try_from(x % 255).unwrap(), 90, 40]));
    image.save(&path).unwrap();
    path.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_with_scripts_sends_a_photo_and_an_answer_to_the_puzzle() {
    let Some(browser) = Browser::open(true).await else { return };
    let site = site().await;
    browser.goto(&format!("{}/lead/acme", site.base)).await;
    site.nexora.app.clock.advance(Duration::from_secs(40));
    browser.write("#name", "Jo Miller").await;
    browser.write("#phone", "(512) 555-0142").await;
    browser.click("input[value=Leak]").await;
    browser.write("#message", "The kitchen tap drips.").await;
    let folder = tempfile::tempdir().unwrap();
    browser.write("#photos", &photo(&folder)).await;
    browser.click("#consent_sms").await;
    browser.click("button").await;
    browser.arrive("/lead/acme/thanks?by=phone").await;
    assert_eq!(browser.text("h1").await, "Thank you");
    browser.audit("thanks").await;
    browser.picture("form-thanks", VIEWS[0]).await;
    let view = latest(&site).await;
    assert_eq!((view.lead.name.as_str(), view.lead.service.as_deref()), ("Jo Miller", Some("Leak")));
    assert_eq!((view.lead.score, view.photos.len()), (0, 1));
    assert!(view.lead.consents.as_str().contains("version 1: I agree that Acme Plumbing"));
    let kept = lead::photo(&site.nexora.app, &site.nexora.tenant, &view.photos[0]).await.unwrap();
    assert_eq!((kept.width, kept.height), (2_048, 1_024));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_scripts_tells_what_is_wrong_and_keeps_what_was_written() {
    let Some(browser) = Browser::open(false).await else { return };
    let site = site().await;
    browser.goto(&format!("{}/lead/acme", site.base)).await;
    site.nexora.app.clock.advance(Duration::from_secs(40));
    browser.write("#name", "Jo Miller").await;
    browser.write("#email", "jo at example").await;
    browser.click("input[value=Leak]").await;
    browser.click("button").await;
    assert_eq!(
        browser.text("#email-fault").await,
        "This does not look like an email address, for example name@example.com."
    );
    assert_eq!(browser.text("#faults h2").await, "Please check one field");
    let value = browser.find("#name").await.prop("value").await.unwrap();
    assert_eq!(value.as_deref(), Some("Jo Miller"));
    assert!(
        browser.find("input[value=Leak]").await.prop("checked").await.unwrap().as_deref() == Some("true")
    );
    browser.find("#email").await.clear().await.unwrap();
    browser.write("#email", "jo@example.com").await;
    browser.click("button").await;
    browser.arrive("/lead/acme/thanks?by=email").await;
    let view = latest(&site).await;
    assert_eq!(view.lead.email.unwrap().as_str(), "jo@example.com");
    // Nobody is taken for a program for having no scripts.
    assert_eq!((view.lead.state.name(), view.lead.score), ("new", 35));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_is_accessible_on_every_device() {
    let Some(browser) = Browser::open(true).await else { return };
    let site = site().await;
    let url = format!("{}/lead/acme", site.base);
    for view in VIEWS {
        browser.look(view).await;
        browser.goto(&url).await;
        browser.run("document.querySelector('details').open = true").await;
        browser.audit(&format!("the form, {view:?}")).await;
        browser.click("button").await;
        browser.find("#faults").await;
        let focused = browser.run("return document.activeElement.id").await;
        assert_eq!(focused, "faults", "whoever listens hears what is wrong first");
        browser.audit(&format!("the form with faults, {view:?}")).await;
    }
    browser.goto(&url).await;
    browser.picture("form-light", View { width: 420, dark: false }).await;
    browser.picture("form-dark", View { width: 420, dark: true }).await;
    browser.click("button").await;
    browser.find("#faults").await;
    browser.picture("form-faults", View { width: 420, dark: false }).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_website_shows_the_form_in_a_frame_if_it_is_allowed() {
    let Some(browser) = Browser::open(true).await else { return };
    let site = site().await;
    let (app, actor, owner) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    let url = format!("{}/lead/acme", site.base);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let website = format!("http://{}", listener.local_addr().unwrap());
    let page = format!("<!doctype html><title>Acme</title><iframe src=\"{url}\" title=\"form\"></iframe>");
    let router = axum::Router::new().route("/", axum::routing::get(|| async { axum::response::Html(page) }));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let shown = async || {
        browser.goto(&website).await;
        browser.client.clone().enter_frame(0).await.unwrap();
        let title = browser.run("return document.title").await;
        browser.client.clone().enter_parent_frame().await.unwrap();
        title.as_str().unwrap().to_owned()
    };
    assert_ne!(shown().await, "Contact Acme Plumbing");
    form::set(app, actor, owner, vec![("embed_on".into(), website.clone())]).await.unwrap();
    assert_eq!(shown().await, "Contact Acme Plumbing");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_public_page_is_valid() {
    // The validator comes with the browser.
    let Some(_) = driver_path() else { return };
    let site = site().await;
    let get = async |path: &str| {
        let request = site.client.get(format!("{}{path}", site.base)).header("accept", "text/html");
        request.send().await.unwrap().text().await.unwrap()
    };
    for path in ["/lead/acme", "/lead/acme/thanks?by=phone", "/lead/nobody", "/status", "/nowhere"] {
        validate(path, &get(path).await);
    }
    let request = site.client.post(format!("{}/lead/acme", site.base)).header("accept", "text/html");
    let wrong = request.form(&[("email", "x"), ("service", "Leak")]).send().await.unwrap();
    validate("the form with faults", &wrong.text().await.unwrap());
}
