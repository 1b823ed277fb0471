//! The form of a business that speaks another language.

use nexora::domain::contact::link::SignedLinks;
use nexora::ops::lead::form;
use nexora::ops::lead::form_snippet::{Snippet, snippet};
use nexora::ops::tenant;
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{FieldName, Need};
use reqwest::StatusCode;
use reqwest::multipart::Form;
use serde_json::json;

use super::{NAME, file, picture};
use crate::harness::{Backend, on_both};
use crate::site::Site;

impl Site {
    async fn speak(&self, language: &str) {
        let (app, actor, slug) = (&self.nexora.app, &self.nexora.actor, &self.nexora.tenant.slug);
        let changes = [("language".to_owned(), language.to_owned())];
        tenant::set(app, actor, slug, &changes).await.unwrap();
    }
}

on_both!(
    the_form_and_what_follows_it_are_in_the_language_of_the_business,
    what_is_wrong_is_said_in_the_same_language,
    consent_is_asked_for_and_kept_in_the_same_language,
    the_pages_behind_our_links_are_in_the_same_language,
);

async fn the_form_and_what_follows_it_are_in_the_language_of_the_business(backend: Backend) {
    let site = Site::open(backend).await;
    for (language, wanted) in [
        ("en", ["Your name", "(optional)", "Send request", "Thank you", "Mon – Fri"]),
        ("de", ["Ihr Name", "(freiwillig)", "Anfrage senden", "Vielen Dank", "Mo – Fr"]),
        ("es", ["Su nombre", "(opcional)", "Enviar solicitud", "Gracias", "lun – vie"]),
        ("fr", ["Votre nom", "(facultatif)", "Envoyer la demande", "Merci", "lun. – ven."]),
    ] {
        site.speak(language).await;
        let get = |path: &str| site.client.get(format!("{}/lead/acme{path}", site.base)).send();
        let (form, thanks) = (get("").await.unwrap(), get("/thanks?by=email,phone").await.unwrap());
        let mut pages = String::new();
        for page in [form, thanks] {
            assert_eq!(page.headers()["content-language"], language);
            pages += &page.text().await.unwrap();
        }
        assert_eq!(pages.matches(&format!("<html lang=\"{language}\">")).count(), 2);
        for text in wanted {
            assert!(pages.contains(text), "{text} in {pages}");
        }
        for english in ["Your name", "Open now", "What happens next", "Call"] {
            assert!(language == "en" || !pages.contains(english), "{english} in {pages}");
        }
    }
}

async fn what_is_wrong_is_said_in_the_same_language(backend: Backend) {
    let site = Site::open(backend).await;
    site.speak("de").await;
    let page = site.send(&[("email", "jo"), ("phone", "12")]).await;
    assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(page.headers()["content-language"], "de");
    let html = page.text().await.unwrap();
    for text in
        ["Bitte prüfen Sie 3 Felder", "Bitte nennen Sie uns Ihren Namen.", "wie eine E-Mail-Adresse aus"]
    {
        assert!(html.contains(text), "{text} in {html}");
    }
    let (status, body) = site.post("/lead/acme", json!({ "email": "jo" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["title"], "some fields are wrong", "what programs read is in English");
    assert_eq!(body["errors"][0], json!({ "field": "name", "message": "Bitte nennen Sie uns Ihren Namen." }));
    let view = form::find(&site.nexora.app, &site.nexora.tenant).await.unwrap();
    let spoken = tenant::find(&site.nexora.app, &site.nexora.tenant.slug).await.unwrap();
    let (pasted, _) = snippet(&view, &spoken, Snippet::Script).unwrap();
    for text in ["Ihr Name", "Anfrage senden", "replaceChildren(\"Vielen Dank. "] {
        assert!(pasted.contains(text), "{text} in {pasted}");
    }

    // Photos: one that is none, and one that is lost with a form that is shown again.
    let parts = || Form::new().text("name", "Jo").text("phone", "5125550142");
    let page = site.send_parts(parts().part("photos", file(b"<svg>".to_vec()))).await;
    assert!(page.text().await.unwrap().contains("Bitte verwenden Sie JPEG, PNG oder WebP."));
    let page = site.send_parts(Form::new().text("name", "Jo").part("photos", file(picture(9, 9)))).await;
    assert!(page.text().await.unwrap().contains("Bitte wählen Sie Ihre Fotos noch einmal aus."));

    // What cannot be taken at all is a page of its own.
    let long = "x".repeat(200_000);
    let page = site.send(&[("message", &long)]).await;
    assert_eq!(
        (page.status(), &page.headers()["content-language"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &"de".parse().unwrap())
    );
    let html = page.text().await.unwrap();
    assert!(
        html.contains("<html lang=\"de\">") && html.contains("Bitte kürzen Sie die Nachricht."),
        "{html}"
    );
}

async fn consent_is_asked_for_and_kept_in_the_same_language(backend: Backend) {
    let site = Site::open(backend).await;
    let consents = [(FieldName::ConsentSms, Need::Optional), (FieldName::ConsentMarketing, Need::Optional)];
    site.fields(&[NAME, (FieldName::Email, Need::Required), consents[0], consents[1]]).await;
    let (app, actor, tenant) = (&site.nexora.app, &site.nexora.actor, &site.nexora.tenant);
    form::set_wording(app, actor, tenant, Channel::Sms, "Text me.".into()).await.unwrap();
    site.speak("es").await;
    let html = site.page("acme").await;
    assert!(html.contains("Acme Plumbing puede enviarme ofertas"), "{html}");
    assert!(html.contains("name=\"consent_marketing_version\" value=\"2\""), "{html}");
    assert!(html.contains("Text me.") && html.contains("name=\"consent_sms_version\" value=\"2\""), "{html}");
    let ticket = site.ticket().await;
    site.send(&[
        ("name", "Jo"),
        ("email", "jo@example.com"),
        ("ticket", &ticket),
        ("consent_marketing", "on"),
        ("consent_marketing_version", "2"),
    ])
    .await;
    let lead = site.only_lead().await.lead;
    let person = nexora::ops::contact::find(app, tenant, lead.contact_id.unwrap().as_str()).await.unwrap();
    assert_eq!(
        person.consents[0].wording,
        "version 2: Acme Plumbing puede enviarme ofertas y recordatorios por correo electrónico. Cada uno lleva un \
         enlace para dejar de recibirlos."
    );
    // A box that is first shown now is worded in the language that is spoken now.
    let words = form::wordings(app, tenant).await.unwrap();
    assert_eq!(words.iter().filter(|words| words.channel == Channel::Email).count(), 2);
}

async fn the_pages_behind_our_links_are_in_the_same_language(backend: Backend) {
    let site = Site::open(backend).await;
    site.speak("fr").await;
    let id = site.nexora.submit(crate::harness::enquiry()).await;
    site.nexora.settle().await;
    let view = site.nexora.lead(&id).await;
    let contact = view.lead.contact_id.clone().unwrap();
    let links = SignedLinks::of(&site.nexora.app);
    let person = nexora_engine::automation::context::Person {
        contact: site.nexora.view(move |tx| nexora_store::contact::find(tx, &contact)).await.unwrap(),
        addresses: vec![(nexora_core::model::contact::AddressKind::Email, "jo@example.com".to_owned())],
    };
    let mut tenant = site.nexora.tenant.clone();
    tenant.settings =
        nexora_core::base::text::Json::of(&json!({ "review_url": "https://x.example" })).unwrap();
    let links = links.links(&tenant, Some(&person), &view.runs[0].run.id);
    let local = |link: Option<String>| {
        let link = link.unwrap();
        let path = link.find("/u/").or_else(|| link.find("/r/")).unwrap();
        format!("{}{}", site.base, &link[path..])
    };
    let (unsubscribe, review) = (local(links.unsubscribe), local(links.review));
    let page = site.client.get(&unsubscribe).send().await.unwrap();
    assert_eq!(page.headers()["content-language"], "fr");
    let html = page.text().await.unwrap();
    assert!(html.contains("<html lang=\"fr\">") && html.contains("Oui, ne plus les recevoir"), "{html}");
    let html = site.client.post(&unsubscribe).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("C’est fait") && html.contains("Acme Plumbing ne vous enverra plus"), "{html}");
    // The business has no place for reviews any more.
    let page = site.client.get(&review).header("accept", "text/html").send().await.unwrap();
    assert_eq!(
        (page.status(), &page.headers()["content-language"]),
        (StatusCode::NOT_FOUND, &"fr".parse().unwrap())
    );
    let html = page.text().await.unwrap();
    assert!(html.contains("<html lang=\"fr\">") && html.contains("Ce lien n’est pas complet"), "{html}");
}
