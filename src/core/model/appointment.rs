//! An appointment: an entry of a connected calendar in which a customer takes part, as it stands.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::{AppointmentId, ConnectionId, ContactId, TenantId};

define_words! {
    /// Whether it is to take place.
    AppointmentState = "appointment state" { Booked = "booked", Cancelled = "cancelled" }
}

diesel::table! {
    appointments (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        connection_id -> Text,
        calendar -> Text,
        entry_id -> Text,
        contact_id -> Nullable<Text>,
        title -> Text,
        location -> Text,
        state -> Text,
        starts_at -> BigInt,
        ends_at -> BigInt,
        all_day -> Bool,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Serialize)]
#[diesel(table_name = appointments, primary_key(tenant_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Appointment {
    pub tenant_id: TenantId,
    pub id: AppointmentId,
    #[diesel(skip_update)]
    pub connection_id: ConnectionId,
    #[diesel(skip_update)]
    pub calendar: String,
    /// The provider's id of the entry, or of the instance of a series.
    #[diesel(skip_update)]
    pub entry_id: String,
    pub contact_id: Option<ContactId>,
    pub title: String,
    pub location: String,
    pub state: AppointmentState,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub all_day: bool,
    /// Grows whenever it is moved, cancelled or booked again.
    pub version: i32,
    #[diesel(skip_update)]
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What a message says about an appointment: it goes out only while that is still so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub connection_id: ConnectionId,
    pub calendar: String,
    pub entry_id: String,
    /// When it begins, or nothing where the message says that it is cancelled.
    pub starts_at: Option<Timestamp>,
    /// It is cancelled for this customer alone: for others it may stand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_one: bool,
}
