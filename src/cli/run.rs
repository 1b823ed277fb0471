//! `nexora run`.

use clap::Subcommand;

use crate::cli::out::{Out, ago, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Page};
use crate::ops::LIST_LIMIT;
use crate::ops::automation;
use crate::ops::automation::run;
use nexora_core::base::Result;
use nexora_core::model::effect::Effect;
use nexora_core::model::principal::Noun;
use nexora_core::model::run::{Run, RunState};
use nexora_core::model::{AutomationId, RunId};
use nexora_store as store;
use nexora_store::run::Filter;

#[derive(Subcommand)]
pub enum Command {
    /// List a tenant's runs, newest first
    #[command(after_help = "Example:\n  nexora run list --tenant acme --state failed")]
    List {
        /// Only runs in this state
        #[arg(long)]
        state: Option<RunState>,
        /// Only runs of this automation
        #[arg(long, value_name = "NAME")]
        automation: Option<String>,
        /// Only runs older than this one
        #[arg(long, value_name = "ID")]
        before: Option<RunId>,
        #[command(flatten)]
        page: Page,
    },
    /// Show a run: every step, why it was taken or not, and what became of it
    #[command(after_help = "Example:\n  nexora run show run_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: RunId },
    /// Take up a failed run at the steps that failed
    #[command(after_help = "Example:\n  nexora run retry run_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Retry { id: RunId },
    /// Cancel a run and discard what it promised and has not begun
    #[command(
        after_help = "Example:\n  nexora run cancel run_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme --yes"
    )]
    Cancel { id: RunId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { .. } | Command::Show { .. } => Need::read(Noun::Run),
            Command::Retry { .. } => Need::of(run::RETRY),
            Command::Cancel { .. } => Need::of(run::CANCEL),
        }
    }
}

pub const EFFECT_HEADERS: [&str; 6] = ["step", "kind", "state", "attempts", "reason", "id"];

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        Command::List { state, automation, before, page: Page { limit } } => {
            let automation = match automation {
                Some(name) => Some(automation::find(app, &tenant, &name).await?.automation.id),
                None => None,
            };
            let filter = Filter { state, automation, before, ..Filter::default() };
            let runs = app.view(&tenant, move |tx| store::run::list(tx, &filter, limit)).await?;
            let automations = app.view(&tenant, move |tx| store::automation::list(tx, LIST_LIMIT)).await?;
            let name_of = |id: &AutomationId| {
                let found = automations.iter().find(|automation| automation.id == *id);
                found.map(|automation| automation.name.clone())
            };
            out.list(&["started", "automation", "state", "about", "reason", "id"], &runs, |run| {
                vec![
                    ago(run.started_at),
                    maybe(name_of(&run.automation_id).as_ref()),
                    run.state.to_string(),
                    run.subject_id.clone(),
                    maybe(run.reason.as_ref()),
                    run.id.to_string(),
                ]
            })
        }
        Command::Show { id } => {
            let view = run::find(app, &tenant, &id).await?;
            let mut shown = lines(&view.run);
            shown.insert(0, ("automation", format!("{} version {}", view.automation, view.run.version)));
            out.item(&view, &shown)?;
            let steps = view.steps.iter().map(|step| {
                vec![
                    step.name.clone(),
                    step.action.clone(),
                    step.state.to_string(),
                    maybe(step.reason.as_ref()),
                ]
            });
            out.section("Steps", &["step", "action", "state", "reason"], steps.collect())?;
            out.section("Effects", &EFFECT_HEADERS, effect_rows(&view.effects))
        }
        Command::Retry { id } => {
            let retried = run::retry(app, actor, &tenant, &id).await?;
            out.item(&retried, &lines(&retried))
        }
        Command::Cancel { id } => {
            out.confirm(&format!("this cancels run `{id}` and discards what it has not begun"))?;
            let cancelled = run::cancel(app, actor, &tenant, &id).await?;
            out.item(&cancelled, &lines(&cancelled))
        }
    }
}

pub fn effect_rows(effects: &[Effect]) -> Vec<Vec<String>> {
    let row = |effect: &Effect| {
        vec![
            effect.step.clone(),
            effect.kind.to_string(),
            effect.state.to_string(),
            effect.attempt.to_string(),
            maybe(effect.reason.as_ref()),
            effect.id.to_string(),
        ]
    };
    effects.iter().map(row).collect()
}

fn lines(run: &Run) -> Vec<(&'static str, String)> {
    vec![
        ("state", run.state.to_string()),
        ("reason", maybe(run.reason.as_ref())),
        ("about", run.subject_id.clone()),
        ("started", ago(run.started_at)),
        ("finished", run.finished_at.map(ago).unwrap_or_default()),
        ("next", run.due_at.map(ago).unwrap_or_default()),
        ("id", run.id.to_string()),
    ]
}
