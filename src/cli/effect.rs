//! `nexora effect`.

use clap::{Args, Subcommand};

use crate::cli::bulk::{self, Plan};
use crate::cli::follow::{self, Shown};
use crate::cli::out::{Out, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Narrowed};
use crate::ops::LIST_LIMIT;
use crate::ops::automation::effect;
use crate::ops::connection;
use nexora_core::base::wording::count;
use nexora_core::base::{Error, Kind, Result};
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::principal::Noun;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{EffectId, RunId};
use nexora_store as store;
use nexora_store::effect::Filter;

#[derive(Subcommand)]
pub enum Command {
    /// List a tenant's effects, newest first
    #[command(after_help = "Example:\n  nexora effect list --tenant acme --state dead")]
    List {
        /// Only effects in this state
        #[arg(long)]
        state: Option<EffectState>,
        /// Only effects of this run
        #[arg(long, value_name = "ID")]
        run: Option<RunId>,
        /// Only effects older than this one
        #[arg(long, value_name = "ID")]
        before: Option<EffectId>,
        #[command(flatten)]
        narrowed: Box<Narrowed>,
    },
    /// Show an effect with its attempts
    #[command(after_help = "Example:\n  nexora effect show effect_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: EffectId },
    /// Try an effect again from the beginning, or all that were given up
    #[command(after_help = "Examples:
  nexora effect retry effect_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme
  nexora effect retry --all --tenant acme
  nexora effect retry --state dead --connection smtp --tenant acme
  nexora effect retry --all --all-tenants --yes

Of several it says first which, and asks.")]
    Retry {
        id: Option<EffectId>,
        #[command(flatten)]
        several: Several,
    },
    /// Decide that an effect shall not happen
    #[command(
        after_help = "Example:\n  nexora effect discard effect_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme --yes"
    )]
    Discard { id: EffectId },
}

impl Command {
    /// Says what must be permitted.
    pub fn need(&self) -> Need {
        match self {
            Command::List { narrowed, .. } => narrowed.need(Noun::Effect),
            Command::Show { .. } => Need::read(Noun::Effect),
            Command::Retry { several: Several { all_tenants: true, .. }, .. } => Need::Operator,
            Command::Retry { .. } => Need::of(effect::RETRY),
            Command::Discard { .. } => Need::of(effect::DISCARD),
        }
    }
}

/// Which effects are tried again together.
#[derive(Args)]
pub struct Several {
    /// All effects in this state: dead, in_doubt, retrying or discarded
    #[arg(long, conflicts_with = "id")]
    state: Option<EffectState>,
    /// All that were given up
    #[arg(long, conflicts_with_all = ["id", "state"])]
    all: bool,
    /// All that were given up and go through this connection; or those in the state that is named
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    connection: Option<String>,
    /// Of every tenant
    #[arg(long, conflicts_with = "id")]
    all_tenants: bool,
}

impl Several {
    /// Returns the state that is meant.
    fn state(&self) -> Result<EffectState> {
        match self.state {
            None if self.all || self.connection.is_some() => Ok(EffectState::Dead),
            None => Err(Error::usage("name an effect, or say which")
                .hint("`--all` takes all that were given up; `--connection NAME` those of one connection")),
            Some(state @ (EffectState::Delivered | EffectState::Leased | EffectState::Pending)) => {
                Err(Error::usage(format!("an effect that is {state} is not tried again")))
            }
            Some(
                state @ (EffectState::Dead
                | EffectState::InDoubt
                | EffectState::Retrying
                | EffectState::Discarded),
            ) => Ok(state),
        }
    }
}

async fn retry_several(context: &Context, several: Several, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let state = several.state()?;
    let mut found: Vec<(Tenant, Effect)> = Vec::new();
    for tenant in context.tenants(several.all_tenants).await? {
        let connection = match &several.connection {
            None => None,
            Some(name) => match connection::find(app, &tenant, name).await {
                Ok(connection) => Some(connection.id),
                Err(error) if several.all_tenants && error.kind() == Kind::NotFound => continue,
                Err(error) => return Err(error),
            },
        };
        let filter = Filter { state: Some(state), connection, ..Filter::default() };
        let effects = app.view(&tenant, move |tx| store::effect::list(tx, &filter, LIST_LIMIT)).await?;
        found.extend(effects.into_iter().map(|effect| (tenant.clone(), effect)));
    }
    if found.is_empty() {
        return out.done(&Vec::<()>::new(), &format!("no such effect is {state}"));
    }
    let effects = count(found.len(), "effect", "effects");
    let twice = match state {
        EffectState::InDoubt => "; what has happened already would happen twice",
        EffectState::Dead
        | EffectState::Retrying
        | EffectState::Discarded
        | EffectState::Pending
        | EffectState::Leased
        | EffectState::Delivered => "",
    };
    let plan = Plan {
        question: format!("this tries {effects} again{twice}"),
        verb: "tried again",
        kind: &|effect: &Effect| {
            format!("{}, {}", effect.kind, effect.reason.as_deref().unwrap_or("without a reason"))
        },
        id: &|effect| effect.id.to_string(),
    };
    let retry = async |tenant: &Tenant, found: &Effect| effect::retry(app, actor, tenant, &found.id).await;
    bulk::each(out, plan, &found, retry).await
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    match command {
        Command::List { state, run, before, narrowed } => {
            let filter = Filter { state, run, before, search: narrowed.search.clone(), ..Filter::default() };
            list(context, &filter, &narrowed, out).await
        }
        Command::Show { id } => {
            let tenant = context.tenant().await?;
            let view = effect::find(app, &tenant, &id).await?;
            out.item(&view, &lines(&view.effect, out))?;
            let attempts = view.attempts.iter().map(|attempt| {
                vec![out.ago(attempt.started_at), attempt.outcome.clone(), maybe(attempt.reason.as_ref())]
            });
            out.section("Attempts", &["when", "outcome", "reason"], attempts.collect())
        }
        Command::Retry { id: None, several } => retry_several(context, several, out).await,
        Command::Retry { id: Some(id), .. } => {
            let tenant = context.tenant().await?;
            let found = effect::find(app, &tenant, &id).await?.effect;
            if found.state == EffectState::InDoubt {
                out.confirm(&format!("effect `{id}` may have happened already, and would happen twice"))?;
            }
            let retried = effect::retry(app, actor, &tenant, &id).await?;
            out.item(&retried, &lines(&retried, out))
        }
        Command::Discard { id } => {
            let tenant = context.tenant().await?;
            out.confirm(&format!("effect `{id}` will not happen"))?;
            let discarded = effect::discard(app, actor, &tenant, &id).await?;
            out.item(&discarded, &lines(&discarded, out))
        }
    }
}

fn lines(effect: &Effect, out: &Out) -> Vec<(&'static str, String)> {
    vec![
        ("step", effect.step.clone()),
        ("kind", effect.kind.to_string()),
        ("state", effect.state.to_string()),
        ("reason", maybe(effect.reason.as_ref())),
        ("attempts", effect.attempt.to_string()),
        ("next", effect.due_at.map(|at| out.moment(at)).unwrap_or_default()),
        ("provider id", maybe(effect.provider_id.as_ref())),
        ("run", effect.run_id.to_string()),
        ("request", effect.request.as_str().to_owned()),
        ("id", effect.id.to_string()),
    ]
}

async fn list(context: &Context, filter: &Filter, narrowed: &Narrowed, out: &Out) -> Result<()> {
    let (app, limit) = (&context.app, narrowed.page.limit);
    let shown = Shown {
        headers: &["created", "step", "kind", "state", "attempts", "reason", "id"],
        row: &|effect: &Effect| {
            vec![
                out.ago(effect.created_at),
                effect.step.clone(),
                effect.kind.to_string(),
                effect.state.to_string(),
                effect.attempt.to_string(),
                maybe(effect.reason.as_ref()),
                effect.id.to_string(),
            ]
        },
        id: &|effect| effect.id.to_string(),
    };
    let fetch = async |tenant: Tenant, span, after: Option<String>| {
        let after = after.as_deref().map(EffectId::parse).transpose()?;
        let filter = Filter { span, after, ..filter.clone() };
        app.view(&tenant, move |tx| store::effect::list(tx, &filter, limit)).await
    };
    follow::list(context, narrowed, shown, fetch, out).await
}
