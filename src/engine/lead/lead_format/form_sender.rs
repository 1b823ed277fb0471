//! The programs that send what people filled into forms: who they are, and what a lead of theirs is called after.

use crate::lead::lead_format::formats::{jotform, typeform};
use crate::lead::lead_format::marketplace::is_within;

/// The source of leads whose form's maker is not known.
pub const USUAL: &str = "form_mail";

const WORDPRESS: &str = "wordpress";

/// Services that send the mails of their customers' forms, by domain or address. A new one is added here.
static SERVICES: &[(&str, &str)] = &[
    ("jotform.com", jotform::FORMAT.name),
    ("jotform.eu", jotform::FORMAT.name),
    ("typeform.com", typeform::FORMAT.name),
    ("formspree.io", "formspree"),
    ("formresponses@netlify.com", "netlify"),
    ("netlify.app", "netlify"),
    ("hubspot.com", "hubspot"),
    ("hubspotemail.net", "hubspot"),
    ("crm.wix.com", "wix"),
    ("wix-forms.com", "wix"),
    ("wixforms.com", "wix"),
    ("notifications.wix.com", "wix"),
    ("squarespace.info", "squarespace"),
    ("form-submission@squarespace.com", "squarespace"),
    ("godaddy.com", "godaddy"),
    ("secureserver.net", "godaddy"),
    ("weebly.com", "weebly"),
    ("formsubmit.co", "formsubmit"),
    ("getform.io", "getform"),
    ("basin.com", "basin"),
    ("usebasin.com", "basin"),
    ("web3forms.com", "web3forms"),
    ("formstack.com", "formstack"),
    ("cognitoforms.com", "cognito_forms"),
    ("wufoo.com", "wufoo"),
    ("123formbuilder.com", "123formbuilder"),
    ("paperform.co", "paperform"),
    ("tally.so", "tally"),
    ("forms-receipts-noreply@google.com", "google_forms"),
    ("webflow.com", "webflow"),
    ("carrd.co", "carrd"),
    ("duda.co", "duda"),
    ("shopify.com", "shopify"),
    ("zohoforms.com", "zoho_forms"),
    ("unbounce.com", "unbounce"),
    ("leadpages.net", "leadpages"),
    ("framer.com", "framer"),
    ("fillout.com", "fillout"),
    ("formcarry.com", "formcarry"),
    ("powr.io", "powr"),
    ("elfsight.com", "elfsight"),
    ("strikingly.com", "strikingly"),
    ("jimdo.com", "jimdo"),
    ("webnode.com", "webnode"),
    ("heyflow.app", "heyflow"),
    ("ruby.com", "ruby"),
    ("callruby.com", "ruby"),
    ("smith.ai", "smith_ai"),
    ("answerconnect.com", "answerconnect"),
    ("patlive.com", "patlive"),
    ("abby.com", "abby_connect"),
    ("callrail.com", "callrail"),
    ("whatconverts.com", "whatconverts"),
    ("calltrackingmetrics.com", "calltrackingmetrics"),
    ("tidio.net", "tidio"),
    ("tidio.com", "tidio"),
    ("tawk.to", "tawk"),
    ("livechat.com", "livechat"),
    ("livechatinc.com", "livechat"),
    ("crisp.chat", "crisp"),
    ("olark.com", "olark"),
    ("podium.com", "podium"),
    ("birdeye.com", "birdeye"),
];

/// Companies whose addresses send other mails, too: what leads of theirs are called after.
static MAKERS: &[(&str, &str)] =
    &[("wix.com", "wix"), ("squarespace.com", "squarespace"), ("netlify.com", "netlify")];

/// Beginnings of the names before the `@` by which programs write, without the signs in them.
#[rustfmt::skip]
const PROGRAMS: &[&str] = &[
    "wordpress", "form", "webform", "voicemail", "webmaster", "website", "webseite", "web", "site", "sitio", "mailer",
    "phpmailer", "notification", "notify", "notice", "lead", "newlead", "contactform", "kontaktformular", "enquir",
    "inquir", "quote", "request", "booking", "submission", "www", "apache", "httpd", "nobody", "cgi", "robot", "bot",
    "system", "message", "dispatch", "alert", "schedul", "anfrage", "solicitud", "devis", "richiest", "aanvra", "automat",
];

/// Words of names that only programs have before the `@`.
#[rustfmt::skip]
const NO_REPLY: &[&str] = &[
    "noreply", "donotreply", "nichtantworten", "noresponder", "norespond", "nepasrepondre", "nonrispondere",
    "nietbeantwoorden", "geenantwoord",
];

/// Names before the `@` that people and programs share.
#[rustfmt::skip]
const SHARED: &[&str] = &[
    "contact", "kontakt", "contacto", "contatto", "info", "hello", "hallo", "admin", "mail",
];

/// Words of a program's display name.
#[rustfmt::skip]
const SITES: &[&str] = &[
    "web", "site", "form", "kontakt", "contact", "sitio", "sito", "noreply", "notification", "mailer",
];

/// Returns what leads of a sender, in lower case, are called after.
pub fn source(from: &str) -> &'static str {
    match service(from).or_else(|| find(MAKERS, from)) {
        Some(source) => source,
        None if from.starts_with("wordpress@") => WORDPRESS,
        None => USUAL,
    }
}

/// Returns the service that a sender belongs to, if it is one that is known.
pub fn service(from: &str) -> Option<&'static str> {
    find(SERVICES, from)
}

fn find(senders: &[(&str, &'static str)], from: &str) -> Option<&'static str> {
    let (_, domain) = from.rsplit_once('@')?;
    let is_from = |sender: &str| sender == from || is_within(domain, sender);
    senders.iter().find(|(sender, _)| is_from(sender)).map(|(_, source)| *source)
}

/// Tells whether nobody reads what is sent to an address.
pub fn is_unread(address: &str) -> bool {
    let local = local_part(address);
    NO_REPLY.iter().any(|word| local.contains(word))
}

/// Returns the letters and digits before the `@`, in lower case.
fn local_part(address: &str) -> String {
    let local = address.split('@').next().unwrap_or_default().chars();
    local.filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Tells whether an address, in lower case, is one that programs write from.
pub fn is_program(from: &str, display_name: Option<&str>) -> bool {
    let local = local_part(from);
    let display = display_name.unwrap_or_default().to_lowercase();
    is_unread(from)
        || PROGRAMS.iter().any(|start| local.starts_with(start))
        || (SHARED.contains(&local.as_str()) && SITES.iter().any(|word| display.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_are_known_by_domain_and_by_name() {
        for (from, wanted) in [
            ("noreply@jotform.com", jotform::FORMAT.name),
            ("x@eu.jotform.com", jotform::FORMAT.name),
            ("x@notjotform.com", USUAL),
            ("formresponses@netlify.com", "netlify"),
            ("notifications@wix.com", "wix"),
            ("wordpress@acme.example", WORDPRESS),
        ] {
            assert_eq!(source(from), wanted, "{from}");
        }
        for (from, name, wanted) in [
            ("no-reply@acme.example", None, true),
            ("ne.pas.repondre@acme.example", None, true),
            ("forms@acme.example", None, true),
            ("contact@acme.example", Some("Site web"), true),
            ("contact@acme.example", Some("Jo Miller"), false),
            ("jo@acme.example", Some("Web Jo"), false),
            ("rick.dorsey@acme.example", None, false),
        ] {
            assert_eq!(is_program(from, name), wanted, "{from}");
        }
    }
}
