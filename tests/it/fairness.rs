//! No tenant can starve another, however long its queue.

use std::collections::HashSet;

use nexora::ops;
use nexora::pipeline::intake::{self, Offer};
use nexora_store::due::{self, Queue};

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};

on_both!(
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
