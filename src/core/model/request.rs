//! What a provider is asked to do: an effect with every hole filled, so that each attempt at it
//! says the same.

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::text::define_words;
use crate::model::address::EmailAddress;
use crate::model::effect::EffectKind;
use crate::model::outbound::{Envelope, MailContent, OutboundMessage};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum EffectRequest {
    /// A mail that a person is to look at and send.
    #[serde(rename = "mail.draft")]
    DraftMail(MailContent),
    #[serde(rename = "mail.label")]
    LabelMail(LabelMail),
    #[serde(rename = "calendar.create_event")]
    CreateEvent(CreateEvent),
    #[serde(rename = "calendar.update_event")]
    UpdateEvent(UpdateEvent),
    #[serde(rename = "calendar.cancel_event")]
    CancelEvent(CancelEvent),
    /// Changes nothing: it asks for a time that is free.
    #[serde(rename = "calendar.find_slot")]
    FindSlot(FindSlot),
    #[serde(rename = "sheets.append_row")]
    AppendRow(AppendRow),
    #[serde(rename = "sheets.update_row")]
    UpdateRow(UpdateRow),
    #[serde(rename = "webhook.post")]
    PostWebhook(PostWebhook),
    /// Its `kind` is that of its content.
    #[serde(untagged)]
    Send(OutboundMessage),
}

impl EffectRequest {
    /// Returns the message that it sends, where it sends one.
    pub fn message(&self) -> Option<&OutboundMessage> {
        match self {
            EffectRequest::Send(message) => Some(message),
            EffectRequest::DraftMail(_)
            | EffectRequest::LabelMail(_)
            | EffectRequest::CreateEvent(_)
            | EffectRequest::UpdateEvent(_)
            | EffectRequest::CancelEvent(_)
            | EffectRequest::FindSlot(_)
            | EffectRequest::AppendRow(_)
            | EffectRequest::UpdateRow(_)
            | EffectRequest::PostWebhook(_) => None,
        }
    }

    /// Returns what the gate goes by, where it is a message to a customer.
    pub fn envelope(&self) -> Option<&Envelope> {
        self.message().and_then(OutboundMessage::envelope)
    }

    pub fn kind(&self) -> EffectKind {
        match self {
            EffectRequest::Send(message) => message.content.kind(),
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
    /// Whether the provider writes to the attendees.
    #[serde(default)]
    pub notify: bool,
    /// Where it need not begin at `start`: it takes the first time in here that is free when it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<OpenSlot>,
}

/// Times of which an entry takes the first that is free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenSlot {
    #[serde(flatten)]
    pub wanted: FindSlot,
    /// Entries that may lie at the same time.
    pub capacity: usize,
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
    /// Calendars that must all be free.
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::base::text::Json;
    use crate::model::consent::Channel;
    use crate::model::message::MessageClass;
    use crate::model::outbound::{Audience, Content, Recipient};
    use crate::model::{ConnectionId, ContactId};

    /// Reads a stored request, and makes sure that it is written as it was.
    fn read(stored: &Value) -> EffectRequest {
        let request: EffectRequest = Json::of(stored).unwrap().read().unwrap();
        assert_eq!(serde_json::to_value(&request).unwrap(), *stored);
        assert_eq!(request.kind().name(), stored["kind"]);
        assert_eq!(request.kind().is_message(), request.message().is_some());
        request
    }

    fn mail(kind: &str) -> Value {
        json!({
            "kind": kind, "to": "jo@example.com", "from_name": "Acme", "reply_to": null,
            "subject": "Hello", "text": "Hello Jo", "html": null,
        })
    }

    #[test]
    fn a_stored_mail_to_a_customer_is_read_with_all_that_the_gate_needs() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        let mut stored = mail("mail.send");
        stored["thread"] = json!({ "id": "t1", "references": ["a@b"] });
        stored["attachments"] = json!([{ "name": "a.ics", "mime_type": "text/calendar", "content": "QQ==" }]);
        stored["unsubscribe_url"] = json!("https://example.com/u/t");
        stored["letter"] = json!({
            "class": "commercial",
            "contact_id": ContactId::new(at),
            "at_once_until": at,
            "expires_at": at,
            "intent": {
                "connection_id": ConnectionId::new(at), "calendar": "primary",
                "entry_id": "e1", "starts_at": null,
            },
        });
        let request = read(&stored);
        let envelope = request.envelope().unwrap();
        assert_eq!(envelope.class, MessageClass::Commercial);
        assert!(envelope.contact_id.is_some() && envelope.at_once_until.is_some());
        assert!(envelope.expires_at.is_some() && envelope.intent.is_some());
        let content = &request.message().unwrap().content;
        let Content::Mail(mail) = content;
        assert_eq!(content.recipient(), Recipient::Email(&mail.to));
        assert_eq!(content.recipient().channel(), Channel::Email);
        assert_eq!(mail.attachments.len(), 1);
    }

    #[test]
    fn a_stored_mail_without_an_envelope_is_for_the_business() {
        let request = read(&mail("mail.send"));
        assert_eq!(request.message().unwrap().audience, Audience::Business);
        assert!(read(&mail("mail.draft")).message().is_none());
    }

    #[test]
    fn other_stored_requests_are_read_by_their_kind() {
        read(&json!({ "kind": "webhook.post", "event": "lead", "body": "{}" }));
        read(
            &json!({ "kind": "calendar.cancel_event", "calendar": "primary", "entry": "e", "notify": false }),
        );
        let unknown = Json::of(&json!({ "kind": "pigeon.send", "to": "jo@example.com" })).unwrap();
        assert!(unknown.read::<EffectRequest>().is_err());
    }
}
