//! `nexora appointment`.

use clap::Subcommand;

use crate::base::Result;
use crate::cli::Context;
use crate::cli::job::local;
use crate::cli::out::Out;
use crate::ops::appointment;

#[derive(Subcommand)]
pub enum Command {
    /// List a tenant's appointments, as its calendars have them
    #[command(after_help = "Example:\n  nexora appointment list --tenant acme --from 2026-12-01T00:00")]
    List {
        /// By the tenant's clocks; from now on when left out
        #[arg(long)]
        from: Option<String>,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
        limit: i64,
    },
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let Command::List { from, limit } = command;
    let from = match from {
        Some(text) => local(&tenant, &text)?,
        None => context.app.clock.now(),
    };
    let zone = tenant.zone()?.tz();
    let appointments = appointment::list(&context.app, &tenant, from, limit).await?;
    out.list(&["begins", "title", "state", "location", "id"], &appointments, |appointment| {
        vec![
            appointment.starts_at.utc().with_timezone(&zone).format("%a %-d %b %Y, %H:%M").to_string(),
            appointment.title.clone(),
            appointment.state.to_string(),
            appointment.location.clone(),
            appointment.id.to_string(),
        ]
    })
}
