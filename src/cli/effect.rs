//! `nexora effect`.

use clap::Subcommand;

use crate::cli::out::{Out, ago, maybe};
use crate::cli::permission::Need;
use crate::cli::{Context, Page};
use crate::ops::automation::effect;
use nexora_core::base::Result;
use nexora_core::model::effect::{Effect, EffectState};
use nexora_core::model::principal::Noun;
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
        page: Page,
    },
    /// Show an effect with its attempts
    #[command(after_help = "Example:\n  nexora effect show effect_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Show { id: EffectId },
    /// Try an effect again from the beginning
    #[command(after_help = "Example:\n  nexora effect retry effect_01k5b3v6zr9m8q2x4t7w0c1d2e --tenant acme")]
    Retry { id: EffectId },
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
            Command::List { .. } | Command::Show { .. } => Need::read(Noun::Effect),
            Command::Retry { .. } => Need::of(effect::RETRY),
            Command::Discard { .. } => Need::of(effect::DISCARD),
        }
    }
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    let (app, actor) = (&context.app, &context.actor);
    let tenant = context.tenant().await?;
    match command {
        Command::List { state, run, before, page: Page { limit } } => {
            let effects = app
                .view(&tenant, move |tx| store::effect::list(tx, &Filter { state, run, before }, limit))
                .await?;
            out.list(&["created", "step", "kind", "state", "attempts", "reason", "id"], &effects, |effect| {
                vec![
                    ago(effect.created_at),
                    effect.step.clone(),
                    effect.kind.to_string(),
                    effect.state.to_string(),
                    effect.attempt.to_string(),
                    maybe(effect.reason.as_ref()),
                    effect.id.to_string(),
                ]
            })
        }
        Command::Show { id } => {
            let view = effect::find(app, &tenant, &id).await?;
            out.item(&view, &lines(&view.effect))?;
            let attempts = view.attempts.iter().map(|attempt| {
                vec![ago(attempt.started_at), attempt.outcome.clone(), maybe(attempt.reason.as_ref())]
            });
            out.section("Attempts", &["when", "outcome", "reason"], attempts.collect())
        }
        Command::Retry { id } => {
            let found = effect::find(app, &tenant, &id).await?.effect;
            if found.state == EffectState::InDoubt {
                out.confirm(&format!("effect `{id}` may have happened already, and would happen twice"))?;
            }
            let retried = effect::retry(app, actor, &tenant, &id).await?;
            out.item(&retried, &lines(&retried))
        }
        Command::Discard { id } => {
            out.confirm(&format!("effect `{id}` will not happen"))?;
            let discarded = effect::discard(app, actor, &tenant, &id).await?;
            out.item(&discarded, &lines(&discarded))
        }
    }
}

fn lines(effect: &Effect) -> Vec<(&'static str, String)> {
    vec![
        ("step", effect.step.clone()),
        ("kind", effect.kind.to_string()),
        ("state", effect.state.to_string()),
        ("reason", maybe(effect.reason.as_ref())),
        ("attempts", effect.attempt.to_string()),
        ("next", effect.due_at.map(ago).unwrap_or_default()),
        ("provider id", maybe(effect.provider_id.as_ref())),
        ("run", effect.run_id.to_string()),
        ("request", effect.request.as_str().to_owned()),
        ("id", effect.id.to_string()),
    ]
}
