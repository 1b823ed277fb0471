//! Deleting a tenant: everything is written to files, then it rests for thirty days, then it goes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::domain::connection::watch;
use crate::domain::report::health::Level;
use crate::ops::Subject;
use crate::ops::tenant::find;
use crate::pipeline::purge;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::finding::Finding;
use nexora_core::model::principal::Operation;
use nexora_core::model::tenant::{Tenant, TenantState};
use nexora_core::model::tenant_deletion::TenantDeletion;
use nexora_store::audit::{self, Filter, Opener, Order};
use nexora_store::{Claim, Conn, Inserted, effect, finding, form, run, tenant, tenant_deletion};

pub const DELETE: Operation = Operation::of_operators("tenant.delete");
pub const RESTORE: Operation = Operation::of_operators("tenant.restore");

/// How long it can be taken back.
pub const REST: Duration = Duration::from_secs(30 * 86_400);

/// Photos and audit entries that are in memory at once.
const PAGE: i64 = 50;

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    pub folder: PathBuf,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    pub photos: u64,
}

fn key(tenant: &Tenant) -> String {
    format!("deletion|{}", tenant.id)
}

/// Writes every row of a tenant into a new folder: a file for each table with one JSON value on each line, photos, and
/// the audit trail in the open. Credentials, keys and sessions are not among them.
///
/// # Errors
/// `NotFound` when there is no such tenant; `Conflict` when the folder is there; `Usage` when it cannot be written.
pub async fn export(app: &App, actor: &Actor, slug: &Slug, folder: &Path) -> Result<Exported> {
    let tenant = find(app, slug).await?;
    app.permit(actor, &tenant, DELETE).await?;
    if folder.exists() {
        return Err(Error::conflict(format!("`{}` is there already", folder.display()))
            .hint("name a folder that is not: it is made for the export"));
    }
    file::make_folders(folder).map_err(|error| file::unwritable(folder, Kind::Usage, error))?;
    let (folder, ledger) = (folder.to_owned(), app.ledger.clone());
    let write = move |conn: &mut Conn| {
        // As of one moment, where the database can tell one.
        conn.transaction(|conn| {
            let mut files = Files { folder: &folder, open: BTreeMap::new() };
            tenant_deletion::rows(conn, &tenant.id, &mut |table, row| files.line(table, row))?;
            let mut opener = Opener::new(&ledger);
            let mut filter = Filter::default();
            loop {
                let page = audit::page(conn, Some(&tenant.id), &filter, (Order::Oldest, PAGE))?;
                let Some(last) = page.last().map(|entry| entry.number) else { break };
                for entry in page {
                    let values = opener.values(conn, &entry)?;
                    let shown = nexora_core::model::audit::Entry {
                        before: values.before,
                        after: values.after,
                        ..entry
                    };
                    let text = serde_json::to_string(&shown)
                        .map_err(|error| Error::internal("an entry has no JSON form").source(error))?;
                    files.line("audit", &text)?;
                }
                filter.after = Some(last);
            }
            let photos = photos(conn, &tenant, &folder)?;
            let rows = files.finish()?;
            Ok(Exported { folder: folder.clone(), rows, photos })
        })
    };
    app.db.read(write).await
}

fn photos(conn: &mut Conn, tenant: &Tenant, folder: &Path) -> Result<u64> {
    let (mut written, mut last) = (0, None);
    loop {
        let page = form::photos_after(&mut conn.of(&tenant.id), last.as_ref(), PAGE)?;
        for photo in &page {
            file::write(&folder.join("photos").join(photo.id.as_str()), &photo.content, Kind::Usage)?;
            written += 1;
        }
        match page.into_iter().next_back() {
            Some(photo) => last = Some(photo.id),
            None => return Ok(written),
        }
    }
}

/// The files of an export, by table.
struct Files<'a> {
    folder: &'a Path,
    open: BTreeMap<String, (File, u64)>,
}

impl Files<'_> {
    fn line(&mut self, table: &str, row: &str) -> Result<()> {
        let path = self.folder.join(format!("{table}.jsonl"));
        let failed = |error| file::unwritable(&path, Kind::Usage, error);
        if !self.open.contains_key(table) {
            let opened = File::create_new(&path).map_err(failed)?;
            self.open.insert(table.to_owned(), (opened, 0));
        }
        let Some((opened, rows)) = self.open.get_mut(table) else { return Ok(()) };
        *rows += 1;
        opened.write_all(row.as_bytes()).and_then(|()| opened.write_all(b"\n")).map_err(failed)
    }

    /// Has everything on the disk before anything is deleted that is in it.
    fn finish(self) -> Result<BTreeMap<String, u64>> {
        let mut rows = BTreeMap::new();
        for (table, (opened, lines)) in self.open {
            opened.sync_all().map_err(|error| file::unwritable(self.folder, Kind::Usage, error))?;
            rows.insert(table, lines);
        }
        Ok(rows)
    }
}

/// Suspends a tenant and has its rows deleted in thirty days; until then `restore` takes it back.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when that is so already.
pub async fn delete(app: &App, actor: &Actor, slug: &Slug) -> Result<TenantDeletion> {
    let (before, connectors, by) = (find(app, slug).await?, app.connectors().clone(), actor.to_string());
    app.change(actor, &before.clone(), DELETE, move |tx, now| {
        let deletion = TenantDeletion {
            tenant_id: before.id.clone(),
            state_before: before.state,
            purge_at: now + REST,
            actor: by,
        };
        if tenant_deletion::insert(tx, &deletion)? == Inserted::AlreadyThere {
            return Err(Error::conflict(format!("tenant `{}` is to be deleted already", before.slug))
                .hint(format!("run `nexora tenant restore {}` to keep it", before.slug)));
        }
        tenant::set_state(tx, &before.id, TenantState::Suspended, now)?;
        let after = Tenant { state: TenantState::Suspended, updated_at: now, ..before.clone() };
        watch::reconcile(tx, &connectors, &after, now)?;
        finding::save(tx, &noted(&before, deletion.purge_at, now))?;
        let subject = Subject::new(&before.slug).before(&before.state)?.after(&deletion)?;
        Ok((deletion, subject))
    })
    .await
}

fn noted(tenant: &Tenant, purge_at: Timestamp, now: Timestamp) -> Finding {
    Finding {
        key: key(tenant),
        tenant_id: Some(tenant.id.clone()),
        level: Level::Look.name().to_owned(),
        what: format!("it was deleted, and all of its data goes at {purge_at}"),
        command: format!("nexora tenant restore {}", tenant.slug),
        affected: 1,
        since: now,
        looked_at: now,
    }
}

/// Takes a deletion back: the tenant is as it was, and what waited goes on.
///
/// # Errors
/// `NotFound` when there is no such tenant; `Conflict` when it was not deleted.
pub async fn restore(app: &App, actor: &Actor, slug: &Slug) -> Result<Tenant> {
    let (before, connectors) = (find(app, slug).await?, app.connectors().clone());
    app.change(actor, &before.clone(), RESTORE, move |tx, now| {
        let found = tenant_deletion::find(tx, &before.id)?;
        let (Some(deletion), Claim::Won) = (found, tenant_deletion::clear(tx, &before.id)?) else {
            return Err(Error::conflict(format!("tenant `{}` was not deleted", before.slug)));
        };
        finding::clear(tx, &key(&before))?;
        let state = deletion.state_before;
        tenant::set_state(tx, &before.id, state, now)?;
        if state == TenantState::Active {
            run::wake_parked(tx, None, now)?;
            effect::wake_all(tx, now)?;
        }
        let after = Tenant { state, updated_at: now, ..before.clone() };
        watch::reconcile(tx, &connectors, &after, now)?;
        let subject = Subject::new(&after.slug).before(&deletion)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Deletes every row of a tenant at once. It cannot be taken back. What is broken off is gone on with by the daemon.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` while something of it is being delivered.
pub async fn delete_now(app: &App, actor: &Actor, slug: &Slug) -> Result<()> {
    let found = find(app, slug).await?;
    match delete(app, actor, slug).await {
        // It may have been deleted before, and rest.
        Err(error) if error.kind() != Kind::Conflict => return Err(error),
        Ok(_) | Err(_) => {}
    }
    purge::purge(app, &found.id, actor).await
}
