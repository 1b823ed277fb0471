//! A contact: one person, known by e-mail addresses and telephone numbers.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::record::{CONTACT, Schema, Values, search};
use crate::model::{CompanyId, ContactId, TenantId};

define_words! {
    /// What kind of address a contact is known by.
    AddressKind = "address kind" {
        /// Lower case, as it is matched.
        Email = "email",
        /// E.164.
        Phone = "phone",
    }

    /// How an address has shown that it is the contact's. A form that anyone can fill in proves nothing.
    AddressProof = "address proof" {
        /// The lead that made the contact says so.
        Claimed = "claimed",
        /// A marketplace lends it to the contact.
        Relay = "relay",
        /// The contact answered from it.
        Wrote = "wrote",
        /// It was invited to an appointment of the business.
        Calendar = "calendar",
        /// A person of the business says so.
        Person = "person",
    }
}

impl AddressProof {
    /// Tells whether it is more than a claim.
    pub fn is_proven(self) -> bool {
        matches!(self, AddressProof::Wrote | AddressProof::Calendar | AddressProof::Person)
    }
}

diesel::table! {
    contacts (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        timezone -> Nullable<Text>,
        company_id -> Nullable<Text>,
        fields -> Text,
        search -> Text,
        deleted_at -> Nullable<BigInt>,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = contacts, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Contact {
    pub tenant_id: TenantId,
    pub id: ContactId,
    pub name: String,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The IANA zone in which this person reads a clock, where it is known.
    pub timezone: Option<String>,
    #[serde(skip)]
    pub company_id: Option<CompanyId>,
    /// What else is known, by the names of the fields of [`CONTACT`] and of the tenant's own.
    #[serde(skip)]
    pub fields: Json,
    /// What a search compares.
    #[serde(skip)]
    pub search: String,
    /// Since when it is only kept to be restored.
    #[serde(skip)]
    pub deleted_at: Option<Timestamp>,
}

impl Contact {
    /// Returns a contact of whom nothing is known but the name.
    pub fn named(tenant: &TenantId, name: &str, now: Timestamp) -> Contact {
        Contact {
            tenant_id: tenant.clone(),
            id: ContactId::new(now),
            name: name.to_owned(),
            created_at: now,
            updated_at: now,
            timezone: None,
            company_id: None,
            fields: Json::empty_object(),
            search: search::text_of_name(name),
            deleted_at: None,
        }
    }

    /// Gives it another name.
    #[must_use]
    pub fn renamed(self, name: String) -> Contact {
        let mut values: Values = self.fields.read().unwrap_or_default();
        values.insert("name".to_owned(), name.clone().into());
        let schema = Schema { kind: &CONTACT, custom: Vec::new() };
        Contact { name, search: search::text_of(&schema, &values), ..self }
    }
}

diesel::table! {
    contact_addresses (tenant_id, kind, value) {
        tenant_id -> Text,
        kind -> Text,
        value -> Text,
        contact_id -> Text,
        proof -> Text,
        added_at -> BigInt,
    }
}

/// An address by which a contact is known.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = contact_addresses)]
pub struct ContactAddress {
    pub tenant_id: TenantId,
    pub kind: AddressKind,
    /// In the form that matching uses.
    pub value: String,
    pub contact_id: ContactId,
    pub proof: AddressProof,
    /// When it was added, or proven.
    pub added_at: Timestamp,
}
