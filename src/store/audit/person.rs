//! Whom an entry is about, and the key with which the values of such entries are sealed. A key that is destroyed
//! leaves the entries, whose chain still holds, and takes what they said.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use diesel::prelude::*;

use crate::audit::Ledger;
use crate::conn::on;
use crate::{Conn, Tx, appointment, contact, event, job, lead, message, run, task};
use nexora_core::base::secret::{MasterKey, Secret};
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::{Entry, audit_people};
use nexora_core::model::{
    AppointmentId, ContactId, EventId, JobId, LeadId, MessageId, RunId, TaskId, TenantId,
};

/// Before what was sealed.
const SEALED: &str = "sealed:";

/// Returns whom something is about that an entry names as its subject: the contact, or the lead that has none.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub fn of_subject(tx: &mut Tx, subject: &str) -> Result<Option<String>> {
    let contact = |id: Option<ContactId>| id.map(|id| id.to_string());
    if let Ok(id) = ContactId::parse(subject) {
        return Ok(contact::find(tx, &id)?.map(|found| found.id.to_string()));
    }
    if let Ok(id) = LeadId::parse(subject) {
        return of_lead(tx, &id);
    }
    if let Ok(id) = JobId::parse(subject) {
        let Some(found) = job::find(tx, &id)? else { return Ok(None) };
        return either(tx, found.contact_id, found.lead_id);
    }
    if let Ok(id) = TaskId::parse(subject) {
        let Some(found) = task::find(tx, &id)? else { return Ok(None) };
        return either(tx, found.contact_id, found.lead_id);
    }
    if let Ok(id) = MessageId::parse(subject) {
        return Ok(message::find(tx, &id)?.and_then(|found| contact(found.contact_id)));
    }
    if let Ok(id) = AppointmentId::parse(subject) {
        return Ok(appointment::find(tx, &id)?.and_then(|found| contact(found.contact_id)));
    }
    if let Ok(id) = RunId::parse(subject) {
        return Ok(run::find(tx, &id)?.and_then(|found| contact(found.contact_id)));
    }
    if let Ok(id) = EventId::parse(subject) {
        return Ok(event::find(tx, &id)?.and_then(|found| contact(found.contact_id)));
    }
    Ok(None)
}

fn either(tx: &mut Tx, contact_id: Option<ContactId>, lead_id: Option<LeadId>) -> Result<Option<String>> {
    match (contact_id, lead_id) {
        (Some(id), _) => Ok(Some(id.to_string())),
        (None, Some(id)) => of_lead(tx, &id),
        (None, None) => Ok(None),
    }
}

fn of_lead(tx: &mut Tx, id: &LeadId) -> Result<Option<String>> {
    let found = lead::find(tx, id)?;
    Ok(found.map(|lead| lead.contact_id.map_or_else(|| lead.id.to_string(), |id| id.to_string())))
}

fn owner(tx: &Tx, person: &str) -> String {
    format!("{}/{person}", tx.tenant)
}

fn find_key(tx: &mut Tx, ledger: &Ledger, person: &str) -> Result<Option<MasterKey>> {
    let owner = owner(tx, person);
    let sealed: Option<Vec<u8>> = on!(tx.conn, |c| audit_people::table
        .find((tx.tenant, person))
        .select(audit_people::sealed)
        .first(c)
        .optional())?;
    sealed.map(|sealed| ledger.unwrap(&owner, &sealed)).transpose()
}

/// Returns the key of a person, and makes it where there is none yet.
fn key_of(tx: &mut Tx, ledger: &Ledger, person: &str) -> Result<MasterKey> {
    if let Some(key) = find_key(tx, ledger, person)? {
        return Ok(key);
    }
    let key = MasterKey::generate()?;
    let sealed = ledger.wrap(&owner(tx, person), &key)?;
    let row = (
        audit_people::tenant_id.eq(tx.tenant),
        audit_people::person.eq(person),
        audit_people::sealed.eq(&sealed),
    );
    on!(tx.conn, |c| diesel::insert_into(audit_people::table).values(row).execute(c))?;
    Ok(key)
}

/// Seals the values of an entry that is about a person.
pub(super) fn seal(tx: &mut Tx, ledger: &Ledger, entry: &mut Entry) -> Result<()> {
    let Some(person) = entry.person.clone() else { return Ok(()) };
    if entry.before.is_none() && entry.after.is_none() {
        return Ok(());
    }
    let key = key_of(tx, ledger, &person)?;
    let place = format!("{}/{}", entry.chain, entry.number);
    for (name, value) in [("before", &mut entry.before), ("after", &mut entry.after)] {
        if let Some(json) = value {
            let sealed = key.seal(&format!("{place}/{name}"), &Secret::new(json.as_str()))?;
            *value = Some(Json::of(&format!("{SEALED}{}", STANDARD_NO_PAD.encode(sealed)))?);
        }
    }
    Ok(())
}

/// What an entry said, as far as it can still be known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    pub before: Option<Json>,
    pub after: Option<Json>,
    /// There were values, and their key was destroyed.
    pub erased: bool,
}

/// Opens the values of entries; it keeps the keys that it has read.
pub struct Opener<'a> {
    ledger: &'a Ledger,
    keys: HashMap<(String, String), Option<MasterKey>>,
}

impl<'a> Opener<'a> {
    pub fn new(ledger: &'a Ledger) -> Opener<'a> {
        Opener { ledger, keys: HashMap::new() }
    }

    /// Returns what an entry said.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub fn values(&mut self, conn: &mut Conn, entry: &Entry) -> Result<Values> {
        let plain = || Values { before: entry.before.clone(), after: entry.after.clone(), erased: false };
        let (Some(person), Ok(tenant)) = (&entry.person, TenantId::parse(&entry.chain)) else {
            return Ok(plain());
        };
        if entry.before.is_none() && entry.after.is_none() {
            return Ok(plain());
        }
        let place = (entry.chain.clone(), person.clone());
        let key = match self.keys.get(&place) {
            Some(key) => key.clone(),
            None => {
                let found = find_key(&mut conn.of(&tenant), self.ledger, person)?;
                self.keys.entry(place).or_insert(found).clone()
            }
        };
        let Some(key) = key else { return Ok(Values { erased: true, ..Values::default() }) };
        let place = format!("{}/{}", entry.chain, entry.number);
        Ok(Values {
            before: open(&key, &format!("{place}/before"), entry.before.as_ref())?,
            after: open(&key, &format!("{place}/after"), entry.after.as_ref())?,
            erased: false,
        })
    }
}

/// Opens a value. One that does not open was put there by somebody else, which the chain shows.
fn open(key: &MasterKey, place: &str, value: Option<&Json>) -> Result<Option<Json>> {
    let Some(value) = value else { return Ok(None) };
    let text = value.value();
    let Some(coded) = text.as_str().and_then(|text| text.strip_prefix(SEALED)) else {
        return Ok(Some(value.clone()));
    };
    let opened = STANDARD_NO_PAD.decode(coded).ok().and_then(|sealed| key.open(place, &sealed).ok());
    let Some(opened) = opened else { return Ok(Some(value.clone())) };
    let parsed: serde_json::Value = serde_json::from_str(opened.expose())
        .map_err(|error| Error::internal("a sealed value has an unexpected shape").source(error))?;
    Json::of(&parsed).map(Some)
}

/// Destroys the key of a person: what entries about them said is lost for good. Returns whether there was one.
///
/// # Errors
/// `Unavailable` when the database cannot be written.
pub fn destroy(tx: &mut Tx, person: &str) -> Result<bool> {
    let delete = diesel::delete(audit_people::table.find((tx.tenant, person)));
    on!(tx.conn, |c| delete.execute(c)).map(|rows| rows > 0)
}
