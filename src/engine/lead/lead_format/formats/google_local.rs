//! Google Local Services: bookings, calls and messages, by mail.

use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::marketplace::{Class, Marketplace};

pub static FORMAT: LeadFormat =
    LeadFormat { name: "google-local", lead_source: Some(SOURCE), webhook: None, mail: Some(&MAILS) };

const SOURCE: &str = "google_local_services";

static MAILS: Marketplace = Marketplace {
    lead_source: SOURCE,
    senders: &[
        "lsa.google.com",
        "local-services-noreply@google.com",
        "local-services-ads-noreply@google.com",
    ],
    vouched: &["google.com"],
    relays: &["lsa.google.com"],
    answers_there: true,
    classify,
    phrases: &[
        "new message: {service} from {name}",
        "new booking: {service} on {preferred_time}",
        "lead from {name}",
    ],
};

fn classify(_from: &str, subject: &str) -> Class {
    let leads = ["new booking", "new phone lead", "new message"];
    match subject.starts_with("re:") {
        true => Class::Message,
        false if leads.iter().any(|part| subject.contains(part)) => Class::Lead,
        false => Class::Perhaps,
    }
}
