//! The marketplaces that send leads by mail: their senders, what their subjects mean, and what a
//! subject says that the text does not. Layouts as of 2026.

use crate::engine::lead_mail::fields::{Field, Fields};
use crate::model::mail::Mail;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Angi,
    GoogleLocal,
    Yelp,
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

impl Source {
    /// Returns the marketplace that an address belongs to.
    pub fn of(address: &str) -> Option<Source> {
        let domain = address.rsplit_once('@')?.1;
        match domain {
            "lsa.google.com" => Some(Source::GoogleLocal),
            _ if address == "local-services-noreply@google.com" => Some(Source::GoogleLocal),
            _ if is_within(domain, "yelp.com") => Some(Source::Yelp),
            _ if is_within(domain, "angi.com") || is_within(domain, "homeadvisor.com") => Some(Source::Angi),
            _ => None,
        }
    }

    /// Returns the word that a lead's `source` holds.
    pub fn name(self) -> &'static str {
        match self {
            Source::Angi => "angi",
            Source::GoogleLocal => "google_local_services",
            Source::Yelp => "yelp",
        }
    }

    /// Tells whether one of the domains that the receiving server vouches for is the sender's.
    pub fn vouches(self, authenticated: &[String]) -> bool {
        let own: &[&str] = match self {
            Source::Angi => &["angi.com", "homeadvisor.com"],
            Source::GoogleLocal => &["google.com"],
            Source::Yelp => &["yelp.com"],
        };
        authenticated.iter().any(|domain| own.iter().any(|own| is_within(domain, own)))
    }

    /// Tells whether an address relays to a homeowner, rather than being nobody's.
    pub fn is_relay(self, address: &str) -> bool {
        let (name, domain) = address.rsplit_once('@').unwrap_or(("", ""));
        let nobody = name.contains("noreply") || name.contains("no-reply");
        let relays = match self {
            Source::Angi => domain == "messages.angi.com" || domain == "reply.angi.com",
            Source::GoogleLocal => domain == "lsa.google.com",
            Source::Yelp => domain == "messages.yelp.com",
        };
        relays && !nobody
    }

    pub fn classify(self, from: &str, subject: &str) -> Class {
        let subject = subject.to_lowercase();
        let has = |part: &str| subject.contains(part);
        match self {
            Source::GoogleLocal if subject.starts_with("re:") => Class::Message,
            Source::GoogleLocal if has("new booking") || has("new phone lead") || has("new message") => {
                Class::Lead
            }
            Source::GoogleLocal => Class::Perhaps,
            Source::Yelp if has("summary") => Class::Other("a summary"),
            Source::Yelp if has("quote request") || has("call back") || has("callback") => Class::Lead,
            Source::Yelp if has("new message from") || from.ends_with("@messages.yelp.com") => Class::Message,
            Source::Yelp => Class::Other("neither a request nor a message"),
            Source::Angi if has("opportunit") => Class::Other("opportunities that anybody may take up"),
            Source::Angi if has("new lead") || has("booking request") || has("time to connect") => {
                Class::Lead
            }
            Source::Angi if from.starts_with("messages@") || has("new message") => Class::Message,
            Source::Angi if from.starts_with("newlead@") || from.starts_with("leads@") => Class::Lead,
            Source::Angi => Class::Other("neither a lead nor a message"),
        }
    }

    /// Fills in what the subject and the sender's name say.
    pub fn complete(self, fields: &mut Fields, mail: &Mail) {
        let subject = mail.subject.trim();
        let between = |start: &str, end: &str| between(subject, start, end);
        match self {
            Source::GoogleLocal => {
                offer(fields, Field::Name, between("lead from ", ""));
                if let Some((service, name)) =
                    between("new message: ", "").and_then(|rest| rest.rsplit_once(" from "))
                {
                    fields.offer(Field::Service, service);
                    fields.offer(Field::Name, name);
                }
                if let Some((service, date)) =
                    between("new booking: ", "").and_then(|rest| rest.rsplit_once(" on "))
                {
                    fields.offer(Field::Service, service);
                    fields.offer(Field::PreferredTime, date);
                }
            }
            Source::Yelp => {
                offer(fields, Field::Name, between("message from ", ""));
                offer(fields, Field::Name, between("request from ", ""));
                offer(fields, Field::Name, between("", " requested a call back"));
            }
            Source::Angi => {
                if let Some((name, rest)) =
                    between("new lead: ", "").and_then(|rest| rest.split_once(" has a "))
                {
                    fields.offer(Field::Name, name);
                    if let Some((service, city)) = rest.rsplit_once(" project in ") {
                        fields.offer(Field::Service, service);
                        fields.offer(Field::City, city.trim_end_matches('!'));
                    }
                }
                if let Some((job, city)) =
                    between("booking request: ", "").and_then(|rest| rest.rsplit_once(" in "))
                {
                    fields.offer(Field::Service, job);
                    fields.offer(Field::City, city);
                }
            }
        }
        let via = mail.from.as_ref().and_then(|from| from.name.as_deref());
        offer(fields, Field::Name, via.and_then(|name| between_in(name, " via ")));
    }
}

fn offer(fields: &mut Fields, field: Field, value: Option<&str>) {
    if let Some(value) = value {
        fields.offer(field, value);
    }
}

/// Returns what stands between two texts, whatever their case; an empty one is the subject's edge.
fn between<'a>(subject: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let lower = subject.to_ascii_lowercase();
    let from = if start.is_empty() { 0 } else { lower.find(start)? + start.len() };
    let to = if end.is_empty() { subject.len() } else { from + lower.get(from..)?.find(end)? };
    subject.get(from..to).map(str::trim).filter(|found| !found.is_empty())
}

/// Returns the name before ` via Yelp` and the like.
fn between_in<'a>(name: &'a str, sign: &str) -> Option<&'a str> {
    name.split_once(sign).map(|(person, _)| person.trim())
}

fn is_within(domain: &str, parent: &str) -> bool {
    domain == parent || domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}
