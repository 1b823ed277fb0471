//! What was answered with "yes" is there, what was not is not, and tenants cannot meet.

use std::sync::Arc;

use diesel::RunQueryDsl as _;
use nexora::ops;
use nexora::pipeline::intake::{self, Intake, Offer};
use nexora_core::base::Kind;
use nexora_core::model::LeadId;
use nexora_store::{Conn, lead, migration};

use crate::harness::{Backend, Database, Nexora, enquiry, new_tenant, on_both};

fn sql(conn: &mut Conn, text: &str) -> nexora_core::base::Result<()> {
    let query = diesel::sql_query(text);
    match conn {
        Conn::Sqlite(conn) => query.execute(conn)?,
        Conn::Postgres(conn) => query.execute(&mut **conn)?,
    };
    Ok(())
}

/// Offers `count` leads at once and returns the ids of those that were accepted.
async fn offer(nexora: &Nexora, count: usize) -> (Vec<LeadId>, usize) {
    let tenant = Arc::new(nexora.tenant.clone());
    let offers: Vec<_> = (0..count)
        .map(|_| {
            let (app, tenant) = (Arc::clone(&nexora.app), Arc::clone(&tenant));
            tokio::spawn(async move { intake::accept(&app, &tenant, Offer::of(enquiry())).await })
        })
        .collect();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for offer in offers {
        match offer.await.unwrap() {
            Ok(Intake::Accepted(id, _)) => accepted.push(id),
            Ok(Intake::Invalid(faults)) => panic!("{faults:?}"),
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
                refused += 1;
            }
        }
    }
    (accepted, refused)
}

async fn stored(nexora: &Nexora) -> Vec<LeadId> {
    let id = nexora.tenant.id.clone();
    let leads = nexora
        .app
        .db
        .read(move |conn| lead::list(&mut conn.of(&id), &lead::Filter::default(), 100_000))
        .await
        .unwrap();
    leads.into_iter().map(|lead| lead.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_it_cannot_keep_and_keeps_what_it_accepted() {
    let nexora = Nexora::with_sandbox(Backend::Sqlite).await;
    // SQLite then fails as on a full disk: there is no page left to write to.
    nexora.app.db.write(|conn| sql(conn, "PRAGMA max_page_count = 1")).await.unwrap();
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for _ in 0..20 {
        let (yes, no) = offer(&nexora, 64).await;
        accepted.extend(yes);
        refused += no;
    }
    assert!(refused > 0, "the disk was never full");
    let mut stored = stored(&nexora).await;
    stored.sort();
    accepted.sort();
    assert_eq!(stored, accepted);
    assert_eq!(offer(&nexora, 1).await.1, 0, "once there is room, leads are taken again");
}

on_both!(
    a_failing_write_undoes_only_itself,
    the_database_refuses_a_reference_across_tenants,
    a_database_newer_than_the_program_is_refused,
    the_audit_trail_shows_who_did_what,
);

async fn a_failing_write_undoes_only_itself(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let db = nexora.app.db.clone();
    let writes: Vec<_> = (0..40)
        .map(|number| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write(move |conn| {
                    let email = format!("u{number}@example.com");
                    sql(conn, &format!("INSERT INTO users VALUES ('user_{number}', '{email}', '{email}', '', false, NULL, 'active', 0, 0)"))?;
                    if number % 2 == 1 {
                        return sql(conn, "INSERT INTO users SELECT * FROM users");
                    }
                    Ok(())
                })
                .await
            })
        })
        .collect();
    let mut good = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(()) => good += 1,
            Err(error) => assert_eq!(error.kind(), Kind::Conflict, "{error:?}"),
        }
    }
    assert_eq!(good, 20);
    assert_eq!(ops::access::user::list(&nexora.app, None).await.unwrap().len(), 20);
}

async fn the_database_refuses_a_reference_across_tenants(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.submit(enquiry()).await;
    nexora.settle().await;
    let other = ops::tenant::create(&nexora.app, &nexora.actor, new_tenant("other")).await.unwrap();
    let run = nexora.lead(&id).await.runs[0].run.id.clone();
    let moved = format!("UPDATE steps SET tenant_id = '{}' WHERE run_id = '{run}'", other.id);
    let refused = nexora.app.db.write(move |conn| sql(conn, &moved)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict);
    assert!(ops::lead::find(&nexora.app, &other, &id).await.is_err(), "another tenant does not see the lead");
    assert!(ops::automation::run::find(&nexora.app, &other, &run).await.is_err(), "nor the run");
}

async fn a_database_newer_than_the_program_is_refused(backend: Backend) {
    let database = Database::fresh(backend).await;
    let db = database.open().await;
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    db.write(move |conn| sql(conn, newer)).await.unwrap();
    let error = db.read(migration::check).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("newer than this program"), "{error}");
}

async fn the_audit_trail_shows_who_did_what(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let id = nexora.tenant.id.clone();
    let entries =
        nexora.app.db.read(move |conn| nexora_store::audit::list(conn, Some(&id), 100)).await.unwrap();
    let actions: Vec<&str> = entries.iter().rev().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["tenant.create", "connection.add", "connection.add", "automation.enable"]);
    assert!(entries.iter().all(|entry| entry.actor == "operator:tester"));
}
