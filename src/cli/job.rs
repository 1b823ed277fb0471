//! `nexora job`.

use chrono::NaiveDateTime;
use clap::{Args, Subcommand};

use crate::base::clock::Timestamp;
use crate::base::{Error, Result};
use crate::cli::Context;
use crate::cli::out::{Out, ago, maybe};
use crate::engine::hours::at_wall_time;
use crate::engine::money::cents;
use crate::model::address::{EmailAddress, PhoneNumber, Zone};
use crate::model::change::JobPerson;
use crate::model::job::{Job, JobState};
use crate::model::tenant::Tenant;
use crate::model::{ContactId, JobId, LeadId};
use crate::ops::job::{self, Move, NewJob};

#[derive(Subcommand)]
pub enum Command {
    /// Make a job
    #[command(after_help = "Example:
  nexora job add --tenant acme --title \"Boiler repair\" --email jo@example.com --at 2026-12-01T09:00 --amount 480")]
    Add(Box<Add>),
    /// List a tenant's jobs, newest first
    #[command(after_help = "Example:\n  nexora job list --tenant acme --state scheduled")]
    List {
        /// Only jobs in this state: open, scheduled, completed or cancelled
        #[arg(long)]
        state: Option<JobState>,
        /// Only jobs older than this one
        #[arg(long, value_name = "ID")]
        before: Option<JobId>,
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1_000))]
        limit: i64,
    },
    /// Show a job
    #[command(after_help = "Example:\n  nexora job show job_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: JobId },
    /// Say when a job is done
    #[command(
        after_help = "Example:\n  nexora job schedule job_01k5b3v6zr9m8q2x4t7w0c1d2e 2026-12-01T09:00 --tenant acme"
    )]
    Schedule {
        id: JobId,
        /// By the tenant's clocks, such as 2026-12-01T09:00
        at: String,
    },
    /// Bring a job to a stage of the tenant's own
    #[command(
        after_help = "Example:\n  nexora job stage job_01k5b3v6zr9m8q2x4t7w0c1d2e survey --tenant acme"
    )]
    Stage { id: JobId, stage: String },
    /// Complete a job: the customer is asked for a review, where that is enabled
    #[command(
        after_help = "Example:\n  nexora job complete job_01k5b3v6zr9m8q2x4t7w0c1d2e --amount 480 --tenant acme"
    )]
    Complete {
        id: JobId,
        /// What it brought
        #[arg(long, value_parser = cents)]
        amount: Option<i64>,
    },
    /// Cancel a job
    #[command(after_help = "Example:\n  nexora job cancel job_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Cancel { id: JobId },
}

#[derive(Args)]
pub struct Add {
    #[arg(long)]
    title: String,
    /// Contact it is for
    #[arg(long, value_name = "ID")]
    contact: Option<ContactId>,
    /// Lead it came of
    #[arg(long, value_name = "ID")]
    lead: Option<LeadId>,
    /// Customer's name, for a contact that is not known yet
    #[arg(long, default_value = "")]
    name: String,
    #[arg(long)]
    email: Option<EmailAddress>,
    #[arg(long)]
    phone: Option<String>,
    #[arg(long)]
    address: Option<String>,
    /// Zone of the address, where the address does not tell it and it is not the tenant's
    #[arg(long, value_name = "ZONE")]
    timezone: Option<Zone>,
    /// What it brings, such as 480.00
    #[arg(long, value_parser = cents)]
    amount: Option<i64>,
    /// When it is done, by the tenant's clocks, such as 2026-12-01T09:00
    #[arg(long)]
    at: Option<String>,
}

/// Reads a moment that is written by the tenant's clocks, or with an offset of its own.
///
/// # Errors
/// `Usage` when the text is neither.
pub fn local(tenant: &Tenant, text: &str) -> Result<Timestamp> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(at);
    }
    let wall = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let wall = wall.ok_or_else(|| {
        Error::usage(format!("`{text}` is not a time")).hint("write it like `2026-12-01T09:00`")
    })?;
    Ok(at_wall_time(wall.date(), wall.time(), tenant.zone()?.tz()))
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    let (id, to) = match command {
        Command::Add(add) => {
            let country = tenant.country()?;
            let phone = add.phone.as_deref().map(|text| PhoneNumber::parse_in(country, text)).transpose()?;
            let person = JobPerson {
                contact_id: add.contact,
                lead_id: add.lead,
                name: add.name,
                email: add.email,
                phone,
            };
            let new = NewJob {
                title: add.title,
                person,
                address: add.address,
                zone: add.timezone,
                amount_cents: add.amount,
                scheduled_at: add.at.map(|text| local(&tenant, &text)).transpose()?,
            };
            return show(&job::add(app, actor, &tenant, new).await?, out);
        }
        Command::List { state, before, limit } => {
            let jobs = job::list(app, &tenant, state, before, limit).await?;
            return out.list(&["title", "state", "stage", "scheduled", "completed", "id"], &jobs, |job| {
                vec![
                    job.title.clone(),
                    job.state.to_string(),
                    maybe(job.stage.as_ref()),
                    job.scheduled_at.map(ago).unwrap_or_default(),
                    job.completed_at.map(ago).unwrap_or_default(),
                    job.id.to_string(),
                ]
            });
        }
        Command::Show { id } => return show(&job::find(app, &tenant, &id).await?, out),
        Command::Schedule { id, at } => (id, Move::Schedule(local(&tenant, &at)?)),
        Command::Stage { id, stage } => (id, Move::Stage(stage)),
        Command::Complete { id, amount } => (id, Move::Complete { amount_cents: amount }),
        Command::Cancel { id } => (id, Move::Cancel),
    };
    show(&job::advance(app, actor, &tenant, &id, to).await?, out)
}

fn show(job: &Job, out: &Out) -> Result<()> {
    let amount = job.amount_cents.map(|cents| format!("{}.{:02}", cents / 100, cents % 100));
    let lines = [
        ("title", job.title.clone()),
        ("state", job.state.to_string()),
        ("stage", maybe(job.stage.as_ref())),
        ("address", maybe(job.address.as_ref())),
        ("timezone", maybe(job.timezone.as_ref())),
        ("amount", maybe(amount.as_ref())),
        ("scheduled", maybe(job.scheduled_at.as_ref())),
        ("completed", maybe(job.completed_at.as_ref())),
        ("contact", maybe(job.contact_id.as_ref().map(ContactId::as_str).map(str::to_owned).as_ref())),
        ("lead", maybe(job.lead_id.as_ref())),
        ("id", job.id.to_string()),
    ];
    out.item(job, &lines)
}
