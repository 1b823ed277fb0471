//! After a restore: what is held, what a person decides about effects of which nothing is known, and the release.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::app::App;
use crate::domain::message::sent;
use crate::domain::report::health::inspect;
use crate::ops::{LIST_LIMIT, Subject, tenant};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::define_plain_words;
use nexora_core::base::{Error, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::effect::{Effect, EffectKind, EffectState};
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::request::EffectRequest;
use nexora_core::model::restore::Restore;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{EffectId, RestoreId};
use nexora_store::due::{self, Queue};
use nexora_store::{Claim, Tx, batch, connection, cursor, effect, restore};

/// Deciding about one effect: it is as trying it again, or as having it not happen.
pub const DECIDE: Operation = Operation::new("restore.decide", Noun::Effect, Verb::Update);
const RELEASE: &str = "restore.release";
const HOLD: &str = "restore.hold";

define_plain_words! {
    /// What is done with an effect of which it is not known whether it happened after the backup.
    Treat = "way to treat an effect" {
        /// It counts as done.
        Sent = "sent",
        /// It is done, once the release lets it go.
        Send = "send",
    }
}

/// How things stand after a restore.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// Nothing where this database was never restored.
    pub restore: Option<Restore>,
    /// What has to come to its end before the release: it is under way, or waits for a daemon or a connection.
    pub unfinished: Vec<String>,
    pub tenants: Vec<TenantStanding>,
}

/// How one tenant's effects stand.
#[derive(Clone, Debug, Serialize)]
pub struct TenantStanding {
    #[serde(skip)]
    pub tenant: Tenant,
    pub slug: String,
    /// Of which the provider has yet to be asked.
    pub to_ask: usize,
    /// That did not happen, or are new, and go out with the release.
    pub waiting: usize,
    /// Of which nothing is known: a person decides.
    pub undecided: Vec<Undecided>,
}

/// An effect that a person decides about.
#[derive(Clone, Debug, Serialize)]
pub struct Undecided {
    pub id: EffectId,
    pub kind: EffectKind,
    pub connection: String,
    /// To whom, and what.
    pub what: String,
    pub reason: Option<String>,
    pub promised_at: Timestamp,
}

impl Standing {
    pub fn undecided(&self) -> usize {
        self.tenants.iter().map(|tenant| tenant.undecided.len()).sum()
    }

    pub fn waiting(&self) -> usize {
        self.tenants.iter().map(|tenant| tenant.waiting).sum()
    }
}

/// Says how things stand.
///
/// # Errors
/// `Unavailable` when the database cannot be read.
pub async fn standing(app: &App) -> Result<Standing> {
    let restore = app.db.read(restore::latest).await?;
    let Some(latest) = restore.clone() else {
        return Ok(Standing { restore, unfinished: Vec::new(), tenants: Vec::new() });
    };
    let mut unfinished = Vec::new();
    let restored_at = latest.restored_at;
    let late = app
        .db
        .read(move |conn| {
            let mut late = Vec::new();
            for (queue, what) in
                [(Queue::Events, "events are being looked at"), (Queue::Runs, "runs are being planned")]
            {
                let is_late = due::next(conn, queue)?.is_some_and(|next| next <= restored_at);
                late.extend(is_late.then(|| what.to_owned()));
            }
            Ok(late)
        })
        .await?;
    unfinished.extend(late);
    let mut tenants = Vec::new();
    for tenant in tenant::list(app).await? {
        let (standing, unread) = of_tenant(app, &tenant, &latest).await?;
        if standing.to_ask > 0 {
            unfinished
                .push(format!("{}: {} to be asked after at their provider", tenant.slug, standing.to_ask));
        }
        unfinished.extend(unread);
        if standing.to_ask + standing.waiting + standing.undecided.len() > 0 {
            tenants.push(standing);
        }
    }
    if !latest.is_held() {
        unfinished.clear();
    }
    Ok(Standing { restore, unfinished, tenants })
}

async fn of_tenant(app: &App, tenant: &Tenant, latest: &Restore) -> Result<(TenantStanding, Vec<String>)> {
    let (latest, owner) = (latest.clone(), tenant.clone());
    app.view(tenant, move |tx| {
        let mut standing = TenantStanding {
            slug: owner.slug.to_string(),
            tenant: owner.clone(),
            to_ask: 0,
            waiting: 0,
            undecided: Vec::new(),
        };
        let names: BTreeMap<_, _> =
            connection::list(tx, LIST_LIMIT)?.into_iter().map(|found| (found.id, found.name)).collect();
        let open = match latest.is_held() {
            true => effect::unsettled(tx, None, i64::from(i32::MAX))?,
            false => restore::unseen(tx, i64::from(i32::MAX))?,
        };
        for effect in open {
            match (effect.unseen_since.is_some(), is_undecided(&effect)) {
                (_, true) => {
                    let connection = names.get(&effect.connection_id).cloned().unwrap_or_default();
                    standing.undecided.push(undecided(effect, connection));
                }
                (true, false) => standing.to_ask += 1,
                (false, false) => standing.waiting += 1,
            }
        }
        let unread = cursor::list(tx, None, LIST_LIMIT)?.into_iter().filter(|cursor| {
            cursor.position.is_some() && cursor.polled_at.is_none_or(|at| at < latest.restored_at)
        });
        let unread = unread.map(|cursor| {
            let name = names.get(&cursor.connection_id).cloned().unwrap_or_default();
            format!("{}: the {} of connection `{name}` has not been read since", owner.slug, cursor.kind)
        });
        Ok((standing, unread.collect()))
    })
    .await
}

fn is_undecided(effect: &Effect) -> bool {
    effect.unseen_since.is_some() && effect.state == EffectState::InDoubt && effect.due_at.is_none()
}

fn undecided(effect: Effect, connection: String) -> Undecided {
    let request: Option<EffectRequest> = effect.request.read().ok();
    let what = match request.as_ref().and_then(EffectRequest::message) {
        Some(message) => format!("to {}", message.content.recipient().key()),
        None => effect.step.clone(),
    };
    let Effect { id, kind, reason, created_at, .. } = effect;
    Undecided { id, kind, connection, what, reason, promised_at: created_at }
}

/// Decides about one effect of which it is not known whether it happened.
///
/// # Errors
/// `NotFound` when there is none; `Conflict` when it is known, or has just changed.
pub async fn decide(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    id: &EffectId,
    treat: Treat,
) -> Result<Effect> {
    let id = id.clone();
    let connectors = app.connectors().clone();
    app.change(actor, tenant, DECIDE, move |tx, now| {
        let before = effect::find(tx, &id)?.ok_or_else(|| tx.missing("effect", &id))?;
        if !is_undecided(&before) {
            return Err(Error::conflict(format!("nothing is to be decided about effect `{id}`"))
                .hint("`nexora restore status` lists what is"));
        }
        let after = match treat {
            Treat::Sent => Effect {
                state: EffectState::Delivered,
                reason: Some("an operator said that it happened before the restore".to_owned()),
                due_at: None,
                settled_at: Some(now),
                unseen_since: None,
                ..before.clone()
            },
            Treat::Send => Effect {
                state: EffectState::Pending,
                reason: None,
                evidence: None,
                attempt: 0,
                due_at: Some(now),
                unseen_since: None,
                ..before.clone()
            },
        };
        if effect::save(tx, &after, before.epoch)? == Claim::Lost {
            return Err(Error::conflict(format!("effect `{id}` has just changed")));
        }
        if treat == Treat::Sent {
            note_sent(tx, &connectors, &after, now)?;
        }
        let subject = Subject::new(&id).before(&before.state)?.after(&after.state)?;
        Ok((after, subject))
    })
    .await
}

/// Keeps a message that was sent with its contact, and has its run go on.
fn note_sent(
    tx: &mut Tx,
    connectors: &nexora_connector::kind::Connectors,
    effect: &Effect,
    now: Timestamp,
) -> Result<()> {
    if let Some(through) = connection::find(tx, &effect.connection_id)? {
        sent::record(tx, (&through, &connectors.account(&through)), effect, now)?;
    }
    batch::wake_settled(tx, &[(effect.tenant_id.clone(), effect.run_id.clone())], now).map(|_| ())
}

/// Holds a database that other programs have put back to an earlier moment, such as a point in time of PostgreSQL or a
/// snapshot of a disk.
///
/// # Errors
/// `Usage` when the moment is still to come; `Conflict` when it is held already, or a daemon runs.
pub async fn hold(app: &App, actor: &Actor, since: Timestamp) -> Result<Restore> {
    let now = app.clock.now();
    if since > now {
        return Err(Error::usage(format!("{since} is still to come")));
    }
    if app.db.read(restore::latest).await?.is_some_and(|latest| latest.is_held()) {
        return Err(Error::conflict("deliveries are held already").hint("see `nexora restore status`"));
    }
    if inspect::runs(app).await {
        return Err(
            Error::conflict("a daemon runs").hint("stop it before anything goes out: systemctl stop nexora")
        );
    }
    app.administer(actor, HOLD, move |conn, now| {
        let held = Restore {
            id: RestoreId::new(now),
            backup_id: "another program's".to_owned(),
            backup_at: since,
            restored_at: now,
            released_at: None,
            released_by: None,
        };
        restore::begin(conn, &held)?;
        let subject = Subject::new(&held.id).after(&held)?;
        Ok((held, subject))
    })
    .await
}

/// Lets deliveries go on.
///
/// # Errors
/// `NotFound` when this database was never restored; `Conflict` when it is released already, or something has to come to its
/// end first, unless `anyway`.
pub async fn release(app: &App, actor: &Actor, anyway: bool) -> Result<Restore> {
    let latest = check_release(&standing(app).await?, anyway)?;
    let tenants = tenant::list(app).await?;
    let by = actor.to_string();
    let released = app
        .administer(actor, RELEASE, move |conn, now| {
            restore::release(conn, &latest.id, &by, now)?;
            for tenant in &tenants {
                restore::wake(&mut conn.of(&tenant.id), now)?;
            }
            let after = Restore { released_at: Some(now), released_by: Some(by), ..latest };
            let subject = Subject::new(&after.id).after(&after)?;
            Ok((after, subject))
        })
        .await?;
    app.nudges.all();
    Ok(released)
}

/// Refuses a release that cannot be yet, and returns the restore that it is of.
///
/// # Errors
/// As `release`.
pub fn check_release(standing: &Standing, anyway: bool) -> Result<Restore> {
    let Some(latest) = standing.restore.clone() else {
        return Err(Error::not_found("no backup was restored to this database"));
    };
    if !latest.is_held() {
        return Err(Error::conflict("it is released already: deliveries go on"));
    }
    if let Some(first) = standing.unfinished.first().filter(|_| !anyway) {
        let more = match standing.unfinished.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        return Err(Error::conflict(format!("not everything is known yet: {first}{more}"))
            .hint("see that the daemon runs, and wait; `nexora restore status` says for what; `--anyway` goes without"));
    }
    Ok(latest)
}
