//! Seeds: what a demo or a test wants to find when it begins.
//!
//! ```text
//! {"calendars":    [{"calendar": ADDRESS, "time_zone": "Europe/Berlin"}],
//!  "events":       [{"calendar": ADDRESS, "event": event as for the Calendar API}],
//!  "mails":        [{"mailbox": ADDRESS, "from", "to"?: ADDRESS, "subject", "text",
//!                    "in_reply_to"?: a Message-ID, "at"?: RFC 3339}],
//!  "deliveries":   [as `gmail::deliver` describes them],
//!  "spreadsheets": [{"id"?, "title"?, "sheets": [{"title", "rows": [[value]], "row_count"?, "columns"?}]}]}
//! ```
//!
//! The answer names what was made: `{"events": [id], "mails": [id], "spreadsheets": [id]}`. A
//! spreadsheet takes the place of one with the same id. What comes before a faulty seed stays.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::serve::envelope::Refusal;
use crate::sheets::grid::{Cell, Sheet, Spreadsheet};
use crate::world::World;
use crate::{calendar, gmail, letter};
use nexora_core::base::clock::Timestamp;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seeds {
    calendars: Vec<CalendarSeed>,
    events: Vec<EventSeed>,
    mails: Vec<MailSeed>,
    deliveries: Vec<gmail::deliver::Delivery>,
    spreadsheets: Vec<SpreadsheetSeed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarSeed {
    calendar: String,
    time_zone: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventSeed {
    calendar: String,
    event: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MailSeed {
    mailbox: String,
    from: String,
    to: Option<String>,
    subject: String,
    text: String,
    in_reply_to: Option<String>,
    at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpreadsheetSeed {
    id: Option<String>,
    title: Option<String>,
    #[serde(default)]
    sheets: Vec<SheetSeed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SheetSeed {
    title: String,
    #[serde(default)]
    rows: Vec<Vec<Value>>,
    /// How large the grid is; as usual, or as large as its cells, when absent.
    row_count: Option<usize>,
    columns: Option<usize>,
}

/// Makes everything that is asked for and returns the ids.
pub fn plant(world: &mut World, origin: &str, now: Timestamp, seeds: Seeds) -> Result<Value, Refusal> {
    for seed in seeds.calendars {
        let zone = seed.time_zone.parse();
        let zone = zone.map_err(|_| Refusal::invalid(format!("no time zone `{}`", seed.time_zone)))?;
        world.calendar(&seed.calendar.to_lowercase())?.time_zone = zone;
    }
    let mut events = Vec::new();
    for seed in seeds.events {
        let event = calendar::add(world, &seed.calendar.to_lowercase(), origin, now, seed.event)?;
        events.extend(event.get("id").cloned());
    }
    let mut mails = Vec::new();
    for seed in seeds.mails {
        mails.push(mail(world, now, &seed)?);
    }
    for delivery in seeds.deliveries {
        let made = gmail::deliver::deliver(world, now, delivery)?;
        mails.extend(made.get("id").and_then(Value::as_str).map(str::to_owned));
    }
    let mut spreadsheets = Vec::new();
    for seed in seeds.spreadsheets {
        spreadsheets.push(spreadsheet(world, now, seed)?);
    }
    Ok(json!({"events": events, "mails": mails, "spreadsheets": spreadsheets}))
}

fn mail(world: &mut World, now: Timestamp, seed: &MailSeed) -> Result<String, Refusal> {
    let at = seed.at.unwrap_or(now);
    let mailbox = seed.mailbox.to_lowercase();
    let message_id = format!("<seed-{}@sandbox.invalid>", world.ids.next());
    let headers = [
        ("From", seed.from.as_str()),
        ("To", seed.to.as_deref().unwrap_or(&mailbox)),
        ("Subject", &seed.subject),
        ("Date", &at.utc().to_rfc2822()),
        ("Message-ID", &message_id),
        ("In-Reply-To", seed.in_reply_to.as_deref().unwrap_or_default()),
    ];
    gmail::deliver::receive(world, &mailbox, at, letter::write(&headers, &seed.text))
}

fn spreadsheet(world: &mut World, now: Timestamp, seed: SpreadsheetSeed) -> Result<String, Refusal> {
    let id = seed.id.unwrap_or_else(|| world.ids.spreadsheet(now));
    if !world.spreadsheets.contains_key(&id) {
        world.check_spreadsheet_room()?;
    }
    let mut spreadsheet =
        Spreadsheet::new(seed.title.unwrap_or_else(|| "Untitled spreadsheet".to_owned()), now);
    let before = world.spreadsheets.get(&id);
    spreadsheet.version += before.map_or(0, |before| before.version);
    let mut sheets = seed.sheets;
    if sheets.is_empty() {
        sheets.push(SheetSeed {
            title: "Sheet1".to_owned(),
            rows: Vec::new(),
            row_count: None,
            columns: None,
        });
    }
    for (sheet_id, seed) in (0..).zip(sheets) {
        let mut sheet = Sheet::new(sheet_id, seed.title);
        sheet.row_count = seed.row_count.unwrap_or(sheet.row_count).max(1);
        sheet.column_count = seed.columns.unwrap_or(sheet.column_count).max(1);
        sheet.grow(seed.rows.len(), seed.rows.iter().map(Vec::len).max().unwrap_or(0));
        for (row, values) in seed.rows.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                sheet.set(row, column, Cell::raw(value))?;
            }
        }
        spreadsheet.add_sheet(sheet)?;
    }
    spreadsheet.check_room(0)?;
    world.spreadsheets.insert(id.clone(), spreadsheet);
    Ok(id)
}
