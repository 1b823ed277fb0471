//! The sandbox of tenants that rehearse: it runs in the daemon, from the moment it is first wanted.

use std::sync::Arc;

use crate::app::registry::Registry;
use crate::app::{App, RehearsalBackend, environment};
use crate::config::Config;
use crate::config::google::Settings as GoogleUrls;
use nexora_connector::kind::{Connectors, SandboxAccess};
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::request::EffectRequest;
use nexora_sandbox::{Sandbox, Settings};

/// Says how the sandbox is started.
///
/// # Errors
/// `Config` when an address is none.
pub fn provide(app: &App) -> Result<()> {
    let (listen, smtp_listen) = app.config.rehearsal.addresses()?;
    let (config, clock, connectors) = (app.config.clone(), app.clock.clone(), app.connectors().clone());
    app.rehearsal.provide(Box::new(move || {
        let settings = Settings { listen, smtp_listen, clock: clock.clone() };
        Box::pin(start(settings, config.clone(), clock.clone(), connectors.clone()))
    }));
    Ok(())
}

async fn start(
    settings: Settings,
    config: Config,
    clock: Clock,
    connectors: Connectors,
) -> Result<RehearsalBackend> {
    let sandbox = Arc::new(Sandbox::start(settings).await.map_err(|error| {
        Error::unavailable("the sandbox for rehearsals cannot be started")
            .source(error)
            .hint("choose other addresses in `[rehearsal]`")
    })?);
    tracing::info!("what rehearsing tenants send is shown at {}/", sandbox.url());
    let mut config = Config { google: GoogleUrls::all_at(&sandbox.url()), ..config };
    // The sandbox's own relay is on this machine.
    config.smtp.allow_private = true;
    let access = SandboxAccess {
        relay: sandbox.smtp_address(),
        google_key: Secret::new(sandbox.service_account_json()),
    };
    let registry = Registry::in_sandbox(connectors, environment(&config, clock), access);
    let make_room = Arc::new(move |request: &EffectRequest| {
        if let EffectRequest::AppendRow(append) = request {
            sandbox.make_spreadsheet(&append.spreadsheet);
        }
    });
    Ok(RehearsalBackend { registry, make_room })
}
