//! Marketplaces that send leads by mail: what their mails have in common.

use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::mail::{self, MailFormat, MailResult, Rules};
use crate::lead::lead_format::mail_text;
use nexora_core::model::address::EmailAddress;
use nexora_core::model::mail::Mail;
use nexora_core::model::source::SourceField;

/// The mails of one marketplace. A domain stands for those below it, too.
pub struct Marketplace {
    /// What a lead's `source` holds.
    pub lead_source: &'static str,
    /// The domains and addresses that it writes from.
    pub senders: &'static [&'static str],
    /// The domains for one of which the receiving server must vouch.
    pub vouched: &'static [&'static str],
    /// The exact domains whose addresses relay to a homeowner.
    pub relays: &'static [&'static str],
    /// Says what a mail is by its sender's address and its subject, both in lower case.
    pub classify: fn(from: &str, subject: &str) -> Class,
    /// Fills in what the subject says and the text does not.
    pub complete: fn(fields: &mut Fields, subject: &str),
}

/// What a marketplace's mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Lead,
    /// About a lead that came before.
    Message,
    /// A lead if it holds one.
    Perhaps,
    /// No lead, and why.
    Other(&'static str),
}

impl MailFormat for Marketplace {
    fn read(&self, mail: &Mail, rules: &Rules) -> Option<MailResult> {
        let from = mail::sender(mail)?;
        if !self.sends_from(&from) {
            return None;
        }
        let unreadable = |reason| Some(MailResult::Unreadable { source: self.lead_source, reason });
        if !rules.trust_unsigned && !self.is_vouched_for(&mail.authenticated) {
            return unreadable("nothing vouches for the sender");
        }
        let class = (self.classify)(&from, &mail.subject.to_lowercase());
        if let Class::Other(reason) = class {
            return Some(MailResult::NotALead { reason });
        }
        let mut fields = mail_text::fields(&mail.text);
        (self.complete)(&mut fields, mail.subject.trim());
        let name = mail.from.as_ref().and_then(|from| from.name.as_deref());
        offer(&mut fields, SourceField::Name, name.and_then(person_via));
        let mut lead = fields.into_lead();
        self.lead_source.clone_into(&mut lead.enquiry.source);
        if !lead.says_anything() {
            return match class {
                Class::Perhaps => Some(MailResult::NotALead { reason: "there is no lead in it" }),
                Class::Lead | Class::Message | Class::Other(_) => {
                    unreadable("neither a name nor a way to answer was found")
                }
            };
        }
        lead.reply_to = self.relay(mail);
        Some(match class {
            Class::Message => MailResult::Message(lead),
            Class::Lead | Class::Perhaps | Class::Other(_) => MailResult::Lead(lead),
        })
    }
}

impl Marketplace {
    fn sends_from(&self, address: &str) -> bool {
        let Some((_, domain)) = address.rsplit_once('@') else { return false };
        self.senders.iter().any(|sender| *sender == address || is_within(domain, sender))
    }

    fn is_vouched_for(&self, authenticated: &[String]) -> bool {
        authenticated.iter().any(|domain| self.vouched.iter().any(|own| is_within(domain, own)))
    }

    /// Returns the address through which the homeowner is answered, if the mail has one.
    fn relay(&self, mail: &Mail) -> Option<EmailAddress> {
        let mailbox = mail.reply_to.as_ref().or(mail.from.as_ref())?;
        let address: EmailAddress = mailbox.address.parse().ok()?;
        let key = address.key();
        let (name, domain) = key.rsplit_once('@').unwrap_or(("", ""));
        let is_read = !name.contains("noreply") && !name.contains("no-reply");
        (is_read && self.relays.contains(&domain)).then_some(address)
    }
}

/// Notes a value where there is one.
pub fn offer(fields: &mut Fields, field: SourceField, value: Option<&str>) {
    if let Some(value) = value {
        fields.offer(field, value);
    }
}

/// Returns what stands between two texts, whatever their case; an empty one is the subject's edge.
pub fn between<'a>(subject: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let lower = subject.to_ascii_lowercase();
    let from = if start.is_empty() { 0 } else { lower.find(start)? + start.len() };
    let to = if end.is_empty() { subject.len() } else { from + lower.get(from..)?.find(end)? };
    subject.get(from..to).map(str::trim).filter(|found| !found.is_empty())
}

/// Returns the name before ` via Yelp` and the like.
fn person_via(name: &str) -> Option<&str> {
    name.split_once(" via ").map(|(person, _)| person.trim())
}

fn is_within(domain: &str, parent: &str) -> bool {
    domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}
