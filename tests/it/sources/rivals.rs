//! What comes in at the same moment: it is one person, once, and nobody waits for ever.

use std::sync::Barrier;

use futures_util::future::join_all;
use nexora::ops::record;
use nexora_core::base::{Kind, Result};
use nexora_core::model::contact::AddressKind;
use nexora_core::model::record::CONTACT;
use nexora_store::{Conn, contact, event};

use super::*;
use crate::harness::{Backend, Nexora, START};

async fn contacts(site: &Site) -> usize {
    let Nexora { app, tenant, .. } = &site.nexora;
    let found = record::count(app, tenant, &CONTACT, record::Wanted::newest(1)).await.unwrap();
    usize::try_from(found).unwrap()
}

/// Makes a Facebook call that tells of these leads.
fn telling(secret: &str, ids: impl Iterator<Item = u32>) -> Call {
    let changes: Vec<Value> =
        ids.map(|id| json!({ "field": "leadgen", "value": { "leadgen_id": id.to_string() } })).collect();
    let body = json!({ "object": "page", "entry": [{ "id": "page-9", "changes": changes }] });
    call("facebook", secret, &body.to_string())
}

on_both!(
    copies_at_once_make_one_lead_and_one_contact,
    leads_of_one_new_person_at_once_have_one_contact,
    calls_that_tell_of_the_same_leads_in_another_order_are_both_taken,
    who_is_undone_for_another_may_try_again,
    a_copy_leaves_neither_a_contact_nor_a_consent,
);

async fn copies_at_once_make_one_lead_and_one_contact(backend: Backend) {
    let site = Site::open_and(backend, |config| config.intake.address_per_minute = 0).await;
    let lead = json!({
        "name": "Jo Miller", "email": "jo@example.com", "phone": "(512) 555-0142", "message": "No hot water",
    });
    let copy = || async {
        let request = site.client.post(format!("{}/lead/acme", site.base)).header("idempotency-key", "k1");
        request.json(&lead).send().await.unwrap().status()
    };
    for status in join_all((0..12).map(|_| copy())).await {
        assert!(status.is_success(), "{status}");
    }
    assert_eq!((leads(&site).await.len(), contacts(&site).await), (1, 1));
}

async fn leads_of_one_new_person_at_once_have_one_contact(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("json")).await;
    let secret = shown.secrets.secret.expose();
    let tell = |number: u32| {
        let body = json!({ "ref": number, "name": "Jo", "email": "jo@example.com", "phone": "5125550142" });
        let call = call("json", secret, &body.to_string());
        let site = &site;
        async move { send(site, "/hooks/acme/hook", &call).await.status }
    };
    assert_eq!(join_all((0..8).map(tell)).await, [StatusCode::OK; 8]);
    let kept = leads(&site).await;
    assert_eq!((kept.len(), contacts(&site).await), (8, 1));
    assert!(kept.iter().all(|lead| lead.contact_id == kept[0].contact_id));
    let (tenant_id, id) = (site.nexora.tenant.id.clone(), kept[0].contact_id.clone().unwrap());
    let addresses =
        site.nexora.app.db.read(move |conn| contact::addresses(&mut conn.of(&tenant_id), &id)).await;
    assert_eq!(
        addresses.unwrap().iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
        [AddressKind::Email, AddressKind::Phone]
    );
}

async fn calls_that_tell_of_the_same_leads_in_another_order_are_both_taken(backend: Backend) {
    let site = Site::open(backend).await;
    let shown = add(&site.nexora, &site.nexora.tenant, new_source("facebook")).await;
    let secret = shown.secrets.secret.expose();
    for round in 0..5 {
        let ids = (round * 1_000 + 10_000)..(round * 1_000 + 10_100);
        let calls = [telling(secret, ids.clone()), telling(secret, ids.rev())];
        for answer in join_all(calls.iter().map(|call| send(&site, "/hooks/acme/hook", call))).await {
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "EVENT_RECEIVED"));
        }
    }
    let told =
        ops::lead::source::notices(&site.nexora.app, &site.nexora.tenant, None, None, 1_000).await.unwrap();
    assert_eq!(told.len(), 500);
}

async fn who_is_undone_for_another_may_try_again(backend: Backend) {
    if matches!(backend, Backend::Sqlite) {
        // It has one writer: nobody waits for anybody in a circle.
        return;
    }
    let site = Site::open(backend).await;
    let (db, tenant) = (&site.nexora.app.db, &site.nexora.tenant.id);
    // Each holds what the other wants next.
    let both = std::sync::Arc::new(Barrier::new(2));
    let hold = |first: &'static str, second: &'static str| {
        let (both, tenant) = (std::sync::Arc::clone(&both), tenant.clone());
        db.write(move |conn| {
            event::hold_key(&mut conn.of(&tenant), first)?;
            both.wait();
            event::hold_key(&mut conn.of(&tenant), second)
        })
    };
    let (one, other) = tokio::join!(hold("a", "b"), hold("b", "a"));
    let undone: Vec<Kind> =
        [one, other].into_iter().filter_map(Result::err).map(|error| error.kind()).collect();
    assert_eq!(undone, [Kind::Unavailable]);
    // One waits for longer than it may.
    let holder = {
        let (both, tenant) = (std::sync::Arc::clone(&both), tenant.clone());
        db.write(move |conn| {
            event::hold_key(&mut conn.of(&tenant), "c")?;
            both.wait();
            both.wait();
            Ok(())
        })
    };
    let impatient = {
        let tenant = tenant.clone();
        db.write(move |conn| {
            if let Conn::Postgres(conn) = &mut *conn {
                let sql = diesel::sql_query("SET LOCAL lock_timeout = '10ms'");
                diesel::RunQueryDsl::execute(sql, &mut **conn).unwrap();
            }
            both.wait();
            let held = event::hold_key(&mut conn.of(&tenant), "c");
            both.wait();
            held
        })
    };
    let (held, given_up) = tokio::join!(holder, impatient);
    held.unwrap();
    assert_eq!(given_up.unwrap_err().kind(), Kind::Unavailable);
}

async fn a_copy_leaves_neither_a_contact_nor_a_consent(backend: Backend) {
    use nexora::pipeline::intake::{self, Arrival, Identity};
    use nexora_core::model::lead::{Attribution, Details, NewLead};
    let site = Site::open(backend).await;
    let tenant = site.nexora.tenant.id.clone();
    let arrival = |email: &str| Arrival {
        identity: Some(Identity::Key("lead:k1".into())),
        ..Arrival::of(NewLead {
            name: "Jo".into(),
            email: Some(email.parse().unwrap()),
            phone: None,
            service: None,
            message: None,
            address: None,
            postcode: None,
            preferred_time: None,
            source: "web".into(),
            attribution: Attribution::default(),
            details: Details::default(),
            is_test: false,
            cost_cents: None,
        })
    };
    // The second is another lead with the same key; the caller decides to go on, and nothing of it stays.
    let copies = [arrival("jo@example.com"), arrival("jo@example.com"), arrival("al@example.com")];
    let stored = site.nexora.app.db.write(move |conn| {
        let kinds = copies
            .map(|copy| intake::store(&mut conn.of(&tenant), copy, START).map_err(|error| error.kind()));
        Ok(kinds.map(|stored| stored.map(|(_, inserted)| inserted)))
    });
    use nexora_store::Inserted;
    assert_eq!(stored.await.unwrap(), [Ok(Inserted::New), Ok(Inserted::AlreadyThere), Err(Kind::Conflict)]);
    assert_eq!((leads(&site).await.len(), contacts(&site).await), (1, 1));
}
