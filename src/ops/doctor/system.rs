//! What surrounds the program: the clock, the service that systemd runs, and which versions are about.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::heart;
use crate::domain::report::health::machine::{self, Machine};
use crate::ops::doctor::{Finding, Surroundings};
use nexora_core::base::wording::length;
use nexora_store::daemon;

/// Daemons that are looked at.
const DAEMONS: i64 = 20;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub async fn clock(around: &Surroundings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Ok(app) = &around.app {
        let now = app.clock.now();
        let seen = app.db.read(|conn| Ok((daemon::server_time(conn)?, daemon::list(conn, DAEMONS)?))).await;
        let off = seen.ok().and_then(|(server_time, daemons)| {
            machine::of_clock(
                &Machine {
                    daemons: &daemons,
                    is_gone: heart::is_gone,
                    disk_free: None,
                    unwritable: None,
                    server_time,
                    findings: &[],
                    backup: Vec::new(),
                    held: None,
                },
                now,
            )
        });
        findings.push(match off {
            Some(issue) => Finding::of_issue(&issue),
            None => Finding::good(format!("it is {now}, and has not gone back")),
        });
    }
    let said = around.programs.run("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).await;
    findings.push(match said.as_deref().map(str::trim) {
        Some("yes") => Finding::good("it is kept right over the network"),
        Some("no") => {
            let what = "nothing keeps it right: times of mails and reminders drift";
            Finding::look(what, "timedatectl set-ntp true, then timedatectl timesync-status")
        }
        Some(_) | None => Finding::skipped("this machine does not say whether something keeps it right"),
    });
    findings
}

/// The unit's properties that are looked at.
const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,UnitFileState,Result,NRestarts,ExecStart";

pub async fn unit(around: &Surroundings) -> Vec<Finding> {
    match around.programs.run("systemctl", &["show", "nexora.service", PROPERTIES]).await {
        None => vec![Finding::skipped("this machine has no systemd to ask")],
        Some(said) => of_unit(&said, &around.path.display().to_string()),
    }
}

/// Says how the service stands, by what `systemctl show` prints.
fn of_unit(said: &str, path: &str) -> Vec<Finding> {
    let values: BTreeMap<&str, &str> = said.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |name: &str| values.get(name).copied().unwrap_or_default();
    if value("LoadState") != "loaded" {
        let what = "there is no service `nexora`: nothing starts the daemon when the machine starts";
        let fix = "put systemd/nexora.service into /etc/systemd/system, then: systemctl enable --now nexora";
        return vec![Finding::look(what, fix)];
    }
    let mut findings = Vec::new();
    findings.push(match value("UnitFileState") {
        "enabled" | "enabled-runtime" | "static" | "generated" => {
            Finding::good("the service starts with the machine")
        }
        state => Finding::look(
            format!("the service does not start with the machine ({state})"),
            "systemctl enable nexora",
        ),
    });
    findings.push(match value("ActiveState") {
        "active" | "reloading" => Finding::good(format!("the service runs ({})", value("SubState"))),
        "activating" => Finding::broken(
            "the service does not get going: it starts over and over",
            "journalctl -u nexora -n 50",
        ),
        state => Finding::broken(
            format!("the service does not run: {state}, {}", value("Result")),
            "journalctl -u nexora -n 50, then systemctl start nexora",
        ),
    });
    let restarts: u32 = value("NRestarts").parse().unwrap_or_default();
    if restarts > 0 {
        let what = format!("the service was restarted {restarts} times after it had ended by itself");
        findings.push(Finding::look(what, "journalctl -u nexora --grep 'panicked|error'"));
    }
    let started = value("ExecStart");
    if started.contains("--config") && !started.contains(path) {
        let what = format!("the service reads another configuration than `{path}`");
        findings.push(Finding::look(what, "systemctl cat nexora; run this again with its `--config`"));
    }
    findings
}

pub async fn versions(around: &Surroundings) -> Vec<Finding> {
    let own = Finding::good(format!("this program is version {VERSION}"));
    let Ok(app) = around.app() else { return vec![own] };
    let now = app.clock.now();
    let daemons = match app.db.read(|conn| daemon::list(conn, DAEMONS)).await {
        Ok(daemons) => daemons,
        Err(error) => return vec![Finding::of(&error, "nexora status")],
    };
    let running: Vec<_> =
        daemons.iter().filter(|found| found.is_heard(now) && !heart::is_gone(found)).collect();
    let mut findings = vec![own];
    for found in &running {
        let runs = length(now.since(found.started_at));
        let what =
            format!("the daemon on `{}` is version {}, and has run for {runs}", found.host, found.version);
        findings.push(match found.version == VERSION {
            true => Finding::good(what),
            false => Finding::look(
                format!("{what}; this program is version {VERSION}"),
                format!("systemctl restart nexora, on `{}`", found.host),
            ),
        });
    }
    let different: BTreeSet<&str> = running.iter().map(|found| found.version.as_str()).collect();
    if different.len() > 1 {
        let what = format!(
            "daemons of several versions work on one database: {}",
            Vec::from_iter(different).join(", ")
        );
        findings.push(Finding::look(what, "bring all machines to the same version"));
    }
    if running.is_empty() {
        let what = "no daemon runs: nothing is sent, and no form is answered";
        findings.push(Finding::broken(what, "systemctl start nexora, or nexora serve"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Verdict;

    fn verdicts(said: &str) -> Vec<Verdict> {
        of_unit(said, "/etc/nexora/nexora.toml").iter().map(|found| found.verdict).collect()
    }

    #[test]
    fn a_unit_is_there_enabled_and_active_or_it_is_told() {
        let good = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nResult=success\n\
                    NRestarts=0\nExecStart={ path=/usr/local/bin/nexora ; argv[]=nexora --config /etc/nexora/nexora.toml serve }";
        assert_eq!(verdicts(good), [Verdict::Good, Verdict::Good]);
        assert_eq!(verdicts("LoadState=not-found\nActiveState=inactive"), [Verdict::Look]);
        let failed = good.replace("=active", "=failed").replace("=success", "=exit-code");
        let said = of_unit(&failed, "/etc/nexora/nexora.toml");
        assert!(said[1].what.contains("failed, exit-code") && said[1].verdict == Verdict::Broken, "{said:?}");
        assert_eq!(verdicts(&good.replace("=enabled", "=disabled"))[0], Verdict::Look);
        assert_eq!(verdicts(&good.replace("NRestarts=0", "NRestarts=4"))[2], Verdict::Look);
        assert_eq!(of_unit(good, "/srv/other.toml")[2].verdict, Verdict::Look);
    }
}
