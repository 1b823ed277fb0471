//! What a person may ask for: everything that is kept of them, or that it is forgotten.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::domain::contact::erasure::{self as forgetting, Forgotten};
use crate::domain::contact::link::SignedLinks;
use crate::domain::contact::person::{self, Named};
use crate::ops::unit::Unit;
use crate::ops::{LIST_LIMIT, Subject};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::erasure::Erasure;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{PhotoId, TenantId};
use nexora_store::audit::{self, Filter, Ledger, Opener, Order};
use nexora_store::erasure::{self, Person, RULES};
use nexora_store::{form, rows};

pub const FORGET: Operation = Operation::new("contact.forget", Noun::Contact, Verb::Delete);
/// Everything at once is for those who might take it away.
pub const EXPORT: Operation = Operation::new("contact.export", Noun::Contact, Verb::Delete);

/// Photos and audit entries of one person that are exported.
const EXPORTED: i64 = 10_000;

/// Says what would be forgotten, and changes nothing.
///
/// # Errors
/// `NotFound` when nothing is kept of such a person.
pub async fn plan(app: &App, actor: &Actor, tenant: &Tenant, named: &Named) -> Result<Forgotten> {
    app.permit(actor, tenant, FORGET).await?;
    let (linker, connectors) = (SignedLinks::of(app), app.connectors().clone());
    let (named, by, now) = (named.clone(), actor.to_string(), app.clock.now());
    app.view(tenant, move |tx| {
        let tenant = tx.tenant;
        let person = person::find(tx, tenant, &named, (&linker, &connectors))?;
        let found = gathered(tx, &person)?;
        Ok(Forgotten { receipt: None, at: now, by, erased: found.counts, outside: found.outside })
    })
    .await
}

/// Gathers and lets go again, in a transaction that is undone, so that nothing of it stays in the session.
fn gathered(tx: &mut Unit<'_>, person: &Person) -> Result<erasure::Erased> {
    let tenant = tx.tenant.id.clone();
    let mut found = None;
    let undone = tx.transaction(|conn| {
        let tx = &mut conn.of(&tenant);
        found = Some(erasure::gather(tx, person)?);
        erasure::release(tx)
    });
    undone?;
    let found: erasure::Erased = found.unwrap_or_default();
    if found.is_nothing() { Err(forgetting::nothing()) } else { Ok(found) }
}

/// Forgets a person: everything that is kept of them goes, in one write. What they asked not to be sent stays known, as
/// a hash of the address. Returns the receipt, which is kept and holds nothing of them.
///
/// # Errors
/// `NotFound` when nothing is kept of such a person; `Conflict` when something is just being sent to them.
pub async fn forget(app: &App, actor: &Actor, tenant: &Tenant, named: &Named) -> Result<Forgotten> {
    let (linker, connectors) = (SignedLinks::of(app), app.connectors().clone());
    let (named, by) = (named.clone(), actor.to_string());
    app.change(actor, tenant, FORGET, move |tx, now| {
        let tenant = tx.tenant;
        let person = person::find(tx, tenant, &named, (&linker, &connectors))?;
        let (told, of) = forgetting::forget(tx, &person, &linker, &by, now)?;
        let subject = told.receipt.as_ref().map_or_else(String::new, ToString::to_string);
        let subject = Subject::new(subject).after(&json!({ "of": of, "erased": told.erased }))?;
        Ok((told, subject))
    })
    .await
}

/// Lists the receipts of a tenant, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn receipts(app: &App, tenant: &Tenant) -> Result<Vec<Erasure>> {
    app.view(tenant, |tx| erasure::list(tx, LIST_LIMIT)).await
}

/// Everything that is kept of a person.
pub struct Export {
    /// By kind of thing, readable.
    pub document: Value,
    /// Each with its id.
    pub photos: Vec<(PhotoId, Vec<u8>)>,
}

/// Collects everything that is kept of a person.
///
/// # Errors
/// `NotFound` when nothing is.
pub async fn export(app: &App, actor: &Actor, tenant: &Tenant, named: &Named) -> Result<Export> {
    let (linker, connectors, ledger) = (SignedLinks::of(app), app.connectors().clone(), app.ledger.clone());
    let named = named.clone();
    app.change(actor, tenant, EXPORT, move |tx, now| {
        let tenant = tx.tenant;
        let person = person::find(tx, tenant, &named, (&linker, &connectors))?;
        let found = erasure::gather(tx, &person)?;
        if found.is_nothing() {
            return Err(forgetting::nothing());
        }
        let export = collect(tx, &ledger, (&person, &found), now)?;
        erasure::release(tx)?;
        Ok((export, Subject::new(forgetting::subject_of(&person))))
    })
    .await
}

fn collect(
    tx: &mut Unit<'_>,
    ledger: &Ledger,
    (person, found): (&Person, &erasure::Erased),
    now: Timestamp,
) -> Result<Export> {
    let mut document = Map::new();
    let about = json!({ "tenant": tx.tenant.slug, "exported_at": now, "addresses": person.addresses });
    document.insert("export".to_owned(), about);
    let tables = rows::tables(tx)?;
    // People look for who it is first, and for how it was sent last.
    for rule in RULES.iter().rev().filter(|rule| found.counts.contains_key(rule.kind)) {
        if rule.table == "audit_people" {
            continue;
        }
        let mut rows = Vec::new();
        for text in erasure::rows_of(tx, &tables, rule)? {
            let row: Value = serde_json::from_str(&text)
                .map_err(|error| Error::internal("a row has no JSON form").source(error))?;
            rows.push(readable(row));
        }
        document.insert(rule.kind.replace(' ', "_"), Value::Array(rows));
    }
    document.insert("audit".to_owned(), Value::Array(entries(tx, ledger, person)?));
    document.insert("in_other_places".to_owned(), json!(found.outside));
    let mut photos = Vec::new();
    for lead in &person.leads {
        for id in form::photos_of(tx, lead, EXPORTED)? {
            if let Some(photo) = form::find_photo(tx, &id)? {
                photos.push((id, photo.content));
            }
        }
    }
    Ok(Export { document: Value::Object(document), photos })
}

/// Returns what the audit trail says of a person.
fn entries(tx: &mut Unit<'_>, ledger: &Ledger, person: &Person) -> Result<Vec<Value>> {
    let tenant: TenantId = tx.tenant.id.clone();
    let leads = person.leads.iter().map(ToString::to_string);
    let mut opener = Opener::new(ledger);
    let mut all = Vec::new();
    for whose in person.contact.iter().map(ToString::to_string).chain(leads) {
        let filter = Filter { person: Some(whose), ..Filter::default() };
        for entry in audit::page(tx, Some(&tenant), &filter, (Order::Oldest, EXPORTED))? {
            let values = opener.values(tx, &entry)?;
            all.push(json!({
                "at": entry.at, "actor": entry.actor, "action": entry.action, "subject": entry.subject,
                "before": values.before, "after": values.after,
            }));
        }
    }
    Ok(all)
}

/// Makes a row of the database readable: moments as dates, texts that hold JSON as what they hold.
fn readable(row: Value) -> Value {
    let Value::Object(fields) = row else { return row };
    let shown = fields.into_iter().filter(|(name, value)| name != "tenant_id" && !value.is_null());
    let shown = shown.map(|(name, value)| {
        let is_moment = name == "at" || name == "until" || name.ends_with("_at");
        let value = match value {
            Value::Number(number) if is_moment => {
                number.as_i64().map_or(Value::Number(number), |millis| json!(Timestamp::from_millis(millis)))
            }
            Value::String(text) if text.starts_with(['{', '[']) => {
                serde_json::from_str(&text).unwrap_or(Value::String(text))
            }
            other => other,
        };
        (name, value)
    });
    Value::Object(shown.collect())
}
