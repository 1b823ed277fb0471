//! A connection whose credential was refused: it alone stops, and that is said once.

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::model::connection::{Connection, ConnectionState};
use crate::store::{Conn, connection, cursor};

/// Notes that a connection's credential was refused, and why.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn note(conn: &mut Conn, failing: &Connection, reason: &str, now: Timestamp) -> Result<()> {
    let (tenant, id) = (&failing.tenant_id, &failing.id);
    tracing::error!(connection.id = %id, tenant.id = %tenant, reason, "connection {id} fails");
    connection::set_state(conn, tenant, id, ConnectionState::Failing, now)?;
    cursor::set_due(conn, tenant, id, None)
}
