//! A tenant: the customer whose data this is.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::TenantId;
use crate::model::address::{Country, EmailAddress, PhoneNumber, Slug, Zone};
use crate::model::panel::Panel;

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
        links_epoch -> Integer,
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
    /// Links to the status page that were signed in another epoch no longer open it.
    #[diesel(skip_update)]
    pub links_epoch: i32,
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

    /// # Errors
    /// `Internal` when what is stored cannot be read.
    pub fn settings(&self) -> Result<TenantSettings> {
        self.settings.read()
    }
}

/// What holds for all automations of a tenant. Texts with a form of their own were checked when
/// they were set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// When somebody is there: `Mon-Fri 08:00-18:00, Sat 09:00-12:00`.
    pub business_hours: String,
    /// When nobody is written to who did not just write: `21:00-08:00`, or `none`.
    pub quiet_hours: String,
    /// What the law wants in every commercial mail (15 U.S.C. 7704(a)(5)).
    pub postal_address: String,
    /// Where customers are asked to leave a review.
    pub review_url: String,
    pub website: String,
    /// The colour of buttons and headings in mails: `#0b6bcb`.
    pub color: String,
    /// Whether commercial mail needs consent that was given in so many words.
    pub explicit_consent: bool,
    /// Commercial messages that a person gets in `cap_window` at most.
    pub cap: u32,
    pub cap_window: String,
    /// The least time between two commercial messages to a person.
    pub spacing: String,
    /// What a person would have needed for one message or record, in minutes.
    pub minutes_saved: u32,
    /// What the status page shows, in order.
    pub status_panels: Vec<Panel>,
}

impl Default for TenantSettings {
    fn default() -> TenantSettings {
        TenantSettings {
            business_hours: "Mon-Fri 08:00-18:00".to_owned(),
            quiet_hours: "21:00-08:00".to_owned(),
            postal_address: String::new(),
            review_url: String::new(),
            website: String::new(),
            color: "#0b6bcb".to_owned(),
            explicit_consent: false,
            cap: 4,
            cap_window: "7days".to_owned(),
            spacing: "20h".to_owned(),
            minutes_saved: 4,
            status_panels: Panel::ALL.to_vec(),
        }
    }
}
