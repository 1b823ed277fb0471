//! `nexora appointment`.

use clap::Subcommand;
use serde::Serialize;

use crate::cli::out::Out;
use crate::cli::permission::Need;
use crate::cli::{Context, Page, follow, input};
use nexora_core::base::Result;
use nexora_core::base::wording::LocalClock;
use nexora_core::model::appointment::Appointment;
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// List a tenant's appointments, as its calendars have them
    #[command(after_help = "Example:\n  nexora appointment list --tenant acme --from 2026-12-01T00:00")]
    List {
        /// By the tenant's clocks; from now on when left out
        #[arg(long)]
        from: Option<String>,
        /// Of every tenant
        #[arg(long)]
        all_tenants: bool,
        #[command(flatten)]
        page: Page,
    },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { all_tenants: true, .. } => Need::Operator,
            Command::List { .. } => Need::read(Noun::Appointment),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let app = &context.app;
    let Command::List { from, all_tenants, page: Page { limit } } = command;
    // Each by the clocks of its own tenant.
    let fetch = async |tenant: Tenant| {
        let clock = LocalClock { now: app.clock.now(), zone: tenant.zone()?.tz(), format: "%H:%M" };
        let from = match &from {
            Some(text) => input::moment(&tenant, text)?,
            None => clock.now,
        };
        let found = app.view(&tenant, move |tx| store::appointment::list(tx, from, limit)).await?;
        let timed =
            |appointment: Appointment| Timed { begins: clock.full(appointment.starts_at), appointment };
        Ok(found.into_iter().map(timed).collect())
    };
    let row = |timed: &Timed| {
        let Appointment { title, state, location, id, .. } = &timed.appointment;
        vec![timed.begins.clone(), title.clone(), state.to_string(), location.clone(), id.to_string()]
    };
    let next = |timed: &Timed| (timed.appointment.starts_at, timed.appointment.id.clone());
    let headers = ["begins", "title", "state", "location", "id"];
    follow::merged(context, all_tenants, (&headers, &row), (next, limit), fetch, out).await
}

/// An appointment, and when it begins by its tenant's clocks.
#[derive(Serialize)]
struct Timed {
    #[serde(flatten)]
    appointment: Appointment,
    #[serde(skip)]
    begins: String,
}
