//! A mail that arrived, as far as it is kept: its text, what its headers say, and the names of its
//! attachments. The HTML and the attachments themselves are not kept.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::message::DeliveryState;

/// The header by which a mail that we sent is found again, also where it comes back in a report.
pub const EFFECT_HEADER: &str = "X-Nexora-Effect";

/// The header with the mark of the effect, which is the same when it is promised anew.
pub const MARK_HEADER: &str = "X-Nexora-Mark";

define_words! {
    /// Who wrote a mail, as its headers and parts tell.
    MailKind = "mail kind" {
        Person = "person",
        /// An answering machine, such as an out-of-office notice (RFC 3834).
        Automatic = "automatic",
        /// A list or a campaign.
        Bulk = "bulk",
        /// A mail system that could not deliver (RFC 3464), now or at all.
        Bounce = "bounce",
        /// A program that tells what became of a mail or an invitation: a delivery that is late or done, a
        /// read receipt (RFC 8098), an answer to a calendar invitation (RFC 5546).
        Notice = "notice",
        /// A mailbox provider whose user called a mail spam (RFC 5965).
        Complaint = "complaint",
    }
}

impl MailKind {
    /// Tells whether such a mail reports of another mail, and can neither be a lead nor an answer.
    pub fn is_report(self) -> bool {
        match self {
            MailKind::Bounce | MailKind::Notice | MailKind::Complaint => true,
            MailKind::Person | MailKind::Automatic | MailKind::Bulk => false,
        }
    }
}

/// What a report says of a mail that was sent (RFC 3464, RFC 5965), or the text of one written for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailReport {
    /// The effect that sent the mail, where what came back of it says so.
    pub effect: Option<String>,
    /// The Message-IDs by which it may name that mail, without angle brackets; the surest first.
    pub message_ids: Vec<String>,
    /// None of a complaint.
    pub recipients: Vec<ReportedRecipient>,
}

/// What became of a mail for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRecipient {
    /// Its addresses in lower case: where it went in the end, and what the sender wrote. Empty where the
    /// report names none.
    pub addresses: Vec<String>,
    pub state: DeliveryState,
    /// The words of the mail system.
    pub diagnostic: String,
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
    /// What its writer newly wrote, where that is not all of `text`: without the mail that it quotes, and
    /// without the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<MailReport>,
    /// The domains for which the receiving server found the sender to be genuine.
    #[serde(default)]
    pub authenticated: Vec<String>,
    /// The receiving server found that the sender's domain did not send it (DMARC, RFC 7489).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_spoofed: bool,
}

impl Mail {
    /// Returns what its writer newly wrote.
    pub fn own_text(&self) -> &str {
        self.own_text.as_deref().unwrap_or(&self.text)
    }
}

/// One leaf of a mail's MIME tree, its transfer encoding undone. A mail within the mail (RFC 2046,
/// section 5.2) is a leaf.
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
    /// The number of the `multipart/alternative` that it is one of, if it is: its leaves say the same.
    pub alternative: Option<u32>,
}
