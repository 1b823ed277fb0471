//! The words that stand alone: init, serve, sandbox, config, migrate, completions.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::cli::out::{Out, print};
use crate::cli::{Global, acting, input, load_config, progress};
use crate::config::{Config, Examined, read_config};
use crate::daemon::{self, Logging};
use crate::ops::init;
use nexora_core::base::clock::Clock;
use nexora_core::base::{Error, Kind, Result, file};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_sandbox::{Sandbox, Settings};
use nexora_store::{Db, Url, migration};

#[derive(Args)]
#[command(after_help = "Example:\n  nexora init --dir /etc/nexora --operator you@example.com")]
pub struct Init {
    /// Folder for configuration, key and, with SQLite, the database; that of `--config` when it is left out
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Address of the first operator
    #[arg(long, value_name = "EMAIL")]
    operator: EmailAddress,
    /// Database URL, when it is not to be a SQLite file in the folder
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

pub async fn init(arguments: Init, global: &Global, actor: &Actor, out: &Out) -> Result<()> {
    let database = arguments.database.as_deref();
    let config = arguments.dir.map_or_else(|| global.config.clone(), |dir| dir.join("nexora.toml"));
    let made = init::run(&config, database, arguments.operator, actor).await?;
    let kept = made.kept.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let lines = [
        ("configuration", made.config.display().to_string()),
        ("master key", made.key_file.display().to_string()),
        ("database", made.database.clone()),
        ("operator", made.operator.to_string()),
        ("kept", kept),
    ];
    out.item(&made, &lines)?;
    let config = made.config.display();
    out.note(&format!(
        "\nKeep a copy of the master key apart from the database. Next:\n  \
         nexora --config {config} tenant create SLUG --name NAME --timezone ZONE --owner-email EMAIL\n  \
         nexora --config {config} connection create smtp --tenant SLUG --host HOST --from ADDR\n  \
         nexora --config {config} automation enable lead-capture --tenant SLUG"
    ));
    Ok(())
}

/// Runs the daemon until a signal ends it.
pub async fn serve(global: &Global) -> Result<()> {
    let config = load_config(global)?;
    let level = if global.verbose { "debug" } else { &config.log.level };
    let logging = Logging::start(level, &config.log.format);
    daemon::serve(config, &global.config, &logging).await
}

#[derive(Args)]
#[command(after_help = "Example:
  nexora sandbox --listen 127.0.0.1:9400 --smtp-listen 127.0.0.1:9425 --write-service-account key.json")]
pub struct SandboxArguments {
    /// Address of the Google endpoints and the mailbox page
    #[arg(long, default_value = "127.0.0.1:9400")]
    listen: SocketAddr,
    /// Address of the mail relay
    #[arg(long, default_value = "127.0.0.1:9425")]
    smtp_listen: SocketAddr,
    /// Write the service account's key here, for `nexora connection create google`
    #[arg(long, value_name = "FILE")]
    write_service_account: Option<PathBuf>,
    /// Write an OAuth client here, for `nexora connection create google --client`
    #[arg(long, value_name = "FILE")]
    write_oauth_client: Option<PathBuf>,
    /// Write the relay's certificate here, for `nexora connection create smtp --ca-file`
    #[arg(long, value_name = "FILE")]
    write_certificate: Option<PathBuf>,
}

pub async fn sandbox(arguments: SandboxArguments, out: &Out) -> Result<()> {
    let settings =
        Settings { listen: arguments.listen, smtp_listen: arguments.smtp_listen, clock: Clock::System };
    let sandbox = Sandbox::start(settings).await?;
    if let Some(path) = &arguments.write_service_account {
        write_secret(path, &sandbox.service_account_json())?;
    }
    if let Some(path) = &arguments.write_oauth_client {
        write_secret(path, &sandbox.oauth_client_json())?;
    }
    if let Some(path) = &arguments.write_certificate {
        write_secret(path, &sandbox.certificate_pem())?;
    }
    let url = sandbox.url();
    let settings = crate::config::google::Settings::all_at(&url);
    let lines = [
        ("mailbox", format!("{url}/")),
        ("relay", sandbox.smtp_address().to_string()),
        ("google.gmail_url", settings.gmail_url.clone()),
        ("google.calendar_url", settings.calendar_url.clone()),
        ("google.sheets_url", settings.sheets_url.clone()),
        ("google.drive_url", settings.drive_url.clone()),
        ("google.token_url", settings.token_url.clone()),
        ("google.auth_url", settings.auth_url.clone()),
        ("google.revoke_url", settings.revoke_url.clone()),
    ];
    out.item(&settings, &lines)?;
    out.note("This is a sandbox: nothing leaves this machine. Stop it with Ctrl-C.");
    wait_for_stop().await?;
    sandbox.stop().await;
    Ok(())
}

/// Waits for SIGTERM or SIGINT.
pub async fn wait_for_stop() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen =
        |kind| signal(kind).map_err(|error| Error::internal("signals cannot be received").source(error));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn write_secret(path: &std::path::Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let opened = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| file::unwritable(path, Kind::Usage, error))
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say everything that is wrong with the file and the variables, as far as it can be told without the database
    #[command(
        after_help = "Examples:\n  nexora --config nexora.toml config check\n  nexora config check --json"
    )]
    Check {
        /// Print JSON, as `--output json` does
        #[arg(long)]
        json: bool,
    },
    /// Show every key with the value in force, without secrets
    #[command(after_help = "Example:\n  nexora config show --output json")]
    Show,
}

pub fn config(command: &ConfigCommand, global: &Global, out: &Out) -> Result<()> {
    match command {
        ConfigCommand::Check { json } => check(global, *json, out),
        ConfigCommand::Show => {
            let shown = load_config(global)?.shown();
            let lines: Vec<(&str, String)> =
                shown.iter().map(|(key, value)| (key.as_str(), value.to_string())).collect();
            out.item(&shown, &lines)
        }
    }
}

/// What is wrong with a configuration.
#[derive(Serialize)]
struct Checked<'a> {
    file: &'a std::path::Path,
    valid: bool,
    faults: Vec<Fault<'a>>,
}

#[derive(Serialize)]
struct Fault<'a> {
    message: String,
    hint: Option<&'a str>,
}

/// Prints every fault; the last of them is the failure of the command, unless JSON has them all.
fn check(global: &Global, json: bool, out: &Out) -> Result<()> {
    let path = &global.config;
    let text = read_config(path)?;
    let Examined { config, mut faults } = Config::examine(&text, std::env::vars());
    if let Some(config) = &config {
        faults.extend(config.secrets.master_key().err());
    }
    if json || out.is_json() {
        let told = faults.iter().map(|fault| Fault { message: fault.report(), hint: fault.hint_text() });
        let checked = Checked { file: path, valid: faults.is_empty(), faults: told.collect() };
        out.exit_with(if checked.valid { 0 } else { Kind::Config.exit_code() });
        return out.json(&checked);
    }
    match faults.pop() {
        None => {
            out.note(&format!("`{}` is valid", path.display()));
            Ok(())
        }
        Some(last) => {
            for fault in &faults {
                out.error(fault);
            }
            Err(last)
        }
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexora migrate
  nexora migrate --status
  systemctl stop nexora && nexora migrate --to postgres://nexora@db.example.com/nexora

With --to, the whole SQLite database goes to a PostgreSQL database that is empty: in one transaction, and counted. The old one is
left as it is and marked, so that nothing works on it by mistake. docs/OPERATING.md, \"From SQLite to PostgreSQL\".")]
pub struct Migrate {
    /// Only say which migrations the database has
    #[arg(long)]
    status: bool,
    /// Move everything to this PostgreSQL database
    #[arg(long, value_name = "URL", conflicts_with = "status")]
    to: Option<String>,
    /// The same, where the address is the first line of a file, as it holds a password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["status", "to"])]
    to_file: Option<PathBuf>,
}

async fn move_to(to: String, global: &Global, out: &Out) -> Result<()> {
    let (config, actor) = (load_config(global)?, acting(global));
    let from = config.database.shown_url();
    let shown = crate::config::database::Settings { url: to.clone() }.shown_url();
    out.confirm(&format!("this moves everything from {from} to {shown}"))?;
    let bar = progress::counted("tables", global);
    let told = {
        let bar = bar.clone();
        move |done: usize, total: usize| progress::show(&bar, done as u64, total as u64)
    };
    let moving =
        tokio::task::spawn_blocking(move || crate::ops::migrate::move_to(&config, &actor, &to, &told));
    let moved = moving.await.map_err(|error| Error::internal("the move ended early").source(error))?;
    bar.finish_and_clear();
    let moved = moved?;
    let lines = [
        ("from", moved.from.display().to_string()),
        ("to", moved.to.clone()),
        ("tables", moved.tables.len().to_string()),
        ("rows", moved.rows.to_string()),
        (
            "carried over",
            if moved.went_on { "by an earlier run" } else { "and counted on both sides" }.to_owned(),
        ),
    ];
    out.item(&moved, &lines)?;
    out.note(&format!(
        "\nNext, in `{}` (the master key stays the same):\n  [database]\n  url = \"{}\"\nthen: nexora config check && nexora doctor && \
         systemctl start nexora\nThe old database is as it was, and marked by `{}`.",
        global.config.display(),
        moved.to,
        nexora_store::moved::mark_of(&moved.from).display()
    ));
    Ok(())
}

pub async fn migrate(arguments: &Migrate, global: &Global, out: &Out) -> Result<()> {
    let to = match (&arguments.to, &arguments.to_file) {
        (Some(to), _) => Some(to.clone()),
        (None, Some(path)) => Some(input::text(path)?.lines().next().unwrap_or_default().trim().to_owned()),
        (None, None) => None,
    };
    if let Some(to) = to {
        return move_to(to, global, out).await;
    }
    let url: Url = load_config(global)?.database.url.parse()?;
    if !arguments.status {
        let (_, upgraded) = Db::open_migrated(&url).await?;
        out.list(&["applied"], &upgraded.applied, |name| vec![name.clone()])?;
        if let Some(copy) = &upgraded.copy {
            out.note(&format!("the database as it was before is kept as `{}`", copy.display()));
        }
        return Ok(());
    }
    let listing = tokio::task::spawn_blocking(move || migration::status_at(&url));
    let listed =
        listing.await.map_err(|error| Error::internal("reading migrations ended early").source(error))??;
    out.list(&["migration", "applied"], &listed, |migration| {
        vec![migration.name.clone(), if migration.applied { "yes" } else { "no" }.to_owned()]
    })
}

#[derive(Args)]
#[command(after_help = "Example:\n  nexora completions bash > /etc/bash_completion.d/nexora")]
pub struct Completions {
    shell: clap_complete::Shell,
}

/// Prints what has the shell ask this program (`complete.rs`).
pub fn completions(arguments: &Completions) -> Result<()> {
    let shells = clap_complete::env::Shells::builtins();
    let name = arguments.shell.to_string();
    let shell =
        shells.completer(&name).ok_or_else(|| Error::usage(format!("there is no completion for {name}")))?;
    let mut script = Vec::new();
    shell
        .write_registration("COMPLETE", "nexora", "nexora", "nexora", &mut script)
        .map_err(|error| Error::internal("the script cannot be made").source(error))?;
    print(String::from_utf8_lossy(&script).trim_end())
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexora man | man -l -
  nexora man lead list | man -l -
  nexora man --dir /usr/local/share/man/man1")]
pub struct Man {
    /// The command whose page is printed
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write the page of every command into this folder
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub fn man(arguments: &Man, out: &Out) -> Result<()> {
    let mut root = super::commands();
    root.build();
    if let Some(dir) = &arguments.dir {
        let unwritable = |error| file::unwritable(dir, Kind::Usage, error);
        std::fs::create_dir_all(dir).map_err(unwritable)?;
        clap_mangen::generate_to(root, dir).map_err(unwritable)?;
        return out.done(&json!({ "folder": dir }), &format!("the pages are in {}", dir.display()));
    }
    let mut found = &root;
    for word in &arguments.command {
        found = found.find_subcommand(word).ok_or_else(|| {
            Error::usage(format!("`{}` has no command `{word}`", found.get_bin_name().unwrap_or("nexora")))
                .hint("`nexora --help` lists the commands")
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(found.clone())
        .render(&mut page)
        .map_err(|error| Error::internal("the page cannot be made").source(error))?;
    print(String::from_utf8_lossy(&page).trim_end())
}
