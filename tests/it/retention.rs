//! Data is kept for as long as the tenant, or else the configuration, says of its kind, and no longer.

use std::collections::BTreeMap;
use std::time::Duration;

use nexora::domain::report::audit::look;
use nexora::ops::contact::erasure;
use nexora::ops::report::{books, retention};
use nexora::ops::{job, tenant};
use nexora::pipeline::prune;
use nexora_core::model::change::JobPerson;
use nexora_core::model::retention::Kept;
use nexora_core::model::tenant::Tenant;

use crate::harness::{Backend, Nexora, enquiry, new_tenant, on_both};
use crate::machine::Machine;

on_both!(
    a_tenant_keeps_data_for_as_long_as_it_says_and_others_as_the_configuration_says,
    a_person_with_whom_nothing_happened_any_more_is_forgotten,
);

const DAY: Duration = Duration::from_secs(86_400);

async fn prune_all(nexora: &Nexora) {
    while prune::sweep(&nexora.app).await.unwrap().more {}
}

/// Returns how many rows a tenant has of each kind, and how many are kept no longer.
async fn held(nexora: &Nexora, tenant: &Tenant) -> BTreeMap<Kept, (i64, i64)> {
    let tenant = tenant::find(&nexora.app, &tenant.slug).await.unwrap();
    let kinds = retention::of(&nexora.app, &tenant).await.unwrap();
    kinds.into_iter().map(|kind| (kind.kind, (kind.rows, kind.over))).collect()
}

async fn set(nexora: &Nexora, tenant: &Tenant, changes: &[(&str, &str)]) {
    let changes: Vec<(String, String)> =
        changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    tenant::set(&nexora.app, &nexora.actor, &tenant.slug, &changes).await.unwrap();
}

async fn a_tenant_keeps_data_for_as_long_as_it_says_and_others_as_the_configuration_says(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    let beta = tenant::create(app, actor, new_tenant("beta")).await.unwrap();
    nexora.add_smtp_to(&beta).await;
    nexora.enable_for(&beta, &[("sheet_id", ""), ("chase_after", "")]).await;
    nexora.submit(enquiry()).await;
    nexora.submit_to(&beta, enquiry()).await;
    nexora.settle().await;
    set(&nexora, tenant, &[("keep_runs", "30"), ("keep_messages", "30")]).await;
    set(&nexora, &beta, &[("keep_runs", "forever")]).await;
    assert!(held(&nexora, tenant).await[&Kept::Messages].0 > 0);
    let messages = held(&nexora, &beta).await[&Kept::Messages];
    app.clock.advance(DAY * 31);
    assert_eq!(held(&nexora, tenant).await[&Kept::Runs], (1, 1));
    prune_all(&nexora).await;
    let (ours, theirs) = (held(&nexora, tenant).await, held(&nexora, &beta).await);
    assert_eq!((ours[&Kept::Runs], ours[&Kept::Messages]), ((0, 0), (0, 0)));
    assert_eq!(theirs[&Kept::Runs], (1, 0));
    assert_eq!(theirs[&Kept::Messages], messages, "the configuration keeps them for ever");
    for tenant in [tenant, &beta] {
        let tenant = tenant::find(app, &tenant.slug).await.unwrap();
        let balanced = books::of(app, Some(tenant)).await.unwrap().remove(0).books;
        assert_eq!(balanced.unaccounted(), 0, "{balanced:?}");
    }
    app.clock.advance(DAY * 500);
    prune_all(&nexora).await;
    assert_eq!(held(&nexora, &beta).await[&Kept::Runs], (1, 0), "what is kept for ever stays");
    // What the configuration says holds again.
    set(&nexora, &beta, &[("keep_runs", "")]).await;
    prune_all(&nexora).await;
    assert_eq!(held(&nexora, &beta).await[&Kept::Runs], (0, 0));
}

async fn a_person_with_whom_nothing_happened_any_more_is_forgotten(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    set(&nexora, tenant, &[("keep_people", "365")]).await;
    nexora.submit(enquiry()).await;
    let mut open = enquiry();
    open.email = "open@example.com".into();
    open.phone = "(512) 555-0177".into();
    let open = nexora.submit(open).await;
    nexora.settle().await;
    let contact_id = nexora.lead(&open).await.lead.contact_id;
    let new = job::NewJob {
        title: "Boiler".into(),
        person: JobPerson { contact_id, ..JobPerson::default() },
        address: None,
        zone: None,
        amount_cents: None,
        scheduled_at: None,
    };
    job::add(app, actor, tenant, new).await.unwrap();
    nexora.settle().await;
    app.clock.advance(DAY * 200);
    prune_all(&nexora).await;
    assert_eq!(held(&nexora, tenant).await[&Kept::People], (2, 0));
    // Who comes back within the time begins it anew.
    let mut again = enquiry();
    again.message = "The same again.".into();
    nexora.submit(again).await;
    nexora.settle().await;
    app.clock.advance(DAY * 300);
    prune_all(&nexora).await;
    assert_eq!(held(&nexora, tenant).await[&Kept::People].0, 2);
    app.clock.advance(DAY * 70);
    assert_eq!(held(&nexora, tenant).await[&Kept::People], (2, 1));
    prune_all(&nexora).await;
    assert_eq!(held(&nexora, tenant).await[&Kept::People], (1, 0), "for whom something is open is kept");
    let receipts = erasure::receipts(app, tenant).await.unwrap();
    assert_eq!(
        receipts.iter().map(|receipt| receipt.actor.as_str()).collect::<Vec<_>>(),
        ["system:retention"]
    );
    assert_eq!(look(app, None, None).await.unwrap().troubles, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_says_by_whose_word_and_how_much() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    nexora.submit(enquiry()).await;
    let machine = Machine::of(&nexora);
    let (status, _, error) = machine.run(&["tenant", "set", "acme", "keep_events=20"]);
    assert_eq!(status, 2, "{error}");
    assert!(error.contains("35"), "{error}");
    assert_eq!(machine.run(&["tenant", "set", "acme", "keep_people=1095"]).0, 0);
    let report = machine.json(&["retention", "report"]);
    let of = |kind: &str| report.as_array().unwrap().iter().find(|one| one["kind"] == kind).unwrap().clone();
    assert_eq!((of("people")["days"].as_i64(), of("people")["is_own"].as_bool()), (Some(1_095), Some(true)));
    assert_eq!((of("messages")["days"].as_i64(), of("messages")["is_own"].as_bool()), (None, Some(false)));
    assert_eq!(of("people")["rows"], 1);
}
