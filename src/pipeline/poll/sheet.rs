//! The rows of one sheet: read whole, compared with what is known, told row by row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Claimed, Settled};
use crate::domain::automation::fact::tell;
use nexora_connector::poll::{ReadSheet, SheetReading};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::{Json, hex};
use nexora_core::model::cursor::{Cursor, Item, SheetTarget, SheetWish};
use nexora_core::model::event::{About, EventKind, RowEvent};
use nexora_core::model::outcome::PollError;
use nexora_core::model::sheet::{RowChange, Table};
use nexora_engine::sheet::sheet_diff::{self, Content, Known, Shape, Step};
use nexora_store::{Conn, item};

/// How long a row that is gone may stay away and still be the same when it comes back.
const GONE: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A sheet that says it has not changed is read all the same after this long.
const TRUST: std::time::Duration = std::time::Duration::from_secs(1_800);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Position {
    shape: Shape,
    /// The key that the known rows are known by.
    key: Option<String>,
    version: Option<String>,
    /// A hash of the rows as they were read.
    digest: String,
    read_at: Option<Timestamp>,
}

pub struct Read {
    position: Option<Position>,
    wish: SheetWish,
    target: SheetTarget,
    reading: SheetReading,
}

pub async fn read(sheet: &dyn ReadSheet, cursor: &Cursor) -> Result<Read, PollError> {
    let unreadable = |error: nexora_core::base::Error| PollError::Refused { reason: error.report() };
    let position: Option<Position> =
        cursor.position.as_ref().map(Json::read).transpose().map_err(unreadable)?;
    let wish: SheetWish = cursor.wish.read().map_err(unreadable)?;
    let target: SheetTarget = serde_json::from_str(&cursor.target)
        .map_err(|_| PollError::Refused { reason: format!("`{}` names no sheet", cursor.target) })?;
    let is_trusted = |position: &&Position| {
        let read_at = position.read_at.unwrap_or(Timestamp::from_millis(0));
        position.key == wish.key && cursor.polled_at.is_some_and(|polled| polled.since(read_at) < TRUST)
    };
    let seen = position.as_ref().filter(is_trusted).and_then(|position| position.version.as_deref());
    let reading = sheet.sheet(&target, seen).await?;
    Ok(Read { position, wish, target, reading })
}

pub fn record(conn: &mut Conn, claimed: &Claimed, read: Read, now: Timestamp) -> Result<Settled> {
    let (table, version) = match read.reading {
        SheetReading::Unchanged => {
            let position = Json::of(&read.position.unwrap_or_default())?;
            return Ok(Settled { position, changed: false, more: false });
        }
        SheetReading::Read { table, version } => (table, version),
    };
    let digest = digest(&table)?;
    let known_by_key = read.position.as_ref().filter(|position| position.key == read.wish.key);
    // Rows that wait for their cells are looked at even though nothing has changed.
    let is_same = |position: &&Position| position.digest == digest && position.shape.held.is_empty();
    if let Some(position) = known_by_key.filter(is_same) {
        let position = Position { version, read_at: Some(now), ..position.clone() };
        return Ok(Settled { position: Json::of(&position)?, changed: false, more: false });
    }
    let cursor = &claimed.cursor;
    let tx = &mut conn.of(&cursor.tenant_id);
    let is_baseline = known_by_key.is_none();
    if is_baseline {
        item::clear(tx, &cursor.id)?;
    }
    let mut known = BTreeMap::new();
    for (key, item) in item::all(tx, &cursor.id)? {
        known.insert(key, Known { content: item.content.read()?, is_gone: item.gone_at.is_some() });
    }
    let shape = known_by_key.map(|position| position.shape.clone()).unwrap_or_default();
    let compared = sheet_diff::compare(&shape, &known, &table, read.wish.key.as_deref(), now)?;
    if !compared.shape.held.is_empty() {
        let (id, rows) = (&cursor.id, compared.shape.held.len());
        tracing::info!(cursor.id = %id, rows, "rows of a sheet hold cells without a value, and are read again");
    }
    let mut changed = false;
    for step in compared.steps {
        note(tx, cursor, &step, known.get(&step.key), now)?;
        let (Some((change, before)), Some(content), false) = (step.told, &step.content, is_baseline) else {
            continue;
        };
        let place = (claimed, &read.target, step.key.as_str());
        let payload = row_event(place, &compared.shape, change, &before, content);
        let key = format!("row:{}:{}:{}", cursor.id, cursor.epoch, step.key);
        tell(tx, EventKind::SheetsRow, key, &payload, None, now)?;
        changed = true;
    }
    item::forget_gone(tx, &cursor.id, now - GONE, &[])?;
    let position =
        Position { shape: compared.shape, key: read.wish.key, version, digest, read_at: Some(now) };
    Ok(Settled { position: Json::of(&position)?, changed, more: false })
}

fn digest(table: &Table) -> Result<String> {
    let rows: Vec<_> = table.rows.iter().map(|row| &row.cells).collect();
    Ok(hex(Sha256::digest(Json::of(&(&table.headers, rows))?.as_str())))
}

fn note(conn: &mut Conn, cursor: &Cursor, step: &Step, known: Option<&Known>, now: Timestamp) -> Result<()> {
    let content = match (&step.content, known) {
        (Some(content), _) => Json::of(content)?,
        (None, Some(known)) => Json::of(&known.content)?,
        (None, None) => return Ok(()),
    };
    let gone_at = step.content.is_none().then_some(now);
    item::save(
        conn,
        &Item {
            tenant_id: cursor.tenant_id.clone(),
            cursor_id: cursor.id.clone(),
            key: step.key.clone(),
            content,
            seen_at: now,
            gone_at,
        },
    )
}

fn row_event(
    (claimed, target, key): (&Claimed, &SheetTarget, &str),
    shape: &Shape,
    change: RowChange,
    before: &Content,
    now: &Content,
) -> RowEvent {
    RowEvent {
        about: About::default(),
        connection_id: claimed.connection.id.clone(),
        spreadsheet: target.spreadsheet.clone(),
        sheet: target.sheet.clone(),
        id: format!("{}:{key}", claimed.cursor.id),
        change,
        number: now.number,
        cells: sheet_diff::by_header(&shape.columns, now),
        previous: sheet_diff::by_header(&shape.columns, before),
    }
}
