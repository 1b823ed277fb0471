//! Automation versions, parsed once: a version never changes, so it is never read twice.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::base::{Error, Result};
use crate::engine::context::{self, Settings};
use crate::engine::definition::Definition;
use crate::engine::render::Renderer;
use crate::engine::trigger::Watch;
use crate::model::automation::MessageTemplates;
use crate::model::tenant::Tenant;
use crate::model::{AutomationId, TenantId};
use crate::store::{Conn, automation};

/// A version, ready for use.
pub struct Parsed {
    pub definition: Definition,
    pub settings: Settings,
    pub templates: MessageTemplates,
}

impl Parsed {
    /// Returns what its triggers wait for in this tenant.
    ///
    /// # Errors
    /// `Usage` naming what cannot be read; `automation enable` has refused such settings.
    pub fn watches(&self, tenant: &Tenant) -> Result<Vec<Watch>> {
        let renderer = Renderer::new(tenant.zone()?.tz());
        let context = context::of_trigger(tenant, &self.settings);
        let watches = self.definition.triggers.iter().map(|trigger| trigger.watch(&renderer, &context));
        Ok(watches.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

type Key = (AutomationId, i32);

static PARSED: LazyLock<Mutex<HashMap<Key, Arc<Parsed>>>> = LazyLock::new(Mutex::default);

/// Versions kept at most; beyond it all are let go and parsed again when wanted.
const LIMIT: usize = 4_096;

/// Returns a version of a tenant's automation.
///
/// # Errors
/// `Internal` when it is not there, or cannot be read.
pub fn parsed(conn: &mut Conn, tenant: &TenantId, id: &AutomationId, number: i32) -> Result<Arc<Parsed>> {
    let key = (id.clone(), number);
    if let Some(parsed) = PARSED.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(parsed));
    }
    let version = automation::find_version(conn, tenant, id, number)?
        .ok_or_else(|| Error::internal(format!("version {number} of automation `{id}` is gone")))?;
    let parsed = Arc::new(Parsed {
        definition: Definition::parse(&version.definition)?,
        settings: version.settings.read()?,
        templates: version.templates.read()?,
    });
    let mut all = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= LIMIT {
        all.clear();
    }
    all.insert(key, Arc::clone(&parsed));
    Ok(parsed)
}
