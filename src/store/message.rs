//! Rows of `messages`.

use diesel::prelude::*;

use crate::conn::on;
use crate::kept;
use crate::{Conn, Inserted, Span, Tx, narrowed, of_source};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::lead::leads;
use nexora_core::model::message::{Author, DeliveryState, Message, MessageClass, messages};
use nexora_core::model::run::runs;
use nexora_core::model::{AutomationId, ConnectionId, ContactId, MessageId};

/// Inserts the message, unless the connection brought it before.
pub fn insert(conn: &mut Conn, message: &Message) -> Result<Inserted> {
    let insert = diesel::insert_into(messages::table).values(message).on_conflict_do_nothing();
    on!(conn, |c| insert.execute(c)).map(Inserted::from_count)
}

/// Returns the latest message of a thread that is to or from a contact. Uses `messages_by_thread`.
pub fn latest_of_thread(tx: &mut Tx, connection: &ConnectionId, thread_id: &str) -> Result<Option<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::connection_id.eq(connection))
        .filter(messages::thread_id.eq(thread_id))
        .filter(messages::contact_id.is_not_null())
        .order(messages::id.desc())
        .select(Message::as_select())
        .first(c)
        .optional())
}

/// Returns the latest message with one of these Message-IDs that is to or from a contact. Uses
/// `messages_by_rfc_id`.
pub fn latest_of_rfc_ids(tx: &mut Tx, ids: &[String]) -> Result<Option<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::rfc_id.eq_any(ids))
        .filter(messages::contact_id.is_not_null())
        .order(messages::id.desc())
        .select(Message::as_select())
        .first(c)
        .optional())
}

/// Tells whether an effect of ours sent the mail that the provider calls so.
pub fn is_ours(tx: &mut Tx, connection: &ConnectionId, provider_id: &str) -> Result<bool> {
    let found: Option<Author> = on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::connection_id.eq(connection))
        .filter(messages::provider_id.eq(provider_id))
        .select(messages::author)
        .first(c)
        .optional())?;
    Ok(found == Some(Author::Nexora))
}

/// Lists a contact's messages, latest first.
pub fn of_contact(tx: &mut Tx, contact: &ContactId, limit: i64) -> Result<Vec<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::contact_id.eq(contact))
        .order(messages::id.desc())
        .limit(limit)
        .select(Message::as_select())
        .load(c))
}

/// What a list of messages is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub author: Option<Author>,
    pub span: Span,
    /// Only what is about people who came by this source of leads.
    pub source: Option<String>,
    /// Part of an address, the subject or the text.
    pub search: Option<String>,
    pub after: Option<MessageId>,
}

/// Lists a tenant's messages, latest first.
pub fn list(tx: &mut Tx, filter: &Filter, limit: i64) -> Result<Vec<Message>> {
    on!(tx.conn, |c| {
        let mut query = messages::table.filter(messages::tenant_id.eq(tx.tenant)).into_boxed();
        if let Some(author) = filter.author {
            query = query.filter(messages::author.eq(author));
        }
        of_source!(query, messages, messages::lead_id, tx, filter);
        narrowed!(
            query,
            messages,
            sent_at,
            filter,
            "sender || ' ' || recipient || ' ' || subject || ' ' || body"
        );
        query.order(messages::id.desc()).limit(limit).select(Message::as_select()).load(c)
    })
}

pub fn find(tx: &mut Tx, id: &MessageId) -> Result<Option<Message>> {
    on!(tx.conn, |c| messages::table.find((tx.tenant, id)).select(Message::as_select()).first(c).optional())
}

/// Returns when a contact was last sent commercial messages, latest first. Uses `messages_by_contact`.
pub fn commercial_to(tx: &mut Tx, contact: &ContactId, limit: i64) -> Result<Vec<Timestamp>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::contact_id.eq(contact))
        .filter(messages::class.eq(MessageClass::Commercial))
        .order(messages::id.desc())
        .limit(limit)
        .select(messages::sent_at)
        .load(c))
}

/// Returns when an automation last wrote to a contact.
pub fn last_of_automation(
    tx: &mut Tx,
    contact: &ContactId,
    automation: &AutomationId,
) -> Result<Option<Timestamp>> {
    let own = runs::table
        .filter(runs::tenant_id.eq(tx.tenant))
        .filter(runs::automation_id.eq(automation))
        .filter(runs::contact_id.eq(contact))
        .select(runs::id.nullable());
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::contact_id.eq(contact))
        .filter(messages::run_id.eq_any(own))
        .order(messages::id.desc())
        .select(messages::sent_at)
        .first(c)
        .optional())
}

/// Returns the latest message to or from a contact; what machines wrote says nothing of who owes whom an answer.
pub fn latest_of_contact(tx: &mut Tx, contact: &ContactId) -> Result<Option<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::contact_id.eq(contact))
        .filter(messages::author.ne_all([Author::Machine, Author::Unverified]))
        .order((messages::sent_at.desc(), messages::id.desc()))
        .select(Message::as_select())
        .first(c)
        .optional())
}

/// Returns the message that an effect sent.
pub fn of_effect(tx: &mut Tx, effect: &str) -> Result<Option<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::effect_id.eq(effect))
        .select(Message::as_select())
        .first(c)
        .optional())
}

/// Returns a message with this Message-ID that went out: by an effect of ours, or by a person's hand. Uses
/// `messages_by_rfc_id`.
pub fn sent_with_rfc_id(tx: &mut Tx, id: &str) -> Result<Option<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::rfc_id.eq(id))
        .filter(messages::author.eq(Author::Nexora).or(messages::author.eq(Author::Person)))
        .order(messages::id.desc())
        .select(Message::as_select())
        .first(c)
        .optional())
}

/// Returns what became of the latest messages to one address of a contact, latest first. Uses
/// `messages_by_contact`.
pub fn latest_sent_to(
    tx: &mut Tx,
    contact: &ContactId,
    recipient: &str,
    limit: usize,
) -> Result<Vec<Option<DeliveryState>>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::contact_id.eq(contact))
        .filter(messages::recipient.eq(recipient))
        .filter(messages::author.eq(Author::Nexora).or(messages::author.eq(Author::Person)))
        .order(messages::id.desc())
        .limit(limit)
        .select(messages::delivery)
        .load(c))
}

/// Notes what was reported of a message that was sent.
pub fn note_delivery(tx: &mut Tx, id: &MessageId, state: DeliveryState) -> Result<()> {
    let row = messages::table.find((tx.tenant, id));
    on!(tx.conn, |c| kept::update(row).set(messages::delivery.eq(state)).execute(c)).map(|_| ())
}

/// Counts what contacts wrote after one moment and until another. Uses `messages_received`.
pub fn count_received(tx: &mut Tx, (from, until): (Timestamp, Timestamp)) -> Result<i64> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(by_contact())
        .filter(messages::sent_at.gt(from))
        .filter(messages::sent_at.le(until))
        .count()
        .get_result(c))
}

/// Lists what contacts wrote, latest first. Uses `messages_received`.
pub fn latest_received(tx: &mut Tx, limit: i64) -> Result<Vec<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(by_contact())
        .order((messages::sent_at.desc(), messages::id.desc()))
        .limit(limit)
        .select(Message::as_select())
        .load(c))
}

/// SQLite takes a partial index only where the query says its condition in so many words.
fn by_contact() -> diesel::expression::SqlLiteral<diesel::sql_types::Bool> {
    diesel::dsl::sql("author = 'contact'")
}

/// Lists the messages of a span of time, oldest first.
pub fn between(tx: &mut Tx, (from, until): (Timestamp, Timestamp), limit: i64) -> Result<Vec<Message>> {
    on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::sent_at.gt(from))
        .filter(messages::sent_at.le(until))
        .order(messages::id)
        .limit(limit)
        .select(Message::as_select())
        .load(c))
}

/// Deletes at most `limit` messages of a tenant that were stored before a moment; returns how many.
pub fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<usize> {
    let old: Vec<MessageId> = on!(tx.conn, |c| messages::table
        .filter(messages::tenant_id.eq(tx.tenant))
        .filter(messages::stored_at.lt(before))
        .order(messages::id)
        .limit(limit)
        .select(messages::id)
        .load(c))?;
    let own = messages::table.filter(messages::tenant_id.eq(tx.tenant)).filter(messages::id.eq_any(&old));
    on!(tx.conn, |c| diesel::delete(own).execute(c))
}
