//! `nexora run`.

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::bulk::{self, Plan};
use crate::cli::follow::{self, Shown};
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Narrowed};
use crate::ops::LIST_LIMIT;
use crate::ops::automation;
use crate::ops::automation::run;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::effect::Effect;
use nexora_core::model::principal::Noun;
use nexora_core::model::run::{Run, RunState};
use nexora_core::model::tenant::Tenant;
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
        /// Only what is about people who came by this source, as `lead list` shows it: form, google-ads, …
        #[arg(long)]
        source: Option<String>,
        #[command(flatten)]
        narrowed: Box<Narrowed>,
    },
    /// Show a run: every step, why it was taken or not, and what became of it
    #[command(after_help = "Example:\n  nexora run show run_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: RunId },
    /// Take up a failed run at the steps that failed, or all that failed
    #[command(after_help = "Examples:
  nexora run retry run_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme
  nexora run retry --all --tenant acme
  nexora run retry --automation lead-capture --tenant acme --yes

Of several it says first which, and asks.")]
    Retry {
        id: Option<RunId>,
        #[command(flatten)]
        several: Several,
    },
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
            Command::List { narrowed, .. } => narrowed.need(Noun::Run),
            Command::Show { .. } => Need::read(Noun::Run),
            Command::Retry { several: Several { all_tenants: true, .. }, .. } => Need::Operator,
            Command::Retry { .. } => Need::of(run::RETRY),
            Command::Cancel { .. } => Need::of(run::CANCEL),
        }
    }
}

/// Which runs are taken up together.
#[derive(Args)]
pub struct Several {
    /// All that failed
    #[arg(long, conflicts_with = "id")]
    all: bool,
    /// All that failed of this automation
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    automation: Option<String>,
    /// Of every tenant
    #[arg(long, conflicts_with = "id")]
    all_tenants: bool,
}

async fn retry_several(context: &Context, several: Several, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    if !several.all && several.automation.is_none() {
        return Err(Error::usage("name a run, or say which")
            .hint("`--all` takes all that failed; `--automation NAME` those of one automation"));
    }
    let mut found: Vec<(Tenant, Run)> = Vec::new();
    for tenant in context.tenants(several.all_tenants).await? {
        let automation = match &several.automation {
            None => None,
            Some(name) => match automation::find(app, &tenant, name).await {
                Ok(view) => Some(view.automation.id),
                Err(error) if several.all_tenants && error.kind() == Kind::NotFound => continue,
                Err(error) => return Err(error),
            },
        };
        let failed = app.view(&tenant, |tx| store::run::failed(tx, LIST_LIMIT)).await?;
        let wanted =
            failed.into_iter().filter(|run| automation.as_ref().is_none_or(|id| run.automation_id == *id));
        found.extend(wanted.map(|run| (tenant.clone(), run)));
    }
    if found.is_empty() {
        return out.done(&Vec::<()>::new(), "no such run has failed");
    }
    let runs = count(found.len(), "failed run", "failed runs");
    let plan = Plan {
        question: format!("this takes up {runs} where each failed"),
        verb: "taken up",
        kind: &|run: &Run| run.reason.clone().unwrap_or_else(|| "without a reason".to_owned()),
        id: &|run| run.id.to_string(),
    };
    let retry = async |tenant: &Tenant, found: &Run| run::retry(app, actor, tenant, &found.id).await;
    bulk::each(out, plan, &found, retry).await
}

pub const EFFECT_HEADERS: [&str; 6] = ["step", "kind", "state", "attempts", "reason", "id"];

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::List { state, automation, before, source, narrowed } => {
            let filter =
                Filter { state, before, source, search: narrowed.search.clone(), ..Filter::default() };
            list(context, (&filter, automation.as_deref()), &narrowed, out).await
        }
        Command::Show { id } => {
            let tenant = context.tenant().await?;
            let view = run::find(app, &tenant, &id).await?;
            let mut shown = lines(&view.run, out);
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
        Command::Retry { id: None, several } => retry_several(context, several, out).await,
        Command::Retry { id: Some(id), .. } => {
            let tenant = context.tenant().await?;
            let retried = run::retry(app, actor, &tenant, &id).await?;
            out.item(&retried, &lines(&retried, out))
        }
        Command::Cancel { id } => {
            let tenant = context.tenant().await?;
            out.confirm(&format!("this cancels run `{id}` and discards what it has not begun"))?;
            let cancelled = run::cancel(app, actor, &tenant, &id).await?;
            out.item(&cancelled, &lines(&cancelled, out))
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

fn lines(run: &Run, out: &Out) -> Vec<(&'static str, String)> {
    vec![
        ("state", run.state.to_string()),
        ("reason", maybe(run.reason.as_ref())),
        ("about", run.subject_id.clone()),
        ("started", out.moment(run.started_at)),
        ("finished", run.finished_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("next", run.due_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("id", run.id.to_string()),
    ]
}

/// A run with the name of its automation.
#[derive(Serialize)]
struct Named {
    #[serde(flatten)]
    run: Run,
    automation: String,
}

async fn list(
    context: &Context,
    (filter, automation): (&Filter, Option<&str>),
    narrowed: &Narrowed,
    out: &Out,
) -> Result<()> {
    let (app, limit) = (&context.app, narrowed.page.limit);
    let shown = Shown {
        headers: &["started", "automation", "state", "about", "reason", "id"],
        row: &|found: &Named| {
            let run = &found.run;
            vec![
                out.ago(run.started_at),
                found.automation.clone(),
                run.state.to_string(),
                run.subject_id.clone(),
                maybe(run.reason.as_ref()),
                run.id.to_string(),
            ]
        },
        id: &|found| found.run.id.to_string(),
    };
    let fetch = async |tenant: Tenant, span, after: Option<String>| {
        let after = after.as_deref().map(RunId::parse).transpose()?;
        let automations = app.view(&tenant, |tx| store::automation::list(tx, LIST_LIMIT)).await?;
        let only = match automation {
            None => None,
            Some(name) => match automations.iter().find(|found| found.name == name) {
                Some(found) => Some(found.id.clone()),
                None if narrowed.all_tenants => return Ok(Vec::new()),
                None => Some(automation::find(app, &tenant, name).await?.automation.id),
            },
        };
        let filter = Filter { span, after, automation: only, ..filter.clone() };
        let runs = app.view(&tenant, move |tx| store::run::list(tx, &filter, limit)).await?;
        let name_of = |id: &AutomationId| {
            let found = automations.iter().find(|automation| automation.id == *id);
            found.map(|automation| automation.name.clone()).unwrap_or_default()
        };
        Ok(runs.into_iter().map(|run| Named { automation: name_of(&run.automation_id), run }).collect())
    };
    follow::list(context, narrowed, shown, fetch, out).await
}
