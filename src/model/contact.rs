//! A contact: one person, known by e-mail addresses and telephone numbers.

use diesel::Queryable;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::{ContactId, TenantId};

define_words! {
    /// What kind of address a contact is known by.
    AddressKind = "address kind" {
        /// Lower case, as it is matched.
        Email = "email",
        /// E.164.
        Phone = "phone",
    }
}

#[derive(Clone, Debug, Queryable, Serialize)]
pub struct Contact {
    pub tenant_id: TenantId,
    pub id: ContactId,
    pub name: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The IANA zone in which this person reads a clock, where it is known.
    pub timezone: Option<String>,
}
