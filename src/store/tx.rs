//! A connection bound to one tenant: what is read and written through it is that tenant's alone.

use std::ops::{Deref, DerefMut};

use crate::Conn;
use nexora_core::model::TenantId;

/// A connection, and the tenant whose rows are reached through it.
///
/// Functions on rows of a tenant take one, so that no other tenant's id can be given to them by mistake.
/// It is a connection, too, for what belongs to no tenant and for rows that name their own.
pub struct Tx<'a> {
    pub(super) conn: &'a mut Conn,
    pub(super) tenant: &'a TenantId,
}

impl<'a> Tx<'a> {
    /// Returns whose rows these are.
    pub fn tenant(&self) -> &'a TenantId {
        self.tenant
    }
}

impl Conn {
    /// Binds the connection to a tenant.
    pub fn of<'a>(&'a mut self, tenant: &'a TenantId) -> Tx<'a> {
        Tx { conn: self, tenant }
    }
}

impl Deref for Tx<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        self.conn
    }
}
