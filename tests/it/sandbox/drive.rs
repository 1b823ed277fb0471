//! Drive: it says of a spreadsheet whether it has changed.

use serde_json::json;

use super::{Bench, SCOPES, reason};

#[tokio::test]
async fn a_files_version_grows_with_every_change_and_reading_leaves_it() {
    let mut bench = Bench::start().await;
    let sheet =
        json!({"id": "jobs", "title": "Jobs of Acme", "sheets": [{"title": "Jobs", "rows": [["ID"]]}]});
    bench.sandbox.seed(json!({ "spreadsheets": [sheet] })).unwrap();
    let asked = bench.get("/drive/v3/files/jobs").await;
    assert_eq!((asked.0, reason(&asked)), (403, "insufficientPermissions"));

    let metadata = "https://www.googleapis.com/auth/drive.metadata.readonly";
    bench.token = bench.sign_in(&format!("{SCOPES} {metadata}")).await;
    let (_, bare) = bench.get("/drive/v3/files/jobs").await;
    assert_eq!(bare["name"], "Jobs of Acme");
    assert!(bare.get("version").is_none(), "only what is asked for: {bare}");
    let version = async || {
        let (_, file) = bench.get("/drive/v3/files/jobs?fields=version,modifiedTime").await;
        assert!(file.get("name").is_none() && file["modifiedTime"].is_string(), "{file}");
        file["version"].as_str().unwrap().parse::<u64>().unwrap()
    };
    let before = version().await;
    bench.get("/v4/spreadsheets/jobs/values/Jobs!A1:B9").await;
    assert_eq!(version().await, before);
    let values = "/v4/spreadsheets/jobs/values/Jobs!A1:append?valueInputOption=RAW";
    bench.post(values, json!({"values": [["1"]]})).await;
    let after = version().await;
    assert!(after > before);
    bench.sandbox.seed(json!({"spreadsheets": [{"id": "jobs"}, {"id": "other", "title": "Leads"}]})).unwrap();
    assert!(version().await > after);

    let search = "/drive/v3/files?fields=files(id),nextPageToken";
    let found = async |q: &str| bench.get(&format!("{search}&q={q}")).await.1["files"].clone();
    let spreadsheets = "mimeType%3D'application/vnd.google-apps.spreadsheet'%20and%20trashed%20%3D%20false";
    assert_eq!(found(spreadsheets).await.as_array().unwrap().len(), 2);
    assert_eq!(found("name%20%3D%20'Leads'").await, json!([{"id": "other"}]));
    assert_eq!(found("name%20contains%20'lea'").await, json!([{"id": "other"}]));
    let wrong = bench.get("/drive/v3/files?q=colour%20%3D%20'red'").await;
    assert_eq!((wrong.0, reason(&wrong)), (400, "invalid"));
    let unknown = bench.get("/drive/v3/files/nothing").await;
    assert_eq!((unknown.0, reason(&unknown)), (404, "notFound"));
    assert_eq!(unknown.1["error"]["message"], "File not found: nothing.");
}

#[tokio::test]
async fn a_spreadsheet_is_made_and_nothing_else() {
    let mut bench = Bench::start().await;
    let file = "https://www.googleapis.com/auth/drive.file";
    bench.token = bench.sign_in(&format!("{SCOPES} {file}")).await;
    let asked = json!({ "name": "Leads", "mimeType": "application/vnd.google-apps.spreadsheet" });
    let (status, made) = bench.post("/drive/v3/files", asked).await;
    assert_eq!((status, &made["name"]), (200, &json!("Leads")), "{made}");
    let path = format!("/v4/spreadsheets/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await.1["sheets"][0]["properties"]["title"], "Sheet1");
    assert_eq!(bench.post("/drive/v3/files", json!({ "mimeType": "text/plain" })).await.0, 400);
}
