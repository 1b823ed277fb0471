use super::*;
use crate::model::consent::Channel;

fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
}

#[test]
fn days_times_and_sums_are_written_as_people_who_speak_the_language_write_them() {
    let day = NaiveDate::from_ymd_opt(2027, 3, 1).unwrap();
    let afternoon = day.and_hms_opt(14, 5, 0).unwrap();
    for (language, place, wanted) in [
        (Language::English, "US", ["Monday, March 1", "Mon 1 Mar 2027, 2:05 PM", "-1250.50"]),
        (Language::English, "GB", ["Monday, March 1", "Mon 1 Mar 2027, 14:05", "-1250.50"]),
        (Language::German, "DE", ["Montag, 1. März", "Mo, 1. März 2027, 14:05", "-1250,50"]),
        (Language::German, "CH", ["Montag, 1. März", "Mo, 1. März 2027, 14:05", "-1250.50"]),
        (Language::German, "US", ["Montag, 1. März", "Mo, 1. März 2027, 14:05", "-1250,50"]),
        (Language::Spanish, "ES", ["lunes, 1 de marzo", "lun 1 mar 2027, 14:05", "-1250,50"]),
        (Language::Spanish, "US", ["lunes, 1 de marzo", "lun 1 mar 2027, 2:05 p.\u{a0}m.", "-1250.50"]),
        (Language::French, "FR", ["lundi 1er mars", "lun. 1er mars 2027, 14h05", "-1250,50"]),
    ] {
        let country = Some(country(place));
        let written =
            [language.day(day), language.moment(afternoon, country), language.sum(-125_050, country)];
        assert_eq!(written, wanted, "{language} in {place}");
    }
    assert_eq!(Language::French.day(NaiveDate::from_ymd_opt(2027, 3, 2).unwrap()), "mardi 2 mars");
    let noon = NaiveTime::from_hms_opt(12, 0, 0).unwrap();
    assert_eq!(Language::English.time(noon, Some(country("US"))), "12:00 PM");
    assert_eq!(Language::English.time(noon, None), "12:00");
}

#[test]
fn names_of_days_and_months_are_those_of_the_calendar() {
    for language in Language::ALL {
        let dates = &language.words().dates;
        let all = dates.weekdays.iter().chain(&dates.weekdays_short).chain(&dates.months);
        assert!(all.chain(&dates.months_short).all(|name| name.chars().count() >= 2), "{language}");
    }
    let sunday = Weekday::Sun;
    assert_eq!(
        Language::ALL.iter().map(|l| l.weekday(sunday)).collect::<Vec<_>>(),
        ["Sunday", "Sonntag", "domingo", "dimanche"]
    );
    assert_eq!(Language::German.weekday_short(sunday), "So");
}

#[test]
fn every_language_says_what_it_is_asked_to_say_with_its_values() {
    for language in Language::ALL {
        let words = language.words();
        for channel in Channel::ALL {
            assert!((words.consent)(*channel, "Acme").contains("Acme"), "{language} {channel}");
        }
        assert!((words.consent)(Channel::Sms, "Acme").contains("STOP"), "{language}");
        assert!((words.flaw)(Flaw::TooLong(200)).contains("200"), "{language}");
        assert!((words.notice)(&PageNotice::TooMany(7)).1.contains('7'), "{language}");
        assert!((words.greeting)(Some("Jo")).ends_with("Jo"), "{language}");
        assert!((words.waiting)("Jo", Some("Boiler")).contains("Boiler"), "{language}");
        let unread = Trouble::Unread {
            place: Place::Mailbox,
            account: "Gmail".to_owned(),
            length: std::time::Duration::from_secs(180_000),
        };
        let unread = (words.trouble)(&unread);
        assert!(unread.contains("Gmail") && unread.contains("2 h"), "{language}: {unread}");
        let late = (words.trouble)(&late());
        assert_eq!(late.contains("days"), *language == Language::English, "{late}");
    }
    assert!((Language::German.words().trouble)(&late()).contains("seit 2 Tagen"));
}

fn late() -> Trouble {
    Trouble::Late(std::time::Duration::from_secs(2 * 86_400))
}
