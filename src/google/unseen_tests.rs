//! What is asked after a backup was restored: whether an effect happened of which nothing is noted.

use std::time::Duration;

use serde_json::json;

use crate::bench::{Bench, OFFICE, mail, sent};
use nexora_connector::port::Delivery;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::EffectId;
use nexora_core::model::outcome::{Outcome, ReconcileResult};
use nexora_core::model::request::{AppendRow, CreateEvent, EffectRequest};

/// Returns the same request, promised anew: with another id, and with the mark that is given.
fn anew(bench: &Bench, earlier: &Delivery, mark: &str) -> Delivery {
    bench.clock.advance(Duration::from_secs(7_200));
    let at = bench.clock.now();
    Delivery {
        effect_id: EffectId::new(at),
        mark: mark.to_owned(),
        evidence: None,
        created_at: at,
        attempted_at: at,
        unseen_since: Some(earlier.created_at),
        ..earlier.clone()
    }
}

fn is_unknown(found: &ReconcileResult) -> bool {
    matches!(found, ReconcileResult::Unknown { .. })
}

async fn done(bench: &Bench, delivery: &mut Delivery) {
    let outcome = bench.perform(delivery).await;
    assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_mail_is_known_by_its_mark_and_one_like_it_is_not_taken_for_it() {
    let bench = Bench::start().await;
    let mut first = bench.delivery(sent(mail("Hello")));
    assert_eq!(bench.ask(&anew(&bench, &first, "mark_1")).await, ReconcileResult::NotDelivered);
    first.mark = "mark_1".to_owned();
    done(&bench, &mut first).await;
    let again = anew(&bench, &first, "mark_1");
    assert!(matches!(bench.ask(&again).await, ReconcileResult::Delivered(_)));
    // Without a restore nothing is looked for that was not noted.
    let unasked = Delivery { unseen_since: None, ..again };
    assert_eq!(bench.ask(&unasked).await, ReconcileResult::NotDelivered);
    assert!(is_unknown(&bench.ask(&anew(&bench, &first, "mark_2")).await));
    let mut other = mail("Hello");
    other.subject = "Something else".to_owned();
    let other = Delivery { request: sent(other), ..anew(&bench, &first, "mark_3") };
    assert_eq!(bench.ask(&other).await, ReconcileResult::NotDelivered);
}

#[tokio::test]
async fn a_row_is_known_by_its_mark_and_later_by_its_cells() {
    let bench = Bench::start().await;
    let sheet = json!({ "title": "Leads", "rows": [["Name", "Phone", "Lead", "Note"]], "columns": 26 });
    bench.steer("seed", &json!({ "spreadsheets": [{ "id": "leads", "sheets": [sheet] }] })).await;
    let row = |id: &str| {
        let cells = [("Name", "Jo"), ("Phone", "512"), ("Lead", id), ("Note", "cold"), ("Empty", "")];
        let cells = cells.map(|(header, cell)| (header.to_owned(), cell.to_owned())).to_vec();
        EffectRequest::AppendRow(AppendRow {
            spreadsheet: "leads".to_owned(),
            sheet: "Leads".to_owned(),
            cells,
        })
    };
    let mut first = bench.delivery(row("lead_1"));
    first.mark = "mark_1".to_owned();
    assert_eq!(bench.ask(&anew(&bench, &first, "mark_1")).await, ReconcileResult::NotDelivered);
    done(&bench, &mut first).await;
    assert!(matches!(bench.ask(&anew(&bench, &first, "mark_1")).await, ReconcileResult::Delivered(_)));
    // The mark has had its time, or what came again has another one.
    assert!(matches!(bench.ask(&anew(&bench, &first, "mark_2")).await, ReconcileResult::Delivered(_)));
    let alike = Delivery { request: row("lead_2"), ..anew(&bench, &first, "mark_3") };
    assert!(is_unknown(&bench.ask(&alike).await));
    let EffectRequest::AppendRow(mut other) = row("lead_2") else { panic!("no row") };
    other.cells = vec![("Name".to_owned(), "Al".to_owned()), ("Phone".to_owned(), "713".to_owned())];
    let other = Delivery { request: EffectRequest::AppendRow(other), ..anew(&bench, &first, "mark_4") };
    assert_eq!(bench.ask(&other).await, ReconcileResult::NotDelivered);
}

fn visit(at: Timestamp) -> CreateEvent {
    CreateEvent {
        calendar: OFFICE.to_owned(),
        title: "Call back Jo".to_owned(),
        description: String::new(),
        location: None,
        start: at,
        end: at + Duration::from_secs(900),
        timezone: "America/Chicago".to_owned(),
        attendees: Vec::new(),
        notify: false,
        slot: None,
    }
}

#[tokio::test]
async fn an_entry_is_known_by_its_mark_and_one_like_it_is_left_to_a_person() {
    let bench = Bench::start().await;
    let at = bench.clock.now() + Duration::from_secs(86_400);
    let mut first = bench.delivery(EffectRequest::CreateEvent(visit(at)));
    first.mark = "mark_1".to_owned();
    assert_eq!(bench.ask(&anew(&bench, &first, "mark_1")).await, ReconcileResult::NotDelivered);
    done(&bench, &mut first).await;
    assert!(matches!(bench.ask(&anew(&bench, &first, "mark_1")).await, ReconcileResult::Delivered(_)));
    assert!(is_unknown(&bench.ask(&anew(&bench, &first, "mark_2")).await));
    let other = CreateEvent { title: "Call back Al".to_owned(), ..visit(at) };
    let other = Delivery { request: EffectRequest::CreateEvent(other), ..anew(&bench, &first, "mark_3") };
    assert_eq!(bench.ask(&other).await, ReconcileResult::NotDelivered);
}
