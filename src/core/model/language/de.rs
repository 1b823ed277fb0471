//! German, with "Sie".

use super::{
    Dates, Flaw, FormWords, PageNotice, PasswordMail, PasswordWords, Place, ThanksWords, Trouble,
    UnsubscribeWords, Words,
};
use crate::base::money::Decimal;
use crate::base::wording::{count, length_with, plural};
use crate::model::consent::Channel;
use crate::model::password_link::LinkPurpose;

pub static WORDS: Words = Words {
    dates: Dates {
        weekdays: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
        weekdays_short: ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
        months: [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
        months_short: [
            "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.",
        ],
        day: |day| format!("{}, {}. {}", day.weekday, day.number, day.month),
        short: |day| format!("{}, {}. {} {}", day.weekday_short, day.number, day.month_short, day.year),
        clock: "%H:%M",
        halves: None,
    },
    // In Switzerland and Liechtenstein a point stands in sums of money.
    decimal: |country| match country.code() {
        "CH" | "LI" => Decimal::Point,
        _ => Decimal::Comma,
    },
    greeting: |name| name.map_or_else(|| "Guten Tag".to_owned(), |name| format!("Guten Tag {name}")),
    consent,
    form: FormWords {
        title: |name| format!("Anfrage an {name}"),
        check: "Bitte prüfen: ",
        check_fields: |fields| match fields {
            1 => "Bitte prüfen Sie ein Feld".to_owned(),
            fields => format!("Bitte prüfen Sie {fields} Felder"),
        },
        intro: "Sagen Sie uns, was Sie brauchen, und wir melden uns bei Ihnen.",
        call: "Rufen Sie an:",
        emergency: "Ein Notfall?",
        open_until: |time| format!("Jetzt geöffnet, bis {time} Uhr."),
        opens_today: |time| format!("Wir öffnen heute um {time} Uhr."),
        opens_on: |day, time| format!("Wir öffnen am {day} um {time} Uhr."),
        area: "Wo wir arbeiten",
        hours: "Unsere Öffnungszeiten",
        hours_and_area: "Unsere Öffnungszeiten und unser Gebiet",
        name: "Ihr Name",
        phone: "Telefon",
        email: "E-Mail",
        phone_or_email: "Telefon oder E-Mail genügt",
        service: "Was brauchen Sie?",
        postcode: "Postleitzahl",
        address: "Adresse",
        preferred_time: "Wann passt es Ihnen?",
        preferred_time_example: "zum Beispiel werktags am Vormittag",
        message: "Wie können wir Ihnen helfen?",
        photos: "Fotos",
        photos_help: |most, megabytes| match most {
            1 => format!("Damit kommen wir vorbereitet zu Ihnen. Ein Foto mit bis zu {megabytes} MB."),
            most => {
                format!("Damit kommen wir vorbereitet zu Ihnen. Bis zu {most} Fotos mit je {megabytes} MB.")
            }
        },
        optional: "freiwillig",
        choose: "Bitte wählen",
        trap: "Bitte leer lassen",
        send: "Anfrage senden",
        sending: "Wird gesendet …",
        privacy: |name| format!("Ihre Angaben gehen nur an {name}, um Ihre Anfrage zu beantworten."),
        whole: "Das Formular",
        sent: "Vielen Dank. Wir melden uns bald bei Ihnen.",
        not_sent: "Das konnte nicht gesendet werden. Bitte versuchen Sie es noch einmal.",
    },
    thanks: ThanksWords {
        title: "Vielen Dank",
        has_request: |name| format!("{name} hat Ihre Anfrage erhalten."),
        next: "So geht es weiter",
        look_in_email: "Achten Sie auf unsere Antwort in Ihrem E-Mail-Postfach.",
        now: |name, may_call| {
            let answer = if may_call { "ruft Sie an oder schreibt Ihnen" } else { "schreibt Ihnen" };
            format!("Jemand von {name} liest Ihre Anfrage jetzt und {answer}.")
        },
        later: |opens, may_call| {
            let answer =
                if may_call { "rufen wir Sie an oder schreiben Ihnen" } else { "schreiben wir Ihnen" };
            format!("{opens} Dann {answer}.")
        },
        our_number: |number| format!("Wenn {number} bei Ihnen anruft, sind wir es."),
        cannot_wait: "Kann es nicht warten?",
        another: "Noch eine Anfrage senden",
    },
    unsubscribe: UnsubscribeWords {
        title: "Keine solchen E-Mails mehr",
        question: "Keine solchen E-Mails mehr?",
        meaning: |name| {
            format!(
                "{name} schreibt Ihnen dann nicht mehr von sich aus. Antworten auf Ihre Fragen und Erinnerungen an Ihre \
                 Termine erhalten Sie weiterhin."
            )
        },
        button: "Ja, keine mehr",
    },
    password: PasswordWords {
        wrong: "Fehler: ",
        title: "Passwort wählen",
        whose: |email| format!("Es ist das Passwort von {email}."),
        new: "Neues Passwort",
        help: |length| format!("Mindestens {length} Zeichen. Ein ganzer Satz eignet sich gut."),
        again: "Neues Passwort noch einmal",
        button: "Passwort festlegen",
        differ: "Das Passwort wurde nicht zweimal gleich eingegeben.",
        short: |length, least| format!("Das Passwort hat {length} Zeichen. Es braucht mindestens {least}."),
        done_title: "Ihr Passwort ist festgelegt",
        done: "Überall, wo Sie angemeldet waren, sind Sie jetzt abgemeldet.",
        sign_in: "Anmelden",
        dead_title: "Dieser Link gilt nicht mehr",
        dead: "Er wurde schon benutzt, ist zu alt, oder es wurde ein neuerer verschickt.",
        dead_next: "Einen neuen anfordern",
        forgotten_title: "Passwort vergessen?",
        forgotten: "Geben Sie Ihre E-Mail-Adresse ein. Wir schicken Ihnen einen Link, über den Sie ein neues Passwort wählen.",
        email: "E-Mail",
        send: "Link schicken",
        sent_title: "Sehen Sie in Ihr Postfach",
        sent: |hours| {
            format!(
                "Wenn diese Adresse zu einem Benutzer gehört, ist eine E-Mail mit einem Link unterwegs. Der Link gilt {}. \
                 Nach einigen Minuten noch keine E-Mail? Sehen Sie im Spam-Ordner nach, oder fragen Sie, wer diesen Dienst für \
                 Sie betreibt.",
                count(hours, "Stunde", "Stunden")
            )
        },
        ask_operator: "Dieser Dienst kann Ihnen keine E-Mails schicken. Bitten Sie, wer ihn für Sie betreibt, um einen Link, über den Sie ein neues Passwort wählen.",
        back: "Zurück zur Anmeldung",
        mail: password_mail,
    },
    flaw,
    notice,
    waiting: |name, service| match service {
        Some(service) => format!("{name} wartet auf eine Antwort: {service}"),
        None => format!("{name} wartet auf eine Antwort"),
    },
    trouble,
};

fn consent(channel: Channel, name: &str) -> String {
    match channel {
        Channel::Sms => format!(
            "Ich bin einverstanden, dass {name} mir SMS zu meiner Anfrage sendet. Wie viele es sind, hängt von der \
             Anfrage ab; es können Kosten nach meinem Mobilfunktarif anfallen. Ich kann jederzeit mit STOP antworten. \
             Ich muss dem nicht zustimmen, um bedient zu werden."
        ),
        Channel::Email => format!(
            "{name} darf mir Angebote und Erinnerungen per E-Mail senden. In jeder steht ein Link, mit dem ich das \
             beenden kann."
        ),
    }
}

fn flaw(flaw: Flaw) -> String {
    let text = match flaw {
        Flaw::NoName => "Bitte nennen Sie uns Ihren Namen.",
        Flaw::Empty => "Bitte füllen Sie dieses Feld aus.",
        Flaw::NotAnEmail => "Das sieht nicht wie eine E-Mail-Adresse aus, zum Beispiel name@example.com.",
        Flaw::NotAPhone => "Das sieht nicht wie eine Telefonnummer aus. Bitte geben Sie die Vorwahl mit an.",
        Flaw::Unreachable => {
            "Bitte geben Sie eine Telefonnummer oder eine E-Mail-Adresse an, damit wir antworten können."
        }
        Flaw::NoEmail => "Bitte geben Sie eine E-Mail-Adresse an, damit wir antworten können.",
        Flaw::TooLong(most) => return format!("Bitte bleiben Sie unter {most} Zeichen."),
        Flaw::PhotosLost => "Bitte wählen Sie Ihre Fotos noch einmal aus.",
        Flaw::PhotoTooLarge(megabytes) => {
            return format!("Ein Foto ist größer als {megabytes} MB. Bitte senden Sie ein kleineres.");
        }
        Flaw::TooManyPhotos(most) => return format!("Bitte senden Sie höchstens {most} Fotos."),
        Flaw::PhotoFormat => "Bitte verwenden Sie JPEG, PNG oder WebP.",
        Flaw::PhotoUnreadable => {
            "Dieses Foto kann nicht gelesen werden. Bitte nehmen Sie ein anderes auf oder wählen Sie ein anderes."
        }
        Flaw::PhotoTooManyPixels => "Dieses Foto hat zu viele Pixel. Bitte senden Sie ein kleineres.",
        Flaw::PhotoTooMuchWork => {
            "Dieses Foto zu lesen dauert zu lange. Bitte speichern Sie es als gewöhnliches JPEG, oder senden Sie ein \
             kleineres."
        }
        Flaw::PhotoNotKept => "Dieses Foto kann nicht aufbewahrt werden.",
        Flaw::PhotosUnreadable => {
            "Die Fotos konnten nicht gelesen werden. Bitte wählen Sie sie noch einmal aus."
        }
        Flaw::PhotosTooMany => {
            "Das sind viele große Fotos. Bitte senden Sie weniger, oder warten Sie eine Minute und wählen Sie sie noch \
             einmal aus."
        }
        Flaw::PhotosMustWait => {
            "Im Moment senden viele Fotos. Bitte wählen Sie Ihre in einer Minute noch einmal aus, oder senden Sie keine."
        }
    };
    text.to_owned()
}

fn notice(notice: &PageNotice) -> (String, String) {
    let (title, text) = match notice {
        PageNotice::TooLarge => ("Das ist zu groß", "Bitte kürzen Sie die Nachricht."),
        PageNotice::TooSlow => (
            "Das hat zu lange gedauert",
            "Die Übertragung hat zu lange gedauert. Bitte versuchen Sie es noch einmal, oder mit weniger Fotos.",
        ),
        PageNotice::PhotosMustWait => (
            "Bitte versuchen Sie es noch einmal",
            "Im Moment senden viele Fotos. Bitte versuchen Sie es gleich noch einmal.",
        ),
        PageNotice::TooMany(seconds) => {
            let text = format!("Bitte versuchen Sie es in {seconds} Sekunden noch einmal.");
            return ("Zu viele Anfragen".to_owned(), text);
        }
        PageNotice::Busy => (
            "Bitte versuchen Sie es noch einmal",
            "Wir können das im Moment nicht annehmen. Bitte versuchen Sie es gleich noch einmal.",
        ),
        PageNotice::Broken => {
            ("Etwas ist schiefgegangen", "Wir haben es vermerkt. Bitte versuchen Sie es später noch einmal.")
        }
        PageNotice::IncompleteLink => {
            ("Dieser Link ist nicht vollständig", "Bitte öffnen Sie ihn noch einmal aus der E-Mail.")
        }
        PageNotice::Unsubscribed(name) => {
            let text = format!(
                "{name} sendet Ihnen keine solchen E-Mails mehr. Antworten auf Ihre Fragen und Erinnerungen an Ihre \
                 Termine erhalten Sie weiterhin."
            );
            return ("Erledigt".to_owned(), text);
        }
    };
    (title.to_owned(), text.to_owned())
}

fn trouble(trouble: &Trouble) -> String {
    let length = |length| length_with(["Tag", "Tage"], length);
    let leads = |rows| count(rows, "Anfrage", "Anfragen");
    let could = |rows| plural(rows, "konnte", "konnten");
    let things = |rows| count(rows, "Nachricht oder Eintragung", "Nachrichten oder Eintragungen");
    match trouble {
        Trouble::Suspended => {
            "Alles ruht. Anfragen kommen weiter an und werden aufbewahrt; gesendet wird nichts.".to_owned()
        }
        Trouble::AlertCameBack(Some(address)) => {
            format!("Unsere E-Mail an {address} kam zurück; vielleicht haben Sie etwas verpasst. Bitte prüfen Sie die Adresse.")
        }
        Trouble::AlertCameBack(None) => {
            "Unsere E-Mail an Sie kam zurück; vielleicht haben Sie etwas verpasst. Bitte prüfen Sie Ihre Adresse.".to_owned()
        }
        Trouble::Rehearsing => {
            "Dies ist eine Probe: Nachrichten werden geschrieben, aber niemand erhält sie.".to_owned()
        }
        Trouble::Refused(account) => {
            format!("{account} lässt uns nicht mehr ein und muss neu verbunden werden.")
        }
        Trouble::Paused(account) => format!("{account} ist angehalten. Was es braucht, wartet."),
        Trouble::EndsSoon(account) => {
            format!("Die Erlaubnis für {account} endet bald und muss neu erteilt werden.")
        }
        Trouble::Unread { place, account, length: silent } => {
            let place = match place {
                Place::Mailbox => "Das Postfach",
                Place::Calendar => "Der Kalender",
                Place::Sheet => "Die Tabelle",
            };
            format!("{place} von {account} konnte seit {} nicht gelesen werden.", since(&length(*silent)))
        }
        Trouble::LeadsToReview(rows) => format!(
            "{} {} nicht maschinell gelesen werden. Bitte sehen Sie sich das Original an.",
            leads(*rows),
            could(*rows)
        ),
        Trouble::LeadsNotFetched(rows) => {
            format!("{} {} nicht bei der Quelle abgeholt werden.", leads(*rows), could(*rows))
        }
        Trouble::LeadsNotFetchedYet(rows) => {
            format!("{} {} noch nicht abgeholt werden. Wir versuchen es weiter.", leads(*rows), could(*rows))
        }
        Trouble::GivenUp(rows) => {
            format!("{} {} nicht zugestellt werden. Wir haben es aufgegeben.", things(*rows), could(*rows))
        }
        Trouble::InDoubt(rows) => {
            let went = plural(*rows, "sie hinausgegangen ist", "sie hinausgegangen sind");
            format!("Bei {} ist offen, ob {went}. Wir prüfen es.", things(*rows))
        }
        Trouble::NotThroughYet(rows) => format!(
            "{} {} noch nicht durchgekommen. Wir versuchen es weiter.",
            things(*rows),
            plural(*rows, "ist", "sind")
        ),
        Trouble::RunsFailed(1) => "Einmal konnte eine Automatik ihre Arbeit nicht beenden.".to_owned(),
        Trouble::RunsFailed(times) => {
            format!("{times}-mal konnte eine Automatik ihre Arbeit nicht beenden.")
        }
        Trouble::Late(waiting) => {
            format!("Die Arbeit ist in Verzug: Etwas wartet schon seit {}.", since(&length(*waiting)))
        }
        Trouble::Locked(email) => {
            format!("Die Anmeldung als {email} ist eine Weile gesperrt: Es gab zu viele falsche Versuche.")
        }
        Trouble::Stopped => {
            "Nexora selbst arbeitet im Moment nicht. Wer es betreibt, sieht warum.".to_owned()
        }
        Trouble::NothingConnected => {
            "Noch ist kein Konto verbunden; es kann nichts gesendet werden.".to_owned()
        }
        Trouble::NothingAutomated => {
            "Keine Automatik ist eingeschaltet. Anfragen werden aufbewahrt, und nichts wird gesendet."
                .to_owned()
        }
        Trouble::AutomationPaused(name) => {
            format!("Die Automatik „{name}“ ist angehalten. Was sie zu tun hat, wartet.")
        }
        Trouble::SourceRefused(name) => {
            format!("Anfragen von „{name}“ werden abgewiesen, weil das Passwort nicht passt.")
        }
        Trouble::Silence { length: silent, usual } => format!(
            "Seit {} ist keine Anfrage gekommen; üblich sind in dieser Zeit etwa {usual}. Bitte prüfen Sie Ihr Formular.",
            since(&length(*silent))
        ),
        Trouble::Unaccounted(rows) => format!(
            "{} nicht weiter bearbeitet. Wir sehen nach.",
            count(*rows, "Vorgang wird", "Vorgänge werden")
        ),
        Trouble::HeldAsSpam(rows) => {
            format!("{} als Spam zurückgehalten", count(*rows, "Anfrage wurde", "Anfragen wurden"))
        }
    }
}

/// Puts a length of time behind "seit".
fn since(length: &str) -> String {
    length.replace("Tage", "Tagen")
}

fn password_mail(mail: &PasswordMail<'_>) -> (String, String) {
    let PasswordMail { link, hours, .. } = mail;
    let greeting = (WORDS.greeting)(mail.name);
    let [to, at, of] = match mail.business {
        Some(name) => ["zur Statusseite", "auf der Statusseite", "die Statusseite"]
            .map(|page| format!("{page} von {name}")),
        None => ["zu Nexora", "bei Nexora", "Nexora"].map(str::to_owned),
    };
    let hours = count(*hours, "Stunde", "Stunden");
    match mail.purpose {
        LinkPurpose::Invitation => (
            format!("Ihr Zugang {to}"),
            format!(
                "{greeting},\n\nSie können sich {at} anmelden. Wählen Sie hier Ihr Passwort:\n\n{link}\n\nDer Link gilt einmal und \
                 {hours} lang.\n\nSie haben das nicht erwartet? Dann tun Sie nichts: Ohne Passwort geschieht nichts.\n"
            ),
        ),
        LinkPurpose::Reset => (
            format!("Neues Passwort für {of}"),
            format!(
                "{greeting},\n\njemand hat ein neues Passwort für {of} angefordert. Wenn Sie das waren, wählen Sie es \
                 hier:\n\n{link}\n\nDer Link gilt einmal und {hours} lang.\n\nSie waren das nicht? Dann tun Sie nichts: Ihr Passwort \
                 bleibt, wie es ist.\n"
            ),
        ),
    }
}
