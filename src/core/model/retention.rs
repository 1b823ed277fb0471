//! For how long data is kept, by kind.

use crate::base::text::define_words;
use crate::base::{Error, Result};

define_words! {
    /// A kind of data that is kept for a while.
    Kept = "kind of data" {
        /// Runs that are finished, with their steps, effects and attempts, and appointments that are over.
        Runs = "runs",
        /// Events that started no run, and notices of leads that were fetched.
        Events = "events",
        /// Photos that came with leads.
        Photos = "photos",
        /// Leads that were held back as spam and let go by nobody.
        Spam = "spam",
        /// Messages to and from contacts.
        Messages = "messages",
        /// Everything about a person, after the last thing that happened with them.
        People = "people",
    }
}

impl Kept {
    /// Returns the fewest days for which it is kept. What has come in is known again for as long as a mailbox
    /// may be read anew.
    pub fn least_days(self) -> u32 {
        match self {
            Kept::Events => 35,
            Kept::Runs | Kept::Photos | Kept::Spam | Kept::Messages | Kept::People => 1,
        }
    }

    /// Reads for how many days it is kept: a number, `forever` (0), or nothing for what the installation says.
    ///
    /// # Errors
    /// `Usage` when the text is none of them, or the number too small.
    pub fn parse_days(self, text: &str) -> Result<Option<u32>> {
        let least = self.least_days();
        match text {
            "" => Ok(None),
            "forever" => Ok(Some(0)),
            days => match days.parse() {
                Ok(days) if days >= least => Ok(Some(days)),
                Ok(_) | Err(_) => {
                    Err(Error::usage(format!("`{text}` is not a number of days from {least} on"))
                        .hint("or write `forever`; leave it empty for what the configuration says"))
                }
            },
        }
    }

    /// Returns the text that `parse_days` reads.
    pub fn shown_days(days: Option<u32>) -> String {
        match days {
            None => String::new(),
            Some(0) => "forever".to_owned(),
            Some(days) => days.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_survive_their_text() {
        for text in ["", "forever", "90"] {
            assert_eq!(Kept::shown_days(Kept::Runs.parse_days(text).unwrap()), text);
        }
        for (kind, text) in
            [(Kept::Events, "34"), (Kept::Runs, "0"), (Kept::People, "-1"), (Kept::Spam, "90 days")]
        {
            assert!(kind.parse_days(text).is_err(), "{kind} {text}");
        }
    }
}
