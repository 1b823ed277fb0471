//! A local stand-in for Google Workspace and a mail server: what the demo, rehearsals and tests
//! speak to instead of the world.
//!
//! It serves the token endpoint, Gmail, Calendar and Sheets over one HTTP address and takes mail
//! over another, on loopback only, and keeps everything in memory. Nothing it is given leaves the
//! machine. It knows nothing of Nexora: the two meet only over HTTP and SMTP.

mod calendar;
mod control;
mod drive;
mod fault;
mod gmail;
mod identity;
mod letter;
mod oauth;
mod page;
mod seed;
mod serve;
mod sheets;
mod smtp;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::identity::Identity;
use crate::world::World;
use nexora_core::base::clock::Clock;
use nexora_core::base::{Error, Result};

/// How long a stop waits for connections that are still busy.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Where the sandbox listens, and the clock that dates what it keeps.
pub struct Settings {
    pub listen: SocketAddr,
    pub smtp_listen: SocketAddr,
    pub clock: Clock,
}

/// A running sandbox. Dropping it without `stop` ends it at once.
pub struct Sandbox {
    shared: Arc<Shared>,
    smtp_address: SocketAddr,
    stopping: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// What every connection works with.
struct Shared {
    world: Mutex<World>,
    identity: Arc<Identity>,
    clock: Clock,
    /// The address of this sandbox, `http://127.0.0.1:8025`, with no slash at its end.
    origin: String,
}

impl Shared {
    /// Returns everything the sandbox holds by now. A panic elsewhere does not make it unreadable.
    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.catch_up(self.clock.now());
        world
    }
}

impl Sandbox {
    /// Takes both addresses and begins to serve.
    ///
    /// # Errors
    /// `Usage` when an address is not on loopback, `Unavailable` when it is taken.
    pub async fn start(settings: Settings) -> Result<Sandbox> {
        let http = bind(settings.listen).await?;
        let mail = bind(settings.smtp_listen).await?;
        let smtp_address = local_address(&mail)?;
        let origin = format!("http://{}", local_address(&http)?);
        let identity = tokio::task::spawn_blocking(Identity::create)
            .await
            .map_err(|error| Error::internal("the sandbox's keys were not made").source(error))??;
        let identity = Arc::new(identity);
        let world = Mutex::new(World::new(Arc::clone(&identity)));
        let shared = Arc::new(Shared { world, identity, clock: settings.clock, origin });
        let stopping = CancellationToken::new();
        let tasks = vec![
            tokio::spawn(serve::listen(http, Arc::clone(&shared), stopping.clone())),
            tokio::spawn(smtp::listen(mail, Arc::clone(&shared), stopping.clone())),
        ];
        tracing::info!(url = shared.origin, smtp = %smtp_address, "the sandbox is listening");
        Ok(Sandbox { shared, smtp_address, stopping, tasks })
    }

    /// Returns the address of the HTTP side, with no slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.origin.clone()
    }

    #[must_use]
    pub fn smtp_address(&self) -> SocketAddr {
        self.smtp_address
    }

    /// Returns a service account key file as Google hands it out, good for this sandbox only.
    #[must_use]
    pub fn service_account_json(&self) -> String {
        self.shared.identity.key_file(&self.shared.origin)
    }

    /// Returns the `client_secret.json` of an installed app, good for this sandbox only.
    #[must_use]
    pub fn oauth_client_json(&self) -> String {
        identity::client_file(&self.shared.origin)
    }

    /// Lets a person consent without a browser and returns the refresh token.
    ///
    /// # Errors
    /// `Usage` when `mailbox` is no address or no scope is given.
    pub fn grant(&self, mailbox: &str, scopes: &[&str]) -> Result<String> {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        oauth::control::grant(&mut self.shared.world().tokens, mailbox, scopes, self.shared.clock.now())
            .map_err(|refusal| Error::usage(refusal.into_message()))
    }

    /// Returns the self-signed certificate that STARTTLS shows, for `localhost` and `127.0.0.1`.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.shared.identity.certificate_pem.clone()
    }

    /// Returns everything the sandbox holds, as `GET /_sandbox/state` answers it.
    #[must_use]
    pub fn state(&self) -> serde_json::Value {
        self.shared.world().state()
    }

    /// Makes an empty spreadsheet of this id, unless there is one.
    pub fn make_spreadsheet(&self, id: &str) {
        if !self.shared.world().spreadsheets.contains_key(id) {
            // A sandbox that is full says so when the sheet is written.
            let _ = self.seed(serde_json::json!({ "spreadsheets": [{ "id": id }] }));
        }
    }

    /// Plants seeds, as `POST /_sandbox/seed` does.
    ///
    /// # Errors
    /// `Usage` when the seeds are not of the form that `seed` describes.
    pub fn seed(&self, seeds: serde_json::Value) -> Result<()> {
        let seeds: seed::Seeds = serde_json::from_value(seeds)
            .map_err(|error| Error::usage("these are no seeds").source(error))?;
        let now = self.shared.clock.now();
        seed::plant(&mut self.shared.world(), &self.shared.origin, now, seeds)
            .map(|_| ())
            .map_err(|_| Error::usage("the sandbox refused a seed"))
    }

    /// Changes what Gmail does, as `POST /_sandbox/gmail` does.
    ///
    /// # Errors
    /// `Usage` when that is not of the form that Gmail's part of the sandbox describes.
    pub fn steer_gmail(&self, asked: serde_json::Value) -> Result<()> {
        let asked: gmail::Steering = serde_json::from_value(asked)
            .map_err(|error| Error::usage("this steers nothing").source(error))?;
        gmail::steer(&mut self.shared.world(), asked)
            .map(|_| ())
            .map_err(|_| Error::usage("the sandbox refused to be steered"))
    }

    /// Closes both addresses and waits briefly for connections that are still busy.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        for task in std::mem::take(&mut self.tasks) {
            let handle = task.abort_handle();
            if tokio::time::timeout(STOP_WAIT, task).await.is_err() {
                handle.abort();
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stopping.cancel();
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(Error::usage(format!("`{address}` is not a loopback address"))
            .hint("the sandbox listens on this machine only: use 127.0.0.1"));
    }
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "stop what uses it, or choose another port (0 takes any free one)",
            _ => "choose another address",
        };
        Error::unavailable(format!("cannot listen on `{address}`")).source(error).hint(hint)
    })
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|error| Error::internal("a listener has no address").source(error))
}
