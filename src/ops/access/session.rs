//! Sessions of the status page: begun by a sign-in or a signed link, looked at, ended.
//!
//! The browser holds 256 random bits; we hold a keyed hash of them. Whatever a session may do is asked
//! anew at each request, so that a change of role or a disabled user counts at once.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::app::App;
use crate::ops::LIST_LIMIT;
use crate::ops::Subject;
use crate::ops::access::user as users;
use crate::ops::report::status;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::{MasterKey, Secret, random_bytes};
use nexora_core::base::text::Json;
use nexora_core::base::token::PurposeKey;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::principal::{Noun, Operation, Principal, Verb};
use nexora_core::model::session::Session;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::User;
use nexora_core::model::{SessionId, TenantId, UserId};
use nexora_store::audit::{self, Change};
use nexora_store::{Conn, session, tenant, user};

const REVOKE: &str = "session.revoke";
pub const REVOKE_LINKS: Operation = Operation::new("status.revoke_links", Noun::Session, Verb::Delete);

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The client network, as text.
    pub address: String,
    /// What the browser says it is.
    pub agent: String,
    /// What it keeps of an earlier sign-in.
    pub known: Option<Secret>,
}

/// Whose a session is.
#[derive(Clone, Debug)]
pub enum Owner {
    User(UserId),
    Link(TenantId),
}

/// A session with what only the browser is to hold.
#[derive(Clone, Debug)]
pub struct Begun {
    pub token: Secret,
    pub session: Session,
    /// By which a browser that has signed in is known later.
    pub known: Option<Secret>,
}

/// A session as it is listed.
#[derive(Clone, Debug, Serialize)]
pub struct SessionView {
    #[serde(flatten)]
    pub session: Session,
    /// Who signed in.
    pub user: Option<EmailAddress>,
    /// The tenant whose link was opened.
    pub tenant: Option<String>,
}

/// So much of what a browser says about itself is kept.
const AGENT_LENGTH: usize = 120;
/// Sessions that one link has at the same time.
const LINK_SESSIONS: i64 = 20;
/// How often it is noted that a session is in use.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// Makes a session that is not stored yet.
///
/// # Errors
/// `Internal` when the operating system has no randomness to give.
pub fn make(app: &App, owner: Owner, client: &Client, expires_at: Timestamp) -> Result<Begun> {
    let now = app.clock.now();
    let token = Secret::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?));
    let (user_id, tenant_id) = match owner {
        Owner::User(id) => (Some(id), None),
        Owner::Link(id) => (None, Some(id)),
    };
    let session = Session {
        id: SessionId::new(now),
        token_hash: hash(&app.key, &token),
        user_id,
        tenant_id,
        created_at: now,
        seen_at: now,
        expires_at,
        address: client.address.clone(),
        agent: client.agent.chars().filter(|c| !c.is_control()).take(AGENT_LENGTH).collect(),
        revoked_at: None,
    };
    Ok(Begun { token, session, known: None })
}

/// Begins a session for the holder of a signed link; it ends when the link does. Programs open links as
/// well, and often: a link has so many sessions, of which the one least lately used makes room, and is told
/// of once a day (UTC).
///
/// # Errors
/// `Denied` when the link has ended, was changed, or was revoked.
pub async fn open_link(app: &App, link: &str, client: &Client) -> Result<Begun> {
    let (tenant, link) = status::open_link(app, link).await?;
    let begun = make(app, Owner::Link(tenant.id.clone()), client, link.until)?;
    let (session, address, now) = (begun.session.clone(), client.address.clone(), app.clock.now());
    let ledger = app.ledger.clone();
    let stored = app.db.write(move |conn| {
        let last = session::last_of_link(&mut conn.of(&tenant.id), session.expires_at)?;
        session::insert(conn, &session)?;
        session::trim_link(&mut conn.of(&tenant.id), session.expires_at, LINK_SESSIONS)?;
        if last.is_some_and(|last| last.utc().date_naive() == now.utc().date_naive()) {
            return Ok(());
        }
        let change = Change {
            after: Some(Json::of(&serde_json::json!({ "address": address }))?),
            ..Change::new(Actor::System("status link"), "auth.link", &session.id)
        };
        audit::append(conn, &ledger, Some(&tenant.id), change, now)
    });
    stored.await?;
    Ok(begun)
}

/// Returns whose session it is that the browser holds `token` of, and notes that they use it; nobody's
/// when it has ended.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn principal(app: &App, token: &Secret) -> Result<Option<Principal>> {
    let now = app.clock.now();
    let Some((session, principal)) = open(app, token).await? else { return Ok(None) };
    if now.since(session.seen_at) >= NOTED_EVERY {
        app.db.write(move |conn| session::touch(conn, &session.id, now)).await?;
    }
    Ok(Some(principal))
}

/// Returns whose session it is without noting that it is used: what asks is a page, and nobody may be
/// sitting before it.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn peek(app: &App, token: &Secret) -> Result<Option<Principal>> {
    Ok(open(app, token).await?.map(|(_, principal)| principal))
}

/// Returns the session that the browser holds `token` of, with its user; nothing when it has ended, or came of a link.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn owner(app: &App, token: &Secret) -> Result<Option<(Session, User)>> {
    let Some((session, _)) = open(app, token).await? else { return Ok(None) };
    let Some(id) = session.user_id.clone() else { return Ok(None) };
    let found = app.db.read(move |conn| user::find(conn, &id)).await?;
    Ok(found.map(|user| (session, user)))
}

async fn open(app: &App, token: &Secret) -> Result<Option<(Session, Principal)>> {
    let (now, idle) = (app.clock.now(), app.config.sessions.idle());
    let hash = hash(&app.key, token);
    let find = app.db.read(move |conn| {
        let Some(session) =
            session::find_by_token(conn, &hash)?.filter(|session| is_open(session, now, idle))
        else {
            return Ok(None);
        };
        Ok(whose(conn, &session)?.map(|principal| (session, principal)))
    });
    find.await
}

fn whose(conn: &mut Conn, session: &Session) -> Result<Option<Principal>> {
    match (&session.user_id, &session.tenant_id) {
        (Some(id), _) => match user::find(conn, id)? {
            Some(user) => users::principal_of(conn, user),
            None => Ok(None),
        },
        (None, Some(tenant_id)) => Ok(Some(Principal::Link { tenant_id: tenant_id.clone() })),
        (None, None) => Ok(None),
    }
}

/// A session that came of a link lasts as long as the link does, however seldom it is used.
fn is_open(session: &Session, now: Timestamp, idle: Duration) -> bool {
    let rested = session.user_id.is_some() && now.since(session.seen_at) >= idle;
    session.revoked_at.is_none() && session.expires_at > now && !rested
}

/// Ends the session that the browser holds `token` of. One that has ended already stays so.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn end(app: &App, token: &Secret) -> Result<()> {
    let now = app.clock.now();
    let hash = hash(&app.key, token);
    let find = app.db.read(move |conn| session::find_by_token(conn, &hash));
    let Some(found) = find.await?.filter(|session| session.revoked_at.is_none()) else { return Ok(()) };
    let ledger = app.ledger.clone();
    let write = move |conn: &mut Conn| {
        session::revoke(conn, &found.id, now)?;
        let name = match &found.user_id {
            Some(id) => user::find(conn, id)?.map(|user| user.email.to_string()),
            None => None,
        };
        let subject = Subject::new(name.unwrap_or_else(|| found.id.to_string()));
        let change = subject.change(Actor::System("sign-out"), "auth.sign_out");
        audit::append(conn, &ledger, found.tenant_id.as_ref(), change, now)
    };
    app.db.write(write).await
}

/// Lists who is signed in, latest first: everywhere, or to a tenant.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn list(app: &App, tenant: Option<&Tenant>) -> Result<Vec<SessionView>> {
    let (now, idle) = (app.clock.now(), app.config.sessions.idle());
    let wanted = tenant.map(|tenant| tenant.id.clone());
    app.db
        .read(move |conn| {
            let mut sessions = match &wanted {
                Some(id) => session::list_of(&mut conn.of(id), now, LIST_LIMIT)?,
                None => session::list(conn, now, LIST_LIMIT)?,
            };
            sessions.retain(|session| is_open(session, now, idle));
            let mut tenants: HashMap<TenantId, String> = HashMap::new();
            for id in sessions.iter().filter_map(|session| session.tenant_id.clone()) {
                if let Some(found) = tenant::find(conn, &id)? {
                    tenants.insert(id, found.slug.to_string());
                }
            }
            sessions.into_iter().map(|session| view(conn, session, &tenants)).collect()
        })
        .await
}

fn view(conn: &mut Conn, session: Session, tenants: &HashMap<TenantId, String>) -> Result<SessionView> {
    let found = match &session.user_id {
        Some(id) => user::find(conn, id)?,
        None => None,
    };
    let tenant = session.tenant_id.as_ref().and_then(|id| tenants.get(id)).cloned();
    Ok(SessionView { user: found.map(|user| user.email), tenant, session })
}

/// Ends one session.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn revoke(app: &App, actor: &Actor, id: &SessionId) -> Result<()> {
    let id = id.clone();
    app.administer(actor, REVOKE, move |conn, now| {
        let none = || Error::not_found(format!("no session `{id}`")).hint("run `nexora session list`");
        session::find(conn, &id)?.ok_or_else(none)?;
        session::revoke(conn, &id, now)?;
        Ok(((), Subject::new(&id)))
    })
    .await
}

/// Ends every session of a user; returns how many that were.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn revoke_of_user(app: &App, actor: &Actor, email: &EmailAddress) -> Result<usize> {
    let email = email.clone();
    app.administer(actor, REVOKE, move |conn, now| {
        let found = user::find_by_email(conn, &email.key())?.ok_or_else(|| users::no_such_user(&email))?;
        Ok((session::revoke_of_user(conn, &found.id, now)?, Subject::new(&email)))
    })
    .await
}

/// Ends every session there is; returns how many that were.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn revoke_all(app: &App, actor: &Actor) -> Result<usize> {
    app.administer(actor, REVOKE, |conn, now| Ok((session::revoke_all(conn, now)?, Subject::new("all"))))
        .await
}

/// Ends every link to a tenant's status page that was made so far, and the sessions that came of them;
/// returns how many sessions that were.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn revoke_links(app: &App, actor: &Actor, tenant: &Tenant) -> Result<usize> {
    app.change(actor, tenant, REVOKE_LINKS, |tx, now| {
        let tenant = tx.tenant;
        tenant::end_links(tx, &tenant.id, now)?;
        Ok((session::revoke_of_links(tx, now)?, Subject::new(&tenant.slug)))
    })
    .await
}

fn hash(key: &MasterKey, token: &Secret) -> String {
    PurposeKey::new(key, "session").hash(token.expose())
}
