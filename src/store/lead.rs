//! Rows of `leads`.

use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Span, Tx, Whose, narrowed, whose};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::{EmailAddress, PhoneNumber};
use nexora_core::model::form::photos;
use nexora_core::model::job::jobs;
use nexora_core::model::lead::{Lead, LeadState, ResponseTime, leads};
use nexora_core::model::task::tasks;
use nexora_core::model::{ContactId, LeadId, TenantId};

pub fn insert(conn: &mut Conn, lead: &Lead) -> Result<()> {
    on!(conn, |c| diesel::insert_into(leads::table).values(lead).execute(c)).map(|_| ())
}

pub fn find(tx: &mut Tx, id: &LeadId) -> Result<Option<Lead>> {
    on!(tx.conn, |c| leads::table.find((tx.tenant, id)).select(Lead::as_select()).first(c).optional())
}

/// What a list of leads is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub state: Option<LeadState>,
    pub source: Option<String>,
    pub span: Span,
    /// Part of a name, an address, a telephone number or the text.
    pub search: Option<String>,
    pub before: Option<LeadId>,
    pub after: Option<LeadId>,
}

/// Lists a tenant's leads, newest first.
pub fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> Result<Vec<Lead>> {
    on!(tx.conn, |c| {
        let mut query = leads::table.filter(leads::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(state) = filter.state {
            query = query.filter(leads::state.eq(state));
        }
        if let Some(source) = &filter.source {
            query = query.filter(leads::source.eq(source));
        }
        narrowed!(
            query,
            leads,
            received_at,
            filter,
            "name || ' ' || coalesce(email, '') || ' ' || coalesce(phone, '') || ' ' || coalesce(message, '')"
        );
        if let Some(before) = &filter.before {
            query = query.filter(leads::id.lt(before));
        }
        query.order(leads::id.desc()).limit(limit).select(Lead::as_select()).load(c)
    })
}

/// Writes what a review found.
pub fn save_review(conn: &mut Conn, lead: &Lead) -> Result<()> {
    let update = kept::update(leads::table.find((&lead.tenant_id, &lead.id))).set((
        leads::name.eq(&lead.name),
        leads::email.eq(&lead.email),
        leads::phone.eq(&lead.phone),
        leads::contact_id.eq(&lead.contact_id),
        leads::state.eq(lead.state),
    ));
    on!(conn, |c| update.execute(c)).map(|_| ())
}

/// Lists a contact's leads, latest first. Uses `leads_by_contact`.
pub fn of_contact(tx: &mut Tx, contact: &ContactId, limit: i64) -> Result<Vec<Lead>> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::contact_id.eq(contact))
        .order(leads::id.desc())
        .limit(limit)
        .select(Lead::as_select())
        .load(c))
}

/// Returns a contact's latest lead. Uses `leads_by_contact`.
pub fn latest_of_contact(tx: &mut Tx, contact: &ContactId) -> Result<Option<LeadId>> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::contact_id.eq(contact))
        .order(leads::id.desc())
        .select(leads::id)
        .first(c)
        .optional())
}

/// Notes the first automatic answer; later ones change nothing.
pub fn note_answered(tx: &mut Tx, id: &str, now: Timestamp) -> Result<()> {
    let target = leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::id.eq(id))
        .filter(leads::answered_at.is_null());
    on!(tx.conn, |c| kept::update(target).set(leads::answered_at.eq(now)).execute(c)).map(|_| ())
}

/// Notes when a person first answered; later answers change nothing.
pub fn note_responded(tx: &mut Tx, id: &LeadId, at: Timestamp) -> Result<()> {
    let target = leads::table.find((tx.tenant, id)).filter(leads::responded_at.is_null());
    on!(tx.conn, |c| kept::update(target).set(leads::responded_at.eq(at)).execute(c)).map(|_| ())
}

pub fn set_state(tx: &mut Tx, id: &LeadId, state: LeadState) -> Result<()> {
    let update = kept::update(leads::table.find((tx.tenant, id))).set(leads::state.eq(state));
    on!(tx.conn, |c| update.execute(c)).map(|_| ())
}

/// Counts, up to a few, the leads since a moment that have the same message from another sender.
/// Uses `leads_by_body`.
pub fn same_text(
    tx: &mut Tx,
    hash: &str,
    (email, phone): (Option<&EmailAddress>, Option<&PhoneNumber>),
    since: Timestamp,
) -> Result<i64> {
    const FEW: i64 = 20;
    let senders: Vec<(Option<EmailAddress>, Option<PhoneNumber>)> = on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
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

/// Counts, up to `most`, the leads since a moment that are held back as spam. Uses `leads_spam_by_tenant`.
pub fn count_spam(tx: &mut Tx, since: Timestamp, most: i64) -> Result<i64> {
    let found: Vec<LeadId> = on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(is_spam())
        .filter(leads::received_at.ge(since))
        .order(leads::received_at)
        .limit(most)
        .select(leads::id)
        .load(c))?;
    Ok(i64::try_from(found.len()).unwrap_or(most))
}

/// Lists the leads that are held back as spam since a moment, the oldest first, without tests. Uses
/// `leads_spam_by_tenant`.
pub fn held_as_spam(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<(LeadId, Timestamp)>> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(is_spam())
        .filter(leads::received_at.ge(since))
        .filter(leads::is_test.eq(false))
        .order((leads::received_at, leads::id))
        .limit(limit)
        .select((leads::id, leads::received_at))
        .load(c))
}

/// Deletes at most `limit` leads, with their photos, that were held back as spam before `before` and that
/// nobody let go; returns how many. Uses `leads_spam`.
pub fn prune_spam(conn: &mut Conn, whose: &Whose, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<(TenantId, LeadId)> = on!(conn, |c| {
        let mut query = leads::table
            .filter(is_spam())
            .filter(leads::received_at.lt(before))
            .filter(leads::contact_id.is_null())
            .filter(diesel::dsl::not(diesel::dsl::exists(
                jobs::table
                    .filter(jobs::tenant_id.eq(leads::tenant_id))
                    .filter(jobs::lead_id.eq(leads::id.nullable())),
            )))
            .filter(diesel::dsl::not(diesel::dsl::exists(
                tasks::table
                    .filter(tasks::tenant_id.eq(leads::tenant_id))
                    .filter(tasks::lead_id.eq(leads::id.nullable())),
            )))
            .into_boxed();
        whose!(query, leads, whose);
        query.order(leads::received_at).limit(limit).select((leads::tenant_id, leads::id)).load(c)
    })?;
    for (tenant, id) in &old {
        let own = photos::table.filter(photos::tenant_id.eq(tenant)).filter(photos::lead_id.eq(id));
        on!(conn, |c| diesel::delete(own).execute(c))?;
        on!(conn, |c| diesel::delete(leads::table.find((tenant, id))).execute(c))?;
    }
    Ok(old.len())
}

/// SQLite takes a partial index only where the query says its condition in so many words.
fn is_spam() -> SqlLiteral<Bool> {
    diesel::dsl::sql("state = 'spam'")
}

/// Lists the leads of a span of time for which nothing ran, oldest first, without spam and tests. Uses `leads_received`.
pub fn without_run(tx: &mut Tx, (from, until): (Timestamp, Timestamp), limit: i64) -> Result<Vec<Lead>> {
    // An id is a text of its own type, which Diesel compares with no other.
    let ran = diesel::dsl::sql::<Bool>(
        "EXISTS (SELECT 1 FROM runs WHERE runs.tenant_id = leads.tenant_id AND runs.subject_id = leads.id)",
    );
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::received_at.ge(from))
        .filter(leads::received_at.le(until))
        .filter(leads::is_test.eq(false))
        .filter(leads::state.ne(LeadState::Spam))
        .filter(diesel::dsl::not(ran))
        .order((leads::received_at, leads::id))
        .limit(limit)
        .select(Lead::as_select())
        .load(c))
}

/// Lists the leads that came in since a moment, newest first.
pub fn since(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<Lead>> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::received_at.ge(since))
        .order(leads::id.desc())
        .limit(limit)
        .select(Lead::as_select())
        .load(c))
}

/// Returns how fast the leads since a moment were answered, latest first. Uses `leads_received`.
pub fn paces(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<Vec<ResponseTime>> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::received_at.ge(since))
        .filter(leads::is_test.eq(false))
        .filter(leads::state.ne(LeadState::Spam))
        .order(leads::received_at.desc())
        .limit(limit)
        .select(ResponseTime::as_select())
        .load(c))
}

/// Returns when the last lead came in that is neither a test nor spam. Uses `leads_received`.
pub fn last_received(tx: &mut Tx) -> Result<Option<Timestamp>> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::is_test.eq(false))
        .filter(leads::state.ne(LeadState::Spam))
        .order(leads::received_at.desc())
        .select(leads::received_at)
        .first(c)
        .optional())
}

/// Counts the leads of a span of time that are neither tests nor spam. Uses `leads_received`.
pub fn count_between(tx: &mut Tx, (from, until): (Timestamp, Timestamp)) -> Result<i64> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::received_at.gt(from))
        .filter(leads::received_at.le(until))
        .filter(leads::is_test.eq(false))
        .filter(leads::state.ne(LeadState::Spam))
        .count()
        .get_result(c))
}

/// Counts the leads since a moment that are neither tests nor spam. Uses `leads_received`.
pub fn count_since(tx: &mut Tx, since: Timestamp) -> Result<i64> {
    on!(tx.conn, |c| leads::table
        .filter(leads::tenant_id.eq(tx.tenant))
        .filter(leads::received_at.ge(since))
        .filter(leads::is_test.eq(false))
        .filter(leads::state.ne(LeadState::Spam))
        .count()
        .get_result(c))
}
