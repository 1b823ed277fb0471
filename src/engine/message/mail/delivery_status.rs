//! What a mail system's words mean for an address: whether it works (RFC 3463, RFC 5321, RFC 5248).
//!
//! A hard bounce is believed of the address alone. A mailbox that is full, a refused content, sender or policy
//! says nothing against it, and a mail system that gave up after a time may be back tomorrow.

use nexora_core::model::message::DeliveryState;

/// An enhanced status code, `class.subject.detail` (RFC 3463).
type Code = (u16, u16, u16);

/// Words of a full mailbox or of a quota.
const FULL: [&str; 11] = [
    "quota",
    "mailbox full",
    "mailbox is full",
    "inbox is full",
    "out of storage",
    "storage space",
    "over limit",
    "insufficient storage",
    "mailbox size",
    "postfach ist voll",
    "buzón lleno",
];

/// Words of an address that is not there.
const UNKNOWN: [&str; 27] = [
    "user unknown",
    "unknown user",
    "no such user",
    "no such mailbox",
    "no such recipient",
    "no such address",
    "unknown recipient",
    "recipient unknown",
    "unknown mailbox",
    "address unknown",
    "unknown address",
    "does not exist",
    "doesn't exist",
    "address not found",
    "user not found",
    "recipient not found",
    "recipientnotfound",
    "mailbox not found",
    "invalid recipient",
    "invalid mailbox",
    "mailbox unavailable",
    "account is disabled",
    "account disabled",
    "no mailbox here",
    "couldn't be found",
    "could not be found",
    "not a known user",
];

/// Words of a refusal that is for the sender or the content.
const POLICY: [&str; 14] = [
    "spam",
    "blocked",
    "blacklist",
    "blocklist",
    "block list",
    "relay",
    "policy",
    "reputation",
    "not permitted",
    "authentication",
    "spamhaus",
    "too large",
    "message size",
    "rate limit",
];

/// Decides what became of a mail for a recipient, from what a report says (RFC 3464, section 2.3): its action,
/// its status, and the words of the mail system that refused. Nothing where it says neither.
pub fn state(action: &str, status: Option<&str>, diagnostic: &str) -> Option<DeliveryState> {
    let code = code_of(status, diagnostic);
    let word = action.trim().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    match (word.to_ascii_lowercase().as_str(), code) {
        ("failed", _) | ("", Some((5, ..))) => Some(failure(status, diagnostic)),
        ("delayed", _) | ("", Some((4, ..))) => Some(DeliveryState::Delayed),
        ("delivered", _) | ("", Some((2, ..))) => Some(DeliveryState::Delivered),
        ("relayed" | "expanded", _) => Some(DeliveryState::Relayed),
        _ => None,
    }
}

/// Decides what a failure says of the address, `SoftBounced` or `HardBounced`. `diagnostic` may be the answer of
/// a mail system to `RCPT`, with its reply code.
pub fn failure(status: Option<&str>, diagnostic: &str) -> DeliveryState {
    let words = diagnostic.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    let (code, reply) = (code_of(status, diagnostic), reply_code(diagnostic));
    let is_unknown = says(&UNKNOWN);
    let is_hard = match code {
        _ if says(&FULL) => false,
        Some((5, 1, 7 | 8) | (5, 2, 2 | 3) | (5, 4, 5 | 7)) => false,
        Some((5, 1 | 2, _) | (5, 4, 4 | 310)) => true,
        // Status that says no more than "failed", and that some mail systems give for an unknown user.
        Some((5, 0, _) | (5, 5, 0)) => is_unknown || (!says(&POLICY) && reply.is_none_or(names_recipient)),
        Some((5, ..)) => is_unknown,
        Some(_) => false,
        None => match reply {
            Some(400..500) => false,
            Some(reply) => is_unknown || (!says(&POLICY) && names_recipient(reply)),
            None => is_unknown,
        },
    };
    if is_hard { DeliveryState::HardBounced } else { DeliveryState::SoftBounced }
}

/// Tells whether words hold the code of a failure.
pub fn names_failure(words: &str) -> bool {
    names_enhanced(words) || reply_code(words).is_some()
}

/// Tells whether words hold the enhanced code of a failure.
pub fn names_enhanced(words: &str) -> bool {
    find_code(words).is_some_and(|code| code.0 != 2)
}

/// The replies to `RCPT` that are about the recipient (RFC 5321, section 4.2.3; RFC 7504).
fn names_recipient(reply: u16) -> bool {
    [521, 550, 551, 553, 556].contains(&reply)
}

/// Returns the status, or the one in the words where that says more.
fn code_of(status: Option<&str>, diagnostic: &str) -> Option<Code> {
    let (stated, said) = (status.and_then(find_code), find_code(diagnostic));
    match (stated, said) {
        (Some((_, 0, 0)) | None, Some(said)) => Some(said),
        (stated, _) => stated,
    }
}

/// Finds the first enhanced status code in a text; an address on the net is none.
fn find_code(text: &str) -> Option<Code> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.map(|word| word.trim_end_matches('.')).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse::<u16>);
        let code = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        ([2, 4, 5].contains(&code.0) && code.1 < 1_000 && code.2 < 1_000 && numbers.next().is_none())
            .then_some(code)
    })
}

/// Finds the first reply code of a failure in a text.
fn reply_code(text: &str) -> Option<u16> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let codes = words.filter(|word| word.len() == 3).filter_map(|word| word.parse().ok());
    codes.into_iter().find(|code| (400..600).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryState::{Delayed, Delivered, HardBounced, Relayed, SoftBounced};

    #[test]
    fn an_action_and_its_status_tell_what_became_of_a_mail() {
        let cases = [
            ("failed", Some("5.1.1"), "smtp; 550 5.1.1 User unknown", Some(HardBounced)),
            ("Failed", Some("5.0.0"), "", Some(HardBounced)),
            ("failed (expired)", Some("4.4.7"), "", Some(SoftBounced)),
            ("failed", Some("4.2.2"), "452 4.2.2 out of storage space", Some(SoftBounced)),
            ("failed", Some("5.2.2"), "552 5.2.2 over quota", Some(SoftBounced)),
            ("delayed", Some("4.4.1"), "", Some(Delayed)),
            ("delivered", Some("2.0.0"), "", Some(Delivered)),
            ("relayed", Some("2.6.0"), "", Some(Relayed)),
            ("expanded", None, "", Some(Relayed)),
            ("", Some("5.1.1"), "", Some(HardBounced)),
            ("", Some("4.4.1"), "", Some(Delayed)),
            ("", None, "", None),
            ("exploded", None, "", None),
        ];
        for (action, status, diagnostic, expected) in cases {
            assert_eq!(state(action, status, diagnostic), expected, "{action} {status:?} {diagnostic}");
        }
    }

    #[test]
    fn only_what_is_about_the_address_is_hard() {
        let cases = [
            (Some("5.1.10"), "550 5.1.10 RESOLVER.ADR.RecipientNotFound", HardBounced),
            (Some("5.2.1"), "550 5.2.1 The email account that you tried to reach is inactive", HardBounced),
            (Some("5.4.4"), "", HardBounced),
            (Some("5.4.1"), "550 5.4.1 Recipient address rejected: user unknown", HardBounced),
            (Some("5.0.0"), "smtp; 550 No such user here", HardBounced),
            (Some("5.0.0"), "smtp; 552 5.2.2 Mailbox full", SoftBounced),
            (Some("5.5.0"), "550 Requested action not taken: mailbox unavailable", HardBounced),
            (Some("5.0.0"), "554 rejected as spam", SoftBounced),
            (Some("5.1.1"), "mailbox is full", SoftBounced),
            (Some("5.7.1"), "550 5.7.1 message refused by policy", SoftBounced),
            (Some("5.7.1"), "550 5.7.1 user unknown", HardBounced),
            (Some("5.1.8"), "501 5.1.8 sender domain must exist", SoftBounced),
            (Some("5.3.4"), "552 5.3.4 too large", SoftBounced),
            (Some("5.4.5"), "550 5.4.5 Daily user sending quota exceeded", SoftBounced),
            (Some("5.4.7"), "delivery time expired", SoftBounced),
            // The words of an SMTP dialogue.
            (None, "permanent error (550): 5.1.1 User unknown", HardBounced),
            (None, "permanent error (550): No such person", HardBounced),
            (None, "permanent error (550): relaying denied", SoftBounced),
            (None, "permanent error (552): no room", SoftBounced),
            (None, "permanent error (554): rejected", SoftBounced),
            (None, "transient error (450): try later", SoftBounced),
            (None, "host 5.1.1.9 said so", SoftBounced),
            (None, "** Address not found **", HardBounced),
            (None, "it could not be delivered", SoftBounced),
        ];
        for (status, diagnostic, expected) in cases {
            assert_eq!(failure(status, diagnostic), expected, "{status:?} {diagnostic}");
        }
    }
}
