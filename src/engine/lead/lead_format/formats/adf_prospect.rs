//! One prospect of an ADF document, put together from its elements.

use std::collections::BTreeMap;

use crate::lead::enquiry::Enquiry;
use crate::lead::lead_format::formats::adf::SOURCE;
use crate::lead::lead_format::label::{address_in, is_phone};
use crate::lead::lead_format::parsed_lead::ParsedLead;
use crate::lead::lead_format::value::{joined, some};
use nexora_core::model::lead::Details;

/// An element with its attributes and its text so far, all names in lower case.
#[derive(Clone, Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> &str {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    /// The text as one line.
    fn line(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[derive(Clone, Debug, Default)]
struct Telephone {
    number: String,
    kind: String,
}

/// One vehicle, or whatever else is asked for.
#[derive(Clone, Debug, Default)]
struct Wanted {
    interest: String,
    parts: Vec<String>,
}

/// What was read of a prospect so far.
#[derive(Clone, Debug, Default)]
pub struct Prospect {
    /// The parts of the name by `part`; the whole one under nothing.
    names: BTreeMap<String, String>,
    company: String,
    emails: Vec<String>,
    phones: Vec<Telephone>,
    streets: BTreeMap<String, String>,
    city: String,
    region: String,
    postcode: String,
    comments: Vec<String>,
    times: Vec<String>,
    wanted: Vec<Wanted>,
    id: String,
    details: Details,
    is_begun: bool,
}

impl Prospect {
    /// Notes that an element begins.
    pub fn begin(&mut self, element: &Element) {
        if element.name == "vehicle" {
            let interest = element.attribute("interest").to_owned();
            self.wanted.push(Wanted { interest, parts: Vec::new() });
        }
        self.is_begun |= element.name == "prospect" || element.name == "customer";
    }

    /// Notes an element that ended within those that are open; false when it is a part of the text around it.
    pub fn note(&mut self, open: &[Element], element: &Element) -> bool {
        // The document itself.
        if open.is_empty() && element.name != "prospect" {
            return true;
        }
        let within = |name: &str| open.iter().any(|outer| outer.name == name);
        if within("comments") {
            return false;
        }
        let text = element.line();
        if text.is_empty() {
            return true;
        }
        if within("vendor") {
            return true;
        }
        if within("provider") {
            if element.name == "name" {
                self.detail("Provider", text);
            }
            return true;
        }
        if within("customer") {
            self.customer(open, element, text);
        } else if within("vehicle") {
            self.vehicle(element, text);
        } else {
            self.prospect(element, text);
        }
        true
    }

    fn customer(&mut self, open: &[Element], element: &Element, text: String) {
        match element.name.as_str() {
            "name" => self.name(element, text),
            "email" => self.emails.push(text.trim_start_matches("mailto:").to_owned()),
            "phone" => {
                let kind = joined(&[element.attribute("type"), element.attribute("time")], ", ");
                let number = text.trim_start_matches("tel:").to_owned();
                self.phones.push(Telephone { number, kind });
            }
            "street" | "apartment" => {
                // Lines stand in their order, and what has none follows them.
                let line = match element.attribute("line") {
                    "" => format!("9{}", self.streets.len()),
                    line => line.to_owned(),
                };
                self.streets.entry(line).or_insert(text);
            }
            "city" => fill(&mut self.city, text),
            "regioncode" => fill(&mut self.region, text),
            "postalcode" => fill(&mut self.postcode, text),
            "comments" => self.comments.push(lines(&element.text)),
            "description" | "earliestdate" | "latestdate"
                if open.iter().any(|outer| outer.name == "timeframe") =>
            {
                self.times.push(text);
            }
            "timeframe" => self.times.push(text),
            other => self.detail(&label(other), text),
        }
    }

    fn name(&mut self, element: &Element, text: String) {
        let part = match element.attribute("part") {
            "full" => "",
            part => part,
        };
        if element.attribute("type") == "business" && part.is_empty() {
            fill(&mut self.company, text);
            return;
        }
        match self.names.contains_key(part) {
            true => self.detail("Further name", text),
            false => drop(self.names.insert(part.to_owned(), text)),
        }
    }

    fn vehicle(&mut self, element: &Element, text: String) {
        match element.name.as_str() {
            "year" | "make" | "model" | "trim" => {
                if let Some(wanted) = self.wanted.last_mut() {
                    wanted.parts.push(text);
                }
            }
            "comments" => self.detail("Vehicle comments", text),
            other => self.detail(&format!("Vehicle {other}"), text),
        }
    }

    fn prospect(&mut self, element: &Element, text: String) {
        match element.name.as_str() {
            "id" => fill(&mut self.id, text),
            "comments" => self.comments.push(lines(&element.text)),
            "service" | "servicetype" | "requesttype" | "category" => {
                self.wanted.insert(0, Wanted { interest: String::new(), parts: vec![text] });
            }
            "requestdate" => {}
            other => self.detail(&label(other), text),
        }
    }

    fn detail(&mut self, label: &str, text: String) {
        let detail = self.details.entry(label.to_owned()).or_default();
        if !detail.is_empty() {
            detail.push('\n');
        }
        detail.push_str(&text);
    }

    /// Makes a lead of it; nothing when no prospect began.
    pub fn finish(mut self) -> Option<ParsedLead> {
        if !self.is_begun {
            return None;
        }
        let name = self.whole_name();
        let phone = self.best_phone();
        let email = self.best_email();
        let street = joined(&self.streets.values().collect::<Vec<_>>(), ", ");
        let mut wanted =
            std::mem::take(&mut self.wanted).into_iter().filter(|wanted| !wanted.parts.is_empty());
        let service = wanted.next().map(|wanted| wanted.parts.join(" ")).unwrap_or_default();
        for other in wanted {
            let label = if other.interest.is_empty() {
                "Vehicle".to_owned()
            } else {
                format!("Vehicle ({})", other.interest)
            };
            self.detail(&label, other.parts.join(" "));
        }
        let enquiry = Enquiry {
            name,
            email,
            phone,
            service,
            message: self.comments.join("\n"),
            address: joined(&[&street, &self.city, &self.region], ", "),
            postcode: self.postcode,
            preferred_time: self.times.join(" – "),
            source: SOURCE.to_owned(),
            details: self.details,
            ..Enquiry::default()
        };
        Some(ParsedLead { enquiry, external_id: some(self.id), ..ParsedLead::default() })
    }

    fn whole_name(&mut self) -> String {
        let part = |name: &str| self.names.get(name).map(String::as_str).unwrap_or_default();
        let whole = match part("") {
            "" => joined(&[part("prefix"), part("first"), part("middle"), part("last"), part("suffix")], " "),
            whole => whole.to_owned(),
        };
        if whole.is_empty() {
            return std::mem::take(&mut self.company);
        }
        if !self.company.is_empty() {
            self.detail("Company", self.company.clone());
        }
        whole
    }

    fn best_phone(&mut self) -> String {
        let phones = std::mem::take(&mut self.phones);
        let is_good = |phone: &&Telephone| is_phone(&phone.number) && !phone.kind.starts_with("fax");
        let best = phones.iter().find(is_good).or_else(|| phones.first()).map(|phone| phone.number.clone());
        let best = best.unwrap_or_default();
        for phone in phones.into_iter().filter(|phone| phone.number != best) {
            let label =
                if phone.kind.is_empty() { "Phone".to_owned() } else { format!("Phone ({})", phone.kind) };
            self.detail(&label, phone.number);
        }
        best
    }

    fn best_email(&mut self) -> String {
        let emails = std::mem::take(&mut self.emails);
        let best =
            emails.iter().find_map(|text| address_in(text)).or_else(|| emails.first().map(String::as_str));
        let best = best.unwrap_or_default().to_owned();
        for email in emails.iter().filter(|text| !text.contains(&best)) {
            self.detail("Email", email.clone());
        }
        best
    }
}

fn fill(slot: &mut String, text: String) {
    if slot.is_empty() {
        *slot = text;
    }
}

fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// `creditscore` as `Creditscore`.
fn label(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
