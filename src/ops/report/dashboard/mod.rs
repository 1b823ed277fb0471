//! What the status page shows of one tenant: gathered in one read, only what may be seen, bounded.
//!
//! It is data with the words for it; how it looks is the page's affair. Nothing here changes anything.

mod agenda;
mod figures;
mod message;
mod upkeep;

use std::collections::HashMap;

use chrono_tz::Tz;

use crate::app::App;
use crate::domain::report::health::{self, HealthIssue, Level};
use nexora_connector::kind::Connectors;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::lead::{Lead, ResponseTime};
use nexora_core::model::panel::Panel;
use nexora_core::model::principal::{Noun, Permission, Principal, Verb};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ContactId, TenantId};
use nexora_engine::access::authority;
use nexora_store::{Conn, contact, lead, tenant};

pub use agenda::{Agenda, Chore, Visit, Work};
pub use figures::{CHART_DAYS, Charts, Week};
pub use message::{Fate, MessageRow};
pub use upkeep::{Account, AutomationLine, Health, RunLine, Runs};

/// Lines that one panel shows at most.
const SHOWN: i64 = 12;

/// A tenant's page. A panel that is not shown has not been looked up.
pub struct Dashboard {
    pub tenant: Tenant,
    pub zone: Tz,
    pub now: Timestamp,
    /// In order.
    pub panels: Vec<Panel>,
    pub level: Level,
    pub troubles: Vec<HealthIssue>,
    /// The commands that act on troubles are shown.
    pub shows_commands: bool,
    pub health: Option<Health>,
    pub week: Option<Week>,
    pub charts: Option<Charts>,
    pub leads: Option<Vec<Lead>>,
    pub messages: Option<Vec<MessageRow>>,
    pub agenda: Option<Agenda>,
    pub runs: Option<Runs>,
    pub automations: Option<Vec<AutomationLine>>,
    pub chores: Option<Vec<Chore>>,
    pub work: Option<Vec<Work>>,
}

/// Returns the permission without which a panel is not shown.
fn permission(panel: Panel) -> Permission {
    let noun = match panel {
        Panel::Health => Noun::Connection,
        Panel::Charts | Panel::Leads => Noun::Lead,
        Panel::Week | Panel::Messages => Noun::Message,
        Panel::Appointments => Noun::Appointment,
        Panel::Runs => Noun::Run,
        Panel::Automations => Noun::Automation,
        Panel::Tasks => Noun::Task,
        Panel::Jobs => Noun::Job,
    };
    Permission(noun, Verb::Read)
}

/// Tells whether a principal may see a tenant's page at all.
pub fn may_see(principal: &Principal, tenant: &TenantId) -> bool {
    authority::allows(principal, Some(tenant), Permission(Noun::Status, Verb::Read))
}

/// Returns the tenants whose pages a member or the holder of a link may see, by name.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn tenants_of(app: &App, principal: &Principal) -> Result<Vec<Tenant>> {
    let mut ids: Vec<TenantId> = match principal {
        Principal::Operator { .. } => Vec::new(),
        Principal::Member { roles, .. } => roles.iter().map(|(id, _)| id.clone()).collect(),
        Principal::Link { tenant_id } => vec![tenant_id.clone()],
    };
    ids.retain(|id| may_see(principal, id));
    let find = move |conn: &mut Conn| {
        let found = ids.iter().map(|id| tenant::find(conn, id));
        found.collect::<Result<Vec<Option<Tenant>>>>()
    };
    let mut tenants: Vec<Tenant> = app.db.read(find).await?.into_iter().flatten().collect();
    tenants.sort_by(|one, other| (&one.name, &one.slug).cmp(&(&other.name, &other.slug)));
    Ok(tenants)
}

/// Gathers the page of the tenant that an address names.
///
/// # Errors
/// `NotFound` when there is no such tenant, and in the same words when it may not be seen.
pub async fn find(app: &App, principal: &Principal, slug: &str) -> Result<Dashboard> {
    let missing = || Error::not_found("no such page");
    let slug: Slug = slug.parse().map_err(|_| missing())?;
    let found = app.db.read(move |conn| tenant::find_by_slug(conn, &slug)).await?;
    let tenant = found.filter(|tenant| may_see(principal, &tenant.id)).ok_or_else(missing)?;
    of_tenant(app, principal, tenant).await
}

/// Gathers a tenant's page: the panels that it has chosen, of which those that `principal` may see.
///
/// # Errors
/// `Unavailable` when the database cannot be reached; `NotFound` when it may not be seen.
pub async fn of_tenant(app: &App, principal: &Principal, tenant: Tenant) -> Result<Dashboard> {
    if !may_see(principal, &tenant.id) {
        return Err(Error::not_found("no such page"));
    }
    let (now, connectors) = (app.clock.now(), app.connectors().clone());
    let allowed = |noun| authority::allows(principal, Some(&tenant.id), Permission(noun, Verb::Read));
    let view = View {
        leads: allowed(Noun::Lead),
        messages: allowed(Noun::Message),
        commands: matches!(principal, Principal::Operator { .. }),
    };
    let mut panels = tenant.settings()?.status_panels;
    panels.retain(|panel| authority::allows(principal, Some(&tenant.id), permission(*panel)));
    app.db.read(move |conn| conn.transaction(|conn| load(conn, &connectors, tenant, panels, view, now))).await
}

/// What may be seen within a panel.
#[derive(Clone, Copy)]
struct View {
    leads: bool,
    messages: bool,
    commands: bool,
}

fn load(
    conn: &mut Conn,
    connectors: &Connectors,
    tenant: Tenant,
    panels: Vec<Panel>,
    view: View,
    now: Timestamp,
) -> Result<Dashboard> {
    let zone = tenant.zone()?.tz();
    let id = &tenant.id;
    let tx = &mut conn.of(id);
    let mut names = Names::new(id);
    let has = |panel| panels.contains(&panel);
    let upkeep = upkeep::load(tx, connectors, &tenant, now)?;
    let paces = match view.leads && (has(Panel::Week) || has(Panel::Charts)) {
        true => Some(figures::paces(tx, zone, now)?),
        false => None,
    };
    let paces: Option<&[ResponseTime]> = paces.as_deref();
    Ok(Dashboard {
        zone,
        now,
        level: health::level(&upkeep.troubles),
        shows_commands: view.commands,
        health: has(Panel::Health).then(|| upkeep.health(connectors)),
        week: shown(has(Panel::Week), || figures::week(tx, &tenant, paces, now))?,
        charts: shown(has(Panel::Charts), || {
            figures::charts(tx, paces.unwrap_or_default(), view.messages, (zone, now))
        })?,
        leads: shown(has(Panel::Leads), || lead::list(tx, &lead::Filter::default(), SHOWN))?,
        messages: shown(has(Panel::Messages), || message::load(tx, &tenant, &mut names))?,
        agenda: shown(has(Panel::Appointments), || agenda::load(tx, &tenant, &mut names, (zone, now)))?,
        runs: shown(has(Panel::Runs), || upkeep::runs(tx, &upkeep.automations, &mut names, now))?,
        automations: shown(has(Panel::Automations), || {
            upkeep::automations(tx, &upkeep.automations, &upkeep.schedules, now)
        })?,
        chores: shown(has(Panel::Tasks), || agenda::chores(tx, &mut names))?,
        work: shown(has(Panel::Jobs), || agenda::work(tx, &mut names))?,
        troubles: upkeep.troubles,
        panels,
        tenant,
    })
}

/// Looks up what is shown, and nothing else.
fn shown<T>(is_shown: bool, look_up: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    if is_shown { look_up().map(Some) } else { Ok(None) }
}

/// The names of contacts, each read once.
struct Names {
    tenant_id: TenantId,
    known: HashMap<ContactId, Option<String>>,
}

impl Names {
    fn new(tenant: &TenantId) -> Names {
        Names { tenant_id: tenant.clone(), known: HashMap::new() }
    }

    fn of(&mut self, conn: &mut Conn, id: Option<&ContactId>) -> Result<Option<String>> {
        let Some(id) = id else { return Ok(None) };
        if let Some(known) = self.known.get(id) {
            return Ok(known.clone());
        }
        let found = contact::find(&mut conn.of(&self.tenant_id), id)?;
        let name = found.map(|contact| contact.name).filter(|name| !name.is_empty());
        self.known.insert(id.clone(), name.clone());
        Ok(name)
    }
}
