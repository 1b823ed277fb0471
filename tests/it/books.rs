//! The books balance: everything that was received was handled, waits, failed or was ignored for a reason. What is none
//! of these is told; and so is an unusual silence.

use std::time::Duration;

use nexora::domain::report::books::Books;
use nexora::domain::report::health::Level;
use nexora::ops::report::books;
use nexora::ops::report::survey::survey;
use nexora::ops::{automation, connection, lead, tenant};
use nexora::pipeline::books as nightly;
use nexora_store::Conn;
use serde_json::json;

use crate::harness::{Backend, Nexora, enquiry, on_both};
use crate::machine::Machine;

on_both!(
    what_was_received_adds_up_whatever_became_of_it,
    what_nobody_would_take_up_again_is_found_told_and_cleared,
    an_unusual_silence_is_told_until_the_next_lead,
);

async fn edit(nexora: &Nexora, text: &str) {
    let text = text.to_owned();
    let write = move |conn: &mut Conn| {
        let query = diesel::sql_query(text);
        match conn {
            Conn::Sqlite(conn) => diesel::RunQueryDsl::execute(query, conn)?,
            Conn::Postgres(conn) => diesel::RunQueryDsl::execute(query, &mut **conn)?,
        };
        Ok(())
    };
    nexora.app.db.write(write).await.unwrap();
}

async fn load(nexora: &Nexora) -> Books {
    books::of(&nexora.app, Some(nexora.tenant.clone())).await.unwrap().remove(0).books
}

fn line(books: &Books, noun: &str) -> [i64; 6] {
    let account = books.accounts.iter().find(|account| account.noun == noun).unwrap();
    let all = [account.received, account.handled, account.waiting, account.failed, account.ignored];
    assert_eq!(all[0], all[1..].iter().sum::<i64>() + account.unaccounted, "{account:?}");
    [all[0], all[1], all[2], all[3], all[4], account.unaccounted]
}

async fn what_was_received_adds_up_whatever_became_of_it(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let Nexora { app, actor, tenant, .. } = &nexora;
    // One is handled, one is a test, one is spam, one came while nothing was enabled, one waits for a pause.
    nexora.submit(enquiry()).await;
    let mut test = enquiry();
    test.is_test = true;
    nexora.submit(test).await;
    let spam = nexora.submit(enquiry()).await;
    nexora.settle().await;
    lead::spam(app, actor, tenant, &spam).await.unwrap();
    automation::disable(app, actor, tenant, "lead-capture").await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    automation::resume(app, actor, tenant, "lead-capture").await.unwrap();
    automation::pause(app, actor, tenant, "lead-capture").await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    let all = load(&nexora).await;
    assert_eq!(line(&all, "leads"), [5, 2, 0, 0, 3, 0], "{all:?}");
    assert_eq!(line(&all, "runs")[2], 1, "the parked run waits: {all:?}");
    assert_eq!(all.unaccounted(), 0, "{all:?}");
    let why: Vec<&str> = all.accounts[0].reasons.iter().map(|reason| reason.reason.as_str()).collect();
    assert!(why.contains(&"held back as spam") && why.contains(&"a test"), "{why:?}");
    // A connection that refuses us makes effects wait, and one that refuses a recipient makes one fail.
    automation::resume(app, actor, tenant, "lead-capture").await.unwrap();
    nexora.faults(json!([{ "service": "smtp", "call": "rcpt", "fault": "status", "status": 550 }])).await;
    connection::pause(app, actor, tenant, "google").await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    let all = load(&nexora).await;
    assert_eq!(all.unaccounted(), 0, "{all:?}");
    let effects = line(&all, "effects");
    assert!(effects[2] > 0 && effects[3] > 0, "{all:?}");
    tenant::suspend(app, actor, &tenant.slug).await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(load(&nexora).await.unaccounted(), 0);
}

async fn what_nobody_would_take_up_again_is_found_told_and_cleared(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    nexora.app.heart.beat(&nexora.app.db, &nexora.app.clock).await.unwrap();
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(nightly::sweep(&nexora.app).await.unwrap(), 0);
    for (lose, find, noun) in [
        (
            "UPDATE effects SET state = 'pending', settled_at = NULL, due_at = NULL WHERE kind = 'sheets.append_row'",
            "UPDATE effects SET state = 'delivered', settled_at = 1 WHERE kind = 'sheets.append_row'",
            "effects",
        ),
        (
            "UPDATE runs SET state = 'waiting', finished_at = NULL, due_at = NULL",
            "UPDATE runs SET state = 'succeeded', finished_at = 1",
            "runs",
        ),
        (
            "UPDATE events SET due_at = NULL, state = 'pending' WHERE kind = 'lead.received'",
            "UPDATE events SET state = 'dispatched' WHERE kind = 'lead.received'",
            "events",
        ),
    ] {
        edit(&nexora, lose).await;
        let lost = load(&nexora).await;
        assert!(line(&lost, noun)[5] > 0, "{noun}: {lost:?}");
        assert_eq!(nightly::sweep(&nexora.app).await.unwrap(), 1);
        let seen = survey(&nexora.app, None).await;
        let told = seen.troubles().into_iter().find(|(_, trouble)| trouble.what.contains("do not balance"));
        let (_, trouble) = told.unwrap_or_else(|| panic!("{noun}: {seen:?}"));
        assert!(trouble.what.contains(noun) && trouble.level == Level::Broken, "{trouble:?}");
        assert_eq!(trouble.command, "nexora books --tenant acme");
        edit(&nexora, find).await;
        assert_eq!(nightly::sweep(&nexora.app).await.unwrap(), 0);
        assert_eq!(survey(&nexora.app, None).await.level, Level::Good);
    }
    edit(&nexora, "UPDATE events SET kind = 'manual' WHERE kind = 'lead.received'").await;
    edit(&nexora, "UPDATE runs SET subject_id = 'x'").await;
    assert_eq!(line(&load(&nexora).await, "leads")[5], 1);
    let machine = Machine::of(&nexora);
    let (status, out, error) = machine.run(&["books"]);
    assert!(status == 11 && out.contains("1 thing is unaccounted for"), "{out}{error}");
    let (status, out, _) = machine.run(&["books", "--tenant", "acme", "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &told[0]["accounts"][0]["unaccounted"]), (11, &json!(1)), "{out}");
}

async fn an_unusual_silence_is_told_until_the_next_lead(backend: Backend) {
    let nexora = Nexora::with_sandbox(backend).await;
    let app = &nexora.app;
    let silence = async || {
        app.heart.beat(&app.db, &app.clock).await.unwrap();
        let seen = survey(app, None).await;
        let told =
            seen.troubles().into_iter().find(|(_, trouble)| trouble.what.contains("no lead has come in"));
        told.map(|(_, trouble)| (trouble.what.clone(), trouble.plain.clone()))
    };
    // Six leads each Tuesday morning, for five weeks.
    for _ in 0..5 {
        for _ in 0..6 {
            nexora.submit(enquiry()).await;
            app.clock.advance(Duration::from_secs(1_200));
        }
        nexora.settle().await;
        app.clock.advance(Duration::from_secs(7 * 86_400 - 6 * 1_200));
    }
    assert_eq!(silence().await, None, "so far it is quiet at this hour");
    app.clock.advance(Duration::from_secs(6 * 1_200));
    let (what, plain) = silence().await.unwrap();
    assert!(what.contains("usually about 6 by now"), "{what}");
    assert!(plain.contains("about 6 are usual"), "{plain}");
    nexora.submit(enquiry()).await;
    nexora.settle().await;
    assert_eq!(silence().await, None);
}
