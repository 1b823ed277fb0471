//! English.

use super::{
    Dates, Flaw, FormWords, PageNotice, PasswordMail, PasswordWords, Place, ThanksWords, Trouble,
    UnsubscribeWords, Words,
};
use crate::base::money::Decimal;
use crate::base::wording::{count, length, plural};
use crate::model::consent::Channel;
use crate::model::password_link::LinkPurpose;

pub static WORDS: Words = Words {
    dates: Dates {
        weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        weekdays_short: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        months: [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        months_short: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
        day: |day| format!("{}, {} {}", day.weekday, day.month, day.number),
        short: |day| format!("{} {} {} {}", day.weekday_short, day.number, day.month_short, day.year),
        clock: "%H:%M",
        halves: Some(["AM", "PM"]),
    },
    decimal: |_| Decimal::Point,
    greeting: |name| name.map_or_else(|| "Hello".to_owned(), |name| format!("Hi {name}")),
    consent,
    form: FormWords {
        title: |name| format!("Contact {name}"),
        check: "Please check: ",
        check_fields: |fields| match fields {
            1 => "Please check one field".to_owned(),
            fields => format!("Please check {fields} fields"),
        },
        intro: "Tell us what you need, and we get back to you.",
        call: "Call",
        emergency: "Emergency?",
        open_until: |time| format!("Open now, until {time}."),
        opens_today: |time| format!("We open today at {time}."),
        opens_on: |day, time| format!("We open {day} at {time}."),
        area: "Where we work",
        hours: "Our hours",
        hours_and_area: "Our hours and area",
        name: "Your name",
        phone: "Phone",
        email: "Email",
        phone_or_email: "phone or email, or both",
        service: "What do you need?",
        postcode: "Postcode",
        address: "Address",
        preferred_time: "When suits you?",
        preferred_time_example: "for example weekday mornings",
        message: "How can we help?",
        photos: "Photos",
        photos_help: |most, megabytes| match most {
            1 => format!("They help us to come prepared. One photo of {megabytes} MB."),
            most => format!("They help us to come prepared. Up to {most} photos of {megabytes} MB."),
        },
        optional: "optional",
        choose: "Please choose",
        trap: "Leave this empty",
        send: "Send request",
        sending: "Sending…",
        privacy: |name| format!("What you send goes to {name} alone, to answer your request."),
        whole: "The form",
        sent: "Thank you. We get back to you soon.",
        not_sent: "This could not be sent. Please try again.",
    },
    thanks: ThanksWords {
        title: "Thank you",
        has_request: |name| format!("{name} has your request."),
        next: "What happens next",
        look_in_email: "Look out for our answer in your email.",
        now: |name, may_call| {
            format!("Somebody of {name} reads your request now and will {}.", answer(may_call))
        },
        later: |opens, may_call| format!("{opens} We will {} then.", answer(may_call)),
        our_number: |number| format!("If {number} rings you, that is us."),
        cannot_wait: "It cannot wait?",
        another: "Send another request",
    },
    unsubscribe: UnsubscribeWords {
        title: "No more of these mails",
        question: "No more of these mails?",
        meaning: |name| {
            format!(
                "{name} will then not write to you any more on its own account. Answers to what you ask, and \
                 reminders of your appointments, still reach you."
            )
        },
        button: "Yes, no more",
    },
    password: PasswordWords {
        wrong: "Error: ",
        title: "Choose a password",
        whose: |email| format!("It is the password of {email}."),
        new: "New password",
        help: |length| format!("At least {length} characters. A sentence is good."),
        again: "New password once more",
        button: "Set the password",
        differ: "The password was not typed the same way twice.",
        short: |length, least| format!("The password has {length} characters. It needs at least {least}."),
        done_title: "Your password is set",
        done: "Wherever you were signed in, you are signed out now.",
        sign_in: "Sign in",
        dead_title: "This link does not work any more",
        dead: "It has been used, is too old, or a newer one was sent.",
        dead_next: "Ask for another one",
        forgotten_title: "Forgot your password?",
        forgotten: "Type your email address, and we send you a link by which you choose another one.",
        email: "Email",
        send: "Send the link",
        sent_title: "Look into your mailbox",
        sent: |hours| {
            format!(
                "If that is the address of a user, a mail with a link is on its way. The link works for {}. No mail \
                 after some minutes? Look among the spam, or ask whoever runs this service for you.",
                count(hours, "hour", "hours")
            )
        },
        ask_operator: "This service cannot send mails to you. Ask whoever runs it for you for a link by which you choose another password.",
        back: "Back to signing in",
        mail: password_mail,
    },
    flaw,
    notice,
    waiting: |name, service| match service {
        Some(service) => format!("{name} is waiting for an answer: {service}"),
        None => format!("{name} is waiting for an answer"),
    },
    trouble,
};

fn answer(may_call: bool) -> &'static str {
    if may_call { "call or write to you" } else { "write to you" }
}

/// For text messages it says what 47 CFR 64.1200(f)(9) and the carriers want: who, what, how often, what it costs, how
/// it ends.
fn consent(channel: Channel, name: &str) -> String {
    match channel {
        Channel::Sms => format!(
            "I agree that {name} sends me text messages about my request. How many depends on the request; \
             message and data rates may apply. I may reply STOP at any time. I do not have to agree to this to be served."
        ),
        Channel::Email => {
            format!(
                "{name} may send me offers and reminders by email. Every one of them has a link to end it."
            )
        }
    }
}

fn flaw(flaw: Flaw) -> String {
    let text = match flaw {
        Flaw::NoName => "Please tell us your name.",
        Flaw::Empty => "Please fill this in.",
        Flaw::NotAnEmail => "This does not look like an email address, for example name@example.com.",
        Flaw::NotAPhone => "This does not look like a phone number. Please include the area code.",
        Flaw::Unreachable => "Please leave a phone number or an email address, so that we can answer.",
        Flaw::NoEmail => "Please leave an email address, so that we can answer.",
        Flaw::TooLong(most) => return format!("Please keep this under {most} characters."),
        Flaw::PhotosLost => "Please choose your photos again.",
        Flaw::PhotoTooLarge(megabytes) => {
            return format!("A photo is larger than {megabytes} MB. Please send a smaller one.");
        }
        Flaw::TooManyPhotos(most) => return format!("Please send at most {most} photos."),
        Flaw::PhotoFormat => "Please use JPEG, PNG or WebP.",
        Flaw::PhotoUnreadable => "This photo cannot be read. Please take or choose another.",
        Flaw::PhotoTooManyPixels => "This photo has too many pixels. Please send a smaller one.",
        Flaw::PhotoTooMuchWork => {
            "This photo takes too long to read. Please save it as an ordinary JPEG, or send a smaller one."
        }
        Flaw::PhotoNotKept => "This photo cannot be kept.",
        Flaw::PhotosUnreadable => "The photos could not be read. Please choose them again.",
        Flaw::PhotosTooMany => {
            "These are many large photos. Please send fewer, or wait a minute and choose them again."
        }
        Flaw::PhotosMustWait => {
            "Many are sending photos just now. Please choose yours again in a minute, or send none."
        }
    };
    text.to_owned()
}

fn notice(notice: &PageNotice) -> (String, String) {
    let (title, text) = match notice {
        PageNotice::TooLarge => ("this is too large", "Please shorten the message."),
        PageNotice::TooSlow => {
            ("this took too long", "It took too long to arrive. Please try again, or with fewer photos.")
        }
        PageNotice::PhotosMustWait => {
            ("please try again", "Many are sending photos just now. Please try again in a moment.")
        }
        PageNotice::TooMany(seconds) => {
            return ("too many requests".to_owned(), format!("Please try again in {seconds} seconds."));
        }
        PageNotice::Busy => {
            ("please try again", "We cannot take this just now. Please try again in a moment.")
        }
        PageNotice::Broken => ("something went wrong", "It has been noted. Please try again later."),
        PageNotice::IncompleteLink => ("this link is not complete", "open it from the mail once more"),
        PageNotice::Unsubscribed(name) => {
            let text = format!(
                "{name} will not send you any more of these mails. Answers to what you ask, and reminders of your \
                 appointments, still reach you."
            );
            return ("done".to_owned(), text);
        }
    };
    (title.to_owned(), text.to_owned())
}

fn trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Suspended => {
            "Everything is paused. Leads still come in and are kept; nothing is sent.".to_owned()
        }
        Trouble::AlertCameBack(Some(address)) => {
            format!("Our mail to {address} came back, so you may have missed news. Please check the address.")
        }
        Trouble::AlertCameBack(None) => {
            "Our mail to you came back, so you may have missed news. Please check your address.".to_owned()
        }
        Trouble::Rehearsing => {
            "This is a rehearsal: messages are written and shown here, and reach nobody.".to_owned()
        }
        Trouble::Refused(account) => {
            format!("{account} does not let us in any more and has to be connected again.")
        }
        Trouble::Paused(account) => format!("{account} is paused. What needs it waits."),
        Trouble::EndsSoon(account) => {
            format!("The permission for {account} ends soon and has to be given again.")
        }
        Trouble::Unread { place, account, length: silent } => {
            let place = match place {
                Place::Mailbox => "mailbox",
                Place::Calendar => "calendar",
                Place::Sheet => "sheet",
            };
            format!("The {place} of {account} could not be read for {}.", length(*silent))
        }
        Trouble::LeadsToReview(rows) => {
            format!(
                "{} could not be read by machine. Please look at the original.",
                count(*rows, "lead", "leads")
            )
        }
        Trouble::LeadsNotFetched(rows) => {
            let came = plural(*rows, "it", "they");
            format!("{} could not be fetched from where {came} came in.", count(*rows, "lead", "leads"))
        }
        Trouble::LeadsNotFetchedYet(rows) => {
            format!("{} could not be fetched yet. We keep trying.", count(*rows, "lead", "leads"))
        }
        Trouble::GivenUp(rows) => format!("{} could not be delivered and had to be given up.", things(*rows)),
        Trouble::InDoubt(rows) => {
            format!("{} may or may not have gone out. We are checking.", things(*rows))
        }
        Trouble::NotThroughYet(rows) => {
            format!("{} did not go through yet. We keep trying.", things(*rows))
        }
        Trouble::RunsFailed(1) => "Once, an automation could not finish its work.".to_owned(),
        Trouble::RunsFailed(times) => format!("{times} times, an automation could not finish its work."),
        Trouble::Late(waiting) => {
            format!("Work is running late: something has been waiting for {}.", length(*waiting))
        }
        Trouble::Locked(email) => {
            format!("Signing in as {email} is locked for a while: there were too many wrong tries.")
        }
        Trouble::Stopped => {
            "Nexora itself is not working at the moment. Whoever runs it can see why.".to_owned()
        }
        Trouble::NothingConnected => "No account is connected yet, so nothing can be sent.".to_owned(),
        Trouble::NothingAutomated => {
            "No automation is switched on. Requests are kept, and nothing is sent.".to_owned()
        }
        Trouble::AutomationPaused(name) => {
            format!("The automation “{name}” is paused. What it is to do waits.")
        }
        Trouble::SourceRefused(name) => {
            format!("Requests from “{name}” are turned away, because its password does not fit.")
        }
        Trouble::Silence { length: silent, usual } => format!(
            "No request has come in for {}; about {usual} are usual in that time. Please check your form.",
            length(*silent)
        ),
        Trouble::Unaccounted(rows) => {
            format!("{} not being worked on. We are looking into it.", count(*rows, "thing is", "things are"))
        }
        Trouble::HeldAsSpam(rows) => {
            format!("{} held back as spam", count(*rows, "request was", "requests were"))
        }
    }
}

fn things(rows: i64) -> String {
    count(rows, "message or record", "messages or records")
}

fn password_mail(mail: &PasswordMail<'_>) -> (String, String) {
    let PasswordMail { link, hours, .. } = mail;
    let greeting = (WORDS.greeting)(mail.name);
    let whose =
        mail.business.map_or_else(|| "Nexora".to_owned(), |name| format!("the status page of {name}"));
    let hours = count(*hours, "hour", "hours");
    match mail.purpose {
        LinkPurpose::Invitation => (
            format!("Your access to {whose}"),
            format!(
                "{greeting},\n\nyou may sign in to {whose}. Choose your password here:\n\n{link}\n\nThe link works once, and for \
                 {hours}.\n\nYou did not expect this? Then leave it alone: without a password nothing happens.\n"
            ),
        ),
        LinkPurpose::Reset => (
            format!("Another password for {whose}"),
            format!(
                "{greeting},\n\nsomebody asked for another password for {whose}. If that was you, choose it here:\n\n{link}\n\nThe \
                 link works once, and for {hours}.\n\nIt was not you? Then leave it alone: your password stays as it is.\n"
            ),
        ),
    }
}
