//! Domains of mail addresses: which belong to one business, and which to everyone.

/// Providers at whose domains anyone has an address. A national domain of theirs stands for itself.
const PUBLIC: [&str; 58] = [
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.fr",
    "hotmail.de",
    "hotmail.it",
    "hotmail.es",
    "live.com",
    "live.co.uk",
    "live.nl",
    "msn.com",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.fr",
    "yahoo.de",
    "yahoo.es",
    "yahoo.it",
    "yahoo.ca",
    "yahoo.com.au",
    "yahoo.com.br",
    "ymail.com",
    "rocketmail.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "aol.com",
    "aim.com",
    "comcast.net",
    "verizon.net",
    "att.net",
    "sbcglobal.net",
    "bellsouth.net",
    "cox.net",
    "charter.net",
    "earthlink.net",
    "btinternet.com",
    "sky.com",
    "virginmedia.com",
    "talktalk.net",
    "gmx.de",
    "gmx.net",
    "gmx.at",
    "gmx.com",
    "web.de",
    "t-online.de",
    "freenet.de",
    "orange.fr",
    "wanadoo.fr",
    "free.fr",
    "laposte.net",
    "libero.it",
    "proton.me",
    "protonmail.com",
    "mail.com",
    "zoho.com",
    "fastmail.com",
];

/// Returns the part of an address after its `@`.
pub fn of(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, domain)| domain)
}

/// Tells whether anyone can have an address of a domain, in lower case.
pub fn is_public(domain: &str) -> bool {
    PUBLIC.contains(&domain)
}
