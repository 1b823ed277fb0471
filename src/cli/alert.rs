//! `nexora alerts`.

use clap::Subcommand;

use crate::cli::out::{Out, maybe, yes_or_no};
use crate::cli::{Context, Page};
use crate::ops::alert;
use nexora_core::base::{Error, Kind, Result};

#[derive(Subcommand)]
pub enum Command {
    /// Send a test by every way that `[alerts]` in the configuration has
    #[command(after_help = "Example:\n  nexora alerts test")]
    Test,
    /// List what operators were told of, latest first
    #[command(after_help = "Example:\n  nexora alerts list --limit 20")]
    List {
        #[command(flatten)]
        page: Page,
    },
}

pub async fn run(context: &Context, command: Command, out: &Out) -> Result<()> {
    match command {
        Command::Test => {
            let tested = alert::test(&context.app).await?;
            out.list(&["way", "ok", "reason", "hint"], &tested, |tested| {
                vec![
                    tested.way.to_owned(),
                    yes_or_no(tested.ok),
                    maybe(tested.reason.as_ref()),
                    maybe(tested.hint.as_ref()),
                ]
            })?;
            let failed = tested.iter().filter(|tested| !tested.ok).count();
            match failed {
                0 => Ok(()),
                all if all == tested.len() => {
                    Err(Error::new(Kind::Unavailable, "no way gets through: nobody would be told"))
                }
                _ => Err(Error::new(Kind::Partial, "one of the ways does not get through")),
            }
        }
        Command::List { page: Page { limit } } => {
            let alerts = alert::list(&context.app, limit).await?;
            out.list(&["begun", "state", "level", "tenant", "what", "told", "ended"], &alerts, |alert| {
                vec![
                    out.ago(alert.begun_at),
                    alert.state.to_string(),
                    alert.level.clone(),
                    maybe(alert.tenant.as_ref()),
                    alert.what.clone(),
                    alert.told_at.map(|at| out.ago(at)).unwrap_or_default(),
                    alert.ended_at.map(|at| out.ago(at)).unwrap_or_default(),
                ]
            })
        }
    }
}
