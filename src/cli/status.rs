//! `nexora status`: what is broken, since when, how much suffers from it, and the command that mends it.

use std::time::Duration;

use anstyle::AnsiColor;
use clap::{Args, Subcommand};

use crate::cli::out::{Out, print};
use crate::cli::permission::Need;
use crate::cli::{Context, Global};
use crate::domain::report::health::Level;
use crate::ops::access::session;
use crate::ops::report::status::{self, TenantStatus};
use crate::ops::report::survey::{self, Survey};
use nexora_core::base::Result;
use nexora_core::base::clock::Clock;
use nexora_core::base::wording::{self, count, length};
use nexora_core::model::daemon::Daemon;
use nexora_core::model::panel::Panel;
use nexora_core::model::principal::{Noun, Principal, Verb};
use nexora_core::model::tenant_setting::TenantSettings;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora status
  nexora status --all
  nexora status --tenant acme --output json
  nexora status link --tenant acme --for 30days
  nexora status panels --tenant acme health week leads

Exit status: 0 all is well, 10 something needs a look, 11 something does not work")]
pub struct Status {
    /// Show every tenant in a table, too
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    pub(super) command: Option<StatusCommand>,
}

#[derive(Subcommand)]
pub enum StatusCommand {
    /// Make a link that lets a tenant's owner see their status page
    #[command(after_help = "Example:\n  nexora status link --tenant acme --for 30days")]
    Link {
        /// How long the link works, such as 12h or 30days; 400 days at most
        #[arg(long = "for", default_value = "7days", value_parser = wording::parse_length)]
        valid: Duration,
    },
    /// End every link to a tenant's status page that was made so far
    #[command(after_help = "Example:\n  nexora status revoke-links --tenant acme")]
    RevokeLinks,
    /// Say what a tenant's status page shows, or choose it and its order
    #[command(after_help = "Examples:
  nexora status panels --tenant acme
  nexora status panels --tenant acme health week leads appointments
  nexora status panels --tenant acme --reset

Panels: health, week, charts, leads, messages, appointments, runs, automations, tasks, jobs")]
    Panels {
        /// The panels, in order; none says what is shown now
        panels: Vec<String>,
        /// Show all panels, in the usual order
        #[arg(long, conflicts_with = "panels")]
        reset: bool,
    },
}

impl Status {
    /// Says what must be permitted.
    pub fn need(&self, names_tenant: bool) -> Need {
        match &self.command {
            None if !names_tenant => Need::Operator,
            // The status of a tenant names its latest leads.
            None => Need::read_with_people(Noun::Status),
            Some(StatusCommand::Panels { panels, reset }) if *reset || !panels.is_empty() => {
                Need::of(status::PANELS)
            }
            Some(StatusCommand::Panels { .. }) => Need::read(Noun::Status),
            Some(StatusCommand::Link { .. }) => Need::may(Noun::Session, Verb::Create),
            Some(StatusCommand::RevokeLinks) => Need::of(session::REVOKE_LINKS),
        }
    }
}

/// What the exit status says where something needs a look, and where something does not work.
pub const LOOK: u8 = 10;
pub const BROKEN: u8 = 11;

/// Troubles that are shown at most, so that they stand on one screen.
const SHOWN: usize = 15;

pub async fn run(global: &Global, arguments: Status, out: &Out) -> Result<()> {
    let context = match Context::open(global).await {
        Ok(context) => context,
        // Whatever is broken, it is said here, with what mends it.
        Err(error) if arguments.command.is_none() && global.acting_as.is_none() => {
            return show(&Survey::of_failure(&error, Clock::System.now()), false, out);
        }
        Err(error) => return Err(error),
    };
    let app = &context.app;
    match arguments.command {
        Some(StatusCommand::RevokeLinks) => {
            let tenant = context.tenant().await?;
            let ended = session::revoke_links(app, &context.actor, &tenant).await?;
            let slug = &tenant.slug;
            let words = format!("no link to the page of `{slug}` opens any more; sessions ended: {ended}");
            out.done(&serde_json::json!({ "tenant": slug, "ended": ended }), &words)
        }
        Some(StatusCommand::Link { valid }) => link(&context, valid, out).await,
        Some(StatusCommand::Panels { panels: names, reset }) => panels(&context, &names, reset, out).await,
        None => {
            let only = match context.global.tenant {
                Some(_) => Some(context.tenant().await?),
                None => None,
            };
            let survey = match (&context.principal, only) {
                (Some(Principal::Member { .. } | Principal::Link { .. }), Some(tenant)) => {
                    survey::of_tenant_alone(app, tenant).await?
                }
                (_, only) => survey::survey(app, only).await,
            };
            show(&survey, arguments.all, out)
        }
    }
}

fn show(survey: &Survey, all: bool, out: &Out) -> Result<()> {
    out.exit_with(match survey.level {
        Level::Good => 0,
        Level::Look => LOOK,
        Level::Broken => BROKEN,
    });
    if out.is_json() {
        return out.json(survey);
    }
    print(&painted(&screen(survey), out))?;
    let headers =
        ["tenant", "state", "leads", "runs waiting", "failed", "delivered", "open", "dead", "oldest due"];
    if all && !survey.tenants.is_empty() {
        print("")?;
        out.list(&headers, &survey.tenants, |status| row(status, out))?;
    }
    Ok(())
}

/// Returns what is shown: the verdict, then each trouble with the command that mends it, the worst first.
pub fn screen(survey: &Survey) -> String {
    let troubles = survey.troubles();
    let tenants = count(survey.tenants.len(), "tenant", "tenants");
    let daemon = survey.daemons.iter().find(|daemon| daemon.is_heard(survey.at));
    let daemon = daemon.map(|daemon| {
        let Daemon { pid, host, version, started_at, .. } = daemon;
        let runs = length(survey.at.since(*started_at));
        format!("; the daemon {version} (process {pid} on `{host}`) has run for {runs}")
    });
    let verdict = match survey.level {
        Level::Good => format!("all is well: {tenants}{}", daemon.unwrap_or_default()),
        Level::Look | Level::Broken => {
            let broken = troubles.iter().filter(|(_, trouble)| trouble.level == Level::Broken).count();
            format!("{broken} broken, {} to look at: {tenants}", troubles.len() - broken)
        }
    };
    let mut lines = vec![verdict];
    for (tenant, trouble) in troubles.iter().take(SHOWN) {
        let mark = if trouble.level == Level::Broken { "BROKEN" } else { "look" };
        let whose = tenant.map(|tenant| format!("{}: ", tenant.slug)).unwrap_or_default();
        let since = trouble.since.map(|at| format!(", since {at} ({})", length(survey.at.since(at))));
        let affected = trouble.affected.map(|affected| format!(", {affected} affected"));
        lines.push(format!(
            "\n{mark:<6}  {whose}{}{}{}\n        {}",
            trouble.what,
            since.unwrap_or_default(),
            affected.unwrap_or_default(),
            trouble.command
        ));
    }
    let left = troubles.len().saturating_sub(SHOWN);
    if left > 0 {
        lines.push(format!("\n{left} more: nexora status --output json, or --tenant SLUG for one tenant"));
    }
    lines.join("\n")
}

/// Gives the marks of troubles their colours.
fn painted(screen: &str, out: &Out) -> String {
    let line = |line: &str| {
        let marks = [("BROKEN", AnsiColor::Red), ("look", AnsiColor::Yellow)];
        let marked = marks.into_iter().find_map(|(mark, color)| {
            Some(format!("{}{}", out.colored(mark, color), line.strip_prefix(mark)?))
        });
        marked.unwrap_or_else(|| line.to_owned())
    };
    screen.lines().map(line).collect::<Vec<_>>().join("\n")
}

async fn link(context: &Context, valid: Duration, out: &Out) -> Result<()> {
    let app = &context.app;
    let tenant = context.tenant().await?;
    let (url, until) = status::make_link(app, &context.actor, &tenant, valid).await?;
    match out.is_json() {
        true => out.json(&serde_json::json!({ "url": url, "until": until })),
        false => print(&url),
    }
}

async fn panels(context: &Context, names: &[String], reset: bool, out: &Out) -> Result<()> {
    let mut tenant = context.tenant().await?;
    let wanted = match reset {
        true => TenantSettings::default().status_panels,
        false => names.iter().map(|name| Panel::parse(name)).collect::<Result<Vec<Panel>>>()?,
    };
    if !wanted.is_empty() {
        tenant = status::set_panels(&context.app, &context.actor, tenant, wanted).await?;
    }
    let shown = tenant.settings()?.status_panels;
    match out.is_json() {
        true => out.json(&serde_json::json!({ "tenant": tenant.slug, "panels": shown })),
        false => print(&shown.iter().map(|panel| panel.name()).collect::<Vec<_>>().join("\n")),
    }
}

fn row(status: &TenantStatus, out: &Out) -> Vec<String> {
    let open =
        ["pending", "leased", "retrying", "in_doubt"].iter().map(|state| status.count("effect", state));
    vec![
        status.tenant.slug.to_string(),
        status.tenant.state.to_string(),
        status.total("lead").to_string(),
        (status.count("run", "waiting") + status.count("run", "running")).to_string(),
        status.count("run", "failed").to_string(),
        status.count("effect", "delivered").to_string(),
        open.sum::<i64>().to_string(),
        status.count("effect", "dead").to_string(),
        status.oldest_due_at.map(|at| out.ago(at)).unwrap_or_default(),
    ]
}
