//! One mailbox: the mails that came in, and those that were given a label.
//!
//! Each mail that was seen is noted by its id, so that neither a resync nor a second record of the
//! history tells it twice. Spam and bin are left out until a person takes a mail out of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lead::{self, MailOrigin};
use super::{Claimed, Settled};
use crate::app::App;
use crate::domain::automation::fact::tell;
use nexora_connector::poll::{FetchedMail, MailChanged, ReadMail};
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::cursor::{Cursor, Item};
use nexora_core::model::event::{EventKind, MailChange, MailEvent};
use nexora_core::model::outcome::PollError;
use nexora_core::model::{ContactId, EffectId};
use nexora_engine::message::mail::from_parts;
use nexora_store::{Conn, connection, effect, item, restore};

/// How far back the mails are noted that are there when a mailbox is connected. A resync never
/// looks further back than this before the last poll.
const OVERLAP: Duration = Duration::from_secs(3 * 86_400);

/// How long a mail that was seen is remembered.
const MEMORY: Duration = Duration::from_secs(35 * 86_400);

/// Mails that one look back lists at most.
const LIST_LIMIT: usize = 20_000;

/// How often it is asked what a mailbox may send from, and how soon again where that could not be read.
const SEND_AS_EVERY: Duration = Duration::from_secs(86_400);
const SEND_AS_AGAIN: Duration = Duration::from_secs(3_600);

/// Mails of a resync that are read in one poll.
const SHARE: usize = 25;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Position {
    history_id: String,
    /// When the mailbox was first looked at. What was there by then is no news.
    since: Timestamp,
    /// A resync is under way: from when on mails are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resync: Option<Timestamp>,
    /// When to ask again what the mailbox may send from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    send_as_at: Option<Timestamp>,
}

pub struct Read {
    position: Position,
    found: Found,
    /// What the mailbox may send from, where that was asked.
    send_as: Option<Vec<String>>,
}

enum Found {
    Baseline(Vec<String>),
    Changes { mails: Vec<(MailChanged, FetchedMail)>, more: bool },
}

/// What is remembered of a mail.
#[derive(Serialize, Deserialize)]
struct Seen {
    /// The ids of its labels when it was last told.
    #[serde(default)]
    labels: Vec<String>,
}

pub async fn read(app: &App, mailbox: &dyn ReadMail, cursor: &Cursor) -> Result<Read, PollError> {
    let (mut position, found) = look(app, mailbox, cursor).await?;
    let now = app.clock.now();
    let mut send_as = None;
    if position.send_as_at.is_none_or(|due_at| due_at <= now) {
        // Mails are read all the same where this cannot be: nothing waits for it.
        let wait = match mailbox.send_as().await {
            Ok(addresses) => {
                send_as = Some(addresses);
                SEND_AS_EVERY
            }
            Err(_) => SEND_AS_AGAIN,
        };
        position.send_as_at = Some(now + wait);
    }
    Ok(Read { position, found, send_as })
}

async fn look(app: &App, mailbox: &dyn ReadMail, cursor: &Cursor) -> Result<(Position, Found), PollError> {
    let unreadable =
        |error: nexora_core::base::Error| PollError::Later { reason: error.report(), after: None };
    let now = app.clock.now();
    let Some(position) = cursor.position.as_ref() else {
        // The history is asked for first: what comes in while mails are listed is in both.
        let history_id = mailbox.mailbox_now().await?;
        let position = Position { history_id, since: now, resync: None, send_as_at: None };
        let ids = mailbox.mail_since(now - OVERLAP, LIST_LIMIT).await?;
        return Ok((position, Found::Baseline(ids)));
    };
    let position: Position = position.read().map_err(unreadable)?;
    if position.resync.is_none() {
        match mailbox.mail_changes(&position.history_id).await {
            Ok(changes) => {
                let position = Position { history_id: changes.history_id, ..position };
                return fetch(app, mailbox, cursor, position, changes.mails, changes.more).await;
            }
            Err(PollError::Expired) => {}
            Err(unread) => return Err(unread),
        }
    }
    let (position, mails, more) = look_back(app, mailbox, cursor, position).await?;
    fetch(app, mailbox, cursor, position, mails, more).await
}

/// Lists what came in around and since the last poll, and takes a share of what was not seen.
async fn look_back(
    app: &App,
    mailbox: &dyn ReadMail,
    cursor: &Cursor,
    position: Position,
) -> Result<(Position, Vec<MailChanged>, bool), PollError> {
    let last = cursor.polled_at.unwrap_or(position.since);
    let resync = position.resync.unwrap_or((last - OVERLAP).max(position.since - OVERLAP));
    let history_id = match position.resync {
        Some(_) => position.history_id,
        None => {
            tracing::warn!(cursor.id = %cursor.id, tenant.id = %cursor.tenant_id, "the mailbox's history is too old: reading it anew");
            mailbox.mailbox_now().await?
        }
    };
    let mut ids = mailbox.mail_since(resync, LIST_LIMIT).await?;
    ids.reverse();
    let (tenant, id) = (cursor.tenant_id.clone(), cursor.id.clone());
    let unseen = app.db.read(move |conn| {
        let mut unseen = Vec::new();
        for mail in ids {
            if item::find(&mut conn.of(&tenant), &id, &mail)?.is_none() {
                unseen.push(mail);
            }
        }
        Ok(unseen)
    });
    let mut unseen =
        unseen.await.map_err(|error| PollError::Later { reason: error.report(), after: None })?;
    let more = unseen.len() > SHARE;
    unseen.truncate(SHARE);
    let mails = unseen.into_iter().map(|id| MailChanged { id, added: true, labelled: Vec::new() });
    let position = Position { history_id, resync: more.then_some(resync), ..position };
    Ok((position, mails.collect(), more))
}

/// Reads the mails that a share names, but for those that are known and only told again.
async fn fetch(
    app: &App,
    mailbox: &dyn ReadMail,
    cursor: &Cursor,
    position: Position,
    changed: Vec<MailChanged>,
    more: bool,
) -> Result<(Position, Found), PollError> {
    let unreadable =
        |error: nexora_core::base::Error| PollError::Later { reason: error.report(), after: None };
    if changed.is_empty() {
        return Ok((position, Found::Changes { mails: Vec::new(), more }));
    }
    let (tenant, id) = (cursor.tenant_id.clone(), cursor.id.clone());
    let wanted = app.db.read(move |conn| {
        let mut wanted = Vec::new();
        for mail in changed {
            let is_known = item::find(&mut conn.of(&tenant), &id, &mail.id)?.is_some();
            if !is_known || !mail.labelled.is_empty() {
                wanted.push(mail);
            }
        }
        Ok(wanted)
    });
    let wanted = wanted.await.map_err(unreadable)?;
    let mut mails = Vec::with_capacity(wanted.len());
    for mail in wanted {
        // One that is gone by now was never there for us.
        if let Some(fetched) = mailbox.mail(&mail.id).await? {
            mails.push((mail, fetched));
        }
    }
    Ok((position, Found::Changes { mails, more }))
}

pub fn record(conn: &mut Conn, claimed: &Claimed, read: Read, now: Timestamp) -> Result<Settled> {
    let cursor = &claimed.cursor;
    if let Some(addresses) = &read.send_as {
        let keys: Vec<String> = addresses.iter().map(|address| EmailAddress::key_of(address)).collect();
        let tx = &mut conn.of(&cursor.tenant_id);
        connection::set_send_as(tx, &cursor.connection_id, &Json::of(&keys)?)?;
    }
    let (since, position) = (read.position.since, Json::of(&read.position)?);
    match read.found {
        Found::Baseline(ids) => {
            for id in ids {
                remember(conn, cursor, &id, &[], now)?;
            }
            Ok(Settled { position, changed: false, more: false })
        }
        Found::Changes { mails, more } => {
            let changed = !mails.is_empty();
            for (change, mail) in mails {
                record_mail(conn, claimed, &change, mail, since, now)?;
            }
            if changed {
                item::forget_seen(&mut conn.of(&cursor.tenant_id), &cursor.id, now - MEMORY)?;
            }
            Ok(Settled { position, changed, more })
        }
    }
}

fn remember(conn: &mut Conn, cursor: &Cursor, id: &str, labels: &[String], now: Timestamp) -> Result<()> {
    item::save(
        conn,
        &Item {
            tenant_id: cursor.tenant_id.clone(),
            cursor_id: cursor.id.clone(),
            key: id.to_owned(),
            content: Json::of(&Seen { labels: labels.to_vec() })?,
            seen_at: now,
            gone_at: None,
        },
    )
}

fn record_mail(
    conn: &mut Conn,
    claimed: &Claimed,
    change: &MailChanged,
    fetched: FetchedMail,
    since: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let cursor = &claimed.cursor;
    let tx = &mut conn.of(&cursor.tenant_id);
    if ["DRAFT", "SPAM", "TRASH", "CHAT"].iter().any(|label| fetched.is(label)) {
        return Ok(());
    }
    let seen = item::find(tx, &cursor.id, &fetched.id)?;
    let earlier: Option<Seen> = seen.as_ref().map(|item| item.content.read()).transpose()?;
    let labels: Vec<String> = fetched.labels.iter().map(|label| label.id.clone()).collect();
    remember(tx, cursor, &fetched.id, &labels, now)?;
    let is_sent = fetched.is("SENT") && !fetched.is("INBOX");
    let is_ours = is_ours(tx, cursor, &fetched)?;
    if is_sent || is_ours {
        if earlier.is_none() && !is_ours {
            lead::note_sent(tx, claimed, &fetched, now)?;
        }
        return Ok(());
    }
    // A mail from before the mailbox was connected is no news, but its new label is; one that comes
    // out of spam was not seen, and is.
    let comes_in = change.added
        || (change.labelled.iter().any(|label| label == "INBOX")
            && fetched.received_at.is_some_and(|at| at >= since));
    if earlier.is_none() && comes_in {
        return receive(tx, claimed, &fetched, now);
    }
    let known = earlier.map(|seen| seen.labels).unwrap_or_default();
    for id in change.labelled.iter().filter(|id| !is_gmails_own(id) && !known.contains(id)) {
        let Some(label) = fetched.labels.iter().find(|label| label.id == *id) else { continue };
        let name = label.name.clone();
        let payload = event(tx, claimed, &fetched, MailChange::Labelled, Some(name))?;
        let key = format!("mail:{}:{}:{}:{id}", cursor.id, fetched.id, cursor.epoch);
        tell(tx, EventKind::GmailMessage, key, &payload, contact_of(&payload), now)?;
    }
    Ok(())
}

/// Tells whether one of our effects sent the mail, by whatever way it came here: an alert to the
/// mailbox that is watched must not start what sends alerts.
fn is_ours(conn: &mut Conn, cursor: &Cursor, fetched: &FetchedMail) -> Result<bool> {
    let Some(id) = fetched.effect.as_deref().and_then(|id| EffectId::parse(id.trim()).ok()) else {
        return Ok(false);
    };
    if effect::find(&mut conn.of(&cursor.tenant_id), &id)?.is_some() {
        return Ok(true);
    }
    // What we sent between a backup and its restore is ours, though the database has forgotten it.
    let forgotten = restore::latest(conn)?.is_some_and(|restore| {
        fetched.received_at.is_some_and(|at| at >= restore.backup_at && at < restore.restored_at)
    });
    Ok(forgotten && fetched.is("SENT"))
}

/// Gmail's own labels say where a mail is, not what a person decided about it.
fn is_gmails_own(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn event(
    conn: &mut Conn,
    claimed: &Claimed,
    fetched: &FetchedMail,
    change: MailChange,
    label: Option<String>,
) -> Result<MailEvent> {
    let mail = from_parts(&fetched.headers, &fetched.parts);
    let about = lead::about(conn, &claimed.connection, &fetched.thread_id, &mail)?;
    Ok(MailEvent {
        about,
        connection_id: claimed.connection.id.clone(),
        change,
        label,
        id: fetched.id.clone(),
        thread_id: fetched.thread_id.clone(),
        labels: fetched.labels.iter().map(|label| label.name.clone()).collect(),
        mail,
    })
}

fn contact_of(payload: &MailEvent) -> Option<ContactId> {
    payload.about.contact_id.clone()
}

fn receive(conn: &mut Conn, claimed: &Claimed, fetched: &FetchedMail, now: Timestamp) -> Result<()> {
    let cursor = &claimed.cursor;
    let tx = &mut conn.of(&cursor.tenant_id);
    let mut payload = event(tx, claimed, fetched, MailChange::Received, None)?;
    let known = lead::take_in(tx, claimed, &mut payload, fetched.received_at.unwrap_or(now), now)?;
    let key = format!("mail:{}:{}", cursor.id, fetched.id);
    tell(tx, EventKind::GmailMessage, key, &payload, contact_of(&payload), now)?;
    if known == MailOrigin::Reply {
        let key = format!("message:{}:{}", cursor.id, fetched.id);
        tell(tx, EventKind::MessageReceived, key, &payload, contact_of(&payload), now)?;
    }
    Ok(())
}
