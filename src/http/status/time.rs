//! Moments as elements of a page: relative in the text and absolute in the attributes.

use nexora_core::base::clock::Timestamp;
use nexora_core::base::wording::LocalClock;

/// Words a moment as a `time` element. All of it is made of our own words, so that it may stand in a page
/// as it is.
pub trait TimeElement {
    /// Returns an element that says how long ago or how soon.
    fn when(&self, at: Timestamp) -> String;

    /// Returns an element that says the time of day.
    fn at(&self, at: Timestamp) -> String;
}

impl TimeElement for LocalClock {
    fn when(&self, at: Timestamp) -> String {
        element(self, at, &self.relative(at))
    }

    fn at(&self, at: Timestamp) -> String {
        element(self, at, &self.time(at))
    }
}

fn element(clock: &LocalClock, at: Timestamp, text: &str) -> String {
    let machine = at.utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    format!("<time datetime=\"{machine}\" title=\"{}\">{text}</time>", clock.full(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_relative_for_people_and_absolute_for_machines() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let zone = chrono_tz::America::Chicago;
        let clock = LocalClock { now: at("2026-11-20T16:00:00Z"), zone, format: "%H:%M" };
        assert_eq!(
            clock.when(at("2026-11-20T15:50:00Z")),
            "<time datetime=\"2026-11-20T15:50:00Z\" title=\"Fri 20 Nov 2026, 09:50 CST\">10 min ago</time>"
        );
    }
}
