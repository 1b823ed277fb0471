//! Fields that a tenant adds to a kind of record.

use crate::app::App;
use crate::ops::Subject;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::record::custom_field::{self as rules, CustomField, LIMIT};
use nexora_core::model::record::{RecordKind, Schema};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, Inserted, custom_field};

pub const DEFINE: Operation = Operation::new("field.define", Noun::Tenant, Verb::Update);
pub const DELETE: Operation = Operation::new("field.delete", Noun::Tenant, Verb::Update);

/// A field to be defined.
#[derive(Clone, Debug)]
pub struct NewField {
    pub kind: &'static RecordKind,
    pub name: String,
    /// What it holds, by its word.
    pub holds: String,
    pub choices: Vec<String>,
    pub help: String,
}

/// Defines a field.
///
/// # Errors
/// `Usage` when it cannot be one, `Conflict` when there is one of that name, or there are too many.
pub async fn define(app: &App, actor: &Actor, tenant: &Tenant, new: NewField) -> Result<CustomField> {
    rules::check_name(new.kind, &new.name)?;
    rules::parse_kind(&new.holds, &new.choices)?;
    app.change(actor, tenant, DEFINE, move |tx, now| {
        let word = new.kind.word();
        if custom_field::list(tx, Some(new.kind))?.len() >= LIMIT {
            return Err(Error::conflict(format!(
                "{} has {LIMIT} fields of the tenant's own already",
                new.kind.one()
            )));
        }
        let field = CustomField {
            tenant_id: tx.tenant.id.clone(),
            noun: word.to_owned(),
            name: new.name,
            kind: new.holds,
            help: new.help,
            choices: Json::of(&new.choices)?,
            created_at: now,
        };
        if custom_field::insert(tx, &field)? == Inserted::AlreadyThere {
            return Err(Error::conflict(format!("{} has a field `{}` already", new.kind.one(), field.name))
                .hint(format!("run `nexora field list {word}`")));
        }
        let subject = Subject::new(format!("{word}.{}", field.name)).after(&field)?;
        Ok((field, subject))
    })
    .await
}

/// Deletes a field; what records say of it is shown again once it is defined again.
///
/// # Errors
/// `NotFound` when the tenant has no such field of its own.
pub async fn delete(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    kind: &'static RecordKind,
    name: &str,
) -> Result<()> {
    let name = name.to_owned();
    app.change(actor, tenant, DELETE, move |tx, _| {
        let word = kind.word();
        match custom_field::delete(tx, kind, &name)? {
            Claim::Won => Ok(((), Subject::new(format!("{word}.{name}")))),
            Claim::Lost => {
                Err(Error::not_found(format!("{} has no field `{name}` of the tenant's own", kind.one()))
                    .hint(format!("run `nexora field list {word} --tenant {}`", tx.tenant.slug)))
            }
        }
    })
    .await
}

/// Returns the fields that records of a kind have in a tenant.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub async fn schema(app: &App, tenant: &Tenant, kind: &'static RecordKind) -> Result<Schema> {
    app.view(tenant, move |tx| custom_field::schema(tx, kind)).await
}
