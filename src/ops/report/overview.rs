//! All tenants at a glance, for the operator: which of them needs attention, the worst first.

use serde::Serialize;

use crate::app::App;
use crate::domain::report::health::inspect::HELD;
use crate::domain::report::health::{self, HealthIssue, Level, Standing};
use nexora_connector::kind::Connectors;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::connection::ConnectionState;
use nexora_core::model::effect::EffectState;
use nexora_core::model::run::RunState;
use nexora_core::model::tenant::Tenant;
use nexora_engine::calendar::hours::at_wall_time;
use nexora_store::{Conn, balance, lead, migration, tenant};

/// Every tenant, and whether the machine keeps up.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    pub tenants: Vec<TenantLine>,
    pub now: Timestamp,
    /// What is wrong with the database's schema, if anything is.
    pub database: Option<String>,
    /// There are more tenants than are shown.
    pub more: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct TenantLine {
    pub tenant: Tenant,
    pub level: Level,
    pub troubles: Vec<HealthIssue>,
    /// Work that is due and not begun.
    pub queued: i64,
    pub oldest_due_at: Option<Timestamp>,
    /// Runs that failed and effects that were given up.
    pub failures: i64,
    pub connections: usize,
    pub connections_failing: usize,
    pub leads_today: i64,
    pub last_poll_at: Option<Timestamp>,
}

const TENANTS: i64 = 1_000;

/// Looks at every tenant.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn load(app: &App) -> Result<Overview> {
    let (now, connectors) = (app.clock.now(), app.connectors().clone());
    app.db.read(move |conn| conn.transaction(|conn| look(conn, &connectors, now))).await
}

fn look(conn: &mut Conn, connectors: &Connectors, now: Timestamp) -> Result<Overview> {
    let found = tenant::list(conn, TENANTS + 1)?;
    let shown = usize::try_from(TENANTS).unwrap_or(0);
    let more = found.len() > shown;
    let mut tenants = Vec::new();
    for tenant in found.into_iter().take(shown) {
        tenants.push(line(conn, connectors, tenant, now)?);
    }
    let rank = |line: &TenantLine| (std::cmp::Reverse(line.level), std::cmp::Reverse(line.troubles.len()));
    tenants.sort_by(|one, other| {
        rank(one).cmp(&rank(other)).then_with(|| one.tenant.slug.cmp(&other.tenant.slug))
    });
    let database = migration::check(conn).err().map(|error| error.report());
    Ok(Overview { tenants, now, database, more })
}

fn line(conn: &mut Conn, connectors: &Connectors, tenant: Tenant, now: Timestamp) -> Result<TenantLine> {
    let id = &tenant.id;
    let tx = &mut conn.of(id);
    let standing = Standing::load(tx, now - HELD, now)?;
    let troubles = standing.issues(&tenant, connectors, now);
    let oldest_due_at = standing.oldest_due_at().filter(|at| *at <= now);
    let Standing { counts, connections, cursors, .. } = standing;
    let zone = tenant.zone()?.tz();
    let today = now.utc().with_timezone(&zone).date_naive();
    let midnight = at_wall_time(today, chrono::NaiveTime::MIN, zone);
    let failing = |state: ConnectionState| state == ConnectionState::Failing;
    Ok(TenantLine {
        level: health::level(&troubles),
        queued: balance::due(tx, now)?,
        oldest_due_at,
        failures: balance::count(&counts, "run", RunState::Failed.name())
            + balance::count(&counts, "effect", EffectState::Dead.name()),
        connections: connections.len(),
        connections_failing: connections.iter().filter(|connection| failing(connection.state)).count(),
        leads_today: lead::count_since(tx, midnight)?,
        last_poll_at: cursors.iter().filter_map(|cursor| cursor.polled_at).max(),
        troubles,
        tenant,
    })
}
