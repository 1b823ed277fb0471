//! What is ahead: appointments by day, tasks and jobs, a row each.

use std::time::Duration;

use crate::http::status::owner::{NAME, TEXT};
use crate::http::status::time::TimeElement as _;
use crate::ops::report::dashboard::{Agenda, Chore, Visit, Work};
use nexora_core::base::money;
use nexora_core::base::wording::{LocalClock, cut};

const DAY: Duration = Duration::from_secs(86_400);

pub struct DayRow {
    pub day: String,
    pub visits: Vec<VisitRow>,
}

pub struct VisitRow {
    pub time: String,
    pub ends: String,
    pub title: String,
    pub who: Option<String>,
    pub location: String,
}

pub fn days(agenda: Option<Agenda>, clock: &LocalClock) -> Vec<DayRow> {
    let days = agenda.map(|agenda| agenda.days).unwrap_or_default();
    let row = |visit: Visit| VisitRow {
        time: if visit.all_day { "All day".to_owned() } else { clock.at(visit.starts_at) },
        ends: match (visit.all_day, visit.ends_at.since(visit.starts_at) >= DAY) {
            (true, _) => String::new(),
            (false, false) => clock.time(visit.ends_at),
            (false, true) => clock.when(visit.ends_at),
        },
        title: cut(&visit.title, TEXT),
        who: visit.who.map(|who| cut(&who, NAME)),
        location: cut(&visit.location, TEXT),
    };
    days.into_iter()
        .map(|(day, visits)| DayRow { day: clock.day(day), visits: visits.into_iter().map(row).collect() })
        .collect()
}

pub struct ChoreRow {
    pub title: String,
    pub detail: String,
    pub who: Option<String>,
    pub due: Option<String>,
    pub is_overdue: bool,
}

impl ChoreRow {
    pub fn new(chore: Chore, clock: &LocalClock) -> ChoreRow {
        ChoreRow {
            title: cut(&chore.title, TEXT),
            detail: cut(&chore.detail, TEXT),
            who: chore.who.map(|who| cut(&who, NAME)),
            due: chore.due_at.map(|at| clock.when(at)),
            is_overdue: chore.due_at.is_some_and(|at| at < clock.now),
        }
    }
}

pub struct WorkRow {
    pub title: String,
    pub who: Option<String>,
    pub stage: Option<String>,
    pub address: Option<String>,
    pub scheduled: Option<String>,
    pub amount: Option<String>,
}

impl WorkRow {
    pub fn new(work: Work, clock: &LocalClock) -> WorkRow {
        WorkRow {
            title: cut(&work.title, TEXT),
            who: work.who.map(|who| cut(&who, NAME)),
            stage: work.stage.map(|stage| cut(&stage, NAME)),
            address: work.address.map(|address| cut(&address, TEXT)),
            scheduled: work.scheduled_at.map(|at| clock.when(at)),
            amount: work.amount_cents.map(money::rounded),
        }
    }
}
