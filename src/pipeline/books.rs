//! The nightly look at the books of every tenant, and one after each start: a mismatch is a trouble in `nexora status`.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::domain::report::books::{self, Books, FOREVER};
use crate::domain::retention;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::retention::Kept;
use nexora_store::{finding, tenant};

/// When of the day, in UTC, it is looked again: few are at work anywhere in Europe and America.
const HOUR: Duration = Duration::from_secs(3 * 3_600);
const DAY_MS: i64 = 86_400_000;

/// How long after a start it is looked first: what an earlier process left under way is then taken up again.
pub const AFTER_START: Duration = Duration::from_secs(120);

/// Tenants that are looked at.
const TENANTS: i64 = 10_000;

/// Returns how long it is until the next nightly look.
pub fn until_next(now: Timestamp) -> Duration {
    let into_day = now.millis().rem_euclid(DAY_MS);
    let hour = i64::try_from(HOUR.as_millis()).unwrap_or(DAY_MS);
    let left = (hour - into_day).rem_euclid(DAY_MS);
    Duration::from_millis(u64::try_from(if left == 0 { DAY_MS } else { left }).unwrap_or_default())
}

/// Looks at the books of every tenant and notes what is found; returns of how many they do not balance.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn sweep(app: &Arc<App>) -> Result<usize> {
    let now = app.clock.now();
    let mut wrong = 0;
    for tenant in app.db.read(|conn| tenant::list(conn, TENANTS)).await? {
        let keep = retention::of_tenant(&app.config, &tenant, Kept::Runs)?.unwrap_or(FOREVER);
        let id = tenant.id.clone();
        let loaded = app.db.read(move |conn| Books::load(&mut conn.of(&id), keep, now)).await?;
        let found = loaded.finding(&tenant, now);
        if let Some(found) = &found {
            wrong += 1;
            tracing::error!(tenant.id = %tenant.id, "{}", found.what);
        }
        let key = books::key(&tenant);
        let (id, looked) = (tenant.id.clone(), key.clone());
        let was_found = app.db.read(move |conn| finding::of_tenant(&mut conn.of(&id))).await?;
        if found.is_none() && !was_found.iter().any(|known| known.key == looked) {
            continue;
        }
        app.db
            .write(move |conn| match &found {
                Some(found) => finding::save(conn, found),
                None => finding::clear(conn, &key),
            })
            .await?;
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_once_a_night() {
        let hours = |millis: i64| until_next(Timestamp::from_millis(millis)).as_secs() / 3_600;
        let midnight = 20_000 * DAY_MS;
        assert_eq!([hours(midnight), hours(midnight + 3_600_000)], [3, 2]);
        assert_eq!([hours(midnight + 3 * 3_600_000), hours(midnight + 4 * 3_600_000)], [24, 23]);
    }
}
