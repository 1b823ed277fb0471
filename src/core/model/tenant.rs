//! A tenant: the customer whose data this is.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::TenantId;
use crate::model::address::{Country, EmailAddress, PhoneNumber, Slug, Zone};
use crate::model::language::Language;
use crate::model::tenant_setting::TenantSettings;

define_words! {
    /// Whether the tenant's work goes on. While suspended, leads are taken and work waits.
    TenantState = "tenant state" { Active = "active", Suspended = "suspended" }

    /// Where the tenant's effects go.
    TenantMode = "tenant mode" {
        Live = "live",
        /// Everything is read and decided as usual, and what is sent or changed goes to the sandbox.
        Rehearsal = "rehearsal",
    }
}

diesel::table! {
    tenants (id) {
        id -> Text,
        slug -> Text,
        name -> Text,
        timezone -> Text,
        owner_email -> Text,
        phone -> Nullable<Text>,
        country -> Text,
        state -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        mode -> Text,
        settings -> Text,
        #[sql_name = "links_epoch"]
        link_generation -> Integer,
        alert_bounce -> Nullable<Text>,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = tenants, primary_key(id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Tenant {
    pub id: TenantId,
    #[diesel(skip_update)]
    pub slug: Slug,
    pub name: String,
    /// An IANA zone name, checked when the tenant was created.
    pub timezone: String,
    pub owner_email: EmailAddress,
    pub phone: Option<PhoneNumber>,
    /// The country whose national telephone numbers its leads write.
    pub country: String,
    #[diesel(skip_update)]
    pub state: TenantState,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub mode: TenantMode,
    /// A [`TenantSettings`].
    pub settings: Json,
    /// Links to the status page that were signed for another generation no longer open it.
    #[diesel(skip_update)]
    #[serde(rename = "links_epoch")]
    pub link_generation: i32,
    /// The last mail to the business that came back, an [`AlertBounce`].
    #[diesel(skip_update)]
    #[serde(skip)]
    pub alert_bounce: Option<Json>,
}

/// A mail to the business itself that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertBounce {
    pub address: String,
    /// The words of the mail system.
    pub diagnostic: String,
    pub at: Timestamp,
}

impl Tenant {
    /// Returns the zone in which people of this tenant read a clock.
    ///
    /// # Errors
    /// `Usage` when the zone data of this machine no longer has the stored name.
    pub fn zone(&self) -> Result<Zone> {
        Zone::parse(&self.timezone)
    }

    /// # Errors
    /// `Usage` when the stored code is none.
    pub fn country(&self) -> Result<Country> {
        Country::parse(&self.country)
    }

    /// Returns the language in which the business speaks.
    ///
    /// # Errors
    /// As [`Tenant::settings`].
    pub fn language(&self) -> Result<Language> {
        self.settings().map(|settings| settings.language)
    }

    /// # Errors
    /// `Internal` when what is stored cannot be read.
    pub fn alert_bounce(&self) -> Result<Option<AlertBounce>> {
        self.alert_bounce.as_ref().map(Json::read).transpose()
    }

    /// # Errors
    /// `Internal` when what is stored cannot be read.
    pub fn settings(&self) -> Result<TenantSettings> {
        self.settings.read()
    }
}
