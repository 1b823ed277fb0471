//! What a provider is asked to do: an effect with every hole filled, so that each attempt at it
//! says the same.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::ContactId;
use crate::model::address::EmailAddress;
use crate::model::appointment::Intent;
use crate::model::effect::EffectKind;
use crate::model::message::MessageClass;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum EffectRequest {
    #[serde(rename = "mail.send")]
    SendMail(SendMail),
    /// A mail that a person is to look at and send.
    #[serde(rename = "mail.draft")]
    DraftMail(SendMail),
    #[serde(rename = "mail.label")]
    LabelMail(LabelMail),
    #[serde(rename = "calendar.create_event")]
    CreateEvent(CreateEvent),
    #[serde(rename = "calendar.update_event")]
    UpdateEvent(UpdateEvent),
    #[serde(rename = "calendar.cancel_event")]
    CancelEvent(CancelEvent),
    /// Changes nothing: it asks when somebody is free.
    #[serde(rename = "calendar.find_slot")]
    FindSlot(FindSlot),
    #[serde(rename = "sheets.append_row")]
    AppendRow(AppendRow),
    #[serde(rename = "sheets.update_row")]
    UpdateRow(UpdateRow),
    #[serde(rename = "webhook.post")]
    PostWebhook(PostWebhook),
}

impl EffectRequest {
    /// Returns what the gate looks at, where it is a message to a customer.
    pub fn letter(&self) -> Option<&Letter> {
        match self {
            EffectRequest::SendMail(mail) => mail.letter.as_ref(),
            _ => None,
        }
    }

    pub fn kind(&self) -> EffectKind {
        match self {
            EffectRequest::SendMail(_) => EffectKind::SendMail,
            EffectRequest::DraftMail(_) => EffectKind::DraftMail,
            EffectRequest::LabelMail(_) => EffectKind::LabelMail,
            EffectRequest::CreateEvent(_) => EffectKind::CreateEvent,
            EffectRequest::UpdateEvent(_) => EffectKind::UpdateEvent,
            EffectRequest::CancelEvent(_) => EffectKind::CancelEvent,
            EffectRequest::FindSlot(_) => EffectKind::FindSlot,
            EffectRequest::AppendRow(_) => EffectKind::AppendRow,
            EffectRequest::UpdateRow(_) => EffectKind::UpdateRow,
            EffectRequest::PostWebhook(_) => EffectKind::PostWebhook,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendMail {
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
    /// What the gate looks at before it goes to a customer; nothing where it is for the business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<Letter>,
    /// Where one click ends mail of this kind (RFC 8058); set on commercial mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe_url: Option<String>,
}

/// A message to a customer, as the gate before it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub class: MessageClass,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelMail {
    /// The provider's name for the mail.
    pub message: String,
    /// Names of labels; one that is not there is made.
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateEvent {
    /// `primary`, or the id of another calendar that the connection's mailbox may write.
    pub calendar: String,
    pub title: String,
    pub description: String,
    pub location: Option<String>,
    pub start: Timestamp,
    pub end: Timestamp,
    /// The IANA zone in which the event is shown.
    pub timezone: String,
    #[serde(default)]
    pub attendees: Vec<EmailAddress>,
    /// Whether the provider writes to those who attend.
    #[serde(default)]
    pub notify: bool,
}

/// Changes what is named and leaves the rest as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateEvent {
    pub calendar: String,
    /// The entry's id.
    pub entry: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub location: Option<String>,
    /// When it begins and ends.
    pub time: Option<(Timestamp, Timestamp)>,
    pub timezone: String,
    /// The number of one of the provider's colours.
    pub color: Option<String>,
    pub attendees: Option<Vec<EmailAddress>>,
    pub notify: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelEvent {
    pub calendar: String,
    pub entry: String,
    pub notify: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindSlot {
    /// Somebody is free when all of these are.
    pub calendars: Vec<String>,
    /// When it may lie, in order.
    pub open: Vec<(Timestamp, Timestamp)>,
    pub length_ms: u64,
    /// Kept free before and after.
    pub buffer_ms: u64,
    /// It begins at a multiple of this.
    pub step_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppendRow {
    pub spreadsheet: String,
    /// The title of the sheet in it; made when it is missing.
    pub sheet: String,
    /// Header and cell, in the order in which missing headers are added.
    pub cells: Vec<(String, String)>,
}

define_words! {
    /// What comes of an update when no row has the key.
    IfMissing = "rule for a missing row" {
        Fail = "fail",
        /// Nothing is written, and the step's output says so.
        Skip = "skip",
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateRow {
    pub spreadsheet: String,
    pub sheet: String,
    /// The header of the column that names rows, and the row's name in it.
    pub key: (String, String),
    /// Header and cell; a header that is missing is added. Other cells stay as they are.
    pub cells: Vec<(String, String)>,
    pub if_missing: IfMissing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PostWebhook {
    /// What has happened, as the receiver calls it.
    pub event: String,
    /// The JSON text that is sent, the same at every attempt.
    pub body: String,
}
