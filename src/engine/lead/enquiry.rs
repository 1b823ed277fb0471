//! What a homeowner typed, made into a lead: trimmed, capped, parsed, with a fault for each field.

use sha2::{Digest, Sha256};

use crate::contact::contact_extraction;
use nexora_core::base::text::{hex, visible};
use nexora_core::base::wording::cut;
use nexora_core::model::address::{Country, EmailAddress, PhoneNumber};
use nexora_core::model::form::FieldName;
use nexora_core::model::language::{Flaw, Language};
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

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    pub field: &'static str,
    pub flaw: Flaw,
}

impl FieldFault {
    pub fn new(field: &'static str, flaw: Flaw) -> FieldFault {
        FieldFault { field, flaw }
    }

    /// Tells it to the person who filled in the field.
    pub fn told(&self, language: Language) -> String {
        (language.words().flaw)(self.flaw)
    }
}

const LINE_LENGTH: usize = 200;
const MESSAGE_LENGTH: usize = 5_000;
const DETAIL_LIMIT: usize = 40;
const DETAIL_LENGTH: usize = 2_000;
/// The detail under which those beyond the limit are kept, and how much of them.
const MORE: &str = "More";
const MORE_LENGTH: usize = 10_000;
const ATTRIBUTION_LIMIT: usize = 24;
const ATTRIBUTION_LENGTH: usize = 1_000;

/// Makes a lead of what a person filled in, who is asked to correct what is wrong; telephone numbers are read as
/// people of `country` write them.
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
            faults.push(FieldFault::new(field, Flaw::Empty));
        }
    }
    if faults.is_empty() { Ok(lead) } else { Err(faults) }
}

/// Makes a lead of what a program sent. Where there is a way to answer, neither a name that is missing nor another
/// address that cannot be read holds it up: what was written is kept as a detail.
///
/// # Errors
/// Every fault, when there is no way to answer, or a text is too long.
pub fn accept(enquiry: Enquiry, country: Country) -> Result<NewLead, Vec<FieldFault>> {
    let (lead, mut faults) = read(enquiry, country);
    if lead.email.is_some() || lead.phone.is_some() {
        faults.retain(|fault| matches!(fault.flaw, Flaw::TooLong(_)));
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
        faults.push(FieldFault::new("name", Flaw::NoName));
    }
    let mut details = enquiry.details;
    let email =
        first_good(&enquiry.email, |text| text.parse().ok(), |text| contact_extraction::emails(text).next());
    let phone = first_good(
        &enquiry.phone,
        |text| PhoneNumber::parse_in(country, text).ok().filter(|_| is_number_alone(text)),
        |text| contact_extraction::phones(text, country).next(),
    );
    for (name, text, is_whole) in [
        ("Email as written", &enquiry.email, email.is_whole),
        ("Phone as written", &enquiry.phone, phone.is_whole),
    ] {
        if !is_whole {
            details.insert(name.to_owned(), text.clone());
        }
    }
    let (email, phone) = (email.value, phone.value);
    if email.is_none() && !enquiry.email.trim().is_empty() {
        faults.push(FieldFault::new("email", Flaw::NotAnEmail));
    }
    if phone.is_none() && !enquiry.phone.trim().is_empty() {
        faults.push(FieldFault::new("phone", Flaw::NotAPhone));
    }
    if phone.as_ref().is_some_and(PhoneNumber::is_doubtful) {
        details.insert(
            "Phone check".to_owned(),
            "This number may be mistyped: its area code is not known.".to_owned(),
        );
    }
    if enquiry.email.trim().is_empty() && enquiry.phone.trim().is_empty() {
        faults.push(FieldFault::new("phone", Flaw::Unreachable));
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
        details: kept(details),
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
    for (name, value) in &lead.details {
        digest.update(format!("{}:{name}{value}", name.len()));
    }
    hex(digest.finalize().get(..16).unwrap_or_default())
}

/// An address, and whether it is all that the field holds.
struct Address<T> {
    value: Option<T>,
    is_whole: bool,
}

/// Reads an address; of a field that holds more than one, or other words, the first that is good.
fn first_good<T>(
    text: &str,
    whole: impl Fn(&str) -> Option<T>,
    within: impl Fn(&str) -> Option<T>,
) -> Address<T> {
    let text = one_line(text);
    if text.is_empty() {
        return Address { value: None, is_whole: true };
    }
    match whole(&text) {
        Some(value) => Address { value: Some(value), is_whole: true },
        None => Address { value: within(&text), is_whole: false },
    }
}

/// Tells whether a field holds a number and no words besides it, but for the mark of an extension.
fn is_number_alone(text: &str) -> bool {
    !PhoneNumber::without_extension(text).chars().any(char::is_alphabetic)
}

fn capped(field: &'static str, text: &str, limit: usize, faults: &mut Vec<FieldFault>) -> Option<String> {
    if text.chars().count() > limit {
        faults.push(FieldFault::new(field, Flaw::TooLong(limit)));
    }
    Some(text.chars().take(limit).collect()).filter(|text: &String| !text.is_empty())
}

/// Drops control characters and folds white space into single blanks.
fn one_line(text: &str) -> String {
    let text = visible(text);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Drops control characters but for line ends and tabs.
fn plain(text: &str) -> String {
    let unified = visible(text).replace("\r\n", "\n");
    unified.trim().chars().filter(|c| !c.is_control() || *c == '\n' || *c == '\t').collect()
}

/// Returns the details within bounds: those beyond them stand together under one name.
fn kept(details: Details) -> Details {
    let clean = |(name, value): (String, String)| {
        (cut(&one_line(&name), LINE_LENGTH), cut(&plain(&value), DETAIL_LENGTH))
    };
    let mut pairs =
        details.into_iter().map(clean).filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let mut kept: Details = pairs.by_ref().take(DETAIL_LIMIT).collect();
    let more = pairs.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n");
    if !more.is_empty() {
        kept.insert(MORE.to_owned(), cut(&more, MORE_LENGTH));
    }
    kept
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

    fn accepted(email: &str, phone: &str) -> Result<NewLead, Vec<FieldFault>> {
        let enquiry = Enquiry { email: email.into(), phone: phone.into(), ..enquiry() };
        accept(enquiry, Country::parse("US").unwrap())
    }

    #[test]
    fn the_first_good_address_of_a_field_is_taken_and_the_text_is_kept() {
        for (email, phone, wanted) in [
            ("a@example.net, b@example.net", "", (Some("a@example.net"), None)),
            ("Jo <a@example.net>", "512-555-0134", (Some("a@example.net"), Some("+15125550134"))),
            ("a@example.net", "512-555-0134 / 512-555-0177", (Some("a@example.net"), Some("+15125550134"))),
            ("", "call me at 512-555-0134 after five", (None, Some("+15125550134"))),
            ("a@example.net", "555-0134", (Some("a@example.net"), None)),
            ("n/a", "512-555-0134", (None, Some("+15125550134"))),
            ("none; a@example.net", "home: (512) 555-0134", (Some("a@example.net"), Some("+15125550134"))),
        ] {
            let lead = accepted(email, phone).unwrap();
            let found =
                (lead.email.as_ref().map(EmailAddress::as_str), lead.phone.as_ref().map(PhoneNumber::as_str));
            assert_eq!(found, wanted, "{email} {phone}");
            for (name, text, value) in
                [("Email as written", email, found.0), ("Phone as written", phone, found.1)]
            {
                let is_plain = text.is_empty()
                    || Some(text) == value
                    || (name.starts_with("Phone") && text == "512-555-0134");
                assert_eq!(
                    lead.details.get(name).map(String::as_str),
                    (!is_plain).then_some(text),
                    "{email} {phone}"
                );
            }
        }
        let fields = |faults: Vec<FieldFault>| faults.iter().map(|fault| fault.field).collect::<Vec<_>>();
        assert_eq!(fields(accepted("n/a", "555-0134").unwrap_err()), ["email", "phone"]);
    }

    #[test]
    fn a_number_of_an_unknown_area_is_kept_with_a_remark() {
        let lead = accepted("", "436-555-0134").unwrap();
        assert_eq!(lead.phone.unwrap().as_str(), "+14365550134");
        assert!(lead.details["Phone check"].contains("mistyped"));
    }

    #[test]
    fn details_beyond_the_limit_stand_together() {
        let details: Details = (0..60).map(|n| (format!("q{n:02}"), "x".repeat(3_000))).collect();
        let lead = salvage(Enquiry { details, ..enquiry() }, Country::parse("US").unwrap());
        assert_eq!(lead.details.len(), DETAIL_LIMIT + 1);
        assert_eq!(lead.details["q00"].chars().count(), DETAIL_LENGTH + 1);
        assert!(lead.details[MORE].starts_with("q40: xx"), "{}", &lead.details[MORE][..20]);
    }

    #[test]
    fn the_fingerprint_tells_submissions_apart() {
        let same = fingerprint(&validated(|_| ()).unwrap());
        assert_eq!(same, fingerprint(&validated(|_| ()).unwrap()));
        assert_ne!(same, fingerprint(&validated(|e| e.message.push('!')).unwrap()));
    }
}
