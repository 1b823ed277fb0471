//! Fetches leads that were only announced: claim, act, settle.
//!
//! 1. *claim*: a short write takes the notice until its lease ends.
//! 2. *act*: outside any transaction, each fetch in a task of its own.
//! 3. *settle*: one write holds the lead and the end of the notice, guarded by its epoch.
//!
//! A fetch that is lost on the way is simply made again: reading changes nothing, and the lead is known by
//! the provider's id.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::pipeline::hook;
use crate::pipeline::source_lead::{self, Origin};
use crate::pipeline::{Round, Swept, spacing};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Result};
use nexora_core::model::daemon::Lease;
use nexora_core::model::outcome::PollError;
use nexora_core::model::source::{Notice, NoticeState, Source, SourceSettings};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{LeadId, NoticeId};
use nexora_engine::lead::lead_format::webhook::ParseResult;
use nexora_engine::lead::lead_format::{formats, original};
use nexora_store::due::{self, Queue};
use nexora_store::{Claim, Conn, Tx, notice, source, tenant};

/// Claims a share of the notices that are due and starts a task for each.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>, round: &mut Round) -> Result<Swept> {
    let free = app.config.sources.parallel().saturating_sub(app.fetches.len());
    if free == 0 {
        // A fetch that ends nudges this stage.
        return Ok(Swept::default());
    }
    let now = app.clock.now();
    let next_due = app.db.read(|conn| due::next(conn, Queue::Notices)).await?;
    if next_due.is_none_or(|due_at| due_at > now) {
        return Ok(Swept::nothing(next_due));
    }
    let (after, lease) = (round.clone(), app.heart.lease(now + app.config.pipeline.lease()));
    let (share, claimed) = app
        .db
        .write(move |conn| {
            let share = due::take(conn, Queue::Notices, now, free, after.as_ref())?;
            let mut claimed = Vec::with_capacity(share.rows.len());
            for due in &share.rows {
                let id = NoticeId::parse(&due.id)?;
                claimed.extend(claim(&mut conn.of(&due.tenant_id), &id, &lease)?);
            }
            Ok((share, claimed))
        })
        .await?;
    *round = share.after;
    for claimed in claimed {
        let app = Arc::clone(app);
        let tracker = app.fetches.clone();
        tracker.spawn(async move {
            fetch(&app, claimed).await;
            app.nudges.fetch.notify_one();
        });
    }
    Ok(Swept { handled: share.rows.len(), more: share.more, next_due: None })
}

/// Waits until no fetch of this process is under way.
pub async fn rest(app: &App) {
    app.fetches.close();
    app.fetches.wait().await;
    app.fetches.reopen();
}

/// A notice that is ours until its lease ends.
struct Claimed {
    /// As it stands after the claim.
    notice: Notice,
    source: Source,
    tenant: Tenant,
}

fn claim(tx: &mut Tx, id: &NoticeId, lease: &Lease) -> Result<Option<Claimed>> {
    let tenant_id = tx.tenant();
    let Some(found) = notice::find(tx, id)? else { return Ok(None) };
    if notice::claim(tx, &found, lease)? == Claim::Lost {
        return Ok(None);
    }
    let gone = |what: &str| Error::internal(format!("the {what} of notice `{id}` is gone"));
    let source = source::find(tx, &found.source_id)?.ok_or_else(|| gone("source"))?;
    let tenant = tenant::find(tx, tenant_id)?.ok_or_else(|| gone("tenant"))?;
    let notice = Notice { epoch: found.epoch + 1, due_at: Some(lease.until), ..found };
    Ok(Some(Claimed { notice, source, tenant }))
}

async fn fetch(app: &App, claimed: Claimed) {
    let read = AssertUnwindSafe(read(app, &claimed)).catch_unwind().await;
    let read = read.unwrap_or_else(|_| {
        Err(PollError::Later { reason: "the fetch broke down in mid-work".to_owned(), after: None })
    });
    let (id, tenant_id) = (claimed.notice.id.clone(), claimed.notice.tenant_id.clone());
    if let Err(error) = settle(app, claimed, read).await {
        // The lease ends by itself, and the lead is fetched again.
        tracing::error!(notice.id = %id, tenant.id = %tenant_id, reason = %error.report(), "notice {id} could not be settled");
    }
}

/// What was fetched: the text that is kept, and what it says.
struct Fetched {
    original: String,
    result: ParseResult,
    lead_source: String,
}

async fn read(app: &App, claimed: &Claimed) -> Result<Fetched, PollError> {
    let Claimed { notice, source, .. } = claimed;
    let unread = |error: Error| PollError::Unauthorized { reason: error.report() };
    let secrets = hook::secrets(app, source).map_err(unread)?;
    let settings: SourceSettings = source.settings.read().map_err(unread)?;
    let webhook = formats::of(&source.kind).map_err(unread)?;
    let api_url = app.config.sources.api_url(webhook.format.name);
    let (Some(format), Some(api_url)) = (webhook.handling.fetch(), api_url) else {
        return Err(PollError::Refused { reason: "leads of this kind are not fetched".to_owned() });
    };
    let request = format.request(api_url, &notice.external_id, &secrets)?;
    let response = app.lead_sources.get(&request).await?;
    if !response.is_success() {
        return Err(format.failure(response));
    }
    let sender = webhook.sender(&settings, &source.name);
    Ok(Fetched {
        original: original::kept(webhook, &secrets, response.body.to_string().as_bytes()),
        result: webhook.read_fetched(sender, &response.body),
        lead_source: sender.lead_source.to_owned(),
    })
}

async fn settle(app: &App, claimed: Claimed, read: Result<Fetched, PollError>) -> Result<()> {
    let now = app.clock.now();
    match read {
        Ok(fetched) => {
            app.db.write(move |conn| record(conn, claimed, fetched, now)).await?;
            app.nudges.dispatch.notify_one();
            Ok(())
        }
        Err(unread) => {
            let spacing = spacing(&app.config.pipeline);
            let attempt = claimed.notice.attempt.saturating_add(1);
            let wait = spacing.after(claimed.notice.id.as_str(), attempt);
            let (reason, wait) = match unread {
                PollError::Later { reason, after } | PollError::Throttled { reason, after } => {
                    (reason, Some(wait.max(after.unwrap_or_default())))
                }
                PollError::Unauthorized { reason } | PollError::Refused { reason } => (reason, None),
                PollError::Expired => ("the lead cannot be had any more".to_owned(), None),
            };
            let due_at = wait.map(|wait| now + wait);
            app.db.write(move |conn| fail(conn, &claimed, attempt, reason, (due_at, now))).await
        }
    }
}

fn record(conn: &mut Conn, claimed: Claimed, fetched: Fetched, now: Timestamp) -> Result<()> {
    let Claimed { notice: before, source, tenant } = claimed;
    let is_ours = notice::find(&mut conn.of(&before.tenant_id), &before.id)?
        .is_some_and(|current| current.epoch == before.epoch);
    if !is_ours {
        return Ok(());
    }
    let origin = Origin {
        body_hash: hex(Sha256::digest(&fetched.original)),
        tenant,
        source,
        original: fetched.original,
        fallback: Some(before.external_id.clone()),
        lead_source: fetched.lead_source,
    };
    let lead_id: LeadId = match fetched.result {
        ParseResult::Lead(mut lead) => {
            // The lead is known by the id that we were told, whatever the answer says.
            lead.external_id = Some(before.external_id.clone());
            source_lead::store_lead(conn, &origin, *lead, now)?
        }
        ParseResult::Unusable(reason) | ParseResult::Malformed(reason) => {
            source_lead::store_unusable(conn, &origin, &reason, now)?
        }
        ParseResult::Nothing(reason) => source_lead::store_unusable(conn, &origin, reason, now)?,
        ParseResult::Notices(_) | ParseResult::Remark(_) => {
            source_lead::store_unusable(conn, &origin, "the provider answered with something else", now)?
        }
    };
    let after = Notice {
        state: NoticeState::Fetched,
        reason: None,
        due_at: None,
        settled_at: Some(now),
        lead_id: Some(lead_id),
        ..before.clone()
    };
    if notice::save(conn, &after, before.epoch)? == Claim::Lost {
        return Err(Error::unavailable("the notice was taken by another fetch"));
    }
    source::clear_error(&mut conn.of(&before.tenant_id), &before.source_id)
}

fn fail(
    conn: &mut Conn,
    claimed: &Claimed,
    attempt: i32,
    reason: String,
    (due_at, now): (Option<Timestamp>, Timestamp),
) -> Result<()> {
    let before = &claimed.notice;
    let (id, tenant_id) = (&before.id, &before.tenant_id);
    let for_good = due_at.is_none();
    let after = Notice {
        state: if for_good { NoticeState::Failed } else { NoticeState::Retrying },
        reason: Some(reason.clone()),
        attempt,
        due_at,
        settled_at: for_good.then_some(now),
        ..before.clone()
    };
    if notice::save(conn, &after, before.epoch)? == Claim::Lost {
        return Ok(());
    }
    if attempt == 1 || for_good {
        tracing::warn!(notice.id = %id, tenant.id = %tenant_id, attempt, reason, "notice {id} was not fetched");
    }
    source::note_error(
        &mut conn.of(tenant_id),
        &before.source_id,
        &format!("a lead was not fetched: {reason}"),
    )
}
