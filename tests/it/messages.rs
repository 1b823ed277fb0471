//! The messages that come with the program: each language has each of them, with what the English one says.

use std::collections::BTreeSet;
use std::path::Path;

use minijinja::Value;
use minijinja::value::Serde;
use nexora::config::definitions::Settings;
use nexora::config::definitions::built_in_message;
use nexora_core::model::automation::{LAYOUT, MessageTemplate};
use nexora_core::model::language::Language;
use nexora_core::model::message::MessageClass;
use nexora_engine::automation::render::Renderer;
use serde_json::{Value as Json, json};

use crate::architecture::sources_with;

/// Returns the names of the messages in a language's folder.
fn names(language: Language) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/messages").join(language.name());
    let files = sources_with(&folder, "toml").into_iter();
    files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn message(language: Language, name: &str) -> MessageTemplate {
    let text = built_in_message(language, name).unwrap_or_else(|| panic!("{language} has no `{name}`"));
    toml::from_str(&text.text).unwrap_or_else(|error| panic!("{language} `{name}`: {error}"))
}

/// Returns the parts of a message by their names.
fn parts(message: &MessageTemplate) -> Vec<(&'static str, &str)> {
    let html = message.html.as_deref().map(|html| ("html", html));
    [("subject", message.subject.as_str()), ("text", message.text.as_str())].into_iter().chain(html).collect()
}

/// Returns the elements of an HTML text in their order, without what is between them.
fn elements(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect()
}

#[test]
fn each_language_has_each_message_with_the_same_holes_and_the_same_form() {
    let renderer = Renderer::new(chrono_tz::UTC);
    let english = names(Language::English);
    assert!(english.len() >= 16 && english.contains("lead-acknowledgement"), "{english:?}");
    for language in Language::ALL {
        assert_eq!(names(*language), english, "{language}");
        for name in &english {
            let (there, here) = (message(Language::English, name), message(*language, name));
            for ((part, english), (other, text)) in parts(&there).into_iter().zip(parts(&here)) {
                assert_eq!(part, other, "{language} `{name}`");
                let holes = |text| renderer.names_in_text(text).unwrap();
                assert_eq!(holes(text), holes(english), "{language} `{name}` {part}");
                assert_eq!(elements(text), elements(english), "{language} `{name}` {part}");
                assert_eq!(text == english, *language == Language::English, "{language} `{name}` {part}");
            }
            assert_eq!(parts(&there).len(), parts(&here).len(), "{language} `{name}`");
        }
    }
}

/// Everything that messages refer to, as full as it can be or as empty as it may be.
fn sample(is_full: bool) -> Json {
    let maybe = |value: Json| if is_full { value } else { Json::Null };
    let list = |value: Json| if is_full { json!([value]) } else { json!([]) };
    let (at, until) = ("2026-11-20T16:30:00.000Z", "2026-11-21T16:30:00.000Z");
    let visit = json!({
        "title": "Boiler", "location": "12 Main St", "starts_at": at, "goes_on_until": null, "all_day": false, "who": "Jo",
    });
    json!({
        "lead": {
            "id": "lead_1", "name": "Jo Miller", "first_name": maybe(json!("Jo")), "greeting": "GREETING",
            "email": maybe(json!("jo@example.com")), "phone": maybe(json!("+15125550142")),
            "service": maybe(json!("Boiler")), "message": maybe(json!("No hot water.")),
            "address": maybe(json!("12 Main St")), "postcode": maybe(json!("78701")),
            "preferred_time": maybe(json!("mornings")), "source": "form", "received_at": at,
            "needs_review": is_full, "original": "raw", "details": if is_full { json!({"floor": "2"}) } else { json!({}) },
            "photos": list(json!("https://x.example/photo/1")),
        },
        "contact": { "greeting": maybe(json!("GREETING")), "first_name": maybe(json!("Jo")) },
        "tenant": {
            "name": "Acme", "slug": "acme", "phone": maybe(json!("+15125550199")), "color": "#0b6bcb",
            "postal_address": if is_full { "1 High St" } else { "" },
        },
        "appointment": {
            "start": at, "all_day": !is_full, "location": maybe(json!("12 Main St")),
            "previous_start": maybe(json!(until)), "previous_all_day": !is_full,
        },
        "connection": { "name": "google", "account": maybe(json!("office@x.example")), "since": at, "reason": "refused" },
        "operator": { "email": maybe(json!("op@x.example")) },
        "schedule": { "planned_at": at },
        "links": { "review": "https://x.example/r/1", "unsubscribe": "https://x.example/u/1" },
        "now": at,
        "steps": { "digest": { "digest": {
            "needs_you": list(json!({ "what": "Jo waits", "phone": "+15125550142", "email": "jo@example.com" })),
            "overdue": list(json!({ "title": "Call", "due_at": at })),
            "today": list(visit.clone()), "tomorrow": list(visit),
            "leads": list(json!({ "name": "Jo", "service": "Boiler", "source": "form", "received_at": at, "response_minutes": 7 })),
            "troubles": list(json!({ "what": "it is broken", "command": "nexora status" })),
            "jobs": { "completed": usize::from(is_full), "scheduled_today": 0, "amount_cents": maybe(json!(125_050)) },
            "ran": { "messages": 1, "entries": 2, "rows": 0, "hours_saved": "1.5" },
        } } },
    })
}

#[test]
fn each_message_can_be_rendered_with_everything_and_with_next_to_nothing() {
    let site = tempfile::tempdir().unwrap();
    let shelf = Settings { folder: site.path().to_owned() }.common();
    let layout = shelf.message(LAYOUT).unwrap().unwrap();
    for language in Language::ALL {
        for name in names(*language) {
            for is_full in [true, false] {
                let renderer = renderer(*language);
                let class = Some(MessageClass::Commercial);
                let values = Value::from(Serde(sample(is_full)));
                let rendered = renderer.message(&message(*language, &name), Some(&layout), class, &values);
                let rendered =
                    rendered.unwrap_or_else(|error| panic!("{language} `{name}`: {}", error.report()));
                let whole = format!("{}\n{}", rendered.subject, rendered.text);
                assert!(
                    !whole.contains("  \n") && !whole.contains("{{") && !rendered.subject.is_empty(),
                    "{whole}"
                );
                assert!(whole.contains(language.words().unsubscribe.title), "{language} `{name}`: {whole}");
                if let Some(html) = rendered.html {
                    assert!(html.contains(&format!("<html lang=\"{language}\"")), "{language} `{name}`");
                    // Rules stand in the elements, and those about dark mode in the sheet.
                    assert!(html.contains("<div class=\"card\" style=\"background: #fff;"), "{html}");
                    assert!(html.contains("@media (prefers-color-scheme:dark)"), "{html}");
                }
            }
        }
    }
}

fn renderer(language: Language) -> Renderer {
    let now = nexora_core::base::clock::Timestamp::from_millis(0);
    let tenant = nexora_core::model::tenant::Tenant {
        id: nexora_core::model::TenantId::new(now),
        slug: "acme".parse().unwrap(),
        name: "Acme".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        owner_email: "owner@example.com".parse().unwrap(),
        phone: None,
        country: "DE".to_owned(),
        state: nexora_core::model::tenant::TenantState::Active,
        created_at: now,
        updated_at: now,
        mode: nexora_core::model::tenant::TenantMode::Live,
        settings: nexora_core::base::text::Json::empty_object(),
        link_generation: 0,
        alert_bounce: None,
    };
    Renderer::speaking(language, &tenant).unwrap()
}

#[test]
fn times_and_sums_of_a_message_are_written_in_its_language() {
    let rendered = |language, name| {
        let values = Value::from(Serde(sample(true)));
        renderer(language).message(&message(language, name), None, None, &values).unwrap()
    };
    let moved = rendered(Language::German, "appointment-moved");
    assert_eq!(moved.subject, "Neue Zeit für Ihren Termin: Freitag, 20. November um 17:30 Uhr");
    assert_eq!(
        rendered(Language::French, "appointment-reminder").subject,
        "Rappel\u{a0}: Acme, aujourd’hui à 17h30"
    );
    assert_eq!(
        rendered(Language::Spanish, "appointment-cancelled").subject,
        "Su cita del viernes, 20 de noviembre queda cancelada"
    );
    assert!(rendered(Language::German, "daily-digest").text.contains("1 abgeschlossen (1250,50)"));
}
