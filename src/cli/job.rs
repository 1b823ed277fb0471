//! `nexora job`.

use std::cmp::Reverse;

use clap::{Args, Subcommand};

use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Page, follow, input};
use crate::ops::job::{self, Move, NewJob};
use nexora_core::base::{Error, Result, money};
use nexora_core::model::address::{EmailAddress, PhoneNumber, Zone};
use nexora_core::model::change::JobPerson;
use nexora_core::model::job::{Job, JobState};
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ContactId, JobId, LeadId};
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// Create a job
    #[command(
        alias = "add",
        after_help = "Example:
  nexora job create --tenant acme --title \"Boiler repair\" --email jo@example.com --at 2026-12-01T09:00 --amount 480"
    )]
    Create(Box<Create>),
    /// List a tenant's jobs, newest first
    #[command(after_help = "Example:\n  nexora job list --tenant acme --state scheduled")]
    List {
        /// Only jobs in this state: open, scheduled, completed or cancelled
        #[arg(long)]
        state: Option<JobState>,
        /// Only jobs older than this one
        #[arg(long, value_name = "ID")]
        before: Option<JobId>,
        /// Of every tenant
        #[arg(long)]
        all_tenants: bool,
        #[command(flatten)]
        page: Page,
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
        #[arg(long)]
        amount: Option<String>,
    },
    /// Cancel a job
    #[command(after_help = "Example:\n  nexora job cancel job_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Cancel { id: JobId },
    /// Have a job go on that was completed or cancelled: a review is not asked for any more
    #[command(after_help = "Example:\n  nexora job reopen job_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Reopen { id: JobId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { all_tenants: true, .. } => Need::Operator,
            Command::List { .. } | Command::Show { .. } => Need::read(Noun::Job),
            Command::Create(_) => Need::of(job::ADD),
            Command::Schedule { .. } => Need::of(job::SCHEDULE),
            Command::Stage { .. } => Need::of(job::STAGE),
            Command::Complete { .. } => Need::of(job::COMPLETE),
            Command::Cancel { .. } => Need::of(job::CANCEL),
            Command::Reopen { .. } => Need::of(job::REOPEN),
        }
    }
}

#[derive(Args)]
pub struct Create {
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
    #[arg(long)]
    amount: Option<String>,
    /// When it is done, by the tenant's clocks, such as 2026-12-01T09:00
    #[arg(long)]
    at: Option<String>,
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    if let Command::List { state, before, all_tenants, page: Page { limit } } = command {
        let row = |job: &Job| {
            vec![
                job.title.clone(),
                job.state.to_string(),
                maybe(job.stage.as_ref()),
                job.scheduled_at.map(|at| out.ago(at)).unwrap_or_default(),
                job.completed_at.map(|at| out.ago(at)).unwrap_or_default(),
                job.id.to_string(),
            ]
        };
        let fetch = async |tenant: Tenant| {
            let before = before.clone();
            app.view(&tenant, move |tx| store::job::list(tx, state, before.as_ref(), limit)).await
        };
        let headers = ["title", "state", "stage", "scheduled", "completed", "id"];
        let newest = |job: &Job| Reverse(job.id.clone());
        return follow::merged(context, all_tenants, (&headers, &row), (newest, limit), fetch, out).await;
    }
    let tenant = context.tenant().await?;
    let decimal = tenant.country()?.decimal();
    let cents = |amount: Option<String>| amount.map(|text| money::parse_in(decimal, &text)).transpose();
    let (id, to) = match command {
        Command::Create(create) => {
            let country = tenant.country()?;
            let phone =
                create.phone.as_deref().map(|text| PhoneNumber::parse_in(country, text)).transpose()?;
            let person = JobPerson {
                contact_id: create.contact,
                lead_id: create.lead,
                name: create.name,
                email: create.email,
                phone,
            };
            let new = NewJob {
                title: create.title,
                person,
                address: create.address,
                zone: create.timezone,
                amount_cents: cents(create.amount)?,
                scheduled_at: create.at.map(|text| input::moment(&tenant, &text)).transpose()?,
            };
            return show(&job::add(app, actor, &tenant, new).await?, out);
        }
        Command::List { .. } => return Err(Error::internal("jobs are listed elsewhere")),
        Command::Show { id } => return show(&job::find(app, &tenant, &id).await?, out),
        Command::Schedule { id, at } => (id, Move::Schedule(input::moment(&tenant, &at)?)),
        Command::Stage { id, stage } => (id, Move::Stage(stage)),
        Command::Complete { id, amount } => (id, Move::Complete { amount_cents: cents(amount)? }),
        Command::Cancel { id } => (id, Move::Cancel),
        Command::Reopen { id } => (id, Move::Reopen),
    };
    let ends = matches!(to, Move::Complete { .. } | Move::Cancel);
    show(&job::advance(app, actor, &tenant, &id, to).await?, out)?;
    if ends {
        out.undo(&format!("nexora job reopen {id} --tenant {}", tenant.slug));
    }
    Ok(())
}

fn show(job: &Job, out: &Out) -> Result<()> {
    let lines = [
        ("title", job.title.clone()),
        ("state", job.state.to_string()),
        ("stage", maybe(job.stage.as_ref())),
        ("address", maybe(job.address.as_ref())),
        ("timezone", maybe(job.timezone.as_ref())),
        ("amount", job.amount_cents.map(money::shown).unwrap_or_default()),
        ("scheduled", maybe(job.scheduled_at.as_ref())),
        ("completed", maybe(job.completed_at.as_ref())),
        ("contact", maybe(job.contact_id.as_ref().map(ContactId::as_str).map(str::to_owned).as_ref())),
        ("lead", maybe(job.lead_id.as_ref())),
        ("id", job.id.to_string()),
    ];
    out.item(job, &lines)
}
