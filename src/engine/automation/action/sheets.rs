//! Actions in a spreadsheet: add a row, change a row.

use crate::automation::action::context::StepContext;
use crate::automation::action::{Action, ActionKind, Planned, read};
use crate::automation::argument::{Arguments as _, Row, Text, define_arguments};
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::Ability;
use nexora_core::model::effect::EffectKind;
use nexora_core::model::request::{self, EffectRequest, IfMissing};

pub const APPEND_ROW: ActionKind = ActionKind {
    name: "sheets.append_row",
    does: "adds a row; columns go by header, missing ones are added",
    arguments: AppendRow::ARGUMENTS,
    outputs: &[],
    read: read::<AppendRow>,
};

pub const UPDATE_ROW: ActionKind = ActionKind {
    name: "sheets.update_row",
    does: "changes cells of one row",
    arguments: UpdateRow::ARGUMENTS,
    outputs: &["found"],
    read: read::<UpdateRow>,
};

const NEEDS: &[Ability] = &[Ability::Sheets];

const SPREADSHEET: &str = "id of the spreadsheet";
const SHEET: &str = "title of the sheet in it";
const ROW: &str = "cells by header";

define_arguments! {
    AppendRow {
        spreadsheet: Text, SPREADSHEET;
        sheet: Text, SHEET;
        row: Row, ROW;
    }
}

define_arguments! {
    UpdateRow {
        spreadsheet: Text, SPREADSHEET;
        sheet: Text, SHEET;
        key: Text, "header of the column that names rows";
        value: Text, "the row's name in it";
        row: Row, ROW;
        if_missing: IfMissing = IfMissing::Fail,
            "`fail` (if nothing is said) or `skip` when no row has the name";
    }
}

impl Action for AppendRow {
    fn needs(&self) -> &'static [Ability] {
        NEEDS
    }

    fn appends_to(&self) -> Option<(&Text, &Text)> {
        Some((&self.spreadsheet, &self.sheet))
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let append = request::AppendRow {
            spreadsheet: context.text(&self.spreadsheet)?,
            sheet: context.text(&self.sheet)?,
            cells: context.cells(&self.row)?,
        };
        Ok(Planned::effect(context.account(EffectKind::AppendRow)?, EffectRequest::AppendRow(append)))
    }
}

impl Action for UpdateRow {
    fn needs(&self) -> &'static [Ability] {
        NEEDS
    }

    fn plan(&self, context: &StepContext<'_>) -> Result<Planned> {
        let value = context.filled(Some(&self.value))?;
        let value = value.ok_or_else(|| Error::usage("`value` is empty: it names no row"))?;
        let update = request::UpdateRow {
            spreadsheet: context.text(&self.spreadsheet)?,
            sheet: context.text(&self.sheet)?,
            key: (context.text(&self.key)?, value),
            cells: context.cells(&self.row)?,
            if_missing: self.if_missing,
        };
        Ok(Planned::effect(context.account(EffectKind::UpdateRow)?, EffectRequest::UpdateRow(update)))
    }
}
