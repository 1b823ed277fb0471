//! Is this installation as it should be? Each check is a value of [`CHECKS`]: it looks at one thing and says what is so,
//! and what mends it. All are made at the same time, each within a limit, whatever else is broken; none changes anything.
//!
//! `nexora status` tells what is wrong now from our own rows; a check may ask the outside, and take its time.

mod backup;
mod connection;
mod database;
#[cfg(test)]
mod fakes;
mod launch;
mod network;
pub mod proof;
mod sender;
mod settings;
mod surroundings;
mod system;

use std::future::ready;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;

use crate::domain::report::health::{HealthIssue, Level};
use nexora_core::base::Error;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::define_plain_words;
use nexora_core::base::wording::length;
use nexora_core::model::address::Slug;
use nexora_core::model::tenant::Tenant;
pub use surroundings::{Programs, Surroundings};

define_plain_words! {
    /// What a check came to, the best first.
    Verdict = "verdict" {
        Good = "ok",
        /// It could not be looked at, or there is nothing to look at.
        Skipped = "skipped",
        /// Somebody should look at it.
        Look = "look",
        /// It does not work.
        Broken = "broken",
    }
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    pub verdict: Verdict,
    pub tenant: Option<Slug>,
    pub what: String,
    /// What mends it.
    pub fix: Option<String>,
}

impl Finding {
    pub fn good(what: impl Into<String>) -> Finding {
        Finding { check: "", verdict: Verdict::Good, tenant: None, what: what.into(), fix: None }
    }

    pub fn skipped(what: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Skipped, ..Finding::good(what) }
    }

    pub fn look(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Look, fix: Some(fix.into()), ..Finding::good(what) }
    }

    pub fn broken(what: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Broken, fix: Some(fix.into()), ..Finding::good(what) }
    }

    /// Tells a failure with its hint, or with what helps where it has none.
    pub fn of(error: &Error, fix: &str) -> Finding {
        Finding::broken(error.report(), error.hint_text().unwrap_or(fix))
    }

    /// Tells what `nexora status` says, too.
    pub fn of_issue(issue: &HealthIssue) -> Finding {
        let verdict = match issue.level {
            Level::Good => Verdict::Good,
            Level::Look => Verdict::Look,
            Level::Broken => Verdict::Broken,
        };
        Finding { verdict, fix: Some(issue.command.clone()), ..Finding::good(issue.what.clone()) }
    }

    #[must_use]
    pub fn about(self, tenant: &Tenant) -> Finding {
        Finding { tenant: Some(tenant.slug.clone()), ..self }
    }
}

/// One check.
pub struct Check {
    pub name: &'static str,
    run: for<'a> fn(&'a Surroundings) -> BoxFuture<'a, Vec<Finding>>,
}

/// Every check, in the order in which it is shown.
pub const CHECKS: &[Check] = &[
    Check { name: "configuration", run: |around| Box::pin(ready(settings::configuration(around))) },
    Check { name: "master key", run: |around| Box::pin(settings::master_key(around)) },
    Check { name: "database", run: |around| Box::pin(database::check(around)) },
    Check { name: "disk", run: |around| Box::pin(ready(database::disk(around))) },
    Check { name: "ports", run: |around| Box::pin(network::ports(around)) },
    Check { name: "public address", run: |around| Box::pin(network::public_address(around)) },
    Check { name: "clock", run: |around| Box::pin(system::clock(around)) },
    Check { name: "connections", run: |around| Box::pin(connection::check(around)) },
    Check { name: "mail senders", run: |around| Box::pin(sender::check(around)) },
    Check { name: "backups", run: |around| Box::pin(backup::check(around)) },
    Check { name: "service", run: |around| Box::pin(system::unit(around)) },
    Check { name: "versions", run: |around| Box::pin(system::versions(around)) },
];

/// What is asked before a tenant goes live.
const LAUNCH: Check = Check { name: "launch", run: |around| Box::pin(launch::check(around)) };

/// Everything that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The worst of the findings.
    pub verdict: Verdict,
    pub at: Timestamp,
    pub findings: Vec<Finding>,
}

/// Makes every check, and those of a launch where a tenant is to go live.
pub async fn examine(around: &Surroundings, at: Timestamp) -> Report {
    let launch = around.launch.as_ref().map(|_| &LAUNCH);
    let checks = CHECKS.iter().chain(launch);
    let findings: Vec<Finding> =
        join_all(checks.map(|check| within(check, around))).await.into_iter().flatten().collect();
    let verdict = findings.iter().map(|finding| finding.verdict).filter(|found| *found != Verdict::Skipped);
    Report { verdict: verdict.max().unwrap_or(Verdict::Good), at, findings }
}

async fn within(check: &Check, around: &Surroundings) -> Vec<Finding> {
    let found = tokio::time::timeout(around.limit, (check.run)(around)).await;
    let late = || {
        let what = format!("no answer within {}", length(around.limit));
        vec![Finding::look(what, "run it again; with `--verbose` it says what it waits for")]
    };
    let found = found.unwrap_or_else(|_| late());
    found.into_iter().map(|finding| Finding { check: check.name, ..finding }).collect()
}

/// How long a check may take where nothing else is said.
pub const LIMIT: Duration = Duration::from_secs(30);
