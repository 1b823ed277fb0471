//! The trigger on rows of a sheet.

use std::collections::BTreeMap;

use crate::automation::argument::{Arguments as _, Text, define_arguments};
use crate::automation::trigger::calendar::CHANGES;
use crate::automation::trigger::mail::CONNECTION;
use crate::automation::trigger::{EventSource, Fill, Filter, Keys, TriggerKind, read};
use nexora_core::base::Result;
use nexora_core::model::connection::Ability;
use nexora_core::model::cursor::SheetTarget;
use nexora_core::model::event::{Event, EventKind, RowEvent};
use nexora_core::model::sheet::{Cells, RowChange};

pub const ROW: TriggerKind = TriggerKind {
    on: EventKind::SheetsRow.name(),
    when: "a row was added or changed",
    keys: Rows::ARGUMENTS,
    event: EventKind::SheetsRow,
    needs: &[Ability::Sheets],
    sample: "",
    read: read::<Rows>,
};

define_arguments! {
    Rows {
        connection: Option<Text>, CONNECTION;
        spreadsheet: Text, "id of the spreadsheet; where it comes out empty, nothing is watched";
        sheet: Option<Text>, "title of the sheet in it, the first if nothing is said";
        key: Option<Text>, "header of the column whose value names a row and never changes";
        changes: Vec<Text>, CHANGES;
        columns: Vec<Text>, "headers of the columns in which a change counts";
        equals: Option<BTreeMap<String, Text>>,
            "what cells must have come to hold, by header, such as `{ Status = \"Done\" }`";
    }
}

impl Keys for Rows {
    fn connection(&self) -> Option<&Text> {
        self.connection.as_ref()
    }

    fn fires_on_new_rows_of(&self) -> Option<(&Text, Option<&Text>)> {
        let added = |change: &Text| change.as_str() == RowChange::Added.name();
        let is_any = self.changes.is_empty() || self.changes.iter().any(added);
        (is_any && self.equals.is_none()).then_some((&self.spreadsheet, self.sheet.as_ref()))
    }

    fn filter(&self, fill: &Fill<'_>) -> Result<Option<Box<dyn Filter>>> {
        let Some(spreadsheet) = fill.filled(Some(&self.spreadsheet))? else { return Ok(None) };
        let sheet = fill.filled(self.sheet.as_ref())?.unwrap_or_default();
        let changes = self.changes.iter().map(|name| RowChange::parse(name.as_str()));
        let changes = changes.collect::<Result<Vec<_>>>()?;
        let equals = self.equals.iter().flatten();
        let equals = equals.map(|(header, value)| Ok((header.clone(), fill.text(value)?)));
        Ok(Some(Box::new(SheetFilter {
            target: SheetTarget { spreadsheet, sheet },
            key: fill.filled(self.key.as_ref())?,
            changes: if changes.is_empty() { RowChange::ALL.to_vec() } else { changes },
            columns: fill.each(&self.columns)?,
            equals: equals.collect::<Result<_>>()?,
        })))
    }
}

#[derive(Debug)]
struct SheetFilter {
    target: SheetTarget,
    key: Option<String>,
    changes: Vec<RowChange>,
    columns: Vec<String>,
    equals: BTreeMap<String, String>,
}

impl Filter for SheetFilter {
    fn passes(&self, event: &Event, _automation: &str, _number: i32) -> Result<bool> {
        let row: RowEvent = event.payload.read()?;
        let changed = |header: &String| row.cells.get(header) != row.previous.get(header);
        Ok(row.spreadsheet == self.target.spreadsheet
            && row.sheet == self.target.sheet
            && self.changes.contains(&row.change)
            && (self.columns.is_empty() || self.columns.iter().any(changed))
            // A row that held the values before does not count again.
            && (self.equals.is_empty() || (self.holds(&row.cells) && !self.holds(&row.previous))))
    }

    fn source(&self) -> EventSource<'_> {
        EventSource::Sheet { target: &self.target, key: self.key.as_deref() }
    }
}

impl SheetFilter {
    fn holds(&self, cells: &Cells) -> bool {
        self.equals.iter().all(|(header, value)| {
            cells.get(header).is_some_and(|cell| cell_text(cell).eq_ignore_ascii_case(value.trim()))
        })
    }
}

/// Returns a cell as the text that a person would type.
fn cell_text(cell: &serde_json::Value) -> String {
    cell.as_str().map_or_else(|| cell.to_string(), |text| text.trim().to_owned())
}
