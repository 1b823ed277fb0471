//! `nexora task`.

use std::cmp::Reverse;

use clap::Subcommand;

use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Page, follow, input};
use crate::ops::task;
use nexora_core::base::{Error, Result};
use nexora_core::model::principal::Noun;
use nexora_core::model::task::{Task, TaskState};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ContactId, TaskId};
use nexora_store as store;

#[derive(Subcommand)]
pub enum Command {
    /// Create a task
    #[command(
        alias = "add",
        after_help = "Example:\n  nexora task create --tenant acme --title \"Call Jo Miller\" --due 2026-12-01T09:00"
    )]
    Create {
        #[arg(long)]
        title: String,
        #[arg(long, default_value = "")]
        detail: String,
        /// Contact it is about
        #[arg(long, value_name = "ID")]
        contact: Option<ContactId>,
        /// By the tenant's clocks, such as 2026-12-01T09:00
        #[arg(long)]
        due: Option<String>,
    },
    /// List a tenant's tasks, newest first
    #[command(after_help = "Example:\n  nexora task list --tenant acme --state open")]
    List {
        /// Only tasks in this state: open or done
        #[arg(long)]
        state: Option<TaskState>,
        /// Only tasks older than this one
        #[arg(long, value_name = "ID")]
        before: Option<TaskId>,
        /// Of every tenant
        #[arg(long)]
        all_tenants: bool,
        #[command(flatten)]
        page: Page,
    },
    /// Complete a task
    #[command(
        alias = "done",
        after_help = "Example:\n  nexora task complete task_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme"
    )]
    Complete { id: TaskId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { all_tenants: true, .. } => Need::Operator,
            Command::List { .. } => Need::read(Noun::Task),
            Command::Create { .. } => Need::of(task::ADD),
            Command::Complete { .. } => Need::of(task::DONE),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    if let Command::List { state, before, all_tenants, page: Page { limit } } = command {
        let row = |task: &Task| {
            vec![
                task.title.clone(),
                task.state.to_string(),
                task.due_at.map(|at| out.ago(at)).unwrap_or_default(),
                out.ago(task.created_at),
                task.id.to_string(),
            ]
        };
        let fetch = async |tenant: Tenant| {
            let before = before.clone();
            app.view(&tenant, move |tx| store::task::list(tx, state, before.as_ref(), limit)).await
        };
        let headers = ["title", "state", "due", "made", "id"];
        let newest = |task: &Task| Reverse(task.id.clone());
        return follow::merged(context, all_tenants, (&headers, &row), (newest, limit), fetch, out).await;
    }
    let tenant = context.tenant().await?;
    match command {
        Command::List { .. } => Err(Error::internal("tasks are listed elsewhere")),
        Command::Create { title, detail, contact, due } => {
            let due_at = due.map(|text| input::moment(&tenant, &text)).transpose()?;
            show(&task::add(app, actor, &tenant, (title, detail), contact, due_at).await?, out)
        }
        Command::Complete { id } => show(&task::finish(app, actor, &tenant, &id).await?, out),
    }
}

fn show(task: &Task, out: &Out) -> Result<()> {
    let lines = [
        ("title", task.title.clone()),
        ("detail", task.detail.clone()),
        ("state", task.state.to_string()),
        ("due", maybe(task.due_at.as_ref())),
        ("done", task.done_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("id", task.id.to_string()),
    ];
    out.item(task, &lines)
}
