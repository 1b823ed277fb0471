//! Records of every kind: made, changed, listed, deleted and restored, each with its audit entry.

pub mod field;
pub mod group;

use crate::app::App;
use crate::domain::record as domain;
use crate::ops::Subject;
use crate::ops::unit::Unit;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::id::new_body;
use nexora_core::base::{Error, Kind, Result, id};
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::record::filter::{Filter, Test};
use nexora_core::model::record::value::{self, Locale};
use nexora_core::model::record::{FieldKind, GROUP, Record, RecordKind, Schema, search};
use nexora_core::model::tenant::Tenant;
use nexora_engine::record::filter::{self, Reading};
use nexora_store::custom_field;
use nexora_store::record::{self, Deleted, Query};

/// Changes of fields, as they are written: `(name, text)`.
pub type Changes = Vec<(String, String)>;

/// Returns what making a record of a kind needs.
pub const fn create_of(kind: &'static RecordKind) -> Operation {
    Operation::new(kind.actions.create, kind.noun, Verb::Create)
}

/// Returns what changing one needs.
pub const fn set_of(kind: &'static RecordKind) -> Operation {
    Operation::new(kind.actions.set, kind.noun, Verb::Update)
}

/// Returns what deleting one needs.
pub const fn delete_of(kind: &'static RecordKind) -> Operation {
    Operation::new(kind.actions.delete, kind.noun, Verb::Delete)
}

/// Returns what restoring one needs: what deleting it does.
pub const fn restore_of(kind: &'static RecordKind) -> Operation {
    Operation::new(kind.actions.restore, kind.noun, Verb::Delete)
}

/// Returns how a tenant's people write numbers, days and telephone numbers.
///
/// # Errors
/// `Internal` when the tenant's country or zone is none.
pub fn locale(tenant: &Tenant) -> Result<Locale> {
    Ok(Locale { country: tenant.country()?, zone: tenant.zone()? })
}

/// Which records are listed.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// A filter, as it is written.
    pub condition: Option<String>,
    pub search: Option<String>,
    pub tags: Vec<String>,
    /// A group of contacts, by name or id.
    pub group: Option<String>,
    /// The field by which they are sorted; with `-` before it, the largest first.
    pub sort: Option<String>,
    pub before: Option<String>,
    pub is_deleted: bool,
    pub offset: i64,
    pub limit: i64,
}

impl Wanted {
    /// Asks for the newest.
    pub fn newest(limit: i64) -> Wanted {
        Wanted {
            condition: None,
            search: None,
            tags: Vec::new(),
            group: None,
            sort: None,
            before: None,
            is_deleted: false,
            offset: 0,
            limit,
        }
    }
}

/// Lists a tenant's records of a kind, with the fields that they have there.
///
/// # Errors
/// `Usage` when the filter or the order cannot be read, `NotFound` when there is no such group.
pub async fn list(
    app: &App,
    tenant: &Tenant,
    kind: &'static RecordKind,
    wanted: Wanted,
) -> Result<(Schema, Vec<Record>)> {
    let now = app.clock.now();
    app.view(tenant, move |tx| {
        let schema = custom_field::schema(tx, kind)?;
        let query = query(tx, &schema, &wanted, now)?;
        let found = record::list(tx, &schema, &query)?;
        Ok((schema, found))
    })
    .await
}

/// Counts the records that a list would show, were it without a limit.
///
/// # Errors
/// As [`list`].
pub async fn count(app: &App, tenant: &Tenant, kind: &'static RecordKind, wanted: Wanted) -> Result<i64> {
    let now = app.clock.now();
    app.view(tenant, move |tx| {
        let schema = custom_field::schema(tx, kind)?;
        let query = query(tx, &schema, &wanted, now)?;
        record::count(tx, &schema, &query)
    })
    .await
}

fn query(tx: &mut Unit<'_>, schema: &Schema, wanted: &Wanted, now: Timestamp) -> Result<Query> {
    let reading = Reading { schema, locale: locale(tx.tenant)?, now };
    let mut parts = Vec::new();
    if let Some(text) = &wanted.condition {
        parts.push(filter::parse(text, reading)?);
    }
    for tag in &wanted.tags {
        parts.push(Filter::Field(schema.field("tags")?.clone(), Test::Has(tag.clone())));
    }
    if let Some(name) = &wanted.group {
        parts.push(group_filter(tx, reading, name)?);
    }
    let (order, is_descending) = match wanted.sort.as_deref() {
        None => (None, true),
        Some(name) => {
            let (name, is_descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
            (Some(schema.field(name)?.clone()), is_descending)
        }
    };
    if order.is_some() && wanted.before.is_some() {
        return Err(Error::usage("`--before` goes by age, and `--sort` by something else")
            .hint("use `--offset` to go on in a sorted list"));
    }
    Ok(Query {
        filter: Filter::All(parts),
        search: wanted.search.as_deref().map(search::words).unwrap_or_default(),
        order,
        is_descending,
        behind: wanted.before.clone(),
        deleted: if wanted.is_deleted { Deleted::Only } else { Deleted::Without },
        offset: wanted.offset,
        limit: wanted.limit,
    })
}

/// Returns what tells who is in a group: those that were put in, or those that meet its condition.
fn group_filter(tx: &mut Unit<'_>, reading: Reading<'_>, wanted: &str) -> Result<Filter> {
    if reading.schema.kind.noun != Noun::Contact {
        return Err(Error::usage("only contacts are in groups"));
    }
    let groups = custom_field::schema(tx, &GROUP)?;
    let group = look_up(tx, &groups, wanted)?;
    match group.text("condition") {
        Some(condition) => filter::parse(condition, reading),
        None => Ok(Filter::InGroup(group.id)),
    }
}

/// Finds a record, not deleted, by its id, by what no two have the same, by its name, or in a way of its kind's own.
///
/// # Errors
/// `NotFound` when there is none, `Conflict` when several are called so.
pub fn look_up(tx: &mut Unit<'_>, schema: &Schema, wanted: &str) -> Result<Record> {
    let found = look_up_any(tx, schema, wanted)?;
    match found.deleted_at {
        None => Ok(found),
        Some(_) => {
            let (word, slug) = (schema.kind.word(), &tx.tenant.slug);
            Err(Error::not_found(format!("{word} `{wanted}` was deleted"))
                .hint(format!("run `nexora {word} restore {} --tenant {slug}`", found.id)))
        }
    }
}

/// The same, also one that was deleted where its id is given.
fn look_up_any(tx: &mut Unit<'_>, schema: &Schema, wanted: &str) -> Result<Record> {
    let kind = schema.kind;
    if id::is_well_formed(kind.prefix, wanted) {
        return record::find(tx, schema, wanted)?.ok_or_else(|| tx.missing(kind.word(), wanted));
    }
    let tenant = tx.tenant;
    if let Some(id) = domain::find(tx, tenant, kind.noun, wanted)? {
        return record::find(tx, schema, &id)?.ok_or_else(|| tx.missing(kind.word(), wanted));
    }
    let names = kind.unique.into_iter().chain(kind.fields.first().map(|field| field.name.as_ref()));
    for name in names {
        let mut found = record::find_by(tx, schema, schema.field(name)?, wanted, 6)?;
        match found.len() {
            0 => {}
            1 => return Ok(found.remove(0)),
            _ => {
                let ids: Vec<String> = found.into_iter().map(|record| record.id).collect();
                return Err(Error::conflict(format!("several {} are called `{wanted}`", kind.plural))
                    .hint(format!("name one by its id: {}", ids.join(", "))));
            }
        }
    }
    Err(tx.missing(kind.word(), wanted))
}

/// Finds a record, with the fields that such records have in the tenant.
///
/// # Errors
/// As [`look_up`].
pub async fn find(
    app: &App,
    tenant: &Tenant,
    kind: &'static RecordKind,
    wanted: &str,
) -> Result<(Schema, Record)> {
    let wanted = wanted.to_owned();
    app.view(tenant, move |tx| {
        let schema = custom_field::schema(tx, kind)?;
        let found = look_up_any(tx, &schema, &wanted)?;
        Ok((schema, found))
    })
    .await
}

/// Makes a record.
///
/// # Errors
/// `Usage` when a field is none or says what it cannot, or one is missing; `Conflict` when there is one with the same number.
pub async fn create(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    kind: &'static RecordKind,
    changes: Changes,
) -> Result<Record> {
    app.change(actor, tenant, create_of(kind), move |tx, now| {
        let schema = custom_field::schema(tx, kind)?;
        let mut new = Record {
            id: format!("{}_{}", kind.prefix, new_body(now)),
            values: value::read_all(&schema, &changes, locale(tx.tenant)?)?,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        complete(tx, &schema, None, &mut new, now)?;
        record::insert(tx, &schema, std::slice::from_ref(&new)).map_err(|error| taken(kind, &new, error))?;
        domain::written(tx, kind.noun, None, &new, now)?;
        let subject = Subject::new(&new.id).after(&new)?;
        Ok((read_back(tx, &schema, &new)?, subject))
    })
    .await
}

/// Returns a record as it was written, with what follows from other rows.
fn read_back(tx: &mut Unit<'_>, schema: &Schema, record: &Record) -> Result<Record> {
    record::find(tx, schema, &record.id)?.ok_or_else(|| tx.missing(schema.kind.word(), &record.id))
}

/// Checks a record that is about to be written, with its filters, and makes ids of what names other records.
fn complete(
    tx: &mut Unit<'_>,
    schema: &Schema,
    before: Option<&Record>,
    record: &mut Record,
    now: Timestamp,
) -> Result<()> {
    value::require(schema, &record.values)?;
    for field in schema.fields() {
        let name = field.name.as_ref();
        let (FieldKind::Record(noun) | FieldKind::Filter(noun)) = field.kind else { continue };
        let Some(said) = record.text(name).map(str::to_owned) else { continue };
        if before.and_then(|before| before.text(name)) == Some(&said) {
            continue;
        }
        let others = custom_field::schema(tx, RecordKind::parse(noun.name())?)?;
        if let FieldKind::Filter(_) = field.kind {
            filter::parse(&said, Reading { schema: &others, locale: locale(tx.tenant)?, now })?;
        } else {
            let found = look_up(tx, &others, &said)?;
            record.values.insert(name.to_owned(), found.id.into());
        }
    }
    Ok(())
}

/// Words the refusal of a number that another record has.
fn taken(kind: &RecordKind, record: &Record, error: Error) -> Error {
    match (error.kind(), kind.unique) {
        (Kind::Conflict, Some(unique)) => {
            let (word, said) = (kind.word(), record.text(unique).unwrap_or_default());
            Error::conflict(format!(
                "{} with the {} `{said}` exists already",
                kind.one(),
                unique.replace('_', " ")
            ))
            .hint(format!("run `nexora {word} show \"{said}\"`"))
        }
        _ => error,
    }
}

/// Changes fields of a record. The same again changes nothing. Returns it as it was and as it is.
///
/// # Errors
/// As [`create`] and [`look_up`].
pub async fn set(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    kind: &'static RecordKind,
    wanted: &str,
    changes: Changes,
) -> Result<(Record, Record)> {
    let wanted = wanted.to_owned();
    app.change(actor, tenant, set_of(kind), move |tx, now| {
        let schema = custom_field::schema(tx, kind)?;
        let before = look_up(tx, &schema, &wanted)?;
        let mut after = Record { updated_at: now, ..before.clone() };
        value::set(&schema, &mut after.values, &changes, locale(tx.tenant)?)?;
        complete(tx, &schema, Some(&before), &mut after, now)?;
        if after.values == before.values {
            let subject = Subject::new(&before.id);
            return Ok(((before.clone(), before), subject));
        }
        record::save(tx, &schema, std::slice::from_ref(&after))
            .map_err(|error| taken(kind, &after, error))?;
        domain::written(tx, kind.noun, Some(&before), &after, now)?;
        let subject = Subject::new(&after.id).before(&before)?.after(&after)?;
        let after = read_back(tx, &schema, &after)?;
        Ok(((before, after), subject))
    })
    .await
}

/// Deletes a record: it is in no list any more, and can be restored.
///
/// # Errors
/// As [`look_up`].
pub async fn delete(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    kind: &'static RecordKind,
    wanted: &str,
) -> Result<Record> {
    mark(app, actor, tenant, (kind, delete_of(kind)), wanted, look_up, Some).await
}

/// Restores a record that was deleted.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when its number was given to another one meanwhile.
pub async fn restore(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    kind: &'static RecordKind,
    wanted: &str,
) -> Result<Record> {
    mark(app, actor, tenant, (kind, restore_of(kind)), wanted, look_up_any, |_| None).await
}

/// Finds a record by `find`, and has it deleted since what `deleted_at` makes of the moment.
async fn mark(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    (kind, operation): (&'static RecordKind, Operation),
    wanted: &str,
    find: fn(&mut Unit<'_>, &Schema, &str) -> Result<Record>,
    deleted_at: fn(Timestamp) -> Option<Timestamp>,
) -> Result<Record> {
    let wanted = wanted.to_owned();
    app.change(actor, tenant, operation, move |tx, now| {
        let schema = custom_field::schema(tx, kind)?;
        let before = find(tx, &schema, &wanted)?;
        let after = Record { deleted_at: deleted_at(now), ..before.clone() };
        record::save(tx, &schema, std::slice::from_ref(&after))
            .map_err(|error| taken(kind, &after, error))?;
        let subject = Subject::new(&after.id).before(&before)?.after(&after)?;
        Ok((after, subject))
    })
    .await
}
