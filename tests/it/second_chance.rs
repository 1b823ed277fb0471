//! Nothing is final by mistake: what was called spam goes on, what came while automations were off begins, and what was
//! given up is tried again, one by one or all at once.

use std::time::Duration;

use nexora::ops::automation::version;
use nexora::ops::automation::{self, event};
use nexora::ops::{connection, lead};
use nexora_core::base::Kind;
use nexora_core::model::LeadId;
use nexora_core::model::effect::EffectState;
use nexora_core::model::event::{About, EventKind, EventState};
use nexora_core::model::lead::LeadState;
use nexora_core::model::run::RunState;
use nexora_store as store;
use serde_json::json;

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::machine::Machine;

on_both!(
    a_lead_that_was_called_spam_by_mistake_goes_on_where_it_was,
    a_lead_that_was_called_spam_before_anything_began_begins,
    leads_that_came_while_automations_were_off_begin_once,
    one_automation_begins_for_one_lead,
);

async fn runs(nexora: &Nexora, id: &LeadId) -> Vec<RunState> {
    nexora.lead(id).await.runs.iter().map(|run| run.run.state).collect()
}

fn sent(nexora: &Nexora) -> usize {
    nexora.state()["smtp"].as_array().unwrap().len()
}

async fn a_lead_that_was_called_spam_by_mistake_goes_on_where_it_was(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    // The alert waits for the relay, and what follows waits for the alert.
    connection::pause(app, actor, tenant, "smtp").await.unwrap();
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert!(!runs(&nexora, &id).await[0].is_finished());
    let before = nexora.effects(&id).await;
    let done = before.values().filter(|state| **state == EffectState::Delivered).count();
    assert!(done > 0 && done < before.len(), "{before:?}");
    lead::spam(app, actor, tenant, &id).await.unwrap();
    assert_eq!(runs(&nexora, &id).await, [RunState::Cancelled]);
    assert!(nexora.effects(&id).await.values().any(|state| *state == EffectState::Discarded));

    connection::resume(app, actor, tenant, "smtp").await.unwrap();
    let released = lead::ham(app, actor, tenant, &id).await.unwrap();
    assert_eq!(released.state, LeadState::New);
    nexora.settle().await;
    let view = nexora.lead(&id).await;
    assert_eq!((view.runs.len(), view.runs[0].run.state), (1, RunState::Succeeded), "{:?}", view.runs[0].run);
    assert!(nexora.effects(&id).await.values().all(|state| *state == EffectState::Delivered));
    assert_eq!((sent(&nexora), nexora.effects(&id).await.len()), (1, before.len()), "nothing is done twice");
    // And once more, when all is done: nothing is left to go on with.
    lead::spam(app, actor, tenant, &id).await.unwrap();
    lead::ham(app, actor, tenant, &id).await.unwrap();
    nexora.settle().await;
    assert_eq!((runs(&nexora, &id).await, sent(&nexora)), (vec![RunState::Succeeded], 1));
}

async fn a_lead_that_was_called_spam_before_anything_began_begins(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let id = nexora.submit(enquiry()).await;
    for _ in 0..2 {
        app.clock.advance(Duration::from_secs(60));
        lead::spam(app, actor, tenant, &id).await.unwrap();
        nexora.settle().await;
        assert_eq!(runs(&nexora, &id).await, [], "nothing begins for spam");
        lead::ham(app, actor, tenant, &id).await.unwrap();
    }
    nexora.settle().await;
    assert_eq!((runs(&nexora, &id).await, sent(&nexora)), (vec![RunState::Succeeded], 1));
}

async fn leads_that_came_while_automations_were_off_begin_once(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let ran = nexora.submit(enquiry()).await;
    nexora.settle().await;
    automation::disable(app, actor, tenant, "lead-capture").await.unwrap();
    app.clock.advance(Duration::from_secs(60));
    let from = app.clock.now();
    let mut missed = Vec::new();
    for number in 0..3 {
        let mut one = enquiry();
        one.email = format!("jo{number}@example.com");
        one.phone = String::new();
        missed.push(nexora.submit(one).await);
    }
    let mut test = enquiry();
    test.is_test = true;
    let test = nexora.submit(test).await;
    nexora.settle().await;
    let span = (from, app.clock.now());
    let off = lead::requeue::plan(app, tenant, span).await.unwrap_err();
    assert!(
        off.kind() == Kind::Conflict && off.hint_text().unwrap().contains("automation enable"),
        "{off:?}"
    );
    nexora.enable(&[("sheet_id", "leads"), ("chase_after", "")]).await;
    let plan = lead::requeue::plan(app, tenant, span).await.unwrap();
    let planned: Vec<LeadId> = plan.iter().map(|lead| lead.id.clone()).collect();
    assert_eq!(planned, missed, "neither what ran nor a test");
    assert!(plan.iter().all(|lead| lead.automations == ["lead-capture"]), "{plan:?}");
    let before = sent(&nexora);
    lead::requeue::requeue(app, actor, tenant, missed.clone()).await.unwrap();
    nexora.settle().await;
    for id in &missed {
        assert_eq!(runs(&nexora, id).await, [RunState::Succeeded]);
    }
    assert_eq!(sent(&nexora), before + 3);
    assert_eq!(lead::requeue::plan(app, tenant, span).await.unwrap().len(), 0);
    // What has run does not run again; spam and tests run nothing.
    let spam = nexora.submit(enquiry()).await;
    lead::spam(app, actor, tenant, &spam).await.unwrap();
    for (id, said) in
        [(&missed[0], "has run for"), (&ran, "has run for"), (&test, "is a test"), (&spam, "as spam")]
    {
        let refused = lead::requeue::requeue(app, actor, tenant, vec![id.clone()]).await.unwrap_err();
        assert!(refused.kind() == Kind::Conflict && refused.report().contains(said), "{refused:?}");
    }
    assert_eq!(sent(&nexora), before + 3);
}

async fn one_automation_begins_for_one_lead(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    automation::disable(app, actor, tenant, "lead-capture").await.unwrap();
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    let about = || About { lead_id: Some(id.clone()), ..About::default() };
    let start = async || version::start(app, actor, tenant, "lead-capture", about()).await;
    let off = start().await.unwrap_err();
    assert!(off.report().contains("is switched off"), "{off:?}");
    automation::resume(app, actor, tenant, "lead-capture").await.unwrap();
    start().await.unwrap();
    nexora.settle().await;
    assert_eq!(runs(&nexora, &id).await, [RunState::Succeeded]);
    let again = start().await.unwrap_err();
    assert!(again.report().contains("has run on it already"), "{again:?}");
    // The event itself can be replayed as often as one likes: what has run on it does not run again.
    let told = nexora
        .view(|tx| {
            let filter = store::event::Filter { kind: Some(EventKind::LeadReceived), ..Default::default() };
            store::event::list(tx, &filter, 10)
        })
        .await;
    let replayed = event::replay(app, actor, tenant, &told[0].id).await.unwrap();
    assert_eq!(replayed.state, EventState::Pending);
    nexora.settle().await;
    assert_eq!((runs(&nexora, &id).await.len(), sent(&nexora)), (1, 1));
    lead::spam(app, actor, tenant, &id).await.unwrap();
    let refused = event::replay(app, actor, tenant, &told[0].id).await.unwrap_err();
    assert!(refused.hint_text().unwrap().contains("lead not-spam"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_is_tried_again_all_at_once() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    let refused =
        json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550, "times": 0 }]);
    nexora.faults(refused).await;
    for number in 0..3 {
        let mut one = enquiry();
        one.email = format!("jo{number}@example.com");
        nexora.submit(one).await;
    }
    nexora.settle().await;
    let machine = Machine::of(&nexora);
    let (status, out, error) = machine.run(&["effect", "retry", "--all"]);
    assert_eq!(status, 8, "{out}{error}");
    assert!(
        error.contains("3  acme: mail.send, ") && error.contains("this tries 3 effects again"),
        "{error}"
    );
    for (words, code, said) in [
        ("effect retry", 2, "--all"),
        ("effect retry --state delivered", 2, "is not tried again"),
        ("effect retry --connection google --yes", 0, "no such effect is dead"),
        ("effect retry --connection other", 4, "no connection `other`"),
        ("effect retry --all --all-tenants --tenant acme", 2, "do not go together"),
        ("run retry", 2, "--automation NAME"),
        ("lead requeue", 2, "--since 3days"),
        ("lead requeue --since 2020-01-01", 0, "something ran for every lead"),
        ("lead requeue --since soon", 2, "write it like"),
    ] {
        let (status, out, error) = machine.run(&words.split(' ').collect::<Vec<_>>());
        assert!(status == code && error.contains(said), "{words}: {status} {out}{error}");
    }
    nexora.clear_faults().await;
    let words = ["effect", "retry", "--state", "dead", "--connection", "smtp", "--yes", "--output", "json"];
    let (status, out, error) = machine.run(&words);
    let done: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, done.as_array().unwrap().len()), (0, 3), "{out}{error}");
    assert!(done.as_array().unwrap().iter().all(|done| done["ok"] == true), "{out}");
    // The command went by the machine's own clock.
    nexora.app.clock.set(nexora_core::base::clock::Clock::System.now());
    nexora.settle().await;
    assert_eq!(sent(&nexora), 3);
    let (status, _, error) = machine.run(&["run", "retry", "--all", "--yes"]);
    assert!(status == 0 && error.contains("no such run has failed"), "{error}");
}
