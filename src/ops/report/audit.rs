//! The audit trail: listed, shown, verified, and its head for those who keep it elsewhere.

use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::domain::report::audit::{self as trail, Looked};
use crate::ops::unit::permit;
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::TenantId;
use nexora_core::model::audit::{Actor, AuditHead, Entry};
use nexora_core::model::principal::Needs;
use nexora_core::model::tenant::Tenant;
use nexora_store::Conn;
use nexora_store::audit::{self, Filter, Opener, Order};

/// Entries that are read at once.
const PAGE: i64 = 500;

/// A field that an entry changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its name, with those around it; empty where the whole value is meant.
    pub field: String,
    pub before: Value,
    pub after: Value,
}

/// An entry with what it said, as far as that may still be known.
#[derive(Clone, Debug, Serialize)]
pub struct EntryView {
    #[serde(flatten)]
    pub entry: Entry,
    pub changes: Vec<FieldChange>,
    /// What it said was about a person who was forgotten.
    pub erased: bool,
}

/// Lists entries of a tenant, or of what belongs to none; of them those that hold a text.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(
    app: &App,
    tenant: Option<&TenantId>,
    filter: Filter,
    search: Option<String>,
    (order, limit): (Order, i64),
) -> Result<Vec<EntryView>> {
    let (tenant, ledger) = (tenant.cloned(), app.ledger.clone());
    let limit = usize::try_from(limit).unwrap_or_default();
    app.db
        .read(move |conn| {
            let (mut filter, mut opener) = (filter, Opener::new(&ledger));
            let wanted = search.map(|text| text.to_lowercase());
            let mut views = Vec::new();
            loop {
                let page = audit::page(conn, tenant.as_ref(), &filter, (order, PAGE))?;
                let Some(last) = page.last().map(|entry| entry.number) else { return Ok(views) };
                let is_last = page.len() < usize::try_from(PAGE).unwrap_or_default();
                for entry in page {
                    let view = view(conn, &mut opener, entry)?;
                    if wanted.as_ref().is_none_or(|text| holds(&view, text)) {
                        views.push(view);
                    }
                    if views.len() >= limit {
                        return Ok(views);
                    }
                }
                match order {
                    _ if is_last => return Ok(views),
                    Order::Newest => filter.before = Some(last),
                    Order::Oldest => filter.after = Some(last),
                }
            }
        })
        .await
}

/// Shows an entry.
///
/// # Errors
/// `NotFound` when the chain has no such entry.
pub async fn find(app: &App, tenant: Option<&Tenant>, number: i64) -> Result<EntryView> {
    let (id, ledger) = (tenant.map(|tenant| tenant.id.clone()), app.ledger.clone());
    let found = app.db.read(move |conn| match audit::find(conn, id.as_ref(), number)? {
        Some(entry) => view(conn, &mut Opener::new(&ledger), entry).map(Some),
        None => Ok(None),
    });
    let whose = tenant.map_or_else(|| "--system".to_owned(), |tenant| format!("--tenant {}", tenant.slug));
    found.await?.ok_or_else(|| {
        Error::not_found(format!("there is no entry {number} in this audit trail"))
            .hint(format!("run `nexora audit list {whose}`"))
    })
}

fn view(conn: &mut Conn, opener: &mut Opener<'_>, entry: Entry) -> Result<EntryView> {
    let values = opener.values(conn, &entry)?;
    let (before, after) = (values.before, values.after);
    let read = |json: &Option<Json>| json.as_ref().map_or(Value::Null, Json::value);
    let changes = changes(&read(&before), &read(&after));
    Ok(EntryView { entry: Entry { before, after, ..entry }, changes, erased: values.erased })
}

/// Returns the fields in which two values differ.
fn changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(place: &str, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        // What was made or taken away is shown whole.
        let change = FieldChange { field: place.to_owned(), before: before.clone(), after: after.clone() };
        found.push(change);
        return;
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        let value = |of: &serde_json::Map<String, Value>| of.get(name).cloned().unwrap_or_default();
        compare(&place, &value(old), &value(new), found);
    }
}

/// Tells whether a text is anywhere in an entry.
fn holds(view: &EntryView, wanted: &str) -> bool {
    let Entry { actor, action, subject, before, after, .. } = &view.entry;
    let texts = [actor, action, subject].map(String::as_str).into_iter();
    let values = [before, after].into_iter().flatten().map(Json::as_str);
    texts.chain(values).any(|text| text.to_lowercase().contains(wanted))
}

/// What a verification came to.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    pub intact: bool,
    #[serde(flatten)]
    pub looked: Looked,
    /// The head as it stands; nothing where something is wrong.
    pub head: Option<AuditHead>,
}

/// Looks whether the trail is as it was written: of one tenant, or of all. `expected` is a head that was kept
/// elsewhere.
///
/// # Errors
/// `Denied` for everybody but operators; `Unavailable` when the database cannot be reached.
pub async fn verify(
    app: &App,
    actor: &Actor,
    only: Option<&Tenant>,
    expected: Option<AuditHead>,
) -> Result<Verified> {
    let looked = trail::look(app, only.map(|tenant| tenant.id.clone()), expected).await?;
    let intact = looked.troubles.is_empty();
    // A broken trail gets no new head, which would look as if it were whole.
    let head = if intact { Some(head(app, actor).await?) } else { None };
    Ok(Verified { intact, looked, head })
}

/// Returns the head of the whole trail, which stands for everything that was recorded so far.
///
/// # Errors
/// `Denied` for everybody but operators; `Unavailable` when the database cannot be written.
pub async fn head(app: &App, actor: &Actor) -> Result<AuditHead> {
    let (now, ledger, actor) = (app.clock.now(), app.ledger.clone(), actor.clone());
    let head = app.db.write(move |conn| {
        permit(conn, &actor, Needs::Operator, None)?;
        audit::head(conn, &ledger, &actor, now)
    });
    head.await.map(|(head, _)| head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_a_change() {
        let before = json!({ "name": "Acme", "settings": { "mode": "live", "days": [1, 2] } });
        let after = json!({ "name": "Acme", "settings": { "mode": "rehearsal", "days": [1, 2], "new": 1 } });
        let found = changes(&before, &after);
        let shown: Vec<(&str, String)> =
            found.iter().map(|c| (c.field.as_str(), format!("{} {}", c.before, c.after))).collect();
        let expected =
            [("settings.mode", "\"live\" \"rehearsal\"".to_owned()), ("settings.new", "null 1".to_owned())];
        assert_eq!(shown, expected);
        assert_eq!(changes(&json!("new"), &json!("new")), []);
        assert_eq!(changes(&json!("new"), &json!("spam"))[0].field, "");
    }
}
