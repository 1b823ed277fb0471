//! Contacts, what they agreed to, and addresses that are not written to.

pub mod erasure;
pub mod link;

use serde::Serialize;

use crate::app::App;
use crate::domain::contact::consent::{Given, note};
use crate::domain::contact::link::SignedLinks;
use crate::domain::contact::{find_written, opt_out};
use crate::ops::Subject;
use crate::ops::record::{self as records, locale};
use crate::ops::unit::Unit;
use nexora_core::base::{Error, Result};
use nexora_core::model::ContactId;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::consent::{Consent, Scope, Suppression, SuppressionReason};
use nexora_core::model::contact::{AddressKind, Contact};
use nexora_core::model::lead::ConsentRecord;
use nexora_core::model::message::Message;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::record::value::Locale;
use nexora_core::model::record::{CONTACT, Schema, Values};
use nexora_core::model::tenant::Tenant;
use nexora_store::{Claim, Inserted, consent, contact, custom_field, message, record};

pub const CONSENT: Operation = Operation::new("contact.consent", Noun::Contact, Verb::Update);
pub const SUPPRESS: Operation = Operation::new("suppression.add", Noun::Suppression, Verb::Create);
pub const LIFT: Operation = Operation::new("suppression.lift", Noun::Suppression, Verb::Delete);

/// A contact with everything that is known of it.
#[derive(Clone, Debug, Serialize)]
pub struct ContactView {
    #[serde(flatten)]
    pub contact: Contact,
    /// Every field that says something, but for those of `contact`.
    #[serde(flatten)]
    pub values: Values,
    #[serde(skip)]
    pub schema: Schema,
    #[serde(skip)]
    pub locale: Locale,
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

/// Shows a contact, by its id or one of its addresses.
///
/// # Errors
/// `NotFound` when the tenant has no such contact.
pub async fn find(app: &App, tenant: &Tenant, wanted: &str) -> Result<ContactView> {
    let (wanted, linker) = (wanted.to_owned(), SignedLinks::of(app));
    app.view(tenant, move |tx| {
        let contact = look_up(tx, &wanted)?;
        let schema = custom_field::schema(tx, &CONTACT)?;
        let record = record::find(tx, &schema, contact.id.as_str())?;
        let mut values = record.map(|record| record.values).unwrap_or_default();
        values.retain(|name, _| name != "name" && name != "timezone");
        let mut addresses = Vec::new();
        for (kind, value) in contact::addresses(tx, &contact.id)? {
            let hash = linker.hash_of(tx.tenant(), &value);
            let found = consent::suppressions_of(tx, &hash)?;
            let suppressed = found.into_iter().map(|suppression| suppression.scope).collect();
            addresses.push(Address { kind, value, suppressed });
        }
        Ok(ContactView {
            consents: consent::of_contact(tx, &contact.id, SHOWN)?,
            messages: message::of_contact(tx, &contact.id, SHOWN)?,
            addresses,
            values,
            schema,
            locale: locale(tx.tenant)?,
            contact,
        })
    })
    .await
}

fn look_up(tx: &mut Unit<'_>, wanted: &str) -> Result<Contact> {
    let tenant = tx.tenant;
    let id = match ContactId::parse(wanted) {
        Ok(id) => Some(id),
        Err(_) => find_written(tx, tenant, wanted)?,
    };
    match id.map(|id| contact::find(tx, &id)).transpose()?.flatten() {
        Some(found) => Ok(found),
        // By a name that only one contact has.
        None => {
            let schema = custom_field::schema(tx, &CONTACT)?;
            let id = ContactId::parse(&records::look_up(tx, &schema, wanted)?.id)?;
            contact::find(tx, &id)?.ok_or_else(|| tx.missing("contact", wanted))
        }
    }
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
    word: ConsentRecord,
) -> Result<Consent> {
    let (by, wanted) = (actor.to_string(), wanted.to_owned());
    app.change(actor, tenant, CONSENT, move |tx, now| {
        let contact = look_up(tx, &wanted)?;
        let given = Given { source: "cli", actor: &by, lead: None };
        let new = note(tx, &contact.id, word, given, now)?;
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
    let (by, email, linker) = (actor.to_string(), email.clone(), SignedLinks::of(app));
    app.change(actor, tenant, SUPPRESS, move |tx, now| {
        let new = Suppression {
            tenant_id: tx.tenant.id.clone(),
            hash: linker.hash_of_email(tx.tenant(), &email),
            scope,
            reason: SuppressionReason::Manual,
            detail,
            actor: by,
            created_at: now,
        };
        let known = contact::find_by_address(tx, AddressKind::Email, &email.key())?;
        let about = known.as_ref().map(ToString::to_string);
        if let (Inserted::New, Some(contact_id)) = (consent::suppress(tx, &new)?, known) {
            opt_out::tell(tx, contact_id, (&new.hash, new.reason), now)?;
        }
        let subject = Subject::new(&new.hash).about(about).after(&new)?;
        Ok((new, subject))
    })
    .await
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
    let hash = SignedLinks::of(app).hash_of_email(&tenant.id, email);
    let missing = Error::not_found(format!("`{email}` has no suppression of scope `{scope}`"))
        .hint(format!("run `nexora contact show {email} --tenant {}`", tenant.slug));
    app.change(actor, tenant, LIFT, move |tx, _| match consent::lift(tx, &hash, scope)? {
        Claim::Won => Ok(((), Subject::new(&hash).before(&scope)?)),
        Claim::Lost => Err(missing),
    })
    .await
}
