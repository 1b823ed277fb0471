use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::Bench;
use nexora_connector::port::Delivery;
use nexora_core::model::outcome::{Outcome, ReconcileResult};
use nexora_core::model::request::{AppendRow, EffectRequest, IfMissing, UpdateRow};

impl Bench {
    async fn with_sheet(rows: Value, columns: usize) -> Bench {
        let bench = Bench::start().await;
        let sheet = json!({ "title": "Jobs", "rows": rows, "columns": columns });
        bench.steer("seed", &json!({ "spreadsheets": [{ "id": "jobs", "sheets": [sheet] }] })).await;
        bench
    }

    fn rows(&self) -> Value {
        self.sandbox.state()["spreadsheets"]["jobs"]["sheets"][0]["rows"].clone()
    }

    fn marks(&self) -> usize {
        self.sandbox.state()["spreadsheets"]["jobs"]["developer_metadata"].as_array().map_or(0, Vec::len)
    }

    fn append(&self, sheet: &str, cells: &[(&str, &str)]) -> Delivery {
        let cells = cells.iter().map(|(header, cell)| ((*header).to_owned(), (*cell).to_owned())).collect();
        let (spreadsheet, sheet) = ("jobs".to_owned(), sheet.to_owned());
        self.delivery(EffectRequest::AppendRow(AppendRow { spreadsheet, sheet, cells }))
    }

    fn update(&self, key: (&str, &str), cells: &[(&str, &str)]) -> Delivery {
        let cells = cells.iter().map(|(header, cell)| ((*header).to_owned(), (*cell).to_owned())).collect();
        self.delivery(EffectRequest::UpdateRow(UpdateRow {
            spreadsheet: "jobs".to_owned(),
            sheet: "JOBS".to_owned(),
            key: (key.0.to_owned(), key.1.to_owned()),
            cells,
            if_missing: IfMissing::Fail,
        }))
    }

    async fn done(&self, delivery: &mut Delivery) {
        let outcome = self.perform(delivery).await;
        assert!(matches!(outcome, Outcome::Delivered(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_request_that_arrives_late_adds_no_second_row() {
    for late_s in [10, 60, 600] {
        let bench = Bench::with_sheet(json!([["Name"]]), 26).await;
        let call = "spreadsheets.batchUpdate";
        bench
            .fault(json!({ "service": "sheets", "call": call, "fault": "late", "ms": late_s * 1_000 }))
            .await;
        let mut delivery = bench.append("Jobs", &[("Name", "Jo")]);
        assert!(matches!(bench.perform(&mut delivery).await, Outcome::InDoubt { .. }));
        bench.clock.advance(Duration::from_secs(5));
        assert_eq!(bench.ask(&delivery).await, ReconcileResult::NotDelivered);
        bench.done(&mut delivery).await;
        bench.clock.advance(Duration::from_secs(late_s));
        assert_eq!(bench.rows(), json!([["Name"], ["Jo"]]), "{late_s} s");
    }
}

#[tokio::test]
async fn old_marks_are_taken_away_by_later_rows() {
    let bench = Bench::with_sheet(json!([["Name"]]), 26).await;
    for name in ["Jo", "Al"] {
        bench.done(&mut bench.append("Jobs", &[("Name", name)])).await;
    }
    assert_eq!(bench.marks(), 2);
    bench.clock.advance(Duration::from_secs(3_600));
    bench.done(&mut bench.append("Jobs", &[("Name", "Bo")])).await;
    assert_eq!(bench.marks(), 1);
    assert_eq!(bench.rows(), json!([["Name"], ["Jo"], ["Al"], ["Bo"]]));
}

#[tokio::test]
async fn a_sheet_that_is_too_narrow_gets_the_columns_it_lacks() {
    let bench = Bench::with_sheet(json!([["Id", "Status"], ["7", "new"]]), 2).await;
    bench.done(&mut bench.append("Jobs", &[("Id", "8"), ("Phone", "0171"), ("Note", "x")])).await;
    bench.done(&mut bench.update(("Id", "7"), &[("Status", "done"), ("Amount", "12")])).await;
    let wanted = json!([
        ["Id", "Status", "Phone", "Note", "Amount"],
        ["7", "done", "", "", "12"],
        ["8", "", "0171", "x"],
    ]);
    assert_eq!(bench.rows(), wanted);
}

#[tokio::test]
async fn a_sheet_that_is_full_gets_a_row() {
    let bench = Bench::start().await;
    let sheet = json!({ "title": "Jobs", "rows": [["Id"], ["7"]], "row_count": 2, "columns": 1 });
    bench.steer("seed", &json!({ "spreadsheets": [{ "id": "jobs", "sheets": [sheet] }] })).await;
    bench.done(&mut bench.append("Jobs", &[("Id", "8")])).await;
    assert_eq!(bench.rows(), json!([["Id"], ["7"], ["8"]]));
}

#[tokio::test]
async fn a_sheet_is_known_by_its_title_whatever_the_case() {
    let bench = Bench::with_sheet(json!([["Id"]]), 26).await;
    for title in ["JOBS", "jobs"] {
        bench.done(&mut bench.append(title, &[("Id", title)])).await;
    }
    assert_eq!(bench.rows(), json!([["Id"], ["JOBS"], ["jobs"]]));
    bench.done(&mut bench.append("\u{dc}bersicht", &[("Id", "1")])).await;
    bench.done(&mut bench.append("\u{fc}bersicht", &[("Id", "2")])).await;
    let sheets = bench.sandbox.state()["spreadsheets"]["jobs"]["sheets"].clone();
    assert_eq!((sheets.as_array().unwrap().len(), &sheets[1]["rows"]), (2, &json!([["Id"], ["1"], ["2"]])));
}

#[tokio::test]
async fn a_text_that_no_cell_holds_is_cut_and_says_so() {
    let bench = Bench::with_sheet(json!([["Id", "Message"]]), 2).await;
    let long = "word ".repeat(20_000);
    bench.done(&mut bench.append("Jobs", &[("Id", "7"), ("Message", &long)])).await;
    bench.done(&mut bench.update(("Id", "7"), &[("Message", &long)])).await;
    let told = bench.rows()[1][1].as_str().unwrap().to_owned();
    assert!(told.len() == 50_000 && told.ends_with("[cut off here: a cell can hold no more]"));
}
