//! What people agreed to, and addresses that are not written to.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::message::MessageClass;
use crate::model::{ConsentId, ContactId, LeadId, TenantId};

define_words! {
    /// By what way a message reaches a person.
    Channel = "channel" { Email = "email", Sms = "sms" }

    /// What a suppressed address is not sent any more.
    Scope = "scope" { All = "all", Commercial = "commercial" }

    /// Why an address is suppressed.
    SuppressionReason = "suppression reason" {
        /// The person used the link or the button in a message.
        Unsubscribed = "unsubscribed",
        /// A mail system says that the address does not work.
        Bounced = "bounced",
        /// The person called our mail spam.
        Complained = "complained",
        /// A person in the business decided it.
        Manual = "manual",
    }
}

impl Scope {
    pub fn covers(self, class: MessageClass) -> bool {
        match (self, class) {
            (Scope::All, _) | (Scope::Commercial, MessageClass::Commercial) => true,
            (Scope::Commercial, MessageClass::Transactional) => false,
        }
    }
}

diesel::table! {
    consents (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        contact_id -> Text,
        channel -> Text,
        given -> Bool,
        wording -> Text,
        source -> Text,
        actor -> Text,
        at -> BigInt,
        lead_id -> Nullable<Text>,
        address -> Nullable<Text>,
    }
}

/// One word of consent, given or taken back. The latest of a channel counts.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = consents, treat_none_as_default_value = false)]
pub struct Consent {
    pub tenant_id: TenantId,
    pub id: ConsentId,
    pub contact_id: ContactId,
    pub channel: Channel,
    pub given: bool,
    /// What the person was shown, with its version.
    pub wording: String,
    /// Where it was given: `form`, `cli`, `unsubscribe`.
    pub source: String,
    pub actor: String,
    pub at: Timestamp,
    /// The lead with which it came.
    pub lead_id: Option<LeadId>,
    /// The address or number that it is for; nothing where it is for the contact.
    pub address: Option<String>,
}

diesel::table! {
    suppressions (tenant_id, hash, scope) {
        tenant_id -> Text,
        hash -> Text,
        scope -> Text,
        reason -> Text,
        detail -> Text,
        actor -> Text,
        created_at -> BigInt,
    }
}

/// An address that is not written to, known by a keyed hash alone.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = suppressions, treat_none_as_default_value = false)]
pub struct Suppression {
    pub tenant_id: TenantId,
    pub hash: String,
    pub scope: Scope,
    pub reason: SuppressionReason,
    pub detail: String,
    pub actor: String,
    pub created_at: Timestamp,
}
