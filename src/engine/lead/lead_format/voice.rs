//! Whose words a paragraph below a message is: a person speaks of themselves, and whoever passes it on speaks of leads, of customers,
//! and of the mail itself.

/// What senders speak of, in a paragraph in which nobody speaks of themselves.
#[rustfmt::skip]
const OF_SENDERS: &[&str] = &[
    "this lead", "the lead ", "leads", "the customer", "this customer", "your customer", "the homeowner", "this homeowner", "homeowners", "customers", "the client ", "the visitor", "the caller",
    "this email", "this e-mail", "this message", "this notification", "your account", "your dashboard", "our app", "the app", "mobile app", "the portal", "log in", "your inbox",
    "notifications", "unsubscribe", "opt out", "terms of service", "privacy policy", "confidential", "intended recipient", "intended solely",
    "please follow up", "respond within", "within one business day", "lead number", "lead #", "billed", "this submission", "your form", "contact form", "autoresponder", "pros who", "first pro", "next steps", "what happens next", "ask for a rating", "ask for a review",
    "nächste schritte", "prochaines étapes", "próximos pasos", "den kunden", "dem kunden", "der kunde", "diese e-mail", "diese mail", "diese nachricht", "diese anfrage", "datenschutz", "geschäftsführer", "abmelden",
    "le client", "ce message", "cet e-mail", "cette demande", "rgpd", "vos alertes", "mes alertes", "désinscri",
    "el cliente", "al cliente", "del cliente", "este correo", "este mensaje", "esta solicitud", "otros profesionales", "darse de baja", "aviso de privacidad",
    "il cliente", "al cliente", "questa email", "questo messaggio", "questa richiesta", "altri professionisti", "de klant", "deze e-mail", "dit bericht", "deze aanvraag",
];

/// Words by which people speak of themselves.
#[rustfmt::skip]
const OF_SELF: &[&str] = &[
    "i", "my", "me", "mine", "we", "our", "us", "ours", "ich", "mein", "meine", "meinen", "meiner", "mir", "mich", "wir", "unser", "unsere", "unseren", "uns", "je", "j", "mon", "ma", "mes", "moi",
    "nous", "notre", "nos", "yo", "mi", "mis", "me", "nosotros", "nuestra", "nuestro", "io", "mio", "mia", "noi", "nostra", "nostro", "ik", "mijn", "wij", "ons", "onze",
];

/// Words of a signature, at most.
const SIGNATURE_WORDS: usize = 5;

/// Returns a message up to where somebody speaks of who wrote it.
pub fn without_talk_of<'a>(message: &'a str, name: &str) -> &'a str {
    let first = name.split_whitespace().next().filter(|first| first.chars().count() >= 3);
    let breaks = message.match_indices("\n\n").map(|(at, _)| at);
    let mut own = breaks.filter_map(|at| message.split_at_checked(at));
    let end = first.and_then(|first| {
        own.find(|(_, rest)| speaks_of(rest.trim_start().split("\n\n").next().unwrap_or_default(), first))
    });
    end.map_or(message, |(own, _)| own)
}

/// Tells whether a paragraph speaks of a person by name: `Call Jo as soon as you can.` Nobody does so of themselves but in a
/// signature.
fn speaks_of(paragraph: &str, first_name: &str) -> bool {
    let words = || paragraph.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words().count() > SIGNATURE_WORDS
        && words().skip(1).any(|word| word == first_name)
        && !is_of_self(paragraph)
}

/// Tells whether somebody speaks of themselves.
pub fn is_of_self(paragraph: &str) -> bool {
    let lower = paragraph.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| OF_SELF.contains(&word))
}

/// Tells whether a paragraph is of whoever passes on what was said above it.
pub fn is_of_sender(paragraph: &str) -> bool {
    let lower = paragraph.to_lowercase();
    !is_of_self(paragraph) && OF_SENDERS.iter().any(|words| lower.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_speaks_of_themselves_by_name() {
        assert!(speaks_of("Appelez Corinne dès maintenant pour être le premier.", "Corinne"));
        assert!(!speaks_of("Please ring twice. My name is Corinne, by the way.", "Corinne"));
        assert!(!speaks_of("Many thanks, Corinne", "Corinne"));
        let message = "A wall.\n\nIt leans.\n\nContact Corinne to arrange a visit.\n\nTips";
        assert_eq!(without_talk_of(message, "Corinne Lebas"), "A wall.\n\nIt leans.");
        assert_eq!(without_talk_of(message, "Jo"), message);
    }

    #[test]
    fn senders_speak_of_leads_and_people_of_themselves() {
        for (paragraph, wanted) in [
            ("Call the customer now, 78% of jobs go to the first pro who calls.", true),
            ("Remember to ask for a rating when you've finished.", true),
            ("Otros profesionales también han recibido esta solicitud.", true),
            ("Bitte kontaktieren Sie den Kunden innerhalb von 24 Stunden.", true),
            ("This email and its attachments are confidential.", true),
            ("I was the customer who called on Monday.", false),
            ("The flashing is lead, and it has slipped.", false),
            ("Please use the side gate.", false),
            ("Wir haben diese Anfrage schon einmal gestellt.", false),
        ] {
            assert_eq!(is_of_sender(paragraph), wanted, "{paragraph}");
        }
    }
}
