//! A message: one mail between the business and a contact, in or out.

use diesel::prelude::*;
use serde::Serialize;

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::{ConnectionId, ContactId, MessageId, TenantId};

define_words! {
    /// Who wrote it.
    Author = "author" {
        Contact = "contact",
        /// One of our effects sent it.
        Nexora = "nexora",
        /// A person of the business wrote it by hand.
        Person = "person",
        /// An answering machine or a mail system.
        Machine = "machine",
        /// It claims to be from a person, and the receiving server found that the sender's domain did not send it.
        Unverified = "unverified",
    }

    /// What a message is for. It decides which gates it passes.
    MessageClass = "message class" {
        /// It belongs to what the person asked for or agreed: an answer, a reminder.
        Transactional = "transactional",
        /// It asks for business or a favour: a follow-up, a review request.
        Commercial = "commercial",
    }

    /// What became of a message that was sent, as far as mail systems reported it (RFC 3464, RFC 3463); in the order
    /// of their finality.
    DeliveryState = "delivery state" {
        /// Not delivered yet; the mail system goes on trying.
        Delayed = "delayed",
        /// Handed on to a system or to members of a list, of which nothing more is heard.
        Relayed = "relayed",
        Delivered = "delivered",
        /// Not delivered, for a reason that is not the address: a full mailbox, a refused content.
        SoftBounced = "soft-bounced",
        /// Not delivered: the address does not work.
        HardBounced = "hard-bounced",
    }
}

impl DeliveryState {
    pub fn is_failure(self) -> bool {
        match self {
            DeliveryState::SoftBounced | DeliveryState::HardBounced => true,
            DeliveryState::Delivered | DeliveryState::Relayed | DeliveryState::Delayed => false,
        }
    }
}

diesel::table! {
    messages (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        connection_id -> Text,
        author -> Text,
        contact_id -> Nullable<Text>,
        lead_id -> Nullable<Text>,
        effect_id -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        thread_id -> Nullable<Text>,
        rfc_id -> Nullable<Text>,
        sender -> Text,
        recipient -> Text,
        subject -> Text,
        body -> Text,
        sent_at -> BigInt,
        stored_at -> BigInt,
        class -> Nullable<Text>,
        run_id -> Nullable<Text>,
        delivery -> Nullable<Text>,
    }
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
pub struct Message {
    pub tenant_id: TenantId,
    pub id: MessageId,
    pub connection_id: ConnectionId,
    pub author: Author,
    pub contact_id: Option<ContactId>,
    /// The lead that it is about, where that is known.
    pub lead_id: Option<String>,
    /// The effect that sent it.
    pub effect_id: Option<String>,
    /// The provider's name for it: a Gmail message id.
    pub provider_id: Option<String>,
    /// The provider's name for its thread.
    pub thread_id: Option<String>,
    /// Its Message-ID (RFC 5322) as it arrived, without angle brackets.
    pub rfc_id: Option<String>,
    pub sender: String,
    pub recipient: String,
    pub subject: String,
    pub body: String,
    pub sent_at: Timestamp,
    pub stored_at: Timestamp,
    /// Of one that Nexora wrote.
    pub class: Option<MessageClass>,
    /// The run that sent it.
    pub run_id: Option<String>,
    /// What was reported of it last; nothing where nothing was.
    pub delivery: Option<DeliveryState>,
}
