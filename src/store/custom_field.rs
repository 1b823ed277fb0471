//! Rows of `custom_fields`, and the fields that records of a kind have in a tenant.

use diesel::prelude::*;

use crate::conn::on;
use crate::{Claim, Inserted, Tx};
use nexora_core::base::Result;
use nexora_core::model::record::custom_field::{CustomField, LIMIT, custom_fields};
use nexora_core::model::record::{RecordKind, Schema};

/// Inserts the field, unless the tenant has one of that name.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn insert(tx: &mut Tx, field: &CustomField) -> Result<Inserted> {
    let insert = diesel::insert_into(custom_fields::table).values(field).on_conflict_do_nothing();
    on!(tx.conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Lists a tenant's own fields of a kind, or of all, by name.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn list(tx: &mut Tx, kind: Option<&RecordKind>) -> Result<Vec<CustomField>> {
    on!(tx.conn, |c| {
        let mut query = custom_fields::table.filter(custom_fields::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(kind) = kind {
            query = query.filter(custom_fields::noun.eq(kind.word()));
        }
        query
            .order((custom_fields::noun, custom_fields::name))
            .limit(i64::try_from(LIMIT * 20).unwrap_or(i64::MAX))
            .select(CustomField::as_select())
            .load(c)
    })
}

/// Deletes a field. What records say of it is kept.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn delete(tx: &mut Tx, kind: &RecordKind, name: &str) -> Result<Claim> {
    let rows = custom_fields::table.find((tx.tenant, kind.word(), name));
    on!(tx.conn, |c| diesel::delete(rows).execute(c)).map(Claim::from_count)
}

/// Returns the fields that records of a kind have.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn schema(tx: &mut Tx, kind: &'static RecordKind) -> Result<Schema> {
    let custom = list(tx, Some(kind))?.iter().map(CustomField::field).collect::<Result<_>>()?;
    Ok(Schema { kind, custom })
}
