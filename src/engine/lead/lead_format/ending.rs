//! Where what a person said ends: by what senders write below it, and in their own name.
//!
//! A person may sign, too, or speak of the sender. So a line is the sender's signature only where it stands at the head
//! of a paragraph and has the shape of one: a team, a company with its form, a company with its street.

use crate::lead::lead_format::label;
use nexora_core::model::mail::Mail;

/// Beginnings of paragraphs with which senders end what they pass on.
#[rustfmt::skip]
const ENDINGS: &[&str] = &[
    "view lead", "view details", "view request", "view message", "view submission", "view this", "view in", "view the", "view full", "view conversation", "open in", "open the", "to manage", "to view", "to reply", "to respond", "see the lead", "see details", "click here", "click the", "click below", "this submission", "see all responses",
    "reply to", "reply directly", "reply in", "respond to", "respond now", "respond on", "respond in", "please reply to the customer", "you can reply", "you can also reply", "simply reply", "just reply", "just hit reply",
    "please contact the customer", "call now", "call customer", "listen to", "unsubscribe", "log in", "sign in",
    "manage your", "manage this", "mark as spam", "report spam", "report as spam", "does this submission", "if you think this", "submitted at", "submitted on", "submitted from",
    "sent from", "sent via", "(sent via", "gesendet von", "gesendet über", "envoyé depuis", "envoyé par", "enviado desde", "enviado por", "inviato da", "verzonden via", "verzonden vanaf", "verstuurd via", "powered by", "you are receiving", "you're receiving", "you received this", "you can edit", "you can view", "you can find",
    "create your own", "do not reply", "please do not reply", "©", "(c) 20", "copyright", "all rights reserved", "need help?", "questions? ", "want to stop receiving", "privacy policy", "download the app", "get the app",
    "antworten sie", "jetzt antworten", "zur anfrage", "im browser", "bitte antworten sie nicht", "pour répondre", "répondre à", "voir la demande", "se désabonner", "ne pas répondre", "responder a", "ver solicitud", "ver la solicitud", "para responder", "rispondi a", "per rispondere", "vedi la richiesta", "beantwoord", "reageer", "bekijk", "tip:", "pro tip",
];

/// Beginnings that say what sent the mail, beside `This message was …`.
#[rustfmt::skip]
const SENT_BY: &[&str] = &[
    "this is an automated", "this is an automatic", "this is a notification", "the above message", "please do not", "do not reply",
    "diese e-mail", "diese nachricht wurde", "diese anfrage wurde", "ce message a été", "ce message est", "cet e-mail", "questo messaggio", "questa email", "este mensaje", "este correo", "dit bericht is", "cet email",
    "deze e-mail", "dit is een automatisch",
];

/// What a program calls the mail that it sends, and what it goes on with.
#[rustfmt::skip]
const MAILS: &[&str] = &["message", "email", "e-mail", "mail", "form", "enquiry", "inquiry", "lead", "request", "notification", "submission", "contact", "transcript"];
#[rustfmt::skip]
const VERBS: &[&str] = &["was", "is", "came", "comes", "has", "originated", "will", "submitted", "form", "contains", "expires"];

/// Words with which senders ask to look at something on their pages.
const WAYS_BACK: &[&str] = &[
    "view",
    "open",
    "manage",
    "change",
    "update",
    "adjust",
    "edit",
    "download",
    "visit",
    "check",
    "go",
    "listen",
    "access",
    "reply",
    "respond",
    "rispondi",
    "visita",
    "vai",
    "apri",
    "antworten",
    "öffnen",
    "ansehen",
    "zum",
    "zur",
    "répondez",
    "consultez",
    "voir",
    "ver",
    "responde",
    "accede",
    "contesta",
    "bekijk",
    "ga",
    "reageer",
];

/// What stands on a button, and alone in a line.
const BUTTONS: &[&str] = &[
    "respond", "reply", "view", "accept", "decline", "details", "more", "delete", "archive", "call", "text",
];

/// What senders have, and people who ask for a service do not.
const OF_PROGRAMS: &[&str] =
    &["submission", "submissions", "dashboard", "inbox", "notification", "notifications", "autoresponder"];

/// What is said of a moment at which something was sent.
const STAMPS: &[&str] = &[
    "submitted",
    "sent",
    "received",
    "posted",
    "taken",
    "answered",
    "recorded",
    "created",
    "handled",
    "delivered",
    "dispatched",
    "forwarded",
    "logged",
    "zugestellt",
    "gesendet",
    "eingegangen",
    "envoyé",
    "enviado",
    "recibido",
    "reçu",
    "reçue",
    "envoyée",
    "ricevuto",
    "ontvangen",
    "abgesendet",
    "inviato",
    "verzonden",
];

/// Words by which a signature begins, beside the name of who signs.
#[rustfmt::skip]
const CLOSINGS: &[&str] = &[
    "thanks", "thank you", "many thanks", "regards", "best regards", "kind regards", "warm regards", "best", "best wishes", "cheers", "sincerely", "good luck", "happy hiring",
    "yours", "your friends at", "viele grüße", "viele grüsse", "beste grüße", "beste grüsse", "liebe grüße", "liebe grüsse", "freundliche grüsse", "mit freundlichen grüssen", "freundliche grüße", "mit freundlichen grüßen", "ihr", "cordialement", "bien cordialement", "bonne journée",
    "à bientôt", "saludos", "un saludo", "un cordial saludo", "atentamente", "gracias", "cordiali saluti", "a presto", "grazie", "met vriendelijke groet", "met vriendelijke groeten",
    "groeten", "groet",
];

/// Words of those who sign together.
const TEAMS: &[&str] =
    &["team", "équipe", "equipe", "lequipe", "léquipe", "equipo", "crew", "support", "staff"];

/// Forms of companies, as they stand behind a name.
#[rustfmt::skip]
const COMPANIES: &[&str] = &[
    "inc", "llc", "ltd", "limited", "corp", "gmbh", "ag", "bv", "nv", "sas", "sa", "sarl", "sl", "srl", "spa", "pty", "plc", "group", "holding",
];

/// The longest line that is a signature.
const SIGNATURE_LENGTH: usize = 200;

/// Words above a signature, at most.
const CLOSING_WORDS: usize = 5;

/// Words at the start of a signature among which the sender's name stands.
const HEAD: usize = 4;

/// Who passes on what a person said, by the names that they sign with.
#[derive(Clone, Debug, Default)]
pub struct Passing {
    names: Vec<String>,
    /// The domains of the sender and of the business.
    domains: Vec<String>,
}

impl Passing {
    /// Returns who sent a mail; nobody where it is the business's own site, of which the person may speak.
    pub fn of(mail: &Mail) -> Passing {
        let Some(from) = &mail.from else { return Passing::default() };
        let domain = |address: &str| address.rsplit('@').next().unwrap_or_default().to_lowercase();
        let own = domain(&from.address);
        let domains: Vec<String> =
            mail.to.iter().map(|to| domain(&to.address)).chain([own.clone()]).map(|own| word(&own)).collect();
        if mail.to.iter().any(|to| domain(&to.address) == own) {
            return Passing { names: Vec::new(), domains };
        }
        let mut labels: Vec<&str> = own.split('.').collect();
        let whole = labels.iter().rev().take(2).rev().copied().collect::<String>();
        labels.pop();
        if labels.last().is_some_and(|label| matches!(*label, "co" | "com" | "org" | "net")) {
            labels.pop();
        }
        let brand = labels.last().copied().unwrap_or_default();
        let display = from.name.as_deref().map(word).filter(|name| word(&own).contains(name.as_str()));
        let names = [word(brand), word(&whole)].into_iter().chain(display);
        let names = names.filter(|name| name.len() >= 4).collect();
        Passing { names, domains }
    }

    /// Tells whether a line is nothing but the name of who passed it on: a signature below a greeting, else a logo.
    pub fn is_name(&self, line: &str) -> bool {
        self.names.contains(&word(line))
    }

    /// Tells whether a paragraph is about what the sender does: `Open this message in the Ruby app.` A sentence of the
    /// person's may begin with the same word.
    pub fn speaks(&self, line: &str) -> bool {
        let names = || {
            line.split(|c: char| c.is_whitespace() || c == '(')
                .skip(1)
                .filter(|word| word.starts_with(char::is_uppercase))
        };
        let words: Vec<String> = names().map(word).collect();
        let is_named = words.iter().any(|name| self.names.contains(name))
            || words.windows(2).any(|pair| self.names.contains(&pair.concat()));
        let lower = line.to_lowercase();
        let is_of_programs =
            lower.split(|c: char| !c.is_alphabetic()).any(|word| OF_PROGRAMS.contains(&word));
        !self.names.is_empty() && line.len() <= SIGNATURE_LENGTH && (is_named || is_of_programs)
    }

    /// Tells whether a line leads back to who passed it on: `View contact in HubSpot (https://…)`, `Manage Submissions`.
    pub fn is_way_back(&self, line: &str) -> bool {
        let mut words = line.split(|c: char| !c.is_alphanumeric()).map(word);
        let leads = words.next().is_some_and(|first| WAYS_BACK.contains(&first.as_str()));
        let is_button = (2..=5).contains(&line.split_whitespace().count())
            && line.split_whitespace().all(|word| word.starts_with(char::is_uppercase));
        let mut is_named = || words.any(|word| self.names.contains(&word));
        leads && line.len() <= SIGNATURE_LENGTH && (is_button || line.contains("://") || is_named())
    }

    /// Tells whether a paragraph holds a link to a page of the sender's or of the business, or a mail address of the sender's.
    pub fn links_to_own(&self, paragraph: &str) -> bool {
        let hosts = |sign: &str| {
            let rests = paragraph.split(sign).skip(1);
            rests.filter_map(|rest| rest.split(['/', ' ', '?', '\n']).next()).map(word).collect::<Vec<_>>()
        };
        let is_of = |host: &String, own: &[String]| own.iter().any(|own| host.contains(own.as_str()));
        hosts("://").iter().any(|host| is_of(host, &self.names) || is_of(host, &self.domains))
            || hosts("@").iter().any(|host| is_of(host, &self.names))
    }

    /// Tells whether a line is the signature of who passed it on.
    pub fn is_signature(&self, line: &str) -> bool {
        if line.len() > SIGNATURE_LENGTH || self.names.is_empty() {
            return false;
        }
        let words: Vec<String> =
            line.split([' ', '-', '/', '|']).map(word).filter(|word| !word.is_empty()).collect();
        let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        let is_named = words.iter().take(HEAD).any(|word| self.names.contains(word))
            || words.windows(2).take(HEAD).any(|pair| self.names.contains(&pair.concat()));
        let is_first = words.first().is_some_and(|word| self.names.contains(word))
            || self.names.contains(&words.iter().take(2).map(String::as_str).collect::<String>());
        let has_street =
            is_first && line.contains([',', '·', '|']) && line.bytes().any(|byte| byte.is_ascii_digit());
        is_named && (has(COMPANIES) || has_street || (words.len() <= 8 && has(TEAMS)))
    }
}

/// Tells whether nothing that a person said stands in a line, nor below it.
pub fn ends_message(line: &str) -> bool {
    let lower = line.to_lowercase();
    lower.starts_with("http://")
        || lower.starts_with("https://")
        || ENDINGS.iter().chain(SENT_BY).any(|ending| lower.starts_with(ending))
        || is_about_mail(&lower)
        || is_instruction(&lower)
        || is_wish(&lower)
        || BUTTONS.contains(&lower.as_str())
        || is_call(&lower)
        || is_stamp(&lower)
}

/// Takes away the words that lead to a signature in the same paragraph, whatever they are: `Best of luck,`.
pub fn without_last_paragraph(lines: &mut Vec<String>) {
    let start = lines.iter().rposition(String::is_empty);
    let words = |lines: &[String]| lines.iter().flat_map(|line| line.split_whitespace()).count();
    if let Some(start) = start
        && lines.get(start..).is_some_and(|last| words(last) <= CLOSING_WORDS)
    {
        lines.truncate(start);
    }
}

/// Takes away the words that lead to a signature, and the blank lines above it.
pub fn without_closing(lines: &mut Vec<String>) {
    while lines.len() > 1
        && lines.last().is_some_and(|line| {
            let folded = label::folded(line);
            folded.is_empty() || CLOSINGS.contains(&folded.as_str())
        })
    {
        lines.pop();
    }
}

/// `We wish you good luck!`, as marketplaces end a mail.
fn is_wish(lower: &str) -> bool {
    #[rustfmt::skip]
    const WISHES: &[&str] = &[
        "good luck", "best of luck", "thanks for using", "thank you for using", "thank you for choosing", "viel erfolg", "bonne chance", "mucha suerte", "buona fortuna", "buon lavoro", "veel succes",
    ];
    lower.split_whitespace().count() <= 10 && WISHES.iter().any(|wish| lower.contains(wish))
}

/// Tells whether a closing is followed by who did not write the message: `Kind regards, Your website`.
pub fn closes_for_program(line: &str, next: &str) -> bool {
    const OWN: &[&str] = &["your", "ihr", "ihre", "dein", "votre", "su", "tu", "vuestra", "il", "uw"];
    const PROGRAMS: &[&str] = &[
        "website",
        "site",
        "web",
        "form",
        "formular",
        "formulario",
        "formulaire",
        "system",
        "crm",
        "administrator",
        "admin",
        "portal",
        "webseite",
        "homepage",
    ];
    let folded = label::folded(next);
    let words: Vec<&str> = folded.split(' ').collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    CLOSINGS.contains(&label::folded(line).as_str())
        && words.len() <= CLOSING_WORDS
        && (words.first().is_some_and(|first| OWN.contains(first)) || has(PROGRAMS) || has(TEAMS))
}

/// `To report a problem with this lead, visit …`: what a sender asks to do on its pages.
fn is_instruction(lower: &str) -> bool {
    let begins = ["to ", "um ", "para ", "pour ", "per ", "om "].iter().any(|word| lower.starts_with(word));
    let is_asked = begins
        && ["click", "visit", "log in", "sign in", "klick", "clique", "clic ", "clicca", "klik"]
            .iter()
            .any(|word| lower.contains(word));
    // `Call the homeowner right away!`
    #[rustfmt::skip]
    const URGED: &[&str] = &[
        "give them a call", "give him a call", "give her a call", "questions about", "kontaktieren sie", "bitte kontaktieren", "rufen sie",
        "contáctal", "contactal", "llámal", "llamal", "contactez-", "contactez le", "rappelez-", "rappelez le", "merci de le ", "merci de la ", "contattal", "chiamal", "neem contact",
    ];
    let is_urged = URGED.iter().any(|start| lower.starts_with(start))
        || ["call", "contact", "text", "email", "reach", "reply", "respond", "follow"]
            .iter()
            .any(|verb| lower.starts_with(verb))
            && [
                "the homeowner",
                "the customer",
                "the client",
                "your customer",
                "this lead",
                "the lead",
                "this customer",
            ]
            .iter()
            .any(|person| lower.contains(person));
    is_urged || is_asked || (begins && lower.contains("://"))
}

/// `This message was sent from …`, `End of message`: what a program says of its own mail.
fn is_about_mail(lower: &str) -> bool {
    if let Some(rest) = lower.strip_prefix("end of ") {
        return rest.split_whitespace().all(|word| MAILS.contains(&word) || word == "the");
    }
    let mut words = lower.split_whitespace();
    words.next() == Some("this")
        && words.next().is_some_and(|word| MAILS.contains(&word))
        && words.next().is_some_and(|word| VERBS.contains(&word))
}

/// `Call Robert now: (512) 555-0110`, as marketplaces end a mail.
fn is_call(lower: &str) -> bool {
    lower.starts_with("call ") && lower.contains(" now") && label::is_phone(lower) && lower.len() <= 80
}

/// `Sent on Nov 30, 2026 at 9:14 AM from the page Contact`.
fn is_stamp(lower: &str) -> bool {
    let has_time = lower.split(|c: char| c.is_whitespace() || c == ',').any(|word| {
        let parts = word.split_once(':').map(|(hour, minute)| (hour.len(), minute));
        parts.is_some_and(|(hour, minute)| hour <= 2 && minute.starts_with(|c: char| c.is_ascii_digit()))
            || word.split(['/', '.', '-']).any(|part| {
                part.len() == 4 && part.starts_with("20") && part.bytes().all(|byte| byte.is_ascii_digit())
            })
    });
    let mut head = lower.split_whitespace().take(HEAD - 1);
    has_time && lower.len() <= SIGNATURE_LENGTH && head.any(|word| STAMPS.contains(&word))
}

fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::mail::from_rfc822;

    fn passing(from: &str) -> Passing {
        Passing::of(&from_rfc822(format!("From: {from}\nTo: office@acme.example.com\n\nx").as_bytes()))
    }

    #[test]
    fn a_signature_names_the_sender_and_has_the_shape_of_one() {
        for (from, line, wanted) in [
            ("pros@porch.com", "Porch, 411 1st Ave S, Seattle, WA 98104", true),
            ("pros@porch.com", "Porch light is broken.", false),
            ("pros@porch.com", "The porch, 3 by 4 metres, is old", false),
            ("x@mail.werkspot.nl", "Team Werkspot", true),
            ("x@my-hammer.de", "Ihr MyHammer-Team", true),
            ("x@hellopro.fr", "L'équipe HelloPro - 01 77 45 00 00", true),
            ("x@smith.ai", "Smith.ai, 855 El Camino Real, Palo Alto", true),
            ("x@smith.ai", "Mrs Smith is my neighbour and saw it.", false),
            ("x@serviceseeking.com.au", "The ServiceSeeking Team", true),
            ("wordpress@acme.example.com", "The Acme Team", false),
        ] {
            assert_eq!(passing(from).is_signature(line), wanted, "{from}: {line}");
        }
    }

    #[test]
    fn a_stamp_and_a_way_back_end_a_message() {
        assert!(ends_message("Submitted 05:14 PM UTC - 30 November 2026"));
        assert!(ends_message("Message taken by Kiley on 11/30/2026 at 9:14 AM"));
        assert!(!ends_message("Sent you photos on Monday"));
        assert!(ends_message("This message came from your website's contact form."));
        assert!(ends_message("To report a problem with this lead, please visit https://my.elocal.com."));
        assert!(ends_message("Call the homeowner right away!"));
        assert!(!ends_message("Call me at home, please."));
        assert!(!ends_message("To be honest, it has leaked for years."));
        assert!(!ends_message("This form of tap is rare."));
        assert!(passing("x@hubspot.com").is_way_back("View contact in HubSpot"));
        assert!(passing("x@hubspot.com").is_way_back("Manage Submissions"));
        assert!(!passing("x@hubspot.com").is_way_back("View from the window is blocked"));
    }

    #[test]
    fn the_words_above_a_signature_are_taken_away() {
        let mut lines: Vec<String> = ["Cheers,", "", "Kind regards,", ""].map(str::to_owned).to_vec();
        without_closing(&mut lines);
        assert_eq!(lines, ["Cheers,"]);
    }
}
