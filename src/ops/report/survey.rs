//! Does everything work, on the whole machine or for one tenant? What `nexora status` shows, whatever is broken.

use serde::Serialize;

use crate::app::App;
use crate::domain::report::health::{self, HealthIssue, Level, inspect, machine};
use crate::ops::report::status::{self, TenantStatus};
use nexora_core::base::clock::Timestamp;
use nexora_core::base::{Error, Result};
use nexora_core::model::daemon::Daemon;
use nexora_core::model::tenant::Tenant;

#[derive(Clone, Debug, Serialize)]
pub struct Survey {
    pub level: Level,
    pub at: Timestamp,
    /// The one that was heard last first.
    pub daemons: Vec<Daemon>,
    /// What is wrong with the installation as a whole.
    pub machine: Vec<HealthIssue>,
    pub tenants: Vec<TenantStatus>,
}

impl Survey {
    /// Returns every trouble with the tenant that it is about, the worst first, and the machine's before others.
    pub fn troubles(&self) -> Vec<(Option<&Tenant>, &HealthIssue)> {
        let of_tenants = self
            .tenants
            .iter()
            .flat_map(|status| status.troubles.iter().map(|trouble| (Some(&status.tenant), trouble)));
        let mut all: Vec<_> = self.machine.iter().map(|trouble| (None, trouble)).chain(of_tenants).collect();
        all.sort_by_key(|(_, trouble)| std::cmp::Reverse(trouble.level));
        all
    }

    /// Returns what is left to say where not even the database can be opened.
    pub fn of_failure(error: &Error, at: Timestamp) -> Survey {
        let machine = vec![machine::of_error(error)];
        Survey { level: Level::Broken, at, daemons: Vec::new(), machine, tenants: Vec::new() }
    }
}

/// Looks at one tenant for somebody who is of it: the machine is none of theirs.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn of_tenant_alone(app: &App, tenant: Tenant) -> Result<Survey> {
    let at = app.clock.now();
    let tenants = vec![status::of_tenant(app, tenant).await?];
    let level = health::level(tenants.iter().flat_map(|status| &status.troubles));
    Ok(Survey { level, at, daemons: Vec::new(), machine: Vec::new(), tenants })
}

/// Looks at everything, or at one tenant and the machine.
pub async fn survey(app: &App, only: Option<Tenant>) -> Survey {
    let at = app.clock.now();
    look(app, only, at).await.unwrap_or_else(|error| Survey::of_failure(&error, at))
}

async fn look(app: &App, only: Option<Tenant>, at: Timestamp) -> Result<Survey> {
    let mut tenants = match only {
        Some(tenant) => vec![status::of_tenant(app, tenant).await?],
        None => status::of_all(app).await?,
    };
    let (daemons, machine) = inspect::machine(app, at).await?;
    if health::level(&machine) == Level::Broken {
        // Where no daemon works, that everything is late says nothing more.
        for status in &mut tenants {
            status.troubles.retain(|trouble| !trouble.is_lateness());
        }
    }
    let level = health::level(machine.iter().chain(tenants.iter().flat_map(|status| &status.troubles)));
    Ok(Survey { level, at, daemons, machine, tenants })
}
