//! Mails of forms on web sites, known by the sender that a connection's rules name.

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::mail::{self, MailFormat, MailResult, Rules};
use crate::lead::lead_format::mail_text;
use nexora_core::model::mail::Mail;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "form-mail", lead_source: Some(SOURCE), webhook: None, mail: Some(&FormMail) };

const SOURCE: &str = "form_mail";

struct FormMail;

impl MailFormat for FormMail {
    fn read(&self, mail: &Mail, rules: &Rules) -> Option<MailResult> {
        let from = mail::sender(mail)?;
        if !rules.forms.iter().any(|form| form.matches(&from, &mail.subject)) {
            return None;
        }
        let mut lead = mail_text::fields(&mail.text).into_lead();
        SOURCE.clone_into(&mut lead.enquiry.source);
        // Many forms put the visitor's address where an answer goes to, and nowhere else.
        if lead.enquiry.email.is_empty() {
            let own = mail.from.as_ref().map(|from| &from.address);
            if let Some(visitor) = mail.reply_to.as_ref().filter(|reply| Some(&reply.address) != own) {
                lead.enquiry.email.clone_from(&visitor.address);
                if lead.enquiry.name.is_empty() {
                    lead.enquiry.name = visitor.name.clone().unwrap_or_default();
                }
            }
        }
        Some(match lead.says_anything() {
            true => MailResult::Lead(lead),
            false => MailResult::Unreadable { source: SOURCE, reason: "none of the form's fields was found" },
        })
    }
}
