//! From a stored connection to one that is ready for use. Adding a connector is one line here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nexora_connector::Connector;
use nexora_connector::smtp::Smtp;
use nexora_connector::webhook::Webhook;
use nexora_core::base::clock::{Clock, Timestamp};
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::ConnectionId;
use nexora_core::model::connection::{Connection, ConnectionSettings};
use nexora_google::{Endpoints, Google, Workspace};

/// Makes a connector for a connection, given its opened credential.
type Factory = dyn Fn(&Connection, Option<Secret>) -> Result<Connector> + Send + Sync;

/// Opens connections, and keeps them open while their settings stay as they are.
pub struct Registry {
    factory: Box<Factory>,
    open: Mutex<HashMap<ConnectionId, (Timestamp, Connector)>>,
}

/// Connections kept open at most; beyond it all are let go and opened again when wanted.
const OPEN_LIMIT: usize = 50_000;

impl Registry {
    /// Makes the registry of the real connectors: relays and receivers of webhooks have `timeout` for an
    /// answer. By the clock, Google's quotas are counted, and webhooks are signed.
    pub fn new(google: Endpoints, timeout: Duration, clock: Clock) -> Registry {
        let workspace = Workspace::new(google, clock.clone());
        Registry::with_factory(move |connection, credential| match connection.typed()? {
            ConnectionSettings::Smtp(settings) => Ok(Smtp::open(settings, credential, timeout)),
            ConnectionSettings::Webhook(settings) => {
                let secret = credential.ok_or_else(|| {
                    Error::denied(format!("connection `{}` has no secret", connection.name))
                        .hint("delete it and create it again with `nexora connection create webhook`")
                })?;
                Webhook::open(settings, &secret, timeout, clock.clone())
            }
            ConnectionSettings::Google(settings) => {
                let key = credential.ok_or_else(|| {
                    Error::denied(format!("connection `{}` has no credential", connection.name))
                        .hint("delete it and create it again with `nexora connection create google`")
                })?;
                Google::open(&workspace, settings, &key)
            }
        })
    }

    /// Makes a registry that opens every connection by `factory`.
    pub fn with_factory<F>(factory: F) -> Registry
    where
        F: Fn(&Connection, Option<Secret>) -> Result<Connector> + Send + Sync + 'static,
    {
        Registry { factory: Box::new(factory), open: Mutex::default() }
    }

    /// Returns the connector for a connection; `credential` is asked for only when it must be opened.
    ///
    /// # Errors
    /// Those of `credential`, and `Denied` or `Config` when the credential has the wrong form.
    pub fn connector(
        &self,
        connection: &Connection,
        credential: impl FnOnce() -> Result<Option<Secret>>,
    ) -> Result<Connector> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((updated_at, connector)) = open.get(&connection.id)
            && *updated_at == connection.updated_at
        {
            return Ok(connector.clone());
        }
        let connector = (self.factory)(connection, credential()?)?;
        if open.len() >= OPEN_LIMIT {
            open.clear();
        }
        open.insert(connection.id.clone(), (connection.updated_at, connector.clone()));
        Ok(connector)
    }
}
