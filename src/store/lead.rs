//! Rows of `leads`.

use diesel::prelude::*;

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::address::{EmailAddress, PhoneNumber};
use crate::model::lead::{Lead, LeadState, Pace, leads};
use crate::model::{ContactId, LeadId, TenantId};
use crate::store::Conn;
use crate::store::conn::on;

pub fn insert(conn: &mut Conn, lead: &Lead) -> Result<()> {
    on!(conn, |c| diesel::insert_into(leads::table).values(lead).execute(c)).map(|_| ())
}

pub fn find(conn: &mut Conn, tenant: &TenantId, id: &LeadId) -> Result<Option<Lead>> {
    on!(conn, |c| leads::table.find((tenant, id)).select(Lead::as_select()).first(c).optional())
}

/// Lists a tenant's leads, newest first, those older than `before` where it is given.
pub fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    state: Option<LeadState>,
    before: Option<&LeadId>,
    limit: i64,
) -> Result<Vec<Lead>> {
    on!(conn, |c| {
        let mut query = leads::table.filter(leads::tenant_id.eq(tenant)).into_boxed();
        if let Some(state) = state {
            query = query.filter(leads::state.eq(state));
        }
        if let Some(before) = before {
            query = query.filter(leads::id.lt(before));
        }
        query.order(leads::id.desc()).limit(limit).select(Lead::as_select()).load(c)
    })
}

/// Writes what a review found.
pub fn save_review(conn: &mut Conn, lead: &Lead) -> Result<()> {
    let update = diesel::update(leads::table.find((&lead.tenant_id, &lead.id))).set((
        leads::name.eq(&lead.name),
        leads::email.eq(&lead.email),
        leads::phone.eq(&lead.phone),
        leads::contact_id.eq(&lead.contact_id),
        leads::state.eq(lead.state),
    ));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Returns a contact's latest lead. Uses `leads_by_contact`.
pub fn latest_of_contact(conn: &mut Conn, tenant: &TenantId, contact: &ContactId) -> Result<Option<LeadId>> {
    on!(conn, |c| leads::table
        .filter(leads::tenant_id.eq(tenant))
        .filter(leads::contact_id.eq(contact))
        .order(leads::id.desc())
        .select(leads::id)
        .first(c)
        .optional())
}

/// Notes the first automatic answer; later ones change nothing.
pub fn note_answered(conn: &mut Conn, tenant: &TenantId, id: &str, now: Timestamp) -> Result<()> {
    let target = leads::table
        .filter(leads::tenant_id.eq(tenant))
        .filter(leads::id.eq(id))
        .filter(leads::answered_at.is_null());
    on!(conn, |c| diesel::update(target).set(leads::answered_at.eq(now)).execute(c)).map(|_| ())
}

/// Notes when a person first answered; later answers change nothing.
pub fn note_responded(conn: &mut Conn, tenant: &TenantId, id: &LeadId, at: Timestamp) -> Result<()> {
    let target = leads::table.find((tenant, id)).filter(leads::responded_at.is_null());
    on!(conn, |c| diesel::update(target).set(leads::responded_at.eq(at)).execute(c)).map(|_| ())
}

pub fn set_state(conn: &mut Conn, tenant: &TenantId, id: &LeadId, state: LeadState) -> Result<()> {
    let update = diesel::update(leads::table.find((tenant, id))).set(leads::state.eq(state));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Counts, up to a few, the leads since a moment that have the same message from somebody else.
/// Uses `leads_by_body`.
pub fn same_text(
    conn: &mut Conn,
    tenant: &TenantId,
    hash: &str,
    (email, phone): (Option<&EmailAddress>, Option<&PhoneNumber>),
    since: Timestamp,
) -> Result<i64> {
    const FEW: i64 = 20;
    let senders: Vec<(Option<EmailAddress>, Option<PhoneNumber>)> = on!(conn, |c| leads::table
        .filter(leads::tenant_id.eq(tenant))
        .filter(leads::body_hash.eq(hash))
        .filter(leads::received_at.ge(since))
        .order(leads::received_at.desc())
        .limit(FEW)
        .select((leads::email, leads::phone))
        .load(c))?;
    let is_same = |(one, two): &(Option<EmailAddress>, Option<PhoneNumber>)| {
        (email.is_some() && one.as_ref() == email) || (phone.is_some() && two.as_ref() == phone)
    };
    Ok(i64::try_from(senders.iter().filter(|sender| !is_same(sender)).count()).unwrap_or(FEW))
}

/// Lists the leads that came in since a moment, newest first.
pub fn since(conn: &mut Conn, tenant: &TenantId, since: Timestamp, limit: i64) -> Result<Vec<Lead>> {
    on!(conn, |c| leads::table
        .filter(leads::tenant_id.eq(tenant))
        .filter(leads::received_at.ge(since))
        .order(leads::id.desc())
        .limit(limit)
        .select(Lead::as_select())
        .load(c))
}

/// Returns how fast the leads since a moment were answered, latest first. Uses `leads_received`.
pub fn paces(conn: &mut Conn, tenant: &TenantId, since: Timestamp, limit: i64) -> Result<Vec<Pace>> {
    on!(conn, |c| leads::table
        .filter(leads::tenant_id.eq(tenant))
        .filter(leads::received_at.ge(since))
        .filter(leads::is_test.eq(false))
        .filter(leads::state.ne(LeadState::Spam))
        .order(leads::received_at.desc())
        .limit(limit)
        .select(Pace::as_select())
        .load(c))
}

/// Counts the leads since a moment that are neither tests nor spam. Uses `leads_received`.
pub fn count_since(conn: &mut Conn, tenant: &TenantId, since: Timestamp) -> Result<i64> {
    on!(conn, |c| leads::table
        .filter(leads::tenant_id.eq(tenant))
        .filter(leads::received_at.ge(since))
        .filter(leads::is_test.eq(false))
        .filter(leads::state.ne(LeadState::Spam))
        .count()
        .get_result(c))
}
