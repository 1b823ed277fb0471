//! What the runs of one sweep have in common: tenants with their connections, automations, the operator. Each is read
//! once for all of them.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::domain::CONNECTION_LIMIT;
use nexora_core::base::{Error, Result};
use nexora_core::model::automation::AutomationState;
use nexora_core::model::connection::Connection;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{AutomationId, TenantId};
use nexora_engine::automation::context::Operator;
use nexora_store::{Conn, Tx, automation, connection, tenant, user};

/// A tenant, and what it is connected to.
pub struct Shared {
    pub tenant: Tenant,
    pub connections: Vec<Connection>,
    pub operator: Option<Operator>,
}

/// What was read so far.
#[derive(Default)]
pub struct SharedRows {
    tenants: HashMap<TenantId, Arc<Shared>>,
    automations: HashMap<AutomationId, AutomationState>,
    operator: OnceCell<Option<Operator>>,
}

impl SharedRows {
    /// # Errors
    /// `Internal` when the tenant is gone.
    pub fn of_tenant(&mut self, conn: &mut Conn, id: &TenantId) -> Result<Arc<Shared>> {
        if let Some(known) = self.tenants.get(id) {
            return Ok(Arc::clone(known));
        }
        let tx = &mut conn.of(id);
        let tenant =
            tenant::find(tx, id)?.ok_or_else(|| Error::internal(format!("tenant `{id}` is gone")))?;
        let connections = connection::list(tx, CONNECTION_LIMIT)?;
        let shared = Arc::new(Shared { tenant, connections, operator: self.operator(tx)? });
        self.tenants.insert(id.clone(), Arc::clone(&shared));
        Ok(shared)
    }

    /// # Errors
    /// `Internal` when the automation is gone.
    pub fn automation_state(&mut self, tx: &mut Tx, id: &AutomationId) -> Result<AutomationState> {
        match self.automations.entry(id.clone()) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(place) => {
                let found = automation::find(tx, id)?;
                let found = found.ok_or_else(|| Error::internal(format!("automation `{id}` is gone")))?;
                Ok(*place.insert(found.state))
            }
        }
    }

    fn operator(&self, conn: &mut Conn) -> Result<Option<Operator>> {
        if let Some(known) = self.operator.get() {
            return Ok(known.clone());
        }
        let found = user::first_operator(conn)?.map(|user| Operator { name: user.name, email: user.email });
        Ok(self.operator.get_or_init(|| found).clone())
    }
}
