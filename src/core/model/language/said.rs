//! What is said to people with values in it, without its words: each language has them.

use std::time::Duration;

/// What is wrong with what somebody filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    NoName,
    Empty,
    NotAnEmail,
    NotAPhone,
    /// Neither a telephone number nor an address was left.
    Unreachable,
    /// The same where the form asks for no telephone number.
    NoEmail,
    /// By the most characters that are taken.
    TooLong(usize),
    /// Photos are lost when a form is shown again.
    PhotosLost,
    /// By the most megabytes.
    PhotoTooLarge(u64),
    /// By the most photos.
    TooManyPhotos(u32),
    PhotoFormat,
    PhotoUnreadable,
    PhotoTooManyPixels,
    PhotoTooMuchWork,
    PhotoNotKept,
    PhotosUnreadable,
    PhotosTooMany,
    PhotosMustWait,
}

/// What a page says that shows nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageNotice {
    TooLarge,
    TooSlow,
    /// Others are sending photos.
    PhotosMustWait,
    /// Too many requests; by the seconds to wait.
    TooMany(u64),
    /// We cannot do it just now.
    Busy,
    /// Something of ours is broken.
    Broken,
    /// A link of one of our messages is not whole, or leads nowhere any more.
    IncompleteLink,
    /// The mails of this business have ended.
    Unsubscribed(String),
}

/// Something that is in disorder, as the owner of a business is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    Suspended,
    Rehearsing,
    /// An account refuses us.
    Refused(String),
    /// An account was paused.
    Paused(String),
    /// The permission for an account ends soon.
    EndsSoon(String),
    Unread {
        place: Place,
        account: String,
        length: Duration,
    },
    LeadsToReview(i64),
    /// Leads that will not be asked for again.
    LeadsNotFetched(i64),
    LeadsNotFetchedYet(i64),
    GivenUp(i64),
    InDoubt(i64),
    NotThroughYet(i64),
    RunsFailed(i64),
    Late(Duration),
    /// The sign-in of an address is locked.
    Locked(String),
    HeldAsSpam(usize),
    /// A mail to the business itself came back, from an address that may not be known.
    AlertCameBack(Option<String>),
    /// The program itself does not work, or not all of it.
    Stopped,
    NothingConnected,
    NothingAutomated,
    /// An automation was paused.
    AutomationPaused(String),
    /// What calls itself a source of leads is refused.
    SourceRefused(String),
}

/// What of an account is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Mailbox,
    Calendar,
    Sheet,
}
