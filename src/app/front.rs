//! What the public sees of a tenant: itself, its form, and the wordings of consent in force.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::base::{Error, Result};
use crate::model::address::Slug;
use crate::model::consent::Channel;
use crate::model::form::{Form, FormSettings, Wording};
use crate::model::tenant::Tenant;
use crate::model::tenant_setting::TenantSettings;
use crate::store::{Conn, Db, form, tenant};

#[derive(Clone, Debug)]
pub struct Front {
    pub tenant: Arc<Tenant>,
    pub settings: TenantSettings,
    pub form: FormSettings,
    /// A PNG.
    pub logo: Option<Vec<u8>>,
    /// Turnstile's secret key, sealed.
    pub turnstile_sealed: Option<Vec<u8>>,
    /// The latest wording of each channel that has one.
    pub wordings: BTreeMap<Channel, Wording>,
}

impl Front {
    fn load(conn: &mut Conn, slug: &Slug) -> Result<Option<Front>> {
        let Some(tenant) = tenant::find_by_slug(conn, slug)? else { return Ok(None) };
        let mut wordings = BTreeMap::new();
        for channel in Channel::ALL {
            if let Some(latest) = form::wordings(conn, &tenant.id, *channel, 1)?.pop() {
                wordings.insert(*channel, latest);
            }
        }
        let form = form::find(conn, &tenant.id)?;
        let settings = form.as_ref().map_or_else(|| Ok(FormSettings::default()), Form::settings)?;
        let (logo, turnstile_sealed) =
            form.map(|form| (form.logo, form.turnstile_sealed)).unwrap_or_default();
        Ok(Some(Front {
            settings: tenant.settings()?,
            tenant: Arc::new(tenant),
            form: settings,
            logo,
            turnstile_sealed,
            wordings,
        }))
    }
}

/// Fronts by slug, as they were at most [`AGE`] ago, so that a burst of leads reads each once.
#[derive(Default)]
pub struct Fronts(Mutex<HashMap<Slug, (Instant, Arc<Front>)>>);

const AGE: Duration = Duration::from_secs(1);
const LIMIT: usize = 10_000;

impl Fronts {
    pub async fn find(&self, db: &Db, slug: &Slug) -> Result<Arc<Front>> {
        if let Some(front) = self.get(slug) {
            return Ok(front);
        }
        let wanted = slug.clone();
        let found = db.read(move |conn| Front::load(conn, &wanted)).await?;
        let front = Arc::new(found.ok_or_else(|| Error::not_found(format!("no tenant `{slug}`")))?);
        let mut fronts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if fronts.len() >= LIMIT {
            fronts.clear();
        }
        fronts.insert(slug.clone(), (Instant::now(), Arc::clone(&front)));
        Ok(front)
    }

    /// Lets go of what is known, so that a change is seen at once in this process.
    pub fn forget(&self, slug: &Slug) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(slug);
    }

    fn get(&self, slug: &Slug) -> Option<Arc<Front>> {
        let fronts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let young = fronts.get(slug).filter(|(read_at, _)| read_at.elapsed() < AGE);
        young.map(|(_, front)| Arc::clone(front))
    }
}
