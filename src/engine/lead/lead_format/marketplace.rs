//! Marketplaces that send leads by mail: what their mails have in common.

use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::mail::{self, IncomingMail, MailFormat, MailResult};
use crate::lead::lead_format::{mail_text, phrase};
use nexora_core::model::address::EmailAddress;
use nexora_core::model::mail::Mail;
use nexora_core::model::source::SourceField;

/// The mails of one marketplace. A domain stands for those below it, too.
#[derive(Clone, Copy, Debug)]
pub struct Marketplace {
    /// What a lead's `source` holds.
    pub lead_source: &'static str,
    /// The domains and addresses that it writes from.
    pub senders: &'static [&'static str],
    /// The domains for one of which the receiving server must vouch. Ids of leads are its own within the first.
    pub vouched: &'static [&'static str],
    /// The domains whose addresses relay to a homeowner, exactly as they stand.
    pub relays: &'static [&'static str],
    /// Homeowners can be answered on its own pages.
    pub answers_there: bool,
    /// Says what a mail is by its sender's address and its subject, both in lower case.
    pub classify: fn(from: &str, subject: &str) -> Class,
    /// Sentences of its subjects and texts that say what stands beside no label.
    pub phrases: &'static [&'static str],
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

/// A marketplace of which no more is known than that it sends leads.
pub const USUAL: Marketplace = Marketplace {
    lead_source: "",
    senders: &[],
    vouched: &[],
    relays: &[],
    answers_there: false,
    classify,
    phrases: &[],
};

/// Lines of a text that are looked at for sentences.
pub const SENTENCES: usize = 12;

impl MailFormat for Marketplace {
    fn read(&self, incoming: IncomingMail<'_>) -> Option<MailResult> {
        let mail = incoming.mail;
        let from = mail::sender(mail)?;
        if !self.sends_from(&from) {
            return None;
        }
        let unreadable = |reason| Some(MailResult::Unreadable { source: self.lead_source, reason });
        if !incoming.rules.trust_unsigned && !self.is_vouched_for(&mail.authenticated) {
            return unreadable("nothing vouches for the sender");
        }
        let class = (self.classify)(&from, &mail.subject.to_lowercase());
        if let Class::Other(reason) = class {
            return Some(MailResult::NotALead { reason });
        }
        let mut reading = mail_text::read(mail);
        let mut otherwise = Fields::default();
        for patterns in [self.phrases, phrase::COMMON] {
            phrase::offer(&mut otherwise, patterns, &mail.subject);
        }
        phrase::offer_person(&mut otherwise, &mail.subject);
        let name = mail.from.as_ref().and_then(|from| from.name.as_deref()).and_then(person_via);
        if otherwise.get(SourceField::Name).is_none() && name.is_none() {
            let is_own = |word: &str| mail.to.iter().any(|to| to.address.to_lowercase().contains(word));
            reading.take_person_of(&mail.subject, is_own);
        }
        reading.take_by_value();
        reading.take_card(otherwise.get(SourceField::Name));
        let others = reading.other_labels().chain(reading.other_values());
        for line in reading.asides().take(SENTENCES).chain(others) {
            phrase::offer(&mut otherwise, self.phrases, line);
        }
        for line in reading.asides().take(SENTENCES) {
            phrase::offer_person(&mut otherwise, line);
        }
        if let Some(person) = name {
            otherwise.offer(SourceField::Name, person);
        }
        let is_told = mail.subject.to_lowercase().contains("message");
        reading.take_words_of_message(&mail.subject, is_told);
        let mut lead = reading.into_lead(otherwise);
        self.lead_source.clone_into(&mut lead.enquiry.source);
        lead.reply_to = self.relay(mail);
        lead.id_domain = self.vouched.first().copied();
        if !lead.says_anything() {
            return match class {
                Class::Perhaps => Some(MailResult::NotALead { reason: "there is no lead in it" }),
                Class::Lead | Class::Message | Class::Other(_) => {
                    unreadable("neither a name nor a way to answer was found")
                }
            };
        }
        lead.answered_there = self.answers_there;
        Some(match class {
            Class::Message => MailResult::Message(Box::new(lead)),
            Class::Lead | Class::Perhaps | Class::Other(_) => MailResult::Leads(vec![lead]),
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

/// What a subject says of a mail, where the marketplace has no rules of its own.
pub fn classify(_from: &str, subject: &str) -> Class {
    #[rustfmt::skip]
    const OTHERS: &[&str] = &[
        "summary", "weekly", "newsletter", "invoice", "receipt", "payment", "statement", "refund", "password",
        "verify", "new review", "tips", "webinar", "expired", "your subscription", "your account", "reminder",
    ];
    #[rustfmt::skip]
    const LEADS: &[&str] = &[
        "lead", "request", "enquiry", "inquiry", "quote", "estimate", "booking", "looking for", "interested in",
        "shortlisted", "needs", "wants", "message", "new job", "new customer", "match",
    ];
    if let Some(word) = OTHERS.iter().find(|word| subject.contains(*word)) {
        return Class::Other(word);
    }
    match subject.starts_with("re:") {
        true => Class::Message,
        false if LEADS.iter().any(|word| subject.contains(word)) => Class::Lead,
        false => Class::Perhaps,
    }
}

/// Returns the name before ` via Yelp` and the like.
pub fn person_via(name: &str) -> Option<&str> {
    name.split_once(" via ").or_else(|| name.split_once(" (via ")).map(|(person, _)| person.trim())
}

/// Tells whether a domain is another or below it.
pub fn is_within(domain: &str, parent: &str) -> bool {
    domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}
