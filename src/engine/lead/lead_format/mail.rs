//! Leads that are sent by mail: from marketplaces, from forms on web sites, and in ADF.
//!
//! The layouts are those that the senders use today; they change without notice. What is clearly from such a
//! sender and cannot be read is reported as such, for a person to look at: it is never guessed at and never
//! dropped. A marketplace is believed only where the receiving server vouches for it.

use serde::{Deserialize, Serialize};

use crate::lead::lead_format::parsed_lead::ParsedLead;
use nexora_core::base::Result;
use nexora_core::model::connection::Connection;
use nexora_core::model::mail::Mail;

/// How the mails of one format are read.
pub trait MailFormat: Sync {
    /// Reads a mail; nothing when it is not of this format.
    fn read(&self, incoming: IncomingMail<'_>) -> Option<MailResult>;
}

/// A mail, with what is known where it came in.
#[derive(Clone, Copy, Debug)]
pub struct IncomingMail<'a> {
    pub mail: &'a Mail,
    pub rules: &'a Rules,
    /// It belongs to a contact: by its thread, or by who wrote it.
    pub is_contacts: bool,
}

/// How lead mails are told from others, where that is not as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The senders of mails that come from a form on a web site.
    pub forms: Vec<Form>,
    /// Believe marketplaces that the receiving server does not vouch for.
    pub trust_unsigned: bool,
}

/// The mails of one form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// An address, or a domain.
    pub from: String,
    /// What the subject holds, where one sender sends other mails, too.
    pub subject: Option<String>,
}

impl Rules {
    /// Returns the rules of a connection.
    ///
    /// # Errors
    /// `Internal` when what is stored cannot be read.
    pub fn of(connection: &Connection) -> Result<Rules> {
        #[derive(Deserialize)]
        struct Settings {
            #[serde(default)]
            lead_mail: Option<Rules>,
        }
        let settings: Settings = connection.settings.read()?;
        Ok(settings.lead_mail.unwrap_or_default())
    }
}

/// What a mail turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum MailResult {
    /// One lead or several.
    Leads(Vec<ParsedLead>),
    /// A message about a lead that came before.
    Message(Box<ParsedLead>),
    /// From a sender of leads, and none: a summary, an advertisement.
    NotALead { reason: &'static str },
    /// It should be a lead, and cannot be read.
    Unreadable { source: &'static str, reason: &'static str },
    /// It has nothing to do with leads.
    Unrelated,
}

/// Returns what a mail says, for people: its text, and the document that it carries.
pub fn shown(mail: &Mail) -> String {
    match &mail.xml {
        Some(xml) if !mail.text.contains("<adf") => format!("{}\n\n{xml}", mail.text),
        _ => mail.text.clone(),
    }
}

/// Returns the address that a mail is from, in lower case.
pub fn sender(mail: &Mail) -> Option<String> {
    mail.from.as_ref().map(|from| from.address.to_lowercase())
}

impl Form {
    /// Tells whether this sender, in lower case, is the form's.
    pub fn is_from(&self, from: &str) -> bool {
        let wanted = self.from.trim().to_lowercase();
        match wanted.contains('@') {
            true => from == wanted,
            false => from.rsplit('@').next().is_some_and(|domain| domain == wanted),
        }
    }

    /// Tells whether a mail with this sender, in lower case, and this subject is the form's.
    pub fn matches(&self, from: &str, subject: &str) -> bool {
        let subject = subject.to_lowercase();
        self.is_from(from) && self.subject.as_ref().is_none_or(|part| subject.contains(&part.to_lowercase()))
    }
}
