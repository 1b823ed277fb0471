//! ADF 1.0, the Auto-lead Data Format: XML in a mail's text or attached to it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::mail::{MailFormat, MailResult, Rules};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::value::some;
use nexora_core::model::mail::Mail;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "adf", lead_source: Some(SOURCE), webhook: None, mail: Some(&Adf) };

const SOURCE: &str = "adf";

struct Adf;

impl MailFormat for Adf {
    fn read(&self, mail: &Mail, _rules: &Rules) -> Option<MailResult> {
        let document = document(mail)?;
        let reason = "the ADF document holds no prospect that can be read";
        Some(match read(&document) {
            Some(lead) => MailResult::Lead(lead),
            None => MailResult::Unreadable { source: SOURCE, reason },
        })
    }
}

const DOCUMENT_LIMIT: usize = 256_000;
const EVENT_LIMIT: usize = 20_000;
const VALUE_LENGTH: usize = 5_000;

/// Returns the ADF document of a mail, if it has one.
fn document(mail: &Mail) -> Option<String> {
    let texts = [mail.xml.as_deref(), Some(mail.text.as_str())];
    texts.into_iter().flatten().find_map(|text| {
        let start = find(text, "<adf").or_else(|| find(text, "&lt;adf"))?;
        let text: String = text.get(start..)?.chars().take(DOCUMENT_LIMIT).collect();
        Some(match text.starts_with('&') {
            true => {
                text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
            }
            false => text,
        })
    })
}

/// Reads the first prospect.
fn read(document: &str) -> Option<ParsedLead> {
    let mut reader = Reader::from_str(document);
    // Mail programs break what they carry; what can be read is read.
    reader.config_mut().check_end_names = false;
    let mut path: Vec<String> = Vec::new();
    let mut kind = String::new();
    let mut found = Prospect::default();
    for _ in 0..EVENT_LIMIT {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                kind = attribute(&tag);
                path.push(name(&tag));
            }
            Ok(Event::End(_)) => {
                let ended = path.pop();
                if ended.as_deref() == Some("prospect") {
                    break;
                }
            }
            Ok(Event::Text(text)) => {
                let text = text.decode().map(std::borrow::Cow::into_owned).unwrap_or_default();
                found.note(&path, &kind, &text);
            }
            Ok(Event::CData(text)) => {
                let text = text.decode().map(std::borrow::Cow::into_owned).unwrap_or_default();
                found.note(&path, &kind, &text);
            }
            Ok(Event::GeneralRef(entity)) => {
                // Only the characters that XML itself names; no other entity is ever expanded.
                let text = match &*entity.decode().unwrap_or_default() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "apos" => "'",
                    _ => " ",
                };
                found.note(&path, &kind, text);
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    found.finish()
}

fn find(text: &str, sign: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(sign)
}

fn name(tag: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(tag.local_name().as_ref()).to_ascii_lowercase()
}

/// Returns what kind of name, address line or id a tag holds.
fn attribute(tag: &BytesStart<'_>) -> String {
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten();
    let kinds = attributes.filter(|a| matches!(a.key.as_ref(), b"part" | b"source" | b"type"));
    kinds.map(|a| String::from_utf8_lossy(&a.value).to_ascii_lowercase()).next().unwrap_or_default()
}

#[derive(Default)]
struct Prospect {
    enquiry: Enquiry,
    first: String,
    last: String,
    vehicle: String,
    city: String,
    id: String,
}

impl Prospect {
    fn note(&mut self, path: &[String], kind: &str, text: &str) {
        let text = text.trim_matches(['\r', '\n', '\t']);
        let at = |place: usize| path.len().checked_sub(place).and_then(|i| path.get(i)).map(String::as_str);
        let in_customer = path.iter().any(|tag| tag == "customer");
        let in_vehicle = path.iter().any(|tag| tag == "vehicle");
        let slot = match (at(1), at(2)) {
            (Some("name"), _) if in_customer => match kind {
                "first" => &mut self.first,
                "last" => &mut self.last,
                _ => &mut self.enquiry.name,
            },
            (Some("email"), _) if in_customer => &mut self.enquiry.email,
            (Some("phone"), _) if in_customer => &mut self.enquiry.phone,
            (Some("street"), _) if in_customer => &mut self.enquiry.address,
            (Some("city"), _) if in_customer => &mut self.city,
            (Some("postalcode"), _) if in_customer => &mut self.enquiry.postcode,
            (Some("comments"), _) => &mut self.enquiry.message,
            (Some("earliestdate" | "timeframe" | "description"), Some("customer" | "timeframe")) => {
                &mut self.enquiry.preferred_time
            }
            (Some("make" | "model" | "trim" | "service"), _) if in_vehicle || at(1) == Some("service") => {
                &mut self.vehicle
            }
            (Some("id"), Some("prospect")) => &mut self.id,
            _ => return,
        };
        if slot.len() + text.len() <= VALUE_LENGTH {
            let is_new_part = !slot.is_empty() && at(1) != Some("comments") && text.len() > 1;
            if is_new_part && !text.trim().is_empty() {
                slot.push(' ');
            }
            slot.push_str(text);
        }
    }

    fn finish(mut self) -> Option<ParsedLead> {
        if self.enquiry.name.trim().is_empty() {
            self.enquiry.name = format!("{} {}", self.first.trim(), self.last.trim());
        }
        if !self.city.trim().is_empty() {
            self.enquiry.address = format!("{}, {}", self.enquiry.address.trim(), self.city.trim());
        }
        self.enquiry.service = self.vehicle.trim().to_owned();
        SOURCE.clone_into(&mut self.enquiry.source);
        let external_id = some(self.id);
        let lead = ParsedLead { enquiry: self.enquiry, external_id, ..ParsedLead::default() };
        lead.says_anything().then_some(lead)
    }
}
