//! Connections that are there and lack the credential which belongs to them.

use nexora_connector::kind::Connectors;
use nexora_core::model::connection::Connection;

/// Returns the end of the command that gives a connection its credential; nothing where it has one, or needs none.
pub fn missing(connectors: &Connectors, connection: &Connection) -> Option<String> {
    if connection.sealed.is_some() {
        return None;
    }
    let kind = connectors.of(connection).ok()?;
    let declared = kind.declared(&kind.written(connection).ok()?).ok()?;
    (declared.needs_credential && declared.made.is_none()).then(|| kind.credential_command(connection))
}
