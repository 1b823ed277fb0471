//! Connections are read for what changed: claim, read, settle.
//!
//! 1. *claim*: a short write takes the cursor until its lease ends.
//! 2. *read*: outside any transaction, each poll in a task of its own.
//! 3. *settle*: one write holds the events that were found and the cursor's new position, guarded
//!    by the epoch, so that nothing is missed and nothing doubled.
//!
//! A poll that is lost on the way is simply made again: reading changes nothing.

mod bounce;
pub mod calendar;
mod lead;
mod mail;
mod opt_out;
mod sheet;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use crate::app::{App, metric};
use crate::domain::connection::credential_failure::{self, Refusal};
use crate::domain::contact::link::SignedLinks;
use crate::pipeline::{Round, Swept, spacing};
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::{Timestamp, whole_millis};
use nexora_core::base::text::Json;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::connection::{Connection, ConnectionState};
use nexora_core::model::cursor::{Cursor, CursorKind};
use nexora_core::model::daemon::Lease;
use nexora_core::model::outcome::PollError;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{CursorId, TenantId};
use nexora_engine::delivery::poll_interval::{self, Bounds};
use nexora_engine::delivery::retry;
use nexora_store::audit::Ledger;
use nexora_store::due::{self, Queue};
use nexora_store::{Claim, Conn, connection, cursor, tenant};

/// Claims a share of the cursors that are due and starts a task for each.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, round: &mut Round) -> Result<Swept> {
    let free = app.config.poll.parallel().saturating_sub(app.polls.len());
    if free == 0 {
        // A poll that ends nudges this stage.
        return Ok(Swept::default());
    }
    let now = app.clock.now();
    let next_due = app.db.read(|conn| due::next(conn, Queue::Cursors)).await?;
    if next_due.is_none_or(|due_at| due_at > now) {
        return Ok(Swept::nothing(next_due));
    }
    let (after, linker, ledger) = (round.clone(), SignedLinks::of(app), app.ledger.clone());
    let lease = app.heart.lease(now + app.config.poll.lease());
    let connectors = app.connectors().clone();
    let (share, claimed) = app
        .db
        .write(move |conn| {
            let share = due::take(conn, Queue::Cursors, now, free, after.as_ref())?;
            let mut claimed = Vec::with_capacity(share.rows.len());
            for due in &share.rows {
                let id = CursorId::parse(&due.id)?;
                claimed.extend(claim(conn, (&linker, &ledger, &connectors), &due.tenant_id, &id, &lease)?);
            }
            Ok((share, claimed))
        })
        .await?;
    *round = share.after;
    for claimed in claimed {
        let app = Arc::clone(app);
        let tracker = app.polls.clone();
        tracker.spawn(async move {
            poll(&app, claimed).await;
            app.nudges.poll.notify_one();
        });
    }
    Ok(Swept { handled: share.rows.len(), more: share.more, next_due: None })
}

/// Waits until no poll of this process is under way.
pub async fn rest(app: &App) {
    app.polls.close();
    app.polls.wait().await;
    app.polls.reopen();
}

/// A cursor that is ours until its lease ends.
struct Claimed {
    /// As it stands after the claim, but with the moment at which it was due.
    cursor: Cursor,
    connection: Connection,
    /// The address that the connection stands for.
    account: String,
    tenant: Tenant,
    linker: SignedLinks,
    ledger: Ledger,
    connectors: Connectors,
}

fn claim(
    conn: &mut Conn,
    (linker, ledger, connectors): (&SignedLinks, &Ledger, &Connectors),
    tenant_id: &TenantId,
    id: &CursorId,
    lease: &Lease,
) -> Result<Option<Claimed>> {
    let tx = &mut conn.of(tenant_id);
    let Some(found) = cursor::find(tx, id)? else { return Ok(None) };
    let gone = |what: &str| Error::internal(format!("the {what} of cursor `{id}` is gone"));
    let connection = connection::find(tx, &found.connection_id)?.ok_or_else(|| gone("connection"))?;
    if connection.state != ConnectionState::Active {
        cursor::set_due(tx, &connection.id, None)?;
        return Ok(None);
    }
    if cursor::claim(tx, &found, lease)? == Claim::Lost {
        return Ok(None);
    }
    let tenant = tenant::find(tx, tenant_id)?.ok_or_else(|| gone("tenant"))?;
    let epoch = found.epoch + 1;
    let (linker, account, connectors) = (linker.clone(), connectors.account(&connection), connectors.clone());
    let (cursor, ledger) = (Cursor { epoch, ..found }, ledger.clone());
    Ok(Some(Claimed { cursor, connection, account, tenant, linker, ledger, connectors }))
}

/// What was read, and is to be settled in one write.
enum Read {
    Mail(mail::Read),
    Calendar(calendar::Read),
    Sheet(sheet::Read),
}

/// What a settled poll leaves behind.
struct Settled {
    position: Json,
    /// Something happened: read again soon.
    changed: bool,
    /// More waits there: read again at once.
    more: bool,
}

async fn poll(app: &Arc<App>, claimed: Claimed) {
    let started_at = app.clock.now();
    let read = AssertUnwindSafe(read(app, &claimed)).catch_unwind().await;
    let read = read.unwrap_or_else(|_| {
        Err(PollError::Later { reason: "the poll broke down in mid-work".to_owned(), after: None })
    });
    let kind = claimed.cursor.kind;
    metrics::histogram!(metric::POLL_SECONDS, "kind" => kind.name())
        .record(app.clock.now().since(started_at).as_secs_f64());
    let outcome = if read.is_ok() { "read" } else { "failed" };
    metrics::counter!(metric::POLLS, "kind" => kind.name(), "outcome" => outcome).increment(1);
    let (id, tenant_id) = (claimed.cursor.id.clone(), claimed.cursor.tenant_id.clone());
    let settled = settle(app, claimed, read).await;
    if let Err(error) = settled {
        // The lease ends by itself, and the poll is made again.
        tracing::error!(cursor.id = %id, tenant.id = %tenant_id, reason = %error.report(), "poll {id} could not be recorded");
    }
}

async fn read(app: &App, claimed: &Claimed) -> Result<Read, PollError> {
    let connector = app.connector(&claimed.connection).map_err(|error| match error.kind() {
        Kind::Denied | Kind::Config => PollError::Unauthorized { reason: error.report() },
        _ => PollError::Later { reason: error.report(), after: None },
    })?;
    let unreadable = || PollError::Refused { reason: "this kind of connection cannot be read".to_owned() };
    let cursor = &claimed.cursor;
    match cursor.kind {
        CursorKind::Mail => {
            let mailbox = connector.mail.ok_or_else(unreadable)?;
            mail::read(app, &*mailbox, cursor).await.map(Read::Mail)
        }
        CursorKind::Calendar => {
            let calendar = connector.calendar.ok_or_else(unreadable)?;
            calendar::read(app, &*calendar, cursor).await.map(Read::Calendar)
        }
        CursorKind::Sheet => {
            let sheet = connector.sheet.ok_or_else(unreadable)?;
            sheet::read(&*sheet, cursor).await.map(Read::Sheet)
        }
    }
}

async fn settle(app: &Arc<App>, claimed: Claimed, read: Result<Read, PollError>) -> Result<()> {
    let now = app.clock.now();
    let retry_app = Arc::clone(app);
    let (claimed, read) = (Arc::new(claimed), read);
    let outcome = match read {
        Ok(read) => {
            let claimed = Arc::clone(&claimed);
            let bounds = bounds(app, claimed.cursor.kind);
            app.db.write(move |conn| record(conn, &claimed, read, bounds, now)).await
        }
        Err(unread) => {
            app.db.write(move |conn| fail(&retry_app, conn, &claimed, &unread, now)).await?;
            app.nudges.dispatch.notify_one();
            return Ok(());
        }
    };
    match outcome {
        Ok(true) => {
            app.nudges.dispatch.notify_one();
            app.nudges.tick.notify_one();
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(error) if error.kind() == Kind::Unavailable => Err(error),
        // What was read cannot be understood: said where the operator looks, and read again later.
        Err(error) => {
            let unread = PollError::Refused { reason: error.report() };
            app.db.write(move |conn| fail(&retry_app, conn, &claimed, &unread, now)).await
        }
    }
}

/// Writes the events and the position together; returns whether there was anything to tell.
fn record(conn: &mut Conn, claimed: &Claimed, read: Read, bounds: Bounds, now: Timestamp) -> Result<bool> {
    let before = &claimed.cursor;
    let tx = &mut conn.of(&before.tenant_id);
    let is_ours = cursor::find(tx, &before.id)?.is_some_and(|current| current.epoch == before.epoch);
    if !is_ours {
        return Ok(false);
    }
    let settled = match read {
        Read::Mail(read) => mail::record(tx, claimed, read, now)?,
        Read::Calendar(read) => calendar::record(tx, claimed, read, now)?,
        Read::Sheet(read) => sheet::record(tx, claimed, read, now)?,
    };
    let interval = before.interval();
    let interval = poll_interval::next_interval(bounds, interval, settled.changed);
    let due_at = match settled.more {
        true => now,
        false => next_due(before, interval, now),
    };
    let after = Cursor {
        position: Some(settled.position),
        interval_ms: whole_millis(interval),
        due_at: Some(due_at),
        attempt: 0,
        polled_at: Some(now),
        changed_at: if settled.changed { Some(now) } else { before.changed_at },
        error: None,
        ..before.clone()
    };
    if cursor::save(tx, &after, before.epoch)? == Claim::Lost {
        return Err(Error::unavailable("the cursor was taken by another poll"));
    }
    if before.error.is_some() || before.polled_at.is_none() {
        connection::note_success(tx, &before.connection_id, now)?;
    }
    Ok(settled.changed)
}

/// The first poll, and one that comes late as after a stop, chooses its next moment freely within
/// the interval, so that many which were due together come apart.
fn next_due(before: &Cursor, interval: Duration, now: Timestamp) -> Timestamp {
    let late = before.due_at.map_or(interval, |due_at| now.since(due_at));
    if before.polled_at.is_none() || late > interval / 2 {
        let share = retry::jitter(before.id.as_str(), i32::try_from(before.epoch % 1_000).unwrap_or(0));
        return now + interval.mul_f64(share.clamp(0.05, 1.0));
    }
    poll_interval::next_due(now, interval, before.id.as_str(), before.epoch)
}

fn fail(app: &App, conn: &mut Conn, claimed: &Claimed, unread: &PollError, now: Timestamp) -> Result<()> {
    let before = &claimed.cursor;
    let spacing = spacing(&app.config.pipeline);
    let attempt = before.attempt.saturating_add(1);
    let wait = spacing.after(before.id.as_str(), attempt);
    let (reason, wait) = match unread {
        PollError::Later { reason, after } | PollError::Throttled { reason, after } => {
            (reason.clone(), wait.max(after.unwrap_or_default()))
        }
        PollError::Expired => ("the position is too old, and nothing newer can be had".to_owned(), wait),
        PollError::Refused { reason } | PollError::Unauthorized { reason } => {
            (reason.clone(), spacing.ceiling)
        }
    };
    let after = Cursor { due_at: Some(now + wait), attempt, error: Some(reason.clone()), ..before.clone() };
    if cursor::save(conn, &after, before.epoch)? == Claim::Lost {
        return Ok(());
    }
    let (id, tenant_id) = (&before.id, &before.tenant_id);
    if attempt == 1 || !matches!(unread, PollError::Later { .. } | PollError::Throttled { .. }) {
        tracing::warn!(cursor.id = %id, tenant.id = %tenant_id, kind = %before.kind, attempt, reason, "poll {id} failed");
    }
    if let PollError::Unauthorized { reason } = unread {
        if credential_failure::credential_refused(conn, (&claimed.connection, &claimed.account), reason, now)?
            == Refusal::Replaced
        {
            cursor::set_due(&mut conn.of(tenant_id), &before.connection_id, Some(now))?;
        }
        return Ok(());
    }
    connection::note_failure(&mut conn.of(tenant_id), &before.connection_id, &reason, now)
}

fn bounds(app: &App, kind: CursorKind) -> Bounds {
    let settings = &app.config.poll;
    let (fast, slow) = match kind {
        CursorKind::Mail => (settings.mail_fast_s, settings.mail_slow_s),
        CursorKind::Calendar => (settings.calendar_fast_s, settings.calendar_slow_s),
        CursorKind::Sheet => (settings.sheet_fast_s, settings.sheet_slow_s),
    };
    Bounds { fast: Duration::from_secs(fast), slow: Duration::from_secs(slow) }
}
