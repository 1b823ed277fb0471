//! `nexora backup`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::out::{Out, yes_or_no};
use crate::cli::progress::{bar, show};
use crate::cli::system::wait_for_stop;
use crate::cli::{Global, input, load_config};
use crate::config::Config;
use crate::domain::report::backup::FOLLOWED;
use crate::ops::backup::archive;
use crate::ops::backup::folder::{self, Listed};
use crate::ops::backup::follow::Following;
use crate::ops::backup::manifest::{SealedFor, Summary};
use crate::ops::backup::restore::{self, Restored};
use crate::ops::backup::restore_at::restore_at;
use crate::ops::backup::seal::{Lock, Opener, read_passphrase};
use crate::ops::backup::{self, Created, Tried, Wish};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::Secret;
use nexora_core::base::wording::{count, parse_length};
use nexora_core::base::{Error, Result};
use nexora_store::Url;

#[derive(Subcommand)]
pub enum Command {
    /// Make a backup: one sealed file, while the daemon runs
    #[command(after_help = "Examples:
  nexora backup create
  nexora backup create --to /mnt/usb/nexora.backup --with-key
  nexora backup create --to nexora.backup --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")]
    Create(Create),
    /// List the backups, the latest first; nothing that opens them is needed
    #[command(after_help = "Examples:\n  nexora backup list\n  nexora backup list --folder /mnt/usb")]
    List {
        /// Another folder than that of the configuration
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Open a backup, check every sum, and look at its database as a whole
    #[command(after_help = "Examples:
  nexora backup verify
  nexora backup verify /mnt/usb/nexora.backup --identity-file nexora.key

Without what opens it, the backup is held against its sum alone: damage is found, and its database is not looked at")]
    Verify {
        /// The backup; the latest of the folder where it is left out
        file: Option<PathBuf>,
        #[command(flatten)]
        opening: Opening,
    },
    /// Follow a SQLite database into the folder of the backups, every few seconds, until it is stopped
    #[command(after_help = "Examples:
  nexora backup follow
  nexora backup follow --every 2s --folder /mnt/other-disk/follow

`nexora backup restore --at TIME` puts the database back to any moment that was followed.")]
    Follow {
        /// How often
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_length)]
        every: Duration,
        /// Another folder than `follow` in that of the configuration
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// Put a backup in place: on a fresh machine, or instead of the database that is there
    #[command(after_help = "Examples:
  nexora backup restore nexora-20261201T023000Z.backup --identity-file nexora.key
  nexora --config /etc/nexora/nexora.toml backup restore FILE --replace --yes
  nexora backup restore --at 2026-12-01T09:30:00Z --identity-file nexora.key --replace

Stop the daemon first. A run that was ended goes on where it was when it is begun again; until the last step the
installation is as it was. What was restored is held: `nexora restore status` says what that means.")]
    Restore {
        #[arg(required_unless_present = "at")]
        file: Option<PathBuf>,
        /// Put the database back to this moment, as `nexora backup follow` has kept it
        #[arg(long, value_name = "TIME", conflicts_with = "file")]
        at: Option<String>,
        /// Where it was kept, where that is not `follow` in the folder of the configuration
        #[arg(long, value_name = "FOLDER", requires = "at")]
        folder: Option<PathBuf>,
        /// Put it in the place of the database that is there, which keeps another name
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        opening: Opening,
    },
    /// Take away the backups that are no longer to be kept, as `[backup]` of the configuration says
    #[command(after_help = "Examples:\n  nexora backup prune --dry-run\n  nexora backup prune --yes")]
    Prune {
        /// Only say what would be taken away
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Args)]
pub struct Create {
    /// Where to write it; a new file in the folder of the configuration where it is left out
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Have the master key in it, too
    #[arg(long)]
    with_key: bool,
    /// Public key of age that can open it; may be given several times
    #[arg(long, value_name = "KEY", conflicts_with = "passphrase_file")]
    recipient: Vec<String>,
    /// File whose first line is the passphrase; `-` for standard input
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// What opens a backup.
#[derive(Args)]
pub struct Opening {
    /// File with the secret key of age, as `age-keygen` wrote it
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity_file: Option<PathBuf>,
    /// File whose first line is the passphrase; `-` for standard input
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

pub async fn run(global: &Global, command: Command, out: &Out) -> Result<()> {
    match command {
        Command::Create(arguments) => create(global, arguments, out).await,
        Command::List { folder } => list(global, folder, out),
        Command::Verify { file, opening } => verify(global, file, &opening, out),
        Command::Follow { every, folder } => follow(global, every, folder, out).await,
        Command::Restore { file: Some(file), replace, opening, .. } => {
            put_in_place(global, &file, replace, &opening, out)
        }
        Command::Restore { file: None, at, folder, replace, opening } => {
            put_back(global, (at.as_deref().unwrap_or_default(), folder), replace, &opening, out)
        }
        Command::Prune { dry_run } => prune(global, dry_run, out),
    }
}

async fn create(global: &Global, arguments: Create, out: &Out) -> Result<()> {
    let config = load_config(global)?;
    let is_usual = arguments.to.is_none();
    let created = make(global, &config, arguments);
    if is_usual {
        backup::note(&config, created.as_ref().err(), Clock::System.now()).await;
    }
    let created = created?;
    for missing in &created.missing {
        out.note(&format!("not in it, because it is not there: {}", missing.display()));
    }
    told_of_created(&created, out)
}

fn make(global: &Global, config: &Config, arguments: Create) -> Result<Created> {
    let lock = lock(global, config, &arguments)?;
    let with_key = arguments.with_key || config.backup.with_key;
    let wish = Wish { to: arguments.to, with_key, lock };
    let bar = bar("backup", global);
    // Nothing else goes on in this process.
    let shown = |done, total| show(&bar, done, total);
    let created = tokio::task::block_in_place(|| backup::create(config, &global.config, &wish, &shown));
    bar.finish_and_clear();
    created
}

fn told_of_created(created: &Created, out: &Out) -> Result<()> {
    let lines = [
        ("file", created.file.display().to_string()),
        ("size", bytes(created.size_bytes)),
        ("rows", created.rows.values().sum::<i64>().to_string()),
        ("files", created.files.to_string()),
        (
            "master key",
            if created.summary.with_key { "in it" } else { "not in it: keep a copy elsewhere" }.to_owned(),
        ),
        ("opened by", opened_by(&created.summary).to_owned()),
    ];
    out.item(created, &lines)
}

/// Returns what a new backup is sealed with: as the arguments say, or the configuration, or else a passphrase that is asked for.
fn lock(global: &Global, config: &Config, arguments: &Create) -> Result<Lock> {
    if !arguments.recipient.is_empty() {
        return Lock::of_recipients(arguments.recipient.iter().map(String::as_str));
    }
    if arguments.passphrase_file.is_some() {
        return Lock::of_passphrase(asked("", arguments.passphrase_file.as_deref(), global)?);
    }
    let settings = &config.backup;
    if settings.recipients().next().is_some() || !settings.passphrase_file.as_os_str().is_empty() {
        return Lock::of_settings(settings);
    }
    let first = asked("Passphrase of the backup: ", None, global)?;
    let second = asked("The same again: ", None, global)?;
    match first.expose() == second.expose() {
        true => Lock::of_passphrase(first),
        false => Err(Error::usage("the two passphrases differ")),
    }
}

fn asked(prompt: &str, file: Option<&Path>, global: &Global) -> Result<Secret> {
    input::secret(prompt, file, global.no_input).map_err(|error| {
        error.hint("give it by `--passphrase-file FILE`, or set `[backup]` in the configuration")
    })
}

/// Returns what opens a backup, as far as it is at hand.
pub(super) fn opener(global: &Global, summary: &Summary, opening: &Opening) -> Result<Option<Opener>> {
    if let Some(path) = &opening.identity_file {
        return Opener::of_identity_file(path).map(Some);
    }
    if opening.passphrase_file.is_some() {
        return asked("", opening.passphrase_file.as_deref(), global)
            .map(|secret| Some(Opener::Passphrase(secret)));
    }
    if summary.sealed_for == SealedFor::Identity {
        return Ok(None);
    }
    // A configuration that cannot be read is no reason not to look at a backup.
    let known = load_config(global).ok().map(|config| config.backup.passphrase_file);
    match known.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) => read_passphrase(&path).map(|secret| Some(Opener::Passphrase(secret))),
        None if global.no_input || !std::io::stdin().is_terminal() => Ok(None),
        None => {
            asked("Passphrase of the backup: ", None, global).map(|secret| Some(Opener::Passphrase(secret)))
        }
    }
}

fn list(global: &Global, chosen: Option<PathBuf>, out: &Out) -> Result<()> {
    let listed = match chosen {
        Some(folder) => folder::list(&folder)?,
        None => folder::list(folder::of(&load_config(global)?.backup)?)?,
    };
    out.list(&["made", "size", "program", "key", "opened by", "file"], &listed, |one: &Listed| {
        let file = one.file.display().to_string();
        let Some(summary) = &one.summary else {
            let fault = one.fault.clone().unwrap_or_default();
            return vec!["-".to_owned(), bytes(one.size_bytes), String::new(), String::new(), fault, file];
        };
        vec![
            out.ago(summary.created_at),
            bytes(one.size_bytes),
            summary.program.clone(),
            yes_or_no(summary.with_key),
            opened_by(summary).to_owned(),
            file,
        ]
    })
}

fn verify(global: &Global, file: Option<PathBuf>, opening: &Opening, out: &Out) -> Result<()> {
    let file = match file {
        Some(file) => file,
        None => folder::latest(folder::of(&load_config(global)?.backup)?)?.file,
    };
    let summary = archive::summary(&file)?;
    let opener = opener(global, &summary, opening)?;
    let bar = bar("verify", global);
    let shown = |done, total| show(&bar, done, total);
    let tried = match &opener {
        Some(opener) => backup::verify(&file, opener, &room(global), &shown),
        None => backup::check_sum(&file, &shown),
    };
    bar.finish_and_clear();
    told_of_tried(&tried?, out)
}

fn told_of_tried(tried: &Tried, out: &Out) -> Result<()> {
    let found = match tried.opened {
        true => format!(
            "whole: every sum is right, the database is sound, {} in {}",
            count(u64::try_from(tried.rows.values().sum::<i64>()).unwrap_or_default(), "row", "rows"),
            count(tried.rows.len() as u64, "table", "tables"),
        ),
        false => "its bytes are those that were written; it was not opened".to_owned(),
    };
    let lines = [
        ("file", tried.file.display().to_string()),
        ("made", out.moment(tried.summary.created_at)),
        ("by", format!("nexora {} on {}", tried.summary.program, tried.summary.host)),
        ("found", found),
        ("files", if tried.opened { tried.files.to_string() } else { String::new() }),
        ("master key", if tried.summary.with_key { "in it" } else { "not in it" }.to_owned()),
        (
            "schema",
            if tried.is_older {
                "older than this program: it is brought up to date when it is restored"
            } else {
                ""
            }
            .to_owned(),
        ),
    ];
    out.item(tried, &lines)?;
    if !tried.opened {
        out.note(match tried.summary.sealed_for {
            SealedFor::Identity => "Give `--identity-file FILE` with the secret key to look into it.",
            SealedFor::Passphrase => "Give `--passphrase-file FILE` to look into it.",
        });
    }
    Ok(())
}

fn put_in_place(global: &Global, file: &Path, replace: bool, opening: &Opening, out: &Out) -> Result<()> {
    let summary = archive::summary(file)?;
    let Some(opener) = opener(global, &summary, opening)? else {
        return Err(Error::denied("nothing was given that opens the backup").hint(
            match summary.sealed_for {
                SealedFor::Identity => "give `--identity-file FILE` with the secret key of age",
                SealedFor::Passphrase => "give `--passphrase-file FILE`",
            },
        ));
    };
    if replace {
        out.confirm(&format!(
            "this puts the backup of {} in the place of the database: what came after it is left behind",
            summary.created_at
        ))?;
    }
    let bar = bar("restore", global);
    let wish = restore::Wish { file, opener: &opener, config: &global.config, replace };
    let shown = |done, total| show(&bar, done, total);
    let restored = tokio::task::block_in_place(|| restore::restore(&wish, &shown));
    bar.finish_and_clear();
    told_of_restored(&restored?, out)
}

fn followed(global: &Global, chosen: Option<PathBuf>) -> Result<PathBuf> {
    match chosen {
        Some(folder) => Ok(folder),
        None => Ok(folder::of(&load_config(global)?.backup)?.join(FOLLOWED)),
    }
}

async fn follow(global: &Global, every: Duration, chosen: Option<PathBuf>, out: &Out) -> Result<()> {
    let config = load_config(global)?;
    let Url::Sqlite(database) = config.database.url.parse()? else {
        return Err(Error::usage("only a SQLite database is followed").hint(
            "PostgreSQL keeps a log of its own: docs/OPERATING.md, \"A point in time, with PostgreSQL\"",
        ));
    };
    let root = followed(global, chosen)?;
    let lock = Lock::of_settings(&config.backup)?;
    let begin = || Following::begin(&database, &root, lock, config.backup.follow_keep());
    let mut following = tokio::task::block_in_place(begin)?;
    out.note(&format!("following `{}` into `{}`; stop it with Ctrl-C", database.display(), root.display()));
    let mut stop = std::pin::pin!(wait_for_stop());
    loop {
        tokio::select! {
            stopped = &mut stop => {
                stopped?;
                // What is committed by now is kept, too.
                return tokio::task::block_in_place(|| following.step()).map(|_| ());
            }
            () = tokio::time::sleep(every) => {}
        }
        if let Err(error) = tokio::task::block_in_place(|| following.step()) {
            out.error(&error);
        }
    }
}

fn put_back(
    global: &Global,
    (at, chosen): (&str, Option<PathBuf>),
    replace: bool,
    opening: &Opening,
    out: &Out,
) -> Result<()> {
    let at = Timestamp::parse(at).ok_or_else(|| {
        Error::usage(format!("`{at}` is not a moment")).hint("write it like `2026-12-01T09:30:00Z`")
    })?;
    let Some(identities) = &opening.identity_file else {
        return Err(Error::denied("nothing was given that opens what was followed")
            .hint("give `--identity-file FILE` with the secret key of age"));
    };
    let opener = Opener::of_identity_file(identities)?;
    let (config, root) = (load_config(global)?, followed(global, chosen)?);
    if replace {
        out.confirm(&format!("this puts the database back to {at}: what came after it is left behind"))?;
    }
    let restored = restore_at((&config, &global.config), (&root, at), &opener, replace)?;
    told_of_restored(&restored, out)
}

fn told_of_restored(restored: &Restored, out: &Out) -> Result<()> {
    let paths = |paths: &[PathBuf]| {
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    let lines = [
        ("database", restored.database.display().to_string()),
        ("made", out.moment(restored.backup.created_at)),
        ("rows", restored.rows.to_string()),
        (
            "the old one",
            restored.replaced.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
        ),
        ("put in place", paths(&restored.placed)),
        ("left as it was", paths(&restored.kept)),
        ("migrations", restored.migrated.join(", ")),
        ("state", "held: leads come in, and nothing goes out".to_owned()),
    ];
    out.item(restored, &lines)?;
    out.note(
        "\nNext:\n  systemctl start nexora      what may have happened since the backup is asked after\n  \
         nexora restore status       says what was found, and what you have to decide\n  \
         nexora restore release      lets deliveries go on",
    );
    Ok(())
}

/// Returns a folder in which a copy of the database may lie: beside the database, where there is one.
pub(super) fn room(global: &Global) -> PathBuf {
    let url = load_config(global).ok().and_then(|config| config.database.url.parse().ok());
    let folder = match url {
        Some(Url::Sqlite(path) | Url::Scratch(path)) => path.parent().map(Path::to_owned),
        Some(Url::Postgres(_)) | None => None,
    };
    folder.filter(|folder| folder.is_dir()).unwrap_or_else(std::env::temp_dir)
}

#[derive(Serialize)]
struct Plan<'a> {
    dry_run: bool,
    #[serde(flatten)]
    pruned: &'a folder::Pruned,
}

fn prune(global: &Global, dry_run: bool, out: &Out) -> Result<()> {
    let settings = load_config(global)?.backup;
    let pruned = folder::plan(folder::of(&settings)?, &settings)?;
    let what = format!(
        "this takes away {} and keeps {}",
        count(pruned.removed.len() as u64, "file", "files"),
        count(pruned.kept.len() as u64, "file", "files")
    );
    if !dry_run && !pruned.removed.is_empty() {
        out.confirm(&what)?;
        folder::remove(&pruned)?;
    }
    if out.is_json() {
        return out.json(&Plan { dry_run, pruned: &pruned });
    }
    let verb = if dry_run { "would be taken away" } else { "taken away" };
    let kept = pruned.kept.iter().map(|file| (file, "kept"));
    let rows: Vec<_> = pruned.removed.iter().map(|file| (file, verb)).chain(kept).collect();
    out.list(&["what", "file"], &rows, |(file, what)| vec![(*what).to_owned(), file.display().to_string()])
}

fn opened_by(summary: &Summary) -> &'static str {
    match summary.sealed_for {
        SealedFor::Passphrase => "passphrase",
        SealedFor::Identity => "secret key of age",
    }
}

/// Words a size for people.
pub(super) fn bytes(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}
