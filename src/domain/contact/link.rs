//! Addresses on the web that are made for one contact: to leave a review, to end commercial mail.
//! And the keyed hash by which a suppressed address is known.

use crate::app::App;
use nexora_core::base::token::PurposeKey;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::contact::AddressKind;
use nexora_core::model::tenant::Tenant;
use nexora_core::model::{ContactId, PhotoId, RunId, TenantId};
use nexora_engine::automation::context::{Links, Person};

/// Makes and opens the links of one installation.
#[derive(Clone)]
pub struct SignedLinks {
    base_url: String,
    unsubscribe: PurposeKey,
    review: PurposeKey,
    photo: PurposeKey,
    hash: PurposeKey,
}

/// What an unsubscribe link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    pub tenant_id: TenantId,
    pub contact_id: ContactId,
    /// The hash of the address that it was sent to.
    pub hash: String,
}

/// What a review link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    pub tenant_id: TenantId,
    pub contact_id: ContactId,
    pub run_id: RunId,
}

impl SignedLinks {
    pub fn of(app: &App) -> SignedLinks {
        let key = |purpose| PurposeKey::new(&app.key, purpose);
        SignedLinks {
            base_url: app.config.http.public_url.clone(),
            unsubscribe: key("unsubscribe link"),
            review: key("review link"),
            photo: key("photo link"),
            hash: key("suppression"),
        }
    }

    /// Returns the links of a run's contact.
    pub fn links(&self, tenant: &Tenant, person: Option<&Person>, run: &RunId) -> Links {
        let Some(person) = person else { return Links::default() };
        let contact = &person.contact.id;
        let email = person.addresses.iter().find(|(kind, _)| *kind == AddressKind::Email);
        let asks = tenant.settings().is_ok_and(|settings| !settings.review_url.is_empty());
        Links {
            unsubscribe: email.map(|(_, email)| {
                let body = format!("{}.{contact}.{}", tenant.id, self.hash_of(&tenant.id, email));
                format!("{}/u/{}", self.base_url, self.unsubscribe.sign(&body))
            }),
            review: asks.then(|| {
                let body = format!("{}.{contact}.{run}", tenant.id);
                format!("{}/r/{}", self.base_url, self.review.sign(&body))
            }),
            photos: Vec::new(),
        }
    }

    /// Returns the links of the photos that came with a lead.
    pub fn photos(&self, tenant: &TenantId, photos: &[PhotoId]) -> Vec<String> {
        let link = |id| format!("{}/photo/{}", self.base_url, self.photo.sign(&format!("{tenant}.{id}")));
        photos.iter().map(link).collect()
    }

    /// Opens a photo link's token; nothing when it was not ours.
    pub fn open_photo(&self, token: &str) -> Option<(TenantId, PhotoId)> {
        let (tenant, photo) = self.photo.open(token)?.split_once('.')?;
        Some((TenantId::parse(tenant).ok()?, PhotoId::parse(photo).ok()?))
    }

    /// Returns the hash of an address in the form that matching uses.
    pub fn hash_of(&self, tenant: &TenantId, address: &str) -> String {
        self.hash.hash(&format!("{tenant}|{}", address.trim().to_lowercase()))
    }

    /// Returns the hashes under which an address may be suppressed.
    pub fn hashes_of(&self, tenant: &TenantId, address: &str) -> Vec<String> {
        EmailAddress::kept_forms(address).iter().map(|form| self.hash_of(tenant, form)).collect()
    }

    /// Returns the hash of an address that is the same for all tenants.
    pub fn hash_for_all(&self, address: &str) -> String {
        self.hash.hash(&format!("all|{}", address.trim().to_lowercase()))
    }

    pub fn hash_of_email(&self, tenant: &TenantId, email: &EmailAddress) -> String {
        self.hash_of(tenant, &email.key())
    }

    /// Opens an unsubscribe link's token; nothing when it was not ours.
    pub fn open_unsubscribe(&self, token: &str) -> Option<Unsubscribe> {
        let mut parts = self.unsubscribe.open(token)?.split('.');
        Some(Unsubscribe {
            tenant_id: TenantId::parse(parts.next()?).ok()?,
            contact_id: ContactId::parse(parts.next()?).ok()?,
            hash: parts.next()?.to_owned(),
        })
    }

    /// Opens a review link's token; nothing when it was not ours.
    pub fn open_review(&self, token: &str) -> Option<Review> {
        let mut parts = self.review.open(token)?.split('.');
        Some(Review {
            tenant_id: TenantId::parse(parts.next()?).ok()?,
            contact_id: ContactId::parse(parts.next()?).ok()?,
            run_id: RunId::parse(parts.next()?).ok()?,
        })
    }
}
