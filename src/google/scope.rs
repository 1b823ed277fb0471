//! Which of Google's scopes stand for which ability: the one place that knows them.
//!
//! Source: "OAuth 2.0 Scopes for Google APIs". Scopes are the narrowest that Google offers for what
//! is done; the wide ones of the generated clients are never asked for.

use nexora_core::model::connection::{Abilities, Ability};

/// What signing in asks for, to learn which mailbox it was.
pub const IDENTITY: [&str; 2] = ["openid", "email"];

const COMPOSE: &str = "https://www.googleapis.com/auth/gmail.compose";
const READ: &str = "https://www.googleapis.com/auth/gmail.readonly";
const MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";
const FREE_BUSY: &str = "https://www.googleapis.com/auth/calendar.freebusy";
const SPREADSHEETS: &str = "https://www.googleapis.com/auth/spreadsheets";
const METADATA: &str = "https://www.googleapis.com/auth/drive.metadata.readonly";

/// One of Google's services. A service account asks for a token for each, so that a delegation
/// that lacks one service's scopes leaves the others working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Gmail,
    Calendar,
    Sheets,
    Drive,
}

impl Service {
    pub const ALL: [Service; 4] = [Service::Gmail, Service::Calendar, Service::Sheets, Service::Drive];

    pub fn name(self) -> &'static str {
        match self {
            Service::Gmail => "Gmail",
            Service::Calendar => "Calendar",
            Service::Sheets => "Sheets",
            Service::Drive => "Drive",
        }
    }

    /// Returns those of `abilities` that are this service's.
    pub fn of(self, abilities: &Abilities) -> Abilities {
        abilities.iter().copied().filter(|ability| service(*ability) == self).collect()
    }
}

fn service(ability: Ability) -> Service {
    match ability {
        Ability::MailSend | Ability::MailRead | Ability::MailLabel => Service::Gmail,
        Ability::Calendar => Service::Calendar,
        Ability::Sheets => Service::Sheets,
        Ability::SheetsWatch => Service::Drive,
    }
}

fn scopes(ability: Ability) -> &'static [&'static str] {
    match ability {
        Ability::MailSend => &[COMPOSE],
        Ability::MailRead => &[READ],
        Ability::MailLabel => &[MODIFY],
        Ability::Calendar => &[EVENTS, FREE_BUSY],
        Ability::Sheets => &[SPREADSHEETS],
        Ability::SheetsWatch => &[METADATA],
    }
}

/// Returns the scopes to ask for; labelling mail includes the other two, which are then left out.
pub fn wanted(abilities: &Abilities) -> Vec<&'static str> {
    let labels = abilities.contains(&Ability::MailLabel);
    let needed = abilities
        .iter()
        .filter(|ability| !(labels && matches!(ability, Ability::MailSend | Ability::MailRead)));
    needed.flat_map(|ability| scopes(*ability)).copied().collect()
}

/// Returns the abilities that a list of granted scopes amounts to.
pub fn granted<'a>(scopes_granted: impl Iterator<Item = &'a str>) -> Abilities {
    let has: Vec<&str> = scopes_granted.collect();
    let covered = |ability: &Ability| scopes(*ability).iter().all(|scope| has.contains(scope));
    let direct: Abilities = Ability::ALL.iter().copied().filter(covered).collect();
    let all: Abilities = Ability::ALL.iter().copied().collect();
    let missing = Ability::missing(&all, &direct);
    all.difference(&missing).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_asked_for() {
        assert_eq!(wanted(&Ability::usual()), [COMPOSE, READ, EVENTS, FREE_BUSY, SPREADSHEETS]);
        let labels = Abilities::from([Ability::MailSend, Ability::MailRead, Ability::MailLabel]);
        assert_eq!(wanted(&labels), [MODIFY]);
        assert_eq!(wanted(&Service::Calendar.of(&Ability::usual())), [EVENTS, FREE_BUSY]);
        assert!(Service::Drive.of(&Ability::usual()).is_empty());
    }

    #[test]
    fn half_an_ability_is_none() {
        assert_eq!(granted(["openid", EVENTS, COMPOSE].into_iter()), [Ability::MailSend].into());
        let mail = [Ability::MailSend, Ability::MailRead, Ability::MailLabel];
        assert_eq!(granted([MODIFY].into_iter()), mail.into());
    }
}
