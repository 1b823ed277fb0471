//! Cursors: how far each connection has been read, and how it goes.

use serde::Serialize;

use crate::app::App;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_core::base::{Error, Result};
use nexora_core::model::CursorId;
use nexora_core::model::audit::Actor;
use nexora_core::model::cursor::{Cursor, CursorKind, SheetTarget};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_store::{connection, cursor};

pub const POLL: Operation = Operation::new("cursor.poll", Noun::Connection, Verb::Update);

/// A cursor with the name of its connection.
#[derive(Clone, Debug, Serialize)]
pub struct CursorView {
    #[serde(flatten)]
    pub cursor: Cursor,
    pub connection: String,
}

impl CursorView {
    /// Returns what it reads, in words.
    pub fn target(&self) -> String {
        match self.cursor.kind {
            CursorKind::Mail => "the mailbox".to_owned(),
            CursorKind::Calendar => self.cursor.target.clone(),
            CursorKind::Sheet => serde_json::from_str::<SheetTarget>(&self.cursor.target).map_or_else(
                |_| self.cursor.target.clone(),
                |sheet| format!("{} {}", sheet.spreadsheet, sheet.sheet).trim_end().to_owned(),
            ),
        }
    }
}

/// Lists a tenant's cursors.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant) -> Result<Vec<CursorView>> {
    app.view(tenant, |tx| {
        let connections = connection::list(tx, LIST_LIMIT)?;
        let named = |cursor: Cursor| {
            let found = connections.iter().find(|connection| connection.id == cursor.connection_id);
            let connection = found.map(|connection| connection.name.clone()).unwrap_or_default();
            CursorView { cursor, connection }
        };
        Ok(cursor::list(tx, None, LIST_LIMIT)?.into_iter().map(named).collect())
    })
    .await
}

/// Has a cursor read now rather than when it is due.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when its connection is not active.
pub async fn poll(app: &App, actor: &Actor, tenant: &Tenant, id: &CursorId) -> Result<()> {
    let id = id.clone();
    app.change(actor, tenant, POLL, move |tx, now| {
        let found = cursor::find(tx, &id)?.ok_or_else(|| tx.missing("cursor", &id))?;
        if found.due_at.is_none() {
            return Err(Error::conflict("the connection is not active, so it is not read")
                .hint("run `nexora connection list`, then resume or authorize it"));
        }
        cursor::set_wish(tx, &id, &found.wish, Some(now))?;
        Ok(((), Subject::new(&id)))
    })
    .await
}
