//! `nexora explain` and `nexora simulate`: why things were done, and what an edit would change.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Context;
use crate::cli::automation::{parse_setting, source_of};
use crate::cli::out::Out;
use crate::ops::automation::trial::simulate::{self, Difference, SimulationRequest};
use crate::ops::report::explain;
use nexora_core::base::Result;
use nexora_core::base::wording::LocalClock;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora explain lead_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme
  nexora explain msg_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme --output json
  nexora explain jo@example.com --tenant acme
  nexora explain lead-capture --tenant acme
  nexora explain 2026-12-01 --tenant acme")]
pub struct Explain {
    /// An id, a mail address or telephone number, an automation, a connection, or a day: what did not go out, and why
    #[arg(value_name = "WHAT")]
    id: String,
}

pub async fn explain(context: &Context, arguments: Explain, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let explanation = explain::explain(&context.app, &tenant, &arguments.id).await?;
    if out.is_json() {
        return out.json(&explanation);
    }
    let clock = LocalClock { now: context.app.clock.now(), zone: tenant.zone()?.tz(), format: "%H:%M:%S" };
    out.list(&["when", "what", "became", "why"], &explanation.lines, |line| {
        vec![clock.full(line.at), line.what.clone(), line.became.to_owned(), line.why.clone()]
    })
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexora simulate follow-up-sequence --days 30 --set touches=\"2days follow-up-1\" --tenant acme
  nexora simulate welcome --file edited.toml --days 7 --tenant acme --output json")]
pub struct Simulate {
    /// Automation, as it is among the definitions now
    name: String,
    /// Take the definition from this file
    #[arg(long)]
    file: Option<PathBuf>,
    /// A setting, as name=value; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_setting)]
    settings: Vec<(String, String)>,
    /// How many days to look back upon
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
}

pub async fn simulate(context: &Context, arguments: Simulate, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let Simulate { name, file, settings, days } = arguments;
    let text = file.as_deref().map(source_of).transpose()?;
    let request = SimulationRequest { name, text, given: settings.into_iter().collect(), days };
    let simulation = simulate::run(&context.app, &tenant, request).await?;
    if out.is_json() {
        return out.json(&simulation);
    }
    out.item(
        &simulation,
        &[
            ("automation", simulation.automation.clone()),
            ("since", simulation.since.to_string()),
            ("events", simulation.events.to_string()),
            ("messages as before", simulation.same.to_string()),
            ("messages that differ", simulation.differences.len().to_string()),
        ],
    )?;
    let rows = simulation.differences.iter().map(row);
    out.section("Differences", &["step", "what", "to", "before", "after", "why", "event"], rows.collect())
}

fn row(difference: &Difference) -> Vec<String> {
    let said = |said: &Option<simulate::Said>| {
        said.as_ref().map(|said| format!("{} {}", said.at, said.subject)).unwrap_or_default()
    };
    vec![
        difference.step.clone(),
        difference.what.to_owned(),
        difference.to.clone(),
        said(&difference.before),
        said(&difference.after),
        difference.why.clone().unwrap_or_default(),
        difference.event.to_string(),
    ]
}
