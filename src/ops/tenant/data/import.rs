//! A tenant's rows out of files, into an installation that does not have them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde_json::{Map, Value};

use crate::app::App;
use crate::domain::contact::link::SignedLinks;
use crate::ops::connection::declared;
use crate::ops::lead::source_declared;
use crate::ops::tenant::data::secrets::Secrets;
use crate::ops::tenant::data::{FOLDER, Manifest, place};
use crate::ops::tenant::find;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_core::base::secret::Secret;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::TenantId;
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::form::Form;
use nexora_core::model::principal::Operation;
use nexora_core::model::tenant::TenantState;
use nexora_store::rows::Table;
use nexora_store::tenant_data::{self, SUPPRESSIONS, TENANTS};
use nexora_store::{Conn, connection, form, source};

pub const IMPORT: Operation = Operation::of_operators("tenant.import");

/// What was put in.
#[derive(Default)]
pub struct Put {
    /// Rows by table; none where they were there already.
    pub rows: BTreeMap<String, u64>,
    /// What was made here and is shown once.
    pub shown_once: Vec<(String, &'static str, Secret)>,
}

type Row = Map<String, Value>;

/// Puts a tenant's rows in: suspended, and waiting for the credentials that did not travel. One whose rows are there already is
/// left as it is.
///
/// # Errors
/// `NotFound` when the folder has no data; `Conflict` when it is of another version or format, or the slug is another tenant's;
/// `Usage` when a row is not what it should be.
pub async fn put(
    app: &App,
    actor: &Actor,
    (folder, slug): (&Path, &Slug),
    passphrase: Option<&Secret>,
) -> Result<Put> {
    let manifest = Manifest::read(folder)?;
    let secrets = match passphrase {
        Some(passphrase) => Secrets::read(folder, passphrase)?,
        None => Secrets::default(),
    };
    let id = tenant_of(folder)?;
    let (wanted, known) = (slug.clone(), id.clone());
    let there = app
        .db
        .read(move |conn| {
            let of_id = nexora_store::tenant::find(conn, &known)?;
            Ok((of_id, nexora_store::tenant::find_by_slug(conn, &wanted)?))
        })
        .await?;
    match there {
        (Some(of_id), _) if of_id.slug == *slug => return Ok(Put::default()),
        (Some(of_id), _) => {
            return Err(Error::conflict(format!(
                "the tenant of this data is here already, as `{}`",
                of_id.slug
            ))
            .hint("an installation has a tenant's data once"));
        }
        (None, Some(_)) => {
            return Err(Error::conflict(format!("there is another tenant `{slug}`"))
                .hint("apply it under another slug with `--tenant`"));
        }
        (None, None) => {}
    }
    let (place, links, to) = (folder.to_owned(), SignedLinks::of(app), slug.clone());
    let filled = move |conn: &mut Conn| fill(conn, (&place, &manifest), (&id, &to), &links);
    let rows = app.db.write(filled).await?;
    let shown_once = give_secrets(app, slug, secrets).await?;
    let (tenant, told) = (find(app, slug).await?, rows.clone());
    app.change(actor, &tenant, IMPORT, move |tx, _| {
        let subject = Subject::new(&tx.tenant.slug).after(&told)?;
        Ok(((), subject))
    })
    .await?;
    Ok(Put { rows, shown_once })
}

fn lines(path: &Path) -> Result<impl Iterator<Item = Result<Row>>> {
    let opened = File::open(path).map_err(|error| file::unreadable(path, Kind::Usage, error))?;
    let path = path.to_owned();
    let lines = BufReader::new(opened).lines().enumerate();
    Ok(lines.map(move |(number, line)| {
        let line = line.map_err(|error| file::unreadable(&path, Kind::Usage, error))?;
        serde_json::from_str(&line).map_err(|error| {
            Error::usage(format!("{}:{}: it is no row: {error}", path.display(), number + 1))
        })
    }))
}

/// Returns the tenant that the rows are of.
fn tenant_of(folder: &Path) -> Result<TenantId> {
    let path = place(folder, TENANTS);
    let mut rows = lines(&path)?;
    let wrong = || Error::usage(format!("`{}` is not the row of one tenant", path.display()));
    let row = rows.next().ok_or_else(wrong)??;
    match (row.get("id").and_then(Value::as_str), rows.next()) {
        (Some(id), None) => TenantId::parse(id),
        _ => Err(wrong()),
    }
}

fn fill(
    conn: &mut Conn,
    (folder, manifest): (&Path, &Manifest),
    (tenant, slug): (&TenantId, &Slug),
    links: &SignedLinks,
) -> Result<BTreeMap<String, u64>> {
    let schema = tenant_data::schema(conn)?;
    if manifest.schema != schema {
        return Err(Error::conflict(format!(
            "the data is of another version of Nexora: `{}`, and here it is `{schema}`",
            manifest.schema
        ))
        .hint("bring both installations to the same version, and export again"));
    }
    let tables = tenant_data::tables(conn)?;
    let known = |name: &String| tables.iter().any(|table| table.name == *name);
    if let Some(other) = manifest.rows.keys().find(|name| !known(name)) {
        return Err(Error::conflict(format!("there is no table `{other}` here")));
    }
    let mut rows = BTreeMap::new();
    for table in &tables {
        let path = place(folder, &table.name);
        let told =
            manifest.rows.get(&table.name).copied().ok_or_else(|| {
                Error::conflict(format!("`{FOLDER}` says nothing of table `{}`", table.name))
            })?;
        let mut given = lines(&path)?.map(|row| Ok(changed(table, row?, (tenant, slug), links)));
        let put = tenant_data::put(conn, table, tenant, &mut given)?;
        if put != told {
            return Err(Error::usage(format!(
                "`{}` has {put} rows, and the manifest says {told}",
                path.display()
            )));
        }
        rows.insert(table.name.clone(), put);
    }
    rows.retain(|_, rows| *rows > 0);
    Ok(rows)
}

/// Returns a row as it is to be here.
fn changed(table: &Table, mut row: Row, (tenant, slug): (&TenantId, &Slug), links: &SignedLinks) -> Row {
    match table.name.as_str() {
        TENANTS => {
            row.insert("slug".to_owned(), Value::String(slug.to_string()));
            row.insert("state".to_owned(), Value::String(TenantState::Suspended.to_string()));
        }
        SUPPRESSIONS => {
            if let Some(Value::String(address)) = row.remove("address") {
                row.insert("hash".to_owned(), Value::String(links.hash_of(tenant, &address)));
            }
        }
        _ => {}
    }
    row
}

/// Seals the secrets that travelled, and has what lacks one say so.
async fn give_secrets(
    app: &App,
    slug: &Slug,
    secrets: Secrets,
) -> Result<Vec<(String, &'static str, Secret)>> {
    let tenant = find(app, slug).await?;
    let (connections, sources, kept) = app
        .view(&tenant, |tx| {
            Ok((connection::list(tx, LIST_LIMIT)?, source::list(tx, LIST_LIMIT)?, form::find(tx)?))
        })
        .await?;
    let mut shown = Vec::new();
    for row in connections {
        let (name, given) = (row.name.clone(), secrets.of_connection(row.id.as_str()));
        if let Some((secret, sentence)) = declared::furnish(app, row, given).await? {
            shown.push((format!("connection {name}"), sentence, secret));
        }
    }
    for row in sources {
        let given = secrets.of_source(row.id.as_str());
        source_declared::furnish(app, row, given).await?;
    }
    if let Some(kept) = kept {
        let sealed = secrets.turnstile(app, &Form::seal_owner(&tenant.id))?;
        let mut settings = kept.settings()?;
        if sealed.is_none() {
            // Without its secret the widget would turn everybody away.
            settings.turnstile_site_key = String::new();
        }
        let after = Form { settings: Json::of(&settings)?, turnstile_sealed: sealed, ..kept };
        app.db.write(move |conn| form::save(conn, &after)).await?;
    }
    Ok(shown)
}
