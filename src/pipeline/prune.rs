//! Retention: what is finished and old enough goes. What is not finished is kept, however old.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::domain::contact::erasure;
use crate::domain::contact::link::SignedLinks;
use crate::domain::contact::person::{self, Named};
use crate::domain::retention;
use crate::pipeline::Swept;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::Json;
use nexora_core::base::{Kind, Result};
use nexora_core::model::audit::Actor;
use nexora_core::model::retention::Kept;
use nexora_core::model::tenant::Tenant;
use nexora_store::audit::{self, Change};
use nexora_store::{
    Conn, Whose, appointment, automatic_answer, event, form, lead, message, notice, retention as kept, run,
    session, tenant,
};

/// Rows of a kind deleted in one write, so that no other write waits long.
const LIMIT: i64 = 64;

/// People of one tenant who are forgotten in one round: each is a write of their own.
const PEOPLE: i64 = 16;

/// Tenants that are looked at.
const TENANTS: i64 = 10_000;

/// How long a session is remembered after its end.
const KEEP_SESSIONS: Duration = Duration::from_secs(30 * 86_400);

/// How long automatic answers are counted.
const KEEP_ANSWERS: Duration = Duration::from_secs(2 * 86_400);

/// How long photos are kept that came with spam.
const KEEP_SPAM: Duration = Duration::from_secs(30 * 86_400);

/// Deletes a share of what is kept no longer, by kind, as each tenant or the configuration says: runs with their steps
/// and effects, events that started none, fetched notices, appointments that are over, photos, spam, messages,
/// people with whom nothing happened any more; and old sessions.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>) -> Result<Swept> {
    let now = app.clock.now();
    let tenants = app.db.read(|conn| tenant::list(conn, TENANTS)).await?;
    let mut pruned = usual(app, &tenants, now).await?;
    for tenant in &tenants {
        for kind in Kept::ALL.iter().copied() {
            let own = retention::own(tenant, kind)?;
            match kind {
                Kept::Messages | Kept::People => {
                    let age = own.unwrap_or_else(|| retention::of_installation(&app.config, kind));
                    if let Some(age) = age {
                        pruned.push(of_tenant(app, tenant, kind, now - age).await?);
                    }
                }
                Kept::Runs | Kept::Events | Kept::Photos | Kept::Spam => {
                    let Some(age) = own else { continue };
                    let (whose, before) = (Whose::Only(tenant.id.clone()), moment(age, now));
                    let rows = app.db.write(move |conn| prune(conn, &whose, kind, before, now)).await?;
                    pruned.push((rows, is_full(rows)));
                }
            }
        }
    }
    let more = pruned.iter().any(|(_, more)| *more);
    Ok(Swept { handled: pruned.iter().map(|(rows, _)| rows).sum(), more, next_due: None })
}

/// Prunes what the configuration alone says of, in one write. Returns how many rows went of each kind, and whether more
/// are to go.
async fn usual(app: &Arc<App>, tenants: &[Tenant], now: Timestamp) -> Result<Vec<(usize, bool)>> {
    let mut rounds = Vec::new();
    for kind in [Kept::Runs, Kept::Events, Kept::Photos, Kept::Spam] {
        let mut others = Vec::new();
        for tenant in tenants {
            if retention::own(tenant, kind)?.is_some() {
                others.push(tenant.id.clone());
            }
        }
        rounds.push((
            kind,
            Whose::AllBut(others),
            moment(retention::of_installation(&app.config, kind), now),
        ));
    }
    let pruned = app.db.write(move |conn| {
        let mut pruned = Vec::new();
        for (kind, whose, before) in &rounds {
            pruned.push(prune(conn, whose, *kind, *before, now)?);
        }
        pruned.push(session::prune(conn, now - KEEP_SESSIONS, LIMIT)?);
        pruned.push(automatic_answer::prune(conn, now - KEEP_ANSWERS, LIMIT)?);
        Ok(pruned)
    });
    Ok(pruned.await?.into_iter().map(|rows| (rows, is_full(rows))).collect())
}

/// Returns the moment before which it is over; what is kept for ever is older than everything.
fn moment(age: Option<Duration>, now: Timestamp) -> Timestamp {
    age.map_or(Timestamp::from_millis(0), |age| now - age)
}

/// Tells whether there was so much that more may be left.
fn is_full(rows: usize) -> bool {
    rows >= usize::try_from(LIMIT).unwrap_or_default()
}

fn prune(conn: &mut Conn, whose: &Whose, kind: Kept, before: Timestamp, now: Timestamp) -> Result<usize> {
    match kind {
        Kept::Runs => {
            Ok(run::prune(conn, whose, before, LIMIT)? + appointment::prune(conn, whose, before, LIMIT)?)
        }
        Kept::Events => {
            Ok(event::prune(conn, whose, before, LIMIT)? + notice::prune(conn, whose, before, LIMIT)?)
        }
        Kept::Photos => form::prune_photos(conn, whose, (before, before.max(now - KEEP_SPAM)), LIMIT),
        Kept::Spam => lead::prune_spam(conn, whose, before, LIMIT),
        // They are pruned tenant by tenant.
        Kept::Messages | Kept::People => Ok(0),
    }
}

async fn of_tenant(app: &Arc<App>, tenant: &Tenant, kind: Kept, before: Timestamp) -> Result<(usize, bool)> {
    if kind == Kept::People {
        return people(app, tenant, before).await;
    }
    let id = tenant.id.clone();
    let rows = app.db.write(move |conn| message::prune(&mut conn.of(&id), before, LIMIT)).await?;
    Ok((rows, is_full(rows)))
}

/// Forgets people with whom nothing happened any more, each in a write of their own.
async fn people(app: &Arc<App>, tenant: &Tenant, before: Timestamp) -> Result<(usize, bool)> {
    let id = tenant.id.clone();
    let found = app.db.read(move |conn| {
        let tx = &mut conn.of(&id);
        let contacts = kept::over(tx, before, PEOPLE)?;
        let leads = kept::leads_over(tx, before, PEOPLE)?;
        let contacts = contacts.into_iter().map(|id| Named::Contact(id.to_string()));
        Ok(contacts.chain(leads.into_iter().map(Named::Lead)).collect::<Vec<_>>())
    });
    let found = found.await?;
    let more = i64::try_from(found.len()).unwrap_or_default() >= PEOPLE;
    let mut forgotten = 0;
    for named in found {
        let (app, tenant) = (Arc::clone(app), tenant.clone());
        let (linker, connectors) = (SignedLinks::of(&app), app.connectors().clone());
        let (ledger, now) = (app.ledger.clone(), app.clock.now());
        let forget = app.db.write(move |conn| {
            let tx = &mut conn.of(&tenant.id);
            let person = person::find(tx, &tenant, &named, (&linker, &connectors))?;
            let by = Actor::System("retention");
            let (told, of) = erasure::forget(tx, &person, &linker, &by.to_string(), now)?;
            let receipt = told.receipt.as_ref().map_or_else(String::new, ToString::to_string);
            let after = serde_json::json!({ "of": of, "erased": told.erased });
            let change =
                Change { after: Some(Json::of(&after)?), ..Change::new(by, "contact.forget", receipt) };
            audit::append(conn, &ledger, Some(&tenant.id), change, now)
        });
        match forget.await {
            Ok(()) => forgotten += 1,
            // Something is just being sent, or somebody was faster: the next round sees.
            Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok((forgotten, more && forgotten > 0))
}
