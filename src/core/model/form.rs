//! A tenant's form: which fields it has, what it says, where it may be shown.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::consent::Channel;
use crate::model::{LeadId, PhotoId, TenantId};

define_words! {
    /// A field that a form can have.
    FieldName = "field" {
        Name = "name",
        Phone = "phone",
        Email = "email",
        Service = "service",
        Postcode = "postcode",
        Address = "address",
        PreferredTime = "preferred_time",
        Message = "message",
        Photos = "photos",
        ConsentSms = "consent_sms",
        ConsentMarketing = "consent_marketing",
    }

    /// Whether a field must be filled in.
    Need = "need" { Required = "required", Optional = "optional" }
}

impl FieldName {
    /// Returns the channel that a box for consent is about.
    pub fn channel(self) -> Option<Channel> {
        match self {
            FieldName::ConsentSms => Some(Channel::Sms),
            FieldName::ConsentMarketing => Some(Channel::Email),
            FieldName::Name
            | FieldName::Phone
            | FieldName::Email
            | FieldName::Service
            | FieldName::Postcode
            | FieldName::Address
            | FieldName::PreferredTime
            | FieldName::Message
            | FieldName::Photos => None,
        }
    }
}

/// A field of one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub name: FieldName,
    pub need: Need,
}

/// What a tenant chose for its form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FormSettings {
    /// In the order in which they are shown.
    pub fields: Vec<Field>,
    /// What may be chosen as the service; none lets people write it.
    pub services: Vec<String>,
    /// Where the business works, in its own words.
    pub service_area: String,
    /// What is called when it cannot wait, as it is to be shown.
    pub emergency_phone: String,
    /// The sentence below the name.
    pub intro: String,
    /// What happens after a request was sent, a line each; none says what is known.
    pub next_steps: Vec<String>,
    /// Origins of websites that may show the form in a frame.
    pub embed_on: Vec<String>,
    /// Origins of websites whose scripts may send requests.
    pub scripts_from: Vec<String>,
    /// Whether browsers work out a small puzzle while the form is filled in.
    pub proof_of_work: bool,
    /// The public key of a Cloudflare Turnstile widget; none for no such widget.
    pub turnstile_site_key: String,
}

impl Default for FormSettings {
    fn default() -> FormSettings {
        let required = |name| Field { name, need: Need::Required };
        let optional = |name| Field { name, need: Need::Optional };
        FormSettings {
            fields: vec![
                required(FieldName::Name),
                optional(FieldName::Phone),
                optional(FieldName::Email),
                optional(FieldName::Service),
                optional(FieldName::Postcode),
                optional(FieldName::Message),
                optional(FieldName::Photos),
            ],
            services: Vec::new(),
            service_area: String::new(),
            emergency_phone: String::new(),
            intro: String::new(),
            next_steps: Vec::new(),
            embed_on: Vec::new(),
            scripts_from: Vec::new(),
            proof_of_work: false,
            turnstile_site_key: String::new(),
        }
    }
}

impl FormSettings {
    /// Returns the need of a field; nothing when the form does not have it.
    pub fn need(&self, name: FieldName) -> Option<Need> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.need)
    }
}

diesel::table! {
    forms (tenant_id) {
        tenant_id -> Text,
        settings -> Text,
        logo -> Nullable<Binary>,
        turnstile_sealed -> Nullable<Binary>,
        updated_at -> BigInt,
    }
}

/// What is kept of a tenant's form.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = forms, primary_key(tenant_id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Form {
    pub tenant_id: TenantId,
    /// A [`FormSettings`].
    pub settings: Json,
    /// A PNG.
    #[serde(skip)]
    pub logo: Option<Vec<u8>>,
    /// Turnstile's secret key, sealed.
    #[serde(skip)]
    pub turnstile_sealed: Option<Vec<u8>>,
    pub updated_at: Timestamp,
}

impl Form {
    /// The form of a tenant that has chosen nothing yet.
    pub fn plain(tenant: &TenantId, now: Timestamp) -> Form {
        Form {
            tenant_id: tenant.clone(),
            settings: Json::empty_object(),
            logo: None,
            turnstile_sealed: None,
            updated_at: now,
        }
    }

    /// # Errors
    /// `Internal` when what is stored cannot be read.
    pub fn settings(&self) -> Result<FormSettings> {
        self.settings.read()
    }

    /// Returns what the sealed secret is bound to.
    pub fn seal_owner(tenant: &TenantId) -> String {
        format!("{tenant}/form")
    }
}

diesel::table! {
    wordings (tenant_id, channel, version) {
        tenant_id -> Text,
        channel -> Text,
        version -> Integer,
        wording -> Text,
        created_at -> BigInt,
    }
}

/// A wording of consent, as people are shown it. A new text is a new version.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = wordings, treat_none_as_default_value = false)]
pub struct ConsentText {
    #[serde(skip)]
    pub tenant_id: TenantId,
    pub channel: Channel,
    pub version: i32,
    pub wording: String,
    pub created_at: Timestamp,
}

diesel::table! {
    photos (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        lead_id -> Text,
        width -> Integer,
        height -> Integer,
        content -> Binary,
        created_at -> BigInt,
    }
}

/// A photo that came with a lead: a JPEG that we made of what was sent.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = photos, treat_none_as_default_value = false)]
pub struct Photo {
    pub tenant_id: TenantId,
    pub id: PhotoId,
    pub lead_id: LeadId,
    pub width: i32,
    pub height: i32,
    #[serde(skip)]
    pub content: Vec<u8>,
    pub created_at: Timestamp,
}
