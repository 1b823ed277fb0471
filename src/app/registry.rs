//! From a stored connection to one that is ready for use.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nexora_connector::CONNECTORS;
use nexora_connector::kind::{ConnectorKind, Connectors, Environment, Opener, SandboxAccess};
use nexora_connector::port::Connector;
use nexora_core::base::clock::Timestamp;
use nexora_core::base::secret::Secret;
use nexora_core::base::{Error, Result};
use nexora_core::model::ConnectionId;
use nexora_core::model::connection::Connection;
use nexora_core::model::connector::ConnectionKind;
use nexora_google::kind::GoogleKind;

/// The connectors that are members of their own.
static MEMBERS: [&dyn ConnectorKind; 1] = [&GoogleKind];

/// Returns the connectors that this program has.
pub fn connectors() -> Connectors {
    Connectors::new(CONNECTORS.into_iter().chain(MEMBERS))
}

/// Opens connections, and keeps them open while their settings stay as they are.
pub struct Registry {
    connectors: Connectors,
    environment: Environment,
    opener: Opener,
    open: Mutex<HashMap<ConnectionId, (Timestamp, Connector)>>,
}

/// Connections kept open at most; beyond it all are let go and opened again when wanted.
const OPEN_LIMIT: usize = 50_000;

impl Registry {
    pub fn new(connectors: Connectors, environment: Environment) -> Registry {
        let opener = by_kind(&connectors, &environment);
        Registry::opening_by(opener, connectors, environment)
    }

    /// Makes a registry of which every connection leads to a sandbox, where `environment` is set to it.
    pub fn in_sandbox(connectors: Connectors, environment: Environment, sandbox: SandboxAccess) -> Registry {
        let opener = by_kind(&connectors, &environment);
        let kinds = connectors.clone();
        let in_sandbox: Opener = Box::new(move |connection, _| {
            let (connection, credential) = kinds.of(connection)?.in_sandbox(connection, &sandbox)?;
            opener(&connection, credential)
        });
        Registry::opening_by(in_sandbox, connectors, environment)
    }

    /// Makes a registry that opens every connection by `opener`, whatever its kind.
    pub fn opening_by(opener: Opener, connectors: Connectors, environment: Environment) -> Registry {
        Registry { connectors, environment, opener, open: Mutex::default() }
    }

    pub fn connectors(&self) -> &Connectors {
        &self.connectors
    }

    pub fn environment(&self) -> &Environment {
        &self.environment
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
        let connector = (self.opener)(connection, credential()?)?;
        if open.len() >= OPEN_LIMIT {
            open.clear();
        }
        open.insert(connection.id.clone(), (connection.updated_at, connector.clone()));
        Ok(connector)
    }
}

/// Opens each connection as its connector does.
fn by_kind(connectors: &Connectors, environment: &Environment) -> Opener {
    let openers = connectors.iter().map(|kind| (kind.facts().kind.clone(), kind.opener(environment)));
    let openers: HashMap<ConnectionKind, Opener> = openers.collect();
    let kinds = connectors.clone();
    Box::new(move |connection, credential| {
        let kind = &kinds.of(connection)?.facts().kind;
        let opener = openers.get(kind).ok_or_else(|| Error::internal(format!("no opener of `{kind}`")))?;
        opener(connection, credential)
    })
}
