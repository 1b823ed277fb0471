//! No tenant can starve another, however long its queue.

use std::collections::HashSet;

use nexora::ops;
use nexora::pipeline::intake::{self, Offer};
use nexora_core::model::run::RunState;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_store::due::{self, Queue};
use nexora_store::run::{self, Filter};

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};
use crate::scene::{Scene, definition};

on_both!(
    a_text_without_end_fails_its_own_runs_and_nobody_elses,
    a_trigger_that_cannot_be_read_holds_up_no_other_automation,
    a_small_tenant_is_served_beside_a_large_one,
    a_paused_automation_holds_its_runs_and_resuming_lets_them_go,
);

async fn a_small_tenant_is_served_beside_a_large_one(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    for _ in 0..60 {
        nexora.submit(enquiry()).await;
    }
    let mut small = Vec::new();
    for slug in ["beta", "gamma", "delta"] {
        let tenant = ops::tenant::create(&nexora.app, &nexora.actor, new_tenant(slug)).await.unwrap();
        intake::accept(&nexora.app, &tenant, Offer::of(enquiry())).await.unwrap();
        small.push(tenant.id);
    }
    let now = nexora.app.clock.now();
    let mut served = HashSet::new();
    let mut after = None;
    for _ in 0..2 {
        let place = after.clone();
        let share = nexora
            .app
            .db
            .write(move |conn| due::take(conn, Queue::Events, now, 8, place.as_ref()))
            .await
            .unwrap();
        assert!(share.more && share.rows.len() <= 8, "{share:?}");
        served.extend(share.rows.into_iter().map(|row| row.tenant_id));
        after = share.after;
    }
    assert!(small.iter().all(|tenant| served.contains(tenant)), "every small tenant had its share");
    assert!(served.contains(&nexora.tenant.id), "and so had the large one");
}

/// A text whose loops never end in any time that counts, of several leads, beside one that is short.
async fn a_text_without_end_fails_its_own_runs_and_nobody_elses(backend: Backend) {
    let scene = Scene::new(backend).await;
    let list = "lead.message | list";
    let open = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{{% for {name} in {list} %}}")).concat();
    let endless = format!("{open}x{}", "{% endfor %}".repeat(6));
    for (name, reason) in [("endless", endless.as_str()), ("honest", "seen {{ lead.name }}")] {
        let text = format!(
            "[[trigger]]\non = \"lead.received\"\n\
             [[step]]\nid = \"tell\"\naction = \"stop\"\nwith = {{ reason = \"{reason}\" }}\n"
        );
        scene.write(&format!("automations/{name}.toml"), &definition(name, &text));
        scene.enable(name).await;
    }
    let nexora = &scene.nexora;
    for number in 0..5 {
        let lead = Enquiry { message: format!("{number} ").repeat(300), ..enquiry() };
        nexora.submit(lead).await;
    }
    nexora.settle().await;
    let runs = nexora.app.view(&nexora.tenant, |tx| run::list(tx, &Filter::default(), 50)).await.unwrap();
    let reasons = |state| -> Vec<String> {
        let of_state = runs.iter().filter(|run| run.state == state);
        of_state.map(|run| run.reason.clone().unwrap_or_default()).collect()
    };
    let (failed, succeeded) = (reasons(RunState::Failed), reasons(RunState::Succeeded));
    assert_eq!((failed.len(), succeeded.len()), (5, 5), "{runs:?}");
    assert!(
        failed.iter().all(|reason| reason.starts_with("step `tell` failed") && reason.contains("steps: "))
    );
    assert!(succeeded.iter().all(|reason| reason.starts_with("seen ")), "{succeeded:?}");
    assert!(nexora.app.turns.late(std::time::Instant::now()).is_empty());
}

/// An automation stored by an earlier version, whose trigger the program of today refuses.
async fn a_trigger_that_cannot_be_read_holds_up_no_other_automation(backend: Backend) {
    let scene = Scene::new(backend).await;
    let nexora = &scene.nexora;
    let step = "[[step]]\nid = \"tell\"\naction = \"stop\"\nwith = { reason = \"seen\" }\n";
    let old = "[[trigger]]\non = \"lead.received\"\n[[trigger]]\non = \"lead.changed\"\nis = [\"won\"]\n";
    let plain = "[[trigger]]\non = \"lead.received\"\n";
    for (name, trigger) in [("old", old), ("honest", plain)] {
        scene.write(&format!("automations/{name}.toml"), &definition(name, &format!("{trigger}{step}")));
        let (app, actor, tenant) = (&nexora.app, &nexora.actor, &nexora.tenant);
        ops::automation::enable(app, actor, tenant, name, &std::collections::BTreeMap::new(), false)
            .await
            .unwrap();
    }
    // As a further version, since one that was read is kept in memory.
    let changes = [
        "INSERT INTO automation_versions SELECT tenant_id, automation_id, number + 1, \
         replace(definition, '\"won\"', '\"{{ 9 * 9 ~ nobody }}\"'), settings, templates, created_at, created_by, language \
         FROM automation_versions WHERE definition LIKE '%name = \"old\"%'",
        "UPDATE automations SET live_version = live_version + 1 WHERE name = 'old'",
    ];
    let changed = nexora.app.db.write(move |conn| {
        for sql in changes {
            let rows = match conn {
                nexora_store::Conn::Sqlite(conn) => {
                    diesel::RunQueryDsl::execute(diesel::sql_query(sql), conn)?
                }
                nexora_store::Conn::Postgres(conn) => {
                    diesel::RunQueryDsl::execute(diesel::sql_query(sql), &mut **conn)?
                }
            };
            assert_eq!(rows, 1, "{sql}");
        }
        Ok(())
    });
    changed.await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    let runs = nexora.app.view(&nexora.tenant, |tx| run::list(tx, &Filter::default(), 9)).await.unwrap();
    let ended =
        |state| runs.iter().find(|run| run.state == state).and_then(|run| run.reason.clone()).unwrap();
    assert_eq!((runs.len(), ended(RunState::Succeeded).as_str()), (2, "seen"), "{runs:?}");
    assert!(ended(RunState::Cancelled).starts_with("its triggers cannot be read: in `{{ 9 * 9"), "{runs:?}");
}

async fn a_paused_automation_holds_its_runs_and_resuming_lets_them_go(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    ops::automation::pause(&nexora.app, &nexora.actor, &nexora.tenant, "lead-capture").await.unwrap();
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert!(nexora.effects(&id).await.is_empty(), "nothing is promised while paused");
    ops::automation::resume(&nexora.app, &nexora.actor, &nexora.tenant, "lead-capture").await.unwrap();
    nexora.settle().await;
    assert_eq!(nexora.effects(&id).await.len(), 4);

    ops::connection::pause(&nexora.app, &nexora.actor, &nexora.tenant, "smtp").await.unwrap();
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(nexora.effects(&id).await["alert"], nexora_core::model::effect::EffectState::Pending);
    ops::connection::resume(&nexora.app, &nexora.actor, &nexora.tenant, "smtp").await.unwrap();
    nexora.settle().await;
    assert_eq!(nexora.effects(&id).await["alert"], nexora_core::model::effect::EffectState::Delivered);
}
