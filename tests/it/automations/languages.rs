//! A business that speaks another language: its messages, and what of them changes when.

use super::MORNING;
use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::scene::{OFFICE, Scene};
use nexora::ops::automation::version;
use nexora_core::model::language::Language;
use nexora_store as store;
use serde_json::Value;

on_both!(
    messages_come_in_the_language_of_the_business,
    a_new_language_reaches_what_is_enabled_and_no_run_under_way,
    words_of_ones_own_stay_in_whatever_language_they_are,
    the_owner_is_told_in_the_same_language,
);

/// Returns the mails with this subject that the office has sent, as they went out.
fn raw(scene: &Scene, subject: &str) -> String {
    let state = scene.nexora.state();
    let mails = state["mailboxes"][OFFICE]["messages"].as_array().unwrap();
    let is_it = |mail: &&Value| mail["subject"] == subject;
    let mail = mails.iter().find(is_it).unwrap_or_else(|| panic!("no mail `{subject}`"));
    let raw = mail["raw"].as_str().unwrap();
    let parsed = mail_parser::MessageParser::default().parse(raw).unwrap();
    format!("{}\n{}", parsed.body_text(0).unwrap(), parsed.body_html(0).unwrap())
}

async fn messages_come_in_the_language_of_the_business(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    scene.set(&[("language", "de"), ("phone", "512 555 0199")]).await;
    scene.use_built_in("lead-capture", &[("callback", "false")]).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.sent(), ["Ihre Anfrage ist bei uns angekommen, Jo"]);
    let mail = raw(&scene, "Ihre Anfrage ist bei uns angekommen, Jo");
    assert!(mail.contains("Guten Tag Jo,") && mail.contains("<html lang=\"de\""), "{mail}");
    // Without a name the sentence is as good.
    let mut nameless = enquiry();
    nameless.name = "Mrs Roth".into();
    nameless.email = "roth@example.com".into();
    nameless.phone = String::new();
    scene.nexora.submit(nameless).await;
    scene.nexora.settle().await;
    let mail = raw(&scene, "Ihre Anfrage ist bei uns angekommen");
    assert!(mail.contains("Guten Tag,\n") || mail.contains("Guten Tag,\r\n"), "{mail}");
}

async fn a_new_language_reaches_what_is_enabled_and_no_run_under_way(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    let touches = "1day follow-up-1, 2days follow-up-2";
    scene.use_built_in("follow-up-sequence", &[("touches", touches), ("hours", "Mon-Sun 00:00-24:00")]).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.hours(25).await;
    scene.set(&[("language", "fr")]).await;
    scene.set(&[("language", "fr")]).await;
    let mut later = enquiry();
    later.email = "kim@example.com".into();
    later.phone = String::new();
    later.name = "Kim Roth".into();
    scene.nexora.submit(later).await;
    scene.nexora.settle().await;
    scene.hours(30).await;
    assert_eq!(
        scene.sent(),
        [
            "Any questions about your request, Jo?",
            "Shall we find a time, Jo?",
            "Des questions sur votre demande, Kim\u{a0}?"
        ],
        "who was begun with in English is gone on with in it"
    );
    let english = raw(&scene, "Shall we find a time, Jo?");
    assert!(english.contains("Hi Jo,") && english.contains("No more of these mails"), "{english}");
    let french = raw(&scene, "Des questions sur votre demande, Kim\u{a0}?");
    assert!(french.contains("Bonjour Kim,") && french.contains("Ne plus recevoir ces e-mails"), "{french}");
    assert!(!french.contains("No more of these"), "{french}");
    let Nexora { app, tenant, .. } = &scene.nexora;
    let versions = version::history(app, tenant, "follow-up-sequence").await.unwrap();
    let languages: Vec<Language> = versions.iter().map(|version| version.language).collect();
    assert_eq!(languages, [Language::French, Language::English], "the same again makes no version");
}

async fn words_of_ones_own_stay_in_whatever_language_they_are(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at(MORNING).await;
    let own = |text: &str| format!("subject = \"{text}\"\ntext = \"{{{{ lead.greeting }}}}. Hi.\"\n");
    scene.write("tenants/acme/messages/lead-acknowledgement.toml", &own("Ours"));
    scene.use_built_in("lead-capture", &[("callback", "false")]).await;
    scene.write("tenants/acme/messages/lead-acknowledgement.toml", &own("Edited"));
    scene.set(&[("language", "es")]).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.sent(), ["Ours"], "an edit is published by enabling, not by a language");
    // Words for one language are there for those who speak it.
    scene.hours(2).await;
    scene.write("tenants/acme/messages/es/lead-acknowledgement.toml", &own("Nuestro"));
    scene.use_built_in("lead-capture", &[]).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.sent(), ["Ours", "Nuestro"]);
    scene.hours(2).await;
    scene.set(&[("language", "en")]).await;
    scene.use_built_in("lead-capture", &[]).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.sent(), ["Ours", "Nuestro", "Edited"]);
}

async fn the_owner_is_told_in_the_same_language(backend: Backend) {
    let mut scene = Scene::new(backend).await;
    scene.at("2026-11-20T11:00:00Z").await;
    scene.set(&[("language", "de")]).await;
    scene.use_built_in("daily-digest", &[]).await;
    let mut spam = enquiry();
    spam.honeypot = "x".into();
    scene.nexora.submit(spam).await;
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    scene.hours(3).await;
    let effects =
        scene.nexora.view(move |tx| store::effect::list(tx, &store::effect::Filter::default(), 20)).await;
    let digest = effects.iter().find(|effect| effect.request.as_str().contains("Freitag, 20.")).unwrap();
    let request = digest.request.as_str();
    let subject = "Freitag, 20. November: 1 wartet auf Sie, 1 neue Anfrage, 0 Termine heute";
    for wanted in [
        subject,
        "Jo Miller wartet auf eine Antwort",
        "1 Anfrage wurde als Spam zurückgehalten",
        "Fr, 20. Nov. 2026, ",
    ] {
        assert!(request.contains(wanted), "{wanted} in {request}");
    }
}
