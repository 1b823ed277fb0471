//! What a homeowner typed, made into a lead: trimmed, capped, parsed, with a fault for each field.

use sha2::{Digest, Sha256};

use nexora_core::base::text::hex;
use nexora_core::model::address::{Country, EmailAddress, PhoneNumber};
use nexora_core::model::form::FieldName;
use nexora_core::model::lead::{Attribution, Details, NewLead};

/// An enquiry as it came in, every field as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enquiry {
    pub name: String,
    pub email: String,
    pub phone: String,
    pub service: String,
    pub message: String,
    pub address: String,
    pub postcode: String,
    pub preferred_time: String,
    pub source: String,
    pub attribution: Attribution,
    pub is_test: bool,
    /// Answers to questions that have no field here, by question.
    pub details: Details,
    /// What the marketplace charges for it, in hundredths.
    pub cost_cents: Option<i64>,
    /// A field that people do not see: only a program fills it in (honeypot).
    pub honeypot: String,
}

/// What is wrong with one field, in words for the person who filled it in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldFault {
    pub field: &'static str,
    pub message: String,
}

const LINE_LENGTH: usize = 200;
const MESSAGE_LENGTH: usize = 5_000;
const DETAIL_LIMIT: usize = 40;
const DETAIL_LENGTH: usize = 2_000;
const ATTRIBUTION_LIMIT: usize = 24;
const ATTRIBUTION_LENGTH: usize = 1_000;

/// Makes a lead of the enquiry; telephone numbers are read as people of `country` write them.
///
/// # Errors
/// Every fault, in the order of the form's fields.
pub fn validate(
    enquiry: Enquiry,
    country: Country,
    required: &[FieldName],
) -> Result<NewLead, Vec<FieldFault>> {
    let (lead, mut faults) = read(enquiry, country);
    for name in required {
        let field = name.name();
        if is_empty(&lead, *name) && !faults.iter().any(|fault| fault.field == field) {
            faults.push(fault(field, "Please fill this in."));
        }
    }
    if faults.is_empty() { Ok(lead) } else { Err(faults) }
}

/// Tells whether a field that must be filled in is not. Boxes and photos are never required.
fn is_empty(lead: &NewLead, name: FieldName) -> bool {
    match name {
        FieldName::Name => lead.name.is_empty(),
        FieldName::Phone => lead.phone.is_none(),
        FieldName::Email => lead.email.is_none(),
        FieldName::Service => lead.service.is_none(),
        FieldName::Postcode => lead.postcode.is_none(),
        FieldName::Address => lead.address.is_none(),
        FieldName::PreferredTime => lead.preferred_time.is_none(),
        FieldName::Message => lead.message.is_none(),
        FieldName::Photos | FieldName::ConsentSms | FieldName::ConsentMarketing => false,
    }
}

/// Makes a lead of what can be used of an enquiry whose sender cannot be asked to correct it, such as one
/// that came by mail. What is too long is cut; what cannot be read is left out.
pub fn salvage(enquiry: Enquiry, country: Country) -> NewLead {
    read(enquiry, country).0
}

fn read(enquiry: Enquiry, country: Country) -> (NewLead, Vec<FieldFault>) {
    let mut faults = Vec::new();
    let mut line = |field: &'static str, text: &str| capped(field, text, LINE_LENGTH, &mut faults);
    let name = line("name", &one_line(&enquiry.name));
    let service = line("service", &one_line(&enquiry.service));
    let address = line("address", &one_line(&enquiry.address));
    let postcode = line("postcode", &one_line(&enquiry.postcode));
    let preferred_time = line("preferred_time", &one_line(&enquiry.preferred_time));
    let message = capped("message", &plain(&enquiry.message), MESSAGE_LENGTH, &mut faults);
    if name.is_none() && !faults.iter().any(|fault| fault.field == "name") {
        faults.push(fault("name", "Please tell us your name."));
    }
    let email = optional(&enquiry.email, EmailAddress::parse, || {
        faults
            .push(fault("email", "This does not look like an email address, for example name@example.com."));
    });
    let phone = optional(
        &enquiry.phone,
        |text| PhoneNumber::parse_in(country, text),
        || {
            faults.push(fault(
                "phone",
                "This does not look like a phone number. Please include the area code.",
            ));
        },
    );
    if enquiry.email.trim().is_empty() && enquiry.phone.trim().is_empty() {
        faults
            .push(fault("phone", "Please leave a phone number or an email address, so that we can answer."));
    }
    let lead = NewLead {
        name: name.unwrap_or_default(),
        email,
        phone,
        service,
        message,
        address,
        postcode,
        preferred_time,
        source: one_line(&enquiry.source),
        attribution: trimmed(enquiry.attribution),
        is_test: enquiry.is_test,
        details: kept(enquiry.details),
        cost_cents: enquiry.cost_cents,
    };
    (lead, faults)
}

/// Returns a hash of what was submitted, by which a repeated submission is told from another.
pub fn fingerprint(lead: &NewLead) -> String {
    let mut digest = Sha256::new();
    let email = lead.email.as_ref().map_or("", EmailAddress::as_str);
    let phone = lead.phone.as_ref().map_or("", PhoneNumber::as_str);
    let texts = [&lead.service, &lead.message, &lead.address, &lead.postcode, &lead.preferred_time];
    let parts = texts.into_iter().map(|text| text.as_deref().unwrap_or_default());
    for part in [lead.name.as_str(), email, phone].into_iter().chain(parts) {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex(digest.finalize().get(..16).unwrap_or_default())
}

fn fault(field: &'static str, message: &str) -> FieldFault {
    FieldFault { field, message: message.to_owned() }
}

fn optional<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>, wrong: impl FnOnce()) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let parsed = parse(text).ok();
    if parsed.is_none() {
        wrong();
    }
    parsed
}

fn capped(field: &'static str, text: &str, limit: usize, faults: &mut Vec<FieldFault>) -> Option<String> {
    if text.chars().count() > limit {
        faults.push(fault(field, &format!("Please keep this under {limit} characters.")));
    }
    Some(text.chars().take(limit).collect()).filter(|text: &String| !text.is_empty())
}

/// Drops control characters and folds white space into single blanks.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Drops control characters but for line ends and tabs.
fn plain(text: &str) -> String {
    let unified = text.replace("\r\n", "\n");
    unified.trim().chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}

fn kept(details: Details) -> Details {
    let cut = |text: &str, length| plain(text).chars().take(length).collect::<String>();
    let pairs = details.into_iter().take(DETAIL_LIMIT);
    let pairs = pairs.map(|(name, value)| (cut(&one_line(&name), LINE_LENGTH), cut(&value, DETAIL_LENGTH)));
    pairs.filter(|(name, value)| !name.is_empty() && !value.is_empty()).collect()
}

fn trimmed(attribution: Attribution) -> Attribution {
    let kept = attribution.0.into_iter().take(ATTRIBUTION_LIMIT);
    let cut = |text: &str| one_line(text).chars().take(ATTRIBUTION_LENGTH).collect::<String>();
    Attribution(
        kept.map(|(name, value)| (name, cut(&value))).filter(|(_, value)| !value.is_empty()).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enquiry() -> Enquiry {
        Enquiry {
            name: " Jo\r\n Miller ".into(),
            email: "Jo@Example.com".into(),
            phone: "(512) 555-0142".into(),
            message: "No hot water.\r\nSince \u{7}Monday.".into(),
            ..Enquiry::default()
        }
    }

    fn validated(change: impl FnOnce(&mut Enquiry)) -> Result<NewLead, Vec<&'static str>> {
        let mut enquiry = enquiry();
        change(&mut enquiry);
        validate(enquiry, Country::parse("US").unwrap(), &[FieldName::Message])
            .map_err(|faults| faults.iter().map(|fault| fault.field).collect())
    }

    #[test]
    fn what_came_in_is_cleaned() {
        let lead = validated(|_| ()).unwrap();
        assert_eq!(lead.name, "Jo Miller");
        assert_eq!(lead.phone.unwrap().as_str(), "+15125550142");
        assert_eq!(lead.message.as_deref(), Some("No hot water.\nSince Monday."));
        assert_eq!(lead.service, None);
    }

    #[test]
    fn every_fault_is_named_at_its_field() {
        let all = validated(|e| {
            e.name = " \t".into();
            e.email = "jo".into();
            e.phone = "12".into();
        });
        assert_eq!(all.unwrap_err(), ["name", "email", "phone"]);
        assert_eq!(
            validated(|e| {
                e.email.clear();
                e.phone.clear();
            })
            .unwrap_err(),
            ["phone"]
        );
        assert_eq!(validated(|e| e.message = "x".repeat(5_001)).unwrap_err(), ["message"]);
        assert_eq!(validated(|e| e.message = " ".into()).unwrap_err(), ["message"]);
        assert!(validated(|e| e.email.clear()).is_ok());
        assert!(validated(|e| e.phone.clear()).is_ok());
    }

    #[test]
    fn the_fingerprint_tells_submissions_apart() {
        let same = fingerprint(&validated(|_| ()).unwrap());
        assert_eq!(same, fingerprint(&validated(|_| ()).unwrap()));
        assert_ne!(same, fingerprint(&validated(|e| e.message.push('!')).unwrap()));
    }
}
