//! Contacts, what they agreed to, and addresses that are not written to.

use serde::Serialize;

use crate::app::App;
use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::model::address::{EmailAddress, Zone};
use crate::model::audit::Actor;
use crate::model::consent::{Consent, Scope, Suppression, SuppressionReason};
use crate::model::contact::{AddressKind, Contact};
use crate::model::event::EventKind;
use crate::model::lead::Agreed;
use crate::model::message::Message;
use crate::model::tenant::Tenant;
use crate::model::{ContactId, TenantId};
use crate::ops::{Subject, audited};
use crate::pipeline::consent::{Given, note};
use crate::pipeline::contact::{about_contact, find_written};
use crate::pipeline::fact::{self, Detail};
use crate::pipeline::link::Linker;
use crate::store::{Claim, Conn, Inserted, consent, contact, message};

/// A contact with everything that is known of it.
#[derive(Clone, Debug, Serialize)]
pub struct ContactView {
    #[serde(flatten)]
    pub contact: Contact,
    pub addresses: Vec<Address>,
    pub consents: Vec<Consent>,
    pub messages: Vec<Message>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Address {
    pub kind: AddressKind,
    pub value: String,
    /// What the address is not sent any more.
    pub suppressed: Vec<Scope>,
}

const SHOWN: i64 = 20;

/// Lists a tenant's contacts, newest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: &Tenant, before: Option<ContactId>, limit: i64) -> Result<Vec<Contact>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| contact::list(conn, &id, before.as_ref(), limit)).await
}

/// Shows a contact, by its id or one of its addresses.
///
/// # Errors
/// `NotFound` when the tenant has no such contact.
pub async fn find(app: &App, tenant: &Tenant, wanted: &str) -> Result<ContactView> {
    let (tenant, wanted, linker) = (tenant.clone(), wanted.to_owned(), Linker::of(app));
    app.db
        .read(move |conn| {
            let contact = look_up(conn, &tenant, &wanted)?;
            let mut addresses = Vec::new();
            for (kind, value) in contact::addresses(conn, &tenant.id, &contact.id)? {
                let found = consent::suppressions_of(conn, &tenant.id, &linker.hash_of(&tenant.id, &value))?;
                let suppressed = found.into_iter().map(|suppression| suppression.scope).collect();
                addresses.push(Address { kind, value, suppressed });
            }
            Ok(ContactView {
                consents: consent::of_contact(conn, &tenant.id, &contact.id, SHOWN)?,
                messages: message::of_contact(conn, &tenant.id, &contact.id, SHOWN)?,
                addresses,
                contact,
            })
        })
        .await
}

fn look_up(conn: &mut Conn, tenant: &Tenant, wanted: &str) -> Result<Contact> {
    let id = match ContactId::parse(wanted) {
        Ok(id) => Some(id),
        Err(_) => find_written(conn, tenant, wanted)?,
    };
    let found = id.map(|id| contact::find(conn, &tenant.id, &id)).transpose()?.flatten();
    found.ok_or_else(|| {
        Error::not_found(format!("no contact `{wanted}` in tenant `{}`", tenant.slug))
            .hint(format!("run `nexora contact list --tenant {}`", tenant.slug))
    })
}

/// Notes in which zone a contact reads a clock.
///
/// # Errors
/// `NotFound` when the tenant has no such contact.
pub async fn set_zone(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    wanted: &str,
    zone: Zone,
) -> Result<Contact> {
    let (now, tenant, wanted) = (app.clock.now(), tenant.clone(), wanted.to_owned());
    audited(&app.db, Some(tenant.id.clone()), actor, "contact.set", now, move |conn| {
        let before = look_up(conn, &tenant, &wanted)?;
        let timezone = Some(zone.name().to_owned());
        let after = Contact { timezone, updated_at: now, ..before.clone() };
        contact::save(conn, &after)?;
        let subject = Subject::new(&after.id).before(&before.timezone)?.after(&after.timezone)?;
        Ok((after, subject))
    })
    .await
}

/// Records that a contact agreed to commercial messages, or took it back.
///
/// # Errors
/// `NotFound` when the tenant has no such contact.
pub async fn record_consent(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    wanted: &str,
    word: Agreed,
) -> Result<Consent> {
    let (now, tenant, wanted) = (app.clock.now(), tenant.clone(), wanted.to_owned());
    let by = actor.to_string();
    audited(&app.db, Some(tenant.id.clone()), actor, "contact.consent", now, move |conn| {
        let contact = look_up(conn, &tenant, &wanted)?;
        let given = Given { source: "cli", actor: &by, lead: None };
        let new = note(conn, &tenant.id, &contact.id, word, given, now)?;
        let subject = Subject::new(&contact.id).after(&new)?;
        Ok((new, subject))
    })
    .await
}

/// Has an address not written to any more, whether or not a contact has it.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn suppress(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    email: &EmailAddress,
    (scope, detail): (Scope, String),
) -> Result<Suppression> {
    let (now, id, linker) = (app.clock.now(), tenant.id.clone(), Linker::of(app));
    let (by, email) = (actor.to_string(), email.clone());
    let suppressed = audited(&app.db, Some(id.clone()), actor, "suppression.add", now, move |conn| {
        let new = Suppression {
            tenant_id: id.clone(),
            hash: linker.hash_of_email(&id, &email),
            scope,
            reason: SuppressionReason::Manual,
            detail,
            actor: by,
            created_at: now,
        };
        let known = contact::find_by_address(conn, &id, AddressKind::Email, &email.key())?;
        if let (Inserted::New, Some(contact_id)) = (consent::suppress(conn, &new)?, known) {
            tell_unsubscribed(conn, &id, contact_id, (&new.hash, new.reason), now)?;
        }
        let subject = Subject::new(&new.hash).after(&new)?;
        Ok((new, subject))
    });
    let suppression = suppressed.await?;
    app.nudges.all();
    Ok(suppression)
}

/// Tells that a contact wants no more mail at the address of this hash, and why.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub(super) fn tell_unsubscribed(
    conn: &mut Conn,
    tenant: &TenantId,
    contact_id: ContactId,
    (hash, reason): (&str, SuppressionReason),
    now: Timestamp,
) -> Result<()> {
    let about = about_contact(conn, tenant, contact_id)?;
    let detail = Detail { to: reason.name(), from: "" };
    let key = format!("{hash}:{}", now.millis());
    fact::happened(conn, tenant, EventKind::ContactUnsubscribed, &key, about, detail, now).map(|_| ())
}

/// Lets an address be written to again.
///
/// # Errors
/// `NotFound` when it is not suppressed in this scope.
pub async fn lift(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    email: &EmailAddress,
    scope: Scope,
) -> Result<()> {
    let (now, id, linker) = (app.clock.now(), tenant.id.clone(), Linker::of(app));
    let hash = linker.hash_of_email(&id, email);
    let missing = Error::not_found(format!("`{email}` has no suppression of scope `{scope}`"))
        .hint(format!("run `nexora contact show {email} --tenant {}`", tenant.slug));
    audited(&app.db, Some(id.clone()), actor, "suppression.lift", now, move |conn| {
        match consent::lift(conn, &id, &hash, scope)? {
            Claim::Won => Ok(((), Subject::new(&hash).before(&scope)?)),
            Claim::Lost => Err(missing),
        }
    })
    .await
}

/// Lists a tenant's suppressions, latest first.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn suppressions(app: &App, tenant: &Tenant, limit: i64) -> Result<Vec<Suppression>> {
    let id = tenant.id.clone();
    app.db.read(move |conn| consent::list_suppressions(conn, &id, limit)).await
}
