//! Whether Google's quota suffices for everything that is watched, project by project.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Config;
use nexora_core::base::Result;
use nexora_core::model::connection::Ability;
use nexora_core::model::cursor::CursorKind;
use nexora_core::model::google::{GOOGLE, GoogleSettings};
use nexora_core::model::quota::GoogleQuota;
use nexora_engine::delivery::quota_check::{self, PollLoad, Watched};
use nexora_store::{Conn, connection, cursor};

/// What the configuration says about quotas and how often things are looked at.
#[derive(Clone, Copy, Debug)]
pub struct PollPlan {
    quota: GoogleQuota,
    mail: Duration,
    calendar: Duration,
    sheet: Duration,
}

impl PollPlan {
    pub fn of(config: &Config) -> PollPlan {
        let poll = &config.poll;
        let [mail, calendar, sheet] =
            [poll.mail_slow_s, poll.calendar_slow_s, poll.sheet_slow_s].map(Duration::from_secs);
        PollPlan { quota: config.google.quota(), mail, calendar, sheet }
    }
}

/// Makes sure that what is watched now fits the quota of each project.
///
/// # Errors
/// `Config` with the sum for the first project that it does not fit.
pub fn check(conn: &mut Conn, plan: &PollPlan) -> Result<()> {
    // Mostly all of it together would fit one project.
    let mut together = nothing(plan);
    together.mailboxes.count = count(conn, CursorKind::Mail)?;
    together.calendars.count = count(conn, CursorKind::Calendar)?;
    together.sheets.count = count(conn, CursorKind::Sheet)?;
    if quota_check::check(together, &plan.quota).is_ok() {
        return Ok(());
    }
    let mut connections = BTreeMap::new();
    for found in connection::of_kind(conn, &GOOGLE)? {
        let settings: GoogleSettings = found.settings.read()?;
        connections.insert(found.id, settings);
    }
    let mut projects: BTreeMap<String, Watched> = BTreeMap::new();
    for (id, kind) in cursor::watched(conn)? {
        let Some(settings) = connections.get(&id) else { continue };
        let watched = projects.entry(settings.auth.project().to_owned()).or_insert_with(|| nothing(plan));
        let by_drive = settings.abilities.contains(&Ability::SheetsWatch);
        let load = match (kind, by_drive) {
            (CursorKind::Mail, _) => &mut watched.mailboxes,
            (CursorKind::Calendar, _) => &mut watched.calendars,
            (CursorKind::Sheet, false) => &mut watched.sheets,
            (CursorKind::Sheet, true) => &mut watched.sheets_by_drive,
        };
        load.count = load.count.saturating_add(1);
    }
    projects.into_values().try_for_each(|watched| quota_check::check(watched, &plan.quota))
}

fn nothing(plan: &PollPlan) -> Watched {
    let none = |every| PollLoad { count: 0, every };
    Watched {
        mailboxes: none(plan.mail),
        calendars: none(plan.calendar),
        sheets: none(plan.sheet),
        sheets_by_drive: none(plan.sheet),
    }
}

fn count(conn: &mut Conn, kind: CursorKind) -> Result<u32> {
    Ok(u32::try_from(cursor::count(conn, kind)?).unwrap_or(u32::MAX))
}
