//! ADF 1.0, the Auto-lead Data Format: XML in a mail's text or attached to it. Each prospect in it is a lead.
//!
//! Mail programs break what they carry: what can be read is read, and a document whose end cannot be is kept for review.

use quick_xml::Reader;
use quick_xml::escape::resolve_html5_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::LeadFormat;
use crate::lead::lead_format::form_evidence;
use crate::lead::lead_format::formats::adf_prospect::{Element, Prospect};
use crate::lead::lead_format::mail::{IncomingMail, MailFormat, MailResult};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::message::mail::XML_LIMIT_BYTES;
use crate::message::mail::text;
use nexora_core::model::mail::Mail;

pub static FORMAT: LeadFormat =
    LeadFormat { name: "adf", lead_source: Some(SOURCE), webhook: None, mail: Some(&Adf) };

pub(super) const SOURCE: &str = "adf";

struct Adf;

impl MailFormat for Adf {
    fn read(&self, incoming: IncomingMail<'_>) -> Option<MailResult> {
        let documents = documents(incoming.mail);
        if documents.is_empty() {
            return None;
        }
        let mut leads: Vec<ParsedLead> = Vec::new();
        for document in &documents {
            // A document often stands in the text and is attached, too.
            let found = read(document);
            leads.extend(found.into_iter().filter(|lead| !leads.contains(lead)).collect::<Vec<_>>());
        }
        let reason = "the ADF document holds no prospect that can be read";
        Some(match leads.iter().any(ParsedLead::says_anything) {
            true => MailResult::Leads(leads),
            false => MailResult::Unreadable { source: SOURCE, reason },
        })
    }
}

/// Why a mail is for a person to look at that may bring a lead in a document which is not read.
pub(super) const TOO_LARGE: &str = "an XML document that is attached to it is larger than is read";

/// Tells whether a mail brings a document that may be a lead and is larger than is read.
pub(super) fn is_too_large(mail: &Mail) -> bool {
    let limit = u64::try_from(XML_LIMIT_BYTES).unwrap_or(u64::MAX);
    mail.attachments.iter().filter(|attachment| attachment.size_bytes > limit).any(|attachment| {
        let name = attachment.name.to_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        let is_xml = attachment.mime_type.ends_with("xml") || ends(&[".xml"]);
        let is_lead = ["adf", "lead", "prospect"].iter().any(|word| name.contains(word));
        ends(&[".adf"]) || (is_xml && (is_lead || form_evidence::is_of_lead(&mail.subject)))
    })
}

const DOCUMENT_LIMIT: usize = 1_000_000;
const DEPTH_LIMIT: usize = 100;
const VALUE_LENGTH: usize = 20_000;

/// What a lead says that stands for a part of a document that could not be read.
const UNREAD: &str =
    "A part of the ADF document could not be read. Look at the mail itself for further leads.";

/// Returns the ADF documents of a mail: those attached, and the one in its text.
fn documents(mail: &Mail) -> Vec<String> {
    let found: Vec<String> = mail.xml.iter().chain([&mail.text]).filter_map(|text| document(text)).collect();
    if !found.is_empty() {
        return found;
    }
    let html = mail.html.as_deref().unwrap_or_default();
    document(html).or_else(|| document(&text::of_html(html))).into_iter().collect()
}

/// Returns a text from its first ADF element on. A prefix may stand before the name.
fn document(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let is_root = |at: usize| {
        let (before, after) = (lower.get(..at).unwrap_or_default(), lower.get(at + 3..).unwrap_or_default());
        let is_named = after.starts_with(|c: char| c.is_whitespace() || c == '>' || c == '/' || c == '&');
        let prefix = before.rsplit(['<', ';']).next().unwrap_or_default();
        let is_open =
            prefix.is_empty() || (prefix.ends_with(':') && prefix.len() <= 20 && !prefix.contains(' '));
        let start = at - prefix.len();
        let is_tag =
            lower.get(..start).is_some_and(|before| before.ends_with('<') || before.ends_with("&lt;"));
        (is_named && is_open && is_tag).then_some(start)
    };
    let start = lower.match_indices("adf").find_map(|(at, _)| is_root(at))?;
    let is_escaped = lower.get(..start).is_some_and(|before| before.ends_with("&lt;"));
    let text: String = text.get(start..)?.chars().take(DOCUMENT_LIMIT).collect();
    Some(match is_escaped {
        true => {
            let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
            format!("<{}", plain.replace("&#39;", "'").replace("&amp;", "&"))
        }
        false => format!("<{text}"),
    })
}

/// Reads the prospects of a document.
fn read(document: &str) -> Vec<ParsedLead> {
    let mut reader = Reader::from_str(document);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    config.expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut prospect = Prospect::default();
    let mut leads = Vec::new();
    let is_whole = loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) if open.len() < DEPTH_LIMIT => {
                let element = element(&tag);
                prospect.begin(&element);
                open.push(element);
            }
            Ok(Event::End(_)) => {
                let Some(mut ended) = open.pop() else { continue };
                ended.text = unescaped(&ended.text);
                if ended.name == "prospect" {
                    leads.extend(std::mem::take(&mut prospect).finish());
                    continue;
                }
                let taken = prospect.note(&open, &ended);
                if let (false, Some(outer)) = (taken, open.last_mut()) {
                    // Marks within a text, such as bold type.
                    add(outer, &format!(" {}", ended.text));
                }
            }
            Ok(Event::Text(text)) => add_to(&mut open, &text.decode().unwrap_or_default()),
            Ok(Event::CData(text)) => add_to(&mut open, &text.decode().unwrap_or_default()),
            Ok(Event::GeneralRef(reference)) => add_to(&mut open, &resolved(&reference)),
            Ok(Event::Eof) => break true,
            Err(_) => break false,
            Ok(_) => {}
        }
    };
    while let Some(ended) = open.pop() {
        prospect.note(&open, &ended);
    }
    leads.extend(prospect.finish());
    let position = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
    let rest = document.get(position..).unwrap_or_default();
    let is_cut = document.chars().count() > DOCUMENT_LIMIT;
    if is_cut || (!is_whole && rest.to_ascii_lowercase().contains("prospect>")) {
        let enquiry = Enquiry { message: UNREAD.to_owned(), source: SOURCE.to_owned(), ..Enquiry::default() };
        leads.push(ParsedLead { enquiry, ..ParsedLead::default() });
    }
    leads
}

fn element(tag: &BytesStart<'_>) -> Element {
    let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_ascii_lowercase();
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten();
    Element {
        name: lower(tag.local_name().as_ref()),
        attributes: attributes
            .map(|found| (lower(found.key.local_name().as_ref()), lower(&found.value)))
            .collect(),
        text: String::new(),
    }
}

fn add_to(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        add(element, text);
    }
}

fn add(element: &mut Element, text: &str) {
    if element.text.len() + text.len() <= VALUE_LENGTH {
        element.text.push_str(text);
    }
}

/// Returns the character that a reference stands for. Only characters are known, so that no entity is ever expanded.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name = reference.decode().unwrap_or_default();
    resolve_html5_entity(&name).unwrap_or(" ").to_owned()
}

/// Some write HTML into a text that is to hold none, as CDATA or escaped once more.
fn unescaped(text: &str) -> String {
    let has_marks = text.contains("</") || text.contains("<br") || text.contains("<p>");
    let has_references =
        text.split('&').skip(1).any(|rest| rest.split_once(';').is_some_and(|(name, _)| name.len() <= 8));
    match has_marks || has_references {
        true => text::of_html(&text.replace('\n', "<br>")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads(prospects: &str) -> Vec<ParsedLead> {
        read(&document(&format!("<?xml version=\"1.0\"?><adf>{prospects}</adf>")).unwrap())
    }

    fn one(customer: &str) -> ParsedLead {
        let mut found = leads(&format!("<prospect><customer>{customer}</customer></prospect>"));
        assert_eq!(found.len(), 1, "{customer}");
        found.remove(0)
    }

    #[test]
    fn characters_are_read_however_they_are_written() {
        for (written, name) in [
            ("Ren&#233;e O&#39;Con&#xF1;or", "Renée O'Conñor"),
            ("M&uuml;ller &amp; S&ouml;hne&nbsp;&ndash; x", "Müller & Söhne – x"),
            ("<![CDATA[O&#39;Brien]]>", "O'Brien"),
            ("<![CDATA[Tom & Jerry]]>", "Tom & Jerry"),
            ("Tom & Jerry", "Tom & Jerry"),
            ("Jo\n   Miller", "Jo Miller"),
        ] {
            let found = one(&format!("<contact><name part=\"full\">{written}</name></contact>"));
            assert_eq!(found.enquiry.name, name, "{written}");
        }
    }

    #[test]
    fn names_are_put_together_from_their_parts() {
        for (parts, name) in [
            (
                "<name part=\"last\">Lopez</name><name part=\"suffix\">Jr</name><name part=\"first\">Ana</name><name part=\"middle\">M</name>",
                "Ana M Lopez Jr",
            ),
            ("<name part='Full'>Ana Lopez</name><name part='first'>Ana</name>", "Ana Lopez"),
            ("<name>Ana</name>", "Ana"),
            (
                "<name part='full' type='business'>Lopez Ltd</name><name part='full' type='individual'>Ana</name>",
                "Ana",
            ),
            ("<name part='full' type='business'>Lopez Ltd</name>", "Lopez Ltd"),
        ] {
            assert_eq!(one(&format!("<contact>{parts}</contact>")).enquiry.name, name, "{parts}");
        }
    }

    #[test]
    fn the_first_good_number_counts_and_the_others_are_details() {
        let found = one(
            "<contact><name>Lena</name><email>mailto:lena@x.example</email><phone type=\"fax\">512 555 0199</phone>\
             <phone>n/a</phone><phone type=\"voice\" time=\"day\">tel:512-555-0134</phone>\
             <phone type=\"cellphone\" time=\"evening\">512-555-0177</phone></contact>",
        );
        let enquiry = found.enquiry;
        assert_eq!((enquiry.phone.as_str(), enquiry.email.as_str()), ("512-555-0134", "lena@x.example"));
        assert_eq!(enquiry.details["Phone (cellphone, evening)"], "512-555-0177");
        assert_eq!(enquiry.details["Phone (fax)"], "512 555 0199");
    }

    #[test]
    fn all_of_a_prospect_is_kept() {
        let mut found = leads(
            "<a:prospect xmlns:a='x'><a:id source='s'>7</a:id><vehicle interest='buy'><year>2026</year><make>Rheem</make>\
             <model>50gal</model><comments>quiet one</comments></vehicle><vehicle interest='trade-in'><make>Bosch</make></vehicle>\
             <customer><contact><name part='full'>Zoë</name><email>zoe@x.example</email><address><street line='2'>Unit 4</street>\
             <street line='1'>9 Elm St</street><city>Austin</city><regioncode>TX</regioncode><postalcode>78703</postalcode>\
             <country>US</country></address></contact><timeframe><description>This week</description></timeframe>\
             <comments>A<br/>B</comments></customer><vendor><contact><name>Acme</name><phone>512 555 9999</phone></contact></vendor>\
             <provider><name part='full'>HomePortal</name><email>x@portal.example</email></provider></a:prospect>",
        );
        let lead = found.remove(0);
        let enquiry = lead.enquiry;
        assert_eq!(lead.external_id.as_deref(), Some("7"));
        assert_eq!(
            (enquiry.name.as_str(), enquiry.email.as_str(), enquiry.phone.as_str()),
            ("Zoë", "zoe@x.example", "")
        );
        assert_eq!(
            (enquiry.address.as_str(), enquiry.postcode.as_str()),
            ("9 Elm St, Unit 4, Austin, TX", "78703")
        );
        assert_eq!(
            (enquiry.service.as_str(), enquiry.preferred_time.as_str()),
            ("2026 Rheem 50gal", "This week")
        );
        assert_eq!(enquiry.message, "A B");
        let details: Vec<(&str, &str)> =
            enquiry.details.iter().map(|(label, text)| (label.as_str(), text.as_str())).collect();
        assert_eq!(
            details,
            [
                ("Country", "US"),
                ("Provider", "HomePortal"),
                ("Vehicle (trade-in)", "Bosch"),
                ("Vehicle comments", "quiet one"),
            ]
        );
    }

    #[test]
    fn each_prospect_is_a_lead_and_none_is_lost_with_a_broken_end() {
        let two = "<prospect><id>1</id><customer><contact><name>A</name></contact></customer></prospect>\
                   <prospect><id>2</id><customer><contact><name>B</name></contact></customer></prospect>";
        let names =
            |found: &[ParsedLead]| found.iter().map(|lead| lead.enquiry.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&leads(two)), ["A", "B"]);
        assert_eq!(
            names(&read(
                &document(
                    "x &lt;ADF&gt;&lt;prospect&gt;&lt;customer&gt;&lt;contact&gt;&lt;name&gt;C&lt;/name&gt;"
                )
                .unwrap()
            )),
            ["C"]
        );
        let broken = leads(&format!("{two}<prospect <>><customer></prospect>"));
        assert_eq!(names(&broken).first().map(String::as_str), Some("A"));
        assert!(broken.len() > 2, "{broken:?}");
        assert_eq!(document("an adf: <adfs> <a:b adf>"), None);
    }
}
