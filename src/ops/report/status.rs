//! Is everything working? For one tenant or all, with the signed links that let an owner see theirs.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::domain::report::health::inspect::HELD;
use crate::domain::report::health::{HealthIssue, Standing};
use crate::ops::Subject;
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::MasterKey;
use nexora_core::base::text::Json;
use nexora_core::base::token::PurposeKey;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::audit::Actor;
use nexora_core::model::automation::Automation;
use nexora_core::model::connection::Connection;
use nexora_core::model::cursor::Cursor;
use nexora_core::model::effect::Effect;
use nexora_core::model::lead::Lead;
use nexora_core::model::panel::Panel;
use nexora_core::model::principal::{Noun, Operation, Verb};
use nexora_core::model::run::Run;
use nexora_core::model::tenant::Tenant;
use nexora_store::balance::{self, Count, Oldest};
use nexora_store::{Conn, effect, lead, run, tenant};

pub const PANELS: Operation = Operation::new("status.panels", Noun::Status, Verb::Update);

/// What an operator, or the owner, sees of a tenant.
#[derive(Clone, Debug, Serialize)]
pub struct TenantStatus {
    pub tenant: Tenant,
    pub counts: Vec<Count>,
    /// Since when the oldest due work has been waiting.
    pub oldest_due_at: Option<Timestamp>,
    /// The same for each kind of work: how far behind each stage is.
    pub oldest_due: Vec<Oldest>,
    pub connections: Vec<Connection>,
    /// What is read of them, and how far.
    pub cursors: Vec<Cursor>,
    pub automations: Vec<AutomationLine>,
    pub leads: Vec<Lead>,
    pub runs: Vec<Run>,
    pub effects: Vec<Effect>,
    /// What the operator should look at, each with the command that acts on it.
    pub troubles: Vec<HealthIssue>,
}

#[derive(Clone, Debug, Serialize)]
pub struct AutomationLine {
    pub name: String,
    pub state: nexora_core::model::automation::AutomationState,
    pub version: i32,
}

const SHOWN: i64 = 25;

const TENANTS: i64 = 1_000;
impl TenantStatus {
    /// Returns how many rows of a noun are in a state.
    pub fn count(&self, noun: &str, state: &str) -> i64 {
        balance::count(&self.counts, noun, state)
    }

    /// Returns how many rows of a noun there are.
    pub fn total(&self, noun: &str) -> i64 {
        balance::total(&self.counts, noun)
    }
}

/// Returns the status of one tenant.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn of_tenant(app: &App, tenant: Tenant) -> Result<TenantStatus> {
    let now = app.clock.now();
    let connectors = app.connectors().clone();
    app.db.read(move |conn| load(conn, &connectors, tenant, now)).await
}

/// Returns the status of every tenant, by slug.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn of_all(app: &App) -> Result<Vec<TenantStatus>> {
    let (now, connectors) = (app.clock.now(), app.connectors().clone());
    app.db
        .read(move |conn| {
            let tenants = tenant::list(conn, TENANTS)?;
            tenants.into_iter().map(|tenant| load(conn, &connectors, tenant, now)).collect()
        })
        .await
}

fn load(conn: &mut Conn, connectors: &Connectors, tenant: Tenant, now: Timestamp) -> Result<TenantStatus> {
    let id = tenant.id.clone();
    let tx = &mut conn.of(&id);
    let standing = Standing::load(tx, now - HELD, now)?;
    let troubles = standing.issues(&tenant, connectors, now);
    let line = |a: Automation| AutomationLine { name: a.name, state: a.state, version: a.live_version };
    Ok(TenantStatus {
        counts: balance::counts(tx)?,
        oldest_due_at: standing.oldest_due_at(),
        oldest_due: standing.oldest_due,
        connections: standing.connections,
        cursors: standing.cursors,
        automations: standing.automations.into_iter().map(line).collect(),
        leads: lead::list(tx, &lead::Filter::default(), SHOWN)?,
        runs: run::list(tx, &run::Filter::default(), SHOWN)?,
        effects: effect::list(tx, &effect::Filter::default(), SHOWN)?,
        troubles,
        tenant,
    })
}

/// Sets what a tenant's status page shows, in order. The same again changes nothing.
///
/// # Errors
/// `Usage` when a panel is named twice, or none is.
pub async fn set_panels(app: &App, actor: &Actor, before: Tenant, panels: Vec<Panel>) -> Result<Tenant> {
    let twice =
        panels.iter().enumerate().find(|(index, panel)| panels.iter().take(*index).any(|p| p == *panel));
    if let Some((_, panel)) = twice {
        return Err(Error::usage(format!("`{panel}` is named twice")));
    }
    if panels.is_empty() {
        return Err(Error::usage("a page needs at least one panel"));
    }
    let mut settings = before.settings()?;
    let earlier = std::mem::replace(&mut settings.status_panels, panels);
    app.change(actor, &before.clone(), PANELS, move |tx, now| {
        let after = Tenant { settings: Json::of(&settings)?, updated_at: now, ..before };
        tenant::save(tx, &after)?;
        let subject = Subject::new(&after.slug).before(&earlier)?.after(&settings.status_panels)?;
        Ok((after, subject))
    })
    .await
}

/// How long a link to a status page works at most.
pub const LONGEST_LINK: Duration = Duration::from_secs(400 * 86_400);

pub const LINK: Operation = Operation::new("status.link", Noun::Session, Verb::Create);

/// Makes a link to a tenant's status page that works for `valid`; returns its address and when it ends.
///
/// # Errors
/// `Usage` when it would work for longer than links do.
pub async fn make_link(
    app: &App,
    actor: &Actor,
    tenant: &Tenant,
    valid: Duration,
) -> Result<(String, Timestamp)> {
    if valid > LONGEST_LINK {
        let days = LONGEST_LINK.as_secs() / 86_400;
        return Err(Error::usage(format!("a link works for {days} days at most"))
            .hint("make a new one when it has ended, or give the owner a user: `nexora user create`"));
    }
    let until = app.clock.now() + valid;
    let slug = tenant.slug.clone();
    app.change(actor, tenant, LINK, move |_, _| {
        Ok(((), Subject::new(&slug).after(&json!({ "until": until }))?))
    })
    .await?;
    let token = sign_link(&app.key, tenant, until);
    Ok((format!("{}/status?token={token}", app.config.http.public_url), until))
}

/// Makes the token of a link to a tenant's status page that ends at `until`.
pub fn sign_link(key: &MasterKey, tenant: &Tenant, until: Timestamp) -> String {
    link_key(key).sign(&format!("{}.{}.{}", tenant.slug, tenant.link_generation, until.millis()))
}

/// What a link's token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub slug: Slug,
    /// The link opens nothing once the tenant is at another generation.
    pub generation: i32,
    pub until: Timestamp,
}

/// Reads a link's token. Whether its generation still holds is for the tenant's row to say.
///
/// # Errors
/// `Denied` when the token was changed or has ended.
pub fn verify_link(key: &MasterKey, token: &str, now: Timestamp) -> Result<Link> {
    let key = link_key(key);
    let body = key.open(token).ok_or_else(no_such_link)?;
    let mut parts = body.split('.');
    let (Some(slug), Some(generation), Some(until), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(no_such_link());
    };
    let slug = slug.parse().map_err(|_| no_such_link())?;
    let generation = generation.parse().map_err(|_| no_such_link())?;
    let until = Timestamp::from_millis(until.parse().map_err(|_| no_such_link())?);
    if until < now || until > now + LONGEST_LINK {
        return Err(no_such_link());
    }
    Ok(Link { slug, generation, until })
}

/// Finds the tenant whose page a link opens.
///
/// # Errors
/// `Denied` when the link has ended, was changed, or was revoked.
pub async fn open_link(app: &App, token: &str) -> Result<(Tenant, Link)> {
    let link = verify_link(&app.key, token, app.clock.now())?;
    let slug = link.slug.clone();
    let found = app.db.read(move |conn| tenant::find_by_slug(conn, &slug)).await?;
    let tenant = found.filter(|tenant| tenant.link_generation == link.generation).ok_or_else(no_such_link)?;
    Ok((tenant, link))
}

fn no_such_link() -> Error {
    Error::denied("this link has ended or is not complete").hint("ask for a new one")
}

fn link_key(key: &MasterKey) -> PurposeKey {
    PurposeKey::new(key, "status link")
}
