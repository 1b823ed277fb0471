//! For how long a tenant's data is kept: as the tenant's settings say, or else the configuration.

use std::time::Duration;

use crate::config::Config;
use nexora_core::base::Result;
use nexora_core::model::retention::Kept;
use nexora_core::model::tenant::Tenant;

const DAY_S: u64 = 86_400;

/// Returns for how long a kind of data is kept where a tenant says nothing; nothing is for ever.
pub fn of_installation(config: &Config, kind: Kept) -> Option<Duration> {
    let (pipeline, intake) = (&config.pipeline, &config.intake);
    let days = match kind {
        Kept::Runs => pipeline.keep_runs_days,
        Kept::Events => pipeline.keep_events_days,
        Kept::Photos => intake.keep_photos_days,
        Kept::Spam => intake.keep_spam_days,
        Kept::Messages => pipeline.keep_messages_days,
        Kept::People => pipeline.keep_people_days,
    };
    length(days)
}

/// Returns what a tenant says of a kind of data, where it says anything: for how long, or for ever.
///
/// # Errors
/// `Internal` when its settings cannot be read.
pub fn own(tenant: &Tenant, kind: Kept) -> Result<Option<Option<Duration>>> {
    Ok(tenant.settings()?.keep_days(kind).map(|days| length(u64::from(days))))
}

/// Returns for how long a kind of a tenant's data is kept; nothing is for ever.
///
/// # Errors
/// As `own`.
pub fn of_tenant(config: &Config, tenant: &Tenant, kind: Kept) -> Result<Option<Duration>> {
    Ok(own(tenant, kind)?.unwrap_or_else(|| of_installation(config, kind)))
}

fn length(days: u64) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(days.saturating_mul(DAY_S)))
}
