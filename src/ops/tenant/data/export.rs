//! A tenant's rows into files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::contact::link::SignedLinks;
use crate::ops::Subject;
use crate::ops::tenant::data::secrets::Secrets;
use crate::ops::tenant::data::{FOLDER, FORMAT, Manifest, place};
use crate::ops::tenant::text::{self, EXPORT};
use nexora_core::base::secret::Secret;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::TenantId;
use nexora_core::model::address::{EmailAddress, Slug};
use nexora_core::model::audit::Actor;
use nexora_core::model::tenant::TenantState;
use nexora_store::rows::Table;
use nexora_store::tenant_data::{self, SUPPRESSIONS};
use nexora_store::{Conn, tenant_deletion};

/// What is wanted.
#[derive(Default)]
pub struct Wish {
    /// What seals the secrets; without it they stay behind.
    pub passphrase: Option<Secret>,
    /// Leaves behind what is not written to and is known by its hash alone.
    pub drop_unknown_suppressions: bool,
}

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    pub files: Vec<String>,
    pub rows: BTreeMap<String, u64>,
    pub has_secrets: bool,
    /// Addresses that are not written to and stayed behind.
    pub dropped_suppressions: u64,
}

/// Writes a suspended tenant with its rows.
///
/// # Errors
/// `NotFound` when there is no such tenant; `Conflict` when it is at work, or an address that is not written to cannot travel; those
/// of [`text::export`].
pub async fn export(app: &App, actor: &Actor, slug: &Slug, folder: &Path, wish: Wish) -> Result<Written> {
    let tenant = crate::ops::tenant::find(app, slug).await?;
    app.permit(actor, &tenant, EXPORT).await?;
    if tenant.state != TenantState::Suspended {
        return Err(Error::conflict(format!(
            "tenant `{slug}` is at work: two installations would do the same things"
        ))
        .hint(format!("run `nexora tenant suspend {slug}` first; leads are kept meanwhile")));
    }
    if folder.join(FOLDER).exists() {
        return Err(Error::conflict(format!("`{}` holds data already", folder.display()))
            .hint("name a folder that is new"));
    }
    let files = text::export(app, actor, slug, folder).await?;
    let (to, links, now, key) = (folder.to_owned(), SignedLinks::of(app), app.clock.now(), app.key.clone());
    let drop_unknown = wish.drop_unknown_suppressions;
    let (id, passphrase) = (tenant.id.clone(), wish.passphrase);
    let has_secrets = passphrase.is_some();
    let read = app.db.read(move |conn| {
        tenant_data::as_of_one_moment(conn, |conn| {
            if tenant_deletion::under_way(conn, &id, now)? > 0 {
                return Err(
                    Error::conflict("something of the tenant is being delivered just now").hint("try again")
                );
            }
            let (rows, dropped) = write_rows(conn, &id, &to, &links, drop_unknown)?;
            if let Some(passphrase) = &passphrase {
                Secrets::gather(&mut conn.of(&id), &key)?.write(&to, passphrase)?;
            }
            let manifest = Manifest {
                format: FORMAT,
                nexora: env!("CARGO_PKG_VERSION").to_owned(),
                schema: tenant_data::schema(conn)?,
                rows: rows.clone(),
            };
            manifest.write(&to)?;
            Ok((rows, dropped))
        })
    });
    let written = read.await;
    if written.is_err() {
        // What is half there would be taken for the whole.
        let _ = std::fs::remove_dir_all(folder.join(FOLDER));
    }
    let (rows, dropped_suppressions) = written?;
    let told = rows.clone();
    app.change(actor, &tenant, EXPORT, move |tx, _| {
        let subject = Subject::new(&tx.tenant.slug).after(&told)?;
        Ok(((), subject))
    })
    .await?;
    Ok(Written { files, rows, has_secrets, dropped_suppressions })
}

fn write_rows(
    conn: &mut Conn,
    tenant: &TenantId,
    folder: &Path,
    links: &SignedLinks,
    drop_unknown: bool,
) -> Result<(BTreeMap<String, u64>, u64)> {
    let tables = tenant_data::tables(conn)?;
    let addresses = tenant_data::addresses(conn, tenant)?;
    let by_hash = by_hash(links, tenant, &addresses);
    file::make_folders(&folder.join(FOLDER)).map_err(|error| file::unwritable(folder, Kind::Usage, error))?;
    let (mut rows, mut unknown) = (BTreeMap::new(), 0);
    for table in &tables {
        let change = |mut row: Map<String, Value>| {
            if table.name != SUPPRESSIONS {
                return Some(row);
            }
            // Its hash is made with this installation's key.
            let address = row.remove("hash").and_then(|hash| by_hash.get(hash.as_str()?).cloned())?;
            row.insert("address".to_owned(), Value::String(address));
            Some(row)
        };
        let (written, left) = write_table(conn, table, tenant, folder, change)?;
        unknown += left;
        rows.insert(table.name.clone(), written);
    }
    if unknown > 0 && !drop_unknown {
        let what =
            count(unknown, "address that is not written to is", "addresses that are not written to are");
        return Err(Error::conflict(format!("{what} known by a hash alone, and cannot travel to another key")).hint(
            "add those you know once more where the tenant goes (`nexora suppression add`), and leave them behind with `--drop-unknown-suppressions`",
        ));
    }
    Ok((rows, unknown))
}

fn by_hash(links: &SignedLinks, tenant: &TenantId, addresses: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut known = BTreeMap::new();
    for address in addresses {
        let key = EmailAddress::key_of(address);
        for form in EmailAddress::kept_forms(&key) {
            known.insert(links.hash_of(tenant, &form), form);
        }
    }
    known
}

fn write_table(
    conn: &mut Conn,
    table: &Table,
    tenant: &TenantId,
    folder: &Path,
    change: impl Fn(Map<String, Value>) -> Option<Map<String, Value>>,
) -> Result<(u64, u64)> {
    let path = place(folder, &table.name);
    let failed = |error| file::unwritable(&path, Kind::Usage, error);
    let opened = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    let mut out = BufWriter::new(opened);
    let (mut rows, mut left) = (0, 0);
    tenant_data::each(conn, table, tenant, &mut |row| {
        let Some(row) = change(row) else {
            left += 1;
            return Ok(());
        };
        rows += 1;
        writeln!(out, "{}", Value::Object(row)).map_err(failed)
    })?;
    out.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    Ok((rows, left))
}
