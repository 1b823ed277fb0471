//! Mails of forms on web sites: of senders that a connection's rules name, of form services, and of any program that
//! sends what has the shape of a filled-in form.

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::card;
use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::form_evidence::{self, Verdict};
use crate::lead::lead_format::form_sender;
use crate::lead::lead_format::mail::{self, IncomingMail, MailFormat, MailResult};
use crate::lead::lead_format::mail_text;
use crate::lead::lead_format::marketplace;
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::phrase;
use crate::lead::lead_format::reading::Reading;
use nexora_core::model::mail::{Mail, Mailbox};
use nexora_core::model::source::SourceField;

pub static FORMAT: LeadFormat = LeadFormat {
    name: "form-mail",
    lead_source: Some(form_sender::USUAL),
    webhook: None,
    mail: Some(&FormMail),
};

struct FormMail;

impl MailFormat for FormMail {
    fn read(&self, incoming: IncomingMail<'_>) -> Option<MailResult> {
        let IncomingMail { mail, rules, .. } = incoming;
        let from = mail::sender(mail)?;
        let source = form_sender::source(&from);
        let unreadable = |reason| Some(MailResult::Unreadable { source, reason });
        // Of a sender that a rule names, the rule alone says which mails are a form's.
        if rules.forms.iter().any(|form| form.is_from(&from)) {
            if !rules.forms.iter().any(|form| form.matches(&from, &mail.subject)) {
                return None;
            }
            let lead = lead(mail, mail_text::read(mail), source);
            return match lead.says_anything() {
                true => Some(MailResult::Leads(vec![lead])),
                false => unreadable("none of the form's fields was found"),
            };
        }
        let mut reading = mail_text::read(mail);
        reading.take_by_value();
        // A form without labels: the visitor's name and address above what they wrote.
        let has_card = reading.contacts() == 0
            && visitor(mail).is_some_and(|visitor| mail.text.contains(&visitor.address));
        let has_card = has_card || (reading.contacts() == 0 && reading.has_named_card(&mail.subject));
        let is_service = form_sender::service(&from).is_some();
        if has_card || is_service {
            reading.take_card(None);
        }
        match is_service {
            true => {
                let is_told = has_card || mail.subject.to_lowercase().contains("message");
                reading.take_words_of_message(&mail.subject, is_told);
            }
            false if has_card => reading.take_letter(),
            false => {}
        }
        match form_evidence::judge(incoming, &from, &reading) {
            Verdict::Lead => Some(MailResult::Leads(vec![lead(mail, reading, source)])),
            Verdict::Letter => {
                let mut lead = lead(mail, reading, source);
                lead.enquiry.message = mail::shown(mail);
                Some(MailResult::Leads(vec![lead]))
            }
            Verdict::Review(reason) => unreadable(reason),
            Verdict::Other => None,
        }
    }
}

fn lead(mail: &Mail, reading: Reading, source: &str) -> ParsedLead {
    let mut otherwise = Fields::default();
    // Many forms put the visitor's address where an answer goes to, and nowhere else.
    if let Some(visitor) = visitor(mail) {
        otherwise.offer(SourceField::Email, &visitor.address);
        let is_theirs = reading.email().is_none_or(|email| email.eq_ignore_ascii_case(&visitor.address));
        if let Some(name) = visitor.name.as_deref().filter(|_| is_theirs) {
            otherwise.offer(SourceField::Name, name);
        }
    }
    let mut named = Fields::default();
    phrase::offer(&mut named, phrase::COMMON, &mail.subject);
    if let Some(name) = named.get(SourceField::Name).filter(|name| card::is_person(name)) {
        otherwise.offer(SourceField::Name, name);
    }
    let display = mail.from.as_ref().and_then(|from| from.name.as_deref());
    if let Some(person) = display.and_then(marketplace::person_via).filter(|person| card::is_person(person)) {
        otherwise.offer(SourceField::Name, person);
    }
    for line in reading.asides().take(marketplace::SENTENCES) {
        phrase::offer_person(&mut otherwise, line);
    }
    let mut lead = reading.into_lead(otherwise);
    source.clone_into(&mut lead.enquiry.source);
    lead
}

/// Returns the person that an answer goes to, where that is not the sender.
pub fn visitor(mail: &Mail) -> Option<&Mailbox> {
    let own = mail.from.as_ref().map(|from| &from.address);
    let is_own = |address: &String| mail.to.iter().any(|to| to.address.eq_ignore_ascii_case(address));
    mail.reply_to.as_ref().filter(|reply| {
        Some(&reply.address) != own && !is_own(&reply.address) && !form_sender::is_unread(&reply.address)
    })
}
