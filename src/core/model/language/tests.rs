use super::*;
use crate::model::consent::Channel;
use crate::model::password_link::LinkPurpose;

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

#[test]
fn every_language_says_how_a_password_is_set() {
    let link = "https://leads.example.com/status/sign-in/password/x";
    for language in Language::ALL {
        let words = &language.words().password;
        assert!((words.whose)("jo@acme.com").contains("jo@acme.com"), "{language}");
        assert!((words.short)(5, 12).contains("12") && (words.sent)(1).contains('1'), "{language}");
        for purpose in [LinkPurpose::Invitation, LinkPurpose::Reset] {
            for business in [Some("Acme"), None] {
                let mail = PasswordMail { purpose, name: Some("Jo"), business, link, hours: 72 };
                let (subject, text) = (words.mail)(&mail);
                assert!(subject.contains(business.unwrap_or("Nexora")), "{language}: {subject}");
                assert!(
                    text.lines().any(|line| line == link),
                    "{language}: the link has a line of its own: {text}"
                );
                assert!(text.contains("72") && text.contains("Jo"), "{language}: {text}");
            }
        }
    }
}

#[test]
fn a_browser_is_answered_in_the_first_language_of_ours_that_it_asks_for() {
    for (asked, wanted) in [
        ("", Language::English),
        ("nl, *;q=0.5", Language::English),
        ("de-CH,de;q=0.9,en;q=0.8", Language::German),
        ("nl,fr;q=0.7,en;q=0.3", Language::French),
        ("en;q=0.1,es;q=0.2", Language::Spanish),
        ("fr;q=0,es;q=nonsense,de;q=0.1", Language::German),
        ("es,de", Language::Spanish),
    ] {
        assert_eq!(Language::asked_for(asked), wanted, "{asked}");
    }
}
