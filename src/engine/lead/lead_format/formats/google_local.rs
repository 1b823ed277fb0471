//! Google Local Services: bookings, calls and messages, by mail.

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::fields::Fields;
use crate::lead::lead_format::marketplace::{Class, Marketplace, between, offer};
use nexora_core::model::source::SourceField;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "google-local", lead_source: Some(SOURCE), webhook: None, mail: Some(&MAILS) };

const SOURCE: &str = "google_local_services";

static MAILS: Marketplace = Marketplace {
    lead_source: SOURCE,
    senders: &["lsa.google.com", "local-services-noreply@google.com"],
    vouched: &["google.com"],
    relays: &["lsa.google.com"],
    classify,
    complete,
};

fn classify(_from: &str, subject: &str) -> Class {
    let leads = ["new booking", "new phone lead", "new message"];
    match subject.starts_with("re:") {
        true => Class::Message,
        false if leads.iter().any(|part| subject.contains(part)) => Class::Lead,
        false => Class::Perhaps,
    }
}

fn complete(fields: &mut Fields, subject: &str) {
    offer(fields, SourceField::Name, between(subject, "lead from ", ""));
    let message = between(subject, "new message: ", "").and_then(|rest| rest.rsplit_once(" from "));
    if let Some((service, name)) = message {
        fields.offer(SourceField::Service, service);
        fields.offer(SourceField::Name, name);
    }
    let booking = between(subject, "new booking: ", "").and_then(|rest| rest.rsplit_once(" on "));
    if let Some((service, date)) = booking {
        fields.offer(SourceField::Service, service);
        fields.offer(SourceField::PreferredTime, date);
    }
}
