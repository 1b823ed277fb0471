//! What a language has to say. A text that holds values is a function of them, so that each language orders, bends and
//! counts as it does.

use crate::base::money::Decimal;
use crate::model::consent::Channel;
use crate::model::country::Country;
use crate::model::language::{Flaw, PageNotice, Trouble};
use crate::model::password_link::LinkPurpose;

/// Everything that the program itself says to customers and owners in one language. What messages say is in
/// `config/messages/`.
pub struct Words {
    pub dates: Dates,
    /// What stands before the decimals of a number where the language is spoken in this country.
    pub decimal: fn(Country) -> Decimal,
    /// How a message to a person begins: by the first name, or without a name.
    pub greeting: fn(Option<&str>) -> String,
    /// What people agree to unless the business words it otherwise: by channel, and by the name of the business.
    pub consent: fn(Channel, &str) -> String,
    pub form: FormWords,
    pub thanks: ThanksWords,
    pub unsubscribe: UnsubscribeWords,
    pub password: PasswordWords,
    pub flaw: fn(Flaw) -> String,
    /// The title and the text of a page that only says something.
    pub notice: fn(&PageNotice) -> (String, String),
    /// Tells an owner that somebody waits for an answer, and about what.
    pub waiting: fn(&str, Option<&str>) -> String,
    /// Tells an owner what is in disorder.
    pub trouble: fn(&Trouble) -> String,
}

/// How days and times are written.
pub struct Dates {
    /// From Monday.
    pub weekdays: [&'static str; 7],
    pub weekdays_short: [&'static str; 7],
    pub months: [&'static str; 12],
    pub months_short: [&'static str; 12],
    pub day: fn(&Day) -> String,
    pub short: fn(&Day) -> String,
    /// A time of the day on a clock of 24 hours, as chrono formats it.
    pub clock: &'static str,
    /// What morning and afternoon are called where people count to twelve; nothing where nobody who speaks the language does.
    pub halves: Option<[&'static str; 2]>,
}

/// A day with the names that it has in a language.
pub struct Day {
    pub weekday: &'static str,
    pub weekday_short: &'static str,
    pub number: u32,
    pub month: &'static str,
    pub month_short: &'static str,
    pub year: i32,
}

/// The form.
pub struct FormWords {
    pub title: fn(&str) -> String,
    /// What stands before the title of a form that is shown again with its faults.
    pub check: &'static str,
    pub check_fields: fn(usize) -> String,
    pub intro: &'static str,
    /// What stands before a telephone number.
    pub call: &'static str,
    pub emergency: &'static str,
    pub open_until: fn(&str) -> String,
    pub opens_today: fn(&str) -> String,
    /// By the name of the day and the time.
    pub opens_on: fn(&str, &str) -> String,
    pub area: &'static str,
    pub hours: &'static str,
    pub hours_and_area: &'static str,
    pub name: &'static str,
    pub phone: &'static str,
    pub email: &'static str,
    pub phone_or_email: &'static str,
    pub service: &'static str,
    pub postcode: &'static str,
    pub address: &'static str,
    pub preferred_time: &'static str,
    pub preferred_time_example: &'static str,
    pub message: &'static str,
    pub photos: &'static str,
    /// How many photos may be sent, and how large each may be in megabytes.
    pub photos_help: fn(u32, u64) -> String,
    pub optional: &'static str,
    pub choose: &'static str,
    /// The label of the field that only programs fill in.
    pub trap: &'static str,
    pub send: &'static str,
    pub sending: &'static str,
    pub privacy: fn(&str) -> String,
    /// What is wrong where no field of the form is.
    pub whole: &'static str,
    /// What a form of the business's own website says once it was sent, and when it could not be.
    pub sent: &'static str,
    pub not_sent: &'static str,
}

/// The page after the form.
pub struct ThanksWords {
    pub title: &'static str,
    pub has_request: fn(&str) -> String,
    pub next: &'static str,
    pub look_in_email: &'static str,
    /// The business is open: its name, and whether it may call.
    pub now: fn(&str, bool) -> String,
    /// The business is closed: when it opens, as the form says it, and whether it may call.
    pub later: fn(&str, bool) -> String,
    pub our_number: fn(&str) -> String,
    pub cannot_wait: &'static str,
    pub another: &'static str,
}

/// The page behind the link that ends commercial mail.
pub struct UnsubscribeWords {
    pub title: &'static str,
    pub question: &'static str,
    pub meaning: fn(&str) -> String,
    pub button: &'static str,
}

/// The pages by which a user sets a password without knowing the present one, and the mails that lead there.
pub struct PasswordWords {
    /// What stands before the title of a page that is shown again with what is wrong.
    pub wrong: &'static str,
    pub title: &'static str,
    /// Whose password it is, by the address.
    pub whose: fn(&str) -> String,
    pub new: &'static str,
    /// How long it has to be.
    pub help: fn(usize) -> String,
    pub again: &'static str,
    pub button: &'static str,
    pub differ: &'static str,
    /// By how long it is, and how long it has to be.
    pub short: fn(usize, usize) -> String,
    pub done_title: &'static str,
    pub done: &'static str,
    pub sign_in: &'static str,
    /// The link has been used, is too old, or a newer one was made.
    pub dead_title: &'static str,
    pub dead: &'static str,
    pub dead_next: &'static str,
    pub forgotten_title: &'static str,
    pub forgotten: &'static str,
    pub email: &'static str,
    pub send: &'static str,
    pub sent_title: &'static str,
    pub sent: fn(u64) -> String,
    pub ask_operator: &'static str,
    pub back: &'static str,
    /// The subject and the text of the mail with the link.
    pub mail: fn(&PasswordMail<'_>) -> (String, String),
}

/// What the mail with the link is about.
pub struct PasswordMail<'a> {
    pub purpose: LinkPurpose,
    /// The first name or names of the user, where they are known.
    pub name: Option<&'a str>,
    /// The business that they belong to; nothing where they belong to none, or look after all.
    pub business: Option<&'a str>,
    pub link: &'a str,
    /// How many hours the link works.
    pub hours: u64,
}
