//! Drive: what it says of the spreadsheets, and new ones. Nothing else lies in it.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::serve::call::{Call, page};
use crate::serve::envelope::{Refusal, Reply, merge};
use crate::serve::route::{Route, route};
use crate::sheets::grid::{Sheet, Spreadsheet};
use crate::world::World;

const TO_READ: &[&str] = &[
    "https://www.googleapis.com/auth/drive",
    "https://www.googleapis.com/auth/drive.file",
    "https://www.googleapis.com/auth/drive.readonly",
    "https://www.googleapis.com/auth/drive.metadata",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
];

const TO_WRITE: &[&str] =
    &["https://www.googleapis.com/auth/drive", "https://www.googleapis.com/auth/drive.file"];

pub const ROUTES: &[Route] = &[
    route(Method::POST, "/drive/v3/files", "files.create", TO_WRITE, create),
    route(Method::GET, "/drive/v3/files", "files.list", TO_READ, list),
    route(Method::GET, "/drive/v3/files/{file}", "files.get", TO_READ, get),
];

const MIME_TYPE: &str = "application/vnd.google-apps.spreadsheet";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NewFile {
    name: Option<String>,
    mime_type: Option<String>,
}

/// Makes an empty spreadsheet.
fn create(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let asked: NewFile = call.read()?;
    if asked.mime_type.as_deref() != Some(MIME_TYPE) {
        return Err(Refusal::new(400, "invalid", "The sandbox keeps spreadsheets only."));
    }
    world.check_spreadsheet_room()?;
    let mut made = Spreadsheet::new(asked.name.unwrap_or_else(|| "Untitled".to_owned()), call.at);
    made.add_sheet(Sheet::new(0, "Sheet1".to_owned()))?;
    made.note(call, "files.create", call.read()?);
    let id = world.ids.spreadsheet(call.at);
    let answer = shown(&id, &made, call);
    world.spreadsheets.insert(id, made);
    Ok(Reply::json(&answer))
}

fn get(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let id = call.param("file");
    let found = world.spreadsheets.get(id);
    let file = found.ok_or_else(|| Refusal::new(404, "notFound", format!("File not found: {id}.")))?;
    Ok(Reply::json(&shown(id, file, call)))
}

fn list(world: &mut World, call: &Call) -> Result<Reply, Refusal> {
    let size = call.query_count("pageSize", 100, 1_000)?;
    let terms = terms(call.query("q").unwrap_or_default())?;
    let mut found: Vec<(&String, &Spreadsheet)> =
        world.spreadsheets.iter().filter(|(_, file)| terms.iter().all(|term| term.fits(file))).collect();
    found.sort_by_key(|(_, file)| std::cmp::Reverse((file.modified_at, file.version)));
    let page = page(call, found, size)?;
    let files: Vec<Value> = page.items.into_iter().map(|(id, file)| shown(id, file, call)).collect();
    let mut answer = json!({ "kind": "drive#fileList", "incompleteSearch": false, "files": files });
    if let Some(next) = page.next {
        merge(&mut answer, json!({ "nextPageToken": next }));
    }
    Ok(Reply::json(&answer))
}

/// Shows a file; without `fields` only what Google gives unasked (Drive API, `files.get`).
fn shown(id: &str, file: &Spreadsheet, call: &Call) -> Value {
    let mut shown = json!({ "kind": "drive#file", "id": id, "name": file.title, "mimeType": MIME_TYPE });
    if call.query("fields").is_some() {
        let more = json!({
            "version": file.version.to_string(),
            "modifiedTime": file.modified_at,
            "trashed": false,
            "webViewLink": format!("{}/#sheet-{id}", call.origin),
        });
        merge(&mut shown, more);
    }
    shown
}

/// A part of a search ("Search for files and folders").
enum Term {
    MimeType(String),
    Named(String),
    NameHolds(String),
    Trashed(bool),
}

impl Term {
    fn fits(&self, file: &Spreadsheet) -> bool {
        match self {
            Term::MimeType(wanted) => wanted == MIME_TYPE,
            Term::Named(wanted) => file.title == *wanted,
            // Drive looks at the beginnings of words.
            Term::NameHolds(wanted) => file
                .title
                .split_whitespace()
                .any(|word| word.to_lowercase().starts_with(&wanted.to_lowercase())),
            Term::Trashed(wanted) => !wanted,
        }
    }
}

fn terms(query: &str) -> Result<Vec<Term>, Refusal> {
    let invalid = || Refusal::new(400, "invalid", "Invalid Value");
    let parts = query.split(" and ").map(str::trim).filter(|part| !part.is_empty());
    let term = |part: &str| {
        let (field, rest) = part.split_once([' ', '=']).ok_or_else(invalid)?;
        let rest = rest.trim_start_matches([' ', '=']);
        let text = |text: &str| {
            let bare = text.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            bare.map(|text| text.replace("\\'", "'")).ok_or_else(invalid)
        };
        match (field, rest.strip_prefix("contains")) {
            ("name", Some(rest)) => text(rest).map(Term::NameHolds),
            ("name", None) => text(rest).map(Term::Named),
            ("mimeType", None) => text(rest).map(Term::MimeType),
            ("trashed", None) => rest.trim().parse().map(Term::Trashed).map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    };
    parts.map(term).collect()
}
