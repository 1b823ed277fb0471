//! Automation versions, parsed once: a version never changes, so it is never read twice.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use crate::base::{Error, Result};
use crate::engine::context::Settings;
use crate::engine::definition::Definition;
use crate::model::automation::MessageTemplates;
use crate::model::{AutomationId, TenantId};
use crate::store::{Conn, automation};

/// A version, ready for use.
pub struct Parsed {
    pub definition: Definition,
    pub settings: Settings,
    pub templates: MessageTemplates,
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
