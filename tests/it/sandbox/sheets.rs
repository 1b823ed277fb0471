//! Sheets: a batch takes effect whole or not at all, and its mark tells which.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, reason};

const LEADS: &str = "/v4/spreadsheets/leads";

impl Bench {
    async fn with_leads() -> Bench {
        let bench = Bench::start().await;
        let sheets = json!([{"title": "Leads", "rows": [["Name", "Phone"]]}, {"title": "Jo's / 100%"}]);
        let seeds = json!({ "spreadsheets": [{"id": "leads", "title": "Acme", "sheets": sheets}] });
        assert_eq!(bench.post("/_sandbox/seed", seeds).await.0, 200);
        bench
    }

    fn rows(&self) -> Value {
        self.sandbox.state()["spreadsheets"]["leads"]["sheets"][0]["rows"].clone()
    }
}

fn row(cells: &[&str]) -> Value {
    let cells: Vec<Value> =
        cells.iter().map(|cell| json!({"userEnteredValue": {"stringValue": cell}})).collect();
    json!({ "values": cells })
}

fn append(cells: &[&str]) -> Value {
    json!({ "appendCells": {"sheetId": 0, "rows": [row(cells)], "fields": "userEnteredValue"} })
}

fn mark(id: i64, location: &Value) -> Value {
    json!({ "createDeveloperMetadata": {"developerMetadata": {
        "metadataId": id, "metadataKey": "nexora.effect", "metadataValue": "eff_1",
        "location": location, "visibility": "DOCUMENT",
    }}})
}

#[tokio::test]
async fn a_batch_takes_effect_whole_or_not_at_all() {
    let bench = Bench::with_leads().await;
    let update = format!("{LEADS}:batchUpdate");
    let whole = json!([append(&["Jo", "=1+1"]), mark(7, &json!({"spreadsheet": true}))]);
    let (status, answer) = bench.post(&update, json!({ "requests": whole })).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["replies"][1]["createDeveloperMetadata"]["developerMetadata"]["metadataId"], 7);
    assert_eq!(bench.rows(), json!([["Name", "Phone"], ["Jo", "=1+1"]]));

    let twice = bench
        .post(&update, json!({ "requests": [append(&["Jo", "1"]), mark(7, &json!({"spreadsheet": true}))] }))
        .await;
    assert_eq!((twice.0, reason(&twice)), (400, "badRequest"));
    let unknown =
        bench.post(&update, json!({ "requests": [append(&["Al", "2"]), {"paintItBlack": {}}] })).await;
    assert!(
        unknown.1["error"]["message"]
            .as_str()
            .unwrap()
            .contains("Unknown name \"paintItBlack\" at 'requests[1]'")
    );
    assert_eq!(bench.rows(), json!([["Name", "Phone"], ["Jo", "=1+1"]]));
    let changes = bench.sandbox.state()["spreadsheets"]["leads"]["changes"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 1);
    assert_eq!(changes[0]["call"], "spreadsheets.batchUpdate");
}

#[tokio::test]
async fn a_mark_is_found_by_its_id_and_deleted_by_lookup() {
    let bench = Bench::with_leads().await;
    let update = format!("{LEADS}:batchUpdate");
    assert_eq!(bench.get(&format!("{LEADS}/developerMetadata/7")).await.0, 404);
    let requests = json!([mark(7, &json!({"spreadsheet": true})), mark(8, &json!({"sheetId": 0}))]);
    bench.post(&update, json!({ "requests": requests })).await;
    let (_, found) = bench.get(&format!("{LEADS}/developerMetadata/7")).await;
    assert_eq!(
        (&found["metadataValue"], &found["location"]["locationType"]),
        (&json!("eff_1"), &json!("SPREADSHEET"))
    );
    let filter =
        json!({"developerMetadataLookup": {"metadataKey": "nexora.effect", "locationType": "SHEET"}});
    let search = format!("{LEADS}/developerMetadata:search");
    let (_, matched) = bench.post(&search, json!({ "dataFilters": [filter] })).await;
    assert_eq!(matched["matchedDeveloperMetadata"].as_array().unwrap().len(), 1);
    assert_eq!(matched["matchedDeveloperMetadata"][0]["developerMetadata"]["metadataId"], 8);
    let filter = json!({"developerMetadataLookup": {"metadataId": 7}});
    for deleted in [1, 0] {
        let request = json!({ "deleteDeveloperMetadata": {"dataFilter": filter} });
        let (status, answer) = bench.post(&update, json!({ "requests": [request] })).await;
        let gone = &answer["replies"][0]["deleteDeveloperMetadata"]["deletedDeveloperMetadata"];
        assert_eq!((status, gone.as_array().map_or(0, Vec::len)), (200, deleted));
    }
}

#[tokio::test]
async fn a_mark_on_a_row_moves_and_goes_with_it() {
    let bench = Bench::with_leads().await;
    let update = format!("{LEADS}:batchUpdate");
    let rows = |start: usize, end: usize| json!({"sheetId": 0, "dimension": "ROWS", "startIndex": start, "endIndex": end});
    let requests = json!([
        append(&["Jo"]),
        mark(7, &json!({"dimensionRange": rows(1, 2)})),
        {"insertDimension": {"range": rows(0, 2)}},
    ]);
    let (status, answer) = bench.post(&update, json!({ "requests": requests })).await;
    assert_eq!(status, 200, "{answer}");
    let (_, found) = bench.get(&format!("{LEADS}/developerMetadata/7")).await;
    assert_eq!(found["location"], json!({"locationType": "ROW", "dimensionRange": rows(3, 4)}));
    bench.post(&update, json!({ "requests": [{"deleteDimension": {"range": rows(3, 4)}}] })).await;
    assert_eq!(bench.get(&format!("{LEADS}/developerMetadata/7")).await.0, 404);
    assert_eq!(bench.rows(), json!([[], [], ["Name", "Phone"]]));
}

#[tokio::test]
async fn sheets_are_made_renamed_and_written_to() {
    let bench = Bench::start().await;
    let (_, made) = bench.post("/v4/spreadsheets", json!({"properties": {"title": "New"}})).await;
    assert_eq!(made["sheets"][0]["properties"]["title"], "Sheet1");
    let path = format!("/v4/spreadsheets/{}", made["spreadsheetId"].as_str().unwrap());
    let requests = json!([
        {"addSheet": {"properties": {"title": "Leads", "sheetId": 5}}},
        {"updateSheetProperties": {"properties": {"sheetId": 0, "title": "First"}, "fields": "title"}},
        {"updateCells": {"start": {"sheetId": 5, "rowIndex": 1, "columnIndex": 1}, "rows": [row(&["x", "y"])], "fields": "*"}},
    ]);
    let (status, answer) = bench.post(&format!("{path}:batchUpdate"), json!({ "requests": requests })).await;
    assert_eq!(
        (status, &answer["replies"][0]["addSheet"]["properties"]["sheetId"]),
        (200, &json!(5)),
        "{answer}"
    );
    let (_, shown) = bench.get(&path).await;
    let titles: Vec<&Value> =
        shown["sheets"].as_array().unwrap().iter().map(|s| &s["properties"]["title"]).collect();
    assert_eq!(titles, ["First", "Leads"]);
    assert_eq!(bench.get(&format!("{path}/values/Leads")).await.1["values"], json!([[], ["", "x", "y"]]));
    let taken = json!([{"addSheet": {"properties": {"title": "leads"}}}]);
    assert_eq!(bench.post(&format!("{path}:batchUpdate"), json!({ "requests": taken })).await.0, 400);
    let missing = bench.get("/v4/spreadsheets/none").await;
    assert_eq!((missing.0, reason(&missing)), (404, "notFound"));
}

#[tokio::test]
async fn values_are_appended_written_and_read_by_range() {
    let bench = Bench::with_leads().await;
    let append = format!("{LEADS}/values/'Leads'!A:Z:append?insertDataOption=INSERT_ROWS");
    let rows = json!({ "values": [["Jo", "+49170"], ["Al", "0171"]] });
    assert_eq!(bench.post(&append, rows.clone()).await.0, 400);
    let (_, answer) = bench.post(&format!("{append}&valueInputOption=RAW"), rows.clone()).await;
    assert_eq!(
        (&answer["updates"]["updatedRange"], &answer["tableRange"]),
        (&json!("Leads!A2:B3"), &json!("Leads!A1:B1"))
    );
    bench.post(&format!("{append}&valueInputOption=USER_ENTERED"), rows).await;
    let (_, read) = bench.get(&format!("{LEADS}/values/Leads!A2:B")).await;
    assert_eq!(read["values"], json!([["Jo", "+49170"], ["Al", "0171"], ["Jo", "49170"], ["Al", "171"]]));
    let (_, read) = bench.get(&format!("{LEADS}/values/Leads!B4?valueRenderOption=UNFORMATTED_VALUE")).await;
    assert_eq!((&read["values"], &read["range"]), (&json!([[49170]]), &json!("Leads!B4")));

    let other = "%27Jo%27%27s%20%2F%20100%25%27%21A1%3AB1";
    let path = format!("{LEADS}/values/{other}?valueInputOption=RAW");
    let (status, answer) = bench.call(Method::PUT, &path, Some(json!({ "values": [["a", "b"]] }))).await;
    assert_eq!((status, &answer["updatedRange"]), (200, &json!("'Jo''s / 100%'!A1:B1")), "{answer}");
    let wide = bench.call(Method::PUT, &path, Some(json!({ "values": [["a", "b", "c"]] }))).await;
    assert_eq!(wide.0, 400);
    let (_, both) = bench
        .get(&format!("{LEADS}/values:batchGet?ranges=Leads!1:1&ranges={other}&majorDimension=COLUMNS"))
        .await;
    assert_eq!(both["valueRanges"][0]["values"], json!([["Name"], ["Phone"]]));
    assert_eq!(both["valueRanges"][1]["values"], json!([["a"], ["b"]]));
    let unknown = bench.get(&format!("{LEADS}/values/Lost!A1")).await;
    assert_eq!(unknown.1["error"]["message"], "Unable to parse range: Lost!A1");
    bench.post(&format!("{LEADS}/values/Leads!A2:Z:clear"), json!({})).await;
    assert_eq!(bench.rows(), json!([["Name", "Phone"]]));
}

#[tokio::test]
async fn what_lies_beyond_the_grid_or_in_no_cell_is_refused() {
    let bench = Bench::start().await;
    let sheet = json!({ "title": "Leads", "rows": [["Name"]], "row_count": 2, "columns": 2 });
    let seeds = json!({ "spreadsheets": [{ "id": "leads", "sheets": [sheet] }] });
    assert_eq!(bench.post("/_sandbox/seed", seeds).await.0, 200);
    let update = format!("{LEADS}:batchUpdate");
    let cell = |row: usize, column: usize| {
        json!({ "updateCells": { "start": { "sheetId": 0, "rowIndex": row, "columnIndex": column },
            "rows": [row_of(1)], "fields": "userEnteredValue" } })
    };
    let wide = json!({ "appendDimension": { "sheetId": 0, "dimension": "COLUMNS", "length": 1 } });
    for (requests, status) in [
        (json!([cell(0, 1)]), 200),
        (json!([cell(0, 2)]), 400),
        (json!([cell(2, 0)]), 400),
        (json!([append(&["a", "b", "c"])]), 400),
        (json!([wide, cell(0, 2)]), 200),
        (json!([append(&["a"])]), 200),
        (json!([append(&["b"])]), 200),
        (json!([append(&[&"x".repeat(50_001)])]), 400),
    ] {
        let answer = bench.post(&update, json!({ "requests": requests })).await;
        assert_eq!(answer.0, status, "{requests} {}", answer.1);
    }
    let far = format!("{LEADS}/values/Leads!F1?valueInputOption=RAW");
    let (status, answer) = bench.call(Method::PUT, &far, Some(json!({ "values": [["x"]] }))).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("exceeds grid limits"), "{answer}");
}

fn row_of(cells: usize) -> Value {
    row(&vec!["x"; cells])
}

#[tokio::test]
async fn several_ranges_are_cleared_together_and_looks_change_no_value() {
    let bench = Bench::with_leads().await;
    let put = format!("{LEADS}/values/Leads!A2:B3?valueInputOption=USER_ENTERED");
    let rows = json!({ "values": [["Jo", "=1+1"], ["Al", "2"]] });
    assert_eq!(bench.call(Method::PUT, &put, Some(rows)).await.0, 200);
    assert_eq!(
        bench.rows(),
        json!([["Name", "Phone"], ["Jo", "=1+1"], ["Al", 2]]),
        "a formula stays as it is"
    );
    let clear = format!("{LEADS}/values:batchClear");
    let (status, answer) = bench.post(&clear, json!({ "ranges": ["Leads!A2", "Leads!B3"] })).await;
    assert_eq!((status, &answer["clearedRanges"]), (200, &json!(["Leads!A2", "Leads!B3"])), "{answer}");
    assert_eq!(bench.post(&clear, json!({ "ranges": ["Leads!A3", "Lost!A1"] })).await.0, 400);
    let update = format!("{LEADS}:batchUpdate");
    let looks =
        json!([{ "autoResizeDimensions": { "dimensions": { "sheetId": 0, "dimension": "COLUMNS" } } }]);
    assert_eq!(bench.post(&update, json!({ "requests": looks })).await.0, 200);
    assert_eq!(bench.post(&update, json!({ "requests": [{ "sortRange": {} }] })).await.0, 400);
    assert_eq!(bench.rows(), json!([["Name", "Phone"], ["", "=1+1"], ["Al", ""]]));
}
