//! Tells a filled-in form from other mails of programs, where no rule names its sender.
//!
//! What speaks for one: a program sent it, and labels with a person's name and address stand in it. What speaks against:
//! it answers a mail, it is about an order or an account, or the addresses are the business's or the sender's own. What
//! has the subject of a lead and cannot be read is for a person to look at.

use crate::lead::lead_format::form_sender;
use crate::lead::lead_format::formats::form_mail;
use crate::lead::lead_format::label::folded;
use crate::lead::lead_format::mail::IncomingMail;
use crate::lead::lead_format::marketplace::is_within;
use crate::lead::lead_format::reading::Reading;
use nexora_core::model::mail::{Mail, MailKind};
use nexora_core::model::source::SourceField;

/// What a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Lead,
    /// A lead whose message stands beside no label: a form that was made into a letter.
    Letter,
    /// It should be a lead, and cannot be read as one.
    Review(&'static str),
    Other,
}

const HALF_READ: &str = "only a part of a form's fields was found";
const UNREAD: &str = "it has the subject of a lead, and none of a form's fields was found";

/// Judges a mail by its sender, in lower case, its subject and what was read of it.
pub fn judge(incoming: IncomingMail<'_>, from: &str, reading: &Reading) -> Verdict {
    let IncomingMail { mail, is_contacts, .. } = incoming;
    let is_service = form_sender::service(from).is_some();
    let is_answer = !mail.in_reply_to.is_empty() || !mail.references.is_empty();
    if is_answer || mail.kind.is_report() || is_own(mail, from, reading) {
        return Verdict::Other;
    }
    let subject = Subject::of(&mail.subject);
    let transactions = reading.other_labels().filter(|label| is_of_transaction(label)).count();
    if transactions >= 2 || (subject.is_of_transaction && !subject.is_of_lead) {
        return Verdict::Other;
    }
    let contacts = reading.contacts();
    let has_way =
        reading.has(SourceField::Phone) || reading.email().is_some() || form_mail::visitor(mail).is_some();
    let says = reading.has_name() || reading.has_message();
    let display = mail.from.as_ref().and_then(|from| from.name.as_deref());
    let is_to_itself = mail.to.iter().any(|to| to.address.eq_ignore_ascii_case(from));
    let is_program =
        is_service || is_to_itself || form_sender::is_program(from, display) || has_other_answer(mail, from);
    if !is_program {
        let is_other = reading.email().is_some_and(|email| !email.eq_ignore_ascii_case(from));
        let is_form = reading.has_name() && (is_other || reading.has(SourceField::Phone));
        let is_lead = !is_contacts
            && is_form
            && (contacts >= 3 || subject.is_of_lead || reading.has_message())
            && mail.kind != MailKind::Bulk;
        return if is_lead { Verdict::Lead } else { Verdict::Other };
    }
    let is_likely = subject.is_of_lead || is_service;
    if mail.kind == MailKind::Bulk && !is_service {
        // Campaigns have such labels, too, of the company that sends them.
        return if contacts >= 2 && reading.has_name() && subject.is_of_lead {
            Verdict::Review(HALF_READ)
        } else {
            Verdict::Other
        };
    }
    let is_letter = subject.is_new_lead && !reading.has_message() && form_mail::visitor(mail).is_some();
    match contacts {
        2.. if says => Verdict::Lead,
        _ if is_letter => Verdict::Letter,
        1 if says && is_likely && has_way => Verdict::Lead,
        // A site's own program, with a message whose answer goes to somebody else.
        1 if reading.has(SourceField::Message) && form_mail::visitor(mail).is_some() => Verdict::Lead,
        // A service of forms or calls that passes on a number says whom to call back.
        1.. if is_service && reading.has(SourceField::Phone) => Verdict::Lead,
        1.. if is_likely => Verdict::Review(HALF_READ),
        0 if is_likely && reading.has(SourceField::Message) && form_mail::visitor(mail).is_some() => {
            Verdict::Lead
        }
        0 if is_likely && (subject.is_new_lead || is_service || form_mail::visitor(mail).is_some()) => {
            Verdict::Review(if says { HALF_READ } else { UNREAD })
        }
        _ => Verdict::Other,
    }
}

/// Tells whether the addresses in it are those of the business or of the company that sends it.
fn is_own(mail: &Mail, from: &str, reading: &Reading) -> bool {
    let Some(email) = reading.email().map(str::to_lowercase) else { return false };
    let is_recipient = mail.to.iter().chain(&mail.cc).any(|to| to.address.eq_ignore_ascii_case(&email));
    let is_business = mail.to.iter().any(|to| domain(&to.address) == domain(from));
    let (own, other) = (domain(from), domain(&email));
    let is_company = email != from && (is_within(&own, &other) || is_within(&other, &own));
    is_recipient || (is_company && !is_business && !reading.has_name() && form_mail::visitor(mail).is_none())
}

/// Returns the domain of an address, in lower case; all of what is none.
fn domain(address: &str) -> String {
    address.rsplit('@').next().unwrap_or_default().to_lowercase()
}

/// Tells whether an answer goes to another domain than the sender's, as with forms.
fn has_other_answer(mail: &Mail, from: &str) -> bool {
    form_mail::visitor(mail).is_some_and(|visitor| domain(&visitor.address) != domain(from))
}

/// Tells whether a subject may be that of a lead.
pub fn is_of_lead(subject: &str) -> bool {
    let subject = Subject::of(subject);
    subject.is_of_lead && !subject.is_of_transaction
}

struct Subject {
    is_of_lead: bool,
    /// It can hardly be anything else than a lead.
    is_new_lead: bool,
    is_of_transaction: bool,
}

impl Subject {
    fn of(subject: &str) -> Subject {
        let lower = subject.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        let is_new_lead = has(NEW_LEAD) && !lower.contains("your ");
        Subject {
            is_of_lead: is_new_lead || (has(OF_LEAD) && !lower.starts_with("your ")),
            is_new_lead,
            is_of_transaction: has(OF_TRANSACTION) || lower.split_whitespace().any(is_of_transaction),
        }
    }
}

fn is_of_transaction(label: &str) -> bool {
    folded(label).split(' ').any(|word| TRANSACTIONS.contains(&word))
}

#[rustfmt::skip]
const NEW_LEAD: &[&str] = &[
    "new lead:", "new lead from", "new lead for", "new enquiry", "new inquiry", "new quote request",
    "new contact form", "contact form submission", "new form", "contact form", "form submission", "form entry",
    "new submission", "website enquiry", "website inquiry", "web enquiry", "web lead", "website lead",
    "neue anfrage", "anfrage über", "kontaktformular", "nueva solicitud", "nuevo mensaje de", "nouvelle demande",
    "formulaire de contact", "nuova richiesta", "nieuwe aanvraag", "contactformulier",
];

#[rustfmt::skip]
const OF_LEAD: &[&str] = &[
    "lead", "enquiry", "inquiry", "quote", "estimate", "request", "contact form", "contact us", "submission",
    "new entry", "new message", "website", "web form", "booking", "consultation", "callback", "call back",
    "question", "appointment", "voicemail", "missed call", "message from", "new contact", "anfrage", "nachricht von", "webseite", "angebot",
    "rückruf", "solicitud", "consulta", "presupuesto", "formulario", "contacto", "demande", "devis", "formulaire",
    "richiesta", "preventivo", "contatto", "aanvraag", "offerte", "formulier",
];

#[rustfmt::skip]
const OF_TRANSACTION: &[&str] = &[
    "new user", "verify your", "verification", "sign in", "sign-in", "security alert", "out for delivery",
    "on its way", "has shipped", "password", "newsletter", "subscription", "unsubscribe", "zahlung", "paiement",
    "your order",
];

/// Words of labels and subjects about an order, a payment, a parcel or an account.
#[rustfmt::skip]
const TRANSACTIONS: &[&str] = &[
    "invoice", "receipt", "order", "subtotal", "total", "amount", "paid", "payment", "tracking", "shipping",
    "shipment", "shipped", "delivery", "delivered", "card", "balance", "due", "vat", "tax", "qty", "quantity", "sku",
    "verification", "password", "username", "statement", "refund", "payout", "transaction", "rechnung",
    "rechnungsnummer", "bestellung", "bestellnummer", "betrag", "lieferung", "sendungsnummer", "gesamtbetrag",
    "mwst", "facture", "commande", "montant", "livraison", "colis", "factura", "pedido", "importe", "entrega",
    "envío", "fattura", "ordine", "importo", "consegna", "factuur", "bestelling", "bestelnummer", "bedrag",
    "levering", "verzending",
];
