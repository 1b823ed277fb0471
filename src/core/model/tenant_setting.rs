//! What can be set about a tenant. A setting is all here: its field, its default, and its row in
//! [`SETTINGS`], of which `nexora tenant set`, `nexora tenant show` and their help are made.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::wording::parse_length;
use crate::base::{Error, Result};
use crate::model::address::{Country, EmailAddress, PhoneNumber, Zone};
use crate::model::hours::{BusinessHours, QuietHours};
use crate::model::language::Language;
use crate::model::panel::Panel;
use crate::model::retention::Kept;
use crate::model::setting::Setting;
use crate::model::tenant::{Tenant, TenantMode};

/// What holds for all automations of a tenant. Texts with a form of their own were checked when
/// they were set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// What customers and owner are written to in, and what the form and its pages are in.
    pub language: Language,
    /// When the business is open: `Mon-Fri 08:00-18:00, Sat 09:00-12:00`.
    pub business_hours: String,
    /// When customers are not written to unless they just wrote: `21:00-08:00`, or `none`.
    pub quiet_hours: String,
    /// What the law wants in every commercial mail (15 U.S.C. 7704(a)(5)).
    pub postal_address: String,
    /// Where customers are asked to leave a review.
    pub review_url: String,
    pub website: String,
    /// Addresses and domains that the business writes from, besides those of its accounts, users and owner.
    pub own_addresses: Vec<String>,
    /// The colour of buttons and headings in mails: `#0b6bcb`.
    pub color: String,
    /// Whether commercial mail needs consent that was given in so many words.
    pub explicit_consent: bool,
    /// Commercial messages that a person gets in `cap_window` at most.
    pub cap: u32,
    pub cap_window: String,
    /// The least time between two commercial messages to a person.
    pub spacing: String,
    /// What a person would have needed for one message or record, in minutes.
    pub minutes_saved: u32,
    /// Days for which finished runs are kept; 0 is forever, and nothing what the configuration says.
    pub keep_runs: Option<u32>,
    /// Days for which events that started no run are kept; 0 is forever, and nothing what the configuration says.
    pub keep_events: Option<u32>,
    /// Days for which photos that came with leads are kept; 0 is forever, and nothing what the configuration says.
    pub keep_photos: Option<u32>,
    /// Days for which leads held back as spam are kept; 0 is forever, and nothing what the configuration says.
    pub keep_spam: Option<u32>,
    /// Days for which messages to and from contacts are kept; 0 is forever, and nothing what the configuration says.
    pub keep_messages: Option<u32>,
    /// Days for which everything about a person is kept after the last thing that happened with them; 0 is forever, and nothing what the configuration says.
    pub keep_people: Option<u32>,
    /// What the status page shows, in order; `nexora status panels` sets it.
    pub status_panels: Vec<Panel>,
}

impl TenantSettings {
    /// Returns for how many days a kind of data is kept; nothing where the configuration says it.
    pub fn keep_days(&self, kind: Kept) -> Option<u32> {
        match kind {
            Kept::Runs => self.keep_runs,
            Kept::Events => self.keep_events,
            Kept::Photos => self.keep_photos,
            Kept::Spam => self.keep_spam,
            Kept::Messages => self.keep_messages,
            Kept::People => self.keep_people,
        }
    }
}

impl Default for TenantSettings {
    fn default() -> TenantSettings {
        TenantSettings {
            language: Language::English,
            business_hours: "Mon-Fri 08:00-18:00".to_owned(),
            quiet_hours: "21:00-08:00".to_owned(),
            postal_address: String::new(),
            review_url: String::new(),
            website: String::new(),
            own_addresses: Vec::new(),
            color: "#0b6bcb".to_owned(),
            explicit_consent: false,
            cap: 4,
            cap_window: "7days".to_owned(),
            spacing: "20h".to_owned(),
            minutes_saved: 4,
            keep_runs: None,
            keep_events: None,
            keep_photos: None,
            keep_spam: None,
            keep_messages: None,
            keep_people: None,
            status_panels: Panel::ALL.to_vec(),
        }
    }
}

/// Everything that can be set, in the order in which it is shown.
pub const SETTINGS: &[Setting<(Tenant, TenantSettings)>] = &[
    Setting {
        name: "name",
        help: "name of the business as customers know it",
        example: "Acme Plumbing",
        get: |(tenant, _)| tenant.name.clone(),
        set: |(tenant, _), text| put(&mut tenant.name, not_empty(text)),
    },
    Setting {
        name: "timezone",
        help: "IANA time zone",
        example: "Europe/London",
        get: |(tenant, _)| tenant.timezone.clone(),
        set: |(tenant, _), text| put(&mut tenant.timezone, Zone::parse(text).map(|zone| zone.to_string())),
    },
    Setting {
        name: "owner_email",
        help: "address that alerts and digests go to",
        example: "owner@example.com",
        get: |(tenant, _)| tenant.owner_email.to_string(),
        set: |(tenant, _), text| put(&mut tenant.owner_email, text.parse()),
    },
    Setting {
        name: "country",
        help: "country whose telephone numbers customers write, in two letters",
        example: "GB",
        get: |(tenant, _)| tenant.country.clone(),
        set: |(tenant, _), text| put(&mut tenant.country, Country::parse(text).map(|code| code.to_string())),
    },
    Setting {
        name: "language",
        help: "language of messages, the form and its pages: `en`, `de`, `es` or `fr`",
        example: "de",
        get: |(_, settings)| settings.language.to_string(),
        set: |(_, settings), text| put(&mut settings.language, text.parse()),
    },
    Setting {
        name: "phone",
        help: "number that customers may call; empty for none",
        example: "+15125550199",
        get: |(tenant, _)| tenant.phone.as_ref().map(ToString::to_string).unwrap_or_default(),
        set: |(tenant, _), text| {
            let country = tenant.country()?;
            let phone = (!text.is_empty()).then(|| PhoneNumber::parse_in(country, text)).transpose();
            put(&mut tenant.phone, phone)
        },
    },
    Setting {
        name: "mode",
        help: "`live`, or `rehearsal` to send everything to the sandbox instead",
        example: "rehearsal",
        get: |(tenant, _)| tenant.mode.to_string(),
        set: |(tenant, _), text| put(&mut tenant.mode, text.parse::<TenantMode>()),
    },
    Setting {
        name: "business_hours",
        help: "when the business is open",
        example: "Mon-Fri 08:00-17:30, Sat 09:00-12:00",
        get: |(_, settings)| settings.business_hours.clone(),
        set: |(_, settings), text| {
            put(&mut settings.business_hours, BusinessHours::parse(text).map(|_| text.to_owned()))
        },
    },
    Setting {
        name: "quiet_hours",
        help: "when customers are not written to, or `none`",
        example: "20:00-08:30",
        get: |(_, settings)| settings.quiet_hours.clone(),
        set: |(_, settings), text| {
            put(&mut settings.quiet_hours, QuietHours::parse(text).map(|_| text.to_owned()))
        },
    },
    Setting {
        name: "postal_address",
        help: "address in every commercial mail, as the law asks",
        example: "12 Main St, Austin, TX 78701",
        get: |(_, settings)| settings.postal_address.clone(),
        set: |(_, settings), text| put(&mut settings.postal_address, Ok(text.to_owned())),
    },
    Setting {
        name: "review_url",
        help: "page where customers leave a review; empty for none",
        example: "https://g.page/r/acme/review",
        get: |(_, settings)| settings.review_url.clone(),
        set: |(_, settings), text| put(&mut settings.review_url, web_address(text)),
    },
    Setting {
        name: "website",
        help: "website of the business; empty for none",
        example: "https://acme.com",
        get: |(_, settings)| settings.website.clone(),
        set: |(_, settings), text| put(&mut settings.website, web_address(text)),
    },
    Setting {
        name: "own_addresses",
        help: "addresses and domains that the business writes from besides its accounts, with commas between",
        example: "office@acme-plumbing.com, acme.net",
        get: |(_, settings)| settings.own_addresses.join(", "),
        set: |(_, settings), text| put(&mut settings.own_addresses, own_addresses(text)),
    },
    Setting {
        name: "color",
        help: "colour of buttons and headings in mails",
        example: "#b3261e",
        get: |(_, settings)| settings.color.clone(),
        set: |(_, settings), text| put(&mut settings.color, color(text)),
    },
    Setting {
        name: "explicit_consent",
        help: "`true` sends commercial mail only to customers who agreed to it in so many words",
        example: "true",
        get: |(_, settings)| settings.explicit_consent.to_string(),
        set: |(_, settings), text| put(&mut settings.explicit_consent, read(text, "`true` or `false`")),
    },
    Setting {
        name: "cap",
        help: "commercial messages that a customer gets within `cap_window` at most",
        example: "2",
        get: |(_, settings)| settings.cap.to_string(),
        set: |(_, settings), text| put(&mut settings.cap, read(text, "a whole number")),
    },
    Setting {
        name: "cap_window",
        help: "time in which `cap` holds",
        example: "14days",
        get: |(_, settings)| settings.cap_window.clone(),
        set: |(_, settings), text| put(&mut settings.cap_window, length(text)),
    },
    Setting {
        name: "spacing",
        help: "least time between two commercial messages to a customer",
        example: "36h",
        get: |(_, settings)| settings.spacing.clone(),
        set: |(_, settings), text| put(&mut settings.spacing, length(text)),
    },
    Setting {
        name: "minutes_saved",
        help: "minutes that one message or record would have taken a person",
        example: "6",
        get: |(_, settings)| settings.minutes_saved.to_string(),
        set: |(_, settings), text| put(&mut settings.minutes_saved, read(text, "a whole number")),
    },
    Setting {
        name: "keep_runs",
        help: "days that finished runs are kept, or `forever`; empty for what the configuration says",
        example: "365",
        get: |(_, settings)| Kept::shown_days(settings.keep_runs),
        set: |(_, settings), text| put(&mut settings.keep_runs, Kept::Runs.parse_days(text)),
    },
    Setting {
        name: "keep_events",
        help: "days that events that started no run are kept, or `forever`; empty for what the configuration says",
        example: "45",
        get: |(_, settings)| Kept::shown_days(settings.keep_events),
        set: |(_, settings), text| put(&mut settings.keep_events, Kept::Events.parse_days(text)),
    },
    Setting {
        name: "keep_photos",
        help: "days that photos that came with leads are kept, or `forever`; empty for what the configuration says",
        example: "180",
        get: |(_, settings)| Kept::shown_days(settings.keep_photos),
        set: |(_, settings), text| put(&mut settings.keep_photos, Kept::Photos.parse_days(text)),
    },
    Setting {
        name: "keep_spam",
        help: "days that leads held back as spam are kept, or `forever`; empty for what the configuration says",
        example: "30",
        get: |(_, settings)| Kept::shown_days(settings.keep_spam),
        set: |(_, settings), text| put(&mut settings.keep_spam, Kept::Spam.parse_days(text)),
    },
    Setting {
        name: "keep_messages",
        help: "days that messages to and from contacts are kept, or `forever`; empty for what the configuration says",
        example: "730",
        get: |(_, settings)| Kept::shown_days(settings.keep_messages),
        set: |(_, settings), text| put(&mut settings.keep_messages, Kept::Messages.parse_days(text)),
    },
    Setting {
        name: "keep_people",
        help: "days that everything about a person is kept after the last thing that happened with them, or `forever`; empty for what the configuration says",
        example: "1095",
        get: |(_, settings)| Kept::shown_days(settings.keep_people),
        set: |(_, settings), text| put(&mut settings.keep_people, Kept::People.parse_days(text)),
    },
];

fn put<T>(field: &mut T, value: Result<T>) -> Result<()> {
    *field = value?;
    Ok(())
}

fn read<T: FromStr>(text: &str, what: &str) -> Result<T> {
    text.parse().map_err(|_| is_not(text, what))
}

fn not_empty(text: &str) -> Result<String> {
    if text.is_empty() { Err(Error::usage("it must not be empty")) } else { Ok(text.to_owned()) }
}

fn web_address(text: &str) -> Result<String> {
    if text.is_empty() || text.starts_with("https://") {
        return Ok(text.to_owned());
    }
    Err(is_not(text, "an address on the web").hint("it begins with `https://`"))
}

fn color(text: &str) -> Result<String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_owned());
    }
    Err(is_not(text, "a colour").hint("write it like `#0b6bcb`"))
}

fn length(text: &str) -> Result<String> {
    parse_length(text).map(|_| text.to_owned())
}

/// Reads mail addresses and domains, with commas between.
fn own_addresses(text: &str) -> Result<Vec<String>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            // A domain is read as part of an address, so that both have the form that matching uses.
            let address = if part.contains('@') { part.to_owned() } else { format!("any@{part}") };
            let key = address
                .parse::<EmailAddress>()
                .map_err(|_| is_not(part, "a mail address or a domain"))?
                .key();
            Ok(if part.contains('@') { key } else { key.trim_start_matches("any@").to_owned() })
        })
        .collect()
}

fn is_not(text: impl Display, what: &str) -> Error {
    Error::usage(format!("`{text}` is not {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::base::text::Json;
    use crate::model::TenantId;
    use crate::model::tenant::TenantState;

    fn tenant() -> Tenant {
        let now = Timestamp::from_millis(0);
        Tenant {
            id: TenantId::new(now),
            slug: "other".parse().unwrap(),
            name: "Other".to_owned(),
            timezone: "America/Chicago".to_owned(),
            owner_email: "other@example.com".parse().unwrap(),
            phone: None,
            country: "US".to_owned(),
            state: TenantState::Active,
            created_at: now,
            updated_at: now,
            mode: TenantMode::Live,
            settings: Json::empty_object(),
            link_generation: 0,
            alert_bounce: None,
        }
    }

    #[test]
    fn every_setting_is_described_set_and_shown() {
        for setting in SETTINGS {
            let mut of = (tenant(), TenantSettings::default());
            let (name, example) = (setting.name, setting.example);
            assert!(setting.help.contains(' '), "`{name}` is not described");
            assert_ne!((setting.get)(&of), example, "`{name}`");
            (setting.set)(&mut of, example).unwrap();
            assert_eq!((setting.get)(&of), example, "`{name}`");
        }
    }

    #[test]
    fn every_language_can_be_chosen_and_its_help_names_it() {
        let setting = SETTINGS.iter().find(|setting| setting.name == "language").unwrap();
        for language in Language::ALL {
            let mut of = (tenant(), TenantSettings::default());
            (setting.set)(&mut of, language.name()).unwrap();
            assert_eq!(of.1.language, *language);
            assert!(setting.help.contains(&format!("`{language}`")), "`{language}`");
        }
        let error = (setting.set)(&mut (tenant(), TenantSettings::default()), "tlh").unwrap_err();
        assert_eq!(error.hint_text(), Some("use one of: en, de, es, fr"));
    }

    #[test]
    fn every_field_has_a_row() {
        let fields = serde_json::to_value(TenantSettings::default()).unwrap();
        // What the status page shows has a command of its own.
        for field in fields.as_object().unwrap().keys().filter(|field| *field != "status_panels") {
            assert!(SETTINGS.iter().any(|setting| setting.name == field), "`{field}` cannot be set");
        }
    }

    #[test]
    fn what_cannot_be_a_value_is_refused() {
        let wrong = [
            ("name", ""),
            ("timezone", "Mars"),
            ("owner_email", "owner"),
            ("phone", "12"),
            ("country", "USA"),
            ("language", "tlh"),
            ("mode", "test"),
            ("business_hours", "always"),
            ("quiet_hours", "always"),
            ("review_url", "http://acme.com"),
            ("website", "acme.com"),
            ("own_addresses", "acme"),
            ("color", "red"),
            ("explicit_consent", "yes"),
            ("cap", "-1"),
            ("cap_window", "soon"),
            ("spacing", "soon"),
            ("minutes_saved", "1.5"),
        ];
        for (name, value) in wrong {
            let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
            assert!((setting.set)(&mut (tenant(), TenantSettings::default()), value).is_err(), "{name}");
        }
    }
}
