//! A message that goes out: what its channel carries, and whom it is for.
//!
//! A message to a customer has an [`Envelope`]: the gate before every delivery decides by it, and
//! by the recipient's address on the channel. A new channel is a variant of [`Content`], and the
//! compiler names every place that has to know it.
//!
//! The stored form is flat: `kind` is the channel's effect kind, and the envelope is called `letter`.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::model::ContactId;
use crate::model::address::EmailAddress;
use crate::model::appointment::Intent;
use crate::model::consent::Channel;
use crate::model::contact::AddressKind;
use crate::model::effect::EffectKind;
use crate::model::message::MessageClass;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboundMessage {
    #[serde(flatten)]
    pub content: Content,
    #[serde(rename = "letter", default = "business", skip_serializing_if = "is_business")]
    pub audience: Audience,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Envelope>", into = "Option<Envelope>")]
pub enum Audience {
    /// It goes out when the gate lets it.
    Customer(Envelope),
    /// The business itself, which is told at once.
    Business,
}

/// What the gate has to know of a message to a customer, besides its channel and address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub class: MessageClass,
    /// Nothing where the customer is no contact of the tenant.
    pub contact_id: Option<ContactId>,
    /// Until when quiet hours do not hold it, since it answers what was just written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What it says about an appointment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
}

/// What a channel carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Content {
    #[serde(rename = "mail.send")]
    Mail(MailContent),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MailContent {
    pub to: EmailAddress,
    /// The name shown beside the sender's address.
    pub from_name: String,
    pub reply_to: Option<EmailAddress>,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// What it answers or follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Thread>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MailAttachment>,
    /// Where one click ends mail of this kind (RFC 8058); set on commercial mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe_url: Option<String>,
}

/// The conversation that a mail goes on with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The provider's name for it, where the same connection carries it on.
    pub id: Option<String>,
    /// Message-IDs of what came before, without angle brackets; the last is answered (RFC 5322,
    /// section 3.6.4).
    pub references: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailAttachment {
    pub name: String,
    pub mime_type: String,
    /// Base64 (RFC 4648).
    pub content: String,
}

/// The address that a message goes to, on its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient<'a> {
    Email(&'a EmailAddress),
}

impl OutboundMessage {
    /// Returns what the gate goes by, where the message is for a customer.
    pub fn envelope(&self) -> Option<&Envelope> {
        match &self.audience {
            Audience::Customer(envelope) => Some(envelope),
            Audience::Business => None,
        }
    }
}

impl Content {
    pub fn kind(&self) -> EffectKind {
        match self {
            Content::Mail(_) => EffectKind::SendMail,
        }
    }

    pub fn recipient(&self) -> Recipient<'_> {
        match self {
            Content::Mail(mail) => Recipient::Email(&mail.to),
        }
    }

    /// Returns its subject; nothing where the channel has none.
    pub fn subject(&self) -> &str {
        match self {
            Content::Mail(mail) => &mail.subject,
        }
    }

    /// Returns what it says, without markup.
    pub fn text(&self) -> &str {
        match self {
            Content::Mail(mail) => &mail.text,
        }
    }
}

impl Recipient<'_> {
    /// Returns the channel whose consent counts.
    pub fn channel(self) -> Channel {
        match self {
            Recipient::Email(_) => Channel::Email,
        }
    }

    pub fn address_kind(self) -> AddressKind {
        match self {
            Recipient::Email(_) => AddressKind::Email,
        }
    }

    /// Returns the address in the form by which contacts and suppressions are matched.
    pub fn key(self) -> String {
        match self {
            Recipient::Email(email) => email.key(),
        }
    }
}

impl std::fmt::Display for Recipient<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Recipient::Email(email) => email.fmt(f),
        }
    }
}

impl From<Option<Envelope>> for Audience {
    fn from(envelope: Option<Envelope>) -> Audience {
        envelope.map_or(Audience::Business, Audience::Customer)
    }
}

impl From<Audience> for Option<Envelope> {
    fn from(audience: Audience) -> Option<Envelope> {
        match audience {
            Audience::Customer(envelope) => Some(envelope),
            Audience::Business => None,
        }
    }
}

/// A stored message without an envelope is one to the business.
fn business() -> Audience {
    Audience::Business
}

fn is_business(audience: &Audience) -> bool {
    *audience == Audience::Business
}
