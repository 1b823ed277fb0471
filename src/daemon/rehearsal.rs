//! The sandbox of tenants that rehearse: it runs in the daemon, from the moment it is first wanted.

use std::sync::Arc;

use crate::app::registry::Registry;
use crate::app::{App, Stage, endpoints};
use crate::config::Config;
use crate::config::google::Settings as GoogleUrls;
use nexora_connector::smtp::Smtp;
use nexora_connector::webhook::{self, Webhook};
use nexora_core::base::clock::Clock;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::connection::{
    ConnectionSettings, GoogleMeans, GoogleSettings, SmtpSettings, SmtpTls, WebhookSettings,
};
use nexora_core::model::request::EffectRequest;
use nexora_google::{Google, Workspace, service_account_email};
use nexora_sandbox::{Sandbox, Settings};

/// Says how the sandbox is started.
///
/// # Errors
/// `Config` when an address is none.
pub fn provide(app: &App) -> Result<()> {
    let (listen, smtp_listen) = app.config.rehearsal.addresses()?;
    let (config, clock) = (app.config.clone(), app.clock.clone());
    app.rehearsal.provide(Box::new(move || {
        let settings = Settings { listen, smtp_listen, clock: clock.clone() };
        Box::pin(start(settings, config.clone(), clock.clone()))
    }));
    Ok(())
}

async fn start(settings: Settings, config: Config, clock: Clock) -> Result<Stage> {
    let sandbox = Arc::new(Sandbox::start(settings).await.map_err(|error| {
        Error::unavailable("the sandbox for rehearsals cannot be started")
            .source(error)
            .hint("choose other addresses in `[rehearsal]`")
    })?);
    tracing::info!("what rehearsing tenants send is shown at {}/", sandbox.url());
    let urls = Config { google: GoogleUrls::all_at(&sandbox.url()), ..config.clone() };
    let signed_by = clock.clone();
    let workspace = Workspace::new(endpoints(&urls), clock);
    let key = Secret::new(sandbox.service_account_json());
    let service_account = service_account_email(&key)?;
    let (relay, timeout) = (sandbox.smtp_address(), config.smtp.timeout());
    let registry = Registry::with_factory(move |connection, _| match connection.typed()? {
        ConnectionSettings::Smtp(own) => {
            let settings = SmtpSettings {
                host: relay.ip().to_string(),
                port: relay.port(),
                tls: SmtpTls::None,
                username: None,
                ca_pem: None,
                ..own
            };
            Ok(Smtp::open(settings, None, timeout))
        }
        ConnectionSettings::Webhook(_) => {
            let secret = webhook::new_secret()?;
            // Nothing is sent through it; it only has to be there.
            let settings = WebhookSettings { url: format!("http://{relay}/"), allow_private: true };
            Webhook::open(settings, &secret, timeout, signed_by.clone())
        }
        ConnectionSettings::Google(own) => {
            let means = GoogleMeans::ServiceAccount { service_account: service_account.clone() };
            Google::open(&workspace, GoogleSettings { means, ..own }, &key)
        }
    });
    let make_room = Arc::new(move |request: &EffectRequest| {
        if let EffectRequest::AppendRow(append) = request {
            sandbox.make_spreadsheet(&append.spreadsheet);
        }
    });
    Ok(Stage { registry, make_room })
}
