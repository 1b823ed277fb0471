//! `nexora key-file`.

use clap::Subcommand;

use crate::cli::out::Out;
use crate::cli::{Global, acting, load_config};
use crate::ops::key_file;
use nexora_core::base::Result;

#[derive(Subcommand)]
pub enum Command {
    /// Put another master key in place, and seal everything anew with it; the daemon is stopped
    #[command(after_help = "Example:
  systemctl stop nexora && nexora key-file rotate --yes && systemctl start nexora

A run that was ended goes on where it was. The old key is kept under another name: backups that were made before need it.
What was hashed and signed with keys that were derived from the first one stays as it is: links in mails that went out work, and
addresses that are not written to are known.")]
    Rotate,
}

pub async fn run(global: &Global, command: &Command, out: &Out) -> Result<()> {
    match command {
        Command::Rotate => {
            let config = load_config(global)?;
            let key_file = config.secrets.key_file.display();
            out.confirm(&format!("this puts another master key in the place of `{key_file}`"))?;
            let rotated = key_file::rotate(&config, &acting(global)).await?;
            let lines = [
                ("key", rotated.key_file.display().to_string()),
                ("the old one", rotated.old_key_file.display().to_string()),
                (
                    "sealed anew",
                    if rotated.went_on { "by an earlier run".to_owned() } else { rotated.sealed.to_string() },
                ),
                (
                    "not opened",
                    if rotated.unopened > 0 { rotated.unopened.to_string() } else { String::new() },
                ),
            ];
            out.item(&rotated, &lines)?;
            out.note("\nKeep a copy of the new key apart from the database, and the old one as long as backups need it.");
            Ok(())
        }
    }
}
