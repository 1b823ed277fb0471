//! Rows of `findings`.

use diesel::prelude::*;

use crate::conn::on;
use crate::{Conn, Tx};
use nexora_core::base::Result;
use nexora_core::model::finding::{Finding, findings};

/// Writes what was found; since when stays as it was first written.
pub fn save(conn: &mut Conn, finding: &Finding) -> Result<()> {
    let update = diesel::update(findings::table.find(&finding.key)).set(finding);
    if on!(conn, |c| update.execute(c))? == 0 {
        on!(conn, |c| diesel::insert_into(findings::table).values(finding).execute(c))?;
    }
    Ok(())
}

/// Forgets what is found no more.
pub fn clear(conn: &mut Conn, key: &str) -> Result<()> {
    on!(conn, |c| diesel::delete(findings::table.find(key)).execute(c)).map(|_| ())
}

/// Lists what was found of a tenant. Uses `findings_by_tenant`.
pub fn of_tenant(tx: &mut Tx) -> Result<Vec<Finding>> {
    on!(tx.conn, |c| findings::table
        .filter(findings::tenant_id.eq(tx.tenant))
        .order(findings::key)
        .select(Finding::as_select())
        .load(c))
}

/// Lists what was found of the machine. Uses `findings_by_tenant`.
pub fn of_machine(conn: &mut Conn) -> Result<Vec<Finding>> {
    on!(conn, |c| findings::table
        .filter(findings::tenant_id.is_null())
        .order(findings::key)
        .select(Finding::as_select())
        .load(c))
}
