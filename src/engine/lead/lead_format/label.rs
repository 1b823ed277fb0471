//! What a label in a mail asks for, in the languages in which forms are written here: English, German, Spanish,
//! French, Italian and Dutch.
//!
//! A whole label is looked up first ([`PHRASES`]), so that `First Name` is never taken for `Name`. A longer one is known
//! by its words ([`WORDS`]): `Best number to call`, `Teléfono de contacto`. What is read so has to look like what the
//! label asks for ([`is_likely`]).

use nexora_core::model::address::EmailAddress;
use nexora_core::model::source::SourceField;

/// What is known of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Field(SourceField),
    /// An open question: what is answered is the job, or, in more words, the message.
    Question,
    /// The page of the form, or what led to it, by the name that advertisers call it.
    Origin(&'static str),
    /// What the form's program says of itself, such as when it was sent.
    Technical,
}

/// A label that stands by itself says more than a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    Whole,
    ByWords,
}

const WORD_LIMIT: usize = 12;

/// Returns what a label means, if that is known.
pub fn meaning(label: &str) -> Option<(Meaning, Certainty)> {
    let folded = folded(label.trim().trim_start_matches(['[', '"']).trim_end_matches([']', '"']));
    if folded.is_empty() {
        return None;
    }
    let whole =
        |text: &str| PHRASES.iter().find(|(_, phrases)| phrases.contains(&text)).map(|(found, _)| *found);
    let mut rest = folded.as_str();
    loop {
        if let Some(found) = whole(rest) {
            return Some((found, Certainty::Whole));
        }
        match rest.split_once(' ') {
            Some((first, others)) if FILLERS.contains(&first) => rest = others,
            _ => break,
        }
    }
    if QUESTIONS.iter().any(|start| folded.starts_with(start)) {
        return Some((Meaning::Question, Certainty::ByWords));
    }
    let meaning = by_words(&folded).map(Meaning::Field).or_else(|| {
        let mut words = folded.split(' ');
        let asks = words.next().is_some_and(|first| ASKING.contains(&first));
        let is_of_job = words.clone().any(|word| OF_JOBS.contains(&word));
        match words.any(|word| CONSENT.contains(&word)) || CONSENT.contains(&folded.as_str()) {
            true => Some(Meaning::Technical),
            false => (asks && is_of_job).then_some(Meaning::Question),
        }
    });
    meaning.map(|meaning| (meaning, Certainty::ByWords))
}

/// Tells whether a value looks like one of the field.
pub fn is_likely(field: SourceField, value: &str) -> bool {
    match field {
        SourceField::Email => address_in(value).is_some(),
        SourceField::Phone => is_phone(value),
        SourceField::Postcode => value.len() <= 20 && value.chars().any(|c| c.is_ascii_digit()),
        SourceField::Id => is_id(value),
        SourceField::Name | SourceField::FirstName | SourceField::LastName => {
            value.chars().any(char::is_alphabetic)
                && value.lines().next().is_some_and(|line| line.len() <= 120)
        }
        _ => !value.is_empty(),
    }
}

/// Tells whether a text holds as many digits as a telephone number has, with nothing but signs between them.
pub fn is_phone(text: &str) -> bool {
    let runs = text.split(|c: char| !(c.is_ascii_digit() || " +()-./\u{a0}\u{2011}\u{2013}".contains(c)));
    let digits = |run: &str| run.bytes().filter(u8::is_ascii_digit).count();
    !text.contains('@')
        && !text.contains("://")
        && runs.filter(|run| !is_date(run)).any(|run| digits(run) >= 7)
}

/// `2026-11-30 09:14` and the like, which are no numbers to call.
fn is_date(text: &str) -> bool {
    let mut parts = text.trim().split(['-', '/', '.', ' ']).map(str::len);
    matches!(
        (parts.next(), parts.next(), parts.next()),
        (Some(4), Some(2), Some(2)) | (Some(1 | 2), Some(1 | 2), Some(4))
    ) && text.bytes().filter(u8::is_ascii_digit).count() <= 14
}

/// Tells whether all of a text is a telephone number.
pub fn is_only_phone(text: &str) -> bool {
    is_phone(text) && text.chars().all(|c| c.is_ascii_digit() || " +()-./\u{2011}\u{2013}".contains(c))
}

/// An id of a lead has digits and no blanks; the name of a page is none.
pub fn is_id(text: &str) -> bool {
    text.len() <= 80
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_:#./".contains(c))
}

/// Returns the first mail address in a text, whatever stands around it.
pub fn address_in(text: &str) -> Option<&str> {
    let is_edge = |c: char| c.is_whitespace() || "<>()[]\",;|".contains(c);
    text.split(is_edge).filter(|part| part.contains('@')).find_map(|part| {
        let part =
            part.trim_start_matches("mailto:").split('?').next()?.trim_matches(|c: char| "'.:".contains(c));
        EmailAddress::parse(part).is_ok().then_some(part)
    })
}

/// Brings a label into the form in which labels are compared: `firstName*` and `FIRST_NAME (required):` as `first name`.
pub fn folded(label: &str) -> String {
    let mut out = String::with_capacity(label.len());
    let mut depth = 0_usize;
    let mut before = ' ';
    for c in label.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '\'' | '’' | '`' => {}
            _ if c.is_alphanumeric() => {
                if c.is_uppercase() && before.is_lowercase() {
                    out.push(' ');
                }
                out.extend(c.to_lowercase());
            }
            _ => out.push(' '),
        }
        before = c;
    }
    let words: Vec<&str> = out.split_whitespace().filter(|word| !MARKS.contains(word)).collect();
    words.join(" ")
}

fn by_words(folded: &str) -> Option<SourceField> {
    let words: Vec<&str> = folded.split(' ').collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let begins = |list: &[&str]| words.iter().any(|word| list.iter().any(|start| word.starts_with(start)));
    if words.len() > WORD_LIMIT || has(NOT_OF_PERSONS) {
        return None;
    }
    let (first, last) = (has(FIRST), has(LAST));
    if first && last {
        return Some(SourceField::Name);
    }
    if has(&["lead", "request", "job", "reference", "submission", "ticket", "enquiry", "inquiry"])
        && has(&["number", "id", "no", "ref"])
    {
        return Some(SourceField::Id);
    }
    if words.len() <= 10
        && has(&["any", "other", "additional", "further", "more", "extra", "else"])
        && has(OF_REMARKS)
    {
        return Some(SourceField::Message);
    }
    // A place in one line: `City, State, Zip`, `PLZ / Ort`.
    if words.len() <= 5 && has(OF_POSTCODES) && has(OF_CITIES) {
        return Some(SourceField::City);
    }
    let found = WORDS.iter().find(|(_, limit, list)| words.len() <= *limit && has(list));
    let run_together =
        || STARTS.iter().find(|(_, list)| words.len() <= 4 && begins(list)).map(|(field, _)| *field);
    let field = found.map(|(field, _, _)| *field).or_else(run_together)?;
    let is_name = field == SourceField::Name;
    if has(&["type", "kind", "method"]) && field != SourceField::Service {
        return None;
    }
    Some(match (is_name, first, last) {
        (true, true, _) => SourceField::FirstName,
        (true, _, true) => SourceField::LastName,
        _ => field,
    })
}

#[rustfmt::skip]
const FIRST: &[&str] = &[
    "first", "given", "vor", "vorname", "prénom", "prenom", "nombre", "nombres", "voornaam", "nome",
];
#[rustfmt::skip]
const LAST: &[&str] = &[
    "last", "family", "surname", "nachname", "nom", "apellido", "apellidos", "cognome", "achternaam", "familienname",
    "zuname",
];

#[rustfmt::skip]
const OF_REMARKS: &[&str] = &[
    "information", "info", "details", "comments", "notes", "remarks", "requirements", "instructions", "share",
    "know", "questions", "add", "mention",
];
const OF_POSTCODES: &[&str] = &["zip", "zipcode", "postcode", "plz", "postal", "cap", "cp", "postleitzahl"];
const OF_CITIES: &[&str] = &["city", "town", "ort", "stadt", "ville", "ciudad", "città", "plaats", "wohnort"];

/// Words by which questions begin.
#[rustfmt::skip]
const ASKING: &[&str] = &[
    "what", "whats", "which", "how", "why", "was", "welche", "wie", "qué", "que", "cómo", "quel", "quels", "comment",
    "cosa", "che", "wat", "hoe",
];

/// Words that make a question one about the job.
#[rustfmt::skip]
const OF_JOBS: &[&str] = &[
    "problem", "issue", "project", "help", "need", "needs", "needed", "work", "job", "repair", "looking", "wrong",
    "going", "problème", "besoin", "problema", "necesita", "brauchen", "benötigen", "lavoro", "bisogno", "probleem",
    "klus", "nodig",
];

/// Words of boxes that a visitor ticks.
#[rustfmt::skip]
const CONSENT: &[&str] = &[
    "privacy", "consent", "gdpr", "dsgvo", "rgpd", "datenschutz", "datenschutzerklärung", "einwilligung", "consenso",
    "consentement", "consentimiento", "privacidad", "toestemming", "terms", "newsletter", "marketing", "recaptcha",
];

/// Words that forms put beside a label.
#[rustfmt::skip]
const MARKS: &[&str] = &[
    "required", "optional", "pflichtfeld", "erforderlich", "obligatoire", "facultatif", "obligatorio", "opcional",
    "obbligatorio", "verplicht",
];

/// Words at the start of a label that say whose or which it is.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "your", "my", "the", "a", "please", "enter", "customer", "customers", "client", "clients", "homeowner",
    "homeowners", "contact", "lead", "user", "visitor", "visitors", "sender", "primary", "main", "best", "preferred",
    "consumer", "prospect", "applicant", "requester", "ihre", "ihr", "ihren", "deine", "dein", "votre", "vos", "su",
    "sus", "tu", "il", "la", "tuo", "tua", "uw", "je", "jouw", "le", "el", "de",
];

/// Labels with these words are of something else than the person.
#[rustfmt::skip]
const NOT_OF_PERSONS: &[&str] = &[
    "company", "business", "form", "campaign", "firma", "unternehmen", "société", "entreprise", "empresa", "azienda",
    "bedrijf", "file", "ad", "adset", "site", "page", "product", "domain", "host", "username", "ip", "web",
    "website", "pet", "billing", "bill", "invoice", "order", "vendor", "dealer", "agent", "account", "bank", "card",
    "plan", "fax", "policy", "serial", "model", "claim", "permit", "license", "project", "event", "building",
    "community", "subdivision", "referral", "referred", "birth", "payment",
];

/// How open questions begin.
#[rustfmt::skip]
const QUESTIONS: &[&str] = &[
    "how can we help", "how may we help", "what do you need", "what can we", "what service do you need",
    "what is going on", "whats going on", "what s going on", "whats the problem", "what is the problem", "tell us",
    "describe", "please describe", "please tell", "briefly describe", "is there anything", "anything else",
    "what would you like", "what are you looking", "wie können wir", "was können wir", "comment pouvons",
    "cómo podemos", "como podemos", "come possiamo", "hoe kunnen we",
];

use Meaning::{Field, Origin, Question, Technical};
use SourceField::{
    Address, City, Email, FirstName, Id, LastName, Message, Name, Phone, Postcode, PreferredTime, Region,
    Service,
};

/// Whole labels. The names of a person come first, as some languages have one word for a whole name and a part.
#[rustfmt::skip]
const PHRASES: &[(Meaning, &[&str])] = &[
    (Field(Name), &[
        "name", "full name", "fullname", "contact name", "customer name", "customer", "client", "client name", "homeowner", "from",
        "contact", "lead name", "names", "first and last name", "name and surname", "consumer", "prospect", "guest", "requested by", "von", "de", "da", "van",
        "realname", "caller", "caller name", "vor und nachname", "vorname nachname", "vorname und nachname", "ansprechpartner", "absender", "kunde",
        "nombre", "nombre completo", "nombre y apellidos", "nombre y apellido", "cliente", "remitente",
        "nom", "nom complet", "nom et prénom", "nom prénom", "prénom et nom", "de la part de",
        "nome", "nome completo", "nome e cognome", "nominativo", "mittente",
        "naam", "volledige naam", "voor en achternaam", "klant", "afzender",
    ]),
    (Field(FirstName), &["first name", "firstname", "given name", "first", "forename", "vorname", "prénom", "prenom", "nombres", "voornaam"]),
    (Field(LastName), &[
        "last name", "lastname", "surname", "family name", "last", "nachname", "familienname", "zuname", "nom de famille", "apellido", "apellidos",
        "primer apellido", "cognome", "achternaam",
    ]),
    (Field(Email), &[
        "email", "e mail", "mail", "email address", "e mail address", "mail address", "emailaddress", "contact email", "email id",
        "e mail adresse", "email adresse", "mailadresse", "emailadresse",
        "correo", "correo electrónico", "correo electronico", "dirección de correo", "dirección de correo electrónico",
        "courriel", "adresse e mail", "adresse email", "adresse mail", "adresse électronique", "adresse courriel", "mél",
        "indirizzo email", "indirizzo e mail", "posta elettronica", "e mailadres", "emailadres", "mailadres",
    ]),
    (Field(Phone), &[
        "phone", "phone number", "telephone", "telephone number", "tel", "tel no", "mobile", "mobile number", "mobile phone", "mobile no", "cell",
        "cell phone", "cell number", "cellphone", "daytime phone", "contact number", "contact no", "call", "phone no", "ph", "number", "whatsapp",
        "tél", "n tél", "telefon", "telefonnummer", "tel nr", "telefon nr", "mobil", "mobilnummer", "mobiltelefon", "handy", "handynummer", "rufnummer", "rückrufnummer",
        "teléfono", "telefono", "teléfono móvil", "telefono movil", "móvil", "movil", "celular", "número de teléfono", "teléfono de contacto",
        "téléphone", "numéro de téléphone", "n de téléphone", "n téléphone", "portable", "téléphone portable", "numéro",
        "telefono cellulare", "cellulare", "numero di telefono", "recapito telefonico", "recapito",
        "telefoon", "telefoonnummer", "mobiel", "mobiel nummer", "gsm",
    ]),
    (Field(Service), &[
        "service", "services", "service type", "type of service", "service requested", "service needed", "services needed", "requested service",
        "category", "job category", "job type", "type of job", "job title", "job", "project", "project type", "type of project", "type of work",
        "work type", "task", "trade", "service description", "service name", "work needed", "interested in", "i need", "help with",
        "leistung", "dienstleistung", "gewerk", "art der arbeit", "servicio", "servicios", "tipo de servicio", "tipo de trabajo", "servicio solicitado",
        "prestation", "type de travaux", "type de prestation", "nature des travaux", "travaux", "servizio", "tipo di servizio", "tipo di lavoro",
        "intervento", "tipo di intervento", "dienst", "soort werk", "type werk", "soort klus", "klus", "werkzaamheden",
    ]),
    (Field(Message), &[
        "message", "messages", "message body", "comment", "comments", "comment or message", "comments or questions", "questions or comments", "description",
        "notes", "note", "details", "job description", "job details", "project details", "project description", "project notes", "service details",
        "request details", "customers note", "enquiry", "inquiry", "question", "questions", "additional information",
        "additional info", "additional details", "additional comments", "additional notes", "more information", "more details", "special instructions",
        "remarks", "notes from customer", "message from customer", "description of work", "scope of work", "issue", "problem", "request",
        "nachricht", "mitteilung", "anfrage", "anliegen", "bemerkung", "bemerkungen", "kommentar", "beschreibung", "nachricht an uns", "ihre nachricht",
        "freitext", "text", "mensaje", "comentario", "comentarios", "consulta", "observaciones", "descripción", "descripcion", "detalles",
        "commentaire", "commentaires", "demande", "remarques", "précisions", "votre message", "description du projet", "messaggio", "richiesta", "commento", "commenti", "note aggiuntive", "descrizione", "dettagli",
        "bericht", "opmerking", "opmerkingen", "vraag", "toelichting", "omschrijving", "uw bericht",
    ]),
    (Field(Address), &[
        "address", "street address", "street", "address line 1", "address 1", "service address", "project address", "property address", "job address",
        "location", "job location", "project location", "service location", "home address", "full address", "mailing address", "property", "job site", "jobsite", "site address", "work address", "address of work", "where", "einsatzort", "objekt", "objektadresse",
        "lieu", "ubicación", "luogo", "locatie",
        "adresse", "anschrift", "straße", "strasse", "straße und hausnummer", "straße hausnummer", "straße nr",
        "dirección", "direccion", "calle", "domicilio", "rue", "adresse postale", "indirizzo", "via", "adres", "straat", "straatnaam", "straat en huisnummer",
        "straat huisnummer",
    ]),
    (Field(City), &[
        "city", "town", "suburb", "city town", "town city", "ort", "stadt", "wohnort", "ciudad", "población", "poblacion", "localidad", "municipio", "ville",
        "commune", "città", "citta", "comune", "località", "plaats", "woonplaats", "stad", "plaatsnaam",
    ]),
    (Field(Region), &[
        "state", "province", "county", "region", "state province", "state region", "bundesland", "provincia", "provincie", "région",
    ]),
    (Field(Postcode), &[
        "postcode", "post code", "postal code", "postal zip code", "zip postal code", "zip", "zip code", "zipcode", "zip postal", "plz", "postleitzahl",
        "código postal", "codigo postal", "cp", "code postal", "cap", "codice postale",
    ]),
    (Field(PreferredTime), &[
        "preferred time", "preferred date", "preferred day", "preferred date and time", "preferred contact time", "when", "date time", "date and time", "requested time", "requested date",
        "requested day", "appointment", "appointment time", "appointment date", "timeline", "timing", "timeframe", "time frame", "best time to call", "best time", "besttime", "best time to contact",
        "availability", "start date", "desired date", "schedule", "arrival window", "wunschtermin", "terminwunsch", "termin", "erreichbarkeit",
        "fecha preferida", "horario", "horario preferido", "disponibilidad", "disponibilité", "disponibilités", "date souhaitée", "delai", "délai",
        "data preferita", "orario preferito", "disponibilità", "voorkeursdatum", "gewenste datum", "beschikbaarheid",
    ]),
    (Field(Id), &[
        "lead id", "lead number", "lead no", "lead ref", "lead reference", "reference", "reference number", "reference id", "ref", "ref no", "job number", "job id",
        "job ref", "request id", "request number", "service request", "service request number", "service request id", "srid", "submission id", "submission number", "entry id", "entry number",
        "enquiry id", "enquiry ref", "enquiry number", "inquiry id", "ticket", "ticket number", "quote id", "opportunity id", "order id",
    ]),
    (Question, &["help", "need", "what is it about", "worum geht es"]),
    (Origin("landing_url"), &["page url", "source url", "page", "landing page", "landing url", "url", "form url", "page submitted on", "page title", "submitted from", "sent from"]),
    (Origin("referrer"), &["referrer", "referer", "http referer", "referring page"]),
    (Origin("utm_source"), &["utm source"]),
    (Origin("utm_medium"), &["utm medium"]),
    (Origin("utm_campaign"), &["utm campaign"]),
    (Origin("utm_term"), &["utm term"]),
    (Origin("utm_content"), &["utm content"]),
    (Origin("gclid"), &["gclid"]),
    (Origin("fbclid"), &["fbclid"]),
    (Origin("msclkid"), &["msclkid"]),
    (Technical, &[
        "ip", "ip address", "remote ip", "user ip", "sender ip", "user agent", "useragent", "browser", "date", "time", "submitted", "submitted at", "submitted on", "submission date",
        "received", "received at", "sent", "sent at", "created", "created at", "created time", "powered by", "form", "form name", "form title", "form id", "to", "cc", "datum", "uhrzeit",
        "preferred contact", "preferred contact method", "contact method", "contact preference", "preferred method of contact", "best way to contact",
        "customer details", "contact details", "lead details", "client details", "your details", "homeowner details", "personal details",
        "customer information", "contact information", "contact info", "customer info", "personal information",
        "hidden", "recaptcha", "captcha", "honeypot",
    ]),
];

/// Words by which a longer label is known, and of how many words it is at most. The first that fits decides.
#[rustfmt::skip]
const WORDS: &[(SourceField, usize, &[&str])] = &[
    (Email, 9, &["email", "emails", "mail", "courriel", "correo", "emailadresse", "emailadres", "mailadres"]),
    (Phone, 9, &[
        "phone", "telephone", "tel", "mobile", "cell", "cellphone", "telefon", "telefonnummer", "handy", "handynummer", "mobil", "rufnummer",
        "téléphone", "portable", "teléfono", "telefono", "móvil", "celular", "cellulare", "telefoon", "telefoonnummer", "whatsapp", "number", "call",
    ]),
    (PreferredTime, 9, &["when", "availability", "schedule", "appointment", "timeline", "date", "day", "days", "termin", "wann", "cuándo", "quand", "quando", "wanneer", "fecha", "datum"]),
    (Postcode, 7, &["zip", "zipcode", "postcode", "postal", "plz", "postleitzahl"]),
    (Email, 1, &["e"]),
    (Phone, 1, &["t", "p", "m"]),
    (Name, 6, &["name", "names", "vorname", "nachname", "nom", "prénom", "nombre", "apellido", "apellidos", "nome", "cognome", "naam", "voornaam", "achternaam"]),
    (Address, 8, &["address", "location", "adresse", "anschrift", "straße", "street", "dirección", "indirizzo", "adres", "straat"]),
    (City, 4, &["city", "town", "suburb", "stadt", "wohnort", "ville", "ciudad", "città", "plaats", "woonplaats"]),
    (Message, 5, &[
        "message", "comment", "comments", "nachricht", "mensaje", "messaggio", "bericht", "comentarios", "commentaire", "anliegen", "opmerkingen", "description",
        "beschreibung", "descrizione", "descripción", "omschrijving", "richiesta", "demande", "anfrage", "solicitud", "remarks", "notes", "note", "details",
        "dettagli", "detalles", "hinweise", "anmerkungen",
    ]),
    (Service, 5, &["service", "services", "servicio", "servizio", "leistung", "prestation", "travaux"]),
];

/// How words begin that were run together: `emailaddr`, `phonenum`.
const STARTS: &[(SourceField, &[&str])] = &[
    (Email, &["email"]),
    (Phone, &["phone", "telephone", "telefon", "mobile", "handy"]),
    (Postcode, &["zip", "postcode"]),
    (Message, &["message", "nachricht", "mensaje", "messaggi", "bericht", "comment", "kommentar"]),
    (Address, &["address", "streetaddr"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_whole_or_by_their_words() {
        let field = |label: &str| match meaning(label) {
            Some((Field(field), _)) => Some(field),
            _ => None,
        };
        for (label, wanted) in [
            ("Name", Some(Name)),
            ("firstName*", Some(FirstName)),
            ("FIRST_NAME (required)", Some(FirstName)),
            ("Your name", Some(Name)),
            ("What's your name?", Some(Name)),
            ("Company name", None),
            ("Form Name", None),
            ("Vor- und Nachname", Some(Name)),
            ("E-Mail-Adresse", Some(Email)),
            ("emailAddress", Some(Email)),
            ("Best number to call", Some(Phone)),
            ("What's the best phone number to reach you?", Some(Phone)),
            ("Teléfono móvil de contacto", Some(Phone)),
            ("N° de téléphone", Some(Phone)),
            ("IP Address", None),
            ("Straße / Hausnummer", Some(Address)),
            ("Postal / Zip Code", Some(Postcode)),
            ("Service Request #", Some(Id)),
            ("Service Description", Some(Service)),
            ("Customer’s Note", Some(Message)),
            ("Preferred day", Some(PreferredTime)),
            ("How old is the boiler?", None),
            ("HomeAdvisor lead number", Some(Id)),
            ("Any other information?", Some(Message)),
            ("Preferred contact method", None),
            ("Fax number", None),
            ("emailaddr", Some(Email)),
            ("Nachrichtentext", Some(Message)),
            ("City, State, Zip", Some(City)),
            ("PLZ / Ort", Some(City)),
            ("[phone]", Some(Phone)),
        ] {
            assert_eq!(field(label), wanted, "{label}");
        }
        assert_eq!(meaning("How can we help?").map(|found| found.0), Some(Question));
        assert_eq!(meaning("What seems to be the problem?").map(|found| found.0), Some(Question));
        assert_eq!(meaning("I agree to the privacy policy").map(|found| found.0), Some(Technical));
        assert_eq!(meaning("Page URL").map(|found| found.0), Some(Origin("landing_url")));
        assert_eq!(meaning("Remote IP").map(|found| found.0), Some(Technical));
    }

    #[test]
    fn no_label_stands_in_the_table_twice_or_as_it_is_never_compared() {
        let mut seen = std::collections::BTreeSet::new();
        for phrase in PHRASES.iter().flat_map(|(_, phrases)| phrases.iter()) {
            assert!(seen.insert(phrase), "{phrase}");
            assert_eq!(folded(phrase), *phrase);
        }
        assert!(WORDS.iter().flat_map(|(_, _, words)| words.iter()).all(|word| folded(word) == *word));
    }

    #[test]
    fn values_are_likely_or_not() {
        for (field, value, wanted) in [
            (Email, "Jo <jo@x.example>", true),
            (Email, "please don't", false),
            (Phone, "512 555 0100 (evenings)", true),
            (Phone, "n/a", false),
            (Phone, "Nov 30, 2026 9:04 AM", false),
            (Phone, "2026-11-30 09:14", false),
            (Phone, "30.11.2026", false),
            (Phone, "06.11.22.33.44", true),
            (Id, "RP-778120", true),
            (Id, "Homepage", false),
            (Id, "page 2", false),
        ] {
            assert_eq!(is_likely(field, value), wanted, "{value}");
        }
        assert_eq!(address_in("jo@x.example<mailto:jo@x.example>"), Some("jo@x.example"));
        assert_eq!(address_in("(mailto:jo@x.example?subject=hi)"), Some("jo@x.example"));
        assert!(is_only_phone("+1 (512) 555-0100") && !is_only_phone("512 555 0100 or 0101"));
    }
}
