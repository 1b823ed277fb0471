//! `nexora doctor`: is everything as it should be, and what mends what is not?

use std::sync::Arc;

use clap::Args;

use crate::cli::Global;
use crate::cli::out::{Out, print};
use crate::cli::status::{BROKEN, LOOK};
use crate::ops::doctor::{self, Finding, LIMIT, Report, Surroundings, Verdict};
use crate::ops::tenant;
use nexora_connector::dns::SystemDns;
use nexora_connector::site::Sites;
use nexora_core::base::clock::Clock;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora doctor
  nexora doctor --launch acme
  nexora doctor --json

It changes nothing. Exit status: 0 all is well, 10 something needs a look, 11 something does not work")]
pub struct Doctor {
    /// Also ask whether everything is there for this tenant to go live
    #[arg(long, value_name = "TENANT")]
    launch: Option<Slug>,
    /// Print JSON, as `--output json` does
    #[arg(long)]
    json: bool,
}

pub async fn run(global: &Global, arguments: Doctor, out: &Out) -> Result<()> {
    let dns = Arc::new(SystemDns::new()?);
    let sites = Sites::new(LIMIT / 2, Vec::new())?;
    let mut around = Surroundings::of(&global.config, std::env::vars(), (dns, sites)).await;
    if let Some(slug) = &arguments.launch {
        around.launch = match &around.app {
            Ok(app) => Some(tenant::find(app, slug).await?),
            Err(_) => {
                return Err(Error::unavailable(
                    "the tenant cannot be looked at: the database cannot be opened",
                )
                .hint("run `nexora doctor` without `--launch`, and mend that first"));
            }
        };
    }
    let report = doctor::examine(&around, Clock::System.now()).await;
    out.exit_with(match report.verdict {
        Verdict::Good | Verdict::Skipped => 0,
        Verdict::Look => LOOK,
        Verdict::Broken => BROKEN,
    });
    match arguments.json || out.is_json() {
        true => out.json(&report),
        false => print(&text(&report)),
    }
}

/// Returns a line for each finding, with what mends it below, and the verdict at the end.
fn text(report: &Report) -> String {
    let width = report.findings.iter().map(|found| found.check.len()).max().unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    for Finding { check, verdict, tenant, what, fix } in &report.findings {
        let mark = if *verdict == Verdict::Broken { "BROKEN" } else { verdict.name() };
        let whose = tenant.as_ref().map(|slug| format!("{slug}: ")).unwrap_or_default();
        lines.push(format!("{mark:<7}  {check:<width$}  {whose}{what}"));
        lines.extend(fix.as_ref().map(|fix| format!("{:<indent$}{fix}", "", indent = 11 + width)));
    }
    let of = |verdict| report.findings.iter().filter(|found| found.verdict == verdict).count();
    lines.push(match (of(Verdict::Broken), of(Verdict::Look)) {
        (0, 0) => {
            format!("\nall is well: {}", count(of(Verdict::Good), "thing was", "things were") + " looked at")
        }
        (broken, look) => format!("\n{broken} broken, {look} to look at"),
    });
    lines.join("\n")
}
