//! Schedules: each trigger with a `cron` has one row that says when it fires next. A moment becomes an
//! event once, keyed by what clocks showed, so that no day has two of a daily one, whatever becomes of
//! the zone.

use std::time::Duration;

use chrono_tz::Tz;

use crate::domain::AUTOMATION_LIMIT;
use crate::domain::automation::fact;
use crate::domain::automation::version;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::address::Zone;
use nexora_core::model::automation::AutomationState;
use nexora_core::model::event::{EventKind, ScheduleEvent};
use nexora_core::model::schedule::{Misfire, Schedule};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AutomationId, ScheduleId, TenantId};
use nexora_engine::automation::plan;
use nexora_engine::automation::trigger::EventSource;
use nexora_engine::calendar::cron::Cron;
use nexora_engine::calendar::hours::at_wall_time;
use nexora_store::{Conn, automation, schedule, tenant};

/// A moment this long ago is not yet missed.
const GRACE: Duration = Duration::from_secs(300);

/// Moments that passed and are made up for at once with `misfire = "all"`.
const ALL_LIMIT: usize = 100;

/// Brings a tenant's schedules to what its automations want now. One that is paused is parked.
///
/// # Errors
/// `Usage` when a stored schedule cannot be read, which checking has refused.
pub fn reconcile(conn: &mut Conn, tenant: &Tenant, now: Timestamp) -> Result<()> {
    let tx = &mut conn.of(&tenant.id);
    let mut existing = schedule::list(tx)?;
    for found in automation::list(tx, AUTOMATION_LIMIT)? {
        if found.state == AutomationState::Disabled {
            continue;
        }
        let held = plan::held(tenant.state, found.state).is_some();
        let version = version::parsed(tx, &found.id, found.live_version)?;
        for watch in version.watches(tenant)? {
            let (cron, misfire) = match watch.filter.source() {
                EventSource::Schedule { cron, misfire } => (cron.to_owned(), misfire),
                EventSource::Told | EventSource::Calendar { .. } | EventSource::Sheet { .. } => continue,
            };
            let wanted = Wanted { automation: &found.id, number: watch.number, cron, misfire, held };
            let at = existing.iter().position(|row| wanted.is(row));
            let before = at.map(|index| existing.swap_remove(index));
            wanted.save(tx, tenant, before, now)?;
        }
    }
    for gone in existing {
        schedule::delete(tx, &gone.id)?;
    }
    Ok(())
}

struct Wanted<'a> {
    automation: &'a AutomationId,
    number: i32,
    cron: String,
    misfire: Misfire,
    held: bool,
}

impl Wanted<'_> {
    fn is(&self, row: &Schedule) -> bool {
        row.automation_id == *self.automation && row.number == self.number
    }

    fn save(self, conn: &mut Conn, tenant: &Tenant, before: Option<Schedule>, now: Timestamp) -> Result<()> {
        let cron = Cron::parse(&self.cron)?;
        let zone = tenant.zone()?.tz();
        let planned_at = match before.as_ref().filter(|row| row.cadence == self.cron) {
            Some(row) if row.timezone == tenant.timezone => Some(row.planned_at),
            Some(row) => cron.next(rezoned(row, zone)? - Duration::from_secs(1), zone),
            None => cron.next(now, zone),
        };
        let Some(planned_at) = planned_at else { return Ok(()) };
        let row = Schedule {
            tenant_id: tenant.id.clone(),
            id: before.as_ref().map_or_else(|| ScheduleId::new(now), |row| row.id.clone()),
            automation_id: self.automation.clone(),
            number: self.number,
            cadence: self.cron,
            timezone: tenant.timezone.clone(),
            misfire: self.misfire,
            planned_at,
            due_at: (!self.held).then_some(planned_at),
        };
        match before {
            Some(before) if before == row => Ok(()),
            Some(before) => schedule::save(conn, &row, before.planned_at).map(|_| ()),
            None => schedule::insert(conn, &row),
        }
    }
}

/// Returns when clocks in another zone show what was planned. Where that has passed, as after a move to
/// the east, the moment was missed, and is made up for like any other.
fn rezoned(row: &Schedule, zone: Tz) -> Result<Timestamp> {
    let planned = row.planned_at.utc().with_timezone(&Zone::parse(&row.timezone)?.tz());
    Ok(at_wall_time(planned.date_naive(), planned.time(), zone))
}

/// Makes events of a schedule whose moment has come, and plans the next.
///
/// # Errors
/// `Internal` when what is stored cannot be read.
pub fn tick(conn: &mut Conn, id: &TenantId, schedule_id: &ScheduleId, now: Timestamp) -> Result<()> {
    let tx = &mut conn.of(id);
    let Some(row) = schedule::find(tx, schedule_id)? else { return Ok(()) };
    let Some(tenant) = tenant::find(tx, id)? else { return Ok(()) };
    let Some(automation) = automation::find(tx, &row.automation_id)? else { return Ok(()) };
    if plan::held(tenant.state, automation.state).is_some() {
        return schedule::save(tx, &Schedule { due_at: None, ..row.clone() }, row.planned_at).map(|_| ());
    }
    let cron = Cron::parse(&row.cadence)?;
    let zone = Zone::parse(&row.timezone)?;
    let (fires, next) = moments(&cron, &row, zone.tz(), now);
    let Some(next) = next else { return schedule::delete(tx, schedule_id) };
    let after = Schedule { planned_at: next, due_at: Some(next), ..row.clone() };
    if schedule::save(tx, &after, row.planned_at)? == nexora_store::Claim::Lost {
        return Ok(());
    }
    for planned_at in fires {
        let shown = planned_at.utc().with_timezone(&zone.tz());
        let tick = ScheduleEvent {
            automation: automation.name.clone(),
            number: row.number,
            planned_at,
            day: shown.format("%Y-%m-%d").to_string(),
        };
        let key = format!("schedule:{}:{}:{}", row.automation_id, row.number, shown.format("%Y-%m-%dT%H:%M"));
        let _ = fact::tell(tx, EventKind::Schedule, key, &tick, None, now)?;
    }
    Ok(())
}

/// Returns which of the moments that have come fire, and the first that has not.
fn moments(cron: &Cron, row: &Schedule, zone: Tz, now: Timestamp) -> (Vec<Timestamp>, Option<Timestamp>) {
    let mut fires = Vec::new();
    let mut at = Some(row.planned_at);
    while let Some(moment) = at.filter(|moment| *moment <= now) {
        let is_late = now.since(moment) > GRACE;
        match row.misfire {
            Misfire::Skip if is_late => {}
            Misfire::Latest => fires = vec![moment],
            Misfire::Skip | Misfire::All => fires.push(moment),
        }
        if fires.len() >= ALL_LIMIT {
            fires.remove(0);
        }
        at = cron.next(moment, zone);
    }
    (fires, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_moments_follow_their_policy() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let row = |misfire| Schedule {
            tenant_id: TenantId::new(at("2026-11-01T00:00:00Z")),
            id: ScheduleId::new(at("2026-11-01T00:00:00Z")),
            automation_id: AutomationId::new(at("2026-11-01T00:00:00Z")),
            number: 0,
            cadence: "0 7 * * *".to_owned(),
            timezone: "UTC".to_owned(),
            misfire,
            planned_at: at("2026-11-10T07:00:00Z"),
            due_at: None,
        };
        let cron = Cron::parse("0 7 * * *").unwrap();
        let fired = |misfire, now: &str| -> Vec<String> {
            let (fires, next) = moments(&cron, &row(misfire), chrono_tz::UTC, at(now));
            fires.into_iter().chain(next).map(|at| at.to_string()[8..16].to_owned()).collect()
        };
        // A week without a daemon.
        assert_eq!(fired(Misfire::Latest, "2026-11-12T10:00:00Z"), ["12T07:00", "13T07:00"]);
        assert_eq!(fired(Misfire::Skip, "2026-11-12T10:00:00Z"), ["13T07:00"]);
        assert_eq!(
            fired(Misfire::All, "2026-11-12T10:00:00Z"),
            ["10T07:00", "11T07:00", "12T07:00", "13T07:00"]
        );
        // On time.
        assert_eq!(fired(Misfire::Skip, "2026-11-10T07:01:00Z"), ["10T07:00", "11T07:00"]);
    }
}
