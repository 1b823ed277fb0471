//! What the public sees of a tenant: itself, its form, and the wordings of consent in force.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nexora_core::base::{Error, Result};
use nexora_core::model::address::Slug;
use nexora_core::model::consent::Channel;
use nexora_core::model::form::{ConsentText, Form, FormSettings};
use nexora_core::model::tenant::Tenant;
use nexora_core::model::tenant_setting::TenantSettings;
use nexora_store::{Conn, Db, form, tenant};

/// A tenant as the public sees it.
#[derive(Clone, Debug)]
pub struct PublicProfile {
    pub tenant: Arc<Tenant>,
    pub settings: TenantSettings,
    pub form: FormSettings,
    /// A PNG.
    pub logo: Option<Vec<u8>>,
    /// Turnstile's secret key, sealed.
    pub turnstile_sealed: Option<Vec<u8>>,
    /// The latest wording of each channel that has one.
    pub wordings: BTreeMap<Channel, ConsentText>,
}

impl PublicProfile {
    fn load(conn: &mut Conn, slug: &Slug) -> Result<Option<PublicProfile>> {
        let Some(tenant) = tenant::find_by_slug(conn, slug)? else { return Ok(None) };
        let mut wordings = BTreeMap::new();
        for channel in Channel::ALL {
            if let Some(latest) = form::wordings(&mut conn.of(&tenant.id), *channel, 1)?.pop() {
                wordings.insert(*channel, latest);
            }
        }
        let form = form::find(&mut conn.of(&tenant.id))?;
        let settings = form.as_ref().map_or_else(|| Ok(FormSettings::default()), Form::settings)?;
        let (logo, turnstile_sealed) =
            form.map(|form| (form.logo, form.turnstile_sealed)).unwrap_or_default();
        Ok(Some(PublicProfile {
            settings: tenant.settings()?,
            tenant: Arc::new(tenant),
            form: settings,
            logo,
            turnstile_sealed,
            wordings,
        }))
    }
}

/// Profiles by slug, as they were at most [`AGE`] ago, so that a burst of leads reads each once.
#[derive(Default)]
pub struct PublicProfiles(Mutex<HashMap<Slug, (Instant, Arc<PublicProfile>)>>);

const AGE: Duration = Duration::from_secs(1);
const LIMIT: usize = 10_000;

impl PublicProfiles {
    pub async fn find(&self, db: &Db, slug: &Slug) -> Result<Arc<PublicProfile>> {
        if let Some(profile) = self.get(slug) {
            return Ok(profile);
        }
        let wanted = slug.clone();
        let found = db.read(move |conn| PublicProfile::load(conn, &wanted)).await?;
        let profile = Arc::new(found.ok_or_else(|| Error::not_found(format!("no tenant `{slug}`")))?);
        let mut profiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if profiles.len() >= LIMIT {
            profiles.clear();
        }
        profiles.insert(slug.clone(), (Instant::now(), Arc::clone(&profile)));
        Ok(profile)
    }

    /// Lets go of what is known, so that a change is seen at once in this process.
    pub fn forget(&self, slug: &Slug) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(slug);
    }

    fn get(&self, slug: &Slug) -> Option<Arc<PublicProfile>> {
        let profiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let young = profiles.get(slug).filter(|(read_at, _)| read_at.elapsed() < AGE);
        young.map(|(_, profile)| Arc::clone(profile))
    }
}
