//! Whether there are backups, how old the latest is, and what opens it.

use crate::domain::report::backup::trouble;
use crate::ops::backup::folder;
use crate::ops::backup::manifest::{SealedFor, Summary};
use crate::ops::doctor::{Finding, Surroundings};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::wording::length;
use nexora_store::tenant;

pub async fn check(around: &Surroundings) -> Vec<Finding> {
    let config = match around.config() {
        Ok(config) => config,
        Err(skipped) => return skipped,
    };
    let settings = &config.backup;
    let now = Clock::System.now();
    if !settings.is_on() {
        let what = "no backups are set up: what is lost with this disk is lost for good";
        return vec![Finding::look(what, "set backup.folder and backup.recipient in the configuration")];
    }
    let first = match &around.app {
        Ok(app) => app.db.read(tenant::first_created).await.ok().flatten(),
        Err(_) => None,
    };
    if let Some(issue) = trouble(settings, first, now) {
        return vec![Finding::of_issue(&issue)];
    }
    let listed = folder::list(&settings.folder).unwrap_or_default();
    vec![match (listed.iter().find_map(|one| one.summary.as_ref()), listed.first()) {
        (Some(latest), _) => of_latest(latest, now),
        (None, Some(unreadable)) => {
            let what = format!("`{}` is no backup that can be read", unreadable.file.display());
            Finding::look(what, "nexora backup create")
        }
        (None, None) => Finding::skipped("none has been made yet: the first comes with the night"),
    }]
}

fn of_latest(summary: &Summary, now: Timestamp) -> Finding {
    let opened_by = match summary.sealed_for {
        SealedFor::Passphrase => "the passphrase",
        SealedFor::Identity => "a secret key of age",
    };
    let key = if summary.with_key { "the master key is in it" } else { "the master key is not in it" };
    let age = length(now.since(summary.created_at));
    Finding::good(format!("the latest is {age} old, {opened_by} opens it, and {key}"))
}
