//! A mail that arrived, as far as it is kept: its text, what its headers say, and the names of its
//! attachments. The HTML and the attachments themselves are not kept.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::define_words;

define_words! {
    /// Who wrote a mail, as its headers tell (RFC 3834, RFC 2076).
    MailKind = "mail kind" {
        Person = "person",
        /// An answering machine: out of office, a receipt.
        Automatic = "automatic",
        /// A list or a campaign.
        Bulk = "bulk",
        /// A mail system that could not deliver.
        Bounce = "bounce",
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    pub name: Option<String>,
    /// As it was written; it need not be an address that can be written to.
    pub address: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub name: String,
    pub mime_type: String,
    pub size_bytes: u64,
    /// The provider's name for it.
    pub provider_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// Its Message-ID (RFC 5322), without angle brackets.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    pub references: Vec<String>,
    pub from: Option<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub subject: String,
    pub sent_at: Option<Timestamp>,
    /// The plain text, or what the HTML says.
    pub text: String,
    /// The text was longer than what is kept of it.
    #[serde(default)]
    pub truncated: bool,
    /// A small XML document that came with it: some marketplaces send a lead so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml: Option<String>,
    /// The HTML beside the text, for as long as the mail is being taken in; it is not kept.
    #[serde(skip)]
    pub html: Option<String>,
    pub attachments: Vec<Attachment>,
    pub kind: MailKind,
    /// The domains for which the receiving server found the sender to be genuine.
    #[serde(default)]
    pub authenticated: Vec<String>,
}

/// One leaf of a mail's MIME tree, its transfer encoding undone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Lower case, without parameters.
    pub mime_type: String,
    pub filename: Option<String>,
    pub headers: Vec<(String, String)>,
    /// Nothing where only the size of an attachment is known.
    pub body: Option<Vec<u8>>,
    pub size_bytes: u64,
    pub attachment_id: Option<String>,
}
