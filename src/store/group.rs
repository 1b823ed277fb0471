//! Rows of `group_members`: which contacts are in which group.

use diesel::prelude::*;

use crate::Tx;
use crate::conn::on;
use nexora_core::base::Result;
use nexora_core::base::clock::Timestamp;
use nexora_core::model::ContactId;
use nexora_core::model::record::group::{Member, group_members};

/// Puts contacts into a group, and returns how many were not in it.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn add(tx: &mut Tx, group: &str, contacts: &[ContactId], now: Timestamp) -> Result<usize> {
    let mut added = 0;
    for contact in contacts {
        let member = Member {
            tenant_id: tx.tenant.clone(),
            group_id: group.to_owned(),
            contact_id: contact.clone(),
            added_at: now,
        };
        let insert = diesel::insert_into(group_members::table).values(&member).on_conflict_do_nothing();
        added += on!(tx.conn, |c| insert.execute(c))?;
    }
    Ok(added)
}

/// Takes contacts out of a group, and returns how many were in it.
///
/// # Errors
/// `Unavailable` when the database cannot be reached.
pub fn remove(tx: &mut Tx, group: &str, contacts: &[ContactId]) -> Result<usize> {
    let mut removed = 0;
    for contact in contacts {
        let row = group_members::table.find((tx.tenant, group, contact));
        removed += on!(tx.conn, |c| diesel::delete(row).execute(c))?;
    }
    Ok(removed)
}
