//! The words that stand alone: init, status, serve, sandbox, config, migrate, completions.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::out::{Out, ago, print};
use crate::cli::permission::Need;
use crate::cli::{Context, Global, load_config};
use crate::daemon::{self, Logging};
use crate::ops::access::session;
use crate::ops::init;
use crate::ops::report::status::{self, TenantStatus};
use nexora_core::base::clock::Clock;
use nexora_core::base::{Error, Kind, Result, file, wording};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::audit::Actor;
use nexora_core::model::panel::Panel;
use nexora_core::model::principal::{Noun, Verb};
use nexora_core::model::tenant_setting::TenantSettings;
use nexora_sandbox::{Sandbox, Settings};
use nexora_store::{Db, Url, migration};

#[derive(Args)]
#[command(after_help = "Example:\n  nexora init --dir /etc/nexora --operator you@example.com")]
pub struct Init {
    /// Folder for configuration, key and, with SQLite, the database
    #[arg(long, default_value = "/etc/nexora")]
    dir: PathBuf,
    /// Address of the first operator
    #[arg(long, value_name = "EMAIL")]
    operator: EmailAddress,
    /// Database URL, when it is not to be a SQLite file in the folder
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

pub async fn init(arguments: Init, actor: &Actor, out: &Out) -> Result<()> {
    let database = arguments.database.as_deref();
    let made = init::run(&arguments.dir, database, arguments.operator, actor).await?;
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

#[derive(Args)]
#[command(after_help = "Examples:
  nexora status
  nexora status --tenant acme --output json
  nexora status link --tenant acme --for 30days
  nexora status panels --tenant acme health week leads")]
pub struct Status {
    #[command(subcommand)]
    pub(super) command: Option<StatusCommand>,
}

#[derive(Subcommand)]
pub enum StatusCommand {
    /// Make a link that lets a tenant's owner see their status page
    #[command(after_help = "Example:\n  nexora status link --tenant acme --for 30days")]
    Link {
        /// How long the link works, such as 12h or 30days; 400 days at most
        #[arg(long = "for", default_value = "7days", value_parser = wording::parse_length)]
        valid: Duration,
    },
    /// End every link to a tenant's status page that was made so far
    #[command(after_help = "Example:\n  nexora status revoke-links --tenant acme")]
    RevokeLinks,
    /// Say what a tenant's status page shows, or choose it and its order
    #[command(after_help = "Examples:
  nexora status panels --tenant acme
  nexora status panels --tenant acme health week leads appointments
  nexora status panels --tenant acme --reset

Panels: health, week, charts, leads, messages, appointments, runs, automations, tasks, jobs")]
    Panels {
        /// The panels, in order; none says what is shown now
        panels: Vec<String>,
        /// Show all panels, in the usual order
        #[arg(long, conflicts_with = "panels")]
        reset: bool,
    },
}

impl Status {
    /// Says what must be permitted.
    pub fn need(&self, names_tenant: bool) -> Need {
        match &self.command {
            None if !names_tenant => Need::Operator,
            // The status of a tenant names its latest leads.
            None => Need::read_with_people(Noun::Status),
            Some(StatusCommand::Panels { panels, reset }) if *reset || !panels.is_empty() => {
                Need::of(status::PANELS)
            }
            Some(StatusCommand::Panels { .. }) => Need::read(Noun::Status),
            Some(StatusCommand::Link { .. }) => Need::may(Noun::Session, Verb::Create),
            Some(StatusCommand::RevokeLinks) => Need::of(session::REVOKE_LINKS),
        }
    }
}

pub async fn status(context: &Context, arguments: Status, out: &Out) -> Result<()> {
    let app = &context.app;
    match arguments.command {
        Some(StatusCommand::RevokeLinks) => {
            let tenant = context.tenant().await?;
            let ended = session::revoke_links(app, &context.actor, &tenant).await?;
            out.note(&format!(
                "no link to the page of `{}` opens any more; sessions ended: {ended}",
                tenant.slug
            ));
            return Ok(());
        }
        Some(StatusCommand::Link { valid }) => return link(context, valid, out).await,
        Some(StatusCommand::Panels { panels: names, reset }) => {
            return panels(context, &names, reset, out).await;
        }
        None => {}
    }
    let statuses = match context.global.tenant {
        Some(_) => vec![status::of_tenant(app, context.tenant().await?).await?],
        None => status::of_all(app).await?,
    };
    let headers =
        ["tenant", "state", "leads", "runs waiting", "failed", "delivered", "open", "dead", "oldest due"];
    out.list(&headers, &statuses, row)?;
    let troubles = statuses.iter().flat_map(|status| {
        status.troubles.iter().map(|trouble| {
            vec![status.tenant.slug.to_string(), trouble.what.clone(), trouble.command.clone()]
        })
    });
    out.section("Needs a look", &["tenant", "what", "command"], troubles.collect())
}

async fn link(context: &Context, valid: Duration, out: &Out) -> Result<()> {
    let app = &context.app;
    let tenant = context.tenant().await?;
    let (url, until) = status::make_link(app, &context.actor, &tenant, valid).await?;
    match out.is_json() {
        true => out.json(&serde_json::json!({ "url": url, "until": until })),
        false => print(&url),
    }
}

async fn panels(context: &Context, names: &[String], reset: bool, out: &Out) -> Result<()> {
    let mut tenant = context.tenant().await?;
    let wanted = match reset {
        true => TenantSettings::default().status_panels,
        false => names.iter().map(|name| Panel::parse(name)).collect::<Result<Vec<Panel>>>()?,
    };
    if !wanted.is_empty() {
        tenant = status::set_panels(&context.app, &context.actor, tenant, wanted).await?;
    }
    let shown = tenant.settings()?.status_panels;
    match out.is_json() {
        true => out.json(&serde_json::json!({ "tenant": tenant.slug, "panels": shown })),
        false => print(&shown.iter().map(|panel| panel.name()).collect::<Vec<_>>().join("\n")),
    }
}

fn row(status: &TenantStatus) -> Vec<String> {
    let open =
        ["pending", "leased", "retrying", "in_doubt"].iter().map(|state| status.count("effect", state));
    vec![
        status.tenant.slug.to_string(),
        status.tenant.state.to_string(),
        status.total("lead").to_string(),
        (status.count("run", "waiting") + status.count("run", "running")).to_string(),
        status.count("run", "failed").to_string(),
        status.count("effect", "delivered").to_string(),
        open.sum::<i64>().to_string(),
        status.count("effect", "dead").to_string(),
        status.oldest_due_at.map(ago).unwrap_or_default(),
    ]
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
    /// Check the file and the variables, as the daemon does when it starts
    #[command(after_help = "Example:\n  nexora --config nexora.toml config check")]
    Check,
    /// Show every key with the value in force, without secrets
    #[command(after_help = "Example:\n  nexora config show --output json")]
    Show,
}

pub fn config(command: &ConfigCommand, global: &Global, out: &Out) -> Result<()> {
    let config = load_config(global)?;
    match command {
        ConfigCommand::Check => {
            config.secrets.master_key()?;
            out.note(&format!("`{}` is valid", global.config.display()));
            Ok(())
        }
        ConfigCommand::Show => {
            let shown = config.shown();
            let lines: Vec<(&str, String)> =
                shown.iter().map(|(key, value)| (key.as_str(), value.to_string())).collect();
            out.item(&shown, &lines)
        }
    }
}

#[derive(Args)]
#[command(after_help = "Examples:\n  nexora migrate\n  nexora migrate --status")]
pub struct Migrate {
    /// Only say which migrations the database has
    #[arg(long)]
    status: bool,
}

pub async fn migrate(arguments: &Migrate, global: &Global, out: &Out) -> Result<()> {
    let url: Url = load_config(global)?.database.url.parse()?;
    if !arguments.status {
        let (_, applied) = Db::open_migrated(&url).await?;
        return out.list(&["applied"], &applied, |name| vec![name.clone()]);
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

pub fn completions(arguments: &Completions, command: &mut clap::Command) {
    clap_complete::generate(arguments.shell, command, "nexora", &mut std::io::stdout());
}
