//! Automation versions, parsed once: a version never changes, so it is never read twice.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use nexora_core::base::{Error, Result};
use nexora_core::model::AutomationId;
use nexora_core::model::automation::{MessageTemplates, Version};
use nexora_core::model::language::Language;
use nexora_core::model::tenant::Tenant;
use nexora_engine::automation::context::{self, Settings};
use nexora_engine::automation::definition::{Definition, Same};
use nexora_engine::automation::render::Renderer;
use nexora_engine::automation::trigger::{Trigger, Watch};
use nexora_store::{Tx, automation};

/// A version, ready for use.
pub struct Parsed {
    pub definition: Definition,
    pub settings: Settings,
    pub templates: MessageTemplates,
    /// The language of its messages.
    pub language: Language,
    pub mentions: Mentions,
}

/// What its texts speak of, so that nothing else is read for a run. A word that only looks so costs a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mentions {
    pub conversation: bool,
    pub job: bool,
    pub photos: bool,
}

impl Mentions {
    fn of(version: &Version) -> Mentions {
        let texts = [version.definition.as_str(), version.templates.as_str()];
        let mentions = |word: &str| texts.iter().any(|text| text.contains(word));
        Mentions { conversation: mentions("conversation"), job: mentions("job"), photos: mentions("photos") }
    }
}

impl Parsed {
    /// # Errors
    /// `Internal` or `Usage` when what is stored cannot be read.
    pub fn of(version: &Version) -> Result<Parsed> {
        let settings: Settings = version.settings.read()?;
        Ok(Parsed {
            definition: Definition::parse(&version.definition)?.unrolled(&settings),
            settings,
            templates: version.templates.read()?,
            language: version.language,
            mentions: Mentions::of(version),
        })
    }

    /// Returns what its triggers wait for in this tenant.
    ///
    /// # Errors
    /// `Usage` naming what cannot be read; `automation enable` has refused such settings.
    pub fn watches(&self, tenant: &Tenant) -> Result<Vec<Watch>> {
        let triggers = self.definition.triggers.iter();
        let read = self.read(tenant, triggers.enumerate())?;
        Ok(read.into_iter().flatten().collect())
    }

    /// Returns what ends its runs in this tenant, and what the event must have in common with one.
    ///
    /// # Errors
    /// As `watches`.
    pub fn stops(&self, tenant: &Tenant) -> Result<Vec<(Same, Watch)>> {
        let stops = &self.definition.stops;
        let read = self.read(tenant, stops.iter().map(|stop| &stop.trigger).enumerate())?;
        Ok(stops.iter().zip(read).filter_map(|(stop, watch)| Some((stop.same, watch?))).collect())
    }

    /// Returns how long after its last message a contact gets another run, where there is a limit.
    ///
    /// # Errors
    /// `Usage` when the text is no duration.
    pub fn again_after(&self, tenant: &Tenant) -> Result<Option<Duration>> {
        let context = context::of_trigger(tenant, &self.settings);
        self.definition.reentry.again_after(&Renderer::of(tenant)?, &context)
    }

    fn read<'a>(
        &self,
        tenant: &Tenant,
        triggers: impl Iterator<Item = (usize, &'a Trigger)>,
    ) -> Result<Vec<Option<Watch>>> {
        let renderer = Renderer::of(tenant)?;
        let context = context::of_trigger(tenant, &self.settings);
        triggers
            .map(|(number, trigger)| {
                trigger.watch(i32::try_from(number).unwrap_or(i32::MAX), &renderer, &context)
            })
            .collect()
    }
}

/// The number of a version that is being tried out. It may change under its number, so it is not kept.
pub const DRAFT: i32 = 0;

type Key = (AutomationId, i32);

static PARSED: LazyLock<Mutex<HashMap<Key, Arc<Parsed>>>> = LazyLock::new(Mutex::default);

/// Versions kept at most; beyond it all are let go and parsed again when wanted.
const LIMIT: usize = 4_096;

/// Returns a version of a tenant's automation.
///
/// # Errors
/// `Internal` when it is not there, or cannot be read.
pub fn parsed(tx: &mut Tx, id: &AutomationId, number: i32) -> Result<Arc<Parsed>> {
    if number == DRAFT {
        return read(tx, id, number).map(Arc::new);
    }
    let key = (id.clone(), number);
    if let Some(parsed) = PARSED.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(Arc::clone(parsed));
    }
    let parsed = Arc::new(read(tx, id, number)?);
    let mut all = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= LIMIT {
        all.clear();
    }
    all.insert(key, Arc::clone(&parsed));
    Ok(parsed)
}

fn read(tx: &mut Tx, id: &AutomationId, number: i32) -> Result<Parsed> {
    let version = automation::find_version(tx, id, number)?;
    let gone = || Error::internal(format!("version {number} of automation `{id}` is gone"));
    Parsed::of(&version.ok_or_else(gone)?)
}
