//! How much speaks for an enquiry being spam, and why. Nothing is dropped for it: beyond a limit a lead
//! is held back for a person to look at.

use std::time::Duration;

use nexora_core::model::lead::NewLead;

/// From this score on a lead is held back.
pub const QUARANTINE: i32 = 60;

/// What is known of an enquiry besides what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// A field that people do not see was filled in.
    pub honeypot: bool,
    pub time: Time,
    pub puzzle: Proof,
    pub widget: Proof,
    /// How often the same text came from others within a day.
    pub repeats: i64,
    /// How often something else was sent with the same showing of the form, or the same key.
    pub resent: i64,
    /// The sender is a contact already.
    pub acquainted: bool,
}

/// How long the form was open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// The sender was not shown a form first.
    #[default]
    NotAsked,
    /// It should bear our mark of time, and does not.
    Unmarked,
    Open(Duration),
}

/// What became of something that browsers were asked to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proof {
    #[default]
    NotAsked,
    Good,
    /// As where no scripts run.
    Missing,
    Wrong,
}

/// The sum, with a sentence for each part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    pub points: i32,
    pub reasons: Vec<String>,
}

impl Score {
    fn add(&mut self, points: i32, reason: &str) {
        self.points += points;
        self.reasons.push(reason.to_owned());
    }

    pub fn is_spam(&self) -> bool {
        self.points >= QUARANTINE
    }
}

/// A person takes longer to fill in a form.
const AT_ONCE: Duration = Duration::from_millis(1_500);
/// A browser's autofill may take less, but rarely.
const QUICK: Duration = Duration::from_secs(3);
const STALE: Duration = Duration::from_secs(86_400);

/// Returns what speaks against an enquiry.
pub fn score(signals: &Signals, lead: &NewLead) -> Score {
    let mut score = Score::default();
    if signals.honeypot {
        score.add(100, "a field that people do not see was filled in");
    }
    match signals.time {
        Time::Unmarked => score.add(50, "it was sent without the form having been opened"),
        Time::Open(open) if open < AT_ONCE => score.add(70, "the form was sent at once after it was opened"),
        Time::Open(open) if open < QUICK => score.add(30, "the form was filled in within three seconds"),
        Time::Open(open) if open > STALE => score.add(15, "the form had been open for more than a day"),
        Time::NotAsked | Time::Open(_) => {}
    }
    match signals.puzzle {
        Proof::NotAsked | Proof::Good => {}
        Proof::Missing => score.add(35, "the browser did not work out the puzzle"),
        Proof::Wrong => score.add(70, "the puzzle's answer was wrong"),
    }
    match signals.widget {
        Proof::NotAsked | Proof::Good => {}
        Proof::Missing => score.add(35, "the browser did not answer Turnstile"),
        Proof::Wrong => score.add(70, "Turnstile takes the sender for a program"),
    }
    match signals.repeats {
        0 => {}
        1 => score.add(30, "the same text came from somebody else within a day"),
        2 => score.add(45, "the same text came from two others within a day"),
        // A website may write the same words for everybody: alone it does not hold a lead back.
        _ => score.add(55, "the same text came from many others within a day"),
    }
    if signals.resent > 0 {
        let points = i32::try_from(signals.resent.min(10)).unwrap_or(10) * 15;
        score.add(points, "the same form was sent before with something else in it");
    }
    text(&mut score, lead);
    if signals.acquainted && score.points > 0 && !signals.honeypot {
        score.add(-30, "the sender is known to the business");
    }
    score
}

/// Tells whether our own records of the sender and the text could make spam of an enquiry.
pub fn may_be_spam(signals: &Signals, lead: &NewLead) -> bool {
    let worst = Signals { repeats: i64::MAX, acquainted: false, ..signals.clone() };
    score(&worst, lead).is_spam()
}

/// Notes what the text of an enquiry says for spam.
fn text(score: &mut Score, lead: &NewLead) {
    let message = lead.message.as_deref().unwrap_or_default();
    match links(message) {
        0 => {}
        1 => score.add(20, "the message has a link"),
        2 => score.add(45, "the message has two links"),
        _ => score.add(70, "the message has many links"),
    }
    let lower = message.to_lowercase();
    if ["<a ", "[url", "[link", "</"].iter().any(|mark| lower.contains(mark)) {
        score.add(50, "the message has markup for links");
    }
    let short = [&lead.service, &lead.preferred_time, &lead.address, &lead.postcode];
    let short = short.into_iter().filter_map(|text| text.as_deref()).chain([lead.name.as_str()]);
    if short.map(links).sum::<usize>() > 0 {
        score.add(70, "a field other than the message has a link");
    }
    match lead.details.values().map(|text| links(text)).sum::<usize>() {
        // One may be what was asked for: a website, a photo.
        0 | 1 => {}
        _ => score.add(45, "the answers have links"),
    }
}

fn links(text: &str) -> usize {
    let text = text.to_lowercase();
    let words = text.split(|c: char| c.is_whitespace() || "<>()[]\"'".contains(c));
    words.filter(|word| word.contains("://") || word.starts_with("www.") || is_bare_link(word)).count()
}

/// `cheap.example/offer`: mail programs make links of these, too.
fn is_bare_link(word: &str) -> bool {
    let Some((host, path)) = word.split_once('/') else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let is_name =
        |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_letters =
        labels.last().is_some_and(|last| last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()));
    labels.len() >= 2 && labels.iter().all(is_name) && is_letters && !path.is_empty() && !word.contains('@')
}

/// A message shorter than this is too likely to be the same by chance.
const TELLING_LENGTH: usize = 25;

/// Returns a hash by which the same message is known again, whatever its case, spacing and numbers;
/// nothing for a short one, which many may write.
pub fn body_hash(message: &str) -> Option<String> {
    use sha2::{Digest as _, Sha256};
    let letters: String = message.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect();
    (letters.chars().count() >= TELLING_LENGTH)
        .then(|| nexora_core::base::text::hex(Sha256::digest(letters).get(..16).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::enquiry::{Enquiry, salvage};
    use nexora_core::model::address::Country;

    fn lead(name: &str, message: &str) -> NewLead {
        let enquiry = Enquiry { name: name.into(), message: message.into(), ..Enquiry::default() };
        salvage(enquiry, Country::parse("US").unwrap())
    }

    fn points(change: impl FnOnce(&mut Signals), message: &str) -> i32 {
        let mut signals = Signals { time: Time::Open(Duration::from_secs(40)), ..Signals::default() };
        change(&mut signals);
        score(&signals, &lead("Jo Miller", message)).points
    }

    #[test]
    fn a_person_is_let_through_whatever_their_browser_can_do() {
        assert_eq!(points(|_| (), "No hot water since Monday."), 0);
        assert!(points(|s| s.puzzle = Proof::Missing, "See https://example.com/boiler.jpg") < QUARANTINE);
        assert!(points(|s| s.time = Time::Open(Duration::from_millis(2_500)), "hot water") < QUARANTINE);
        assert!(points(|s| s.time = Time::Open(Duration::from_secs(200_000)), "hot water") < QUARANTINE);
        assert!(points(|s| s.time = Time::NotAsked, "hot water") < QUARANTINE);
        assert!(points(|s| (s.time, s.repeats) = (Time::NotAsked, 9), "the words of a website") < QUARANTINE);
        assert!(points(|s| s.resent = 3, "corrected for the third time") < QUARANTINE);
    }

    #[test]
    fn what_programs_do_is_held_back_with_the_reasons() {
        type Case = (fn(&mut Signals), &'static str);
        let cases: [Case; 6] = [
            (|s| s.honeypot = true, ""),
            (|s| s.time = Time::Open(Duration::from_millis(200)), ""),
            (|s| s.puzzle = Proof::Wrong, ""),
            (|s| (s.repeats, s.puzzle) = (3, Proof::Missing), ""),
            (|_| (), "https://a.example https://b.example www.c.example"),
            (|s| s.time = Time::Unmarked, "<a href=https://a.example>cheap</a>"),
        ];
        for (change, message) in cases {
            assert!(points(change, message) >= QUARANTINE, "{message}");
        }
        let scored =
            score(&Signals { honeypot: true, repeats: 1, ..Signals::default() }, &lead("www.a.example", ""));
        assert_eq!((scored.points, scored.reasons.len()), (200, 3));
    }

    #[test]
    fn a_link_counts_in_whatever_field_it_stands() {
        let fields: [fn(&mut NewLead, String); 5] = [
            |lead, text| lead.name = text,
            |lead, text| lead.service = Some(text),
            |lead, text| lead.preferred_time = Some(text),
            |lead, text| lead.address = Some(text),
            |lead, text| lead.postcode = Some(text),
        ];
        for put in fields {
            for link in ["https://a.example", "see www.a.example now", "a.example/offer", "A.EXAMPLE/x"] {
                let mut lead = lead("Jo Miller", "");
                put(&mut lead, link.to_owned());
                assert!(score(&Signals::default(), &lead).is_spam(), "{link}");
            }
            for text in ["12 Elm St/Apt 4", "Mon/Tue", "9 a.m./noon", "1/2 bath", "a/b.c"] {
                let mut lead = lead("Jo Miller", "");
                put(&mut lead, text.to_owned());
                assert_eq!(score(&Signals::default(), &lead).points, 0, "{text}");
            }
        }
        let mut answered = lead("Jo Miller", "");
        answered.details = [("Photo".to_owned(), "https://a.example/boiler.jpg".to_owned())].into();
        assert_eq!(score(&Signals::default(), &answered).points, 0);
        answered.details.insert("Site".to_owned(), "https://b.example".to_owned());
        assert_eq!(score(&Signals::default(), &answered).points, 45);
    }

    #[test]
    fn somebody_known_is_trusted_more_but_for_the_trap() {
        assert_eq!(points(|s| (s.repeats, s.acquainted) = (3, true), ""), 25);
        assert_eq!(points(|s| (s.honeypot, s.acquainted) = (true, true), ""), 100);
        assert_eq!(points(|s| s.acquainted = true, ""), 0);
    }

    #[test]
    fn the_same_text_is_known_again_and_a_short_one_is_nobodys() {
        let one = body_hash("We will rank your website FIRST on search engines!").unwrap();
        assert_eq!(Some(one), body_hash("we will rank your website first\non search engines 24"));
        assert_ne!(
            body_hash("My boiler has stopped working, please call."),
            body_hash("My boiler leaks, please call me back soon.")
        );
        assert_eq!(body_hash("No hot water"), None);
    }
}
