//! Google's generated clients work against the sandbox, with tokens for a service account.

use std::io::Cursor;
use std::pin::Pin;

use google_calendar3::api::{Event, EventDateTime};
use google_gmail1::api::{Draft, Message};
use google_sheets4::FieldMask;
use google_sheets4::api::{
    AddSheetRequest, AppendCellsRequest, BatchUpdateSpreadsheetRequest, CellData,
    CreateDeveloperMetadataRequest, DeveloperMetadata, DeveloperMetadataLocation, ExtendedValue, Request,
    RowData, SheetProperties,
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::client::CustomHyperClientBuilder;
use yup_oauth2::{ServiceAccountAuthenticator, ServiceAccountKey};

use super::{Bench, OFFICE, SCOPES};

type Connect = HttpsConnector<HttpConnector>;

const MAIL: &str = "To: jo@example.com\r\nSubject: Hello\r\nX-Nexora-Effect: eff_1\r\n\r\nHello Jo\r\n";

fn connect() -> Connect {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider).unwrap();
    builder.https_or_http().enable_http1().build()
}

/// Gives tokens for the scopes we need: those that the generated clients ask for are others.
#[derive(Clone)]
struct Tokens(Authenticator<Connect>);

type Token = Result<Option<String>, Box<dyn std::error::Error + Send + Sync>>;

impl google_apis_common::GetToken for Tokens {
    fn get_token<'a>(&'a self, _scopes: &'a [&str]) -> Pin<Box<dyn Future<Output = Token> + Send + 'a>> {
        Box::pin(async {
            let scopes: Vec<&str> = SCOPES.split_whitespace().collect();
            Ok(self.0.token(&scopes).await?.token().map(str::to_owned))
        })
    }
}

async fn tokens(bench: &Bench) -> Tokens {
    let key: ServiceAccountKey = serde_json::from_str(&bench.sandbox.service_account_json()).unwrap();
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connect());
    let client = CustomHyperClientBuilder::from(client);
    Tokens(ServiceAccountAuthenticator::with_client(key, client).subject(OFFICE).build().await.unwrap())
}

fn client() -> google_apis_common::Client<Connect> {
    hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connect())
}

fn rfc822() -> mime::Mime {
    "message/rfc822".parse().unwrap()
}

#[tokio::test]
async fn gmail_makes_and_sends_drafts() {
    let bench = Bench::start().await;
    let mut hub = google_gmail1::Gmail::new(client(), tokens(&bench).await);
    hub.base_url(bench.sandbox.url() + "/");
    hub.root_url(bench.sandbox.url() + "/");
    let users = hub.users();
    let (_, profile) = users.get_profile("me").doit().await.unwrap();
    assert_eq!((profile.email_address.as_deref(), profile.history_id), (Some(OFFICE), Some(1_000)));
    let create = users.drafts_create(Draft::default(), "me");
    let (_, draft) = create.upload(Cursor::new(MAIL), rfc822()).await.unwrap();
    let (_, kept) =
        users.drafts_get("me", draft.id.as_deref().unwrap()).format("minimal").doit().await.unwrap();
    assert_eq!(kept.id, draft.id);
    let request = Draft { id: draft.id, message: None };
    let sending = users.drafts_send(request, "me");
    let (_, sent) = sending.upload(Cursor::new(Vec::new()), rfc822()).await.unwrap();
    let (_, list) = users.messages_list("me").add_label_ids("SENT").q("after:1").doit().await.unwrap();
    assert_eq!(list.messages.unwrap()[0].id, sent.id);
    let get = users.messages_get("me", sent.id.as_deref().unwrap()).format("metadata");
    let (_, message) = get.add_metadata_headers("X-Nexora-Effect").doit().await.unwrap();
    let headers = message.payload.unwrap().headers.unwrap();
    assert_eq!((headers.len(), headers[0].value.as_deref()), (1, Some("eff_1")));

    let get = users.messages_get("me", sent.id.as_deref().unwrap()).format("metadata");
    let (_, message) = get.add_metadata_headers("Message-ID").doit().await.unwrap();
    let message_id = message.payload.unwrap().headers.unwrap()[0].value.clone().unwrap();
    let answer = format!("In-Reply-To: {message_id}\r\n{MAIL}");
    let request = Message { thread_id: sent.thread_id.clone(), ..Message::default() };
    let resumable = users.messages_send(request, "me");
    let (_, second) = resumable.upload_resumable(Cursor::new(answer), rfc822()).await.unwrap();
    assert_eq!(second.thread_id, sent.thread_id);
    let (_, full) = users.messages_get("me", second.id.as_deref().unwrap()).doit().await.unwrap();
    assert_eq!(full.payload.unwrap().body.unwrap().data.unwrap(), b"Hello Jo\r\n");
    let state = bench.sandbox.state();
    assert_eq!(state["mailboxes"][OFFICE]["drafts"], json!([]));
    assert_eq!(state["calls"]["token.grant"], 2);
}

#[tokio::test]
async fn calendar_makes_an_entry_once() {
    let bench = Bench::start().await;
    let mut hub = google_calendar3::CalendarHub::new(client(), tokens(&bench).await);
    hub.base_url(bench.sandbox.url() + "/calendar/v3/");
    hub.root_url(bench.sandbox.url() + "/calendar/v3/");
    let at = |text: &str| EventDateTime {
        date_time: Some(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()),
        time_zone: Some("Europe/Berlin".into()),
        ..EventDateTime::default()
    };
    let event = Event {
        id: Some("abcde0123".into()),
        summary: Some("Boiler".into()),
        start: Some(at("2026-09-22T08:00:00Z")),
        end: Some(at("2026-09-22T09:00:00Z")),
        ..Event::default()
    };
    let calendar = "office%40acme%2Eexample";
    hub.events().insert(event.clone(), calendar).doit().await.unwrap();
    let twice = hub.events().insert(event, "primary").doit().await.unwrap_err();
    let google_apis_common::Error::BadRequest(answer) = twice else { panic!("{twice}") };
    assert_eq!(answer["error"]["code"], 409);
    let (_, read) = hub.events().get(calendar, "abcde0123").doit().await.unwrap();
    assert_eq!(read.summary.as_deref(), Some("Boiler"));
    assert_eq!(read.created.unwrap().to_rfc3339(), "2026-09-21T14:13:20+00:00");
    let (_, list) =
        hub.events().list("primary").single_events(true).order_by("startTime").doit().await.unwrap();
    assert_eq!(list.items.unwrap().len(), 1);
}

#[tokio::test]
async fn sheets_appends_a_row_with_its_mark() {
    let bench = Bench::start().await;
    let seeds =
        json!({ "spreadsheets": [{"id": "leads", "sheets": [{"title": "Leads", "rows": [["Name"]]}]}] });
    bench.post("/_sandbox/seed", seeds).await;
    let mut hub = google_sheets4::Sheets::new(client(), tokens(&bench).await);
    hub.base_url(bench.sandbox.url() + "/");
    hub.root_url(bench.sandbox.url() + "/");
    let value = ExtendedValue { string_value: Some("Jo".into()), ..Default::default() };
    let cell = CellData { user_entered_value: Some(value), ..Default::default() };
    let append = AppendCellsRequest {
        sheet_id: Some(0),
        rows: Some(vec![RowData { values: Some(vec![cell]) }]),
        fields: "userEnteredValue".parse::<FieldMask>().ok(),
        ..Default::default()
    };
    let mark = DeveloperMetadata {
        metadata_id: Some(77),
        metadata_key: Some("nexora.effect".into()),
        metadata_value: Some("eff_1".into()),
        location: Some(DeveloperMetadataLocation { spreadsheet: Some(true), ..Default::default() }),
        visibility: Some("DOCUMENT".into()),
    };
    let properties = SheetProperties { title: Some("More".into()), ..Default::default() };
    let requests = vec![
        Request { append_cells: Some(append), ..Default::default() },
        Request {
            create_developer_metadata: Some(CreateDeveloperMetadataRequest {
                developer_metadata: Some(mark),
            }),
            ..Default::default()
        },
        Request { add_sheet: Some(AddSheetRequest { properties: Some(properties) }), ..Default::default() },
    ];
    let batch = BatchUpdateSpreadsheetRequest { requests: Some(requests), ..Default::default() };
    hub.spreadsheets().batch_update(batch, "leads").doit().await.unwrap();
    let (_, found) = hub.spreadsheets().developer_metadata_get("leads", 77).doit().await.unwrap();
    assert_eq!(found.metadata_value.as_deref(), Some("eff_1"));
    let (_, range) = hub.spreadsheets().values_get("leads", "%27Leads%27%21A%3AZ").doit().await.unwrap();
    assert_eq!(range.values.unwrap(), [vec![json!("Name")], vec![json!("Jo")]]);
    let (_, shown) = hub.spreadsheets().get("leads").doit().await.unwrap();
    assert_eq!(shown.sheets.unwrap().len(), 2);
}
