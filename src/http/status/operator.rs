//! The operator's page: all tenants, the worst first.

use askama::Template;

use crate::domain::report::health::Level;
use crate::http::status::time::TimeElement as _;
use crate::ops::report::overview::{Overview, TenantLine};
use nexora_core::base::wording::{self, LocalClock};

#[derive(Template)]
#[template(path = "status/operator.html")]
pub struct Page {
    level: Level,
    headline: String,
    updated: String,
    /// What is wrong with the machine as a whole.
    alarms: Vec<String>,
    totals: Vec<(String, &'static str)>,
    lines: Vec<Line>,
    more: bool,
}

struct Line {
    slug: String,
    name: String,
    level: Level,
    verdict: String,
    troubles: Vec<(String, String)>,
    queued: i64,
    oldest: Option<String>,
    failures: i64,
    connections: String,
    is_failing: bool,
    leads_today: i64,
    last_poll: Option<String>,
}

/// Troubles that are spelt out for each tenant.
const TROUBLES: usize = 4;

impl Page {
    pub fn new(overview: Overview) -> Page {
        let clock = LocalClock { now: overview.now, zone: chrono_tz::UTC, format: "%H:%M" };
        let tenants = &overview.tenants;
        let unwell = tenants.iter().filter(|line| line.level != Level::Good).count() as u64;
        let sum = |count: fn(&TenantLine) -> i64| tenants.iter().map(count).sum::<i64>().to_string();
        let oldest = tenants.iter().filter_map(|line| line.oldest_due_at).min();
        let waited = oldest.map(|at| overview.now.since(at)).unwrap_or_default();
        let mut alarms = Vec::new();
        if let Some(reason) = &overview.database {
            alarms.push(format!("The database is behind: {reason}."));
        }
        if waited.as_secs() > 60 {
            let waited = wording::length(waited);
            alarms.push(format!("The daemon is behind: the oldest work has been due for {waited}."));
        }
        let all = tenants.len() as u64;
        let headline = match unwell {
            0 if all == 0 => "No tenants yet.".to_owned(),
            0 => format!("All well: {}.", wording::count(all, "tenant", "tenants")),
            1 => format!("1 of {} needs a look.", wording::count(all, "tenant", "tenants")),
            _ => format!("{unwell} of {} need a look.", wording::count(all, "tenant", "tenants")),
        };
        let worst = tenants.iter().map(|line| line.level).max().unwrap_or(Level::Good);
        Page {
            level: if alarms.is_empty() { worst } else { Level::Broken },
            headline,
            updated: clock.at(overview.now),
            alarms,
            totals: vec![
                (sum(|line| line.leads_today), "leads today"),
                (sum(|line| line.queued), "due now"),
                (
                    oldest.map_or_else(|| "none".to_owned(), |at| wording::length(overview.now.since(at))),
                    "oldest due work",
                ),
                (sum(|line| line.failures), "failures"),
                (
                    tenants.iter().map(|line| line.connections_failing).sum::<usize>().to_string(),
                    "connections failing",
                ),
            ],
            lines: overview.tenants.iter().map(|line| Line::new(line, &clock)).collect(),
            more: overview.more,
        }
    }
}

impl Line {
    fn new(line: &TenantLine, clock: &LocalClock) -> Line {
        let troubles = line.troubles.iter().take(TROUBLES);
        Line {
            slug: line.tenant.slug.to_string(),
            name: line.tenant.name.clone(),
            level: line.level,
            verdict: match line.level {
                Level::Good => "working".to_owned(),
                Level::Look => "needs a look".to_owned(),
                Level::Broken => "not working".to_owned(),
            },
            troubles: troubles.map(|trouble| (trouble.what.clone(), trouble.command.clone())).collect(),
            queued: line.queued,
            oldest: line.oldest_due_at.map(|at| clock.when(at)),
            failures: line.failures,
            connections: match line.connections_failing {
                0 => line.connections.to_string(),
                failing => format!("{failing} of {} failing", line.connections),
            },
            is_failing: line.connections_failing > 0,
            leads_today: line.leads_today,
            last_poll: line.last_poll_at.map(|at| clock.when(at)),
        }
    }
}
