//! What the operator should look at, each with the command that acts on it: one list for `nexora status`, the status
//! page, the digest and `/readyz`.

pub mod inspect;
pub mod machine;
mod standing;
mod tenant;

use serde::Serialize;

use nexora_core::base::clock::Timestamp;
use nexora_core::base::text::define_plain_words;
use nexora_core::model::language::{Language, Trouble};
pub use standing::Standing;

define_plain_words! {
    /// How well everything works, the best first.
    Level = "level" {
        Good = "good",
        /// Something needs a look.
        Look = "look",
        /// Something does not work at all.
        Broken = "broken",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthIssue {
    /// What makes it the same trouble when it is seen again.
    pub key: String,
    pub what: String,
    pub command: String,
    pub level: Level,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// How many things suffer from it, where they can be counted.
    pub affected: Option<i64>,
    /// The same for the owner of the business.
    pub plain: String,
    #[serde(skip)]
    trouble: Trouble,
}

impl HealthIssue {
    pub fn new(
        level: Level,
        what: impl Into<String>,
        command: impl Into<String>,
        trouble: Trouble,
    ) -> HealthIssue {
        let plain = (Language::English.words().trouble)(&trouble);
        let (what, command) = (what.into(), command.into());
        let key = trouble.key();
        HealthIssue { key, what, command, level, since: None, affected: None, plain, trouble }
    }

    /// Tells it apart from others that are the same to the owner.
    #[must_use]
    pub fn keyed(self, part: impl std::fmt::Display) -> HealthIssue {
        HealthIssue { key: format!("{} {part}", self.key), ..self }
    }

    #[must_use]
    pub fn since(self, at: Timestamp) -> HealthIssue {
        HealthIssue { since: Some(at), ..self }
    }

    #[must_use]
    pub fn affecting(self, affected: i64) -> HealthIssue {
        HealthIssue { affected: Some(affected), ..self }
    }

    /// Tells it to the owner in a language.
    pub fn told(&self, language: Language) -> String {
        (language.words().trouble)(&self.trouble)
    }

    /// Tells whether it is somebody's decision, or the daily work of the business, and no fault of anything.
    pub fn is_daily(&self) -> bool {
        self.trouble.is_daily()
    }

    /// Tells whether it only says that work is late, which it is wherever no daemon runs.
    pub fn is_lateness(&self) -> bool {
        matches!(self.trouble, Trouble::Late(_))
    }
}

/// Returns how well everything works: as the worst of the troubles has it.
pub fn level<'a>(troubles: impl IntoIterator<Item = &'a HealthIssue>) -> Level {
    troubles.into_iter().map(|trouble| trouble.level).max().unwrap_or(Level::Good)
}
