//! A lead: one homeowner's enquiry, as it came.

use std::collections::BTreeMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::{Json, define_words};
use crate::model::address::{EmailAddress, PhoneNumber};
use crate::model::consent::Channel;
use crate::model::{ContactId, LeadId, TenantId};

define_words! {
    /// How far people have come with a lead.
    LeadState = "lead state" {
        New = "new",
        Contacted = "contacted",
        Booked = "booked",
        Won = "won",
        Lost = "lost",
        /// Quarantined: kept and shown, and runs nothing.
        Spam = "spam",
        /// It came by a mail that could not be read: a person looks at the original.
        NeedsReview = "needs_review",
    }
}

diesel::table! {
    leads (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        name -> Text,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        service -> Nullable<Text>,
        message -> Nullable<Text>,
        address -> Nullable<Text>,
        postcode -> Nullable<Text>,
        preferred_time -> Nullable<Text>,
        source -> Text,
        attribution -> Text,
        is_test -> Bool,
        state -> Text,
        received_at -> BigInt,
        answered_at -> Nullable<BigInt>,
        contact_id -> Nullable<Text>,
        reply_to -> Nullable<Text>,
        original -> Nullable<Text>,
        responded_at -> Nullable<BigInt>,
        details -> Text,
        cost_cents -> Nullable<BigInt>,
        score -> Integer,
        reasons -> Text,
        body_hash -> Nullable<Text>,
        consents -> Text,
        masked_phone -> Bool,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = leads, treat_none_as_default_value = false)]
pub struct Lead {
    pub tenant_id: TenantId,
    pub id: LeadId,
    pub name: String,
    pub email: Option<EmailAddress>,
    pub phone: Option<PhoneNumber>,
    pub service: Option<String>,
    pub message: Option<String>,
    pub address: Option<String>,
    pub postcode: Option<String>,
    pub preferred_time: Option<String>,
    /// Where it came in: `form`, `api`, `cli`, or the marketplace whose mail brought it.
    pub source: String,
    /// An [`Attribution`].
    pub attribution: Json,
    /// A test lead is kept and shown, and runs nothing.
    pub is_test: bool,
    pub state: LeadState,
    pub received_at: Timestamp,
    /// When the first automatic answer was delivered to the homeowner.
    pub answered_at: Option<Timestamp>,
    pub contact_id: Option<ContactId>,
    /// Where an answer goes that is not the homeowner's own address: a marketplace's relay.
    pub reply_to: Option<EmailAddress>,
    /// The text it was read from, where that was a mail.
    pub original: Option<String>,
    /// When a person of the business first answered.
    pub responded_at: Option<Timestamp>,
    /// [`Details`].
    pub details: Json,
    /// What the marketplace charges for it, in hundredths of the tenant's currency.
    pub cost_cents: Option<i64>,
    /// How much speaks for spam; 0 is nothing, 100 and more is certain.
    pub score: i32,
    /// What speaks for spam, a sentence each.
    pub reasons: Json,
    /// A hash of the message, by which the same text from many senders is known.
    #[serde(skip)]
    pub body_hash: Option<String>,
    /// The words of consent that came with it, each an [`ConsentRecord`].
    pub consents: Json,
    /// The telephone number is lent by a marketplace: no contact is found by it.
    pub masked_phone: bool,
}

/// How fast a lead was answered: all that is counted of it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = leads)]
pub struct ResponseTime {
    pub source: String,
    pub received_at: Timestamp,
    pub answered_at: Option<Timestamp>,
    pub responded_at: Option<Timestamp>,
}

impl ResponseTime {
    /// Returns how long the first answer took, by Nexora or by a person.
    pub fn first_answer(&self) -> Option<std::time::Duration> {
        let first = [self.answered_at, self.responded_at].into_iter().flatten().min()?;
        Some(first.since(self.received_at))
    }

    /// Returns how long it took a person to answer.
    pub fn personal_answer(&self) -> Option<std::time::Duration> {
        self.responded_at.map(|at| at.since(self.received_at))
    }
}

/// Answers to questions that have no field of their own, by question.
pub type Details = BTreeMap<String, String>;

/// A word of consent as it came with a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    pub channel: Channel,
    pub given: bool,
    /// What the person was shown, with its version.
    pub wording: String,
}

/// What brought the homeowner: `utm_source`, `gclid`, `referrer` and the like, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attribution(pub BTreeMap<String, String>);

impl Attribution {
    /// What advertisers call it, and the page that led to the form.
    pub const NAMES: [&str; 10] = [
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_term",
        "utm_content",
        "gclid",
        "fbclid",
        "msclkid",
        "referrer",
        "landing_url",
    ];
}

/// An enquiry that passed validation and is not yet stored.
#[derive(Clone, Debug)]
pub struct NewLead {
    pub name: String,
    pub email: Option<EmailAddress>,
    pub phone: Option<PhoneNumber>,
    pub service: Option<String>,
    pub message: Option<String>,
    pub address: Option<String>,
    pub postcode: Option<String>,
    pub preferred_time: Option<String>,
    pub source: String,
    pub attribution: Attribution,
    pub is_test: bool,
    pub details: Details,
    pub cost_cents: Option<i64>,
}
