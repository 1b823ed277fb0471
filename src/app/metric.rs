//! What `/metrics` has: each name once, with what it counts.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub const LEADS: &str = "nexora_leads_total";
pub const HOOKS: &str = "nexora_hooks_total";
pub const RUNS: &str = "nexora_runs_total";
pub const ATTEMPTS: &str = "nexora_attempts_total";
pub const ATTEMPT_SECONDS: &str = "nexora_attempt_seconds";
pub const POLLS: &str = "nexora_polls_total";
pub const POLL_SECONDS: &str = "nexora_poll_seconds";
pub const DUE: &str = "nexora_due";
pub const OLDEST_DUE_SECONDS: &str = "nexora_oldest_due_seconds";
pub const TROUBLES: &str = "nexora_troubles";
pub const DATABASE_UP: &str = "nexora_database_up";
pub const BUILD: &str = "nexora_build_info";

/// How a metric is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is what it is when it is asked for.
    Gauge,
    /// Quantiles, sum and number.
    Summary,
}

/// Every metric, with what it says and the labels that it has.
pub const ALL: [(&str, Kind, &str); 12] = [
    (LEADS, Kind::Counter, "leads that were taken in"),
    (HOOKS, Kind::Counter, "calls of advertisers and marketplaces, by kind and outcome"),
    (RUNS, Kind::Counter, "runs that have ended, by state"),
    (ATTEMPTS, Kind::Counter, "attempts at effects, by kind and outcome"),
    (ATTEMPT_SECONDS, Kind::Summary, "how long an attempt took, by kind"),
    (POLLS, Kind::Counter, "looks at mailboxes, calendars and sheets, by kind and outcome"),
    (POLL_SECONDS, Kind::Summary, "how long a look took, by kind"),
    (DUE, Kind::Gauge, "what is due and not done, by queue; counted up to 10,000"),
    (OLDEST_DUE_SECONDS, Kind::Gauge, "how long the oldest of it has been due, by queue"),
    (TROUBLES, Kind::Gauge, "troubles that `nexora status` names, by level: look, broken"),
    (DATABASE_UP, Kind::Gauge, "1 while the database can be read, else 0"),
    (BUILD, Kind::Gauge, "1, with the version that runs"),
];

/// Gives every metric its description.
pub fn describe() {
    for (name, kind, help) in ALL {
        match kind {
            Kind::Counter => describe_counter!(name, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Summary => describe_histogram!(name, Unit::Seconds, help),
        }
    }
}
