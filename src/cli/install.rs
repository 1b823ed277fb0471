//! `nexora install`: the program as a service of this machine.

use std::path::PathBuf;

use clap::Args;

use crate::cli::out::Out;
use crate::ops::install::{self, Outcome, Wish};
use nexora_core::base::Result;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;

#[derive(Args)]
#[command(after_help = "Examples:
  sudo ./nexora install --operator you@example.com
  nexora install --dry-run
  sudo nexora install --uninstall                     keeps configuration, key, data and user")]
pub struct Install {
    /// Address of the first operator
    #[arg(long, value_name = "EMAIL", conflicts_with = "uninstall")]
    operator: Option<EmailAddress>,
    /// Install into an image in this folder: nothing is started, and `nexora init` is left to its first start
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Stop the service and take away what was installed, but for configuration, key, data and user
    #[arg(long)]
    uninstall: bool,
}

pub async fn run(arguments: Install, actor: &Actor, out: &Out) -> Result<()> {
    let Install { operator, root, dry_run, uninstall } = arguments;
    let wish = Wish { root, operator, dry_run };
    let done = match uninstall {
        true => install::uninstall(&wish, actor).await?,
        false => install::install(&wish, actor).await?,
    };
    out.list(&["STEP", "OUTCOME"], &done, |one| vec![one.step.clone(), one.outcome.name().to_owned()])?;
    let is_changed = done.iter().any(|one| one.outcome == Outcome::Done);
    match (uninstall, is_changed) {
        (false, true) => out.note(
            "\nNext: nexora doctor says what is missing; nexora tenant create --help makes the first tenant.\n\
             Keep a copy of /etc/nexora/master.key apart from the database.",
        ),
        (true, true) => out.note("\n/etc/nexora, /var/lib/nexora and the user nexora are still there."),
        (_, false) => {}
    }
    Ok(())
}
