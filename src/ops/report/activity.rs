//! What is going on now: how much is due at each stage, and what each tenant did in the last minute.

use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::domain::CONNECTION_LIMIT;
use crate::domain::report::health::inspect;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::connection::ConnectionState;
use nexora_core::model::daemon::Daemon;
use nexora_core::model::effect::EffectState;
use nexora_core::model::tenant::Tenant;
use nexora_store::due::{self, Depth, Queue};
use nexora_store::{Tx, connection, effect, lead, run, tenant};

/// Over which time rates are taken.
const WINDOW: Duration = Duration::from_secs(60);

/// Tenants that are looked at, each time anew.
const TENANTS: i64 = 200;

#[derive(Clone, Debug, Serialize)]
pub struct Activity {
    pub at: Timestamp,
    pub daemons: Vec<Daemon>,
    /// In the order in which work goes through them.
    pub stages: Vec<Stage>,
    /// Those that did most in the last minute first.
    pub tenants: Vec<TenantActivity>,
    /// Connections that refuse us, are paused, or failed in the last minute.
    pub connections: Vec<ConnectionActivity>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    /// What waits: `events`, `runs`, `effects` and so on.
    pub name: &'static str,
    #[serde(flatten)]
    pub depth: Depth,
}

/// What a tenant did in the last minute.
#[derive(Clone, Debug, Serialize)]
pub struct TenantActivity {
    pub tenant: String,
    pub leads: i64,
    pub runs: i64,
    pub delivered: i64,
    pub dead: i64,
}

impl TenantActivity {
    pub fn total(&self) -> i64 {
        self.leads + self.runs + self.delivered + self.dead
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct ConnectionActivity {
    pub tenant: String,
    pub name: String,
    pub state: ConnectionState,
    pub error: Option<String>,
    pub error_at: Option<Timestamp>,
}

/// Looks at everything, or at one tenant and the stages.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn look(app: &App, only: Option<Tenant>) -> Result<Activity> {
    let at = app.clock.now();
    let (daemons, _) = inspect::machine(app, at).await?;
    app.db
        .read(move |conn| {
            let stages = Queue::ALL
                .iter()
                .map(|queue| Ok(Stage { name: queue.table(), depth: due::depth(conn, *queue, at)? }));
            let stages = stages.collect::<Result<_>>()?;
            let looked_at = match only {
                Some(tenant) => vec![tenant],
                None => tenant::list(conn, TENANTS)?,
            };
            let (mut tenants, mut connections) = (Vec::new(), Vec::new());
            for tenant in &looked_at {
                let tx = &mut conn.of(&tenant.id);
                tenants.push(of_tenant(tx, tenant, at)?);
                connections.extend(troubled(tx, tenant, at)?);
            }
            tenants.sort_by_key(|one| (std::cmp::Reverse(one.total()), one.tenant.clone()));
            Ok(Activity { at, daemons, stages, tenants, connections })
        })
        .await
}

fn of_tenant(tx: &mut Tx, tenant: &Tenant, at: Timestamp) -> Result<TenantActivity> {
    let since = at - WINDOW;
    let settled = |tx: &mut Tx, state| -> Result<i64> {
        let counted = effect::count_settled(tx, state, (since, at))?;
        Ok(counted.iter().map(|(_, count)| count).sum())
    };
    let runs = run::count_started(tx, since)?;
    Ok(TenantActivity {
        tenant: tenant.slug.to_string(),
        leads: lead::count_between(tx, (since, at))?,
        runs: runs.iter().map(|(.., count)| count).sum(),
        delivered: settled(tx, EffectState::Delivered)?,
        dead: settled(tx, EffectState::Dead)?,
    })
}

fn troubled(tx: &mut Tx, tenant: &Tenant, at: Timestamp) -> Result<Vec<ConnectionActivity>> {
    let connections = connection::list(tx, CONNECTION_LIMIT)?.into_iter();
    let told = connections.filter(|connection| {
        connection.state != ConnectionState::Active
            || connection.last_error_at.is_some_and(|error_at| at.since(error_at) <= WINDOW)
    });
    Ok(told
        .map(|connection| ConnectionActivity {
            tenant: tenant.slug.to_string(),
            name: connection.name,
            state: connection.state,
            error: connection.last_error,
            error_at: connection.last_error_at,
        })
        .collect())
}
