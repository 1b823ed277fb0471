//! The means to trust an automation: trials, simulations, rehearsals, and a reference that is true.

use std::collections::BTreeMap;
use std::time::Duration;

use nexora::ops::automation;
use nexora::ops::automation::trial::report::What;
use nexora::ops::automation::trial::{self, TrialRequest, simulate};
use nexora::ops::connection;
use nexora::ops::contact;
use nexora::ops::tenant;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::consent::{Channel, Scope};
use nexora_core::model::effect::EffectState;
use nexora_core::model::lead::ConsentRecord;
use nexora_engine::automation::reference;
use nexora_store as store;
use serde_json::json;

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::scene::{OFFICE, Scene};

async fn town(backend: Backend) -> Scene {
    let mut scene = Scene::new(backend).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    app.clock.set(Timestamp::parse("2026-11-20T16:00:00Z").unwrap());
    let set = [("postal_address", "12 Main St"), ("review_url", "https://reviews.example.com/x")];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
    scene.nexora.tenant = tenant::set(app, actor, &tenant.slug, &set).await.unwrap();
    scene
}

fn settings(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Returns the steps that would send a mail, and how many hours after the beginning.
fn mails(shown: &trial::Shown, from: &str) -> Vec<(String, u64)> {
    let from = Timestamp::parse(from).unwrap();
    let sent = shown.lines.iter().filter(|line| matches!(line.what, What::Sent { .. }));
    sent.map(|line| (line.step.clone(), line.at.since(from).as_secs() / 3_600)).collect()
}

on_both!(
    a_trial_shows_weeks_in_a_moment_and_does_nothing,
    a_trial_asks_the_same_gate_as_a_real_message,
    a_trial_says_what_holds_its_work_up,
    every_built_in_automation_can_be_tried_from_each_of_its_triggers,
    a_simulation_says_what_an_edit_would_have_changed,
    a_rehearsal_does_everything_but_in_the_sandbox,
);

async fn a_trial_shows_weeks_in_a_moment_and_does_nothing(backend: Backend) {
    let scene = town(backend).await;
    let Nexora { app, tenant, .. } = &scene.nexora;
    let from = "2026-11-20T16:00:00Z";
    let wish = TrialRequest {
        name: "follow-up-sequence".into(),
        given: settings(&[
            ("touches", "1day follow-up-1, 3days follow-up-2"),
            ("hours", "Mon-Sun 00:00-24:00"),
        ]),
        trigger: 1,
        length: Duration::from_secs(90 * 86_400),
        ..TrialRequest::default()
    };
    let shown = trial::run(app, tenant, wish.clone()).await.unwrap();
    assert_eq!(mails(&shown, from), [("write-1".to_owned(), 24), ("write-2".to_owned(), 72)]);
    let what = shown.lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect::<String>();
    assert!(what.contains("no answer to our mails") && what.contains("\"state\":\"succeeded\""), "{what}");
    let replied = TrialRequest {
        then: vec![(Duration::from_secs(2 * 86_400), "message.received".parse().unwrap())],
        ..wish
    };
    let shown = trial::run(app, tenant, replied).await.unwrap();
    assert_eq!(mails(&shown, from).len(), 1);
    assert!(
        matches!(&shown.lines.last().unwrap().what, What::Ends { reason: Some(reason), .. } if reason.starts_with("ended by message.received, event_"))
    );
    let state = scene.nexora.state();
    assert_eq!(state["smtp"], json!([]));
    assert!(state["mailboxes"].get(OFFICE).is_none_or(|mailbox| mailbox["messages"] == json!([])));
}

async fn a_trial_asks_the_same_gate_as_a_real_message(backend: Backend) {
    let scene = town(backend).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let request = TrialRequest {
        name: "follow-up-sequence".into(),
        given: settings(&[("touches", "1h follow-up-1"), ("hours", "Mon-Sun 00:00-24:00")]),
        trigger: 1,
        length: Duration::from_secs(30 * 86_400),
        ..TrialRequest::default()
    };
    let gate_of = async |request: TrialRequest| {
        let shown = trial::run(app, tenant, request).await.unwrap();
        let decided = shown.lines.iter().find_map(|line| match &line.what {
            What::Sent { why, .. } => Some(("sent".to_owned(), why.clone())),
            What::NotSent { gate, reason } => Some((gate.clone(), reason.clone())),
            _ => None,
        });
        decided.unwrap_or_else(|| panic!("nothing was decided: {:#?}", shown.lines))
    };
    let (gate, why) = gate_of(request.clone()).await;
    assert!(gate == "sent" && why.contains("not suppressed"), "{gate}: {why}");

    let explicit = [("explicit_consent".to_owned(), "true".to_owned())];
    tenant::set(app, actor, &tenant.slug, &explicit).await.unwrap();
    let (gate, why) = gate_of(request.clone()).await;
    assert!(gate == "consent" && why.contains("never gave consent"), "{gate}: {why}");
    scene.nexora.submit(enquiry()).await;
    let agreed = ConsentRecord { channel: Channel::Email, given: true, wording: "on paper".into() };
    contact::record_consent(app, actor, tenant, "jo@example.com", agreed).await.unwrap();
    let (gate, why) = gate_of(request.clone()).await;
    assert!(gate == "sent" && why.contains("consent given"), "{gate}: {why}");

    let jo = "jo@example.com".parse().unwrap();
    let why = (Scope::All, "asked on the telephone".into());
    contact::suppress(app, actor, tenant, &jo, why).await.unwrap();
    let (gate, why) = gate_of(request).await;
    assert!(gate == "suppression" && why.contains("suppressed for all"), "{gate}: {why}");
    let leads =
        app.view(tenant, move |tx| store::lead::list(tx, &store::lead::Filter::default(), 10)).await.unwrap();
    assert_eq!(leads.len(), 1, "the trial's own lead stays in its scratch database");
}

async fn a_trial_says_what_holds_its_work_up(backend: Backend) {
    let scene = town(backend).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    connection::pause(app, actor, tenant, "google").await.unwrap();
    let request = TrialRequest {
        name: "lead-capture".into(),
        given: settings(&[("sheet_id", "leads"), ("chase_after", "")]),
        trigger: 1,
        length: Duration::from_secs(86_400),
        ..TrialRequest::default()
    };
    let shown = trial::run(app, tenant, request).await.unwrap();
    let parked = shown.lines.iter().find_map(|line| match &line.what {
        What::Parked { reason } => Some(reason.as_str()),
        _ => None,
    });
    assert_eq!(parked, Some("connection `google` is paused"), "{:#?}", shown.lines);
}

async fn every_built_in_automation_can_be_tried_from_each_of_its_triggers(backend: Backend) {
    let scene = town(backend).await;
    let Nexora { app, tenant, .. } = &scene.nexora;
    let (templates, wrong) = automation::templates(app, &app.config.definitions.common());
    assert!(wrong.is_empty(), "{wrong:?}");
    for template in templates {
        for trigger in 1..=5 {
            let given = match template.name.as_str() {
                "jobs-from-sheet" => settings(&[("spreadsheet", "x")]),
                _ => BTreeMap::new(),
            };
            let length = Duration::from_secs(60 * 86_400);
            let wish = TrialRequest {
                name: template.name.clone(),
                given,
                trigger,
                length,
                ..TrialRequest::default()
            };
            match trial::run(app, tenant, wish).await {
                Ok(shown) => {
                    let fails = shown.lines.iter().any(|line| matches!(line.what, What::Fails { .. }));
                    assert!(!fails, "{} {trigger}: {:#?}", template.name, shown.lines);
                    let ends = shown.lines.iter().any(|line| matches!(line.what, What::Ends { .. }));
                    assert!(ends, "{} {trigger}: {:#?}", template.name, shown.lines);
                }
                Err(error) => assert!(
                    error.message().contains("there is no trigger"),
                    "{}: {}",
                    template.name,
                    error.report()
                ),
            }
        }
    }
}

async fn a_simulation_says_what_an_edit_would_have_changed(backend: Backend) {
    let scene = town(backend).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    let live = settings(&[("touches", "1h follow-up-1, 3h follow-up-2"), ("hours", "Mon-Sun 00:00-24:00")]);
    // The second comes a day after the first, by the tenant's spacing.
    automation::enable(app, actor, tenant, "follow-up-sequence", &live, false).await.unwrap();
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    for _ in 0..30 {
        scene.pass(3_600).await;
    }
    let run = |given: &[(&str, &str)]| {
        let wish = simulate::SimulationRequest {
            name: "follow-up-sequence".into(),
            text: None,
            given: settings(given),
            days: 7,
        };
        simulate::run(app, tenant, wish)
    };
    let same = run(&[]).await.unwrap();
    assert_eq!((same.events, same.same, same.differences.len()), (1, 2, 0), "{:#?}", same.differences);
    let edited = run(&[("touches", "2h follow-up-3")]).await.unwrap();
    let mut what: Vec<String> = edited.differences.iter().map(|d| format!("{} {}", d.step, d.what)).collect();
    what.sort();
    assert_eq!(what, ["write-1 other time and words", "write-2 only before"]);
}

async fn a_rehearsal_does_everything_but_in_the_sandbox(backend: Backend) {
    let scene = town(backend).await;
    let Nexora { app, actor, tenant, .. } = &scene.nexora;
    automation::enable(
        app,
        actor,
        tenant,
        "lead-capture",
        &settings(&[("sheet_id", "leads"), ("chase_after", "")]),
        false,
    )
    .await
    .unwrap();
    let mode = [("mode".to_owned(), "rehearsal".to_owned())];
    tenant::set(app, actor, &tenant.slug, &mode).await.unwrap();
    let waits = scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    let view = scene.nexora.lead(&waits).await;
    let reason = view.runs[0].effects[0].reason.clone().unwrap();
    assert!(reason.contains("this process has no sandbox"), "{reason}");
    nexora::daemon::provide_rehearsal(app).unwrap();
    for _ in 0..5 {
        scene.pass(600).await;
    }
    let states = scene.nexora.effects(&waits).await;
    assert!(states.len() == 4 && states.values().all(|state| *state == EffectState::Delivered), "{states:?}");
    let real = scene.nexora.state();
    assert_eq!(real["smtp"], json!([]), "nothing went to the real relay");
    let is_empty = |place: &str, part: &str| real[place].get(OFFICE).is_none_or(|own| own[part] == json!([]));
    assert!(is_empty("mailboxes", "messages") && is_empty("calendars", "events"), "{real:#}");
    // Live again, what comes next is real.
    let mode = [("mode".to_owned(), "live".to_owned())];
    tenant::set(app, actor, &tenant.slug, &mode).await.unwrap();
    scene.nexora.submit(enquiry()).await;
    scene.nexora.settle().await;
    assert_eq!(scene.nexora.state()["smtp"].as_array().unwrap().len(), 1);
}

/// `NEXORA_TEST_WRITE_REFERENCE=1` writes it.
#[test]
fn the_reference_in_the_documents_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/AUTOMATIONS.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- reference: begin -->\n", "<!-- reference: end -->");
    let (before, rest) = document.split_once(begin).unwrap();
    let (written, after) = rest.split_once(end).unwrap();
    let wanted = reference::text(nexora::app::registry::connectors().facts());
    if std::env::var_os("NEXORA_TEST_WRITE_REFERENCE").is_some() {
        std::fs::write(path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(written, wanted, "run it once with NEXORA_TEST_WRITE_REFERENCE=1");
}
