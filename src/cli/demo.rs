//! `nexora demo`: the whole product on one machine, against its own sandbox, with no account.
//!
//! It uses the operations that the other commands use, and the daemon that `serve` runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use crate::app::App;
use crate::cli::actor;
use crate::cli::out::{Out, print};
use crate::cli::system::wait_for_stop;
use crate::config::Config;
use crate::daemon::{Daemon, Logging};
use crate::ops::access::user;
use crate::ops::access::user::Grant;
use crate::ops::automation;
use crate::ops::connection;
use crate::ops::lead;
use crate::ops::lead::LeadView;
use crate::ops::report::status;
use crate::ops::tenant;
use crate::ops::tenant::NewTenant;
use nexora_connector::smtp::{self, SmtpSettings, SmtpTls};
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::{MasterKey, Secret, random_bytes};
use nexora_core::base::text::hex;
use nexora_core::base::{Error, Result};
use nexora_core::model::LeadId;
use nexora_core::model::address::{Country, Zone};
use nexora_core::model::connection::{Ability, WhenInDoubt};
use nexora_core::model::effect::{EffectKind, EffectState};
use nexora_core::model::run::RunState;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::user::Role;
use nexora_engine::lead::enquiry::Enquiry;
use nexora_google::kind::by_service_account;
use nexora_sandbox::{Sandbox, Settings};
use nexora_store::Db;

#[derive(Args)]
#[command(after_help = "Examples:
  nexora demo                        runs until Ctrl-C
  nexora demo --once --output json   sends one lead through and says what came of it")]
pub struct Arguments {
    /// Send one lead, wait until everything is delivered, print a summary and end
    #[arg(long)]
    once: bool,
    /// Port of the form and the status page; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// What came of the lead that `--once` sent.
#[derive(Debug, Serialize)]
struct Summary {
    lead_id: LeadId,
    state: &'static str,
    effects: Vec<EffectSummary>,
}

#[derive(Debug, Serialize)]
struct EffectSummary {
    step: String,
    kind: EffectKind,
    state: EffectState,
    provider_id: Option<String>,
    /// Milliseconds from the moment the lead was accepted to its delivery.
    delivered_after_ms: Option<u128>,
}

const SHEET: &str = "demo-leads";
const EXPECTED_STEPS: [&str; 4] = ["acknowledge", "alert", "record", "callback"];
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);
const LINK_DAYS: Duration = Duration::from_secs(7 * 86_400);

pub async fn run(arguments: Arguments, out: &Out) -> Result<()> {
    let folder = Folder::make()?;
    let loopback = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let settings = Settings { listen: loopback(0), smtp_listen: loopback(0), clock: Clock::System };
    let sandbox = Sandbox::start(settings).await?;
    if !arguments.once {
        Logging::start("info", "text");
    }
    let config = config(&folder.0, &sandbox, arguments.port).await?;
    let daemon = Daemon::start(config).await?;
    let result = scene(&daemon, &sandbox, arguments.once, out).await;
    daemon.stop().await;
    sandbox.stop().await;
    result
}

async fn scene(daemon: &Daemon, sandbox: &Sandbox, once: bool, out: &Out) -> Result<()> {
    let app = &daemon.app;
    let tenant = set_up(app, sandbox).await?;
    if once {
        return send_one(app, &tenant, out).await;
    }
    let base = format!("http://{}", daemon.public_address);
    let token = status::sign_link(&app.key, &tenant, app.clock.now() + LINK_DAYS);
    let form = format!("{base}/lead/{}", tenant.slug);
    print(&format!(
        "\nNexora runs, against its own sandbox: nothing leaves this machine.\n\n  \
         Form     {form}\n  Status   {base}/status?token={token}\n  Mailbox  {}/\n\n\
         Fill in the form, or run:\n  \
         curl -s {form} --json '{{\"name\": \"Jo Miller\", \"email\": \"jo@example.com\", \"phone\": \"(512) 555-0142\", \"message\": \"No hot water since Monday\"}}'\n\n\
         Ctrl-C ends it and removes everything.\n",
        sandbox.url()
    ))?;
    wait_for_stop().await
}

/// Makes the tenant with all it needs, through the operations that the commands use.
async fn set_up(app: &Arc<App>, sandbox: &Sandbox) -> Result<Tenant> {
    let actor = &actor();
    let new = NewTenant {
        slug: "acme-plumbing".parse()?,
        name: "Acme Plumbing".to_owned(),
        zone: Zone::parse("America/Chicago")?,
        owner_email: "owner@acme-plumbing.example.com".parse()?,
        phone: Some("+1 512 555 0100".to_owned()),
        country: Some(Country::parse("US")?),
    };
    let tenant = tenant::create(app, actor, new).await?;
    let owner = Grant::Member(Box::new(tenant.clone()), Role::Owner);
    user::create(app, actor, tenant.owner_email.clone(), Some("Pat Owner".to_owned()), owner).await?;
    let relay = SmtpSettings {
        host: sandbox.smtp_address().ip().to_string(),
        port: sandbox.smtp_address().port(),
        from: "nexora@acme-plumbing.example.com".parse()?,
        tls: SmtpTls::None,
        username: None,
        ca_pem: None,
        when_in_doubt: WhenInDoubt::Resend,
        password_in_clear: false,
    };
    connection::add(app, actor, &tenant, "smtp", smtp::connection(&relay, None)?).await?;
    let key = Secret::new(sandbox.service_account_json());
    let mailbox = "office@acme-plumbing.example.com".parse()?;
    let google = by_service_account(mailbox, key, Ability::usual())?;
    connection::add(app, actor, &tenant, "google", google).await?;
    connection::test(app, actor, &tenant, "google").await?;
    connection::test(app, actor, &tenant, "smtp").await?;
    let settings = [("sheet_id".to_owned(), SHEET.to_owned())];
    automation::enable(app, actor, &tenant, "lead-capture", &settings.into(), false).await?;
    Ok(tenant)
}

async fn send_one(app: &Arc<App>, tenant: &Tenant, out: &Out) -> Result<()> {
    let enquiry = Enquiry {
        name: "Jo Miller".to_owned(),
        email: "jo@example.com".to_owned(),
        phone: "(512) 555-0142".to_owned(),
        service: "Boiler repair".to_owned(),
        message: "No hot water since Monday.".to_owned(),
        source: "demo".to_owned(),
        ..Enquiry::default()
    };
    let added = lead::add(app, &actor(), tenant, enquiry).await?;
    let view = wait_until_done(app, tenant, &added.id).await?;
    let summary = summary(&view);
    let rows = summary.effects.iter().map(|effect| {
        vec![
            effect.step.clone(),
            effect.kind.to_string(),
            effect.state.to_string(),
            effect.delivered_after_ms.map(|millis| format!("{millis} ms")).unwrap_or_default(),
            effect.provider_id.clone().unwrap_or_default(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    out.item(&summary, &[("lead", summary.lead_id.to_string()), ("state", summary.state.to_owned())])?;
    out.section("Effects", &["step", "kind", "state", "after", "provider id"], rows)?;
    let missing: Vec<&str> = EXPECTED_STEPS
        .into_iter()
        .filter(|step| {
            !summary
                .effects
                .iter()
                .any(|effect| effect.step == *step && effect.state == EffectState::Delivered)
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::internal(format!("not delivered: {}", missing.join(", "))))
}

async fn wait_until_done(app: &Arc<App>, tenant: &Tenant, id: &LeadId) -> Result<LeadView> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let view = lead::find(app, tenant, id).await?;
        let effects = || view.runs.iter().flat_map(|run| &run.effects);
        let settled = effects().count() >= EXPECTED_STEPS.len() && effects().all(|e| e.state.is_settled());
        let done = settled || view.runs.iter().any(|run| run.run.state.is_finished());
        if done || Instant::now() > deadline {
            return Ok(view);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn summary(view: &LeadView) -> Summary {
    let after =
        |settled_at: Option<Timestamp>| settled_at.map(|at| at.since(view.lead.received_at).as_millis());
    let effects = view.runs.iter().flat_map(|run| &run.effects).map(|effect| EffectSummary {
        step: effect.step.clone(),
        kind: effect.kind,
        state: effect.state,
        provider_id: effect.provider_id.clone(),
        delivered_after_ms: after(effect.settled_at),
    });
    let state = view.runs.first().map_or(RunState::Pending, |run| run.run.state);
    Summary { lead_id: view.lead.id.clone(), state: state.name(), effects: effects.collect() }
}

/// Writes configuration and key, makes the database, and seeds the sandbox's spreadsheet.
async fn config(folder: &Path, sandbox: &Sandbox, port: u16) -> Result<Config> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |error: std::io::Error| Error::internal("the temporary folder cannot be used").source(error);
    let key_file = folder.join("master.key");
    std::fs::write(&key_file, MasterKey::generate()?.to_hex().expose()).map_err(failed)?;
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let mut config =
        Config { google: crate::config::google::Settings::all_at(&sandbox.url()), ..Config::default() };
    config.database.url = format!("sqlite:{}", folder.join("nexora.db").display());
    config.secrets.key_file = key_file;
    config.http.listen = format!("127.0.0.1:{port}");
    config.http.private_listen = "127.0.0.1:0".to_owned();
    config.smtp.allow_private = true;
    config.check()?;
    Db::create(&config.database.url.parse()?).await?;
    sandbox.seed(serde_json::json!({
        "spreadsheets": [{ "id": SHEET, "title": "Leads of Acme Plumbing", "sheets": [{ "title": "Leads", "rows": [] }] }]
    }))?;
    Ok(config)
}

/// A folder of our own that is removed when the demo ends.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Folder> {
        let name: String = hex(random_bytes::<6>()?);
        let path = std::env::temp_dir().join(format!("nexora-demo-{name}"));
        std::fs::create_dir(&path).map_err(|error| {
            Error::internal(format!("cannot make folder `{}`", path.display())).source(error)
        })?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the system's folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
