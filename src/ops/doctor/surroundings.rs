//! What the checks look at, and by what they ask: as far as each of it can be had.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::app::App;
use crate::config::{Config, Examined, read_config};
use crate::ops::doctor::{Finding, LIMIT};
use nexora_connector::dns::Dns;
use nexora_connector::site::Sites;
use nexora_core::base::clock::Clock;
use nexora_core::base::{Error, Result};
use nexora_core::model::tenant::Tenant;
use nexora_store::tenant;

/// Tenants that are looked at.
const TENANTS: i64 = 1_000;

/// Runs a program of the machine, such as `systemctl`.
pub trait Programs: Send + Sync {
    /// Returns what it printed; nothing where there is no such program, or it failed.
    fn run<'a>(&'a self, program: &'a str, arguments: &'a [&'a str]) -> BoxFuture<'a, Option<String>>;
}

pub struct Surroundings {
    /// The configuration's file.
    pub path: PathBuf,
    pub examined: Examined,
    /// The application, or why it cannot be had.
    pub app: Result<Arc<App>>,
    pub dns: Arc<dyn Dns>,
    pub sites: Sites,
    pub programs: Arc<dyn Programs>,
    /// How long one check may take.
    pub limit: Duration,
    /// The tenant that is to go live.
    pub launch: Option<Tenant>,
}

impl Surroundings {
    /// Finds what there is on this machine.
    pub async fn of(
        path: &Path,
        variables: impl Iterator<Item = (String, String)>,
        (dns, sites): (Arc<dyn Dns>, Sites),
    ) -> Surroundings {
        let examined = match read_config(path) {
            Ok(text) => Config::examine(&text, variables),
            Err(error) => Examined { config: None, faults: vec![error] },
        };
        let app = match &examined.config {
            Some(config) => App::open(config.clone(), Clock::System).await,
            None => Err(Error::config("the configuration cannot be read")),
        };
        let path = path.to_owned();
        let programs = Arc::new(OfThisMachine);
        Surroundings { path, examined, app, dns, sites, programs, limit: LIMIT, launch: None }
    }

    /// Returns the application, or says that something cannot be looked at without it.
    pub fn app(&self) -> Result<&Arc<App>, Vec<Finding>> {
        self.app.as_ref().map_err(|_| vec![Finding::skipped("not looked at: the database cannot be opened")])
    }

    /// Returns the configuration, or says that something cannot be looked at without it.
    pub fn config(&self) -> Result<&Config, Vec<Finding>> {
        let config = self.examined.config.as_ref();
        config.ok_or_else(|| vec![Finding::skipped("not looked at: the configuration cannot be read")])
    }
}

/// Lists the tenants.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub async fn tenants(app: &App) -> Result<Vec<Tenant>> {
    app.db.read(|conn| tenant::list(conn, TENANTS)).await
}

struct OfThisMachine;

impl Programs for OfThisMachine {
    fn run<'a>(&'a self, program: &'a str, arguments: &'a [&'a str]) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let mut command = tokio::process::Command::new(program);
            command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
            let output = command.output().await.ok().filter(|output| output.status.success())?;
            String::from_utf8(output.stdout).ok()
        })
    }
}
