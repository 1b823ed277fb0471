//! Whether a person's answer says no more than that they want no more mail.
//!
//! The words have to be all of it: "stop by at five" is an appointment, and "cancel" is one that ends.

/// Words that are left out of account: courtesy.
const COURTESY: [&str; 34] = [
    "please",
    "pls",
    "plz",
    "kindly",
    "thanks",
    "thank",
    "you",
    "thx",
    "hi",
    "hello",
    "dear",
    "sir",
    "madam",
    "bitte",
    "danke",
    "vielen",
    "dank",
    "hallo",
    "por",
    "favor",
    "gracias",
    "hola",
    "obrigado",
    "obrigada",
    "merci",
    "svp",
    "bonjour",
    "grazie",
    "ciao",
    "alstublieft",
    "aub",
    "bedankt",
    "now",
    "immediately",
];

/// What is left then.
const OPT_OUTS: &[&str] = &[
    "stop",
    "stop all",
    "stopall",
    "stop it",
    "unsubscribe",
    "unsubscribe me",
    "un subscribe",
    "unsubscribed",
    "unsubscribe me from this list",
    "unsubscribe me from your list",
    "unsubscribe from this list",
    "unsubscribe from all",
    "remove",
    "remove me",
    "remove me from this list",
    "remove me from your list",
    "remove me from your mailing list",
    "remove me from the list",
    "remove my email",
    "remove my email address",
    "take me off",
    "take me off your list",
    "take me off this list",
    "take me off the list",
    "opt out",
    "optout",
    "opt me out",
    "stop these emails",
    "no more emails",
    "no more mails",
    "no more mail",
    // German
    "stopp",
    "abmelden",
    "abmeldung",
    "mich abmelden",
    "melden sie mich ab",
    "abbestellen",
    "austragen",
    "mich austragen",
    "tragen sie mich aus",
    "keine mails mehr",
    "keine e mails mehr",
    "keine emails mehr",
    "keine weiteren mails",
    "keine weiteren e mails",
    "newsletter abbestellen",
    // Spanish, Portuguese
    "baja",
    "dar de baja",
    "darme de baja",
    "dame de baja",
    "deme de baja",
    "cancelar suscripción",
    "cancelar la suscripción",
    "no más correos",
    "no mas correos",
    "no quiero más correos",
    "cancelar inscrição",
    "descadastrar",
    "remover",
    // French
    "désabonner",
    "me désabonner",
    "désabonnement",
    "désinscription",
    "me désinscrire",
    "désinscrire",
    "ne m écrivez plus",
    "ne m écrivez plus jamais",
    "ne me contactez plus",
    "n écrivez plus",
    "arrêtez de m écrire",
    "plus de mails",
    "plus d e mails",
    // More German and Spanish
    "nicht mehr schreiben",
    "schreiben sie mir nicht mehr",
    "schreiben sie nicht mehr",
    "schreibt mir nicht mehr",
    "nicht mehr kontaktieren",
    "kontaktieren sie mich nicht mehr",
    "mich nicht mehr kontaktieren",
    "no me escriban más",
    "no me escriba más",
    "no me contacten más",
    "dejen de escribirme",
    "deje de escribirme",
    // Italian, Dutch
    "cancellami",
    "non scrivetemi più",
    "non scrivermi più",
    "afmelden",
    "uitschrijven",
    "geen mails meer",
    "stuur me geen mails meer",
];

/// What mails do, as people ask to stop it, and to whom.
const WRITING: [&str; 9] =
    ["emailing", "mailing", "messaging", "contacting", "writing", "sending", "spamming", "email", "contact"];
const WRITTEN: [&str; 21] = [
    "me", "us", "to", "this", "these", "those", "them", "any", "more", "anymore", "again", "now", "email",
    "emails", "mail", "mails", "message", "messages", "stuff", "ever", "spam",
];

/// What may stand before the courtesy is taken out, as "s'il vous plaît".
const PHRASES: [&str; 6] =
    ["s il vous plaît", "s il vous plait", "s il te plaît", "per favore", "vielen dank", "muchas gracias"];

/// The most words of an answer that is looked at.
const WORD_LIMIT: usize = 14;

/// Tells whether an answer, as it was newly written, asks for no more mail. One without text speaks by its subject,
/// as the link of a mail program makes it (RFC 2369, section 3.2).
pub fn is_opt_out(subject: &str, own_text: &str) -> bool {
    let text = if own_text.trim().is_empty() { subject } else { own_text };
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORD_LIMIT + 1)
        .map(str::to_lowercase)
        .collect();
    if words.len() > WORD_LIMIT {
        return false;
    }
    let mut said = format!(" {} ", words.join(" "));
    for phrase in PHRASES {
        said = said.replace(&format!(" {phrase} "), " ");
    }
    let said: Vec<&str> = said.split_whitespace().filter(|word| !COURTESY.contains(word)).collect();
    OPT_OUTS.contains(&said.join(" ").as_str()) || asks_to_stop(&said)
}

/// `Stop sending these`, `don't contact us anymore`.
fn asks_to_stop(said: &[&str]) -> bool {
    let (["stop" | "quit" | "cease" | "never", rest @ ..]
    | ["do", "not", rest @ ..]
    | ["don", "t", rest @ ..]) = said
    else {
        return false;
    };
    let Some((verb, objects)) = rest.split_first() else { return false };
    WRITING.contains(verb) && objects.iter().all(|word| WRITTEN.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_only_asks_for_no_more_mail_is_one() {
        for text in [
            "STOP",
            "stop",
            "Stop.",
            "unsubscribe",
            "Unsubscribe!",
            "remove me",
            "Please unsubscribe me",
            "please stop",
            "Please remove me from your list. Thank you!",
            "Take me off your list",
            "don't email me",
            "Opt-out",
            "Bitte abmelden",
            "Bitte keine E-Mails mehr, danke",
            "Abmelden",
            "stopp",
            "Baja por favor",
            "Por favor, darme de baja",
            "No más correos",
            "Me désabonner, s'il vous plaît",
            "Désinscription",
            "Stop\u{1f6d1}",
            "Stop messaging me",
            "Please stop sending these.",
            "Don't contact us anymore",
            "Ne m'écrivez plus",
            "Bitte nicht mehr schreiben!",
            "No me escriban más, por favor",
            "Hi,\n\nplease unsubscribe me\n\nthanks",
        ] {
            assert!(is_opt_out("Re: your request", text), "{text}");
        }
        assert!(is_opt_out("unsubscribe", ""));
    }

    #[test]
    fn what_says_more_is_an_answer() {
        for text in [
            "Stop by at 5",
            "stop by",
            "Please stop the leak",
            "I want to cancel",
            "Cancel",
            "cancel my appointment",
            "Can you remove the old boiler?",
            "Remove the tank please",
            "Don't stop",
            "Stop sending Joe, he is late",
            "Don't contact me before Friday",
            "Do not email me the invoice, post it",
            "yes",
            "",
            "no more questions",
            "Please stop at the gate and call me",
            "abmelden kann ich mich später, kommen Sie bitte",
            "end",
            "La baja presión continúa",
            "unsubscribe me but please come on Monday to fix the boiler as agreed",
        ] {
            assert!(!is_opt_out("Re: your request", text), "{text}");
        }
        assert!(!is_opt_out("Re: please stop the newsletter of Mr Smith", ""));
    }
}
