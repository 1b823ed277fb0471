//! Mails that bring leads: from marketplaces, from forms on web sites, and in ADF.
//!
//! The layouts are those that the senders use today; they change without notice. What is clearly
//! from such a sender and cannot be read is said to be so, for a person to look at: it is never
//! guessed at and never dropped. A marketplace is believed only where the receiving server vouches
//! for it.

mod adf;
mod fields;
mod source;

use serde::{Deserialize, Serialize};

use crate::base::Result;
use crate::engine::enquiry::Enquiry;
use crate::engine::lead_mail::fields::Fields;
use crate::engine::lead_mail::source::{Class, Source};
use crate::model::address::EmailAddress;
use crate::model::connection::Connection;
use crate::model::mail::Mail;

/// How lead mails are told from others, where that is not as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Whose mails are those of a form on a web site.
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

/// What a lead mail says.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub enquiry: Enquiry,
    /// The marketplace's own name for the lead.
    pub external_id: Option<String>,
    /// Where an answer goes: an address that the marketplace relays from.
    pub reply_to: Option<EmailAddress>,
}

/// What a mail is to us.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Lead(Found),
    /// A message about a lead that came before.
    Message(Found),
    /// From a sender of leads, and none: a summary, an advertisement.
    NotALead {
        reason: String,
    },
    /// It should be a lead, and cannot be read.
    Unreadable {
        source: String,
        reason: String,
    },
    /// It has nothing to do with leads.
    Elsewhere,
}

/// Says what a mail is.
pub fn read(mail: &Mail, rules: &Rules) -> Reading {
    if let Some(document) = adf::document(mail) {
        return match adf::read(&document) {
            Some((enquiry, external_id)) => Reading::Lead(Found { enquiry, external_id, reply_to: None }),
            None => unreadable("adf", "the ADF document holds no prospect that can be read"),
        };
    }
    let Some(from) = mail.from.as_ref().map(|from| from.address.to_lowercase()) else {
        return Reading::Elsewhere;
    };
    if let Some(source) = Source::of(&from) {
        if !rules.trust_unsigned && !source.vouches(&mail.authenticated) {
            return unreadable(source.name(), "nothing vouches for the sender");
        }
        return of_marketplace(mail, source, &from);
    }
    if rules.forms.iter().any(|form| form.matches(&from, &mail.subject)) {
        return of_form(mail);
    }
    Reading::Elsewhere
}

impl Form {
    fn matches(&self, from: &str, subject: &str) -> bool {
        let wanted = self.from.trim().to_lowercase();
        let is_sender = match wanted.contains('@') {
            true => from == wanted,
            false => from.rsplit('@').next().is_some_and(|domain| domain == wanted),
        };
        let subject = subject.to_lowercase();
        is_sender && self.subject.as_ref().is_none_or(|part| subject.contains(&part.to_lowercase()))
    }
}

fn of_marketplace(mail: &Mail, source: Source, from: &str) -> Reading {
    let class = source.classify(from, &mail.subject);
    if let Class::Other(reason) = class {
        return Reading::NotALead { reason: reason.to_owned() };
    }
    let mut fields = fields::find(&mail.text);
    source.complete(&mut fields, mail);
    let external_id = fields.take(fields::Field::Id);
    let enquiry = enquiry(fields, source.name());
    if !says_anything(&enquiry) {
        return match class {
            Class::Perhaps => Reading::NotALead { reason: "there is no lead in it".to_owned() },
            _ => unreadable(source.name(), "neither a name nor a way to answer was found"),
        };
    }
    let reply_to = mail.reply_to.as_ref().or(mail.from.as_ref());
    let reply_to = reply_to.and_then(|mailbox| mailbox.address.parse().ok());
    let reply_to = reply_to.filter(|address: &EmailAddress| source.is_relay(&address.key()));
    let found = Found { enquiry, external_id, reply_to };
    match class {
        Class::Message => Reading::Message(found),
        _ => Reading::Lead(found),
    }
}

fn of_form(mail: &Mail) -> Reading {
    const SOURCE: &str = "form_mail";
    let mut fields = fields::find(&mail.text);
    let external_id = fields.take(fields::Field::Id);
    let mut enquiry = enquiry(fields, SOURCE);
    // Many forms put the visitor's address where an answer goes to, and nowhere else.
    if enquiry.email.is_empty() {
        let visitor = mail
            .reply_to
            .as_ref()
            .filter(|reply| Some(&reply.address) != mail.from.as_ref().map(|f| &f.address));
        if let Some(visitor) = visitor {
            enquiry.email.clone_from(&visitor.address);
            if enquiry.name.is_empty() {
                enquiry.name = visitor.name.clone().unwrap_or_default();
            }
        }
    }
    match says_anything(&enquiry) {
        true => Reading::Lead(Found { enquiry, external_id, reply_to: None }),
        false => unreadable(SOURCE, "none of the form's fields was found"),
    }
}

fn unreadable(source: &str, reason: &str) -> Reading {
    Reading::Unreadable { source: source.to_owned(), reason: reason.to_owned() }
}

fn says_anything(enquiry: &Enquiry) -> bool {
    let said = [&enquiry.name, &enquiry.email, &enquiry.phone];
    said.iter().any(|text| !text.trim().is_empty())
}

fn enquiry(mut fields: Fields, source: &str) -> Enquiry {
    use fields::Field;
    let mut text = |field| fields.take(field).unwrap_or_default();
    let (first, last) = (text(Field::FirstName), text(Field::LastName));
    let whole = text(Field::Name);
    let name = if whole.is_empty() { format!("{first} {last}").trim().to_owned() } else { whole };
    let lines = [text(Field::Address), text(Field::City)];
    let address = lines.iter().filter(|line| !line.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    Enquiry {
        name,
        email: text(Field::Email),
        phone: text(Field::Phone),
        service: text(Field::Service),
        message: text(Field::Message),
        address,
        postcode: text(Field::Postcode),
        preferred_time: text(Field::PreferredTime),
        source: source.to_owned(),
        ..Enquiry::default()
    }
}

#[cfg(test)]
mod tests;
