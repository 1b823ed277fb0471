//! The words of labels, in the languages in which forms are written here: English, German, Spanish, French, Italian
//! and Dutch. `label.rs` says how they are used.

use crate::lead::lead_format::label::Meaning::{self, Field, Origin, Question, Technical};
use nexora_core::model::source::SourceField::{
    self, Address, City, Email, FirstName, Id, LastName, Message, Name, Phone, Postcode, PreferredTime,
    Region, Service,
};

#[rustfmt::skip]
pub const FIRST: &[&str] = &[
    "first", "given", "vor", "vorname", "prénom", "prenom", "nombre", "nombres", "voornaam", "nome",
];
#[rustfmt::skip]
pub const LAST: &[&str] = &[
    "last", "family", "surname", "nachname", "nom", "apellido", "apellidos", "cognome", "achternaam", "familienname",
    "zuname",
];

#[rustfmt::skip]
pub const OF_REMARKS: &[&str] = &[
    "information", "info", "details", "comments", "notes", "remarks", "requirements", "instructions", "share",
    "know", "questions", "add", "mention",
];
pub const OF_POSTCODES: &[&str] =
    &["zip", "zipcode", "postcode", "plz", "postal", "cap", "cp", "postleitzahl"];
pub const OF_CITIES: &[&str] =
    &["city", "town", "ort", "stadt", "ville", "ciudad", "città", "plaats", "wohnort"];

/// Words by which questions begin.
#[rustfmt::skip]
pub const ASKING: &[&str] = &[
    "what", "whats", "which", "how", "why", "was", "welche", "wie", "qué", "que", "cómo", "quel", "quels", "comment",
    "cosa", "che", "wat", "hoe",
];

/// Words that make a question one about the job.
#[rustfmt::skip]
pub const OF_JOBS: &[&str] = &[
    "problem", "issue", "project", "help", "need", "needs", "needed", "work", "job", "repair", "looking", "wrong",
    "going", "problème", "besoin", "problema", "necesita", "brauchen", "benötigen", "lavoro", "bisogno", "probleem",
    "klus", "nodig",
];

/// Words by which questions for a place begin, and of what has one: the leak is under the sink.
pub const WHERE: &[&str] = &["where", "wo", "dónde", "donde", "où", "dove", "waar"];
#[rustfmt::skip]
pub const PLACED: &[&str] = &[
    "job", "project", "property", "house", "home", "located", "site", "live", "service", "work", "auftrag", "objekt", "obra", "trabajo", "vivienda", "chantier", "travaux", "lavoro", "casa", "klus", "woning",
];

/// Words of boxes that a visitor ticks.
#[rustfmt::skip]
pub const CONSENT: &[&str] = &[
    "privacy", "consent", "gdpr", "dsgvo", "rgpd", "datenschutz", "datenschutzerklärung", "einwilligung", "consenso",
    "consentement", "consentimiento", "privacidad", "toestemming", "terms", "newsletter", "marketing", "recaptcha",
];

/// Words that forms put beside a label.
#[rustfmt::skip]
pub const MARKS: &[&str] = &[
    "required", "optional", "pflichtfeld", "erforderlich", "obligatoire", "facultatif", "obligatorio", "opcional",
    "obbligatorio", "verplicht",
];

/// Words at the start of a label that say whose or which it is.
#[rustfmt::skip]
pub const FILLERS: &[&str] = &[
    "your", "my", "the", "a", "please", "enter", "customer", "customers", "client", "clients", "homeowner",
    "homeowners", "contact", "lead", "user", "visitor", "visitors", "sender", "primary", "main", "best", "preferred",
    "consumer", "prospect", "applicant", "requester", "ihre", "ihr", "ihren", "deine", "dein", "votre", "vos", "su",
    "sus", "tu", "il", "la", "tuo", "tua", "uw", "je", "jouw", "le", "el", "de",
];

/// Labels that others are parts of.
pub const WHOLES: &[&str] = &["address", "name", "adresse", "dirección", "indirizzo", "adres"];

/// What stands in place of a name that is not known.
#[rustfmt::skip]
pub const NO_NAMES: &[&str] = &[
    "wireless caller", "unknown", "unknown caller", "unknown name", "unavailable", "name unavailable", "anonymous", "anonymous caller", "private", "private caller",
    "blocked", "restricted", "toll free", "toll free caller", "guest", "visitor", "website visitor", "new caller", "no name", "none", "na", "n a", "not provided", "not given", "unbekannt", "desconocido", "inconnu", "sconosciuto", "onbekend",
];

/// Labels with these words are of something else than the person.
#[rustfmt::skip]
pub const NOT_OF_PERSONS: &[&str] = &[
    "company", "business", "form", "campaign", "firma", "unternehmen", "société", "entreprise", "empresa", "azienda",
    "bedrijf", "file", "ad", "adset", "site", "page", "product", "domain", "host", "username", "ip", "web",
    "website", "pet", "billing", "bill", "invoice", "order", "vendor", "dealer", "agent", "account", "bank", "card",
    "plan", "fax", "policy", "serial", "model", "claim", "permit", "license", "project", "event", "building",
    "community", "subdivision", "referral", "referred", "birth", "payment",
];

/// How open questions begin.
#[rustfmt::skip]
pub const QUESTIONS: &[&str] = &[
    "how can we help", "how may we help", "what do you need", "what can we", "what service do you need",
    "what is going on", "whats going on", "what s going on", "whats the problem", "what is the problem", "tell us",
    "describe", "please describe", "please tell", "briefly describe", "is there anything", "anything else",
    "what would you like", "what are you looking", "wie können wir", "was können wir", "was dürfen wir", "was sollen wir", "comment pouvons",
    "cómo podemos", "como podemos", "come possiamo", "hoe kunnen we", "di cosa", "che cosa", "cosa ti serve", "di che", "qué necesita", "que necesita", "en qué podemos", "de quoi avez", "quel est votre", "waar kunnen we", "worum geht", "womit können", "what brings", "how can i help", "what work", "what happened", "whats wrong", "what is wrong", "why are you", "explain", "share", "beschreiben sie", "décrivez", "describa", "describe tu", "cuéntanos", "cuentanos", "descrivi", "omschrijf", "beschrijf",
];

/// Whole labels. The names of a person come first, as some languages have one word for a whole name and a part.
#[rustfmt::skip]
pub const PHRASES: &[(Meaning, &[&str])] = &[
    (Field(Name), &[
        "name", "full name", "fullname", "contact name", "customer name", "customer", "client", "client name", "homeowner", "from",
        "contact", "contacto", "contatto", "kontakt", "lead name", "names", "first and last name", "name and surname", "consumer", "prospect", "guest", "requested by", "von", "de", "da", "van",
        "realname", "caller", "caller name", "calling party", "poster", "posted by", "contact person", "contact full name", "person", "who", "submitted by", "submitter", "sender", "user", "applicant", "requester", "requestor", "enquirer", "enquirer name", "resident", "owner name", "homeowner name", "property owner", "patron", "persona de contacto", "personne à contacter", "persona di contatto", "contactpersoon", "ihr name", "auftraggeber name", "anfragender", "visitor", "visitor name", "buyer", "auftraggeber", "interessent", "acheteur", "demandeur", "opdrachtgever", "aanvrager", "richiedente", "solicitante", "interesado", "vor und nachname", "name vorname", "nachname vorname", "name und vorname", "nachname und vorname", "vorname nachname", "vorname und nachname", "ansprechpartner", "absender", "kunde",
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
        "phone", "callback", "call back", "call back no", "phone number", "telephone", "telephone number", "tel", "tel no", "mobile", "mobile number", "mobile phone", "mobile no", "cell",
        "cell phone", "cell number", "cellphone", "daytime phone", "contact number", "contact no", "call", "whats app", "phone 1", "phone1", "mobile phone number", "callback number", "call back number", "caller id", "caller number", "calling number", "ani", "tel number", "telephone no", "telefono di contatto", "nummer", "kontaktnummer", "mobilfunknummer", "gsm nummer", "n tel", "phone no", "ph", "number", "whatsapp",
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
        "message", "msg", "body", "transcription", "transcript", "voicemail transcript", "voicemail transcription", "call summary", "summary", "call notes", "what they said", "visitor message", "project summary", "homeowners notes", "customer notes", "customer comments", "customers comments", "messages", "message body", "comment", "comments", "comment or message", "comments or questions", "questions or comments", "description",
        "notes", "note", "details", "job description", "job details", "project details", "project description", "auftragsbeschreibung", "projektbeschreibung", "problembeschreibung", "ihre anfrage", "ihr anliegen", "work description", "brief description", "job notes", "lead notes", "request description", "customer request", "your project", "votre projet", "ihr projekt", "su proyecto", "tu proyecto", "il tuo progetto", "projet", "projekt", "proyecto", "progetto", "beschrijving", "klusomschrijving", "descripción de la solicitud", "descripción del trabajo", "description des travaux", "description du besoin", "descrizione del lavoro", "project notes", "service details",
        "request details", "customers note", "enquiry", "inquiry", "question", "questions", "additional information",
        "additional info", "additional details", "additional comments", "additional notes", "more information", "more details", "special instructions",
        "remarks", "notes from customer", "message from customer", "description of work", "scope of work", "issue", "problem", "request",
        "nachricht", "mitteilung", "anfrage", "anliegen", "bemerkung", "bemerkungen", "kommentar", "beschreibung", "nachricht an uns", "ihre nachricht",
        "freitext", "text", "multi line", "multiline", "long text", "long answer", "paragraph", "paragraph text", "textarea", "text area", "mensaje", "comentario", "comentarios", "consulta", "observaciones", "descripción", "descripcion", "detalles",
        "commentaire", "commentaires", "demande", "remarques", "précisions", "votre message", "description du projet", "messaggio", "richiesta", "commento", "commenti", "note aggiuntive", "descrizione", "dettagli",
        "bericht", "opmerking", "opmerkingen", "vraag", "toelichting", "omschrijving", "uw bericht",
    ]),
    (Field(Address), &[
        "address", "addr", "street address", "street", "address line 1", "address 1", "service address", "project address", "property address", "job address",
        "location", "job location", "project location", "service location", "home address", "full address", "mailing address", "property", "job site", "jobsite", "site address", "work address", "address of work", "where", "einsatzort", "objekt", "objektadresse", "auftragsort", "projektort", "ausführungsort", "leistungsort", "objektanschrift", "lugar", "lugar del trabajo", "zona", "lieu des travaux", "adresse des travaux", "adresse du chantier", "luogo del lavoro", "luogo dellintervento", "zona di intervento", "installation address", "work location", "area", "plek", "where is the work",
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
        "state", "us state", "us states", "province", "county", "region", "state province", "state region", "bundesland", "provincia", "provincie", "région",
    ]),
    (Field(Postcode), &[
        "postcode", "post code", "eircode", "pin code", "pincode", "postal code", "postal zip code", "zip postal code", "zip", "zip code", "zipcode", "zip postal", "plz", "postleitzahl",
        "código postal", "codigo postal", "cp", "c p", "code postal", "cap", "codice postale",
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
    (Question, &["re", "regarding", "reason for call", "reason for calling", "call reason", "reason", "help", "need", "what is it about", "worum geht es"]),
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
        "submit", "submit button", "hidden", "recaptcha", "captcha", "honeypot", 
        "lead fee", "lead price", "lead cost", "fee", "price", "credits", "lead type", "match type", "acceptance", "action taken", "new client", "call duration", "duration", "call length", "requested at", "requested on", "date requested", "posted", "posted on",
        "tracking number", "call recording", "recording", "receptionist", "agent", "operator", "taken by", "status", "priority", "lead source", "source", "device", "os", "operating system", "screen resolution", "language", "locale", "time zone", "timezone", "country code",
    ]),
];

/// Words by which a longer label is known, and of how many words it is at most. The first that fits decides.
#[rustfmt::skip]
pub const WORDS: &[(SourceField, usize, &[&str])] = &[
    (Email, 9, &["email", "emails", "mail", "courriel", "correo", "emailadresse", "emailadres", "mailadres"]),
    (Phone, 9, &[
        "phone", "telephone", "tel", "mobile", "cell", "cellphone", "telefon", "telefonnummer", "handy", "handynummer", "mobil", "rufnummer",
        "téléphone", "portable", "teléfono", "telefono", "móvil", "celular", "cellulare", "telefoon", "telefoonnummer", "whatsapp", "number", "call", "callback",
    ]),
    (PreferredTime, 9, &["when", "availability", "schedule", "appointment", "timeline", "date", "day", "days", "termin", "wann", "cuándo", "quand", "quando", "wanneer", "fecha", "datum"]),
    (Postcode, 7, &["zip", "zipcode", "postcode", "postal", "plz", "postleitzahl"]),
    (Email, 1, &["e"]),
    (Phone, 1, &["t", "p", "m"]),
    (Name, 6, &["name", "names", "vorname", "nachname", "nom", "prénom", "nombre", "apellido", "apellidos", "nome", "cognome", "naam", "voornaam", "achternaam"]),
    (Address, 8, &["address", "location", "adresse", "anschrift", "straße", "street", "dirección", "indirizzo", "adres", "straat"]),
    (City, 8, &["ort", "city", "town", "suburb", "stadt", "wohnort", "ville", "ciudad", "città", "plaats", "woonplaats"]),
    (Message, 5, &[
        "message", "comment", "comments", "nachricht", "mensaje", "messaggio", "bericht", "comentarios", "commentaire", "anliegen", "opmerkingen", "description",
        "beschreibung", "descrizione", "descripción", "omschrijving", "richiesta", "demande", "anfrage", "solicitud", "remarks", "notes", "note", "details",
        "dettagli", "detalles", "hinweise", "anmerkungen",
    ]),
    (Service, 5, &["service", "services", "servicio", "servizio", "leistung", "prestation", "travaux"]),
];

/// How words begin that were run together: `emailaddr`, `phonenum`.
pub const STARTS: &[(SourceField, &[&str])] = &[
    (Email, &["email"]),
    (Phone, &["phone", "telephone", "telefon", "mobile", "handy"]),
    (Postcode, &["zip", "postcode"]),
    (Message, &["message", "nachricht", "mensaje", "messaggi", "bericht", "comment", "kommentar"]),
    (Address, &["address", "streetaddr"]),
];
