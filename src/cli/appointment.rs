//! `nexora appointment`.

use clap::Subcommand;

use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::cli::{Context, Page, input};
use nexora_core::base::Result;
use nexora_core::base::wording::LocalClock;
use nexora_core::model::principal::Noun;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// List a tenant's appointments, as its calendars have them
    #[command(after_help = "Example:\n  nexora appointment list --tenant acme --from 2026-12-01T00:00")]
    List {
        /// By the tenant's clocks; from now on when left out
        #[arg(long)]
        from: Option<String>,
        #[command(flatten)]
        page: Page,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { .. } => Need::read(Noun::Appointment),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let tenant = context.tenant().await?;
    let Command::List { from, page: Page { limit } } = command;
    let clock = LocalClock { now: context.app.clock.now(), zone: tenant.zone()?.tz(), format: "%H:%M" };
    let from = match from {
        Some(text) => input::moment(&tenant, &text)?,
        None => clock.now,
    };
    let appointments = context.app.view(&tenant, move |tx| store::appointment::list(tx, from, limit)).await?;
    out.list(&["begins", "title", "state", "location", "id"], &appointments, |appointment| {
        vec![
            clock.full(appointment.starts_at),
            appointment.title.clone(),
            appointment.state.to_string(),
            appointment.location.clone(),
            appointment.id.to_string(),
        ]
    })
}
